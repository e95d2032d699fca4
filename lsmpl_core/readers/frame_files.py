"""The files of a folder that are a frame each, and their numbers."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

_BESIDE = frozenset(
    (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".mp4", ".avi", ".mov", ".obj",
     ".ply", ".md", ".yaml", ".yml", ".log")
)  # fmt: skip
"""Endings of what tools put beside frames' points: what they were seen in, what was made of them,
and notes."""
MOST_FILES = 250_000


def frame_files(folder: Path, endings: Collection[str]) -> list[Path]:
    """A folder's files of some endings in the order of the numbers in their names; [] where there
    are others beside them, but for pictures, meshes, notes and hidden files."""
    files = [
        path
        for path in folder.iterdir()
        if not path.name.startswith(".") and path.suffix.lower() not in _BESIDE and path.is_file()
    ]
    if not all(path.suffix.lower() in endings for path in files):
        return []
    return sorted(files, key=lambda path: (last_number(path.stem) or 0, path.name))[:MOST_FILES]


def are_counted(files: Sequence[Path]) -> bool:
    """Whether there are files, whose names differ in their last number alone."""
    return len({re.sub(r"\d+(?=\D*$)", "#", file.stem) for file in files}) == 1


def numbered(files: Sequence[Path]) -> np.ndarray:
    """The last number in each of some files' names (T,), their place where there is none."""
    numbers = [last_number(file.stem) for file in files]
    return np.array([i if one is None else one for i, one in enumerate(numbers)], float)


def last_number(stem: str) -> int | None:
    numbers = re.findall(r"\d+", stem)
    return int(numbers[-1][-15:]) if numbers else None
