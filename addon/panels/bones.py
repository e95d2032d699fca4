"""Bones, below Other Character: which bone of a rig of the user's is which joint."""

from __future__ import annotations

from typing import ClassVar

import bpy

from ...lsmpl_core.shown import shown
from ..registration import registration
from ..selection import active_take, needed_take
from .drawing import Section, properties


class LSMPL_UL_bones(bpy.types.UIList):
    """A joint and its bone a row; they are chosen below the list, where there is room for their
    names."""

    def draw_item(self, context, layout, data, item, icon, active_data, active_property) -> None:
        row = layout.split(factor=0.45, align=True)
        row.label(text=item.bl_rna.properties["joint"].enum_items[item.joint].name, translate=False)
        bone = row.row(align=True)
        bone.alert = data.target is not None and item.bone not in data.target.data.bones
        bone.label(text=shown(item.bone.rpartition(":")[2]) or "no bone", translate=False)

    def filter_items(self, context, data, property):
        items = getattr(data, property)
        wanted = self.filter_name.lower()
        kept = [
            self.bitflag_filter_item * (wanted in f"{item.bone} {item.joint}".lower())
            for item in items
        ]
        return (kept if wanted else []), []


class LSMPL_PT_bones(Section, bpy.types.Panel):
    bl_label = "Bones"
    bl_parent_id = "LSMPL_PT_other"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        take = active_take(context)
        return take is not None and take.lsmpl.other.target is not None

    def draw(self, context: bpy.types.Context) -> None:
        layout, other = self.layout, needed_take(context).lsmpl.other
        row = layout.row(align=True)
        row.operator("lsmpl.detect_bones", icon="VIEWZOOM")
        row.operator_menu_enum("lsmpl.preset_bones", "preset", text="", icon="PRESET")
        row = layout.row()
        row.template_list("LSMPL_UL_bones", "", other, "bones", other, "active", rows=5, maxrows=8)
        column = row.column(align=True)
        column.operator("lsmpl.add_bone", text="", icon="ADD")
        column.operator("lsmpl.remove_bone", text="", icon="REMOVE")
        column.separator()
        column.operator("lsmpl.load_bones", text="", icon="IMPORT")
        column.operator("lsmpl.save_bones", text="", icon="EXPORT")

        if 0 <= other.active < len(other.bones):
            chosen = properties(layout)
            chosen.prop(other.bones[other.active], "joint")
            chosen.prop_search(other.bones[other.active], "bone", other.target.data, "bones")


_CLASSES = (LSMPL_UL_bones, LSMPL_PT_bones)
register, unregister = registration(_CLASSES)
