"""Tables with one number a row, as statistics programs keep them ("tidy", "melted"): frame,
keypoint, axis, value, or frame, variable, value with variables such as `nose_x`.
"""

from __future__ import annotations

from collections.abc import Sequence

from .column_words import AXES, POINT_COLUMNS, is_frame, is_time
from .keypoint_names import fold
from .raw import check_blank

VALUE = frozenset(("VALUE", "VALUES", "VAL", "COORDINATEVALUE"))
VARIABLE = frozenset(("VARIABLE", "CHANNEL", "COLUMN", "FEATURE", "MEASURE", "KEY", "SIGNAL"))
AXIS = frozenset(("AXIS", "COORD", "COORDS", "COORDINATE", "DIM", "DIMENSION", "COMPONENT"))
MOST_COLUMNS = 20_000
_MOST_LABELS = 12
"""Of a melted table; others have hundreds."""


def unmelted(lines: Sequence[str], where: str) -> list[str] | None:
    """The lines of the wide table, a row a frame, of those of a melted one; None of any other.
    Raises `KeypointFileError` where nearly all of that table would be blank."""
    header = next((line for line in lines if line.strip()), "")
    separator = next((sign for sign in ",;\t" if sign in header), "")
    if not separator or header.count(separator) >= _MOST_LABELS:
        return None
    labels = [fold(cell) for cell in header.split(separator)]
    value = _first(labels, VALUE)
    name = _first(labels, VARIABLE | POINT_COLUMNS)
    axis = _first(labels, AXIS)
    moment = next((i for i, one in enumerate(labels) if is_frame(one) or is_time(one)), None)
    if value is None or name is None or moment is None:
        return None

    frames: dict[str, dict[str, str]] = {}
    columns: dict[str, int] = {}
    for line in lines[lines.index(header) + 1 :]:
        cells = [cell.strip(' "') for cell in line.split(separator)]
        if len(cells) != len(labels):
            continue
        label = cells[name] if axis is None else f"{cells[name]}_{cells[axis].lower()}"
        columns.setdefault(label, len(columns))
        frames.setdefault(cells[moment], {}).setdefault(label, cells[value])
        if len(columns) > MOST_COLUMNS:
            return None
    if not {label[-1:].lower() for label in columns} >= set(AXES):
        return None
    check_blank((len(frames), len(columns)), sum(map(len, frames.values())), where)
    head = separator.join([labels[moment], *columns])
    rows = (separator.join([at, *(one.get(c, "") for c in columns)]) for at, one in frames.items())
    return [head, *rows]


def _first(labels: Sequence[str], words: frozenset[str]) -> int | None:
    return next((i for i, label in enumerate(labels) if label in words), None)
