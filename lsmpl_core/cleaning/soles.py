"""Soles: how low the skin of each foot is, wherever its ankle is and however ankle and toes are
turned.

A foot stands on its skin, not on the points that are watched on it: these are in the middle of heel
and toes, and a heel is round, a foot that rolls stands on its edge, and toes bend.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..backends.dense import products
from ..body.body import Body
from ..body.skeleton import JOINT_NAMES
from .contacts import Contact
from .easing import FIRM, followed
from .leg_reach import FootTarget
from .lowest_skin import FRAMES_AT_ONCE, outermost

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

    def skin(self, axis: int, foot: np.ndarray, toes: np.ndarray) -> np.ndarray:
        """(T,V) metres from the ankle along an axis of the world, with foot and toes turned by
        (T,3,3) there: linear in that row of the two."""
        share = self.shares[:, None]
        by_toes = share * (self.rest - self.ball)
        by_foot = (1.0 - share) * self.rest + share * self.ball
        linear = np.ascontiguousarray(np.concatenate([by_foot, by_toes], axis=1).T)
        rows = np.concatenate([foot[:, axis], toes[:, axis]], axis=1)
        return products(rows[None], linear[None])[0]

    def ends(self, ankle: np.ndarray, foot: np.ndarray, toes: np.ndarray) -> SoleEnds:
        """How low heel and toes are, and where they have rolled."""
        toe = self.rest[:, 2] > MIDDLE * self.ball[2]
        parts = [replace(self, rest=self.rest[p], shares=self.shares[p]) for p in (~toe, toe)]
        T = len(ankle)
        low, way = np.empty((T, 2)), np.empty((T, 2, 2))
        for first in range(0, T, FRAMES_AT_ONCE):
            some = slice(max(first - 1, 0), first + FRAMES_AT_ONCE)
            for number, part in enumerate(parts):
                low[some, number], steps = part._rolled(ankle[some], foot[some], toes[some])
                way[first : some.stop, number] = steps[first - some.start :]

        # From where the skin is in the mean at first.
        for number, part in enumerate(parts):
            begin = [part.skin(axis, foot[:1], toes[:1]).mean() for axis in (0, 1)]
            way[0, number] = ankle[0, :2] + begin
        return SoleEnds(low, np.cumsum(way, axis=0))

    def _rolled(
        self, ankle: np.ndarray, foot: np.ndarray, toes: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """How low the skin is in each of N frames (N,), and by how much (N,2) it moves along the
        floor from the frame before, nothing in the first one.

        What touches does not move: from frame to frame the foot goes by what that skin does.
        """
        height = ankle[:, 2:] + self.skin(2, foot, toes)
        touching = 0.5 * (height[1:] + height[:-1])
        weight = np.exp((touching.min(axis=1, keepdims=True) - touching) / TOUCHING)
        weight /= weight.sum(axis=1, keepdims=True)
        steps = np.zeros((len(ankle), 2))
        steps[1:] = np.diff(ankle[:, :2], axis=0)
        for axis in (0, 1):
            skin = self.skin(axis, foot, toes)
            steps[1:, axis] += np.einsum("tv,tv->t", weight, skin[1:] - skin[:-1])
        return height.min(axis=1), steps

    def lowest(self, ankle: np.ndarray, foot: np.ndarray, toes: np.ndarray) -> np.ndarray:
        """(T,) metres: how low the skin is, with the ankle at (T,3)."""
        return ankle[:, 2] + self.skin(2, foot, toes).min(axis=1)


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
