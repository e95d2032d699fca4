"""Which axis of an array without names is the frames', the keypoints' and x, y and z's."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from ..keypoints.track import Decision
from .raw import are_placed_turns

JOINED = 3.0
"""Times the usual step within a window up to which the next window goes on where it ends."""
_MOST_LOOKED_AT = 2000
"""Poses by which windows are told from people."""


def in_order(array: np.ndarray, counts: Collection[int]) -> np.ndarray:
    """An array of points as (T,K,3), (T,P,K,3) or with a fourth number, where its axes stand in
    another order, windows of one take follow each other, or rotations stand beside the places; any
    other array as it is.

    counts: the numbers of keypoints that are known, which tell keypoints from frames.
    """
    if array.dtype.kind not in "fiu" or not array.size:
        return array
    array = _without_rotations(_channels_last(array, counts))
    if array.ndim == 3 and array.shape[2] in (3, 4):
        frames, points = array.shape[:2]
        return array.swapaxes(0, 1) if frames in counts and points not in counts else array
    return _joined(array) if array.ndim == 4 and array.shape[3] in (3, 4) else array


def _channels_last(array: np.ndarray, counts: Collection[int]) -> np.ndarray:
    """x, y and z as the last axis. Networks of graphs have (N,3,T,K,M) of M people (ST-GCN, NTU
    RGB+D), and (3,T,K,M) of one sample; text-to-motion (B,K,3,T)."""
    shape = array.shape
    if array.ndim == 5 and shape[0] == 1 and shape[1] == 3:
        array, shape = array[0], shape[1:]
    if array.ndim == 4 and shape[3] not in (3, 4):
        if shape[0] == 3 and shape[2] in counts:
            return np.moveaxis(array, (1, 3, 2, 0), (0, 1, 2, 3))
        if shape[2] == 3 and shape[1] in counts:
            return np.moveaxis(array, 3, 0)
        if shape[2] == 3 and shape[3] in counts:  # (T,P,3,K): DANNCE
            return np.moveaxis(array, 2, 3)
    if array.ndim == 3 and shape[2] not in (3, 4, 7):
        if shape[1] == 4 and shape[2] in counts and shape[0] not in counts:  # (T,4,K), with scores
            return np.moveaxis(array, 1, 2)
        if shape[1] == 3:  # (T,3,K), or (K,3,T)
            turned = shape[0] in counts and shape[2] not in counts
            return np.moveaxis(array, 2, 0) if turned else np.moveaxis(array, 1, 2)
        if shape[0] == 3:  # (3,T,K), or (3,K,T)
            return np.moveaxis(array, 0, 2)
    return array


def _without_rotations(array: np.ndarray) -> np.ndarray:
    """The places alone, of numbers of which the other four are unit quaternions, and of 4x4
    matrices the column that moves."""
    if array.ndim < 3:
        return array
    if array.shape[-2:] == (4, 4) and np.allclose(array[..., 3, :], (0, 0, 0, 1)):
        return array[..., :3, 3]
    if array.shape[-1] == 7 and are_placed_turns(array):
        return array[..., :3]
    return array


def _joined(array: np.ndarray) -> np.ndarray:
    """(N,W,K,C) of N windows of one take, each of which goes on where the one before ends, as
    (N*W,K,C); people, who are apart, as they are."""
    count, length = array.shape[:2]
    if min(count, length) < 2:
        return array
    if count * length > _MOST_LOOKED_AT:  # one in the middle, as of people it is, too
        middle = slice(count // 2, count // 2 + max(2, _MOST_LOOKED_AT // length))
        looked_at = array[middle, :_MOST_LOOKED_AT, :, :3]
    else:
        looked_at = array[..., :3]
    within, across = (
        _step(looked_at[:, 1:], looked_at[:, :-1]),
        _step(looked_at[1:], looked_at[:-1]),
    )
    if within > 0 and np.array_equal(array[1:, :-1], array[:-1, 1:]):
        return np.concatenate([array[:, 0], array[-1, 1:]])  # each window is a frame later
    goes_on = _step(looked_at[1:, 0], looked_at[:-1, -1]) <= JOINED * within
    return array.reshape(-1, *array.shape[2:]) if goes_on and within < across else array


def _step(after: np.ndarray, before: np.ndarray) -> float:
    """How far points typically are from where others are; points at 0 0 0 are not seen."""
    seen = (after != 0).any(axis=-1) & (before != 0).any(axis=-1)
    with np.errstate(over="ignore", invalid="ignore"):  # of numbers that no point has
        far = np.linalg.norm(after.astype(float) - before.astype(float), axis=-1)[seen]
    return float(np.nanmedian(far)) if np.isfinite(far).any() else np.inf


def without_padding(array: np.ndarray) -> tuple[np.ndarray, Decision | None]:
    """A data set's sample (N,3,T,K,M) without the frames at its end that hold nothing but zeros,
    which make all samples as long; any other array as it is."""
    if array.ndim != 5:
        return array, None
    filled = np.flatnonzero((array != 0).any(axis=(0, 1, 3, 4)))
    length = int(filled[-1]) + 1 if len(filled) else array.shape[2]
    if length == array.shape[2]:
        return array, None
    reason = f"the last {array.shape[2] - length} hold nothing but zeros, which fill the sample up"
    return array[:, :, :length], Decision("frames", str(length), "file", reason)
