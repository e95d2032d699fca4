"""Points that stand apart in JSON and in Python objects, and belong together: of all frames under
each axis or each name, in parts of time, or a record each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .column_words import AXES
from .field_words import WORDS, folded, value_of
from .orders import KNOWN_COUNTS
from .point_forms import (
    LEAST_POINTS,
    NOT_POINTS,
    are_numbers,
    axes_of,
    axis_keys,
    coordinates,
    is_known,
    is_point,
    is_row,
    point_name,
    point_number,
    table_columns,
)


def rows_of_columns(value: dict) -> list | None:
    """[x, y, z] of each point, of an object that lists all x, all y and all z."""
    return rows if (rows := way_of(value)) is not None and len(rows) >= LEAST_POINTS else None


def are_flat_columns(value: dict) -> bool:
    """Whether an object has lists of x and of y, but none of z."""
    keys = {str(key).lower(): key for key in value}
    if not {"x", "y"} <= keys.keys() or "z" in keys:
        return False
    return all(
        (one := _series(value[keys[axis]])) is not None and len(one) >= LEAST_POINTS
        for axis in "xy"
    )


def axes_apart(value: dict) -> np.ndarray | None:
    """Of an object with a table of all x, one of all y and one of all z, the points (T,K,3) of all
    frames."""
    if (keys := axis_keys(value)) is None:
        return None
    tables = [_table_of(value[key]) for key in keys]
    if (
        any(one is None for one in tables)
        or len({one.shape for one in tables if one is not None}) > 1
    ):
        return None
    points = np.stack([one for one in tables if one is not None], axis=2)
    rows, columns = points.shape[:2]
    on_its_side = rows in KNOWN_COUNTS and columns not in KNOWN_COUNTS
    return points.swapaxes(0, 1) if on_its_side else points


def _table_of(value: Any) -> np.ndarray | None:
    """(T,K) of rows of as many numbers each, of which some may be null."""
    if isinstance(value, np.ndarray):
        return value.astype(float) if value.ndim == 2 and value.dtype.kind in "fiu" else None
    rows = value if isinstance(value, list) else []
    if not rows or not all(are_numbers(row) and len(row) == len(rows[0]) for row in rows):
        return None
    try:
        table = np.array([list(row) for row in rows], dtype=float)
    except (TypeError, ValueError, OverflowError):
        return None
    return table if table.ndim == 2 and table.shape[1] >= LEAST_POINTS else None


def trajectories(value: dict) -> dict[int, dict] | None:
    """Of an object that has each keypoint's way by its name, or the columns of a table, the points
    of each frame."""
    value = _by_columns(value) or value
    if (columns := table_columns(value)) is not None:
        columns_of_all = [key for at in columns.values() for key in at.values()]
        series = {key: () if (s := _series(value[key])) is None else s for key in columns_of_all}
        length = set(map(len, series.values()))
        if len(length) != 1 or (frames := length.pop()) < 1:
            return None
        moments = _moments_beside(value, frames)
        return {
            t: {name: [series[at[a]][t] for a in AXES] for name, at in columns.items()}
            | {key: one[t] for key, one in moments.items()}
            for t in range(frames)
        }
    ways = {str(name): way for name, one in value.items() if (way := way_of(one)) is not None}
    if len(ways) < LEAST_POINTS or sum(map(is_known, ways)) < len(ways) / 2:
        return None
    frames = max(map(len, ways.values()))
    moments = _moments_beside(value, frames)
    return {
        t: {name: way[t] if t < len(way) else None for name, way in ways.items()}
        | {key: one[t] for key, one in moments.items()}
        for t in range(frames)
    }


def _moments_beside(value: dict, frames: int) -> dict[str, Sequence]:
    """The numbers and the times of so many frames that stand beside ways, by their fields."""
    found = {}
    for key, one in value.items():
        if folded(key) in _MOMENTS and not isinstance(one, str):
            series = _series(one)
            if series is not None and len(series) == frames:
                found[str(key)] = series
    return found


def records_of_columns(value: dict) -> list[dict] | None:
    """Of a table by columns with a row a keypoint (its name, its frame, x, y and z), an object a
    frame as `records_in_time` makes them; None of any other."""
    value = _by_columns(value) or value
    columns = {key: _cells(one) for key, one in value.items()}
    length = {len(one) for one in columns.values()}
    if len(length) != 1 or not {str(key).lower() for key in columns} >= set(AXES):
        return None
    rows = [dict(zip(columns, cells)) for cells in zip(*columns.values())]
    return records_in_time(rows)


def _cells(column: Any) -> list:
    """A column's cells: a list, an array or an object by the rows' numbers; [] of anything else."""
    if isinstance(column, np.ndarray):
        return column.tolist() if column.ndim == 1 else []
    column = _numbered(column)
    return column if isinstance(column, list) else []


def _by_columns(value: dict) -> dict | None:
    """Of a table that lists its columns' names and its rows apart (pandas, `split`), each column by
    its name."""
    names, rows = value.get("columns"), value.get("data")
    if not isinstance(names, list) or not isinstance(rows, list) or not rows:
        return None
    whole = all(
        (isinstance(row, list) or (isinstance(row, np.ndarray) and row.ndim == 1))
        and len(row) == len(names)
        for row in rows
    )
    return {str(name): [row[i] for row in rows] for i, name in enumerate(names)} if whole else None


def ways_in_list(value: Sequence) -> dict[int, dict] | None:
    """Of a list of objects that each hold a keypoint's name and its way through all frames, the
    points of each frame."""
    if len(value) < LEAST_POINTS or not all(isinstance(one, dict) for one in value):
        return None
    named = {point_name(one): one for one in value}
    if len(named) < len(value) or None in named:
        return None
    ways: dict[str, Any] = {}
    for name, one in named.items():
        inner = [part for key, part in one.items() if not NOT_POINTS.search(str(key)[:80])]
        found = (way for part in (one, *inner) if (way := way_of(part)) is not None)
        way = next(found, None)
        if way is None or len(way) < 2:
            return None
        ways[str(name)] = way
    return trajectories(ways)


def columns_in_list(value: Sequence) -> dict | None:
    """Of a table as a list, its columns by their names: a row of names and then rows (the names may
    be those of points, whose x, y and z then follow one another), or an object a column."""
    if len(value) < LEAST_POINTS:
        return None
    if all(isinstance(one, dict) for one in value):
        return _named_columns(value)
    names, rows = value[0], value[1:]
    if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
        return None
    if not all(isinstance(row, (list, np.ndarray)) for row in rows):
        return None
    if len(names) >= LEAST_POINTS and len(rows[0]) == len(AXES) * len(names):
        names = [f"{name}_{axis}" for name in names for axis in AXES]
    if len(names) < 3 * LEAST_POINTS or any(len(row) != len(names) for row in rows):
        return None
    return {name: [row[i] for row in rows] for i, name in enumerate(names)}


def _named_columns(value: Sequence[dict]) -> dict | None:
    columns: dict[str, Any] = {}
    for one in value:
        found = [part for part in one.values() if isinstance(part, (list, np.ndarray))]
        name = point_name(one)
        if name is None or name in columns or len(found) != 1 or not are_numbers(found[0]):
            return None
        columns[name] = found[0]
    lengths = set(map(len, columns.values()))
    return columns if len(lengths) == 1 and len(columns) >= 3 * LEAST_POINTS else None


def records_in_time(value: Sequence) -> list[dict] | None:
    """Of a list of objects that are a point each, with the number or the time of its frame, an
    object a frame: its number, its time, and the points of each person by name or in order."""
    if len(value) < 2 * LEAST_POINTS or value_of(value[0], _MOMENTS, (int, float, str)) is None:
        return None
    if not all(map(is_point, value[:40])) or not all(isinstance(one, dict) for one in value):
        return None
    frames: dict[Any, dict] = {}
    for one in value:
        moment = value_of(one, _MOMENTS, (int, float, str))
        name = point_name(one) or point_number(one)
        place = coordinates(one)
        if moment is None or name is None or place is None:
            return None
        frame = frames.setdefault(moment, {"people": {}})
        for kind in ("numbers", "times"):
            if (said := value_of(one, WORDS[kind], (int, float, str))) is not None:
                frame[WORDS[kind][0]] = said
        who = value_of(one, _WHOSE, (int, str))
        person = frame["people"].setdefault(str(who), {})
        person.setdefault(name, place)
    if len(frames) < 2 or len(frames) > len(value) / 2:
        return None
    for frame in frames.values():
        people = frame["people"].items()
        frame["people"] = [
            {"points": _in_turn(points), **({} if who == "None" else {"id": who})}
            for who, points in people
        ]
    return list(frames.values())


_MOMENTS = (*WORDS["numbers"], *WORDS["times"])
_WHOSE = (
    *(word for word in WORDS["ids"] if word not in WORDS["point numbers"]),
    *("person", "subject", "body", "user"),
)


def _in_turn(points: dict) -> dict | list:
    """Points by name, or by their numbers as objects that say them."""
    if all(isinstance(name, str) for name in points):
        return points
    return [{"index": number, "position": list(place)} for number, place in points.items()]


def parts_in_time(value: Sequence) -> dict[int, dict] | None:
    """Of a list of names with the parts of their ways (Qualisys), the points of each frame."""
    if not all(isinstance(one, dict) and "Parts" in one and point_name(one) for one in value):
        return None
    frames: dict[int, dict] = {}
    for one in value:
        for part in one["Parts"] if isinstance(one["Parts"], list) else []:
            begin = part.get("Range", {}).get("Start", 0) if isinstance(part, dict) else None
            values = part.get("Values") if isinstance(part, dict) else None
            if not isinstance(begin, int) or not isinstance(values, (list, np.ndarray)):
                continue
            for t, point in enumerate(values, begin):
                if _is_place(point):
                    frames.setdefault(t, {})[point_name(one)] = list(point)[:3]
    return {t: frames[t] for t in sorted(frames)} or None


def _is_place(point: Any) -> bool:
    """Whether a part's row is a place, alone, with its residual, or with a segment's quaternion."""
    placed = isinstance(point, (list, tuple, np.ndarray)) and len(point) in (3, 4, 7)
    return placed and are_numbers(point)


def _series(value: Any) -> Sequence | None:
    """One number a frame: a list, or an object by the row's number (pandas)."""
    value = _numbered(value)
    if isinstance(value, np.ndarray):
        return value.tolist() if are_numbers(value) else None
    return value if are_numbers(value) else None


def _numbered(value: Any) -> Any:
    """An object's values in turn, where its keys number them; anything else as it is."""
    if not isinstance(value, dict):
        return value
    return list(value.values()) if value and all(str(key).isdigit() for key in value) else None


def way_of(value: Any) -> list | None:
    """[x, y, z] a frame: rows, lists under x, y and z, or either as a point's position."""
    value = value if (rows := _numbered(value)) is None else rows
    if isinstance(value, dict):
        keys = axis_keys(value) or ()
        lists = [one for key in keys if (one := _series(value[key])) is not None]
        if len(lists) == len(AXES):
            return [list(row) for row in zip(*lists)]
        places = (one for key, one in value.items() if folded(key) in WORDS["positions"])
        return next((way for one in places if (way := way_of(one)) is not None), None)
    if isinstance(value, np.ndarray):
        value = value.tolist() if value.ndim == 2 and value.shape[1] in (3, 4) else None
    if not isinstance(value, (list, tuple)) or not value:
        return None
    some = [one for one in value[:8] if one is not None]
    if some and all(isinstance(one, dict) and axes_of(one) is not None for one in some):
        return [axes_of(one) if isinstance(one, dict) else None for one in value]
    return list(value) if some and all(is_row(one) for one in some) else None
