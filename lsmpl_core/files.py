"""Output files, never half-written under their final name, and small JSON files."""

from __future__ import annotations

import errno
import json
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .errors import LsmplError

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


def read_json(path: Path, what: str, error: type[LsmplError], most_bytes: int = 1 << 20) -> Any:
    """What a small JSON file holds. Raises `error` naming the file, and `what` it should have been."""
    try:
        if path.stat().st_size > most_bytes:
            raise error(f"{path}: too large for a {what} (more than {most_bytes >> 20} MiB)")
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as fault:
        raise error(f"{path}: cannot be read: {fault.strerror or fault}") from None
    except (ValueError, RecursionError) as fault:
        raise error(f"{path}: not a JSON {what}: {fault}") from None
