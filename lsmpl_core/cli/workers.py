"""Takes solved several at a time, each in a process that may crash or hang without harm to the
others.

A process is the same program again (`lsmpl`, or Blender with LSMPL), never a fork. It is told the
words of the command line and then one take after another, as lines of JSON on its stdin, and
answers on its stdout likewise.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import queue
import shutil
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from .inputs import RECORDS, Job
from .signals import STOPPING_NUMBERS, defer, release

WORKER = "worker"
"""The command line of such a process; it is not for users."""

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
_LONGEST_START = 300.0  # seconds; Blender on a cold network drive
_GRACE = 5.0  # seconds to leave in order
_ASKED_TO_END = {
    sign * code for number in STOPPING_NUMBERS for sign, code in ((1, 128 + number), (-1, number))
}
"""Exit codes of a process that was told to end by a signal, whether it heard of it or not."""
_LAST_WORDS = 20  # lines
_WINDOWS_CRASHES = {
    0xC0000005: "access violation",
    0xC0000017: "out of memory",
    0xC00000FD: "stack overflow",
    0xC0000135: "a DLL was not found",
    0xC000013A: "Ctrl-C, or its window was closed",
    0xC0000374: "heap corruption",
    0xC0000409: "abort",
}
"""Exit codes of processes that Windows ended:
https://learn.microsoft.com/openspecs/windows_protocols/ms-erref"""

Event = tuple[int, str, Any]
"""(number of the job, what, value): "started"; "say" or "complain" with a line; at last "record"
with a dict."""


class Workers:
    """`count` processes of one command line, started when they are needed and again when they have
    died."""

    def __init__(
        self, command: Sequence[str], argv: Sequence[str], count: int, timeout: float | None = None
    ):
        """`timeout`: seconds for a take."""
        self._command, self._argv, self._count, self._timeout = (
            [*command, WORKER],
            list(argv),
            count,
            timeout,
        )
        self._waiting: queue.SimpleQueue[tuple[int, Job]] = queue.SimpleQueue()
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._workers: list[_Worker] = []
        self._threads: list[threading.Thread] = []
        self._hopeless = ""

    def convert(self, jobs: Sequence[Job]) -> Iterator[Event | None]:
        """Solve all jobs, and tell what happens; one "record" comes for each. Without news, None
        comes now and then."""
        for number, job in enumerate(jobs):
            self._waiting.put((number, job))
        for _ in range(min(self._count, len(jobs))):
            worker = _Worker(self._command, self._argv, self._timeout)
            self._workers.append(worker)
            self._threads.append(threading.Thread(target=self._serve, args=(worker,), daemon=True))
        for thread in self._threads:
            thread.start()
        left = len(jobs)
        while left:
            defer()  # or an event could be lost between here and where it is noted
            try:
                event = self._events.get(timeout=0.3)
            except queue.Empty:
                yield None
            else:
                left -= event[1] == "record"
                yield event
            release()

    def close(self) -> None:
        """End the processes: those that are idle at once, the others within seconds, their scratch
        files removed."""
        for worker in self._workers:
            worker.end()
        for thread in self._threads:
            thread.join(_GRACE)
        for worker in self._workers:
            worker.kill()
        for thread in self._threads:
            thread.join(_GRACE)

    def unheard(self) -> Iterator[Event]:
        """What happened until the processes had ended and `convert` did not tell."""
        while not self._events.empty():
            yield self._events.get()

    def _serve(self, worker: _Worker) -> None:
        while not worker.ending:
            try:
                number, job = self._waiting.get_nowait()
            except queue.Empty:
                break
            self._events.put((number, "started", None))
            record = (
                self._fails(self._hopeless) if self._hopeless else self._run(worker, number, job)
            )
            if record is not None:
                self._events.put((number, "record", record))
        worker.leave()

    def _run(self, worker: _Worker, number: int, job: Job) -> dict | None:
        """The job's record, or None where the process was ended on purpose."""
        try:
            worker.start()
            return worker.convert(job, lambda what, line: self._events.put((number, what, line)))
        except _Died as error:
            failure = error
        if worker.ending:
            return None
        if isinstance(failure, _NotStarted) and not any(
            other.ever_ready for other in self._workers
        ):
            self._hopeless = str(failure)
        self._events.put((number, "complain", f"{job.title}: {failure}"))
        return self._fails(str(failure), failure.last_words)

    def _fails(self, error: str, last_words: Sequence[str] = ()) -> dict:
        return {"status": "failed", "error": error} | (
            {"log": list(last_words)} if last_words else {}
        )


class _Died(Exception):
    def __init__(self, message: str, last_words: Sequence[str] = ()):
        super().__init__(message)
        self.last_words = last_words


class _NotStarted(_Died):
    pass


class _Worker:
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
        """Have a process that is ready. Raises `_NotStarted`."""
        if self._process is not None or self.ending:
            return
        self._last_words.clear()
        try:
            self._process = subprocess.Popen(
                self._command,
                env=_environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
            )
        except OSError as error:
            raise _NotStarted(f"{self._command[0]} cannot be started: {error.strerror}") from None
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
            raise _NotStarted(
                f"a process to solve in did not get ready: {how}: {words}", tuple(self._last_words)
            )
        self._scratch, self.ever_ready = hello["ready"], True

    def convert(self, job: Job, tell: Callable[[str, str], None]) -> dict:
        """The record of the job; its messages go to `tell`. Raises `_Died`."""
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
            raise _Died(
                f"not done after {self._timeout:g} seconds, so it was given up (--timeout)",
                self._last_words,
            )
        raise _Died(f"the process that solved it was lost: {how}", tuple(self._last_words))

    def leave(self) -> None:
        """Let the process end by itself: there is nothing left to do."""
        if process := self._process:
            with _gone_is_fine():
                _pipe(process.stdin).close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_GRACE)
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
                process.wait(_GRACE)
        with _gone_is_fine():
            process.kill()
        code = process.wait()
        if code in _ASKED_TO_END:
            self._ending.wait(_GRACE)
        if self._listening:
            self._listening.join(_GRACE)
        for pipe in (process.stdin, process.stdout):
            with _gone_is_fine():
                _pipe(pipe).close()
        return _ending(code)

    def _sweep(self, job: Job) -> None:
        """Remove what the process had begun to write."""
        for folder in (job.output.parent, job.output.parent / RECORDS):
            for scratch in folder.glob(f"{self._scratch}*") if self._scratch else ():
                shutil.rmtree(scratch, ignore_errors=True)


def _ending(code: int) -> str:
    """A process's exit code in words."""
    if code in _WINDOWS_CRASHES:
        return f"exit code 0x{code:08X} ({_WINDOWS_CRASHES[code]})"
    if code >= 0:
        return f"exit code 0x{code:08X}" if code >> 31 else f"exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = "unknown"
    return f"signal {-code} ({name})" + (
        ", perhaps for want of memory" if name == "SIGKILL" else ""
    )


def _gone_is_fine() -> contextlib.AbstractContextManager:
    return contextlib.suppress(OSError, ValueError)


def _pipe(end: IO[str] | None) -> IO[str]:
    """The end of a pipe, which a process that was started with `PIPE` has."""
    assert end is not None
    return end


def _environment() -> dict[str, str]:
    """One core for each process, unless the user says otherwise: N threads in each of N processes,
    or beside other tasks of a farm, wait for one another most of the time (a take of a second was
    seen to take a minute)."""
    said = {
        "PYTHONIOENCODING": "utf-8:backslashreplace"
    }  # as it is read here; Windows' own would not be
    return {**dict.fromkeys(_THREADS, "1"), **os.environ, **said}
