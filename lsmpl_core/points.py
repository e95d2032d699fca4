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


def swing(vectors: np.ndarray) -> float:
    """The median angle, in radians, of vectors (T,3) from their mean direction."""
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    mean = unit.mean(axis=0) / max(np.linalg.norm(unit.mean(axis=0)), 1e-12)
    return float(np.median(np.arccos(np.clip(unit @ mean, -1.0, 1.0))))


def complete(points: np.ndarray) -> np.ndarray:
    """(...) bool: whether all coordinates of points (...,N) are finite."""
    finite = np.isfinite(points[..., 0])
    for axis in range(1, points.shape[-1]):
        finite = finite & np.isfinite(points[..., axis])
    return finite
