"""Body shape and noise from a take: what poses could explain as well is left out of both."""

import importlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import lsmpl_core as lsmpl
from benchmarks.faults import Faults, with_faults
from lsmpl_core.backends.arrays import choose_backend
from lsmpl_core.body.sites import site_parts
from lsmpl_core.rotation import exp_map
from lsmpl_core.solver import shape_estimation
from lsmpl_core.solver.poses import Poses
from lsmpl_core.solver.problem import Problem
from lsmpl_core.solver.settling import measured_noise, pose_fit, settle
from lsmpl_core.solver.shape import fit_shape, refine_shape
from lsmpl_core.solver.shape_equations import Freedom

FRAMES = np.arange(0, 60, 2)
MILLIMETRES = 1000.0


def settled(body, track, parts, betas, motion, noise=0.001):
    """A take on these betas, and the poses of `FRAMES` settled from the true ones."""
    options = lsmpl.SolveOptions(solver="polish", noise=noise)
    problem = Problem.of(track, body, parts, betas, choose_backend("numpy"), options)
    poses = Poses(exp_map(motion.poses[FRAMES]), motion.trans[FRAMES])
    return problem, settle(problem, poses, FRAMES, 12)


@pytest.mark.parametrize("wrong", [0, 1, 3])
def test_a_wrong_beta_is_put_right(body, stroll, wrong):
    track = body.keypoints(stroll)
    parts = site_parts(body, track.layout.sites)
    betas, offsets = stroll.betas.copy(), np.zeros((parts.count, 3))
    betas[wrong] += 1.0
    before = np.abs(betas - stroll.betas).max()
    for _ in range(3):
        problem, poses = settled(body, track, parts, betas, stroll)
        noise = max(measured_noise(problem, poses, FRAMES), 0.0005)
        fit = pose_fit(problem, poses, FRAMES, Freedom.of(np.zeros(parts.count)))
        betas, offsets = refine_shape(betas, offsets, fit, np.zeros(parts.count), noise)
    assert np.abs(betas - stroll.betas)[wrong] < 0.3 * before
    assert np.abs(offsets).max() < 1e-6


def test_a_displaced_site_is_found_where_its_spread_allows(body, stroll):
    track = body.keypoints(stroll)
    parts = site_parts(body, track.layout.sites)
    k = track.layout.keypoints.index("left_elbow")
    truth = np.zeros((parts.count, 3))
    truth[k] = (0.02, 0.0, 0.0)  # Along the arm: another pose could not do it.
    moved = Problem.of(track, body, parts, stroll.betas, choose_backend("numpy"), lsmpl.SolveOptions(noise=0.0), truth)
    state = moved.model.state(exp_map(stroll.poses), stroll.trans)
    track = replace(track, positions=state.keypoints)
    problem, poses = settled(body, track, parts, stroll.betas, stroll)
    displaced = []
    for sigma in (np.full(parts.count, 0.015), np.zeros(parts.count)):
        fit = pose_fit(problem, poses, FRAMES, Freedom.of(sigma))
        displaced.append(refine_shape(stroll.betas, 0.0 * truth, fit, sigma, 0.001)[1])
    found, fixed = displaced
    assert found[k, 0] > 0.01
    assert np.abs(fixed).max() < 1e-6


@pytest.mark.parametrize("noise", [0.002, 0.01])
@pytest.mark.parametrize("layout", ["body_25", "mediapipe_33", "human36m_17"])
def test_noise_is_measured_though_poses_follow_it(body, stroll, noise, layout):
    track = body.keypoints(stroll, layout)
    rng = np.random.default_rng(0)
    track = replace(track, positions=track.positions + noise * rng.normal(size=track.positions.shape))
    parts = site_parts(body, track.layout.sites)
    problem, poses = settled(body, track, parts, stroll.betas, stroll, noise)
    assert measured_noise(problem, poses, FRAMES) == pytest.approx(noise, rel=0.15)


def test_noise_is_told_from_sites_that_are_elsewhere_in_all_frames(body, stroll):
    track, rng = body.keypoints(stroll), np.random.default_rng(0)
    parts = site_parts(body, track.layout.sites)
    offsets = 0.01 * rng.normal(size=(parts.count, 3))
    options = lsmpl.SolveOptions(noise=0.0)
    moved = Problem.of(track, body, parts, stroll.betas, choose_backend("numpy"), options, offsets)
    positions = moved.model.state(exp_map(stroll.poses), stroll.trans).keypoints
    shares = []
    for displaced, noise in ((True, 0.0), (True, 0.01), (False, 0.01)):
        seen = positions if displaced else track.positions
        noisy = replace(track, positions=seen + noise * rng.normal(size=seen.shape))
        problem, poses = settled(body, noisy, parts, stroll.betas, stroll, 0.01)
        shares.append(pose_fit(problem, poses, FRAMES).constant_share(independent=4.0))
    assert shares[0] > 0.8
    assert 0.1 < shares[1] < 0.8
    assert shares[2] < 0.05


@pytest.mark.parametrize("stiff", [True, False])
def test_another_skeleton_makes_no_body_that_nobody_has(body, stroll, stiff, monkeypatch):
    """Proportions that no betas have were met by betas of 4, of which a waist comes out wrung."""
    pytest.importorskip("torch", reason="benchmarks, whose made-up skeletons these are, need PyTorch")
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    other = importlib.import_module("other_skeletons").other_skeleton("another", stroll, body, 3, stiff)
    solved = lsmpl.solve(other.track, body)
    assert np.abs(solved.betas).max() < 3.0
    assert MILLIMETRES * np.nanmean(solved.residual) < 5.0


def test_exact_keypoints_alone_tell_the_body(body, stroll):
    betas = np.array([1.0, -1.5, 0.5, 0.0, -0.5, 0.0, 0.5, 0.0, 0.0, 0.5])
    motion = replace(stroll, betas=betas)
    solved = lsmpl.solve(body.keypoints(motion, "mediapipe_33"), body)
    assert np.abs(solved.betas - betas).mean() < 0.35
    apart = np.linalg.norm(body.joints(solved)[:, :22] - body.joints(motion)[:, :22], axis=2)
    assert MILLIMETRES * apart.mean() < 8.0


def off_body(body, motion, layout="body_25") -> float:
    """Millimetres by which the rest joints of the body that a noisy take comes out on are off its own."""
    track = body.keypoints(motion, layout)
    shake = 0.01 * np.random.default_rng(1).normal(size=track.positions.shape)
    solved = lsmpl.solve(replace(track, positions=track.positions + shake), body)
    a, b = body.rest_joints(solved.betas)[:22], body.rest_joints(motion.betas)[:22]
    return MILLIMETRES * np.linalg.norm((a - a[0]) - (b - b[0]), axis=1).mean()


def test_noise_is_not_taken_for_displaced_sites(body, stroll):
    """Betas are known by little while every site may be anywhere."""
    off = [off_body(body, replace(stroll, betas=np.random.default_rng(seed).normal(size=10))) for seed in (2, 3)]
    assert np.mean(off) < 8.0


def test_sites_of_detectors_that_are_displaced_are_met(body, stroll):
    """Hips that lie 3 cm outside and above SMPL's, as detectors draw them, widen no body."""
    track = with_faults(body.keypoints(stroll), Faults(noise=0.003, hips=0.03), 0).track
    solved = lsmpl.solve(track, body)
    hips = [track.layout.index(f"{side}_hip") for side in ("left", "right")]
    assert np.nanmean(solved.residual[:, hips]) < 0.012
    a, b = body.rest_joints(solved.betas)[:22], body.rest_joints(stroll.betas)[:22]
    assert MILLIMETRES * np.linalg.norm((a - a[0]) - (b - b[0]), axis=1).mean() < 15.0


def test_a_child_is_no_adult_of_the_smallest_kind(body, stroll):
    """1.2 m are more than five standard deviations of stature."""
    child = replace(stroll, betas=np.array([-5.6, -2.3, *np.zeros(8)]))
    track = body.keypoints(child)
    betas = fit_shape(track, body, site_parts(body, track.layout.sites))
    legs = [np.linalg.norm(body.rest_joints(b)[1] - body.rest_joints(b)[7]) for b in (child.betas, betas)]
    assert legs[1] == pytest.approx(legs[0], abs=0.01)


@pytest.mark.parametrize("frames", [24, 60])
def test_shapes_are_asked_of_poses_that_are_settled(body, stroll, frames, monkeypatch):
    """Whether the rounds are for few frames first, or there are no more than those."""
    track = body.keypoints(stroll).frames(slice(0, frames))
    track = replace(track, positions=track.positions + np.random.default_rng(2).normal(0, 0.01, track.positions.shape))
    moved, ask = [], shape_estimation.pose_fit

    def asked(problem, poses, frames, *freedom):
        again = problem.state(settle(problem, poses, frames)).keypoints
        moved.append(np.linalg.norm(again - problem.state(poses).keypoints, axis=-1).mean())
        return ask(problem, poses, frames, *freedom)

    monkeypatch.setattr(shape_estimation, "pose_fit", asked)
    lsmpl.solve(track, body)
    assert len(moved) > 2
    assert max(moved) < 2e-4, "metres, of 10 mm that keypoints are off"
