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
from .orders import KNOWN_COUNTS
from .rows import is_missing
from .table_headers import columns_of
from .tables import Block

LEAST_POINTS = 5
NOT_POINTS = re.compile(
    r"2d|bbox|box|rot(?!o)|orientation|quat|score|confidence|velocit|accel|vert|mesh|covariance|betas|"
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
    some = [one for one in value[:40] if not is_nothing(one)]
    return bool(some) and (all(is_row(one) for one in some) or all(map(is_point, some)))


def is_nothing(one: Any) -> bool:
    """Whether a list's item says that there is no point: null, an empty list, words."""
    if one is None or (isinstance(one, str) and is_missing(one)):
        return True
    if isinstance(one, (list, tuple, dict)) and len(one) <= 4:
        parts = one.values() if isinstance(one, dict) else one
        return all(part is None or (isinstance(part, str) and is_missing(part)) for part in parts)
    return False


def is_row(one: Any) -> bool:
    return isinstance(one, (list, tuple)) and len(one) in (3, 4) and are_numbers(one)


def are_numbers(value: Any) -> bool:
    """Whether a list or an array holds numbers, of which some may be null."""
    if isinstance(value, np.ndarray):
        return value.ndim == 1 and value.dtype.kind in "fiu"
    if not isinstance(value, (list, tuple)):
        return False
    return _NUMBERS.issuperset(map(type, value[:8])) or all(
        one is None or (isinstance(one, (int, float)) and not isinstance(one, bool))
        for one in value[:8]
    )


_NUMBERS = frozenset((int, float, type(None)))
"""What numbers mostly are, which is told of many at once."""


def is_flat_pose(length: int, key: str) -> bool:
    usual = not key or bool(USUAL.search(key) or THREE_D.search(key))
    if not usual and (len(key) == 1 or folded(key) in WORDS["frames"]):
        usual = length // 3 in KNOWN_COUNTS or length // 4 in KNOWN_COUNTS
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


def is_point(value: Any) -> bool:
    """Whether an object is one point: x, y and z in it, or a position beside a name."""
    if not isinstance(value, dict) or any(
        (isinstance(v, (list, dict)) and len(v) >= LEAST_POINTS)
        or (isinstance(v, np.ndarray) and v.size >= LEAST_POINTS)
        for v in value.values()
    ):
        return False
    return coordinates(value) is not None and (
        axes_of(value) is not None
        or point_name(value) is not None
        or point_number(value) is not None
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


def point_number(value: Any) -> int | None:
    """Which point of its order an object says that it is."""
    number = value_of(value, WORDS["point numbers"], int)
    return None if number is None or isinstance(number, bool) or number < 0 else number


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
    if (own := axes_of(value)) is not None:
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


def places_of_transforms(value: Sequence) -> list | None:
    """[x, y, z] of each of a list's 4x4 matrices; None of any other list."""
    if len(value) < LEAST_POINTS or _transform(value[0]) is None:
        return None
    found = [_transform(one) for one in value]
    return None if None in found else found


def _transform(one: Any) -> list | None:
    """Where a 4x4 matrix in lists or an array moves the origin; None of anything else."""
    one = one.tolist() if isinstance(one, np.ndarray) and one.shape in _TRANSFORMS else one
    return _moved_by(one) if isinstance(one, (list, tuple)) else None


_AFFINE = [0, 0, 0, 1]
_TRANSFORMS = ((4, 4), (16,))


def axes_of(value: dict) -> list | None:
    if (keys := axis_keys(value)) is None:
        return None
    found = [value[key] for key in keys]
    return [*found, *_confidence(value)] if are_numbers(found) else None


def axis_keys(value: dict) -> tuple | None:
    """The keys of an object's x, y and z; None where it lacks one of them."""
    return _axis_keys(tuple(value)) if len(value) >= len(AXES) else None


@lru_cache(maxsize=64)
def _axis_keys(keys: tuple) -> tuple | None:
    """Kept, for the objects of all points have the same keys."""
    found = {str(key).lower(): key for key in keys}
    return tuple(found[axis] for axis in AXES) if found.keys() >= set(AXES) else None


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
    if (columns := table_columns(value)) is not None:
        one = next(iter(columns.values()))
        if all(isinstance(value[key], (int, float, type(None))) for key in one.values()):
            return {name: [value[at[axis]] for axis in (*AXES, *(["c"] if "c" in at else []))]
                    for name, at in columns.items()}  # fmt: skip
        return None
    found = {
        str(name): point
        for name, one in value.items()
        if (point := coordinates(one)) is not None and not NOT_POINTS.search(str(name))
    }
    return found if len(found) >= LEAST_POINTS else None


def table_columns(value: dict) -> dict[str, dict[str, str]] | None:
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
