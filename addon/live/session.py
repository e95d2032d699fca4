"""Which take of a scene is posed live, and its handles."""

from __future__ import annotations

import bpy
from bpy.props import BoolProperty, CollectionProperty, IntProperty, PointerProperty

from ..refining import refine as refining
from ..registration import registration
from ..selection import is_handle
from ..takes import layers, playing
from ..takes import take as takes
from . import finger_tips
from .handles import Handles


def _show_fingers(live: LivePosing, context: bpy.types.Context) -> None:
    if is_live(context.scene):
        handles_of(context.scene).show_tips(live.fingers)


class HeldObject(bpy.types.PropertyGroup):
    """An object that would be clicked on instead of a handle, and was made unselectable."""

    object: PointerProperty(
        type=bpy.types.Object, name="Object", description="The object that cannot be selected"
    )


class LivePosing(bpy.types.PropertyGroup):
    """`Scene.lsmpl_live`: the take that is posed live, if any."""

    take: PointerProperty(
        type=bpy.types.Object, name="Take", description="The take that is posed live"
    )
    handles: PointerProperty(type=bpy.types.Collection, name="Handles", description="Its handles")
    frame: IntProperty(
        name="Frame", description="The frame of the take that the handles are of, from 0"
    )
    fingers: BoolProperty(
        name="Fingers",
        description="Handles of finger tips: drag one, and its finger follows",
        default=True,
        options=set(),
        update=_show_fingers,
    )
    held: CollectionProperty(
        type=HeldObject, name="Held", description="Objects that cannot be selected meanwhile"
    )


def has_handles(scene: bpy.types.Scene) -> bool:
    return scene.lsmpl_live.handles is not None


def is_live(scene: bpy.types.Scene, take: bpy.types.Object | None = None) -> bool:
    """Whether a take, or any, of the scene is posed live."""
    live = scene.lsmpl_live
    return live.handles is not None and live.take is not None and take in (None, live.take)


def is_sound(scene: bpy.types.Scene) -> bool:
    """Whether what the handles are of is still there."""
    take = scene.lsmpl_live.take
    return (
        takes.is_take(take)
        and take.name in scene.objects
        and layers.is_solved(take)
        and take.lsmpl.armature is not None
        and not take.data.is_editmode
        and any(map(is_handle, scene.lsmpl_live.handles.objects))
    )


def handles_of(scene: bpy.types.Scene) -> Handles:
    """Of the take that is posed live."""
    live = scene.lsmpl_live
    tips = len(finger_tips.names(live.take))
    return Handles(live.handles, live.take, len(names_of(live.take)), tips)


def names_of(take: bpy.types.Object) -> tuple[str, ...]:
    """Of what a take has handles for: its keypoints, then the tips of its fingers."""
    return (*refining.subject_of(take).poser.layout.keypoints, *finger_tips.names(take))


def shows(scene: bpy.types.Scene) -> bool:
    """Whether the scene is at the handles' frame; it may go on while a tool runs."""
    live = scene.lsmpl_live
    return playing.frame_shown(live.take, scene) == live.frame


def drop_if_gone(scene: bpy.types.Scene) -> None:
    """A file never holds handles: one that was saved while posing live is opened without."""
    if not has_handles(scene):
        release_others(scene)
        scene.lsmpl_live.take = None


def hold_others(scene: bpy.types.Scene) -> None:
    """Make all takes and their characters unselectable: they lie where the handles are, or people
    stand close to each other."""
    for take in takes.takes_in(scene):
        for obj in (take, take.lsmpl.armature, take.lsmpl.body_mesh):
            if obj is not None and not obj.hide_select:
                obj.hide_select = True
                scene.lsmpl_live.held.add().object = obj


def release_others(scene: bpy.types.Scene) -> None:
    for held in scene.lsmpl_live.held:
        if held.object is not None:
            held.object.hide_select = False
    scene.lsmpl_live.held.clear()


_CLASSES = (HeldObject, LivePosing)


register, unregister = registration(_CLASSES, (bpy.types.Scene, "lsmpl_live", LivePosing))
