"""Export: the motion on its character."""

from __future__ import annotations

import bpy

from .. import baking, stages
from ..selection import active_take
from .drawing import Section, facts, say


class LSMPL_PT_export(Section, bpy.types.Panel):
    bl_label = "Export"

    def draw(self, context: bpy.types.Context) -> None:
        layout, take = self.layout, active_take(context)
        layout.operator("lsmpl.bake", icon="ACTION")
        if take is None or not stages.is_solved(take):
            say(context, layout, "Needs a solved take", icon="INFO")
            return
        armature = take.lsmpl.armature
        if armature is None or armature.name not in context.scene.objects:
            say(context, layout, "Makes a new character", icon="INFO")
            return
        animation = armature.animation_data
        action = animation.action if animation else None
        facts(layout, ("Character", armature.name), ("Action", action.name if action else "none"))
        if baking.is_out_of_time(take):
            say(context, layout, "The take plays at other frames now; bake again", icon="ERROR")


_CLASSES = (LSMPL_PT_export,)


def register() -> None:
    for cls in _CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
