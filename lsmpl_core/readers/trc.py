"""TRC, the text format of marker systems, OpenSim, Pose2Sim and OpenCap: header, marker names, rows
of x y z."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np

from ..errors import KeypointFileError
from ..keypoints.track import Decision
from .raw import RawTrack, read_text
from .rows import Rows, is_number, parse_numbers
from .times import placed_in_time

_LEAD = 2  # every row starts with the frame number and the time


def read_trc(path: Path, counts: Collection[int] = ()) -> RawTrack:
    """Read a TRC file; its header's counts are not believed, its names and rows are."""
    lines = read_text(path).splitlines()
    separator = _separator(lines)
    header = _header(lines, separator)
    at = next(
        (i for i, line in enumerate(lines[:20]) if line.strip().lower().startswith("frame#")), None
    )
    if at is None:
        raise KeypointFileError(
            f"{path}: no 'Frame#' line with the marker names among its {len(lines)} lines"
        )
    titles = [cell.strip() for cell in _cells(lines[at], separator)[1:] if cell.strip()]
    names = titles[1:]  # the first is Time
    rows = _rows(lines, at + 1, separator)
    if not rows:
        raise KeypointFileError(
            f"{path}: the header names {len(names)} markers, but there is no row of numbers"
        )
    if not names:
        points = (max(rows.widths) - _LEAD) // 3
        raise KeypointFileError(
            f"{path}: line {at + 1} names no marker after 'Frame#' and 'Time', but its rows hold "
            f"{points} points: label them in the capture software and export again"
        )

    decisions = []
    width = _LEAD + 3 * len(names)
    if len(rows) > 1 and rows.widths[-1] < width <= rows.widths[-2]:
        decisions.append(
            Decision(
                "frames", str(len(rows) - 1), "file", "the last row is cut short and is left out"
            )
        )
        rows.pop()
    table = parse_numbers(rows, range(width), str(path))
    raw = RawTrack(
        table[:, _LEAD:].reshape(len(rows), len(names), 3),
        names,
        fps=_positive(header.get("datarate")),
        unit=header.get("units"),
        usual_up="y",
        decisions=decisions,
    )
    return placed_in_time(raw, table[:, 0], table[:, 1])


def _separator(lines: list[str]) -> str | None:
    """What stands between the cells: tabs; commas, where a spreadsheet saved the file; else any
    blanks."""
    first = next((line for line in lines[:20] if line.strip().lower().startswith("frame#")), "")
    return next((separator for separator in ("\t", ",", ";") if separator in first), None)


def _header(lines: list[str], separator: str | None) -> dict[str, str]:
    """The header's keys and values, lower-case keys; they stand in the two lines that start at
    DataRate."""
    blanks = None if separator == "\t" else separator
    for keys, values in zip(lines[:20], lines[1:20]):
        if keys.strip().lower().startswith("datarate"):
            cells = keys.lower().split(blanks), values.split(blanks)
            return {key.strip(): value.strip() for key, value in zip(*cells)}
    return {}


def _rows(lines: list[str], start: int, separator: str | None) -> Rows:
    """The data lines as rows of cells; the X1 Y1 Z1 line and blanks are skipped."""
    while start < len(lines) and not is_number(
        (_cells(lines[start], separator) or ["x"])[0] or "x"
    ):
        start += 1
    rows = Rows(lines, lambda line: _cells(line, separator))
    for at in range(start, len(lines)):
        if lines[at].strip():
            rows.append(at, len(_cells(lines[at], separator)))
    return rows


def _cells(line: str, separator: str | None) -> list[str]:
    return line.split(separator) if separator and separator in line else line.split()


def _positive(text: str | None) -> float | None:
    value = float(text) if text and is_number(text) else 0.0
    return value if np.isfinite(value) and value > 0 else None
