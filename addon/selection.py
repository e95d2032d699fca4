"""Which take an operator and the panel mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import bpy

from ..lsmpl_core import LsmplError
from .characters.editing import leave_mode
from .characters.shape import is_character
from .takes import layers, other_characters
from .takes.take import is_take, shape_of, takes_in

HANDLE_KEY = "lsmpl_keypoint"
"""Custom property of the objects that Live puts at keypoints: the number of the keypoint."""
_NO_TAKE = "Import a keypoint track first, or select a take"


def is_handle(obj: bpy.types.Object | None) -> bool:
    """Whether an object is one of Live's handles, which stand for the take that is posed live."""
    return obj is not None and HANDLE_KEY in obj


def active_take(context: bpy.types.Context) -> bpy.types.Object | None:
    """The take that the active object is or belongs to; otherwise the scene's only take."""
    takes = takes_in(context.scene)
    active = context.view_layer.objects.active

    if is_handle(active):
        active = context.scene.lsmpl_live.take
    if is_take(active) and active in takes:
        return active

    # A character may be several takes'; it is that of the one whose action it plays.
    if active is not None:
        on_it = [
            take
            for take in takes
            if active
            in (take.lsmpl.armature, take.lsmpl.body_mesh, *other_characters.targets_of(take))
        ]
        if on_it:
            theirs = active in other_characters.targets_of(on_it[0])
            rig = active if theirs else on_it[0].lsmpl.armature
            animation = rig.animation_data if rig else None
            playing = animation.action if animation else None
            baked = (
                take
                for take in on_it
                if playing in (take.lsmpl_bake.action, *other_characters.actions_of(take))
            )
            return next(baked, on_it[0]) if playing else on_it[0]

    return takes[0] if len(takes) == 1 else None


def needed_take(context: bpy.types.Context) -> bpy.types.Object:
    """`active_take`, for whoever cannot do without. Raises `LsmplError` where there is none."""
    take = active_take(context)
    if take is None:
        raise LsmplError(_NO_TAKE)
    return take


def chosen_takes(context: bpy.types.Context) -> list[bpy.types.Object]:
    """The takes that the selected objects are or belong to, the active one among them; otherwise
    that one, if any."""
    selected = set(context.selected_objects)
    chosen = [
        take
        for take in takes_in(context.scene)
        if not selected.isdisjoint((take, take.lsmpl.armature, take.lsmpl.body_mesh))
    ]
    active = active_take(context)
    return chosen if active in chosen else [active] if active else []


def active_character(context: bpy.types.Context) -> bpy.types.Object | None:
    """The character of ours that is active or whose mesh is; otherwise the active take's."""
    active = context.view_layer.objects.active
    for obj in (active, active.parent if active else None):
        if is_character(obj):
            return obj
    take = active_take(context)
    armature = take.lsmpl.armature if take else None
    if armature is None or armature.name not in context.scene.objects:
        return None
    return armature if is_character(armature) else None


def has_character(
    operator: type[bpy.types.Operator],
    context: bpy.types.Context,
    why_not: Callable[[bpy.types.Object], str],
) -> bool:
    """For an operator's `poll`: whether there is a character of which `why_not` says nothing; if
    not, the operator says why."""
    armature = active_character(context)
    reason = why_not(armature) if armature else "Bake a take to a character first, or select one"
    if reason:
        operator.poll_message_set(reason)
    return not reason


def has_take(operator: type[bpy.types.Operator], context: bpy.types.Context) -> bool:
    """For an operator's `poll`: whether there is a take that can be worked on now; if not, the
    button says why."""
    take = active_take(context)
    if take is None:
        operator.poll_message_set(_NO_TAKE)
        return False
    try:
        shape_of(take)
    except LsmplError as error:
        operator.poll_message_set(str(error))
        return False
    return True


def is_solved(operator: type[bpy.types.Operator], context: bpy.types.Context) -> bool:
    """For an operator's `poll`: whether there is such a take, and a motion of it; if not, the
    button says why."""
    take = active_take(context)
    if take is None or not layers.is_solved(take):
        operator.poll_message_set("Solve a take first")
        return False
    try:
        layers.describe(take)
    except LsmplError as error:
        operator.poll_message_set(str(error))
        return False
    return has_take(operator, context)


def select(context: bpy.types.Context, chosen: Sequence[bpy.types.Object]) -> None:
    """Select just these, where the view layer shows them."""
    layer = context.view_layer
    leave_mode(layer)
    for obj in layer.objects:
        obj.select_set(obj in chosen)
    layer.objects.active = next(
        (obj for obj in chosen if obj.name in layer.objects), layer.objects.active
    )
