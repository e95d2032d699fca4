"""The numbers of PyTorch tensors in a pickle, without PyTorch and without running anything.

Such a tensor is a call of `torch._utils._rebuild_tensor_v2(storage, offset, size, stride, ...)`,
whose storage is a call of `torch.storage._load_from_bytes(data)`, and these data are what
`torch.save` writes in its older form: pickles that say the type and the count, then the count once
more in eight bytes, and the numbers.
"""

from __future__ import annotations

import re

import numpy as np

from .pickle_budget import Placeholder

TENSOR, STORAGE = "torch._utils._rebuild_tensor_v2", "torch.storage._load_from_bytes"
MAX_NUMBERS = 50_000_000
_TYPES = {
    b"Float": "<f4", b"Double": "<f8", b"Half": "<f2", b"Long": "<i8", b"Int": "<i4",
    b"Short": "<i2", b"Char": "<i1", b"Byte": "<u1", b"Bool": "<u1",
}  # fmt: skip
_STORAGE = re.compile(rb"torch\n(\w{3,8})Storage\n")


def tensor_array(value: Placeholder) -> np.ndarray:
    """The array that a tensor of a pickle is. Raises ValueError, with words for the user, where it
    cannot be read."""
    match value.state.get("args"):
        case (
            Placeholder(kind=kind, state={"args": (bytes(data),)}),
            int(offset),
            tuple(size),
            tuple(stride),
            *_,
        ):
            if (
                kind == STORAGE
                and len(size) == len(stride) <= 16
                and _are_counts((offset, *size, *stride))
            ):
                return _strided(_numbers(data, offset, size, stride), offset, size, stride)
    raise ValueError("a tensor of a form that is not read")


def _are_counts(values: tuple) -> bool:
    return all(type(value) is int and 0 <= value <= MAX_NUMBERS for value in values)


def _numbers(
    data: bytes, offset: int, size: tuple[int, ...], stride: tuple[int, ...]
) -> np.ndarray:
    """The storage's numbers; what its data say of their count must agree with what the tensor needs
    of it."""
    kind = _STORAGE.search(data[:4096])
    if kind is None or kind[1] not in _TYPES:
        raise ValueError("a tensor of a type that is not read")
    dtype = np.dtype(_TYPES[kind[1]])
    least = (
        offset + 1 + sum((n - 1) * step for n, step in zip(size, stride)) if 0 not in size else 0
    )
    most = (len(data) - 8) // dtype.itemsize
    for count in dict.fromkeys((least, *range(least, min(most, least + 4096) + 1))):
        start = len(data) - count * dtype.itemsize
        if start >= 8 and int.from_bytes(data[start - 8 : start], "little") == count:
            return np.frombuffer(data, dtype, count, start)
    raise ValueError("a tensor whose data are not what it says")


def _strided(
    numbers: np.ndarray, offset: int, size: tuple[int, ...], stride: tuple[int, ...]
) -> np.ndarray:
    if int(np.prod(size, dtype=object)) > MAX_NUMBERS:
        raise ValueError("a tensor of more numbers than its data")
    if 0 in size:
        return np.zeros(size)
    places = np.full(size, offset)
    for axis, (n, step) in enumerate(zip(size, stride)):
        places += (np.arange(n) * step).reshape(-1, *[1] * (len(size) - axis - 1))
    if places.max() >= len(numbers):
        raise ValueError("a tensor beyond its data")
    return numbers[places]
