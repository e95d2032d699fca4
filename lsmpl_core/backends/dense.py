"""Products and systems of small matrices, a batch at a time, by the compiled kernels where they are
there: NumPy without a BLAS, as in most of Blender's builds, takes many times as long."""

from __future__ import annotations

import numpy as np

from . import linear_kernels
from .kernel_library import find_kernels


def products(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a (B,N,K) @ b (B,K,M)."""
    if kernels := find_kernels().kernels:
        return linear_kernels.multiply(kernels, a, b)
    return a @ b


def solved(matrices: np.ndarray, right: np.ndarray) -> np.ndarray:
    """x (B,N,M) of matrices (B,N,N) @ x = right (B,N,M), symmetric and positive definite."""
    if kernels := find_kernels().kernels:
        return linear_kernels.solve(kernels, matrices, right)
    return np.linalg.solve(matrices, right)


def half_solved(matrices: np.ndarray, right: np.ndarray) -> np.ndarray:
    """U⁻ᵀ right (B,N,M), for matrices (B,N,N) = Uᵀ U, symmetric and positive definite, and right
    (B,N,M): its squares are those of right by the inverses of the matrices."""
    if kernels := find_kernels().kernels:
        return linear_kernels.half_solve(kernels, matrices, right)
    return np.linalg.solve(np.linalg.cholesky(matrices), right)
