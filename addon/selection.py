"""Which take an operator and the panel mean."""

from __future__ import annotations

import bpy

from . import stages
from .take import is_take, takes_in


def active_take(context: bpy.types.Context) -> bpy.types.Object | None:
    """The take that the active object is or belongs to; otherwise the scene's only take."""
    takes = takes_in(context.scene)
    active = context.view_layer.objects.active
    if is_take(active) and active in takes:
        return active
    if active is not None:
        for take in takes:
            if active in (take.lsmpl.armature, take.lsmpl.body_mesh):
                return take
    return takes[0] if len(takes) == 1 else None


def is_solved(operator: type[bpy.types.Operator], context: bpy.types.Context) -> bool:
    """For an operator's `poll`: whether there is a take, and a motion of it; if not, the button says so."""
    take = active_take(context)
    if take is None or not stages.is_solved(take):
        operator.poll_message_set("Solve a take first")
        return False
    return True
