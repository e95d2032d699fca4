"""Names of strangers, of files and of the people in them, as names of datablocks."""

from __future__ import annotations

from ..lsmpl_core.shown import shortened, shown

LONGEST = 55
"""Bytes of a name; Blender 4 cuts names at the end, after 63, and " Body.001" may follow."""


def block_name(text: str) -> str:
    """The text as it is shown, with the middle left out where it is too long: of the takes of one
    file, the ends tell who they are of."""
    name = letters = shown(text.strip()) or "Take"
    fitting = len(letters)
    while len(name.encode("utf-8", "replace")) > LONGEST:
        fitting -= 1
        name = shortened(letters, fitting)
    return name
