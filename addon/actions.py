"""Actions and F-curves in bulk, the same in every Blender: all differences of the Action API live here.

Blender 4.2 and 4.3 keep F-curves in the action; 4.4 puts them into a channelbag for a slot of the action, and from 5.0
there is no other way.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import bpy
import numpy as np

from ..lsmpl_core import LsmplError, Progress
from ..lsmpl_core.progress import run_to_end
from .jobs import Steps, find

_LINEAR = 1  # keyframe_points.foreach_set takes the interpolation as Blender's own number
_AT_ONCE = 8
"""Curves in a step."""
_FINGERPRINT = "lsmpl_fingerprint"


class Curve(NamedTuple):
    """Keys for one animated number: values (T,) of `data_path[index]`."""

    data_path: str
    index: int
    values: np.ndarray
    group: str


def write_action(owner: bpy.types.Object, name: str, frames: np.ndarray, curves: Sequence[Curve]) -> bpy.types.Action:
    """A new action for `owner` with a key on each of `frames` (T,) of each curve; `assign` puts it to use."""
    return find(bpy.data.actions, run_to_end(write_steps(owner.name, name, frames, curves)))


def write_steps(owner_name: str, name: str, frames: np.ndarray, curves: Sequence[Curve]) -> Steps[int]:
    """`write_action` in steps, for an object of that name: yields `Progress` and returns the action's `session_uid`.

    The action goes again if this is closed before its end. Raises `LsmplError` where the user undid its making.
    """
    action = bpy.data.actions.new(name)
    uid = action.session_uid
    try:
        if hasattr(action, "slots"):
            slot = action.slots.new(id_type="OBJECT", name=owner_name)
            action.layers.new("Layer").strips.new(type="KEYFRAME").channelbag(slot, ensure=True)
        for group in dict.fromkeys(curve.group for curve in curves):
            _home(action).groups.new(group)
        keys = np.empty((len(frames), 2), dtype=np.float32)
        keys[:, 0] = frames
        linear = np.full(len(frames), _LINEAR, dtype=np.int32)
        for first in range(0, len(curves), _AT_ONCE):
            yield Progress("bake", first, len(curves))
            action = find(bpy.data.actions, uid)
            if action is None:
                raise LsmplError(f"{name}: an undo came in between; nothing was baked")
            home = _home(action)
            for curve in curves[first : first + _AT_ONCE]:
                fcurve = home.fcurves.new(curve.data_path, index=curve.index)
                fcurve.group = home.groups[curve.group]
                keys[:, 1] = curve.values
                fcurve.keyframe_points.add(len(frames))
                fcurve.keyframe_points.foreach_set("co", keys.ravel())
                fcurve.keyframe_points.foreach_set("interpolation", linear)
                fcurve.update()
        action[_FINGERPRINT] = _fingerprint(action)
    except BaseException:
        action = find(bpy.data.actions, uid)
        if action:
            bpy.data.actions.remove(action)
        raise
    return uid


def _home(action: bpy.types.Action):
    """Where an action of ours keeps its F-curves and their groups."""
    return action.layers[0].strips[0].channelbag(action.slots[0]) if hasattr(action, "slots") else action


def assign(owner: bpy.types.Object, action: bpy.types.Action) -> bpy.types.Action | None:
    """Make it the action that `owner` plays. An action of ours that was there goes, unless it was edited since.

    Returns the action that was there and is kept, if any.
    """
    animation = owner.animation_data
    old = animation.action if animation else None
    play(owner, action)
    return _let_go(old) if old != action else None


def play(owner: bpy.types.Object, action: bpy.types.Action) -> None:
    """Make it the object's action; whatever that was before stays in the file."""
    animation = owner.animation_data or owner.animation_data_create()
    animation.action = action
    if hasattr(action, "slots"):
        animation.action_slot = action.slots[0]


def assign_strip(owner: bpy.types.Object, action: bpy.types.Action, old: bpy.types.Action | None = None):
    """Let `owner` play the action from a strip on an NLA track of its own, in place of the strips of `old`.

    Its own action, which would hide all strips, is put away if it is ours. Returns the action that was there and is
    kept, if any.
    """
    animation = owner.animation_data or owner.animation_data_create()
    own = animation.action
    for track in [track for track in animation.nla_tracks if any(s.action == old for s in track.strips) and old]:
        for strip in [strip for strip in track.strips if strip.action == old]:
            track.strips.remove(strip)
        if not track.strips:
            animation.nla_tracks.remove(track)
    first, last = action.frame_range
    track = animation.nla_tracks.new()
    track.name = action.name
    strip = track.strips.new(action.name, round(first), action)
    if hasattr(action, "slots"):
        strip.action_slot = action.slots[0]
    strip.action_frame_start, strip.action_frame_end = first, last
    strip.frame_start_ui, strip.frame_end_ui = first, max(last, first + 1)
    strip.extrapolation = "HOLD" if len(animation.nla_tracks) == 1 else "NOTHING"
    if own is not None and own != old and _FINGERPRINT in own:
        animation.action = None
        return _let_go(own)
    if own is not None and own == old:
        animation.action = None
    return _let_go(old) if old is not None and old != action else None


def _let_go(old: bpy.types.Action | None) -> bpy.types.Action | None:
    """Remove an action of ours that nobody uses and nobody edited; any other is kept and returned."""
    if old is None:
        return None
    if old.get(_FINGERPRINT) == _fingerprint(old):
        if old.users == 0:
            bpy.data.actions.remove(old)
        return None
    old.use_fake_user = True
    return old


def fcurves(action: bpy.types.Action) -> Iterable[bpy.types.FCurve]:
    """All F-curves of an action."""
    if not hasattr(action, "layers"):
        yield from action.fcurves
        return
    for layer in action.layers:
        for strip in layer.strips:
            for bag in strip.channelbags:
                yield from bag.fcurves


def _fingerprint(action: bpy.types.Action) -> str:
    """Changes when a key is added, moved or removed."""
    checksum = 0
    for fcurve in fcurves(action):
        keys = np.empty(2 * len(fcurve.keyframe_points), dtype=np.float32)
        fcurve.keyframe_points.foreach_get("co", keys)
        checksum = zlib.crc32(keys, zlib.crc32(f"{fcurve.data_path}[{fcurve.array_index}]".encode(), checksum))
    return f"{checksum:08x}"
