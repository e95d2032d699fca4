"""Fingers that somebody posed: dragged by their tips, and pinned for whatever is solved later."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..backends.arrays import choose_backend
from ..backends.threads import one_thread
from ..body.body import Body
from ..body.fingers import WRISTS
from ..by_hand.blending import blend
from ..by_hand.fixed_frames import FADE_SECONDS
from ..motion import Motion
from ..rotation import exp_map, log_map
from ..solver.pinned_joints import PinnedJoints
from ..solver.poses import Poses
from .finger_batch import END_SHARE, LIMITED, UNKNOWNS
from .finger_problem import FingerProblem
from .palm import HandMeasures

DRAG_M = 0.002
"""How strictly a dragged tip is met, beside what fingers usually do."""
FARTHEST_PULL_M = 0.008
"""What is out of reach pulls as if it were no further away than this: joints have limits."""
TIPS = 10


class FingerDrag:
    """Fingers of one frame while some of their tips are dragged: each from the pose that it had
    before, so that a drag has no history, and no finger moves but those that are dragged.

    A tip says where its finger points and how far it is bent; how the bend is shared among the
    joints, what hands usually do says, counted from the pose before: a tip that stays changes
    nothing.
    """

    def __init__(self, body: Body, betas: np.ndarray, hand_size: float, base: np.ndarray):
        """base (30,3): axis-angles of the fingers before, as `Motion.fingers`. Raises `ValueError`
        for a body without fingers."""
        self.body = body.with_hands(hand_size)
        if self.body.fingers is None:
            raise ValueError(f"the body {body.name} has no fingers")
        self.fingers, self.betas, self.base = self.body.fingers, betas, base
        self.rest_wrists = self.body.rest_joints(betas)[list(WRISTS)]
        self._problem = self._around(base)

    def tips(self, poses: Poses, fingers: np.ndarray) -> np.ndarray:
        """(10,3) metres in the world: where the tips are of fingers (30,3) on a body in a pose
        (1)."""
        motion = Motion(log_map(poses.rotations), poses.trans, self.betas, fingers=fingers[None])
        return self.body.finger_positions(motion)[1].reshape(TIPS, 3)

    @one_thread()
    def pose(self, poses: Poses, tips: np.ndarray, dragged: np.ndarray) -> np.ndarray:
        """(30,3): the fingers on a body in a pose (1), the tips (10,3) that the mask dragged (10,)
        names as near to where they are asked for, in metres in the world, as they get."""
        if not dragged.any():
            return self.base
        motion = Motion(log_map(poses.rotations), poses.trans, self.betas)
        world, joints = self.body.world(motion)
        palms, wrists = world[0, WRISTS], joints[0, WRISTS]
        local = np.einsum("hji,hfj->hfi", palms, tips.reshape(2, -1, 3) - wrists[:, None])
        targets = np.zeros((1, TIPS, 3, 3))
        targets[0, :, 2] = self._within_reach(local.reshape(TIPS, 3))
        confidence = np.zeros((1, TIPS, 3))
        confidence[0, :, 2] = dragged
        problem = replace(self._problem, targets=targets, confidence=confidence)
        q = problem.polished(problem.relaxed)
        found = problem.points(q)
        beyond = np.linalg.norm(targets - found, axis=-1, keepdims=True)
        if (confidence[..., None] * beyond > FARTHEST_PULL_M).any():
            shorter = np.minimum(1.0, FARTHEST_PULL_M / np.maximum(beyond, FARTHEST_PULL_M))
            problem = replace(problem, targets=found + shorter * (targets - found))
            q = problem.polished(problem.relaxed)
        turned = np.einsum("fkij,tfkj->tfki", problem.axes, q.reshape(1, TIPS, 3, 3))
        found = self.fingers.angles_of(exp_map(turned)).reshape(TIPS, 3, 3)
        base = self.base.reshape(TIPS, 3, 3)
        return np.where(dragged[:, None, None], found, base).reshape(-1, 3)

    def _within_reach(self, tips: np.ndarray) -> np.ndarray:
        """Tips (10,3) in the palm's frame, none farther from its finger's base than that is
        long."""
        base = self._problem.base
        length = np.linalg.norm(self._problem.bones, axis=-1).sum(axis=-1, keepdims=True)
        away = np.linalg.norm(tips - base, axis=-1, keepdims=True)
        return base + np.minimum(1.0, length / np.maximum(away, length)) * (tips - base)

    def _around(self, base: np.ndarray) -> FingerProblem:
        """What is minimised of fingers that are drawn to where they were: neither limits nor the
        way in which ends bend with middle joints speak against the pose that they have."""
        fingers = self.fingers
        local = fingers.local_rotations(base[None]).reshape(1, TIPS, 3, 3, 3)
        axes = fingers.frames.reshape(TIPS, 3, 3, 3)
        q = np.einsum("fkij,tfki->tfkj", axes, log_map(local)).reshape(1, TIPS, UNKNOWNS)
        chains = fingers.rest_chains(self.betas)
        bases = np.concatenate([self.rest_wrists[:, None], chains[:, :, 0]], axis=1)
        bones = np.diff(chains, axis=2)
        lengths = np.linalg.norm(bones, axis=-1)
        measures = HandMeasures(bases - self.rest_wrists[:, None], lengths, DRAG_M)
        nothing = np.zeros((1, TIPS, 3))
        targets = np.zeros((1, TIPS, 3, 3))
        problem = FingerProblem.of(fingers, measures, targets, nothing, choose_backend("numpy"))
        rest_bends = problem.rest_bends.copy()
        rest_bends[:, 2] = END_SHARE * (rest_bends[:, 1] + q[0, :, 3]) - q[0, :, 6]
        limited = q[0][:, LIMITED]
        return replace(
            problem,
            bones=bones.reshape(TIPS, 3, 3),
            relaxed=q,
            rest_bends=rest_bends,
            low=np.minimum(problem.low, limited),
            high=np.maximum(problem.high, limited),
            outlier=np.inf,
        )


def with_pinned_fingers(motion: Motion, pins: PinnedJoints | None) -> Motion:
    """The motion with the pinned joints of its fingers turned exactly so, and the frames around
    going along, over `FADE_SECONDS`; as it is where it has no fingers."""
    pins = None if pins is None else pins.of_fingers
    if motion.fingers is None or pins is None or not len(pins):
        return motion
    width, turned = round(FADE_SECONDS * motion.fps), exp_map(motion.fingers)
    still = np.zeros((len(motion), 3))

    # A joint at a time: a frame in which another is pinned ends no fade of this one.
    for joint in np.unique(pins.joints):
        pinned = {int(pins.frames[row]): row for row in np.flatnonzero(pins.joints == joint)}
        frames = np.array(sorted(pinned))
        for run in np.split(np.arange(len(frames)), np.flatnonzero(np.diff(frames) > 1) + 1):
            rotations = np.stack([pins.rotations[pinned[frame]] for frame in frames[run].tolist()])
            changed = Poses(rotations[:, None], still[: len(run)])
            around = Poses(turned[:, [joint]], still)
            begin, poses = blend(around, frames[run[0]], changed, width, np.delete(frames, run))
            turned[begin : begin + len(poses), joint] = poses.rotations[:, 0]
    return replace(motion, fingers=log_map(turned))
