"""Names above a table's numbers that stand for several columns each, without a word of which:
places, places with quaternions, and matrices, which the numbers tell apart (Theia's 4x4 of each
segment, by way of Visual3D).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

import numpy as np

from .column_labels import Label
from .column_words import AXES, is_frame, is_other, is_time
from .header_rows import filled_forward, undoubled
from .raw import FARTHEST_NUMBER
from .rows import is_number, parse_numbers
from .tables import Block

FEWEST = 5
"""Names from which on they are taken for those of points."""
_LOOKED_AT = 40
_UNIT = 1e-2
"""By how much the length of a quaternion may be off 1."""
_ELEMENT = re.compile(r"(.+?)[\s_.\-\[(]*\d{1,2}(?:[,_]\d)?[\])]?")
"""The name of a matrix before the number of its element: `pelvis_4X4_00`, `pelvis[15]`."""


def by_repeated_names(block: Block) -> list[Label]:
    """Of a row in which each name stands for as many columns; nothing where there is none, or its
    numbers are no places."""
    for row in reversed(block.header):
        cells = filled_forward(undoubled(row), block.width)
        for names in (cells, [_stem(cell) for cell in cells]):
            if labels := _of_runs(names, block):
                return labels
    return []


def _stem(cell: str) -> str:
    found = _ELEMENT.fullmatch(cell[:120])
    return found[1] if found else cell


def _of_runs(names: Sequence[str], block: Block) -> list[Label]:
    runs = [(name, len(list(same))) for name, same in groupby(names)]
    while runs and (runs[0][1] <= 2 or _leads(runs[0][0])):
        runs.pop(0)
    sizes = {size for _, size in runs}
    if len(runs) < FEWEST or len(sizes) > 1 or len({name for name, _ in runs}) < len(runs):
        return []
    size, lead = sizes.pop(), len(names) - sum(length for _, length in runs)
    if any(is_number(name) or is_other(name) or not name for name, _ in runs):
        return []
    some = block.rows.some(range(min(len(block.rows), _LOOKED_AT)))
    numbers = parse_numbers(some, range(lead, len(names)), "", lenient=True)
    places = _places_in(numbers.reshape(len(some), len(runs), size))
    if places is None:
        return []
    labels = [Label(text=name) for name in names]
    for i, (name, _) in enumerate(runs):
        for axis, at in zip(AXES, places):
            labels[lead + i * size + at] = Label(name, axis, None, name)
    return labels


def _leads(name: str) -> bool:
    return not name or is_frame(name) or is_time(name)


def _places_in(numbers: np.ndarray) -> tuple[int, int, int] | None:
    """Which of the numbers (T,K,n) of each name are x, y and z; None where that is not sure."""
    size = numbers.shape[2]
    known = numbers[(np.abs(numbers) < FARTHEST_NUMBER).all(axis=2)]
    if not len(known):
        return None
    if size == 3:
        return 0, 1, 2
    if size == 7:
        for place, turn in (((0, 1, 2), slice(3, 7)), ((4, 5, 6), slice(0, 4))):
            if np.abs(np.linalg.norm(known[:, turn], axis=1) - 1).max() < _UNIT:
                return place
    if size in (16, 17):  # the seventeenth is how sure a segment is
        affine = (0.0, 0.0, 0.0, 1.0)
        if (known[:, 12:16] == affine).all():
            return 3, 7, 11
        if (known[:, 3:16:4] == affine).all():
            return 12, 13, 14
    return None
