"""Solving on one thread, and in full precision (`precision.py`).

Matrices of one pose are too small to share: threads that wait for one another cost more. On busy
cores, OpenBLAS' and PyTorch's threads spin, and a solve took up to fifty times as long as on one
thread (`docs/devices.md`). Both are told at run time; who set the number of threads by an
environment variable knows better.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import cache, partial, wraps
from typing import Any, ParamSpec, TypeVar

import numpy  # loads the BLAS that is looked for below

from .precision import Setting, roundings

Result = TypeVar("Result")
Yielded = TypeVar("Yielded")
Asked = ParamSpec("Asked")

VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
)
"""By which users say how many threads there are to be."""


WORKERS = "LSMPL_THREADS"
"""By which users say how many the compiled kernels use."""
MOST_WORKERS = 64
_chosen = 0


def use_threads(number: int | None) -> None:
    """So many threads for the compiled kernels from now on; None or 0: as the environment says, or
    all that the machine has but one. Results do not depend on it."""
    global _chosen
    _chosen = max(0, min(number or 0, MOST_WORKERS))


def worker_threads() -> int:
    """How many threads the compiled kernels share a batch of poses among: unless it was chosen or
    the environment says so, all that the machine has but one, which is left to whoever sits at
    it. One in a thread that is itself one of several."""
    if getattr(_of_this_thread, "alone", False):
        return 1
    if _chosen:
        return _chosen
    for name in (WORKERS, *VARIABLES):
        number = os.environ.get(name, "")
        if number.isascii() and number.isdigit() and int(number):
            return min(int(number), MOST_WORKERS)
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, min(cores - 1, MOST_WORKERS))


def side_by_side(
    works: Sequence[Callable[[], Result]], threads: int
) -> Generator[Result, None, None]:
    """What each of some pieces of work returns, in their order, with so many done at the same time;
    each in `one_thread`, with no other workers. Dropping it midway leaves out what has not
    begun."""

    def alone(work: Callable[[], Result]) -> Result:
        _of_this_thread.alone = True
        with one_thread():
            return work()

    pool = ThreadPoolExecutor(threads, thread_name_prefix="lsmpl")
    try:
        for call in [pool.submit(alone, work) for work in works]:
            yield call.result()
    finally:
        pool.shutdown(cancel_futures=True)


def on_one_thread(work: Callable[Asked, Generator[Yielded, None, Result]]):
    """For generators of progress: each step in `one_thread`; between steps, and after them, all is
    as it was."""

    @wraps(work)
    def steps(*args: Asked.args, **named: Asked.kwargs) -> Generator[Yielded, None, Result]:
        with closing(work(*args, **named)) as inner:
            while True:
                with one_thread():
                    try:
                        reached = next(inner)
                    except StopIteration as stop:
                        return stop.value
                yield reached

    return steps


@contextmanager
def one_thread() -> Iterator[None]:
    """BLAS libraries and PyTorch, where they are loaded, use one thread in here, and PyTorch
    computes in full precision.

    What holds for the whole process is put back by the last thread to leave, what holds for one
    thread by that one.
    """
    limited = not any(os.environ.get(name) for name in VARIABLES)
    own: _Changes = _of_this_thread.__dict__.setdefault("changes", _Changes())
    with _lock:
        own.enter(blas_of_thread() if limited else [])
        _of_the_process.enter([*(blas_of_process() + _of_torch() if limited else []), *roundings()])
    try:
        yield
    finally:
        with _lock:
            _of_the_process.leave()
            own.leave()


class _Changes:
    """Settings that are changed while somebody is inside."""

    def __init__(self) -> None:
        self._inside = 0
        self._before: list[tuple[Callable[[Any], object], Any]] = []

    def enter(self, settings: list[Setting]) -> None:
        self._inside += 1
        if self._inside == 1:
            self._before = [(put, found()) for found, put, _ in settings]
            for _, put, wanted in settings:
                put(wanted)

    def leave(self) -> None:
        self._inside -= 1
        if self._inside == 0:
            for put, before in self._before:
                put(before)
            self._before = []


_lock = threading.Lock()
_of_the_process = _Changes()
_of_this_thread = threading.local()


def _of_torch() -> list[Setting]:
    torch: Any = sys.modules.get("torch")
    return (
        [(torch.get_num_threads, torch.set_num_threads, 1)]
        if hasattr(torch, "set_num_threads")
        else []
    )


@cache
def blas_of_process() -> list[Setting]:
    """One thread for the BLAS libraries that NumPy has loaded and whose threads all of the process
    shares."""
    return [_setting(library) for library in _libraries() if not _is_openmp(library)]


@cache
def blas_of_thread() -> list[Setting]:
    """The same for those that are built on OpenMP, of which each thread has a number of its own."""
    return [_setting(library) for library in _libraries() if _is_openmp(library)]


@cache
def _libraries() -> list[Any]:
    # Not at the top: it tells Intel's OpenMP by an environment variable to bear a second copy of
    # itself.
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas").lib_controllers


def blas_name() -> str:
    """The library that NumPy multiplies matrices with, "none" where it does so by itself."""
    if found := _libraries():
        return str(found[0].internal_api)
    try:
        show: Any = numpy.show_config
        config = show(mode="dicts")
        return str(config["Build Dependencies"]["blas"]["name"])
    except (TypeError, KeyError):  # NumPy before 1.25, or as others package it
        return "none that is known"


def _is_openmp(library: Any) -> bool:
    return getattr(library, "threading_layer", "") == "openmp"


def _setting(library: Any) -> Setting:
    return library.get_num_threads, partial(_put, library), 1


def _put(library: Any, number: int) -> None:
    """Set a library's threads, whichever thread did so before: its controller heeds only the first,
    until released."""
    release = getattr(library, "clear_controlling_thread", lambda force=False: None)
    release(force=True)
    library.set_num_threads(number)
    release()
