"""The takes of a scene as a list to choose from."""

from __future__ import annotations

import bpy
from bpy.props import IntProperty

from ...lsmpl_core.shown import shortened, shown
from ..registration import registration
from ..selection import active_take, select
from ..takes import layers
from ..takes import take as takes
from . import take_operators
from .drawing import letters_across

_BUTTONS_PIXELS = 190
"""Of a row, beside the name: its icon, colour, star and eye, and what is beside the list."""


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
        icon = "CHECKMARK" if layers.is_solved(item) else "POINTCLOUD_DATA"
        fitting = letters_across(context, margin=_BUTTONS_PIXELS)
        name = shortened(shown(item.name), fitting, gap="\N{HORIZONTAL ELLIPSIS}")
        row = layout.row(align=True)
        row.label(text=name, translate=False, icon=icon)

        # What is done with it, beside its name.
        colour = row.row(align=True)
        colour.ui_units_x = 0.8
        colour.prop(item.lsmpl_colour, "colour", text="")
        alone = take_operators.is_alone(item, context)
        solo = row.operator(
            "lsmpl.solo_take", text="", emboss=False, icon="SOLO_ON" if alone else "SOLO_OFF"
        )
        seen = take_operators.is_seen(item, context.view_layer)
        show = row.operator(
            "lsmpl.show_take", text="", emboss=False, icon="HIDE_OFF" if seen else "HIDE_ON"
        )
        solo.take = show.take = item.name

    def filter_items(self, context, data, property):
        objects = getattr(data, property)
        wanted = self.filter_name.lower()
        kept = [takes.is_take(obj) and wanted in obj.name.lower() for obj in objects]
        return [self.bitflag_filter_item if show else 0 for show in kept], []


_CLASSES = (TakeList, LSMPL_UL_takes)


register, unregister = registration(_CLASSES, (bpy.types.Scene, "lsmpl_takes", TakeList))
