"""Many takes: folders, patterns, shares, processes that crash or hang, and going on where it was interrupted."""

import errno
import json
import os
import re
import signal
import subprocess
import sys
import time
import unicodedata
from pathlib import Path

import numpy as np
import pytest
import quick_front_end
from this_code import with_this_code

import lsmpl_core as lsmpl
from lsmpl_core.cli import exit_codes
from lsmpl_core.cli import take as cli_take
from lsmpl_core.cli.front_end import FrontEnd, write_npz
from lsmpl_core.cli.inputs import RECORDS, UsageError, plan_outputs, share
from lsmpl_core.cli.main import main
from lsmpl_core.cli.signals import STOPPING
from lsmpl_core.cli.worker_handle import worker_environment

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = (ROOT / "examples" / "walk_and_wave.trc").read_text().splitlines(keepends=True)
posix_only = pytest.mark.skipif(os.name == "nt", reason="POSIX signals")


@pytest.fixture
def quick(monkeypatch):
    """The command with a solver that takes no time, in this process."""
    monkeypatch.setattr(cli_take, "solve_steps", quick_front_end.quick_steps)

    def convert(*words) -> int:
        front_end = FrontEnd(
            writers={"npz": write_npz, "slow": quick_front_end.write_slowly},
            command=(sys.executable, quick_front_end.__file__),
        )
        return main(["convert", *map(str, words)], front_end)

    return convert


def make_takes(folder: Path, *names: str, first: int = 0) -> Path:
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        at = 6 + (first + number) % 60
        path.write_text("".join(EXAMPLE[:6] + EXAMPLE[at : at + 6]))
    return folder


def outputs(folder: Path) -> list[str]:
    """What a user sees, hidden folders aside."""
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(path.as_posix() for path in paths if RECORDS not in path.parts)


def load_report(path: Path) -> dict:
    return json.loads(path.read_text())


def statuses(path: Path) -> dict[str, str]:
    return {Path(record["input"]).stem: record["status"] for record in load_report(path)["files"]}


def plan(*inputs, out, part=None, leave_out=()):
    jobs = plan_outputs([str(name) for name in inputs], f"{out}/", None, FrontEnd(), leave_out)
    return {job.source.name: job.output.relative_to(out).as_posix() for job in share(jobs, part)}


# Folders and patterns


def test_folders_keep_their_structure(tmp_path):
    takes = make_takes(tmp_path / "in", "a.trc", "mon/a.trc", "mon/late/b.trc", ".hidden/c.trc", "mon/notes.pdf")
    jobs = plan_outputs([str(takes)], f"{tmp_path}/out/", None, FrontEnd())
    assert [job.output.relative_to(tmp_path / "out").as_posix() for job in jobs] == [
        "a.npz", "mon/a.npz", "mon/late/b.npz"
    ]  # fmt: skip


def test_same_names_in_one_folder_are_told_apart_by_their_endings(tmp_path):
    takes = make_takes(tmp_path / "in", "mon/a.trc", "mon/A.csv", "tue/a.trc")
    jobs = plan_outputs([str(takes)], f"{tmp_path}/out/", None, FrontEnd())
    names = [job.output.relative_to(tmp_path / "out").as_posix() for job in jobs]
    assert sorted(names) == ["mon/A_csv.npz", "mon/a_trc.npz", "tue/a.npz"]


def test_patterns_are_expanded_and_keep_the_folders_that_they_leave_open(tmp_path):
    takes = make_takes(tmp_path / "in", "mon/a.trc", "mon/b.csv", "tue/deep/c.trc", "d.trc")
    out = tmp_path / "out"
    assert plan(takes / "*/*.trc", out=out) == {"a.trc": "mon/a.npz"}
    assert plan(takes / "**/*.trc", out=out) == {
        "a.trc": "mon/a.npz", "c.trc": "tue/deep/c.npz", "d.trc": "d.npz"
    }  # fmt: skip
    assert plan(takes / "t*", out=out) == {"c.trc": "tue/deep/c.npz"}
    (tmp_path / "in" / "odd[1].trc").write_text("")
    assert plan(takes / "odd[1].trc", out=out) == {"odd[1].trc": "odd[1].npz"}, "a file of that very name"
    with pytest.raises(UsageError, match=r"\*\.c3d"):
        plan(takes / "*.c3d", out=out)


def test_a_folder_of_one_file_a_frame_is_one_take(tmp_path):
    frame = json.dumps({"people": [{"pose_keypoints_3d": [0.0] * 100}]})
    for name in ("seq/walk_0001_keypoints", "seq/walk_0002_keypoints", "takes/run1", "takes/run2"):
        path = tmp_path / "in" / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(frame if "seq" in name else json.dumps({"frames": [json.loads(frame)] * 3}))
    out = tmp_path / "out"
    assert plan(tmp_path / "in", out=out) == {
        "seq": "seq.npz", "run1.json": "takes/run1.npz", "run2.json": "takes/run2.npz"
    }  # fmt: skip
    assert plan(tmp_path / "in" / "seq", out=out) == {"seq": "seq.npz"}
    assert plan(tmp_path / "in" / "s*", out=out) == {"seq": "seq.npz"}


def test_what_is_written_or_named_otherwise_is_no_take(tmp_path, monkeypatch):
    make_takes(tmp_path, "a.trc", "out/a.npz", "static.trc", "map.json")
    assert plan(
        tmp_path, out=tmp_path / "out", leave_out=[str(tmp_path / "static.trc"), str(tmp_path / "map.json")]
    ) == {"a.trc": "a.npz"}


def test_a_mapping_beside_takes_does_not_make_a_take_of_their_folder(tmp_path):
    takes = make_takes(tmp_path / "in", "a.trc", "b.trc")
    (takes / "map.json").write_text('{"keypoints": {"R.Knee": "right_knee"}}')
    assert set(plan(takes, out=tmp_path / "out", leave_out=[str(takes / "map.json")])) == {"a.trc", "b.trc"}


def test_outputs_beside_inputs_are_not_read_as_takes(quick, tmp_path):
    takes, report = make_takes(tmp_path / "in", "a.trc", "mon/b.trc"), tmp_path / "r.json"
    for expected in ("ok", "skipped"):
        assert quick(takes, "-o", takes, "--resume", "--report", report) == 0
        assert statuses(report) == {"a": expected, "b": expected}
    assert quick(takes / "**", "-o", takes, "--resume", "--report", report) == 0
    assert statuses(report) == {"a": "skipped", "b": "skipped"}


def test_one_motion_is_refined_by_one_take(quick, tmp_path, capsys):
    takes = make_takes(tmp_path / "in", "a.trc", "b.trc")
    assert main(["refine-motion", "motion.npz", str(takes), "-o", str(tmp_path / "out")]) == 2
    assert "one take" in capsys.readouterr().err


@pytest.mark.parametrize(
    "names",
    [
        ("Walk.trc", "walk.trc"), ("caf\u00e9.trc", "cafe\u0301.trc"), ("mon/a.trc", "MON/a.trc"),
        pytest.param(("mon/a.trc", "mon./a.trc"), marks=posix_only),
        pytest.param(("mon/a.trc", "mon /A.trc"), marks=posix_only),
        pytest.param((f"{'n' * 250}.trc", f"N{'n' * 249}.trc"), marks=posix_only),
    ],
)  # fmt: skip
def test_names_that_are_one_name_to_windows_and_macos_are_told_apart(quick, tmp_path, names):
    takes, out, report = make_takes(tmp_path / "in", *names, "other.trc"), tmp_path / "out", tmp_path / "r.json"
    if len(list(takes.rglob("*.trc"))) < 3:
        pytest.skip("the file system here takes them for one file")
    for expected in ("ok", "skipped"):
        assert quick(takes, "-o", out, "--resume", "--report", report) == 0
        assert [record["status"] for record in load_report(report)["files"]] == [expected] * 3
    folded = {unicodedata.normalize("NFC", name).lower() for name in outputs(out)}
    folded = {re.sub(r"[ .]+(?=/)", "", name) for name in folded}
    assert len(folded) == 3 and "other.npz" in folded


def test_a_take_that_is_named_twice_is_one(tmp_path, monkeypatch):
    make_takes(tmp_path, "a.trc")
    monkeypatch.chdir(tmp_path)
    assert plan("a.trc", "./a.trc", tmp_path / "a.trc", out=tmp_path / "out") == {"a.trc": "a.npz"}


@posix_only
def test_names_as_long_as_they_may_be_are_kept_track_of(quick, tmp_path):
    takes, out, report = make_takes(tmp_path / "in", "x" * 251 + ".trc"), tmp_path / "out", tmp_path / "r.json"
    for expected in ("ok", "skipped"):
        assert quick(takes, "-o", out, "--resume", "--report", report) == 0
        assert list(statuses(report).values()) == [expected]
    assert quick(out, "-o", tmp_path / "again") == 1, "what we have written is no take, however long its name"


@posix_only
@pytest.mark.parametrize("processes", [(), ("--jobs", "1")])
def test_names_do_not_move_the_cursor_of_a_terminal(quick, tmp_path, processes, capsys):
    takes = make_takes(tmp_path / "in", "new\nline.trc", "red\x1b[31m.trc")
    (takes / "bad\x1b[2J.trc").write_text("nothing")
    assert quick(takes, "-o", tmp_path / "out", *processes) == 1
    said = capsys.readouterr()
    assert "\x1b" not in said.out + said.err and "new\\nline.trc" in said.out and "bad\\x1b[2J.trc" in said.err


@posix_only
def test_what_is_neither_a_file_nor_a_folder_is_not_waited_for(quick, tmp_path, capsys):
    os.mkfifo(tmp_path / "pipe.trc")
    assert quick(tmp_path / "pipe.trc", "-o", tmp_path / "out" / "a.npz") == 1
    assert "neither a file nor a folder" in capsys.readouterr().err


@posix_only
def test_a_folder_that_cannot_be_written_to_is_known_before_the_solve(quick, tmp_path, monkeypatch, capsys):
    takes, out = make_takes(tmp_path / "in", "a.trc"), tmp_path / "out"
    out.mkdir()
    allowed = os.access  # root may write anywhere, but not where a disk is mounted read-only
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != out and allowed(path, mode))
    monkeypatch.setattr(cli_take, "read_keypoints", lambda *_: pytest.fail("it has begun"))
    assert quick(takes, "-o", out) == 1
    assert f"{out}: cannot be written to" in capsys.readouterr().err


def test_a_full_disk_fails_takes_and_leaves_nothing_behind(quick, tmp_path, monkeypatch, capsys):
    takes, out, report = make_takes(tmp_path / "in", "a.trc", "b.trc"), tmp_path / "out", tmp_path / "r.json"
    save = lsmpl.Motion.save

    def full(motion, path):
        if "a.npz" in str(path):
            Path(path).write_bytes(b"half")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        save(motion, path)

    monkeypatch.setattr(lsmpl.Motion, "save", full)
    assert quick(takes, "-o", out, "--report", report) == 1
    assert outputs(out) == ["b.npz"] and not list(out.glob(".lsmpl-*"))
    assert statuses(report) == {"a": "failed", "b": "ok"}
    assert f"{out / 'a.npz'}: No space left" in capsys.readouterr().err, "by its final name"


@pytest.mark.skipif(not hasattr(os, "symlink") or os.name == "nt", reason="links")
def test_links_that_lead_round_end(tmp_path):
    takes = make_takes(tmp_path / "in", "mon/a.trc")
    (takes / "mon" / "up").symlink_to(takes, target_is_directory=True)
    assert plan(takes, out=tmp_path / "out") == {"a.trc": "mon/a.npz"}


def test_parts_are_disjoint_and_together_everything(tmp_path):
    takes = make_takes(tmp_path / "in", *(f"{n:03d}.trc" for n in range(23)))
    everything = plan(takes, out=tmp_path / "out")
    parts = [plan(takes, out=tmp_path / "out", part=(k, 5)) for k in range(1, 6)]
    assert sum(map(len, parts)) == len(everything) and {k: v for part in parts for k, v in part.items()} == everything
    assert {len(part) for part in parts} == {4, 5}
    assert plan(takes, out=tmp_path / "out", part=(24, 24)) == {}


@pytest.mark.parametrize("words", [("--part", "0/3"), ("--part", "4/3"), ("--part", "x"), ("--jobs", "0")])
def test_shares_and_processes_that_make_no_sense_are_wrong_usage(quick, tmp_path, words):
    takes = make_takes(tmp_path / "in", "a.trc")
    assert quick(takes, "-o", tmp_path / "out", *words) == 2
    assert quick(takes, "-o", tmp_path / "out", "--resume", "--overwrite") == 2


def test_an_empty_share_is_no_failure(quick, tmp_path, capsys):
    takes, report = make_takes(tmp_path / "in", "a.trc"), tmp_path / "r.json"
    assert quick(takes, "-o", tmp_path / "out", "--part", "2/2", "--report", report) == 0
    assert "no takes" in capsys.readouterr().out and load_report(report)["files"] == []


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere file names are text")
@pytest.mark.parametrize("processes", [(), ("--jobs", "1")])
def test_names_that_are_no_text_are_names(quick, tmp_path, processes, capsys):
    takes, out, report = (
        make_takes(tmp_path / "in", os.fsdecode(b"caf\xe9.trc"), "b.trc"),
        tmp_path / "out",
        tmp_path / "r",
    )
    for expected in ("ok", "skipped"):
        assert quick(takes, "-o", out, "--resume", "--report", report, *processes) == 0
        assert {record["status"] for record in load_report(report)["files"]} == {expected}
    assert (out / os.fsdecode(b"caf\xe9.npz")).is_file() and "caf\\udce9.trc" in capsys.readouterr().out


# Resuming


def test_resume_skips_what_is_done_and_makes_the_rest(quick, tmp_path, capsys):
    takes, out, report = (
        make_takes(tmp_path / "in", "a.trc", "mon/b.trc", "mon/c.trc"),
        tmp_path / "out",
        tmp_path / "r",
    )
    assert quick(takes, "-o", out) == 0
    first = {name: (out / name).stat().st_mtime_ns for name in outputs(out)}
    (out / "mon" / "b.npz").unlink()
    (out / "mon" / "c.npz").write_bytes((out / "mon" / "c.npz").read_bytes()[:200])
    assert quick(takes, "-o", out, "--resume", "--report", report) == 0
    assert statuses(report) == {"a": "skipped", "b": "ok", "c": "ok"}
    assert (out / "a.npz").stat().st_mtime_ns == first["a.npz"]
    assert len(lsmpl.Motion.load(out / "mon" / "c.npz")) == 6
    assert "done already" in capsys.readouterr().out
    skipped = load_report(report)["files"][0]
    assert skipped["frames"] == 6 and skipped["body"], "what the first run found out is still told"
    assert quick(takes, "-o", out, "--resume", "--report", report) == 0
    assert set(statuses(report).values()) == {"skipped"}


def test_resume_notices_other_settings_and_changed_inputs(quick, tmp_path):
    takes, out, report = make_takes(tmp_path / "in", "a.trc", "b.trc"), tmp_path / "out", tmp_path / "r.json"
    table = tmp_path / "markers.json"
    table.write_text('{"markers": {}}')

    def resumed(*words) -> dict[str, str]:
        quick(takes, "-o", out, "--resume", "--report", report, *words)
        return statuses(report)

    both = {"a": "ok", "b": "ok"}
    assert resumed() == both
    assert resumed("-v", "--device", "numpy") == {"a": "skipped", "b": "skipped"}, "the motion would be the same"
    assert resumed("--smooth", "0.7") == both
    assert resumed("--smooth", "0.7", "--fps", "60") == both
    make_takes(takes, "b.trc", first=9)
    assert resumed("--smooth", "0.7", "--fps", "60") == {"a": "skipped", "b": "ok"}
    os.utime(takes / "a.trc")
    assert resumed("--smooth", "0.7", "--fps", "60") == {"a": "skipped", "b": "skipped"}, "times do not matter"


def test_resume_notices_another_body_in_the_same_file(quick, tmp_path):
    takes, out, report = make_takes(tmp_path / "in", "a.trc"), tmp_path / "out", tmp_path / "r.json"
    body = tmp_path / "body.npz"
    with np.load(ROOT / "lsmpl_core" / "data" / "open_body.npz") as data:
        arrays = dict(data)
    for change, expected in ((0.0, "ok"), (0.0, "skipped"), (0.001, "ok")):
        np.savez_compressed(body, **{**arrays, "v_template": arrays["v_template"] + change})
        assert quick(takes, "-o", out, "--body", body, "--resume", "--report", report) == 0
        assert statuses(report) == {"a": expected}


def test_resume_keeps_what_somebody_changed(quick, tmp_path, capsys):
    takes, out = make_takes(tmp_path / "in", "a.trc"), tmp_path / "out"
    assert quick(takes, "-o", out) == 0
    motion = lsmpl.Motion.load(out / "a.npz")
    motion.poses += 1
    motion.save(out / "a.npz")
    capsys.readouterr()
    assert quick(takes, "-o", out, "--resume") == 0
    assert "was changed since" in capsys.readouterr().out
    assert lsmpl.Motion.load(out / "a.npz").poses[0, 0, 0] == 1
    assert quick(takes, "-o", out, "--overwrite") == 0
    assert lsmpl.Motion.load(out / "a.npz").poses[0, 0, 0] == 0


def test_records_of_what_was_made_that_are_damaged_are_not_believed(quick, tmp_path):
    takes, out, report = make_takes(tmp_path / "in", "a.trc"), tmp_path / "out", tmp_path / "r.json"
    assert quick(takes, "-o", out) == 0
    record = out / RECORDS / "a.npz.json"
    good = record.read_text()
    for damage in ("", "[]", "{", good.replace('"schema": 1', '"schema": 2'), '{"schema": 1, "record": 3}', "[" * 9999):
        record.write_text(damage)
        assert quick(takes, "-o", out, "--resume", "--report", report) == 0
        assert statuses(report) == {"a": "ok"}, damage[:40]


def test_a_single_file_leaves_nothing_beside_it(quick, tmp_path):
    takes = make_takes(tmp_path / "in", "a.trc")
    assert quick(takes / "a.trc", "-o", tmp_path / "a.npz") == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.npz", "in"]
    assert quick(takes / "a.trc", "-o", tmp_path / "a.npz", "--resume") == 0
    assert (tmp_path / RECORDS).is_dir()


# Processes


def test_hundreds_of_takes_with_a_few_bad_ones(quick, tmp_path, capsys):
    names = [f"{n % 7}/{n:03d}.trc" for n in range(300)]
    takes, out, report = make_takes(tmp_path / "in", *names), tmp_path / "out", tmp_path / "r.json"
    make_takes(takes, "3/leave.trc", "5/torn.trc")
    (takes / "2" / "nothing.trc").write_text("nothing")
    assert quick(takes, "-o", out, "--format", "slow", "--jobs", "2", "--report", report) == 1
    found = load_report(report)
    assert (found["ok"], found["failed"]) == (300, 3)
    errors = {Path(r["input"]).stem: r["error"] for r in found["files"] if r["status"] == "failed"}
    assert "exit code 3" in errors["leave"] and str(takes / "2" / "nothing.trc") in errors["nothing"]
    if os.name != "nt":
        assert "signal 9" in errors["torn"]
    assert outputs(out) == sorted(name.replace(".trc", ".slow") for name in names), "and no scratch file"
    said = capsys.readouterr()
    assert "300 ok, 3 failed" in said.out and said.out.count("\n") == 301
    (leave,) = (r for r in found["files"] if "leave" in r["input"])
    assert any("the last words" in line for line in leave["log"])
    assert (
        quick(takes, "-o", out, "--format", "slow", "--jobs", "2", "--resume", "--failed-ok", "--report", report) == 0
    )
    assert (load_report(report)["skipped"], load_report(report)["failed"]) == (300, 3)


def test_a_take_that_crashes_its_process_fails_alone(quick, tmp_path, capsys):
    takes = make_takes(tmp_path / "in", "a.trc", "crash.trc", "z.trc")
    assert quick(takes, "-o", tmp_path / "out", "--jobs", "1") == 1
    assert outputs(tmp_path / "out") == ["a.npz", "z.npz"]
    how = "exit code 0xC0000005 (access violation)" if os.name == "nt" else "signal 11 (SIGSEGV)"
    assert f"crash.trc: the process that solved it was lost: {how}" in capsys.readouterr().err


def test_a_take_that_hangs_is_given_up(quick, tmp_path, capsys):
    takes = make_takes(tmp_path / "in", "a.trc", "hang.trc", "stuck.trc", "z.trc")
    assert quick(takes, "-o", tmp_path / "out", "--format", "slow", "--timeout", "5") == 1
    assert outputs(tmp_path / "out") == ["a.slow", "z.slow"]
    assert "hang.trc: not done after 5 seconds" in capsys.readouterr().err


def test_one_thread_for_each_process_unless_the_user_says_otherwise(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert worker_environment()["OMP_NUM_THREADS"] == "1"
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert worker_environment()["OMP_NUM_THREADS"] == "3"


def test_processes_that_cannot_start_fail_every_take_and_say_why(tmp_path, capsys):
    takes, report = make_takes(tmp_path / "in", "a.trc", "b.trc", "c.trc"), tmp_path / "r.json"
    nothing = str(tmp_path / "nothing")
    for command, why in (((nothing,), f"{nothing} cannot be started"), ((sys.executable, "-c", "1/0"), "Zero")):
        front_end = FrontEnd(command=command)
        words = ["convert", str(takes), "-o", str(tmp_path / "out"), "--jobs", "2", "--report", str(report)]
        assert main(words, front_end) == 1
        assert set(statuses(report).values()) == {"failed"} and why in load_report(report)["files"][2]["error"]
    assert outputs(tmp_path / "out") == [] if (tmp_path / "out").exists() else True


@pytest.mark.parametrize("answer", ["7", '["record", 7]', '["say"', "", '["record", {}, 3]'])
def test_a_process_that_answers_nonsense_is_given_up(tmp_path, answer):
    takes, report = make_takes(tmp_path / "in", "a.trc", "b.trc"), tmp_path / "r.json"
    script = f'import sys; print(\'{{"ready": "x"}}\', flush=True); sys.stdin.readline(); print({answer!r}, flush=True)'
    words = ["convert", str(takes), "-o", str(tmp_path / "out"), "--jobs", "1", "--report", str(report)]
    assert main(words, FrontEnd(command=(sys.executable, "-c", script))) == 1
    assert set(statuses(report).values()) == {"failed"}


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (3, "exit code 3"),
        (0xC0000005, "exit code 0xC0000005 (access violation)"),
        (0xC0000142, "exit code 0xC0000142"),
        pytest.param(-9, "signal 9 (SIGKILL), perhaps for want of memory", marks=posix_only),
    ],
)
def test_how_a_process_ended_is_said_as_its_system_says_it(code, words):
    assert exit_codes.in_words(code) == words


def test_the_plain_command_solves_in_processes(tmp_path):
    """The real solver, by the real command, from another folder than that of the package."""
    takes = make_takes(tmp_path / "in", "a.trc", "b.trc")
    words = ["convert", "in", "-o", "out", "--jobs", "2"]
    command = [sys.executable, "-m", "lsmpl_core", *words]
    subprocess.run(command, cwd=tmp_path, env=with_this_code(), check=True, timeout=600)
    assert main(["convert", str(takes), "-o", str(tmp_path / "here")]) == 0
    for name in ("a.npz", "b.npz"):
        poses = [lsmpl.Motion.load(tmp_path / folder / name).poses for folder in ("out", "here")]
        np.testing.assert_allclose(*poses, atol=1e-6)


# Interrupted


@posix_only
@pytest.mark.parametrize("number", [number for number in signal.Signals if number.name in STOPPING])
@pytest.mark.parametrize("processes", [(), ("--jobs", "2")])
def test_interrupted_and_resumed(quick, tmp_path, number, processes):
    names = [f"{letter}.trc" for letter in "abcd"]
    takes, out, report = make_takes(tmp_path / "in", *names, "e_stuck.trc"), tmp_path / "out", tmp_path / "r.json"
    (takes / "e_stuck.trc").rename(takes / "stuck.trc")
    words = ["convert", str(takes), "-o", str(out), "--format", "slow", "--report", str(report), *processes]
    process = subprocess.Popen(
        [sys.executable, quick_front_end.__file__, *words], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    for _ in range(len(names) * (1 if processes else 2)):  # in one process, noise stands between them
        process.stdout.readline()
    wait_for(lambda: list(out.glob(".lsmpl-*/stuck.slow")))
    process.send_signal(number)
    _, errors = process.communicate(timeout=600)
    assert process.returncode == 128 + number, errors
    assert "interrupted" in errors and "Traceback" not in errors
    assert outputs(out) == ["a.slow", "b.slow", "c.slow", "d.slow"] and not list(out.glob(".lsmpl-*"))
    assert statuses(report) == {**dict.fromkeys("abcd", "ok"), "stuck": "interrupted"}
    (takes / "stuck.trc").rename(takes / "e.trc")
    assert quick(takes, "-o", out, "--format", "slow", "--resume", "--report", report, *processes) == 0
    assert statuses(report) == {**dict.fromkeys("abcd", "skipped"), "e": "ok"}


@posix_only
def test_processes_end_when_the_one_that_gives_the_orders_is_killed(tmp_path):
    takes, out = make_takes(tmp_path / "in", *(f"slow{n}.trc" for n in range(50))), tmp_path / "out"
    words = ["convert", str(takes), "-o", str(out), "--jobs", "2"]
    process = subprocess.Popen([sys.executable, quick_front_end.__file__, *words], stdout=subprocess.PIPE)
    process.stdout.readline()
    pids = children(process.pid)
    process.kill()
    process.communicate(timeout=600)
    assert len(pids) == 2
    wait_for(lambda: not any(alive(pid) for pid in pids))
    assert len(outputs(out)) < 50 and all(len(lsmpl.Motion.load(out / name)) == 6 for name in outputs(out))


@posix_only
@pytest.mark.parametrize("number", [n for n in signal.Signals if n.name in ("SIGTERM", "SIGHUP")])
def test_a_signal_to_all_processes_at_once_interrupts_takes_and_fails_none(tmp_path, number):
    """As schedulers of clusters and closing terminals send it; here their parent is the last to hear."""
    takes = make_takes(tmp_path / "in", "hang1.trc", "hang2.trc", "z.trc")
    out, report = tmp_path / "out", tmp_path / "r.json"
    words = ["convert", str(takes), "-o", str(out), "--jobs", "2", "--report", str(report)]
    process = subprocess.Popen(
        [sys.executable, quick_front_end.__file__, *words], text=True, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    wait_for(lambda: len(list(takes.glob("*.begun"))) == 2)
    for pid in children(process.pid):
        os.kill(pid, number)
    time.sleep(0.5)
    process.send_signal(number)
    _, errors = process.communicate(timeout=600)
    assert process.returncode == 128 + number and "lost" not in errors, errors
    assert statuses(report) == {"hang1": "interrupted", "hang2": "interrupted", "z": "not run"}


@posix_only
def test_processes_that_hang_end_when_the_one_that_gives_the_orders_is_killed(tmp_path):
    takes, out = make_takes(tmp_path / "in", "hang1.trc", "hang2.trc"), tmp_path / "out"
    words = ["convert", str(takes), "-o", str(out), "--jobs", "2"]
    process = subprocess.Popen([sys.executable, quick_front_end.__file__, *words], stdout=subprocess.DEVNULL)
    wait_for(lambda: len(list(takes.glob("*.begun"))) == 2)
    pids = children(process.pid)
    process.kill()
    process.communicate(timeout=600)
    wait_for(lambda: not any(alive(pid) for pid in pids))


def processes() -> dict[int, tuple[str, int]]:
    """The state and the parent of each process there is."""
    if os.path.exists("/proc/self/stat"):  # bare Linux machines have no ps
        stats = [read_quietly(path) for path in Path("/proc").glob("[0-9]*/stat")]
        parts = [(stat.partition(" ")[0], *stat.rpartition(")")[2].split()[:2]) for stat in stats if stat]
    else:
        told = subprocess.run(["ps", "-A", "-o", "pid=,stat=,ppid="], capture_output=True, text=True, check=True).stdout
        parts = [line.split() for line in told.splitlines()]
    return {int(pid): (state, int(parent)) for pid, state, parent in parts}


def read_quietly(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:  # it has ended
        return ""


def children(pid: int) -> list[int]:
    return [child for child, (_, parent) in processes().items() if parent == pid]


def alive(pid: int) -> bool:
    return not processes().get(pid, ("Z", 0))[0].startswith("Z")


def wait_for(condition, seconds: float = 300.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)
