"""Actions and F-curves in bulk, the same in every Blender: all differences of the Action API live
here and in `assigning.py`, which says what an object plays.

Blender 4.2 and 4.3 keep F-curves in the action; 4.4 puts them into a channelbag for a slot of the
action, and from 5.0 there is no other way.
"""

from __future__ import annotations

import zlib
from collections.abc import Container, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import bpy
import numpy as np

from ...lsmpl_core import Progress
from ...lsmpl_core.progress import run_to_end
from ..held import Held
from ..jobs import Steps

LINEAR, BEZIER = 1, 2  # keyframe_points.foreach_set takes these as Blender's own numbers
_ALIGNED = 3
_CURVES_A_STEP = 8
"""Curves in a step."""
_FINGERPRINT = "lsmpl_fingerprint"


@dataclass(frozen=True)
class Curve:
    """Keys for one animated number: values (T,) of `data_path[index]`; where they are NaN there is
    no key.

    Between keys it goes straight; with slopes (T,), per frame, it is a smooth Bézier curve.
    """

    data_path: str
    index: int
    values: np.ndarray
    group: str
    slopes: np.ndarray | None = None


def write_action(
    owner: bpy.types.Object, name: str, frames: np.ndarray, curves: Sequence[Curve]
) -> bpy.types.Action:
    """A new action for `owner` with a key on each of `frames` (T,) of each curve; `assign` puts it
    to use."""
    (action,) = run_to_end(write_steps(owner.name, name, frames, curves)).again()
    return action


def write_steps(
    owner_name: str, name: str, frames: np.ndarray, curves: Sequence[Curve]
) -> Steps[Held[bpy.types.Action]]:
    """`write_action` in steps, for an object of that name: yields `Progress` and returns the new
    action.

    The action goes again if this is closed before its end. Raises `LsmplError` where the user undid
    its making.
    """
    action = bpy.data.actions.new(name)
    held = Held(action, doing="baked")
    try:
        new_home(action, owner_name)
        for group in dict.fromkeys(curve.group for curve in curves):
            _home(action).groups.new(group)

        # An undo between two steps may have taken the action away, so it is looked up again.
        for first in range(0, len(curves), _CURVES_A_STEP):
            yield Progress("bake", first, len(curves))
            (action,) = held.again()
            home = _home(action)
            for curve in curves[first : first + _CURVES_A_STEP]:
                _add_curve(home, frames, curve)
        action[_FINGERPRINT] = fingerprint(action)
    except BaseException:
        discard(held)
        raise
    return held


def put_curves(action: bpy.types.Action, frames: np.ndarray, curves: Sequence[Curve]) -> None:
    """Give an action of ours these curves, with a key on each of `frames` (T,), in the place of
    what it has for their channels."""
    remove_curves(action, {curve.data_path for curve in curves})
    home = _home(action)
    for curve in curves:
        if curve.group not in home.groups:
            home.groups.new(curve.group)
        _add_curve(home, frames, curve)


def remove_curves(action: bpy.types.Action, data_paths: Container[str]) -> None:
    """Take away all that an action has for these data paths, and groups with nothing in them."""
    for home in _homes(action):
        for fcurve in [fcurve for fcurve in home.fcurves if fcurve.data_path in data_paths]:
            home.fcurves.remove(fcurve)
        for group in [group for group in home.groups if not group.channels]:
            home.groups.remove(group)


def _add_curve(home, frames: np.ndarray, curve: Curve) -> None:
    fcurve = home.fcurves.new(curve.data_path, index=curve.index)
    fcurve.group = home.groups[curve.group]
    keys = np.stack([frames, curve.values], axis=1).astype(np.float32)
    keyed = np.isfinite(keys[:, 1])
    keys = keys[keyed]
    fcurve.keyframe_points.add(len(keys))
    fcurve.keyframe_points.foreach_set("co", keys.ravel())
    kind = LINEAR if curve.slopes is None else BEZIER
    fcurve.keyframe_points.foreach_set("interpolation", np.full(len(keys), kind, dtype=np.int32))
    if curve.slopes is not None:
        _set_handles(fcurve.keyframe_points, keys, np.asarray(curve.slopes)[keyed])
    fcurve.update()


def discard(held: Held[bpy.types.Action]) -> None:
    """Remove a new action, where it still is, that is not wanted after all."""
    (action,) = held.left()
    if action:
        bpy.data.actions.remove(action)


def new_home(action: bpy.types.Action, owner_name: str):
    """Where a new action is to keep its F-curves."""
    if not hasattr(action, "slots"):
        return action
    slot = action.slots.new(id_type="OBJECT", name=owner_name)
    return action.layers.new("Layer").strips.new(type="KEYFRAME").channelbag(slot, ensure=True)


def _home(action: bpy.types.Action):
    """Where an action of ours keeps its F-curves and their groups."""
    return (
        action.layers[0].strips[0].channelbag(action.slots[0])
        if hasattr(action, "slots")
        else action
    )


def _set_handles(
    points: bpy.types.FCurveKeyframePoints, keys: np.ndarray, slopes: np.ndarray
) -> None:
    """A third of the way to the neighbouring keys (M,2), along the slopes (M,): that makes a cubic
    in time."""
    gaps = np.diff(keys[:, 0]) / 3.0
    for side, reach in (
        ("left", -np.append(gaps[:1], gaps)),
        ("right", np.append(gaps, gaps[-1:])),
    ):
        reach = reach if len(gaps) else np.zeros(1)
        points.foreach_set(f"handle_{side}_type", np.full(len(keys), _ALIGNED, dtype=np.int32))
        handles = keys + np.stack([reach, reach * slopes], axis=1)
        points.foreach_set(
            f"handle_{side}", np.ascontiguousarray(handles, dtype=np.float32).ravel()
        )


def fcurves(action: bpy.types.Action) -> Iterable[bpy.types.FCurve]:
    """All F-curves of an action."""
    for home in _homes(action):
        yield from home.fcurves


def _homes(action: bpy.types.Action) -> list:
    """Wherever an action, not of ours alone, keeps F-curves and their groups."""
    if not hasattr(action, "layers"):
        return [action]
    return [bag for layer in action.layers for strip in layer.strips for bag in strip.channelbags]


def is_baked(action: bpy.types.Action | None) -> bool:
    """Whether an action was made here, edited since or not."""
    return action is not None and _FINGERPRINT in action


def let_go(old: bpy.types.Action | None) -> bpy.types.Action | None:
    """Remove an action of ours that nobody uses and nobody edited; any other is kept and
    returned."""
    if old is None:
        return None
    if old.get(_FINGERPRINT) == fingerprint(old):
        if old.users == 0:
            bpy.data.actions.remove(old)
        return None
    old.use_fake_user = True
    return old


def is_edited(action: bpy.types.Action) -> bool:
    """Whether keys of an action were added, moved or removed since it was made here, or it was not
    made here at all."""
    return action.get(_FINGERPRINT) != fingerprint(action)


def refill(action: bpy.types.Action, frames: np.ndarray, curves: Sequence[Curve]) -> bool:
    """Give an action that nobody edited the values of others, in place: strips and whatever else
    uses it stay.

    Returns whether that could be: where it has other curves, or keys on other frames (T,), nothing
    has changed.
    """
    found = by_channel(action)
    channels = [(curve.data_path, curve.index) for curve in curves]
    if len(found) != len(curves) or not found.keys() >= set(channels):
        return False
    matching = [found[channel] for channel in channels]
    keyed = [np.isfinite(curve.values) for curve in curves]
    at = np.asarray(frames, dtype=np.float32)
    if (
        any(len(f.keyframe_points) != some.sum() for f, some in zip(matching, keyed))
        or (keys_of(matching[0])[:, 0] != at[keyed[0]]).any()
    ):
        return False
    for fcurve, curve, some in zip(matching, curves, keyed):
        keys = np.stack([at, curve.values], axis=1).astype(np.float32)[some]
        fcurve.keyframe_points.foreach_set("co", keys.ravel())
        if curve.slopes is not None:
            _set_handles(fcurve.keyframe_points, keys, np.asarray(curve.slopes)[some])
        fcurve.update()
    action[_FINGERPRINT] = fingerprint(action)
    return True


def retime(
    action: bpy.types.Action, start: float, step: float, new_start: float, new_step: float
) -> None:
    """Move keys that were made for frames from `start`, every `step`, to those from another start,
    at another step."""
    if (start, step) == (new_start, new_step):
        return
    for fcurve in fcurves(action):
        keys = keys_of(fcurve).astype(np.float64)
        keys[:, 0] = new_start + (keys[:, 0] - start) / step * new_step
        fcurve.keyframe_points.foreach_set("co", keys.astype(np.float32).ravel())
        fcurve.update()


def values_at(
    action: bpy.types.Action,
    wanted: Sequence[tuple[str, int]],
    frames: Sequence[float] | np.ndarray,
) -> np.ndarray:
    """(C,N) values of the F-curves of these data paths and indices in some frames; NaN where there
    is no such curve."""
    found = by_channel(action)
    values = np.full((len(wanted), len(frames)), np.nan)
    for row, channel in enumerate(wanted):
        if channel in found:
            values[row] = [found[channel].evaluate(frame) for frame in frames]
    return values


def by_channel(action: bpy.types.Action) -> dict[tuple[str, int], bpy.types.FCurve]:
    """The F-curves of an action by data path and index."""
    return {(fcurve.data_path, fcurve.array_index): fcurve for fcurve in fcurves(action)}


_watched: dict[int, bool] = {}


@contextmanager
def keeping_its_mark(action: bpy.types.Action) -> Iterator[bool]:
    """An action that is as it was baked is so again after the block, which gets whether it is. To
    find that out takes a while for a long one, so blocks inside such a block leave it to that."""
    uid = action.session_uid
    if uid in _watched:
        yield _watched[uid]
        return
    unedited = _watched[uid] = not is_edited(action)
    try:
        yield unedited
        if unedited:
            action[_FINGERPRINT] = fingerprint(action)
    finally:
        del _watched[uid]


def note_like(action: bpy.types.Action, other: bpy.types.Action) -> None:
    """Keep with an action what another notes of how its keys were made: when they play, and for
    which shape."""
    for key, value in other.items():
        if key.startswith("lsmpl_") and key != _FINGERPRINT:
            action[key] = value


def keys_of(fcurve: bpy.types.FCurve) -> np.ndarray:
    """(N,2) frames and values of a curve's keys."""
    keys = np.empty(2 * len(fcurve.keyframe_points), dtype=np.float32)
    fcurve.keyframe_points.foreach_get("co", keys)
    return keys.reshape(-1, 2)


def curve_at(fcurve: bpy.types.FCurve, frames: np.ndarray) -> np.ndarray:
    """(T,) what a curve is at frames (T,): its keys where they stand on them, which is fast, and
    else evaluated."""
    keys = keys_of(fcurve)
    plain = len(keys) > 0 and not any(not modifier.mute for modifier in fcurve.modifiers)
    if plain and np.isin(frames, keys[:, 0]).all() and (np.diff(keys[:, 0]) > 0).all():
        return keys[np.searchsorted(keys[:, 0], frames), 1].astype(np.float64)
    return np.array([fcurve.evaluate(frame) for frame in frames], dtype=np.float64)


def fingerprint(action: bpy.types.Action) -> str:
    """Changes when a key is added, moved or removed."""
    checksum = 0
    for fcurve in fcurves(action):
        checksum = zlib.crc32(f"{fcurve.data_path}[{fcurve.array_index}]".encode(), checksum)
        checksum = zlib.crc32(keys_of(fcurve).tobytes(), checksum)
    return f"{checksum:08x}"
