"""What `build.py` finds on a machine, whatever its system: Pythons, and what commands print."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from tools import environments  # noqa: E402

PROGRAM = "{}.exe" if os.name == "nt" else "{}"


@pytest.mark.parametrize("name", ["python3.11", "python3", "python"])
def test_pythons_on_path_are_tried_under_the_names_that_systems_give_them(tmp_path, monkeypatch, name):
    program = tmp_path / PROGRAM.format(name)
    program.write_bytes(b"")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert (str(program),) in list(environments._candidates("3.11"))


@pytest.mark.skipif(os.name != "nt", reason="where Windows' installers put Python")
def test_pythons_that_windows_installs_for_one_user_are_tried(tmp_path, monkeypatch):
    program = tmp_path / "Programs" / "Python" / "Python311" / "python.exe"
    program.parent.mkdir(parents=True)
    program.write_bytes(b"")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    assert program in [Path(words[0]) for words in environments._candidates("3.11")]


def test_only_a_python_of_that_version_that_answers_is_taken(monkeypatch):
    """Windows has a `python.exe` that opens its store."""
    own = "{}.{}".format(*sys.version_info)
    answers = {"store": "", "hangs": None, "other": '["2.7", "/old"]', "fit": f'["{own}", "/a b/python"]'}

    def run(command, **options):
        if command[0] == "absent":
            raise FileNotFoundError
        if answers[command[0]] is None:
            raise subprocess.TimeoutExpired(command, 60)
        return subprocess.CompletedProcess(command, 9009 if command[0] == "store" else 0, answers[command[0]], "")

    monkeypatch.setattr(environments, "run_captured", run)
    monkeypatch.setattr(environments, "_candidates", lambda version: [(n,) for n in ("absent", *answers)])
    assert environments.find_python(own) == "fit"
    assert environments.find_python("3.99") is None
    monkeypatch.setattr(environments, "_candidates", lambda version: [("fit", f"-{version}")])
    assert environments.find_python(own) == "/a b/python", "what a launcher starts, which makes environments itself"


def test_this_python_can_be_asked():
    version = "{}.{}".format(*sys.version_info)
    done = environments.run_captured([sys.executable, "-c", "import venv, ensurepip"])
    assert environments.find_python(version) is not None or done.returncode


def test_what_commands_print_is_kept_in_any_encoding():
    script = "import sys; sys.stdout.buffer.write('Jürgen'.encode(sys.argv[1]))"
    said = [environments.run_captured([sys.executable, "-c", script, name]).stdout for name in ("utf-8", "cp1252")]
    assert said == ["Jürgen", "J\\xfcrgen"]
