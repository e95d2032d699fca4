"""Character: the body that is posed, and its shape."""

from __future__ import annotations

from pathlib import Path

import bpy

from ..package import preferences
from .drawing import Section, say


class LSMPL_PT_character(Section, bpy.types.Panel):
    bl_label = "Character"

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.lsmpl
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(settings, "body_source")
        if settings.body_source == "FILE":
            layout.prop(settings, "body_path")
            offered = preferences().body_path if preferences() else ""
            if not settings.body_path:
                told = f"Using {Path(offered).name} from the preferences" if offered else "Choose your SMPL file"
                say(context, layout, told, icon="INFO")
        layout.prop(settings, "shape")
        if settings.shape == "FIXED":
            layout.column(align=True).prop(settings, "betas", text="Values")


_CLASSES = (LSMPL_PT_character,)


def register() -> None:
    for cls in _CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
