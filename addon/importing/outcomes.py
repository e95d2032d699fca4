"""What became of several files that were imported at once: a box with those that were refused, and
why, and with what the others are taken for."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple

import bpy

from ...lsmpl_core.keypoints.track import Decision
from ...lsmpl_core.shown import shown
from ..errors import in_panel_words
from ..registration import registration
from ..takes.take import describe

WIDTH_PIXELS, LETTERS = 640, 96
"""Of the box, and of a line in it."""
MOST_FILES, MOST_LINES, MOST_DOUBTS = 12, 5, 2
"""Files of either kind that are listed, and lines that the reason of each takes, or what of it is
in doubt."""

_title = ""
_lines: list[tuple[str, str]] = []


class TakenFor(NamedTuple):
    """A take in a line, how long it is and what its keypoints are; and what of it is in doubt."""

    said: str
    doubts: list[str]

    @classmethod
    def of(cls, take: bpy.types.Object) -> TakenFor:
        facts = describe(take)
        decisions = [Decision(**decision) for decision in facts["decisions"]]
        return cls(
            f"{take.name}: {facts['frames']} frames, {facts['layout']['label']}",
            [f"{d.what} {d.value}, {d.reason}" for d in decisions if d.doubtful],
        )


def lines(
    refused: Sequence[tuple[Path, str]], imported: Sequence[TakenFor]
) -> tuple[str, list[tuple[str, str]]]:
    """The title of the box, and its lines as (icon, text): each file that was refused with its
    reason, then each take that came in, with what of it is in doubt."""
    title = f"{_counted(len(imported), 'Take')} Imported"
    if refused:
        title += f", {_counted(len(refused), 'File')} Refused"
    listed: list[tuple[str, str]] = []
    for path, reason in refused[:MOST_FILES]:
        listed.append(("ERROR", shown(path.name, 80)))
        listed += _wrapped(
            reason.replace(f"{path}: ", "").replace(str(path), path.name), MOST_LINES
        )
    if len(refused) > MOST_FILES:
        listed.append(("BLANK1", f"and {len(refused) - MOST_FILES} more"))
    for said, doubts in imported[:MOST_FILES]:
        listed.append(("QUESTION" if doubts else "CHECKMARK", shown(said, LETTERS)))
        if doubts:
            listed += _wrapped(f"In doubt: {'; '.join(doubts)}", MOST_DOUBTS)
    if len(imported) > MOST_FILES:
        listed.append(("BLANK1", f"and {len(imported) - MOST_FILES} more"))
    if not imported:
        listed.append(("INFO", "Nothing came in"))
    return title, listed


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _wrapped(text: str, most: int) -> list[tuple[str, str]]:
    wrapped = textwrap.wrap(
        shown(in_panel_words(text)), LETTERS, max_lines=most, placeholder=" ..."
    )
    return [("BLANK1", line) for line in wrapped]


def show(
    context: bpy.types.Context,
    refused: Sequence[tuple[Path, str]],
    imported: Sequence[TakenFor],
) -> None:
    """Open the box; nothing where there is no screen."""
    global _title, _lines
    _title, _lines = lines(refused, imported)
    if not bpy.app.background and context.window is not None:
        bpy.ops.lsmpl.import_outcomes("INVOKE_DEFAULT")


class LSMPL_OT_import_outcomes(bpy.types.Operator):
    bl_idname = "lsmpl.import_outcomes"
    bl_label = "What Was Imported"
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
