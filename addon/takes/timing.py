"""The rate and the range of a scene, and how a take at another rate fits in; when a take then
plays: `playing.py`."""

from __future__ import annotations

import math
from collections.abc import Collection

import bpy

NTSC = 1.001
_DEFAULT_FPS = 24.0
"""Of a new scene in Blender."""
_RATE_KEY = "lsmpl_rate"
"""Custom property of a scene: the frames a second that it was last given to match a take."""


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
    """Give a scene a rate, and note that it is not the user's choice."""
    scene.render.fps, scene.render.fps_base = blender_rate(fps)
    scene[_RATE_KEY] = scene_rate(scene)


def has_rate_of_its_own(scene: bpy.types.Scene) -> bool:
    """Whether somebody chose the scene's rate: it is neither Blender's default nor a take's."""
    rate = scene_rate(scene)
    given = (_DEFAULT_FPS, scene.get(_RATE_KEY, _DEFAULT_FPS))
    return not any(math.isclose(rate, one, rel_tol=2e-5) for one in given)


def is_animated(scene: bpy.types.Scene, but: Collection[bpy.types.Object] = ()) -> bool:
    """Whether anything of a scene, apart from some objects, is keyed or cut: then its rate and its
    range are somebody's work."""
    owners = [scene, scene.world]
    for obj in scene.objects:
        if obj not in but:
            keys = getattr(obj.data, "shape_keys", None)
            owners += [obj, obj.data, keys]
    animated = (getattr(owner, "animation_data", None) for owner in owners if owner)
    if any(data and (data.action or data.nla_tracks) for data in animated):
        return True
    editor = scene.sequence_editor
    return editor is not None and len(_strips(editor)) > 0


def _strips(editor: bpy.types.SequenceEditor):
    """Blender 4.4 and later call them strips."""
    return editor.strips if hasattr(editor, "strips") else editor.sequences


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
