"""What points look like in JSON and in Python objects: rows, flat numbers, objects with x, y and z,
by name or in order; and each name's way through all frames.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any

import numpy as np

from .bones import joint_of
from .column_words import AXES
from .field_words import WORDS, folded, value_of
from .keypoint_names import canonical_names
from .markers import known_markers
from .table_headers import columns_of
from .tables import Block

LEAST_POINTS = 5
NOT_POINTS = re.compile(
    r"2d|bbox|box|rot(?!o)|orientation|quat|score|confidence|velocity|vert|mesh|covariance|betas|"
    r"params|shape|local|image|pixel|color|colour|scale|normal|angle|heat|limb|edge|bonelist",
    re.I,
)
"""Fields of numbers in threes and fours that are no places in space."""
THREE_D = re.compile(r"3d|xyz|world", re.I)
USUAL = re.compile(
    r"joint|keypoint|landmark|point|position|skeleton|bone|marker|pose|kpt|jts", re.I
)


def is_rows(value: Sequence) -> bool:
    """Whether a list is points: rows of three or four numbers, or objects that are points."""
    if len(value) < LEAST_POINTS:
        return False
    some = [one for one in value[:40] if one is not None]
    return bool(some) and (all(_is_row(one) for one in some) or all(map(is_point, some)))


def _is_row(one: Any) -> bool:
    return isinstance(one, (list, tuple)) and len(one) in (3, 4) and are_numbers(one)


def are_numbers(value: Any) -> bool:
    """Whether a list or an array holds numbers, of which some may be null."""
    if isinstance(value, np.ndarray):
        return value.ndim == 1 and value.dtype.kind in "fiu"
    return isinstance(value, (list, tuple)) and all(
        one is None or (isinstance(one, (int, float)) and not isinstance(one, bool))
        for one in value[:8]
    )


def is_flat_pose(length: int, key: str) -> bool:
    usual = not key or bool(USUAL.search(key) or THREE_D.search(key))
    return usual and length >= 3 * LEAST_POINTS and (length % 3 == 0 or length % 4 == 0)


def is_flat(value: Sequence) -> bool:
    """Whether a list is points of two dimensions."""
    some = [one for one in value[:8] if one is not None]
    if len(value) < LEAST_POINTS or not some:
        return False
    pairs = all(
        isinstance(one, (list, tuple)) and len(one) == 2 and are_numbers(one) for one in some
    )
    lower = [{str(name).lower() for name in one} for one in some if isinstance(one, dict)]
    return pairs or (
        len(lower) == len(some) and all({"x", "y"} <= one and "z" not in one for one in lower)
    )


def are_flat_columns(value: dict) -> bool:
    """Whether an object has lists of x and of y, but none of z."""
    keys = {str(key).lower(): key for key in value}
    if not {"x", "y"} <= keys.keys() or "z" in keys:
        return False
    return all(
        (one := _series(value[keys[axis]])) is not None and len(one) >= LEAST_POINTS
        for axis in "xy"
    )


def is_point(value: Any) -> bool:
    """Whether an object is one point: x, y and z in it, or a position beside a name."""
    if not isinstance(value, dict) or any(
        (isinstance(v, (list, dict)) and len(v) >= LEAST_POINTS)
        or (isinstance(v, np.ndarray) and v.size >= LEAST_POINTS)
        for v in value.values()
    ):
        return False
    return coordinates(value) is not None and (
        _axes(value) is not None or point_name(value) is not None
    )


def is_named(points: Any) -> bool:
    return (
        isinstance(points, list)
        and bool(points)
        and all(isinstance(one, dict) and point_name(one) is not None for one in points)
    )


def point_name(value: dict) -> str | None:
    """What an object says that it is called."""
    return value_of(value, WORDS["names"], str) or None


def coordinates(value: Any) -> list | tuple | None:
    """[x, y, z] or [x, y, z, confidence] of what is one point, itself or under a usual key; None of
    anything else."""
    if isinstance(value, np.ndarray):
        value = value.tolist() if value.size <= 4 or value.shape in _TRANSFORMS else []
    if isinstance(value, (list, tuple)):
        if len(value) in (3, 4) and are_numbers(value):
            return value
        return _moved_by(value)
    if not isinstance(value, dict):
        return None
    if (own := _axes(value)) is not None:
        return own
    for key, one in value.items():
        if folded(key) in WORDS["positions"] and (inner := coordinates(one)) is not None:
            return [*inner[:3], *_confidence(value)]
    return None


def _moved_by(value: Sequence) -> list | None:
    """Where a 4x4 matrix moves the origin, by its last column or (as of row vectors, and where 16
    numbers stand column by column) its last row; None of what is no such matrix."""
    if len(value) == 4 and all(isinstance(row, (list, tuple)) and len(row) == 4 for row in value):
        rows = [list(row) for row in value]
    elif len(value) == 16 and are_numbers(value):
        rows = [list(value[i : i + 4]) for i in range(0, 16, 4)]
    else:
        return None
    if not all(map(are_numbers, rows)):
        return None
    last_row, last_column = rows[3], [row[3] for row in rows]
    if last_row == _AFFINE and last_column != _AFFINE:
        return last_column[:3]
    return last_row[:3] if last_column == _AFFINE else None


_AFFINE = [0, 0, 0, 1]
_TRANSFORMS = ((4, 4), (16,))


def _axes(value: dict) -> list | None:
    keys = {str(key).lower(): key for key in value}
    if not all(axis in keys for axis in AXES):
        return None
    found = [value[keys[axis]] for axis in AXES]
    return [*found, *_confidence(value)] if are_numbers(found) else None


def _confidence(value: dict) -> list:
    found = [
        value[key]
        for key in ("confidence", "visibility", "score", "likelihood", "c")
        if key in value
    ]
    return [one for one in found if isinstance(one, (int, float)) and not isinstance(one, bool)][:1]


def named_points(value: dict) -> dict | None:
    """Of an object that is a pose by names, or a row of a table (`nose_x`, `nose_y`, ...), its
    points by name."""
    if (columns := _table_columns(value)) is not None:
        one = next(iter(columns.values()))
        if all(isinstance(value[key], (int, float, type(None))) for key in one.values()):
            return {name: [value[at[axis]] for axis in (*AXES, *(["c"] if "c" in at else []))]
                    for name, at in columns.items()}  # fmt: skip
        return None
    found = {
        str(name): point
        for name, one in value.items()
        if not NOT_POINTS.search(str(name)) and (point := coordinates(one)) is not None
    }
    return found if len(found) >= LEAST_POINTS else None


def rows_of_columns(value: dict) -> list | None:
    """[x, y, z] of each point, of an object that lists all x, all y and all z."""
    return rows if (rows := _way(value)) is not None and len(rows) >= LEAST_POINTS else None


def trajectories(value: dict) -> dict[int, dict] | None:
    """Of an object that has each keypoint's way by its name, or the columns of a table, the points
    of each frame."""
    value = _by_columns(value) or value
    if (columns := _table_columns(value)) is not None:
        columns_of_all = [key for at in columns.values() for key in at.values()]
        series = {key: () if (s := _series(value[key])) is None else s for key in columns_of_all}
        length = set(map(len, series.values()))
        if len(length) != 1 or (frames := length.pop()) < 1:
            return None
        return {
            t: {name: [series[at[a]][t] for a in AXES] for name, at in columns.items()}
            for t in range(frames)
        }
    ways = {str(name): way for name, one in value.items() if (way := _way(one)) is not None}
    if len(ways) < LEAST_POINTS or sum(map(is_known, ways)) < len(ways) / 2:
        return None
    frames = max(map(len, ways.values()))
    return {
        t: {name: way[t] if t < len(way) else None for name, way in ways.items()}
        for t in range(frames)
    }


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


def _series(value: Any) -> Sequence | np.ndarray | None:
    """One number a frame: a list, or an object by the row's number (pandas)."""
    if isinstance(value, dict):
        value = list(value.values()) if all(str(key).isdigit() for key in value) else None
    return value if are_numbers(value) else None


def _way(value: Any) -> list | None:
    """[x, y, z] a frame: rows, or lists under x, y and z."""
    if isinstance(value, dict):
        keys = {str(key).lower(): key for key in value}
        lists = (
            [_series(value[keys[axis]]) for axis in AXES]
            if all(axis in keys for axis in AXES)
            else [None]
        )
        return None if any(one is None for one in lists) else [list(row) for row in zip(*lists)]
    if isinstance(value, np.ndarray):
        value = value.tolist() if value.ndim == 2 and value.shape[1] in (3, 4) else None
    if not isinstance(value, (list, tuple)) or not value:
        return None
    some = [one for one in value[:8] if one is not None]
    return list(value) if some and all(_is_row(one) for one in some) else None


def _table_columns(value: dict) -> dict[str, dict[str, str]] | None:
    """Of each keypoint the keys of its x, y, z (and c), where an object's keys are a table's
    columns."""
    if len(value) < 3 * LEAST_POINTS or not all(
        isinstance(key, str) and len(key) < 120 for key in value
    ):
        return None
    return _columns(tuple(value))


@lru_cache(maxsize=16)
def _columns(labels: tuple[str, ...]) -> dict[str, dict[str, str]] | None:
    found = columns_of(Block([list(labels)])).keypoints
    if len(found) < LEAST_POINTS:
        return None
    return {name: {key: labels[column] for key, column in at.items()} for name, at in found.items()}


@cache
def is_known(name: str) -> bool:
    """Whether a name is a keypoint's, a bone's or a marker's."""
    name = name[:120]
    return (
        len(canonical_names(name)) > 1
        or joint_of(name) is not None
        or known_markers().site_of(name) is not None
    )
