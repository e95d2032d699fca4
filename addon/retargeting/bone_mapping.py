"""Operators on the list of bones: detect, take a preset, load, save, add, remove."""

from __future__ import annotations

from typing import ClassVar

import bpy
from bpy.props import EnumProperty, StringProperty
from bpy_extras.io_utils import ExportHelper, ImportHelper

from ...lsmpl_core import LsmplError
from ...lsmpl_core.body.skeleton import JOINT_NAMES
from ...lsmpl_core.retargeting.bone_maps import (
    BoneMap,
    apply_preset,
    load_bone_map,
    presets,
    save_bone_map,
)
from ..errors import reports_errors, tell
from ..registration import registration
from ..selection import active_take
from .settings import OtherCharacter, bone_map_of, detect, set_bone_map

_NO_OTHER = "Choose an armature first"


def other_of(context: bpy.types.Context) -> OtherCharacter | None:
    """The active take's other character, where it has one."""
    take = active_take(context)
    return take.lsmpl.other if take and take.lsmpl.other.target else None


def _needed_other(context: bpy.types.Context) -> OtherCharacter:
    """`other_of`, for whoever cannot do without. Raises `LsmplError` where there is none."""
    other = other_of(context)
    if other is None:
        raise LsmplError(_NO_OTHER)
    return other


class _OnBones:
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls: type[bpy.types.Operator], context: bpy.types.Context) -> bool:
        if other_of(context) is None:
            cls.poll_message_set(_NO_OTHER)
            return False
        return True


class LSMPL_OT_detect_bones(_OnBones, bpy.types.Operator):
    bl_idname = "lsmpl.detect_bones"
    bl_label = "Detect Bones"
    bl_description = (
        "Find out from the bones' names which kind of rig this is and which bone is which"
    )

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        other = _needed_other(context)
        failed = detect(other)
        if failed:
            tell(self, failed, "WARNING")
        else:
            tell(self, f"{len(other.bones)} bones: {other.known_as}")
        return {"FINISHED"}


class LSMPL_OT_preset_bones(_OnBones, bpy.types.Operator):
    bl_idname = "lsmpl.preset_bones"
    bl_label = "Rig Preset"
    bl_description = "Fill the list as a known kind of rig names its bones"

    preset: EnumProperty(
        name="Preset",
        description="The kind of rig",
        items=[
            (preset.key, preset.label, f"Bones as in {preset.label} rigs") for preset in presets()
        ],
    )

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        other = _needed_other(context)
        set_bone_map(
            other, apply_preset(self.preset, [bone.name for bone in other.target.data.bones])
        )
        return {"FINISHED"}


class LSMPL_OT_load_bones(_OnBones, bpy.types.Operator, ImportHelper):
    bl_idname = "lsmpl.load_bones"
    bl_label = "Load Bone Map"
    bl_description = "Fill the list from a JSON file"
    filename_ext = ".json"

    filter_glob: StringProperty(default="*.json", options={"HIDDEN"})

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        other, read = _needed_other(context), load_bone_map(bpy.path.abspath(self.filepath))
        found = {
            bone: joint for bone, joint in read.bones.items() if bone in other.target.data.bones
        }
        set_bone_map(other, BoneMap(found, label=read.label))
        absent = len(read.bones) - len(found)
        also = f"; {absent} more are not in {other.target.name!r}" if absent else ""
        tell(self, f"{len(found)} bones from {read.label}{also}", "WARNING" if absent else "INFO")
        return {"FINISHED"}


class LSMPL_OT_save_bones(_OnBones, bpy.types.Operator, ExportHelper):
    bl_idname = "lsmpl.save_bones"
    bl_label = "Save Bone Map"
    bl_description = "Write the list to a JSON file, to be loaded for the next rig of this kind"
    bl_options: ClassVar[set[str]] = {"REGISTER"}
    filename_ext = ".json"

    filter_glob: StringProperty(default="*.json", options={"HIDDEN"})

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        other = _needed_other(context)
        save_bone_map(
            BoneMap(bone_map_of(other), label=other.known_as), bpy.path.abspath(self.filepath)
        )
        tell(self, f"Saved {self.filepath}")
        return {"FINISHED"}


class LSMPL_OT_add_bone(_OnBones, bpy.types.Operator):
    bl_idname = "lsmpl.add_bone"
    bl_label = "Add Bone"
    bl_description = "Add a row to the list, for the first joint that has no bone"

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        other = _needed_other(context)
        taken = {item.joint for item in other.bones}
        item = other.bones.add()
        item.joint = next((joint for joint in JOINT_NAMES if joint not in taken), "spine1")
        active = context.active_pose_bone
        if (
            active
            and active.id_data == other.target
            and all(row.bone != active.name for row in other.bones)
        ):
            item.bone = active.name
        other.active = len(other.bones) - 1
        return {"FINISHED"}


class LSMPL_OT_remove_bone(_OnBones, bpy.types.Operator):
    bl_idname = "lsmpl.remove_bone"
    bl_label = "Remove Bone"
    bl_description = "Take the selected row out of the list, so that its bone is left alone"

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        other = _needed_other(context)
        if not other.bones:
            return {"CANCELLED"}
        other.bones.remove(min(other.active, len(other.bones) - 1))
        other.active = max(0, min(other.active, len(other.bones) - 1))
        return {"FINISHED"}


_CLASSES = (
    LSMPL_OT_detect_bones,
    LSMPL_OT_preset_bones,
    LSMPL_OT_load_bones,
    LSMPL_OT_save_bones,
    LSMPL_OT_add_bone,
    LSMPL_OT_remove_bone,
)
register, unregister = registration(_CLASSES)
