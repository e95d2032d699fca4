"""Poses in nests of objects and lists, as JSON and Python programs have them: found by what they
look like.

A **pose** is the points of somebody at one moment: rows of [x, y, z] or [x, y, z, confidence], flat
numbers, objects with x, y and z, or any of these by name. What leads to it are **steps**: keys that
are names of fields, and wild ones, which count (indices of lists, keys that are numbers or differ
in a number alone). Whether those count frames or people is `nest_roles.py`'s.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .field_words import WORDS, folded
from .named_parts import joined_parts
from .point_forms import (
    LEAST_POINTS,
    NOT_POINTS,
    THREE_D,
    USUAL,
    are_numbers,
    is_flat,
    is_flat_pose,
    is_named,
    is_rows,
    named_points,
    places_of_transforms,
)
from .point_ways import (
    are_flat_columns,
    axes_apart,
    columns_in_list,
    parts_in_time,
    records_in_time,
    records_of_columns,
    rows_of_columns,
    trajectories,
    ways_in_list,
)

MOST_POSES = 2_000_000
MOST_LOOKS, LOOKS_A_POSE = 20_000, 100
"""Objects and lists that are looked at, and how many more for each pose that is found: so that what
holds none does not take as long as what holds many."""
MOST_REPEATS = 16
"""Times that an array of many poses may be there: pickles hold it once, and then name it in a few
bytes."""
DEEPEST = 16
_PARTIAL = re.compile(r"hand|face|finger|palm", re.I)
_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True)
class Pose:
    """Points of somebody at one moment, the wild keys that lead to them, and the objects on the
    way.

    owners: of each wild step the object that it leads to (None where that is a list), and last the
    object that holds the points."""

    keys: tuple
    owners: tuple
    points: Any


@dataclass
class Kind:
    """All poses to which the same fields lead.

    fields: the steps, None for a wild one; levels: of each wild step every key that there is, in
    order, and the object or None that it leads to, whether or not a pose is there."""

    fields: tuple
    poses: list[Pose] = field(default_factory=list)
    levels: list[dict[Any, Any]] = field(default_factory=list)

    @property
    def key(self) -> str:
        """The name of the field that holds the points; "" where they are bare."""
        return next((one for one in reversed(self.fields) if one is not None), "")


@dataclass
class _Walk:
    kinds: dict[tuple, Kind] = field(default_factory=dict)
    levels: dict[tuple, dict] = field(default_factory=dict)
    count: int = 0
    looks: int = 0
    flat: bool = False
    met: Counter[tuple] = field(default_factory=Counter)


class InVainError(ValueError):
    """Of more objects and lists than keypoints have around them."""


def kinds_of(content: Any) -> tuple[list[Kind], bool]:
    """Every kind of pose in some content, and whether there are points of two dimensions.

    Raises ValueError for more poses than anything has, `InVainError` where there are too few in too
    much else."""
    walk = _Walk()
    _look(content, "", (), (), (), None, walk)
    for fields, kind in walk.kinds.items():
        ends = [i for i, one in enumerate(fields) if one is None]
        kind.levels = [walk.levels[fields[: i + 1]] for i in ends]
    return list(walk.kinds.values()), walk.flat


def _look(
    value: Any, key: str, fields: tuple, keys: tuple, owners: tuple, owner: Any, walk: _Walk
) -> None:
    """Looks at a value and in it. key: the field that it stands in; owner: the object that has that
    field."""
    if isinstance(value, np.ndarray) and value.dtype == object:
        value = value.item() if value.ndim == 0 else list(value)
    if len(fields) > DEEPEST:
        return
    walk.looks += 1
    if walk.looks > MOST_LOOKS + LOOKS_A_POSE * walk.count:
        poses = f"keypoints of only {walk.count:,} poses" if walk.count else "no keypoints"
        raise InVainError(f"its first {walk.looks - 1:,} lists and objects hold {poses}")
    if isinstance(value, np.ndarray):
        _look_at_array(value, key, fields, keys, owners, owner, walk)
    elif isinstance(value, dict) and value:
        _look_at_object(value, key, fields, keys, owners, owner, walk)
    elif isinstance(value, (list, tuple)) and len(value):
        _look_at_list(value, key, fields, keys, owners, owner, walk)


def _look_at_array(array, key, fields, keys, owners, owner, walk: _Walk) -> None:
    if array.dtype.kind not in "fiu" or not array.size:
        return
    if array.ndim == 2 and array.shape[1] in (3, 4) and len(array) >= LEAST_POINTS:
        _found(array, fields, keys, (*owners, owner), walk)
    elif array.ndim == 2 and array.shape[1] == 2 and len(array) >= LEAST_POINTS:
        walk.flat = True
    elif array.ndim == 1 and is_flat_pose(len(array), key):
        _found(array, fields, keys, (*owners, owner), walk)
    elif array.ndim >= 2:
        place = (array.__array_interface__["data"][0], array.shape)
        walk.met[place] += 1
        if walk.met[place] > MOST_REPEATS:
            raise ValueError(f"holds the same array of shape {array.shape} again and again")
        _each(enumerate(array), key, fields, keys, owners, owner, walk)


def _look_at_object(value: dict, key, fields, keys, owners, owner, walk: _Walk) -> None:
    joined = joined_parts(value) or value
    if named := named_points(joined):
        _found(named, fields, keys, (*owners, value), walk)
    elif records := records_of_columns(value):
        _each(list(enumerate(records)), key, fields, keys, owners, owner, walk)
    elif (tables := axes_apart(value)) is not None:
        _look_at_array(tables, key, fields, keys, owners, value, walk)
    elif (rows := rows_of_columns(value)) is not None:
        _found(rows, fields, keys, (*owners, owner), walk)
    elif moving := trajectories(joined):
        _each(moving.items(), key, fields, keys, owners, value, walk)
    elif counts(list(value)) or _are_alike(value):
        _each(value.items(), key, fields, keys, owners, owner, walk)
    else:
        walk.flat = walk.flat or any(
            "2d" in str(name).lower() and _holds(one) for name, one in value.items()
        )
        walk.flat = walk.flat or are_flat_columns(value)
        for name, one in value.items():
            text = str(name)[:80]
            if isinstance(one, (dict, list, tuple, np.ndarray)) and not NOT_POINTS.search(text):
                _look(one, text, (*fields, text), keys, owners, value, walk)


def _look_at_list(value: list | tuple, key, fields, keys, owners, owner, walk: _Walk) -> None:
    first = next((one for one in value if one is not None), None)
    if isinstance(first, (int, float)):
        if is_flat_pose(len(value), key):
            _found(value, fields, keys, (*owners, owner), walk)
    elif places := places_of_transforms(value):
        _found(places, fields, keys, (*owners, owner), walk)
    elif table := columns_in_list(value):
        _look_at_object(table, key, fields, keys, owners, owner, walk)
    elif records := records_in_time(value):
        _each(enumerate(records), key, fields, keys, owners, owner, walk)
    elif is_rows(value):
        _found(value, fields, keys, (*owners, owner), walk)
    elif moving := parts_in_time(value) or ways_in_list(value):
        _each(moving.items(), key, fields, keys, owners, owner, walk)
    else:
        walk.flat = walk.flat or is_flat(value)
        _each(enumerate(value), key, fields, keys, owners, owner, walk)


def _each(items: Iterable[tuple], key, fields, keys, owners, owner, walk: _Walk) -> None:
    """Looks at everything that a wild step leads to."""
    fields = (*fields, None)
    level = walk.levels.setdefault(fields, {})
    for name, one in items:
        inner = one if isinstance(one, dict) else None
        level.setdefault(name, inner)
        if isinstance(one, (dict, list, tuple, np.ndarray)):
            _look(
                one,
                key,
                fields,
                (*keys, name),
                (*owners, inner),
                inner if inner is not None else owner,
                walk,
            )


def _found(points: Any, fields, keys, owners, walk: _Walk) -> None:
    walk.count += 1
    if walk.count > MOST_POSES:
        raise ValueError(f"holds more than {MOST_POSES} poses")
    walk.kinds.setdefault(fields, Kind(fields)).poses.append(Pose(keys, owners, points))


def likeliest(kinds: Sequence[Kind], known: set[int] | frozenset[int]) -> Kind | None:
    """The kind that is a person's keypoints: named or of a known count, in space, under a usual
    key."""

    usual_words = WORDS["points"]

    def rank(kind: Kind) -> tuple:
        key, points = kind.key, kind.poses[0].points
        count = len(points) // 3 if are_numbers(points) else len(points)
        fits = (
            isinstance(points, dict)
            or is_named(points)
            or count in known
            or (are_numbers(points) and _divides(points, known))
        )
        word = folded(key)
        usual = 0 if THREE_D.search(key) else 1 if USUAL.search(key) or not key else 2
        place = usual_words.index(word) if word in usual_words else len(usual_words)
        return bool(_PARTIAL.search(key)), not fits, usual, place, -len(kind.poses)

    return min(kinds, key=rank, default=None)


def passed_over(kinds: Sequence[Kind], chosen: Kind) -> list[str]:
    """The fields of what else could be somebody's points: as many of them as the kind that was
    chosen has."""

    def count(kind: Kind) -> int:
        return len(kind.poses[0].points)

    return [
        ".".join(str(one) for one in kind.fields if one is not None)
        for kind in kinds
        if kind is not chosen and count(kind) == count(chosen)
    ]


def _divides(points: Sequence, known) -> bool:
    return any(len(points) % step == 0 and len(points) // step in known for step in (3, 4))


def counts(keys: Sequence) -> bool:
    """Whether an object's keys count: they are numbers, or differ in a number alone (`frame_1`,
    `images/0002.jpg`)."""
    if all(isinstance(key, (int, np.integer)) or str(key).isdigit() for key in keys):
        return True
    alike = {_DIGITS.sub("#", str(key)) for key in keys[:100]}
    return (len(alike) == 1 and "#" in next(iter(alike)) and len(keys) > 1) or _are_images(keys)


def _are_alike(value: dict) -> bool:
    """Whether an object's keys are names at random: of many objects that all have the same
    fields."""
    if len(value) < FEWEST_ALIKE:
        return False
    fields = {tuple(one) if isinstance(one, dict) else () for one in value.values()}
    return len(fields) == 1 and fields != {()}


FEWEST_ALIKE = 20
"""Objects with the same fields from which on an object's keys only tell them apart."""


def _are_images(keys: Sequence) -> bool:
    return all(re.search(r"\.(?:jpe?g|png|bmp|tiff?|webp)$", str(key), re.I) for key in keys[:100])


def _holds(value: Any) -> bool:
    return isinstance(value, (list, np.ndarray)) and len(value) > 0


def everything(content: Any, levels: int = 4) -> Iterator[dict]:
    """The objects in some content, outermost first, not those in lists."""
    if isinstance(content, dict) and levels:
        yield content
        for value in content.values():
            if isinstance(value, dict):
                yield from everything(value, levels - 1)
