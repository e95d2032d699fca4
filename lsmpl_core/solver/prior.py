"""The pose prior: a Gaussian over the axis-angles of the body's joints, fitted by
`tools/make_pose_prior.py`; one for poses that were fitted to people, and one for motion that was
converted from skeletons with hinges (`hinges.py`)."""

from __future__ import annotations

from functools import cache

import numpy as np

from ..backends.arrays import Backend
from ..body.skeleton import JOINT_NAMES
from ..data import DATA
from .limb_planes import LimbPlanes
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


@cache
def pose_statistics(hinged: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Mean (69,) in radians and covariance (69,69) of the axis-angles of joints 1 to 23, of poses
    that were fitted to people or, if hinged, of motion from skeletons with hinges."""
    kind = "hinged_" if hinged else ""
    with np.load(PRIOR_FILE, allow_pickle=False) as file:
        mean, covariance = (file[f"{kind}{name}"] for name in ("mean", "covariance"))
    return mean.astype(np.float64), covariance.astype(np.float64)


def pose_prior(
    backend: Backend,
    weight: float,
    planes: LimbPlanes | None = None,
    typical: np.ndarray | None = None,
    trunk_weight: float = 0.0,
    hinged: bool = False,
) -> Prior:
    """The prior with one standard deviation of one coordinate costing `weight`, in m².

    planes: how the subject's limbs share turns. typical (69,): a pose of the take, or the mean of
    several, as axis-angles; of what keypoints do not show, it tells more than everybody's mean
    does. trunk_weight: the least weight, in m², of the trunk's joints. hinged: of a skeleton with
    hinges.
    """
    mean, covariance = pose_statistics(hinged)
    mean = mean if typical is None else mean + ALIKE * (typical - mean)
    precision, trunk = weight * np.linalg.inv(covariance), np.ix_(TRUNK, TRUNK)
    precision[trunk] += max(trunk_weight - weight, 0.0) * np.linalg.inv(covariance[trunk])
    return Prior(backend.array(mean), backend.array(precision), weight, planes)
