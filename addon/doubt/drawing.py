"""The strip of doubt, drawn below the ruler of timelines and dope sheets."""

from __future__ import annotations

from typing import Any

import bpy
import gpu
import numpy as np
from bpy.app.handlers import persistent
from gpu_extras.batch import batch_for_shader

from ..package import preferences
from ..registration import registration
from ..selection import active_take
from ..takes.display_nodes import COLOURS
from ..takes.take import is_take
from . import along

RULER_PIXELS = 23
"""Height of the ruler that Blender has at the top of these editors, at its usual size."""
STRIP_PIXELS, MARK_PIXELS = 7, 13
"""Height of the strip and of what marks doubtful stretches, at the usual size."""
_ALPHA = 0.85
_RAMP = np.array([COLOURS["Good"], COLOURS["Fair"], COLOURS["Poor"]])
_GREY = (0.4, 0.4, 0.4)
_drawing: Any = None


def is_wanted() -> bool:
    chosen = preferences()
    return chosen is None or chosen.doubt_strip


def edges(region: bpy.types.Region) -> tuple[float, float]:
    """The lowest and the highest pixel of the strip in a region."""
    scale = bpy.context.preferences.system.ui_scale or 1.0
    top = region.height - RULER_PIXELS * scale
    return top - MARK_PIXELS * scale, top


def frames_of(region: bpy.types.Region) -> tuple[float, float]:
    """The scene frame at a region's left edge, and frames to a pixel."""
    left, right = (region.view2d.region_to_view(x, 0)[0] for x in (0, region.width))
    return left, (right - left) / max(region.width, 1)


def _draw() -> None:
    context = bpy.context
    take = active_take(context) if is_wanted() else None
    strip = along.of_take(take) if take else None
    if strip is None or context.region is None:
        return
    region = context.region
    left, per_pixel = frames_of(region)
    low, top = edges(region)
    thin = (top - low) * STRIP_PIXELS / MARK_PIXELS
    corners, colours = [], []

    # Each column of pixels shows the worst of the frames that lie in it.
    levels = _columns(take, strip, left, per_pixel, region.width)
    starts = np.flatnonzero(np.diff(levels, prepend=np.nan) != 0)
    ends = np.append(starts[1:], len(levels))
    for x, end, level in zip(starts, ends, levels[starts]):
        if np.isfinite(level):
            corners.append(_box(x, end, top - thin, top))
            colours.append(_colour(float(level)))

    # Doubtful stretches reach lower, at least so far across that they are seen.
    for first, last, _ in along.spans(take, strip):
        x, end = (first - left) / per_pixel, (last - left) / per_pixel
        middle, half = (x + end) / 2, max((end - x) / 2, 1.5)
        if end > 0 and x < region.width:
            corners.append(_box(middle - half, middle + half, low, top - thin))
            colours.append((*COLOURS["Poor"], 1.0))
    if corners:
        _fill(np.concatenate(corners), np.repeat(np.array(colours), 6, axis=0))


def _columns(
    take: bpy.types.Object, strip: along.Strip, left: float, per_pixel: float, width: int
) -> np.ndarray:
    """(W,) the level of each column of pixels, coarsely; NaN outside of the take."""
    start, step, count = take.lsmpl.start, take.lsmpl.step, len(strip.levels)
    bounds = (left + np.arange(width + 1) * per_pixel - start) / step + 0.5
    first = np.floor(bounds[:-1]).astype(int)
    after = np.maximum(np.floor(bounds[1:]).astype(int), first + 1)
    within = (after > 0) & (first < count)
    found = np.full(width, np.nan)
    if within.any():
        begins = np.clip(first[within], 0, count - 1)
        padded = np.append(strip.levels, strip.levels[-1])
        both = np.stack([begins, np.clip(after[within], 1, count)], axis=1).ravel()
        worst = np.maximum.reduceat(padded, both)[::2]
        found[within] = np.round(worst * 8) / 8
    return found


def _colour(level: float) -> tuple[float, float, float, float]:
    if level < 0:
        return (*_GREY, _ALPHA)
    red, green, blue = (float(np.interp(level, [0, 1, 2], channel)) for channel in _RAMP.T)
    return red, green, blue, _ALPHA


def _box(left: float, right: float, low: float, top: float) -> np.ndarray:
    """Two triangles (6,2)."""
    return np.array(
        [(left, low), (right, low), (right, top), (left, low), (right, top), (left, top)]
    )


def _fill(corners: np.ndarray, colours: np.ndarray) -> None:
    shader = gpu.shader.from_builtin("SMOOTH_COLOR")
    places = np.pad(corners, ((0, 0), (0, 1))).astype(np.float32)
    arrays = {"pos": places, "color": colours.astype(np.float32)}
    gpu.state.blend_set("ALPHA")
    try:
        batch_for_shader(shader, "TRIS", arrays).draw(shader)
    finally:
        gpu.state.blend_set("NONE")


def show_anew() -> None:
    """Let all editors that have a strip draw it again."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "DOPESHEET_EDITOR":
                area.tag_redraw()


@persistent
def _on_update(scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> None:
    # Only of takes: in a drag handles change with every move of the mouse, and whole takes would be
    # measured anew for the strip each time.
    if depsgraph.id_type_updated("OBJECT") and any(
        isinstance(update.id, bpy.types.Object) and is_take(update.id.original)
        for update in depsgraph.updates
    ):
        along.forget()
        if not bpy.app.background:
            show_anew()


@persistent
def _on_load(*_) -> None:
    along.forget()


_register, _unregister = registration(
    (),
    handlers={
        "depsgraph_update_post": _on_update,
        **dict.fromkeys(("load_post", "undo_post", "redo_post"), _on_load),
    },
)


def register() -> None:
    global _drawing
    _register()
    _drawing = bpy.types.SpaceDopeSheetEditor.draw_handler_add(_draw, (), "WINDOW", "POST_PIXEL")


def unregister() -> None:
    bpy.types.SpaceDopeSheetEditor.draw_handler_remove(_drawing, "WINDOW")
    _unregister()
    along.forget()
