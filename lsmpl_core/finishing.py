"""What comes after a take is solved or refined: what was fixed by hand goes in, and poses become a
`Motion`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .body.fingers import HAND_JOINTS
from .body.skeleton import SMPL
from .by_hand.fixed_frames import put_by_hand
from .by_hand.posing import Poser
from .calibration.calibration import Calibration
from .cleaning.travel import with_travel
from .hands.by_hand import with_pinned_fingers
from .hands.with_fingers import with_fingers
from .judgement import judged
from .keypoints.condition import Condition
from .keypoints.hips_centred import is_hips_centred
from .motion import Motion
from .preparation import Prepared
from .rotation import log_map
from .solver.determined import undetermined
from .solver.frame_terms import outlier_threshold
from .solver.pinned_joints import PinnedJoints
from .solver.poses import Poses
from .solver.problem import Problem
from .solver.settling import residuals


def finished_motion(
    problem: Problem, prepared: Prepared, poses: Poses, pins: PinnedJoints | None = None
) -> Motion:
    """Solved poses as a motion, with what was fixed by hand in it, what is left between it and the
    track, what became of the keypoints, and the calibration, also where betas and offsets were
    found on the take.

    Where keypoints have no place in the room, or if the options say so, it travels on its feet
    (`Motion.travel`). It has fingers where the track has hands.
    """
    track, given, body = prepared.track, prepared.given, problem.body
    if prepared.calibration:
        calibration = replace(prepared.calibration, betas=problem.betas, noise=problem.noise)
    else:
        calibration = Calibration.of_layout(
            body, track.layout, problem.betas, problem.parts, problem.offsets, problem.noise
        )

    residual, condition = residuals(problem, poses), prepared.repaired.condition.copy()
    edited = given.user_edited.any(axis=1)
    if edited.any() or (pins is not None and len(pins)):
        poser = Poser(track.layout, body, calibration, options=problem.options)
        poses = put_by_hand(poser, given, poses, pins)
        residual = residuals(problem, poses)
        off = poser.residual(poses[edited], given.positions[edited])
        residual[given.user_edited] = off[given.user_edited[edited]]
        condition[given.user_edited] = Condition.SEEN

    # What the solve did not believe either was not measured.
    if problem.options.repair:
        far = (residual > outlier_threshold(problem.noise)) & ~given.undoubted
        condition[far & (condition != Condition.FILLED)] = Condition.REJECTED
    residual[~np.isin(condition, (Condition.SEEN, Condition.SWAPPED))] = np.nan

    turned = log_map(poses.rotations)
    if body.skeleton is not SMPL:
        turned[:, HAND_JOINTS] = 0.0  # which the others do not have
    motion = Motion(
        poses=turned,
        trans=poses.trans,
        betas=problem.betas,
        fps=track.fps,
        residual=residual,
        keypoint_names=track.layout.keypoints,
        condition=condition,
        body=body.key,
        first_frame=track.first_frame,
        decisions=prepared.decisions,
        calibration=calibration,
    )

    if problem.options.hands == "auto":
        by_hand = np.repeat(edited[:, None], motion.poses.shape[1], axis=1)
        if pins is not None:
            by_hand[pins.of_body.frames, pins.of_body.joints] = True
        motion = with_fingers(motion, given, body, by_hand, problem.backend)
        motion = with_pinned_fingers(motion, pins)
    doubts = judged(motion, body, given, undetermined(problem, poses))
    travels = problem.options.travel == "feet" or (
        problem.options.travel == "auto" and is_hips_centred(given)
    )
    motion = with_travel(motion, body) if travels else motion
    return replace(motion, decisions=(*motion.decisions, *doubts))
