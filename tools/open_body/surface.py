"""The surface of a symmetric body: areas, volume, mirror images, and points that are fixed to the
skin."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

MIRROR = np.array([-1.0, 1.0, 1.0])
"""What a point is multiplied by to be on the other side."""


def vertex_areas(vertices: np.ndarray, quads: np.ndarray) -> np.ndarray:
    """(V,) a quarter of the area of each quad around a vertex."""
    a, b, c, d = (vertices[quads[:, corner]] for corner in range(4))
    area = np.linalg.norm(np.cross(c - a, d - b), axis=1) / 2
    return np.bincount(quads.ravel(), np.repeat(area / 4, 4), minlength=len(vertices)) + 1e-9


def split_quads(quads: np.ndarray) -> np.ndarray:
    """(2 Q, 3) triangles."""
    return np.concatenate((quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]))


def volume(vertices: np.ndarray, triangles: np.ndarray) -> float:
    """Volume of the closed surface, in cubic metres."""
    a, b, c = (vertices[triangles[:, corner]] for corner in range(3))
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)


def mirror_vertices(template: np.ndarray) -> np.ndarray:
    """(V,) the vertex on the other side of each of `template` (V, 3)."""
    distance, mirror = cKDTree(template).query(template * MIRROR)
    if distance.max() > 1e-6 or not np.array_equal(mirror[mirror], np.arange(len(mirror))):
        raise RuntimeError(
            "The template is not symmetric: "
            f"a vertex is {distance.max():.2g} m from its mirror image."
        )
    return mirror


def skin_fixed_weights(vertices: np.ndarray, prior: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Positive weights near `prior` (V,) that sum to one and whose mean of `vertices` (V, 3) is
    exactly `target` (3,).

    Of all such weights these have the least Kullback-Leibler divergence from the prior: w = prior *
    exp(a . x), normalised. Newton's method on the convex dual finds a. A point fixed to the skin
    this way follows the shape.
    """
    used = prior > 1e-4 * prior.max()
    offsets, prior_used = vertices[used] - target, prior[used] / prior[used].sum()
    scale = np.sqrt(prior_used @ (offsets**2).sum(1))
    offsets = offsets / scale
    tilt = np.zeros(3)

    def tilted(tilt: np.ndarray) -> tuple[np.ndarray, float]:
        exponent = offsets @ tilt
        weights = prior_used * np.exp(exponent - exponent.max())
        return weights / weights.sum(), np.log(weights.sum()) + exponent.max()

    for _ in range(200):
        weights, value = tilted(tilt)
        mean = weights @ offsets
        if np.abs(mean).max() < 1e-13:
            break
        covariance = (offsets * weights[:, None]).T @ offsets - np.outer(mean, mean)
        step = np.linalg.solve(covariance + 1e-12 * np.eye(3), mean)
        size = 1.0
        while tilted(tilt - size * step)[1] > value - 1e-4 * size * mean @ step and size > 1e-6:
            size /= 2
        tilt = tilt - size * step
    if np.abs(mean).max() > 1e-6:
        raise RuntimeError(
            f"The point {target.round(3)} lies outside the vertices it is to be regressed from."
        )
    full = np.zeros(len(vertices))
    full[used] = weights
    return full
