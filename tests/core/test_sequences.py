"""A take solved side by side is the take solved frame after frame."""

import gc
from dataclasses import replace

import numpy as np
import pytest

import lsmpl_core as lsmpl
from lsmpl_core.backends.arrays import choose_backend
from lsmpl_core.body.kinematics import KeypointModel
from lsmpl_core.body.sites import site_parts
from lsmpl_core.rotation import angle_between, exp_map, log_map
from lsmpl_core.solver.poses import Poses
from lsmpl_core.solver.problem import Problem
from lsmpl_core.solver.sequences import in_chunks, one_after_another, plan_chunks
from lsmpl_core.solver.start import Start
from lsmpl_core.solver.tracking import Tracker

CHUNKS = 3


def long_take(body, stroll, frames=300) -> tuple[lsmpl.Motion, lsmpl.KeypointTrack]:
    """The stroll there and back again and again, with 4 mm of noise and gaps."""
    order = np.concatenate([np.arange(60), np.arange(59, -1, -1)])[np.arange(frames) % 120]
    motion = replace(stroll, poses=stroll.poses[order], trans=stroll.trans[order])
    track = body.keypoints(motion)
    rng = np.random.default_rng(0)
    confidence = track.confidence * (rng.random(track.confidence.shape) > 0.05)
    positions = track.positions + 0.004 * rng.normal(size=track.positions.shape)
    return motion, replace(track, positions=positions, confidence=confidence)


def tracker_of(track, body, parts, betas) -> Tracker:
    return Tracker.of(Problem.of(track, body, parts, betas, choose_backend("numpy"), lsmpl.SolveOptions(noise=0.004)))


def ended(steps):
    reports = []
    while True:
        try:
            reports.append(next(steps))
        except StopIteration as stop:
            return stop.value, reports


@pytest.mark.parametrize("frames", [1, 31, 300, 301, 1000])
@pytest.mark.parametrize("where", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("count", [1, 3, 20])
def test_chunks_share_every_frame_and_move_one_frame_a_step(frames, where, count):
    start = round(where * (frames - 1))
    path, share = plan_chunks(frames, start, count)
    total = np.zeros(frames)
    np.add.at(total, path.ravel(), share.ravel())
    np.testing.assert_allclose(total, 1.0)
    assert path.min() >= 0 and path.max() < frames
    assert np.abs(np.diff(path, axis=0)).max() <= 1
    assert share[path == start].max() == 1.0


@pytest.mark.parametrize("begin", [0, 130, 299])
def test_chunks_agree_with_the_sequence_at_every_seam(body, stroll, begin):
    motion, track = long_take(body, stroll)
    parts = site_parts(body, track.layout.sites)
    tracker = tracker_of(track, body, parts, stroll.betas)
    start = Start(begin, Poses(exp_map(motion.poses[[begin]]), motion.trans[[begin]]))
    sequence, _ = ended(one_after_another(tracker, start, range(len(track))))
    chunks, reports = ended(in_chunks(tracker, start, CHUNKS))
    turned = np.degrees(angle_between(sequence.rotations, chunks.rotations))
    joints = [
        body.joints(lsmpl.Motion(log_map(p.rotations), p.trans, stroll.betas, body=body.key))
        for p in (sequence, chunks)
    ]
    apart = 1000.0 * np.linalg.norm(joints[0] - joints[1], axis=2)
    assert apart.max() < 1.0
    assert turned.max() < 1.0
    assert apart.mean() < 0.1
    np.testing.assert_allclose(chunks.rotations[begin], exp_map(motion.poses[begin]), atol=1e-9)
    assert [report.done for report in reports] == sorted(report.done for report in reports)
    assert reports[-1].done == len(track)


def test_long_takes_are_solved_in_chunks_to_the_same_error(body, stroll):
    motion, track = long_take(body, stroll, frames=320)
    truth = body.joints(motion)[:, :22]
    solved = body.joints(lsmpl.solve(track, body, betas=stroll.betas))[:, :22]
    assert 1000.0 * np.linalg.norm(solved - truth, axis=2).mean() < 15.0


def test_a_lost_chunk_is_found_again_and_the_others_left_alone(body, stroll):
    motion, track = long_take(body, stroll)
    parts = site_parts(body, track.layout.sites)
    tracker = tracker_of(track, body, parts, stroll.betas)
    frames = np.array([40, 80, 120])
    poses = exp_map(motion.poses[frames])
    poses[1, [16, 17]] = exp_map(np.array([[0.0, 0.0, 2.0], [0.0, 0.0, -2.0]]))
    state, targets = tracker.state(Poses(poses, motion.trans[frames])), tracker._targets(frames)
    poses, residual = tracker._fetched(state, targets)
    assert residual[1] > 0.05
    found = tracker._recovered(state, poses, residual, targets, frames, residual > 0.05)
    after = tracker._fetched(found, targets)[1]
    assert after[1] < 0.02
    np.testing.assert_allclose(found.rotations[[0, 2]], state.rotations[[0, 2]])
    np.testing.assert_allclose(after[[0, 2]], residual[[0, 2]])


def test_a_pose_waits_while_its_frame_stays(body, stroll):
    motion, track = long_take(body, stroll)
    parts = site_parts(body, track.layout.sites)
    tracker = tracker_of(track, body, parts, stroll.betas)
    at = np.array([10, 50])
    state = tracker.state(Poses(exp_map(motion.poses[at]), motion.trans[at]))
    ((frames, after, _),) = tracker.follow(state, at, [[10, 51]])
    np.testing.assert_array_equal(frames, [10, 51])
    np.testing.assert_array_equal(after.rotations[0], state.rotations[0])
    assert np.abs(after.rotations[1] - state.rotations[1]).max() > 0.0


def test_a_take_far_from_the_origin_is_solved_as_well(body, stroll):
    near = lsmpl.solve(body.keypoints(stroll), body, betas=stroll.betas, start_pose=stroll.poses[0])
    away = replace(stroll, trans=stroll.trans + [3000.0, -2000.0, 50.0])
    far = lsmpl.solve(body.keypoints(away), body, betas=stroll.betas, start_pose=stroll.poses[0])
    assert np.degrees(angle_between(exp_map(near.poses), exp_map(far.poses))).max() < 0.1
    np.testing.assert_allclose(far.trans - [3000.0, -2000.0, 50.0], near.trans, atol=1e-4)


def test_a_given_start_pose_is_true_in_chunks_too(body, stroll):
    motion, track = long_take(body, stroll, frames=320)
    solved = lsmpl.solve(track, body, betas=stroll.betas, start_pose=motion.poses[0])
    np.testing.assert_allclose(exp_map(solved.poses[0]), exp_map(motion.poses[0]), atol=1e-6)


@pytest.mark.parametrize("noisy", [True, False])
def test_a_take_is_gone_once_it_is_solved(body, stroll, noisy):
    """Without the garbage collector, which comes by seldom: a batch would grow by megabytes with every take."""
    track = long_take(body, stroll, 40)[1] if noisy else body.keypoints(stroll)
    gc.collect()
    gc.disable()
    try:
        before = count_alive(Problem, Tracker, KeypointModel)
        lsmpl.solve(track, body)
        assert count_alive(Problem, Tracker, KeypointModel) == before
    finally:
        gc.enable()


def count_alive(*kinds: type) -> int:
    return sum(type(thing) in kinds for thing in gc.get_objects())
