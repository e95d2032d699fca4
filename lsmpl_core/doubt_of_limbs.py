"""Limbs that were made up: reasons to doubt a frame whose limb was not believed, or not seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .frames import runs
from .keypoints.condition import Condition
from .motion import Motion

MADE_UP_FRAMES = 3
"""Frames one after the other in which nothing was seen, of a body or of a limb, from which on what
bridges them is doubtful."""
LIMB = 0.5
"""Share of a limb's keypoints that are rejected, or of its bones that show nothing, from which on
the limb was made up."""
LIMBS = {
    "left arm": (13, 16, 18, 20, 22), "right arm": (14, 17, 19, 21, 23),
    "left leg": (1, 4, 7, 10), "right leg": (2, 5, 8, 11), "head": (12, 15),
}  # fmt: skip
"""The joints whose bones a limb's keypoints go with."""
ONE_BONE = {10: 7, 11: 8, 22: 20, 23: 21}
"""Joints whose bones count as another's: feet and hands are one each."""
ENDS_OF_LIMBS = {
    "left arm": ("left forearm", (18, 20)), "right arm": ("right forearm", (19, 21)),
    "left leg": ("left shank", (4, 7)), "right leg": ("right shank", (5, 8)),
}  # fmt: skip
"""What the last keypoints of a limb show the way of, and the joints whose bones those go with."""
UNSEEN_SECONDS, DISBELIEVED_SECONDS = 1.0, 0.4
"""Seconds from which on a limb's end that is not seen, or that was and is not believed, is
doubtful: of wrists that are missing for 0.7 seconds eight of ten come out within 10 cm."""


@dataclass(frozen=True)
class Ground:
    """One reason to doubt: how much of it (T,) each frame has, 1 being just enough, and how it is
    said of a frame."""

    severity: np.ndarray
    say: Callable[[int], str] = str


def limb_not_believed(motion: Motion, unseen: Ground) -> Ground:
    """A limb most of whose keypoints were rejected shows what was made up for it."""
    limbs = {
        limb: [column for columns in by_joint.values() for column in columns]
        for limb, by_joint in _limb_bones(motion).items()
    }
    rows = {limb: columns for limb, columns in limbs.items() if len(columns) > 1}
    if motion.condition is None or not rows:
        return Ground(np.zeros(len(motion)))
    rejected = motion.condition == Condition.REJECTED
    share = np.stack([rejected[:, columns].mean(axis=1) for columns in rows.values()], axis=1)
    names = list(rows)
    worst = share.argmax(axis=1)
    severity = np.where(unseen.severity >= 1.0, 0.0, share.max(axis=1) / LIMB)
    return Ground(severity, lambda t: f"{names[worst[t]]} not believed")


def limb_unseen(motion: Motion, unseen: Ground) -> Ground:
    """A limb that shows nothing for some frames is what people usually do, and may be anywhere.

    Bones count, not keypoints: of a leg the foot may have more of these than all the rest.
    """
    limbs = {limb: bones for limb, bones in _limb_bones(motion).items() if len(bones) > 1}
    if motion.condition is None or not limbs:
        return Ground(np.zeros(len(motion)))
    rejected = motion.condition == Condition.REJECTED
    lacking = rejected | (motion.condition == Condition.MISSING)
    severity = np.zeros((len(motion), len(limbs)))
    was_seen = np.zeros(severity.shape, dtype=bool)
    for number, bones in enumerate(limbs.values()):
        hidden = np.stack([lacking[:, columns].all(axis=1) for columns in bones.values()], axis=1)
        share = hidden.mean(axis=1)
        severity[:, number] = np.where(lasting(share >= LIMB, MADE_UP_FRAMES), share / LIMB, 0.0)
        was_seen[:, number] = rejected[:, [c for columns in bones.values() for c in columns]].any(
            axis=1
        )
    return _worst(list(limbs), severity, was_seen, unseen.severity >= 1.0)


def end_of_limb_unseen(motion: Motion, unseen: Ground, limb_unseen: Ground) -> Ground:
    """A forearm or a shank whose end shows nothing for longer than what is before and after
    carries, or was not believed for a while, may point anywhere. Only where no more of the limb,
    or of the body, shows nothing."""
    ends = {}
    for limb, bones in _limb_bones(motion).items():
        end, joints = ENDS_OF_LIMBS.get(limb, ("", ()))
        if columns := [column for joint in joints for column in bones.get(joint, ())]:
            ends[end] = columns
    if motion.condition is None or not ends:
        return Ground(np.zeros(len(motion)))
    rejected = motion.condition == Condition.REJECTED
    lacking = rejected | (motion.condition == Condition.MISSING)
    severity = np.zeros((len(motion), len(ends)))
    was_seen = np.zeros(severity.shape, dtype=bool)
    for number, columns in enumerate(ends.values()):
        nothing = lacking[:, columns].all(axis=1)
        was_seen[:, number] = nothing & rejected[:, columns].any(axis=1)
        severity[:, number] = lasting(nothing, UNSEEN_SECONDS * motion.fps) | lasting(
            was_seen[:, number], DISBELIEVED_SECONDS * motion.fps
        )
    more = np.maximum(unseen.severity, limb_unseen.severity) >= 1.0
    return _worst(list(ends), severity, was_seen, more)


def _worst(
    names: list[str], severity: np.ndarray, was_seen: np.ndarray, more: np.ndarray
) -> Ground:
    """By the worst of several parts (T,N) of a body, but for frames (T,) of which more is doubtful;
    was_seen (T,N): which were, and were not believed."""
    worst = severity.argmax(axis=1)
    return Ground(
        np.where(more, 0.0, severity.max(axis=1)),
        lambda t: f"{names[worst[t]]} not {'believed' if was_seen[t, worst[t]] else 'seen'}",
    )


def lasting(mask: np.ndarray, frames: float) -> np.ndarray:
    """A mask (T,) without what lasts less than so many frames."""
    long = np.zeros(len(mask), dtype=bool)
    for first, after in runs(mask):
        long[first:after] = after - first >= frames
    return long


def _limb_bones(motion: Motion) -> dict[str, dict[int, list[int]]]:
    """For each limb, by joint, the columns of the keypoints on its bone, of those that are ever
    seen."""
    if motion.condition is None or motion.calibration is None:
        return {}
    ever = (motion.condition != Condition.MISSING).any(axis=0)
    placed = [motion.calibration.keypoints.get(name) for name in motion.keypoint_names]
    on_joint: dict[int, list[int]] = {}
    for column, site in enumerate(placed):
        if site is not None and ever[column]:
            joint = ONE_BONE.get(site.parent_joint, site.parent_joint)
            on_joint.setdefault(joint, []).append(column)
    return {
        limb: {joint: on_joint[joint] for joint in joints if joint in on_joint}
        for limb, joints in LIMBS.items()
    }
