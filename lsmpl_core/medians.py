"""Medians of what is seen; those of points axis by axis, for takes are long and copies large."""

from __future__ import annotations

import numpy as np


def seen_median(values: np.ndarray, axis: int = 0) -> np.ndarray:
    """`np.nanmedian` along an axis, NaN where nothing is seen, without a warning, and many times as
    fast where the axis is short."""
    ordered = np.sort(np.moveaxis(values, axis, 0), axis=0)  # NaN comes last
    if not len(ordered):
        return np.full(ordered.shape[1:], np.nan)
    count = (~np.isnan(ordered)).sum(axis=0, keepdims=True)
    last = np.maximum(count - 1, 0)
    middle = [np.take_along_axis(ordered, at, axis=0)[0] for at in (last // 2, last - last // 2)]
    return 0.5 * (middle[0] + middle[1])


def middle_of_points(points: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """(3,): the median of points (..., 3) where `seen` (...) is true, along each axis."""
    return np.array([np.median(points[..., axis][seen]) for axis in range(3)])


def within(points: np.ndarray, middle: np.ndarray, distance: float) -> np.ndarray:
    """(...): whether points (..., 3) are no farther from `middle` (3,) than so much along each
    axis; NaN are not."""
    return np.logical_and.reduce(
        [np.abs(points[..., axis] - middle[axis]) <= distance for axis in range(3)]
    )
