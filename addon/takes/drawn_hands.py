"""The points of a take's hands, drawn in the viewport beside its keypoints.

Drawn, and no objects: a take may be copied, hidden and deleted, and has nothing beside it that
could stay behind.
"""

from __future__ import annotations

from functools import cache

import bpy
import numpy as np

from ...lsmpl_core.keypoints.hand_points import CHAINS, HAND_POINTS
from .. import gpu_shapes
from ..errors import draws_what_it_can
from . import display, hands, playing
from . import take as takes
from .display_nodes import COLOURS

_RADIUS = 0.3
"""Of a point, in radii of the take's keypoints: fingers are thin."""
_UNSURE = 0.5
_WITH_WRIST = np.pad(CHAINS, ((0, 0), (1, 0)))
_BONES = np.stack([_WITH_WRIST[:, :-1], _WITH_WRIST[:, 1:]], axis=-1).reshape(-1, 2)
"""(20,2): which of a hand's points are joined."""


def shown(take: bpy.types.Object, scene: bpy.types.Scene) -> tuple[np.ndarray, np.ndarray]:
    """Where the points of both hands are in the frame that the scene shows, (42,3) metres in the
    world, and how sure each is (42,), 0 of those that were not seen; none where the take has no
    hands."""
    points = hands.points_at(take.data, playing.frame_shown(take, scene))
    if points is None:
        return np.zeros((0, 3)), np.zeros(0)
    positions, confidence = points
    positions = positions + takes.travel_at(take, playing.frame_shown(take, scene))
    positions[:, 2] += display.get(take, "Raised", 0.0)
    world = np.array(take.matrix_world)
    return positions @ world[:3, :3].T + world[:3, 3], confidence


def bones(confidence: np.ndarray) -> np.ndarray:
    """(M,2): the pairs of 42 points whose both ends were seen."""
    pairs = np.concatenate([_BONES, _BONES + len(HAND_POINTS)])
    return pairs[(confidence[pairs] > 0).all(axis=1)]


def _draw() -> None:
    context = bpy.context
    space = context.space_data
    if not space.overlay.show_overlays:
        return
    towards = np.array(context.region_data.view_matrix.to_3x3())[2]
    for take in takes.takes_in(context.scene):
        if hands.HANDS_KEY in take.data and take.visible_in_viewport_get(space):
            _draw_one(take, context.scene, towards)


@draws_what_it_can
def _draw_one(take: bpy.types.Object, scene: bpy.types.Scene, towards: np.ndarray) -> None:
    places, confidence = shown(take, scene)
    pairs = bones(confidence)
    if len(pairs):
        ends = places[pairs].reshape(-1, 3)
        gpu_shapes.draw_lines(ends, np.tile((*COLOURS["Skeleton"], 1.0), (len(ends), 1)))
    radius = _RADIUS * display.get(take, "Size", 0.014) * take.matrix_world.median_scale
    corners, normals = _ball()
    for colour, which in (
        ("Seen", confidence >= _UNSURE),
        ("Unsure", (confidence > 0) & (confidence < _UNSURE)),
    ):
        if which.any():
            balls = (places[which][:, None] + radius * corners).reshape(-1, 3)
            facing = np.tile(normals @ towards, which.sum())
            gpu_shapes.fill(balls, gpu_shapes.lit((*COLOURS[colour], 1.0), facing))


@cache
def _ball() -> tuple[np.ndarray, np.ndarray]:
    return gpu_shapes.ball(1)


_drawing = None


def register() -> None:
    global _drawing
    if not bpy.app.background:
        _drawing = bpy.types.SpaceView3D.draw_handler_add(_draw, (), "WINDOW", "POST_VIEW")


def unregister() -> None:
    global _drawing
    if _drawing is not None:
        bpy.types.SpaceView3D.draw_handler_remove(_drawing, "WINDOW")
        _drawing = None
