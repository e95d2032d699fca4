"""Keypoints: the take that is worked on, and how it was read."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import bpy

from ...lsmpl_core import Decision
from .. import stages
from .. import take as takes
from ..selection import active_take
from .drawing import Section, facts, properties, say, working


class LSMPL_PT_keypoints(Section, bpy.types.Panel):
    bl_label = "Keypoints"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        if not working(layout, "lsmpl.import"):
            row = layout.row(align=True)
            row.operator("lsmpl.import_keypoints", text="Keypoints...", icon="IMPORT")
            row.operator("lsmpl.import_motion", text="SMPL Motion...")
        take = active_take(context)
        if take is None:
            say(context, layout, _no_take(context), icon="INFO")
            return
        known = takes.describe(take)
        frames, first = known["frames"], known["first_frame"]
        facts(
            layout,
            ("Take", take.name),
            ("File", Path(known["source"]).name or "none"),
            ("Layout", known["layout"]["label"] or known["layout"]["name"]),
            ("Frames", f"{frames} ({first} to {first + frames - 1})"),
            ("Rate", f"{known['fps']:.5g} fps, {frames / known['fps']:.1f} s"),
            ("Missing", f"{100 * known['missing']:.1f} %"),
        )
        column = properties(layout)
        column.prop(take.lsmpl, "start", text="Starts at Frame")
        if take.lsmpl.step != 1.0:
            say(context, layout, "The scene runs at another rate than the take", icon="INFO")
            layout.operator("lsmpl.match_scene", text="Match Scene to Take")


class LSMPL_PT_decisions(Section, bpy.types.Panel):
    bl_label = "How It Was Read"
    bl_parent_id = "LSMPL_PT_keypoints"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        take = active_take(context)
        return take is not None and bool(takes.describe(take)["decisions"])

    def draw(self, context: bpy.types.Context) -> None:
        take = active_take(context)
        solved = stages.describe(take) or {}
        for decision in (*takes.describe(take)["decisions"], *solved.get("decisions", ())):
            told = Decision(**decision)
            text = f"{told.what.capitalize()}: {told.value} ({told.explanation})"
            say(context, self.layout, text, icon="ERROR" if told.doubtful else "DOT")


def _no_take(context: bpy.types.Context) -> str:
    several = len(takes.takes_in(context.scene))
    return f"Select one of the {several} takes, or its character" if several else "No keypoints in this scene yet"


_CLASSES = (LSMPL_PT_keypoints, LSMPL_PT_decisions)


def register() -> None:
    for cls in _CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
