"""Motions are checked when made, and survive a file."""

from dataclasses import replace

import numpy as np
import pytest

import lsmpl_core as lsmpl
from lsmpl_core.body.skeleton import SMPLX
from lsmpl_core.errors import MotionFileError


@pytest.fixture
def motion(stroll) -> lsmpl.Motion:
    residual = np.full((len(stroll), 2), 0.01)
    residual[3] = np.nan
    residual[4, 1] = 0.03
    return lsmpl.Motion(
        stroll.poses, stroll.trans, stroll.betas, 59.94, residual, ("nose", "neck"), stroll.body, first_frame=7
    )


def test_a_saved_motion_loads_as_it_was(motion, tmp_path):
    motion.save(tmp_path / "walk.npz")
    again = lsmpl.Motion.load(tmp_path / "walk.npz")
    for name in ("poses", "trans", "betas", "residual"):
        np.testing.assert_allclose(getattr(again, name), getattr(motion, name), atol=1e-6)
    for name in ("fps", "keypoint_names", "body", "gender", "first_frame"):
        assert getattr(again, name) == getattr(motion, name)


def test_a_saved_file_has_amass_keys(motion, tmp_path):
    motion.save(tmp_path / "walk.npz")
    with np.load(tmp_path / "walk.npz", allow_pickle=False) as file:
        assert file["poses"].shape == (60, 72)
        assert file["residual"].shape == (60, 2)
        assert {"trans", "betas", "mocap_framerate", "gender"} <= set(file.files)


def test_smplh_files_give_their_body_joints(motion, tmp_path):
    poses = np.concatenate([motion.poses.reshape(60, 72)[:, :66], np.full((60, 90), 0.5)], axis=1)
    np.savez(tmp_path / "amass.npz", poses=poses, trans=motion.trans, betas=np.zeros(16), mocap_framerate=120.0)
    loaded = lsmpl.Motion.load(tmp_path / "amass.npz")
    np.testing.assert_allclose(loaded.poses[:, :22], motion.poses[:, :22])
    assert not loaded.poses[:, 22:].any()
    assert loaded.fps == 120.0


def test_amass_smplx_files_give_their_body_joints_and_nothing_in_them_is_unpickled(motion, tmp_path):
    poses = np.concatenate([motion.poses.reshape(60, 72)[:, :66], np.full((60, 99), 0.5)], axis=1)
    stageii = {"surface_model_type": "smplx", "gender": b"female", "mocap_frame_rate": 120.0, "betas": np.ones(16)}
    labels = np.array({"LFHD": 12}, dtype=object)
    np.savez(tmp_path / "x_stageii.npz", poses=poses, trans=motion.trans, markers_latent_vids=labels, **stageii)
    loaded = lsmpl.Motion.load(tmp_path / "x_stageii.npz")
    np.testing.assert_allclose(loaded.poses[:, :22], motion.poses[:, :22])
    assert not loaded.poses[:, 22:].any()
    assert (loaded.fps, loaded.gender, loaded.body) == (120.0, "female", SMPLX.name)


def test_frame_residual_is_the_mean_of_what_was_seen(motion):
    assert motion.frame_residual[4] == pytest.approx(0.02)
    assert np.isnan(motion.frame_residual[3])


def test_a_slice_keeps_count_of_frames(motion):
    part = motion.frames(slice(10, 20))
    assert (len(part), part.first_frame) == (10, 17)
    np.testing.assert_array_equal(part.residual, motion.residual[10:20])
    chosen = np.arange(60) % 2 == 0
    np.testing.assert_array_equal(motion.frames(chosen).poses, motion.poses[::2])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"poses": np.zeros((5, 23, 3))}, r"poses have shape \(5, 23, 3\)"),
        ({"trans": np.zeros((4, 3))}, "trans has shape"),
        ({"trans": np.full((5, 3), np.nan)}, "not finite"),
        ({"betas": np.zeros(3)}, "betas have shape"),
        ({"fps": 0.0}, "frame rate is 0"),
        ({"residual": np.zeros(5)}, "residual has shape"),
    ],
)
def test_a_motion_that_makes_no_sense_is_refused(change, message):
    good = {"poses": np.zeros((5, 24, 3)), "trans": np.zeros((5, 3))}
    with pytest.raises(MotionFileError, match=message):
        lsmpl.Motion(**{**good, **change})


def damaged(path, kind):
    if kind == "missing":
        return
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "text":
        path.write_text("not an npz")
    elif kind == "truncated":
        np.savez(path, poses=np.zeros((50, 72)), trans=np.zeros((50, 3)))
        path.write_bytes(path.read_bytes()[:-300])
    elif kind == "pickled":
        np.savez(path, poses=np.array([{"a": 1}], dtype=object), trans=np.zeros((1, 3)))
    elif kind == "no poses":
        np.savez(path, trans=np.zeros((1, 3)))
    elif kind == "words":
        np.savez(path, poses=np.array([["a"] * 72]), trans=np.zeros((1, 3)))


@pytest.mark.parametrize("kind", ["missing", "empty", "text", "truncated", "pickled", "no poses", "words"])
def test_a_damaged_file_is_named(kind, tmp_path):
    path = tmp_path / "take.npz"
    damaged(path, kind)
    with pytest.raises(MotionFileError, match=r"take\.npz"):
        lsmpl.Motion.load(path)


def test_a_failed_save_leaves_the_old_file(motion, tmp_path, monkeypatch):
    path = tmp_path / "walk.npz"
    motion.save(path)
    before = path.read_bytes()
    monkeypatch.setattr(np, "savez_compressed", lambda *a, **k: (_ for _ in ()).throw(OSError(28, "disk full")))
    with pytest.raises(MotionFileError, match="disk full"):
        motion.save(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["walk.npz"]


def test_what_became_of_the_keypoints_is_saved_and_sliced(motion, tmp_path):
    condition = np.ones((len(motion), 2), dtype=np.uint8)
    condition[3] = [lsmpl.Condition.REJECTED, lsmpl.Condition.FILLED]
    whole = replace(motion, condition=condition)
    whole.save(tmp_path / "motion.npz")
    loaded = lsmpl.Motion.load(tmp_path / "motion.npz")
    assert loaded.condition.dtype == np.uint8
    np.testing.assert_array_equal(loaded.condition, condition)
    np.testing.assert_array_equal(loaded.frames(slice(3, 5)).condition, condition[3:5])


def test_an_unknown_condition_is_refused_with_the_known_ones(motion):
    with pytest.raises(MotionFileError, match="4 rejected"):
        replace(motion, condition=np.full((len(motion), 2), 9))
