"""What the panels are drawn with: sections of the LSMPL tab, facts in two columns, texts that
wrap."""

from __future__ import annotations

import functools
import textwrap
from collections.abc import Callable
from typing import TYPE_CHECKING

import bpy

from ...lsmpl_core import LsmplError
from ...lsmpl_core.shown import shown
from .. import jobs
from ..errors import in_panel_words
from ..selection import active_take, chosen_takes


class Section:
    """Where all the panels are. What cannot be drawn, as data is out of reach or damaged, is said
    instead."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "LSMPL"

    if TYPE_CHECKING:
        draw: Callable[..., None]

    def __init_subclass__(cls, **options) -> None:
        super().__init_subclass__(**options)
        for name, guarded in _GUARDED.items():
            if name in vars(cls):
                setattr(cls, name, guarded(vars(cls)[name]))


def _saying_errors(draw: Callable) -> Callable:
    @functools.wraps(draw)
    def draw_or_say(self, context):
        try:
            draw(self, context)
        except LsmplError as error:
            say(context, self.layout, str(error), icon="ERROR")

    return draw_or_say


def _nothing_on_errors(method: Callable) -> Callable:
    """Of `poll` and headers, which have no room for words: the section that is drawn above them
    says what is wrong."""
    function = getattr(method, "__func__", method)

    @functools.wraps(function)
    def called(owner, context):
        try:
            return function(owner, context)
        except LsmplError:
            return False

    return classmethod(called) if isinstance(method, classmethod) else called


_GUARDED = {
    "draw": _saying_errors,
    "poll": _nothing_on_errors,
    "draw_header_preset": _nothing_on_errors,
}
"""What a section's methods become."""


class TakeSection(Section):
    """A section that is there where a take is."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return active_take(context) is not None


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
        names.label(text=shown(name), translate=False)
        values.label(text=shown(value), translate=False)


def letters_across(context: bpy.types.Context, margin: float, share: float = 1.0) -> int:
    """About how many letters fit across a share of the sidebar, less some pixels of margin."""
    scale = context.preferences.system.ui_scale or 1.0  # 0 without a screen
    return int((share * context.region.width / scale - margin) / 6.6)


def say(
    context: bpy.types.Context,
    layout: bpy.types.UILayout,
    text: str,
    icon: str = "NONE",
    lines: int | None = None,
) -> None:
    """A text that wraps to the sidebar's width.

    lines: exactly so many, whatever there is to say. For what changes from frame to frame: buttons
    below it would else move away from under the cursor.
    """
    letters = max(16, letters_across(context, margin=60))
    wrapped = textwrap.wrap(
        shown(in_panel_words(text)), letters, max_lines=lines, placeholder=" ..."
    )
    wrapped += [""] * ((lines or 0) - len(wrapped))
    column = layout.column(align=True)
    for number, line in enumerate(wrapped):
        column.label(text=line, translate=False, icon=icon if number == 0 else "BLANK1")


def working(layout: bpy.types.UILayout, *kinds: str, height: float = 1.0) -> bool:
    """While a job of one of these operators goes on: draw its progress and a button to stop it, in
    the place of a button of that height, and say so."""
    job = jobs.current
    if job is None or job.kind not in kinds:
        return False
    row = layout.row(align=True)
    row.scale_y = height
    row.progress(factor=job.fraction, text=job.describe(), translate=False)
    row.operator("lsmpl.cancel", text="", icon="X")
    return True


def of_takes(context: bpy.types.Context, label: str) -> str:
    """A button's label, which says so where it will work on several takes."""
    count = len(chosen_takes(context))
    return f"{label} {count} Takes" if count > 1 else label
