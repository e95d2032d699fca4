"""The rate and the range of a scene, and how a take at another rate fits in; when a take then
plays: `playing.py`."""

from __future__ import annotations

import math

import bpy

NTSC = 1.001


def scene_rate(scene: bpy.types.Scene) -> float:
    """Frames a second of the scene."""
    return scene.render.fps / scene.render.fps_base


def blender_rate(fps: float) -> tuple[int, float]:
    """`fps` and `fps_base` as Blender stores a rate: 29.97 is 30 / 1.001, 12.5 is 12 / 0.96."""
    whole = max(1, round(fps))
    if abs(fps - whole) < 1e-4 * fps:
        return whole, 1.0
    ntsc = max(1, round(fps * NTSC))
    if ntsc % 2 == 0 and abs(fps - ntsc / NTSC) < 1e-4 * fps:
        return ntsc, NTSC
    return whole, whole / fps


def frame_step(scene: bpy.types.Scene, fps: float) -> float:
    """Scene frames from one frame of a take at `fps` to the next; exactly 1 where the rates are the
    same.

    Blender keeps `fps_base` in single precision, so the same rate comes back a little off.
    """
    step = scene_rate(scene) / fps
    return 1.0 if math.isclose(step, 1.0, rel_tol=2e-5) else step


def set_scene_rate(scene: bpy.types.Scene, fps: float) -> None:
    scene.render.fps, scene.render.fps_base = blender_rate(fps)


def set_scene_range(scene: bpy.types.Scene, first: float, last: float) -> None:
    """The scene plays from `first` to `last`, and stands in that range (Blender has no range below
    frame 0)."""
    scene.frame_start = max(0, math.floor(first))
    scene.frame_end = max(scene.frame_start, math.ceil(last))
    if not scene.frame_start <= scene.frame_current <= scene.frame_end:
        scene.frame_set(scene.frame_start)


def timing_of(scene: bpy.types.Scene) -> dict[str, float]:
    """A scene's rate and range, for `restore`."""
    timing = {name: getattr(scene, name) for name in ("frame_start", "frame_end")}
    return {
        **timing,
        "fps": scene.render.fps,
        "fps_base": scene.render.fps_base,
        "frame": scene.frame_current,
    }


def restore(scene: bpy.types.Scene, timing: dict[str, float]) -> None:
    """Give a scene back the rate and the range that it had."""
    scene.render.fps, scene.render.fps_base = timing["fps"], timing["fps_base"]
    scene.frame_end, scene.frame_start = timing["frame_end"], timing["frame_start"]
    if scene.frame_current != timing["frame"]:
        scene.frame_set(timing["frame"])
