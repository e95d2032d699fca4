"""Tables with one row a keypoint: `frame,keypoint,x,y,z`, of one person or several."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from ..errors import KeypointFileError
from .column_words import CONFIDENCE, PERSON_COLUMNS, POINT_COLUMNS, is_frame, is_time
from .keypoint_names import fold
from .people import are_of_several, told_apart
from .raw import RawTrack, blank_table
from .rows import Rows, parse_numbers
from .table_refusals import FEWEST
from .tables import Block, Table, is_numeric
from .times import fps_from_times, placed_in_time

MOST_PEOPLE = 100


def is_long(block: Block) -> bool:
    """Whether a block has a column of keypoints' names and one each of x, y and z."""
    labels = _labels(block)
    return not POINT_COLUMNS.isdisjoint(labels) and {"X", "Y", "Z"} <= set(labels)


def unlabelled(block: Block) -> list[str] | None:
    """The labels of a table that has none, whose rows are a frame's number, a keypoint's name and
    x, y and z; None of any other."""
    if len(block.rows) < FEWEST or len(block.rows[0]) < 5 or is_numeric(block.rows[0][1]):
        return None
    first = block.rows[0]
    if not all(map(is_numeric, (first[0], *first[2:5]))) or len(block.rows.column(1)[1]) < FEWEST:
        return None
    return ["frame", "keypoint", *"xyz", *(f"other {i}" for i in range(len(first) - 5))]


def _labels(block: Block) -> list[str]:
    """The labels of the columns, folded; those of positions as X, Y and Z."""
    labels = [fold(cell) for cell in block.header[-1]] if block.header else []
    return [found[1] if (found := _LONG_AXIS.fullmatch(label)) else label for label in labels]


_LONG_AXIS = re.compile(
    r"(?:POSITION|POS|WORLD|HEAD|P|LANDMARK|JOINT|KEYPOINT|POINT)?([XYZ])(?:M|CM|MM|POSITION|POS|WORLD)?"
)


def _ungrouped(block: Block) -> Block:
    """A block with one keypoint a row, of one whose rows hold several, each led by its name: below
    labels that repeat (Joint, X, Y, Z, Joint, X, ...), or that stand once for all."""
    labels = _labels(block)
    first = next(i for i, label in enumerate(labels) if label in POINT_COLUMNS)
    repeated = [i for i, label in enumerate(labels) if label == labels[first]]
    size = repeated[1] - first if len(repeated) > 1 else len(labels) - first
    widest = max(block.rows.widths, default=0)
    if not set("XYZ").issubset(labels[: first + size]):
        return block
    if widest < first + 2 * size or (len(repeated) == 1 and (widest - first) % size):
        return block
    lines = [
        _UNIT_SEPARATOR.join(cells[:first] + cells[at : at + size])
        for cells in block.rows
        for at in range(first, len(cells) - size + 1, size)
    ]
    rows = Rows(lines, lambda line: line.split(_UNIT_SEPARATOR))
    for at in range(len(lines)):
        rows.append(at, first + size)
    header = [row[: first + size] for row in block.header]
    return replace(block, header=header, rows=rows)


_UNIT_SEPARATOR = "\x1f"


def read_long(block: Block, table: Table, where: str) -> RawTrack:
    block = _ungrouped(block)
    labels = _labels(block)
    frame, time = (
        next((i for i, cell in enumerate(block.header[-1]) if wanted(cell)), None)
        for wanted in (is_frame, is_time)
    )
    if frame is None and time is None:
        raise KeypointFileError(
            f"{where}: a table with one keypoint a row needs a frame or time column; it has: "
            f"{', '.join(block.header[-1])[:200]}"
        )

    # A column for the keypoint's name rather than its number; then of whom, and how sure.
    name_column = min(
        (i for i, label in enumerate(labels) if label in POINT_COLUMNS),
        key=lambda i: "ID" in labels[i] or "INDEX" in labels[i],
    )
    person_column = next(
        (i for i, label in enumerate(labels) if label in PERSON_COLUMNS and i != name_column), None
    )
    confidence_column = next(
        (i for i, label in enumerate(labels) if label.lower() in CONFIDENCE), None
    )

    # Rows that have them all, as numbers.
    picked = [labels.index(axis) for axis in "XYZ"] + [
        c for c in (confidence_column, frame, time) if c is not None
    ]
    width = max(*picked, name_column) + 1
    rows = block.rows.some(np.flatnonzero(np.asarray(block.rows.widths) >= width).tolist())
    if not len(rows):
        raise KeypointFileError(
            f"{where}: no row has all of the columns {', '.join(block.header[-1])[:200]}"
        )
    numbers = parse_numbers(rows, picked, where, table.decimal_comma)

    # A row of the table is one keypoint at one moment.
    key = numbers[:, 3 + (confidence_column is not None)]
    moments, t = np.unique(key, return_inverse=True)
    k, names = _keypoints(rows, name_column, person_column)
    k, names = _several_without_names(numbers[:, :3], t, k, names, where)
    positions = blank_table((len(moments), len(names), 3), 3 * len(rows), where)
    # Of a keypoint that is given twice in a frame the first counts.
    positions[t[::-1], k[::-1]] = numbers[::-1, :3]
    confidence = None
    if confidence_column is not None:
        confidence = np.zeros((len(moments), len(names)))
        confidence[t[::-1], k[::-1]] = numbers[::-1, 3]

    raw = RawTrack(positions, names, confidence)
    if frame is None:
        return placed_in_time(raw, None, moments)
    if time is not None:
        raw.fps = fps_from_times(np.unique(numbers[:, -1]))
    return placed_in_time(raw, moments, None)


def _several_without_names(
    points: np.ndarray, t: np.ndarray, k: np.ndarray, names: list[str], where: str
) -> tuple[np.ndarray, list[str]]:
    """Which keypoint each row (R,) is of, and their names, as they are or, where each keypoint is
    there several times in a moment at places apart, those of several people.

    points (R,3); t, k (R,): each row's moment and keypoint.
    """
    order = np.lexsort((np.arange(len(t)), k, t))
    pairs = t[order] * len(names) + k[order]
    starts = np.flatnonzero(np.concatenate([[True], np.diff(pairs) != 0]))
    nth = np.empty_like(t)
    nth[order] = np.arange(len(t)) - np.repeat(starts, np.diff([*starts, len(t)]))
    most = int(nth.max(initial=0)) + 1
    if not 1 < most <= MOST_PEOPLE or len(starts) > 0.9 * len(t):
        return k, names
    shape = (int(t.max()) + 1, most, len(names), 3)
    each = blank_table(shape, 3 * len(t), where)
    each[t, nth, k] = points
    seen = np.isfinite(each).all(axis=3).any(axis=2)
    at = np.repeat(np.arange(len(seen)), seen.sum(axis=1))
    if not are_of_several(each[seen], at):
        return k, names
    who = np.zeros(seen.shape, dtype=np.int64)
    who[seen], everybody = told_apart(each[seen], at)
    if len(everybody) > MOST_PEOPLE:
        return k, names
    named = [f"{person}:{name}" for person in everybody for name in names]
    return who[t, nth] * len(names) + k, named


def _keypoints(
    rows: Rows, name_column: int, person_column: int | None
) -> tuple[np.ndarray, list[str]]:
    """Which keypoint each row is of (T,), and their names; those of several people are told apart
    by whose they are."""
    which, names = rows.column(name_column)
    who, people = (None, []) if person_column is None else rows.column(person_column)
    if who is None or not 1 < len(people) <= MOST_PEOPLE:
        return which, names
    pairs, first, of_pair = np.unique(
        who * len(names) + which, return_index=True, return_inverse=True
    )
    in_order = np.argsort(first)
    place = np.empty_like(in_order)
    place[in_order] = np.arange(len(in_order))
    named = [f"{people[pair // len(names)]}:{names[pair % len(names)]}" for pair in pairs[in_order]]
    return place[np.ravel(of_pair)], named
