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

from ..body.fingers import NUM_FINGER_JOINTS, Fingers
from ..keypoints.hand_points import CHAINS, FINGERS, PALM, HandPoints
from ..rotation import exp_map, log_map, right_jacobian, skew
from ..solver.banded import SIZE, solve_banded
from .palm import HandMeasures, find_palms, measure_hands

UNKNOWNS = 9
FINGER_SIGMA = np.radians([[35.0, 9.0, 4.0], [35.0, 3.5, 3.5], [25.0, 3.5, 3.5]])
THUMB_SIGMA = np.radians([[20.0, 20.0, 12.0], [25.0, 6.0, 5.0], [30.0, 3.5, 3.5]])
"""(3,3) radians about the relaxed pose: of each joint its bend, spread and twist. Middle and end
joints bend in one plane within 3.3 degrees (median of sample hands)."""
RELAXED_BENDS = {"thumb": np.radians([0.0, 12.0, 15.0])}
RELAXED_BEND = np.radians([22.0, 30.0, 18.0])
"""(3,) radians by which a hand at rest bends each joint, counted from a flat hand."""
END_SHARE, END_SIGMA = 2.0 / 3.0, np.radians(14.0)
"""The end joint bends by so much of what the middle one does, and how strictly."""
FINGER_LIMITS = np.radians([[-35.0, 95.0], [-8.0, 118.0], [-12.0, 95.0]])
THUMB_LIMITS = np.radians([[-45.0, 55.0], [-20.0, 75.0], [-30.0, 95.0]])
"""(3,2) radians that people bend each joint by, counted from a flat hand."""
SPREAD_LIMIT = np.radians(24.0)
LIMIT_SIGMA = np.radians(2.0)
CALM, CALM_FPS, STUDENT_FREEDOM = 0.015, 30.0, 2.0
"""Radians by which a bend's change from frame to frame changes while a hand is calm, at so many
frames a second; and Student's t's freedom."""
OUTLIER_SIGMAS, LEAST_OUTLIER_M = 6.0, 0.012
"""Beyond which a point counts less and less (Geman and McClure)."""
ALIKE_M, ALIKE_SIGMA = 0.004, np.radians([[8.0, 6.0, 2.0], [8.0, 2.0, 2.0], [8.0, 2.0, 2.0]])
"""Of a measured hand and the body's: how far their fingers may lie apart, and (3,3) radians be bent
otherwise, each joint's bend, spread and twist."""
STEPS, ROUNDS = 12, 4
FIRST_DAMPING, LEAST_DAMPING = 1.0, 1e-4


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
) -> HandPoses:
    """Fit the fingers to the points of both hands.

    betas (10,); wrists (T,2,3,3): the rotations of the body's wrists in the world, which decide
    where no palm is seen; rest_wrists (2,3) metres.
    """
    measures = measure_hands(points, fingers, betas, rest_wrists)
    palms, at = find_palms(points, measures, wrists, fps)
    measures = _with_own_bases(points, measures, palms, at)

    # All fingers as one batch (T,10,...) in their palm's frame.
    T = len(points)
    local = np.einsum("thji,thkj->thki", palms, points.positions - at[:, :, None])
    chains = local[:, :, CHAINS].reshape(T, 10, 4, 3)
    confidence = points.confidence[:, :, CHAINS].reshape(T, 10, 4)
    problem = _FingerProblem.of(fingers, measures, chains[:, :, 1:], confidence[:, :, 1:])
    q = problem.polished(np.broadcast_to(problem.relaxed, (T, 10, UNKNOWNS)).copy())
    if T > 2:
        for _ in range(ROUNDS):
            q = problem.round_in_time(q, fps)

    # As SMPL-H has them: about the axes of the body at rest, counted from a flat hand.
    turned = np.einsum("fkij,tfkj->tfki", problem.axes, q.reshape(T, 10, 3, 3))
    turned = fingers.angles_of(exp_map(turned))
    found = problem.points(q)
    residual = np.full(points.positions.shape[:3], np.nan)
    off = np.linalg.norm(found - problem.targets, axis=-1).reshape(T, 2, 5, 3)
    residual[:, :, CHAINS[:, 1:]] = np.where(
        problem.confidence.reshape(T, 2, 5, 3) > 0, off, np.nan
    )
    palm_off = np.linalg.norm(local[:, :, PALM] - measures.bases, axis=-1)
    residual[:, :, PALM] = np.where(points.visible[:, :, PALM], palm_off, np.nan)
    seen = points.visible.any(axis=2)
    chains = np.concatenate([np.broadcast_to(problem.base[:, None], (T, 10, 1, 3)), found], axis=2)
    return HandPoses(
        turned.reshape(T, 2, NUM_FINGER_JOINTS, 3),
        palms,
        seen,
        residual,
        measures.noise,
        chains.reshape(T, 2, 5, 4, 3),
    )


def bent_alike(
    found: HandPoses, fingers: Fingers, betas: np.ndarray, rest_wrists: np.ndarray
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
    problem = _FingerProblem.of(fingers, measures, measured[:, :, 1:], seen.astype(np.float64))
    off = (measured[:, :, 1:] - problem.points(q)).reshape(T, 2, -1, 3).mean(axis=2)
    problem = replace(
        problem,
        targets=problem.targets - np.repeat(off, 5, axis=1)[:, :, None],
        relaxed=q,
        sigma=np.broadcast_to(ALIKE_SIGMA.ravel(), (10, UNKNOWNS)),
        end_weight=0.0,
    )
    turned = np.einsum("fkij,tfkj->tfki", axes, problem.polished(q).reshape(T, 10, 3, 3))
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


@dataclass(frozen=True, eq=False)
class _FingerProblem:
    """Ten fingers over T frames: axes (10,3,3,3) of the joints at rest; base (10,3) and bones
    (10,3,3) metres, in the palm's frame at rest; targets (T,10,3,3) the points beyond the first
    joint, confidence (T,10,3), 0 where there is none; relaxed (10,9) or (T,10,9) and sigma (10,9);
    rest_bends and limits (10,3) and (10,3,2); end_weight in 1/radians², of ends that bend with the
    middle joints."""

    axes: np.ndarray
    base: np.ndarray
    bones: np.ndarray
    targets: np.ndarray
    confidence: np.ndarray
    noise: float
    relaxed: np.ndarray
    sigma: np.ndarray
    rest_bends: np.ndarray
    limits: np.ndarray
    end_weight: float = END_SIGMA**-2

    @classmethod
    def of(
        cls,
        fingers: Fingers,
        measures: HandMeasures,
        targets: np.ndarray,
        confidence: np.ndarray,
    ) -> _FingerProblem:
        axes = fingers.frames.reshape(10, 3, 3, 3)
        rest_bends = fingers.rest_bends.reshape(10, 3)
        thumbs = np.array([name == "thumb" for name in FINGERS * 2])
        bends = np.array([RELAXED_BENDS.get(name, RELAXED_BEND) for name in FINGERS * 2])
        relaxed = np.zeros((10, 3, 3))
        relaxed[:, :, 0] = bends - rest_bends
        return cls(
            axes=axes,
            base=measures.bases[:, 1:].reshape(10, 3),
            bones=axes[..., 2] * measures.bones.reshape(10, 3, 1),
            targets=np.nan_to_num(targets),
            confidence=np.where(np.isfinite(targets).all(axis=-1), confidence, 0.0),
            noise=measures.noise,
            relaxed=relaxed.reshape(10, UNKNOWNS),
            sigma=np.where(thumbs[:, None, None], THUMB_SIGMA, FINGER_SIGMA).reshape(10, UNKNOWNS),
            rest_bends=rest_bends,
            limits=np.where(thumbs[:, None, None], THUMB_LIMITS, FINGER_LIMITS),
        )

    def points(self, q: np.ndarray) -> np.ndarray:
        """(T,10,3,3): second and third joint, and tip."""
        return self._linearised(q)[0]

    def _linearised(self, q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Points (T,10,3,3) and their Jacobian (T,10,3,3,9)."""
        T = len(q)
        vectors = np.einsum("fkij,tfkj->tfki", self.axes, q.reshape(T, 10, 3, 3))
        local = exp_map(vectors)
        turns = right_jacobian(vectors) @ self.axes  # of the joint's own frame, by q
        world, at = np.eye(3), self.base
        starts, worlds, found = [], [], []
        for k in range(3):
            world = world @ local[:, :, k]
            starts.append(np.broadcast_to(at, (T, 10, 3)))
            worlds.append(world)
            at = at + (world @ self.bones[None, :, k, :, None])[..., 0]
            found.append(at)
        jacobian = np.zeros((T, 10, 3, 3, UNKNOWNS))
        for k in range(3):
            moves = worlds[k] @ turns[:, :, k]  # the world's turn, by q
            for point in range(k, 3):
                lever = found[point] - starts[k]
                jacobian[:, :, point, :, 3 * k : 3 * k + 3] = -skew(lever) @ moves
        return np.stack(found, axis=2), jacobian

    def _terms(self, q: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Cost (T,10), gradient (T,10,9) and Gauss-Newton's Hessian (T,10,9,9) of each frame."""
        points, jacobian = self._linearised(q)
        off = points - self.targets
        square = np.sum(off * off, axis=-1)
        far = max(OUTLIER_SIGMAS * self.noise, LEAST_OUTLIER_M) ** 2
        weight = self.confidence / self.noise**2
        cost = np.sum(weight * square / (1.0 + square / far), axis=-1)
        weight = weight / (1.0 + square / far) ** 2
        weighted = weight[..., None] * off
        gradient = np.einsum("tfpiu,tfpi->tfu", jacobian, weighted)
        T = len(q)
        rows = jacobian.reshape(T, 10, 9, UNKNOWNS)
        scaled = rows * np.repeat(weight, 3, axis=-1)[..., None]
        hessian = np.swapaxes(rows, -1, -2) @ scaled

        # What hands usually do.
        pull = (q - self.relaxed) / self.sigma**2
        cost = cost + np.sum(pull * (q - self.relaxed), axis=-1)
        gradient = gradient + pull
        hessian[..., np.arange(9), np.arange(9)] += self.sigma**-2

        # The end joint bends with the middle one.
        middle, end = q[..., 3] + self.rest_bends[:, 1], q[..., 6] + self.rest_bends[:, 2]
        apart = end - END_SHARE * middle
        cost = cost + self.end_weight * apart**2
        gradient[..., 6] += self.end_weight * apart
        gradient[..., 3] -= self.end_weight * END_SHARE * apart
        for i, j, share in (
            (6, 6, 1.0),
            (3, 3, END_SHARE**2),
            (3, 6, -END_SHARE),
            (6, 3, -END_SHARE),
        ):
            hessian[..., i, j] += self.end_weight * share

        # And what they cannot.
        value = np.concatenate([q[..., [0, 3, 6]] + self.rest_bends, q[..., [1]]], axis=-1)
        low = np.concatenate([self.limits[..., 0], np.full((10, 1), -SPREAD_LIMIT)], axis=-1)
        high = np.concatenate([self.limits[..., 1], np.full((10, 1), SPREAD_LIMIT)], axis=-1)
        beyond = np.minimum(value - low, 0.0) + np.maximum(value - high, 0.0)
        cost = cost + np.sum(beyond**2, axis=-1) / LIMIT_SIGMA**2
        for column, unknown in enumerate((0, 3, 6, 1)):
            gradient[..., unknown] += beyond[..., column] / LIMIT_SIGMA**2
            hessian[..., unknown, unknown] += (beyond[..., column] != 0.0) / LIMIT_SIGMA**2
        return cost, gradient, hessian

    def polished(self, q: np.ndarray) -> np.ndarray:
        """Each frame by itself, by Levenberg-Marquardt: a step that is no better is not taken and
        tried with more damping."""
        damping = np.full(q.shape[:2], FIRST_DAMPING)
        cost, gradient, hessian = self._terms(q)
        for _ in range(STEPS):
            damped = hessian.copy()
            damped[..., np.arange(9), np.arange(9)] += damping[..., None] * self.sigma**-2
            trial = q - np.linalg.solve(damped, gradient[..., None])[..., 0]
            new = self._terms(trial)
            better = new[0] < cost
            q = np.where(better[..., None], trial, q)
            cost = np.where(better, new[0], cost)
            gradient = np.where(better[..., None], new[1], gradient)
            hessian = np.where(better[..., None, None], new[2], hessian)
            damping = np.maximum(np.where(better, damping / 8.0, damping * 4.0), LEAST_DAMPING)
        return q

    def round_in_time(self, q: np.ndarray, fps: float) -> np.ndarray:
        """One step of Gauss-Newton over all frames, with what calm hands accelerate by."""
        _, gradient, hessian = self._terms(q)
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
