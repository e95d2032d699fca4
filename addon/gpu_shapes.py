"""Solid little shapes that the viewport draws over everything, lit by how they face the view."""

from __future__ import annotations

from collections.abc import Callable

import bmesh
import gpu
import numpy as np
from gpu_extras.batch import batch_for_shader

_UNLIT = 0.35
"""Brightness of a surface that is seen from the side; one that faces the view has 1."""


def lit(colour: tuple[float, float, float, float], facing: np.ndarray) -> np.ndarray:
    """(N,4) a colour on surfaces that are turned to the view by a cosine (N,)."""
    shown = np.tile(np.array(colour), (len(facing), 1))
    shown[:, :3] *= (_UNLIT + (1.0 - _UNLIT) * np.clip(facing, 0.0, 1.0))[:, None]
    return shown


def fill(corners: np.ndarray, colours: np.ndarray) -> None:
    """Triangles, corner by corner (N,3) with colours (N,4), in front of everything."""
    _draw("TRIS", corners, colours)


def draw_lines(ends: np.ndarray, colours: np.ndarray) -> None:
    """Lines, end by end (N,3) with colours (N,4), in front of everything."""
    _draw("LINES", ends, colours)


def _draw(kind: str, places: np.ndarray, colours: np.ndarray) -> None:
    shader = gpu.shader.from_builtin("SMOOTH_COLOR")
    arrays = {"pos": places.astype(np.float32), "color": colours.astype(np.float32)}
    gpu.state.depth_test_set("NONE")
    gpu.state.blend_set("ALPHA")
    gpu.state.face_culling_set("BACK")  # of a convex shape just what is in front remains
    try:
        batch_for_shader(shader, kind, arrays).draw(shader)
    finally:
        gpu.state.face_culling_set("NONE")
        gpu.state.blend_set("NONE")


def triangles(create: Callable[[bmesh.types.BMesh], object]) -> tuple[np.ndarray, np.ndarray]:
    """What `create` makes in a bmesh: corners (N,3) of its triangles, and the normals of their
    faces (N,3)."""
    form = bmesh.new()
    create(form)
    loops = [loop for triangle in form.calc_loop_triangles() for loop in triangle]
    corners = np.array([loop.vert.co[:] for loop in loops])
    form.normal_update()
    normals = np.array([loop.face.normal[:] for loop in loops])
    form.free()
    return corners, normals


def ball(subdivisions: int) -> tuple[np.ndarray, np.ndarray]:
    """As `triangles`, of a ball of radius 1 with smooth normals."""
    corners, _ = triangles(
        lambda form: bmesh.ops.create_icosphere(form, subdivisions=subdivisions, radius=1.0)
    )
    return corners, corners / np.linalg.norm(corners, axis=1, keepdims=True)
