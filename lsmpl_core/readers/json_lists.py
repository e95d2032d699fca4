"""Keypoints in JSON: one file of all frames, one line a frame, or a folder of one file a frame."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

from ..errors import KeypointFileError
from ..files.json_arrays import load_json
from ..files.lax_json import load_meant
from ..files.opening import read_file
from .frame_files import are_counted, numbered
from .nest_tracks import is_frame, track_of
from .raw import RawTrack, changed, check_pieces, read_text
from .times import placed_in_time


def read_json(path: Path, counts: Collection[int], person: str | None = None) -> RawTrack:
    """Read one JSON file of frames, or a folder of one file a frame: `person`, or who is seen
    most."""
    if path.is_dir():
        files = _files_in(path)
        if not files:
            raise KeypointFileError(
                f"{path}: is a folder; choose a file in it. As one take, a folder holds a file a "
                "frame, all of them JSON, tables or NumPy's"
            )
        contents = [load_file(file) for file in files]
        raw = track_of(contents, counts, str(path), person, files=True)
        return changed(raw, lambda one: placed_in_time(one, numbered(files), None))
    return track_of(load_file(path), counts, str(path), person)


def is_nest(path: Path) -> bool:
    """Whether a file of text begins as JSON does, or what is meant for it, whatever it is
    called."""
    begin = read_file(path, _LOOKED_AT).decode("utf-8", errors="ignore").lstrip("\ufeff \t\r\n")
    return _NEST.match(begin) is not None


_NEST = re.compile(
    r"(?:(?://|#)[^\n]*+\n\s*+|/\*(?:[^*]++|\*(?!/))*+\*/\s*+)*+"  # comments
    r"[^\n\[({\"',;]{0,100}+"  # what a logger or a program says before it: a time, `var data =`
    r"(?:\{\s*+[\"'/}]|\[\s*+(?:[\[{\]]|\w++\(\w++=))"
)
_LOOKED_AT = 4_000
"""Letters of a file by which it is told."""


def is_one_file_a_frame(folder: Path) -> bool:
    """Whether the JSON files in a folder are the frames of one take, not takes: numbered, and the
    first is a frame."""
    files = _files_in(folder)
    if not are_counted(files):
        return False
    try:
        return is_frame(load_file(files[0]))
    except (KeypointFileError, OSError):
        return len(files) > 1


def _files_in(folder: Path) -> list[Path]:
    """Its JSON files by name, but for hidden ones, which macOS leaves beside others."""
    return sorted(path for path in folder.glob("*.json") if not path.name.startswith("."))


def load_file(path: Path) -> Any:
    """A file's content: JSON, one JSON object a line, or what is meant for it; lists of numbers as
    arrays."""
    text = read_text(path)

    def loaded(text: str) -> Any:
        return load_json(text, lambda rest: check_pieces(rest, len(text), path))

    try:
        return load_meant(text, loaded)
    except (ValueError, RecursionError) as error:
        cut = not text.rstrip().endswith(("}", "]"))
        what = "is cut off, before its lists are closed" if cut else "not JSON"
        raise KeypointFileError(f"{path}: {what}: {error}") from None
