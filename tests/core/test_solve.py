"""Solving takes whose truth is known, and takes that hold too little."""

import traceback
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import lsmpl_core as lsmpl
from lsmpl_core.errors import DeviceError, SolveError
from lsmpl_core.metrics import MILLIMETRES, mpjpe
from lsmpl_core.rotation import angle_between, exp_map, log_map
from lsmpl_core.solver.network import Network

BODY_JOINTS = slice(0, 22)
VALIDATION_CLIPS = ("02_06", "10_02", "135_04", "16_10")


def joint_error(body, truth, solved) -> float:
    """Mean over the 22 body joints in mm, pelvis on pelvis."""
    return mpjpe(body.joints(truth)[:, BODY_JOINTS], body.joints(solved)[:, BODY_JOINTS])


def clip_of(mocap, name, body, frames=100, seed=0):
    motion = lsmpl.Motion.load(mocap / f"{name}.npz")
    first = max(0, (len(motion) - frames) // 2)
    motion = motion.frames(slice(first, first + frames))
    return replace(motion, betas=np.random.default_rng(seed).normal(size=10), body=body.key)


@pytest.mark.parametrize("name", VALIDATION_CLIPS)
def test_recorded_motion_is_solved_back(mocap, body, name):
    truth = clip_of(mocap, name, body)
    solved = lsmpl.solve(body.keypoints(truth), body, betas=truth.betas, start_pose=truth.poses[0])
    assert joint_error(body, truth, solved) < 10.0
    assert np.nanmean(solved.residual) * MILLIMETRES < 1.0


def test_recorded_motion_is_solved_cold_with_an_unknown_shape(mocap, body):
    errors = []
    for seed, name in enumerate(VALIDATION_CLIPS):
        truth = clip_of(mocap, name, body, seed=seed)
        errors.append(joint_error(body, truth, lsmpl.solve(body.keypoints(truth), body)))
    assert np.mean(errors) < 25.0
    assert max(errors) < 50.0


@pytest.mark.parametrize("layout", sorted(lsmpl.LAYOUTS))
def test_every_layout_is_solved_cold(body, stroll, layout):
    track = body.keypoints(stroll.frames(slice(0, 30)), layout)
    solved = lsmpl.solve(track, body)
    assert joint_error(body, stroll.frames(slice(0, 30)), solved) < 30.0
    assert np.nanmean(solved.residual) * MILLIMETRES < 5.0


def test_a_turned_and_shifted_take_gives_the_turned_and_shifted_motion(body, stroll):
    """Headings and places are alike to the solver."""
    track = body.keypoints(stroll.frames(slice(0, 20)))
    turn, shift = exp_map(np.array([0.0, 0.0, 2.0])), np.array([3.0, -7.0, 0.5])
    moved = lsmpl.KeypointTrack(track.positions @ turn.T + shift, track.confidence, track.layout, track.fps)
    betas = stroll.betas
    here = body.joints(lsmpl.solve(track, body, betas=betas))
    there = body.joints(lsmpl.solve(moved, body, betas=betas))
    np.testing.assert_allclose(there, here @ turn.T + shift, atol=1e-3)


def test_a_given_start_pose_is_where_the_solve_starts(body, stroll):
    track = body.keypoints(stroll)
    solved = lsmpl.solve(track, body, betas=stroll.betas, start_pose=stroll.poses[0])
    np.testing.assert_allclose(solved.poses[0], log_map(exp_map(stroll.poses[0])), atol=1e-6)
    np.testing.assert_array_equal(solved.betas, stroll.betas)


def test_missing_keypoints_have_no_residual_and_leave_no_nan(body, stroll):
    track = body.keypoints(stroll)
    confidence = track.confidence.copy()
    confidence[10:20, 4] = 0.0
    confidence[30] = 0.0
    gappy = lsmpl.KeypointTrack(track.positions, confidence, track.layout, track.fps)
    solved = lsmpl.solve(gappy, body)
    np.testing.assert_array_equal(np.isnan(solved.residual), confidence == 0)
    assert np.isfinite(solved.poses).all()
    assert joint_error(body, stroll, solved) < 40.0


def test_frame_numbers_rate_and_body_are_passed_on(body, stroll):
    track = body.keypoints(replace(stroll, fps=59.94, first_frame=101).frames(slice(0, 5)), "coco_17")
    solved = lsmpl.solve(track, body)
    assert (solved.fps, solved.first_frame, solved.body) == (59.94, 101, body.key)
    assert solved.keypoint_names == track.layout.keypoints


def test_progress_runs_from_start_to_end_through_every_stage(body, stroll):
    reports = []
    lsmpl.solve(body.keypoints(stroll), body, progress=reports.append)
    assert list(dict.fromkeys(r.stage for r in reports)) == ["shape", "start", "solve"]
    solving = [r for r in reports if r.stage == "solve"]
    assert [r.done for r in solving] == sorted(r.done for r in solving)
    assert (solving[-1].done, solving[-1].total) == (len(stroll), len(stroll))
    assert any(0.0 <= r.residual < 0.1 for r in solving)


def test_dropping_the_generator_cancels(body, stroll):
    steps = lsmpl.solve_steps(body.keypoints(stroll), body)
    next(steps)
    next(steps)
    steps.close()


def test_one_frame_is_enough(body, stroll):
    one = stroll.frames(slice(0, 1))
    solved = lsmpl.solve(body.keypoints(one), body)
    assert len(solved) == 1
    assert joint_error(body, one, solved) < 40.0


def only_keypoints(body, stroll, names):
    track = body.keypoints(stroll)
    keep = np.isin(track.layout.keypoints, names)
    return lsmpl.KeypointTrack(track.positions, track.confidence * keep, track.layout, track.fps, source="thin.trc")


def test_too_few_keypoints_are_an_error_that_says_so(body, stroll):
    with pytest.raises(SolveError, match=r"thin\.trc.*1 of the keypoints"):
        lsmpl.solve(only_keypoints(body, stroll, ["nose"]), body)
    with pytest.raises(SolveError, match=r"thin\.trc.*0 of the keypoints"):
        lsmpl.solve(only_keypoints(body, stroll, []), body)


def test_an_empty_track_is_an_error(body):
    with pytest.raises(SolveError, match="no frames"):
        lsmpl.solve(lsmpl.KeypointTrack(np.zeros((0, 25, 3))), body)


def test_upper_body_alone_is_solved(body, stroll):
    names = [
        "nose",
        "neck",
        "left_shoulder",
        "right_shoulder",
        "left_elbow",
        "right_elbow",
        "left_wrist",
        "right_wrist",
    ]
    solved = lsmpl.solve(only_keypoints(body, stroll, names), body)
    assert np.nanmean(solved.residual) * MILLIMETRES < 10.0


@pytest.mark.parametrize(
    ("given", "message"),
    [({"betas": np.zeros(3)}, "betas have shape"), ({"start_pose": np.full((24, 3), np.nan)}, "start_pose")],
)
def test_a_wrong_start_or_shape_is_refused(body, stroll, given, message):
    with pytest.raises(SolveError, match=message):
        lsmpl.solve(body.keypoints(stroll), body, **given)


def test_an_unknown_device_is_refused_with_the_known_ones(body, stroll):
    with pytest.raises(DeviceError, match="numpy"):
        lsmpl.solve(body.keypoints(stroll), body, device="abacus")


def test_a_take_that_jumps_is_found_again(body, stroll):
    """After a cut to somebody turned round and in another pose, the solve starts over instead of staying lost."""
    before, after = stroll.frames(slice(0, 10)), stroll.frames(slice(35, 45))
    poses = after.poses.copy()
    poses[:, 0] = log_map(exp_map(np.array([0.0, 0.0, 3.0])) @ exp_map(poses[:, 0]))
    poses[:, [1, 2], 0] -= 1.0
    poses[:, [4, 5], 0] += 1.2
    cut = replace(
        stroll, poses=np.concatenate([before.poses, poses]), trans=np.concatenate([before.trans, after.trans])
    )
    solved = lsmpl.solve(body.keypoints(cut), body, betas=stroll.betas)
    assert np.nanmax(solved.frame_residual) * MILLIMETRES < 15.0
    assert joint_error(body, cut, solved) < 25.0


def noisy(body, motion, noise, seed=0):
    track = body.keypoints(motion)
    shake = noise * np.random.default_rng(seed).normal(size=track.positions.shape)
    return replace(track, positions=track.positions + shake)


def test_noise_is_measured_and_followed_less(body, stroll):
    """With 15 mm of noise, a solve that took the keypoints for exact would be off by more."""
    track = noisy(body, stroll, 0.015)
    given = {"betas": stroll.betas, "start_pose": stroll.poses[0], "device": "numpy"}
    measured = joint_error(body, stroll, lsmpl.solve(track, body, **given))
    trusting = joint_error(body, stroll, lsmpl.solve(track, body, **given, options=lsmpl.SolveOptions(noise=0.0)))
    told = joint_error(body, stroll, lsmpl.solve(track, body, **given, options=lsmpl.SolveOptions(noise=0.015)))
    assert measured < 0.8 * trusting
    assert told < 0.8 * trusting


def test_the_network_alone_stays_with_the_motion(mocap, body):
    """One pass a frame and no polish: no drift over a hundred frames."""
    truth = clip_of(mocap, "10_02", body)
    alone = lsmpl.SolveOptions(solver="network", polish=0)
    solved = lsmpl.solve(body.keypoints(truth), body, betas=truth.betas, start_pose=truth.poses[0], options=alone)
    last = slice(80, 100)
    assert joint_error(body, truth, solved) < 25.0
    assert joint_error(body, truth.frames(last), solved.frames(last)) < 30.0


def test_the_network_knows_better_than_the_frame_before(mocap, body):
    """In front of the polish, at five frames a second: nearer to the truth where keypoints do not say, in twists and
    along the spine. At thirty the frame before is as good."""
    angles, stride = {}, 6
    for solver in ("network", "polish"):
        errors = []
        for seed, name in enumerate(VALIDATION_CLIPS):
            truth = clip_of(mocap, name, body, seed=seed)
            truth = replace(truth.frames(slice(None, None, stride)), fps=truth.fps / stride)
            given = {"betas": truth.betas, "start_pose": truth.poses[0]}
            options = lsmpl.SolveOptions(solver=solver)
            solved = lsmpl.solve(body.keypoints(truth), body, options=options, **given)
            errors.append(angle_between(exp_map(truth.poses), exp_map(solved.poses))[:, :20].mean())
        angles[solver] = np.degrees(np.mean(errors))
    assert angles["network"] < 0.8 * angles["polish"]


def test_an_unknown_solver_is_refused_with_the_known_ones(body, stroll):
    with pytest.raises(SolveError, match="network, polish"):
        lsmpl.solve(body.keypoints(stroll), body, options=lsmpl.SolveOptions(solver="magic"))


@pytest.mark.parametrize("frames", [60, 400])
def test_before_and_after_anybody_is_in_view_the_nearest_pose_stands_still(body, stroll, frames):
    order = np.concatenate([np.arange(60), np.arange(59, -1, -1)])[np.arange(frames) % 120]
    track = body.keypoints(replace(stroll, poses=stroll.poses[order], trans=stroll.trans[order]))
    confidence = track.confidence.copy()
    first, last = frames // 3, frames - frames // 4
    confidence[:first] = confidence[last:] = 0.0
    solved = lsmpl.solve(replace(track, confidence=confidence), body, betas=stroll.betas)
    for held, frame in ((slice(0, first), first), (slice(last, None), last - 1)):
        np.testing.assert_array_equal(solved.poses[held], solved.poses[[frame] * len(solved.poses[held])])
        np.testing.assert_array_equal(solved.trans[held], solved.trans[[frame] * len(solved.poses[held])])
    assert np.isnan(solved.residual[:first]).all()


def test_from_solve_to_the_network_is_a_handful_of_functions(body, stroll, monkeypatch):
    """Those that tell the story, in the order in which `docs/core.md` says to read them."""
    predict, ways = Network.predict, []

    def noted(self, seen):
        core = str(Path(lsmpl.__file__).parent)
        ways.append([f.name for f in traceback.extract_stack() if f.filename.startswith(core)])
        return predict(self, seen)

    monkeypatch.setattr(Network, "predict", noted)
    given = {"betas": stroll.betas, "start_pose": stroll.poses[0], "device": "numpy"}
    lsmpl.solve(body.keypoints(stroll.frames(slice(0, 4))), body, options=lsmpl.SolveOptions(noise=1e-4), **given)
    helpers = {"run_to_end", "steps", "on_device"}  # progress, one thread, another device where this one fails
    assert [name for name in ways[0] if name not in helpers] == [
        "solve", "solve_steps", "_solve_frames", "one_after_another", "from_starts", "follow", "_step", "predict",
        "next_pose",
    ]  # fmt: skip
