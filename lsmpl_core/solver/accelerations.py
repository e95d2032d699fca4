"""What people's joints accelerate, as a prior of whole sequences:

    sum_t sum_a  q_a |ω_a(t) - ω_a(t-1)|²  +  q |x(t+1) - 2 x(t) + x(t-1)|²,
    ω_a(t) = log(R_a(t)ᵀ R_a(t+1))

A smoothing spline, in which sudden moves count less (Student's t).
"""

from __future__ import annotations

import numpy as np

from ..backends.kernel_library import find_kernels
from ..body.kinematics import UNKNOWNS
from ..body.skeleton import ANCESTORS, JOINT_NAMES, NUM_JOINTS
from ..rotation import log_map, right_jacobian_inverse
from .poses import Poses
from .problem import Problem

ACCELERATION_FPS = 30.0
JOINT_ACCELERATION = {
    "pelvis": 0.018, "spine1": 0.017, "spine2": 0.007, "spine3": 0.009, "neck": 0.011,
    "head": 0.012, "hip": 0.024, "knee": 0.030, "ankle": 0.038, "foot": 0.047,
    "collar": 0.011, "shoulder": 0.022, "elbow": 0.026, "wrist": 0.033, "hand": 0.020,
}  # fmt: skip
"""Radians by which the turn from frame to frame changes, in each axis, at `ACCELERATION_FPS`: root
mean square over the training motion, shared among joints as by real SMPL poses
(`tools/make_pose_prior.py` prints it)."""
PELVIS_ACCELERATION = 0.0032
"""Metres, the same of the pelvis's steps."""
CALM_SHARE = 0.4
"""Share of these that is expected: most frames are calmer than the mean square says."""
STUDENT_FREEDOM = 4.0
"""Of Student's t: the smaller, the less is held against few large accelerations."""
FEWEST_TO_TRUST = 3
"""Keypoints that must be seen for what they show of the whole body to count."""
UNKNOWN_BLOCKS = NUM_JOINTS + 1
"""Of three unknowns each: the joints' turns, and the translation."""


def expected_changes(fps: float) -> np.ndarray:
    """(25,) radians (the last one: metres) by which velocities change from a frame to the next.

    Accelerations are taken for white noise, so that this goes with the time between frames to the
    power of 3/2.
    """
    joints = [
        next(value for name, value in JOINT_ACCELERATION.items() if joint.endswith(name))
        for joint in JOINT_NAMES
    ]
    return CALM_SHARE * np.array([*joints, PELVIS_ACCELERATION]) * (ACCELERATION_FPS / fps) ** 1.5


def shown_accelerations(problem: Problem, frames: np.ndarray) -> np.ndarray:
    """(T-2,25) bool: whether keypoints show the acceleration of a joint, or of the translation: in
    its three frames and one more at either end there is one that moves with the joint.

    Where nothing is seen no sudden move is, only the end of what was made up for a gap.
    """
    seen = problem.weights[frames] > 0
    moving = seen @ ANCESTORS[problem.parts.parent_joint]
    shown = np.concatenate([moving, seen.sum(axis=1, keepdims=True) >= FEWEST_TO_TRUST], axis=1)
    shown = np.pad(shown, ((1, 1), (0, 0)), mode="edge")
    return np.logical_and.reduce([shown[i : i + len(frames) - 2] for i in range(5)])


def add_accelerations(
    poses: Poses,
    expected: np.ndarray,
    freedom: np.ndarray,
    noise: float,
    hessian: np.ndarray,
    gradient: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Adds to half the Hessians (T,75,75) and half the gradients (T,75) of T frames, joint by joint
    and then the translation, what the accelerations cost, and returns what couples each frame with
    the next, (T-1,25,3,3), and with the one after that, (T-2,25,3,3).

    expected (25,): `expected_changes`; freedom (T-2,25) of Student's t; noise of the keypoints, in
    metres.
    """
    if kernels := find_kernels().kernels:
        pose = poses.rotations, poses.trans
        return kernels.add_accelerations(pose, expected, freedom, noise, hessian, gradient)
    T = len(gradient)

    # How much each velocity changes, and how much that is worth saying (Student's t, reweighted).
    turn = log_map(np.swapaxes(poses.rotations[:-1], -1, -2) @ poses.rotations[1:])
    velocity = np.concatenate([turn, np.diff(poses.trans, axis=0)[:, None]], axis=1)
    change = np.diff(velocity, axis=0)
    surprise = np.square(change).sum(axis=-1) / expected**2
    weight = (noise / expected) ** 2 / ((1.0 + surprise / freedom) / (1.0 + 3.0 / freedom))
    weight = weight[..., None, None]

    # How a change of velocity changes with a step of the frame before, of its own and of the next.
    one = np.broadcast_to(np.eye(3), (T - 1, 1, 3, 3))
    ahead = np.concatenate([right_jacobian_inverse(turn), one], axis=1)
    behind = np.swapaxes(ahead, -1, -2)
    parts = (behind[:-1], -(behind[1:] + ahead[:-1]), ahead[1:])
    pulls = [weight * np.swapaxes(part, -1, -2) for part in parts]

    # Their squares into the blocks on the diagonal, their products into those beside it.
    blocks = hessian.reshape(T, UNKNOWN_BLOCKS, 3, UNKNOWN_BLOCKS, 3)
    squares = np.zeros((T, UNKNOWN_BLOCKS, 3, 3))
    for i, (part, pull) in enumerate(zip(parts, pulls)):
        frames = slice(i, T - 2 + i)
        gradient[frames] += (pull @ change[..., None]).reshape(T - 2, UNKNOWNS)
        squares[frames] += pull @ part
    diagonal = np.arange(UNKNOWN_BLOCKS)
    blocks[:, diagonal, :, diagonal, :] += np.moveaxis(squares, 1, 0)
    first = np.zeros((T - 1, UNKNOWN_BLOCKS, 3, 3))
    first[:-1] += pulls[0] @ parts[1]
    first[1:] += pulls[1] @ parts[2]
    return first, pulls[0] @ parts[2]
