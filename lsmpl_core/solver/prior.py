"""The pose prior: a Gaussian over the axis-angles of the body's joints, fitted by
`tools/make_pose_prior.py`; one for each kind of take (`hinges.py`)."""

from __future__ import annotations

from functools import cache

import numpy as np

from ..backends.arrays import Backend
from ..body.skeleton import JOINT_NAMES
from ..data import DATA
from ..rotation import exp_map, log_map
from .limb_planes import Kind, LimbPlanes
from .polish import Prior

PRIOR_FILE = DATA / "pose_prior.npz"
TRUNK = [
    3 * (JOINT_NAMES.index(name) - 1) + axis
    for name in ("spine1", "spine2", "spine3", "left_collar", "right_collar")
    for axis in range(3)
]
"""Coordinates of the joints that would bend to make up for other proportions: keypoints tell least
of them."""
ALIKE = 0.7
"""Correlation of the poses of a take: the share of one's deviation from everybody's mean that is
expected of others."""


SPINE = [JOINT_NAMES.index(f"spine{number}") for number in (1, 2, 3)]
ARMS = [tuple(JOINT_NAMES.index(f"{side}_{name}") for name in ("collar", "shoulder"))
        for side in ("left", "right")]  # fmt: skip
WELDED_SIGMA = np.radians(2.0)
"""Radians by which joints that another skeleton does not have turn all the same: its bones lie a
little differently."""
NUDGE = 1e-3
"""Radians, for derivatives."""


@cache
def pose_statistics(kind: Kind = Kind.PERSON) -> tuple[np.ndarray, np.ndarray]:
    """Mean (69,) in radians and covariance (69,69) of the axis-angles of joints 1 to 23, of poses
    of a kind of take."""
    if kind is Kind.WELDED:
        return _welded(*pose_statistics())
    begins = "hinged_" if kind is Kind.RECORDED else ""
    with np.load(PRIOR_FILE, allow_pickle=False) as file:
        mean, covariance = (file[f"{begins}{name}"] for name in ("mean", "covariance"))
    return mean.astype(np.float64), covariance.astype(np.float64)


def _welded(mean: np.ndarray, covariance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same statistics of a skeleton that turns its chest and its upper arms as these poses do,
    by one joint for a spine and none for collars; to first order about the mean."""
    nudges = NUDGE * np.concatenate([np.zeros((1, 69)), np.eye(69), -np.eye(69)])
    moved = welded(exp_map((mean + nudges).reshape(-1, 23, 3)))
    poses = log_map(moved).reshape(-1, 69)
    change = (poses[1:70] - poses[70:]).T / (2.0 * NUDGE)
    still = np.zeros((23, 3))
    still[np.array([*SPINE[1:], *(collar for collar, _ in ARMS)]) - 1] = WELDED_SIGMA**2
    return poses[0], change @ covariance @ change.T + np.diag(still.ravel())


def welded(rotations: np.ndarray) -> np.ndarray:
    """Rotations (N,23,3,3) of joints 1 to 23 with the same chest and upper arms, by one joint for a
    spine and none for collars."""
    rotations = rotations.copy()
    first, *others = (joint - 1 for joint in SPINE)
    for joint in others:
        rotations[:, first] = rotations[:, first] @ rotations[:, joint]
        rotations[:, joint] = np.eye(3)
    for collar, shoulder in ARMS:
        rotations[:, shoulder - 1] = rotations[:, collar - 1] @ rotations[:, shoulder - 1]
        rotations[:, collar - 1] = np.eye(3)
    return rotations


def pose_prior(
    backend: Backend,
    weight: float,
    planes: LimbPlanes | None = None,
    typical: np.ndarray | None = None,
    trunk_weight: float = 0.0,
    kind: Kind = Kind.PERSON,
) -> Prior:
    """The prior with one standard deviation of one coordinate costing `weight`, in m².

    planes: how the subject's limbs share turns. typical (69,): a pose of the take, or the mean of
    several, as axis-angles; of what keypoints do not show, it tells more than everybody's mean
    does. trunk_weight: the least weight, in m², of the trunk's joints.
    """
    mean, covariance = pose_statistics(kind)
    mean = mean if typical is None else mean + ALIKE * (typical - mean)
    precision, trunk = weight * np.linalg.inv(covariance), np.ix_(TRUNK, TRUNK)
    precision[trunk] += max(trunk_weight - weight, 0.0) * np.linalg.inv(covariance[trunk])
    return Prior(backend.array(mean), backend.array(precision), weight, planes)
