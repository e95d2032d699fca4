"""NPY arrays of Python objects: their pickle read by `safe_pickle`, which runs nothing."""

from __future__ import annotations

import io

import numpy as np

from ..errors import LsmplError, MotionFileError
from . import safe_pickle
from .npz import read_header


def is_object_npy(data: bytes) -> bool:
    """Whether an NPY stream holds objects. Raises ValueError where it is none."""
    return read_header(io.BytesIO(data))[2].hasobject


def read_object_npy(data: bytes, name: str, error: type[LsmplError] = MotionFileError) -> object:
    """What an NPY stream of objects holds: a dict, a list or an array of them. Raises ValueError
    where it is none."""
    stream = io.BytesIO(data)
    _, _, dtype = read_header(stream)
    if not dtype.hasobject:
        raise ValueError(f"holds {dtype}; expected objects, such as a dict of SMPL parameters")
    value = safe_pickle.loads(data[stream.tell() :], name=name, what="file of objects", error=error)
    return value.item() if isinstance(value, np.ndarray) and value.size == 1 else value
