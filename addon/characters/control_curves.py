"""Controls in actions: the curves that bring them to a motion, and the motion they bring about.

A limb that follows IK has keys on its own bones as well, which are not seen. What is made anew is
made for both; what is read is what is seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import bpy
import numpy as np

from ...lsmpl_core.body.skeleton import FINGER_JOINT_NAMES
from ..rigging import curls, keys, two_bone
from ..rigging.limbs import LIMBS, SWITCH, Limb, switch_path
from ..rigging.two_bone import Rig
from . import actions
from .actions import Curve

Frames = Sequence[float] | np.ndarray
"""(N,) scene frames, which may be fractions."""


class Before(NamedTuple):
    """The quaternions of a frame, whose signs the next one goes on with: of joints (J,4), of
    controls by name (4,), and of finger bones (30,4), where there are some."""

    joints: np.ndarray
    controls: dict[str, np.ndarray]
    fingers: np.ndarray | None = None


def curves_of(
    rig: Rig,
    quaternions: np.ndarray,
    location: np.ndarray,
    limbs: Iterable[Limb] = LIMBS,
    before: Before | None = None,
) -> list[Curve]:
    """The curves of controls, for joints' channels: quaternions (T,J,4) and the pelvis' location
    (T,3)."""
    curves = []
    for name, channel, values in keys.values_of(
        rig, two_bone.posed(rig, quaternions, location), limbs
    ):
        if before is not None and channel == "rotation_quaternion" and name in before.controls:
            values = values * (1.0 if values[0] @ before.controls[name] >= 0.0 else -1.0)
        path = keys.data_path(name, channel)
        curves += [Curve(path, axis, values[:, axis], name) for axis in range(values.shape[1])]
    return curves


def joint_curves(names: Sequence[str], quaternions: np.ndarray) -> list[Curve]:
    """Of joints' quaternions (T,J,4)."""
    return [
        Curve(keys.data_path(name, "rotation_quaternion"), i, quaternions[:, joint, i], name)
        for joint, name in enumerate(names)
        for i in range(4)
    ]


def location_curves(name: str, location: np.ndarray) -> list[Curve]:
    """Of a bone's location (T,3)."""
    path = keys.data_path(name, "location")
    return [Curve(path, axis, location[:, axis], name) for axis in range(3)]


def joint_channels(
    action: bpy.types.Action, names: Sequence[str], frames: Frames
) -> tuple[np.ndarray, np.ndarray]:
    """The first joint's location (N,3) and all joints' quaternions (N,J,4) in an action; a bone
    that it does not move is at rest."""
    wanted = [(keys.data_path(names[0], "location"), axis) for axis in range(3)]
    wanted += [(keys.data_path(name, "rotation_quaternion"), i) for name in names for i in range(4)]
    values = actions.values_at(action, wanted, frames).T
    quaternions = values[:, 3:].reshape(len(values), -1, 4)
    lost = ~np.isfinite(quaternions).all(axis=-1) | (
        np.square(np.nan_to_num(quaternions)).sum(axis=-1) < 1e-12
    )
    quaternions[lost] = (1.0, 0.0, 0.0, 0.0)
    return np.nan_to_num(values[:, :3]), quaternions


def as_seen(
    armature: bpy.types.Object,
    rig: Rig,
    action: bpy.types.Action | None,
    frames: Frames,
    location: np.ndarray,
    quaternions: np.ndarray,
) -> np.ndarray:
    """Joints' quaternions (N,J,4) with those of limbs that follow IK as their controls have them,
    and of fingers as their curls do, in an action, or without one at this moment."""
    pose, seen = two_bone.posed(rig, quaternions, location), quaternions.copy()
    for limb in LIMBS:
        switch = _at(action, [(switch_path(limb), 0)], frames)[:, 0]
        now = armature.pose.bones[limb.ik].get(SWITCH, 0.0)
        in_ik = np.where(np.isfinite(switch), switch, now) >= 0.5
        values = controls_at(armature, action, limb, frames) if in_ik.any() else None
        if values is not None:
            own = keys.own_channels(rig, pose, limb, values)
            joints = [rig.names.index(name) for name in limb.bones]
            seen[:, joints] = np.where(in_ik[:, None, None], own, seen[:, joints])
    turned = finger_turns(armature, action, frames)
    if turned is not None and FINGER_JOINT_NAMES[0] in rig.names:
        fingers = [rig.names.index(name) for name in FINGER_JOINT_NAMES]
        seen[:, fingers] = curls.curled(seen[:, fingers], turned)
    return seen


def finger_turns(
    armature: bpy.types.Object, action: bpy.types.Action | None, frames: Frames
) -> np.ndarray | None:
    """(N,30,3,3): by how much curls turn the finger bones before their own channels, in an action,
    or without one at this moment; None where there are none."""
    if not curls.are_there(armature.data.bones):
        return None
    values = channels_at(armature, action, curls.channels(), frames)
    if values is None:
        values = [np.tile(now, (len(frames), 1)) for now in keys.read(armature, curls.channels())]
    return curls.turns(values)


def still_curls(armature: bpy.types.Object, frames: int) -> list[Curve]:
    """The curves, over so many frames, of curls that do nothing, keyed in the first one; none where
    a character has none."""
    if not curls.are_there(armature.data.bones):
        return []
    at_rest = np.full(frames, np.nan)
    at_rest[:1] = 0.0
    return [
        Curve(keys.data_path(*channel), axis, at_rest, channel[0])
        for channel in curls.channels()
        for axis in range(3)
    ]


def controls_at(
    armature: bpy.types.Object,
    action: bpy.types.Action | None,
    limb: Limb,
    frames: Frames,
) -> list[np.ndarray] | None:
    """The channels of a limb's controls over frames, (N,3) or (N,4) each; those that an action does
    not move are as they are at this moment. None of an action that moves none of them: it was made
    without controls."""
    return channels_at(armature, action, keys.channels((limb,)), frames)


def channels_at(
    armature: bpy.types.Object,
    action: bpy.types.Action | None,
    wanted: Sequence[keys.Channel],
    frames: Frames,
) -> list[np.ndarray] | None:
    """`controls_at`, of any channels of bones."""
    now = keys.read(armature, wanted)
    paths = [
        (keys.data_path(*channel), i)
        for channel, value in zip(wanted, now)
        for i in range(len(value))
    ]
    values = _at(action, paths, frames)
    if action is not None and not np.isfinite(values).any():
        return None
    values = np.where(np.isfinite(values), values, np.concatenate(now))
    return np.split(values, np.cumsum([len(value) for value in now])[:-1], axis=1)


def key_frames(action: bpy.types.Action, names: Sequence[str]) -> np.ndarray:
    """(T,) frames on which an action has keys of joints of these names, or of controls."""
    paths = {keys.data_path(name, kind) for name in names for kind in _CHANNELS}
    paths |= {keys.data_path(*channel) for channel in (*keys.channels(), *keys.ROOT_CHANNELS)}
    found = [
        actions.keys_of(fcurve)[:, 0]
        for fcurve in actions.fcurves(action)
        if fcurve.data_path in paths
    ]
    return np.unique(np.concatenate(found)) if found else np.zeros(0)


_CHANNELS = "location", "rotation_quaternion"


def find_curve(armature: bpy.types.Object, data_path: str) -> bpy.types.FCurve | None:
    """The curve by which the action that new keys go to animates something of an armature."""
    animation = armature.animation_data
    action = animation.action if animation else None
    found = actions.fcurves(action) if action else ()
    return next((fcurve for fcurve in found if fcurve.data_path == data_path), None)


def _at(
    action: bpy.types.Action | None, paths: list[tuple[str, int]], frames: Frames
) -> np.ndarray:
    """(N,C), NaN where nothing is animated."""
    if action is None:
        return np.full((len(frames), len(paths)), np.nan)
    return actions.values_at(action, paths, frames).T
