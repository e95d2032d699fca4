"""The takes of a scene as a list to choose from."""

from __future__ import annotations

import bpy
from bpy.props import IntProperty

from ...lsmpl_core import LsmplError
from ...lsmpl_core.shown import shortened
from ..registration import registration
from ..selection import active_take, select
from ..takes import layers
from ..takes import take as takes
from .drawing import letters_across


def _chosen(settings: TakeList) -> int:
    take = active_take(bpy.context)
    return settings.id_data.objects.find(take.name) if take else -1


def _choose(settings: TakeList, index: int) -> None:
    objects = settings.id_data.objects
    if 0 <= index < len(objects) and takes.is_take(objects[index]):
        select(bpy.context, [objects[index]])


class TakeList(bpy.types.PropertyGroup):
    """`Scene.lsmpl_takes`: which of the scene's objects is the take that is worked on."""

    index: IntProperty(
        name="Take",
        description="The take that is worked on; choosing one selects it",
        get=_chosen,
        set=_choose,
    )


class LSMPL_UL_takes(bpy.types.UIList):
    def draw_item(
        self, context, layout, data, item, icon, active_data, active_property, index=0, flag=0
    ) -> None:
        split = layout.split(factor=0.75)
        icon = "CHECKMARK" if layers.is_solved(item) else "POINTCLOUD_DATA"
        fitting = letters_across(context, margin=40, share=0.75)
        name = shortened(item.name, fitting, gap="\N{HORIZONTAL ELLIPSIS}")
        split.label(text=name, translate=False, icon=icon)
        split.label(text=_frames_of(item), translate=False)

    def filter_items(self, context, data, property):
        objects = getattr(data, property)
        wanted = self.filter_name.lower()
        shown = [takes.is_take(obj) and wanted in obj.name.lower() for obj in objects]
        return [self.bitflag_filter_item if show else 0 for show in shown], []


def _frames_of(take: bpy.types.Object) -> str:
    """How many frames a take has, where its data still say so."""
    try:
        return str(takes.describe(take)["frames"])
    except LsmplError:
        return "?"


_CLASSES = (TakeList, LSMPL_UL_takes)


register, unregister = registration(_CLASSES, (bpy.types.Scene, "lsmpl_takes", TakeList))
