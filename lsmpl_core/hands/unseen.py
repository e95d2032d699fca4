"""Fingers that nobody sees beside others that are seen: they bend as those do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..keypoints.hand_points import FINGERS
from .finger_batch import UNKNOWNS
from .finger_problem import FingerProblem

_BENDS = (0, 3, 6)
_ACROSS = ("index", "middle", "ring", "little")


def with_neighbours(problem: FingerProblem, q: np.ndarray) -> FingerProblem:
    """The problem in which each finger without a point in a frame is drawn to its neighbours' bend
    at q (T,10,9), not to that of a hand at rest: a fist of which two fingers are hidden is no
    pointing hand. (Of eight signers' hands whose middle and ring fingers were hidden, all were
    nearer so, the more the more they followed: tips by 20 of 55 mm.)

    Thumbs move by themselves. The nearer a neighbour is, the more it counts.
    """
    T = len(q)
    seen = (problem.confidence > 0).any(axis=-1).reshape(T, 2, len(FINGERS))
    bent = (q - problem.relaxed).reshape(T, 2, len(FINGERS), UNKNOWNS)[..., _BENDS]
    shares = _nearness() * seen[:, :, None]
    total = shares.sum(axis=-1)
    usual = np.einsum("thfg,thgk->thfk", shares, bent) / np.maximum(total, 1e-9)[..., None]
    relaxed = problem.relaxed.reshape(T, 2, len(FINGERS), UNKNOWNS).copy()
    follows = (~seen & (total > 0))[..., None]
    relaxed[..., _BENDS] += np.where(follows, usual, 0.0)
    return replace(problem, relaxed=relaxed.reshape(q.shape))


def _nearness() -> np.ndarray:
    """(5,5): how much each finger's bend says of another's."""
    shares = np.zeros((len(FINGERS), len(FINGERS)))
    for f, finger in enumerate(FINGERS):
        for g, other in enumerate(FINGERS):
            if f != g and finger in _ACROSS and other in _ACROSS:
                shares[f, g] = 1.0 / abs(_ACROSS.index(finger) - _ACROSS.index(other))
    return shares
