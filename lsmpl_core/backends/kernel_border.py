"""What crosses the border to the compiled kernels: structures as `kernels/lsmpl.h` has them, and
arrays that are made what compiled code expects (double precision, dense, of the size that the
others say) before their address is given away."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import POINTER, Structure, c_double, c_int64, c_void_p
from dataclasses import dataclass
from typing import Any

import numpy as np

JOINTS, BODY, UNKNOWNS = 24, 69, 75
PANEL = 32
"""Outputs of a layer whose weights lie together, as in `kernels/network.c`."""

Pair = tuple[np.ndarray, np.ndarray]
_FAILURES = {1: "sizes that do not fit", 2: "an index that points nowhere", 3: "too little memory"}


class CModel(Structure):
    _fields_ = [
        *((name, c_int64) for name in ("keypoints", "parts", "shapes")),
        *((name, c_void_p) for name in ("rest_joints", "offsets", "mass", "joint", "keypoint")),
    ]


class CState(Structure):
    _fields_ = [
        (name, c_void_p) for name in ("rotations", "trans", "world", "joints", "parts", "keypoints")
    ]


class CTargets(Structure):
    _fields_ = [("positions", c_void_p), ("weights", c_void_p)]


class CAnchor(Structure):
    _fields_ = [("rotations", c_void_p), ("weights", c_void_p), ("rows", c_int64)]


PLANES = {
    **dict.fromkeys(("upper", "lower", "bent", "across"), 12),
    **dict.fromkeys(("side", "straight", "offset", "share", "precision"), 4),
}
"""Numbers of each array of `LimbPlanes`."""


class CPlanes(Structure):
    _fields_ = [(name, c_double * count) for name, count in PLANES.items()]


class CPrior(Structure):
    _fields_ = [
        ("mean", c_void_p), ("precision", c_void_p), ("rows", c_int64), ("planes", POINTER(CPlanes))
    ]  # fmt: skip


class CCourse(Structure):
    _fields_ = [
        *((name, c_int64) for name in ("frames", "steps")),
        *((name, c_void_p) for name in ("positions", "weights", "seen", "path")),
        *((name, c_double) for name in ("noise", "trust", "limit")),
        *((name, c_void_p) for name in ("done", "at", "rotations", "trans", "accepted", "lost")),
        *((name, c_void_p) for name in ("all_rotations", "all_trans", "residual")),
    ]


class CNetwork(Structure):
    _fields_ = [
        *((name, c_int64) for name in ("inputs", "width", "blocks", "sites")),
        *((name, c_void_p) for name in ("weights", "parent_joint", "site")),
    ]


class CShape(Structure):
    _fields_ = [
        *((name, c_int64) for name in ("directions", "free")),
        *((name, c_void_p) for name in ("joints", "parts", "parent_joint", "site")),
    ]


class CSteps(Structure):
    _fields_ = [
        *((name, c_int64) for name in ("steps", "more")),
        *((name, c_double) for name in ("enough", "damping", "tolerance")),
    ]


@dataclass(frozen=True)
class Compiled:
    """A structure of the library, and the arrays that it points into, which must live as long."""

    structure: Any
    arrays: tuple[Any, ...]


def state_of(
    model: Any, rotations: np.ndarray, trans: np.ndarray
) -> tuple[list[np.ndarray], CState]:
    """The arrays of a state, copies of these two at first, and what points to them."""
    B = len(trans)
    arrays = [
        np.array(doubles(rotations, (B, JOINTS, 3, 3))), np.array(doubles(trans, (B, 3))),
        np.empty((B, JOINTS, 3, 3)), np.empty((B, JOINTS, 3)),
        np.empty((B, model.parts, 3)), np.empty((B, model.keypoints, 3)),
    ]  # fmt: skip
    return arrays, CState(*map(pointer, arrays))


def targets_of(targets: Pair, B: int, K: int) -> Compiled:
    arrays = doubles(targets[0], (B, K, 3)), doubles(targets[1], (B, K))
    return Compiled(CTargets(*map(pointer, arrays)), arrays)


def anchor_of(anchor: Pair, B: int) -> Compiled:
    rows = np.reshape(anchor[1], (-1, JOINTS))
    if len(rows) not in (1, B):
        raise ValueError(f"weights of an anchor for {len(rows)} poses; expected 1 or {B}")
    arrays = doubles(anchor[0], (B, JOINTS, 3, 3)), doubles(rows, rows.shape)
    return Compiled(CAnchor(*map(pointer, arrays), len(rows)), arrays)


def in_panels(weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """A layer's numbers as the library reads them: weights of `PANEL` outputs in turn, input by
    input, then the bias; outputs that fill the last panel are 0."""
    inputs, outputs = weight.shape
    more = -outputs % PANEL
    padded = np.pad(weight, ((0, 0), (0, more))).reshape(inputs, -1, PANEL).swapaxes(0, 1)
    return np.concatenate([padded.ravel(), np.pad(bias, (0, more))]).astype(np.float32)


def doubles(values: Any, shape: Sequence[int]) -> np.ndarray:
    return _dense(values, np.float64, shape)


def integers(values: Any, shape: Sequence[int]) -> np.ndarray:
    return _dense(values, np.int64, shape)


def own(array: np.ndarray, kind: type, shape: Sequence[int]) -> np.ndarray:
    """An array that the library is to change, as it is; `ValueError` where that cannot be."""
    if array.dtype != kind or array.shape != tuple(shape) or not array.flags.carray:
        raise ValueError(
            f"an array to be filled has the shape {array.shape}; expected {tuple(shape)}, dense"
        )
    return array


def _dense(values: Any, kind: type, shape: Sequence[int]) -> np.ndarray:
    array: np.ndarray = np.ascontiguousarray(values, dtype=kind)
    if array.shape != tuple(shape):
        raise ValueError(f"an array has the shape {array.shape}; expected {tuple(shape)}")
    return array


def pointer(array: np.ndarray) -> c_void_p:
    """Many times as fast as `array.ctypes`; whoever has the address keeps the array."""
    return c_void_p(array.__array_interface__["data"][0])


def check(failure: int) -> None:
    if failure:
        raise ValueError(f"the compiled kernels refused: {_FAILURES.get(failure, failure)}")
