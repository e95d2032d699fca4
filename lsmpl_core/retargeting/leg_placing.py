"""Legs of another character, placed: where the source's feet stand on the floor, the character's stand, too.

A character with other proportions that takes on rotations alone sinks, floats and slides. Here each foot gets a place:
its lowest point is as high above the floor, scaled, as the source's; points that stand in the source are held still
(`foot_locking.py`), and a foot that stands with heel and toes stands flat; apart from that it keeps its rotation. The
legs follow by two-bone inverse kinematics, in the plane in which they were bent; where a standing foot is out of reach,
the hips come down.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..body.body import Body
from ..cleaning.contacts import Contact, contact_mask, find_contacts
from ..cleaning.floor import Floor, FootPoints, estimate_floor, foot_points
from ..cleaning.foot_locking import corrections
from ..keypoints.proportions import normalised
from ..motion import Motion
from ..rotation import between, cross

REACH = 0.9995
"""Share of a leg's length to which it may be stretched."""
STRAIGHT = 0.05
"""Sine of the bend below which a knee's own axis counts more than the plane of the leg."""
EASE = 0.15
"""Seconds over which hips begin and end to come down."""


@dataclass(frozen=True)
class SourceFeet:
    """The feet of a motion: their points, when these stand, and the floor."""

    points: FootPoints
    contacts: list[Contact]
    floor: Floor
    fps: float

    @classmethod
    def of(cls, motion: Motion, body: Body) -> SourceFeet:
        points = foot_points(motion, body)
        floor = estimate_floor(points)
        return cls(points, find_contacts(points, floor, motion.fps), floor, motion.fps)

    @property
    def standing(self) -> np.ndarray:
        """(T,4): which foot points stand."""
        return contact_mask(self.contacts, len(self.points.positions))


@dataclass(frozen=True)
class Scaling:
    """From the source's space to the character's: about a centre (2,) on the floor, by one factor."""

    factor: float
    centre: np.ndarray
    floor: float

    def __call__(self, points: np.ndarray) -> np.ndarray:
        origin = np.array([*self.centre, self.floor])
        return origin + self.factor * (points - origin)


def ankle_goals(
    source: SourceFeet, scaling: Scaling, soles: np.ndarray, wider: np.ndarray, sides: list[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Where (T,2,3) the ankles of the character belong, in the take's space, and by how much (T,2,3,3) its feet have to
    turn to stand flat where both heel and toes stand; left and right.

    soles (T,2,2,3): from each ankle to the lowest points of heel and toes, as the feet are turned; wider (T,2,3): by
    how much its hips are further out than the source's, scaled, for feet stand under hips; sides: the feet there are.
    """
    T = len(source.points.positions)
    points = source.points.positions.reshape(T, 2, 2, 3)
    above = (source.points.positions[..., 2] - source.floor.point_heights).reshape(T, 2, 2).min(axis=2)
    goals = scaling(points.mean(axis=2)) - soles.mean(axis=2) + wider * (1.0, 1.0, 0.0)
    goals[..., 2] = scaling.floor + scaling.factor * above - soles[..., 2].min(axis=2)
    placed = (goals[:, :, None] + soles).reshape(T, 4, 3)
    own = FootPoints(placed, placed, source.points.speed, np.zeros(4))
    contacts = [contact for contact in source.contacts if contact.point // 2 in sides]
    moved = corrections(own, contacts, Floor(scaling.floor, np.full(4, scaling.floor)), source.fps)
    moved = (placed + moved).reshape(T, 2, 2, 3)
    turn = between(normalised(soles[:, :, 1] - soles[:, :, 0]), normalised(moved[:, :, 1] - moved[:, :, 0]))
    return moved.mean(axis=2) - (turn @ soles.mean(axis=2)[..., None])[..., 0], turn


def lowered(hips: np.ndarray, goals: np.ndarray, lengths: np.ndarray, standing: np.ndarray, fps: float) -> np.ndarray:
    """(T,): metres by which the hips have to come down for standing feet to be in reach, eased in and out.

    hips and goals (T,2,3), lengths (2,) of the legs (NaN for one that is not there), standing (T,2).
    """
    apart = np.where(np.isfinite(lengths)[:, None], hips - goals, 0.0)
    reach = REACH * np.nan_to_num(lengths, nan=np.inf)
    level = np.hypot(apart[..., 0], apart[..., 1])
    down = np.where(standing, apart[..., 2] - np.sqrt(np.maximum(reach**2 - level**2, 0.0)), 0.0).max(axis=1)
    down = np.maximum(down, 0.0)
    ease = max(1, round(EASE * fps))
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(down, 2 * ease, mode="edge"), 2 * ease + 1)
    return np.lib.stride_tricks.sliding_window_view(windows.max(axis=1), 2 * ease + 1).mean(axis=1)


def two_bones(
    hip: np.ndarray, knee: np.ndarray, ankle: np.ndarray, goal: np.ndarray, hinge: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Rotations (T,3,3) of thigh and shin, about hip and knee, that bring the ankle to its goal; all points (T,3).

    hinge (T,3): the axis about which the knee bends, unit vectors; it decides where the leg is nearly straight. A goal
    out of reach is approached as closely as the leg is long.
    """
    upper, lower = normalised(knee - hip), normalised(ankle - knee)
    first, second = np.linalg.norm(knee - hip, axis=1), np.linalg.norm(ankle - knee, axis=1)
    away = np.linalg.norm(goal - hip, axis=1)
    away = np.clip(away, np.abs(first - second) + 1e-6, REACH * (first + second))
    cosine = np.clip((away**2 - first**2 - second**2) / (2.0 * first * second), -1.0, 1.0)[:, None]
    axis = cross(upper, lower) + STRAIGHT * hinge
    back = normalised(cross(axis, upper))
    bent = cosine * upper + np.sqrt(1.0 - cosine**2) * back
    shin = between(lower, bent)
    reached = first[:, None] * upper + second[:, None] * bent
    leg = between(normalised(reached), normalised(goal - hip))
    return leg, leg @ shin
