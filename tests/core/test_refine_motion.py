"""Refining another estimator's motion by keypoints."""

from dataclasses import replace

import numpy as np
import pytest

import lsmpl_core as lsmpl
from lsmpl_core.backends.arrays import choose_backend
from lsmpl_core.body.sites import site_parts
from lsmpl_core.body.skeleton import JOINT_NAMES
from lsmpl_core.errors import SolveError
from lsmpl_core.keypoints.layouts import LAYOUTS
from lsmpl_core.metrics import MILLIMETRES, mpjpe
from lsmpl_core.rotation import angle_between, exp_map, log_map
from lsmpl_core.solver.estimate_errors import judged_estimate
from lsmpl_core.solver.poses import Poses
from lsmpl_core.solver.problem import Problem


@pytest.fixture
def estimate(stroll) -> lsmpl.Motion:
    """What an estimator might make of the stroll: every joint off by some 10 degrees, the place by some 10 cm."""
    rng = np.random.default_rng(2)
    off = 0.12 * rng.normal(size=(60, 24, 3))
    poses = log_map(exp_map(stroll.poses) @ exp_map(off))
    return replace(stroll, poses=poses, trans=stroll.trans + 0.1 * rng.normal(size=(60, 3)))


def test_the_refined_motion_meets_the_keypoints(body, stroll, estimate):
    track = body.keypoints(stroll)
    refined = lsmpl.refine_motion(track, body, estimate)
    truth = body.joints(stroll)[:, :22]
    assert mpjpe(truth, body.joints(refined)[:, :22]) < 0.35 * mpjpe(truth, body.joints(estimate)[:, :22])
    assert np.nanmean(refined.residual) * MILLIMETRES < 5.0
    assert (refined.keypoint_names, refined.body) == (track.layout.keypoints, body.key)


def test_each_frame_is_refined_on_its_own_where_errors_and_noise_are_given(body, stroll, estimate):
    track, exact = body.keypoints(stroll), lsmpl.SolveOptions(noise=0.0, estimate_sigma=0.12)
    whole = lsmpl.refine_motion(track, body, estimate, options=exact)
    part = slice(20, 27)
    alone = lsmpl.refine_motion(track.frames(part), body, estimate.frames(part), options=exact)
    np.testing.assert_allclose(body.joints(alone), body.joints(whole)[part], atol=1e-3)


def test_a_motion_in_the_cameras_world_is_turned_into_the_tracks(body, stroll, estimate):
    turn = exp_map(np.array([-1.5, 0.3, 0.2]))
    poses = estimate.poses.copy()
    poses[:, 0] = log_map(turn @ exp_map(poses[:, 0]))
    track = body.keypoints(stroll)
    refined = lsmpl.refine_motion(track, body, replace(estimate, poses=poses))
    here = lsmpl.refine_motion(track, body, estimate)
    assert mpjpe(body.joints(here)[:, :22], body.joints(refined)[:, :22]) < 10.0
    whats = [{decision.what for decision in motion.decisions} for motion in (refined, here)]
    assert "turned" in whats[0] and not {"turned", "estimate"} & whats[1]


def test_a_motion_of_somebody_else_is_doubted(body, stroll, estimate):
    crouched = estimate.poses.copy()
    crouched[:, [1, 2]] = [-1.6, 0.0, 0.0]
    crouched[:, [16, 17]] = [0.0, 0.0, 1.2]
    refined = lsmpl.refine_motion(body.keypoints(stroll), body, replace(estimate, poses=crouched))
    doubt = next(decision for decision in refined.decisions if decision.what == "estimate")
    assert doubt.doubtful and "another person" in doubt.reason


def test_betas_of_another_body_give_way_to_the_tracks(body, stroll, estimate):
    foreign = replace(estimate, body="SMPL_NEUTRAL-1234", betas=np.full(10, 3.0))
    refined = lsmpl.refine_motion(body.keypoints(stroll), body, foreign)
    assert np.abs(refined.betas).max() < 3.0
    assert np.nanmean(refined.residual) * MILLIMETRES < 20.0
    kept = lsmpl.refine_motion(body.keypoints(stroll), body, estimate)
    np.testing.assert_array_equal(kept.betas, estimate.betas)


def test_unseen_frames_keep_the_estimators_pose_and_stay_finite(body, stroll, estimate):
    track = body.keypoints(stroll)
    confidence = track.confidence.copy()
    confidence[10:15] = 0.0
    refined = lsmpl.refine_motion(replace(track, confidence=confidence), body, estimate)
    assert np.isfinite(refined.poses).all()
    assert np.isfinite(refined.trans).all()
    assert np.isnan(refined.residual[10:15]).all()


def test_numbers_of_frames_must_agree(body, stroll, estimate):
    with pytest.raises(SolveError, match="has 60 frames, but the motion has 50"):
        lsmpl.refine_motion(body.keypoints(stroll), body, estimate.frames(slice(0, 50)))


def angles(a, b):
    """(24,) degrees by which joints differ, mean over the frames."""
    return np.degrees(angle_between(exp_map(a.poses), exp_map(b.poses))).mean(axis=0)


@pytest.mark.parametrize("solver", ["network", "polish"])
def test_the_truth_itself_is_kept_also_where_keypoints_say_nothing(body, stroll, solver):
    rng = np.random.default_rng(4)
    unusual = replace(stroll, poses=log_map(exp_map(stroll.poses) @ exp_map(0.3 * rng.normal(size=(24, 3)))))
    options = lsmpl.SolveOptions(solver=solver)
    refined = lsmpl.refine_motion(body.keypoints(unusual), body, unusual, options=options)
    assert angles(refined, unusual).max() < 0.5


def test_what_is_off_in_all_frames_alike_is_taken_off(body, stroll):
    rng = np.random.default_rng(5)
    off = exp_map(np.radians(10.0 / 3.0**0.5) * rng.normal(size=(24, 3)))
    estimate = replace(stroll, poses=log_map(exp_map(stroll.poses) @ off))
    refined = lsmpl.refine_motion(body.keypoints(stroll), body, estimate)
    limbs = [i for i, name in enumerate(JOINT_NAMES) if name.endswith(("shoulder", "elbow", "hip", "knee"))]
    assert angles(refined, stroll)[limbs].mean() < 0.5 * angles(estimate, stroll)[limbs].mean()


def test_an_estimate_is_judged_by_how_far_its_keypoints_are_off(body, stroll, estimate):
    layout, options = LAYOUTS["body_25"], lsmpl.SolveOptions(noise=0.0)
    parts, numpy = site_parts(body, layout.sites), choose_backend("numpy")
    problem = Problem.of(body.keypoints(stroll), body, parts, stroll.betas, numpy, options)
    poor, good = (judged_estimate(problem, Poses(exp_map(m.poses), m.trans)) for m in (estimate, stroll))
    assert np.degrees(good.sigma).max() < 0.2
    assert 3.0 < np.degrees(poor.sigma).mean() < 15.0
