"""Which kind of skeleton a take is of: a person's; one with hinges, as motion converted from mocap
skeletons is; or another one whose collars are welded.

Skeletons with hinges for elbows and knees have welded collars and hardly a spine as well. What
hinges do, keypoints do not show (`limb_planes.py`), but what collars and spine do, they show; so
that these tell of the limbs, too. The two kinds of motion are compared by their evidence, what each
one's prior makes of the keypoints with all poses integrated out, by Laplace's method (MacKay,
*Information Theory, Inference, and Learning Algorithms*, 2003, chapter 27). Keypoints that are
another skeleton's joints need no evidence: shoulders that keep their distance have no collars.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..body.skeleton import JOINT_NAMES, NUM_JOINTS
from ..medians import seen_spread
from .limb_planes import FEW_HINGES, Sharing
from .noise import EXACT_NOISE, noise_share
from .polish import Anchor, evaluate, normal_equations, step_order
from .poses import Poses
from .problem import Problem
from .settling import LEAST_HOLD, settle

STEPS = 15
"""Of the polish, in which poses come to rest under either prior."""
SHOULDERS = [JOINT_NAMES.index(f"{side}_shoulder") for side in ("left", "right")]
CONSTANT = 0.001
"""Metres by which lengths vary at most, the median deviation, where they are a skeleton's: collars
of people move shoulders by centimetres."""
MOST_FRAMES = 12
"""Frames that are looked at."""
CORRELATION_TIME = 0.5
"""Seconds for which poses say about the same, so that frames within it count as one."""


def kind_of_sharing(problem: Problem, poses: Poses, frames: Sequence[int] | np.ndarray) -> Sharing:
    """How turns are shared in a take of which nothing but some solved frames is known: as
    anybody's, or as hinges do; or, of keypoints that are another skeleton's joints, as with welded
    collars.

    The problem's noise is to be the keypoints'.
    """
    if problem.parts.carries is not None:
        return Sharing.of_welded_collars() if collars_are_welded(problem) else Sharing.of_anybody()
    odds = log_odds_of_hinges(problem, poses, frames)
    return Sharing.of_hinges() if odds > 0.0 else Sharing.of_anybody()


def collars_are_welded(problem: Problem) -> bool:
    """Whether the shoulders of a skeleton are as far from each other in all frames."""
    ends = [np.flatnonzero(problem.parts.at_joint == shoulder) for shoulder in SHOULDERS]
    if not all(len(end) for end in ends):
        return False
    left, right = (int(end[0]) for end in ends)
    return constant_lengths(problem.positions, problem.weights > 0.0, [(left, right)])


def constant_lengths(
    positions: np.ndarray, seen: np.ndarray, ends: Sequence[tuple[int, int]]
) -> bool:
    """Whether most distances between keypoints (T,K,3) that are seen (T,K) are the same in all
    frames; not so where none is."""
    a, b = np.array(ends).T
    lengths = np.linalg.norm(positions[:, a] - positions[:, b], axis=2)
    _, spread = seen_spread(np.where(seen[:, a] & seen[:, b], lengths, np.nan))
    spread = spread[np.isfinite(spread)]
    return bool(spread.size and np.median(spread) < CONSTANT)


def log_odds_of_hinges(problem: Problem, poses: Poses, frames: Sequence[int] | np.ndarray) -> float:
    """Logarithm of the odds that a take's skeleton has hinges, by some solved frames.

    Frames that are near in time tell alike.
    """
    some = looked_at(frames)
    poses, frames = poses[some], np.asarray(frames)[some]
    more = log_evidence(problem.sharing_as(Sharing.of_hinges()), poses, frames) - log_evidence(
        problem.sharing_as(Sharing.of_anybody()), poses, frames
    )
    independent = min(len(frames), 1.0 + np.ptp(frames) / (CORRELATION_TIME * problem.fps))
    return float(independent * more.mean() + np.log(FEW_HINGES / (1.0 - FEW_HINGES)))


def looked_at(frames: Sequence[int] | np.ndarray) -> np.ndarray:
    """Which of some frames are looked at, spread over them."""
    return np.unique(np.linspace(0, len(frames) - 1, MOST_FRAMES).round().astype(int))


def log_evidence(problem: Problem, poses: Poses, frames: Sequence[int] | np.ndarray) -> np.ndarray:
    """(N,) of each frame's keypoints, but for a constant, from poses near the best ones."""
    poses = settle(problem, poses, frames, STEPS)
    backend, prior, state = problem.backend, problem.prior, problem.state(poses)
    anchor = Anchor(state.rotations, backend.array(np.full(NUM_JOINTS, LEAST_HOLD)))
    targets = problem.targets(list(frames))
    here = evaluate(problem.model, state, targets, anchor, prior)
    hold = backend.array(np.full(len(poses.trans), LEAST_HOLD))
    hessian, _ = normal_equations(problem.model, here, targets, anchor, prior, hold)

    # Of the prior alone, the same: how narrow it is about the poses.
    alone = np.broadcast_to(backend.numpy(prior.hessian), hessian.shape)
    if prior.planes is not None:
        rows = backend.numpy(prior.planes.jacobian(state.rotations))
        pull = np.swapaxes(rows, 1, 2) * backend.numpy(prior.planes.precision)
        alone = alone + pull @ rows
    body = np.array(step_order()[3:])
    narrow = np.linalg.slogdet(alone[:, body[:, None], body])[1]
    noise = EXACT_NOISE**2 * float(noise_share(np.asarray(problem.noise)))
    fitted = np.linalg.slogdet(backend.numpy(hessian))[1]
    return 0.5 * (narrow - fitted - backend.numpy(here.cost) / noise)
