"""Animation Rig: control bones for the active character."""

from __future__ import annotations

from typing import ClassVar

import bpy

from ..characters import assigning, controls, finger_bones, hand_poses
from ..registration import registration
from ..rigging.limbs import LIMBS, SWITCH, are_on, are_there
from ..selection import active_character
from .drawing import Section, facts, say


class LSMPL_PT_rig(Section, bpy.types.Panel):
    bl_label = "Animation Rig"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, armature = self.layout, active_character(context)
        if armature is None:
            say(context, layout, "Needs a character: bake a take, or select one", icon="INFO")
            return
        facts(layout, ("Character", armature.name), ("Keys go to", _keyed(armature)))
        if not are_on(armature):
            row = layout.row()
            row.scale_y = 1.4
            row.operator("lsmpl.add_controls", icon="ARMATURE_DATA")
        else:
            self._draw_limbs(layout, armature)
            layout.operator("lsmpl.bake_to_controls", icon="ACTION")
        if are_there(armature):
            layout.operator("lsmpl.add_layer", icon="NLA_PUSHDOWN")
            layout.operator("lsmpl.remove_controls", icon="X")
        if hand_poses.have_sliders(armature) and not finger_bones.has_fingers(armature):
            column = layout.column(align=True)
            for name in hand_poses.SLIDERS:
                text = f"{name}: flat to fist"
                column.prop(armature, f'["{name}"]', text=text, translate=False, slider=True)

        # What comes and goes stands at the end.
        if reason := controls.why_fixed(armature):
            say(context, layout, f"It {reason}", icon="ERROR")
        elif are_there(armature) and not are_on(armature):
            say(context, layout, "Some controls are missing: add them anew", icon="ERROR")

    def _draw_limbs(self, layout: bpy.types.UILayout, armature: bpy.types.Object) -> None:
        """How far each limb follows IK, 0 to 1, and the switches between FK and IK."""
        column = layout.column(align=True)
        for limb in LIMBS:
            row = column.row(align=True)
            row.prop(
                armature.pose.bones[limb.ik],
                f'["{SWITCH}"]',
                text=f"{limb.label}: FK to IK",
                translate=False,
                slider=True,
            )
            row.operator("lsmpl.switch_limb", text="", icon="FILE_REFRESH").limb = limb.name
            row.operator("lsmpl.snap_limb", text="", icon="SNAP_ON").limb = limb.name


def _keyed(armature: bpy.types.Object) -> str:
    """The action that new keys go to, and what it lies over, if anything."""
    animation = armature.animation_data
    if animation is None or animation.action is None:
        return "a new action"
    under = assigning.all_of(armature)[1:]
    return f"{animation.action.name}, over {under[-1].name}" if under else animation.action.name


_CLASSES = (LSMPL_PT_rig,)
register, unregister = registration(_CLASSES)
