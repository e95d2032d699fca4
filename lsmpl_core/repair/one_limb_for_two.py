"""Limbs that are seen where the other one is: detectors that lose a leg put it onto the one in
front.

Knees are as far apart as they are thick, and so are ankles, elbows and wrists; no body has both
joints of one limb in those of the other.
"""

from __future__ import annotations

from itertools import chain

import numpy as np

from ..frames import runs
from ..keypoints.layouts import Layout
from ..points import lengths

LIMBS = (
    (("knee", "ankle"), ("knee", "ankle", "toe", "heel", "foot")),
    (("elbow", "wrist"), ("elbow", "wrist", "hand", "knuckle", "tip")),
)
"""Ends of the names of the sites that coincide, and of all that are then another's."""
TOGETHER = 0.05
"""Metres up to which each of them and its partner are one."""
FEWEST_FRAMES = 3
MOST = 0.5
"""Share of the take from which on both limbs are meant to be there."""
LEAST, CLEARLY = 0.08, 2.0
"""Metres that the limb goes from one frame to the next, at least, when it leaves its place or comes
back to it, and times what the other one goes. Of 366 recorded motions one has legs in each other,
which got there as legs move."""


def find_limbs_on_others(positions: np.ndarray, layout: Layout) -> np.ndarray:
    """(T,K) bool: keypoints of positions (T,K,3), NaN where missing, of limbs that are seen where
    the other one is, and jump there or back."""
    sites = list(layout.sites)
    found = np.zeros(positions.shape[:2], dtype=bool)
    step = np.nan_to_num(np.diff(positions, axis=0))
    for joints, ends in LIMBS:
        pairs = [[f"{side}_{joint}" for joint in joints] for side in ("left", "right")]
        if not set(chain(*pairs)).issubset(sites):
            continue
        left, right = ([sites.index(name) for name in names] for names in pairs)
        apart = lengths(positions[:, left] - positions[:, right])
        together = (apart < TOGETHER).all(axis=1)
        if together.mean() > MOST:
            continue
        beyond = [
            [k for k, site in enumerate(sites) if site.startswith(side) and site.endswith(ends)]
            for side in ("left_", "right_")
        ]
        for first, after in runs(together):
            if after - first < FEWEST_FRAMES:
                continue
            edges = [t for t in (first - 1, after - 1) if 0 <= t < len(positions) - 1]
            gone = [
                max((float(np.mean(lengths(step[t, limb]))) for t in edges), default=0.0)
                for limb in (left, right)
            ]
            side = int(np.argmax(gone))
            if gone[side] > max(LEAST, CLEARLY * gone[1 - side]):
                found[first:after, beyond[side]] = True
    return found
