"""The finger bones of another character, by their names."""

from __future__ import annotations

from collections.abc import Mapping

import bpy
import numpy as np

from ...lsmpl_core.keypoints.hand_points import SIDES
from ...lsmpl_core.retargeting.fingers import TargetFingers, find_finger_bones


def measure_fingers(armature: bpy.types.Object, mapped: Mapping[str, str]) -> TargetFingers | None:
    """The finger bones of an armature at rest; None where it has none, or where its hands are not
    mapped. mapped: the SMPL joint of each bone that is, which no finger is taken from."""
    bones = armature.data.bones
    wrists = [
        next((name for name, joint in mapped.items() if joint == f"{side}_wrist"), "")
        for side in SIDES
    ]
    found = find_finger_bones([bone.name for bone in bones if bone.name not in mapped])
    if not found or not all(name in bones for name in wrists):
        return None
    joints = sorted(found)
    names = tuple(found[joint] for joint in joints)
    matrices = np.array([bones[name].matrix_local for name in names], dtype=np.float64)
    hands = np.array([bones[name].matrix_local for name in wrists], dtype=np.float64)
    return TargetFingers(
        names=names,
        joints=tuple(joints),
        rest=matrices[:, :3, :3],
        heads=matrices[:, :3, 3],
        ends=np.array([bones[name].tail_local for name in names], dtype=np.float64),
        hand_rest=hands[:, :3, :3],
        hand_heads=hands[:, :3, 3],
    )
