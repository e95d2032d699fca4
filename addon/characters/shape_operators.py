"""The shape of the active character, as its take has it."""

from __future__ import annotations

from typing import ClassVar

import bpy

from ..errors import reports_errors
from ..selection import active_character
from . import shape


class LSMPL_OT_shape_of_take(bpy.types.Operator):
    bl_idname = "lsmpl.shape_of_take"
    bl_label = "Back to the Take's Shape"
    bl_description = "Give the character the proportions that were found for its take"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        armature = active_character(context)
        if armature is None:
            cls.poll_message_set("Bake a take to a character first, or select one")
        elif not shape.is_own(armature):
            cls.poll_message_set("The character has its take's shape")
        else:
            return True
        return False

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        armature = active_character(context)
        shape.reshape(armature, shape.taken_of(armature))
        return {"FINISHED"}


register, unregister = bpy.utils.register_classes_factory((LSMPL_OT_shape_of_take,))
