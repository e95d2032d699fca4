"""CSV and TSV tables with a header, in the shapes that pose tools write.

Wide, one row a frame: `nose_x,nose_y,nose_z[,nose_score]`, with one header row (FreeMoCap, Anipose) or several, of
names and then axes (DeepLabCut, Vicon). Long, one row a keypoint: `frame,keypoint,x,y,z`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from ..errors import KeypointFileError
from .raw import RawTrack, blank_table, fill_gaps, fps_from_times, is_number, parse_numbers, read_text
from .rows import read_rows

_AXES = ("x", "y", "z")
_CONFIDENCE = ("confidence", "conf", "visibility", "likelihood", "score", "probability", "presence", "c", "v", "p")
_FRAME = {"frame", "frame#", "frames", "fnum", "frame_number", "frame number", "framenumber", "frame_id", "frame_idx"}
_TIME = {"time", "times", "timestamp", "timestamps", "t", "time_s", "seconds", "time (s)", "time_ms", "timestamp_ms"}
_KEYPOINT = {
    "keypoint",
    "keypoint_name",
    "marker",
    "joint",
    "joint_name",
    "landmark",
    "landmark_name",
    "bodypart",
    "name",
}
_UNITS = {"m", "cm", "mm", "in", "ft"}
_SEPARATORS = re.compile(r"[\s_.\-/\[\]()]+")
_MOST_HEADER_ROWS = 12


def read_csv(path: Path, counts: Collection[int]) -> RawTrack:
    """Read a wide or long table; one without a header is read as plain rows of numbers."""
    text = read_text(path)
    lines = text.splitlines()
    head = lines[:_MOST_HEADER_ROWS]
    delimiter = next((d for d in (";", "\t") if any(line.count(d) > 1 for line in head)), ",")  # commas may be decimal
    try:
        rows = list(csv.reader(lines, delimiter=delimiter))
    except csv.Error as error:
        raise KeypointFileError(f"{path}: not a table: {error}") from None
    rows = [[cell.strip() for cell in row] for row in rows[:_MOST_HEADER_ROWS]] + rows[_MOST_HEADER_ROWS:]
    header_length = next((i for i, row in enumerate(rows) if _is_data(row)), None)
    if header_length is None:
        raise KeypointFileError(f"{path}: no row of numbers among its first {_MOST_HEADER_ROWS} lines")
    if header_length == 0:
        return read_rows(path, counts)
    header = rows[:header_length]
    line_numbers = [i + 1 for i in range(header_length, len(rows)) if any(rows[i])]
    body = [rows[i - 1] for i in line_numbers]
    labels = [cell.lower() for cell in header[-1]]
    decimal_comma = delimiter == ";"
    if not _KEYPOINT.isdisjoint(labels) and set(_AXES) <= set(labels):
        return _read_long(labels, body, str(path), line_numbers, decimal_comma)

    columns, unit = _columns(header)
    if not columns:
        shown = ", ".join(cell for cell in header[-1] if cell)[:200]
        raise KeypointFileError(
            f"{path}: no keypoint has x, y and z columns; the header is: {shown}; expected columns such as "
            "nose_x, nose_y, nose_z, or a row of names above a row of x, y, z"
        )
    width = max(map(len, header))
    table = parse_numbers(body, width, str(path), line_numbers, decimal_comma)
    positions = np.stack([table[:, [where[axis] for axis in _AXES]] for where in columns.values()], axis=1)
    confidence = None
    if any("c" in where for where in columns.values()):
        ones = np.ones(len(table))
        confidence = np.stack([table[:, w["c"]] if "c" in w else ones for w in columns.values()], axis=1)
    raw = RawTrack(positions, list(columns), confidence, unit=unit)
    frame, time = _lead_columns(header)
    if time is not None:
        raw.fps = fps_from_times(table[:, time])
    return raw if frame is None else fill_gaps(table[:, frame], raw)


def _is_data(row: Sequence[str]) -> bool:
    """Whether a row is of numbers: most of its cells that are not blank, and more than a frame rate stands alone."""
    filled = [cell for cell in row if cell]
    numbers = sum(is_number(cell.replace(",", ".")) for cell in filled)
    return (numbers >= 3 and numbers > len(filled) / 2) or (bool(filled) and numbers == len(filled) == len(row) >= 3)


def _columns(header: Sequence[Sequence[str]]) -> tuple[dict[str, dict[str, int]], str | None]:
    """For each keypoint with x, y and z the column of each and of its confidence ("c"); and the unit stated."""
    axis_row = next((i for i, row in enumerate(header) if i and _is_axis_row(row)), None)
    labels: list[tuple[str, str, str | None]] = []
    unit = None
    if axis_row is not None:
        names = _filled_forward(header[axis_row - 1], len(header[axis_row]))
        labels = [(name, what.lower(), None) for name, what in zip(names, header[axis_row])]
        units = {cell.strip("()[]").lower() for row in header[axis_row + 1 :] for cell in row if cell}
        unit = next(iter(units & _UNITS), None)
    else:
        labels = [_split_label(cell) for cell in header[-1]]
    found: dict[str, dict[str, int]] = {}
    for column, (name, what, stated) in enumerate(labels):
        key = "c" if what in _CONFIDENCE else what
        if name and key in (*_AXES, "c"):
            found.setdefault(name, {}).setdefault(key, column)
            unit = unit or stated
    return {name: where for name, where in found.items() if where.keys() >= set(_AXES)}, unit


def _is_axis_row(row: Sequence[str]) -> bool:
    axes = [cell.lower() for cell in row if cell.lower() in _AXES]
    return len(axes) >= 3 and len(axes) >= 0.5 * sum(bool(cell) for cell in row)


def _filled_forward(cells: Sequence[str], width: int) -> list[str]:
    """Names that stand only over the first of their columns, repeated over the others."""
    names, last = [], ""
    for i in range(width):
        last = (cells[i] if i < len(cells) else "") or last
        names.append(last)
    return names


def _split_label(label: str) -> tuple[str, str, str | None]:
    """`nose_x` as ("nose", "x", None), `LeftHip.Z (mm)` as ("LeftHip", "z", "mm"); also `noseX`, `x_nose`, `X1`."""
    words = [word for word in _SEPARATORS.split(label[:200]) if word]
    unit = words.pop().lower() if len(words) > 2 and words[-1].lower() in _UNITS else None
    if len(words) > 1 and words[-1].lower() in (*_AXES, *_CONFIDENCE):
        return "_".join(words[:-1]), words[-1].lower(), unit
    if words and re.search("[a-z0-9][XYZ]$", words[-1]):
        return "_".join(words)[:-1], words[-1][-1].lower(), unit
    if len(words) > 1 and words[0].lower() in _AXES:
        return "_".join(words[1:]), words[0].lower(), unit
    if len(words) == 1 and re.fullmatch(r"[XYZxyz]\d+", words[0]):
        return words[0][1:], words[0][0].lower(), None
    return "", "", None


def _lead_columns(header: Sequence[Sequence[str]]) -> tuple[int | None, int | None]:
    """The columns of frame numbers and of times."""
    cells = [(i, cell.lower()) for row in header for i, cell in enumerate(row)]
    return tuple(next((i for i, cell in cells if cell in wanted), None) for wanted in (_FRAME, _TIME))


def _read_long(
    labels: list[str], body: list[list[str]], where: str, line_numbers: list[int], decimal_comma: bool
) -> RawTrack:
    frame, time = _lead_columns([labels])
    if frame is None and time is None:
        raise KeypointFileError(
            f"{where}: a table with one keypoint a row needs a frame or time column; it has: {labels}"
        )
    name_column = next(i for i, label in enumerate(labels) if label in _KEYPOINT)
    confidence_column = next((i for i, label in enumerate(labels) if label in _CONFIDENCE), None)
    picked = [labels.index(axis) for axis in _AXES] + [c for c in (confidence_column, frame, time) if c is not None]
    width = max(*picked, name_column) + 1
    line_numbers = [line for line, row in zip(line_numbers, body) if len(row) >= width]
    body = [row for row in body if len(row) >= width]
    if not body:
        raise KeypointFileError(f"{where}: no row has all of the columns {', '.join(labels)}")
    table = parse_numbers([[row[i] for i in picked] for row in body], len(picked), where, line_numbers, decimal_comma)
    key = table[:, 3 + (confidence_column is not None)]
    moments, t = np.unique(key, return_inverse=True)
    names = list(dict.fromkeys(row[name_column].strip() for row in body))
    index = {name: i for i, name in enumerate(names)}
    k = np.array([index[row[name_column].strip()] for row in body])
    positions = blank_table((len(moments), len(names), 3), 3 * len(body), where)
    positions[t[::-1], k[::-1]] = table[::-1, :3]  # of a keypoint given twice in a frame the first counts
    confidence = None
    if confidence_column is not None:
        confidence = np.zeros((len(moments), len(names)))
        confidence[t[::-1], k[::-1]] = table[::-1, 3]
    raw = RawTrack(positions, names, confidence)
    if time is not None:
        raw.fps = fps_from_times(np.unique(table[:, -1]))
    return raw if frame is None else fill_gaps(moments, raw)
