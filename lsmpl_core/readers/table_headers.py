"""What the rows of words above a table's numbers say: which columns are which keypoint's x, y and
z, in which unit, and at which rate.

In one row (`column_labels.py`) or in several (`header_rows.py`). Columns of anything else are set
aside.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .column_labels import Label, by_labels, by_names_among_axes, by_numbers
from .column_words import (
    AXES,
    LENGTH_UNIT,
    LONGEST_LABEL,
    NAMES_ROW,
    QUATERNION,
    RATE,
    STEP,
    is_frame,
    is_time,
)
from .differing_labels import FEWEST, by_what_differs
from .header_rows import by_names_alone, by_rows
from .keypoint_names import fold
from .repeated_names import by_repeated_names
from .rows import is_number
from .tables import Block

_COMMENT_RATE = re.compile(
    r"(?:fps|frame ?rate|sampl\w+ rate|frequency|hz)\W{0,4}(\d{1,6}(?:\.\d{1,6})?)", re.I
)


@dataclass(frozen=True)
class Columns:
    """Of each keypoint, by name, the column of its x, y, z and, where there are some, its
    confidence (c) and the quaternion by which its bone is turned (`QUATERNION`).

    frame, time: the columns of frame numbers and times. unit and rate: where the header states
    them. aside: labels of the columns that are of no keypoint.
    """

    keypoints: dict[str, dict[str, int]]
    unit: str | None = None
    rate: float | None = None
    frame: int | None = None
    time: int | None = None
    aside: tuple[str, ...] = ()


def columns_of(block: Block, comments: Sequence[str] = ()) -> Columns:
    """What a block's header says; `keypoints` is empty where it tells of none."""
    labels = labels_of(block)
    keypoints = _complete(labels)
    used = {column for where in keypoints.values() for column in where.values()}
    leads = [_lead(block.header, wanted) for wanted in (is_frame, is_time)]
    frame, time = (None if column in used else column for column in leads)
    aside = [label.text for column, label in enumerate(labels) if column not in used and label.text]
    aside = [text for text in dict.fromkeys(aside) if not _is_lead(text[:LONGEST_LABEL])]
    unit = next(
        (label.unit for column, label in enumerate(labels) if column in used and label.unit), None
    )
    return Columns(
        keypoints,
        unit or _stated(block.header, LENGTH_UNIT),
        _rate(block.header, comments),
        frame,
        time,
        tuple(aside),
    )


def _is_lead(label: str) -> bool:
    """Whether a label is of what stands before the points: nothing that is worth a word."""
    own = label.split(":")[-1]
    return is_frame(own) or is_time(own) or fold(own) in NAMES_ROW | {"SUBFRAME", "ID", ""}


def labels_of(block: Block) -> list[Label]:
    """What each column of a block is."""
    found = by_rows(block) or by_names_alone(block) or by_labels(block.header)
    found = found if any(label.key for label in found) else by_numbers(block.header) or found
    found = max(found, by_names_among_axes(block.header), key=_count)
    if _count(found) >= FEWEST:
        return found
    return max(found, by_what_differs(block.header), by_repeated_names(block), key=_count)


def _count(labels: Sequence[Label]) -> int:
    return len(_complete(labels))


def _complete(labels: Sequence[Label]) -> dict[str, dict[str, int]]:
    """Of each keypoint that has an x, a y and a z, by name, the columns of these, of its confidence
    and of a quaternion, where that is whole."""
    found: dict[str, dict[str, int]] = {}
    for column, label in enumerate(labels):
        if label.name and label.key:
            found.setdefault(label.name, {}).setdefault(label.key, column)
    return {
        name: where
        if where.keys() >= set(QUATERNION)
        else {key: column for key, column in where.items() if key not in QUATERNION}
        for name, where in found.items()
        if where.keys() >= set(AXES)
    }


def _lead(header: Sequence[Sequence[str]], wanted: Callable[[str], bool]) -> int | None:
    """The column of frame numbers or of times, by its label in the last rows."""
    cells = [
        (i, cell)
        for row in reversed(header[-4:])
        for i, cell in enumerate(row[:12])
        if len(cell) < 40
    ]
    return next((i for i, cell in cells if wanted(cell)), None)


def _stated(header: Sequence[Sequence[str]], keys: Sequence[str]) -> str | None:
    """The cell after the first of some keys that there is, or what stands behind it in its own cell
    (`fps: 60`)."""
    found = {
        fold(_BRACKETS.sub("", cell)).removesuffix("HZ"): value
        for row in reversed(header)
        for cell, value in (*map(_own_value, row), *zip(row, row[1:]))
        if value and len(cell) < 40
    }
    return next((found[key] for key in keys if key in found), None)


def _own_value(cell: str) -> tuple[str, str]:
    """A key and its value that share a cell; "" for both of any other."""
    key, sign, value = cell[:LONGEST_LABEL].partition("=" if "=" in cell else ":")
    return (key, value.strip()) if sign else ("", "")


def _rate(header: Sequence[Sequence[str]], comments: Sequence[str]) -> float | None:
    """Frames a second: beside a word for it or for a frame's time, as a number alone in its row
    (Vicon), or in a comment."""
    beside, step = _stated(header, RATE), _number_in(_stated(header, STEP))
    alone = [filled[0] for row in header if len(filled := [cell for cell in row if cell]) == 1]
    in_comments = [
        found[1] for line in comments[:20] if (found := _COMMENT_RATE.search(line[:LONGEST_LABEL]))
    ]
    rates = [_number_in(beside), *(float(text) for text in alone[:4] if is_number(text))]
    rates += [1 / step if step else None, *map(float, in_comments)]
    return next((rate for rate in rates if rate and 0 < rate <= 1e5), None)


def _number_in(text: str | None) -> float | None:
    """The number that a cell begins with, where nothing but a unit follows it: `120 Hz`."""
    found = _NUMBER_AND_UNIT.fullmatch((text or "")[:40])
    return float(found[1]) if found else None


_BRACKETS = re.compile(r"\s*[\[(][^\])]{0,20}[\])]\s*")
_NUMBER_AND_UNIT = re.compile(
    r"\s*(\d{1,9}(?:\.\d{1,12})?(?:e-?\d{1,2})?)\s*(?:hz|fps|s|sec|seconds|frames?/s\w*)?\s*", re.I
)
