"""Feet that stand are held still: each foot is moved and turned to where it belongs, and its leg
follows.

Where a straight leg would not reach its standing foot, the hips come down a little, smoothly, and a
foot on its toes rolls further (`leg_reach.py`): no foot tips or is pulled off the floor, and no
knee pops. The upper body keeps its pose.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace

import numpy as np

from ..body.body import Body
from ..body.skeleton import JOINT_NAMES, PARENTS
from ..keypoints.proportions import normalised
from ..motion import Motion
from ..progress import Progress
from ..rotation import between, exp_map, log_map
from .contacts import Contact, contact_mask
from .easing import standing_share
from .floor import FEET, Floor, FootPoints
from .foot_targets import corrections, raised
from .leg_reach import FootTarget, hips_down, roll_foot, stretch, two_bones
from .soles import Sole, on_ground

OWN = 3.0
"""How much the hips' own height counts beside a straight leg that stands flat."""
NEGLIGIBLE = 1e-5
"""Radians by which a leg has to turn, and metres by which the hips have to come down, to be
changed."""
LEGS = tuple(
    tuple(JOINT_NAMES.index(f"{side}_{part}") for part in ("hip", "knee", "ankle", "foot"))
    for side in ("left", "right")
)


def lock_steps(
    motion: Motion,
    body: Body,
    points: FootPoints,
    contacts: Sequence[Contact],
    floor: Floor,
    on_floor: bool = True,
) -> Generator[Progress, None, Motion]:
    """The motion with its standing foot points held still, each over each contact; a generator that
    yields `Progress`.

    points are those of this motion. on_floor: what stands near the floor is put on it; otherwise
    contacts keep their own heights. The hips may come down a little (`trans`); only legs turn.
    """
    if not contacts and not on_floor:
        return motion
    parts = len(FEET) + 1
    yield Progress("feet", 0, parts)

    # Where heels and toes go: each contact to one place, and what does not stand out of the ground.
    world, joints = body.world(motion)
    standing = contact_mask(list(contacts), len(motion))
    correction = corrections(points, contacts, floor if on_floor else None, motion.fps)
    up = raised(points, correction, contacts, floor if on_floor else floor.as_seen, motion.fps)
    heels, toes = map(list, zip(*FEET))
    correction[:, heels, 2] += up[:, heels]

    # Each foot as a whole: its ankle, how it turns, how firmly it stands.
    feet = [
        _placed(points, correction, up[:, toes[side]], standing, side, world, joints, motion.fps)
        for side in range(len(FEET))
    ]

    # What stands on the floor does so with the skin that is lowest, not with the points.
    if on_floor:
        betas = body.betas_of(motion)
        feet = [
            on_ground(
                foot,
                Sole.of(body, betas, side),
                world,
                [contact for contact in contacts if contact.point in FEET[side]],
                floor.height,
                side,
                motion.fps,
            )
            for side, foot in enumerate(feet)
        ]

    # Hips come down where a leg would not reach; less than is seen is left alone.
    at = np.stack([joints[:, leg[:3]] for leg in LEGS], axis=1)  # (T,2 legs,3 joints,3)
    lengths = np.linalg.norm(np.diff(at[0], axis=1), axis=-1)
    flat = np.stack([foot.stands * (1.0 - foot.rolls) for foot in feet], axis=1)
    goals = np.stack([foot.ankle for foot in feet], axis=1)
    down = hips_down(at[:, :, 0], at[:, :, 2], goals, lengths, flat, flat, motion.fps, OWN)
    down = np.where(np.abs(down) > NEGLIGIBLE, down, 0.0)
    at[..., 2] -= down[:, None, None]

    # Legs follow, in frames in which they turn.
    poses = motion.poses.copy()
    for side, (leg, foot) in enumerate(zip(LEGS, feet)):
        yield Progress("feet", side + 1, parts)
        turns = _leg_turns(
            foot, at[:, side], lengths[side], flat[:, side], hinge=world[:, leg[0], :, 0]
        )
        turned = world.copy()
        turned[:, leg] = turns @ world[:, leg]
        local = log_map(
            np.swapaxes(turned[:, [PARENTS[joint] for joint in leg]], -1, -2) @ turned[:, leg]
        )
        moved = np.flatnonzero((np.linalg.norm(log_map(turns), axis=-1) > NEGLIGIBLE).any(axis=1))
        poses[moved[:, None], leg] = local[moved]
    return replace(motion, poses=poses, trans=motion.trans - down[:, None] * [0.0, 0.0, 1.0])


def _leg_turns(
    foot: FootTarget, at: np.ndarray, lengths: np.ndarray, flat: np.ndarray, hinge: np.ndarray
) -> np.ndarray:
    """(T,4,3,3): how thigh, shin, foot and toes turn in the world, for the foot to be where it
    belongs as far as its leg reaches.

    at (T,3,3): hip, knee and ankle; flat (T,): how firmly it stands flat; hinge (T,3): the knee's
    axis.
    """
    hip, knee, ankle = np.moveaxis(at, 1, 0)
    goal, roll = roll_foot(foot, hip, ankle, lengths, flat)
    away = stretch(hip, ankle, goal, lengths, foot.stands)
    thigh, shin = two_bones(hip, knee, ankle, hip + away[:, None] * normalised(goal - hip), hinge)
    return np.stack([thigh, shin, roll @ foot.turn, foot.toes_turn], axis=1)


def _placed(
    points: FootPoints,
    correction: np.ndarray,
    toe_up: np.ndarray,
    standing: np.ndarray,
    side: int,
    world: np.ndarray,
    joints: np.ndarray,
    fps: float,
) -> FootTarget:
    """Where a foot belongs, as if its leg reached everywhere; toe_up (T,) metres by which its toes
    bend up."""
    heel, toe = FEET[side]
    _, _, at_ankle, at_ball = LEGS[side]
    ankle, ball = joints[:, at_ankle], joints[:, at_ball]

    # Heel and toe go where they belong: the foot turns from the line between them to the wanted
    # one.
    along = points.positions[:, toe] - points.positions[:, heel]
    wanted = along + correction[:, toe] - correction[:, heel]
    ahead = normalised(wanted)
    turn = between(normalised(along), ahead)

    # The ankle and the ball, which the heel rolls about, go along with the middle of the sole.
    middle = points.positions[:, [heel, toe]].mean(axis=1)
    goal = (
        middle
        + correction[:, [heel, toe]].mean(axis=1)
        - (turn @ (middle - ankle)[..., None])[..., 0]
    )
    pivot = goal + (turn @ (ball - ankle)[..., None])[..., 0]

    # How far the heel is up, beyond what the foot's own shape at rest makes of a level sole.
    across = normalised(np.cross((turn @ world[:, at_ankle])[..., 1], ahead))
    level = (points.clearance[heel] - points.clearance[toe]) / np.linalg.norm(wanted, axis=1)
    heel_up = np.arcsin(np.clip(-ahead[:, 2], -1.0, 1.0)) - np.arcsin(np.clip(level, -1.0, 1.0))

    # It stands by either end, and rolls where only the toes do; toes bend by what their tips are
    # raised.
    on_heel, on_toe = standing[:, heel], standing[:, toe]
    stands, rolls = (standing_share(mask, fps) for mask in (on_heel | on_toe, on_toe & ~on_heel))
    bend = exp_map(
        -np.arctan(toe_up / np.linalg.norm(points.positions[:, toe] - ball, axis=1))[:, None]
        * across
    )
    return FootTarget(goal, turn, bend @ turn, stands, rolls, pivot, across, heel_up)
