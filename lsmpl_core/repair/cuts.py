"""Cuts: where a track goes on with another pose, so that nothing before says anything of what comes
after."""

from __future__ import annotations

import numpy as np

from ..points import complete, lengths

SPEED, JUMPS = 2.5, 6.0
"""Metres a second at which the parts of a body move against each other on average, and how many
times what is usual in the track: more than both is a cut."""


def find_cuts(positions: np.ndarray, mirror: np.ndarray, fps: float) -> np.ndarray:
    """(T-1,) bool: whether there is a cut between each frame and the next; positions (T,K,3), NaN
    where missing.

    The middles of pairs are looked at, which do not mind whether left and right are exchanged.
    """
    middles = 0.5 * (positions + positions[:, mirror])
    steps = np.diff(middles, axis=0)
    seen = complete(steps)
    count = np.maximum(seen.sum(axis=1), 1)[:, None]
    steps = np.where(seen[..., None], steps, 0.0)
    steps = np.where(
        seen[..., None], steps - steps.sum(axis=1, keepdims=True) / count[..., None], 0.0
    )
    mean = lengths(steps).sum(axis=1) / count[:, 0]
    return (
        mean > np.maximum(SPEED / fps, JUMPS * np.median(mean))
        if len(mean)
        else np.zeros(0, dtype=bool)
    )
