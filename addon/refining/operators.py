"""Refine's buttons: solve frames anew, look at before and after, accept or reject, pin joints,
ignore keypoints."""

from __future__ import annotations

from typing import ClassVar

import bpy
from bpy.props import BoolProperty, IntProperty, StringProperty

from .. import jobs
from ..errors import reports_errors, tell
from ..registration import registration
from ..retargeting import following
from ..selection import has_take, is_solved, needed_take
from ..solving import quality
from ..takes import layers, pinned_joints, playing
from . import pending_edit
from . import refine as refining


class LSMPL_OT_refine(jobs.JobOperator, bpy.types.Operator):
    bl_idname = "lsmpl.refine"
    bl_label = "Refine"
    bl_description = (
        "Solve the chosen frames anew and blend them into their neighbours; you "
        "can compare, then accept or reject"
    )
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return _can_refine(cls, context)

    def begin(self, context: bpy.types.Context) -> jobs.Job:
        take = needed_take(context)
        return jobs.Job(
            "lsmpl.refine", "Refine", take.name, refining.refine_frames_steps(take, context.scene)
        )


class _Decision:
    """What to do about a pending edit."""

    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    def decide(self, take: bpy.types.Object) -> None:
        raise NotImplementedError

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return _has_pending_edit(cls, context)

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        take = needed_take(context)
        self.decide(take)
        following.follow(take)
        quality.mark_anew(take, context.scene)
        playing.show_anew(context.scene)
        jobs.tell_all(self, following.warnings(take))
        return {"FINISHED"}


class LSMPL_OT_show_before(_Decision, bpy.types.Operator):
    bl_idname = "lsmpl.show_before"
    bl_label = "Before or After"
    bl_description = "Show the take as it was before the change, or as it is after it"

    before: BoolProperty(name="Before", description="Show what was there before the change")

    def decide(self, take: bpy.types.Object) -> None:
        pending_edit.show(take, self.before)


class LSMPL_OT_accept(_Decision, bpy.types.Operator):
    bl_idname = "lsmpl.accept"
    bl_label = "Accept"
    bl_description = "Keep the change"

    def decide(self, take: bpy.types.Object) -> None:
        pending_edit.accept(take)


class LSMPL_OT_reject(_Decision, bpy.types.Operator):
    bl_idname = "lsmpl.reject"
    bl_label = "Reject"
    bl_description = (
        "Go back to what was there before the change; joints that it pinned are free again"
    )

    def decide(self, take: bpy.types.Object) -> None:
        pending_edit.reject(take)


class LSMPL_OT_pin_bones(bpy.types.Operator):
    bl_idname = "lsmpl.pin_bones"
    bl_label = "Pin Bones in This Frame"
    bl_description = (
        "Fix the selected bones in this frame as they are now: whatever is "
        "solved or refined later keeps them"
    )
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not _can_refine(cls, context):
            return False
        armature = needed_take(context).lsmpl.armature
        if (
            armature is None
            or context.view_layer.objects.active != armature
            or armature.mode != "POSE"
        ):
            cls.poll_message_set("Select bones of the take's character in Pose Mode")
            return False
        return True

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        tell(self, refining.pin_selected(needed_take(context), context.scene))
        return {"FINISHED"}


class LSMPL_OT_remove_pins(bpy.types.Operator):
    bl_idname = "lsmpl.remove_pins"
    bl_label = "Unpin Bones"
    bl_description = (
        "Let the solver turn these bones again. The motion stays as it is until "
        "frames are refined or solved"
    )
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    frame: IntProperty(
        name="Frame", description="Frame of the take, from 0; below 0 for all", default=-1
    )
    joint: StringProperty(name="Bone", description="The bone; empty for all")

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return has_take(cls, context)

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        pinned_joints.remove(
            needed_take(context), None if self.frame < 0 else self.frame, self.joint or None
        )
        return {"FINISHED"}


class LSMPL_OT_ignore_keypoint(bpy.types.Operator):
    bl_idname = "lsmpl.ignore_keypoint"
    bl_label = "Ignore Keypoint"
    bl_description = (
        "Solve the chosen frames without this keypoint. What was read stays in the take"
    )
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    keypoint: StringProperty(
        name="Keypoint", description="The keypoint's name; empty for the one chosen in the panel"
    )
    use_again: BoolProperty(
        name="Use Again", description="Take the keypoint back as it was read instead"
    )

    @classmethod
    def description(cls, context: bpy.types.Context, properties) -> str:
        if properties.use_again:
            return "Use this keypoint in the chosen frames again, as it was read"
        return cls.bl_description

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return has_take(cls, context)

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        keypoint = self.keypoint or context.scene.lsmpl_refine.keypoint
        tell(self, refining.ignore(needed_take(context), context.scene, keypoint, self.use_again))
        return {"FINISHED"}


def _can_refine(operator: type[bpy.types.Operator], context: bpy.types.Context) -> bool:
    if not jobs.is_free(operator) or not is_solved(operator, context):
        return False
    if not layers.facts_of(needed_take(context)).get("calibration"):
        operator.poll_message_set("This motion is imported, or of an earlier LSMPL: press Solve")
        return False
    return True


def _has_pending_edit(operator: type[bpy.types.Operator], context: bpy.types.Context) -> bool:
    if not is_solved(operator, context):
        return False
    if not pending_edit.is_open(needed_take(context)):
        operator.poll_message_set("There is no change to accept or reject")
        return False
    return True


_CLASSES = (
    LSMPL_OT_refine,
    LSMPL_OT_show_before,
    LSMPL_OT_accept,
    LSMPL_OT_reject,
    LSMPL_OT_pin_bones,
    LSMPL_OT_remove_pins,
    LSMPL_OT_ignore_keypoint,
)
register, unregister = registration(_CLASSES)
