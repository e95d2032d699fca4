"""Writing files so that nothing half-written is ever seen under its final name."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replace_when_complete(path: str | os.PathLike) -> Iterator[Path]:
    """Give a scratch path beside `path`, with the same extension, and move it onto `path` when the block succeeds.

    If the block raises, the scratch file is removed and what `path` held before is left as it was. Raises `OSError`
    where the folder cannot be written to. The scratch file exists, empty, so that its name is taken.
    """
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(21, "is a folder", str(path))
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}.", suffix=path.suffix)
    os.close(handle)
    scratch = Path(name)
    try:
        yield scratch
        os.chmod(scratch, 0o666 & ~_umask())
        os.replace(scratch, path)
    finally:
        scratch.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
