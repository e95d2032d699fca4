"""The one place where errors of the core become messages in Blender, and where a failure undoes
what it began."""

from __future__ import annotations

import functools
import re
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import bpy

from ..lsmpl_core import LsmplError
from ..lsmpl_core.shown import shown

BOX_LETTERS, BOX_LINES = 110, 30
"""Letters of a line, and lines, of a message in a box."""
_OPTIONS = (
    (r"--layout mapping\.json", "Layout: Mapping File"),
    (r"--markers markers\.json", "Marker Table"),
    (r"--layout ([a-z]\w+)", r"Layout \1"),
    (r"--mirror (?:yes|no)", "Mirror"),
    (r"--mirror yes\|no", "Mirror"),
    (r"--fps", "Frame Rate"),
    (r"`(layout|markers|mirror|person|unit|up)`", lambda found: found[1].capitalize()),
    (r"--(layout|markers|mirror|person|unit|up)\b", lambda found: found[1].capitalize()),
)
"""What messages call by the command's options, and by what the dialog does."""


def in_panel_words(text: str) -> str:
    """A message of the core in the words of Blender's dialogs: `--up` is Up."""
    for option, words in _OPTIONS:
        text = re.sub(option, words, text)
    return text


def as_told(text: str) -> str:
    """A message, of a line or several, for Blender's info line: names in it move no cursor."""
    return shown(in_panel_words(text), but="\n")


def tell(operator: bpy.types.Operator, text: str, level: str = "INFO") -> None:
    """The one way to the info line, for a message of one line: names in it turn none."""
    operator.report({level}, shown(in_panel_words(text)))


def tell_lines(operator: bpy.types.Operator, text: str, level: str = "INFO") -> None:
    """The same for one that may have several, as errors have, in whose names lines are escaped."""
    text = as_told(text)
    # Blender shows an error in a box as wide as its longest line, which ends where the window does.
    pops_up = level == "ERROR" and not bpy.app.background
    operator.report({level}, in_a_box(text) if pops_up else text)


def in_a_box(text: str) -> str:
    """The lines of a message, broken so that a box with them fits on a screen."""
    lines = [
        piece
        for line in text.split("\n")
        for piece in textwrap.wrap(line, BOX_LETTERS, break_on_hyphens=False) or [""]
    ]
    if len(lines) > BOX_LINES:
        lines[BOX_LINES - 1 :] = ["..."]
    return "\n".join(lines)


def reports_errors(method: Callable) -> Callable:
    """For an operator's `execute`, `invoke` or `modal`: an `LsmplError` is reported and the
    operator cancelled."""

    def guarded(self, *args):
        try:
            return method(self, *args)
        except LsmplError as error:
            tell_lines(self, str(error), "ERROR")
            return {"CANCELLED"}

    # Blender counts the arguments that a method declares.
    if method.__code__.co_argcount == 2:
        return functools.wraps(method)(lambda self, context: guarded(self, context))
    return functools.wraps(method)(lambda self, context, event: guarded(self, context, event))


def draws_what_it_can(draw: Callable[..., None]) -> Callable[..., None]:
    """For what draws in a viewport, again and again: what is damaged or out of reach is not drawn;
    the panel says what is wrong with it."""

    @functools.wraps(draw)
    def drawn(*args) -> None:
        with suppress(LsmplError):
            draw(*args)

    return drawn


@contextmanager
def all_or_nothing() -> Iterator[None]:
    """Remove every datablock that the block created if it raises, whatever it raises."""
    before = {block.session_uid for block in _datablocks()}
    try:
        yield
    except BaseException:
        bpy.data.batch_remove([block for block in _datablocks() if block.session_uid not in before])
        raise


def _datablocks() -> Iterator[bpy.types.ID]:
    data = bpy.data
    for blocks in (
        data.objects,
        data.meshes,
        data.armatures,
        data.actions,
        data.node_groups,
        data.materials,
    ):
        yield from blocks
