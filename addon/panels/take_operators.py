"""The list of takes: seen or not, alone, in a colour of their own, and duplicated."""

from __future__ import annotations

from typing import ClassVar

import bpy
from bpy.props import FloatVectorProperty, StringProperty

from ...lsmpl_core import LsmplError
from .. import jobs
from ..errors import reports_errors, tell
from ..registration import registration
from ..selection import has_take, needed_take, select
from ..takes import take as takes


def parts_of(take: bpy.types.Object, layer: bpy.types.ViewLayer) -> list[bpy.types.Object]:
    """A take and its character, as far as a view layer has them."""
    parts = (take, take.lsmpl.armature, take.lsmpl.body_mesh)
    return [part for part in parts if part is not None and part.name in layer.objects]


def is_seen(take: bpy.types.Object, layer: bpy.types.ViewLayer) -> bool:
    """Whether anything of a take is; one that shows its character alone is seen, too."""
    return any(not part.hide_get(view_layer=layer) for part in parts_of(take, layer))


def is_alone(take: bpy.types.Object, context: bpy.types.Context) -> bool:
    """Whether a take is seen, and no other of the scene."""
    layer = context.view_layer
    seen = [other for other in takes.takes_in(context.scene) if is_seen(other, layer)]
    return seen == [take]


def _show(take: bpy.types.Object, layer: bpy.types.ViewLayer, shown: bool) -> None:
    for part in parts_of(take, layer):
        part.hide_set(not shown, view_layer=layer)


class _OfOne:
    """Of a take that is named, as a row of a list has it."""

    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    take: StringProperty(name="Take", description="Which take", options={"HIDDEN"})

    def _needed(self, context: bpy.types.Context) -> bpy.types.Object:
        found = context.scene.objects.get(self.take)
        if not takes.is_take(found):
            raise LsmplError(f"{self.take}: is no take of this scene")
        return found


class LSMPL_OT_show_take(_OfOne, bpy.types.Operator):
    bl_idname = "lsmpl.show_take"
    bl_label = "Show or Hide Take"
    bl_description = "Show or hide a take and its character in the viewport"

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        take, layer = self._needed(context), context.view_layer
        _show(take, layer, not is_seen(take, layer))
        return {"FINISHED"}


class LSMPL_OT_solo_take(_OfOne, bpy.types.Operator):
    bl_idname = "lsmpl.solo_take"
    bl_label = "Show This Take Alone"
    bl_description = "Hide all other takes and their characters; once more shows them all again"

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        take, layer = self._needed(context), context.view_layer
        alone = is_alone(take, context)
        for other in takes.takes_in(context.scene):
            _show(other, layer, alone or other == take)
        if not alone:  # a character may be several takes'
            _show(take, layer, True)
        return {"FINISHED"}


class LSMPL_OT_duplicate_take(bpy.types.Operator):
    bl_idname = "lsmpl.duplicate_take"
    bl_label = "Duplicate Take"
    bl_description = (
        "Make another take of the active one, with its edits and its motion, which goes on a "
        "character of its own: Bake makes one, and Other Character takes yours"
    )
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return jobs.is_free(cls) and has_take(cls, context)

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        copy = _duplicate(needed_take(context), context.scene)
        select(context, [copy])
        tell(self, f"{copy.name} is a take of its own; bake it to a character")
        return {"FINISHED"}


class LSMPL_OT_colour_takes(bpy.types.Operator):
    bl_idname = "lsmpl.colour_takes"
    bl_label = "Takes in Their Colours"
    bl_description = (
        "Let this viewport show each take and its character in the colour that the list has for "
        "it, or everything as its materials are again"
    )
    bl_options: ClassVar[set[str]] = {"REGISTER"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if getattr(context.space_data, "shading", None) is None:
            cls.poll_message_set("Only 3D viewports show colours")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        shading = context.space_data.shading
        shading.color_type = "MATERIAL" if shading.color_type == "OBJECT" else "OBJECT"
        return {"FINISHED"}


def _duplicate(take: bpy.types.Object, scene: bpy.types.Scene) -> bpy.types.Object:
    """Another take like one, linked where that is: with the same edits and motions, but no
    character yet. Raises `LsmplError` in Edit Mode."""
    takes.need_object_mode(take)
    copy = take.copy()
    copy.data = take.data.copy()
    copy.lsmpl.armature = copy.lsmpl.body_mesh = None
    copy.lsmpl_bake.action = copy.lsmpl_bake.onto = None
    for name in ("target", "action", "baked_on"):
        setattr(copy.lsmpl.other, name, None)
    copy.lsmpl.also_on.clear()
    for collection in take.users_collection or (scene.collection,):
        collection.objects.link(copy)
    return copy


def _colour(settings: TakeColour) -> tuple[float, ...]:
    return tuple(settings.id_data.color)


def _set_colour(settings: TakeColour, colour: tuple[float, ...]) -> None:
    take = settings.id_data
    for part in (take, take.lsmpl.armature, take.lsmpl.body_mesh):
        if part is not None:
            part.color = colour


class TakeColour(bpy.types.PropertyGroup):
    """`Object.lsmpl_colour` of a take: the objects' colour, which take and character share."""

    colour: FloatVectorProperty(
        name="Colour",
        description="Of the take and its character, in viewports that show objects' colours",
        subtype="COLOR",
        size=4,
        min=0.0,
        max=1.0,
        get=_colour,
        set=_set_colour,
    )


_CLASSES = (
    LSMPL_OT_show_take,
    LSMPL_OT_solo_take,
    LSMPL_OT_duplicate_take,
    LSMPL_OT_colour_takes,
    TakeColour,
)
register, unregister = registration(_CLASSES, (bpy.types.Object, "lsmpl_colour", TakeColour))
