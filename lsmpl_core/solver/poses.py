"""`Poses`: solved frames, before they are a motion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Poses:
    """Solved frames, in NumPy and double precision: rotations (N,24,3,3) and trans (N,3) in metres."""

    rotations: np.ndarray
    trans: np.ndarray

    def select(self, which: slice | np.ndarray) -> Poses:
        """Of these frames only."""
        return Poses(self.rotations[which], self.trans[which])
