"""`refine_frames`: some frames of a solved motion solved anew: from other poses, with other
weights, with pins."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import replace
from enum import StrEnum

import numpy as np

from .backends.threads import on_one_thread
from .body.body import Body
from .body.skeleton import JOINT_NAMES, NUM_JOINTS
from .by_hand.fixed_frames import put_by_hand
from .by_hand.posing import MOVED_WEIGHT, Poser, poses_of
from .calibration.calibration import of_keypoints
from .errors import SolveError
from .hands.by_hand import with_pinned_fingers
from .hands.with_fingers import with_fingers
from .keypoints.condition import Condition
from .keypoints.track import KeypointTrack
from .kinds import check_kinds
from .motion import Motion
from .progress import Progress, run_to_end
from .repair.corrections import without_corrections
from .repair.repair_track import Repaired, as_given, repair
from .rotation import exp_map, log_map
from .solver.accelerations import UNKNOWN_BLOCKS
from .solver.frame_terms import outlier_threshold
from .solver.pinned_joints import PinnedJoints
from .solver.poses import Poses
from .solver.problem import CPU_BATCH
from .solver.sequence_optimisation import optimise_sequence
from .solver.tracking import Tracker

CONTEXT_FRAMES = 12
"""Frames before and after those that are solved anew, which stay as they are and say how the body
moves."""
REPAIR_FRAMES = 60
"""Frames before and after them that are looked at for spikes and swapped sides."""
FRAME_PASSES = 2
PARTS = {
    "head": ("neck", "head"),
    "torso": ("pelvis", "spine1", "spine2", "spine3", "left_collar", "right_collar"),
    "left_arm": ("left_shoulder", "left_elbow", "left_wrist", "left_hand"),
    "right_arm": ("right_shoulder", "right_elbow", "right_wrist", "right_hand"),
    "left_leg": ("left_hip", "left_knee", "left_ankle", "left_foot"),
    "right_leg": ("right_hip", "right_knee", "right_ankle", "right_foot"),
}
"""Parts of the body, and the joints on whose bones their keypoints are."""


class Init(StrEnum):
    """What frames are solved anew from.

    CURRENT: the poses that they have. NEIGHBOURS: poses between those of the frames before and
    after. COLD: the best of a dozen guesses. The two last are for frames that came out wrong as a
    whole.
    """

    CURRENT = "current"
    NEIGHBOURS = "neighbours"
    COLD = "cold"


def refine_frames(
    track: KeypointTrack,
    body: Body,
    motion: Motion,
    first: int,
    last: int,
    *,
    init: Init | Poses = Init.CURRENT,
    part_weights: Mapping[str, float] | None = None,
    pins: PinnedJoints | None = None,
    poser: Poser | None = None,
    device: str = "auto",
    progress: Callable[[Progress], None] | None = None,
) -> Poses:
    """Poses of frames `first` to `last` (0 for the motion's first) that meet the track better, with
    fingers where the motion has some.

    init: where from. Poses of these frames that somebody made are kept where keypoints do not say
    otherwise; from anything else, the network predicts, and the frames around are what the body
    comes from and goes to. Spikes and swapped sides are mended first, as in a solve, but for
    trusted keypoints. part_weights: how much keypoints of each of `PARTS` count, 1 where it does
    not say; 0 leaves them out. pins: of the whole take; those in these frames are kept. poser: one
    for this calibration and layout, where there is one already.
    Raises `SolveError` where the motion has no calibration, or the frames are none of it.
    """
    steps = refine_frames_steps(
        track,
        body,
        motion,
        first,
        last,
        init=init,
        part_weights=part_weights,
        pins=pins,
        poser=poser,
        device=device,
    )
    return run_to_end(steps, progress)


@on_one_thread
def refine_frames_steps(
    track: KeypointTrack,
    body: Body,
    motion: Motion,
    first: int,
    last: int,
    *,
    init: Init | Poses = Init.CURRENT,
    part_weights: Mapping[str, float] | None = None,
    pins: PinnedJoints | None = None,
    poser: Poser | None = None,
    device: str = "auto",
) -> Generator[Progress, None, Poses]:
    """`refine_frames` as a generator: yields `Progress` and returns the `Poses`. Dropping it midway
    cancels."""
    check_kinds(track=(track, "KeypointTrack"), body=(body, "Body"), motion=(motion, "Motion"))
    if len(track) != len(motion):
        raise SolveError(f"the track has {len(track)} frames, but the motion has {len(motion)}")
    if not 0 <= first <= last < len(motion):
        raise SolveError(
            f"frames {first} to {last} are not all in the motion, which has 0 to {len(motion) - 1}"
        )
    if poser is None:
        if motion.calibration is None:
            raise SolveError(
                "the motion does not say where the keypoints are on the body; solve it again"
            )
        poser = Poser(track.layout, body, motion.calibration, device)

    # Only what is near is looked at; from here on, frames are counted from `begins`.
    begins = max(first - REPAIR_FRAMES, 0)
    given = track.frames(slice(begins, last + 1 + REPAIR_FRAMES))
    track = repaired_frames(
        given if isinstance(init, Poses) else without_corrections(given), poser
    ).track
    motion = motion.frames(slice(begins, last + 1 + REPAIR_FRAMES))
    pins = _within(pins, begins, last)
    first, last = first - begins, last - begins

    # Each frame on its own, from where `init` says.
    some = track.frames(np.arange(first, last + 1))
    weights = keypoint_weights(some, poser, part_weights)
    own_pins = _within(pins, first, last)
    start = init if isinstance(init, Poses) else _poses_before(init, motion, first, last)
    rotations, trans = start.rotations.copy(), start.trans.copy()
    for low in range(0, len(trans), CPU_BATCH):
        part = slice(low, low + CPU_BATCH)
        posed = _posed(
            init,
            poser,
            some.frames(part),
            weights[part],
            start[part],
            _within(own_pins, low, part.stop - 1),
        )
        rotations[part], trans[part] = posed.rotations, posed.trans
        yield Progress("refine", min(part.stop, len(trans)), len(trans))

    # Poses that somebody made stay as they are; others are made to go with the frames around.
    if isinstance(init, Poses):
        return Poses(rotations, trans, init.fingers)
    posed = yield from _in_time(track, poser, motion, first, last, Poses(rotations, trans), weights)
    posed = put_by_hand(poser, given.frames(np.arange(first, last + 1)), posed, own_pins)
    return _with_hands(body, motion, first, last, posed, given, pins)


def _posed(
    init: Init | Poses,
    poser: Poser,
    track: KeypointTrack,
    weights,
    start: Poses,
    own_pins: PinnedJoints | None,
) -> Poses:
    """Frames posed each on its own, with pins only where somebody posed them."""
    if isinstance(init, Poses):
        return poser.pose(
            track.positions, weights, start, own_pins, predict=False, placed=track.user_edited
        )
    if init == Init.COLD:
        start = poser.cold_start(track.positions, weights, start)
    for _ in range(FRAME_PASSES):
        start = poser.pose(track.positions, weights, start)
    return start


def repaired_frames(track: KeypointTrack, poser: Poser) -> Repaired:
    """Some frames without their swaps, spikes and short gaps, in the keypoints that are calibrated;
    as `solve` does."""
    calibrated = of_keypoints(track, poser.rows)
    found = repair(calibrated, poser.body, poser.calibration.parts(poser.body, calibrated.layout))
    positions, confidence = track.positions.copy(), track.confidence.copy()
    positions[:, poser.rows] = found.track.positions
    confidence[:, poser.rows] = found.track.confidence
    condition = as_given(track).condition
    condition[:, poser.rows] = found.condition
    return Repaired(replace(track, positions=positions, confidence=confidence), condition)


def measured(track: KeypointTrack, poser: Poser, poses: Poses, first: int) -> np.ndarray:
    """(N,K) metres from the keypoints of N frames of a take, from `first` on, to where these poses
    have them.

    As in a solve, it is NaN for a keypoint that is missing or is not believed.
    """
    begins, count = max(first - REPAIR_FRAMES, 0), len(poses.trans)
    found = repaired_frames(track.frames(slice(begins, first + count + REPAIR_FRAMES)), poser)
    some = found.track.frames(slice(first - begins, first - begins + count))
    condition = found.condition[first - begins : first - begins + count]
    residual = poser.residual(poses, some.positions)
    with np.errstate(invalid="ignore"):
        believed = some.user_edited | (residual < outlier_threshold(poser.noise))
    believed &= np.isin(condition, (Condition.SEEN, Condition.SWAPPED))
    return np.where(believed, residual, np.nan)


def keypoint_weights(
    track: KeypointTrack, poser: Poser, part_weights: Mapping[str, float] | None = None
) -> np.ndarray:
    """(T,K) how much each keypoint counts: by its confidence, by whether it was placed by hand, and
    by its part."""
    weights = track.confidence.copy()
    weights[track.user_edited] = MOVED_WEIGHT
    return weights * part_of_keypoints(poser, part_weights or {})


def part_of_keypoints(poser: Poser, part_weights: Mapping[str, float]) -> np.ndarray:
    """(K,) the weight of the part that each keypoint is on. Raises `SolveError` for a part that is
    none."""
    unknown = set(part_weights) - set(PARTS)
    if unknown:
        raise SolveError(
            f"no part of the body is called {', '.join(sorted(unknown))}; there are: "
            f"{', '.join(PARTS)}"
        )
    by_joint = np.ones(NUM_JOINTS)
    for part, weight in part_weights.items():
        by_joint[[JOINT_NAMES.index(name) for name in PARTS[part]]] = weight
    weights = np.ones(len(poser.layout))
    for k, name in enumerate(poser.layout.keypoints):
        site_offset = poser.calibration.keypoints.get(name)
        if site_offset is not None:
            # A site at a joint goes with the bone above it, but a shoulder is a part of the arm.
            at_joint = site_offset.site in JOINT_NAMES
            weights[k] = by_joint[
                JOINT_NAMES.index(site_offset.site) if at_joint else site_offset.parent_joint
            ]
    return weights


def _with_hands(
    body: Body,
    motion: Motion,
    first: int,
    last: int,
    posed: Poses,
    track: KeypointTrack,
    pins: PinnedJoints | None,
) -> Poses:
    """The frames with wrists and fingers as the track's hands are, as in a solve, or with the
    fingers that the motion has. The frames around tell how long fingers are, and calm them."""
    at = slice(first, last + 1)
    poses, trans = motion.poses.copy(), motion.trans.copy()
    poses[at], trans[at] = log_map(posed.rotations), posed.trans
    refined = replace(motion, poses=poses, trans=trans, residual=None, condition=None)
    if motion.fingers is not None:
        by_hand = np.repeat(track.user_edited.any(axis=1)[:, None], NUM_JOINTS, axis=1)
        if pins is not None:
            by_hand[pins.of_body.frames, pins.of_body.joints] = True
        refined = with_fingers(refined, track, body, by_hand, sized=False)
        refined = with_pinned_fingers(refined, pins)
    return poses_of(refined, at)


def _within(pins: PinnedJoints | None, first: int, last: int) -> PinnedJoints | None:
    """Those in some frames, counted from the first of these."""
    if pins is None:
        return None
    inside = (pins.frames >= first) & (pins.frames <= last)
    return PinnedJoints(pins.frames[inside] - first, pins.joints[inside], pins.rotations[inside])


def _poses_before(init: Init, motion: Motion, first: int, last: int) -> Poses:
    """What the first prediction starts from; where that is nothing, what frames keep that show too
    little."""
    if init != Init.NEIGHBOURS:
        return poses_of(motion, slice(first, last + 1))
    ends = [frame for frame in (first - 1, last + 1) if 0 <= frame < len(motion)]
    if not ends:
        raise SolveError(
            "there are no frames around these to begin from; they are the whole motion"
        )
    a, b = ends[0], ends[-1]
    share = np.clip((np.arange(first, last + 1) - a) / max(b - a, 1), 0.0, 1.0)
    from_here, to_there = exp_map(motion.poses[a]), exp_map(motion.poses[b])
    turn = log_map(np.swapaxes(from_here, -1, -2) @ to_there)
    trans = motion.trans[a] + share[:, None] * (motion.trans[b] - motion.trans[a])
    return Poses(from_here @ exp_map(share[:, None, None] * turn), trans)


def _in_time(
    track: KeypointTrack, poser: Poser, motion: Motion, first: int, last: int, poses: Poses, weights
) -> Generator[Progress, None, Poses]:
    """The frames polished together with those around them, which stay."""
    low, high = max(first - CONTEXT_FRAMES, 0), min(last + CONTEXT_FRAMES, len(motion) - 1)
    around = poses_of(motion, slice(low, high + 1))
    at = slice(first - low, last + 1 - low)
    around.rotations[at], around.trans[at] = poses.rotations, poses.trans
    some = track.frames(np.arange(low, high + 1))
    counts = keypoint_weights(some, poser)
    counts[at] = weights
    tracker = Tracker.of(poser.problem_of(some, counts))
    held = np.ones((high + 1 - low, UNKNOWN_BLOCKS), dtype=bool)
    held[at] = False
    return (yield from optimise_sequence(tracker, around, held))[at]
