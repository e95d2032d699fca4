"""Points and vectors of a few coordinates: NumPy's sums over the last axis, made for long ones,
take several times as long as one coordinate after the other."""

from __future__ import annotations

from functools import cache

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


@cache
def spread_directions(count: int) -> np.ndarray:
    """(count,3) unit vectors evenly spread over the sphere, on Fibonacci's spiral (Gonzalez,
    *Measurement of areas on a sphere using Fibonacci and latitude-longitude lattices*, 2010)."""
    n = np.arange(count) + 0.5
    height, turn = 1.0 - 2.0 * n / count, np.pi * (1.0 + 5.0**0.5) * n
    across = np.sqrt(1.0 - height**2)
    directions = np.stack([across * np.cos(turn), across * np.sin(turn), height], axis=1)
    directions.flags.writeable = False
    return directions
