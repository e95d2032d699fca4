"""A limb that is elsewhere is told by its bones' lengths, noise and other skeletons are not taken for one."""

import numpy as np
import pytest

import lsmpl_core as lsmpl
from lsmpl_core.keypoints.limb_lengths import doubtful_limbs

LAYOUT = lsmpl.get_layout("body_25")


@pytest.fixture
def walk(body, stroll):
    return body.keypoints(stroll.frames(slice(0, 60)), LAYOUT).positions


@pytest.mark.parametrize("frames", [1, 5, 60])
@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_a_right_take_has_no_doubtful_limbs(walk, frames, noise):
    noisy = walk[:frames] + np.random.default_rng(0).normal(0.0, noise, walk[:frames].shape)
    assert doubtful_limbs(noisy, LAYOUT) == []


@pytest.mark.parametrize("first", [0, 30])
@pytest.mark.parametrize(("part", "bone"), [("left_wrist", "left forearm"), ("right_knee", "right shank")])
def test_a_keypoint_that_is_20_cm_off_is_told_in_half_of_the_frames_or_all(walk, part, bone, first):
    walk[first:, LAYOUT.index(part)] += (0.1, 0.0, 0.2)
    assert any(bone.split()[-1] in one for one in doubtful_limbs(walk, LAYOUT))


def test_a_keypoint_that_stays_behind_is_told(walk):
    walk[30:, LAYOUT.index("left_wrist")] = walk[30, LAYOUT.index("left_wrist")]
    assert any("left forearm's length changes" in one for one in doubtful_limbs(walk + 0.0, LAYOUT))


def test_lengths_that_all_change_are_noise_and_a_bone_that_is_long_on_both_sides_is_anothers(walk):
    scaled = walk * np.random.default_rng(1).uniform(0.85, 1.15, (len(walk), 1, 1))
    assert doubtful_limbs(scaled, LAYOUT) == []
    for side in ("left", "right"):
        knee, ankle = (LAYOUT.index(f"{side}_{part}") for part in ("knee", "ankle"))
        walk[:, ankle] += 0.3 * (walk[:, ankle] - walk[:, knee])
    assert doubtful_limbs(walk, LAYOUT) == []


def test_what_is_not_seen_says_nothing(walk):
    walk[:, LAYOUT.index("left_wrist")] = np.nan
    assert doubtful_limbs(walk, LAYOUT) == []
    assert doubtful_limbs(np.full_like(walk, np.nan), LAYOUT) == []


def test_bones_of_no_length_say_nothing(walk):
    walk[:, LAYOUT.index("left_wrist")] = walk[:, LAYOUT.index("left_elbow")]
    assert any("left forearm" in one for one in doubtful_limbs(walk, LAYOUT))


@pytest.mark.parametrize("shift", [(0.2, 0.0, 0.0), (0.0, 0.2, 0.0), (0.0, 0.0, 0.2)])
def test_a_whole_leg_that_is_aside_is_told_by_the_pelvis(walk, shift):
    leg = [LAYOUT.index(f"left_{part}") for part in ("hip", "knee", "ankle", "big_toe", "small_toe", "heel")]
    walk[:, leg] += shift
    assert any("left hip" in one for one in doubtful_limbs(walk, LAYOUT))


@pytest.mark.parametrize("layout", ["body_25", "coco_17"])
@pytest.mark.parametrize("parts", [("hip", "knee", "ankle"), ("shoulder", "elbow", "wrist")])
def test_a_whole_limb_that_lags_behind_is_told_by_the_trunk(body, stroll, layout, parts):
    layout = lsmpl.get_layout(layout)
    positions = body.keypoints(stroll.frames(slice(0, 60)), layout).positions
    limb = [layout.index(f"left_{part}") for part in parts]
    positions[15:, limb] = positions[:-15, limb]
    assert any("apart changes" in one for one in doubtful_limbs(positions, layout))


def test_a_whole_arm_that_is_aside_is_told_by_the_neck(walk):
    walk[:, [LAYOUT.index(f"left_{part}") for part in ("shoulder", "elbow", "wrist")]] += (0.0, 0.0, 0.2)
    assert any("left shoulder" in one for one in doubtful_limbs(walk, LAYOUT))


def test_shoulders_that_are_shrugged_and_pulled_forward_are_people_s(walk):
    swing = np.sin(np.linspace(0.0, 6.0, len(walk)))[:, None]
    for side in ("left", "right"):
        arm = [LAYOUT.index(f"{side}_{part}") for part in ("shoulder", "elbow", "wrist")]
        middle = walk[:, LAYOUT.index("neck")] - walk[:, arm[0]]
        walk[:, arm] += (0.12 * swing * middle)[:, None]
    assert doubtful_limbs(walk, LAYOUT) == []


def test_another_scale_that_goes_on_is_told(walk):
    walk[30:] *= 1.2
    assert any("all bones are longer" in one for one in doubtful_limbs(walk, LAYOUT))
