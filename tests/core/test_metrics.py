"""Error measures on cases whose answer is known."""

import numpy as np
import pytest

import lsmpl_core as lsmpl
from lsmpl_core.metrics import acceleration_error, mpjpe, pa_mpjpe, pa_pve, procrustes, pve, vertex_areas
from lsmpl_core.rotation import exp_map, log_map


def test_a_motion_has_no_error_against_itself_wherever_it_stands(body, stroll):
    moved = lsmpl.Motion(stroll.poses, stroll.trans + [1.0, 2.0, 0.0], stroll.betas, body=body.key)
    assert pve(body, stroll, moved) < 1e-3
    assert mpjpe(body.joints(stroll), body.joints(moved)) < 1e-9


def test_procrustes_undoes_a_similarity(rng):
    points = rng.normal(size=(4, 30, 3))
    turn = exp_map(rng.normal(size=(4, 3)))
    moved = 1.7 * np.einsum("tij,tnj->tni", turn, points) + rng.normal(size=(4, 1, 3))
    np.testing.assert_allclose(procrustes(points, moved, rng.random(30)), moved, atol=1e-9)
    assert pa_mpjpe(moved, points) < 1e-9


def test_procrustes_never_mirrors(rng):
    points = rng.normal(size=(1, 30, 3))
    assert np.linalg.norm(procrustes(points, points * [-1.0, 1.0, 1.0]) - points * [-1.0, 1.0, 1.0]) > 0.1


def test_a_global_turn_counts_in_pve_and_not_in_pa_pve(body, stroll):
    poses = stroll.poses.copy()
    poses[:, 0] = log_map(exp_map(np.array([0.0, 0.0, 0.5])) @ exp_map(poses[:, 0]))
    turned = lsmpl.Motion(poses, stroll.trans, stroll.betas, body=body.key)
    short = slice(0, 5)
    assert pve(body, stroll.frames(short), turned.frames(short)) > 20.0
    assert pa_pve(body, stroll.frames(short), turned.frames(short)) < 0.01


def test_bent_hands_do_not_count_without_hands(body, stroll):
    poses = stroll.poses.copy()
    poses[:, 20:24, 2] += 1.0
    bent = lsmpl.Motion(poses, stroll.trans, stroll.betas, body=body.key)
    short = slice(0, 3)
    whole = pve(body, stroll.frames(short), bent.frames(short))
    without = pve(body, stroll.frames(short), bent.frames(short), hands=False)
    assert whole > 1.0
    assert without < 0.2 * whole


def test_areas_add_up_to_a_persons_skin(body):
    assert 1.4 < vertex_areas(body).sum() < 2.6


def test_acceleration_error_of_a_parabola_is_its_acceleration():
    t = np.arange(20)[:, None, None] / 30.0
    fall = np.zeros((20, 24, 3)) + 0.5 * 9.81 * t**2 * np.array([0.0, 0.0, 1.0])
    assert acceleration_error(np.zeros_like(fall), fall, 30.0) == pytest.approx(9810.0)
