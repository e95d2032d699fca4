"""The proportions of an adult, and what of them keypoints show.

Only the sites that all layouts share are looked at (shoulders, elbows, wrists, hips, knees,
ankles), and missing keypoints do no harm: medians over the frames that are seen.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from .layouts import Layout

ADULT_STATURE = 1.69
ADULT_SEGMENTS = {
    ("hip", "knee"): 0.378,
    ("knee", "ankle"): 0.400,
    ("shoulder", "elbow"): 0.262,
    ("elbow", "wrist"): 0.250,
    ("shoulder", "hip"): 0.552,
}
"""Segment lengths in metres of SMPL's neutral mean body, whose stature is `ADULT_STATURE`."""


def body_scale(positions: np.ndarray, layout: Layout) -> float:
    """File units per metre, were the person the average adult: median over segments; NaN where none
    is seen."""
    sites = Sites(positions, layout)
    scale = finite_median(
        finite_median(sites.distance(f"{side}_{a}", f"{side}_{b}")) / adult
        for (a, b), adult in ADULT_SEGMENTS.items()
        for side in ("left", "right")
    )
    return scale if 1e-9 < scale < 1e9 else np.nan


class Sites:
    """Site positions (T,3) of a track by name; NaN where the layout has none."""

    def __init__(self, positions: np.ndarray, layout: Layout):
        self._positions = positions
        self._row = {site: i for i, site in reversed(list(enumerate(layout.sites)))}

    def __getitem__(self, site: str) -> np.ndarray:
        if site in self._row:
            return self._positions[:, self._row[site]]
        return np.full((len(self._positions), 3), np.nan)

    def distance(self, one: str, other: str) -> np.ndarray:
        """(T,) from one site to another."""
        return np.linalg.norm(self[one] - self[other], axis=1)

    def middle(self, part: str, *instead: str) -> np.ndarray:
        """Between the left and the right part, or one of the sites `instead` where those are not
        seen."""
        middle = (self[f"left_{part}"] + self[f"right_{part}"]) / 2
        for site in instead:
            middle = np.where(np.isfinite(middle), middle, self[site])
        return middle


def finite_median(values: Iterable[float] | np.ndarray) -> float:
    """Median of what is finite, NaN where nothing is."""
    numbers = np.asarray(
        list(values) if not isinstance(values, np.ndarray) else values, dtype=float
    )
    finite = numbers[np.isfinite(numbers)]
    return float(np.median(finite)) if len(finite) else np.nan


def finite_mean(values: np.ndarray, axis: int) -> np.ndarray:
    """Mean of what is finite, NaN where nothing is."""
    finite = np.isfinite(values)
    count = finite.sum(axis=axis)
    return np.where(finite, values, 0.0).sum(axis=axis) / np.where(count > 0, count, np.nan)


def normalised(vectors: np.ndarray) -> np.ndarray:
    """Vectors (...,3) of length 1, NaN where they have none."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(length > 0, length, np.nan)
