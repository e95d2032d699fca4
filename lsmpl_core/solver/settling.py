"""Poses settled on their keypoints, each frame on its own, and what they then leave unexplained:
noise and residual."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..body.skeleton import NUM_JOINTS
from ..points import lengths
from .polish import POLISH_TOLERANCE, Anchor, polish
from .poses import Poses
from .problem import Problem
from .shape import PoseFit
from .shape_equations import LEAST_HOLD, Freedom, shape_equations

SETTLING_STEPS = 6
"""Of the polish, in which poses that are near the best ones reach them."""
SETTLED_SHARE = 5e-5
"""Of what a frame's keypoints are off in all, squared: a step that gains less moves betas by a few
thousandths, and the next round makes up for it."""
CLEAN = 0.002
"""Metres of noise up to which sites are taken for where the keypoints are, as on made-up or
exported tracks."""
SETTLED_CLEAN = 1e-10
"""The gain, in m², that still counts then: betas and the tilt of the pelvis make up for one another
at next to no cost."""


def settle(
    problem: Problem,
    poses: Poses,
    frames: Sequence[int] | np.ndarray,
    steps: int = SETTLING_STEPS,
    tolerance: float = POLISH_TOLERANCE,
) -> Poses:
    """Polish some frames from the poses they have, all at once and each on its own, until a step
    gains less than `tolerance`, in m²."""
    state = problem.state(poses)
    free = Anchor(state.rotations, problem.backend.array(np.full(NUM_JOINTS, LEAST_HOLD)))
    done = polish(
        problem.model, state, problem.targets(list(frames)), free, problem.prior,
        steps=steps, tolerance=tolerance,
    )  # fmt: skip
    return Poses(
        problem.backend.numpy(done.state.rotations), problem.backend.numpy(done.state.trans)
    )


def nearly_settled(problem: Problem) -> float:
    """m² of a step's gain from which on poses are settled enough for another round of the shape."""
    squares = 3.0 * problem.parts.count * problem.noise**2
    return SETTLED_SHARE * squares if problem.noise > CLEAN else SETTLED_CLEAN


def pose_fit(
    problem: Problem,
    poses: Poses,
    frames: Sequence[int] | np.ndarray,
    freedom: Freedom | None = None,
) -> PoseFit:
    """What settled poses leave for the shape to explain, as far as it is free (None: not at
    all)."""
    frames, numpy, freedom = list(frames), problem.backend.numpy, freedom or Freedom.none()
    state = problem.state(poses)
    miss = problem.positions[frames] - numpy(state.keypoints)
    turns = numpy(state.world)[:, problem.parts.parent_joint]
    return PoseFit(
        weights=problem.confidence[frames],
        miss=miss,
        away=np.einsum("fki,fkij->fkj", miss, turns),
        freedom=freedom,
        equations=shape_equations(problem, state, frames, freedom),
    )


def measured_noise(problem: Problem, poses: Poses, frames: Sequence[int] | np.ndarray) -> float:
    """Metres in each axis by which keypoints are off, from poses that were settled on them."""
    return pose_fit(problem, poses, frames).noise


def residuals(problem: Problem, poses: Poses) -> np.ndarray:
    """(T,K) metres between each keypoint and its site in all frames, NaN where the keypoint is
    missing."""
    out = np.empty(problem.weights.shape)
    for start in range(0, len(problem), problem.batch):
        part = slice(start, start + problem.batch)
        miss = problem.backend.numpy(problem.state(poses[part]).keypoints) - problem.positions[part]
        out[part] = lengths(miss)
    out[problem.weights == 0] = np.nan
    return out
