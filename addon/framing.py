"""What is new is brought into view: the first take of a scene, a picture beside a take."""

from __future__ import annotations

from collections.abc import Iterator

import bpy
import numpy as np
from mathutils import Vector

_MARGIN = 0.08
"""Of a viewport that stays free on each side."""
_SENSOR_MILLIMETRES = 72.0
"""Across the larger side of a viewport in perspective, for its lens."""


def look_at(manager: bpy.types.WindowManager, points: np.ndarray) -> None:
    """Let the viewports show all of some points (N,3) of the world, beside their sidebars, from
    where they look now; one through a camera stays as it is."""
    for _, area in _viewports(manager):
        space = area.spaces.active
        turn = np.array(space.region_3d.view_rotation.to_matrix())
        centre, distance = fitted(points @ turn, *_bounds(area))
        space.region_3d.view_location = Vector(turn @ centre)
        space.region_3d.view_distance = max(distance, 0.1)


def fitted(points: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, float]:
    """(3,) what to look at, and from how far along +z, to see all of some points (N,3), in axes of
    which x is across, y up and -z the way one looks. low, high: (2,) where what is seen ends across
    and up, at distance 1.

    What is seen ends at planes through the eye, of which each of a pair touches an outermost point;
    the eye is as near as lets it be between the two of both pairs.
    """
    depths = points[:, 2:]
    first = (points[:, :2] + low * depths).min(axis=0)
    last = (points[:, :2] + high * depths).max(axis=0)
    eye = float(((last - first) / (high - low)).max())
    aside = (first + last - (low + high) * eye) / 2
    middle = float(depths.min() + depths.max()) / 2
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
