"""Points and vectors of a few coordinates: NumPy's sums over the last axis, made for long ones,
take several times as long as one coordinate after the other."""

from __future__ import annotations

import numpy as np


def lengths(vectors: np.ndarray) -> np.ndarray:
    """(...) of vectors (...,N)."""
    squares = vectors[..., 0] * vectors[..., 0]
    for axis in range(1, vectors.shape[-1]):
        squares = squares + vectors[..., axis] * vectors[..., axis]
    return np.sqrt(squares)


def complete(points: np.ndarray) -> np.ndarray:
    """(...) bool: whether all coordinates of points (...,N) are finite."""
    finite = np.isfinite(points[..., 0])
    for axis in range(1, points.shape[-1]):
        finite = finite & np.isfinite(points[..., axis])
    return finite
