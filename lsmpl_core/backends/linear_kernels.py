"""Linear algebra in the compiled kernels: products and systems of small matrices
(`kernels/dense.c`), and systems that are banded in time (`kernels/banded.c`)."""

from __future__ import annotations

from ctypes import c_int64

import numpy as np

from .kernel_border import doubles, own, pointer
from .kernels import Kernels


def solve_banded(
    kernels: Kernels,
    diagonal: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    right: np.ndarray,
    overwrite: bool = False,
    room: np.ndarray | None = None,
) -> np.ndarray:
    """`banded.solve_banded`: x (T,N) of diagonal (T,N,N), which is lost if `overwrite`, first
    (T-1,N/3,3,3), second (T-2,N/3,3,3) and right (T,N); room (2,T,N,N) is written over."""
    T, N = right.shape
    a = doubles(diagonal, (T, N, N))
    a = a if overwrite else np.array(a)
    first = doubles(first, (max(T - 1, 0), N // 3, 3, 3))
    second = doubles(second, (max(T - 2, 0), N // 3, 3, 3))
    x, shape = np.array(doubles(right, (T, N))), (2, T, N, N)
    room = np.empty(shape) if room is None else own(room, np.float64, shape)
    pointers = map(pointer, (a, first, second, x, room[0], room[1]))
    kernels.call("lsmpl_banded", c_int64(T), c_int64(N), *pointers)
    return x


def solve_diagonals(kernels: Kernels, diagonals: np.ndarray, right: np.ndarray) -> np.ndarray:
    """`banded.solve_diagonals`: x (T,S) of diagonals (4,T) and right (T,S)."""
    T, S = right.shape
    given, x = doubles(diagonals, (4, T)), np.array(doubles(right, (T, S)))
    room = np.empty((4, T))
    pointers = map(pointer, (given, x, room, room[3]))
    kernels.call("lsmpl_diagonals", c_int64(T), c_int64(S), *pointers)
    return x


def solve(kernels: Kernels, matrices: np.ndarray, right: np.ndarray) -> np.ndarray:
    """x (B,N,M) of matrices (B,N,N) @ x = right (B,N,M), symmetric and positive definite."""
    B, N, M = right.shape
    a, x = np.array(doubles(matrices, (B, N, N))), np.array(doubles(right, (B, N, M)))
    kernels.run("lsmpl_solve", B, c_int64(N), c_int64(M), pointer(a), pointer(x))
    return x


def half_solve(kernels: Kernels, matrices: np.ndarray, right: np.ndarray) -> np.ndarray:
    """U⁻ᵀ right (B,N,M) of matrices (B,N,N) = Uᵀ U, symmetric and positive definite."""
    B, N, M = right.shape
    a, x = np.array(doubles(matrices, (B, N, N))), np.array(doubles(right, (B, N, M)))
    sizes = c_int64(N), c_int64(M)
    kernels.run("lsmpl_half_solve", B, *sizes, pointer(a), pointer(x))
    return x


def multiply(kernels: Kernels, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a (B,N,K) @ b (B,K,M)."""
    (B, N, K), M = a.shape, b.shape[2]
    a, b, out = doubles(a, (B, N, K)), doubles(b, (B, K, M)), np.empty((B, N, M))
    numbers = map(c_int64, (N, K, M))
    kernels.run("lsmpl_multiply", B, *numbers, *map(pointer, (a, b, out)))
    return out
