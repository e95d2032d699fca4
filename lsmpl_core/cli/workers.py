"""Takes solved several at a time, each in a process that may crash or hang without harm to the
others.

A process is the same program again (`lsmpl`, or Blender with LSMPL), never a fork. It is told the
words of the command line and then one take after another, as lines of JSON on its stdin, and
answers on its stdout likewise (`worker_handle.py`, `worker_process.py`).
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from .inputs import Job
from .signals import defer, release
from .worker_handle import GRACE, Died, NotStarted, WorkerHandle

WORKER = "worker"
"""The command line of such a process; it is not for users."""

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
        self._command, self._argv = [*command, WORKER], list(argv)
        self._count, self._timeout = count, timeout
        self._waiting: queue.SimpleQueue[tuple[int, Job]] = queue.SimpleQueue()
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._workers: list[WorkerHandle] = []
        self._threads: list[threading.Thread] = []
        self._hopeless = ""

    def convert(self, jobs: Sequence[Job]) -> Iterator[Event | None]:
        """Solve all jobs, and tell what happens; one "record" comes for each. Without news, None
        comes now and then."""
        for number, job in enumerate(jobs):
            self._waiting.put((number, job))
        for _ in range(min(self._count, len(jobs))):
            worker = WorkerHandle(self._command, self._argv, self._timeout)
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
            thread.join(GRACE)
        for worker in self._workers:
            worker.kill()
        for thread in self._threads:
            thread.join(GRACE)

    def unheard(self) -> Iterator[Event]:
        """What happened until the processes had ended and `convert` did not tell."""
        while not self._events.empty():
            yield self._events.get()

    def _serve(self, worker: WorkerHandle) -> None:
        while not worker.ending:
            try:
                number, job = self._waiting.get_nowait()
            except queue.Empty:
                break
            self._events.put((number, "started", None))
            record = _failed(self._hopeless) if self._hopeless else self._run(worker, number, job)
            if record is not None:
                self._events.put((number, "record", record))
        worker.leave()

    def _run(self, worker: WorkerHandle, number: int, job: Job) -> dict | None:
        """The job's record, or None where the process was ended on purpose."""
        try:
            worker.start()
            return worker.convert(job, lambda what, line: self._events.put((number, what, line)))
        except Died as error:
            failure = error
        if worker.ending:
            return None
        if isinstance(failure, NotStarted) and not any(other.ever_ready for other in self._workers):
            self._hopeless = str(failure)
        self._events.put((number, "complain", f"{job.title}: {failure}"))
        return _failed(str(failure), failure.last_words)


def _failed(error: str, last_words: Sequence[str] = ()) -> dict:
    """The record of a take that failed, with what its process said last."""
    return {"status": "failed", "error": error} | ({"log": list(last_words)} if last_words else {})
