"""Locked feet on a character of another shape than its take's: they stand where they stood.

An action notes for which shape its feet were placed. A bake places them for the shape that the
character has, and so do frames that are changed later; `locking.py` does after the shape was
changed.
"""

from __future__ import annotations

from dataclasses import replace

import bpy
import numpy as np

from ...lsmpl_core import Motion
from ...lsmpl_core.body.body import Body
from ...lsmpl_core.by_hand.posing import poses_of
from ...lsmpl_core.retargeting.reshaping import keep_feet
from ...lsmpl_core.rotation import log_map
from ...lsmpl_core.solver.poses import Poses
from ..takes import layers
from ..takes.layers import Layer
from . import shape

_FEET_KEY = "lsmpl_feet"
_SAME_BETAS = 1e-4
"""Betas that differ by less are the same shape."""
EASED_SECONDS = 1.0
"""Within which hips that come down for a frame are back at their own height (`leg_reach.RETURN`,
five times)."""


def are_locked(take: bpy.types.Object) -> bool:
    """Whether the take's latest motion has feet that a clean-up locked."""
    cleaned = layers.describe(take, Layer.CLEANED)
    return cleaned is not None and bool(cleaned["clean_up"].get("feet_locked"))


def note(action: bpy.types.Action, betas: np.ndarray) -> None:
    """Keep with an action the shape (10,) that its feet were placed for."""
    action[_FEET_KEY] = np.asarray(betas, dtype=np.float64).tolist()


def shape_of(action: bpy.types.Action | None, betas: np.ndarray) -> np.ndarray:
    """(10,): the shape that an action's feet were placed for; `betas`, its motion's, where nothing
    was locked."""
    return np.array(action.get(_FEET_KEY, betas) if action else betas, dtype=np.float64)


def are_of_another_shape(
    action: bpy.types.Action | None, armature: bpy.types.Object | None
) -> bool:
    """Whether an action's feet were locked, and the character has another shape now."""
    if action is None or _FEET_KEY not in action or not shape.is_character(armature):
        return False
    return not np.allclose(action[_FEET_KEY], shape.betas_of(armature), rtol=0.0, atol=_SAME_BETAS)


def fitted(motion: Motion, body: Body, betas: np.ndarray) -> Motion:
    """The motion on a character of that shape (10,), the feet where they were."""
    return (
        motion
        if np.allclose(motion.betas, betas, rtol=0.0, atol=_SAME_BETAS)
        else keep_feet(motion, body, betas)
    )


def fitted_poses(poses: Poses, body: Body, before: np.ndarray, after: np.ndarray) -> Poses:
    """The same for poses (N) of a shape (10,) on another, each frame on its own."""
    if np.allclose(before, after, rtol=0.0, atol=_SAME_BETAS):
        return poses
    motion = Motion(log_map(poses.rotations), poses.trans, before, body=body.key)
    return replace(poses_of(fitted(motion, body, after)), fingers=poses.fingers)
