"""Motions from a data set's world into ours, which is Z up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..body.body import Body, betas_match
from ..motion import Motion
from ..rotation import exp_map, log_map

Y_UP_TO_Z_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
Y_DOWN_TO_Z_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])

SMPL_PELVIS = np.array([-0.0018, -0.2233, 0.0282])
SMPLX_PELVIS = np.array([0.0031, -0.3514, 0.0120])
"""Metres: J0 of the neutral mean shapes, from which a real body's is a few centimetres away."""


def moved(
    motion: Motion, rotation: np.ndarray, offset: np.ndarray | float = 0.0, body: Body | None = None
) -> Motion:
    """The motion after x' = rotation x + offset of its world, metres.

    R' = C R for the root and, for pelvis = trans + J0, trans' = C (trans + J0) + offset - J0'. J0
    is that of the body whose parameters the file holds, J0' that of `body`, on which the motion is
    to be used. J0 comes from `body` if the motion's betas may be used on it, and otherwise from the
    mean shape: then the whole motion is off by a constant of a few centimetres, which nothing that
    is aligned at a joint sees.
    """
    fits = body is not None and betas_match(motion, body)
    if body is None:
        after = SMPL_PELVIS
    else:
        after = body.rest_joints(motion.betas if fits else None)[0]
    if not fits and motion.is_smplx:
        before = SMPLX_PELVIS
    else:
        before = after if fits else SMPL_PELVIS
    poses = motion.poses.copy()
    poses[:, 0] = log_map(rotation @ exp_map(poses[:, 0]))
    return replace(motion, poses=poses, trans=(motion.trans + before) @ rotation.T + offset - after)
