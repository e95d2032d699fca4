"""Labels above a table's columns that differ in an axis alone, wherever it stands in them: `xNose`,
`NOSEX`, `Tx_nose`, `nose>x`, `nose_x_p1`, `Nose_Xposition`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..keypoints.words import words_of
from .column_labels import Label, without_place
from .column_words import AXES, LONGEST_LABEL, OTHER, POSITION, UNIT_WORDS

FEWEST = 5
"""Keypoints from which on labels are taken for those of keypoints."""
_MOST_COLUMNS, _MOST_LETTERS = 20_000, 8
"""Of a row, and letters x, y and z of a label: the axis is looked for at each."""
_PIECES = re.compile(r"[\W_]+")
_TURNED = re.compile(
    r"(?:^|[^a-zA-Z])(?:[qrwQRW]|[Rr]ot|ROT|[Qq]uat)$|(?<=[a-z])(?:[QRW]|Rot|Quat)$"
)
"""What stands before the axis of a rotation: `Hips_rx`, `QX`."""


def by_what_differs(header: Sequence[Sequence[str]]) -> list[Label]:
    """Of one row of labels; nothing where no row tells of some keypoints."""
    rows = [_of_row([cell[:LONGEST_LABEL] for cell in row]) for row in header[-3:]]
    best = max(rows, key=_keypoints, default=[])
    return best if _keypoints(best) >= FEWEST else []


def _keypoints(labels: Sequence[Label]) -> int:
    return sum(label.key == "z" for label in labels)


def _of_row(cells: Sequence[str]) -> list[Label]:
    # What is left of each label without one letter x, y or z, and the columns of the three.
    found: dict[tuple[str, str, bool], dict[str, int]] = {}
    for column, cell in enumerate(cells[:_MOST_COLUMNS]):
        places = [at for at, letter in enumerate(cell) if letter in "xyzXYZ"]
        for at in places if len(places) <= _MOST_LETTERS else ():
            rest = (cell[:at], cell[at + 1 :], cell[at].isupper())
            found.setdefault(rest, {}).setdefault(cell[at].lower(), column)

    labels = [Label(text=cell) for cell in cells]
    for (before, after, _), columns in found.items():
        name, unit = _named(before, after)
        if columns.keys() == set(AXES) and name and not _TURNED.search(before):
            for axis, column in columns.items():
                labels[column] = Label(name, axis, unit, cells[column])
    return labels


def _named(before: str, after: str) -> tuple[str, str | None]:
    """The keypoint's name in what stands around an axis, without the words for places and units,
    and its unit; "" where it is of no place."""
    pieces = [piece for part in (before, after) for piece in _PIECES.split(part) if piece]
    words = {word for piece in pieces for word in (piece.lower(), *words_of(piece))}
    if OTHER & words:
        return "", None
    kept = [piece for piece in pieces if piece.lower() not in POSITION | UNIT_WORDS.keys()]
    unit = next((UNIT_WORDS[p.lower()] for p in pieces if p.lower() in UNIT_WORDS), None)
    return "_".join(map(without_place, kept)), unit
