"""Files of strangers as they are opened: of those alone that have an end."""

from __future__ import annotations

import errno
import os
import stat
from typing import BinaryIO


def file_size(path: str | os.PathLike) -> int:
    """Bytes of a file. Raises `OSError`, also where it is a folder, or is a device or a pipe, of
    which nobody knows when it ends."""
    status = os.stat(path)
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "is neither a file nor a folder", str(path))
    return status.st_size


def open_file(path: str | os.PathLike) -> BinaryIO:
    """A file to read from. Raises `OSError` as `file_size` does, and where it is empty: the
    system's own files (Linux' /proc) say so, and some of these never end."""
    if not file_size(path):
        raise OSError(errno.EINVAL, "the file is empty", str(path))
    return open(path, "rb")


def read_file(path: str | os.PathLike, most: int = -1) -> bytes:
    """The bytes of a file, or its first `most`; none of one that is empty. Raises `OSError` as
    `file_size` does.

    No more than it had when it was opened: another program may still be writing.
    """
    size = file_size(path)
    if not size:
        return b""
    with open(path, "rb") as file:
        return file.read(size if most < 0 else min(size, most))
