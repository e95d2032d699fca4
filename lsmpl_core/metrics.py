"""Error measures between two motions of one body, in millimetres, as the field reports them.

Poses are compared at the pelvis joint (its position subtracted), or after a similarity Procrustes
alignment (PA). Surface errors weight each vertex by its share of the surface, because meshes are
denser in the face and the fingers; `published_pve` and `published_pa_pve` are measured as Learnable
SMPLify's authors do, for figures beside theirs. Arrays: joints (T,J,3) and vertices (T,V,3) in
metres.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .body.body import Body
from .body.skeleton import JOINT_NAMES
from .motion import Motion

MILLIMETRES = 1000.0
RIGHT_ANKLE = JOINT_NAMES.index("right_ankle")
"""Where the published evaluation aligns surfaces (`common/metrics.py` of its code, called with
joint index 8)."""
HANDS = tuple(
    JOINT_NAMES.index(f"{side}_{part}") for side in ("left", "right") for part in ("wrist", "hand")
)
_METRIC_BATCH = 128


def mpjpe(truth: np.ndarray, estimate: np.ndarray) -> float:
    """Mean per-joint position error of joints (T,J,3), pelvis (joint 0) on pelvis."""
    return _mean_error(truth - truth[:, :1], estimate - estimate[:, :1])


def pa_mpjpe(truth: np.ndarray, estimate: np.ndarray) -> float:
    """The same after aligning each frame by rotation, translation and scale (Procrustes)."""
    return _mean_error(truth, procrustes(estimate, truth))


def acceleration_error(
    truth: np.ndarray, estimate: np.ndarray, fps: float, valid: np.ndarray | None = None
) -> float:
    """Mean difference of the joints' accelerations, in mm/s², by second differences (T >= 3).

    valid (T,) bool: differences that meet another frame do not count; NaN where none is left.
    """
    difference = truth - estimate
    second = difference[2:] - 2.0 * difference[1:-1] + difference[:-2]
    if valid is not None:
        second = second[valid[2:] & valid[1:-1] & valid[:-2]]
    return (
        float(np.linalg.norm(second, axis=-1).mean() * MILLIMETRES * fps**2)
        if second.size
        else float("nan")
    )


def pve(body: Body, truth: Motion, estimate: Motion, *, hands: bool = True) -> float:
    """Area-weighted mean per-vertex error, pelvis on pelvis; without wrists and hands if `hands` is
    False."""
    return _surface_error(body, truth, estimate, _areas(body, hands), _at_pelvis(body))


def pa_pve(body: Body, truth: Motion, estimate: Motion, *, hands: bool = True) -> float:
    """The same after aligning each frame by rotation, translation and scale (Procrustes)."""
    return _surface_error(body, truth, estimate, _areas(body, hands))


def published_pve(body: Body, truth: Motion, estimate: Motion) -> float:
    """Plain mean per-vertex error, right ankle on right ankle, both regressed from the posed
    vertices."""

    def placed(motion: Motion, vertices: np.ndarray) -> np.ndarray:
        return aligned_at(vertices, body.joint_regressor[RIGHT_ANKLE])

    return _surface_error(body, truth, estimate, np.ones(len(body.v_template)), placed)


def published_pa_pve(body: Body, truth: Motion, estimate: Motion) -> float:
    """Plain mean per-vertex error after aligning each frame by rotation, translation and scale
    (Procrustes)."""
    return _surface_error(body, truth, estimate, np.ones(len(body.v_template)))


def aligned_at(vertices: np.ndarray, regressor: np.ndarray) -> np.ndarray:
    """vertices (T,V,3) moved so that in each frame the joint that a regressor (V,) makes of them is
    at the origin."""
    return vertices - np.einsum("v,tvc->tc", regressor, vertices)[:, None]


def vertex_areas(body: Body) -> np.ndarray:
    """(V,) m²: a third of the area of each vertex's triangles, in the mean shape's rest pose."""
    a, b, c = (body.v_template[body.faces[:, i]].astype(np.float64) for i in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 6.0
    areas = np.zeros(len(body.v_template))
    np.add.at(areas, body.faces, area[:, None])
    return areas


def procrustes(
    points: np.ndarray, onto: np.ndarray, weights: np.ndarray | None = None
) -> np.ndarray:
    """points (T,N,3) moved, per frame, onto others by the best similarity transform (Umeyama 1991);
    weights (N,)."""
    w = np.full(points.shape[1], 1.0) if weights is None else np.asarray(weights, dtype=np.float64)
    w = w / w.sum()
    mean_p = np.einsum("n,tnc->tc", w, points)[:, None]
    mean_o = np.einsum("n,tnc->tc", w, onto)[:, None]
    p, o = points - mean_p, onto - mean_o
    u, size, vt = np.linalg.svd(np.einsum("n,tni,tnj->tij", w, o, p, optimize=True))
    sign = np.ones_like(size)
    sign[:, 2] = np.sign(np.linalg.det(u @ vt))
    rotation = (u * sign[:, None, :]) @ vt
    scale = (size * sign).sum(axis=1) / np.maximum(np.einsum("n,tnc,tnc->t", w, p, p), 1e-12)
    return scale[:, None, None] * np.einsum("tij,tnj->tni", rotation, p) + mean_o


def _mean_error(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.linalg.norm(a - b, axis=-1).mean() * MILLIMETRES)


def _areas(body: Body, hands: bool) -> np.ndarray:
    """(V,) weights, 0 where a vertex is on a hand and those do not count."""
    counts = True if hands else body.skinning_weights[:, HANDS].sum(axis=1) < 0.5
    return vertex_areas(body) * counts


def _at_pelvis(body: Body) -> Callable[[Motion, np.ndarray], np.ndarray]:
    return lambda motion, vertices: vertices - body.joints(motion)[:, :1]


def _surface_error(
    body: Body,
    truth: Motion,
    estimate: Motion,
    weights: np.ndarray,
    placed: Callable[[Motion, np.ndarray], np.ndarray] | None = None,
) -> float:
    """Mean error over frames and vertices, with weights (V,), of surfaces that are `placed`, or
    else by Procrustes."""
    weights = weights / weights.sum()
    total = 0.0
    for start in range(0, len(truth), _METRIC_BATCH):
        frames = slice(start, start + _METRIC_BATCH)
        t, e = truth.frames(frames), estimate.frames(frames)
        a, b = body.vertices(t).astype(np.float64), body.vertices(e).astype(np.float64)
        a, b = (a, procrustes(b, a, weights)) if placed is None else (placed(t, a), placed(e, b))
        total += float((np.linalg.norm(a - b, axis=-1) @ weights).sum())
    return total / len(truth) * MILLIMETRES
