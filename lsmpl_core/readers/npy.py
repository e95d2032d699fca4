"""NPY and NPZ files: arrays of keypoints (`arrays.py`), or Python objects with keypoints in them
(`objects.py`)."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np

from ..errors import KeypointFileError
from ..files.npz import read_array
from ..files.opening import open_file
from .arrays import NoKeypointsError, array_track, read_arrays
from .objects import archived_objects, archived_parts, read_objects, track_of_objects
from .raw import RawTrack, checked_size
from .structured import archived_fields, fields_of


def read_npz(path: Path, counts: Collection[int], person: str | None = None) -> RawTrack:
    """Read an archive's array of keypoints or, where it has none, the objects in it."""
    try:
        return read_arrays(path, counts, person)
    except NoKeypointsError:
        fields = archived_fields(path)
        if fields is not None:
            return track_of_fields(fields, counts, str(path), person)
        if not (objects := archived_objects(path) or archived_parts(path)):
            raise
    return track_of_objects(objects, counts, str(path), person)


def read_npy(path: Path, counts: Collection[int], person: str | None = None) -> RawTrack:
    """Read one array of keypoints."""
    size = checked_size(path)
    try:
        with open_file(path) as stream:
            fields = fields_of(read_array(stream, size, structured=True))
    except ValueError as error:
        if "Python objects" in str(error):
            return read_objects(path, counts, person)
        raise KeypointFileError(f"{path} {error}") from None
    return track_of_fields(fields, counts, str(path), person)


def track_of_fields(
    fields: dict[str, np.ndarray | list] | np.ndarray,
    counts: Collection[int],
    where: str,
    person: str | None,
) -> RawTrack:
    """The keypoints of an array, which may be of named fields."""
    if isinstance(fields, np.ndarray):
        return array_track(fields, None, counts, where, person)
    return track_of_objects(fields, counts, where, person)
