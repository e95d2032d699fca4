"""Folders for outputs."""

import errno
from pathlib import Path


def make_folders(folder: Path) -> None:
    """A folder and those that it is in, as far as they are not there.

    One after the other: `Path.mkdir` calls itself for each, and paths have room for two thousand.
    Raises `OSError`, of a file that is in the way `NotADirectoryError`.
    """
    missing = []
    while not folder.is_dir():
        if folder.exists():
            raise NotADirectoryError(
                errno.ENOTDIR, "is a file, so no folder can be there", str(folder)
            )
        missing.append(folder)
        folder = folder.parent
    for one in reversed(missing):
        one.mkdir(exist_ok=True)
