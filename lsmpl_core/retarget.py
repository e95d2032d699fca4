"""A motion on another character: rotations for the bones of any humanoid skeleton, and a way for its hips.

Each bone gets the rotation that its SMPL joint has in the world, counted from the character's own rest pose brought to
SMPL's T-pose (`rest_pose.py`), so bones may lie and roll as they like. Bones that share a joint share its rotation.
Hips go where the source's go, scaled by the length of the legs about the floor; feet are put on the floor
(`leg_placing.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .body.body import Body
from .body.skeleton import JOINT_NAMES, PARENTS
from .motion import Motion
from .retargeting.leg_placing import Scaling, SourceFeet, ankle_goals, lowered, two_bones
from .retargeting.rest_pose import TO_BLENDER, alignments
from .retargeting.target_skeleton import SIDES, Character, SourceShape, TargetSkeleton
from .rotation import exp_map, log_map


@dataclass(frozen=True)
class Retargeted:
    """What the character does: rotations (T,N,3,3) of its bones against their links; location (T,3) of the pelvis'
    bone, in its own units; object_shift (T,3) by which the whole armature moves, in its own space.

    scale: the character's legs over the source's. pelvis: which bone has the location. lowered: metres by which the
    hips came down at most, so that standing feet stay in reach. placed: whether legs were placed.
    """

    rotations: np.ndarray
    location: np.ndarray
    object_shift: np.ndarray
    scale: float
    pelvis: int
    lowered: float
    placed: bool


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

    feet: keep feet on the floor and standing feet still, by the legs' inverse kinematics. root: "hips" (all travel is
    the hips'), or "object": what is level of it moves the armature. in_place: leave level travel away altogether.
    relative: play the motion about the armature's origin, facing as the character does at rest, not where it was.
    tolerance: radians by which a limb's rest direction may differ from SMPL's and is still taken for SMPL's.
    Raises `RetargetError` where the pelvis has no bone, or where the character's facing cannot be told.
    """
    character = Character(target, relative)
    betas = body.betas_of(motion)
    world, joints = body.world(motion)
    turns = alignments(character.joints, body.rest_joints(betas), tolerance) @ character.facing
    directed = _shared(world @ TO_BLENDER.T, target) @ turns[character.joint_index] @ character.rest_rotation
    positions = character.forward(directed)
    shape = SourceShape.of(body, betas)
    scale = character.leg_length(shape)
    source = SourceFeet.of(motion, body)
    scaling = Scaling(scale, character.middle(joints[:1])[0, :2], source.floor.height)
    way = scaling(character.middle(joints))
    positions += (way - character.hips(positions))[:, None]
    down = np.zeros(len(motion))
    legs = character.legs() if feet else {}
    if legs:
        soles = character.soles(world @ TO_BLENDER.T @ turns @ character.facing.T, shape)
        down = _place_legs(character, legs, directed, positions, world, joints, source, scaling, soles)
    rotations = character.local(directed)
    pelvis = target.joints.index("pelvis")
    place = positions[:, pelvis]
    shift = np.zeros_like(place)
    if root == "object" or in_place:
        shift[:, :2] = way[:, :2] - way[:1, :2]
        place = place - shift
    location = character.location(place, pelvis)
    shift = np.zeros_like(shift) if in_place else shift @ character.to_take / character.scale
    return Retargeted(rotations, location, shift, scale, pelvis, float(down.max()), bool(legs))


def _place_legs(
    character: Character,
    legs: dict[str, tuple[int, int, int]],
    directed: np.ndarray,
    positions: np.ndarray,
    world: np.ndarray,
    joints: np.ndarray,
    source: SourceFeet,
    scaling: Scaling,
    soles: np.ndarray,
) -> np.ndarray:
    """Turn the bones of the legs (in `directed`) for feet that stand, and lower all `positions` where they must be.

    Returns by how much (T,).
    """
    rows = [SIDES.index(side) for side in legs]
    source_hips = scaling(joints[:, [JOINT_NAMES.index(f"{side}_hip") for side in SIDES]])
    hips = source_hips.copy()
    for row, leg in zip(rows, legs.values()):
        hips[:, row] = positions[:, leg[0]]
    goals, tilt = ankle_goals(source, scaling, soles, hips - source_hips, rows)
    lengths = np.array([character.length(legs[side]) if side in legs else np.nan for side in SIDES])
    standing = source.standing.reshape(-1, 2, 2).any(axis=2) & np.isin([0, 1], rows)
    down = lowered(hips, goals, lengths, standing, source.fps)
    positions[..., 2] -= down[:, None]
    for row, (side, leg) in zip(rows, legs.items()):
        hinge = world[:, JOINT_NAMES.index(f"{side}_hip"), :, 0]
        thigh, shin = two_bones(*(positions[:, bone] for bone in leg), goals[:, row], hinge)
        for part, turn in (("hip", thigh), ("knee", shin), ("ankle", tilt[:, row]), ("foot", tilt[:, row])):
            for bone in character.bones_of(f"{side}_{part}"):
                directed[:, bone] = turn @ directed[:, bone]
    return down


def _shared(rotations: np.ndarray, target: TargetSkeleton) -> np.ndarray:
    """(T,N,3,3): the rotation of each bone's joint; bones that share one get there in equal steps from the joint that
    their chain begins at.
    """
    joints = [JOINT_NAMES.index(joint) for joint in target.joints]
    directed = rotations[:, joints]
    for bone, joint in enumerate(joints):
        chain = _chain(bone, joints, target.parents)
        total = max(
            len(_chain(other, joints, target.parents))
            for other, own in enumerate(joints)
            if own == joint and bone in _chain(other, joints, target.parents)
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
