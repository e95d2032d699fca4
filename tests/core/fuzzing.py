"""What every fuzzer holds a try against: a result or an `LsmplError` that names the file, within time and memory.

`Fuzzer` is a kind of thing to be tried, `attempt` one try of it by a seed. A failure is an `AssertionError` that says
which seed it was; the file that did it is kept.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
import tracemalloc
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from damage import damaged

from lsmpl_core.errors import LsmplError

MOST_SECONDS = 5.0
"""Of processor time of this process, which others on the machine do not lengthen."""
TRACED = 4.0
"""Times that, where memory is looked at: what makes many small things takes so much longer then."""
MOST_GROWTH, READING_BYTES, SOLVING_BYTES = 10, 100 << 20, 500 << 20
"""Memory: so many times the file's size and, besides, what anything may have that is read or that is solved."""


def is_traced(seed: int) -> bool:
    """Whether a try looks at memory: one of four, for it makes all else slower."""
    return seed % 4 == 0


class Hang(BaseException):
    """Not an `Exception`, so that what catches everything does not catch this."""


@dataclass(frozen=True)
class Fuzzer:
    """name; attempt(folder, seed) -> what was tried, in a word or two; raises `AssertionError` where that fails."""

    name: str
    attempt: Callable[[Path, int], str]


@contextmanager
def no_hang(seconds: float = MOST_SECONDS) -> Iterator[None]:
    """Interrupt what takes longer; on Windows it may hang. Work in C is told when it comes back."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def stop(number, frame):
        raise Hang(f"still at it after {seconds} s")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


@contextmanager
def bounded(size: int, besides: int, traced: bool = True) -> Iterator[None]:
    """No hang, no warning, and no more memory than `MOST_GROWTH` times `size` bytes and what is allowed `besides`.

    traced: whether memory is looked at, which makes all else slower.
    """
    peak = 0
    if traced:
        tracemalloc.start()
    try:
        with no_hang(MOST_SECONDS * (TRACED if traced else 1.0)), warnings.catch_warnings():
            warnings.simplefilter("error")
            yield
        peak = tracemalloc.get_traced_memory()[1] if traced else 0
    except Hang as hang:
        raise AssertionError(str(hang)) from None
    finally:
        tracemalloc.stop()
    most = MOST_GROWTH * size + besides
    assert peak <= most, f"{peak >> 20} MiB for a file of {size >> 10} KiB; at most {most >> 20} MiB"


def judge(path: Path, read: Callable[[Path], object], besides: int = READING_BYTES, traced: bool = True) -> str:
    """Read a file: there must be a result or an `LsmplError` that names it in our words. Gives its message, or "".

    besides, traced: as those of `bounded`.
    """
    size = path.stat().st_size if path.is_file() else sum(file.stat().st_size for file in path.rglob("*"))
    with bounded(size, besides, traced):
        try:
            read(path)
        except LsmplError as error:
            message = str(error)
        else:
            return ""
    assert path.name in message, f"does not name the file: {message}"
    in_our_words(message)
    return message


def in_our_words(message: str) -> None:
    """`AssertionError` where a message is endless, or is what Python or NumPy say of their own affairs."""
    assert len(message) < 3000, f"a message of {len(message)} characters"
    for foreign in ("unexpected", "Traceback", "Error:", "object has no attribute", "not subscriptable", "operand"):
        assert foreign.lower() not in message.lower(), f"foreign words: {message}"


def fuzz(folder: Path, name: str, contents: dict[str, bytes], read: Callable, seed: int) -> None:
    """One damaged copy of one file, judged; kept where it fails."""
    rng = np.random.default_rng(seed)
    path = folder / name
    path.write_bytes(damaged(contents[name], rng, list(contents.values())))
    try:
        judge(path, read, traced=is_traced(seed))
    except Exception as error:
        raise AssertionError(f"{name}, seed {seed}, {kept(path, seed)}: {failure(error)}") from error
    finally:
        path.unlink(missing_ok=True)


def kept(path: Path, seed: int) -> str:
    """Where a copy of a file or folder that did harm is, in words: in the folder LSMPL_FUZZ_KEEP."""
    folder = Path(os.environ.get("LSMPL_FUZZ_KEEP", ""))
    if not os.environ.get("LSMPL_FUZZ_KEEP") or not path.exists():
        return "not kept"
    folder.mkdir(parents=True, exist_ok=True)
    copy = shutil.copytree if path.is_dir() else shutil.copy
    return f"kept as {copy(path, folder / f'{seed}_{path.name}')}"


def failure(error: BaseException) -> str:
    """An exception in words, with the place in our code where it came from, which tells kinds of failure apart."""
    place = ""
    step = error.__traceback__
    while step is not None:
        file = step.tb_frame.f_code.co_filename
        if "lsmpl_core" in file:
            place = f" ({Path(file).name}:{step.tb_lineno})"
        step = step.tb_next
    return f"{type(error).__name__}{place}: {error}"


def of_files(name: str, contents: dict[str, bytes], read: Callable[[Path], object]) -> Fuzzer:
    """Tries files one after the other, each damaged by the seed."""
    names = sorted(contents)

    def attempt(folder: Path, seed: int) -> str:
        one = names[seed % len(names)]
        fuzz(folder, one, contents, read, seed)
        return one

    return Fuzzer(name, attempt)


def _short(tried: str) -> str:
    return Path(tried).suffix or tried


def _processor_seconds() -> float:
    """Of this process and of those that it started and that have ended."""
    return sum(os.times()[:4])


def go_round(
    fuzzers: list[Fuzzer],
    folder: Path,
    seconds: float,
    seed: int,
    tell: Callable[[str], None],
    begin: Callable[[str, int], None],
    spend: Callable[[str, float, int, int], None] = lambda *spent: None,
    slice_: float = 5.0,
) -> dict[str, str]:
    """All fuzzers in turn, each for `slice_` seconds, until `seconds` are over; gives each kind of failure once.

    `tell` hears of each new kind of failure, and of the counts after each round; `begin` of the fuzzer and the seed of
    each try before it begins; `spend`, after each slice, of the fuzzer, its seconds, tries and those that failed.
    Slices and what is told are of processor time, also that of processes which are started, `seconds` of the clock's.
    """
    end = time.monotonic() + seconds
    failures: dict[str, str] = {}
    tries: dict[str, int] = {}
    spent = dict.fromkeys((fuzzer.name for fuzzer in fuzzers), 0.0)
    while time.monotonic() < end:
        for fuzzer in fuzzers:
            begun, tried, failed = _processor_seconds(), 0, 0
            while _processor_seconds() - begun < slice_ and time.monotonic() < end:
                seed, tried = seed + 1, tried + 1
                begin(fuzzer.name, seed)
                try:
                    what = f"{fuzzer.name}: {_short(fuzzer.attempt(folder, seed))}"
                except AssertionError as error:
                    what, failed = f"{fuzzer.name}: failed", failed + 1
                    if failures.setdefault(str(error).split(": ", 1)[-1][:60], str(error)) == str(error):
                        tell(f"FAILED {fuzzer.name}: {error}")
                tries[what] = tries.get(what, 0) + 1
            seconds_spent = _processor_seconds() - begun
            spent[fuzzer.name] += seconds_spent
            spend(fuzzer.name, seconds_spent, tried, failed)
        minutes = ", ".join(f"{name} {t / 60:.1f} min" for name, t in spent.items())
        tell(f"{sum(tries.values())} tries ({minutes}): {dict(sorted(tries.items()))}; {len(failures)} failures")
    return failures
