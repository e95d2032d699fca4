"""`Estimate`: poses from elsewhere that solved frames stay near, and an anchor between these and
the predicted ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..backends.arrays import Backend
from ..rotation import exp_map, log_map
from .noise import EXACT_NOISE
from .polish import Anchor


@dataclass(frozen=True)
class Estimate:
    """Poses to stay near: rotations (T,24,3,3) of a take's frames, and sigma (24,), by how many
    radians each axis of a joint may be off."""

    rotations: np.ndarray
    sigma: np.ndarray

    def weights(self, noise: float) -> np.ndarray:
        """(24,) in m²/rad², of an anchor beside keypoints with this noise, in metres."""
        return (max(noise, EXACT_NOISE) / self.sigma) ** 2


def drawn_together(backend: Backend, one: Anchor, other: Anchor) -> Anchor:
    """Two anchors as one: in between by their weights, whose sum it has."""
    xp = backend.xp
    weights = one.weights + other.weights
    apart = log_map(xp.matmul(xp.matrix_transpose(one.rotations), other.rotations))
    share = xp.broadcast_to(other.weights / weights, apart.shape[:-1])
    return Anchor(xp.matmul(one.rotations, exp_map(share[..., None] * apart)), weights)
