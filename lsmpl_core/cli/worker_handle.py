"""One process that solves takes (`worker_process.py`), as seen by the program that gives it orders:
started, given a take, listened to, ended, and what it left swept away."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from . import exit_codes
from .inputs import RECORDS, Job

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
_LONGEST_START = 300.0  # seconds; Blender on a cold network drive
GRACE = 5.0
"""Seconds to leave in order."""
_LAST_WORDS = 20  # lines


class Died(Exception):
    """The process is gone; `last_words` are the last lines that it wrote."""

    def __init__(self, message: str, last_words: Sequence[str] = ()):
        super().__init__(message)
        self.last_words = last_words


class NotStarted(Died):
    """It was gone before it was ready."""


class WorkerHandle:
    """One process at a time, and what it takes to talk with it. Used by one thread, but for `end`
    and `kill`."""

    def __init__(self, command: Sequence[str], argv: Sequence[str], timeout: float | None):
        self._command, self._argv, self._timeout = command, argv, timeout
        self._process: subprocess.Popen | None = None
        self._listening: threading.Thread | None = None
        self._scratch = ""
        self._last_words: deque[str] = deque(maxlen=_LAST_WORDS)
        self._ending = threading.Event()
        self.ever_ready = False

    @property
    def ending(self) -> bool:
        """Whether the process is being ended on purpose."""
        return self._ending.is_set()

    def start(self) -> None:
        """Have a process that is ready. Raises `NotStarted`."""
        if self._process is not None or self.ending:
            return
        self._last_words.clear()
        try:
            self._process = subprocess.Popen(
                self._command,
                env=worker_environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
            )
        except OSError as error:
            raise NotStarted(f"{self._command[0]} cannot be started: {error.strerror}") from None
        if self.ending:
            self.kill()
        self._listening = threading.Thread(
            target=self._overhear, args=(self._process,), daemon=True
        )
        self._listening.start()
        limit = threading.Timer(_LONGEST_START, self.kill)
        limit.start()
        try:
            self._tell({"words": self._argv})
            while (line := _pipe(self._process.stdout).readline()) and not line.startswith(
                '{"ready"'
            ):
                self._last_words.append(line.rstrip())  # Blender greets
            hello, leaves = (json.loads(line), False) if line else ({}, True)
        except OSError:
            hello, leaves = {}, True
        except (ValueError, TypeError):
            hello, leaves = {}, False
        finally:
            limit.cancel()
        if "ready" not in hello:
            how = self._bury(leaves)
            words = "; ".join(list(self._last_words)[-3:])
            raise NotStarted(
                f"a process to solve in did not get ready: {how}: {words}", tuple(self._last_words)
            )
        self._scratch, self.ever_ready = hello["ready"], True

    def convert(self, job: Job, tell: Callable[[str, str], None]) -> dict:
        """The record of the job; its messages go to `tell`. Raises `Died`."""
        too_long = threading.Event()
        leaves = True
        self._last_words.clear()

        def give_up() -> None:
            too_long.set()
            self.kill()

        limit = threading.Timer(self._timeout, give_up) if self._timeout else None
        if limit:
            limit.start()
        try:
            job_as_text = {
                k: str(v) if isinstance(v, Path) else v for k, v in dataclasses.asdict(job).items()
            }
            self._tell({"job": job_as_text})
            for line in _pipe(self._process.stdout) if self._process else ():
                what, value = json.loads(line)
                if what == "record":
                    return dict(value)
                tell(what, str(value))
        except OSError:  # it died while it was told
            pass
        except (ValueError, TypeError):  # nonsense, or half a line
            leaves = False
        finally:
            if limit:
                limit.cancel()
        how = self._bury(leaves)
        self._sweep(job)
        if too_long.is_set():
            raise Died(
                f"not done after {self._timeout:g} seconds, so it was given up (--timeout)",
                tuple(self._last_words),
            )
        raise Died(f"the process that solved it was lost: {how}", tuple(self._last_words))

    def leave(self) -> None:
        """Let the process end by itself: there is nothing left to do."""
        if process := self._process:
            with _gone_is_fine():
                _pipe(process.stdin).close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(GRACE)
            self._bury()

    def end(self) -> None:
        """Ask the process to stop what it is doing and to leave."""
        self._ending.set()
        if process := self._process:
            with _gone_is_fine():
                process.terminate()

    def kill(self) -> None:
        if process := self._process:
            with _gone_is_fine():
                process.kill()

    def _tell(self, message: dict) -> None:
        if self._process:
            to_it = _pipe(self._process.stdin)
            to_it.write(json.dumps(message) + "\n")
            to_it.flush()

    def _overhear(self, process: subprocess.Popen) -> None:
        with _pipe(process.stderr) as said:
            for line in said:
                self._last_words.append(line.rstrip())

    def _bury(self, leaves: bool = False) -> str:
        """Wait for the end of the process, and say how it ended. If it `leaves` by itself, it is
        let to.

        A farm that ends a task may signal all its processes at once, and this one may have gone
        before our own main thread has heard: then we learn within moments that it was to end, and
        the take has not failed.
        """
        process, self._process = self._process, None
        if process is None:
            return "it was ended"
        if leaves:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(GRACE)
        with _gone_is_fine():
            process.kill()
        code = process.wait()
        if code in exit_codes.ASKED_TO_END:
            self._ending.wait(GRACE)
        if self._listening:
            self._listening.join(GRACE)
        for pipe in (process.stdin, process.stdout):
            with _gone_is_fine():
                _pipe(pipe).close()
        return exit_codes.in_words(code)

    def _sweep(self, job: Job) -> None:
        """Remove what the process had begun to write."""
        for folder in (job.output.parent, job.output.parent / RECORDS):
            for scratch in folder.glob(f"{self._scratch}*") if self._scratch else ():
                shutil.rmtree(scratch, ignore_errors=True)


def _gone_is_fine() -> contextlib.AbstractContextManager:
    return contextlib.suppress(OSError, ValueError)


def _pipe(end: IO[str] | None) -> IO[str]:
    """The end of a pipe, which a process that was started with `PIPE` has."""
    assert end is not None
    return end


def worker_environment() -> dict[str, str]:
    """One core for each process, unless the user says otherwise: N threads in each of N processes,
    or beside other tasks of a farm, wait for one another most of the time (a take of a second was
    seen to take a minute)."""
    # Its words are read as UTF-8 here, which Windows' own encoding is not.
    spoken = {"PYTHONIOENCODING": "utf-8:backslashreplace"}
    return {**dict.fromkeys(_THREADS, "1"), **os.environ, **spoken}
