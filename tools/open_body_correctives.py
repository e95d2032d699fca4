"""Fits linear pose correctives ("posedirs"), which repair what linear blend skinning does to
twisted and bent limbs.

Each joint is turned through its own range, one at a time. The wanted surface has the limb's twist
spread along the limb instead of all at the joint, and bends for the larger part by dual quaternions
(Kavan et al., "Skinning with dual quaternions", 2007), which keep its volume where plain skinning
flattens it; all of it would bulge. It is then smoothed around the joint by a little delta mush
(Mancewicz et al., "Delta Mush: smoothing deformations while preserving detail", 2014); much of that
takes the volume away again and pinches what bends far. Its difference from plain skinning, taken
back to the rest pose, is fitted by ridge regression on the entries of R - I, which is how SMPL's
posedirs are read.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from open_body_pose import JOINT_NAMES, with_descendants
from scipy import sparse
from scipy.spatial.transform import Rotation

POSES_PER_JOINT = 80
RIDGE = 0.02
SMOOTHING_STEPS = 4
ROUND = 0.75  # share of dual quaternions in the bend, beside plain skinning
QUANTUM = 2.0**-13  # metres; a coarser grid compresses better, and 0.12 mm is not seen
LEAST = 0.0002  # metres; smaller corrections are left out

# Degrees. Of the left side; the right is its mirror image. (axis, least, most) are turned one after
# the other.
RANGES = {
    "hip": (("y", -40, 40), ("z", -25, 50), ("x", -125, 35)),
    "knee": (("y", -20, 20), ("x", 0, 150)),
    "ankle": (("x", -30, 45), ("z", -20, 20)),
    "collar": (("y", -20, 20), ("z", -15, 30)),
    "shoulder": (("x", -90, 90), ("y", -100, 40), ("z", -80, 80)),
    "elbow": (("x", -90, 90), ("y", -150, 5)),
    "wrist": (("x", -90, 90), ("y", -30, 30), ("z", -70, 70)),
}

# Twist is spread along the bone between two joints: from and to which fraction of it. Fractions
# count from the first.
TWISTS = {
    "hip": ("hip", "knee", 0.0, 0.8),
    "knee": ("knee", "ankle", 0.0, 0.5),
    "shoulder": ("shoulder", "elbow", 0.0, 0.8),
    "elbow": ("elbow", "wrist", 0.0, 0.8),
    "wrist": ("elbow", "wrist", 0.4, 1.05),
}


def fit_correctives(
    template: np.ndarray,
    weights: np.ndarray,
    joints: np.ndarray,
    quads: np.ndarray,
    mirror: np.ndarray,
    untouched: np.ndarray,
    seed: int,
) -> np.ndarray:
    """(V, 3, 207) displacements for each entry of R - I of every joint but the pelvis; none at
    `untouched` vertices."""
    mush = DeltaMush(template, quads)
    posedirs = np.zeros((len(template), 3, 23, 9))
    rng = np.random.default_rng(seed)
    for part in RANGES:
        joint = JOINT_NAMES.index(f"left_{part}")
        turns, wanted = zip(*_wanted_offsets(template, weights, joints, mush, part, rng))
        features = (np.array(turns) - np.eye(3)).reshape(len(turns), 9)
        gram = features.T @ features + RIDGE * len(turns) * np.eye(9)
        directions = np.linalg.solve(gram, features.T @ np.array(wanted).reshape(len(turns), -1))
        directions = np.moveaxis(directions.reshape(9, -1, 3), 0, -1)
        directions[untouched] = 0.0
        posedirs[:, :, joint - 1] = directions
        posedirs[:, :, JOINT_NAMES.index(f"right_{part}") - 1] = _mirrored(directions, mirror)
    posedirs[np.abs(posedirs) < LEAST] = 0.0
    return (np.round(posedirs / QUANTUM) * QUANTUM).reshape(len(template), 3, 207)


def _mirrored(directions: np.ndarray, mirror: np.ndarray) -> np.ndarray:
    """The same correctives on the other side: x changes sign, in the displacements and in the
    rotations' entries."""
    sign = np.array([-1.0, 1.0, 1.0])
    return directions[mirror] * sign[:, None] * np.outer(sign, sign).ravel()


def _wanted_offsets(
    template: np.ndarray,
    weights: np.ndarray,
    joints: np.ndarray,
    mush: DeltaMush,
    part: str,
    rng: np.random.Generator,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rotations (3, 3) of the left joint, each with the rest-pose displacements (V, 3) that it asks
    for."""
    joint = JOINT_NAMES.index(f"left_{part}")
    moved = weights[:, with_descendants(joint)].sum(1)[
        :, None
    ]  # how much of a vertex turns with the joint
    near = np.clip(8.0 * moved * (1.0 - moved), 0.0, 1.0)
    pivot = joints[joint]
    for _ in range(POSES_PER_JOINT):
        rotation = _random_rotation(RANGES[part], rng)
        twisted, swing = _spread_twist(template, moved, joints, part, rotation)
        target = pivot + _bend(twisted - pivot, moved, swing)
        target += near * (mush(target) - target)
        plain = moved[..., None] * rotation + (1.0 - moved[..., None]) * np.eye(3)
        yield (
            rotation,
            pivot + np.linalg.solve(plain, (target - pivot)[..., None])[..., 0] - template,
        )


def _bend(points: np.ndarray, moved: np.ndarray, rotation: np.ndarray) -> np.ndarray:
    """Points (V, 3) turned about the origin as far as they are moved (V, 1), for the larger part
    along arcs.

    About one pivot, blended dual quaternions are a rotation about the same axis by a part of the
    angle.
    """
    plain = moved * (points @ rotation.T) + (1.0 - moved) * points
    turn = Rotation.from_matrix(rotation).as_rotvec()
    angle = np.linalg.norm(turn)
    share = moved[:, 0]
    part = 2.0 * np.arctan2(share * np.sin(angle / 2), 1.0 - share + share * np.cos(angle / 2))
    along_arcs = Rotation.from_rotvec(part[:, None] * turn / max(angle, 1e-12)).apply(points)
    return ROUND * along_arcs + (1.0 - ROUND) * plain


def _random_rotation(
    ranges: tuple[tuple[str, float, float], ...], rng: np.random.Generator
) -> np.ndarray:
    rotation = Rotation.identity()
    for axis, least, most in ranges:
        rotation = Rotation.from_euler(axis, rng.uniform(least, most), degrees=True) * rotation
    return rotation.as_matrix()


def _spread_twist(
    template: np.ndarray, moved: np.ndarray, joints: np.ndarray, part: str, rotation: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The rest pose with the rotation's twist spread along the limb, and what is left of the
    rotation: its swing."""
    if part not in TWISTS:
        return template, rotation
    first, second, start, stop = TWISTS[part]
    base, tip = (joints[JOINT_NAMES.index(f"left_{name}")] for name in (first, second))
    length = np.linalg.norm(tip - base)
    axis = (tip - base) / length
    x, y, z, w = Rotation.from_matrix(rotation).as_quat()
    angle = 2.0 * np.arctan2(np.dot((x, y, z), axis), w)
    angle = (angle + np.pi) % (2.0 * np.pi) - np.pi
    swing = rotation @ Rotation.from_rotvec(-angle * axis).as_matrix()

    along = np.clip(((template - base) @ axis / length - start) / (stop - start), 0.0, 1.0)
    share = along * along * (3.0 - 2.0 * along)
    limb = np.where(template[:, 0] > 0.0, np.clip(20.0 * moved[:, 0], 0.0, 1.0), 0.0)
    if start > 0.0:  # the bone lies before the joint
        limb = np.where(share < 1.0, 1.0, limb)
    turns = Rotation.from_rotvec((angle * share * limb)[:, None] * axis)
    return base + turns.apply(template - base), swing


class DeltaMush:
    """Smooths a deformed surface and puts the rest surface's detail back on."""

    def __init__(self, rest: np.ndarray, quads: np.ndarray) -> None:
        self._quads = quads
        edges = np.concatenate([quads[:, [corner, (corner + 1) % 4]] for corner in range(4)])
        edges = np.concatenate((edges, edges[:, ::-1]))
        adjacency = sparse.csr_matrix(
            (np.ones(len(edges)), edges.T), shape=(len(rest), len(rest))
        ).sign()
        self._neighbour = np.asarray(adjacency.argmax(axis=1)).ravel()
        mean = sparse.diags(1.0 / np.asarray(adjacency.sum(1)).ravel()) @ adjacency
        self._step = 0.5 * (mean + sparse.identity(len(rest)))
        smooth = self._smooth(rest)
        self._detail = np.einsum("vab,va->vb", self._frames(smooth), rest - smooth)

    def __call__(self, vertices: np.ndarray) -> np.ndarray:
        smooth = self._smooth(vertices)
        return smooth + np.einsum("vab,vb->va", self._frames(smooth), self._detail)

    def _smooth(self, vertices: np.ndarray) -> np.ndarray:
        for _ in range(SMOOTHING_STEPS):
            vertices = self._step @ vertices
        return vertices

    def _frames(self, vertices: np.ndarray) -> np.ndarray:
        """(V, 3, 3) columns: towards a neighbour, across, normal."""
        a, b, c, d = (vertices[self._quads[:, corner]] for corner in range(4))
        normal = np.zeros_like(vertices)
        np.add.at(normal, self._quads.ravel(), np.repeat(np.cross(c - a, d - b), 4, axis=0))
        normal = _unit(normal)
        along = vertices[self._neighbour] - vertices
        along = _unit(along - (along * normal).sum(1, keepdims=True) * normal)
        return np.stack((along, np.cross(normal, along), normal), axis=-1)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
