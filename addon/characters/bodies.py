"""Bodies, each read once and again when its file changes."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...lsmpl_core.body.body import Body


def load(path: str = "") -> Body:
    """The body in a file, or the open body for "". Raises `BodyFileError`."""
    if not path:
        return _read("", 0)
    try:
        stamp = Path(path).stat().st_mtime_ns
    except OSError:
        stamp = 0  # the reader says what is wrong with the file
    return _read(path, stamp)


@lru_cache(maxsize=4)
def _read(path: str, stamp: int) -> Body:
    from ...lsmpl_core.body.load_body import load_body

    return load_body(path or None)
