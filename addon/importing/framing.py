"""The first take of a scene is brought into view: nobody has chosen yet what to look at."""

from __future__ import annotations

import bpy


def look_at_selected(manager: bpy.types.WindowManager) -> None:
    """Let the viewports look at what is selected, from where they look now; one through a camera
    stays as it is."""
    if bpy.app.background:
        return
    for window in manager.windows:
        for area in window.screen.areas:
            if area.type != "VIEW_3D" or area.spaces.active.region_3d.view_perspective == "CAMERA":
                continue
            region = next(region for region in area.regions if region.type == "WINDOW")
            with bpy.context.temp_override(window=window, area=area, region=region):
                bpy.ops.view3d.view_selected()
