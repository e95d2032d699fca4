"""Products and systems of small matrices, a batch at a time, by the compiled kernels where they are
there: NumPy without a BLAS, as in most of Blender's builds, takes many times as long."""

from __future__ import annotations

import numpy as np

from .kernel_library import find_kernels


def products(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a (B,N,K) @ b (B,K,M)."""
    kernels = find_kernels().kernels
    return kernels.multiply(a, b) if kernels else a @ b


def solve_positive(matrices: np.ndarray, right: np.ndarray) -> np.ndarray:
    """x (B,N,M) of matrices (B,N,N) @ x = right (B,N,M), symmetric and positive definite."""
    kernels = find_kernels().kernels
    return kernels.solve(matrices, right) if kernels else np.linalg.solve(matrices, right)
