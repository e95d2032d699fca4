"""Rotations of SMPL's joints in any form: axis-angles, matrices, 6D, quaternions, by the shapes of
arrays."""

from __future__ import annotations

from functools import cache

import numpy as np

from ..rotation import from_quaternion, log_map, orthonormalise
from .smpl_parameters import ROUNDED

JOINTS = (22, 24, 52, 53, 54, 55)
"""Joints of a full pose: SMPL's and HumanML3D's 22 and 24, SMPL-H's 52, SMPL-X's 55 with or without
the jaw or eyes."""
BODY_JOINTS = (21, 23)
HAND_JOINTS = (15,)
LARGEST = 1e6
"""Of numbers that say a rotation in whatever form; what is larger would overflow."""


@cache
def _forms(what: str) -> dict[int, tuple[int, str]]:
    """What so many numbers a frame may be: joints and form; axis-angles before what else has the
    count. what: "root", "body", "full" or "hand"."""
    joints = {"root": (1,), "body": BODY_JOINTS, "full": JOINTS, "hand": HAND_JOINTS}[what]
    forms: dict[int, tuple[int, str]] = {}
    for form, size in (("axis-angle", 3), ("matrix", 9), ("6d", 6), ("quaternion", 4)):
        for count in joints:
            forms.setdefault(count * size, (count, form))
    return forms


def split(array: np.ndarray, key: str, what: str) -> tuple[int, int, str]:
    """How many of an array's last axes are one frame's, the joints, and the form. Raises ValueError
    for none."""
    forms = _forms(what)
    if what == "root" and array.ndim > 2 and array.shape[-2:] == (3, 3):
        return 2, 1, "matrix"
    for axes in range(1, array.ndim + 1):
        size = int(np.prod(array.shape[array.ndim - axes :]))
        if size in forms:
            joints, form = forms[size]
            last = array.shape[-1]
            if (
                axes >= 2
                and array.shape[-2:] == (3, 3)
                and size % 9 == 0
                and size // 9 in (1, *BODY_JOINTS, *JOINTS, *HAND_JOINTS)
            ):
                return axes, size // 9, "matrix"
            if axes >= 2 and last in (4, 6) and size % last == 0:
                return axes, size // last, {4: "quaternion", 6: "6d"}[last]
            return axes, joints, form
    raise ValueError(
        f"{key} has shape {array.shape}; expected axis-angles, matrices, 6D rotations or "
        "quaternions of "
        f"{', '.join(map(str, sorted({joints for joints, _ in forms.values()})))} joints"
    )


def lead_axes(array: np.ndarray, key: str, what: str) -> tuple[int, ...]:
    """The axes before those of one frame, without those of length 1 where there are several."""
    axes, _, _ = split(array, key, what)
    lead = array.shape[: array.ndim - axes]
    while len(lead) > 1 and 1 in lead:
        at = lead.index(1)
        lead = (*lead[:at], *lead[at + 1 :])
    return lead


def rotations(array: np.ndarray, key: str, what: str) -> np.ndarray:
    """(N,J,3) axis-angles of N frames."""
    _, joints, form = split(array, key, what)
    size = {"axis-angle": 3, "matrix": 9, "6d": 6, "quaternion": 4}[form]
    values = array.reshape(-1, joints, size)
    if not values.size:  # whoever reads says that there are no frames; conventions are told by many
        return np.zeros((0, joints, 3))

    if not np.isfinite(values).all():
        raise ValueError(f"{key} holds values that are not finite numbers")
    if (largest := np.abs(values).max(initial=0.0)) > LARGEST:
        raise ValueError(f"{key} holds numbers of {largest:.2g}, which no rotation has")
    if form == "axis-angle":
        return values
    if form == "matrix":
        matrices = values.reshape(*values.shape[:2], 3, 3)
        off = np.abs(matrices @ np.swapaxes(matrices, -1, -2) - np.eye(3)).max(initial=0.0)
        if not off <= ROUNDED or (np.linalg.det(matrices) < 0).any():
            raise ValueError(f"{key} holds matrices that are no rotations")
        return log_map(orthonormalise(matrices))
    if form == "quaternion":
        lengths = np.linalg.norm(values, axis=-1, keepdims=True)
        if not (lengths > 0.5).all():
            raise ValueError(f"{key} holds quaternions of length {lengths.min():.2g}")
        last = (
            np.abs(values[..., 3]).mean() > np.abs(values[..., 0]).mean()
        )  # most joints turn little: w is large
        values = np.roll(values / lengths, 1, axis=-1) if last else values / lengths
        return log_map(from_quaternion(values))
    return log_map(_from_6d(values, key))


def _from_6d(values: np.ndarray, key: str) -> np.ndarray:
    """Rotations (N,J,3,3) of two axes each (Zhou et al., On the continuity of rotation
    representations, 2019).

    The numbers of the two columns alternate (SPIN, HMR 2), or one row follows the other
    (PyTorch3D): whichever is nearer to axes of length 1 at right angles. Rows may be columns, too,
    which turns joints the other way: people's knees tell.
    """
    columns = np.moveaxis(values.reshape(*values.shape[:-1], 3, 2), -1, 0)
    rows = np.moveaxis(values.reshape(*values.shape[:-1], 2, 3), -2, 0)
    if _skewed(columns[0], columns[1]) <= _skewed(rows[0], rows[1]):
        return _orthonormal(columns[0], columns[1], key)
    turned = _orthonormal(rows[0], rows[1], key)
    upright = np.swapaxes(turned, -1, -2)
    knees = _KNEES if values.shape[-2] in JOINTS else tuple(k - 1 for k in _KNEES)
    if values.shape[-2] > max(knees) and log_map(upright[:, knees])[..., 0].mean() < 0:
        return turned
    return upright


_KNEES = (4, 5)
"""Among SMPL's joints; they bend about x, forward being negative."""


def _skewed(a: np.ndarray, b: np.ndarray) -> float:
    """How far pairs of axes are from unit length and right angles."""
    lengths = np.abs(np.linalg.norm([a, b], axis=-1) - 1).mean()
    return float(lengths + np.abs((a * b).sum(axis=-1)).mean())


def _orthonormal(a: np.ndarray, b: np.ndarray, key: str) -> np.ndarray:
    """The rotations whose first two columns are nearest to some axes, the first one's direction
    kept."""
    x = a / np.maximum(np.linalg.norm(a, axis=-1, keepdims=True), 1e-9)
    b = b - (x * b).sum(axis=-1, keepdims=True) * x
    y = b / np.maximum(np.linalg.norm(b, axis=-1, keepdims=True), 1e-9)
    matrices = np.stack([x, y, np.cross(x, y)], axis=-1)
    if not np.abs(np.linalg.det(matrices) - 1).max(initial=0.0) < ROUNDED:
        raise ValueError(f"{key} holds 6D rotations that are none")
    return matrices
