"""The `lsmpl` command: outputs, messages, exit codes, and the report."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from this_code import with_this_code

import lsmpl_core as lsmpl
from lsmpl_core.cli import main as cli
from lsmpl_core.cli.front_end import FrontEnd
from lsmpl_core.cli.inputs import plan_outputs
from lsmpl_core.cli.main import main
from lsmpl_core.cli.signals import STOPPING
from lsmpl_core.files.replacing import replace_when_complete

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "walk_and_wave.trc"


@pytest.fixture
def take(tmp_path) -> Path:
    """The first twelve frames of the example."""
    return cut(EXAMPLE, tmp_path / "walk.trc", 12)


@pytest.fixture
def broken(tmp_path) -> Path:
    path = tmp_path / "broken.trc"
    path.write_text("PathFileType\t4\n")
    return path


def cut(source: Path, target: Path, frames: int) -> Path:
    target.parent.mkdir(exist_ok=True)
    target.write_text("".join(source.read_text().splitlines(keepends=True)[: 6 + frames]))
    return target


def no_constant(name):
    raise AssertionError(f"{name} is not JSON")


def load_report(path: Path) -> dict:
    return json.loads(path.read_text(), parse_constant=no_constant)


def test_converts_the_example(tmp_path, capsys, body):
    out = tmp_path / "walk.npz"
    assert main(["convert", str(EXAMPLE), "-o", str(out)]) == 0
    motion, track = lsmpl.Motion.load(out), lsmpl.read_keypoints(EXAMPLE)
    assert len(motion) == len(track) and motion.fps == 30 and motion.body == body.key
    assert 1000 * np.nanmean(motion.residual) < 6
    said = capsys.readouterr()
    assert f"{len(track)} frames, 30 fps, body_25, m, y up, mean residual" in said.out and str(out) in said.out
    assert said.err == ""


def test_says_what_was_decided_when_asked(take, tmp_path, capsys):
    assert main(["convert", str(take), "-o", str(tmp_path / "a.npz"), "-v"]) == 0
    said = capsys.readouterr().err
    assert "layout: body_25" in said and "up: y" in said


def test_says_what_was_assumed_without_being_asked(tmp_path, capsys):
    np.save(tmp_path / "walk.npy", lsmpl.read_keypoints(EXAMPLE).positions[:12])
    assert main(["convert", str(tmp_path / "walk.npy"), "-o", str(tmp_path / "a.npz")]) == 0
    assert "fps: 30 (assumed" in capsys.readouterr().err


def test_a_bad_file_does_not_stop_the_others(take, broken, tmp_path, capsys):
    other = cut(EXAMPLE, tmp_path / "second.trc", 10)
    out = tmp_path / "out"
    code = main(["convert", str(take), str(broken), str(tmp_path / "none.trc"), str(other), "-o", str(out)])
    said = capsys.readouterr()
    assert code == 1
    assert sorted(path.name for path in out.glob("[!.]*")) == ["second.npz", "walk.npz"]
    assert f"lsmpl: {broken}: " in said.err and f"lsmpl: {tmp_path / 'none.trc'}: " in said.err
    assert "2 ok, 2 failed" in said.out


def test_report_has_a_record_for_every_input(take, broken, tmp_path):
    report = tmp_path / "new" / "report.json"
    assert main(["convert", str(take), str(broken), "-o", str(tmp_path / "out"), "--report", str(report)]) == 1
    found = load_report(report)
    assert (found["schema"], found["ok"], found["failed"]) == (1, 1, 1)
    assert {"lsmpl", "python", "numpy"} <= set(found["versions"])
    good, bad = found["files"]
    assert (good["status"], good["frames"], good["fps"], good["layout"]) == ("ok", 12, 30.0, "body_25")
    assert {"mean", "median", "p95", "worst_frame"} == set(good["residual_mm"])
    assert 1 <= good["residual_mm"]["worst_frame"]["frame"] <= 12
    assert len(good["keypoint_residual_mm"]) == 25 and good["seconds"] > 0 and len(good["betas"]) == 10
    assert good["keypoint_residual_mm"]["left_ear"] is None, "never seen in these frames"
    assert good["device"]["name"] == "numpy" and good["device"]["reason"]
    assert {"what", "value", "basis", "reason", "confidence"} == set(good["decisions"][0])
    assert (bad["status"], bad["input"]) == ("failed", str(broken)) and str(broken) in bad["error"]


def test_options_reach_the_reader(take, tmp_path):
    out = tmp_path / "a.npz"
    assert main(["convert", str(take), "-o", str(out), "--fps", "25", "--unit", "m", "--up", "y"]) == 0
    assert lsmpl.Motion.load(out).fps == 25


def test_a_report_that_cannot_be_written_is_said_once_with_the_reason(take, tmp_path, capsys):
    out = tmp_path / "a.npz"
    assert main(["convert", str(take), "-o", str(out), "--report", str(tmp_path)]) == 1
    (said,) = capsys.readouterr().err.splitlines()
    assert said == f"lsmpl: {tmp_path}: the report cannot be written there: it is a folder"
    assert not out.exists()


def test_a_file_of_an_option_that_is_not_there_fails_every_input(take, tmp_path, capsys):
    report, out = tmp_path / "r.json", tmp_path / "a.npz"
    files = "body none.pkl", "layout none.json", "markers none.json", "calibrate none.c3d", "calibration none.json"
    for name, file in (words.split() for words in files):
        option = [f"--{name}", str(tmp_path / file)]
        assert main(["convert", str(take), "-o", str(out), "--report", str(report), *option]) == 1
        assert load_report(report)["files"][0]["status"] == "failed"
        assert capsys.readouterr().err.startswith(f"lsmpl: {tmp_path / file}"), "not the take is to blame"
    assert not out.exists()


def test_wrong_usage_is_2(take, tmp_path, capsys):
    other = cut(EXAMPLE, tmp_path / "second.trc", 10)
    for words in (
        [],
        ["convert", str(take)],
        ["convert", str(take), "-o", str(tmp_path / "a.bvh")],
        ["convert", str(take), "-o", str(tmp_path / "a.npz"), "--fps", "-3"],
        ["convert", str(take), str(other), "-o", str(tmp_path / "a.npz")],
        ["convert", str(take), str(other), "-o", str(take)],
        ["convert", str(take), "-o", str(tmp_path / "a.npz"), "--device", "abacus"],
        ["convert", str(take), "-o", str(tmp_path / "a.npz"), "--checkpoint", "best_ckpt.pth.tar"],
    ):
        assert main(words) == 2, words
        assert "usage:" in capsys.readouterr().err
    assert main(["--version"]) == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--lockfeet"], r"no option --lockfeet; did you mean --lock-feet\?"),
        (["--layout", "boddy_25"], r"--layout: no layout is called 'boddy_25'.*did you mean body_25"),
        (["--unit", "inch"], "--unit: no unit 'inch'; valid: m, cm, mm, in"),
        (["--up", "w"], "--up: no up axis 'w'; valid: x, y, z"),
        (["--device", "gpu"], "--device: no device is called 'gpu'; choose one of: auto"),
        (["--format", "fbx"], "--format: only .npz can be written here; .fbx is written inside Blender"),
    ],
)
def test_what_is_mistyped_is_wrong_for_all_takes_and_said_with_what_was_meant(take, tmp_path, capsys, words, said):
    assert main(["convert", str(take), "-o", str(tmp_path / "out"), *words]) == 2
    error, usage = capsys.readouterr().err.splitlines()
    assert re.match(f"lsmpl convert: error: .*{said}", error), error
    assert usage.startswith("usage: lsmpl convert IN [IN ...] -o OUT")


def test_outputs_never_overwrite_each_other(tmp_path):
    def names(*inputs, writers=("npz",)):
        front_end = FrontEnd(writers=dict.fromkeys(writers), default_format=writers[0])
        return [job.output.name for job in plan_outputs(inputs, str(tmp_path), None, front_end)]

    assert names("a.trc") == ["a.npz"]
    assert names("x/a.trc", "x/b.trc", writers=("blend", "npz")) == ["a.blend", "b.blend"]
    assert names("x/a.trc", "x/A.c3d") == ["a_trc.npz", "A_c3d.npz"]
    assert names("x/a.trc", "y/a.trc", "y/b.trc") == ["x_a_trc.npz", "y_a_trc.npz", "b.npz"]
    assert names("x/a.trc", "x/../x/a.trc") == ["a.npz"], "one input named twice"
    everything = names("a.trc", "a.c3d", "x/a.trc", "a_trc.csv", "y/x/a.trc")
    assert len(set(everything)) == 5


def test_an_input_is_not_overwritten_by_its_output(take, tmp_path, capsys):
    main(["convert", str(take), "-o", str(tmp_path / "keypoints.npz")])
    track = lsmpl.read_keypoints(take)
    np.savez(tmp_path / "points.npz", keypoints=track.positions)
    before = (tmp_path / "points.npz").read_bytes()
    assert main(["convert", str(tmp_path / "points.npz"), "-o", str(tmp_path)]) == 1
    assert (tmp_path / "points.npz").read_bytes() == before
    assert "would be overwritten" in capsys.readouterr().err


def test_nothing_that_is_read_or_written_is_overwritten_by_something_else(take, tmp_path, capsys):
    motion, report, mapping = tmp_path / "m.npz", tmp_path / "report.json", tmp_path / "map.json"
    for path in (motion, report, mapping):
        path.write_bytes(b"the user's")
    (tmp_path / "hard.json").hardlink_to(take)
    (tmp_path / "soft.json").symlink_to(motion)
    out = str(tmp_path / "out.npz")
    for words in (
        ["convert", str(take), "-o", out, "--report", str(take)],
        ["convert", str(take), "-o", out, "--report", out],
        ["convert", str(take), "-o", out, "--report", str(tmp_path / "hard.json")],
        ["convert", str(take), "-o", out, "--layout", str(mapping), "--report", str(mapping)],
        ["convert", str(take), "-o", str(motion), "--calibration", str(motion)],
        ["refine-motion", str(motion), str(take), "-o", str(motion)],
        ["refine-motion", str(motion), str(take), "-o", out, "--report", str(tmp_path / "soft.json")],
    ):
        before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
        assert main(words) == 2, words
        assert "would overwrite" in capsys.readouterr().err
        assert before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere, and so may who owns it")
def test_a_folder_that_cannot_be_written_is_named(take, tmp_path, capsys):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    assert main(["convert", str(take), "-o", str(closed / "a.npz")]) == 1
    assert f"{closed / 'a.npz'}: Permission denied" in capsys.readouterr().err


def test_a_file_where_a_folder_should_be_is_named(take, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["convert", str(take), "-o", str(tmp_path / "file" / "a.npz")]) == 1
    assert str(tmp_path / "file") in capsys.readouterr().err


def test_a_failing_writer_leaves_nothing_behind(take, tmp_path, capsys):
    def fails(converted, path):
        path.write_text("half")
        raise RuntimeError("the disk is full")

    out = tmp_path / "out" / "walk.half"
    out.parent.mkdir()
    out.write_text("what was there before")
    front_end = FrontEnd(writers={"half": fails}, default_format="half")
    assert main(["convert", str(take), "-o", str(out)], front_end) == 1
    assert [path.name for path in out.parent.iterdir()] == ["walk.half"]
    assert out.read_text() == "what was there before"
    assert "the disk is full" in capsys.readouterr().err


def test_files_appear_when_complete_and_with_the_usual_permissions(tmp_path):
    with replace_when_complete(tmp_path / "a.txt") as scratch:
        scratch.write_text("new")
        assert not (tmp_path / "a.txt").exists() and scratch.name == "a.txt"
    (tmp_path / "b.txt").write_text("")
    assert (tmp_path / "a.txt").read_text() == "new"
    assert (tmp_path / "a.txt").stat().st_mode == (tmp_path / "b.txt").stat().st_mode
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "b.txt"]


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_it_cleanly(tmp_path, number):
    """Run as a process, with a writer that waits to be interrupted while its file is half written."""
    script = (
        "import sys, time\n"
        "from lsmpl_core.cli.main import FrontEnd, main\n"
        "def slow(converted, path):\n"
        "    path.write_text('half'); print('writing', flush=True); time.sleep(60)\n"
        "sys.exit(main(sys.argv[1:], FrontEnd(writers={'slow': slow})))\n"
    )
    take, out, report = cut(EXAMPLE, tmp_path / "in" / "a.trc", 6), tmp_path / "out" / "a.slow", tmp_path / "r.json"
    words = ["convert", str(take), "-o", str(out), "--report", str(report)]
    process = subprocess.Popen(
        [sys.executable, "-c", script, *words], cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout.readline() == "writing\n"
    process.send_signal(number)
    _, errors = process.communicate(timeout=600)
    assert process.returncode == 128 + number
    assert "interrupted" in errors and "Traceback" not in errors
    assert list(out.parent.iterdir()) == []
    assert load_report(report)["files"][0]["status"] == "interrupted"


@pytest.mark.parametrize("number", [number for number in signal.Signals if number.name in STOPPING])
def test_every_signal_of_this_system_that_asks_to_stop_is_heard(take, tmp_path, number, capsys):
    def interrupted(converted, path):
        path.write_text("half")
        signal.raise_signal(number)

    out, report = tmp_path / "out" / "a.half", tmp_path / "r.json"
    words = ["convert", str(take), "-o", str(out), "--report", str(report)]
    before = signal.getsignal(number)
    assert main(words, FrontEnd(writers={"half": interrupted})) == 128 + number
    assert signal.getsignal(number) == before
    assert "interrupted" in capsys.readouterr().err and list(out.parent.iterdir()) == []
    assert load_report(report)["files"][0]["status"] == "interrupted"


def test_progress_shows_on_a_terminal_only(take, tmp_path, monkeypatch, capsys):
    assert main(["convert", str(take), "-o", str(tmp_path / "a.npz")]) == 0
    assert "it/s" not in capsys.readouterr().err
    monkeypatch.setattr(cli.sys.stderr, "isatty", lambda: True, raising=False)
    assert main(["convert", str(take), "-o", str(tmp_path / "a.npz")]) == 0
    assert "walk.trc" in capsys.readouterr().err


@pytest.mark.parametrize("processes", [(), ("--jobs", "1")])
def test_messages_get_through_to_a_console_that_lacks_their_letters(tmp_path, processes):
    """As on a Windows of Western Europe, whose pipes and files have its own encoding."""
    cut(EXAMPLE, tmp_path / "in" / "Gänger 歩く.trc", 12)
    words = ["convert", "in", "-o", "außen", "--report", "r.json", "-v", *processes]
    environment = with_this_code(PYTHONIOENCODING="cp1252:strict", PYTHONUTF8="0")
    command = [sys.executable, "-m", "lsmpl_core"]
    done = subprocess.run([*command, *words], cwd=tmp_path, env=environment, capture_output=True, timeout=600)
    said = (done.stdout + done.stderr).decode("cp1252")
    assert done.returncode == 0 and "Traceback" not in said, said
    assert "Gänger \\u6b69\\u304f.trc" in said
    (record,) = load_report(tmp_path / "r.json")["files"]
    assert Path(record["output"]) == Path("außen/Gänger 歩く.npz") and (tmp_path / record["output"]).is_file()
    for help in (["--help"], ["convert", "--help"], ["refine-motion", "--help"]):
        done = subprocess.run([*command, *help], cwd=tmp_path, env=environment | {"PYTHONIOENCODING": "ascii:strict"})
        assert done.returncode == 0


@pytest.mark.parametrize("processes", [(), ("--jobs", "1")])
def test_who_stops_listening_stops_no_work(tmp_path, processes):
    """As `| head` does after some lines."""
    for name in "ab":
        cut(EXAMPLE, tmp_path / "in" / f"{name}.trc", 12)
    words = [sys.executable, "-m", "lsmpl_core", "convert", "in", "-o", "out", "--report", "r.json", *processes]
    with subprocess.Popen(
        words, cwd=tmp_path, env=with_this_code(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        running.stdout.close()
        told = running.stderr.read().decode()
    assert running.returncode == 0 and not told, told
    assert [record["status"] for record in load_report(tmp_path / "r.json")["files"]] == ["ok", "ok"]


def test_runs_as_a_module():
    done = subprocess.run([sys.executable, "-m", "lsmpl_core", "--version"], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == f"lsmpl {lsmpl.__version__}"


def test_refines_a_motion_by_its_keypoints(take, tmp_path, capsys):
    solved, rough, refined = (tmp_path / f"{name}.npz" for name in ("solved", "rough", "refined"))
    assert main(["convert", str(take), "-o", str(solved)]) == 0
    motion = lsmpl.Motion.load(solved)
    motion.poses += 0.1 * np.random.default_rng(0).normal(size=motion.poses.shape)
    motion.save(rough)
    assert main(["refine-motion", str(rough), str(take), "-o", str(refined)]) == 0
    assert "mean residual" in capsys.readouterr().out
    assert 1000 * np.nanmean(lsmpl.Motion.load(refined).residual) < 10


def test_refining_names_what_is_wrong_with_the_motion(take, tmp_path, capsys):
    wrong = tmp_path / "wrong.npz"
    wrong.write_bytes(b"nothing")
    assert main(["refine-motion", str(wrong), str(take), "-o", str(tmp_path / "out.npz")]) == 1
    assert "wrong.npz" in capsys.readouterr().err
    assert not (tmp_path / "out.npz").exists()


def test_solver_and_polish_can_be_chosen(take, tmp_path):
    out = {}
    for name, words in (("both", []), ("alone", ["--polish", "0"]), ("polish", ["--solver", "polish"])):
        path = tmp_path / f"{name}.npz"
        assert main(["convert", str(take), "-o", str(path), *words]) == 0
        out[name] = lsmpl.Motion.load(path)
    assert np.nanmean(out["alone"].residual) > np.nanmean(out["both"].residual)
    assert not np.array_equal(out["polish"].poses, out["both"].poses)
    assert main(["convert", str(take), "-o", str(tmp_path / "x.npz"), "--polish", "99"]) == 2


def test_smooths_unless_told_not_to(take, tmp_path, body):
    solved = lsmpl.solve(lsmpl.read_keypoints(take), body)
    for words, strength in ((), 0.5), (("--smooth", "0.9"), 0.9), (("--smooth", "0"), 0.0):
        assert main(["convert", str(take), "-o", str(tmp_path / "a.npz"), *words]) == 0
        expected = solved
        if strength:
            expected = lsmpl.clean_up(solved, body, smooth=strength, part_hands=False, lock_feet=False)
        np.testing.assert_allclose(lsmpl.Motion.load(tmp_path / "a.npz").poses, expected.poses, atol=1e-6)


def test_cleans_up_as_told_and_reports_it(tmp_path):
    take, out, report = cut(EXAMPLE, tmp_path / "walk.trc", 40), tmp_path / "a.npz", tmp_path / "r.json"
    words = ["--smooth", "--lock-feet", "--floor", "zero", "--resample", "60", "--report", str(report)]
    assert main(["convert", str(take), "-o", str(out), *words]) == 0
    motion = lsmpl.Motion.load(out)
    assert (len(motion), motion.fps) == (79, 60.0)
    done = load_report(report)["files"][0]["clean_up"]
    assert (done["smooth"], done["lock_feet"], done["floor"], done["fps"]) == (0.5, True, "zero", 60.0)
    assert sum(done["contacts"].values()) >= 2
    assert done["sliding_after_cm_s"] < 0.5 < done["sliding_before_cm_s"]
    assert done["raised_m"] == pytest.approx(-done["floor_m"])


@pytest.mark.parametrize("words", [("--smooth", "2"), ("--floor", "up"), ("--floor", "nan"), ("--resample", "0")])
def test_clean_up_that_makes_no_sense_is_wrong_usage(take, tmp_path, words):
    assert main(["convert", str(take), "-o", str(tmp_path / "a.npz"), *words]) == 2
