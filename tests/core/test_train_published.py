"""Training by the published recipe: what pairs it draws, that it learns and resumes, and what it leaves is loaded."""

from pathlib import Path

import numpy as np
import pytest

import lsmpl_core as lsmpl

torch = pytest.importorskip("torch", reason="training needs PyTorch")

from lsmpl_core.published.network import PublishedNetwork, read_checkpoint  # noqa: E402
from lsmpl_core.rotation import exp_map  # noqa: E402
from training.loop import cosine  # noqa: E402
from training.train_published import Config, Pairs, Trainer, geodesic, split_files  # noqa: E402


@pytest.fixture(scope="module")
def folder(stroll, tmp_path_factory) -> Path:
    """Two subjects' clips at 60 Hz, one of them held out; a clip that is too short; a file that is none."""
    folder = tmp_path_factory.mktemp("amass")
    for name, frames in (("900_01", 240), ("02_01", 240), ("901_01", 20)):
        order = np.concatenate([np.arange(60), np.arange(59, -1, -1)])[np.arange(frames) // 2 % 120]
        lsmpl.Motion(stroll.poses[order], stroll.trans[order], stroll.betas, fps=60.0).save(folder / f"{name}.npz")
    (folder / "shape.npz").write_bytes(b"nothing")
    return folder


def config(out, **changes) -> Config:
    small = {"epochs": 4, "batch": 8, "learning_rate": 1e-3, "vertices": 200, "threads": 1, "device": "cpu"}
    return Config(**(small | {"out": str(out)} | changes))


def test_pairs_keep_to_the_middle_of_a_clip_at_30_frames_a_second(folder, stroll):
    pairs = Pairs.load(sorted(folder.glob("900*.npz")), 10)
    assert len(pairs.poses) == 96  # of 240 frames the middle 192, every other one
    assert pairs.starts.tolist() == list(range(0, 96 - 9, 10))
    np.testing.assert_allclose(pairs.poses[0], stroll.poses[12], atol=1e-6)
    np.testing.assert_allclose(pairs.betas[5], stroll.betas, atol=1e-6)


def test_pairs_are_drawn_at_the_strides_both_ways_and_never_damaged(folder, tmp_path):
    trainer = Trainer(config(tmp_path), str(folder))
    trainer.pairs.intact[5] = False
    first, second = (torch.cat(frames) for frames in zip(*(trainer.drawn(trainer.pairs.starts) for _ in range(60))))
    assert set((second - first).tolist()) == {s * way for s in (1, 3, 5, 7, 9) for way in (1, -1)}
    assert not ((first == 5) | (second == 5)).any()


def test_files_are_split_by_subject_or_at_random():
    paths = [Path(f"{subject}_{clip:02d}.npz") for subject in ("02", "900") for clip in range(10)]
    train, test = split_files(paths, "subject", 0)
    assert {path.stem[:2] for path in test} == {"02"} and len(train) == len(test) == 10
    train, test = split_files(paths, "file", 0)
    assert (len(train), len(test)) == (14, 6) and not set(train) & set(test)
    assert split_files(paths, "file", 0) == (train, test) != split_files(paths, "file", 1)


def test_the_rate_falls_from_the_first_step_to_the_last():
    rates = [cosine(done, 1e-4, 1e-6) for done in (0.0, 0.5, 1.0)]
    np.testing.assert_allclose(rates, [1e-4, 0.5 * (1e-4 + 1e-6), 1e-6])


def test_geodesic_distance_is_the_angle_with_a_finite_gradient():
    turns = torch.tensor([[0.0, 0.0, 0.0], [0.3, 0.0, 0.0], [0.0, 3.0, 0.0]], requires_grad=True)
    angle = geodesic(exp_map(turns), torch.eye(3).expand(3, 3, 3))
    np.testing.assert_allclose(angle.detach(), [0.0, 0.3, 3.0], atol=2e-3)
    angle.sum().backward()
    assert torch.isfinite(turns.grad).all()


def test_a_run_learns_and_resumes_and_its_checkpoint_is_one_of_the_published_form(folder, tmp_path):
    run = Trainer(config(tmp_path / "run", epochs=3), str(folder))
    before = run.test_error()
    run.train()
    again = Trainer(config(tmp_path / "run", epochs=6), str(folder))
    again.train()
    assert [row["epoch"] for row in again.log] == [1, 2, 3, 4, 5, 6]
    assert again.log[:3] == run.log
    assert again.best < 0.8 * before
    best = tmp_path / "run" / "best_ckpt.pth.tar"
    assert set(torch.load(best, weights_only=True)) == {"model", "epochs"}
    assert isinstance(PublishedNetwork.load(best), PublishedNetwork)
    assert not read_checkpoint(best)["openpose_regressor"].any()  # It is for the open body's sites.


def test_on_a_mesh_like_smpls_the_checkpoint_says_where_its_keypoints_are(folder, tmp_path, body):
    """6,890 of the open body's vertices stand in for SMPL's."""
    some = np.sort(np.random.default_rng(0).permutation(len(body.v_template))[:6890])
    arrays = body.as_smpl()
    arrays |= {name: arrays[name][some] for name in ("v_template", "shapedirs", "posedirs", "weights")}
    regressor = body.joint_regressor[:, some] + 1e-9
    arrays |= {"J_regressor": regressor / regressor.sum(axis=1, keepdims=True), "f": np.array([[0, 1, 2], [2, 3, 4]])}
    np.savez(tmp_path / "smpl.npz", **arrays)
    run = Trainer(config(tmp_path / "run", epochs=1, body=str(tmp_path / "smpl.npz"), vertices=0), str(folder))
    run.train()
    saved = read_checkpoint(tmp_path / "run" / "best_ckpt.pth.tar")["openpose_regressor"]
    np.testing.assert_allclose(saved.sum(dim=1), 1.0, atol=1e-4)
    again = Trainer(
        config(
            tmp_path / "again",
            body=str(tmp_path / "smpl.npz"),
            regressor=str(tmp_path / "run" / "best_ckpt.pth.tar"),
        ),
        str(folder),
    )
    torch.testing.assert_close(again.network.openpose_regressor.data, saved)
