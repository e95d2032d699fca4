"""Solving on one thread, and in full precision (`precision.py`).

Matrices of one pose are too small to share: threads that wait for one another cost more. On busy cores, OpenBLAS' and
PyTorch's threads spin, and a solve took up to fifty times as long as on one thread (`docs/devices.md`). Both are told
at run time; who set the number of threads by an environment variable knows better.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from functools import cache, wraps
from glob import glob
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numpy as np

from .precision import Setting, roundings

Result = TypeVar("Result")
Yielded = TypeVar("Yielded")
Asked = ParamSpec("Asked")
Knob = tuple[Callable[[], int], Callable[[int], object]]
"""What tells the number of threads, and what sets it."""

VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")
_NAMES = (
    ("scipy_openblas_", "64_"),
    ("openblas_", "64_"),
    ("scipy_openblas_", ""),
    ("openblas_", ""),
)
"""Prefixes and suffixes that OpenBLAS' functions have in NumPy's wheels, old and new, and in Linux distributions."""


def on_one_thread(work: Callable[Asked, Generator[Yielded, None, Result]]):
    """For generators of progress: each step in `one_thread`; between steps, and after them, all is as it was."""

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


_lock = threading.Lock()
_inside = 0
_before: list[tuple[Setting, Any]] = []


@contextmanager
def one_thread() -> Iterator[None]:
    """OpenBLAS and PyTorch, where they are loaded, use one thread in here, and PyTorch computes in full precision;
    other BLAS libraries are left alone.

    For the whole process; where several threads are in here, the last to leave puts all back.
    """
    global _inside
    with _lock:
        _inside += 1
        if _inside == 1:
            _before[:] = [(setting, setting[0]()) for setting in (*_threads(), *roundings())]
            for (_, put, wanted), _found in _before:
                put(wanted)
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                for (_, put, _wanted), found in _before:
                    put(found)
                _before.clear()


def _threads() -> list[Setting]:
    if any(os.environ.get(name) for name in VARIABLES):
        return []
    knobs = [knob for knob in (openblas(),) if knob]
    torch = sys.modules.get("torch")
    if hasattr(torch, "set_num_threads"):
        knobs.append((torch.get_num_threads, torch.set_num_threads))
    return [(*knob, 1) for knob in knobs]


@cache
def openblas() -> Knob | None:
    """Of the OpenBLAS that NumPy has, None where it has another BLAS or none."""
    for path in _libraries():
        try:
            library = ctypes.CDLL(str(path))
        except OSError:
            continue
        for before, after in _NAMES:
            get = getattr(library, f"{before}get_num_threads{after}", None)
            put = getattr(library, f"{before}set_num_threads{after}", None)
            if get is not None and put is not None:
                get.argtypes, get.restype = (), ctypes.c_int
                put.argtypes, put.restype = (ctypes.c_int,), None
                return get, put
    return None


def _libraries() -> list[Path]:
    """Those that are loaded already and may be, or depend on, an OpenBLAS.

    Where a symbol is looked up in NumPy's own module, Linux and macOS look through what it depends on, too; for
    Windows, what NumPy brings is looked at itself.
    """
    own = getattr(np, "_core", None) or np.core
    found = [Path(own._multiarray_umath.__file__)]
    if sys.platform == "win32":
        beside = Path(np.__file__).parent
        found += [Path(path) for path in sorted(glob(str(beside.with_name("numpy.libs") / "*openblas*.dll")))]
        found += [Path(path) for path in sorted(glob(str(beside / ".libs" / "*openblas*.dll")))]
    return found
