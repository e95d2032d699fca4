"""What each frame adds to the normal equations of a sequence: the terms of the polish, where
outliers count less."""

from __future__ import annotations

import numpy as np

from ..body.kinematics import UNKNOWNS, State
from ..body.skeleton import NUM_JOINTS
from ..rotation import log_map, right_jacobian_inverse
from .polish import Anchor, Targets, evaluate, normal_equations, step_order
from .poses import Poses
from .problem import Problem
from .tracking import Tracker

OUTLIER_SIGMAS, LEAST_OUTLIER = 6.0, 0.04
"""Times the noise, and at least metres, by which a keypoint may be off before it counts little."""
_JOINT_BY_JOINT = np.array([*step_order(), UNKNOWNS - 3, UNKNOWNS - 2, UNKNOWNS - 1])


def put_frame_terms(
    tracker: Tracker,
    poses: Poses,
    frames: np.ndarray,
    anchor: Anchor,
    hessian: np.ndarray,
    gradient: np.ndarray,
) -> None:
    """Fills half the Hessians (N,75,75) and gradients (N,75) of what the polish minimises in each
    of N frames, joint by joint and then the translation; anchor, of the frames, in NumPy."""
    problem, prior = tracker.problem, tracker.prior
    backend, model = problem.backend, problem.model
    anchor = Anchor(backend.array(anchor.rotations), backend.array(anchor.weights))

    # Outliers count less, unless somebody placed them.
    outlier = np.where(problem.trusted[frames], np.inf, outlier_size(problem.noise))
    if backend.kernels:
        backend.kernels.normal_equations(
            model.compiled,
            (poses.rotations, poses.trans),
            (problem.positions[frames], problem.weights[frames]),
            (anchor.rotations, anchor.weights),
            prior.compiled(backend.kernels),
            outlier,
            hessian,
            gradient,
        )
        return

    state, targets = problem.state(poses), problem.targets(frames)
    believed = outlier_weight(state.keypoints - targets.positions, backend.array(outlier))
    targets = Targets(targets.positions, targets.weights * believed)
    here = evaluate(model, state, targets, anchor, None)
    undamped = backend.array(np.zeros(len(frames)))
    equations = normal_equations(model, here, targets, anchor, None, undamped)
    step_hessian, step_gradient = (backend.numpy(array) for array in equations)
    hessian[:] = step_hessian[:, _JOINT_BY_JOINT[:, None], _JOINT_BY_JOINT]
    gradient[:] = step_gradient[:, _JOINT_BY_JOINT]
    _add_prior(
        hessian,
        gradient,
        poses,
        tracker.backend.numpy(prior.mean),
        tracker.backend.numpy(prior.precision),
    )
    _add_planes(hessian, gradient, problem, state)


def outlier_weight(miss, size):
    """(...) weights of keypoints that are missed by miss (...,3), in metres: 1 where near, a
    quarter where by `size` (...), falling with the fourth power (Geman and McClure 1987)."""
    return 1.0 / (1.0 + (miss * miss).sum(-1) / size**2) ** 2


def outlier_size(noise: float) -> float:
    """Metres by which a keypoint is off that counts a quarter."""
    return max(OUTLIER_SIGMAS * noise, LEAST_OUTLIER)


def outlier_threshold(noise: float) -> float:
    """Metres from its site at which a keypoint has hardly been listened to."""
    return 2.0 * outlier_size(noise)


def _add_planes(hessian, gradient, problem: Problem, state: State) -> None:
    """The law by which limbs share turns, where the prior has it."""
    planes, numpy = problem.prior.planes, problem.backend.numpy
    if planes is None:
        return
    rows = numpy(planes.jacobian(state.rotations))[..., _JOINT_BY_JOINT]
    pull = np.swapaxes(rows, 1, 2) * numpy(planes.precision)
    hessian += pull @ rows
    gradient += (pull @ numpy(planes.residual(state.rotations))[..., None])[..., 0]


def _add_prior(hessian, gradient, poses: Poses, mean: np.ndarray, precision: np.ndarray) -> None:
    """Without the polish's short cut, which takes more steps than there are here: J'PJ, not P."""
    N, body = len(hessian), NUM_JOINTS - 1
    bend = log_map(poses.rotations[:, 1:])
    jacobian = right_jacobian_inverse(bend)
    transposed = np.swapaxes(jacobian, -1, -2)
    pull = ((bend.reshape(N, -1) - mean) @ precision).reshape(N, body, 3, 1)
    gradient[:, 3:-3] += (transposed @ pull).reshape(N, -1)
    right = np.moveaxis(np.moveaxis(precision.reshape(-1, body, 3), 1, 0) @ jacobian, 1, 2)
    hessian[:, 3:-3, 3:-3] += (transposed @ right.reshape(N, body, 3, -1)).reshape(N, 3 * body, -1)
