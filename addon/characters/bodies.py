"""Bodies, each read once and again when its file changes."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import bpy

from ...lsmpl_core import LsmplError
from ...lsmpl_core.body.body import Body
from ...lsmpl_core.body.load_body import load_body
from . import shape


def load(path: str = "") -> Body:
    """The body in a file, or the open body for "". Raises `BodyFileError`."""
    if not path:
        return _read("", 0)
    try:
        stamp = Path(path).stat().st_mtime_ns
    except OSError:
        stamp = 0  # the reader says what is wrong with the file
    return _read(path, stamp)


def of_character(armature: bpy.types.Object) -> Body:
    """The body of a character. Raises `LsmplError` where it is not there any more."""
    facts = shape.facts(armature)
    path = facts.get("body_path", "")
    body = load(path)
    if body.key != facts.get("body"):
        raise LsmplError(
            f"{armature.name}: has the body {facts.get('body')}, but "
            f"{path or 'the open body'} is {body.key}"
        )
    return body


@lru_cache(maxsize=4)
def _read(path: str, stamp: int) -> Body:
    return load_body(path or None)
