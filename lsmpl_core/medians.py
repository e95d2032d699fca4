"""Medians of what is seen; those of points axis by axis, for takes are long and copies large."""

from __future__ import annotations

from collections.abc import Iterator

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


def seen_spread(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Median, and median deviation from it, of values (T,N) along the first axis, NaN where nothing
    is seen."""
    median = seen_median(values)
    return median, seen_median(np.abs(values - median))


AT_ONCE = 4096
"""Frames, or points, that are worked on at once: what is made of all of a take's may be more than
there is memory for."""


def in_parts(*arrays: np.ndarray) -> Iterator[tuple[np.ndarray, ...]]:
    """Views of arrays of one length, `AT_ONCE` of their rows after the other."""
    for first in range(0, len(arrays[0]), AT_ONCE):
        yield tuple(array[first : first + AT_ONCE] for array in arrays)


def middle_of_points(points: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """(3,): the median of points (..., 3) where `seen` (...) is true, along each axis."""
    return np.array([own_median(points[..., axis][seen]) for axis in range(3)])


def own_median(values: np.ndarray) -> float:
    """The median of an array of the caller's own, whose order is lost: no copy is made."""
    return float(np.median(values, overwrite_input=True))


def within(points: np.ndarray, middle: np.ndarray, distance: float) -> np.ndarray:
    """(...): whether points (..., 3) are no farther from `middle` (3,) than so much along each
    axis; NaN are not."""
    found = np.empty(points.shape[:-1], dtype=bool)
    for part, here in in_parts(points, found):
        here[...] = (np.abs(part - middle) <= distance).all(axis=-1)
    return found
