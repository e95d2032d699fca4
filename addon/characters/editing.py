"""Edit mode for code: on an armature, whatever the user is doing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import bpy


@contextmanager
def editing(armature: bpy.types.Armature) -> Iterator[None]:
    """Edit mode on an armature, whatever is selected, hidden or being edited; all of that is as
    before afterwards.

    A stand-in object is edited in place of the armature's own, which may be hidden or out of the
    view layer.
    """
    context = bpy.context
    layer = context.view_layer
    active = layer.objects.active
    mode = active.mode if active else "OBJECT"
    if mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")
    stand_in = bpy.data.objects.new("LSMPL stand-in", armature)
    context.scene.collection.objects.link(stand_in)
    try:
        layer.objects.active = stand_in
        bpy.ops.object.mode_set(mode="EDIT")
        yield
        bpy.ops.object.mode_set(mode="OBJECT")
    finally:
        bpy.data.objects.remove(stand_in)
        layer.objects.active = active
        if mode != "OBJECT":
            bpy.ops.object.mode_set(mode=mode)
