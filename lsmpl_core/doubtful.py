"""Which frames of a solved motion deserve a look, and why: far from their keypoints, too little
seen, a sudden jump.

Keypoints and jumps are judged against what is usual in the same take, so that noisy takes are not
doubtful throughout and clean ones hide nothing; what nobody can do, and a limb that was not
believed, is doubtful always.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .body.skeleton import JOINT_NAMES
from .cleaning.limits import HINGES
from .keypoints.condition import Condition
from .motion import Motion
from .rotation import exp_map

FRAME_OFF = 4.0, 0.5, 0.01
"""A frame is far off whose mean residual is above the median by this many robust standard
deviations, by this share of the median and by this many metres."""
KEYPOINT_OFF = 6.0, 1.0, 0.06
"""The same of a single keypoint against its own median."""
UNSEEN = 0.5, 0.25
"""A frame shows too little that lacks this share of the keypoints, or this much more than is
usual."""
MADE_UP_FRAMES = 3
"""Frames one after the other in which nothing was seen from which on what bridges them is
doubtful."""
REJECTED = 0.15, 2
"""Share and number of keypoints that are rejected in a frame from which on the frame is
doubtful."""
TURN, SHIFT = np.radians(30.0), 0.15
"""Radians and metres in a thirtieth of a second below which no step is a jump."""
LEAST_TURN, LEAST_SHIFT = np.radians(8.0), 0.04
"""The same in a single frame, however short it is."""
SUDDEN = 4.0
"""How many times the steps around it a jump is."""
STEPS_AROUND = 3
"""Steps before and after that a step is compared with."""
TOGETHER_SECONDS = 0.1
"""Seconds between doubtful frames within which they are one stretch."""
LIMB = 0.5
"""Share of a limb's keypoints that are rejected from which on the limb was made up."""
LIMBS = {
    "left arm": (13, 16, 18, 20, 22), "right arm": (14, 17, 19, 21, 23),
    "left leg": (1, 4, 7, 10), "right leg": (2, 5, 8, 11), "head": (12, 15),
}  # fmt: skip
"""The joints whose bones a limb's keypoints go with."""
MOST_TURN = {
    "spine1": 100.0, "spine2": 60.0, "spine3": 60.0, "neck": 80.0, "head": 80.0, "collar": 85.0,
    "hip": 150.0, "knee": 175.0, "ankle": 80.0, "foot": 80.0, "elbow": 175.0, "wrist": 130.0,
}  # fmt: skip
"""Degrees that people turn a joint against its rest pose at most, twist and bend together."""
MOST_BACKWARDS = 25.0
"""Degrees that a knee or an elbow bends the wrong way at most."""
FASTEST = np.radians(90.0)
"""Radians that a joint turns in a thirtieth of a second at most, whatever is usual around."""
FRAMES_AT_ONCE = 2_000
ENDS = (22, 23)
"""Joints that are left out: hands, which most keypoints do not show."""
MAD_TO_SIGMA = 1.4826
"""Standard deviations in a median absolute deviation of normal noise."""


@dataclass(frozen=True)
class Stretch:
    """Doubtful frames that belong together, counted from the motion's first frame as 0.

    first and last: of them all; worst: the frame to look at first; frames: how many in between are
    doubtful themselves;
    severity: of the worst, 1 being just doubtful; why: the reasons in words, of the worst frame
    first.
    """

    first: int
    last: int
    worst: int
    frames: int
    severity: float
    why: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "first": self.first,
            "last": self.last,
            "worst": self.worst,
            "frames": self.frames,
            "severity": round(self.severity, 3),
            "why": list(self.why),
        }


def doubtful_stretches(motion: Motion) -> list[Stretch]:
    """The doubtful stretches of a solved motion, in order of time; none where nothing was measured
    and nothing jumps.

    Residual and condition of the keypoints count where the motion has them.
    """
    unseen = _unseen(motion)
    grounds = [
        _far_off(motion),
        _keypoint_off(motion),
        unseen,
        _limb(motion, unseen),
        _rejected(motion, unseen),
        _jump(motion),
        _beyond_limits(motion),
    ]
    severity = np.stack([ground.severity for ground in grounds])
    doubtful = np.flatnonzero((severity >= 1.0).any(axis=0))
    if not len(doubtful):
        return []
    apart = np.diff(doubtful) > max(1, round(TOGETHER_SECONDS * motion.fps))
    stretches = []
    for frames in np.split(doubtful, np.flatnonzero(apart) + 1):
        inside = severity[:, frames]
        worst = int(frames[np.argmax(inside.max(axis=0))])
        order = sorted(range(len(grounds)), key=lambda g: (-severity[g, worst], -inside[g].max()))
        at = {
            g: worst if severity[g, worst] >= 1.0 else int(frames[np.argmax(inside[g])])
            for g in order
        }
        why = tuple(grounds[g].say(at[g]) for g in order if severity[g, at[g]] >= 1.0)
        stretches.append(
            Stretch(
                int(frames[0]),
                int(frames[-1]),
                worst,
                len(frames),
                float(severity[:, worst].max()),
                why,
            )
        )
    return stretches


def in_words(stretches: Sequence[Stretch]) -> str:
    """For instance "12 doubtful frames in 3 stretches"."""
    frames = sum(stretch.frames for stretch in stretches)
    if not frames:
        return "No doubtful frames"
    where = "" if frames == 1 else f" in {_counted(len(stretches), 'stretch', 'stretches')}"
    return f"{_counted(frames, 'doubtful frame', 'doubtful frames')}{where}"


def describe_doubtful(motion: Motion) -> dict[str, Any]:
    """For a report: frames as the source of the motion counts them."""
    stretches = doubtful_stretches(motion)
    return {
        "doubtful_frames": sum(stretch.frames for stretch in stretches),
        "doubtful_stretches": [
            {
                "first_frame": motion.first_frame + stretch.first,
                "last_frame": motion.first_frame + stretch.last,
                "worst_frame": motion.first_frame + stretch.worst,
                "why": list(stretch.why),
            }
            for stretch in stretches
        ],
    }


@dataclass(frozen=True)
class _Ground:
    """One reason to doubt: how much of it (T,) each frame has, 1 being just enough, and how it is
    said of a frame."""

    severity: np.ndarray
    say: Callable[[int], str] = str


def _far_off(motion: Motion) -> _Ground:
    off = motion.frame_residual
    severity, usual = _above_usual(off[:, None], FRAME_OFF)
    return _Ground(
        severity[:, 0], lambda t: f"{_mm(off[t])} off on average, usually {_mm(usual[0])}"
    )


def _keypoint_off(motion: Motion) -> _Ground:
    residual = motion.residual
    if residual is None or not residual.size:
        return _Ground(np.zeros(len(motion)))
    severity, _ = _above_usual(residual, KEYPOINT_OFF)
    most = np.argmax(severity, axis=1)

    def say(t: int) -> str:
        name = (
            motion.keypoint_names[most[t]] if motion.keypoint_names else f"keypoint {most[t] + 1}"
        )
        return f"{name.replace('_', ' ')} {_mm(residual[t, most[t]])} off"

    return _Ground(severity.max(axis=1), say)


def _unseen(motion: Motion) -> _Ground:
    lacking, ever = _share(motion, (Condition.MISSING, Condition.REJECTED))
    bridged = _bridged(motion)
    lacking = np.where(bridged, 1.0, lacking)
    usual = float(np.median(lacking)) if len(lacking) else 0.0
    more = usual + UNSEEN[1]
    limit = more if usual >= UNSEEN[0] else min(UNSEEN[0], more)

    def say(t: int) -> str:
        if bridged[t]:
            return "nothing was seen"
        return f"{round(lacking[t] * ever)} of {ever} keypoints missing or rejected"

    return _Ground(lacking / limit, say)


def _bridged(motion: Motion) -> np.ndarray:
    """(T,) bool: frames in which nothing was seen, of a gap that is longer than a frame or two.

    Their keypoints may all be filled in, but what fills them is made up.
    """
    if motion.condition is None:
        return np.zeros(len(motion), dtype=bool)
    nothing = ~np.isin(motion.condition, (Condition.SEEN, Condition.SWAPPED)).any(axis=1)
    if nothing.all():
        return np.zeros(len(motion), dtype=bool)
    edges = np.diff(np.concatenate([[0], nothing.astype(np.int8), [0]]))
    long = np.zeros(len(motion), dtype=bool)
    for first, after in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)):
        long[first:after] = after - first >= MADE_UP_FRAMES
    return long


def _rejected(motion: Motion, unseen: _Ground) -> _Ground:
    """Only where that is not said already."""
    share, ever = _share(motion, (Condition.REJECTED,))
    limit = max(REJECTED[0], REJECTED[1] / max(ever, 1))
    return _Ground(
        np.where(unseen.severity >= 1.0, 0.0, share / limit),
        lambda t: f"{round(share[t] * ever)} keypoints rejected",
    )


def _limb(motion: Motion, unseen: _Ground) -> _Ground:
    """A limb most of whose keypoints were rejected shows what was made up for it."""
    rows = _limb_rows(motion)
    if motion.condition is None or not rows:
        return _Ground(np.zeros(len(motion)))
    rejected = motion.condition == Condition.REJECTED
    share = np.stack([rejected[:, columns].mean(axis=1) for columns in rows.values()], axis=1)
    names = list(rows)
    worst = share.argmax(axis=1)
    severity = np.where(unseen.severity >= 1.0, 0.0, share.max(axis=1) / LIMB)
    return _Ground(severity, lambda t: f"{names[worst[t]]} not believed")


def _limb_rows(motion: Motion) -> dict[str, list[int]]:
    """The columns of each limb's keypoints, of limbs with two at least that are ever seen."""
    if motion.condition is None or motion.calibration is None:
        return {}
    ever = (motion.condition != Condition.MISSING).any(axis=0)
    placed = [motion.calibration.keypoints.get(name) for name in motion.keypoint_names]
    rows = {
        limb: [
            k
            for k, site in enumerate(placed)
            if site is not None and ever[k] and site.parent_joint in joints
        ]
        for limb, joints in LIMBS.items()
    }
    return {limb: columns for limb, columns in rows.items() if len(columns) > 1}


def _beyond_limits(motion: Motion) -> _Ground:
    """A joint that is turned more than people can, or turns faster."""
    norm = np.linalg.norm(motion.poses, axis=-1)
    angle = np.degrees(np.abs((norm + np.pi) % (2.0 * np.pi) - np.pi))
    severity = np.zeros((len(motion), len(JOINT_NAMES)))
    for joint, name in enumerate(JOINT_NAMES):
        part = name.split("_")[-1]
        if part in MOST_TURN:
            severity[:, joint] = angle[:, joint] / MOST_TURN[part]
        if part in HINGES:
            axis = np.array(HINGES[part][0]) * (
                1.0 if name.startswith("left") else (1.0, -1.0, -1.0)
            )
            backwards = -np.degrees(motion.poses[:, joint] @ (axis / np.linalg.norm(axis)))
            straight = (
                angle[:, joint] < 90.0
            )  # beyond, the way round says nothing of which way it bent
            severity[:, joint] = np.maximum(
                severity[:, joint], straight * backwards / MOST_BACKWARDS
            )
    turns, _ = _steps(motion)
    fast = turns / (FASTEST * 30.0 / motion.fps)
    inner = [joint for joint in range(len(JOINT_NAMES)) if joint not in ENDS]
    speed = np.zeros_like(severity)
    for k, joint in enumerate(inner):
        speed[1:, joint] = np.maximum(speed[1:, joint], fast[:, k])
        speed[:-1, joint] = np.maximum(speed[:-1, joint], fast[:, k])
    both = np.maximum(severity, speed)
    worst = both.argmax(axis=1)

    def say(t: int) -> str:
        name = JOINT_NAMES[worst[t]].replace("_", " ")
        if speed[t, worst[t]] >= severity[t, worst[t]]:
            return f"{name} turns faster than people do"
        return f"{name} turned further than people can"

    return _Ground(both.max(axis=1), say)


def _share(motion: Motion, conditions: Sequence[Condition]) -> tuple[np.ndarray, int]:
    """(T,) which share of the keypoints that are ever seen is in one of these conditions, and how
    many those are."""
    if motion.condition is None:
        return np.zeros(len(motion)), 0
    ever = (motion.condition != Condition.MISSING).any(axis=0)
    some = np.isin(motion.condition[:, ever], conditions)
    return (some.mean(axis=1) if ever.any() else np.zeros(len(motion))), int(ever.sum())


def _jump(motion: Motion) -> _Ground:
    """A frame that is reached or left by a step many times those around it."""
    turns, shifts = _steps(motion)
    frame = 30.0 / motion.fps
    turned = _sudden(turns, max(TURN * frame, LEAST_TURN))
    shifted = _sudden(shifts[:, None], max(SHIFT * frame, LEAST_SHIFT))
    by_step = np.maximum(turned.max(axis=1, initial=0.0), shifted[:, 0])
    severity = np.zeros(len(motion))
    severity[1:] = by_step
    return _Ground(severity, lambda t: "a sudden jump")


def _steps(motion: Motion) -> tuple[np.ndarray, np.ndarray]:
    """(T-1,J) radians each joint turns and (T-1,) metres the body moves from frame to frame."""
    joints = [joint for joint in range(motion.poses.shape[1]) if joint not in ENDS]
    turns = np.empty((max(len(motion) - 1, 0), len(joints)))
    for start in range(0, len(turns), FRAMES_AT_ONCE):  # matrices take much memory
        rotations = exp_map(motion.poses[start : start + FRAMES_AT_ONCE + 1, joints])
        cosine = (np.einsum("tjab,tjab->tj", rotations[1:], rotations[:-1]) - 1.0) / 2.0
        turns[start : start + FRAMES_AT_ONCE] = np.arccos(np.clip(cosine, -1.0, 1.0))
    return turns, np.linalg.norm(np.diff(motion.trans, axis=0), axis=1)


def _sudden(steps: np.ndarray, least: float) -> np.ndarray:
    """(S,N) from steps (S,N): 1 where a step is `least` and `SUDDEN` times the largest of those
    around it but for one.

    Out and back again is two jumps next to each other; neither hides the other.
    """
    if not len(steps):
        return np.zeros_like(steps)
    padded = np.pad(steps, ((STEPS_AROUND, STEPS_AROUND), (0, 0)))
    near = [
        padded[shift : shift + len(steps)]
        for shift in range(2 * STEPS_AROUND + 1)
        if shift != STEPS_AROUND
    ]
    usual = np.sort(np.stack(near), axis=0)[-2]
    return np.minimum(steps / least, steps / np.maximum(SUDDEN * usual, 1e-9))


def _above_usual(
    values: np.ndarray, limits: tuple[float, float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """(T,N) by how much values (T,N) are above their medians (N,), 1 being the limit; 0 where they
    are NaN."""
    deviations, share, least = limits
    severity, usual = np.zeros(values.shape), np.zeros(values.shape[1])
    for column in range(values.shape[1]):
        seen = np.isfinite(values[:, column])
        if not seen.any():
            continue
        measured = values[seen, column]
        usual[column] = np.median(measured)
        sigma = MAD_TO_SIGMA * np.median(np.abs(measured - usual[column]))
        limit = max(deviations * sigma, share * usual[column], least)
        severity[seen, column] = np.maximum(measured - usual[column], 0.0) / limit
    return severity, usual


def _mm(metres: float) -> str:
    return f"{1000 * metres:.0f} mm"


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
