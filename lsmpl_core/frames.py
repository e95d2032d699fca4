"""Frames of a take: stretches of those that are marked, and some of many, evenly spread."""

from __future__ import annotations

import numpy as np


def runs(mask: np.ndarray) -> list[tuple[int, int]]:
    """(start, stop) of each stretch of true values in mask (T,)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2])]


def evenly(count: int, most: int) -> np.ndarray:
    """Numbers of some of so many frames, the first and the last among them: all, or `most`."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(int))
