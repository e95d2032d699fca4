"""Motions of others on a given body, upright; files that are known as motions by what they hold."""

from dataclasses import replace

import numpy as np
import pytest

from lsmpl_core import Motion, load_body
from lsmpl_core.estimates.adopt import adopt, turned
from lsmpl_core.estimates.reading import holds_motion
from lsmpl_core.readers.axes import TO_Z_UP
from lsmpl_core.rotation import exp_map


@pytest.fixture(scope="module")
def body():
    return load_body()


@pytest.fixture
def standing(body):
    """A body that stands in Blender's world, and moves a little."""
    poses = np.zeros((30, 24, 3))
    poses[:, 0, 0] = np.pi / 2
    poses[:, 16, 2], poses[:, 17, 2] = -1.1, 1.1
    poses[:, 1, 0] = np.linspace(0.0, -0.5, 30)
    trans = np.linspace((0.0, 0.0, 1.0), (1.0, 0.5, 1.0), 30)
    return Motion(poses, trans, np.linspace(-1, 1, 10), body=body.key)


@pytest.mark.parametrize("axis", sorted(TO_Z_UP))
def test_every_world_is_brought_to_z_up(body, standing, axis):
    away = np.array(TO_Z_UP[axis], dtype=float).T
    found = adopt(turned(standing, body, away), body)
    np.testing.assert_allclose(body.joints(found), body.joints(standing), atol=1e-6)
    assert next(decision.value for decision in found.decisions if decision.what == "up") == axis


def test_turning_turns_the_joints(body, standing):
    turn = exp_map(np.array([0.3, -0.5, 1.0]))
    np.testing.assert_allclose(body.joints(turned(standing, body, turn)), body.joints(standing) @ turn.T, atol=1e-9)


def test_what_the_file_states_is_not_straightened(body, standing):
    tilted = turned(standing, body, exp_map(np.array([0.45, 0.0, 0.0])))
    np.testing.assert_allclose(body.joints(adopt(tilted, body, stated="z")), body.joints(tilted), atol=1e-9)


def test_betas_of_another_body_are_left_out_and_told(body, standing):
    known = adopt(standing, body, "z")
    np.testing.assert_array_equal(known.betas, standing.betas)
    other = adopt(replace(standing, body="SMPL-X"), body, "z")
    assert not other.betas.any() and other.body == body.key
    (told,) = (decision for decision in other.decisions if decision.what == "shape")
    assert told.doubtful and "SMPL-X" in told.reason


def test_an_npz_is_a_motion_by_what_it_holds(tmp_path, body, standing):
    standing.save(tmp_path / "motion.npz")
    count = len(standing)
    np.savez(tmp_path / "smplh.npz", poses=np.zeros((count, 156)), trans=np.zeros((count, 3)))
    np.savez(tmp_path / "parameters.npz", global_orient=np.zeros((count, 3)), body_pose=np.zeros((count, 69)))
    np.savez(tmp_path / "points.npz", keypoints3d=np.zeros((count, 25, 3)))
    np.savez(tmp_path / "poses.npz", poses=np.zeros((count, 25, 3)))
    (tmp_path / "damaged.npz").write_bytes((tmp_path / "motion.npz").read_bytes()[:200])
    (tmp_path / "walk.trc").write_text("PathFileType")
    (tmp_path / "wham.pkl").write_bytes(b"")
    expected = {
        "motion.npz": True, "smplh.npz": True, "parameters.npz": True, "wham.pkl": True,
        "points.npz": False, "poses.npz": False, "damaged.npz": False, "walk.trc": False, "absent.npz": False,
    }  # fmt: skip
    assert {name: holds_motion(tmp_path / name) for name in expected} == expected
