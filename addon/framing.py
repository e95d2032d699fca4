"""What is new is brought into view: the first take of a scene, a picture beside a take."""

from __future__ import annotations

from collections.abc import Iterator

import bpy
import numpy as np
from mathutils import Vector

_ROOM = 2.0
"""Of a viewport's distance from what it looks at, to half the way across that: all of it is seen
with the default lens, the sidebar open."""


def look_at(manager: bpy.types.WindowManager, points: np.ndarray) -> None:
    """Let the viewports show all of some points (N,3) of the world, from where they look now; one
    through a camera stays as it is."""
    low, high = points.min(axis=0), points.max(axis=0)
    for _, area in _viewports(manager):
        region = area.spaces.active.region_3d
        region.view_location = Vector((low + high) / 2)
        region.view_distance = max(_ROOM * float(np.linalg.norm(high - low)) / 2, 0.1)


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
