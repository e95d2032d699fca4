"""Fingers from hand points: every finger of every frame as one batch, then each finger in time.

A finger is a chain of three joints on the palm. Its unknowns are nine numbers, the rotation vector
of each joint in the joint's own axes (bend, spread, twist: `Fingers.frames`). A frame's cost is

    sum_k c_k |p_k(q) - y_k|² / noise²  +  |(q - relaxed) / sigma|²  +  limits

with the points p_k beyond the first joint, where they are seen, y_k, in the palm's frame; and over
time Student's t on the second differences of q, which leaves sudden moves and calms the rest. What
nothing shows goes over into a relaxed hand.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..backends.arrays import Backend, choose_backend
from ..body.fingers import NUM_FINGER_JOINTS, Fingers
from ..keypoints.hand_points import CHAINS, PALM, HandPoints
from ..rotation import exp_map, log_map
from ..solver.banded import SIZE, solve_banded
from .finger_batch import UNKNOWNS
from .finger_problem import FingerProblem
from .palm import HandMeasures, find_palms, measure_hands
from .unseen import with_neighbours

ALIKE_M, ALIKE_SIGMA = 0.004, np.radians([[8.0, 6.0, 2.0], [8.0, 2.0, 2.0], [8.0, 2.0, 2.0]])
"""Of a measured hand and the body's: how far their fingers may lie apart, and (3,3) radians be bent
otherwise, each joint's bend, spread and twist."""
ROUNDS = 3
APART_FRAMES = 4
"""From one frame that begins with relaxed fingers to the next."""
CALM, CALM_FPS, STUDENT_FREEDOM = 0.015, 30.0, 2.0
"""Radians by which a bend's change from frame to frame changes while a hand is calm, at so many
frames a second; and Student's t's freedom."""


@dataclass(frozen=True, eq=False)
class HandPoses:
    """Of T frames: fingers (T,2,15,3) axis-angles in radians, as SMPL-H has them; wrists (T,2,3,3),
    the rotations of the wrists in the world; seen (T,2) bool, whether a hand is seen at all;
    residual (T,2,21) metres from each point to where the fingers have it, NaN where none was;
    noise, metres, of the points; chains (T,2,5,4,3) metres: the fingers from base to tip on the
    hands that were measured, in the palm's axes from the wrist's point."""

    fingers: np.ndarray
    wrists: np.ndarray
    seen: np.ndarray
    residual: np.ndarray
    noise: float
    chains: np.ndarray


def solve_hands(
    points: HandPoints,
    fingers: Fingers,
    betas: np.ndarray,
    wrists: np.ndarray,
    rest_wrists: np.ndarray,
    fps: float,
    backend: Backend | None = None,
) -> HandPoses:
    """Fit the fingers to the points of both hands.

    betas (10,); wrists (T,2,3,3): the rotations of the body's wrists in the world, which decide
    where no palm is seen; rest_wrists (2,3) metres; backend: what computes, by default NumPy.
    """
    backend = double_precision(backend)
    measures = measure_hands(points, fingers, betas, rest_wrists)
    palms, at = find_palms(points, measures, wrists, fps)
    measures = _with_own_bases(points, measures, palms, at)

    # All fingers as one batch (T,10,...) in their palm's frame.
    T = len(points)
    local = np.einsum("thji,thkj->thki", palms, points.positions - at[:, :, None])
    chains = local[:, :, CHAINS].reshape(T, 10, 4, 3)
    confidence = points.confidence[:, :, CHAINS].reshape(T, 10, 4)
    problem = FingerProblem.of(fingers, measures, chains[:, :, 1:], confidence[:, :, 1:], backend)
    problem, q = beside_each_other(problem, each_by_itself(problem))
    if T > 2:
        q = settled_in_time(problem, q, fps)
    found = as_poses(problem, fingers, q, palms, points.visible)
    palm_off = np.linalg.norm(local[:, :, PALM] - measures.bases, axis=-1)
    found.residual[:, :, PALM] = np.where(points.visible[:, :, PALM], palm_off, np.nan)
    return found


def as_poses(
    problem: FingerProblem, fingers: Fingers, q: np.ndarray, palms: np.ndarray, visible: np.ndarray
) -> HandPoses:
    """Fingers at q (T,10,9) as SMPL-H has them: about the axes of the body at rest, counted from a
    flat hand. palms (T,2,3,3), visible (T,2,21); residuals of the palm's points are NaN."""
    T = len(q)
    turned = np.einsum("fkij,tfkj->tfki", problem.axes, q.reshape(T, 10, 3, 3))
    turned = fingers.angles_of(exp_map(turned))
    found = problem.points(q)
    residual = np.full(visible.shape, np.nan)
    off = np.linalg.norm(found - problem.targets, axis=-1).reshape(T, 2, 5, 3)
    residual[:, :, CHAINS[:, 1:]] = np.where(
        problem.confidence.reshape(T, 2, 5, 3) > 0, off, np.nan
    )
    chains = np.concatenate([np.broadcast_to(problem.base[:, None], (T, 10, 1, 3)), found], axis=2)
    return HandPoses(
        turned.reshape(T, 2, NUM_FINGER_JOINTS, 3),
        palms,
        visible.any(axis=2),
        residual,
        problem.noise,
        chains.reshape(T, 2, 5, 4, 3),
    )


def bent_alike(
    found: HandPoses,
    fingers: Fingers,
    betas: np.ndarray,
    rest_wrists: np.ndarray,
    backend: Backend | None = None,
) -> np.ndarray:
    """(T,2,15,3): the fingers bent a little further or less, for those of the body to lie where the
    measured ones do, so that tips that met meet on it, too.

    Fingers of the body begin elsewhere and have bones of their own; between angles and places,
    `ALIKE_SIGMA` and `ALIKE_M` decide. All of a hand may be moved for it, as its wrist will be.
    """
    T = len(found.fingers)
    axes = fingers.frames.reshape(10, 3, 3, 3)
    local = fingers.local_rotations(found.fingers.reshape(T, -1, 3)).reshape(T, 10, 3, 3, 3)
    q = np.einsum("fkij,tfki->tfkj", axes, log_map(local)).reshape(T, 10, UNKNOWNS)
    chains = fingers.rest_chains(betas)
    bones = np.linalg.norm(np.diff(chains, axis=2), axis=-1)
    bases = np.concatenate([rest_wrists[:, None], chains[:, :, 0]], axis=1) - rest_wrists[:, None]
    measures = HandMeasures(bases, bones, ALIKE_M)
    measured = found.chains.reshape(T, 10, 4, 3)
    seen = np.broadcast_to(np.repeat(found.seen, 5, axis=1)[..., None], (T, 10, 3))
    problem = FingerProblem.of(
        fingers, measures, measured[:, :, 1:], seen.astype(np.float64), double_precision(backend)
    )
    off = (measured[:, :, 1:] - problem.points(q)).reshape(T, 2, -1, 3).mean(axis=2)
    problem = replace(
        problem,
        targets=problem.targets - np.repeat(off, 5, axis=1)[:, :, None],
        relaxed=q,
        sigma=np.broadcast_to(ALIKE_SIGMA.ravel(), (10, UNKNOWNS)),
        end_weight=0.0,
    )
    turned = np.einsum("fkij,tfkj->tfki", axes, problem.stepped(q).reshape(T, 10, 3, 3))
    return fingers.angles_of(exp_map(turned)).reshape(found.fingers.shape)


def _with_own_bases(
    points: HandPoints, measures: HandMeasures, palms: np.ndarray, at: np.ndarray
) -> HandMeasures:
    """The measures with each base where it usually is in the palm's frame: nobody's knuckles are
    quite the body's, nor the detector's."""
    local = np.einsum("thji,thkj->thki", palms, points.positions[:, :, PALM] - at[:, :, None])
    bases = measures.bases.copy()
    seen = np.isfinite(local).all(axis=-1)
    for hand in range(2):
        for k in range(len(PALM)):
            if seen[:, hand, k].any():
                bases[hand, k] = np.median(local[seen[:, hand, k], hand, k], axis=0)
    return HandMeasures(bases, measures.bones, measures.noise)


def double_precision(backend: Backend | None) -> Backend:
    """The backend in double precision; NumPy where it has none, and by default."""
    if backend is None or backend.name == "mps":
        return choose_backend("numpy")
    return replace(backend, float_type=backend.xp.float64)


def each_by_itself(problem: FingerProblem) -> np.ndarray:
    """(T,10,9): every frame by itself. Some begin relaxed, and those between them in between."""
    T = len(problem.targets)
    some = np.append(np.arange(0, T - 1, APART_FRAMES), T - 1)
    here = problem.frames(some)
    q = here.polished(here.relaxed)
    if len(some) == T:
        return q
    after = np.clip(np.searchsorted(some, np.arange(T)), 1, len(some) - 1)
    first, last = some[after - 1], some[after]
    share = ((np.arange(T) - first) / (last - first))[:, None, None]
    return problem.polished((1.0 - share) * q[after - 1] + share * q[after])


def beside_each_other(problem: FingerProblem, q: np.ndarray) -> tuple[FingerProblem, np.ndarray]:
    """The problem in which unseen fingers go along with the others of their hand at q (T,10,9),
    and q with them."""
    beside = with_neighbours(problem, q)
    unseen = ~(problem.confidence > 0).any(axis=-1)
    return beside, np.where(unseen[..., None], beside.relaxed, q)


def settled_in_time(problem: FingerProblem, q: np.ndarray, fps: float) -> np.ndarray:
    """(T,10,9): all frames together, from each by itself."""
    for _ in range(ROUNDS):
        q = _round_in_time(problem, q, fps)
    return q


def _round_in_time(problem: FingerProblem, q: np.ndarray, fps: float) -> np.ndarray:
    """One step of Gauss-Newton over all frames, with what calm hands accelerate by."""
    gradient, hessian = problem.terms(q)
    calm = CALM * (CALM_FPS / fps) ** 2
    change = np.diff(q, 2, axis=0)
    size = np.sum((change / calm) ** 2, axis=-1) / UNKNOWNS
    firm = (STUDENT_FREEDOM + 1.0) / (STUDENT_FREEDOM + size) / calm**2
    return q - _solve_in_time(hessian, gradient, firm, change)


def _solve_in_time(
    hessian: np.ndarray, gradient: np.ndarray, firm: np.ndarray, change: np.ndarray
) -> np.ndarray:
    """(T,F,9) x of (H + D'WD) x = gradient + D'W change: H (T,F,9,9) by frame, D second
    differences, W = firm (T-2,F), change (T-2,F,9)."""
    T, fingers, N = gradient.shape
    diagonal, right = hessian.copy(), gradient.copy()
    first, second = np.zeros((T - 1, fingers)), firm
    for shift, share in enumerate((1.0, -2.0, 1.0)):
        frames = slice(shift, shift + T - 2)
        diagonal[frames] += (share**2 * firm)[..., None, None] * np.eye(N)
        right[frames] += share * firm[..., None] * change
    first[:-1] -= 2.0 * firm
    first[1:] -= 2.0 * firm

    def blocks(scale: np.ndarray) -> np.ndarray:
        alike = np.broadcast_to(np.eye(SIZE), (*scale.shape, N // SIZE, SIZE, SIZE))
        return scale[..., None, None, None] * alike

    return solve_banded(diagonal, blocks(first), blocks(second), right)
