"""`Poses`: solved frames, before they are a motion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..rotation import exp_map, log_map


@dataclass(frozen=True)
class Poses:
    """Solved frames, in NumPy and double precision: rotations (N,24,3,3) and trans (N,3) in
    metres."""

    rotations: np.ndarray
    trans: np.ndarray

    def __len__(self) -> int:
        return len(self.trans)

    def __getitem__(self, frames: slice | np.ndarray | Sequence[int]) -> Poses:
        """Of these frames only."""
        return Poses(self.rotations[frames], self.trans[frames])

    def towards(self, other: Poses, share: np.ndarray) -> Poses:
        """N frames on their way to another's, by share (N,), 0 to 1, of each joint's turn and of
        the translation."""
        frames = np.flatnonzero(share > 0.0)
        rotations, trans = self.rotations.copy(), self.trans.copy()
        turn = log_map(np.swapaxes(rotations[frames], -1, -2) @ other.rotations[frames])
        rotations[frames] = rotations[frames] @ exp_map(share[frames, None, None] * turn)
        trans[frames] += share[frames, None] * (other.trans[frames] - trans[frames])
        return Poses(rotations, trans)

    @classmethod
    def joined(cls, parts: Sequence[Poses]) -> Poses:
        """The frames of several, one after the other."""
        return cls(
            np.concatenate([p.rotations for p in parts]), np.concatenate([p.trans for p in parts])
        )
