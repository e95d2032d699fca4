"""Numbers that are no person's, and those that no equation can be solved with, end in a
`SolveError`, not in NumPy's own words."""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import wraps

import numpy as np

from ..bounds import SMALLEST, TALLEST
from ..errors import SolveError
from ..keypoints.track import KeypointTrack
from ..medians import seen_median
from ..points import lengths
from ..progress import Progress

LEAST_SEEN = 3
"""Keypoints of a frame that has a size."""
MEDIAN_FRAMES = 1000
"""Frames, evenly spread, that tell what most of a take's are."""
LEAST_APART, MOST_APART = 0.002, TALLEST
"""Metres of the middle keypoint from the middle of a body: eyes and nose, and a giant's limbs."""


def check_size(track: KeypointTrack) -> None:
    """Raises `SolveError` where the keypoints of most frames are no person's size apart: of
    another unit, for instance.

    By how far the middle keypoint of each frame is from the frame's middle, which single keypoints
    that are kilometres away do not change.
    """
    frames = np.flatnonzero(track.visible.sum(axis=1) >= LEAST_SEEN)
    if not len(frames):
        return
    positions = track.positions[frames[:: -(-len(frames) // MEDIAN_FRAMES)]]
    middle = seen_median(positions, axis=1)[:, None]
    apart = float(np.median(seen_median(lengths(positions - middle), axis=1)))
    if LEAST_APART <= apart <= MOST_APART:
        return
    raise SolveError(
        f"{track.source or 'the track'}: half of its keypoints are {apart:.3g} m or more from the "
        f"middle of the body; people are {SMALLEST:g} to {TALLEST:g} m tall. Is the unit right?"
    )


def refusing_nonsense(solve: Callable[..., Generator[Progress, None, object]]) -> Callable:
    """For generators whose first argument is the track: `SolveError` where its numbers cannot be
    computed with."""

    @wraps(solve)
    def steps(track: KeypointTrack, *args, **named) -> Generator[Progress, None, object]:
        try:
            return (yield from solve(track, *args, **named))
        except (np.linalg.LinAlgError, ArithmeticError) as error:
            raise SolveError(
                f"{track.source or 'the track'}: its numbers make no sense as a moving person; are "
                "some of them far too large, or nearly all of them missing?"
            ) from error

    return steps
