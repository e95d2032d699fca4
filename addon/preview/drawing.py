"""The ghost of the smoothed body, and the ways of hands, feet and head before and after, drawn in
the viewport."""

from __future__ import annotations

from typing import Any

import bpy
import gpu
import numpy as np
from bpy.app.handlers import persistent
from bpy.props import BoolProperty
from gpu_extras.batch import batch_for_shader

from ...lsmpl_core.body.skeleton import JOINT_NAMES, PARENTS
from ..errors import draws_what_it_can
from ..registration import registration
from ..selection import active_take
from ..takes import playing
from ..takes import take as takes
from . import smoothed

BEFORE_COLOUR, AFTER_COLOUR = (1.0, 0.45, 0.05, 0.9), (0.1, 0.85, 1.0, 1.0)
_BEFORE_PIXELS, _AFTER_PIXELS, _GHOST_PIXELS = 1.5, 2.0, 3.0
WAY_SECONDS = 0.75
"""Of the ways that are drawn, before and after the frame that is shown."""
_ENDS = [
    JOINT_NAMES.index(name)
    for name in ("head", "left_wrist", "right_wrist", "left_ankle", "right_ankle")
]
_BONES = [(joint, parent) for joint, parent in enumerate(PARENTS) if parent >= 0]
_drawing: Any = None


def show_anew() -> None:
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                area.tag_redraw()


def _switched(settings: PreviewSettings, context: bpy.types.Context) -> None:
    """A function with a name: Blender 4 evaluates annotations where a lambda finds none of ours."""
    show_anew()


class PreviewSettings(bpy.types.PropertyGroup):
    """`WindowManager.lsmpl_preview`: what is seen before it is done. No file keeps it."""

    smooth: BoolProperty(
        name="Preview",
        description="Draw what Smooth would do before it is done: the smoothed body in blue, and "
        "the ways of hands, feet and head, in orange as they are and in blue as they would be",
        update=_switched,
    )


def shown(context: bpy.types.Context) -> smoothed.Preview | None:
    """What is drawn now; None for nothing."""
    take = active_take(context) if context.window_manager.lsmpl_preview.smooth else None
    if take is None:
        return None
    frame = playing.frame_shown(take, context.scene)
    return smoothed.of_take(take, context.scene.lsmpl.smooth, frame)


def lines(take: bpy.types.Object, preview: smoothed.Preview, frame: int) -> dict[str, np.ndarray]:
    """Ends (N,2,3) of the lines to draw, in the take's space: the ghost, and the ways before and
    after."""
    at = min(max(frame - preview.first, 0), len(preview.after) - 1)
    reach = max(1, round(WAY_SECONDS * takes.describe(take)["fps"]))
    near = slice(max(0, at - reach), at + reach + 1)

    def ways(joints: np.ndarray) -> np.ndarray:
        way = joints[near][:, _ENDS]
        return np.stack([way[:-1], way[1:]], axis=2).reshape(-1, 2, 3)

    ghost = np.array([(preview.after[at, a], preview.after[at, b]) for a, b in _BONES])
    return {"ghost": ghost, "before": ways(preview.before), "after": ways(preview.after)}


@draws_what_it_can
def _draw() -> None:
    context = bpy.context
    if not context.space_data.overlay.show_overlays:
        return
    preview, take = shown(context), active_take(context)
    if preview is None or take is None:
        return
    drawn = lines(take, preview, playing.frame_shown(take, context.scene))
    armature = take.lsmpl.armature
    place = np.array((armature or take).matrix_world)
    gpu.state.blend_set("ALPHA")
    gpu.state.depth_test_set("NONE")
    try:
        for name, colour, pixels in (
            ("before", BEFORE_COLOUR, _BEFORE_PIXELS),
            ("after", AFTER_COLOUR, _AFTER_PIXELS),
            ("ghost", AFTER_COLOUR, _GHOST_PIXELS),
        ):
            ends = drawn[name].reshape(-1, 3) @ place[:3, :3].T + place[:3, 3]
            _stroke(context.region, ends, colour, pixels)
    finally:
        gpu.state.blend_set("NONE")


def _stroke(region: bpy.types.Region, ends: np.ndarray, colour: tuple, pixels: float) -> None:
    if not len(ends):
        return
    shader = gpu.shader.from_builtin("POLYLINE_UNIFORM_COLOR")
    batch = batch_for_shader(shader, "LINES", {"pos": ends.astype(np.float32)})
    shader.bind()
    shader.uniform_float("viewportSize", (region.width, region.height))
    shader.uniform_float("lineWidth", pixels * (bpy.context.preferences.system.ui_scale or 1.0))
    shader.uniform_float("color", colour)
    batch.draw(shader)


@persistent
def _on_load(*_) -> None:
    smoothed.forget()


_register, _unregister = registration(
    (PreviewSettings,),
    (bpy.types.WindowManager, "lsmpl_preview", PreviewSettings),
    handlers={"load_post": _on_load},
)


def register() -> None:
    global _drawing
    _register()
    _drawing = bpy.types.SpaceView3D.draw_handler_add(_draw, (), "WINDOW", "POST_VIEW")


def unregister() -> None:
    bpy.types.SpaceView3D.draw_handler_remove(_drawing, "WINDOW")
    smoothed.forget()
    _unregister()
