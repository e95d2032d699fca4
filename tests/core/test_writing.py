"""Disks that are full, folders that are read-only and processes that are ended lose nothing of the user's."""

import json
import os
import shutil
import signal

import pytest

if not hasattr(os, "fork"):
    pytest.skip("processes are forked", allow_module_level=True)

from fuzz_writing import SIGNALS, attempt_writing, disturbed, furnish

from lsmpl_core.cli.main import main


@pytest.mark.parametrize("seeds", [range(0, 12), range(12, 24)])
def test_a_disturbed_conversion_leaves_what_was_there_or_what_is_whole(tmp_path, seeds):
    for seed in seeds:
        attempt_writing(tmp_path, seed)


@pytest.mark.parametrize("what", ["signal", "late signal"])
def test_a_signal_at_any_moment_ends_in_order(tmp_path, what):
    """Whatever is being written to: outputs are whole or as they were, nothing is left beside, and the report says."""
    home, moment, code = tmp_path / "home", -1, None
    while code != 0:
        moment += 1
        shutil.rmtree(home, ignore_errors=True)
        furnish(home, ["a.npz"])
        words = ["convert", str(home / "takes"), "-o", str(home / "out"), "--report", str(home / "report.json")]
        code = disturbed(home, words, what, moment, moment % 3)
        assert code in (0, 128 + SIGNALS[moment % 3]), moment
        told = {take["status"] for take in json.loads((home / "report.json").read_text())["files"]}
        assert told == {"ok"} or (code and told & {"interrupted", "not run"}), (moment, told)
    assert moment > 10


@pytest.mark.parametrize("what", ["signal", "late signal"])
def test_what_is_killed_outright_leaves_whole_files_and_is_resumed(tmp_path, what):
    """Nobody can tidy up then: a hidden folder may be left, and what has its name is whole."""
    home = tmp_path / "home"
    words = ["convert", str(home / "takes"), "-o", str(home / "out"), "--report", str(home / "report.json"), "--resume"]
    for moment in range(0, 15, 3):
        shutil.rmtree(home, ignore_errors=True)
        furnish(home, ["a.npz"])
        assert disturbed(home, words, what, moment, SIGNALS.index(signal.SIGKILL)) == -signal.SIGKILL
        assert disturbed(home, words, "nothing", 0, 0) == 0
        assert json.loads((home / "report.json").read_text())["files"][0]["status"] in ("ok", "skipped")


def test_a_report_replaces_nothing_but_a_report(tmp_path, capsys):
    (tmp_path / "diary.json").write_text("{}")
    words = ["convert", str(tmp_path / "none.trc"), "-o", str(tmp_path / "out.npz"), "--report"]
    assert main([*words, str(tmp_path / "diary.json")]) == 2
    assert "which is no report" in capsys.readouterr().err
    for _ in range(2):
        assert main([*words, str(tmp_path / "report.json")]) == 1


def test_a_name_that_no_file_can_have_is_told(tmp_path, capsys):
    assert main(["convert", str(tmp_path), "-o", str(tmp_path / ("n" * 300 + ".npz"))]) in (1, 2)
    assert "Traceback" not in capsys.readouterr().err
