"""Fingers in the compiled kernels (`kernels/fingers.c`), many at once."""

from __future__ import annotations

from ctypes import Structure, byref, c_double, c_void_p

import numpy as np

from .kernel_border import Compiled, CSteps, Pair, doubles, pointer
from .kernels import Kernels

FINGER_ARRAYS = {
    "axes": (3, 3), "between": (2, 3, 3), "base": (3,), "bones": (3, 3), "targets": (3, 3),
    "confidence": (3,), "relaxed": (9,), "sigma": (9,), "ends": (), "low": (4,), "high": (4,),
}  # fmt: skip
"""Arrays of a `FingerBatch`, and of which shape they are of each finger."""
_FINGER_NUMBERS = ("precision", "nearness", "limit", "end_weight", "end_share")


class CFingers(Structure):
    _fields_ = [
        *((name, c_void_p) for name in FINGER_ARRAYS),
        *((name, c_double) for name in _FINGER_NUMBERS),
    ]


def compiled_fingers(arrays: dict[str, np.ndarray], **numbers: float) -> Compiled:
    """`FingerBatch` as kernels take it: its arrays, each with a row for every finger, and one
    over the squares of noise, outlier and limits' sigma, and how the end bends."""
    count = len(arrays["ends"])
    dense = [doubles(arrays[name], (count, *size)) for name, size in FINGER_ARRAYS.items()]
    return Compiled(CFingers(*map(pointer, dense), **numbers), tuple(dense))


def terms(kernels: Kernels, fingers: Compiled, q: np.ndarray) -> Pair:
    """Gradients (N,9) and Hessians (N,9,9) of fingers at q (N,9)."""
    q = doubles(q, fingers.arrays[list(FINGER_ARRAYS).index("relaxed")].shape)
    N, unknowns = q.shape
    gradient, hessian = np.empty((N, unknowns)), np.empty((N, unknowns, unknowns))
    pointers = map(pointer, (q, gradient, hessian))
    kernels.run("lsmpl_finger_terms", N, byref(fingers.structure), *pointers)
    return gradient, hessian


def polished(
    kernels: Kernels, fingers: Compiled, q: np.ndarray, *, steps: int, settled: float,
    damping: float, least_damping: float,
) -> np.ndarray:  # fmt: skip
    """(N,9) radians that fingers come to from q (N,9): in so many steps, or until one is
    smaller than `settled`."""
    q = np.array(doubles(q, fingers.arrays[list(FINGER_ARRAYS).index("relaxed")].shape))
    polish = CSteps(steps, 0, settled, damping, least_damping)
    structures = map(byref, (fingers.structure, polish))
    kernels.run("lsmpl_finger_polish", len(q), *structures, pointer(q))
    return q
