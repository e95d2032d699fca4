"""MATLAB's MAT-files (`files/mat_files.py`): a variable of keypoints as any array (`arrays.py`), or
structures of them as any nest (`nests.py`): a way for each marker, or Qualisys' exports."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import KeypointFileError
from ..files.mat_files import is_mat, read_mat
from .field_words import WORDS, folded
from .objects import track_of_objects
from .other_formats import known_by_its_bytes
from .raw import RawTrack, read_bytes

MOST_LEVELS = 8


def read_matlab(path: Path, counts: Collection[int], person: str | None = None) -> RawTrack:
    """Read one person of a MAT-file."""
    data = read_bytes(path)
    if not is_mat(data):
        what = known_by_its_bytes(data) or "no MAT-file that MATLAB saves"
        raise KeypointFileError(f"{path}: this is {what}")
    try:
        content = as_nest(read_mat(data), counts)
    except ValueError as error:
        raise KeypointFileError(f"{path} {error}") from None
    return track_of_objects(content, counts, str(path), person)


def as_nest(value: Any, counts: Collection[int], levels: int = MOST_LEVELS) -> Any:
    """What a file holds as scripts would have it: numbers alone and lists of them without their
    axes of one, points with x, y and z last, those with names beside them in the names' order."""
    if levels < 0:
        return None
    if isinstance(value, dict):
        names = next(
            (one for key, one in value.items() if folded(key) in WORDS["listed"] and _texts(one)),
            (),
        )
        return {
            key: _points(one, len(names), counts)
            if isinstance(one, np.ndarray)
            else as_nest(one, counts, levels - 1)
            for key, one in value.items()
        }
    if isinstance(value, list):
        return [as_nest(one, counts, levels - 1) for one in value]
    return _points(value, 0, counts) if isinstance(value, np.ndarray) else value


def _texts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, str) for one in value)


def _points(array: np.ndarray, named: int, counts: Collection[int]) -> Any:
    """A variable's numbers; of three axes frames first, x, y and z last. named: how many names
    stand beside it."""
    if array.size == 1:
        return array.reshape(()).item()
    if array.ndim == 2 and 1 in array.shape:
        return array.ravel()
    if array.ndim != 3:
        return array
    axes = [axis for axis in range(3) if array.shape[axis] in (3, 4)]
    if not axes:
        return array
    places = axes[-1] if array.shape[axes[-1]] == 3 or len(axes) == 1 else axes[0]
    rest = [axis for axis in range(3) if axis != places]
    points = next((axis for axis in rest if array.shape[axis] == named), None)
    if points is None:
        known = [axis for axis in rest if array.shape[axis] in counts]
        points = known[0] if len(known) == 1 else max(rest)
    frames = next(axis for axis in rest if axis != points)
    return np.ascontiguousarray(array.transpose(frames, points, places))
