"""What several rows above a table's numbers say together: names and axes one below the other,
among others of subjects, kinds (Position, Rotation) and units (Motive, Vicon, DeepLabCut, SLEAP);
or names that stand for three columns each (QTM, TotalCapture).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from .column_labels import Label
from .column_words import (
    AXES,
    KINDS,
    NAMES_ROW,
    OTHER,
    POSITION,
    SUBJECT_ROW,
    TURNING,
    UNITS,
    axis_of,
    is_frame,
    is_other,
    is_time,
    is_turn,
    quaternion_key,
    unit_word,
)
from .keypoint_names import fold
from .rows import is_number
from .tables import Block

_IDENTITY = re.compile(r"[0-9a-f-]{16,}", re.I)
"""What a program numbers its own objects by."""


def by_rows(block: Block) -> list[Label]:
    """Of a row of axes and those of names, subjects, kinds and units around it; nothing where there
    is no such row."""
    header = block.header
    at = next((i for i in reversed(range(len(header))) if _is_axis_row(header[i])), None)
    if at is None:
        return []
    width = len(header[at])
    axes = [axis_of(cell) for cell in header[at]]
    above, below = (
        [(next(filter(None, row), ""), filled_forward(undoubled(row), width)) for row in part]
        for part in (header[:at], header[at + 1 :])
    )
    rows = above
    kinds = next((row for _, row in reversed(rows) if _are(row, POSITION | OTHER, 2)), None)
    types = next(
        (row for _, row in reversed(rows) if _are(row, frozenset(map(str.lower, KINDS)), 2, fold)),
        None,
    )
    units = next((row for row in (*header[at + 1 :], *header[:at]) if _is_unit_row(row)), [])
    usable = [bool(key) for key in axes]
    turning = [""] * width
    if kinds is not None:
        of_turns = [kind.lower() in TURNING for kind in kinds]
        turning = [quaternion_key(cell) if of else "" for cell, of in zip(header[at], of_turns)]
        usable = [ok and (kind.lower() in POSITION or not kind) for ok, kind in zip(usable, kinds)]
    if types is not None:
        type_ = next((t for t in KINDS if t in set(map(fold, types))), None)
        usable = [ok and fold(cell) in (type_, "") for ok, cell in zip(usable, types)]
    for _, row in rows:
        # A title above some columns says what they are of: "Joint Angle" beside "Joint Coordinate".
        if sum(map(is_other, row)) < width:
            usable = [ok and not is_other(cell) for ok, cell in zip(usable, row)]
    for column, unit in enumerate(units[:width]):
        usable[column] = usable[column] and (not unit or unit_word(unit) in UNITS)

    named = [
        (first, row)
        for first, row in rows
        if row is not kinds and row is not types and len(set(row)) > 1
    ]
    named = named if _names_row(named, axes, usable) else below
    names = _names_row(named, axes, usable)
    if names is None:
        return []
    names = _with_subjects(names, named, axes, usable)
    return [
        Label(
            name,
            key if ok else turn,
            unit_word(units[i]) if i < len(units) and units[i] else None,
            name,
        )
        for i, (name, key, turn, ok) in enumerate(zip(names, axes, turning, usable))
    ]


def _is_axis_row(row: Sequence[str]) -> bool:
    filled = [cell for cell in row if cell and not is_turn(cell)]
    axes = [cell for cell in filled if axis_of(cell) in AXES]
    return (
        len(axes) >= 3
        and len(axes) >= 0.4 * len(filled)
        and len(axes) + 3 >= sum(map(_is_short, filled)) * 0.5
    )


def _is_short(cell: str) -> bool:
    return len(cell) <= 12


def filled_forward(cells: Sequence[str], width: int) -> list[str]:
    """Names that stand only over the first of their columns, repeated over the others."""
    names, last = [], ""
    for i in range(width):
        last = (cells[i] if i < len(cells) else "") or last
        names.append(last)
    return names


def undoubled(row: Sequence[str]) -> Sequence[str]:
    """A row without the numbers that pandas puts behind names that are there again: `nose`,
    `nose.1`, `nose.2`."""
    there = set(row)
    if len(there) < len(row) - row.count(""):
        return row
    found = [_AGAIN.fullmatch(cell) for cell in row]
    return [one[1] if one and one[1] in there else cell for one, cell in zip(found, row)]


_AGAIN = re.compile(r"(.{1,120})\.\d{1,3}")


def _are(row: Sequence[str], words: frozenset[str], least: int, folded=None) -> bool:
    """Whether the cells of a row, save a label at its beginning, are all among some words."""
    cells = [(folded(cell) if folded else cell).lower() for cell in row[1:] if cell]
    known = [cell for cell in cells if cell in words]
    return len(known) >= least and len(known) >= 0.9 * len(cells)


def _is_unit_row(row: Sequence[str]) -> bool:
    words = [unit_word(cell) for cell in row if cell]
    return (
        len(words) >= 3
        and sum(len(word) <= 5 for word in words) == len(words)
        and not UNITS.isdisjoint(words)
    )


def _names_row(
    rows: list[tuple[str, list[str]]], axes: list[str], usable: list[bool]
) -> list[str] | None:
    """The row whose names have an x, a y and a z each: one that says that it is names, else the
    nearest of the best."""

    def complete(row: list[str]) -> int:
        seen: dict[str, set[str]] = {}
        for name, key, ok in zip(row, axes, usable):
            if ok and name:
                seen.setdefault(name, set()).add(key)
        return sum(keys >= set(AXES) for keys in seen.values())

    scored = [
        (fold(first) in NAMES_ROW, complete(row), i)
        for i, (first, row) in enumerate(rows)
        if not all(map(_IDENTITY.fullmatch, filter(None, row)))
    ]
    scored = [score for score in scored if score[1]]
    return rows[max(scored)[2]][1] if scored else None


def _with_subjects(names: list[str], rows, axes: list[str], usable: list[bool]) -> list[str]:
    """The names with their subject before them, where several have the same keypoints."""
    uses = Counter((name, key) for name, key, ok in zip(names, axes, usable) if ok)
    if max(uses.values(), default=0) < 2:
        return names
    for first, row in rows:
        if row is not names and (
            fold(first) in SUBJECT_ROW or 1 < len(set(row[1:])) < len(set(names))
        ):
            both = Counter(
                (who, name, key) for who, name, key, ok in zip(row, names, axes, usable) if ok
            )
            if max(both.values()) == 1:
                return [f"{who}:{name}" for who, name in zip(row, names)]
    return names


def by_names_alone(block: Block) -> list[Label]:
    """Of a row of names, each of which stands for the next three columns; nothing where there is
    none."""
    width = block.width
    for row in reversed(block.header):
        if block.triples and len(row) >= width - 3 and len(set(filter(None, row))) >= 3:
            return [
                Label(text=name)
                if is_frame(name) or is_time(name)
                else Label(name, AXES[i % 3], None, name)
                for i, name in enumerate(row[:width])
            ]
        for cells in (row[1:], row):
            cells = [cell for cell in cells if cell]
            lead = width - 3 * len(cells)
            if (
                len(cells) >= 4
                and 0 <= lead <= 2
                and len(set(cells)) > len(cells) / 2
                and not any(map(is_number, cells))
            ):
                named = [Label(name, axis, None, name) for name in cells for axis in AXES]
                return [Label()] * lead + named
    return []
