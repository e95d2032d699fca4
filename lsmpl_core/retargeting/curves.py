"""Rotations and places as animation curves: Euler angles that do not jump, and Bézier keys fitted
to dense samples."""

from __future__ import annotations

import numpy as np

from ..rotation import to_quaternion


def quaternions(rotations: np.ndarray) -> np.ndarray:
    """(T,N,4), w first, from rotations (T,N,3,3); none jumps to its negative from one frame to the
    next."""
    found = to_quaternion(rotations)
    same = (found[1:] * found[:-1]).sum(axis=-1, keepdims=True) >= 0
    return np.concatenate([found[:1], found[1:] * np.cumprod(np.where(same, 1.0, -1.0), axis=0)])


def euler_angles(rotations: np.ndarray, order: str) -> np.ndarray:
    """(T,N,3) radians about x, y and z from rotations (T,N,3,3), in Blender's orders: "XYZ" turns
    about x first.

    Of the two ways to write a rotation, and all full turns, each frame takes what is nearest to the
    frame before.
    """
    i, j, k = ("XYZ".index(axis) for axis in order)
    sign = 1.0 if (j - i) % 3 == 1 else -1.0
    # R = R_k R_j R_i. Near the poles of the middle angle only a sum of the others is known: the
    # first one is set to 0.
    sine = np.clip(-sign * rotations[..., k, i], -1.0, 1.0)
    cosine = np.hypot(rotations[..., i, i], rotations[..., j, i])
    pole = cosine < 1e-6
    middle = np.arctan2(sine, cosine)
    first = np.where(pole, 0.0, np.arctan2(sign * rotations[..., k, j], rotations[..., k, k]))
    last = np.where(
        pole,
        np.arctan2(-sign * rotations[..., i, j], rotations[..., j, j]),
        np.arctan2(sign * rotations[..., j, i], rotations[..., i, i]),
    )
    one = np.stack([first, middle, last], axis=-1)
    other = np.stack([first + np.pi, np.pi - middle, last + np.pi], axis=-1)
    chosen = np.empty_like(one)
    before = np.zeros_like(one[0])
    for t in range(len(one)):
        near = [
            way[t] + 2.0 * np.pi * np.round((before - way[t]) / (2.0 * np.pi))
            for way in (one, other)
        ]
        away = [np.abs(way - before).sum(axis=-1, keepdims=True) for way in near]
        before = chosen[t] = np.where(away[0] <= away[1], *near)
    angles = np.empty_like(chosen)
    angles[..., [i, j, k]] = chosen
    return angles


def axis_angles(rotations: np.ndarray) -> np.ndarray:
    """(T,N,4): angle in radians and axis, as Blender has them, from rotations (T,N,3,3).

    Axis and angle follow the quaternions: neither jumps where the rotation passes none or a full
    turn.
    """
    q = quaternions(rotations)
    norm = np.linalg.norm(q[..., 1:], axis=-1)
    angle = 2.0 * np.arctan2(norm, q[..., 0])
    axis = np.where(
        norm[..., None] > 1e-9, q[..., 1:] / np.maximum(norm, 1e-12)[..., None], (0.0, 1.0, 0.0)
    )
    for t in range(1, len(q)):
        back = (axis[t] * axis[t - 1]).sum(axis=-1) < 0
        axis[t] = np.where(back[..., None], -axis[t], axis[t])
        angle[t] = np.where(back, -angle[t], angle[t])
        angle[t] += 2.0 * np.pi * np.round((angle[t - 1] - angle[t]) / (2.0 * np.pi))
    return np.concatenate([angle[..., None], axis], axis=-1)


def key_frames(count: int, every: int) -> np.ndarray:
    """(M,): every n-th of `count` frames, and the last one."""
    frames = np.arange(0, count, max(1, every))
    return frames if frames[-1] == count - 1 else np.append(frames, count - 1)


def fit_keys(samples: np.ndarray, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Values and slopes (M,C) at frames `keys` (M,) of the smooth curves that are nearest to
    samples (T,C).

    Between two keys a curve is a cubic (a Hermite spline, which Bézier keys are whose handles are a
    third of the way apart); values and slopes, per frame, are those of least squares over all
    samples.
    """
    M, C = len(keys), samples.shape[1]
    if M < 2:
        return samples[keys], np.zeros((M, C))

    # What each sample is made of: values and slopes of the two keys around it.
    segment = np.clip(np.searchsorted(keys, np.arange(len(samples)), side="right") - 1, 0, M - 2)
    span = np.diff(keys)[segment]
    u = (np.arange(len(samples)) - keys[segment]) / span
    # (T,4): of value and slope at the key before, and at the one after.
    basis = np.stack(
        [
            (1 + 2 * u) * (1 - u) ** 2,
            u * (1 - u) ** 2 * span,
            u**2 * (3 - 2 * u),
            u**2 * (u - 1) * span,
        ],
        axis=1,
    )

    # Normal equations, block-tridiagonal: a key is with its neighbours alone.
    diagonal, after, right = np.zeros((M, 2, 2)), np.zeros((M - 1, 2, 2)), np.zeros((M, 2, C))
    np.add.at(diagonal, segment, basis[:, :2, None] * basis[:, None, :2])
    np.add.at(diagonal, segment + 1, basis[:, 2:, None] * basis[:, None, 2:])
    np.add.at(after, segment, basis[:, :2, None] * basis[:, None, 2:])
    np.add.at(right, segment, basis[:, :2, None] * samples[:, None])
    np.add.at(right, segment + 1, basis[:, 2:, None] * samples[:, None])

    # Where keys are on neighbouring frames, slopes show in no sample: the slightest pull makes them
    # even.
    diagonal += 1e-9 * np.eye(2)

    # Block elimination, and back.
    for m in range(M - 1):
        ratio = np.linalg.solve(diagonal[m], after[m]).T
        diagonal[m + 1] -= ratio @ after[m]
        right[m + 1] -= ratio @ right[m]
    solved = np.empty_like(right)
    solved[-1] = np.linalg.solve(diagonal[-1], right[-1])
    for m in range(M - 2, -1, -1):
        solved[m] = np.linalg.solve(diagonal[m], right[m] - after[m] @ solved[m + 1])
    return solved[:, 0], solved[:, 1]
