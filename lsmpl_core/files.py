"""Files: npz archives read without executing anything, and outputs never half-written under their final name."""

from __future__ import annotations

import errno
import os
import tempfile
import zipfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

NUMPY_ERRORS = ValueError, EOFError, KeyError, MemoryError, NotImplementedError, OverflowError, RuntimeError
DAMAGED = (*NUMPY_ERRORS, zipfile.BadZipFile, zlib.error)
"""What reading a damaged npz file raises."""


@contextmanager
def replace_when_complete(path: str | os.PathLike) -> Iterator[Path]:
    """Give a scratch path of the same name, and move what is written there onto `path` when the block succeeds.

    The scratch path is in a hidden folder beside `path`, which goes at the end with all that is left in it. If the
    block raises, what `path` held before stays as it was. Raises `OSError` where the folder cannot be written to.
    """
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "is a folder, so no file can be written there", str(path))
    try:
        scratch_folder = tempfile.TemporaryDirectory(dir=path.parent, prefix=".lsmpl-", ignore_cleanup_errors=True)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    with scratch_folder as folder:
        scratch = Path(folder) / path.name
        yield scratch
        os.replace(scratch, path)


def read_npz(path: str | os.PathLike, only: Collection[str] | None = None) -> dict[str, np.ndarray]:
    """The arrays of an npz file, or those of them named in `only`; what else is in the file then stays unread.

    Raises `OSError`, or `ValueError` with what is wrong; pickled objects are refused.
    """
    if not zipfile.is_zipfile(path):
        os.stat(path)
        raise ValueError("is no npz file, or a damaged one")
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files if only is None or name in only}
    except DAMAGED as error:
        raise ValueError(f"is a damaged npz file ({error})") from error


def npz_names(path: str | os.PathLike) -> list[str]:
    """The names of the arrays in an npz file, none of which is read. Raises as `read_npz` does."""
    if not zipfile.is_zipfile(path):
        os.stat(path)
        raise ValueError("is no npz file, or a damaged one")
    try:
        with zipfile.ZipFile(path) as archive:
            return [name.removesuffix(".npy") for name in archive.namelist()]
    except DAMAGED as error:
        raise ValueError(f"is a damaged npz file ({error})") from error
