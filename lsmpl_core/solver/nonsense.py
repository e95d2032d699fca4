"""Numbers that no equation can be solved with end in a `SolveError`, not in NumPy's own words."""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import wraps

import numpy as np

from ..errors import SolveError
from ..keypoints.track import KeypointTrack
from ..progress import Progress


def refusing_nonsense(solve: Callable[..., Generator[Progress, None, object]]) -> Callable:
    """For generators whose first argument is the track: `SolveError` where its numbers cannot be
    computed with."""

    @wraps(solve)
    def steps(track: KeypointTrack, *args, **named) -> Generator[Progress, None, object]:
        try:
            return (yield from solve(track, *args, **named))
        except (np.linalg.LinAlgError, ArithmeticError) as error:
            raise SolveError(
                f"{track.source or 'the track'}: its numbers make no sense as a moving person "
                f"({error}); are some of "
                "them far too large, or nearly all of them missing?"
            ) from error

    return steps
