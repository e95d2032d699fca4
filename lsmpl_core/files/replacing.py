"""Output files, never half-written under their final name."""

from __future__ import annotations

import errno
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SCRATCH = f".lsmpl-{secrets.token_hex(4)}-"
"""How this process's scratch folders begin: who ends the process can remove them."""


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
        scratch_folder = tempfile.TemporaryDirectory(dir=path.parent, prefix=SCRATCH, ignore_cleanup_errors=True)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    with scratch_folder as folder:
        scratch = Path(folder) / path.name
        yield scratch
        os.replace(scratch, path)
