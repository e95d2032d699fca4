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
    RATE,
    is_frame,
    is_time,
)
from .header_rows import by_names_alone, by_rows
from .keypoint_names import fold
from .rows import is_number
from .tables import Block

_COMMENT_RATE = re.compile(
    r"(?:fps|frame ?rate|sampl\w+ rate|frequency|hz)\W{0,4}(\d{1,6}(?:\.\d{1,6})?)", re.I
)


@dataclass(frozen=True)
class Columns:
    """Of each keypoint, by name, the column of its x, y, z and, where there is one, its confidence
    (c).

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
    among = by_names_among_axes(block.header)
    return among if len(_complete(among)) > len(_complete(found)) else found


def _complete(labels: Sequence[Label]) -> dict[str, dict[str, int]]:
    """Of each keypoint that has an x, a y and a z, by name, the columns of these and of its
    confidence."""
    found: dict[str, dict[str, int]] = {}
    for column, label in enumerate(labels):
        if label.name and label.key:
            found.setdefault(label.name, {}).setdefault(label.key, column)
    return {name: where for name, where in found.items() if where.keys() >= set(AXES)}


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
    """The cell after the first of some keys that there is."""
    found = {
        fold(cell).removesuffix("HZ"): value
        for row in reversed(header)
        for cell, value in zip(row, row[1:])
        if value and len(cell) < 40
    }
    return next((found[key] for key in keys if key in found), None)


def _rate(header: Sequence[Sequence[str]], comments: Sequence[str]) -> float | None:
    """Frames a second: beside a word for it, as a number alone in its row (Vicon), or in a
    comment."""
    beside = _stated(header, RATE)
    alone = [filled[0] for row in header if len(filled := [cell for cell in row if cell]) == 1]
    in_comments = [
        found[1] for line in comments[:20] if (found := _COMMENT_RATE.search(line[:LONGEST_LABEL]))
    ]
    for text in (beside, *alone[:4], *in_comments):
        if text and is_number(text) and 0 < float(text) <= 1e5:
            return float(text)
    return None
