"""Solving on one thread, and in full precision, whatever else is in the process.

Matrices of one pose are too small to share: threads that wait for one another cost more. On busy cores, OpenBLAS' and
PyTorch's threads spin, and a solve took up to fifty times as long as on one thread (`docs/devices.md`). Both are told
at run time; who set the number of threads by an environment variable knows better.

PyTorch may have been told, by another add-on in the same Blender, to round what matrix products are made of to 10 bits
or fewer (TF32 on NVIDIA's cards, bfloat16 on some CPUs). That is enough for a network, and millimetres in a skeleton.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from functools import cache, partial, wraps
from glob import glob
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numpy as np

Result = TypeVar("Result")
Yielded = TypeVar("Yielded")
Asked = ParamSpec("Asked")
Knob = tuple[Callable[[], int], Callable[[int], object]]
"""What tells the number of threads, and what sets it."""
Setting = tuple[Callable[[], Any], Callable[[Any], object], Any]
"""The same of any setting, and what it should be."""

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
            _before[:] = [(setting, setting[0]()) for setting in (*_threads(), *_roundings())]
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


def _roundings() -> list[Setting]:
    """Those of PyTorch that are not what we want. Of its two interfaces to them, one refuses what the other was told."""
    torch = sys.modules.get("torch")
    if not hasattr(torch, "get_float32_matmul_precision"):
        return []
    try:
        rounds = torch.get_float32_matmul_precision() != "highest"
    except RuntimeError:
        name, libraries = "fp32_precision", (torch.backends.cuda.matmul, torch.backends.mkldnn.matmul)
        return [(partial(getattr, library, name), partial(setattr, library, name), "ieee") for library in libraries]
    return [(torch.get_float32_matmul_precision, torch.set_float32_matmul_precision, "highest")] if rounds else []


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
