"""Which array library, device and precision a solve runs on."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import array_api_compat.numpy as numpy_xp
import numpy as np
from array_api_compat import device

from ..errors import DeviceError
from ..shown import shortened
from . import linear_kernels
from .kernel_library import find_kernels
from .kernels import Kernels

DEVICES = ("auto", "native", "numpy", "cpu", "cuda", "mps")


@dataclass(frozen=True)
class Backend:
    """An array namespace (`xp`, array API), a device and a float type; `reason` says to the user
    why this one.

    `instead_of`: the device that was asked for and is not used; "" where this is the one.
    `kernels`: compiled code that does the largest computations, on NumPy's arrays.
    """

    name: str
    xp: Any
    device: Any
    float_type: Any
    reason: str
    instead_of: str = ""
    kernels: Kernels | None = None

    @property
    def single(self) -> Backend:
        """The same in single precision; the compiled kernels are in double, and as fast."""
        return self if self.kernels else replace(self, float_type=self.xp.float32)

    def array(self, values):
        """Floats, on the device."""
        # MPS does not take double precision, not even to round it.
        host = np.float32 if self.float_type == self.xp.float32 else np.float64
        return self.xp.asarray(
            np.asarray(values, dtype=host), dtype=self.float_type, device=self.device
        )

    def floats(self, array):
        """An array of the backend's, or NumPy's, in the float type."""
        if isinstance(array, np.ndarray) and self.name != "numpy":
            return self.array(array)
        return self.xp.astype(array, self.float_type, copy=False)

    def indices(self, values):
        """64-bit integers, on the device."""
        return self.xp.asarray(np.asarray(values, dtype=np.int64), device=self.device)

    def wide(self, array):
        """In double precision; in NumPy where the device has none."""
        if self.name == "mps":
            return self.numpy(array)
        return self.xp.astype(array, self.xp.float64, copy=False)

    def solve(self, matrices, vectors):
        """x (B,N) of matrices (B,N,N) @ x = vectors (B,N), symmetric and positive definite ones:
        what becomes of others is not defined."""
        if self.kernels:
            return linear_kernels.solve(self.kernels, matrices, vectors[..., None])[..., 0]
        if isinstance(matrices, np.ndarray):  # The compat layer's takes longer.
            return np.linalg.solve(matrices, vectors[..., None])[..., 0]
        # `solve` waits for a GPU, to check.
        return self.xp.linalg.solve_ex(matrices, vectors[..., None])[0][..., 0]

    def numpy(self, array) -> np.ndarray:
        """Back to NumPy, in float64."""
        if isinstance(array, np.ndarray):
            return array.astype(np.float64)
        return array.detach().cpu().numpy().astype(np.float64)


def on_host(array) -> bool:
    """Whether one can look at its numbers at once; a GPU would first have to finish all that it was
    told to do."""
    return isinstance(array, np.ndarray) or device(array).type == "cpu"


def gather(array, index, axis: int):
    """`xp.take` of indices from 0 on. With torch, the compat layer spends three more kernels on
    negative ones."""
    return (
        np.take(array, index, axis=axis)
        if isinstance(array, np.ndarray)
        else array.index_select(axis, index)
    )


def at_least(array, least: float):
    """The larger of the two; NumPy's `clip` takes several times as long."""
    return np.maximum(array, least) if isinstance(array, np.ndarray) else array.clamp_min(least)


@cache
def indices(xp, values: tuple, where):
    """Nested tuples of integers as an array on a device, made once."""
    return xp.asarray(values, device=where)


@cache
def constant(xp, values: tuple, dtype, where):
    """Nested tuples of numbers as an array on a device, made once, and not to be changed."""
    return xp.asarray(values, dtype=dtype, device=where)


def kind_of(device: str) -> str:
    """Which of `DEVICES` a device is: "cuda" of "cuda:1". Raises `DeviceError` for a name that none
    has."""
    kind, _, number = device.partition(":")
    if kind not in DEVICES or (
        ":" in device and (kind != "cuda" or not (number.isascii() and number.isdigit()))
    ):
        raise DeviceError(
            f"no device is called {shortened(device)!r}; choose one of: {', '.join(DEVICES)}, "
            "or cuda:1 and so on"
        )
    return kind


def choose_backend(device: str | Backend = "auto") -> Backend:
    """The backend for one of `DEVICES`, or "cuda:1" and so on. Float64, except on MPS, which has
    float32 only.

    "auto" is NumPy, with compiled kernels where these are there: a take is solved frame by frame,
    and a single frame is fastest there. "native" is the same, but insists on the kernels, and
    "numpy" does without. A backend is itself. Raises `DeviceError` where the device is not there.
    """
    if isinstance(device, Backend):
        return device

    # NumPy, by itself or with the compiled kernels.
    kind = kind_of(device)
    if kind in ("auto", "native", "numpy"):
        kernels = None if kind == "numpy" else find_kernels().kernels
        if kind == "native" and not kernels:
            fact = find_kernels().fact
            raise DeviceError(f"device {device!r}: {fact}; device 'numpy' always works")
        reason = "fastest for one frame at a time" if kind == "auto" else "as asked"
        return Backend("numpy", numpy_xp, "cpu", np.float64, reason, kernels=kernels)

    # PyTorch, and what it can compute on.
    if importlib.util.find_spec("torch") is None:
        raise DeviceError(
            f"device {device!r} needs PyTorch, which is not installed here; device 'numpy' always "
            "works"
        )
    import array_api_compat.torch as torch_xp
    import torch

    if kind == "cuda" and not torch.cuda.is_available():
        why = "PyTorch finds no NVIDIA GPU that it can use"
        why = (
            why
            if torch.version.cuda or torch.version.hip
            else "this PyTorch was built without CUDA"
        )
        raise DeviceError(f"device {device!r}: {why}; devices here: numpy, cpu")
    if kind == "cuda" and int(device.partition(":")[2] or 0) >= torch.cuda.device_count():
        count = torch.cuda.device_count()
        raise DeviceError(
            f"device {device!r}: PyTorch finds {count} NVIDIA GPUs, cuda:0 to cuda:{count - 1}"
        )
    if kind == "mps" and not torch.backends.mps.is_available():
        raise DeviceError(
            f"device {device!r}: PyTorch finds no Apple GPU that it can use; devices here: numpy, "
            "cpu"
        )
    float_type = torch.float32 if kind == "mps" else torch.float64
    return Backend(device, torch_xp, torch.device(device), float_type, "as asked")
