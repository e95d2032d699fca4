"""The reasons to doubt a frame of a solved motion, and how much of each every frame has.

Keypoints and jumps are judged against what is usual in the same take, so that noisy takes are not
doubtful throughout and clean ones hide nothing; what nobody can do, and a limb that was not
believed or not seen, is doubtful always.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .body.skeleton import JOINT_NAMES
from .cleaning.limits import HINGES, MOST_TURNED, hinge_axis, swing_twist
from .doubt_of_limbs import (
    MADE_UP_FRAMES,
    Ground,
    end_of_limb_unseen,
    lasting,
    limb_not_believed,
    limb_unseen,
)
from .keypoints.condition import Condition
from .keypoints.hand_points import SIDES
from .motion import Motion
from .rotation import exp_map

FRAME_OFF = 4.0, 0.5, 0.01
"""A frame is far off whose mean residual is above the median by this many robust standard
deviations, by this share of the median and by this many metres."""
KEYPOINT_OFF = 6.0, 1.0, 0.06
"""The same of a single keypoint against its own median."""
HAND_OFF = 6.0, 1.0, 0.01
"""The same of the points of a hand."""
UNSEEN = 0.5, 0.25
"""A frame shows too little that lacks this share of the keypoints, or this much more than is
usual."""
REJECTED = 0.15, 2
"""Share and number of keypoints that are rejected in a frame from which on the frame is
doubtful."""
TURN, SHIFT = np.radians(30.0), 0.15
"""Radians and metres in a thirtieth of a second below which no step is a jump."""
FINGER_TURN = np.radians(45.0)
"""The same of a finger's joint."""
LEAST_TURN, LEAST_SHIFT = np.radians(8.0), 0.04
"""The same in a single frame, however short it is."""
SUDDEN = 4.0
"""How many times the steps around it a jump is."""
STEPS_AROUND = 3
"""Steps before and after that a step is compared with."""
MOST_BACKWARDS = 25.0
"""Degrees that a knee or an elbow bends the wrong way at most."""
FAR_BENT = np.radians(90.0)
"""Radians of a bend from which on it may have been either way round."""
RESTING_BONE = {
    "left_knee": (0.0, -1.0, 0.0), "right_knee": (0.0, -1.0, 0.0),
    "left_elbow": (1.0, 0.0, 0.0), "right_elbow": (-1.0, 0.0, 0.0),
}  # fmt: skip
"""Which way the bones of `HINGES` point in the rest pose, of all bodies within a few degrees."""
FASTEST = np.radians(90.0)
"""Radians that a joint turns in a thirtieth of a second at most, whatever is usual around."""
FRAMES_AT_ONCE = 2_000
ENDS = (22, 23)
"""Joints that are left out: hands, which most keypoints do not show."""
MAD_TO_SIGMA = 1.4826
"""Standard deviations in a median absolute deviation of normal noise."""


def grounds_of(motion: Motion) -> list[Ground]:
    """All of them, of a solved motion; residual and condition of the keypoints count where it has
    them."""
    unseen = _unseen(motion)
    no_limb = limb_unseen(motion, unseen)
    return [
        _far_off(motion),
        _keypoint_off(motion),
        unseen,
        limb_not_believed(motion, unseen),
        no_limb,
        end_of_limb_unseen(motion, unseen, no_limb),
        _rejected(motion, unseen),
        _jump(motion),
        _beyond_limits(motion),
        _hand_off(motion),
        _finger_jump(motion),
    ]


def _far_off(motion: Motion) -> Ground:
    off = motion.frame_residual
    severity, usual = _above_usual(off[:, None], FRAME_OFF)
    return Ground(
        severity[:, 0], lambda t: f"{_mm(off[t])} off on average, usually {_mm(usual[0])}"
    )


def _keypoint_off(motion: Motion) -> Ground:
    residual = motion.residual
    if residual is None or not residual.size:
        return Ground(np.zeros(len(motion)))
    severity, _ = _above_usual(residual, KEYPOINT_OFF)
    most = np.argmax(severity, axis=1)

    def say(t: int) -> str:
        name = (
            motion.keypoint_names[most[t]] if motion.keypoint_names else f"keypoint {most[t] + 1}"
        )
        return f"{name.replace('_', ' ')} {_mm(residual[t, most[t]])} off"

    return Ground(severity.max(axis=1), say)


def _unseen(motion: Motion) -> Ground:
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

    return Ground(lacking / limit, say)


def _bridged(motion: Motion) -> np.ndarray:
    """(T,) bool: frames in which nothing was seen, of a gap that is longer than a frame or two.

    Their keypoints may all be filled in, but what fills them is made up.
    """
    if motion.condition is None:
        return np.zeros(len(motion), dtype=bool)
    nothing = ~np.isin(motion.condition, (Condition.SEEN, Condition.SWAPPED)).any(axis=1)
    if nothing.all():
        return np.zeros(len(motion), dtype=bool)
    return lasting(nothing, MADE_UP_FRAMES)


def _rejected(motion: Motion, unseen: Ground) -> Ground:
    """Only where that is not said already."""
    share, ever = _share(motion, (Condition.REJECTED,))
    limit = max(REJECTED[0], REJECTED[1] / max(ever, 1))
    return Ground(
        np.where(unseen.severity >= 1.0, 0.0, share / limit),
        lambda t: f"{round(share[t] * ever)} keypoints rejected",
    )


def _beyond_limits(motion: Motion) -> Ground:
    """A joint that is turned more than people can, or turns faster."""
    norm = np.linalg.norm(motion.poses, axis=-1)
    angle = np.degrees(np.abs((norm + np.pi) % (2.0 * np.pi) - np.pi))
    severity = np.zeros((len(motion), len(JOINT_NAMES)))
    for joint, name in enumerate(JOINT_NAMES):
        part = name.split("_")[-1]
        if part in MOST_TURNED:
            severity[:, joint] = angle[:, joint] / MOST_TURNED[part]
        if part in HINGES:
            severity[:, joint] = np.maximum(
                severity[:, joint], _backwards(motion.poses[:, joint], name) / MOST_BACKWARDS
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

    return Ground(both.max(axis=1), say)


def _backwards(poses: np.ndarray, name: str) -> np.ndarray:
    """(T,) degrees by which axis-angles (T,3) bend a knee or an elbow the wrong way, and 0 where it
    is so far bent that the way round says nothing of which way that was.

    Of the swing alone: a forearm that is turned over within the elbow has bent it nowhere.
    """
    bone = np.array(RESTING_BONE[name])
    swing, _ = swing_twist(exp_map(poses), bone)
    straight = np.linalg.norm(swing, axis=1) < FAR_BENT
    return straight * -np.degrees(swing @ hinge_axis(name, bone))


def _share(motion: Motion, conditions: Sequence[Condition]) -> tuple[np.ndarray, int]:
    """(T,) which share of the keypoints that are ever seen is in one of these conditions, and how
    many those are."""
    if motion.condition is None:
        return np.zeros(len(motion)), 0
    ever = (motion.condition != Condition.MISSING).any(axis=0)
    some = np.isin(motion.condition[:, ever], conditions)
    return (some.mean(axis=1) if ever.any() else np.zeros(len(motion))), int(ever.sum())


def _jump(motion: Motion) -> Ground:
    """A frame that is reached or left by a step many times those around it."""
    turns, shifts = _steps(motion)
    frame = 30.0 / motion.fps
    turned = _sudden(turns, max(TURN * frame, LEAST_TURN))
    shifted = _sudden(shifts[:, None], max(SHIFT * frame, LEAST_SHIFT))
    by_step = np.maximum(turned.max(axis=1, initial=0.0), shifted[:, 0])
    severity = np.zeros(len(motion))
    severity[1:] = by_step
    return Ground(severity, lambda t: "a sudden jump")


def _hand_off(motion: Motion) -> Ground:
    """A hand whose points are no hand's: fingers were exchanged, or another's were seen."""
    residual = motion.hand_residual
    if residual is None:
        return Ground(np.zeros(len(motion)))
    severity, usual = _above_usual(residual, HAND_OFF)
    most = np.argmax(severity, axis=1)

    def say(t: int) -> str:
        off = _mm(residual[t, most[t]])
        return f"{SIDES[most[t]]} hand {off} off on average, usually {_mm(usual[most[t]])}"

    return Ground(severity.max(axis=1), say)


def _finger_jump(motion: Motion) -> Ground:
    """As `_jump`, of the fingers."""
    if motion.fingers is None:
        return Ground(np.zeros(len(motion)))
    frame = 30.0 / motion.fps
    turned = _sudden(_turns(motion.fingers), max(FINGER_TURN * frame, LEAST_TURN))
    of_hands = np.stack([side.max(axis=1) for side in np.split(turned, len(SIDES), axis=1)], axis=1)
    severity = np.zeros((len(motion), len(SIDES)))
    severity[1:] = of_hands
    most = np.argmax(severity, axis=1)
    return Ground(severity.max(axis=1), lambda t: f"fingers of the {SIDES[most[t]]} hand jump")


def _steps(motion: Motion) -> tuple[np.ndarray, np.ndarray]:
    """(T-1,J) radians each joint turns and (T-1,) metres the body moves from frame to frame."""
    joints = [joint for joint in range(motion.poses.shape[1]) if joint not in ENDS]
    turns = _turns(motion.poses[:, joints])
    return turns, np.linalg.norm(np.diff(motion.trans, axis=0), axis=1)


def _turns(poses: np.ndarray) -> np.ndarray:
    """(T-1,J) radians that axis-angles (T,J,3) turn by from frame to frame."""
    turns = np.empty((max(len(poses) - 1, 0), poses.shape[1]))
    for start in range(0, len(turns), FRAMES_AT_ONCE):  # matrices take much memory
        rotations = exp_map(poses[start : start + FRAMES_AT_ONCE + 1])
        cosine = (np.einsum("tjab,tjab->tj", rotations[1:], rotations[:-1]) - 1.0) / 2.0
        turns[start : start + FRAMES_AT_ONCE] = np.arccos(np.clip(cosine, -1.0, 1.0))
    return turns


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
