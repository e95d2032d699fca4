"""What tailors measure, of a body's rest mesh: height, weight, girths, limbs; and the betas that
change one of them alone.

Measures are linear in the betas to within a few per cent, so each body's own mesh says how: there
is no table. A direction that changes one measure and keeps others is the shortest such, that is the
likeliest body (betas are normal about 0). Which are kept is what one would expect of a slider:
a taller body is larger all over, a heavier one is as tall with the same limbs.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from .body import Body
from .skeleton import JOINT_NAMES, NUM_BETAS

DENSITY = 985.0
"""Kilograms in a cubic metre of a person, lungs half full."""
_STEP = 1.0
"""Betas by which the mesh is moved either way to see how a measure changes."""
_OF_ARMS = ("shoulder", "elbow", "wrist", "hand")


def measures(body: Body, betas: np.ndarray) -> dict[str, float]:
    """What the rest mesh of some betas (10,) measures: metres and kilograms, by name."""
    vertices, joints = body.rest_vertices(betas), body.rest_joints(betas)
    return {name: measure(body, vertices, joints) for name, measure in MEASURES.items()}


class ShapeMeasures:
    """How a body's measures follow its betas: mean (M,) at betas 0, gradient (M,10)."""

    def __init__(self, names: tuple[str, ...], mean: np.ndarray, gradient: np.ndarray):
        self.names, self.mean, self.gradient = names, mean, gradient
        self.spread = np.linalg.norm(gradient, axis=1)
        """(M,) a standard deviation of each among the body's shapes."""

    def at(self, betas: np.ndarray) -> np.ndarray:
        """(M,) the measures of some betas (10,)."""
        return self.mean + self.gradient @ betas

    def with_measure(self, betas: np.ndarray, name: str, value: float) -> np.ndarray:
        """(10,) betas as near as can be with another value of one measure, those that it keeps as
        they are (`KEPT`)."""
        change = value - float(self.at(betas)[self.names.index(name)])
        return betas + self.direction(name) * change

    def direction(self, name: str) -> np.ndarray:
        """(10,) how betas change for one more of a measure."""
        rows = [self.names.index(name), *(self.names.index(kept) for kept in KEPT[name])]
        scale = np.maximum(self.spread[rows], 1e-9)
        return np.linalg.pinv(self.gradient[rows] / scale[:, None])[:, 0] / scale[0]


@lru_cache(maxsize=4)
def measured(body: Body) -> ShapeMeasures:
    """How the measures of a body follow its betas, by its own mesh."""
    mean = np.array(list(measures(body, np.zeros(NUM_BETAS)).values()))
    gradient = []
    for beta in _STEP * np.eye(NUM_BETAS):
        more, less = (np.array(list(measures(body, sign * beta).values())) for sign in (1, -1))
        gradient.append((more - less) / (2 * _STEP))
    return ShapeMeasures(tuple(MEASURES), mean, np.array(gradient).T)


# What is measured, of vertices (V,3) and joints (24,3) in the rest pose, Y up


def _height(body: Body, vertices: np.ndarray, joints: np.ndarray) -> float:
    return float(np.ptp(vertices[:, 1]))


def _weight(body: Body, vertices: np.ndarray, joints: np.ndarray) -> float:
    a, b, c = (vertices[body.faces[:, corner]] for corner in range(3))
    return float(DENSITY * np.einsum("ij,ij->", a, np.cross(b, c)) / 6)


def _length(*names: str) -> Callable[[Body, np.ndarray, np.ndarray], float]:
    """The way along some joints, the mean of both sides."""

    def measure(body: Body, vertices: np.ndarray, joints: np.ndarray) -> float:
        sides = [
            joints[[JOINT_NAMES.index(f"{side}_{name}") for name in names]]
            for side in ("left", "right")
        ]
        steps = [np.linalg.norm(np.diff(side, axis=0), axis=1).sum() for side in sides]
        return float(np.mean(steps))

    return measure


def _width(name: str) -> Callable[[Body, np.ndarray, np.ndarray], float]:
    def measure(body: Body, vertices: np.ndarray, joints: np.ndarray) -> float:
        left, right = (joints[JOINT_NAMES.index(f"{side}_{name}")] for side in ("left", "right"))
        return float(np.linalg.norm(left - right))

    return measure


def _girth(low: str, high: str, share: float) -> Callable[[Body, np.ndarray, np.ndarray], float]:
    """Around the trunk, as a tape lies, at a share of the height from one joint to another."""

    def measure(body: Body, vertices: np.ndarray, joints: np.ndarray) -> float:
        below, above = (joints[JOINT_NAMES.index(name)][1] for name in (low, high))
        return _around(body, vertices, below + share * (above - below))

    return measure


def _around(body: Body, vertices: np.ndarray, height: float) -> float:
    """The length of a tape about the trunk's cut at a height: of the cut's convex hull."""
    corners = vertices[_trunk(body)]  # (F,3,3)
    above = corners[..., 1] > height
    points = []
    for one, other in ((0, 1), (1, 2), (2, 0)):
        crossing = above[:, one] != above[:, other]
        a, b = corners[crossing, one], corners[crossing, other]
        share = (height - a[:, 1]) / (b[:, 1] - a[:, 1])
        points.append((a + share[:, None] * (b - a))[:, [0, 2]])
    return _hull_length(np.concatenate(points))


@lru_cache(maxsize=4)
def _trunk(body: Body) -> np.ndarray:
    """(F,3) the triangles that no arm moves by half or more."""
    arms = [i for i, name in enumerate(JOINT_NAMES) if name.split("_")[-1] in _OF_ARMS]
    of_arms = body.skinning_weights[:, arms].sum(axis=1)
    return body.faces[(of_arms[body.faces] < 0.5).all(axis=1)]


def _hull_length(points: np.ndarray) -> float:
    """The length of the convex hull of points (N,2), by Andrew's monotone chain."""
    if len(points) < 3:
        return 0.0
    ordered = sorted(set(map(tuple, np.round(points, 6).tolist())))
    hull: list[tuple[float, float]] = []
    for way in (ordered, ordered[::-1]):
        start = len(hull)
        for x, y in way:
            while len(hull) >= start + 2:
                (ax, ay), (bx, by) = hull[-2], hull[-1]
                if (bx - ax) * (y - ay) - (by - ay) * (x - ax) > 0:
                    break
                hull.pop()
            hull.append((x, y))
        hull.pop()
    around = np.array([*hull, hull[0]])
    return float(np.linalg.norm(np.diff(around, axis=0), axis=1).sum())


MEASURES: dict[str, Callable[[Body, np.ndarray, np.ndarray], float]] = {
    "height": _height,
    "weight": _weight,
    "leg_length": _length("hip", "knee", "ankle"),
    "arm_length": _length("shoulder", "elbow", "wrist"),
    "shoulder_width": _width("shoulder"),
    "chest_girth": _girth("spine3", "neck", 0.15),
    "waist_girth": _girth("spine1", "spine2", 0.5),
    "hip_girth": _girth("left_hip", "pelvis", 0.0),
}
"""By name: metres, kilograms for the weight."""

_LIMBS = ("leg_length", "arm_length", "shoulder_width")
KEPT: dict[str, tuple[str, ...]] = {
    "height": (),
    "weight": ("height", *_LIMBS),
    "leg_length": ("height", "weight", "arm_length", "shoulder_width"),
    "arm_length": ("height", "weight", "leg_length", "shoulder_width"),
    "shoulder_width": ("height", "weight", "leg_length", "arm_length"),
    "chest_girth": ("height", *_LIMBS, "waist_girth", "hip_girth"),
    "waist_girth": ("height", *_LIMBS, "chest_girth", "hip_girth"),
    "hip_girth": ("height", *_LIMBS, "chest_girth", "waist_girth"),
}
"""What stays as it is while a measure changes."""
