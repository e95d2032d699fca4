"""A process that solves takes for another (`workers.py`), which tells it on its stdin what to do.

The first line has the words of the command line, every other one a take; answers go to stdout.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from ..errors import LsmplError
from ..files.replacing import SCRATCH
from ..report import json_ready
from .inputs import Job
from .signals import Stopped, release, signals_as_exceptions
from .take import Listener, TakeConverter

_LAST_CHANCE = 60.0  # seconds, to finish writing a large file


def work(make: Callable[[Sequence[str]], TakeConverter]) -> int:
    """Be such a process, until stdin ends."""
    orders, answers = _Orders(os.dup(0)), os.fdopen(os.dup(1), "w", encoding="utf-8")
    sys.stdout.flush()
    os.dup2(2, 1)  # what Blender, exporters and libraries print is none of the answers
    if threading.current_thread() is threading.main_thread():
        # The keyboard's are for the process that gives the orders.
        for name in ("SIGINT", "SIGBREAK"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), signal.SIG_IGN)
    try:
        with signals_as_exceptions():
            return _obey(make, orders, answers)
    except Stopped as stop:
        return stop.exit_code
    except BrokenPipeError:  # nobody listens any more
        return 1


def _obey(make, orders, answers) -> int:
    def answer(*message) -> None:
        answers.write(json.dumps(message[0] if len(message) == 1 else message) + "\n")
        answers.flush()

    try:
        converter = make(json.loads(orders.next() or "{}")["words"])
    except (LsmplError, OSError, KeyError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    answer({"ready": SCRATCH})
    while line := orders.next():
        job = json.loads(line)["job"]
        job = Job(
            Path(job["source"]), Path(job["output"]), job["format"], job["in_folder"], job["person"]
        )
        record = converter.convert(
            job, Listener(lambda t: answer("say", t), lambda t: answer("complain", t))
        )
        orders.carried_out()
        answer("record", json_ready(record))
        release()
    return 0


class _Orders:
    """Lines from a file descriptor. Where they end in the midst of an order, whoever gave it is
    gone, and nobody would end this process if it hangs: it then gets a SIGTERM from itself, and has
    a minute to leave."""

    def __init__(self, descriptor: int):
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._working = False
        threading.Thread(target=self._read, args=(descriptor,), daemon=True).start()

    def next(self) -> str:
        """The next line, or "" after the last."""
        self._working = False
        line = self._lines.get()
        self._working = bool(line)
        return line

    def carried_out(self) -> None:
        """The order is carried out, though its answer is not sent yet."""
        self._working = False

    def _read(self, descriptor: int) -> None:
        rest = b""  # not a file object: its lock would be held when the interpreter ends
        while chunk := os.read(descriptor, 1 << 16):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._lines.put(line.decode("utf-8"))
        self._lines.put("")
        if self._working and (main := threading.main_thread().ident):
            if hasattr(signal, "pthread_kill"):
                signal.pthread_kill(main, signal.SIGTERM)  # wakes it, too
            else:
                signal.raise_signal(signal.SIGTERM)
            time.sleep(_LAST_CHANCE)
            os._exit(1)
