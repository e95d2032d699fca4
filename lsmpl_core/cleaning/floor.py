"""The floor under a motion: how high it is, and how high the points of the feet are when they stand
on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..body.body import Body
from ..keypoints.layouts import Layout
from ..motion import Motion
from .lowest_skin import lowest_skin
from .smoothing import stiffness_of, whittaker

FOOT_POINTS = ("left_heel", "left_toe", "right_heel", "right_toe")
"""The points that are watched and held: of each foot the heel and the middle of the toes."""
FEET = ((0, 1), (2, 3))
"""Heel and toe of each foot."""
DETAIL = 5.0
"""Hz up to which the ways of the points are looked at."""
END = 0.1
"""Seconds at either end of a take in which noise shows as speed; speeds there are at most that
further in."""
RESTING = 0.3
"""Metres a second below which a point may be standing."""
BAND = 0.02
"""Metres: heights of standing points that are closer together than this are one floor."""
FAIR_SHARE = 0.3
"""Of two floors the lower one is taken if this share of the frames on the other stands on it."""
SOLE_BAND = 0.04
"""Metres around the floor within which the lowest skin is a sole's that stands on it."""
NEAR = 0.04
"""Metres around where a point of a flat foot should be, within which its own height is looked
for."""


@dataclass(frozen=True)
class FootPoints:
    """Where the feet are: positions (T,4,3) of `FOOT_POINTS` in metres, a smoothed copy of them,
    its speeds (T,4) in m/s, and how high (4,) the points lie above the sole."""

    positions: np.ndarray
    smoothed: np.ndarray
    speed: np.ndarray
    clearance: np.ndarray


@dataclass(frozen=True)
class Floor:
    """height of the floor in metres; point_heights (4,): where the foot points are seen when they
    stand on it, and sole_heights (4,), where they are if the soles that they have lie on it; as
    seen where not given."""

    height: float
    point_heights: np.ndarray
    sole_heights: np.ndarray | None = None

    @property
    def as_seen(self) -> Floor:
        """The same where standing points stay at the heights at which they are seen."""
        return Floor(self.height, self.point_heights)

    @property
    def on_soles(self) -> np.ndarray:
        """(4,) metres: where the points of standing feet belong."""
        return self.point_heights if self.sole_heights is None else self.sole_heights


def foot_points(motion: Motion, body: Body) -> FootPoints:
    """The points of the feet over a motion."""
    layout = Layout("foot points", FOOT_POINTS)
    positions = body.keypoints(motion, layout).positions
    betas = body.betas_of(motion)
    clearance = rest_foot_points(body, betas)[:, 1] - body.rest_vertices(betas)[:, 1].min()
    calm = smoothed(positions, motion.fps)
    velocity = (
        np.gradient(calm, 1.0 / motion.fps, axis=0) if len(motion) > 1 else np.zeros_like(calm)
    )
    speed = np.linalg.norm(velocity, axis=2)
    end = min(round(END * motion.fps), len(motion) - 1)
    speed[:end] = np.minimum(speed[:end], speed[end])
    speed[len(speed) - end :] = np.minimum(speed[len(speed) - end :], speed[len(speed) - 1 - end])
    return FootPoints(positions, calm, speed, clearance)


def smoothed(values: np.ndarray, fps: float) -> np.ndarray:
    """(T,...) values of the feet without what is faster than they are looked at."""
    if len(values) <= 3:
        return values
    even = np.full(len(values) - 3, stiffness_of(DETAIL, fps))
    return whittaker(values.reshape(len(values), -1), even).reshape(values.shape)


def rest_foot_points(body: Body, betas: np.ndarray) -> np.ndarray:
    """(4,3): the points of the feet on the body at rest, in its own frame."""
    rest = Motion(np.zeros((1, 24, 3)), np.zeros((1, 3)), betas, body=body.key)
    return body.keypoints(rest, Layout("foot points", FOOT_POINTS)).positions[0]


def estimate_floor(points: FootPoints) -> Floor:
    """The lowest height at which foot points often rest; where none ever rests, the lowest that one
    gets."""
    heights = points.smoothed[..., 2] - points.clearance
    resting = np.sort(heights[points.speed < RESTING])
    if not resting.size:
        return floor_at(points, float(np.percentile(heights, 2.0)))
    crowd = np.searchsorted(resting, resting + BAND) - np.arange(len(resting))
    first = int(np.argmax(crowd >= FAIR_SHARE * crowd.max()))
    rising = slice(first, first + int(crowd[first]))
    best = first + int(np.argmax(crowd[rising]))
    return floor_at(points, float(np.median(resting[best : best + crowd[best]])))


def floor_at(points: FootPoints, height: float) -> Floor:
    """The floor at a given height, and where the points stand on it: shapes are estimates, and so
    are soles."""
    expected = height + points.clearance
    stands = (points.speed < RESTING) & (np.abs(points.smoothed[..., 2] - expected) < NEAR)
    own = [
        np.median(points.smoothed[stands[:, p], p, 2]) if stands[:, p].any() else expected[p]
        for p in range(4)
    ]
    return Floor(height, np.array(own), expected)


def sole_height(motion: Motion, body: Body, floor: Floor, standing: np.ndarray) -> float:
    """Metres: how low the skin is, in the median, while foot points stand (T,4) on the floor; the
    floor's own height where none does.

    Soles are rounder, and their shapes less certain, than the points that are watched on them.
    """
    on_floor = standing.any(axis=1)
    if not on_floor.any():
        return floor.height
    low = lowest_skin(motion.frames(np.flatnonzero(on_floor)), body)
    near = np.abs(low - floor.height) < SOLE_BAND
    return float(np.median(low[near])) if near.any() else floor.height
