"""Doubtful frames: what is found, what is not, and how it is said."""

from dataclasses import replace

import numpy as np
import pytest

from lsmpl_core import Condition, Motion, solve
from lsmpl_core.body.sites import site_parts
from lsmpl_core.calibration.calibration import Calibration
from lsmpl_core.doubtful import describe_doubtful, doubtful_stretches, in_words

NAMES = tuple(f"left_{part}" for part in "abcdefghij")


@pytest.fixture
def motion() -> Motion:
    """200 calm frames with 10 keypoints that are about 10 mm off, all seen."""
    rng = np.random.default_rng(0)
    t = np.linspace(0, 4 * np.pi, 200)
    poses = np.zeros((200, 24, 3))
    poses[:, 18, 2] = np.sin(t)
    trans = np.stack([0.1 * t, 0 * t, 0 * t], axis=1)
    residual = 0.01 + 0.002 * rng.standard_normal((200, 10))
    condition = np.full((200, 10), Condition.SEEN)
    return Motion(poses, trans, residual=residual, condition=condition, keypoint_names=NAMES, first_frame=100)


def test_a_calm_take_has_none(motion):
    assert doubtful_stretches(motion) == []
    assert in_words([]) == "No doubtful frames"


def test_nothing_measured_is_not_doubtful(motion):
    assert doubtful_stretches(Motion(motion.poses, motion.trans)) == []
    motion.residual[:] = np.nan
    motion.condition[:] = Condition.MISSING
    assert doubtful_stretches(motion) == []


def test_a_single_frame_with_fingers_is_judged(motion):
    still = Motion(motion.poses[:1], motion.trans[:1], fingers=np.zeros((1, 30, 3)))
    assert doubtful_stretches(still) == []


def test_frames_far_from_their_keypoints_are_one_stretch_with_its_worst_frame(motion):
    motion.residual[50:56] += 0.03
    motion.residual[53] += 0.02
    (found,) = doubtful_stretches(motion)
    assert (found.first, found.last, found.worst, found.frames) == (50, 55, 53, 6)
    assert found.why[0].startswith("60 mm off on average, usually 10 mm")


def test_a_single_keypoint_is_named(motion):
    motion.residual[80, 3] = 0.12
    (found,) = doubtful_stretches(motion)
    assert (found.first, found.last) == (80, 80)
    assert found.why[0] == "left d 120 mm off"


def test_what_is_far_off_is_judged_by_the_take(motion):
    """The same 40 mm, in a take that is 30 mm off throughout."""
    motion.residual += 0.03
    assert doubtful_stretches(motion) == []


def test_much_missing_and_much_rejected(motion):
    motion.condition[20:24, :6] = Condition.MISSING
    motion.condition[150, :2] = Condition.REJECTED
    missing, rejected = doubtful_stretches(motion)
    assert (missing.first, missing.last) == (20, 23)
    assert missing.why == ("6 of 10 keypoints missing or rejected",)
    assert rejected.why == ("2 keypoints rejected",)


def test_what_bridges_a_gap_in_everything_is_doubtful_beyond_two_frames(motion):
    for first, after in ((40, 42), (80, 92)):
        motion.condition[first:after] = Condition.FILLED
        motion.residual[first:after] = np.nan
    (stretch,) = doubtful_stretches(motion)
    assert (stretch.first, stretch.last, stretch.frames) == (80, 91, 12) and "nothing was seen" in stretch.why


def test_a_keypoint_that_is_never_seen_is_not_missed(motion):
    motion.condition[:, :6] = Condition.MISSING
    assert doubtful_stretches(motion) == []


@pytest.mark.parametrize("back", [True, False])
def test_a_jump_is_found_out_and_back_as_well(motion, back):
    motion.poses[120 : 121 if back else None, 18, 2] += np.radians(60)
    (found,) = doubtful_stretches(motion)
    assert found.why == ("a sudden jump",)
    assert found.worst in ((120, 121) if back else (120,))


def test_the_body_may_jump_as_a_whole(motion):
    motion.trans[70:] += (0, 0.4, 0)
    (found,) = doubtful_stretches(motion)
    assert found.worst == 70


def test_fast_motion_is_no_jump(motion):
    """A kick: 45 degrees a frame, reached and left within a tenth of a second."""
    speed = np.zeros(200)
    speed[90:97] = np.radians([8, 20, 35, 45, 35, 20, 8])
    motion.poses[:, 4, 0] = np.cumsum(speed)
    assert doubtful_stretches(motion) == []


@pytest.mark.parametrize("fps", [24.0, 60.0, 240.0])
def test_frames_a_tenth_of_a_second_apart_are_one_stretch(motion, fps):
    motion.fps = fps
    apart = max(1, round(0.1 * fps))
    motion.residual[[100, 100 + apart]] += 0.05
    motion.residual[30] += 0.05
    found = doubtful_stretches(motion)
    assert [(s.first, s.last, s.frames) for s in found] == [(30, 30, 1), (100, 100 + apart, 2)]
    assert in_words(found) == "3 doubtful frames in 2 stretches"


def test_a_report_counts_frames_as_the_source_does(motion):
    motion.residual[53] += 0.05
    told = describe_doubtful(motion)
    assert told["doubtful_frames"] == 1
    assert told["doubtful_stretches"][0]["worst_frame"] == 153


def test_short_motions(motion):
    for frames in (1, 2):
        assert doubtful_stretches(motion.frames(slice(0, frames))) == []


@pytest.mark.parametrize("parts, last", [(("knee", "ankle", "heel"), 31), (("knee", "ankle", "heel", "big_toe"), 49)])
def test_a_limb_that_was_not_believed_is_doubtful_and_said_to_be_once(body, stroll, parts, last):
    track = body.keypoints(stroll)
    condition = np.full(track.visible.shape, Condition.SEEN)
    leg = [track.layout.index(f"left_{part}") for part in parts]
    condition[30 : last + 1, leg] = Condition.REJECTED
    parts = site_parts(body, track.layout.sites)
    calibration = Calibration.of_layout(body, track.layout, stroll.betas, parts)
    motion = replace(stroll, condition=condition, keypoint_names=track.layout.keypoints, calibration=calibration)
    (found,) = doubtful_stretches(motion)
    assert (found.first, found.last) == (30, last) and found.why.count("left leg not believed") == 1


@pytest.mark.parametrize(
    ("joint", "turn", "why"),
    [(6, [1.8, 0.0, 0.0], "spine2 turned further"), (5, [-0.8, 0.0, 0.1], "right knee turned further")],
)
def test_a_joint_that_turned_more_than_people_can_is_doubtful_also_throughout(motion, joint, turn, why):
    motion.poses[:, joint] = turn
    (found,) = doubtful_stretches(motion)
    assert found.frames == len(motion) and why in found.why[0]


def test_a_forearm_that_is_turned_over_within_a_straight_elbow_has_not_bent_it_backwards(motion):
    motion.poses[:, 19] = [-1.3, -0.35, 0.5]
    assert doubtful_stretches(motion) == []
    motion.poses[:, 19] = [-0.3, -0.6, 0.2]
    (found,) = doubtful_stretches(motion)
    assert "right elbow turned further" in found.why[0]


def test_a_knee_that_snaps_there_and_back_again_and_again_is_doubtful(motion):
    motion.poses[60:70:2, 4, 0] = 2.1
    (found,) = doubtful_stretches(motion)
    assert found.first <= 60 and found.last >= 68


def test_a_set_of_keypoints_that_jumped_is_doubtful(body, stroll):
    track = body.keypoints(stroll)
    positions = track.positions.copy()
    positions[25:30] += [0.0, 1.0, 0.0]
    found = doubtful_stretches(solve(replace(track, positions=positions), body, betas=stroll.betas))
    assert any(stretch.first <= 25 and stretch.last >= 29 for stretch in found) or len(found) == 2


@pytest.mark.parametrize(
    "parts, one_rejected, why",
    [
        (("left_elbow", "left_wrist"), False, "left arm not seen"),
        (("right_knee", "right_ankle", "right_heel", "right_big_toe", "right_small_toe"), False, "right leg not seen"),
        (
            ("right_knee", "right_ankle", "right_heel", "right_big_toe", "right_small_toe"),
            True,
            "right leg not believed",
        ),
        (("left_heel", "left_big_toe", "left_small_toe"), False, None),
        (("left_wrist",), False, None),
        (("left_wrist",), True, "left forearm not believed"),
    ],
)
def test_a_limb_that_is_not_seen_for_some_frames_is_doubtful(body, stroll, parts, one_rejected, why):
    track = body.keypoints(stroll)
    condition = np.full(track.visible.shape, Condition.SEEN)
    columns = [track.layout.index(part) for part in parts]
    condition[30:50, columns] = Condition.MISSING
    condition[70:72, columns] = Condition.MISSING  # too short to matter
    condition[30:50, columns[:1]] = Condition.REJECTED if one_rejected else Condition.MISSING
    calibration = Calibration.of_layout(body, track.layout, stroll.betas, site_parts(body, track.layout.sites))
    motion = replace(stroll, condition=condition, keypoint_names=track.layout.keypoints, calibration=calibration)
    found = doubtful_stretches(motion)
    assert [(s.first, s.last, s.why) for s in found] == ([(30, 49, (why,))] if why else [])
