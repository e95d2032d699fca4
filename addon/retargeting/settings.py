"""`Object.lsmpl.other` of a take: the other character that it is put on, which bone is which, and
how."""

from __future__ import annotations

from collections.abc import Callable

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatVectorProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from ...lsmpl_core import LsmplError
from ...lsmpl_core.body.skeleton import JOINT_NAMES
from ...lsmpl_core.retargeting.bone_maps import BoneMap, match_bones
from ..characters.shape import CHARACTER_KEY
from ..takes import other_characters

on_follow: list[Callable[[bpy.types.Object], None]] = []
"""Called with a take whose other character is to be kept up to date from now on. `following` does
that, and needs these settings itself."""

_JOINTS = tuple(
    (name, name.replace("_", " ").title(), f"SMPL's joint {name}") for name in JOINT_NAMES
)


def _may_be_target(settings: OtherCharacter, armature: bpy.types.Object) -> bool:
    return armature.type == "ARMATURE" and CHARACTER_KEY not in armature


def _target_changed(settings: OtherCharacter, context: bpy.types.Context) -> None:
    """A mapping is for one armature: another one is looked at anew, unless it has all the bones, or
    the take was put on it before."""
    if other_characters.is_copying() or other_characters.show(settings) or settings.target is None:
        return
    bones = settings.target.data.bones
    if not settings.bones or any(item.bone not in bones for item in settings.bones):
        detect(settings)


def _follow_changed(settings: OtherCharacter, context: bpy.types.Context) -> None:
    """Whoever wants it up to date wants it now."""
    if settings.follow and not other_characters.is_copying():
        for bring_up_to_date in on_follow:
            bring_up_to_date(settings.id_data)


def _hide_body_changed(settings: OtherCharacter, context: bpy.types.Context) -> None:
    if other_characters.actions_of(settings.id_data):
        hide_body(settings.id_data, settings.hide_body)


def hide_body(take: bpy.types.Object, is_hidden: bool) -> None:
    """Hide or show a take's own character in viewports, where Blender evaluates it all the same;
    bones that somebody poses stay."""
    parts = [part for part in (take.lsmpl.body_mesh, take.lsmpl.armature) if part is not None]
    for part in parts:
        if is_hidden and part.mode != "OBJECT":
            continue
        for layer in (layer for scene in part.users_scene for layer in scene.view_layers):
            if part.name in layer.objects:
                part.hide_set(is_hidden, view_layer=layer)


class MappedBone(bpy.types.PropertyGroup):
    """One bone and its joint."""

    bone: StringProperty(name="Bone", description="A bone of the character, or one of its controls")
    joint: EnumProperty(
        name="Joint",
        description="The joint of the solved motion that this bone follows",
        items=_JOINTS,
    )


class OtherCharacter(bpy.types.PropertyGroup):
    target: PointerProperty(
        type=bpy.types.Object,
        name="Armature",
        description="The character of your own that the motion is put on",
        poll=_may_be_target,
        update=_target_changed,
    )
    bones: CollectionProperty(
        type=MappedBone, name="Bones", description="Which bone follows which joint"
    )
    active: IntProperty(name="Bone", description="The bone that is selected in the list", min=0)
    known_as: StringProperty(
        name="Rig", description="The kind of rig that the bones' names are known from"
    )
    motion: EnumProperty(
        name="Motion",
        description="Which motion is put on it",
        items=(
            (
                "ANIMATED",
                "As Animated",
                "With what you animated over it: layers on LSMPL's character, and keys that you "
                "changed",
            ),
            (
                "LATEST",
                "As Computed",
                "The take's latest motion: as cleaned, as refined, or as solved",
            ),
        ),
    )
    feet: BoolProperty(
        name="Feet on Floor",
        description="Put the feet where the solved ones are and hold them still while they "
        "stand, by bending the legs",
        default=True,
    )
    limbs: EnumProperty(
        name="Limbs",
        description="What the arms and legs of a Rigify character follow. Both sides get keys",
        items=(
            ("FK", "FK", "The FK controls, which have all of the motion"),
            (
                "IK",
                "IK",
                "The IK controls of hands and feet, with poles: joints are where FK has them, only "
                "how upper arms, forearms and shins are rolled about themselves is IK's",
            ),
        ),
    )
    travel: EnumProperty(
        name="Travel",
        description="What moves through the scene",
        items=(
            ("HIPS", "Hips", "The bone of the pelvis has all of the movement"),
            (
                "OBJECT",
                "Object",
                "The armature object moves over the floor, the hips move up and down (root motion)",
            ),
            (
                "ROOT",
                "Root Bone",
                "The topmost bone, above the hips, moves over the floor and turns with the hips, "
                "which keep the rest (root motion for game engines)",
            ),
            ("NONE", "None", "The character stays in place, and moves up and down only"),
        ),
    )
    place: EnumProperty(
        name="Place",
        description="Where the character performs",
        items=(
            ("TAKE", "At the Take", "Where the keypoints are"),
            (
                "CHARACTER",
                "At the Character",
                "Around where the character's object stands, in the direction it faces: move "
                "the object to move it all",
            ),
        ),
    )
    bake_to: EnumProperty(
        name="Bake To",
        description="Where the animation is put",
        items=(
            ("ACTION", "Action", "A new action, which the character plays"),
            (
                "STRIP",
                "NLA Strip",
                "A strip on an NLA track of its own, above what the character has",
            ),
        ),
    )
    use_range: BoolProperty(
        name="Frame Range", description="Bake only the scene frames from first to last"
    )
    first: IntProperty(name="First", description="First scene frame to be baked", default=1)
    last: IntProperty(name="Last", description="Last scene frame to be baked", default=250)
    every: IntProperty(
        name="Key Every",
        description="Frames of the take from one key to the next",
        default=1,
        min=1,
        soft_max=30,
    )
    fit: BoolProperty(
        name="Fit Curves",
        description="Make keys with handles whose curves follow the frames in between as "
        "closely as they can",
        default=True,
    )
    follow: BoolProperty(
        name="Keep Up to Date",
        description="Let the character follow when the take's motion changes: by Solve, Clean Up, "
        "Refine or Live. An action in which you changed keys is never touched",
        default=True,
        update=_follow_changed,
    )
    hide_body: BoolProperty(
        name="Hide LSMPL's Body",
        description="Show the take on this character alone: LSMPL's body and its bones are hidden "
        "in the viewport, but for bones in Pose Mode",
        default=True,
        update=_hide_body_changed,
    )
    held_back: StringProperty(
        name="Held Back", description="Why the character did not follow the last change"
    )
    action: PointerProperty(
        type=bpy.types.Action, name="Action", description="What was last baked on it"
    )
    baked_on: PointerProperty(
        type=bpy.types.Object, name="Baked On", description="The character that was last baked on"
    )
    home: FloatVectorProperty(
        name="Home",
        description="Where the armature object stood before it was given travel",
        size=3,
        subtype="XYZ",
    )


def bone_map_of(settings: OtherCharacter) -> dict[str, str]:
    """The joint of each mapped bone of the target. Raises `LsmplError` where a bone is not there,
    or is there twice."""
    target, mapped = settings.target, {}
    if target is None:
        raise LsmplError("Other Character: choose an armature first")
    for item in settings.bones:
        if not item.bone:
            continue
        if item.bone not in target.data.bones:
            raise LsmplError(
                f"{target.name}: has no bone {item.bone!r}; take it out of the list, or "
                "choose another"
            )
        if item.bone in mapped:
            raise LsmplError(
                f"{target.name}: bone {item.bone!r} is twice in the list; take one out"
            )
        mapped[item.bone] = item.joint
    if not mapped:
        raise LsmplError(
            f"{target.name}: no bones are assigned yet; detect them, or load a bone map"
        )
    return mapped


def set_bone_map(settings: OtherCharacter, bone_map: BoneMap) -> None:
    """Fill the list, in the order of SMPL's joints."""
    settings.bones.clear()
    for bone, joint in sorted(bone_map.bones.items(), key=lambda item: JOINT_NAMES.index(item[1])):
        item = settings.bones.add()
        item.bone, item.joint = bone, joint
    settings.active = 0
    settings.known_as = bone_map.label


def detect(settings: OtherCharacter) -> str:
    """Fill the list from the bones' names. Returns what went wrong, "" if nothing did; the list is
    empty then."""
    try:
        set_bone_map(settings, match_bones([bone.name for bone in settings.target.data.bones]))
    except LsmplError as error:
        settings.bones.clear()
        settings.known_as = ""
        return f"{settings.target.name}: {error}"
    return ""


CLASSES = (MappedBone, OtherCharacter)
