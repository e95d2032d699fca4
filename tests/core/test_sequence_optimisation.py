"""All frames polished together: less noise, gaps without a pop, and the same motion however it is cut up."""

from dataclasses import replace

import numpy as np
import pytest

import lsmpl_core as lsmpl
from lsmpl_core.backends.arrays import choose_backend
from lsmpl_core.body.sites import site_parts
from lsmpl_core.body.skeleton import ANCESTORS
from lsmpl_core.metrics import acceleration_error, mpjpe
from lsmpl_core.progress import run_to_end
from lsmpl_core.resampling import resample
from lsmpl_core.rotation import angle_between, exp_map
from lsmpl_core.solver import sequence_optimisation
from lsmpl_core.solver.banded import solve_banded
from lsmpl_core.solver.options import SolveOptions
from lsmpl_core.solver.poses import Poses
from lsmpl_core.solver.problem import Problem
from lsmpl_core.solver.sequence_optimisation import optimise_where_needed, plan_sections
from lsmpl_core.solver.tracking import Tracker


def noisy(body, motion, noise, seed=0):
    track = body.keypoints(motion)
    shake = noise * np.random.default_rng(seed).normal(size=track.positions.shape)
    return replace(track, positions=track.positions + shake)


def hidden(track, frames, names):
    confidence = track.confidence.copy()
    for name in names:
        confidence[frames, track.layout.index(name)] = 0.0
    return replace(track, confidence=confidence)


@pytest.mark.parametrize("frames", [1, 2, 3, 7])
def test_banded_systems_are_solved_as_dense_ones(rng, frames):
    N, n = 6, 2
    whole = np.zeros((frames, N, frames, N))
    for i in range(frames - 2):
        rows = rng.normal(size=(3, n, 3, 3))
        for a in range(3):
            for b in range(3):
                for j in range(n):
                    some = slice(3 * j, 3 * j + 3)
                    whole[i + a, some, i + b, some] += rows[a, j].T @ rows[b, j]
    for t in range(frames):
        own = rng.normal(size=(N, N))
        whole[t, :, t] += own @ own.T + np.eye(N)

    def blocks(ahead):
        pairs = [whole[t, :, t + ahead] for t in range(frames - ahead)]
        found = [[pair[3 * j : 3 * j + 3, 3 * j : 3 * j + 3] for j in range(n)] for pair in pairs]
        return np.array(found).reshape(-1, n, 3, 3)

    right = rng.normal(size=(frames, N))
    diagonal = np.stack([whole[t, :, t] for t in range(frames)])
    found = solve_banded(diagonal, blocks(1), blocks(2), right)
    expected = np.linalg.solve(whole.reshape(frames * N, -1), right.ravel())
    np.testing.assert_allclose(found.ravel(), expected, rtol=1e-9, atol=1e-9)
    several = (np.stack([array, array], axis=1) for array in (diagonal, blocks(1), blocks(2), right))
    np.testing.assert_array_equal(solve_banded(*several), np.stack([found, found], axis=1))


def test_noise_is_averaged_over_frames(body, stroll):
    track, truth = noisy(body, stroll, 0.01), body.joints(stroll)[:, :22]
    error = {}
    for couple in (True, False):
        solved = lsmpl.solve(track, body, betas=stroll.betas, options=lsmpl.SolveOptions(optimise_sequence=couple))
        joints = body.joints(solved)[:, :22]
        error[couple] = mpjpe(truth, joints), acceleration_error(truth, joints, stroll.fps)
    assert error[True][0] < 0.85 * error[False][0]
    assert error[True][1] < 0.25 * error[False][1]


def test_frames_that_are_polished_together_come_to_rest(body, stroll, monkeypatch):
    """Predictions that were renewed in every round drew joints to wherever the last one had put them."""
    track, solved = noisy(body, stroll, 0.01), []
    for rounds in (sequence_optimisation.SEQUENCE_ROUNDS, 6):
        monkeypatch.setattr(sequence_optimisation, "SEQUENCE_ROUNDS", rounds)
        solved.append(exp_map(lsmpl.solve(track, body, betas=stroll.betas).poses))
    assert np.degrees(angle_between(*solved)).mean() < 0.1


def test_sections_on_threads_are_what_they_are_one_after_the_other(body, stroll, monkeypatch):
    track = noisy(body, stroll, 0.01)
    monkeypatch.setattr(sequence_optimisation, "SECTION_FRAMES", 20)
    solved = []
    for threads in (1, 3):
        monkeypatch.setattr(sequence_optimisation, "worker_threads", lambda threads=threads: threads)
        reports = []
        solved.append(lsmpl.solve(track, body, betas=stroll.betas, progress=reports.append))
        assert "sequence" in {report.stage for report in reports}
    assert np.array_equal(solved[0].poses, solved[1].poses)
    assert np.array_equal(solved[0].trans, solved[1].trans)


def test_frames_are_polished_together_only_where_that_is_needed(body, stroll):
    def stages(track):
        reports = []
        lsmpl.solve(track, body, betas=stroll.betas, progress=reports.append)
        return {report.stage for report in reports}

    track = body.keypoints(stroll)
    assert "sequence" not in stages(track)
    assert "sequence" in stages(noisy(body, stroll, 0.01))
    assert "sequence" in stages(hidden(track, slice(20, 40), ["left_wrist"]))


def test_noise_that_is_quiet_at_30_frames_a_second_is_not_at_120(body, stroll):
    """Solved one by one, the same noise would shake a body sixteen times as much."""
    slow = resample(stroll, 120.0).frames(slice(0, 60))
    solved = lsmpl.solve(noisy(body, slow, 0.0015), body, betas=slow.betas)
    options = SolveOptions(optimise_sequence=False)
    alone = lsmpl.solve(noisy(body, slow, 0.0015), body, betas=slow.betas, options=options)
    of = lambda motion: acceleration_error(body.joints(slow), body.joints(motion), 120.0)  # noqa: E731
    assert of(solved) < 0.3 * of(alone)


@pytest.mark.parametrize("gap", [["left_elbow", "left_wrist"], "all"])
def test_a_long_gap_pops_at_neither_end(body, stroll, gap):
    track = body.keypoints(stroll)
    track = hidden(track, slice(22, 38), track.layout.keypoints if gap == "all" else gap)
    solved = body.joints(lsmpl.solve(track, body, betas=stroll.betas))[:, :22]
    truth = body.joints(stroll)[:, :22]
    fastest = np.linalg.norm(np.diff(truth, 2, axis=0), axis=-1).max()
    assert np.linalg.norm(np.diff(solved, 2, axis=0), axis=-1).max() < 1.6 * fastest
    assert np.linalg.norm(solved - truth, axis=-1).max() < 0.2


def test_a_missing_keypoint_leaves_other_limbs_as_they_are(body, stroll):
    """Where keypoints are quiet, nothing is smoothed that they show: 3.6 degrees at a knee for a marker on the head."""
    whole = noisy(body, stroll, 0.002)
    motions = [
        lsmpl.solve(track, body, betas=stroll.betas) for track in (whole, hidden(whole, slice(25, 35), ["right_wrist"]))
    ]
    turned = np.degrees(angle_between(*(exp_map(motion.poses) for motion in motions))).max(axis=0)
    arm = [
        name.startswith("right_") and name.split("_")[1] in ("shoulder", "elbow", "wrist") for name in body.joint_names
    ]
    assert turned[~np.array(arm)].max() < 1.0
    assert turned[arm].max() > 1.0


def test_a_joint_that_no_keypoint_shows_does_not_swing_to_and_fro(body, stroll):
    """As the network's guesses of it may; what keypoints show stays as it was."""
    track = body.keypoints(stroll)
    parts = site_parts(body, track.layout.sites)
    hand = body.joint_names.index("left_hand")
    assert not ANCESTORS[parts.parent_joint, hand].any()
    problem = Problem.of(track, body, parts, stroll.betas, choose_backend("numpy"), SolveOptions(noise=0.001))

    def polished(swing):
        turned = stroll.poses.copy()
        turned[::2, hand, 2] += np.radians(swing)
        poses = Poses(exp_map(turned), stroll.trans)
        nothing = np.zeros((len(stroll), len(body.joint_names)), dtype=bool)
        return poses, run_to_end(optimise_where_needed(Tracker.of(problem), poses, nothing))

    for swing, fast in ((10.0, False), (60.0, True)):
        before, after = polished(swing)
        steps = np.degrees(angle_between(after.rotations[1:, hand], after.rotations[:-1, hand]))
        assert (steps.max() < 15.0) if fast else (after is before)
        others = np.delete(np.arange(len(body.joint_names)), hand)
        assert np.abs(after.rotations[:, others] - before.rotations[:, others]).max() < 1e-6


def test_a_keypoint_that_is_metres_away_is_as_good_as_missing(body, stroll):
    whole = noisy(body, stroll, 0.002)
    missing, wild = hidden(whole, slice(25, 35), ["nose"]), replace(whole, positions=whole.positions.copy())
    wild.positions[25:35, wild.layout.index("nose")] += [3.0, 0.0, 0.0]
    motions = [lsmpl.solve(track, body) for track in (missing, wild)]
    turned = np.degrees(angle_between(*(exp_map(motion.poses) for motion in motions)))
    assert turned.max() < 0.01


def test_a_given_first_pose_stays(body, stroll):
    solved = lsmpl.solve(noisy(body, stroll, 0.01), body, betas=stroll.betas, start_pose=stroll.poses[0])
    np.testing.assert_allclose(exp_map(solved.poses[0]), exp_map(stroll.poses[0]), atol=1e-6)


@pytest.mark.parametrize("frames", [1, 2, 600, 645, 1300])
@pytest.mark.parametrize("fps", [10.0, 250.0])
def test_sections_share_every_frame(frames, fps):
    total = np.zeros(frames)
    for some, share in plan_sections(frames, fps):
        assert (share >= 0.0).all()
        total[some] += share
    np.testing.assert_allclose(total, 1.0)


def test_sections_give_what_the_whole_gives(body, stroll, monkeypatch):
    back = np.concatenate([np.arange(60), np.arange(59, -1, -1), np.arange(60)])
    motion = replace(stroll, poses=stroll.poses[back], trans=stroll.trans[back])
    track = noisy(body, motion, 0.008)
    whole = body.joints(lsmpl.solve(track, body, betas=stroll.betas))
    monkeypatch.setattr(sequence_optimisation, "SECTION_FRAMES", 50)
    assert len(plan_sections(180, 30.0)) > 2
    parts = body.joints(lsmpl.solve(track, body, betas=stroll.betas))
    assert np.abs(parts - whole).max() < 1e-3


def test_numpy_and_torch_give_the_same_motion(body, stroll):
    pytest.importorskip("torch")
    track = noisy(body, stroll.frames(slice(0, 20)), 0.01)
    joints = [body.joints(lsmpl.solve(track, body, betas=stroll.betas, device=d)) for d in ("numpy", "cpu")]
    assert np.abs(joints[0] - joints[1]).max() < 1e-4


def test_one_and_two_frames_are_left_alone(body, stroll):
    for count in (1, 2):
        track = noisy(body, stroll.frames(slice(0, count)), 0.01)
        solved = lsmpl.solve(track, body, betas=stroll.betas, options=lsmpl.SolveOptions(optimise_sequence=True))
        assert np.isfinite(solved.poses).all()
