"""Export: the motion on its character, and the character as a file."""

from __future__ import annotations

import bpy

from .. import baking, stages
from ..export_operators import draw_settings, why_nothing
from ..selection import active_take
from .drawing import Section, facts, properties, say, working


class LSMPL_PT_export(Section, bpy.types.Panel):
    bl_label = "Export"

    def draw(self, context: bpy.types.Context) -> None:
        layout, take, settings = self.layout, active_take(context), context.scene.lsmpl_export
        if working(layout, "lsmpl.bake", "lsmpl.export"):
            return
        layout.operator("lsmpl.bake", icon="ACTION")
        if take is None or not stages.is_solved(take):
            say(context, layout, "Needs a solved take", icon="INFO")
            return
        armature, action = take.lsmpl.armature, take.lsmpl_bake.action
        if armature is None or armature.name not in context.scene.objects:
            say(context, layout, "Makes a new character", icon="INFO")
        else:
            facts(layout, ("Character", armature.name), ("Action", action.name if action else "none"))
            if baking.is_out_of_time(take):
                say(context, layout, "The take plays at other frames now; bake again", icon="ERROR")
        column = properties(layout)
        column.prop(settings, "format")
        draw_settings(column, settings, settings.format)
        reason = why_nothing(take, context.scene)
        if reason:
            say(context, layout, reason, icon="INFO")
        row = layout.row(align=True)
        row.operator("lsmpl.export", text="Export...", icon="EXPORT")
        row.operator("lsmpl.export_all", text="All Takes...", icon="FILE_FOLDER")


_CLASSES = (LSMPL_PT_export,)


def register() -> None:
    for cls in _CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
