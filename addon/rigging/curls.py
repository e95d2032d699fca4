"""Controls that curl fingers: one a finger and one a hand, over what the finger bones' keys say.

A curl turns each joint of its finger about the axis that it bends about, the end joint less, by a
Copy Rotation constraint; that of a hand turns those of its fingers. At rest they do nothing. They
play without Python, as the other controls do.
"""

from __future__ import annotations

from collections.abc import Container, Iterable

import bpy
import numpy as np
from mathutils import Vector

from ...lsmpl_core.body.skeleton import FINGER_JOINT_NAMES
from ...lsmpl_core.keypoints.hand_points import FINGERS, SIDES
from ...lsmpl_core.rotation import exp_map, from_quaternion, to_quaternion
from .limbs import CURLS, HAND_CURLS, curled_by

CHANNEL = "rotation_euler"
_CONSTRAINT = "LSMPL Curl"
_SHARES = 1.0, 1.0, 0.7
"""Of a curl, the three joints of a finger have so much."""
_THUMB_SHARE = 0.4
"""Of a hand's curl: thumbs bend less than fingers do."""


def can_be(names: Iterable[str]) -> bool:
    """Whether a character with bones of these names can have curls: it has fingers."""
    return set(FINGER_JOINT_NAMES) <= set(names)


def are_there(bones: Container[str]) -> bool:
    """Whether curls are among the bones of an armature."""
    return all(name in bones for name in (*CURLS, *HAND_CURLS))


def make_bones(edit_bones: bpy.types.ArmatureEditBones) -> None:
    """In Edit Mode: a curl along each finger, and one over each palm."""
    for name in (*CURLS, *HAND_CURLS):
        bone = edit_bones.new(name)
        bone.use_deform, bone.parent = False, edit_bones[f"{_side(name)}_wrist"]
    lay_bones(edit_bones)


def lay_bones(edit_bones: bpy.types.ArmatureEditBones) -> None:
    """In Edit Mode: put the curls where the fingers are at rest, and let them lie as the joints
    that they turn."""
    for curl in CURLS:
        first, _, last = (edit_bones[name] for name in curled_by(curl))
        _lay(edit_bones[curl], first, first.head, (last.tail - first.head).length)
    for curl in HAND_CURLS:
        wrist, middle = (edit_bones[f"{_side(curl)}_{name}"] for name in ("wrist", "middle1"))
        _lay(edit_bones[curl], middle, wrist.head, (middle.head - wrist.head).length)


def _side(name: str) -> str:
    return name.split("_")[0]


def _lay(bone: bpy.types.EditBone, like: bpy.types.EditBone, head: Vector, length: float) -> None:
    bone.head, bone.tail = head, head + length * like.vector.normalized()
    bone.align_roll(like.z_axis)


def connect(armature: bpy.types.Object) -> None:
    """Constraints and locks, for curls that were just made."""
    pose = armature.pose.bones
    for name in (*CURLS, *HAND_CURLS):
        pose[name].rotation_mode = "XYZ"
        pose[name].lock_rotation = (False, True, True)
        pose[name].lock_location = pose[name].lock_scale = (True, True, True)
    for curl in CURLS:
        for joint, share in zip(curled_by(curl), _SHARES):
            _constrain(armature, joint, curl, share)
        of_hand = HAND_CURLS[SIDES.index(_side(curl))]
        _constrain(armature, curl, of_hand, _THUMB_SHARE if "thumb" in curl else 1.0)


def _constrain(armature: bpy.types.Object, bone: str, curl: str, share: float) -> None:
    constraint = armature.pose.bones[bone].constraints.new("COPY_ROTATION")
    constraint.name, constraint.influence = _CONSTRAINT, share
    constraint.target, constraint.subtarget = armature, curl
    constraint.use_y = constraint.use_z = False
    constraint.mix_mode = "BEFORE"
    constraint.owner_space = constraint.target_space = "LOCAL"


def disconnect(armature: bpy.types.Object) -> None:
    """Take the constraints away, as far as they are there."""
    for name in (*FINGER_JOINT_NAMES, *CURLS):
        bone = armature.pose.bones.get(name)
        found = bone.constraints.get(_CONSTRAINT) if bone is not None else None
        if found is not None:
            bone.constraints.remove(found)


def channels() -> list[tuple[str, str]]:
    """What curls are keyed by: those of fingers, then those of hands."""
    return [(name, CHANNEL) for name in (*CURLS, *HAND_CURLS)]


def turns(values: list[np.ndarray]) -> np.ndarray:
    """(N,30,3,3): by how much finger joints are turned before their own channels, where curls have
    these (N,3), in the order of `channels`."""
    fingers, hands = np.split(np.stack(values, axis=1)[..., 0], [len(CURLS)], axis=1)
    shares = np.where(np.array(FINGERS) == "thumb", _THUMB_SHARE, 1.0)
    bends = fingers.reshape(-1, len(SIDES), len(FINGERS)) + hands[:, :, None] * shares
    angles = bends.reshape(len(fingers), -1, 1) * np.array(_SHARES)
    return exp_map(angles.reshape(len(fingers), -1, 1) * np.array([1.0, 0.0, 0.0]))


def curled(quaternions: np.ndarray, turned: np.ndarray) -> np.ndarray:
    """(N,30,4): what is seen of finger bones whose own channels are quaternions (N,30,4), under
    `turns` (N,30,3,3); with their transposes, the other way."""
    length = np.linalg.norm(quaternions, axis=-1, keepdims=True)
    return to_quaternion(turned @ from_quaternion(quaternions / length))
