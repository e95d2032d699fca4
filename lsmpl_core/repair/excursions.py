"""Keypoints that jump away from the body's course and, a while later, back: meanwhile they do not
show the body.

A detector that takes something else for a wrist, a label on the wrong marker: bones may come out
right by chance in some of the frames, but no hand gets there and back in a frame each.
"""

from __future__ import annotations

import numpy as np

from ..medians import seen_median
from ..points import complete, lengths

LEAST, SUDDEN = 0.08, 4.0
"""Metres by which a keypoint jumps against the body, and times what it does in the frames around,
at least."""
AROUND = 2
"""Frames before and after that a jump is compared with."""
LONGEST = 0.6
"""Seconds after which a jump back is not to where it was."""
CANCELLING = 0.5
"""Share of the larger of the two jumps that they may differ by: meanwhile the body went on."""


def find_excursions(
    positions: np.ndarray, fps: float, mirror: np.ndarray, cuts: np.ndarray
) -> np.ndarray:
    """(T,K) bool: keypoints of positions (T,K,3), in metres and NaN where missing, that are on an
    excursion.

    mirror (K,): each keypoint's partner; where that jumps as well, the two may have been exchanged,
    which is another fault (`swaps.py`). cuts (T-1,): across them nothing goes on.
    """
    T, K = positions.shape[:2]
    out = np.zeros((T, K), dtype=bool)
    if T < 2 * AROUND + 2:
        return out
    steps = np.diff(positions, axis=0)
    steps = np.nan_to_num(steps - np.nan_to_num(seen_median(steps, axis=1))[:, None])
    size = lengths(steps)
    padded = np.pad(size, ((AROUND, AROUND), (0, 0)))
    near = [padded[shift : shift + len(size)] for shift in range(2 * AROUND + 1) if shift != AROUND]
    jumps = (size > LEAST) & (size > SUDDEN * np.sort(near, axis=0)[-2]) & ~cuts[:, None]
    jumps[jumps.mean(axis=1) > 0.5] = False
    for k in np.flatnonzero(jumps.sum(axis=0) > 1):
        at = np.flatnonzero(jumps[:, k])
        partner = jumps[:, mirror[k]] if mirror[k] != k else np.zeros(T - 1, dtype=bool)
        first = 0
        while first < len(at) - 1:
            away, back = at[first], at[first + 1]
            closes = np.linalg.norm(steps[away, k] + steps[back, k]) < CANCELLING * max(
                size[away, k], size[back, k]
            )
            found = closes and back - away <= LONGEST * fps and not (partner[away] or partner[back])
            out[away + 1 : back + 1, k] |= found
            first += 2 if found else 1
    return out & complete(positions)
