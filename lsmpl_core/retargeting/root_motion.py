"""Root motion: the bone above the hips goes over the floor and turns about the vertical with them,
as game engines want it, and the hips keep the rest."""

from __future__ import annotations

import numpy as np

from ..cleaning.easing import eased
from ..rotation import exp_map

HEADING_SECONDS = 0.1
"""Seconds within which the heading follows the hips."""
KEPT = 1e3
"""Seconds over which a heading that is not seen would fade: none does."""


def root_motion(
    hips: np.ndarray, turned: np.ndarray, at: np.ndarray, home: np.ndarray, fps: float
) -> np.ndarray:
    """(T,4,4): how the root bone moves from where it rests: level, below the hips, and about the
    vertical.

    hips (T,3); turned (T,3,3), how the pelvis is turned from canonical axes (Z up, facing -Y); at
    (3,): where the bone rests; home (3,3): from canonical axes to those it rests in.
    """
    angle, seen = _heading(turned)
    angle = np.unwrap(angle)
    if len(angle) > 1:
        offset = np.average(angle, weights=seen)
        angle = (
            eased((angle - offset)[:, None], seen, fps, firm=HEADING_SECONDS, loose=KEPT)[:, 0]
            + offset
        )
    angle = angle - _heading(home[None])[0][0]
    moved = np.tile(np.eye(4), (len(hips), 1, 1))
    moved[:, :3, :3] = exp_map(angle[:, None] * np.array([0.0, 0.0, 1.0]))
    moved[:, :3, 3] = at - moved[:, :3, :3] @ at
    moved[:, :2, 3] += hips[:, :2] - at[:2]
    return moved


def _heading(turned: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The angles (T,) about the vertical of rotations (T,3,3), by their twist, and how well (T,)
    each is seen: the more upside down, the less."""
    sine, cosine = turned[:, 1, 0] - turned[:, 0, 1], turned[:, 0, 0] + turned[:, 1, 1]
    return np.arctan2(sine, cosine), np.clip(0.5 * np.hypot(sine, cosine), 1e-3, 1.0)
