"""How likely each axis of a file is up, by what people and recordings do along it.

The cues and their weights: a multinomial logistic regression on half of the subjects of the
recorded motion that this was developed with (`benchmarks/units_and_axes.py` measures it on
the others): keypoints and anonymous markers, whole takes and
single frames, on a floor at zero or at any height, also walking on a treadmill and lying down.
"""

from __future__ import annotations

import numpy as np

AXES = {
    f"{sign}{axis}": (-1.0 if sign else 1.0) * np.eye(3)[i]
    for sign in ("", "-")
    for i, axis in enumerate(("x", "y", "z"))
}
"""The up axes a file can have, as unit vectors."""

WEIGHTS = np.array([4.0, 3.3, 2.3, 1.3, 5.8, 6.7])
_PRIOR = {"y": 0.0, "z": 0.0, "-y": -1.5, "-z": -2.5, "x": -2.5, "-x": -3.0}
"""Logarithms of how common each is: cameras have Y down, hardly anything has X up."""
_USUAL = 1.0  # of what most files of a format have, which decides only where the body hardly does
_STATED = 6.0  # more than a body that lies down outweighs, less than one that stands on a floor
_LEAST_FRAMES = 10
_MOST_FRAMES = 150
_STEP = 3  # frames over which points are seen to move


def axis_probabilities(
    positions: np.ndarray,
    size: float,
    lean: np.ndarray,
    stated: str | None = None,
    usual: str | None = None,
) -> dict[str, float]:
    """How likely each of `AXES` is up, by the `cues`, by what is common, in files of this format
    (`usual`) and at all, and by what the file `stated`."""
    scores = cues(positions, size, lean, np.array(list(AXES.values()))) @ WEIGHTS
    scores += np.array(
        [_PRIOR[name] + _STATED * (name == stated) + _USUAL * (name == usual) for name in AXES]
    )
    likely = np.exp(scores - scores.max())
    return dict(zip(AXES, (likely / likely.sum()).tolist()))


def cues(positions: np.ndarray, size: float, lean: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """(N,6) for unit vectors `axes` (N,3): cues that each is up, of points (T,K,3) of a person of
    stature `size`.

    lean: the body's own mean direction from feet to head (3,), 0 where unknown. The cues, each 0
    where it cannot be seen: the body leans that way; the lowest point keeps its height, as on a
    floor; the body travels little that way; the lowest point is planted while others move; the
    lowest point is at the origin, where files have their floor; the body is long that way.
    """
    found = np.zeros((len(axes), 6))
    found[:, 0] = axes @ lean
    frames = np.flatnonzero(np.isfinite(positions).all(axis=2).sum(axis=1) >= 2)
    if not len(frames) or not size > 0:
        return found
    chosen = positions[
        frames[np.linspace(0, len(frames) - 1, min(len(frames), _MOST_FRAMES)).astype(int)]
    ]
    heights = np.einsum("tkc,nc->tkn", chosen, axes)
    lowest, highest = outermost(heights), -outermost(-heights)
    found[:, 4] = np.exp(-np.abs(np.percentile(lowest, 10, axis=0)) / (0.08 * size))
    found[:, 5] = np.minimum(np.median(highest - lowest, axis=0) / size, 1.2)
    if len(chosen) >= _LEAST_FRAMES:
        found[:, 1] = np.exp(-floor_spread(positions, size, axes) / 0.05)
        middle = np.nanmedian(heights, axis=1)
        low, high = np.percentile(middle, (10, 90), axis=0)
        found[:, 2] = -np.minimum((high - low) / size, 1.5)
        found[:, 3] = -_sliding(positions, size, axes)
    return found


def floor_spread(positions: np.ndarray, size: float, axes: np.ndarray) -> np.ndarray:
    """For each of the axes (N,3): how much the height of the lowest point varies over the take, in
    statures.

    Large (1) where it cannot be told: a few frames, or no size.
    """
    frames = np.flatnonzero(np.isfinite(positions).all(axis=2).any(axis=1))
    if len(frames) < _LEAST_FRAMES or not size > 0:
        return np.ones(len(axes))
    seen = positions[frames[:: max(1, len(frames) // 300)]]
    parts = np.array_split(seen, 6)  # of all at once, heights would take megabytes
    lowest = np.concatenate([outermost(np.einsum("tkc,nc->tkn", some, axes)) for some in parts])
    low, high = np.percentile(lowest, (10, 90), axis=0)
    return np.minimum((high - low) / size, 1.0)


def outermost(heights: np.ndarray) -> np.ndarray:
    """(T,N): the lowest of heights (T,K,N), but for 3 % of the points, which may be none of the
    body; NaN ignored."""
    ordered = np.sort(heights, axis=1)
    rank = (0.03 * np.isfinite(heights).sum(axis=1, keepdims=True)).astype(int)
    return np.take_along_axis(ordered, rank, axis=1)[:, 0]


def _sliding(positions: np.ndarray, size: float, axes: np.ndarray) -> np.ndarray:
    """(N,): how fast the slowest of the low points moves, against the median of all points; at most
    1.5."""
    starts = np.unique(np.linspace(0, len(positions) - 1 - _STEP, _MOST_FRAMES).astype(int))
    before, after = positions[starts], positions[starts + _STEP]
    moved = np.linalg.norm(after - before, axis=2)
    heights = np.einsum("tkc,nc->tkn", (before + after) / 2, axes)
    heights = np.where(np.isfinite(heights), heights, np.inf)
    low = heights < outermost(heights)[:, None] + 0.15 * size
    slowest = np.where(low & np.isfinite(moved)[:, :, None], moved[:, :, None], np.inf).min(axis=1)
    seen = np.isfinite(slowest).all(axis=1)
    if not seen.any():
        return np.zeros(len(axes))
    typical = np.median(moved[np.isfinite(moved)])
    return np.minimum(np.median(slowest[seen], axis=0) / (typical + 1e-6 * size), 1.5)
