"""Animation Rig's buttons: controls for the active character."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import bpy
from bpy.props import EnumProperty

from .. import jobs
from ..characters import assigning, controls
from ..errors import reports_errors, tell
from ..live import session
from ..registration import registration
from ..rigging.limbs import BY_NAME, LIMBS, are_there, follow_ik
from ..selection import active_character, has_character, select

_LIMB_ITEMS = [(limb.name, limb.label, "") for limb in LIMBS]


class _OfCharacter:
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    needs_controls = True

    if TYPE_CHECKING:

        @classmethod
        def poll_message_set(cls, message: str) -> None: ...

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return jobs.is_free(cls) and has_character(cls, context, cls._why_not)

    @classmethod
    def _why_not(cls, armature: bpy.types.Object) -> str:
        if reason := controls.why_fixed(armature):
            return f"{armature.name} {reason}"
        return "Add Controls first" if cls.needs_controls and not are_there(armature) else ""


class LSMPL_OT_add_controls(_OfCharacter, bpy.types.Operator):
    bl_idname = "lsmpl.add_controls"
    bl_label = "Add Controls"
    bl_description = (
        "Give the active character control bones to animate with: a root, IK hands and feet with "
        "poles, and shapes to click. Its motion is baked to them and stays as it is. Where "
        "controls are missing, all are made anew"
    )

    needs_controls = False

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        armature = active_character(context)
        controls.add(armature)
        _pose(context, armature)
        return {"FINISHED"}


class LSMPL_OT_remove_controls(_OfCharacter, bpy.types.Operator):
    bl_idname = "lsmpl.remove_controls"
    bl_label = "Remove Controls"
    bl_description = (
        "Bake what the controls do to the character's own bones, and take the controls away"
    )

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        controls.remove(active_character(context))
        return {"FINISHED"}


class LSMPL_OT_bake_to_controls(_OfCharacter, bpy.types.Operator):
    bl_idname = "lsmpl.bake_to_controls"
    bl_label = "Bake to Controls"
    bl_description = (
        "Put the IK controls of all limbs where the limbs are, in every keyed frame. Limbs that "
        "follow FK are not changed by it"
    )

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        controls.bake(active_character(context))
        return {"FINISHED"}


class LSMPL_OT_add_layer(_OfCharacter, bpy.types.Operator):
    bl_idname = "lsmpl.add_layer"
    bl_label = "Add Layer"
    bl_description = (
        "New keys go over the motion instead of into it: what the character plays becomes a strip "
        "in the Nonlinear Animation editor, and an empty action is combined with it. The motion "
        "under it can be solved, cleaned up and baked anew"
    )

    needs_controls = False

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        armature = active_character(context)
        layer = assigning.add_layer(armature)
        _pose(context, armature)
        tell(self, f"Keys go to {layer.name} now")
        return {"FINISHED"}


class LSMPL_OT_switch_limb(_OfCharacter, bpy.types.Operator):
    bl_idname = "lsmpl.switch_limb"
    bl_label = "Switch FK and IK"
    bl_description = (
        "Let the limb follow IK instead of FK, or FK instead of IK, and do the same as before in "
        "every keyed frame"
    )

    limb: EnumProperty(name="Limb", items=_LIMB_ITEMS)

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        armature, limb = active_character(context), BY_NAME[self.limb]
        to_ik = limb not in _in_ik(armature)
        controls.switch(armature, limb, to_ik)
        tell(self, f"{limb.label} follows {'IK' if to_ik else 'FK'}")
        return {"FINISHED"}


class LSMPL_OT_snap_limb(_OfCharacter, bpy.types.Operator):
    bl_idname = "lsmpl.snap_limb"
    bl_label = "Snap and Switch Here"
    bl_description = (
        "From this frame on let the limb follow IK instead of FK, or FK instead of IK: the other "
        "side is put where the limb is now, and keyed along with the switch"
    )

    limb: EnumProperty(name="Limb", items=_LIMB_ITEMS)

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        armature, limb = active_character(context), BY_NAME[self.limb]
        to_ik = controls.snap(armature, limb, context.scene.frame_current_final)
        frame = context.scene.frame_current
        tell(self, f"{limb.label} follows {'IK' if to_ik else 'FK'} from frame {frame}")
        return {"FINISHED"}


def _pose(context: bpy.types.Context, armature: bpy.types.Object) -> None:
    """Let the character be posed from here on, and be all that is selected; where it is seen, and
    no keypoints are to be moved instead."""
    seen = armature.visible_get() and armature.name in context.view_layer.objects
    if not seen or session.has_handles(context.scene) or armature.mode == "POSE":
        return
    select(context, [armature])
    bpy.ops.object.mode_set(mode="POSE")


def _in_ik(armature: bpy.types.Object) -> list:
    try:
        return follow_ik(armature)
    except KeyError:  # a control is missing, which the operator says
        return []


_CLASSES = (
    LSMPL_OT_add_controls,
    LSMPL_OT_remove_controls,
    LSMPL_OT_bake_to_controls,
    LSMPL_OT_add_layer,
    LSMPL_OT_switch_limb,
    LSMPL_OT_snap_limb,
)
register, unregister = registration(_CLASSES)
