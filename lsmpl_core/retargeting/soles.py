"""The soles of a foot: where heel, ball and toes touch the ground, found on the skin at rest, and
how they turn.

Canonical axes (`rest_pose.py`): Z up. What the rest pose has on the ground is what stands on the
ground later, so a foot in a shoe with a heel stands on that shoe.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..keypoints.proportions import normalised

FOOT_RADIUS = 0.12
"""How far from the line through ankle and ball the skin belongs to the foot, in lengths of the
leg."""
BEHIND, BEYOND = -0.7, 2.2
"""From where to where on that line, in lengths from ankle to ball."""
THICK = 0.2
"""Skin up to this share of the ankle's height touches the ground."""
HEEL, TOES = 0.05, 0.9
"""Where heel and toes are on the sole, in shares of its length."""
BALL = 0.7
"""And where the ball is, of a foot that has no bone to tell."""
SAME_PLACE = 0.08
"""Within this share of a sole's length skin is at the same place along it."""
HIGHEST_ANKLE = 0.4
"""In lengths of the leg: skin that far below the ankle is no sole."""


_PITCHES, _ROLLS = np.radians(np.arange(-75.0, 76.0, 15.0)), np.radians((-25.0, 0.0, 25.0))
"""How a foot may be turned when its lowest point is looked for."""


@dataclass(frozen=True)
class Sole:
    """A foot at rest: heel and ball (3,) from the ankle, toes (3,) from the ball, heel and toes on
    the sole, and what of its skin can be lowest as it rolls: back and middle (N,3) from the ankle,
    front (N,3) from the ball.

    height: from the lowest point up to the ankle.
    """

    heel: np.ndarray
    ball: np.ndarray
    toes: np.ndarray
    back: np.ndarray
    middle: np.ndarray
    front: np.ndarray
    height: float

    def scaled(self, size: float, ball: np.ndarray) -> Sole:
        """Another foot of that size with its ball (3,) there; NaN where it has none."""
        ball = ball if np.isfinite(ball).all() else size * self.ball
        lower = np.array([0.0, 0.0, size * self.ball[2] - ball[2]])
        return Sole(
            size * self.heel, ball, size * self.toes + lower, size * self.back, size * self.middle,
            size * self.front + lower, size * self.height,
        )  # fmt: skip

    @property
    def lifts(self) -> np.ndarray:
        """(2,): how high heel and toes are above the ground when the foot stands as it rests."""
        before = min(self.middle[:, 2].min(), self.ball[2] + self.front[:, 2].min())
        return self.height + np.array([self.back[:, 2].min(), before])

    def ends(self, foot: np.ndarray, toes: np.ndarray) -> np.ndarray:
        """(T,2,3) from the ankle: heel and toes, as high as the lowest of what is behind and in
        front, with foot and toes turned (T,3,3)."""
        ball = foot @ self.ball
        ends = np.stack([foot @ self.heel, ball + toes @ self.toes], axis=1)
        ends[:, 0, 2] = _lowest(foot, self.back)
        ends[:, 1, 2] = np.minimum(_lowest(foot, self.middle), self.front_low(foot, toes))
        return ends

    def front_low(self, foot: np.ndarray, toes: np.ndarray) -> np.ndarray:
        """(T,): how high the toes' lowest point is, from the ankle."""
        return (foot @ self.ball)[:, 2] + _lowest(toes, self.front)


def _lowest(turned: np.ndarray, points: np.ndarray) -> np.ndarray:
    return (turned[:, 2] @ points.T).min(axis=1)


def find_sole(ankle: np.ndarray, ball: np.ndarray, skin: np.ndarray, leg: float) -> Sole | None:
    """The sole on skin (V,3) about a foot with ankle and ball there (3,), on a leg that long; None
    where there is none.

    A foot without a ball is taken to point forward.
    """
    has_ball = np.isfinite(ball).all()
    along = (ball - ankle)[:2] if has_ball else np.array([0.0, -FOOT_RADIUS * leg])
    length = float(np.hypot(*along))
    if length < 1e-6 * leg or not len(skin):
        return None

    # The skin about the foot, below its ankle, along the foot and across it.
    along = along / length
    across = np.array([-along[1], along[0]])
    skin = skin - ankle
    forward, aside = skin[:, :2] @ along, skin[:, :2] @ across
    foot = (np.abs(aside) < FOOT_RADIUS * leg) & (skin[:, 2] < 0.0)
    foot &= (forward > max(BEHIND * length, -FOOT_RADIUS * leg)) & (
        forward < max(BEYOND * length, 1.5 * FOOT_RADIUS * leg)
    )
    if not foot.any():
        return None

    # How high the ankle is, and what of the skin touches the floor.
    skin, forward, aside = skin[foot], forward[foot], aside[foot]
    height = float(-skin[:, 2].min())
    if height > HIGHEST_ANKLE * leg:
        return None
    touching = skin[:, 2] < -(1.0 - THICK) * height
    low, high = forward[touching].min(), forward[touching].max()

    def place(at: float) -> np.ndarray:
        """On the sole, in the middle of its width."""
        near = touching & (
            np.abs(forward - at)
            <= max(SAME_PLACE * (high - low), np.abs(forward - at)[touching].min())
        )
        return np.array(
            [
                *(at * along + 0.5 * (aside[near].min() + aside[near].max()) * across),
                skin[near, 2].min(),
            ]
        )

    # Heel, ball and toes are places on that; a foot without a ball has it where most have theirs.
    if not has_ball:
        length = low + BALL * (high - low)
    ball = ball - ankle if has_ball else place(length) * (1.0, 1.0, 0.5)
    parts = (
        forward < 0.5 * length,
        (forward >= 0.5 * length) & (forward <= length),
        forward > length,
    )
    back, middle, front = (_outermost(skin[part], along, across) for part in parts)
    middle = middle if len(middle) else place(length)[None]
    front = front if len(front) else middle
    back = back if len(back) else middle
    toes = place(low + TOES * (high - low)) - ball
    return Sole(place(low + HEEL * (high - low)), ball, toes, back, middle, front - ball, height)


def _outermost(skin: np.ndarray, along: np.ndarray, across: np.ndarray) -> np.ndarray:
    """(N,3) of skin (V,3): those that are lowest with the foot turned some way."""
    if not len(skin):
        return skin
    pitch, roll = (angle.ravel() for angle in np.meshgrid(_PITCHES, _ROLLS))
    level = np.sin(pitch)[:, None] * along + (np.cos(pitch) * np.sin(roll))[:, None] * across
    down = np.concatenate([level, -(np.cos(pitch) * np.cos(roll))[:, None]], axis=1)
    return skin[np.unique(np.argmax(skin @ down.T, axis=0))]


def level_turn(
    turned: np.ndarray, forward: np.ndarray, heading: np.ndarray, slope: np.ndarray
) -> np.ndarray:
    """(T,3,3): the rotation of what is turned so (T,3,3) that makes it stand level across and
    heading there (T,2), on ground that rises so (T,) ahead (radians); forward (3,): which way it
    points at rest.
    """
    frame = _frame(turned @ normalised(forward * (1.0, 1.0, 0.0)), turned[..., :, 2])
    ahead = np.concatenate([np.cos(slope)[:, None] * heading, np.sin(slope)[:, None]], axis=1)
    aside = np.cross(np.array([0.0, 0.0, 1.0]), ahead)
    wanted = _frame(ahead, np.cross(ahead, aside))
    return wanted @ np.swapaxes(frame, -1, -2)


def _frame(ahead: np.ndarray, up: np.ndarray) -> np.ndarray:
    ahead = normalised(ahead)
    up = normalised(up - (up * ahead).sum(axis=-1, keepdims=True) * ahead)
    return np.stack([ahead, np.cross(up, ahead), up], axis=-1)
