"""Rotations as files write them, as turns: axis-angles, NaN where there is none.

Whether they are what they seem to be is found later, by the places beside them
(`turn_readings.py`).
"""

from __future__ import annotations

import numpy as np

from ..medians import in_parts
from ..rotation import from_quaternion, log_map, orthonormalise

OFF_UNIT = 0.1
"""By which a quaternion's length, or a matrix's axes, may be off what those of a rotation are."""


@np.errstate(invalid="ignore", over="ignore")  # damaged floats may be signalling NaN
def turns_of(values: np.ndarray) -> np.ndarray | None:
    """Axis-angles (...,3), in single precision, of quaternions w x y z (...,4) or matrices
    (...,3,3); None of anything else, or where none is a rotation."""
    if values.dtype.kind not in "fiu" or values.ndim < 2:
        return None
    own = (3, 3) if values.shape[-2:] == (3, 3) else (4,)
    if values.shape[-len(own) :] != own:
        return None
    lead = values.shape[: -len(own)]
    rows = values.reshape(-1, *own)
    turns = np.full((len(rows), 3), np.nan, dtype=np.float32)
    for some, found in in_parts(rows, turns):
        numbers = some.astype(np.float64)
        found[...] = _of_quaternions(numbers) if own == (4,) else _of_matrices(numbers)
    return turns.reshape(*lead, 3) if np.isfinite(turns).any() else None


def _of_quaternions(quaternions: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(quaternions, axis=1)
    good = np.abs(length - 1.0) < OFF_UNIT
    turns = np.full((len(quaternions), 3), np.nan)
    turns[good] = log_map(from_quaternion(quaternions[good] / length[good, None]))
    return turns


def _of_matrices(matrices: np.ndarray) -> np.ndarray:
    """Mirroring ones are none of a rotation."""
    off = np.abs(np.swapaxes(matrices, 1, 2) @ matrices - np.eye(3)).max(axis=(1, 2))
    good = off < OFF_UNIT
    good[good] = np.linalg.det(matrices[good]) > 0
    turns = np.full((len(matrices), 3), np.nan)
    turns[good] = log_map(orthonormalise(matrices[good]))
    return turns
