"""`adopt`: a motion from anywhere as one of a given body that stands upright in a world with Z
up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..body.body import Body, betas_match
from ..body.skeleton import NUM_BETAS
from ..keypoints.layouts import get_layout
from ..keypoints.track import Decision
from ..motion import Motion
from ..readers.axes import decide_up
from ..rotation import exp_map, log_map

JOINTS = "smpl_24"


def adopt(motion: Motion, body: Body, up: str | None = None, stated: str | None = None) -> Motion:
    """The motion on `body`, Z up, its decisions with what was settled here.

    up: the axis of the motion's world that points up, or "body"; None takes what its file `stated`,
    or finds it out. Betas of another body mean nothing on this one, so the mean shape takes their
    place. What the motion measured of keypoints stays behind. Raises `LayoutError` where "body"
    finds nothing to go by.
    """
    decisions = list(motion.decisions)
    if betas_match(motion, body):
        betas, hand_size = motion.betas, motion.hand_size
    else:
        betas, hand_size = np.zeros(NUM_BETAS), 1.0
        if motion.betas.any():
            owner = motion.body or "a body that the file does not name"
            reason = f"its own betas are for {owner}, and mean nothing on {body.key}"
            decisions.append(Decision("shape", "the body's mean", "assumed", reason))
    motion = replace(
        motion,
        betas=betas,
        hand_size=hand_size,
        body=body.key,
        residual=None,
        condition=None,
        keypoint_names=(),
        calibration=None,
    )
    joints = body.joints(motion)
    turn, decision = decide_up(joints, get_layout(JOINTS), up, stated)
    if stated is not None and decision.value == "body" and up is None:
        turn, decision = np.eye(3), Decision("up", stated, "file")
    return replace(turned(motion, body, turn), decisions=(*decisions, decision))


def turned(motion: Motion, body: Body, turn: np.ndarray) -> Motion:
    """The motion in other axes: p' = C p for `turn` C (3,3) (R' = C R for the root, trans' = C
    (trans + J0) - J0)."""
    poses, root = motion.poses.copy(), body.rest_joints(body.betas_of(motion))[0]
    poses[:, 0] = log_map(turn @ exp_map(poses[:, 0]))
    return replace(motion, poses=poses, trans=(motion.trans + root) @ turn.T - root)
