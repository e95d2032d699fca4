"""The hands of a take: the 21 points of each in a mesh of their own, which the take's mesh points
to (docs/blend_storage.md)."""

from __future__ import annotations

from collections.abc import Sequence

import bpy
import numpy as np

from ...lsmpl_core import LsmplError
from ...lsmpl_core.keypoints.hand_points import CHAINS, HAND_POINTS, HandPoints
from .mesh_data import change, has_attribute, read, read_rows, write

HANDS_KEY = "lsmpl_hands"
"""Custom property of a take's mesh: the mesh of its hands, 42 vertices a frame."""
_ON_WRISTS = "on_wrists"
"""Custom property of that mesh, of hands that were put on the wrists (`HandPoints.placed`)."""
_ON_SKIN = "on_skin"
"""Custom property of that mesh, of markers on the backs of the fingers (`HandPoints.on_skin`)."""
IGNORED = "ignored"
"""Attribute of that mesh, 1 where the animator ignores a point; absent where none ever was."""
_A_FRAME = 2 * len(HAND_POINTS)
_FINGERS = np.concatenate([CHAINS[:, 1:], CHAINS[:, 1:] + len(HAND_POINTS)])
"""(10,3): the points of a frame that show how each finger is bent, fingers as `TIP_NAMES` are."""


def store(mesh: bpy.types.Mesh, hands: HandPoints | None, name: str) -> None:
    """Keep the hands of a track with its mesh, where it has some."""
    if hands is None or not hands.visible.any():
        return
    points = bpy.data.meshes.new(f"{name} Hands")
    points.vertices.add(len(hands) * _A_FRAME)
    write(points, "position", "FLOAT_VECTOR", np.nan_to_num(hands.positions))
    write(points, "confidence", "FLOAT", hands.confidence)
    if not hands.placed:
        points[_ON_WRISTS] = True
    if hands.on_skin:
        points[_ON_SKIN] = True
    mesh[HANDS_KEY] = points


def points_of(mesh: bpy.types.Mesh) -> bpy.types.Mesh | None:
    """The mesh with the points of a track's hands; None where it has none."""
    points = mesh.get(HANDS_KEY)
    return points if isinstance(points, bpy.types.Mesh) else None


def points_at(mesh: bpy.types.Mesh, frame: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Positions (42,3) and confidence (42,) of one frame as they were stored, 0 where a point is
    ignored, None where the track has no hands; takes no longer where the take is long."""
    points = points_of(mesh)
    if points is None or len(points.vertices) < (frame + 1) * _A_FRAME:
        return None
    rows = slice(frame * _A_FRAME, (frame + 1) * _A_FRAME)
    positions = read_rows(points, "position", "FLOAT_VECTOR", rows).astype(np.float64)
    sure = read_rows(points, "confidence", "FLOAT", rows).astype(np.float64)
    sure[read_rows(points, IGNORED, "INT", rows, 0) != 0] = 0.0
    return positions, sure


def seen_at(mesh: bpy.types.Mesh, frame: int) -> np.ndarray | None:
    """(10,) bool: which fingers have points beyond the knuckle in a frame that are not ignored;
    None where the track has no hands."""
    points = points_at(mesh, frame)
    return None if points is None else (points[1][_FINGERS] > 0).any(axis=1)


def ignored_at(mesh: bpy.types.Mesh, frame: int) -> np.ndarray:
    """(10,) bool: which fingers the animator ignores in a frame."""
    points = points_of(mesh)
    if points is None or not has_attribute(points, IGNORED, "INT"):
        return np.zeros(len(_FINGERS), dtype=bool)
    data = points.attributes[IGNORED].data
    first = frame * _A_FRAME + _FINGERS[:, 0]
    return np.array([data[row].value != 0 for row in first.tolist()])


def ignore(mesh: bpy.types.Mesh, frame: int, fingers: Sequence[int], ignored: bool) -> None:
    """Leave the points of some fingers aside in a frame, or no longer.

    Raises `LsmplError` where the track has no points of hands.
    """
    points = points_of(mesh)
    if points is None:
        raise LsmplError(f"{mesh.name}: has no points of fingers that could be ignored")
    rows = (frame * _A_FRAME + _FINGERS[list(fingers)]).ravel()
    change(points, IGNORED, "INT", rows, np.full(len(rows), int(ignored)))
    points.update_tag()


def load(
    mesh: bpy.types.Mesh, frames: int, travel: np.ndarray | None = None, edits: bool = True
) -> HandPoints | None:
    """The hands of a track of so many frames, moved by travel (T,3) metres, without what is ignored
    unless it is wanted without `edits`; None where it has none.

    Raises `LsmplError` where they are no longer what was stored.
    """
    points = mesh.get(HANDS_KEY)
    if points is None:
        return None
    if not isinstance(points, bpy.types.Mesh) or len(points.vertices) != frames * _A_FRAME:
        raise LsmplError(
            f"{mesh.name}: its hands are no longer what was stored; import the take again"
        )
    shape = (frames, 2, len(HAND_POINTS))
    positions = read(points, "position", "FLOAT_VECTOR").reshape(*shape, 3).astype(np.float64)
    confidence = read(points, "confidence", "FLOAT").reshape(shape).astype(np.float64)
    if edits and has_attribute(points, IGNORED, "INT"):
        confidence[read(points, IGNORED, "INT").reshape(shape) != 0] = 0.0
    if travel is not None:
        positions += travel[:, None, None]
    return HandPoints(
        positions,
        confidence,
        placed=not points.get(_ON_WRISTS, False),
        on_skin=bool(points.get(_ON_SKIN, False)),
    )
