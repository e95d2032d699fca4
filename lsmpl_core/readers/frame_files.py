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


def endings_in(folder: Path) -> set[str]:
    """The endings of a folder's files, but of pictures, meshes, notes and hidden files."""
    names = (path for path in folder.iterdir() if not path.name.startswith("."))
    return {path.suffix.lower() for path in names if path.is_file()} - _BESIDE


def frame_files(folder: Path, endings: Collection[str]) -> list[Path]:
    """A folder's files of some endings in the order of the numbers in their names; [] where there
    are others beside them."""
    if not endings_in(folder) or not endings_in(folder) <= set(endings):
        return []
    files = [path for path in folder.iterdir() if path.suffix.lower() in endings]
    files = [path for path in files if path.is_file() and not path.name.startswith(".")]
    return sorted(files, key=lambda path: (_last_number(path.stem, 0), path.name))[:MOST_FILES]


def numbered(files: Sequence[Path]) -> np.ndarray:
    """The last number in each of some files' names (T,), their place where there is none."""
    return np.array([_last_number(file.stem, i) for i, file in enumerate(files)], float)


def _last_number(stem: str, otherwise: int) -> int:
    numbers = re.findall(r"\d+", stem)
    return int(numbers[-1][-15:]) if numbers else otherwise
