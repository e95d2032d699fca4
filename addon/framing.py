"""What is new is brought into view: the first take of a scene, a picture beside a take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import bpy
import numpy as np
from mathutils import Vector

_MARGIN = 0.08
"""Of a viewport that stays free on each side."""
_SENSOR_MILLIMETRES = 72.0
"""Across the larger side of a viewport in perspective, for its lens."""
_LEAST_DISTANCE = 1.0
"""Of a viewport from what it shows, to the length of that: nearer, what points at the eye is all of
the picture."""


def look_at(manager: bpy.types.WindowManager, points: np.ndarray) -> None:
    """Let the viewports show all of the box around some points (N,3) of the world, beside their
    sidebars, from where they look now; one through a camera stays as it is."""
    for _, area in _viewports(manager):
        _fit(area, points)


def _fit(area: bpy.types.Area, points: np.ndarray) -> None:
    region = area.spaces.active.region_3d
    turn = np.array(region.view_rotation.to_matrix())
    low, high = points.min(axis=0), points.max(axis=0)
    corners = np.array(list(product(*zip(low, high))))
    least = _LEAST_DISTANCE * float(np.linalg.norm(high - low))
    centre, distance = fitted(corners @ turn, *_bounds(area), least)
    region.view_location = Vector(turn @ centre)
    region.view_distance = max(distance, 0.1)


def bring_into_view(context: bpy.types.Context, objects: Sequence[bpy.types.Object]) -> None:
    """Let those viewports show all of some objects that show less than half of them; others, and
    one through a camera, stay as they are."""
    depsgraph = context.evaluated_depsgraph_get()
    shown = [obj.evaluated_get(depsgraph) for obj in objects]
    corners = [obj.matrix_world @ Vector(at) for obj in shown for at in obj.bound_box]
    points = np.array(corners).reshape(-1, 3)
    for _, area in _viewports(context.window_manager):
        region, (low, high) = area.spaces.active.region_3d, _bounds(area)
        at = np.c_[points, np.ones(len(points))] @ np.array(region.view_matrix).T
        flat = region.view_perspective == "ORTHO"
        depths = np.full(len(at), region.view_distance) if flat else -at[:, 2]
        before = depths > 0
        seen = at[before, :2] / depths[before, None]
        if 2 * ((seen > low) & (seen < high)).all(axis=1).sum() < len(points):
            _fit(area, points)


def fitted(
    points: np.ndarray, low: np.ndarray, high: np.ndarray, least: float = 0.0
) -> tuple[np.ndarray, float]:
    """(3,) what to look at, and from how far along +z, to see all of some points (N,3), in axes of
    which x is across, y up and -z the way one looks. low, high: (2,) where what is seen ends across
    and up, at distance 1. least: how far one stands away at least.

    What is seen ends at planes through the eye, of which each of a pair touches an outermost point;
    the eye is as near as lets it be between the two of both pairs.
    """
    depths = points[:, 2:]
    first = (points[:, :2] + low * depths).min(axis=0)
    last = (points[:, :2] + high * depths).max(axis=0)
    middle = float(depths.min() + depths.max()) / 2
    eye = max(float(((last - first) / (high - low)).max()), middle + least)
    aside = (first + last - (low + high) * eye) / 2
    return np.array([*aside, middle]), eye - middle


def _bounds(area: bpy.types.Area) -> tuple[np.ndarray, np.ndarray]:
    """`fitted`'s of a viewport, beside the toolbar and the sidebar that lie over it."""
    window = next(region for region in area.regions if region.type == "WINDOW")
    left, right = window.x, window.x + window.width
    middle = (left + right) / 2
    for region in area.regions:
        if region.type in ("TOOLS", "UI") and region.width > 1:
            if region.x < middle:
                left = max(left, region.x + region.width)
            else:
                right = min(right, region.x)
    if right - left < window.width / 4:  # hardly any of it is free
        left, right = window.x, window.x + window.width

    pixels = area.spaces.active.lens / _SENSOR_MILLIMETRES * max(window.width, window.height)
    low = np.array([left - middle, -window.height / 2]) / pixels
    high = np.array([right - middle, window.height / 2]) / pixels
    margin = _MARGIN * (high - low)
    return low + margin, high - margin


def look_at_selected(manager: bpy.types.WindowManager) -> None:
    """Let the viewports look at what is selected, from where they look now; one through a camera
    stays as it is."""
    for window, area in _viewports(manager):
        region = next(region for region in area.regions if region.type == "WINDOW")
        with bpy.context.temp_override(window=window, area=area, region=region):
            bpy.ops.view3d.view_selected()


def _viewports(
    manager: bpy.types.WindowManager,
) -> Iterator[tuple[bpy.types.Window, bpy.types.Area]]:
    """Those that look freely."""
    if bpy.app.background:
        return
    for window in manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D" and area.spaces.active.region_3d.view_perspective != "CAMERA":
                yield window, area
