"""Fingers for a motion whose body is solved: bent to their points, on arms that reach for them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..backends.arrays import Backend
from ..body.body import Body
from ..body.fingers import HAND_JOINTS, NUM_FINGER_JOINTS, WRISTS
from ..body.skeleton import PARENTS
from ..bounds import LARGEST_HAND, SMALLEST_HAND
from ..keypoints.hand_points import CHAINS, PALM, SIDES, HandPoints
from ..keypoints.track import Decision, KeypointTrack
from ..motion import Motion
from ..rotation import exp_map, log_map
from .finger_markers import solve_finger_markers
from .palm import averaged_frames, no_hands
from .placement import (
    ELBOW_SIGMA_M,
    WRIST_SIGMA_M,
    fitted_size,
    moved_arms,
    twist_shared,
    wrists_way,
)
from .solve_hands import HandPoses, bent_alike, solve_hands
from .sound_hands import believed_hands, on_the_bodys_wrists

FEWEST_OF_A_PALM = 3
"""Points that turn with a wrist which decide how it is turned."""
TOLD_SIZE = 0.03
"""From how far a hand is from its body's size that is a decision worth reading."""
ARMS = tuple((PARENTS[PARENTS[wrist]], PARENTS[wrist], wrist) for wrist in WRISTS)
"""Shoulder, elbow and wrist."""


def with_fingers(
    motion: Motion,
    track: KeypointTrack,
    body: Body,
    by_hand: np.ndarray | None = None,
    backend: Backend | None = None,
    *,
    sized: bool = True,
) -> Motion:
    """The motion with fingers, and with arms and wrists as its hands are, where the track has some;
    as it is where it has none, or where the body has no fingers.

    by_hand (T,24) bool: joints that somebody posed; an arm and a wrist that have one stay. backend:
    what computes, by default NumPy. sized: the hands' size is that of these points; otherwise it is
    the motion's.
    """
    hands = track.hands
    if hands is None or not hands.visible.any():
        return motion
    if body.fingers is None:
        reason = f"the body {body.name} has none; the open body has"
        return _deciding(motion, "fingers", "left aside", reason)
    if hands.on_skin:
        return _by_markers(motion, hands, body, backend, sized)
    if wrong := no_hands(hands, body.fingers, motion.betas):
        hands = hands.without([side in wrong for side in SIDES])
        reason = "their points make no fingers: bones have other lengths than those of a hand"
        motion = _deciding(motion, "hands", f"{' and '.join(wrong)} left aside", reason)
        if not hands.visible.any():
            return motion
    world, _ = body.world(motion)
    hands, aside = believed_hands(hands, track, body.fingers, world[:, WRISTS])
    if aside:
        value = ", ".join(f"{side} left aside in {count} frames" for side, count in aside.items())
        reason = "their points held still, or are those of another hand or in another order"
        motion = _deciding(motion, "hands", value, reason)
        if not hands.visible.any():
            return motion
    hands = on_the_bodys_wrists(hands, track, motion.condition)
    rest_wrists = body.rest_joints(motion.betas)[list(WRISTS)]
    found = solve_hands(
        hands, body.fingers, motion.betas, world[:, WRISTS], rest_wrists, motion.fps, backend
    )
    fingers = found.fingers.reshape(len(motion), 2 * NUM_FINGER_JOINTS, 3)
    motion = replace(motion, fingers=fingers, hand_residual=_off(found))
    if by_hand is None:
        by_hand = np.zeros(motion.poses.shape[:2], dtype=bool)

    # Hands that were seen in the body's world tell their size and where wrists are.
    if hands.placed:
        motion = _of_their_size(motion, hands, body, found) if sized else motion
    motion = _lying_as(motion, body, found, backend)
    if hands.placed:
        motion = _reaching(motion, hands, body, found, by_hand)
    return _with_wrists(motion, hands, body, found, by_hand)


def _off(found: HandPoses) -> np.ndarray:
    """(T,2) metres: mean over the points of each hand that were used, NaN where there are none."""
    used = np.isfinite(found.residual)
    total = np.where(used, found.residual, 0.0).sum(axis=2)
    return np.where(used.any(axis=2), total / np.maximum(used.sum(axis=2), 1), np.nan)


def _by_markers(
    motion: Motion, markers: HandPoints, body: Body, backend: Backend | None, sized: bool
) -> Motion:
    """The motion with fingers as markers on their backs are; arms and wrists have markers of their
    own, which the body was solved by."""
    found, size = solve_finger_markers(markers, motion, body, backend, sized)
    fingers = found.fingers.reshape(len(motion), 2 * NUM_FINGER_JOINTS, 3)
    motion = replace(motion, fingers=fingers, hand_residual=_off(found))
    return _with_size(motion, size) if sized else motion


def _of_their_size(motion: Motion, hands: HandPoints, body: Body, found: HandPoses) -> Motion:
    points, own, weights = _beside(motion, hands, body, found)
    return _with_size(motion, fitted_size(points, own, weights, found.noise))


def _with_size(motion: Motion, size: float) -> Motion:
    size = float(np.clip(size, SMALLEST_HAND, LARGEST_HAND))
    motion = replace(motion, hand_size=size)
    if abs(size - 1.0) < TOLD_SIZE:
        return motion
    reason = "their points are that much farther apart than the fingers of this shape of the body"
    decision = Decision("hand size", f"{size:.2f}", "detected", reason)
    return replace(motion, decisions=(*motion.decisions, decision))


def _lying_as(motion: Motion, body: Body, found: HandPoses, backend: Backend | None) -> Motion:
    """The motion with fingers that lie as those that were measured, on hands of this size."""
    grown = body.with_hands(motion.hand_size)
    assert grown.fingers is not None, "as the body's are asked for before"
    rest_wrists = grown.rest_joints(motion.betas)[list(WRISTS)]
    bent = bent_alike(found, grown.fingers, motion.betas, rest_wrists, backend)
    return replace(motion, fingers=bent.reshape(len(motion), 2 * NUM_FINGER_JOINTS, 3))


def _reaching(
    motion: Motion, hands: HandPoints, body: Body, found: HandPoses, by_hand: np.ndarray
) -> Motion:
    """The motion with arms that bring the wrists to where the fingers meet their points best."""
    points, own, weights = _beside(motion, hands, body, found)
    free = np.stack([~by_hand[:, arm].any(axis=1) for arm in ARMS], axis=1)
    over = averaged_frames(found.noise, motion.fps)
    way = wrists_way(points - own, weights * free[..., None], found.wrists, over)
    world, joints = body.world(motion)
    noise = motion.calibration.noise if motion.calibration else 0.0
    poses = motion.poses.copy()
    for hand, arm in enumerate(ARMS):
        shoulder, elbow, wrist = arm
        upper, fore = moved_arms(
            world[:, shoulder],
            world[:, elbow],
            joints[:, arm],
            joints[:, wrist] + way[:, hand],
            float(np.hypot(WRIST_SIGMA_M, found.noise / np.sqrt(len(PALM)))),
            float(np.hypot(ELBOW_SIGMA_M, noise)),
        )
        collar = np.swapaxes(world[:, PARENTS[shoulder]], -1, -2)
        moved = free[:, hand, None]
        poses[:, shoulder] = np.where(moved, log_map(collar @ upper), poses[:, shoulder])
        bent = np.swapaxes(upper, -1, -2) @ fore
        poses[:, elbow] = np.where(moved, log_map(bent), poses[:, elbow])
        held = np.swapaxes(fore, -1, -2) @ world[:, wrist]
        poses[:, wrist] = np.where(moved, log_map(held), poses[:, wrist])
    return replace(motion, poses=poses)


def _with_wrists(
    motion: Motion, hands: HandPoints, body: Body, found: HandPoses, by_hand: np.ndarray
) -> Motion:
    """The motion with wrists as palms are turned: one that is seen tells it better than forearm and
    knuckles do. Forearms turn with them."""
    world, _ = body.world(motion)
    rest, poses = body.rest_joints(motion.betas), motion.poses.copy()
    sure = hands.visible[:, :, PALM].sum(axis=2) >= FEWEST_OF_A_PALM
    for hand, (_, elbow, wrist) in enumerate(ARMS):
        sure[:, hand] &= ~by_hand[:, [elbow, wrist]].any(axis=1)
        held = np.swapaxes(world[:, elbow], -1, -2) @ found.wrists[:, hand]
        bent, held = twist_shared(exp_map(poses[:, elbow]), held, rest[wrist] - rest[elbow])
        turns = sure[:, hand, None]
        poses[:, elbow] = np.where(turns, log_map(bent), poses[:, elbow])
        poses[:, wrist] = np.where(turns, log_map(held), poses[:, wrist])
    poses[:, HAND_JOINTS] = 0.0  # which SMPL-H does not have
    return replace(motion, poses=poses)


def _beside(
    motion: Motion, hands: HandPoints, body: Body, found: HandPoses
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points of fingers, as they were seen and as the body has them on palms as they were found,
    (T,2,20,3) metres from its wrists; and how much each counts (T,2,20)."""
    joints, tips, _ = body.finger_positions(motion, found.wrists)
    wrists = body.joints(motion)[:, WRISTS][:, :, None]
    chains = np.concatenate([joints.reshape(-1, 2, 5, 3, 3), tips[:, :, :, None]], axis=3)
    own = chains.reshape(len(motion), 2, -1, 3) - wrists
    columns = CHAINS.ravel()
    return hands.positions[:, :, columns] - wrists, own, hands.confidence[:, :, columns]


def _deciding(motion: Motion, what: str, value: str, reason: str) -> Motion:
    """The motion with one decision more, instead of what was asked for."""
    return replace(motion, decisions=(*motion.decisions, Decision(what, value, "fallback", reason)))
