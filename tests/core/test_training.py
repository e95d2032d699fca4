"""Training on a few made-up clips: the loss falls, runs resume, and what is saved is what the solver loads."""

from pathlib import Path

import numpy as np
import pytest

import lsmpl_core as lsmpl
from lsmpl_core.backends.arrays import choose_backend
from lsmpl_core.rotation import exp_map
from lsmpl_core.solver.network import load_network

torch = pytest.importorskip("torch", reason="training needs PyTorch")
pytest.importorskip("matplotlib", reason="training draws its curve with matplotlib")

from training.data import Clips, intact_frames, mirrored, mixed  # noqa: E402
from training.redistribution import MIRROR  # noqa: E402
from training.train import Config, Trainer  # noqa: E402


@pytest.fixture(scope="module")
def folder(stroll, tmp_path_factory) -> Path:
    """Three subjects' clips: two to train on, and one of those that are kept for validation."""
    folder = tmp_path_factory.mktemp("mocap")
    for name, turn in (("900_01", 0.0), ("901_01", 0.3), ("02_01", 0.1)):
        poses = np.tile(stroll.poses, (3, 1, 1))
        poses[:, [16, 17], 1] += turn * np.sin(np.linspace(0, 9, len(poses)))[:, None]
        lsmpl.Motion(poses, np.tile(stroll.trans, (3, 1)), fps=30.0).save(folder / f"{name}.npz")
    (folder / "broken.npz").write_bytes(b"nothing")
    return folder


def config(out, **changes) -> Config:
    small = {"width": 64, "blocks": 1, "batch": 16, "unroll": 2, "warm_up": 10, "threads": 1, "device": "cpu"}
    small |= {"versions": 2}
    return Config(**(small | {"iterations": 100, "validate_every": 50, "out": str(out)} | changes))


def test_validation_subjects_are_kept_out_and_broken_files_left_out(folder, body, capsys):
    train, validation = (Clips.load(folder, kept, body.joint_template) for kept in (False, True))
    assert (len(train.length), len(validation.length)) == (2, 1)
    assert "broken.npz" in capsys.readouterr().out


def test_windows_keep_to_their_clip_and_their_stride(folder, body):
    clips = Clips.load(folder, False, body.joint_template)
    clips.trans[:, 0] = torch.arange(len(clips.trans)) * 1.0
    _, trans, _ = clips.windows(64, 4, torch.Generator().manual_seed(0))
    step = trans[:, 1:, 0] - trans[:, :-1, 0]
    assert (step == step[:, :1]).all()
    assert set(step[:, 0].abs().int().tolist()) == {1, 3, 5, 7, 9}
    assert {1, -1} == set(step[:, 0].sign().int().tolist())
    clip = torch.searchsorted(clips.first, trans[..., 0].long(), right=True)
    assert (clip == clip[:, :1]).all()

    _, trans, _ = clips.windows(64, 4, torch.Generator().manual_seed(0), slow=1.0)
    assert ((trans[:, 1:, 0] - trans[:, :-1, 0]).abs() == 1.0).all()


def test_windows_belong_to_one_person_and_come_with_anothers_first_pose(folder, body):
    clips = Clips.load(folder, False, body.joint_template, versions=3)
    for version in range(3):  # Marked, so that it can be seen whose a pose is.
        clips.rotations[version, ..., 0, 0] = version
    rotations, _, other = clips.windows(64, 4, torch.Generator().manual_seed(0))
    person = rotations[..., 0, 0]
    assert (person == person[:, :1, :1]).all()
    assert set(person[:, 0, 0].tolist()) == {0.0, 1.0, 2.0}
    assert (other[:, 0, 0, 0] != person[:, 0, 0]).any()


def test_one_version_is_the_motion_as_recorded(folder, body):
    clips = Clips.load(folder, False, body.joint_template)
    recorded = exp_map(lsmpl.Motion.load(folder / "900_01.npz").poses)
    np.testing.assert_allclose(clips.rotations[0, : len(recorded)], recorded, atol=1e-6)


def test_jumping_frames_are_damaged(stroll):
    poses = stroll.poses.copy()
    poses[30, 20] = (0.0, 2.0, 0.0)
    intact = intact_frames(poses, exp_map(poses))
    assert not intact[29:31].any()
    assert intact[:28].all()


def test_mirroring_twice_is_nothing_and_mirrors_the_skeleton(stroll, body):
    rotations = torch.tensor(exp_map(stroll.poses))[None]
    trans = torch.tensor(stroll.trans)[None]
    generator = torch.Generator().manual_seed(0)
    twice = None
    for _ in range(20):
        once, moved = mirrored(rotations, trans, generator)
        if not torch.equal(once, rotations):
            twice = once[:, :, MIRROR] * torch.tensor([-1.0, 1.0, 1.0])[:, None] * torch.tensor([-1.0, 1.0, 1.0])
            break
    assert torch.allclose(twice, rotations)
    from lsmpl_core.body.kinematics import forward

    rest = torch.tensor(body.rest_joints())[None]
    joints, other = forward(rotations[0], rest, trans[0])[1], forward(once[0], rest, moved[0])[1]
    flip = torch.tensor([-1.0, 1.0, 1.0])
    assert torch.allclose(other, joints[:, MIRROR] * flip, atol=2e-3)


def test_mixing_takes_whole_limbs_from_another_window(folder, body):
    rotations, _, _ = Clips.load(folder, False, body.joint_template).windows(32, 2, torch.Generator().manual_seed(0))
    out = mixed(rotations, torch.Generator().manual_seed(1), 1.0)
    assert torch.equal(out[:, :, :1], rotations[:, :, :1])
    same = (out == rotations).all(dim=-1).all(dim=-1).all(dim=1)
    assert (same[:, 18] == same[:, 16]).float().mean() > 0.9
    assert not same.all()


def position_loss(trainer: Trainer) -> float:
    with torch.no_grad():
        return float(np.mean([trainer.loss()[1]["position"] for _ in range(10)]))


def test_a_run_learns_and_resumes_and_the_solver_reads_it(folder, tmp_path):
    first = Trainer(config(tmp_path / "run"), str(folder))
    before = position_loss(first)
    first.train()
    assert [row["iteration"] for row in first.log] == [50, 100]
    again = Trainer(config(tmp_path / "run", iterations=200), str(folder))
    again.train()
    assert again.iteration == 200
    assert again.log[: len(first.log)] == first.log
    assert position_loss(again) < 0.7 * before
    for name in ("checkpoint.pt", "network.npz", "log.csv", "curve.png"):
        assert (tmp_path / "run" / name).stat().st_size > 0
    network = load_network(choose_backend("numpy"), lsmpl.LAYOUTS["body_25"].sites, tmp_path / "run" / "network.npz")
    saved = again.mean_weights["in.weight"].numpy()
    np.testing.assert_allclose(network.weights["in.weight"], saved, atol=2e-3)
