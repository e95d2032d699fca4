"""What a character of ours shows, as SMPL's motion: the inverse of baking."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import bpy
import numpy as np

from ...lsmpl_core import Motion, Progress
from ...lsmpl_core.rotation import orthonormalise
from .. import jobs
from ..characters import bodies, character, finger_bones, shape
from ..held import Held
from ..takes.timing import scene_rate
from .stage import staged

_FRAMES_A_STEP = 50
"""Frames that are read in a step."""


def read_pose(
    armature: bpy.types.Object,
    scene: bpy.types.Scene,
    frames: np.ndarray,
    fps: float | None = None,
    action: bpy.types.Action | None = None,
    in_world: bool = True,
) -> jobs.Steps[Motion]:
    """The motion that a character of ours shows at some scene frames (T,), which may be fractions:
    keys, strips and constraints included. Its shape is the one that the character has now. Yields
    `Progress`.

    in_world: as it is in the scene; else in the armature's own space, wherever that was moved.

    The inverse of baking; what SMPL cannot say (stretched bones, joints pulled apart) is left out.
    Raises `LsmplError` where its body is not there any more.
    """
    body = bodies.of_character(armature)
    rest = character.bone_rotations(armature, body)
    betas = shape.betas_of(armature)
    fps = fps or scene_rate(scene)
    names, parents, count = list(body.joint_names), list(body.parents), len(body.joint_names)
    has_fingers = body.fingers is not None and finger_bones.has_fingers(armature)
    if has_fingers:
        names += finger_bones.FINGER_JOINT_NAMES
        parents += finger_bones.parents()
        rest = np.concatenate([rest, finger_bones.lying(armature)])
    held = Held(armature, scene, action, doing="read")
    posed, heads = np.empty((len(frames), len(names), 3, 3)), np.empty((len(frames), 3))
    for start in range(0, len(frames), _FRAMES_A_STEP):
        yield Progress("sample", start, len(frames))
        armature, scene, action = held.again()
        some = slice(start, start + _FRAMES_A_STEP)
        posed[some], heads[some] = _sample(armature, scene, names, frames[some], action, in_world)
    local = _local_rotations(posed, rest, parents)
    motion = character.motion_of_pose(rest[:count], body, local[:, :count], heads, betas, fps)
    if has_fingers:
        bent = finger_bones.angles_of_pose(body, rest[count:], local[:, count:])
        motion = replace(motion, fingers=bent, hand_size=shape.hand_size_of(armature))
    return motion


def _sample(
    armature: bpy.types.Object,
    scene: bpy.types.Scene,
    joints,
    frames: np.ndarray,
    action: bpy.types.Action | None,
    in_world: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """Rotations (T,J,3,3) of the bones, and where the first of them begins (T,3), in the world or
    in the armature's space."""
    rotations, heads = [], []
    with staged(armature, scene, 0, 1, action, with_meshes=False) as stage:
        graph = stage.scene.view_layers[0].depsgraph
        for frame in frames:
            whole = math.floor(frame)
            stage.scene.frame_set(whole, subframe=frame - whole)
            rig = stage.armature.evaluated_get(graph)
            world = np.array(rig.matrix_world) if in_world else np.eye(4)
            pose = np.array([rig.pose.bones[name].matrix for name in joints])
            rotations.append(world[:3, :3] @ pose[:, :3, :3])
            heads.append(world[:3, :3] @ pose[0, :3, 3] + world[:3, 3])
    return np.array(rotations), np.array(heads)


def _local_rotations(
    posed: np.ndarray, rest: np.ndarray, parents: Sequence[int] | np.ndarray
) -> np.ndarray:
    """(T,J,3,3): each bone's own rotation in its rest frame, from world rotations of bones that may
    be scaled."""
    posed = orthonormalise(posed)
    local = np.empty_like(posed)
    local[:, 0] = rest[0].T @ posed[:, 0]
    for joint, parent in enumerate(parents):
        if parent >= 0:
            offset = rest[parent].T @ rest[joint]
            local[:, joint] = offset.T @ posed[:, parent].transpose(0, 2, 1) @ posed[:, joint]
    return local
