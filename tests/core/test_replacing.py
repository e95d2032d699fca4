"""Files take their names when they are complete, also where other programs and other systems are in the way."""

import os
import subprocess
import sys
import threading

import pytest

from lsmpl_core.files import replacing
from lsmpl_core.files.replacing import SCRATCH, replace_when_complete

windows_only = pytest.mark.skipif(os.name != "nt", reason="elsewhere open files can be replaced")


def write(path, text="new"):
    with replace_when_complete(path) as scratch:
        scratch.write_text(text)


def test_the_scratch_folder_is_no_more_private_than_any_other(tmp_path):
    """Windows hands a private folder's rights on to the files in it, which keep them when they are moved out."""
    (tmp_path / "plain").mkdir()
    with replace_when_complete(tmp_path / "a.txt") as scratch:
        assert scratch.parent.name.startswith(SCRATCH) and scratch.parent.parent == tmp_path
        assert scratch.parent.stat().st_mode == (tmp_path / "plain").stat().st_mode
        scratch.write_text("")
    assert not list(tmp_path.glob(".lsmpl-*"))


def test_a_file_that_is_in_use_for_a_moment_is_replaced_a_moment_later(tmp_path, monkeypatch):
    """As Windows answers while a virus scanner looks at a new file."""
    answers, replace = [PermissionError(13, "Access is denied")] * 2, os.replace

    def busy(source, target):
        if answers:
            raise answers.pop()
        replace(source, target)

    monkeypatch.setattr(replacing, "_WAITS", (0.0, 0.0, 0.0))
    monkeypatch.setattr(replacing.os, "replace", busy)
    write(tmp_path / "a.txt")
    assert (tmp_path / "a.txt").read_text() == "new" and not answers


def test_a_file_that_stays_in_use_is_named_and_kept(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text("old")

    def busy(source, target):
        raise PermissionError(13, "Access is denied", str(source), None, str(target))

    with monkeypatch.context() as patched:
        patched.setattr(replacing.os, "replace", busy)
        with pytest.raises(PermissionError) as error:
            write(tmp_path / "a.txt")
    assert error.value.filename == str(tmp_path / "a.txt"), "and not the scratch file, which is nobody's concern"
    assert "Access is denied" in error.value.strerror
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "old"


@windows_only
def test_windows_waits_for_a_program_that_has_the_file_open(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    script = f"import time; file = open({str(path)!r}); print('open', flush=True); time.sleep(0.6)"
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    process.stdout.readline()
    write(path)
    process.communicate()
    assert path.read_text() == "new"


@windows_only
def test_windows_says_that_the_file_is_open_in_another_program(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with open(path), pytest.raises(PermissionError, match="another program"):
        write(path)
    assert path.read_text() == "old" and [path.name for path in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux which files are open")
def test_nothing_of_ours_is_open_when_a_file_takes_its_place(tmp_path, monkeypatch, stroll):
    """Windows would refuse."""
    from lsmpl_core.retargeting.bone_maps import BoneMap, save_bone_map

    asked, replace = [], os.replace

    def checked(source, target):
        links = [f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd")]
        opened = {os.path.realpath(link) for link in links if os.path.exists(link)}
        assert not opened & {os.path.realpath(source), os.path.realpath(target)}
        asked.append(os.path.basename(target))
        replace(source, target)

    monkeypatch.setattr(os, "replace", checked)
    for _ in range(2):
        stroll.save(tmp_path / "walk.npz")
        type(stroll).load(tmp_path / "walk.npz")
        save_bone_map(BoneMap({"Hips": "pelvis"}), tmp_path / "bones.json")
    assert asked.count("walk.npz") == asked.count("bones.json") == 2


def test_threads_that_write_beside_one_another_do_not_meet(tmp_path):
    threads = [threading.Thread(target=write, args=(tmp_path / f"{n}.txt", str(n))) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(path.read_text() for path in tmp_path.iterdir()) == [str(n) for n in range(8)]
