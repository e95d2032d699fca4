"""What was done to the keypoints of the frame, drawn over their handles; nothing of it is stored.

Drawn, and not a look that each handle has, so that it is by its nature what the take says at this
moment, after an undo or a frame change, too: no state that could get out of step, and no datablock
that changes outside of an undo step.
"""

from __future__ import annotations

from functools import cache

import bmesh
import bpy
import numpy as np

from .. import gpu_shapes
from ..errors import draws_what_it_can
from ..takes import take as takes
from . import finger_tips, session
from .handles import RADIUS

AS_READ, MOVED, LOCKED, UNSEEN = "As Read", "Moved", "Locked", "Unseen"
_SIZE = 0.8 * RADIUS
"""Metres: radius of what is drawn; the handle's own wires, which show whether it is selected, stay
around it."""
_COLOURS = {
    MOVED: (0.95, 0.35, 0.02, 0.85),
    LOCKED: (0.75, 0.05, 0.6, 0.85),
    UNSEEN: (1.0, 1.0, 1.0, 0.9),
}


def looks(scene: bpy.types.Scene) -> list[str]:
    """Of each handle of a scene that is posed live, by what the take says of its keypoint in the
    handles' frame."""
    live = scene.lsmpl_live
    stored = takes.keypoints_at(live.take, live.frame)
    posed = finger_tips.are_posed(live.take, live.frame)
    seen = finger_tips.are_seen(live.take, live.frame)
    return [
        _look(state, believed)
        for state, believed in (
            *zip(stored.state.tolist(), stored.believed.tolist()),
            *(
                (takes.MOVED if is_posed else takes.AS_READ, is_posed or is_seen)
                for is_posed, is_seen in zip(posed, seen)
            ),
        )
    ]


def _look(state: int, believed: bool) -> str:
    if not believed:
        return UNSEEN
    return {takes.MOVED: MOVED, takes.LOCKED: LOCKED}.get(state, AS_READ)


_drawing = None


def draw(wanted: bool) -> None:
    """Draw in all viewports from now on, or no longer."""
    global _drawing
    if wanted and _drawing is None and not bpy.app.background:
        _drawing = bpy.types.SpaceView3D.draw_handler_add(_draw, (), "WINDOW", "POST_VIEW")
    elif not wanted and _drawing is not None:
        bpy.types.SpaceView3D.draw_handler_remove(_drawing, "WINDOW")
        _drawing = None


@draws_what_it_can
def _draw() -> None:
    context = bpy.context
    scene, space = context.scene, context.space_data
    if (
        not session.has_handles(scene)
        or not space.overlay.show_overlays
        or not session.is_sound(scene)
    ):
        return

    # Coloured here by how they face whoever looks: the overlay has no light of its own.
    towards = np.array(
        context.region_data.view_matrix.to_3x3()
    )  # rows: right, up, and towards who looks
    corners, colours = [], []
    for look, handle in zip(looks(scene), session.handles_of(scene).objects):
        if look in _COLOURS and handle is not None and handle.visible_in_viewport_get(space):
            shape, normals = _shapes()[look]
            if look == UNSEEN:  # flat, and always seen from the front
                shape, normals = shape @ towards, normals @ towards
            corners.append(
                shape * _SIZE * handle.scale.x + np.array(handle.matrix_world.translation)
            )
            colours.append(gpu_shapes.lit(_COLOURS[look], normals @ towards[2]))
    if corners:
        gpu_shapes.fill(np.concatenate(corners), np.concatenate(colours))


@cache
def _shapes() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Of each look: triangles of about radius 1, corner by corner (N,3), and the normals there."""
    cube = gpu_shapes.triangles(lambda form: bmesh.ops.create_cube(form, size=1.6))
    return {
        MOVED: gpu_shapes.ball(2),
        LOCKED: cube,
        UNSEEN: _octagon(),
    }


def _octagon() -> tuple[np.ndarray, np.ndarray]:
    """An open ring with eight corners, in the plane of x and y, seen from z."""
    turns = np.arange(9) * (np.pi / 4.0)
    rim = np.stack([np.cos(turns), np.sin(turns), np.zeros(9)], axis=1)
    outer, inner = 1.2 * rim, rim
    quads = [inner[:-1], outer[:-1], outer[1:], inner[:-1], outer[1:], inner[1:]]
    corners = np.stack(quads, axis=1).reshape(-1, 3)
    return corners, np.tile([0.0, 0.0, 1.0], (len(corners), 1))
