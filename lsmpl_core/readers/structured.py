"""Structured NumPy arrays, whose numbers have names: a table's columns, a keypoint's places, or x,
y and z of each keypoint."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..files.texts import checked_texts
from .column_words import AXES, CONFIDENCE
from .raw import opened_archive


def archived_fields(path: Path) -> dict[str, np.ndarray | list] | np.ndarray | None:
    """What the only structured array of an npz means; None of any other archive."""
    with opened_archive(path) as archive:
        names = [name for name in archive.names if archive.is_structured(name)]
        return fields_of(archive.fields(names[0])) if len(names) == 1 else None


def fields_of(array: np.ndarray) -> dict[str, np.ndarray | list] | np.ndarray:
    """What a structured array means: points (T,K,3), or (T,K,4) with confidence, where its fields
    are x, y and z; else an array for each field. Any other array as it is."""
    if array.dtype.names is None:
        return array
    fields = {name: checked_texts(array[name]) for name in array.dtype.names}
    lower = {name.lower(): one for name, one in fields.items()}
    axes = [lower[axis] for axis in AXES if axis in lower]
    if len(axes) == len(AXES) and all(one.ndim == 2 for one in axes):
        scores = [lower[name] for name in lower if name in CONFIDENCE and lower[name].ndim == 2]
        return np.stack([*axes, *scores[:1]], axis=-1)
    return {name: _listed(one) for name, one in fields.items()}


def _listed(column: np.ndarray) -> np.ndarray | list:
    """A field as it is, texts as a list of them."""
    if column.dtype.kind == "S":
        return [text.decode("utf-8", errors="replace") for text in column.ravel().tolist()]
    return column.ravel().tolist() if column.dtype.kind == "U" else column
