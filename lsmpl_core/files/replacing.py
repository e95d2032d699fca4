"""Output files, never half-written under their final name."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SCRATCH = f".lsmpl-{secrets.token_hex(4)}-"
"""How this process's scratch folders begin: who ends the process can remove them."""

_WAITS = (0.05, 0.1, 0.2, 0.4, 0.8) if os.name == "nt" else ()
"""Seconds between tries to replace a file. On Windows what another program has open cannot be
replaced, and virus scanners and search indexes open whatever is new, for a moment."""


@contextmanager
def replace_when_complete(path: str | os.PathLike) -> Iterator[Path]:
    """Give a scratch path of the same name, and move what is written there onto `path` when the
    block succeeds.

    The scratch path is in a hidden folder beside `path`, which goes at the end with all that is
    left in it. If the block raises, what `path` held before stays as it was. Raises `OSError` where
    `path` is a folder, or a device or a pipe, which a file would take the place of, where the
    folder cannot be written to, or where `path` is open in another program and the system (Windows)
    then lets nobody replace it.
    """
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(
            errno.EISDIR, "is a folder, so no file can be written there", str(path)
        )
    if is_special(path):
        raise OSError(errno.EINVAL, "is no file, and nothing is written in its place", str(path))
    with scratch_folder(path) as folder:
        scratch = folder / path.name
        yield scratch
        _replace(scratch, path)


def is_special(path: str | os.PathLike) -> bool:
    """Whether something is there that is neither a file nor a folder: a device, a pipe."""
    return os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path)


@contextmanager
def scratch_folder(path: Path) -> Iterator[Path]:
    """A hidden folder beside `path`, removed at the end. Raises `OSError` naming `path` where there
    can be none."""
    folder = path.parent / f"{SCRATCH}{secrets.token_hex(4)}"
    try:
        _make(folder, path)
        yield folder
    finally:
        _remove(folder)


def _make(folder: Path, path: Path) -> None:
    """Not by `tempfile`: on Windows files made in its private folders stay private when they are
    moved."""
    try:
        folder.mkdir()
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def _remove(folder: Path) -> None:
    """Whatever comes meanwhile: a signal that ends the process in order is an exception here."""
    try:
        shutil.rmtree(folder, ignore_errors=True)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _replace(scratch: Path, path: Path) -> None:
    for wait in (*_WAITS, None):
        try:
            return os.replace(scratch, path)
        except PermissionError as error:
            if wait is None:
                why = " (is it read-only, or open in another program?)" if os.name == "nt" else ""
                raise PermissionError(error.errno, f"{error.strerror}{why}", str(path)) from error
            time.sleep(wait)
