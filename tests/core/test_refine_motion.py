"""Refining another estimator's motion by keypoints."""

from dataclasses import replace

import numpy as np
import pytest

import lsmpl_core as lsmpl
from lsmpl_core.errors import SolveError
from lsmpl_core.metrics import MILLIMETRES, mpjpe
from lsmpl_core.rotation import exp_map, log_map


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


def test_each_frame_is_refined_on_its_own(body, stroll, estimate):
    track, exact = body.keypoints(stroll), lsmpl.SolveOptions(noise=0.0)
    whole = lsmpl.refine_motion(track, body, estimate, options=exact)
    part = slice(20, 27)
    alone = lsmpl.refine_motion(track.frames(part), body, estimate.frames(part), options=exact)
    np.testing.assert_allclose(body.joints(alone), body.joints(whole)[part], atol=1e-4)


def test_a_motion_in_the_cameras_world_is_turned_into_the_tracks(body, stroll, estimate):
    turn = exp_map(np.array([-1.5, 0.3, 0.2]))
    poses = estimate.poses.copy()
    poses[:, 0] = log_map(turn @ exp_map(poses[:, 0]))
    track = body.keypoints(stroll)
    refined = lsmpl.refine_motion(track, body, replace(estimate, poses=poses))
    here = lsmpl.refine_motion(track, body, estimate)
    assert mpjpe(body.joints(here)[:, :22], body.joints(refined)[:, :22]) < 10.0


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
