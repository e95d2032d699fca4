"""Export: the take's characters as files, and where its motion is baked."""

from __future__ import annotations

from typing import ClassVar

import bpy

from ..characters import baking
from ..exporting.settings import draw_settings
from ..exporting.takes_to_files import why_nothing
from ..registration import registration
from ..retargeting import following
from ..selection import active_take, needed_take
from ..takes import layers
from .drawing import Section, TakeSection, facts, properties, say, working

_KINDS = ("lsmpl.bake", "lsmpl.bake_to_other", "lsmpl.export")
"""The jobs whose progress is shown here."""


class LSMPL_PT_export(Section, bpy.types.Panel):
    bl_label = "Export"

    def draw(self, context: bpy.types.Context) -> None:
        layout, take, settings = self.layout, active_take(context), context.scene.lsmpl_export
        if take is None or not layers.is_solved(take):
            if not working(layout, *_KINDS):
                say(context, layout, "Needs a solved take", icon="INFO")
            return
        column = properties(layout)
        column.prop(settings, "format")
        draw_settings(column, settings, settings.format)

        if not working(layout, *_KINDS):
            row = layout.row(align=True)
            row.operator("lsmpl.export", text="Export...", translate=False, icon="EXPORT")
            row.operator(
                "lsmpl.export_all", text="All Takes...", translate=False, icon="FILE_FOLDER"
            )

        # What keeps the file from being what is seen, and the button that mends it.
        reason = why_nothing(take, context.scene)
        if reason:
            say(context, layout, reason, icon="INFO")
        if baking.is_out_of_time(take):
            say(context, layout, "The take plays at other frames now; bake again", icon="ERROR")
        if not _has_character(take, context.scene) or baking.is_out_of_time(take):
            layout.operator("lsmpl.bake", icon="ACTION")
        elif (
            settings.format != "npz"
            and settings.character == "OTHER"
            and following.is_outdated(take)
        ):
            say(context, layout, following.describe(take), icon="ERROR")
            layout.operator("lsmpl.bake_to_other", icon="ACTION")


class LSMPL_PT_baking(TakeSection, bpy.types.Panel):
    bl_label = "Baking"
    bl_parent_id = "LSMPL_PT_export"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, take = self.layout, needed_take(context)
        if _has_character(take, context.scene):
            action = take.lsmpl_bake.action
            facts(
                layout,
                ("Character", take.lsmpl.armature.name),
                ("Action", action.name if action else "none"),
            )
        else:
            say(context, layout, "Makes a new character", icon="INFO")
        column = properties(layout)
        column.prop(take.lsmpl_bake, "onto")
        column.prop(take.lsmpl_bake, "as_strip")
        column.prop(take.lsmpl_bake, "keys")
        row = column.row()
        row.enabled = take.lsmpl_bake.keys == "SCENE"
        row.prop(take.lsmpl_bake, "every")
        layout.operator("lsmpl.bake", icon="ACTION")


def _has_character(take: bpy.types.Object, scene: bpy.types.Scene) -> bool:
    armature = take.lsmpl.armature
    return armature is not None and armature.name in scene.objects


_CLASSES = (LSMPL_PT_export, LSMPL_PT_baking)
register, unregister = registration(_CLASSES)
