"""Which scene frames get keys of a motion, and the motion between its own frames.

A take of another rate than the scene's has frames between the scene's. Its keys are on its own, as
exact as they are many, or on whole frames of the scene, where animators set theirs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import bpy
import numpy as np

from ...lsmpl_core import Motion
from ...lsmpl_core.retargeting.curves import fit_keys, key_frames
from ...lsmpl_core.rotation import exp_map, log_map
from ...lsmpl_core.solver.poses import Poses
from .actions import Curve, fcurves, keys_of

_EVERY_KEY = "lsmpl_key_every"
"""Custom property of an action: how many whole frames of the scene are from one key to the next, 0
where each frame of the take has one."""
_ROUNDING_FRAMES = 1e-3


class KeyTimes(NamedTuple):
    """Scene frames (K,) with keys, and where in the take they are (K,), in frames from 0, which may
    be fractions."""

    frames: np.ndarray
    at: np.ndarray


def wanted(take: bpy.types.Object, count: int) -> KeyTimes:
    """Where a bake of a motion of so many frames puts keys, as the take's settings say; with *Key
    Every* the frames between are there, too (`thinned`)."""
    timing = take.lsmpl.start, take.lsmpl.step
    return key_times(timing, count, take.lsmpl_bake.keys == "SCENE")


def key_times(
    timing: tuple[float, float], count: int, whole: bool, low: int = 0, high: int | None = None
) -> KeyTimes:
    """Of a take of `count` frames with this timing, its first scene frame and its step: the keys
    that change when its frames from `low` to `high` do.

    On whole scene frames these are all between the frames before and after, for a key between two
    frames is made of both; there may be none.
    """
    start, step = timing
    last = count - 1 if high is None else high
    if not whole:
        at = np.arange(low, last + 1)
        return KeyTimes(start + at * step, at.astype(np.float64))
    ends = (max(low - 1, 0) * step, min(last + 1, count - 1) * step)
    first, final = start + ends[0] - _ROUNDING_FRAMES, start + ends[1] + _ROUNDING_FRAMES
    frames = np.arange(math.ceil(first), math.floor(final) + 1, dtype=np.float64)
    if not len(frames) and low == 0 and last == count - 1:
        frames = np.array([float(round(start))])  # shorter than a frame of the scene
    at = np.clip((frames - start) / step, 0, count - 1)
    at = np.where(np.abs(at - np.rint(at)) < _ROUNDING_FRAMES, np.rint(at), at)
    changing = (at > low - 1) & (at < last + 1)
    return KeyTimes(frames[changing], at[changing])


def every_of(take: bpy.types.Object) -> int:
    """Whole frames of the scene from one key of a bake to the next, 0 where each frame of the take
    gets one."""
    return take.lsmpl_bake.every if take.lsmpl_bake.keys == "SCENE" else 0


def note(action: bpy.types.Action, every: int) -> None:
    """Keep with an action that is baked of a take which frames its keys are on (`every_of`)."""
    action[_EVERY_KEY] = every


def note_moved(action: bpy.types.Action) -> None:
    """Keep with an action that its keys are no longer on whole frames: they were moved in time."""
    action[_EVERY_KEY] = 0


def are_whole(action: bpy.types.Action) -> bool:
    """Whether an action's keys are on whole frames of the scene."""
    return action.get(_EVERY_KEY, 0) > 0


def are_few(action: bpy.types.Action) -> bool:
    """Whether an action has fewer keys than frames, whose curves follow the motion as closely as
    they can."""
    return action.get(_EVERY_KEY, 0) > 1


def to_change(
    action: bpy.types.Action, timing: tuple[float, float], count: int, low: int, high: int
) -> KeyTimes:
    """The keys of an action to be written when frames `low` to `high` of a take of `count` frames
    change, so that no others do: where keys are few, all as far as the next on both sides."""
    every = action.get(_EVERY_KEY, 0)
    changing = key_times(timing, count, are_whole(action), low, high)
    if every <= 1 or not len(changing.frames):
        return changing

    # From the key before to the key after: whatever is between two keys changes with either.
    beside = math.ceil(every / timing[1]) + 1
    around = key_times(timing, count, True, max(low - beside, 0), min(high + beside, count - 1))
    most = max(fcurves(action), key=lambda fcurve: len(fcurve.keyframe_points))
    keyed = np.round(keys_of(most)[:, 0])
    before, after = keyed[keyed < changing.frames[0]], keyed[keyed > changing.frames[-1]]
    first = before[-1] if len(before) else -np.inf
    last = after[0] if len(after) else np.inf
    some = (around.frames >= first) & (around.frames <= last)
    return KeyTimes(around.frames[some], around.at[some])


def sampled_motion(motion: Motion, at: np.ndarray) -> Motion:
    """A motion at times (K,) in its frames."""
    if len(at) == len(motion) and (at == np.arange(len(motion))).all():
        return motion
    turning = motion.poses
    if motion.fingers is not None:
        turning = np.concatenate([turning, motion.fingers], axis=1)
    rotations = log_map(_turned(exp_map(turning), at))
    joints = motion.poses.shape[1]
    return replace(
        motion,
        poses=rotations[:, :joints],
        fingers=None if motion.fingers is None else rotations[:, joints:],
        trans=sampled(motion.trans, at),
        residual=None,
        condition=None,
        travel=None,
        hand_residual=None,
    )


def sampled_poses(poses: Poses, at: np.ndarray) -> Poses:
    """Poses at times (K,), in frames from the first."""
    fingers = None if poses.fingers is None else log_map(_turned(exp_map(poses.fingers), at))
    return Poses(_turned(poses.rotations, at), sampled(poses.trans, at), fingers)


def sampled(values: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Values (T,...) at times (K,), straight between two; NaN where one of both is."""
    before, share = _between(at, len(values))
    after = np.minimum(before + 1, len(values) - 1)
    share = share.reshape(-1, *[1] * (values.ndim - 1))
    mixed = (1.0 - share) * values[before] + share * values[after]
    return np.where(share == 0.0, values[before], mixed)


def thinned(times: KeyTimes, curves: Sequence[Curve], every: int) -> tuple[np.ndarray, list[Curve]]:
    """Scene frames (M,) of every n-th key and the last, and the curves with keys there alone, which
    follow what is left out as closely as smooth curves can."""
    if every <= 1 or len(times.frames) < 2:
        return times.frames, list(curves)
    kept = key_frames(len(times.frames), every)
    whole = [np.isfinite(curve.values).all() for curve in curves]
    samples = [curve.values for curve, is_whole in zip(curves, whole) if is_whole]
    gap = float(times.frames[1] - times.frames[0])
    values, slopes = fit_keys(np.stack(samples, axis=1), kept)
    fitted = iter(zip(values.T, slopes.T / gap))
    made = []
    for curve, is_whole in zip(curves, whole):
        if is_whole:
            at_keys, slope = next(fitted)
            made.append(replace(curve, values=at_keys, slopes=slope))
        else:
            made.append(replace(curve, values=curve.values[kept]))
    return times.frames[kept], made


def _turned(rotations: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Rotations (T,J,3,3) at times (K,), by the shortest way between two."""
    before, share = _between(at, len(rotations))
    found = rotations[before].copy()
    moving = np.flatnonzero(share > 0.0)
    if len(moving):
        one, other = rotations[before[moving]], rotations[before[moving] + 1]
        turn = log_map(np.swapaxes(one, -1, -2) @ other)
        found[moving] = one @ exp_map(share[moving, None, None] * turn)
    return found


def _between(at: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The frame (K,) before each time, and how far (K,) it is on the way to the next."""
    before = np.clip(np.floor(at).astype(int), 0, count - 1)
    return before, np.where(before == count - 1, 0.0, at - before)
