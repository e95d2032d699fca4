"""Tables of text with names above their columns, as motion capture, pose tools and spreadsheets
write them.

Wide, one row a frame (`table_headers.py`), or long, one row a keypoint (`long_table.py`).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..keypoints.track import Decision
from ..shown import shown
from .column_words import AXES, PERSON_COLUMNS, QUATERNION, is_frame, is_time
from .keypoint_names import fold
from .long_table import MOST_PEOPLE, is_long, read_long, unlabelled
from .melted import unmelted
from .people import are_of_several, told_apart
from .plain_rows import read_plain_rows
from .raw import RawTrack, blank_table, read_text
from .rotations import turns_of
from .rows import parse_numbers
from .table_headers import Columns, columns_of
from .table_refusals import FEWEST, check, check_commas, title_of_others
from .tables import Block, Table, is_blank, is_numeric, look
from .times import fps_from_times, placed_in_time, seconds_of, timecodes
from .transposed import upright


def read_csv(path: Path, counts: Collection[int]) -> RawTrack:
    """Read the keypoints of a table; one without words is read as plain rows of numbers."""
    lines = read_text(path).splitlines()
    lines = unmelted(lines, str(path)) or lines
    table = look(lines, path)
    table = replace(table, blocks=[upright(block) for block in table.blocks])
    if _says_nothing(table.blocks[0]):
        return read_plain_rows(lines[table.blocks[0].rows.line_number(0) - 1 :], path, counts)
    if not table.blocks[0].header:
        if (header := unlabelled(table.blocks[0])) is None:
            return read_plain_rows(lines, path, counts)
        table.blocks[0].header = [header]
    for block in table.blocks:
        check_commas(block, lines, str(path))
        if is_long(block):
            return read_long(block, table, str(path))
    read = [(block, columns_of(block, table.comments)) for block in table.blocks]
    block, columns = max(
        read,
        key=lambda one: (
            _is_trajectories(one[0]),
            not title_of_others(one[0]),
            len(one[1].keypoints) * len(one[0].rows),
        ),
    )
    check(block, columns, table, str(path))
    return _read_wide(block, columns, table, path)


def _says_nothing(block: Block) -> bool:
    """Whether the labels above a table's columns only number them, but for those of a frame's
    number and its time: `col0`, `col1`, ..."""
    labels = block.header[-1] if block.header else []
    plain = [cell for cell in labels if not (is_frame(cell) or is_time(cell))]
    found = [_NUMBERED.fullmatch(cell[:40]) for cell in plain]
    if len(plain) < 3 * FEWEST or not all(found):
        return False
    words, numbers = zip(*(one.groups() for one in found if one))
    first = int(numbers[0])
    return len(set(words)) == 1 and [int(n) for n in numbers] == [*range(first, first + len(plain))]


_NUMBERED = re.compile(r"([A-Za-z]{1,20}[\s_\-.]?)(\d{1,6})")


def _is_trajectories(block: Block) -> bool:
    """Vicon's title of the section with what was measured; others have what models made of it."""
    return any(cell.lower() == "trajectories" for row in block.header for cell in row[:1])


def _read_wide(block: Block, columns: Columns, table: Table, path: Path) -> RawTrack:
    block, decisions = _without_summaries(block, columns)
    where = list(columns.keypoints.values())
    picked = [one[axis] for one in where for axis in AXES]
    scored = [one["c"] for one in where if "c" in one]
    numbers = parse_numbers(block.rows, [*picked, *scored], str(path), table.decimal_comma)
    positions = numbers[:, : len(picked)].reshape(len(numbers), len(where), 3)
    confidence = None
    if scored:
        confidence = np.ones(positions.shape[:2])
        confidence[:, ["c" in one for one in where]] = numbers[:, len(picked) :]

    if columns.aside:
        listed = ", ".join(text[:40] for text in columns.aside[:6]) + (
            ", ..." if len(columns.aside) > 6 else ""
        )
        decisions.append(
            Decision(
                "columns", f"{len(columns.aside)} set aside", "file", f"of no keypoint: {listed}"
            )
        )
    raw = RawTrack(
        positions,
        list(columns.keypoints),
        confidence,
        columns.rate,
        columns.unit,
        decisions=decisions,
        turns=_turns(block, columns, table),
    )
    frames = None if columns.frame is None else _frames(block, columns.frame, table)
    times = None if columns.time is None else _times(block, columns.time, table)
    order = times if frames is None else frames
    people = _people(block, order) or _people_by_place(raw, order)
    if people is None:
        return placed_in_time(raw, frames, times)
    moments, at = np.unique(np.asarray(order), return_inverse=True)
    raw = _side_by_side(raw, *people, at, len(moments), str(path))
    if frames is None:
        return placed_in_time(raw, None, moments)
    if times is not None:
        raw.fps = raw.fps or fps_from_times(np.unique(times))
    return placed_in_time(raw, moments, None)


def _turns(block: Block, columns: Columns, table: Table) -> np.ndarray | None:
    """How the keypoints' bones are turned (T,N,3), by those that have quaternions; None where none
    has."""
    where = list(columns.keypoints.values())
    turned = [k for k, one in enumerate(where) if QUATERNION[0] in one]
    if not turned:
        return None
    picked = [where[k][key] for k in turned for key in QUATERNION]
    numbers = parse_numbers(block.rows, picked, "", table.decimal_comma, lenient=True)
    found = turns_of(numbers.reshape(len(numbers), len(turned), 4))
    if found is None:
        return None
    turns = np.full((len(numbers), len(where), 3), np.nan, dtype=np.float32)
    turns[:, turned] = found
    return turns


def _without_summaries(block: Block, columns: Columns) -> tuple[Block, list[Decision]]:
    """The block without the rows below it that have a word where others have their frame number or
    time: a mean, a deviation."""
    column = columns.time if columns.frame is None else columns.frame
    if column is None:
        return block, []
    which, texts = block.rows.column(column)
    words = np.array([not (is_numeric(text) or is_blank(text)) for text in texts])[which]
    numbers = np.flatnonzero(~words)
    if not words.any() or len(numbers) < words.sum():
        return block, []
    reason = (
        f"they have no number of a frame: {', '.join(shown(texts[i]) for i in which[words][:4])}"
    )
    said = Decision("rows", f"{words.sum()} left out", "file", reason)
    return replace(block, rows=block.rows.some(numbers.tolist())), [said]


def _column(block: Block, column: int, table: Table) -> np.ndarray:
    return parse_numbers(block.rows, [column], "", table.decimal_comma, lenient=True)[:, 0]


def _frames(block: Block, column: int, table: Table) -> np.ndarray | None:
    """A column of frame numbers (T,), or of the numbers at the end of images' names; None where
    these have none."""
    numbers = _column(block, column, table)
    if np.isfinite(numbers).any():
        return numbers
    which, texts = block.rows.column(column)
    found = [_NUMBER_OF_IMAGE.search(text) for text in texts]
    if not all(found):
        return None
    return np.array([float(one[1]) for one in found if one])[which]


_NUMBER_OF_IMAGE = re.compile(r"(\d{1,9})\D{0,30}$")


def _times(block: Block, column: int, table: Table) -> np.ndarray:
    """A column of times (T,) in any unit; times of the clock in nanoseconds, as half a second from
    row to row would pass for half a millisecond."""
    numbers = _column(block, column, table)
    if np.isfinite(numbers).any():
        return numbers
    which, texts = block.rows.column(column)
    if (coded := timecodes(texts)) is not None:
        return coded[which]
    clock = [seconds_of(row[column]) if column < len(row) else None for row in block.rows]
    found = np.array([np.nan if one is None else one for one in clock])
    return 1e9 * (found - np.nan_to_num(found[0]))


def _people(block: Block, moments: np.ndarray | None) -> tuple[np.ndarray, list[str]] | None:
    """Whose row each is (T,), of a table with a row for each person and frame, and their names;
    None of any other."""
    if moments is None or not np.isfinite(moments).all() or len(np.unique(moments)) == len(moments):
        return None
    labels = [fold(cell) for cell in block.header[-1]] if block.header else []
    for column in (i for i, label in enumerate(labels) if label in PERSON_COLUMNS):
        who, names = block.rows.column(column)
        if 1 < len(names) <= MOST_PEOPLE and _differ(
            who, np.unique(moments, return_inverse=True)[1]
        ):
            return who, names
    return None


def _people_by_place(
    raw: RawTrack, moments: np.ndarray | None
) -> tuple[np.ndarray, list[str]] | None:
    """The same of a table that does not say whose each row is, where several share a moment; None
    where they are of one person."""
    if moments is None or not np.isfinite(moments).all() or (np.diff(moments) < 0).any():
        return None
    found, at, counts = np.unique(moments, return_inverse=True, return_counts=True)
    several = counts.max() <= MOST_PEOPLE and len(found) < len(moments)
    if not several or not are_of_several(raw.positions, at):
        return None
    who, names = told_apart(raw.positions, at)
    return (who, names) if len(names) <= MOST_PEOPLE else None


def _differ(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether no two of the pairs that two arrays (T,) of counts make are the same."""
    return len(np.unique(one * (other.max() + 1) + other)) == len(one)


def _side_by_side(
    raw: RawTrack, who: np.ndarray, everybody: list[str], at: np.ndarray, moments: int, where: str
) -> RawTrack:
    """A track of one row a person and frame, as one with the keypoints of everybody in each
    frame."""
    count = raw.positions.shape[1]
    positions = blank_table((moments, len(everybody), count, 3), raw.positions.size, where)
    positions[at, who] = raw.positions
    confidence = None
    if raw.confidence is not None:
        confidence = np.zeros((moments, len(everybody), count))
        confidence[at, who] = raw.confidence
        confidence = confidence.reshape(moments, -1)
    turns = None
    if raw.turns is not None:
        turns = np.full(positions.shape, np.nan, dtype=np.float32)
        turns[at, who] = raw.turns
        turns = turns.reshape(moments, -1, 3)
    names = [f"{name}:{keypoint}" for name in everybody for keypoint in raw.names or ()]
    positions = positions.reshape(moments, -1, 3)
    return replace(raw, positions=positions, names=names, confidence=confidence, turns=turns)
