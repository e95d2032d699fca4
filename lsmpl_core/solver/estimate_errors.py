"""What an estimator's poses are worth: how far keypoints say that they are off, throughout the take
and from frame to frame.

The true rotations are taken for R_t = E_t exp(b + e_t), b the same in all frames and e_t another in
each, both Gaussian with a sigma for all joints alike. Keypoints are missed by J (b + e_t) and
noise, J their Jacobian, so that both sigmas follow from what is missed (MacKay, *Bayesian
interpolation*, 1992): of an estimate whose keypoints lie right, what no keypoint shows is as good,
and stays.
"""

from __future__ import annotations

import numpy as np

from ..body.kinematics import UNKNOWNS
from ..body.skeleton import NUM_JOINTS
from ..rotation import exp_map
from .estimates import Estimate
from .noise import EXACT_NOISE
from .polish import step_order
from .poses import Poses
from .problem import Problem
from .start import well_seen_frames

JUDGED_FRAMES = 32
"""How many frames, all over the take, an estimate is judged by."""
FIRST_SIGMA = np.radians(5.0)
LEAST_SIGMA, MOST_SIGMA = np.radians(0.1), np.radians(30.0)
"""Of each axis of a joint's error, in radians: what is tried first, and what is believed at least
and at most."""
MOST_ROUNDS = 12
LONGEST_STEP, SETTLED_STEP = np.radians(15.0), np.radians(0.05)
"""Of a coordinate in a round, in radians, beyond which linearisation is not believed, and below
which, where the sigmas change by no more than this share either, there is no other round."""
SETTLED_SIGMA = 0.05
CORRELATION_TIME = 0.5
"""Seconds for which what changes stays about the same, so that frames within it count as one."""
CURVATURE = 2.0
"""Metres a squared radian by which keypoints are off what their Jacobian says: limbs swing on
circles, several joints add up, and directions in which keypoints hardly tell must not be asked to
explain that."""
OUTLYING, LEAST_OUTLYING = 8.0, 0.04
"""Times the usual miss, and metres at least, from which on a keypoint counts little."""
PLACE_SIGMA = 1.0
"""Metres by which an estimate's translation may be off: it is found anew."""
_TURNS = UNKNOWNS - 3


def judged_estimate(problem: Problem, poses: Poses, sigma: float | None = None) -> Estimate:
    """An estimator's poses of all of a take's frames, without what is off in all of them alike.

    sigma: by how many radians each axis of a joint is off, where that is known; then the poses are
    left as they are.
    """
    if sigma is not None:
        return Estimate(
            poses.rotations, np.full(NUM_JOINTS, np.clip(sigma, LEAST_SIGMA, MOST_SIGMA))
        )
    frames = well_seen_frames(problem, JUDGED_FRAMES)
    constant, uncertain, changing = _errors(problem, poses[frames], frames)
    square = changing**2 + uncertain.reshape(NUM_JOINTS, 3).mean(axis=1)
    return Estimate(
        poses.rotations @ exp_map(constant), np.clip(np.sqrt(square), LEAST_SIGMA, MOST_SIGMA)
    )


def _errors(
    problem: Problem, poses: Poses, frames: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """What is off throughout (24,3), how uncertain that is (72,) in squared radians, and sigma of
    what changes.

    Gauss-Newton over b, e_t and the translations eliminated: in each frame what keypoints miss has
    the covariance noise² + sigma² J Jᵀ.
    """
    constant, lasting, changing = np.zeros(_TURNS), FIRST_SIGMA, FIRST_SIGMA
    independent = min(1.0, (1.0 + np.ptp(frames) / (CORRELATION_TIME * problem.fps)) / len(frames))
    confidence, numpy = problem.confidence[frames], problem.backend.numpy
    for _ in range(MOST_ROUNDS):
        rotations = poses.rotations @ exp_map(constant.reshape(NUM_JOINTS, 3))
        state = problem.state(Poses(rotations, poses.trans))
        off = problem.positions[frames] - numpy(state.keypoints)
        jacobian = numpy(problem.model.jacobian(state)).reshape(len(frames), -1, UNKNOWNS)
        seen = np.sqrt(np.repeat(confidence * _near(off, confidence), 3, axis=1))[..., None]
        turns, places = seen * jacobian[..., step_order()], seen * jacobian[..., _TURNS:]
        miss = seen * off.reshape(len(frames), -1, 1)

        # What each frame tells of b, and where it pulls.
        noise = np.hypot(max(problem.noise, EXACT_NOISE), CURVATURE * changing**2)
        covariance = noise**2 * np.eye(miss.shape[1]) + PLACE_SIGMA**2 * places @ np.swapaxes(
            places, 1, 2
        )
        covariance += changing**2 * turns @ np.swapaxes(turns, 1, 2)
        solved = np.linalg.solve(covariance, np.concatenate([turns, miss], axis=2))
        told = np.swapaxes(turns, 1, 2) @ solved
        told, pull = told[..., :_TURNS], told[..., _TURNS]
        uncertain = np.linalg.inv(independent * told.sum(axis=0) + np.eye(_TURNS) / lasting**2)
        step = uncertain @ (independent * pull.sum(axis=0) - constant / lasting**2)
        constant = constant + step * min(1.0, LONGEST_STEP / np.abs(step).max())

        # Both sigmas, each by as many coordinates as keypoints tell of.
        before = changing, lasting
        freedom = changing**2 * np.trace(told, axis1=1, axis2=2).sum()
        changing = _sigma(np.square(changing**2 * pull).sum(), freedom)
        lasting = _sigma(np.square(constant).sum(), _TURNS - np.trace(uncertain) / lasting**2)
        if np.abs(step).max() < SETTLED_STEP and np.allclose(
            before, (changing, lasting), rtol=SETTLED_SIGMA
        ):
            break
    return constant.reshape(NUM_JOINTS, 3), np.diag(uncertain), changing


def _near(miss: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    """(N,K) weights: next to none of keypoints that are missed by many times what is usual, which
    are wrong themselves (Geman and McClure 1987)."""
    size = np.linalg.norm(miss, axis=-1)
    usual = float(np.median(size[confidence > 0])) if (confidence > 0).any() else 0.0
    return 1.0 / (1.0 + np.square(size / max(OUTLYING * usual, LEAST_OUTLYING))) ** 2


def _sigma(squares: float, freedom: float) -> float:
    return float(np.clip(np.sqrt(squares / max(freedom, 1e-9)), 0.5 * LEAST_SIGMA, MOST_SIGMA))
