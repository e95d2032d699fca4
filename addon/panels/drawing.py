"""What the panels are drawn with: sections of the LSMPL tab, facts in two columns, texts that wrap."""

from __future__ import annotations

import textwrap

import bpy

from .. import jobs
from ..selection import chosen_takes


class Section:
    """Where all the panels are."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "LSMPL"


def properties(layout: bpy.types.UILayout) -> bpy.types.UILayout:
    """A column for properties, their names beside them."""
    column = layout.column()
    column.use_property_split = True
    column.use_property_decorate = False
    return column


def facts(layout: bpy.types.UILayout, *rows: tuple[str, str]) -> None:
    """Names and values in two columns."""
    split = layout.box().split(factor=0.32)
    names, values = split.column(align=True), split.column(align=True)
    for name, value in rows:
        names.label(text=name)
        values.label(text=value)


def say(context: bpy.types.Context, layout: bpy.types.UILayout, text: str, icon: str = "NONE") -> None:
    """A text that wraps to the sidebar's width."""
    scale = context.preferences.system.ui_scale or 1.0  # 0 without a screen
    letters = max(16, int((context.region.width / scale - 60) / 6.6))
    column = layout.column(align=True)
    for number, line in enumerate(textwrap.wrap(text, letters)):
        column.label(text=line, icon=icon if number == 0 else "BLANK1")


def working(layout: bpy.types.UILayout, *kinds: str) -> bool:
    """While a job of one of these operators goes on: draw its progress and a button to stop it, and say so."""
    job = jobs.current
    if job is None or job.kind not in kinds:
        return False
    row = layout.row(align=True)
    row.progress(factor=job.fraction, text=job.describe())
    row.operator("lsmpl.cancel", text="", icon="X")
    return True


def of_takes(context: bpy.types.Context, label: str) -> str:
    """A button's label, which says so where it will work on several takes."""
    count = len(chosen_takes(context))
    return f"{label} {count} Takes" if count > 1 else label
