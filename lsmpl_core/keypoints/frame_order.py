"""Whether frames follow one another, as those of a take do and shuffled ones do not."""

from __future__ import annotations

import numpy as np

from ..points import complete, lengths

FEWEST_FRAMES = 20
LEAST_METRES = 0.15
"""By which keypoints are apart, typically, in frames far from each other: of somebody who hardly
moves, noise is all there is to see."""
AS_FAR = 0.75
"""Share of that by which they are apart from one frame to the next, from which on frames follow
nothing: of recorded motion with 30 mm of noise 0.27 at most at 30 frames a second, 0.39 at ten, of
a salsa at five 0.70; in disorder 1."""


def follows_nothing(positions: np.ndarray) -> bool:
    """Whether a frame of keypoints (T,K,3) is about as far from the next one as from those a third
    of the take away."""
    frames = len(positions)
    if frames < FEWEST_FRAMES:
        return False
    near, far = (_apart(positions, steps) for steps in (1, frames // 3))
    return bool(far >= LEAST_METRES and near > AS_FAR * far)


def _apart(positions: np.ndarray, steps: int) -> float:
    """Metres, the median over all keypoints and frames that are seen, between frames that are so
    many steps apart; 0 where none are."""
    moved = positions[steps:] - positions[:-steps]
    moved = moved[complete(moved)]
    return float(np.median(lengths(moved))) if len(moved) else 0.0
