"""How a file says that bones are turned, as a hint at what keypoints do not show: twists of limbs.

Which of it is believed is `turn_hints.py`'s.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

import numpy as np

from ..body.skeleton import JOINT_NAMES, NUM_JOINTS
from ..keypoints.track import Decision, KeypointTrack
from ..progress import Progress
from .estimate_errors import MOST_SIGMA, judged_estimate
from .poses import Poses
from .sequence_optimisation import optimise_where_needed
from .sequences import each_on_its_own
from .settling import residuals
from .tracking import Tracker
from .turn_hints import find_hints

PASSES = 2
"""Times that every frame is predicted and polished."""
LEAST_WORSE = 1e-4
MOST_WORSE = 1.1
"""Metres, and times the residual of before, by which keypoints may be missed more with the hints:
what is beyond that is against them."""


def joints_turned(track: KeypointTrack) -> tuple[np.ndarray, np.ndarray]:
    """A track's turns by the joint that each keypoint is at (T,24,3), NaN for the others, and where
    these are seen (T,24)."""
    turns = np.full((len(track), NUM_JOINTS, 3), np.nan)
    seen = np.zeros(turns.shape[:2], dtype=bool)
    for k, site in enumerate(track.layout.sites):
        if track.turns is not None and site in JOINT_NAMES:
            turns[:, JOINT_NAMES.index(site)] = track.turns[:, k]
            seen[:, JOINT_NAMES.index(site)] = track.visible[:, k]
    return turns, seen


def with_bone_turns(
    tracker: Tracker, poses: Poses, track: KeypointTrack, missed: np.ndarray
) -> Generator[Progress, None, tuple[Poses, Decision]]:
    """Solved poses of all of a take's frames, refined from what the track's turns make of them, and
    what came of it; the same poses where nothing did.

    missed (T,K): as `optimise_where_needed` takes it. Yields `Progress`.
    """
    problem = tracker.problem
    turns, seen = joints_turned(track)
    given = np.isfinite(turns).all(axis=2).any(axis=0)
    hints = find_hints(poses, turns, seen, problem.rest_joints)
    if hints.against:
        return poses, _told("left aside", given, hints.against)

    # What is off in the constants, which were read off poses with errors, keypoints tell; joints of
    # which nothing was said are free.
    estimate = judged_estimate(problem, hints.poses)
    free = replace(estimate, sigma=np.where(hints.used, estimate.sigma, MOST_SIGMA))
    near = Tracker.of(problem.near(free))
    refined = Poses(estimate.rotations, hints.poses.trans)
    refined = yield from each_on_its_own(near, refined, PASSES)
    refined = yield from optimise_where_needed(near, refined, missed)

    before, after = (float(np.nanmean(residuals(problem, one))) for one in (poses, refined))
    if after > MOST_WORSE * before + LEAST_WORSE:
        reason = (
            f"keypoints would be missed by {1000 * after:.1f} mm, and are by {1000 * before:.1f}"
        )
        return poses, _told("left aside", given, reason)
    reason = f"the file has {hints.used.sum()} of {given.sum()} bones turned as the body's joints"
    if (aside := given & ~hints.used).any():
        reason += f"; not, or too little to tell: {_names(aside)}"
    return refined, _told("used", hints.used, reason)


def _told(value: str, joints: np.ndarray, reason: str) -> Decision:
    return Decision("rotations", f"of {joints.sum()} bones {value}", "file", reason)


def _names(joints: np.ndarray) -> str:
    return ", ".join(JOINT_NAMES[j] for j in np.flatnonzero(joints))
