"""Smoothing: noise goes, motion stays, and nothing depends on how a rotation is written or where the take points."""

from dataclasses import replace

import numpy as np
import pytest

import lsmpl_core as lsmpl
from lsmpl_core.cleaning.smoothing import apply_smoothness, cutoff, find_smoothness, smooth, stiffness_of, whittaker
from lsmpl_core.metrics import acceleration_error
from lsmpl_core.rotation import angle_between, exp_map, log_map


def noisy(motion: lsmpl.Motion, degrees: float = 1.5, seed: int = 0) -> lsmpl.Motion:
    rng = np.random.default_rng(seed)
    turns = exp_map(np.radians(degrees) * rng.normal(size=motion.poses.shape))
    trans = motion.trans + 0.004 * rng.normal(size=motion.trans.shape)
    return replace(motion, poses=log_map(exp_map(motion.poses) @ turns), trans=trans)


def errors(body, truth, motion) -> tuple[float, float]:
    a, b = body.joints(truth), body.joints(motion)
    return float(np.linalg.norm(a - b, axis=-1).mean()), acceleration_error(a, b, truth.fps)


def spin(frames: int = 90, turns: float = 5.0) -> lsmpl.Motion:
    """A dancer who turns about the vertical, through half a turn again and again."""
    angle = np.linspace(0.0, 2.0 * np.pi * turns, frames)
    poses = np.zeros((frames, 24, 3))
    about_z = np.stack([np.zeros(frames), np.zeros(frames), angle], axis=1)
    poses[:, 0] = log_map(exp_map(about_z) @ exp_map(np.array([np.pi / 2, 0.0, 0.0])))
    return lsmpl.Motion(poses, np.zeros((frames, 3)))


def test_the_smoother_solves_its_normal_equations(rng):
    series, stiffness = rng.normal(size=(20, 4)), rng.random(17) * 50.0
    difference = np.diff(np.eye(20), 3, axis=0)
    expected = np.linalg.solve(np.eye(20) + difference.T @ (stiffness[:, None] * difference), series)
    np.testing.assert_allclose(whittaker(series, stiffness), expected, atol=1e-10)


@pytest.mark.parametrize("fps", [10.0, 30.0, 250.0])
def test_half_of_the_amplitude_passes_at_the_cutoff_at_any_rate(fps):
    frequency = 2.0
    t = np.arange(int(20 * fps)) / fps
    wave = np.sin(2.0 * np.pi * frequency * t)[:, None]
    stiffness = stiffness_of(frequency, fps)
    middle = slice(len(t) // 4, -len(t) // 4)
    passed = whittaker(wave, np.full(len(t) - 3, stiffness))[middle, 0]
    assert passed @ wave[middle, 0] / (wave[middle, 0] @ wave[middle, 0]) == pytest.approx(0.5, abs=0.01)
    assert cutoff(stiffness, fps) == pytest.approx(frequency)


def test_parabolas_pass_unchanged_up_to_the_ends():
    t = np.linspace(-1.0, 2.0, 60)[:, None]
    parabola = np.concatenate([t, t**2, 1.0 - 3.0 * t**2], axis=1)
    np.testing.assert_allclose(whittaker(parabola, np.full(57, 1e4)), parabola, atol=1e-6)


def test_noise_goes_and_the_motion_stays(body, stroll):
    before, after = errors(body, stroll, noisy(stroll)), errors(body, stroll, smooth(noisy(stroll)))
    assert after[0] < 0.8 * before[0]
    assert after[1] < 0.15 * before[1]


def test_a_motion_without_noise_stays_as_it_is(body, stroll):
    assert errors(body, stroll, smooth(stroll))[0] < 0.0005


def test_more_strength_is_smoother(stroll):
    jerk = [np.abs(np.diff(smooth(noisy(stroll), s).trans, 3, axis=0)).mean() for s in (0.0, 0.2, 0.5, 0.8, 1.0)]
    assert jerk == sorted(jerk, reverse=True)


def test_above_a_half_a_motion_without_noise_becomes_calmer_too(body, stroll):
    cutoffs = [find_smoothness(stroll, s).cutoff for s in (0.5, 0.6, 0.8, 1.0)]
    assert cutoffs == sorted(cutoffs, reverse=True)
    assert cutoffs[1] == pytest.approx(12.0, rel=0.05) and cutoffs[3] < 2.5
    assert errors(body, stroll, smooth(stroll, 1.0))[0] > 5.0 * errors(body, stroll, smooth(stroll, 0.5))[0]


def test_what_was_polished_together_is_not_smoothed_once_more(body, stroll):
    track = body.keypoints(stroll)
    shake = 0.01 * np.random.default_rng(0).normal(size=track.positions.shape)
    solved = lsmpl.solve(replace(track, positions=track.positions + shake), body, betas=stroll.betas)
    assert np.linalg.norm(body.joints(solved) - body.joints(smooth(solved)), axis=-1).max() < 0.0005


def test_strength_0_changes_nothing(stroll):
    assert smooth(stroll, 0.0) is stroll


def test_smoothing_and_turning_the_world_commute(stroll):
    turn = exp_map(np.array([0.4, -1.2, 2.0]))

    def turned(motion):
        poses = motion.poses.copy()
        poses[:, 0] = log_map(turn @ exp_map(poses[:, 0]))
        return replace(motion, poses=poses, trans=motion.trans @ turn.T)

    shaky = noisy(stroll)
    stiffness = find_smoothness(shaky).stiffness
    a, b = turned(apply_smoothness(shaky, stiffness)), apply_smoothness(turned(shaky), stiffness)
    assert angle_between(exp_map(a.poses), exp_map(b.poses)).max() < 1e-6
    np.testing.assert_allclose(a.trans, b.trans, atol=1e-9)


def test_a_spinning_dancer_goes_on_spinning_without_spikes(body):
    truth = spin()
    for motion in (truth, noisy(truth)):
        done = exp_map(smooth(replace(motion, body=body.key)).poses[:, 0])
        assert angle_between(done, exp_map(truth.poses[:, 0])).max() < np.radians(3.0)
        assert np.ptp(angle_between(done[1:], done[:-1])) < np.radians(3.0)


def test_how_a_rotation_is_written_does_not_matter(stroll):
    shaky = noisy(stroll)
    rewritten = shaky.poses.copy()
    angle = np.linalg.norm(rewritten, axis=-1, keepdims=True)
    rewritten[::2] *= np.where(angle > 0.0, 1.0 - 2.0 * np.pi / angle, 1.0)[::2]
    a, b = smooth(shaky), smooth(replace(shaky, poses=rewritten))
    assert angle_between(exp_map(a.poses), exp_map(b.poses)).max() < 1e-6


def test_the_peak_of_a_kick_stays(body):
    t = np.arange(120) / 30.0
    kick = 1.6 * np.exp(-(((t - 2.0) / 0.12) ** 2))
    poses = np.zeros((120, 24, 3))
    poses[:, 1, 0] = -kick
    truth = lsmpl.Motion(poses, np.zeros((120, 3)), body=body.key)
    done = smooth(noisy(truth, 1.0))
    assert abs(done.poses[58:63, 1, 0].min()) > 0.85 * kick.max()


@pytest.mark.parametrize("frames", [1, 2, 5, 12])
def test_short_takes_are_no_error(stroll, frames):
    assert len(smooth(stroll.frames(slice(0, frames)))) == frames


def test_a_wrong_strength_is_an_error(stroll):
    with pytest.raises(lsmpl.LsmplError, match="expected 0"):
        smooth(stroll, 1.5)
