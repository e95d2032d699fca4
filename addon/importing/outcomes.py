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
from .. import jobs
from ..errors import in_panel_words
from ..registration import registration
from ..takes.take import describe

WIDTH_PIXELS, LETTERS = 640, 96
"""Of the box, and of a line in it."""
MOST_ROWS = 34
"""Of the box: a window of 1000 pixels shows as many, and the button below them."""
_SHORTER_AND_SHORTER = ((12, 5, 2), (12, 2, 1), (12, 1, 1), (10, 1, 0), (8, 1, 0))
"""Files of either kind that are listed, and lines that the reason of each takes, or what of it is
in doubt: the first that fits into the box."""

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
    reason, then each take that came in, with what of it is in doubt; shortened until it fits."""
    title = f"{_counted(len(imported), 'Take')} Imported"
    if refused:
        title += f", {_counted(len(refused), 'File')} Refused"
    listed: list[tuple[str, str]] = []
    for files, most_lines, most_doubts in _SHORTER_AND_SHORTER:
        listed = _of_refused(refused, files, most_lines) + _of_taken(imported, files, most_doubts)
        if len(listed) <= MOST_ROWS:
            break
    return title, listed


def _of_refused(
    refused: Sequence[tuple[Path, str]], files: int, most_lines: int
) -> list[tuple[str, str]]:
    listed: list[tuple[str, str]] = []
    for path, reason in refused[:files]:
        listed.append(("ERROR", shown(path.name, 80)))
        reason = reason.replace(f"{path}: ", "").replace(str(path), path.name)
        listed += _wrapped(reason, most_lines)
    if len(refused) > files:
        listed.append(("BLANK1", f"and {len(refused) - files} more"))
    return listed


def _of_taken(imported: Sequence[TakenFor], files: int, most_doubts: int) -> list[tuple[str, str]]:
    listed: list[tuple[str, str]] = []
    for said, doubts in imported[:files]:
        listed.append(("QUESTION" if doubts else "CHECKMARK", shown(said, LETTERS)))
        if doubts and most_doubts:
            listed += _wrapped(f"In doubt: {'; '.join(doubts)}", most_doubts)
    if len(imported) > files:
        listed.append(("BLANK1", f"and {len(imported) - files} more"))
    return listed or [("INFO", "Nothing came in")]


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _wrapped(text: str, most: int) -> list[tuple[str, str]]:
    wrapped = textwrap.wrap(
        shown(in_panel_words(text)), LETTERS, max_lines=most, placeholder=" ..."
    )
    return [("BLANK1", line) for line in wrapped]


def show(refused: Sequence[tuple[Path, str]], imported: Sequence[TakenFor]) -> None:
    """Open the box; nothing where there is no screen."""
    global _title, _lines
    _title, _lines = lines(refused, imported)
    if jobs.has_screen():
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
