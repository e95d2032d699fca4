"""Live's tool in the viewport's toolbar: handles are dragged at once, and what becomes of keypoints
is in the tool's header."""

from __future__ import annotations

import bpy

from . import session
from .operators import draw_fingers, draw_states


class LiveTool(bpy.types.WorkSpaceTool):
    bl_space_type = "VIEW_3D"
    bl_context_mode = "OBJECT"
    bl_idname = "lsmpl.live_tool"
    bl_label = "Live Posing"
    bl_description = (
        "Drag a keypoint by its handle, and the body follows. Turn Live on in the tool's header or "
        "in the LSMPL tab"
    )
    bl_icon = "ops.transform.translate"
    bl_keymap = (
        (
            "view3d.select",
            {"type": "LEFTMOUSE", "value": "PRESS"},
            {"properties": [("deselect_all", True), ("select_passthrough", True)]},
        ),
        (
            "view3d.select",
            {"type": "LEFTMOUSE", "value": "PRESS", "shift": True},
            {"properties": [("toggle", True)]},
        ),
        (
            "transform.translate",
            {"type": "LEFTMOUSE", "value": "CLICK_DRAG"},
            {"properties": [("release_confirm", True)]},
        ),
    )

    def draw_settings(context, layout, tool) -> None:  # Blender calls it without an instance
        is_on = session.is_live(context.scene)
        layout.operator("lsmpl.live", icon="PAUSE" if is_on else "VIEW_PAN", depress=is_on)
        if is_on:
            draw_states(layout.row(align=True))
            draw_fingers(layout, context.scene)


def register() -> None:
    bpy.utils.register_tool(LiveTool, after={"builtin.transform"}, separator=True)


def unregister() -> None:
    bpy.utils.unregister_tool(LiveTool)
