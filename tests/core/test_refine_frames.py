"""Frames of a solved motion solved anew."""

from dataclasses import replace

import numpy as np
import pytest

import lsmpl_core as lsmpl
from lsmpl_core.body.skeleton import JOINT_NAMES
from lsmpl_core.by_hand.posing import Poser
from lsmpl_core.errors import SolveError
from lsmpl_core.refine_range import PARTS, measured, part_of_keypoints
from lsmpl_core.rotation import angle_between, exp_map, log_map

ELBOW = JOINT_NAMES.index("left_elbow")
BAD = slice(28, 33)


@pytest.fixture(scope="module")
def noisy_track(body, stroll):
    track = body.keypoints(stroll)
    shake = 0.01 * np.random.default_rng(0).normal(size=track.positions.shape)
    return replace(track, positions=track.positions + shake)


@pytest.fixture(scope="module")
def solved(body, noisy_track):
    return lsmpl.solve(noisy_track, body)


@pytest.fixture(scope="module")
def spoilt(solved):
    """Five frames turned about and doubled up."""
    poses = solved.poses.copy()
    poses[BAD, 0] = log_map(exp_map(poses[BAD, 0]) @ exp_map(np.array([0.0, 2.0, 0.0])))
    poses[BAD, 1:] += np.random.default_rng(1).normal(scale=0.5, size=poses[BAD, 1:].shape)
    return replace(solved, poses=poses, trans=solved.trans.copy())


def error(body, stroll, motion, poses, first):
    found = replace(
        motion.frames(slice(first, first + len(poses.trans))), poses=log_map(poses.rotations), trans=poses.trans
    )
    truth = body.joints(stroll)[first : first + len(poses.trans), :22]
    return np.linalg.norm(body.joints(found)[:, :22] - truth, axis=-1).mean()


@pytest.mark.parametrize("begin", ["neighbours", "cold"])
def test_a_spoilt_stretch_becomes_as_good_as_the_solve(body, stroll, noisy_track, solved, spoilt, begin):
    mended = lsmpl.refine_frames(noisy_track, body, spoilt, BAD.start, BAD.stop - 1, init=lsmpl.Init(begin))
    before = error(body, stroll, spoilt, lsmpl.poses_of(spoilt, BAD), BAD.start)
    good = error(body, stroll, solved, lsmpl.poses_of(solved, BAD), BAD.start)
    assert before > 0.1
    assert error(body, stroll, solved, mended, BAD.start) < 1.3 * good + 0.002


def test_good_frames_hardly_change(body, noisy_track, solved):
    again = lsmpl.refine_frames(noisy_track, body, solved, 20, 24)
    sites = Poser(noisy_track.layout, body, solved.calibration).sites
    moved = np.linalg.norm(sites(again) - sites(lsmpl.poses_of(solved, slice(20, 25))), axis=-1)
    assert moved.max() < 0.02


def test_pins_in_the_frames_are_kept_and_others_do_not_matter(body, noisy_track, solved):
    wanted = exp_map(solved.poses[[3, 22], ELBOW]) @ exp_map(np.array([0.0, -0.5, 0.0]))
    pins = lsmpl.PinnedJoints([3, 22], [ELBOW, ELBOW], wanted)
    again = lsmpl.refine_frames(noisy_track, body, solved, 20, 24, pins=pins)
    assert angle_between(again.rotations[2, ELBOW], wanted[1]) < 1e-6
    assert angle_between(again.rotations[1, ELBOW], exp_map(solved.poses[21, ELBOW])) > np.radians(0.5)


def test_a_hand_made_pose_stays_where_no_keypoint_contradicts_it(body, noisy_track, solved):
    start = lsmpl.poses_of(solved, slice(20, 21))
    wrist = JOINT_NAMES.index("left_wrist")
    start.rotations[0, wrist] = start.rotations[0, wrist] @ exp_map(np.array([0.6, 0.0, 0.0]))
    again = lsmpl.refine_frames(noisy_track, body, solved, 20, 20, init=start)
    assert np.degrees(angle_between(again.rotations[0, wrist], start.rotations[0, wrist])) < 0.5


def test_a_part_that_does_not_count_is_not_looked_at(body, noisy_track, solved):
    track = replace(noisy_track, positions=noisy_track.positions.copy())
    arm = [k for k, name in enumerate(track.layout.keypoints) if name in ("left_elbow", "left_wrist")]
    track.positions[20:25, arm] += (0.0, 0.0, 0.3)
    sites = Poser(track.layout, body, solved.calibration).sites
    before = sites(lsmpl.poses_of(solved, slice(20, 25)))[:, arm]
    moved = {}
    for weight in (0.0, 1.0, 5.0):
        again = lsmpl.refine_frames(track, body, solved, 20, 24, part_weights={"left_arm": weight})
        moved[weight] = np.linalg.norm(sites(again)[:, arm] - before, axis=-1).mean()
    assert moved[0.0] < 0.08
    assert moved[0.0] < moved[5.0]
    assert moved[1.0] <= moved[5.0]


def test_parts_cover_the_body_and_know_their_keypoints(body, solved):
    assert sorted(sum(PARTS.values(), ())) == sorted(JOINT_NAMES)
    poser = Poser("body_25", body, solved.calibration)
    arm = part_of_keypoints(poser, {"left_arm": 0.0})
    off = {poser.layout.keypoints[k] for k in np.flatnonzero(arm == 0.0)}
    assert off == {"left_shoulder", "left_elbow", "left_wrist"}
    foot = part_of_keypoints(poser, {"right_leg": 0.0})
    off = {poser.layout.keypoints[k] for k in np.flatnonzero(foot == 0.0)}
    assert {"right_hip", "right_knee", "right_ankle", "right_heel", "right_big_toe", "right_small_toe"} == off
    head = part_of_keypoints(poser, {"head": 0.0})
    assert {poser.layout.keypoints[k] for k in np.flatnonzero(head == 0.0)} >= {"nose", "left_ear", "right_eye"}


def test_a_keypoint_placed_by_hand_is_met(body, noisy_track, solved):
    k = noisy_track.layout.index("left_wrist")
    positions = noisy_track.positions.copy()
    positions[22, k] += (0.0, 0.05, 0.12)
    trusted = np.zeros(positions.shape[:2], dtype=bool)
    trusted[22, k] = True
    again = lsmpl.refine_frames(replace(noisy_track, positions=positions, trusted=trusted), body, solved, 20, 24)
    site = Poser(noisy_track.layout, body, solved.calibration).sites(again)[2, k]
    assert np.linalg.norm(site - positions[22, k]) < 0.03


@pytest.mark.parametrize(("first", "last"), [(0, 0), (59, 59), (0, 59)])
def test_the_ends_and_the_whole_take_can_be_solved_anew(body, noisy_track, solved, first, last):
    again = lsmpl.refine_frames(noisy_track, body, solved, first, last)
    assert len(again.trans) == last - first + 1
    assert np.isfinite(again.rotations).all()


def test_a_stretch_without_keypoints_goes_from_before_to_after(body, noisy_track, solved, spoilt):
    confidence = noisy_track.confidence.copy()
    confidence[BAD] = 0.0
    unseen = replace(noisy_track, confidence=confidence)
    mended = lsmpl.refine_frames(unseen, body, spoilt, BAD.start, BAD.stop - 1, init=lsmpl.Init.NEIGHBOURS)
    sites = Poser(noisy_track.layout, body, solved.calibration).sites
    assert np.linalg.norm(sites(mended) - sites(lsmpl.poses_of(solved, BAD)), axis=-1).max() < 0.12


def test_what_cannot_be_is_said(body, noisy_track, solved):
    with pytest.raises(SolveError, match="frames 50 to 60"):
        lsmpl.refine_frames(noisy_track, body, solved, 50, 60)
    with pytest.raises(SolveError, match="solve it again"):
        lsmpl.refine_frames(noisy_track, body, replace(solved, calibration=None), 5, 6)
    with pytest.raises(SolveError, match="left_tentacle"):
        lsmpl.refine_frames(noisy_track, body, solved, 5, 6, part_weights={"left_tentacle": 1.0})
    with pytest.raises(SolveError, match="whole motion"):
        lsmpl.refine_frames(noisy_track, body, solved, 0, 59, init=lsmpl.Init.NEIGHBOURS)


def test_what_is_not_believed_is_not_measured(body, noisy_track, solved):
    positions = noisy_track.positions.copy()
    nose, wrist = (noisy_track.layout.index(name) for name in ("nose", "left_wrist"))
    positions[22, nose] += (0.0, 0.0, 0.6)
    positions[23, wrist] = np.nan
    track, poser = replace(noisy_track, positions=positions), Poser(noisy_track.layout, body, solved.calibration)
    residual = measured(track, poser, lsmpl.poses_of(solved, slice(20, 25)), 20)
    nowhere = np.isnan(residual)
    assert nowhere[2, nose] and nowhere[3, wrist] and nowhere.sum() == 2
    np.testing.assert_allclose(residual[~nowhere], solved.residual[20:25][~nowhere], atol=1e-5)
    trusted = np.zeros(positions.shape[:2], dtype=bool)
    trusted[22, nose] = True
    residual = measured(replace(track, trusted=trusted), poser, lsmpl.poses_of(solved, slice(20, 25)), 20)
    assert residual[2, nose] > 0.5


def test_spikes_and_swapped_sides_are_mended_as_in_a_solve(body, noisy_track, solved):
    positions = noisy_track.positions.copy()
    left, right = (noisy_track.layout.index(f"{side}_wrist") for side in ("left", "right"))
    positions[22, left] += (0.0, 0.0, 0.6)
    again = lsmpl.refine_frames(replace(noisy_track, positions=positions), body, solved, 20, 24)
    sites = Poser(noisy_track.layout, body, solved.calibration).sites(again)[2]
    assert np.linalg.norm(sites[left] - noisy_track.positions[22, left]) < 0.08
    assert np.linalg.norm(sites[right] - noisy_track.positions[22, right]) < 0.04
