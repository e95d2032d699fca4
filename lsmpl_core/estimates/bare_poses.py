"""Arrays of nothing but rotations of SMPL's joints, in any form, that no name speaks of."""

from __future__ import annotations

import numpy as np

from ..files.reals import reals
from ..readers.bare_rotations import are_axis_angles
from .rotation_forms import rotations, split

OFF = 0.01
"""By how much matrices, quaternions and axes may be off from unit length: keypoints are off by
more."""


def may_be_poses(shape: tuple[int, ...]) -> bool:
    """Whether an array of a shape has a frame along its first axis and a whole pose in each."""
    if len(shape) < 2 or not all(shape):
        return False
    try:
        axes, _, _ = split(np.broadcast_to(False, shape), "", "full")
    except ValueError:
        return False
    return axes == len(shape) - 1


def are_poses(array: np.ndarray) -> bool:
    """Whether an array (T,...) is such: rotations whatever their form is, or axis-angles as a
    body's are."""
    if array.dtype.kind != "f" or not may_be_poses(array.shape):
        return False
    _, joints, form = split(array, "", "full")
    rows = reals(array).reshape(len(array), joints, -1)
    if form == "axis-angle":
        return are_axis_angles(rows)
    if not np.isfinite(rows).all():
        return False
    axes = rows.reshape(*rows.shape[:2], -1, {"matrix": 3, "6d": 3, "quaternion": 4}[form])
    if form == "6d":  # its two axes one after the other, or number by number
        axes = np.concatenate([axes, rows.reshape(*rows.shape[:2], 3, 2).swapaxes(2, 3)], axis=2)
    lengths = np.abs(np.linalg.norm(axes, axis=3) - 1).max(axis=(0, 1))
    lengths = np.minimum(lengths[:2].max(), lengths[2:].max()) if form == "6d" else lengths.max()
    if lengths > OFF:
        return False
    try:
        rotations(reals(array), "", "full")
    except ValueError:
        return False
    return True
