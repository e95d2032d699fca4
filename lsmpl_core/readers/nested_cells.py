"""Tables in whose cells whole lists and objects stand, a frame or a keypoint each: `[[0.1, 0.2,
0.3], ...]`, `{"x": 0.1, ...}`, as data frames of such are saved.

A row is an object by the header's labels, and the rows are a nest as any other (`nests.py`).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from ..errors import KeypointFileError
from ..files.opening import read_file
from .column_words import POINT_COLUMNS
from .keypoint_names import fold
from .nest_texts import meant_by
from .nest_tracks import track_of
from .raw import RawTrack, read_text

_NESTED = re.compile(r"\{\s*[\"']|\[\s*[\[{(]|\[(?:\s*[-+\d.e]++[\s,]++){5}|\[\s*array\(")
"""An object, a list of lists or objects, or one of more numbers than a point has."""
_LOOKED_AT = 20_000
"""Letters at the beginning of a file in which it is looked for."""
MOST_CELLS = 5_000_000


def has_nests(path: Path) -> bool:
    """Whether a table's first row below its header has an object or a list in a cell, or the place
    of the point that the row is of."""
    begin = read_file(path, _LOOKED_AT)
    if begin[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return False
    header, _, below = begin.decode("utf-8", errors="ignore").partition("\n")
    if _NESTED.search(below):
        return True
    try:
        labels, row = next(_cells(header)), next(_cells(below.partition("\n")[0], header))
    except (csv.Error, StopIteration):
        return False
    if len(labels) != len(row) or len(labels) < 2:
        return False
    found = [meant_by(cell) for cell in row]
    points = sum(isinstance(one, list) for one in found)
    named = not POINT_COLUMNS.isdisjoint(map(fold, labels))
    return (named and points == 1) or any(isinstance(one, list) and len(one) > 4 for one in found)


def _cells(text: str, header: str = "") -> Iterator[list[str]]:
    delimiter = max(",;\t|", key=(header or text).count)
    return csv.reader(io.StringIO(text), delimiter=delimiter)


def read_nested_cells(path: Path, counts: Collection[int], person: str | None = None) -> RawTrack:
    """Read one person of such a table."""
    return track_of(_rows(read_text(path), path), counts, str(path), person)


def _rows(text: str, path: Path) -> list[dict[str, Any]]:
    """An object for each row, of what its cells hold by their labels."""
    header, _, _ = text.partition("\n")
    try:
        labels, *rows = _cells(text, header)
    except csv.Error as error:
        raise KeypointFileError(f"{path}: not a table: {error}") from None
    if len(labels) * len(rows) > MOST_CELLS:
        raise KeypointFileError(f"{path}: more than {MOST_CELLS:,} cells")
    return [
        {label: meant_by(cell) for label, cell in zip(labels, row) if label}
        for row in rows
        if any(row)
    ]
