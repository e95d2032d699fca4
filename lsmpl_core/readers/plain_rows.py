"""Plain rows of numbers, a frame a row: x y z [confidence] of each keypoint."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from ..errors import KeypointFileError
from ..keypoints.track import Decision
from .point_rows import counted
from .raw import RawTrack, are_placed_turns, unflatten
from .rows import Rows, parse_numbers
from .times import placed_in_time

MOST_LEADS = 2
"""Columns before the points: a frame's number and its time."""
MOST_SKIPPED = 3
"""Steps of whole numbers up to which they are frames, and not milliseconds."""
FEWEST_COUNTED = 15
"""Columns from which on a first row that counts them is no frame."""
_COMMENT = re.compile(r"\s*(?:#|%|//)")


def read_plain_rows(lines: Sequence[str], path: Path, counts: Collection[int]) -> RawTrack:
    """Read lines that all have the same number of columns; a leading frame number or time is
    recognised and left out."""
    first = next((line for line in lines if _has_cells(line)), None)
    if first is None:
        raise KeypointFileError(f"{path}: no row of numbers")
    separator = next((s for s in (";", ",", "\t") if s in first), None)
    rows = Rows(lines, lambda line: line.strip(" ").split(separator))
    for at, line in enumerate(lines):
        if _has_cells(line):
            rows.append(at, 0)
    closed = not any(row[-1].strip() for row in rows)  # every line ends in a separator
    rows = rows.with_cells(lambda cells: cells[:-1] if closed else cells)

    width = rows.widths[0]
    for i, found in enumerate(rows.widths[:-1]):
        if found != width:
            raise KeypointFileError(
                f"{path}: line {rows.line_number(i)} has {found} numbers, line "
                f"{rows.line_number(0)} has {width}"
            )
    decisions = []
    if len(rows) > 1 and rows.widths[-1] < width:
        rows.pop()
        decisions = [
            Decision("frames", str(len(rows)), "file", "the last row is cut short and is left out")
        ]
    table = parse_numbers(rows, range(width), str(path), decimal_comma=separator == ";")
    if width >= FEWEST_COUNTED and np.array_equal(table[0], np.arange(width)):
        table = table[1:]  # the numbers of the columns, which data frames have for labels
    if (listed := _by_number(table, counts)) is not None:
        return listed
    lead = leads_of(table, counts)
    if width - lead in (3, 4) and (blocks := _blocks(rows, counts)):
        frames = table[:, lead:].reshape(blocks, -1, width - lead)
        scores = frames[..., 3] if frames.shape[2] == 4 else None
        return RawTrack(frames[..., :3], confidence=scores, decisions=decisions)
    if width - lead in (3, 4) and len(table) > 1:
        raise KeypointFileError(
            f"{path}: its rows hold one point each, and nothing says where a frame ends. Write a "
            "row a frame, or an array (frames, keypoints, 3) by numpy.save"
        )
    positions, confidence = unflatten(table[:, lead:], counts, str(path))
    raw = RawTrack(positions, confidence=confidence, decisions=decisions)
    return placed_by_leads(raw, table[:, :lead])


def _blocks(rows: Rows, counts: Collection[int]) -> int:
    """How many blocks of as many rows, a known number of points each, stand between empty lines; 0
    where they do not."""
    numbers = np.array([rows.line_number(i) for i in range(len(rows))])
    starts = np.flatnonzero(np.diff(numbers) > 1) + 1
    sizes = np.diff([0, *starts, len(rows)])
    return len(sizes) if len(set(sizes)) == 1 and len(sizes) > 1 and sizes[0] in counts else 0


def leads_of(table: np.ndarray, counts: Collection[int]) -> int:
    """How many columns of rows of numbers (T,n) stand before the points: a frame's number and its
    time."""
    leads = [n for n in range(MOST_LEADS + 1) if n < table.shape[1] and _rise(table[:, :n])]
    return max(leads, key=lambda n: (_fit(table[:, n:], counts), -n))


def _rise(leads: np.ndarray) -> bool:
    """Whether columns (T,n) before the points rise from row to row, or stay where a row is
    doubled."""
    steps = np.diff(leads, axis=0)
    return bool((steps >= 0).all() and (steps > 0).any(axis=0).all())


def placed_by_leads(raw: RawTrack, leads: np.ndarray) -> RawTrack:
    """The track at the frame numbers and times of its leading columns (T,n): whole numbers that
    skip few are frames, others times."""
    if len(leads) < 2 or not leads.shape[1]:
        return raw
    few = np.median(np.diff(leads, axis=0), axis=0) <= MOST_SKIPPED
    numbers = (leads == np.round(leads)).all(axis=0) & few
    frames, times = (next(iter(leads.T[which]), None) for which in (numbers, ~numbers))
    return placed_in_time(raw, frames, times)


def _has_cells(line: str) -> bool:
    return bool(line.strip()) and not _COMMENT.match(line)


def _by_number(table: np.ndarray, counts: Collection[int]) -> RawTrack | None:
    """The track of rows (R,n) that hold a keypoint each, by its number behind those of the frame
    and the time: a column that counts a known number of keypoints over and over; None of any
    other."""
    if len(table) < 2:
        return None
    for column in range(min(MOST_LEADS + 1, table.shape[1] - 3)):
        count = counted(table[:, column], counts)
        if 0 < count < len(table):  # one frame counts nothing over and over
            frames = table.reshape(-1, count, table.shape[1])
            return placed_by_leads(
                RawTrack(frames[..., column + 1 : column + 4]), frames[:, 0, :column]
            )
    return None


def _fit(table: np.ndarray, counts: Collection[int]) -> int:
    """How well some columns (T,n) fit: 3 for a known count of keypoints with quaternions, 2 for one
    without, 1 for any count, 0 for none."""
    width = table.shape[1]
    fitting = [width // step for step in (3, 4) if width % step == 0 and width]
    if width and width % 7 == 0 and are_placed_turns(table.reshape(len(table), -1, 7)):
        return 3 * (width // 7 in counts)
    return 2 if any(count in counts for count in fitting) else bool(fitting)
