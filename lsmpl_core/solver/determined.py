"""Which parts of the body keypoints determine, and which are only what people usually do.

About a solved pose, keypoints tell of a step x of the pose what J^T J / sigma^2 says of it, and the
pose prior what its precision does. Where a part of the body may then still be, with one standard
deviation, is the covariance of both together, (J^T J / sigma^2 + P)^-1, carried on to that part. A
residual says nothing of this: three keypoints are met to a millimetre by any number of bodies.
"""

from __future__ import annotations

import numpy as np

from ..backends.arrays import choose_backend
from ..body.kinematics import UNKNOWNS, KeypointModel
from ..body.sites import site_parts
from ..frames import evenly
from .polish import step_order
from .poses import Poses
from .prior import pose_statistics
from .problem import Problem

PARTS = {
    "the trunk": ("pelvis", "neck"),
    "the head": ("nose",),
    "the left arm": ("left_elbow",), "the right arm": ("right_elbow",),
    "the left forearm": ("left_wrist",), "the right forearm": ("right_wrist",),
    "the left leg": ("left_knee",), "the right leg": ("right_knee",),
    "the left lower leg": ("left_ankle",), "the right lower leg": ("right_ankle",),
}  # fmt: skip
"""Sites that tell where a part is. Hands and feet are left out: most layouts show nothing of
them."""
WHOLES = {
    f"the {side} {part}": f"the {side} {whole}"
    for side in ("left", "right")
    for part, whole in (("forearm", "arm"), ("lower leg", "leg"))
}
"""Parts that go without saying where what carries them is not determined."""
KEYPOINT_SIGMA = 0.01
"""Metres by which keypoints are taken to be off, however well they are met."""
OPEN = 0.07
"""Metres, one standard deviation, from which on a part is not determined. With the usual layouts
all parts are within 0.02, a head that only neck and crown show is within 0.055, one that nothing
shows 0.08 off, a knee between hip and ankle 0.044, an elbow between shoulder and wrist 0.085, limbs
without keypoints 0.16 and more."""
FREE = 1e-4
"""Precision, in 1/m² and 1/rad², of what neither tells: where the body is, and which way it is
turned."""
MOST_FRAMES = 8


def undetermined(problem: Problem, poses: Poses) -> dict[str, float]:
    """The parts that keypoints do not determine in half of the frames or more, and to how many
    metres they are known."""
    seen = np.flatnonzero((problem.weights > 0).any(axis=1))
    if not len(seen):
        return {}
    frames = seen[evenly(len(seen), MOST_FRAMES)]
    spread = _spread(problem, poses, frames)
    found = {part: float(np.median(spread[:, columns].max(axis=1))) for part, columns in _columns()}
    wide = {part: metres for part, metres in found.items() if not metres <= OPEN}
    return {part: metres for part, metres in wide.items() if WHOLES.get(part) not in wide}


def _sites() -> list[str]:
    return [site for sites in PARTS.values() for site in sites]


def _columns() -> list[tuple[str, list[int]]]:
    return [(part, [_sites().index(site) for site in sites]) for part, sites in PARTS.items()]


def _spread(problem: Problem, poses: Poses, frames: np.ndarray) -> np.ndarray:
    """(F,S) metres, one standard deviation, by which each of the parts' sites is known in some
    frames."""
    numpy, some = problem.backend.numpy, poses[frames]
    jacobian = numpy(problem.model.jacobian(problem.state(some))).astype(np.float64)
    jacobian = jacobian.reshape(len(frames), -1, UNKNOWNS)
    seen = np.repeat(problem.weights[frames] > 0, 3, axis=1)[..., None]
    information = np.swapaxes(jacobian * seen, 1, 2) @ jacobian / KEYPOINT_SIGMA**2
    covariance = np.linalg.inv(information + _prior_precision())

    # From the pose on to the sites.
    backend = choose_backend("numpy")
    parts = site_parts(problem.body, _sites())
    model = KeypointModel.build(
        backend, problem.rest_joints, parts, parts.moments(np.asarray(problem.betas))
    )
    state = model.state(backend.array(some.rotations), backend.array(some.trans))
    lever = np.asarray(model.jacobian(state), dtype=np.float64).reshape(len(frames), -1, UNKNOWNS)
    variance = np.einsum("fia,fab,fib->fi", lever, covariance, lever)
    return np.sqrt(variance.reshape(len(frames), -1, 3).sum(axis=-1))


def _prior_precision() -> np.ndarray:
    """(75,75) in the order of a step."""
    precision = FREE * np.eye(UNKNOWNS)
    joints = step_order()[3:]
    precision[np.ix_(joints, joints)] += np.linalg.inv(pose_statistics()[1])
    return precision
