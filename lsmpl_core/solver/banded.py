"""Linear systems that couple each frame with the next two or three: what penalties on acceleration
and jerk lead to."""

from __future__ import annotations

from math import comb

import numpy as np

from ..backends import linear_kernels
from ..backends.kernel_library import find_kernels

SIZE = 3
BESIDE = 3
"""Diagonals below the main one of `solve_diagonals`."""
FEW_COLUMNS = 8
"""Columns up to which plain numbers are faster than arrays."""


def solve_banded(
    diagonal: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    right: np.ndarray,
    *,
    overwrite: bool = False,
    room: np.ndarray | None = None,
) -> np.ndarray:
    """x (T,...,N) of H x = right (T,...,N), H symmetric and positive definite; of several systems
    at once where there are more axes.

    diagonal (T,...,N,N): how each frame couples with itself. first (T-1,...,N/3,3,3) and second
    (T-2,...,N/3,3,3): how it does with the next one and the one after that, H[t,t+1] and
    H[t,t+2], in which each three unknowns couple with their own only. Block elimination, T steps of
    order N³. What has been eliminated is kept symmetric: rounding would double every few steps
    where frames are coupled more firmly than they are held. With `overwrite` the diagonal may be
    lost, which spares a copy of what is large; room (2,T,N,N), where it is given, may be written
    over, which spares new memory.
    """
    kernels = find_kernels().kernels
    if kernels and right.ndim == 2:
        return linear_kernels.solve_banded(kernels, diagonal, first, second, right, overwrite, room)
    if kernels:
        systems = (np.moveaxis(array, 1, 0) for array in (diagonal, first, second, right))
        return np.stack([solve_banded(*map(np.ascontiguousarray, one)) for one in zip(*systems)], 1)
    T, N = len(right), right.shape[-1]
    diagonal, right, solved = diagonal.copy(), right.copy(), []
    coupling = _dense(first[0]) if T > 1 else np.empty((N, 0))

    # Each frame eliminated out of the next two.
    for t in range(T):
        columns = [right[t][..., None]]
        columns += [coupling] if t + 1 < T else []
        columns += [_dense(second[t])] if t + 2 < T else []
        solved.append(np.linalg.solve(diagonal[t], np.concatenate(columns, axis=-1)))
        if t + 1 == T:
            break
        onto = np.swapaxes(coupling, -1, -2) @ solved[t]
        right[t + 1] -= onto[..., 0]
        diagonal[t + 1] -= symmetric(onto[..., 1 : N + 1])
        if t + 2 < T:
            coupling = _dense(first[t + 1]) - onto[..., N + 1 :]
            rows = solved[t].reshape(*second[t].shape[:-1], solved[t].shape[-1])
            onto = (np.swapaxes(second[t], -1, -2) @ rows).reshape(solved[t].shape)
            right[t + 2] -= onto[..., 0]
            diagonal[t + 2] -= symmetric(onto[..., N + 1 :])

    # And back from the last one.
    x = np.zeros_like(right)
    for t in range(T - 1, -1, -1):
        x[t] = solved[t][..., 0]
        if t + 1 < T:
            x[t] -= (solved[t][..., 1 : N + 1] @ x[t + 1][..., None])[..., 0]
        if t + 2 < T:
            x[t] -= (solved[t][..., N + 1 :] @ x[t + 2][..., None])[..., 0]
    return x


def add_differences(diagonals: np.ndarray, order: int, weight: float | np.ndarray) -> None:
    """Add what weight, a number or (T-order,), times the squared differences of an order of x, at
    most `BESIDE`, have in the system of `solve_diagonals` to its diagonals (4,T)."""
    frames = diagonals.shape[1]
    difference = [(-1.0) ** (order - i) * comb(order, i) for i in range(order + 1)]
    for i, a in enumerate(difference):
        for j, b in enumerate(difference[: i + 1]):
            diagonals[i - j, i : frames - order + i] += weight * a * b


def solve_diagonals(diagonals: np.ndarray, right: np.ndarray) -> np.ndarray:
    """x (T,S) of H x = right (T,S), H symmetric and positive definite, its main diagonal and the
    three below it the rows of diagonals (4,T): H[t, t-k] = diagonals[k, t].

    Cholesky's L D L^T, row by row, for all columns at once.
    """
    if kernels := find_kernels().kernels:
        return linear_kernels.solve_diagonals(kernels, diagonals, right)
    frames = len(right)
    # With three rows of padding above.
    pivots, l1, l2, l3 = ([1.0] * BESIDE + [0.0] * frames for _ in range(4))
    for t, (a0, a1, a2, a3) in enumerate(diagonals.T.tolist(), start=BESIDE):
        u2 = a2 - a3 * l1[t - 2] if t > BESIDE + 1 else 0.0
        u1 = a1 - u2 * l1[t - 1] - a3 * l2[t - 1] if t > BESIDE else 0.0
        l1[t], l2[t], l3[t] = u1 / pivots[t - 1], u2 / pivots[t - 2], a3 / pivots[t - 3]
        pivots[t] = a0 - l1[t] * u1 - l2[t] * u2 - l3[t] * a3
    for below in (l1, l2, l3):
        below += [0.0] * BESIDE
    if right.shape[1] <= FEW_COLUMNS:
        columns = [_substituted(pivots, l1, l2, l3, column) for column in right.T.tolist()]
        return np.array(columns).reshape(right.shape[1], frames).T
    x = np.zeros((frames + 2 * BESIDE, right.shape[1]))
    x[BESIDE:-BESIDE] = right
    for t in range(BESIDE, frames + BESIDE):
        x[t] -= l1[t] * x[t - 1] + l2[t] * x[t - 2] + l3[t] * x[t - 3]
    x[BESIDE:-BESIDE] /= np.array(pivots[BESIDE:])[:, None]
    for t in range(frames + BESIDE - 1, BESIDE - 1, -1):
        x[t] -= l1[t + 1] * x[t + 1] + l2[t + 2] * x[t + 2] + l3[t + 3] * x[t + 3]
    return x[BESIDE:-BESIDE]


def _substituted(
    pivots: list[float], l1: list[float], l2: list[float], l3: list[float], column: list[float]
) -> list[float]:
    """One column, in plain numbers: arrays of a few are slower."""
    a = b = c = 0.0
    for t, value in enumerate(column, start=BESIDE):
        a, b, c = value - l1[t] * a - l2[t] * b - l3[t] * c, a, b
        column[t - BESIDE] = a / pivots[t]
    a = b = c = 0.0
    for t in range(len(column) + BESIDE - 1, BESIDE - 1, -1):
        a, b, c = column[t - BESIDE] - l1[t + 1] * a - l2[t + 2] * b - l3[t + 3] * c, a, b
        column[t - BESIDE] = a
    return column


def symmetric(matrix: np.ndarray) -> np.ndarray:
    """(...,N,N): its symmetric part. Rounding would grow from frame to frame where frames are
    coupled more firmly than they are held."""
    return 0.5 * (matrix + np.swapaxes(matrix, -1, -2))


def _dense(blocks: np.ndarray) -> np.ndarray:
    """(...,n,3,3) along the diagonal of (...,3n,3n)."""
    n = blocks.shape[-3]
    out = np.zeros((*blocks.shape[:-3], n, SIZE, n, SIZE))
    for block in range(n):
        out[..., block, :, block, :] = blocks[..., block, :, :]
    return out.reshape(*blocks.shape[:-3], n * SIZE, n * SIZE)
