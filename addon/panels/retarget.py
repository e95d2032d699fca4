"""Other Character: a rig of the user's, and the motion baked on it."""

from __future__ import annotations

from typing import ClassVar

import bpy

from ...lsmpl_core.retargeting.bone_maps import BoneMap
from ..registration import registration
from ..retargeting import following, ik_controls
from ..retargeting.settings import OtherCharacter
from ..selection import active_take
from ..takes import layers, other_characters
from .drawing import Section, properties, say, working


class LSMPL_PT_other(Section, bpy.types.Panel):
    bl_label = "Other Character"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    def draw_header_preset(self, context: bpy.types.Context) -> None:
        """At hand where the section is closed, too."""
        take = active_take(context)
        if take is not None and layers.is_solved(take) and following.outdated(take):
            self.layout.operator("lsmpl.bake_again", icon="ERROR")

    def draw(self, context: bpy.types.Context) -> None:
        layout, take = self.layout, active_take(context)
        if take is None:
            say(
                context,
                layout,
                "Needs a take: import keypoints, or select one of the takes",
                icon="INFO",
            )
            return
        other = take.lsmpl.other
        properties(layout).prop(other, "target")
        if other.target is None:
            say(
                context,
                layout,
                "Choose a rig of your own: SMPL, Mixamo, Unreal, VRM, Rigify or another",
                icon="INFO",
            )
            _draw_also_on(layout, take)
            return
        _say_bones(context, layout, other)

        # How it is baked.
        column = properties(layout)
        column.prop(other, "motion")
        column.prop(other, "feet")
        if ik_controls.have_ik(other.target):
            column.prop(other, "limbs")
        column.prop(other, "travel")
        column.prop(other, "place")
        column.prop(other, "bake_to")
        column.prop(other, "every")
        if other.every > 1:
            column.prop(other, "fit")
        column.prop(other, "use_range")
        if other.use_range:
            column.prop(other, "first")
            column.prop(other, "last")

        if not working(layout, "lsmpl.bake_to_other", height=1.4):
            row = layout.row()
            row.scale_y = 1.4
            row.operator("lsmpl.bake_to_other", icon="ACTION")
        layout.prop(other, "follow")
        layout.prop(other, "hide_body")
        if not layers.is_solved(take):
            say(context, layout, "Needs a solved take", icon="INFO")
        elif state := following.describe(take):
            say(
                context, layout, state, icon="ERROR" if following.is_outdated(take) else "CHECKMARK"
            )
        _draw_also_on(layout, take)


def _say_bones(
    context: bpy.types.Context, layout: bpy.types.UILayout, other: OtherCharacter
) -> None:
    """What is wrong with the list of bones, or that nothing is."""
    absent = [
        item.bone for item in other.bones if item.bone and item.bone not in other.target.data.bones
    ]
    missing = BoneMap({item.bone: item.joint for item in other.bones if item.bone}).missing
    if not other.bones:
        say(
            context,
            layout,
            "No bones are known by these names; add them below, or load a bone map",
            icon="ERROR",
        )
    elif absent:
        say(
            context,
            layout,
            f"{other.target.name} has no bone {', '.join(absent)}",
            icon="ERROR",
        )
    else:
        say(
            context,
            layout,
            f"{len(other.bones)} bones, {other.known_as or 'by hand'}",
            icon="CHECKMARK",
        )

    if other.bones and missing:
        names = ", ".join(joint.replace("_", " ") for joint in missing)
        say(
            context,
            layout,
            f"Without a bone: {names}",
            icon="INFO" if "pelvis" not in missing else "ERROR",
        )


def _draw_also_on(layout: bpy.types.UILayout, take: bpy.types.Object) -> None:
    """The characters that the take was put on before, each one click away."""
    others = other_characters.all_of(take)[1:]
    if not others:
        return
    layout.label(text="Also on:", translate=False)
    column = layout.column(align=True)
    for other in others:
        row, name = column.row(align=True), other.target.name
        icon = "ERROR" if following.is_outdated(take, other) else "CHECKMARK"
        row.operator("lsmpl.show_character", text=name, translate=False, icon=icon).character = name
        row.operator("lsmpl.leave_character", text="", icon="X").character = name


_CLASSES = (LSMPL_PT_other,)
register, unregister = registration(_CLASSES)
