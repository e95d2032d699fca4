"""Keys of a take's action: which are of which of its frames, what a bake has on them, and keys that
were put aside brought up to date."""

from __future__ import annotations

import bpy
import numpy as np

from ...lsmpl_core import Motion
from ...lsmpl_core.body.body import Body
from ..characters import actions, baking, feet, key_times, locking
from ..characters import keys as keyframes
from ..characters.key_times import KeyTimes
from ..takes import motion_mesh
from ..takes import take as takes

_SAME_FRAME = 1e-3


def played_at(take: bpy.types.Object, action: bpy.types.Action, low: int, high: int) -> np.ndarray:
    """The scene frames at which an action plays frames `low` to `high`: where they were baked."""
    start, step = timing_of(take, action)
    return start + np.arange(low, high + 1) * step


def keys_of_frames(
    take: bpy.types.Object, action: bpy.types.Action, low: int, high: int
) -> KeyTimes:
    """The keys of an action that change when frames `low` to `high` do."""
    count = takes.describe(take)["frames"]
    return key_times.to_change(action, timing_of(take, action), count, low, high)


def timing_of(take: bpy.types.Object, action: bpy.types.Action) -> tuple[float, float]:
    return baking.timing_of(action) or (take.lsmpl.start, take.lsmpl.step)


def seen(
    take: bpy.types.Object,
    action: bpy.types.Action,
    shown: bpy.types.Mesh,
    body: Body,
    times: KeyTimes,
    low: int,
    high: int,
) -> Motion:
    """What a bake of a motion has at some keys of an action, those of frames `low` to `high`: on
    the shape that its feet were placed for, where hips come down for frames around, too."""
    motion = motion_mesh.motion_in(shown, motion_mesh.facts_in(shown))
    beside, last = int(np.ceil(feet.EASED_SECONDS * motion.fps)), len(motion) - 1
    around = key_times.key_times(
        timing_of(take, action),
        len(motion),
        key_times.are_whole(action),
        max(low - beside, 0),
        min(high + beside, last),
    )
    first = int(around.at[0])
    some = motion.frames(slice(first, int(np.ceil(around.at[-1])) + 1))
    made = feet.fitted(
        key_times.sampled_motion(some, around.at - first),
        body,
        feet.shape_of(action, motion.betas),
    )
    begin = int(np.searchsorted(around.frames, times.frames[0] - _SAME_FRAME))
    return made.frames(slice(begin, begin + len(times.frames)))


def follow(
    take: bpy.types.Object,
    action: bpy.types.Action,
    aside: bpy.types.Action,
    shown: bpy.types.Mesh,
    low: int,
    high: int,
) -> None:
    """Let keys of frames `low` to `high` that were put aside from an action play when that does
    now, and stand on the shape that its feet were locked for since. shown: the motion that they are
    of. Raises `LsmplError`; then nothing has changed."""
    motion = motion_mesh.motion_in(shown, motion_mesh.facts_in(shown))
    has_keys = any(len(fcurve.keyframe_points) for fcurve in actions.fcurves(aside))
    before, after = feet.shape_of(aside, motion.betas), feet.shape_of(action, motion.betas)
    is_of_another_shape = has_keys and not np.array_equal(before, after)
    body = baking.body_of(take, motion) if is_of_another_shape else None

    made_for, plays = baking.timing_of(aside), baking.timing_of(action)
    if made_for and plays and made_for != plays:
        scale = plays[1] / made_for[1]
        keyframes.stretch(aside, scale, plays[0] - scale * made_for[0])

    # There is nothing where all of these frames are between two of the scene.
    if body is not None:
        # As in `locking.lock_again`: from the motion, or from what somebody animated.
        is_edited = actions.is_edited(action)
        if is_edited or key_times.are_few(action):
            keyed = [actions.keys_of(fcurve)[:, 0] for fcurve in actions.fcurves(aside)]
            frames = np.unique(np.concatenate([[], *keyed]))
            posed = locking.as_animated(
                take.lsmpl.armature, body, aside, frames, before, motion.fps
            )
            made = feet.fitted(posed, body, after)
        else:
            times = keys_of_frames(take, action, low, high)
            frames, made = times.frames, seen(take, action, shown, body, times, low, high)
        locking.put_legs(take.lsmpl.armature, body, aside, frames, made, arms=not is_edited)
    actions.note_like(aside, action)
