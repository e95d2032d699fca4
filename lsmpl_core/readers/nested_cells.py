"""Tables in whose cells whole lists and objects stand, a frame or a keypoint each: `[[0.1, 0.2,
0.3], ...]`, `{"x": 0.1, ...}`, as data frames of such are saved.

A row is an object by the header's labels, and the rows are a nest as any other (`nests.py`).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

from ..errors import KeypointFileError
from ..files.opening import read_file
from .nest_texts import meant_by
from .nest_tracks import track_of
from .raw import RawTrack, read_text

_NESTED = re.compile(r"\{\s*[\"']|\[\s*[\[{(]|\[(?:\s*[-+\d.e]++[\s,]++){5}|\[\s*array\(")
"""An object, a list of lists or objects, or one of more numbers than a point has."""
_LOOKED_AT = 20_000
"""Letters at the beginning of a file in which it is looked for."""
MOST_CELLS = 5_000_000


def has_nests(path: Path) -> bool:
    """Whether a table's first row below its header has an object or a list in a cell."""
    begin = read_file(path, _LOOKED_AT)
    if begin[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return False
    _, _, below = begin.decode("utf-8", errors="ignore").partition("\n")
    return _NESTED.search(below) is not None


def read_nested_cells(path: Path, counts: Collection[int], person: str | None = None) -> RawTrack:
    """Read one person of such a table."""
    return track_of(_rows(read_text(path), path), counts, str(path), person)


def _rows(text: str, path: Path) -> list[dict[str, Any]]:
    """An object for each row, of what its cells hold by their labels."""
    header, _, _ = text.partition("\n")
    delimiter = max(",;\t|", key=header.count)
    try:
        labels, *rows = csv.reader(io.StringIO(text), delimiter=delimiter)
    except csv.Error as error:
        raise KeypointFileError(f"{path}: not a table: {error}") from None
    if len(labels) * len(rows) > MOST_CELLS:
        raise KeypointFileError(f"{path}: more than {MOST_CELLS:,} cells")
    return [
        {label: meant_by(cell) for label, cell in zip(labels, row) if label}
        for row in rows
        if any(row)
    ]
