"""Corrections that are known at times: followed there, and led back to nothing elsewhere, without a
jerk."""

from __future__ import annotations

from math import comb

import numpy as np

from ..solver.banded import BESIDE, add_differences, solve_diagonals

FIRM, HELD, LOOSE = 0.02, 0.012, 0.05
"""Seconds within which a correction follows what is known (a place on the ground: HELD), and over
which it fades where nothing is."""


def eased(
    values: np.ndarray, weight: np.ndarray, fps: float, *, firm: float, loose: float
) -> np.ndarray:
    """c (T,N) near values (T,N) where their weight (T,), 0 to 1, is 1, and back to 0 where it is 0.

    firm: seconds within which it follows what is known; loose: seconds over which it goes back. The
    least of Σ weight |c - values|² + firm⁶ |(d/dt + 1 / loose)³ c|², a smoothing spline whose way
    back is critically damped and so does not swing over to the other side (the prior of a Matérn
    process of order 5/2: Rasmussen and Williams, *Gaussian Processes for Machine Learning*, 2006,
    section 4.2 and appendix B).
    """
    frames = len(values)
    back = 1.0 / (loose * fps)
    diagonals = np.zeros((BESIDE + 1, frames))
    for order in range(min(BESIDE, frames - 1) + 1):
        penalty = (firm * fps) ** 6 * comb(BESIDE, order) * back ** (2 * (BESIDE - order))
        add_differences(diagonals, order, penalty)
    diagonals[0] += weight
    return solve_diagonals(diagonals, weight[:, None] * values)


def followed(values: np.ndarray, known: np.ndarray, fps: float, firm: float = FIRM) -> np.ndarray:
    """(T,N): values (T,N) where they are known (T,) bool, and back to 0 where they are not."""
    return eased(
        np.where(known[:, None], values, 0.0), known.astype(float), fps, firm=firm, loose=LOOSE
    )


def standing_share(standing: np.ndarray, fps: float) -> np.ndarray:
    """(T,) 0 to 1: how much of a standing (T,) bool foot is felt, without a jerk."""
    return np.clip(followed(standing[:, None].astype(float), standing, fps)[:, 0], 0.0, 1.0)
