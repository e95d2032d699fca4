"""Fingers for a motion whose body is solved."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..body.body import Body
from ..body.fingers import HAND_JOINTS, NUM_FINGER_JOINTS, WRISTS
from ..body.skeleton import PARENTS
from ..keypoints.hand_points import PALM, SIDES
from ..keypoints.track import Decision, KeypointTrack
from ..motion import Motion
from ..rotation import log_map
from .palm import no_hands
from .solve_hands import solve_hands

FEWEST_OF_A_PALM = 3
"""Points that turn with a wrist which decide how it is turned."""


def with_fingers(motion: Motion, track: KeypointTrack, body: Body) -> Motion:
    """The motion with fingers, and with wrists as the palms are turned, where the track has hands;
    as it is where it has none, or where the body has no fingers."""
    hands = track.hands
    if hands is None or not hands.visible.any():
        return motion
    if body.fingers is None:
        reason = f"the body {body.name} has none; the open body has"
        return _deciding(motion, "fingers", "left aside", reason)
    if wrong := no_hands(hands, body.fingers, motion.betas):
        hands = hands.without([side in wrong for side in SIDES])
        reason = "their points make no fingers: bones have other lengths than those of a hand"
        motion = _deciding(motion, "hands", f"{' and '.join(wrong)} left aside", reason)
        if not hands.visible.any():
            return motion
    world, _ = body.world(motion)
    rest_wrists = body.rest_joints(motion.betas)[list(WRISTS)]
    found = solve_hands(
        hands, body.fingers, motion.betas, world[:, WRISTS], rest_wrists, motion.fps
    )

    # A palm that is seen tells the wrist better than forearm and knuckles do.
    poses = motion.poses.copy()
    sure = hands.visible[:, :, PALM].sum(axis=2) >= FEWEST_OF_A_PALM
    for hand, wrist in enumerate(WRISTS):
        elbow = np.swapaxes(world[:, PARENTS[wrist]], -1, -2)
        turned = log_map(elbow @ found.wrists[:, hand])
        poses[:, wrist] = np.where(sure[:, hand, None], turned, poses[:, wrist])
    poses[:, HAND_JOINTS] = 0.0  # which SMPL-H does not have
    return replace(
        motion, poses=poses, fingers=found.fingers.reshape(len(motion), 2 * NUM_FINGER_JOINTS, 3)
    )


def _deciding(motion: Motion, what: str, value: str, reason: str) -> Motion:
    """The motion with one decision more, instead of what was asked for."""
    return replace(motion, decisions=(*motion.decisions, Decision(what, value, "fallback", reason)))
