"""Plain rows of numbers (.txt, .dat, CSV without a header), a frame a row: x y z [confidence] of each keypoint."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

import numpy as np

from ..errors import KeypointFileError
from .raw import RawTrack, parse_numbers, read_text, unflatten

_COMMENT = re.compile(r"\s*(?:#|%|//)")


def read_rows(path: Path, counts: Collection[int]) -> RawTrack:
    """Read rows that all have the same number of columns; a leading frame number or time is recognised and left out."""
    lines = read_text(path).splitlines()
    numbered = [(i, line) for i, line in enumerate(lines, 1) if line.strip() and not _COMMENT.match(line)]
    if not numbered:
        raise KeypointFileError(f"{path}: no row of numbers")
    first_line, first = numbered[0]
    separator = next((s for s in (";", ",", "\t") if s in first), None)
    rows = [line.strip().rstrip(separator or " ").split(separator) for _, line in numbered]
    width = len(rows[0])
    for (line, _), row in zip(numbered, rows):
        if len(row) != width and line != numbered[-1][0]:
            raise KeypointFileError(f"{path}: line {line} has {len(row)} numbers, line {first_line} has {width}")
    if len(rows) > 1 and len(rows[-1]) < width:
        rows = rows[:-1]  # cut short while it was written
    table = parse_numbers(rows, width, str(path), first_line, decimal_comma=separator == ";")
    if width % 3 and width % 4 and width > 1 and (np.diff(table[:, 0]) > 0).all():
        table = table[:, 1:]
    positions, confidence = unflatten(table, counts, str(path))
    return RawTrack(positions, confidence=confidence)
