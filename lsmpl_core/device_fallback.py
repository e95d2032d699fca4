"""A device that is not there, or that gives up in the middle: the work goes on with NumPy, and the
motion says so.

All devices give the same motion, so which one is used is a wish, and a lost one is no reason to
lose work.
"""

from __future__ import annotations

import contextlib
import gc
import sys
from collections.abc import Callable, Generator
from dataclasses import replace

from .backends.arrays import Backend, choose_backend, kind_of
from .errors import DeviceError
from .keypoints.track import Decision
from .motion import Motion
from .progress import Progress

WHAT = "device"
"""Of the `Decision` that a motion has if it was not made where it was asked for."""
_LONGEST_MESSAGE = 200
"""Letters of a library's message that are passed on."""
_NO_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "alloc_failed")


def wanted_backend(device: str = "auto") -> Backend:
    """`choose_backend`, or NumPy where that device is not to be had here; `reason` then says why.

    Raises `DeviceError` for a name that no device has.
    """
    kind_of(device)
    try:
        return choose_backend(device)
    except DeviceError as error:
        return replace(choose_backend(), reason=str(error), instead_of=device)


def on_device(
    backend: Backend, work: Callable[[Backend], Generator[Progress, None, Motion]]
) -> Generator[Progress, None, Motion]:
    """The work's motion. Where the backend's device fails, the work begins again with NumPy.

    A motion that was not made on the device that was asked for has a `Decision` that says why.
    """
    failure = ""
    try:
        motion = yield from work(backend)
    except Exception as error:
        failure = _failure(backend, error)
        if not failure:
            raise
    if failure:  # here, where nothing holds on to the device's arrays any more
        _let_go()
        backend = replace(choose_backend(), reason=failure, instead_of=backend.name)
        motion = yield from work(backend)
    if not backend.instead_of:
        return motion
    decision = Decision(WHAT, backend.name, "fallback", backend.reason)
    return replace(motion, decisions=(*motion.decisions, decision))


def made_on(motion: Motion, backend: Backend) -> Backend:
    """The backend that a motion was made on, where `backend` was asked for."""
    for decision in motion.decisions:
        if decision.what == WHAT and decision.value != backend.name:
            return replace(
                choose_backend(decision.value), reason=decision.reason, instead_of=backend.name
            )
    return backend


def _failure(backend: Backend, error: Exception) -> str:
    """Why the device failed, for the user; "" where the error is none of the device's.

    What PyTorch raises of a GPU is a RuntimeError whatever happened: no memory, a lost device, a
    driver that hangs, an operation that this GPU lacks (MPS, which is not tested here, says some of
    these by a TypeError).
    """
    kind = kind_of(backend.name)
    if kind not in ("cpu", "cuda", "mps"):
        return ""
    text = " ".join(str(error).split())
    no_memory = isinstance(error, MemoryError) or any(words in text.lower() for words in _NO_MEMORY)
    ours = isinstance(error, (RuntimeError, MemoryError)) or (
        kind == "mps" and isinstance(error, TypeError)
    )
    if not ours or (kind == "cpu" and not no_memory):
        return ""
    what = "ran out of memory" if no_memory else "failed"
    return (
        f"{backend.name} {what}, so NumPy solved it from the beginning: {text[:_LONGEST_MESSAGE]}"
    )


def _let_go() -> None:
    """Give a GPU's memory back to it, for what else runs there."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None:
        with contextlib.suppress(RuntimeError):  # nor does a lost GPU take its memory back
            torch.cuda.empty_cache()
