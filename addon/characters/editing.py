"""Modes for code: back to Object Mode, and Edit Mode on an armature, whatever the user is doing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import bpy

from ...lsmpl_core import LsmplError


def leave_mode(layer: bpy.types.ViewLayer) -> str:
    """Let the active object go back to Object Mode; returns the mode that it left.

    One that was hidden while it was in another mode stays in it, as Blender changes the mode of
    none that is hidden; that is no hindrance to what is done with others.
    """
    active = layer.objects.active
    if active is None or active.mode == "OBJECT" or not bpy.ops.object.mode_set.poll():
        return "OBJECT"
    mode = active.mode
    bpy.ops.object.mode_set(mode="OBJECT")
    return mode


@contextmanager
def editing(armature: bpy.types.Armature) -> Iterator[None]:
    """Edit mode on an armature, whatever is selected, hidden or being edited; all of that is as
    before afterwards.

    A stand-in object is edited in place of the armature's own, which may be hidden or out of the
    view layer. Raises `LsmplError` where somebody edits it out of reach.
    """
    context = bpy.context
    layer = context.view_layer
    active = layer.objects.active
    mode = leave_mode(layer)
    stand_in = bpy.data.objects.new("LSMPL stand-in", armature)
    context.scene.collection.objects.link(stand_in)
    try:
        if armature.is_editmode:  # of an object that was hidden or excluded meanwhile
            raise LsmplError(
                f"{armature.name}: is in Edit Mode where it cannot be seen; show it, and go back "
                "to Object Mode first"
            )
        layer.objects.active = stand_in
        bpy.ops.object.mode_set(mode="EDIT")
        yield
        bpy.ops.object.mode_set(mode="OBJECT")
    finally:
        bpy.data.objects.remove(stand_in)
        layer.objects.active = active
        if mode != "OBJECT" and bpy.ops.object.mode_set.poll():  # Blender may hear late of hiding
            bpy.ops.object.mode_set(mode=mode)
