"""Soles: how low the skin of each foot is, wherever its ankle is and however ankle and toes are
turned.

A foot stands on its skin, not on the points that are watched on it: these are in the middle of heel
and toes, and a heel is round, a foot that rolls stands on its edge, and toes bend.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..body.body import Body
from ..body.skeleton import JOINT_NAMES
from .contacts import Contact
from .easing import FIRM, followed
from .leg_reach import FootTarget
from .lowest_skin import outermost

FOOT_BONES = tuple(
    tuple(JOINT_NAMES.index(f"{side}_{part}") for part in ("ankle", "foot"))
    for side in ("left", "right")
)
"""Joints that bear the skin of each foot."""


MIDDLE = 0.5
"""Share of the way from ankle to ball, along the foot, behind which its skin is the heel's."""
TOUCHING = 0.004
"""Metres: skin that is this much higher than the lowest touches a good third as much."""


@dataclass(frozen=True)
class SoleEnds:
    """low (T,2): how low the skin of heel and toes is, in metres; way (T,2,2): where along the
    floor each would be if it had moved as the skin did that is lowest of it, as a wheel goes by
    what it rolls off."""

    low: np.ndarray
    way: np.ndarray


@dataclass(frozen=True)
class Sole:
    """The skin of a foot that can be lowest: rest (V,3) metres from the ankle, shares (V,) of it
    that go with the toes, and where these begin, ball (3,) from the ankle."""

    rest: np.ndarray
    shares: np.ndarray
    ball: np.ndarray

    @classmethod
    def of(cls, body: Body, betas: np.ndarray, side: int) -> Sole:
        """Of the left foot (side 0) or the right one (1) of a shape."""
        ankle, ball = FOOT_BONES[side]
        rows = outermost(body)
        weights = np.asarray(body.skinning_weights)
        rows = rows[np.isin(weights[rows].argmax(axis=1), (ankle, ball))]
        joints = body.rest_joints(betas)
        return cls(
            body.rest_vertices(betas)[rows] - joints[ankle],
            weights[rows, ball] / weights[rows][:, [ankle, ball]].sum(axis=1),
            joints[ball] - joints[ankle],
        )

    def skin(self, foot: np.ndarray, toes: np.ndarray) -> np.ndarray:
        """(T,V,3) metres from the ankle, with foot and toes turned by (T,3,3) in the world."""
        by_foot = self.rest @ np.swapaxes(foot, -1, -2)
        by_toes = (self.rest - self.ball) @ np.swapaxes(toes, -1, -2)
        by_toes = by_toes + (foot @ self.ball)[:, None]
        share = self.shares[:, None]
        return (1.0 - share) * by_foot + share * by_toes

    def ends(self, ankle: np.ndarray, foot: np.ndarray, toes: np.ndarray) -> SoleEnds:
        """How low heel and toes are, and where they have rolled."""
        skin = ankle[:, None] + self.skin(foot, toes)
        toe = self.rest[:, 2] > MIDDLE * self.ball[2]
        low, way = [], []
        for part in (skin[:, ~toe], skin[:, toe]):
            height = part[..., 2]
            low.append(height.min(axis=1))

            # What touches does not move: from frame to frame the foot goes by what that skin does.
            touching = 0.5 * (height[1:] + height[:-1])
            weight = np.exp((touching.min(axis=1, keepdims=True) - touching) / TOUCHING)
            weight /= weight.sum(axis=1, keepdims=True)
            steps = (weight[..., None] * np.diff(part[..., :2], axis=0)).sum(axis=1)
            begin = part[:1, :, :2].mean(axis=1)
            way.append(np.cumsum(np.concatenate([begin, steps]), axis=0))
        return SoleEnds(np.stack(low, axis=1), np.stack(way, axis=1))

    def lowest(self, ankle: np.ndarray, foot: np.ndarray, toes: np.ndarray) -> np.ndarray:
        """(T,) metres: how low the skin is, with the ankle at (T,3)."""
        return ankle[:, 2] + self.skin(foot, toes)[..., 2].min(axis=1)


def on_ground(
    foot: FootTarget,
    sole: Sole,
    world: np.ndarray,
    contacts: Sequence[Contact],
    floor: float,
    side: int,
    fps: float,
) -> FootTarget:
    """The foot moved up or down so that the skin of its sole is on the ground while it stands, and
    not under it while it does not.

    world (T,24,3,3): how the joints were turned. contacts: those of this foot; what is not on the
    floor, whose height that is in metres, has for ground what its sole is on.
    """
    ankle, ball = FOOT_BONES[side]
    low = sole.lowest(foot.ankle, foot.turn @ world[:, ankle], foot.toes_turn @ world[:, ball])

    # What is on the floor with one end is there with the other.
    ground = np.full(len(low), np.nan)
    for contact in sorted(contacts, key=lambda contact: contact.on_floor):
        here = floor if contact.on_floor else np.median(low[contact.frames])
        ground[contact.frames] = here
    stands = np.isfinite(ground)

    # In between nothing is under the floor, or under where the foot comes from or goes to, if that
    # is lower.
    beside = np.full((2, len(low)), floor)
    for at, frames in zip(beside, (range(len(low)), reversed(range(len(low))))):
        last = floor
        for t in frames:
            last = ground[t] if stands[t] else last
            at[t] = last
    least = np.minimum(beside.min(axis=0), floor)
    sunk = ~stands & (low < least)
    up = np.where(stands, ground - low, np.where(sunk, least - low, 0.0))
    up = followed(up[:, None], stands | sunk, fps, FIRM) * [0.0, 0.0, 1.0]
    return replace(foot, ankle=foot.ankle + up, pivot=foot.pivot + up)
