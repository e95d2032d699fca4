"""Character: the body that is posed, and its shape."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import bpy

from ..characters import correctives, locking, shape, surface, tailoring
from ..package import preferences
from ..registration import registration
from ..rigging import limbs
from ..selection import active_character
from .drawing import Section, facts, properties, say

_OUT_OF_REACH = 0.005
"""Metres from which on a hand that does not reach its control is worth a word."""
_NO_CHARACTER = "Needs a character: solve a take, or select one"


class LSMPL_PT_character(Section, bpy.types.Panel):
    bl_label = "Character"

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.lsmpl
        column = properties(layout)
        column.prop(settings, "body_source")
        if settings.body_source == "FILE":
            column.prop(settings, "body_path")
            ours = preferences()
            offered = ours.body_path if ours else ""
            if not settings.body_path:
                hint = (
                    f"Using {Path(offered).name} from the preferences"
                    if offered
                    else "Choose your SMPL file"
                )
                say(context, layout, hint, icon="INFO")
        column.prop(settings, "shape")
        if settings.shape == "FIXED":
            column.column(align=True).prop(settings, "betas", text="Values", translate=False)


class LSMPL_PT_shape(Section, bpy.types.Panel):
    bl_label = "Body Shape"
    bl_parent_id = "LSMPL_PT_character"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, armature = self.layout, active_character(context)
        if armature is None:
            say(context, layout, _NO_CHARACTER, icon="INFO")
            return
        facts(layout, ("Character", armature.name))
        reason = shape.why_fixed(armature)
        if reason:
            say(context, layout, f"It {reason}", icon="ERROR")

        # What it measures, and whose average it is.
        unknown = "" if reason else tailoring.why_unknown(armature)
        if tailoring.has_averages(armature):
            row = layout.row(align=True)
            for which in tailoring.AVERAGE:
                row.operator(
                    "lsmpl.average_body", text=which.capitalize(), translate=False
                ).which = which
        column = layout.column(align=True)
        column.enabled = not (reason or unknown)
        for name in tailoring.NAMES:
            column.prop(armature.lsmpl_measures, name, slider=True)

        # The ten that these are made of.
        column = layout.column(align=True)
        column.enabled = not reason
        for number in range(shape.BETAS):
            column.prop(
                armature.lsmpl_shape,
                "betas",
                index=number,
                text=f"Shape {number + 1}",
                translate=False,
                slider=True,
            )
        if shape.has_hand_size(armature):
            column.prop(armature.lsmpl_shape, "hand_size", slider=True)

        layout.operator("lsmpl.shape_of_take", icon="LOOP_BACK")
        if unknown:
            say(context, layout, f"Its measures are not known: {unknown}", icon="ERROR")
        if shape.is_own(armature) and limbs.are_on(armature):
            short = limbs.out_of_reach(armature)
            if short > _OUT_OF_REACH:
                hint = (
                    f"A hand or foot is {1000 * short:.0f} mm short of its control: limbs of this "
                    "shape do not reach it. Bake puts controls where hands and feet of this "
                    "shape are"
                )
                say(context, layout, hint, icon="ERROR")
        if locking.take_of(armature, context.scene):
            say(context, layout, locking.FEET_OF_ANOTHER_SHAPE, icon="ERROR")
            layout.operator("lsmpl.lock_feet_again", icon="LOCKED")


class LSMPL_PT_surface(Section, bpy.types.Panel):
    bl_label = "Look"
    bl_parent_id = "LSMPL_PT_character"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, armature = self.layout, active_character(context)
        if armature is None:
            say(context, layout, _NO_CHARACTER, icon="INFO")
            return
        reason = surface.why_kept(shape.meshes_of(armature))
        row = layout.row(align=True)
        row.enabled = not reason
        row.prop(armature.lsmpl_surface, "look", expand=True)
        if reason:
            say(context, layout, f"It {reason}", icon="INFO")


class LSMPL_PT_correctives(Section, bpy.types.Panel):
    bl_label = "Pose Correctives"
    bl_parent_id = "LSMPL_PT_character"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    def draw_header(self, context: bpy.types.Context) -> None:
        armature = active_character(context)
        if armature is not None:
            icon = "CHECKBOX_HLT" if correctives.are_on(armature) else "CHECKBOX_DEHLT"
            self.layout.operator("lsmpl.pose_correctives", text="", icon=icon, emboss=False)

    def draw(self, context: bpy.types.Context) -> None:
        layout, armature = self.layout, active_character(context)
        if armature is not None:
            keys = sum(len(correctives.keys_of(mesh)) for mesh in shape.meshes_of(armature))
            facts(
                layout, ("Character", armature.name), ("Shape keys", str(keys) if keys else "none")
            )
            if reason := correctives.why_fixed(armature):
                say(context, layout, f"It {reason}", icon="ERROR")
            elif correctives.are_for_other_bones(armature):
                hint = (
                    "Its bones were turned or rolled since: switch its pose correctives "
                    "off and on again"
                )
                say(context, layout, hint, icon="ERROR")
        properties(layout).prop(context.scene.lsmpl, "pose_correctives")


_CLASSES = (LSMPL_PT_character, LSMPL_PT_shape, LSMPL_PT_surface, LSMPL_PT_correctives)
register, unregister = registration(_CLASSES)
