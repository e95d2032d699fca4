"""Handles of finger tips: they come after those of the keypoints, where a take's motion has
fingers.

A finger that was dragged is pinned in its frame (`pinned_joints.py`), as against the palm: whatever
moves the hand afterwards takes it along, and a later solve keeps it.
"""

from __future__ import annotations

from collections.abc import Sequence

import bpy
import numpy as np

from ...lsmpl_core.body.skeleton import FINGER_JOINT_NAMES
from ...lsmpl_core.hands.by_hand import FingerDrag
from ...lsmpl_core.keypoints.hand_points import TIP_NAMES
from ...lsmpl_core.solver.poses import Poses
from ..refining import refine as refining
from ..takes import hands, layers, pinned_joints
from ..takes.layers import Layer

_A_FINGER = 3


def names(take: bpy.types.Object) -> tuple[str, ...]:
    """Of the tips that have handles; none where the motion, or its body, has no fingers."""
    has_fingers = layers.has_fingers(take) and refining.subject_of(take).body.fingers is not None
    return TIP_NAMES if has_fingers else ()


def begin(take: bpy.types.Object, base: Poses) -> FingerDrag | None:
    """A drag of the tips from a pose (1); None where that has no fingers."""
    if base.fingers is None or not names(take):
        return None
    subject, facts = refining.subject_of(take), layers.facts_of(take)
    betas, hand_size = subject.poser.calibration.betas, facts.get("hand_size", 1.0)
    return FingerDrag(subject.body, betas, hand_size, base.fingers[0])


def positions(take: bpy.types.Object, poses: Poses) -> np.ndarray:
    """(F,3) metres: where a pose (1) has the tips."""
    drag = begin(take, poses)
    return np.zeros((0, 3)) if drag is None else drag.tips(poses, drag.base)


def joints_of(tip: int) -> tuple[str, ...]:
    """The joints of a tip's finger, whose names are those of the bones."""
    return FINGER_JOINT_NAMES[_A_FINGER * tip : _A_FINGER * (tip + 1)]


def are_posed(take: bpy.types.Object, frame: int) -> list[bool]:
    """Of each tip that has a handle: whether its finger was posed in a frame."""
    pinned = {pin.joint for pin in pinned_joints.load(take) if pin.frame == frame}
    return [not pinned.isdisjoint(joints_of(tip)) for tip in range(len(names(take)))]


def are_seen(take: bpy.types.Object, frame: int) -> list[bool]:
    """Of each tip that has a handle: whether the take saw points of its finger in a frame that are
    not ignored."""
    tips, seen = len(names(take)), hands.seen_at(take.data, frame)
    if seen is None:  # an estimator's fingers, which had no points
        return [True] * tips
    return seen[:tips].tolist()


def pinned(
    pins: Sequence[pinned_joints.PinnedJoint],
    frame: int,
    tips: Sequence[int],
    fingers: np.ndarray | None,
) -> list[pinned_joints.PinnedJoint]:
    """Pinned joints with the fingers of these tips as they are in fingers (30,3), in a frame; free
    there where none are given."""
    joints = [joint for tip in tips for joint in joints_of(tip)]
    kept = [pin for pin in pins if pin.frame != frame or pin.joint not in joints]
    if fingers is None:
        return kept
    turns = {joint: fingers[FINGER_JOINT_NAMES.index(joint)] for joint in joints}
    return pinned_joints.with_more(kept, frame, turns)


def as_solved(take: bpy.types.Object, frame: int, poses: Poses, tips: Sequence[int]) -> Poses:
    """A pose (1) in which the fingers of these tips are as they were solved."""
    return with_fingers_of(poses, layers.load_frame(take, frame, Layer.SOLVED).fingers, tips)


def with_fingers_of(poses: Poses, others: np.ndarray | None, tips: Sequence[int]) -> Poses:
    """A pose (1) with the fingers of these tips as in others (1,30,3)."""
    if others is None or poses.fingers is None:
        return poses
    fingers = poses.fingers.copy()
    for tip in tips:
        some = slice(_A_FINGER * tip, _A_FINGER * (tip + 1))
        fingers[:, some] = others[:, some]
    return Poses(poses.rotations, poses.trans, fingers)
