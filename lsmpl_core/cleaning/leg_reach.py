"""Legs that reach placed feet: how far hips come down for it, how far legs stretch, and two-bone
inverse kinematics.

A knee that is nearly straight bends by ten degrees and more when its foot comes nearer by a few
millimetres, which is seen as a pop. So hips follow feet that stand, all the more the straighter
their knees are; a foot on its toes rolls a little further, or less far, as heels do when legs are
straight; and feet in the air rather leave their way a little.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..keypoints.proportions import normalised
from ..rotation import between, cross, exp_map
from .easing import eased

REACH = 0.9995
"""Share of a leg's length to which it may be stretched."""
STRAIGHT = 0.05
"""Sine of the bend below which a knee's own axis counts more than the plane of the leg."""
SWAY, RETURN = 0.08, 0.2
"""Seconds within which hips follow standing feet, and over which they go back to their own
height."""
BENT = np.radians(40.0)
"""Of a knee that is bent further, hips need not follow the foot."""
GIVE = 0.01 / np.radians(10.0)
"""Metres that a foot in the air may leave its way by, for each radian that its knee then need not
bend."""
OWN = 0.1
"""How much the hips' own height counts beside a straight leg that stands."""
MOST_ROLL = np.radians(25.0)
"""By which a foot on its toes goes up or down for a leg that would be too short or too long."""
ROLL_STEPS, LEVER = 3, 0.04
"""Metres: a foot that comes nearer by less for each radian that it rolls does not roll for it."""
PASSES, FIRMER = 6, 4.0
"""How often hips are moved again, more firmly each time, where feet are still out of reach."""


@dataclass(frozen=True)
class FootTarget:
    """Where an ankle belongs (T,3), how foot and toes have to turn (T,3,3), and how firmly (T,), 0
    to 1, it stands.

    While it stands on its toes alone (rolls (T,), 0 to 1) the heel may go up and down: pivot (T,3),
    about what, and across (T,3), about which axis; raised (T,): by what angle it is up.
    """

    ankle: np.ndarray
    turn: np.ndarray
    toes_turn: np.ndarray
    stands: np.ndarray
    rolls: np.ndarray
    pivot: np.ndarray
    across: np.ndarray
    raised: np.ndarray


def hips_down(
    hips: np.ndarray,
    ankles: np.ndarray,
    goals: np.ndarray,
    lengths: np.ndarray,
    flat: np.ndarray,
    stands: np.ndarray,
    fps: float,
    own: float = OWN,
) -> np.ndarray:
    """(T,): metres by which the hips come down for standing feet.

    hips, ankles, as rotations alone have them, and goals of the ankles (T,L,3), lengths (L,2) of
    thighs and shins, flat and stands (T,L), 0 to 1, for each of L legs: hips follow feet that are
    flat, and come down for any that stands. own: how much their own height counts beside a straight
    leg.
    """
    now = np.linalg.norm(ankles - hips, axis=-1)
    level = ((goals - hips)[..., :2] ** 2).sum(axis=-1)
    height = (hips - goals)[..., 2]
    longest = REACH * lengths.sum(axis=1)
    wanted = height - np.sqrt(np.maximum(np.minimum(now, longest) ** 2 - level, (0.1 * now) ** 2))
    needed = height - np.sqrt(np.maximum(longest**2 - level, 0.0))
    straight = 1.0 / (
        1.0 + (_sensitivity(np.pi - BENT, lengths) / _sensitivity_at(now, lengths)) ** 2
    )
    weight = flat * straight
    down = np.zeros(len(hips))
    urgent = np.zeros_like(weight)
    for _ in range(PASSES):
        total = (weight + urgent).sum(axis=1) + own
        aim = (weight * wanted + urgent * np.maximum(needed, wanted)).sum(axis=1) / total
        down = eased(aim[:, None], total, fps, firm=SWAY, loose=RETURN)[:, 0]
        short = (needed > down[:, None] + 1e-4) & (stands > 0.5)
        if not short.any():
            break
        urgent = np.where(short, np.maximum(FIRMER * urgent, 1.0), urgent)
    return down


def stretch(
    hip: np.ndarray, ankle: np.ndarray, goal: np.ndarray, lengths: np.ndarray, held: np.ndarray
) -> np.ndarray:
    """(T,): how far from the hip an ankle should be: as far as its goal, but a leg that is nearly
    straight rather stays as it is, all the more the less it is held (T,), 0 to 1, and stretches no
    further than it can.

    hip, ankle as rotations alone have it, and goal (T,3); lengths (2,) of thigh and shin.
    """
    now, away = np.linalg.norm(ankle - hip, axis=1), np.linalg.norm(goal - hip, axis=1)
    sensitivity = _sensitivity_at(now[:, None], lengths[None])[:, 0]
    more = (away - now) / (1.0 + (1.0 - held) * (GIVE * sensitivity) ** 2)
    room = np.maximum(REACH * lengths.sum() - now, 1e-4)
    return now + np.where(more > 0.0, room * -np.expm1(-np.maximum(more, 0.0) / room), more)


def roll_foot(
    foot: FootTarget, hip: np.ndarray, ankle: np.ndarray, lengths: np.ndarray, flat: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Where the ankle belongs (T,3), and how the foot has to turn further (T,3,3), once it has
    rolled about its toes as far as its leg calls for; hip, ankle, lengths as for `stretch`, flat
    (T,): how firmly it stands flat.
    """
    away = stretch(hip, ankle, foot.ankle, lengths, flat)
    angle = foot.rolls * roll(hip, foot.ankle, foot.pivot, foot.across, away, foot.raised)
    turn = exp_map(angle[:, None] * foot.across)
    return foot.pivot + (turn @ (foot.ankle - foot.pivot)[..., None])[..., 0], turn


def roll(
    hip: np.ndarray,
    goal: np.ndarray,
    pivot: np.ndarray,
    across: np.ndarray,
    away: np.ndarray,
    raised: np.ndarray,
) -> np.ndarray:
    """(T,): the angle by which a foot has to roll about its pivot, across its length, for its ankle
    to be at a distance (T,) from the hip; not further down than it is raised (T,), nor by more than
    MOST_ROLL.

    hip, the ankle's goal, pivot (T,3); across (T,3) unit vectors. By damped Gauss-Newton steps:
    where rolling hardly brings the ankle nearer, the foot hardly rolls.
    """
    angle = np.zeros(len(hip))
    for _ in range(ROLL_STEPS):
        lever = (exp_map(angle[:, None] * across) @ (goal - pivot)[..., None])[..., 0]
        reach = pivot + lever - hip
        now = np.linalg.norm(reach, axis=1)
        slope = (reach * cross(across, lever)).sum(axis=1) / np.maximum(now, 1e-9)
        angle = np.clip(
            angle + (away - now) * slope / (slope**2 + LEVER**2), -2.0 * MOST_ROLL, 2.0 * MOST_ROLL
        )
    most = np.where(angle < 0.0, np.clip(raised, 1e-9, MOST_ROLL), MOST_ROLL)
    return np.sign(angle) * most * -np.expm1(-np.abs(angle) / most)


def _sensitivity_at(away: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """(T,L) radians a metre: by how much knees bend as their feet come nearer, from feet so far
    away (T,L)."""
    first, second = lengths.T
    cosine = (first**2 + second**2 - away**2) / (2.0 * first * second)
    return _sensitivity(np.arccos(np.clip(cosine, -1.0, 1.0)), lengths)


def _sensitivity(inner: np.ndarray | float, lengths: np.ndarray) -> np.ndarray:
    """The same from the knee's inner angle: of c² = a² + b² - 2 a b cos γ, dγ / dc = c / (a b sin
    γ)."""
    first, second = lengths.T
    away = np.sqrt(np.maximum(first**2 + second**2 - 2.0 * first * second * np.cos(inner), 0.0))
    return away / np.maximum(first * second * np.sin(inner), 1e-3 * first * second)


def two_bones(
    hip: np.ndarray, knee: np.ndarray, ankle: np.ndarray, goal: np.ndarray, hinge: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Rotations (T,3,3) of thigh and shin, about hip and knee, that bring the ankle to its goal;
    all points (T,3).

    hinge (T,3): the axis about which the knee bends, unit vectors; it decides where the leg is
    nearly straight. A goal out of reach is approached as closely as the leg is long.
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
