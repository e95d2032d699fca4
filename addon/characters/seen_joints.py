"""Where a character's joints are seen, whatever brings them there (their own keys, controls, curls,
the root, layers on top), as channels of their own bones: what these need to do it by themselves."""

from __future__ import annotations

import bpy
import numpy as np

from ...lsmpl_core.rotation import from_quaternion, to_quaternion
from ..rigging import keys
from ..rigging.limbs import ROOT
from ..rigging.two_bone import Rig
from . import assigning, control_curves


def in_action(
    armature: bpy.types.Object, rig: Rig, action: bpy.types.Action, frames: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The pelvis' location (T,3) and the joints' quaternions (T,J,4), as an action alone has
    them."""
    location, quaternions = control_curves.joint_channels(action, rig.names, frames)
    seen = control_curves.as_seen(armature, rig, action, frames, location, quaternions)
    return location, keys.continuous(seen)


def at_this_moment(armature: bpy.types.Object, rig: Rig) -> tuple[np.ndarray, np.ndarray]:
    """The same at this moment, by what the channels of bones are, (1,3) and (1,J,4)."""
    pose = armature.pose.bones
    location = np.array([pose[rig.names[0]].location])
    quaternions = np.array([[pose[name].rotation_quaternion for name in rig.names]])
    quaternions /= np.maximum(np.linalg.norm(quaternions, axis=-1, keepdims=True), 1e-12)
    return location, control_curves.as_seen(armature, rig, None, [0.0], location, quaternions)


def as_evaluated(armature: bpy.types.Object, rig: Rig) -> tuple[np.ndarray, np.ndarray]:
    """The same at this moment as Blender evaluates it, layers, constraints and all."""
    graph = bpy.context.evaluated_depsgraph_get()
    seen = armature.evaluated_get(graph)
    local = [
        np.array(
            seen.convert_space(
                pose_bone=seen.pose.bones[name],
                matrix=seen.pose.bones[name].matrix,
                from_space="POSE",
                to_space="LOCAL",
            )
        )
        for name in rig.names
    ]
    turned = np.array([matrix[:3, :3] / np.linalg.norm(matrix[:3, :3], axis=0) for matrix in local])
    return local[0][None, :3, 3], to_quaternion(turned)[None]


def without_root(
    armature: bpy.types.Object,
    rig: Rig,
    action: bpy.types.Action | None,
    frames: control_curves.Frames,
    location: np.ndarray,
    quaternions: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """The pelvis' location (T,3) and the joints' quaternions (T,J,4) that do without root what
    these do with it."""
    of_root = keys.ROOT_CHANNELS
    values = control_curves.channels_at(armature, action, of_root, frames)
    if values is None:  # it is not keyed, and stays where it is
        values = [np.tile(now, (len(frames), 1)) for now in keys.read(armature, of_root)]
    turned = from_quaternion(values[1] / np.linalg.norm(values[1], axis=-1, keepdims=True))
    at_rest, head, pivot = rig.rotations[0], rig.heads[0], rig.anchors[ROOT][:3, 3]
    from_pivot = head + location @ at_rest.T - pivot
    moved = pivot + values[0] + np.einsum("tij,tj->ti", turned, from_pivot) - head
    quaternions = quaternions.copy()
    own = at_rest.T @ turned @ at_rest @ from_quaternion(quaternions[:, 0])
    quaternions[:, 0] = keys.continuous(to_quaternion(own))
    return moved @ at_rest, quaternions


def moves_root(armature: bpy.types.Object, action: bpy.types.Action) -> bool:
    """Whether an action moves the root, or somebody posed it without a key."""
    values = control_curves.channels_at(armature, action, keys.ROOT_CHANNELS, [0.0])
    at_rest = np.array([0, 0, 0, 1, 0, 0, 0])
    now = np.concatenate(keys.read(armature, keys.ROOT_CHANNELS))
    return values is not None or not np.allclose(now, at_rest, atol=1e-7)


def is_posed_beside(
    armature: bpy.types.Object, action: bpy.types.Action, frames: np.ndarray
) -> bool:
    """Whether root or curls, which no bake moves, bring the bones elsewhere than its keys do."""
    turned = control_curves.finger_turns(armature, action, frames)
    curled = turned is not None and not np.allclose(turned, np.eye(3), atol=1e-6)
    return curled or moves_root(armature, action)


def ground(armature: bpy.types.Object, rig: Rig) -> np.ndarray:
    """(3,): the floor under the pelvis where the character's motion begins."""
    location = np.array([armature.pose.bones[rig.names[0]].location])
    for action in assigning.in_use(armature)[:1]:
        if len(frames := control_curves.key_frames(action, rig.names)):
            location = control_curves.joint_channels(action, rig.names, frames[:1])[0]
    begins = rig.heads[0] + rig.rotations[0] @ location[0]
    return begins * (1.0, 1.0, 0.0)
