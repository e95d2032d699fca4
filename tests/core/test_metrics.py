"""Error measures on cases whose answer is known."""

import numpy as np
import pytest

import lsmpl_core as lsmpl
from lsmpl_core.metrics import (
    MILLIMETRES,
    RIGHT_ANKLE,
    acceleration_error,
    mpjpe,
    pa_mpjpe,
    pa_pve,
    procrustes,
    published_pa_pve,
    published_pve,
    pve,
    vertex_areas,
)
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


def test_the_published_alignment_is_at_the_right_ankle_and_counts_vertices_alike(body, stroll):
    short = stroll.frames(slice(0, 4))
    poses = short.poses.copy()
    poses[:, RIGHT_ANKLE] = [0.4, 0.1, 0.0]
    bent = lsmpl.Motion(poses, short.trans + [0.3, 0.0, 0.0], short.betas, body=body.key)
    vertices, moved = body.vertices(short).astype(np.float64), body.vertices(bent).astype(np.float64)
    at = [body.joint_regressor[RIGHT_ANKLE] @ surface for surface in (vertices, moved)]
    error = np.linalg.norm((moved - at[1][:, None]) - (vertices - at[0][:, None]), axis=-1).mean() * MILLIMETRES
    assert published_pve(body, short, bent) == pytest.approx(error, rel=1e-6)
    shifted = lsmpl.Motion(short.poses, short.trans + [1.0, 2.0, 0.0], short.betas, body=body.key)
    assert published_pve(body, short, shifted) < 1e-3
    assert published_pa_pve(body, short, shifted) < 1e-2


def test_areas_add_up_to_a_persons_skin(body):
    assert 1.4 < vertex_areas(body).sum() < 2.6


def test_acceleration_error_of_a_parabola_is_its_acceleration():
    t = np.arange(20)[:, None, None] / 30.0
    fall = np.zeros((20, 24, 3)) + 0.5 * 9.81 * t**2 * np.array([0.0, 0.0, 1.0])
    assert acceleration_error(np.zeros_like(fall), fall, 30.0) == pytest.approx(9810.0)


def test_frames_that_are_not_valid_do_not_count_in_the_acceleration():
    still = np.zeros((20, 24, 3))
    jump = still.copy()
    jump[7:9] = 1.0
    valid = np.ones(20, dtype=bool)
    valid[7:9] = False
    assert acceleration_error(still, jump, 30.0) > 0.0
    assert acceleration_error(still, jump, 30.0, valid) == 0.0
    assert np.isnan(acceleration_error(still, jump, 30.0, ~valid))
