"""A motion on another character: rotations for the bones of any humanoid skeleton, and a way for
its hips.

Each bone gets the rotation that its SMPL joint has in the world, counted from the character's own
rest pose brought to SMPL's T-pose (`rest_pose.py`), so bones may lie and roll as they like. Bones
that share a joint share its rotation. Hips go where the source's go, scaled by the length of the
legs about the floor; feet are put on the floor (`leg_placing.py`, `leg_reach.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .body.body import Body
from .body.skeleton import JOINT_NAMES, PARENTS
from .cleaning.leg_reach import FootTarget, hips_down, roll_foot, stretch, two_bones
from .concise import concise_repr
from .keypoints.hand_points import SIDES
from .keypoints.proportions import normalised
from .motion import Motion
from .retargeting.leg_placing import Foot, Scaling, SourceFeet, place_foot
from .retargeting.rest_pose import TO_BLENDER, alignments
from .retargeting.root_motion import root_motion
from .retargeting.target_skeleton import Character, SourceShape, TargetSkeleton
from .rotation import exp_map, log_map


@dataclass(frozen=True)
class Retargeted:
    """What the character does: rotations (T,N,3,3) of its bones against their links; location (T,3)
    of the pelvis' bone, in its own units; object_shift (T,3) by which the whole armature moves, in
    its own space; root_rotations (T,3,3) and root_location (T,3) of the bone above the pelvis, in
    its own axes, None where that does not travel.

    scale: the character's legs over the source's. pelvis: which bone has the location. lowered:
    metres by which the hips came down at most, so that standing feet stay in reach. placed: whether
    legs were placed.
    """

    rotations: np.ndarray
    location: np.ndarray
    object_shift: np.ndarray
    scale: float
    pelvis: int
    lowered: float
    placed: bool
    root_rotations: np.ndarray | None = None
    root_location: np.ndarray | None = None
    __repr__ = concise_repr


@dataclass(frozen=True)
class _Source:
    """The motion that a character takes on: how its joints are turned in the world (T,24,3,3) from
    a rest with Z up, and where they are (T,24,3), in metres, its feet, and its body at rest."""

    turns: np.ndarray
    joints: np.ndarray
    feet: SourceFeet
    shape: SourceShape

    @classmethod
    def of(cls, motion: Motion, body: Body) -> _Source:
        shape = SourceShape.of(body, body.betas_of(motion))
        world, joints = body.world(motion)
        return cls(world @ TO_BLENDER.T, joints, SourceFeet.of(motion, body), shape)


def retarget(
    motion: Motion,
    body: Body,
    target: TargetSkeleton,
    *,
    feet: bool = True,
    root: str = "hips",
    in_place: bool = False,
    relative: bool = False,
    tolerance: float = 0.0,
) -> Retargeted:
    """Put a motion of `body` on a skeleton.

    feet: keep feet on the floor and standing feet still, by the legs' inverse kinematics. root:
    "hips" (all travel is the hips'), "object": what is level of it moves the armature, or "bone":
    the bone above the pelvis has what is level of it, and turns about the vertical as the hips do.
    in_place: leave level travel away altogether. relative: play the motion about the armature's
    origin, facing as the character does at rest, not where it was. tolerance: radians by which a
    limb's rest direction may differ from SMPL's and is still taken for SMPL's. Raises
    `RetargetError` where the pelvis has no bone, where there is no bone above it that could travel,
    or where the character's facing cannot be told.
    """
    character = Character(target, relative)
    source = _Source.of(motion, body)

    # Each bone turns as its joint does, counted from the rest pose brought to the T-pose.
    rest_joints = body.rest_joints(body.betas_of(motion))
    turns = alignments(character.joints, rest_joints, tolerance) @ character.facing
    directed = (
        _shared(source.turns, target) @ turns[character.joint_index] @ character.rest_rotation
    )
    positions = character.forward(directed)

    # The hips' way, scaled about the floor by the length of the legs.
    scale = character.leg_length(source.shape)
    centre = character.middle(source.joints[:1])[0, :2]
    scaling = Scaling(scale, centre, source.feet.floor.height)
    way = scaling(character.middle(source.joints))
    positions += (way - character.hips(positions))[:, None]

    # Legs and feet anew, for a floor that proportions would otherwise miss.
    down = np.zeros(len(motion))
    legs = character.legs() if feet else {}
    if legs:
        turned = source.turns @ turns @ character.facing.T
        targets = _foot_targets(character, legs, source, scaling, positions, turned)
        down = _put_on_feet(character, legs, targets, source, directed, positions)

    # Who travels: the hips, the whole armature, or a bone above the hips.
    pelvis = target.joints.index("pelvis")
    origin = positions[:, pelvis]
    shift = np.zeros_like(origin)
    if root == "object" or in_place:
        shift[:, :2] = way[:, :2] - way[:1, :2]
        origin = origin - shift
    moved = np.tile(np.eye(4), (len(motion), 1, 1))
    if root == "bone":
        at, home = character.root()
        moved = root_motion(way, source.turns[:, 0], at, home, motion.fps)

    # From the world to what the rig's channels hold.
    rotations = character.local(directed, moved[:, :3, :3])
    location = character.location(origin, pelvis, moved)
    shift = np.zeros_like(shift) if in_place else shift @ character.to_take / character.scale
    done = Retargeted(rotations, location, shift, scale, pelvis, float(down.max()), bool(legs))
    if root == "bone":
        basis = character.root_basis(moved)
        done = replace(done, root_rotations=basis[:, :3, :3], root_location=basis[:, :3, 3])
    return done


def _foot_targets(
    character: Character,
    legs: dict[str, tuple[int, int, int]],
    source: _Source,
    scaling: Scaling,
    positions: np.ndarray,
    turned: np.ndarray,
) -> dict[str, FootTarget]:
    """Where the foot of each leg belongs, by how the source's stands and moves.

    positions (T,N,3): where the bones begin by the rotations alone; turned (T,24,3,3): how joints
    are turned from the character's rest.
    """
    targets = {}
    for side, (hip, _, ankle) in legs.items():
        of_hip, of_ankle, of_foot = (
            JOINT_NAMES.index(f"{side}_{part}") for part in ("hip", "ankle", "foot")
        )
        number, bends = SIDES.index(side), character.has(f"{side}_foot")
        source_foot = Foot(
            source.shape.soles[number],
            source.joints[:, of_ankle],
            source.turns[:, of_ankle],
            source.turns[:, of_foot],
        )
        toes = turned[:, of_foot if bends else of_ankle]
        character_foot = Foot(
            character.sole(side, source.shape), positions[:, ankle], turned[:, of_ankle], toes
        )
        aside = positions[:, hip] - scaling(source.joints[:, of_hip])
        targets[side] = place_foot(
            source.feet, number, source_foot, character_foot, scaling, aside, bends
        )
    return targets


def _put_on_feet(
    character: Character,
    legs: dict[str, tuple[int, int, int]],
    targets: dict[str, FootTarget],
    source: _Source,
    directed: np.ndarray,
    positions: np.ndarray,
) -> np.ndarray:
    """Turns the bones of the legs, in `directed` (T,N,3,3), until their feet are where they belong,
    and lowers all `positions` (T,N,3) where a leg would not reach.

    Returns by how many metres, (T,).
    """
    feet = list(targets.values())

    # The hips come down where a leg would not reach; both feet have a say.
    at = np.array([positions[:, leg] for leg in legs.values()])  # (L,T,3 joints,3)
    lengths = np.linalg.norm(np.diff(at[:, 0], axis=1), axis=-1)
    stands = np.stack([foot.stands for foot in feet], axis=1)
    flat = stands * (1.0 - np.stack([foot.rolls for foot in feet], axis=1))
    hips, ankles = np.swapaxes(at[:, :, 0], 0, 1), np.swapaxes(at[:, :, 2], 0, 1)
    goals = np.stack([foot.ankle for foot in feet], axis=1)
    down = hips_down(hips, ankles, goals, lengths, flat, stands, source.feet.fps)
    positions[..., 2] -= down[:, None]

    # Each leg as far as it reaches, heels rolling up before it is stretched out.
    for number, (side, leg) in enumerate(legs.items()):
        hip, knee, ankle = (positions[:, bone] for bone in leg)
        foot = feet[number]
        goal, rolled = roll_foot(foot, hip, ankle, lengths[number], flat[:, number])
        away = stretch(hip, ankle, goal, lengths[number], foot.stands)
        goal = hip + away[:, None] * normalised(goal - hip)
        hinge = source.turns[:, JOINT_NAMES.index(f"{side}_hip"), :, 0]
        thigh, shin = two_bones(hip, knee, ankle, goal, hinge)

        # A foot without toes of its own turns as a whole.
        toes = foot.toes_turn if character.has(f"{side}_foot") else rolled @ foot.toes_turn
        turns = {"hip": thigh, "knee": shin, "ankle": rolled @ foot.turn, "foot": toes}
        for part, turn in turns.items():
            for bone in character.bones_of(f"{side}_{part}"):
                directed[:, bone] = turn @ directed[:, bone]
    return down


def _shared(rotations: np.ndarray, target: TargetSkeleton) -> np.ndarray:
    """(T,N,3,3): the rotation of each bone's joint; bones that share one get there in equal steps
    from the joint that their chain begins at.
    """
    joints = [JOINT_NAMES.index(joint) for joint in target.joints]
    directed = rotations[:, joints]
    for bone, joint in enumerate(joints):
        chain = _chain(bone, joints, target.parents)
        total = max(
            len(_chain(other, joints, target.parents))
            for other, other_joint in enumerate(joints)
            if other_joint == joint and bone in _chain(other, joints, target.parents)
        )
        if len(chain) < total:
            before = target.parents[chain[0]]
            from_joint = joints[before] if before >= 0 else PARENTS[joint]
            if from_joint < 0:
                continue
            start = rotations[:, from_joint]
            turn = log_map(np.swapaxes(start, -1, -2) @ rotations[:, joint])
            directed[:, bone] = start @ exp_map(turn * (len(chain) / total))
    return directed


def _chain(bone: int, joints: Sequence[int], parents: Sequence[int]) -> list[int]:
    """The bones of the same joint that lead up to a bone, the first one first."""
    chain = [bone]
    while parents[chain[0]] >= 0 and joints[parents[chain[0]]] == joints[bone]:
        chain.insert(0, parents[chain[0]])
    return chain
