"""When a take plays: which of its frames the scene shows, and at which scene frame it shows one.

Scene frame = start + t * step, t counting the take's frames from 0. Everything that speaks of the
shown frame (the keypoints in the viewport, Quality, Refine, Live, jumps and marks) asks here, so
that all mean the same one.
"""

from __future__ import annotations

import math

import bpy
import numpy as np

from . import take as takes

_ROUNDING_FRAMES = 1e-3
"""Scene frames by which start + t * step may miss a whole one: Blender keeps both in single
precision."""


def frame_shown(take: bpy.types.Object, scene: bpy.types.Scene) -> int:
    """The frame of a take, from 0, that the scene shows: the nearest one; outside of the take its
    first or last.

    Of two that are equally near it is the later one. That is the rule of the display's nodes, which
    compute in single precision, and so does this: at 24 scene frames for 30 of the take, every
    other half frame would else fall differently.
    """
    since = np.float32(scene.frame_current_final) - np.float32(take.lsmpl.start)
    nearest = math.floor(since / np.float32(take.lsmpl.step) + np.float32(0.5))
    return min(max(nearest, 0), takes.describe(take)["frames"] - 1)


def scene_frame(take: bpy.types.Object, frame: int) -> float:
    """The scene frame at which a frame of the take is shown exactly; a fraction where the rates
    differ."""
    return take.lsmpl.start + frame * take.lsmpl.step


def scene_frames(take: bpy.types.Object, count: int | None = None) -> np.ndarray:
    """(T,) the scene frame of each frame of a take, or of the first `count`."""
    count = takes.describe(take)["frames"] if count is None else count
    return take.lsmpl.start + np.arange(count) * take.lsmpl.step


def whole_scene_frame(take: bpy.types.Object, frame: int) -> int:
    """The whole scene frame nearest to a frame of the take, for markers and for people."""
    return math.floor(scene_frame(take, frame) + 0.5)


def frames_within(take: bpy.types.Object, first: float, last: float) -> range:
    """The frames of a take, from 0, that play from one scene frame to another, both included; empty
    where none do."""
    start, step, count = take.lsmpl.start, take.lsmpl.step, takes.describe(take)["frames"]
    low = max(math.ceil((first - start - _ROUNDING_FRAMES) / step), 0)
    high = min(math.floor((last - start + _ROUNDING_FRAMES) / step), count - 1)
    return range(low, high + 1)


def go_to(take: bpy.types.Object, scene: bpy.types.Scene, frame: int) -> None:
    """Let the scene show a frame of the take, between two of its own where the take's lies
    there."""
    at = scene_frame(take, frame)
    whole = math.floor(at + _ROUNDING_FRAMES)
    scene.frame_set(whole, subframe=max(at - whole, 0.0))


def show_anew(scene: bpy.types.Scene) -> None:
    """Let everything take the state that its animation has now, in the frame that is shown."""
    scene.frame_set(scene.frame_current, subframe=scene.frame_subframe)


def in_words(take: bpy.types.Object, first: int, last: int | None = None) -> str:
    """Frames of the take as the scene counts them: "12.5", or "12.5 to 14"."""
    text = f"{scene_frame(take, first):g}"
    return text if last in (None, first) else f"{text} to {scene_frame(take, last):g}"


def frames_in_words(take: bpy.types.Object, first: int, last: int) -> str:
    """For a sentence: "frame 12", or "frames 12 to 14"."""
    return f"{'frame' if first == last else 'frames'} {in_words(take, first, last)}"
