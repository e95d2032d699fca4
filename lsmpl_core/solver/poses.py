"""`Poses`: solved frames, before they are a motion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..backends.kernel_library import find_kernels
from ..concise import concise_repr
from ..rotation import exp_map, log_map, orthonormalise


@dataclass(frozen=True)
class Poses:
    """Solved frames, in NumPy and double precision: rotations (N,24,3,3), trans (N,3) in metres,
    and fingers (N,30,3), axis-angles as `Motion.fingers`; None where nothing is said of those, as
    by the solver, which knows the body alone."""

    rotations: np.ndarray
    trans: np.ndarray
    fingers: np.ndarray | None = None
    __repr__ = concise_repr

    def __len__(self) -> int:
        return len(self.trans)

    def __getitem__(self, frames: slice | np.ndarray | Sequence[int]) -> Poses:
        """Of these frames only."""
        fingers = None if self.fingers is None else self.fingers[frames]
        return Poses(self.rotations[frames], self.trans[frames], fingers)

    def towards(self, other: Poses, share: np.ndarray) -> Poses:
        """N frames on their way to another's, by share (N,), 0 to 1, of each joint's turn and of
        the translation."""
        frames = np.flatnonzero(share > 0.0)
        rotations, trans = self.rotations.copy(), self.trans.copy()
        turn = log_map(np.swapaxes(rotations[frames], -1, -2) @ other.rotations[frames])
        rotations[frames] = rotations[frames] @ exp_map(share[frames, None, None] * turn)
        trans[frames] += share[frames, None] * (other.trans[frames] - trans[frames])
        return Poses(rotations, trans)

    def moved(self, steps: np.ndarray) -> Poses:
        """N frames after steps (N,25,3): of each joint in its own frame, in radians, and last of
        the translation; the rotations made exact."""
        turns = steps[:, :-1]
        if kernels := find_kernels().kernels:
            rotations = kernels.turned(self.rotations, turns)
        else:
            rotations = orthonormalise(self.rotations @ exp_map(turns))
        return Poses(rotations, self.trans + steps[:, -1])

    @classmethod
    def joined(cls, parts: Sequence[Poses]) -> Poses:
        """The frames of several, one after the other, with fingers where all have some."""
        fingers = [p.fingers for p in parts if p.fingers is not None]
        return cls(
            np.concatenate([p.rotations for p in parts]),
            np.concatenate([p.trans for p in parts]),
            np.concatenate(fingers) if len(fingers) == len(parts) else None,
        )
