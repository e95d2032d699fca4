"""How large the hands of a take are, and arms that bring them to where their points are.

Detectors see wrists elsewhere than a body has them, and hands are not all as large as a body of
that shape has them. What is left between a hand's points and the fingers of the body is therefore
first a size, the same for both hands and all frames, and then a way that the wrist has to go, which
shoulder and elbow share by how sure they are.
"""

from __future__ import annotations

import numpy as np
from array_api_compat import array_namespace

from ..rotation import exp_map, skew, to_quaternion
from ..solver.banded import BESIDE, add_differences, solve_diagonals

SIZE_SIGMA = 0.08
"""How far hands are from the size that the body's shape gives them, one standard deviation."""
POINT_SIGMA_M = 0.004
"""By which detectors' joints of fingers are displaced, each its own way in all frames alike."""
FARTHEST_M = 0.03
"""From where the other points of a hand say; what is farther off tells nothing of its size."""
WRIST_SIGMA_M, ELBOW_SIGMA_M = 0.004, 0.006
"""By which wrists that fingers' points tell, and elbows of a solved body, are off without noise."""
TURN_SIGMA = np.radians(10.0)
"""By which shoulder and elbow may turn for it."""
WRISTS_SHARE = 0.23
"""Of the turn between upper arm and hand about the forearm, the wrist has so much (least squares,
30 takes of poses that were fitted to people); the rest turns the forearm."""
STEPS = 4
LEAST_STIFFNESS, RETURNS = 0.1, 0.01
"""Of the wrist's way over time: where nothing shows it, it goes on and comes to rest."""


def fitted_size(found: np.ndarray, own: np.ndarray, weights: np.ndarray, noise: float) -> float:
    """How large hands are: points found (T,2,N,3) and the body's own (T,2,N,3), both counted from
    the body's wrists, weights (T,2,N) 0 where none was found; noise in metres.

    Each frame's hand is looked at about its own middle, so that a displaced wrist tells nothing.
    What frames have in common is not told better by more of them: the evidence is one frame's.
    """
    seen = weights > 0
    apart = _about_middle(np.where(seen[..., None], found, 0.0), weights)
    ours = _about_middle(own, weights)
    size = 1.0
    for _ in range(3):
        off = np.linalg.norm(apart - size * ours, axis=-1)
        counts = weights * (off < FARTHEST_M)
        spread = (counts[..., None] * ours * ours).sum(axis=(2, 3))
        along = (counts[..., None] * apart * ours).sum(axis=(2, 3))
        hands = int(np.count_nonzero(spread.sum(axis=0)))
        shown = hands * spread[spread > 0].mean() if hands else 0.0
        evidence, prior = shown / (POINT_SIGMA_M**2 + noise**2), SIZE_SIGMA**-2
        told = along.sum() / spread.sum() if shown else 1.0
        size = float((evidence * told + prior) / (evidence + prior))
    return size


def _about_middle(points: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(T,2,N,3): each frame's hand about its weighted middle."""
    total = np.maximum(weights.sum(axis=-1), 1e-9)[..., None]
    return points - ((weights[..., None] * points).sum(axis=2) / total)[:, :, None]


def wrists_way(
    off: np.ndarray, weights: np.ndarray, palms: np.ndarray, averaged_over: float
) -> np.ndarray:
    """(T,2,3) metres in the world that each wrist has to go: off (T,2,N,3), by which points are off
    the hand that hangs on it, weights (T,2,N), palms (T,2,3,3) rotations in the world.

    In the palm's own axes it changes slowly, so it is averaged over that many frames; where nothing
    is seen it comes to rest at nothing (Whittaker's smoother, as in `cleaning/smoothing.py`).
    """
    T = len(off)
    shares = weights.mean(axis=-1)
    total = np.maximum(weights.sum(axis=-1), 1e-9)[..., None]
    mean = (weights[..., None] * np.where(weights[..., None] > 0, off, 0.0)).sum(axis=2) / total
    local = np.einsum("thji,thj->thi", palms, mean)
    stiffness = max(averaged_over**4, LEAST_STIFFNESS)
    way = np.zeros_like(local)
    for hand in range(local.shape[1]):
        diagonals = np.zeros((BESIDE + 1, T))
        diagonals[0] = shares[:, hand] + RETURNS
        if T > 2:
            add_differences(diagonals, 2, stiffness)
        way[:, hand] = solve_diagonals(diagonals, shares[:, hand, None] * local[:, hand])
    return np.einsum("thij,thj->thi", palms, way)


def moved_arms(upper, fore, joints, goals, wrist_sigma, elbow_sigma):
    """Turn upper arms and forearms for wrists to be at their goals.

    upper, fore (N,3,3): their rotations in the world; joints (N,3,3) metres: shoulder, elbow and
    wrist; goals (N,3); wrist_sigma and elbow_sigma, metres. Returns both rotations. Least squares
    (Gauss-Newton) in which elbows stay where they are known to be and turns are small; array API.
    """
    xp = array_namespace(upper)
    shoulder, elbow, wrist = joints[:, 0], joints[:, 1], joints[:, 2]
    N = upper.shape[0]
    still = xp.broadcast_to(xp.zeros_like(elbow[0])[None, None], (N, 1, 3))
    turn = xp.concat([still, still], axis=1)  # of the upper arm, and of the forearm beside it
    eye = xp.eye(6, dtype=upper.dtype)

    def turned(turn):
        first = exp_map(turn[:, 0])
        return first, xp.matmul(exp_map(turn[:, 1]), first)

    for _ in range(STEPS):
        first, second = turned(turn)
        to_elbow = xp.matmul(first, (elbow - shoulder)[..., None])[..., 0]
        to_wrist = xp.matmul(second, (wrist - elbow)[..., None])[..., 0]
        off_elbow = (shoulder + to_elbow - elbow) / elbow_sigma
        off_wrist = (shoulder + to_elbow + to_wrist - goals) / wrist_sigma
        none = xp.zeros_like(upper)
        by_elbow = xp.concat([-skew(to_elbow), none], axis=-1) / elbow_sigma
        by_wrist = xp.concat([-skew(to_elbow + to_wrist), -skew(to_wrist)], axis=-1) / wrist_sigma
        rows = xp.concat([by_elbow, by_wrist], axis=1)
        off = xp.concat([off_elbow, off_wrist], axis=-1)[..., None]
        across = xp.matrix_transpose(rows)
        flat = xp.reshape(turn, (N, 6, 1))
        hessian = xp.matmul(across, rows) + eye / TURN_SIGMA**2
        gradient = xp.matmul(across, off) + flat / TURN_SIGMA**2
        turn = xp.reshape(flat - xp.linalg.solve(hessian, gradient), (N, 2, 3))
    first, second = turned(turn)
    return xp.matmul(first, upper), xp.matmul(second, fore)


def twist_shared(bent: np.ndarray, held: np.ndarray, along: np.ndarray) -> tuple:
    """Elbows (T,3,3) and wrists (T,3,3) against their parents that turn the hand as these do, the
    turn about the forearm, along (3,) at rest, shared as people share it.

    A palm alone says how the hand is turned; a wrist that took it all would wring the skin.
    """
    axis = along / np.linalg.norm(along)
    of_elbow, of_wrist = _twist(bent, axis), _twist(held, axis)
    turn = exp_map((of_wrist - WRISTS_SHARE * (of_elbow + of_wrist))[:, None] * axis)
    return bent @ turn, np.swapaxes(turn, -1, -2) @ held


def _twist(rotations: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """(T,) radians that rotations (T,3,3) turn about an axis, from frame to frame without jumps."""
    q = to_quaternion(rotations)
    return np.unwrap(2.0 * np.arctan2(q[:, 1:] @ axis, q[:, 0]))
