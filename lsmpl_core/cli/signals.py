"""Ctrl-C, a farm's SIGTERM and a closed terminal end the `lsmpl` command as exceptions, so that
scratch files go."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

STOPPING = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
"""Those of them that the system has; SIGBREAK is Windows' Ctrl-Break."""
STOPPING_NUMBERS = tuple(int(getattr(signal, name)) for name in STOPPING if hasattr(signal, name))


_deferring = False
_pending = 0


class Stopped(BaseException):
    """A signal asked the process to end."""

    def __init__(self, number: int):
        self.exit_code = 128 + number


@contextmanager
def signals_as_exceptions() -> Iterator[None]:
    """Raise `Stopped` in the main thread when a signal comes; signals that the parent had ignored
    stay so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number, frame):
        global _pending
        _pending = number
        if not _deferring:
            release()

    _forget()
    watched = [s for s in STOPPING_NUMBERS if signal.getsignal(s) is not signal.SIG_IGN]
    previous = {s: signal.signal(s, stop) for s in watched}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        _forget()


def defer() -> None:
    """Let signals wait from here to `release`: an output is taking its place, and its record, or
    the report of the whole, is not written yet."""
    global _deferring
    _deferring = True


def release() -> None:
    """Raise `Stopped` if a signal has come since `defer`."""
    if number := _forget():
        raise Stopped(number)


def _forget() -> int:
    """The number of the signal that has come, or 0."""
    global _deferring, _pending
    _deferring, number, _pending = False, _pending, 0
    return number


@contextmanager
def signals_held_back() -> Iterator[None]:
    """While ending in order: a second Ctrl-C waits until that is done."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = {s: signal.signal(s, signal.SIG_IGN) for s in STOPPING_NUMBERS}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
