"""Fingers from markers on their backs: each marker off its joint by an offset that is found on the
take, on palms that the body's own markers show.

Sets differ in where on a finger their markers are, and a few tell little, so that the offsets are
drawn to where markers of that name usually sit. Poses and offsets are improved in turn; hands have
the size that markers are met best with.
"""

from __future__ import annotations

import numpy as np

from ..backends.arrays import Backend
from ..body.body import Body
from ..body.fingers import WRISTS, Fingers
from ..frames import evenly
from ..keypoints.hand_points import CHAINS, HandPoints
from ..motion import Motion
from ..rotation import exp_map
from .finger_problem import FingerProblem
from .palm import HandMeasures
from .solve_hands import (
    HandPoses,
    as_poses,
    beside_each_other,
    double_precision,
    each_by_itself,
    settled_in_time,
)

USUAL_OFFSETS_M = np.array([[0.0, 0.010, 0.0], [0.0, 0.008, 0.0], [0.0, 0.007, -0.006]])
"""(3,3) metres from the second joint, the third and the tip to a marker on the back of the finger,
in the axes of the bone before it: across, out of the back and along. Half a finger's thickness and
a small marker's radius; at the end it sits on the nail."""
OFFSET_SIGMAS_M = np.array([0.003, 0.003, 0.006])
"""By which markers sit elsewhere, one standard deviation, in the same axes."""
SLIP_M = 0.003
"""By which a marker slips on the skin, and a finger is none of hinges: what offsets are told by."""
NOISE_M = 0.0015
SIZES = (0.85, 1.0, 1.15)
SIZE_SIGMA = 0.06
SIZE_FRAMES = 40
"""Frames that tell how large hands are."""
ROUNDS, FINAL_ROUNDS = 3, 4


def solve_finger_markers(
    markers: HandPoints, motion: Motion, body: Body, backend: Backend | None, sized: bool
) -> tuple[HandPoses, float]:
    """Fit the fingers of a body's motion to markers on their backs. Returns them, and how large
    hands are: where `sized`, as the markers say, else as the motion has it."""
    backend = double_precision(backend)
    size = motion.hand_size
    if sized:
        seen = np.flatnonzero(markers.visible.any(axis=(1, 2)))
        some = seen[evenly(len(seen), SIZE_FRAMES)]
        costs = [
            _Fit(markers, motion, body, size, backend).frames(some).cost(size) for size in SIZES
        ]
        size = _lowest(SIZES, costs)
    fit = _Fit(markers, motion, body, size, backend)
    q = fit.improved(FINAL_ROUNDS)
    problem, q = beside_each_other(fit.problem(q), q)
    if len(motion) > 2:
        q = settled_in_time(problem, q, motion.fps)
    palms = body.world(motion)[0][:, WRISTS]
    return as_poses(problem, fit.fingers, q, palms, markers.visible), size


class _Fit:
    """Markers of one size of hands, and the offsets (10,3,3) that they are found to have."""

    def __init__(
        self, markers: HandPoints, motion: Motion, body: Body, size: float, backend: Backend
    ):
        grown = body.with_hands(size)
        assert grown.fingers is not None, "as the body's are asked for before"
        self.fingers: Fingers = grown.fingers
        rest_wrists = grown.rest_joints(motion.betas)[list(WRISTS)]
        chains = self.fingers.rest_chains(motion.betas)
        bones = np.linalg.norm(np.diff(chains, axis=2), axis=-1)
        bases = np.concatenate([rest_wrists[:, None], chains[:, :, 0]], axis=1)
        self._measures = HandMeasures(bases - rest_wrists[:, None], bones, NOISE_M)
        self._betas, self._rest_wrists, self._backend = motion.betas, rest_wrists, backend

        world, joints = body.world(motion)
        palms, wrists = world[:, WRISTS], joints[:, WRISTS]
        local = np.einsum("thji,thkj->thki", palms, markers.positions - wrists[:, :, None])
        T = len(motion)
        self._at = local[:, :, CHAINS[:, 1:]].reshape(T, 10, 3, 3)
        self._confidence = markers.confidence[:, :, CHAINS[:, 1:]].reshape(T, 10, 3)
        self.offsets = np.broadcast_to(USUAL_OFFSETS_M, (10, 3, 3))

    def frames(self, rows: np.ndarray) -> _Fit:
        """Of some frames."""
        self._at, self._confidence = self._at[rows], self._confidence[rows]
        return self

    def problem(self, q: np.ndarray) -> FingerProblem:
        """What is minimised with markers where they sit on fingers at q (T,10,9)."""
        away = np.einsum("tfkij,fkj->tfki", self._bones(q), self.offsets)
        return FingerProblem.of(
            self.fingers, self._measures, self._at - away, self._confidence, self._backend
        )

    def improved(self, rounds: int) -> np.ndarray:
        """(T,10,9): poses and offsets improved in turn, each frame by itself."""
        problem = self.problem(np.zeros((len(self._at), 10, 9)))
        q = each_by_itself(problem)
        for _ in range(rounds):
            self._place(q)
            q = self.problem(q).polished(q)
        return q

    def cost(self, size: float) -> float:
        """How badly hands of this size meet the markers of a frame, on average."""
        q = self.improved(ROUNDS)
        problem = self.problem(q)
        off = np.linalg.norm(problem.points(q) - problem.targets, axis=-1) / SLIP_M
        met = (problem.confidence * off**2 / (1.0 + off**2 / 16.0)).sum() / len(q)
        moved = (self.offsets - USUAL_OFFSETS_M) / OFFSET_SIGMAS_M
        return met + np.sum(moved**2) + ((size - 1.0) / SIZE_SIGMA) ** 2

    def _place(self, q: np.ndarray) -> None:
        """Finds the offsets of fingers at q: what they are in the mean, drawn to where markers
        usually sit."""
        bare = self.problem(q).points(q)
        local = np.einsum("tfkji,tfkj->tfki", self._bones(q), np.nan_to_num(self._at) - bare)
        seen = np.isfinite(self._at).all(axis=-1) * self._confidence
        weight = seen.sum(axis=0)[..., None]
        mean = (seen[..., None] * local).sum(axis=0) / np.maximum(weight, 1e-9)
        told = np.where(weight > 0, SLIP_M**-2, 0.0)
        prior = OFFSET_SIGMAS_M**-2
        self.offsets = (told * mean + prior * USUAL_OFFSETS_M) / (told + prior)

    def _bones(self, q: np.ndarray) -> np.ndarray:
        """(T,10,3,3,3): the axes of each bone of fingers at q, as columns, in the palm's frame."""
        T = len(q)
        axes = self.fingers.frames.reshape(10, 3, 3, 3)
        turned = exp_map(np.einsum("fkij,tfkj->tfki", axes, q.reshape(T, 10, 3, 3)))
        still = np.broadcast_to(np.eye(3), (T, 2, 3, 3))
        nowhere = np.zeros((T, 2, 3))
        rotations = self.fingers.positions(
            turned.reshape(T, 2, 15, 3, 3), self._betas, still, nowhere, self._rest_wrists
        )[2]
        return rotations.reshape(T, 10, 3, 3, 3) @ axes


def _lowest(at: tuple[float, float, float], costs: list[float]) -> float:
    """Where the parabola through three points is lowest, within them."""
    a, b, _ = np.polyfit(at, costs, 2)
    best = -b / (2.0 * a) if a > 0 else at[int(np.argmin(costs))]
    return float(np.clip(best, at[0], at[-1]))
