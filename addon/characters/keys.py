"""Some keys of an action changed in place: given other values, taken out, exchanged with another's.

Nothing else of the action changes, whatever animators made of it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import cache

import bpy
import numpy as np

from .actions import LINEAR, Curve, by_channel, fcurves, keeping_its_mark, new_home


def rewrite(action: bpy.types.Action, frames: np.ndarray, curves: Sequence[Curve]) -> None:
    """Give the curves of an action other values on some consecutive `frames` (N,), in place.

    A key that is on one of them moves up or down with its handles; keys between them, which an
    animator added, go, and ones that an animator removed are back; where a value is NaN there is no
    key then. All others stay, and so does a channel that is no longer there. An action that nobody
    had edited still counts as such.
    """
    with keeping_its_mark(action):
        found = by_channel(action)
        for curve in curves:
            fcurve = found.get((curve.data_path, curve.index))
            if fcurve is not None:
                which, keyed = _between(fcurve, frames[0], frames[-1]), np.isfinite(curve.values)
                _put_keys(
                    fcurve, which, _moved(_keys(fcurve, which), frames[keyed], curve.values[keyed])
                )


def keys_between(
    action: bpy.types.Action, first: float, last: float, name: str
) -> bpy.types.Action:
    """A new action that holds only the keys from `first` to `last` of another, for `swap_keys`."""
    some = bpy.data.actions.new(name)
    home = new_home(some, name)
    for fcurve in fcurves(action):
        copy = home.fcurves.new(fcurve.data_path, index=fcurve.array_index)
        _put_keys(copy, range(0), _keys(fcurve, _between(fcurve, first, last)))
    return some


def swap_keys(action: bpy.types.Action, other: bpy.types.Action, first: float, last: float) -> None:
    """Exchange the keys from `first` to `last` of an action for all those of another, channel by
    channel."""
    theirs = by_channel(other)
    with keeping_its_mark(action):
        for channel, fcurve in by_channel(action).items():
            if channel in theirs:
                which = _between(fcurve, first, last)
                all_of_theirs = range(len(theirs[channel].keyframe_points))
                keys, coming = _keys(fcurve, which), _keys(theirs[channel], all_of_theirs)
                _put_keys(theirs[channel], all_of_theirs, keys)
                _put_keys(fcurve, which, coming)


def stretch(action: bpy.types.Action, scale: float, offset: float) -> None:
    """Move all keys in time, with their handles: frame * scale + offset."""
    for fcurve in fcurves(action):
        for name in ("co", "handle_left", "handle_right"):
            values = np.empty(2 * len(fcurve.keyframe_points), dtype=np.float32)
            fcurve.keyframe_points.foreach_get(name, values)
            values[::2] = values[::2] * scale + offset
            fcurve.keyframe_points.foreach_set(name, values)
        fcurve.update()


_KEY_ATTRIBUTES = {
    "co": (2, np.float32), "handle_left": (2, np.float32), "handle_right": (2, np.float32),
    "interpolation": (1, np.int32), "easing": (1, np.int32),
    "handle_left_type": (1, np.int32), "handle_right_type": (1, np.int32),
    "amplitude": (1, np.float32), "back": (1, np.float32), "period": (1, np.float32),
}  # fmt: skip
"""What a key is, with how many numbers."""
_SAME_FRAME = 1e-3
_FEW_KEYS = 200
"""Keys up to which it is quicker to take them one by one than to read all those of a long curve."""


def _between(fcurve: bpy.types.FCurve, first: float, last: float) -> range:
    """The numbers of the keys from one frame to another."""
    points, frame = fcurve.keyframe_points, lambda point: point.co[0]
    return range(
        bisect_left(points, first - _SAME_FRAME, key=frame),
        bisect_right(points, last + _SAME_FRAME, key=frame),
    )


def _keys(fcurve: bpy.types.FCurve, which: range) -> dict[str, np.ndarray]:
    """Some keys of a curve, (N, numbers) of each attribute; of choices, Blender's own numbers."""
    points, keys = fcurve.keyframe_points, {}
    for name, (numbers, kind) in _KEY_ATTRIBUTES.items():
        if len(which) <= _FEW_KEYS:
            found = [getattr(points[number], name) for number in which]
            choices = _choices(name)
            keys[name] = np.array(
                [choices[v] for v in found] if choices else found, dtype=kind
            ).reshape(-1, numbers)
        else:
            values = np.empty(numbers * len(points), dtype=kind)
            points.foreach_get(name, values)
            keys[name] = values.reshape(-1, numbers)[which.start : which.stop]
    return keys


def _put_keys(fcurve: bpy.types.FCurve, which: range, keys: dict[str, np.ndarray]) -> None:
    """Put keys in the place of some of a curve's."""
    points = fcurve.keyframe_points
    if len(which) == len(keys["co"]) <= _FEW_KEYS:
        for name in keys:
            words = {number: word for word, number in _choices(name).items()}
            for number, value in zip(which, keys[name].tolist()):
                setattr(
                    points[number],
                    name,
                    words[value[0]] if words else value if len(value) > 1 else value[0],
                )
    else:
        everything = _keys(fcurve, range(len(points)))
        after = slice(which.stop, None)
        joined = {
            n: np.concatenate([all_[: which.start], keys[n], all_[after]])
            for n, all_ in everything.items()
        }

        if len(points) != len(joined["co"]):
            points.clear()
            points.add(len(joined["co"]))
        for name, values in joined.items():
            points.foreach_set(name, np.ascontiguousarray(values).ravel())
    fcurve.update()


@cache
def _choices(name: str) -> dict[str, int]:
    """Blender's numbers for what an attribute of a key may be; empty where it is a number
    itself."""
    attribute = bpy.types.Keyframe.bl_rna.properties[name]
    return (
        {item.identifier: item.value for item in attribute.enum_items}
        if attribute.type == "ENUM"
        else {}
    )


def _moved(
    keys: dict[str, np.ndarray], frames: np.ndarray, values: np.ndarray
) -> dict[str, np.ndarray]:
    """A key on each of `frames` (N,) with these values: the one that is there already, or a linear
    one."""
    at = keys["co"][:, 0]
    same = np.searchsorted(at, frames - _SAME_FRAME)
    keyed_before = np.zeros(len(frames), dtype=bool)
    keyed_before[same < len(at)] = (
        np.abs(at[same[same < len(at)]] - frames[same < len(at)]) < _SAME_FRAME
    )
    moved = {
        name: np.zeros((len(frames), numbers), dtype=kind)
        for name, (numbers, kind) in _KEY_ATTRIBUTES.items()
    }
    for name, before in keys.items():
        moved[name][keyed_before] = before[same[keyed_before]]
    moved["interpolation"][~keyed_before] = LINEAR
    up = np.where(keyed_before, values - moved["co"][:, 1], 0.0)
    for handle in ("handle_left", "handle_right"):
        moved[handle][:, 1] = moved[handle][:, 1] + up
        moved[handle][~keyed_before] = np.stack([frames, values], axis=1)[~keyed_before]
    moved["co"][~keyed_before, 0] = frames[~keyed_before]
    moved["co"][:, 1] = values
    return moved
