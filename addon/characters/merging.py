"""Layers that animators put over a character's motion, worked into the motion itself.

Blender evaluates what is seen, strips, blending and all; our actions get it as keys of joints and
controls, and the layers' own keys of these go.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import bpy
import numpy as np

from ...lsmpl_core.rotation import to_quaternion
from ..rigging import keys, two_bone
from ..rigging.limbs import CONTROL_BONES, LIMBS, switch_path
from ..rigging.two_bone import Rig
from . import actions, assigning, control_curves

_CHANNELS = ("location", "rotation_quaternion", "rotation_euler", "scale")


def is_layered(armature: bpy.types.Object) -> bool:
    """Whether actions of others are mixed into what a character plays of ours."""
    if assigning.curves_of(armature) is not None:
        return False
    return any(not actions.is_baked(action) for action in assigning.all_of(armature))


def merge(armature: bpy.types.Object, rig: Rig) -> None:
    """Give the actions of ours that a character plays what is seen of joints and controls while
    they play. Where layers of others move nothing else, these go; other keys of theirs stay."""
    sampled = []
    for base in _bases(armature):
        frames = control_curves.key_frames(base.action, rig.names)
        if len(frames):
            sampled.append((base.action, frames, _sampled(armature, rig, base.in_scene(frames))))

    for action, frames, seen in sampled:
        pose = two_bone.posed(rig, seen.quaternions, seen.location)
        curves = control_curves.location_curves(rig.names[0], seen.location)
        curves += control_curves.joint_curves(rig.names, seen.quaternions)
        for name, channel, values in (*seen.root, *keys.values_of(rig, pose, LIMBS)):
            path = keys.data_path(name, channel)
            curves += [
                actions.Curve(path, axis, values[:, axis], name) for axis in range(values.shape[1])
            ]
        curves += control_curves.still_curls(armature, len(frames))
        actions.put_curves(action, frames, curves)
    _drop_layers(armature, [*rig.names, *CONTROL_BONES])


class _Base(NamedTuple):
    """An action of ours, and where it plays: scene frame = start + (its own - first) * scale."""

    action: bpy.types.Action
    first: float = 0.0
    start: float = 0.0
    scale: float = 1.0

    def in_scene(self, frames: np.ndarray) -> np.ndarray:
        return self.start + (frames - self.first) * self.scale


class _Seen(NamedTuple):
    """Over frames: the first joint's location (T,3), the joints' quaternions (T,J,4), and the
    root's channels."""

    location: np.ndarray
    quaternions: np.ndarray
    root: list[keys.Values]


def _bases(armature: bpy.types.Object) -> list[_Base]:
    """Of each action of ours the first place where it plays."""
    animation = armature.animation_data
    found = {animation.action: _Base(animation.action)} if animation.action else {}
    for track in animation.nla_tracks:
        for strip in track.strips:
            if strip.action is not None:
                base = strip.action, strip.action_frame_start, strip.frame_start, strip.scale
                found.setdefault(strip.action, _Base(*base))
    ours = assigning.in_use(armature)
    return [base for action, base in found.items() if action in ours]


def _sampled(armature: bpy.types.Object, rig: Rig, frames: np.ndarray) -> _Seen:
    """What Blender shows in scene frames (T,)."""
    matrices = np.empty((len(frames), len(rig.names), 4, 4))
    root: list[list[np.ndarray]] = []
    with _alone(armature) as scene:
        for row, frame in enumerate(frames):
            whole = int(np.floor(frame))
            scene.frame_set(whole, subframe=float(frame - whole))
            seen = armature.evaluated_get(scene.view_layers[0].depsgraph)
            for joint, name in enumerate(rig.names):
                bone = seen.pose.bones[name]
                matrices[row, joint] = seen.convert_space(
                    pose_bone=bone, matrix=bone.matrix, from_space="POSE", to_space="LOCAL"
                )
            root.append(keys.read(seen, keys.ROOT_CHANNELS))

    turned = matrices[..., :3, :3] / np.linalg.norm(matrices[..., :3, :3], axis=-2, keepdims=True)
    of_root = [
        keys.Values(bone, channel, np.stack([values[number] for values in root]))
        for number, (bone, channel) in enumerate(keys.ROOT_CHANNELS)
    ]
    return _Seen(matrices[:, 0, :3, 3], keys.continuous(to_quaternion(turned)), of_root)


@contextmanager
def _alone(armature: bpy.types.Object) -> Iterator[bpy.types.Scene]:
    """A scene with nothing but the character, which is quick to evaluate and shown to nobody."""
    scene = bpy.data.scenes.new(armature.name)
    try:
        scene.collection.objects.link(armature)
        yield scene
    finally:
        bpy.data.scenes.remove(scene)


def _drop_layers(armature: bpy.types.Object, names: Collection[str]) -> None:
    """Let layers no longer move these bones. One that moves nothing else goes, and of one that does
    a copy without them takes its place; the actions themselves are kept."""
    animation = armature.animation_data
    paths = {keys.data_path(name, channel) for name in names for channel in _CHANNELS}
    paths |= {switch_path(limb) for limb in LIMBS}
    left: dict[bpy.types.Action, bpy.types.Action | None] = {}
    for action in assigning.all_of(armature):
        if not actions.is_baked(action):
            action.use_fake_user = True
            left[action] = _without(action, paths)

    if animation.action in left:
        _put_own(animation, left[animation.action])
    for track in list(animation.nla_tracks):
        for strip in list(track.strips):
            if strip.action in left:
                _put_in_strip(track, strip, left[strip.action])
        if not track.strips:
            animation.nla_tracks.remove(track)
    assigning.play_only_strip(armature)


def _without(action: bpy.types.Action, paths: Collection[str]) -> bpy.types.Action | None:
    """A copy of an action without these data paths; None where it has no others."""
    if all(fcurve.data_path in paths for fcurve in actions.fcurves(action)):
        return None
    copy = action.copy()
    copy.use_fake_user = False
    actions.remove_curves(copy, paths)
    return copy


def _put_own(animation: bpy.types.AnimData, action: bpy.types.Action | None) -> None:
    slot = getattr(animation, "action_slot", None)
    name = slot.identifier if slot else ""
    animation.action = action
    if action is not None and name:
        animation.action_slot = action.slots[name]


def _put_in_strip(
    track: bpy.types.NlaTrack, strip: bpy.types.NlaStrip, action: bpy.types.Action | None
) -> None:
    if action is None:
        track.strips.remove(strip)
        return
    slot = getattr(strip, "action_slot", None)
    name = slot.identifier if slot else ""
    strip.action = action
    if name:
        strip.action_slot = action.slots[name]
