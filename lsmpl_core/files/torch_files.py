"""PyTorch files read without running anything in them. torch is imported only where such a file is
read."""

from __future__ import annotations

import os
import zipfile
from typing import Any

from .npz import most_unpacked
from .opening import read_file

MAX_BYTES = 1 << 30  # unpacked


def read_torch_file(path: str | os.PathLike) -> Any:
    """What a PyTorch file of the zip form holds, on the CPU, by torch's reader of mere weights.

    The older forms, in which that reader did not always protect, are left unread. Raises `OSError`,
    or `ValueError` with what is wrong, also where torch is not installed.
    """
    if read_file(path, 4) != b"PK\x03\x04":
        raise ValueError("is no PyTorch file")
    try:
        import torch
    except (ImportError, OSError) as error:
        raise ValueError(
            "is a PyTorch file, and PyTorch, which reads it, is not installed (pip install torch)"
        ) from error
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
        most = min(MAX_BYTES, most_unpacked(os.path.getsize(path)))
        if size <= most:
            return torch.load(path, map_location="cpu", weights_only=True)
    except (
        Exception
    ) as error:  # torch has no error class for this, and lets those of zipfile and pickle through
        raise ValueError(
            "is a PyTorch file that is damaged or holds more than tensors "
            f"({type(error).__name__}); nothing in it was run"
        ) from error
    raise ValueError(f"unpacks to {size >> 20} MB; at most {most >> 20} MB are read")
