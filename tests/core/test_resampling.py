"""Resampling: frames that coincide stay, the way between them is smooth, and slow rates show no tremor."""

from dataclasses import replace

import numpy as np
import pytest

import lsmpl_core as lsmpl
from lsmpl_core.resampling import resample, resample_track
from lsmpl_core.rotation import angle_between, exp_map, log_map


def turn_errors(a: lsmpl.Motion, b: lsmpl.Motion) -> np.ndarray:
    return angle_between(exp_map(a.poses), exp_map(b.poses))


def test_there_and_back_is_exact_on_frames_that_coincide(stroll):
    there = resample(stroll, 60.0)
    assert (len(there), there.fps) == (2 * len(stroll) - 1, 60.0)
    np.testing.assert_array_equal(there.poses[::2], stroll.poses)
    back = resample(there, 30.0)
    np.testing.assert_array_equal(back.poses, stroll.poses)
    np.testing.assert_array_equal(back.trans, stroll.trans)


def test_frames_that_were_left_out_are_found_again(body, stroll):
    half = replace(stroll, poses=stroll.poses[::2], trans=stroll.trans[::2], fps=15.0)
    back = resample(half, 30.0)
    assert np.linalg.norm(body.joints(back) - body.joints(stroll.frames(slice(0, len(back)))), axis=-1).max() < 0.004


def test_a_steady_turn_stays_steady_through_half_turns():
    angle = np.linspace(0.0, 20.0, 50)
    poses = np.zeros((50, 24, 3))
    poses[:, 0] = log_map(exp_map(angle[:, None] * np.array([0.6, 0.0, 0.8])))
    done = exp_map(resample(lsmpl.Motion(poses, np.zeros((50, 3))), 77.0).poses[:, 0])
    assert np.ptp(angle_between(done[1:], done[:-1])) < 1e-9


def test_velocities_are_continuous(stroll):
    fine = resample(stroll, 30.0 * 64)
    turns = log_map(np.swapaxes(exp_map(fine.poses[:-1]), -1, -2) @ exp_map(fine.poses[1:])) * fine.fps
    jumps = np.abs(np.diff(turns, axis=0)).max(axis=(1, 2))
    knots = jumps[63::64]
    assert knots.max() < 4.0 * np.median(jumps)


def test_tremor_that_a_slow_rate_cannot_show_is_not_aliased(stroll):
    fast = resample(stroll, 240.0)
    tremor = 0.05 * np.sin(2.0 * np.pi * 57.0 * np.arange(len(fast)) / 240.0)
    shaken = replace(fast, trans=fast.trans + tremor[:, None])
    away = np.abs(resample(shaken, 30.0).trans - stroll.trans)
    assert away[3:-3].max() < 0.005


def test_residual_and_first_frame_come_along(stroll):
    residual = np.arange(60.0)[:, None]
    done = resample(replace(stroll, residual=residual, keypoint_names=("nose",), first_frame=30), 60.0)
    assert done.first_frame == 60
    assert done.residual[::2].tolist() == residual.tolist()


def test_a_track_keeps_its_gaps(body, stroll):
    track = body.keypoints(stroll)
    track.confidence[10:12, 3] = 0.0
    track = replace(track)
    done = resample_track(track, 60.0)
    np.testing.assert_array_equal(done.positions[::2], track.positions)
    np.testing.assert_allclose(done.positions[1], track.positions[:2].mean(axis=0))
    assert np.flatnonzero(~done.visible[:, 3]).tolist() == [19, 20, 21, 22, 23]
    assert len(done) == len(resample(stroll, 60.0))


@pytest.mark.parametrize("fps", [10.0, 24.0, 29.97, 250.0])
def test_any_rate_lasts_as_long(stroll, fps):
    done = resample(stroll, fps)
    assert abs((len(done) - 1) / fps - 59 / 30.0) < 1.0 / fps
    assert np.isfinite(done.poses).all()


def test_one_frame_is_no_error(stroll):
    assert len(resample(stroll.frames(slice(0, 1)), 60.0)) == 1


@pytest.mark.parametrize("fps", [0.0, -3.0, float("nan")])
def test_a_rate_that_is_none_is_an_error(stroll, fps):
    with pytest.raises(lsmpl.LsmplError, match="takes have 1 to 10,000 frames a second"):
        resample(stroll, fps)
