"""Where objects and bones are over the frames of a scene: read off their F-curves in bulk where
these alone tell, otherwise frame by frame.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import NamedTuple

import bpy
import numpy as np
from mathutils import Matrix

from ...lsmpl_core import LsmplError, Progress
from .. import jobs
from ..characters import actions, assigning
from ..held import Held

MAX_POSITIONS = 30_000_000
"""Frames times points that are read; beyond that, memory is at risk."""
REGULAR_SHARE = 0.8
"""Share of the steps between keys that are alike, from which on keys were recorded and a longer
step is a gap."""
_MOVES = ("location", "rotation", "scale", "delta_")
"""How the data paths of what moves an object begin."""


class Point(NamedTuple):
    """An object's origin or, where a bone is named, that bone's head."""

    object: bpy.types.Object
    bone: str = ""

    @property
    def name(self) -> str:
        return self.bone or self.object.name

    @property
    def is_there(self) -> bool:
        return not self.bone or (
            self.object.pose is not None and self.bone in self.object.pose.bones
        )


class HeldPoints:
    """Points over a `yield`, as `Held` holds their objects."""

    def __init__(self, points: Sequence[Point]):
        self._objects, self._bones = (
            Held(*(point.object for point in points)),
            [point.bone for point in points],
        )

    def left(self) -> list[Point | None]:
        """The points, None for those that are not there any more."""
        points = [
            Point(obj, bone) if obj else None
            for obj, bone in zip(self._objects.left(), self._bones)
        ]
        return [point if point and point.is_there else None for point in points]


def positions_of(
    scene: bpy.types.Scene, points: Sequence[Point], frames: np.ndarray, gaps: bool = True
) -> jobs.Steps[np.ndarray]:
    """Yields `Progress` and returns world positions (T,N,3) at frames (T,), NaN where a point is
    missing.

    It yields only where points have to be looked at frame by frame.

    A point is missing where its object is hidden by a key, throughout where its curves are muted or
    it is one of a few that are disabled in viewports, and, with `gaps`, between and outside the
    keys of curves that were recorded with a key in each frame. The scene is left at the frame where
    it was. Raises `LsmplError` where there would be too many.
    """
    if len(frames) * len(points) > MAX_POSITIONS:
        raise LsmplError(
            f"{len(points)} objects over {len(frames)} frames are too many; set the scene's "
            "frame range to the take"
        )
    positions = np.full((len(frames), len(points), 3), np.nan)
    missing = np.zeros((len(frames), len(points)), dtype=bool)
    slow = []
    for number, point in enumerate(points):
        missing[:, number] = _missing(point, frames, gaps)
        by_curves = _by_curves(point, frames)
        if by_curves is None:
            slow.append(number)
        else:
            positions[:, number] = by_curves
    disabled = np.array([point.object.hide_viewport for point in points], dtype=bool)
    if disabled.mean() < 0.5:  # else they were tidied away all together
        missing[:, disabled] = True
    if slow:
        positions[:, slow] = yield from _frame_by_frame(scene, [points[n] for n in slow], frames)
    positions[missing | ~np.isfinite(positions).all(axis=2)] = np.nan
    return positions


def key_range(points: Sequence[Point]) -> tuple[float, float] | None:
    """The first and the last frame with a key that moves one of the points; None where one of them
    is moved otherwise than by its own keys, or none has any."""
    ends = []
    for point in points:
        curves = _location_curves(point)
        if curves is None:
            return None
        ends += [frame for curve in curves for frame in curve.range()]
    return (min(ends), max(ends)) if ends else None


# By curves


def _by_curves(point: Point, frames: np.ndarray) -> np.ndarray | None:
    """(T,3), or None where a point's own location curves do not tell where it is."""
    curves, frame = _location_curves(point), _resting(point)
    if curves is None or frame is None:
        return None
    owner = point.object.pose.bones[point.bone] if point.bone else point.object
    local = np.tile(np.array(owner.location, dtype=np.float64), (len(frames), 1))
    for curve in curves:
        if not curve.mute and curve.array_index < 3:
            local[:, curve.array_index] = actions.curve_at(curve, frames)
    if not point.bone:
        local += np.array(point.object.delta_location)
    matrix = np.array(frame)
    return local @ matrix[:3, :3].T + matrix[:3, 3]


def _location_curves(point: Point) -> list[bpy.types.FCurve] | None:
    """The curves of a point's own location, or None where something else moves it, too."""
    owner, curves = point.object, assigning.curves_of(point.object)
    if curves is None or _is_driven(owner) or not point.is_there:
        return None
    if point.bone:
        bone = owner.pose.bones[point.bone]
        if bone.parent or not bone.bone.use_local_location or owner.data.pose_position == "REST":
            return None
        if any(_acts(constraint) for other in owner.pose.bones for constraint in other.constraints):
            return None
        path = f'pose.bones["{bpy.utils.escape_identifier(point.bone)}"].location'
        return [curve for curve in curves if curve.data_path == path]
    if any(_acts(constraint) for constraint in owner.constraints):
        return None
    if any(curve.data_path.startswith("delta_location") for curve in curves):
        return None
    return [curve for curve in curves if curve.data_path == "location"]


def _resting(point: Point) -> Matrix | None:
    """The matrix that takes a point's location to the world, or None where that moves."""
    if point.bone:
        world, rest = _still_matrix(point.object), point.object.data.bones[point.bone].matrix_local
        return None if world is None else world @ rest
    return _still_parent(point.object)


def _still_parent(obj: bpy.types.Object) -> Matrix | None:
    if obj.parent is None:
        return Matrix.Identity(4)
    if obj.parent_type != "OBJECT":
        return None
    world = _still_matrix(obj.parent)
    return None if world is None else world @ obj.matrix_parent_inverse


def _still_matrix(obj: bpy.types.Object) -> Matrix | None:
    """An object's world matrix, or None where something moves the object."""
    curves = assigning.curves_of(obj)
    if (
        curves is None
        or _is_driven(obj)
        or any(_acts(constraint) for constraint in obj.constraints)
    ):
        return None
    if any(curve.data_path.startswith(_MOVES) for curve in curves):
        return None
    parent = _still_parent(obj)
    return None if parent is None else parent @ obj.matrix_basis


def _acts(constraint: bpy.types.Constraint) -> bool:
    return not constraint.mute and constraint.influence > 0.0


def _is_driven(obj: bpy.types.Object) -> bool:
    animation = obj.animation_data
    moved = (*_MOVES, "pose.bones", "constraints")
    if animation and any(driver.data_path.startswith(moved) for driver in animation.drivers):
        return True
    return obj.rigid_body is not None


# Frame by frame


def _frame_by_frame(
    scene: bpy.types.Scene, points: Sequence[Point], frames: np.ndarray
) -> Generator[Progress, None, np.ndarray]:
    """Let the scene show every frame, and note where the points are (T,N,3)."""
    held, held_points = Held(scene, doing="read"), HeldPoints(points)
    shown = scene.frame_current, scene.frame_subframe
    positions = np.empty((len(frames), len(points), 3))
    try:
        for t, frame in enumerate(frames):
            (scene,) = held.again()
            left = [point for point in held_points.left() if point]
            if len(left) < len(points):
                raise LsmplError(
                    "Objects were deleted while they were being read; nothing has changed"
                )
            _need_evaluated(scene, left)
            scene.frame_set(int(np.floor(frame)), subframe=float(frame - np.floor(frame)))
            graph = bpy.context.evaluated_depsgraph_get()
            for column, point in enumerate(left):
                seen = point.object.evaluated_get(graph)
                at = seen.matrix_world
                positions[t, column] = (
                    at @ seen.pose.bones[point.bone].head if point.bone else at.translation
                )
            yield Progress("sample", t + 1, len(frames))
    finally:
        (scene,) = held.left()
        if scene:
            scene.frame_set(shown[0], subframe=shown[1])
    return positions


def _need_evaluated(scene: bpy.types.Scene, points: Sequence[Point]) -> None:
    """Raises `LsmplError` where Blender would not say where points are in another frame: it
    evaluates what is in the view layer that is shown, and nothing else."""
    if bpy.context.scene != scene:
        raise LsmplError(
            f"{scene.name}: is not the scene that is shown any more; nothing has changed"
        )
    shown = bpy.context.view_layer.objects
    hidden = [point.object.name for point in points if point.object.name not in shown]
    if hidden:
        raise LsmplError(
            f"{', '.join(hidden[:8])}: in a collection that is excluded from the view layer; "
            "include it to read them"
        )


# What is missing


def _missing(point: Point, frames: np.ndarray, gaps: bool) -> np.ndarray:
    """(T,) bool"""
    curves = assigning.curves_of(point.object) or []
    hidden = np.zeros(len(frames), dtype=bool)
    for curve in curves:
        if curve.data_path in ("hide_viewport", "hide_render") and not curve.mute:
            hidden |= actions.curve_at(curve, frames) >= 0.5
    location_curves = _location_curves(point)
    if not location_curves:
        return hidden
    if all(curve.mute for curve in location_curves):
        return np.ones(len(frames), dtype=bool)
    if gaps:
        hidden |= _in_gap(location_curves, frames)
    return hidden


def _in_gap(curves: Sequence[bpy.types.FCurve], frames: np.ndarray) -> np.ndarray:
    """(T,) bool: outside of recorded keys or between two that are farther apart than they usually
    are.

    Keys set by hand, at irregular steps, have no gaps: between them is what the animator means.
    """
    times = np.unique(np.concatenate([actions.keys_of(curve)[:, 0] for curve in curves]))
    if len(times) < 3:
        return np.zeros(len(frames), dtype=bool)
    steps = np.diff(times)
    usual = float(np.median(steps))
    if (np.abs(steps - usual) < 0.1 * usual).mean() < REGULAR_SHARE or usual > 2.5:
        return np.zeros(len(frames), dtype=bool)
    after = np.searchsorted(times, frames - 1e-3)
    before = np.searchsorted(times, frames + 1e-3, side="right") - 1
    outside = (after >= len(times)) | (before < 0)
    step = times[np.minimum(after, len(times) - 1)] - times[np.maximum(before, 0)]
    return outside | (step > 1.5 * usual)
