"""The command where it cannot write, or ends in the middle: nothing of the user's is lost or half-changed.

Each try is a process of its own, forked, with a solver that takes no time. Python tells an audit hook of whatever is
opened, moved, made or removed, and at one of these moments, chosen by the seed, the hook is the full disk, the folder
that is read-only, or the signal that ends the process.
"""

import errno
import io
import json
import os
import resource
import shutil
import signal
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from fuzzing import Fuzzer, in_our_words
from quick_front_end import quick_steps
from stick_figure import walking

import lsmpl_core as lsmpl
from lsmpl_core.cli import take
from lsmpl_core.cli.main import EXIT_NOT_TRUSTED, main
from lsmpl_core.files.replacing import SCRATCH
from lsmpl_core.keypoints.layouts import LAYOUTS

ERRORS = (errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EIO, errno.EDQUOT, errno.EBUSY, errno.ENAMETOOLONG)
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL, signal.SIGQUIT, signal.SIGPIPE)
OUTRIGHT = (-signal.SIGKILL, -signal.SIGQUIT)
"""By these a process ends with whatever it has begun left behind. SIGPIPE is nothing to Python."""
EVENTS = {"open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.truncate", "os.chmod", "shutil.rmtree"}
REMOVING = {"os.remove", "os.rmdir", "shutil.rmtree"}
MOST_SECONDS, MOST_PATIENCE = 10, 120.0
"""Of processor time, and of the clock's, which others on the machine lengthen."""


@cache
def _good() -> tuple[bytes, bytes]:
    """A take, and a motion that was made before."""
    stream = io.BytesIO()
    np.savez(stream, keypoints3d=walking(LAYOUTS["coco_17"], 6))
    before = io.BytesIO()
    np.savez(before, poses=np.full((3, 72), 0.25), trans=np.zeros((3, 3)), betas=np.zeros(10), mocap_framerate=30.0)
    return stream.getvalue(), before.getvalue()


def attempt_writing(folder: Path, seed: int) -> str:
    """One conversion into a folder in which there are things of the user's, disturbed at one moment."""
    rng = np.random.default_rng(seed)
    home = folder / "home"
    shutil.rmtree(home, ignore_errors=True)
    words = _furnished(home, rng)
    what = str(rng.choice(["error", "error", "signal", "late signal", "limit", "nothing"]))
    moment, chosen = int(rng.integers(0, 40)), int(rng.integers(1000))
    try:
        disturbed(home, words, what, moment, chosen)
    except Exception as error:
        raise AssertionError(f"seed {seed}, {error}") from error
    return what


def disturbed(home: Path, words: list[str], what: str, moment: int, chosen: int) -> int:
    """The exit code of a conversion that `what` disturbs at one moment, by one of the `ERRORS` or `SIGNALS`; nothing is
    lost by it."""
    before = _files(home)
    heard, said = os.pipe()  # which no limit of files' sizes is for, and which holds more than is said
    child = os.fork()
    if child == 0:
        _convert(home, words, what, moment, chosen, said)
    os.close(said)
    try:
        code = _ended(child)
        (home / "said.txt").write_bytes(_all_of(heard))
    finally:
        os.close(heard)
    try:
        _nothing_is_lost(home, before, code, what)
    except Exception as error:
        said = (home / "said.txt").read_text(errors="replace")[-300:] if (home / "said.txt").is_file() else ""
        raise AssertionError(f"{what} at {moment}, exit {code}, {words}: {error}; {said}") from error
    return code


def furnish(home: Path, names: list[str]) -> None:
    """A home with takes."""
    (home / "takes").mkdir(parents=True)
    for name in names:
        (home / "takes" / name).write_bytes(_good()[0])


def _furnished(home: Path, rng: np.random.Generator) -> list[str]:
    """A home with a take or two, notes, perhaps an earlier output; and the command's words."""
    motion = _good()[1]
    names = ["a.npz", "b.npz"][: int(rng.integers(1, 3))]
    furnish(home, names)
    out = home / "out"
    kind = str(rng.choice(["there", "there", "missing", "file", "link", "dangling", "loop", "among the takes"]))
    if kind == "there":
        out.mkdir()
        (out / "notes.txt").write_text("the user's")
        for name in (*names, "made.npz"):
            (out / name).write_bytes(motion)
    elif kind == "file":
        out.write_text("the user's")
    elif kind == "link":
        (home / "elsewhere").mkdir()
        (home / "elsewhere" / "made.npz").write_bytes(motion)
        out.symlink_to(home / "elsewhere")
    elif kind in ("dangling", "loop"):
        out.symlink_to(out if kind == "loop" else home / "nowhere")
    elif kind == "among the takes":
        out = home / "takes"
    if kind in ("there", "link") and rng.random() < 0.3:
        (home / "kept.npz").write_bytes(motion)
        (out / "made.npz").unlink()
        (out / "made.npz").symlink_to(home / "kept.npz")

    one = rng.random() < 0.5
    target = str(out / "made.npz") if one else str(out)
    if rng.random() < 0.1:
        target = str(out / str(rng.choice(["n" * 300 + ".npz", "a\nb.npz", "\u202ex.npz", "x\udcff.npz", "..", "."])))
    words = ["convert", str(home / "takes" / names[0]) if one else str(home / "takes"), "-o", target]
    if rng.random() < 0.6:
        report = home / str(rng.choice(["report.json", "takes/a.npz", "out/made.npz", "out", "new/report.json"]))
        words += ["--report", str(report)]
        if report.parent == home and report.suffix:
            report.write_text(str(rng.choice(['{\n "schema": 1,\n "files": []}', "the user's", ""])))
    return words + [option for option in ("--resume", "--overwrite") if rng.random() < 0.2][:1]


def _all_of(pipe: int) -> bytes:
    """What was written to a pipe that nobody writes to any more."""
    return b"".join(iter(lambda: os.read(pipe, 1 << 16), b""))


def _convert(home: Path, words: list[str], what: str, moment: int, chosen: int, said: int) -> None:
    """The forked process: converts, disturbed, saying all to a pipe, and ends."""
    os.dup2(said, 1)
    os.dup2(said, 2)
    sys.stdout, sys.stderr = (os.fdopen(number, "w", closefd=False) for number in (1, 2))
    take.solve_steps = quick_steps
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    try:
        if what == "limit":
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (100 * moment, 100 * moment))
        elif what != "nothing":
            sys.addaudithook(_disturbance(str(home), what, moment, chosen))
        code = main(words)
    except BaseException as error:
        print(f"Traceback: {type(error).__name__}: {str(error)[-200:]!a}", flush=True)
        code = 99
    sys.stdout.flush()
    os._exit(code)


def _disturbance(home: str, what: str, moment: int, chosen: int) -> Callable:
    """An audit hook that fails, or ends the process, when the file system is changed in `home` for the `moment`-th
    time."""
    count = -1

    def hook(event: str, args: tuple) -> None:
        nonlocal count
        if event not in EVENTS or not isinstance(args[0], (str, bytes)) or home not in os.fsdecode(args[0]):
            return
        if event == "open" and not (args[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            return
        count += 1
        if count != moment:
            return
        number = SIGNALS[chosen % len(SIGNALS)]
        if what == "signal":
            os.kill(os.getpid(), number)
        elif what == "late signal":
            _kill_when_done(number)
        elif event not in REMOVING:  # of what is left behind then nobody is told
            number = ERRORS[chosen % len(ERRORS)]
            raise OSError(number, os.strerror(number), os.fsdecode(args[0]))

    return hook


def _kill_when_done(number: int) -> None:
    """Send the process a signal when the next function returns: what was to be done to the file system is done."""

    def note(frame, event: str, argument: object) -> None:
        if event in ("return", "c_return") and frame.f_code.co_filename != __file__:
            sys.setprofile(None)
            os.kill(os.getpid(), number)

    sys.setprofile(note)


def _ended(child: int) -> int:
    """The exit code of a process, or its signal, negative."""
    end = time.monotonic() + MOST_PATIENCE
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    raise AssertionError(f"still at it after {MOST_PATIENCE} s")


def _files(home: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}


def _nothing_is_lost(home: Path, before: dict[Path, bytes], code: int, what: str) -> None:
    assert code in (0, 1, 2, EXIT_NOT_TRUSTED, *(128 + s for s in SIGNALS)) or code in OUTRIGHT, f"code {code}"
    after = _files(home)
    for path, content in before.items():
        assert path in after, f"{path.name} is gone"
        if after[path] != content:
            assert path.parent.name != "takes" or path.name == "made.npz", f"{path.name}, a take, is changed"
            assert content != b"the user's", f"{path.name}, which is the user's, is changed"
    for path in after.keys() - {home / "said.txt"}:
        if SCRATCH.split("-")[0] + "-" in str(path):
            assert code in OUTRIGHT or path in before, f"{path} is left"
        elif after[path] != before.get(path):
            _is_whole(path)
    said = (home / "said.txt").read_text(errors="replace")
    assert "Traceback" not in said, "a traceback"
    in_our_words(said[-2900:] if code != 2 else "")


def _is_whole(path: Path) -> None:
    """What was written is complete: a motion that loads, or JSON."""
    content = path.read_bytes()
    if content[:1] == b"{":
        json.loads(content)
    else:
        lsmpl.Motion.load(path)


WRITING = (Fuzzer("writing", attempt_writing),) if hasattr(os, "fork") else ()
