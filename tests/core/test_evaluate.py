"""`benchmarks/evaluate.py` on data sets of a few frames."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import lsmpl_core as lsmpl
from lsmpl_core.rotation import exp_map, log_map

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def evaluate(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return __import__("evaluate")


@pytest.fixture
def paired(tmp_path, body, stroll) -> Path:
    """Two takes with an estimate in a camera's world, every joint of it off; the truth of the first is known."""
    for side in ("estimates", "keypoints", "truth"):
        (tmp_path / side).mkdir()
    truth = stroll.frames(slice(0, 30))
    off = log_map(exp_map(truth.poses) @ exp_map(0.1 * np.random.default_rng(3).normal(size=(30, 24, 3))))
    off[:, 0] = log_map(exp_map(np.array([-1.5, 0.2, 0.0])) @ exp_map(off[:, 0]))
    for name in ("vault", "beam"):
        np.save(tmp_path / f"keypoints/{name}.npy", body.keypoints(truth).positions)
        replace(truth, poses=off).save(tmp_path / f"estimates/{name}.npz")
    truth.save(tmp_path / "truth/vault.npz")
    return tmp_path


def table(out: str) -> dict[tuple[str, str], dict[str, float]]:
    """The errors by column, of each take and mode."""
    rows = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in out.splitlines() if "|" in line]
    columns = rows[0][-8:]
    numbers = {(row[0], row[1]): [np.nan if c == "-" else float(c) for c in row[3:]] for row in rows[2:]}
    return {key: dict(zip(columns, row)) for key, row in numbers.items()}


def test_a_true_motion_is_solved_from_its_first_pose_and_cold(evaluate, tmp_path, body, stroll, capsys):
    fine = lsmpl.Motion(np.repeat(stroll.poses, 2, 0), np.repeat(stroll.trans, 2, 0), stroll.betas, 60.0)
    replace(fine, body=body.key).save(tmp_path / "07_01.npz")
    assert evaluate.main(["amass", str(tmp_path), "--frames", "24", "--every", "12"]) == 0
    rows = table(capsys.readouterr().out)
    assert [name for name, _ in rows] == ["07_01", "07_01", "**mean of 1**", "**mean of 1**"]
    warm, cold = rows["07_01", evaluate.GIVEN], rows["07_01", evaluate.COLD]
    assert warm["MPJPE"] < 3.0 > warm["keypoints"]
    assert warm["PVE"] < warm["published PVE"]
    assert warm["PVE"] < cold["PVE"] < 40.0
    assert rows["**mean of 1**", evaluate.COLD] == cold


def test_estimates_are_measured_before_and_after_in_the_keypoints_world(evaluate, paired, capsys):
    assert evaluate.main(["auto", str(paired), "--every", "10"]) == 0
    rows = table(capsys.readouterr().out)
    before, after = rows["vault", evaluate.BEFORE], rows["vault", evaluate.AFTER]
    for column in ("PVE", "PA-PVE", "MPJPE", "published PVE", "keypoints"):
        assert 0.0 < after[column] < 0.7 * before[column]
    assert before["MPJPE"] < 150.0
    unknown = rows["beam", evaluate.AFTER]
    assert np.isnan(unknown["PVE"])
    assert unknown["keypoints"] == pytest.approx(after["keypoints"], abs=0.2)
    assert rows["**mean of 2**", evaluate.AFTER]["PVE"] == after["PVE"]
    assert ("beam", evaluate.COLD) not in rows


def test_what_is_broken_is_named_and_makes_the_exit_code_non_zero(evaluate, paired, capsys):
    (paired / "estimates/beam.npz").write_bytes(b"PK\x03\x04")
    (paired / "truth/vault.npz").unlink()
    (paired / "keypoints/floor.npy").write_bytes(b"")
    assert evaluate.main(["paired", str(paired)]) == 1
    out, err = capsys.readouterr()
    assert "1 evaluated, 1 without motion, 1 failed" in out
    assert re.search(r"beam\.npz.*damaged", err)
    assert "there is no estimate of the name floor" in err
    assert evaluate.main(["paired", str(paired / "truth")]) == 1
    assert "has no folder estimates" in capsys.readouterr().err


def test_only_valid_frames_count(evaluate, body, stroll):
    valid = np.arange(60) >= 20
    wrong = replace(stroll, poses=np.where(valid[:, None, None], stroll.poses, 0.0))
    assert max(evaluate.Evaluation(body, lsmpl.SolveOptions(), every=9)._errors(stroll, wrong, valid)) < 1e-3


def test_takes_of_another_gender_are_passed_over(evaluate, tmp_path, stroll, capsys):
    for name, gender in (("07_01", "male"), ("08_01", "female")):
        replace(stroll.frames(slice(0, 4)), gender=gender).save(tmp_path / f"{name}.npz")
    assert evaluate.main(["amass", str(tmp_path), "--gender", "female"]) == 0
    out = capsys.readouterr().out
    assert {name for name, _ in table(out)} == {"08_01", "**mean of 1**"}
    assert "1 evaluated, 1 of another gender" in out


def test_the_published_solver_takes_its_checkpoint(evaluate, tmp_path, body, stroll, capsys):
    torch = pytest.importorskip("torch", reason="the published network needs PyTorch")
    from lsmpl_core.published.network import PublishedNetwork

    torch.save({"model": PublishedNetwork().state_dict()}, tmp_path / "best_ckpt.pth.tar")
    (tmp_path / "motion").mkdir()
    stroll.frames(slice(0, 4)).save(tmp_path / "motion/07_01.npz")
    published = ["--solver", "published", "--checkpoint", str(tmp_path / "best_ckpt.pth.tar")]
    assert evaluate.main(["amass", str(tmp_path / "motion"), *published]) == 0
    out = capsys.readouterr().out
    assert "solver published, polish 0" in out
    assert len(table(out)) == 4
    assert evaluate.main(["amass", str(tmp_path / "motion"), *published[:2]]) == 1
    assert "needs its checkpoint" in capsys.readouterr().err
