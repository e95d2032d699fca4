"""Plain rows of numbers, a frame a row: x y z [confidence] of each keypoint."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

import numpy as np

from ..errors import KeypointFileError
from ..keypoints.track import Decision
from .raw import RawTrack, parse_numbers, unflatten

_COMMENT = re.compile(r"\s*(?:#|%|//)")


def read_plain_rows(text: str, path: Path, counts: Collection[int]) -> RawTrack:
    """Read rows that all have the same number of columns; a leading frame number or time is
    recognised and left out."""
    lines = text.splitlines()
    numbered = [
        (i, line) for i, line in enumerate(lines, 1) if line.strip() and not _COMMENT.match(line)
    ]
    if not numbered:
        raise KeypointFileError(f"{path}: no row of numbers")
    first_line, first = numbered[0]
    separator = next((s for s in (";", ",", "\t") if s in first), None)
    rows = [line.strip(" ").split(separator) for _, line in numbered]
    if not any(row[-1].strip() for row in rows):
        rows = [row[:-1] for row in rows]  # every line ends in a separator
    width = len(rows[0])
    for (line, _), row in zip(numbered, rows):
        if len(row) != width and line != numbered[-1][0]:
            raise KeypointFileError(
                f"{path}: line {line} has {len(row)} numbers, line {first_line} has {width}"
            )
    decisions = []
    if len(rows) > 1 and len(rows[-1]) < width:
        rows = rows[:-1]
        decisions = [
            Decision("frames", str(len(rows)), "file", "the last row is cut short and is left out")
        ]
    line_numbers = [line for line, _ in numbered]
    table = parse_numbers(
        rows, range(width), str(path), line_numbers, decimal_comma=separator == ";"
    )
    if _fit(width - 1, counts) > _fit(width, counts) and (np.diff(table[:, 0]) > 0).all():
        table = table[:, 1:]
    positions, confidence = unflatten(table, counts, str(path))
    return RawTrack(positions, confidence=confidence, decisions=decisions)


def _fit(width: int, counts: Collection[int]) -> int:
    """How well a number of columns fits: 2 for a known count of keypoints, 1 for any count, 0 for
    none."""
    fitting = [width // step for step in (3, 4) if width % step == 0 and width]
    return 2 if any(count in counts for count in fitting) else bool(fitting)
