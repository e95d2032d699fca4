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

_LINEAR = 1  # keyframe_points.foreach_set takes the interpolation as Blender's own number
_FINGERPRINT = "lsmpl_fingerprint"


class Curve(NamedTuple):
    """Keys for one animated number: values (T,) of `data_path[index]`."""

    data_path: str
    index: int
    values: np.ndarray
    group: str


def write_action(owner: bpy.types.Object, name: str, frames: np.ndarray, curves: Sequence[Curve]) -> bpy.types.Action:
    """A new action for `owner` with a key on each of `frames` (T,) of each curve; `assign` puts it to use."""
    action = bpy.data.actions.new(name)
    if hasattr(action, "slots"):
        slot = action.slots.new(id_type=owner.id_type, name=owner.name)
        home = action.layers.new("Layer").strips.new(type="KEYFRAME").channelbag(slot, ensure=True)
    else:
        home = action
    groups = {}
    keys = np.empty((len(frames), 2), dtype=np.float32)
    keys[:, 0] = frames
    linear = np.full(len(frames), _LINEAR, dtype=np.int32)
    for curve in curves:
        fcurve = home.fcurves.new(curve.data_path, index=curve.index)
        if curve.group not in groups:
            groups[curve.group] = home.groups.new(curve.group)
        fcurve.group = groups[curve.group]
        keys[:, 1] = curve.values
        fcurve.keyframe_points.add(len(frames))
        fcurve.keyframe_points.foreach_set("co", keys.ravel())
        fcurve.keyframe_points.foreach_set("interpolation", linear)
        fcurve.update()
    action[_FINGERPRINT] = _fingerprint(action)
    return action


def assign(owner: bpy.types.Object, action: bpy.types.Action) -> bpy.types.Action | None:
    """Make it the action that `owner` plays. An action of ours that was there goes, unless it was edited since.

    Returns the action that was there and is kept, if any.
    """
    animation = owner.animation_data or owner.animation_data_create()
    old = animation.action
    animation.action = action
    if hasattr(action, "slots"):
        animation.action_slot = action.slots[0]
    if old is None or old == action:
        return None
    if old.users == 0 and old.get(_FINGERPRINT) == _fingerprint(old):
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
