"""The pose prior: a Gaussian over the axis-angles of the body's joints, fitted by `tools/make_pose_prior.py`."""

from __future__ import annotations

from functools import cache

import numpy as np

from ..backends.arrays import Backend
from ..data import DATA
from .limb_planes import LimbPlanes
from .polish import Prior

PRIOR_FILE = DATA / "pose_prior.npz"


@cache
def pose_statistics() -> tuple[np.ndarray, np.ndarray]:
    """Mean (69,) in radians and covariance (69,69) of the axis-angles of joints 1 to 23."""
    with np.load(PRIOR_FILE, allow_pickle=False) as file:
        return file["mean"].astype(np.float64), file["covariance"].astype(np.float64)


def pose_prior(backend: Backend, weight: float, planes: LimbPlanes | None = None) -> Prior:
    """The prior with one standard deviation of one coordinate costing `weight`, in m²."""
    mean, covariance = pose_statistics()
    return Prior(backend.array(mean), backend.array(weight * np.linalg.inv(covariance)), weight, planes)
