"""NPY files: one array of keypoints (`arrays.py`), or Python objects with keypoints in them
(`objects.py`)."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from ..errors import KeypointFileError
from ..files.npz import read_array
from .arrays import array_track
from .objects import read_objects
from .raw import RawTrack, checked_size


def read_npy(path: Path, counts: Collection[int], person: str | None = None) -> RawTrack:
    """Read one array of keypoints."""
    size = checked_size(path)
    try:
        with path.open("rb") as stream:
            array = read_array(stream, size)
    except ValueError as error:
        if "Python objects" in str(error):
            return read_objects(path, counts, person)
        raise KeypointFileError(f"{path} {error}") from None
    return array_track(array, None, counts, str(path), person)
