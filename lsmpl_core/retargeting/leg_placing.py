"""Feet of another character, placed: where the source's feet stand on the floor, the character's
stand, too.

A character with other proportions that takes on rotations alone sinks, floats and slides. Here each
foot goes where the source's goes, scaled, its sole as high above the floor in proportion. While
heel and toes stand, the foot stands flat; while the toes alone stand, as a foot rolls off, toes
that have a bone stay flat and the foot turns about them. What stands stays where it stands: heels
and toes each have a place for each contact, and the foot is moved there.

All of these are corrections that are known while something stands and wanted small elsewhere. In
between they come and go without a jerk (`cleaning/easing.py`), so that nothing pops. The legs
follow in `cleaning/leg_reach.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..body.body import Body
from ..cleaning.contacts import Contact, contact_mask, find_contacts, while_down
from ..cleaning.easing import HELD, followed, standing_share
from ..cleaning.floor import Floor, FootPoints, estimate_floor, foot_points
from ..cleaning.leg_reach import FootTarget
from ..frames import runs
from ..keypoints.proportions import normalised
from ..motion import Motion
from ..rotation import between, exp_map, log_map
from .soles import Sole, level_turn

SNAP_HEIGHT, STEP_HEIGHT = 0.03, 0.06
"""Metres above or below the floor up to which what stands is put on it, and from which it stands on
something else."""
DOWN_HEIGHT = 0.012
"""Metres from its usual height in a contact up to which a point is down."""
MOST_TURN, MOST_BEND = np.radians(25.0), np.radians(60.0)
"""By which a foot is turned to stand flat, and toes are bent to stay flat, at most."""
EVEN, SLOPE = np.radians(6.0), np.radians(10.0)
"""Ground that rises by less under a foot is level; by more, a slope; in between, in between."""
BISECTIONS = 10
"""For the angle of bent toes."""


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
        contacts = [
            while_down(contact, points, DOWN_HEIGHT)
            for contact in find_contacts(points, floor, motion.fps)
        ]
        return cls(points, contacts, floor, motion.fps)

    @property
    def standing(self) -> np.ndarray:
        """(T,4): which foot points stand."""
        return contact_mask(self.contacts, len(self.points.positions))

    def levels(self, side: int) -> np.ndarray:
        """(T,2) metres: how high the ground under heel and toes is above the floor, NaN where they
        do not stand."""
        found = np.full((len(self.points.positions), 2), np.nan)
        for contact in self.contacts:
            if contact.point // 2 == side:
                heights = self.points.positions[contact.frames, contact.point, 2]
                above = float(np.median(heights) - self.floor.point_heights[contact.point])
                raised = np.clip((abs(above) - SNAP_HEIGHT) / (STEP_HEIGHT - SNAP_HEIGHT), 0.0, 1.0)
                found[contact.frames, contact.point % 2] = above * raised
        return found


@dataclass(frozen=True)
class Scaling:
    """From the source's space to the character's: about a centre (2,) on the floor, by one
    factor."""

    factor: float
    centre: np.ndarray
    floor: float

    def __call__(self, points: np.ndarray) -> np.ndarray:
        origin = np.array([*self.centre, self.floor])
        return origin + self.factor * (points - origin)


@dataclass(frozen=True)
class Foot:
    """One foot over a motion: its ankle (T,3), and how foot and toes are turned (T,3,3) from their
    rest."""

    sole: Sole
    ankle: np.ndarray
    turned: np.ndarray
    toes_turned: np.ndarray


def place_foot(
    source: SourceFeet,
    side: int,
    source_foot: Foot,
    character_foot: Foot,
    scaling: Scaling,
    aside: np.ndarray,
    toes_bend: bool,
) -> FootTarget:
    """Where `character_foot` belongs, whose ankle is not looked at, while the source does as
    `source_foot` does.

    side: 0 left, 1 right. aside (T,3): by how much the character's hip is further out than the
    source's, scaled, for feet stand under hips. toes_bend: whether its toes have a bone.
    """
    stands = source.standing.reshape(-1, 2, 2)[:, side]
    levels = scaling.factor * source.levels(side)
    fps = source.fps

    # The foot as the source has it, but flat where it stands; toes bend up out of the floor.
    turn = flattened(character_foot, stands, levels, fps)
    turned, toes = turn @ character_foot.turned, turn @ character_foot.toes_turned
    goal = _unheld(source_foot, character_foot.sole.ends(turned, toes), scaling, aside)
    toes_turn = turn
    if toes_bend:
        ground = scaling.floor + np.nan_to_num(levels[:, 1])
        bend = bent(character_foot.sole, turned, toes, goal[:, 2] - ground, stands)
        toes_turn = exp_map(followed(bend, stands[:, 1], fps)) @ turn

    # What stands goes to one place for each contact, and what would be under the floor comes up.
    ends = goal[:, None] + character_foot.sole.ends(turned, toes_turn @ character_foot.toes_turned)
    places = _places(ends, [contact for contact in source.contacts if contact.point // 2 == side])
    places[..., 2] = scaling.floor + levels + character_foot.sole.lifts
    count = stands.sum(axis=1)
    missing = (
        np.where(stands[..., None], places - ends, 0.0).sum(axis=1) / np.maximum(count, 1)[:, None]
    )
    sunk = scaling.floor + min(0.0, np.nanmin(levels, initial=0.0)) - ends[..., 2].min(axis=1)
    missing[:, 2] = np.where(count > 0, missing[:, 2], sunk)

    # Corrections are followed while they are known, and led back to nothing elsewhere.
    goal[:, :2] += followed(missing[:, :2], count > 0, fps, HELD)
    goal[:, 2:] += followed(missing[:, 2:], (count > 0) | (sunk > 0.0), fps)
    firm, rolls = (standing_share(mask, fps) for mask in (count > 0, stands[:, 1] & ~stands[:, 0]))
    toes = character_foot.sole.ends(turned, toes_turn @ character_foot.toes_turned)[:, 1]

    # What the heel rolls about where a leg is stretched out, and how far it is up.
    pivot = goal + (turned @ character_foot.sole.ball if toes_bend else toes)
    ahead = turned @ normalised(character_foot.sole.ball * (1.0, 1.0, 0.0))
    across = normalised(np.cross(turned[..., :, 2], ahead))
    raised = np.arcsin(np.clip(-ahead[:, 2], -1.0, 1.0))
    return FootTarget(goal, turn, toes_turn, firm, rolls, pivot, across, raised)


def flattened(foot: Foot, stands: np.ndarray, levels: np.ndarray, fps: float) -> np.ndarray:
    """(T,3,3): the turn with which a foot stands flat, and does not turn, while heel and toes stand
    (T,2).

    levels (T,2): how high the ground is under them.
    """
    flat = stands.all(axis=1)
    forward = foot.sole.ball
    heading = (foot.turned @ normalised(forward * (1.0, 1.0, 0.0)))[:, :2]
    slope = np.zeros(len(flat))
    reach = max(float(np.linalg.norm((foot.sole.ball + foot.sole.toes - foot.sole.heel)[:2])), 1e-6)
    for start, stop in runs(flat):
        frames = slice(start, stop)
        heading[frames] = np.median(heading[frames], axis=0)
        rise = np.arctan(np.median(levels[frames, 1] - levels[frames, 0]) / reach)
        slope[frames] = rise * np.clip((abs(rise) - EVEN) / (SLOPE - EVEN), 0.0, 1.0)
    turn = _limited(
        log_map(level_turn(foot.turned, forward, normalised(heading), slope)), MOST_TURN
    )
    return exp_map(followed(turn, flat, fps))


def bent(
    sole: Sole, turned: np.ndarray, toes: np.ndarray, above: np.ndarray, stands: np.ndarray
) -> np.ndarray:
    """(T,3): rotation vectors by which toes bend: with a flat foot until they are level, and under
    a raised heel so far that they do not sink into the ground.

    turned and toes (T,3,3) as they would be, above (T,): how high the ankle is above the ground,
    stands (T,2).
    """
    level = np.broadcast_to(np.array([0.0, 0.0, 1.0]), (len(toes), 3))
    most = _limited(log_map(between(toes[..., :, 2], level)), MOST_BEND)
    least, share = np.zeros(len(toes)), np.ones(len(toes))
    for _ in range(BISECTIONS):
        middle = 0.5 * (least + share)
        sinks = above + sole.front_low(turned, exp_map(middle[:, None] * most) @ toes) < 0.0
        least, share = np.where(sinks, middle, least), np.where(sinks, share, middle)
    return np.where(stands.all(axis=1), 1.0, share)[:, None] * most


def _unheld(source_foot: Foot, ends: np.ndarray, scaling: Scaling, aside: np.ndarray) -> np.ndarray:
    """(T,3): where the ankle belongs as if nothing stood; ends (T,2,3) of the own sole from the
    ankle."""
    ends_there = source_foot.sole.ends(source_foot.turned, source_foot.toes_turned)
    goal = (
        scaling(source_foot.ankle + ends_there.mean(axis=1))
        - ends.mean(axis=1)
        + aside * (1.0, 1.0, 0.0)
    )
    above = scaling.factor * (
        source_foot.ankle[:, 2] - scaling.floor + ends_there[..., 2].min(axis=1)
    )
    goal[:, 2] = scaling.floor + above - ends[..., 2].min(axis=1)
    return goal


def _places(ends: np.ndarray, contacts: Sequence[Contact]) -> np.ndarray:
    """(T,2,3): where heel and toes (T,2,3) stand during each contact: the middle of where they are.

    While they stand together they are as far apart as they are on the foot: a heel's place goes by
    the toes with which it stands longest, and that of other toes with which it stands by the heel.
    """
    places = np.zeros_like(ends)
    for contact in contacts:
        where = ends[contact.frames, contact.point % 2]
        away = np.linalg.norm((where - np.median(where, axis=0))[:, :2], axis=1)
        places[contact.frames, contact.point % 2] = where[away <= np.median(away)].mean(axis=0)
    toes = [contact for contact in contacts if contact.point % 2]
    for heel in (contact for contact in contacts if not contact.point % 2):
        shared = [
            (slice(max(heel.start, toe.start), min(heel.stop, toe.stop)), toe) for toe in toes
        ]
        shared = [(frames, toe) for frames, toe in shared if frames.start < frames.stop]
        shared.sort(key=lambda overlap: overlap[0].start - overlap[0].stop)
        for number, (frames, toe) in enumerate(shared):
            instep = np.median(ends[frames, 1] - ends[frames, 0], axis=0)
            if number:
                places[toe.frames, 1] = places[frames.start, 0] + instep
            else:
                places[heel.frames, 0] = places[frames.start, 1] - instep
    return places


def _limited(turns: np.ndarray, most: float) -> np.ndarray:
    """Rotation vectors (T,3) of angles up to `most` at most."""
    angle = np.linalg.norm(turns, axis=1, keepdims=True)
    return turns * np.minimum(1.0, most / np.maximum(angle, 1e-12))
