"""`Poses`: solved frames, before they are a motion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..rotation import exp_map, log_map


@dataclass(frozen=True)
class Poses:
    """Solved frames, in NumPy and double precision: rotations (N,24,3,3) and trans (N,3) in metres."""

    rotations: np.ndarray
    trans: np.ndarray

    def select(self, which: slice | np.ndarray) -> Poses:
        """Of these frames only."""
        return Poses(self.rotations[which], self.trans[which])

    def towards(self, other: Poses, share: np.ndarray) -> Poses:
        """N frames on their way to another's, by share (N,), 0 to 1, of each joint's turn and of the translation."""
        frames = np.flatnonzero(share > 0.0)
        rotations, trans = self.rotations.copy(), self.trans.copy()
        turn = log_map(np.swapaxes(rotations[frames], -1, -2) @ other.rotations[frames])
        rotations[frames] = rotations[frames] @ exp_map(share[frames, None, None] * turn)
        trans[frames] += share[frames, None] * (other.trans[frames] - trans[frames])
        return Poses(rotations, trans)
