"""What the active character looks like: its take's shape, and pose correctives."""

from __future__ import annotations

from typing import ClassVar

import bpy
from bpy.props import EnumProperty

from .. import jobs
from ..characters import bodies, correctives, locking, shape, tailoring
from ..errors import reports_errors, tell
from ..registration import registration
from ..selection import active_character, has_character


class LSMPL_OT_shape_of_take(bpy.types.Operator):
    bl_idname = "lsmpl.shape_of_take"
    bl_label = "Back to the Take's Shape"
    bl_description = "Give the character the proportions that were found for its take"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        taken = "The character has its take's shape"
        return has_character(cls, context, lambda rig: "" if shape.is_own(rig) else taken)

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        armature = active_character(context)
        hands = shape.hand_size_of(armature, taken=True)
        shape.reshape(armature, shape.taken_of(armature), hands)
        take = locking.take_of(armature, context.scene)
        if take is not None:
            locking.lock_again(take)
        return {"FINISHED"}


class LSMPL_OT_average_body(bpy.types.Operator):
    bl_idname = "lsmpl.average_body"
    bl_label = "Average Body"
    bl_description = (
        "Give the character the proportions of an average man or woman, or of both, as tall as it "
        "is now"
    )
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    which: EnumProperty(
        name="Which",
        description="Whose proportions",
        items=[(name, name.capitalize(), "") for name in tailoring.AVERAGE],
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        def why_not(armature: bpy.types.Object) -> str:
            if not tailoring.has_averages(armature):
                return "Only of the open body is it known what men and women are"
            reason = shape.why_fixed(armature)
            return f"{armature.name} {reason}" if reason else ""

        return has_character(cls, context, why_not)

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        tailoring.set_average(active_character(context), self.which)
        return {"FINISHED"}


class LSMPL_OT_pose_correctives(bpy.types.Operator):
    bl_idname = "lsmpl.pose_correctives"
    bl_label = "Pose Correctives"
    bl_description = (
        "Let the active character's shoulders, elbows, wrists, hips and knees keep their volume "
        "when they bend and twist. The mesh gets shape keys that its bones drive; they need no "
        "LSMPL to play, and slow playback a little"
    )
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        def why_not(armature: bpy.types.Object) -> str:
            reason = correctives.why_fixed(armature)
            return f"{armature.name} {reason}" if reason else ""

        return has_character(cls, context, why_not)

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        armature = active_character(context)
        if correctives.are_on(armature):
            correctives.remove(armature)
        else:
            correctives.add(armature, bodies.of_character(armature))
        return {"FINISHED"}


class LSMPL_OT_lock_feet_again(bpy.types.Operator):
    bl_idname = "lsmpl.lock_feet_again"
    bl_label = "Lock Feet Again"
    bl_description = (
        "Bend the legs so that the feet stand where they stood, for the shape that the character "
        "has now. Nothing but legs and the pelvis' height gets other keys"
    )
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not jobs.is_free(cls):
            return False
        armature = active_character(context)
        if armature is None or locking.take_of(armature, context.scene) is None:
            cls.poll_message_set(
                "The feet are locked for this shape, or were not locked by Clean Up"
            )
            return False
        return True

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        take = locking.take_of(active_character(context), context.scene)
        tell(self, locking.lock_again(take))
        return {"FINISHED"}


_CLASSES = (
    LSMPL_OT_average_body,
    LSMPL_OT_shape_of_take,
    LSMPL_OT_lock_feet_again,
    LSMPL_OT_pose_correctives,
)
register, unregister = registration(_CLASSES)
