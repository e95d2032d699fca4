"""Pixels of an image with a depth beside them, as sensors' programs write them before they know
their lens: x and y are no lengths, and z is one."""

from __future__ import annotations

import numpy as np

from ..keypoints.layouts import Layout
from ..keypoints.plausibility import implausibility, some_frames
from .units import measure_stature

PIXELS_WITH_DEPTH = (
    "its x and y are pixels of an image and z is a depth in another unit. Places in space are "
    "needed: the sensor's own 3D points, or x and y as lengths, by its lens ((x - cx) z / f); or "
    "say --layout if they are"
)
WIDEST_IMAGE = 8192
LEAST_SIZE = 40.0
"""Pixels that somebody is tall at least, and of the widest image."""
_SCALES = np.geomspace(1e-2, 1e3, 31)
CLEAR, LEAST_GAIN, MOST_LEFT = 1.6, 0.04, 0.6
"""Times that z is of another scale at least; by how much bones are more plausible then, and which
share of what they were off is left at most."""
FLAT, METRES = 0.02, (0.3, 20.0)
"""Share of the pixels' extent below which a depth is in metres, and the depths of sensors."""
FOCAL_LENGTHS = 150.0, 5000.0
"""Pixels, which that scale times the depth is."""
PERSON_MM = 1100.0, 2400.0
"""How tall people are: noisy depths ask to be shrunk, of places in millimetres."""


def are_pixels_with_depth(positions: np.ndarray, layout: Layout) -> bool:
    """Whether x and y of keypoints (T,K,3) are pixels, and z a depth of another scale: bones make a
    body where z is multiplied by a focal length through the depth."""
    chosen = some_frames(positions)
    chosen = chosen[np.isfinite(chosen).all(axis=2).any(axis=1)]
    if not len(chosen):
        return False
    low, high = np.nanmin(chosen, axis=(0, 1)), np.nanmax(chosen, axis=(0, 1))
    size = np.nanmedian(np.nanmax(chosen[..., :2], axis=1) - np.nanmin(chosen[..., :2], axis=1), 0)
    in_image = low[:2].min() >= 0 and high[:2].max() <= WIDEST_IMAGE and size.max() >= LEAST_SIZE
    if not in_image or not low[2] > 0:
        return False

    depth = float(np.nanmedian(chosen[..., 2]))
    if high[2] - low[2] < FLAT * size.max() and METRES[0] < low[2] and high[2] < METRES[1]:
        return True
    errors = [implausibility(chosen * [1, 1, scale], layout) for scale in (1.0, *_SCALES)]
    best = int(np.argmin(errors[1:]))
    scale, least = float(_SCALES[best]), errors[best + 1]
    gained = errors[0] - least >= LEAST_GAIN and least <= MOST_LEFT * errors[0]
    if not gained or 1 / CLEAR < scale < CLEAR:
        return False
    if not FOCAL_LENGTHS[0] < scale * depth < FOCAL_LENGTHS[1]:
        return False
    stature = measure_stature(chosen * [1, 1, scale], layout)
    return not PERSON_MM[0] < stature < PERSON_MM[1]
