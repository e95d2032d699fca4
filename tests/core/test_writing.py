"""Disks that are full, folders that are read-only and processes that are ended lose nothing of the user's."""

import os

import pytest

if not hasattr(os, "fork"):
    pytest.skip("processes are forked", allow_module_level=True)

from fuzz_writing import attempt_writing

from lsmpl_core.cli.main import main


@pytest.mark.parametrize("seeds", [range(0, 12), range(12, 24)])
def test_a_disturbed_conversion_leaves_what_was_there_or_what_is_whole(tmp_path, seeds):
    for seed in seeds:
        attempt_writing(tmp_path, seed)


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
