"""Short gaps in a track, bridged by cubics; what is short is measured on the track itself."""

from __future__ import annotations

import numpy as np

LONGEST_GAP = 0.3
"""Seconds that a gap lasts at most to be short."""
OFF = 0.01
"""Metres by which bridges may be off in the middle, above what bridges over a single frame are."""
MOST_TRIALS = 20_000
FULL_WORTH = 0.5
"""Confidence of a bridge over one frame against that of the keypoints on either side."""


def bridge_gaps(
    positions: np.ndarray, confidence: np.ndarray, fps: float
) -> tuple[np.ndarray, np.ndarray]:
    """positions (T,K,3) in metres and confidence (T,K), 0 where missing, with short gaps filled.

    Each is a cubic through the two frames on either side of the gap (Catmull and Rom 1974). How far
    it is off is measured by bridging stretches that were seen, for each length of gap; the longer a
    gap, the less its bridge counts.
    """
    if next(_gaps(confidence > 0.0, int(LONGEST_GAP * fps)), None) is None:
        return positions, confidence
    off = bridge_errors(np.where(confidence[..., None] > 0.0, positions, np.nan), fps)
    positions, confidence = positions.copy(), confidence.copy()
    if not len(off):
        return positions, confidence
    short = int(np.argmin(np.append(off < off[0] + OFF, False)))
    for k, first, last in _gaps(confidence > 0.0, short):
        before, after = first - 1, last + 1
        ends = [before - 1, before, after, after + 1]
        if ends[0] < 0 or ends[3] >= len(confidence) or not (confidence[ends, k] > 0.0).all():
            continue
        share = (np.arange(first, after) - before) / (after - before)
        a, b, c, d = positions[ends, k]
        positions[first:after, k] = _cubic(a, b, c, d, after - before, share[:, None])
        worth = FULL_WORTH * (off[0] / off[last - first]) ** 2
        confidence[first:after, k] = worth * min(confidence[before, k], confidence[after, k])
    return positions, confidence


def bridge_errors(positions: np.ndarray, fps: float) -> np.ndarray:
    """(G,) metres by which bridges over 1, 2, ... frames are off in the middle, root mean square
    over the track."""
    errors = []
    for length in range(1, max(1, int(LONGEST_GAP * fps)) + 1):
        count = len(positions) - length - 3
        if count < 1:
            break
        starts = np.unique(
            np.linspace(0, count - 1, max(1, MOST_TRIALS // positions.shape[1])).astype(int)
        )
        middle = (length + 1) // 2
        guess = _cubic(
            positions[starts],
            positions[starts + 1],
            positions[starts + length + 2],
            positions[starts + length + 3],
            length + 1,
            middle / (length + 1),
        )
        squares = np.square(guess - positions[starts + 1 + middle]).sum(axis=-1)
        squares = squares[np.isfinite(squares)]
        if not squares.size:
            break
        errors.append(np.sqrt(squares.mean()))
    return np.maximum(np.array(errors), 1e-6)


def _cubic(a, b, c, d, length, share):
    """Between b and c, `length` frames apart, with the velocities from a to b and from c to d, a
    frame each."""
    start, end = (b - a) * length, (d - c) * length
    s, t = share, 1.0 - share
    return t * t * (1.0 + 2.0 * s) * b + s * s * (1.0 + 2.0 * t) * c + s * t * (t * start - s * end)


def _gaps(seen: np.ndarray, longest: int):
    """(keypoint, first, last) of the runs of at most `longest` frames that are missing between
    frames that are seen."""
    edges = np.diff(np.pad(seen, ((1, 1), (0, 0)), constant_values=True).astype(np.int8), axis=0)
    for k in np.flatnonzero((edges != 0).any(axis=0)):
        firsts, afters = np.flatnonzero(edges[:, k] == -1), np.flatnonzero(edges[:, k] == 1)
        for first, after in zip(firsts, afters):
            if after - first <= longest and first > 0 and after < len(seen):
                yield int(k), int(first), int(after) - 1
