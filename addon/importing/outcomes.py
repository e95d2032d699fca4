"""What became of several files that were imported at once: a box with those that were refused, and
why, and with what the others are taken for."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import bpy

from ...lsmpl_core.keypoints.track import Decision
from ...lsmpl_core.shown import shown
from ..errors import in_panel_words
from ..registration import registration
from ..takes.take import describe

WIDTH_PIXELS, LETTERS = 640, 96
"""Of the box, and of a line in it."""
MOST_FILES, MOST_LINES = 12, 5
"""Files of either kind that are listed, and lines that the reason of each takes."""

IN_DOUBT = ". In doubt: "

_title = ""
_lines: list[tuple[str, str]] = []


def taken_for(take: bpy.types.Object) -> str:
    """A take in a line: how long it is, what its keypoints are, and what of it is in doubt."""
    facts = describe(take)
    decisions = [Decision(**decision) for decision in facts["decisions"]]
    doubts = [decision.what for decision in decisions if decision.doubtful]
    said = f"{take.name}: {facts['frames']} frames, {facts['layout']['label']}"
    return f"{said}{IN_DOUBT}{', '.join(doubts)}" if doubts else said


def lines(
    refused: Sequence[tuple[Path, str]], imported: Sequence[str]
) -> tuple[str, list[tuple[str, str]]]:
    """The title of the box, and its lines as (icon, text): each file that was refused with its
    reason, then each take that came in (`taken_for`)."""
    count = len(refused) + len(imported)
    title = f"{len(refused)} of {count} Not Imported" if refused else f"{count} Imported"
    listed: list[tuple[str, str]] = []
    for path, reason in refused[:MOST_FILES]:
        listed.append(("ERROR", shown(path.name, 80)))
        reason = in_panel_words(reason.replace(f"{path}: ", "").replace(str(path), path.name))
        wrapped = textwrap.wrap(shown(reason), LETTERS, max_lines=MOST_LINES, placeholder=" ...")
        listed += [("BLANK1", line) for line in wrapped]
    if len(refused) > MOST_FILES:
        listed.append(("BLANK1", f"and {len(refused) - MOST_FILES} more"))
    for told in imported[:MOST_FILES]:
        icon = "QUESTION" if IN_DOUBT in told else "CHECKMARK"
        listed.append((icon, shown(told, LETTERS)))
    if len(imported) > MOST_FILES:
        listed.append(("BLANK1", f"and {len(imported) - MOST_FILES} more"))
    if not imported:
        listed.append(("INFO", "Nothing came in"))
    return title, listed


def show(context: bpy.types.Context, refused: Sequence[tuple[Path, str]], imported: Sequence[str]):
    """Open the box; nothing where there is no screen."""
    global _title, _lines
    _title, _lines = lines(refused, imported)
    if not bpy.app.background and context.window is not None:
        bpy.ops.lsmpl.import_outcomes("INVOKE_DEFAULT")


class LSMPL_OT_import_outcomes(bpy.types.Operator):
    bl_idname = "lsmpl.import_outcomes"
    bl_label = "Not Imported"
    bl_description = "Which of the files were refused, and why, and what came in"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        return context.window_manager.invoke_props_dialog(
            self, width=WIDTH_PIXELS, title=_title, confirm_text="OK"
        )

    def draw(self, context: bpy.types.Context) -> None:
        column = self.layout.column(align=True)
        for icon, text in _lines:
            column.label(text=text, icon=icon, translate=False)

    def execute(self, context: bpy.types.Context) -> set[str]:
        return {"FINISHED"}


register, unregister = registration((LSMPL_OT_import_outcomes,))
