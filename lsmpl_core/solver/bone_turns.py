"""How a file says that bones are turned, as a hint at what keypoints do not show: twists of limbs.

A skeleton's bones rest in axes of its own, so that a joint of the body is turned by R_t = H_t C,
where H_t is what the file says and C a constant turn that nobody knows. It is read off poses that
were solved by keypoints alone, as a mean over the take (Markley et al., *Averaging Quaternions*,
2007, by the chordal mean): what is off in them changes from frame to frame, and averages out. Where
the constant is none, rotations follow another convention, and are left aside.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace

import numpy as np

from ..body.skeleton import JOINT_NAMES, NUM_JOINTS, PARENTS
from ..keypoints.layouts import Layout
from ..keypoints.track import Decision
from ..progress import Progress
from ..rotation import angle_between, exp_map
from .estimate_errors import MOST_SIGMA, judged_estimate
from .poses import Poses
from .sequence_optimisation import optimise_where_needed
from .sequences import each_on_its_own
from .settling import residuals
from .tracking import Tracker

CONSTANT = np.radians(20.0)
"""Angle by which a joint's turns may typically be off a constant one of the file's: solved twists
are off by half of that."""
OF_ITS_MOTION = 0.5
"""The same as a share of the angle by which the joint itself turns about its mean: turns that never
change, or of something else, explain nothing of it."""
LEAST_SHARE = 0.25
"""Of the joints that a file has turns of, by how many they must be constant ones: of the others'
some may be so by chance."""
MEAN_ROUNDS = 5
PASSES = 2
"""Times that every frame is predicted and polished."""
LEAST_WORSE = 1e-4
MOST_WORSE = 1.1
"""Metres, and times the residual of before, by which keypoints may be missed more with the hints:
what is beyond that is against them."""


@dataclass(frozen=True)
class Hints:
    """Poses (T) whose joints `used` (24,) are turned as a file says, the others in their parents as
    they were."""

    poses: Poses
    used: np.ndarray


def joints_turned(layout: Layout, turns: np.ndarray) -> np.ndarray:
    """(T,24,3) of turns (T,K,3) at keypoints, by the joint that each is at; NaN for the others."""
    of_joints = np.full((len(turns), NUM_JOINTS, 3), np.nan)
    for k, site in enumerate(layout.sites):
        if site in JOINT_NAMES:
            of_joints[:, JOINT_NAMES.index(site)] = turns[:, k]
    return of_joints


def find_hints(poses: Poses, turns: np.ndarray) -> Hints:
    """What a file's turns (T,24,3) make of solved poses, NaN where it has none."""
    solved = _in_the_world(poses.rotations)
    hinted, used = poses.rotations.copy(), np.zeros(NUM_JOINTS, dtype=bool)
    turned = solved.copy()
    for j, parent in enumerate(PARENTS):
        if parent >= 0:
            turned[:, j] = turned[:, parent] @ hinted[:, j]
        if not np.isfinite(turns[:, j]).all():
            continue
        given = exp_map(turns[:, j])
        constant, off = _mean(np.swapaxes(given, 1, 2) @ solved[:, j])
        moves = _mean(solved[:, j])[1]
        if off > min(CONSTANT, OF_ITS_MOTION * moves):
            continue
        used[j] = True
        turned[:, j] = given @ constant
        above = turned[:, parent] if parent >= 0 else np.broadcast_to(np.eye(3), solved[:, j].shape)
        hinted[:, j] = np.swapaxes(above, 1, 2) @ turned[:, j]
    return Hints(Poses(hinted, poses.trans), used)


def _in_the_world(rotations: np.ndarray) -> np.ndarray:
    """(T,24,3,3) of each joint in the world, of those in its parent."""
    world = rotations.copy()
    for j, parent in enumerate(PARENTS):
        if parent >= 0:
            world[:, j] = world[:, parent] @ rotations[:, j]
    return world


def _mean(rotations: np.ndarray) -> tuple[np.ndarray, float]:
    """The mean (3,3) of rotations (N,3,3), of which those far off count little, and the median
    angle to it."""
    weights = np.ones(len(rotations))
    for _ in range(MEAN_ROUNDS):
        u, _, v = np.linalg.svd(np.tensordot(weights, rotations, axes=1))
        mean = u @ np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ v))]) @ v
        off = angle_between(mean, rotations)
        typical = float(np.median(off))
        weights = 1.0 / (1.0 + (off / max(2.0 * typical, 1e-6)) ** 2)
    return mean, typical


def with_bone_turns(
    tracker: Tracker, poses: Poses, turns: np.ndarray, missed: np.ndarray
) -> Generator[Progress, None, tuple[Poses, Decision]]:
    """Solved poses of all of a take's frames, refined from what its file's turns (T,24,3) make of
    them (NaN where it has none), and what came of it; the same poses where nothing did.

    missed (T,24): as `optimise_where_needed` takes it. Yields `Progress`.
    """
    problem = tracker.problem
    hints = find_hints(poses, turns)
    given = np.isfinite(turns).all(axis=2).any(axis=0)
    if hints.used.sum() < max(LEAST_SHARE * given.sum(), 1):
        reason = "they are no constant turns from the body's joints: of another kind, or motion"
        return poses, _told("left aside", given, reason)

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
    aside = given & ~hints.used
    reason = f"as the file has {hints.used.sum()} of {given.sum()} bones turned"
    if aside.any():
        reason += f"; not by constant turns from the body's: {_names(aside)}"
    return refined, _told("used", hints.used, reason)


def _told(value: str, joints: np.ndarray, reason: str) -> Decision:
    return Decision("rotations", f"of {joints.sum()} bones {value}", "file", reason)


def _names(joints: np.ndarray) -> str:
    return ", ".join(JOINT_NAMES[j] for j in np.flatnonzero(joints))
