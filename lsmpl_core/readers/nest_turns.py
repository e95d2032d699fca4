"""How bones are turned, where nests of objects and lists say so beside somebody's points: a
rotation of each point, in it or in a list of its own, or of other joints, of which it is said where
they are (SAM 3D Body)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..frames import evenly
from .field_words import WORDS, folded, value_of
from .point_forms import are_numbers, point_name
from .rotations import turns_of

_TURNED = frozenset((*WORDS["turns"], *WORDS["turned places"]))
NEAR = 0.015
"""Share of the points' extent up to which a joint is at a point's place: elbows of MHR are 1 %."""
COMPARED_FRAMES, FEWEST_COMPARED, MOST_COMPARED = 200, 2, 10_000_000
"""Frames of each take, and joints with points, that are compared."""
MOST_JOINTS = 1_000
_OF_ANY_NUMBERS: Any = np.errstate(invalid="ignore", over="ignore")
"""What is read may be anything; what is no rotation, or nowhere, is left aside."""


@dataclass(frozen=True)
class Rotations:
    """Of J joints of somebody at one moment: quaternions (J,4) or matrices (J,3,3); places (J,3)
    of them, or names, where they are not those of the points in order."""

    numbers: np.ndarray
    places: np.ndarray | None = None
    names: tuple[str, ...] | None = None

    def placed(self, places: np.ndarray | None) -> Rotations:
        """Those of points in another order: in `places` (K,), of each its number here, or -1; as
        they are where that is None, or where they say themselves of which joints they are."""
        own = self.places is None and self.names is None
        if places is None or not own or places.max() >= len(self.numbers):
            return self
        numbers = self.numbers[places].astype(float)
        numbers[places < 0] = np.nan
        return Rotations(numbers)


@_OF_ANY_NUMBERS
def rotations_beside(owner: dict, points: Any, moved: np.ndarray) -> Rotations | None:
    """The rotations that an object has beside the points in it, which are moved by (3,)."""
    if isinstance(points, list) and points and value_of(points[0], WORDS["turns"]) is not None:
        own = _numbers([value_of(point, WORDS["turns"]) for point in points])
        if own is not None and all(isinstance(point, dict) for point in points):
            names = tuple(point_name(point) or "" for point in points)
            return Rotations(own, names=names if all(names) else None)
    numbers = _numbers(value_of(owner, WORDS["turns"]))
    if numbers is None or len(numbers) == len(points):
        return None if numbers is None else Rotations(numbers)
    places = _array(value_of(owner, WORDS["turned places"]))
    if places is None or places.shape != (len(numbers), 3):
        return None
    return Rotations(numbers, places=places + moved)


def is_of_turns(name: str) -> bool:
    """Whether a field of that name says how bones are turned, or of which joints."""
    return folded(name) in _TURNED


@_OF_ANY_NUMBERS
def turns_of_take(
    fields: dict[str, np.ndarray], positions: np.ndarray, moved: np.ndarray | None
) -> np.ndarray | None:
    """Turns (T,N,3) of the points (T,N,3) of a take, by arrays (T,J,4) or (T,J,3,3) beside them;
    None where there are none. moved: by which the points were moved, (3,) or (T,3)."""
    numbers = value_of(fields, WORDS["turns"], np.ndarray)
    if numbers is None or numbers.shape[2:] not in ((4,), (3, 3)) or len(numbers) != len(positions):
        return None
    if not 0 < numbers.shape[1] <= MOST_JOINTS or numbers.dtype.kind not in "fiu":
        return None
    places: Sequence[np.ndarray | None] = [None] * len(numbers)
    found = value_of(fields, WORDS["turned places"], np.ndarray)
    if found is not None and found.shape == (*numbers.shape[:2], 3) and found.dtype.kind in "fiu":
        if moved is not None and moved.shape in ((3,), (len(found), 3)):
            found = found + np.broadcast_to(moved, (len(found), 3))[:, None]
        places = list(found)
    own = numbers.shape[1] == positions.shape[1]
    frames = [Rotations(one, None if own else place) for one, place in zip(numbers, places)]
    return turns_of_frames(frames, positions, None)


@_OF_ANY_NUMBERS
def turns_of_frames(
    frames: Sequence[Rotations | None], positions: np.ndarray, names: Sequence[str] | None
) -> np.ndarray | None:
    """Turns (T,N,3) of the points (T,N,3), NaN where frames have none; None where none has."""
    first = next((one for one in frames if one is not None), None)
    if first is None:
        return None
    alike = [
        t
        for t, one in enumerate(frames)
        if one is not None
        and one.numbers.shape == first.numbers.shape
        and one.names == first.names
        and (one.places is None) == (first.places is None)
    ]
    found = turns_of(np.stack([one.numbers for t in alike if (one := frames[t])]))
    columns = _columns(first, [one for t in alike if (one := frames[t])], positions[alike], names)
    if found is None or not columns:
        return None
    turns = np.full(positions.shape, np.nan, dtype=np.float32)
    turns[np.ix_(alike, list(columns))] = found[:, list(columns.values())]
    return turns


def _columns(
    first: Rotations, frames: list[Rotations], positions: np.ndarray, names: Sequence[str] | None
) -> dict[int, int]:
    """Of the points (T,N,3) the joint of each, of those that have one."""
    count = positions.shape[1]
    if first.names is not None:
        joint_of = {name: j for j, name in reversed(list(enumerate(first.names)))}
        return {n: joint_of[name] for n, name in enumerate(names or ()) if name in joint_of}
    if first.places is None:
        return {n: n for n in range(count)} if len(first.numbers) == count else {}

    # Of several at one place, a bone and those that only share its twist, the first is the bone.
    most = max(FEWEST_COMPARED, MOST_COMPARED // max(1, count * len(first.numbers)))
    some = evenly(len(frames), min(COMPARED_FRAMES, most))
    places = np.array([one.places for t in some.tolist() if (one := frames[t])])
    sizes = np.linalg.norm(np.fmax.reduce(places, 1) - np.fmin.reduce(places, 1), axis=1)
    if not np.isfinite(sizes).any():
        return {}
    extent = float(np.median(sizes[np.isfinite(sizes)]))
    columns = {}
    for n in range(count):
        apart = np.linalg.norm(places - positions[some, n, None], axis=2)
        seen = np.isfinite(apart).all(axis=1)
        if seen.any() and (typical := np.median(apart[seen], axis=0)).min() < NEAR * extent:
            columns[n] = int(np.flatnonzero(typical < typical.min() + 0.1 * NEAR * extent)[0])
    return columns


def _numbers(value: Any) -> np.ndarray | None:
    """Quaternions (J,4), w first where they say so, or matrices (J,3,3), as they are written; None
    of anything else."""
    whole = _array(value)
    if whole is not None:
        return whole if whole.ndim > 1 and whole.shape[1:] in ((4,), (3, 3)) else None
    if not isinstance(value, (list, tuple)) or len(value) > MOST_JOINTS:
        return None
    rows = [_quaternion(one) for one in value]
    if not any(row is not None for row in rows):
        return None
    missing = [np.nan] * 4
    return np.array([missing if row is None else row for row in rows], dtype=np.float64)


def _array(value: Any) -> np.ndarray | None:
    """The numbers of up to `MOST_JOINTS` joints, of an array or of lists that are one; None of
    anything else."""
    is_list = isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.ndim > 0)
    if not is_list or not 0 < len(value) <= MOST_JOINTS:
        return None
    try:
        array = np.asarray(value)
    except ValueError:  # of different lengths
        return None
    return array if array.dtype.kind in "fiu" else None


def _quaternion(value: Any) -> list[float] | None:
    if isinstance(value, dict):
        by_name = {str(key).lower(): one for key, one in list(value.items())[:8]}
        value = [by_name.get(key) for key in "wxyz"]
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if not isinstance(value, (list, tuple)) or len(value) != 4:
        return None
    if not are_numbers(value) or any(one is None for one in value):
        return None
    try:
        return [float(one) for one in value]
    except OverflowError:  # an integer beyond all doubles
        return None
