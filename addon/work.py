"""Long work in steps, so that whoever does it can show how far it is, or stop it: a job is a
generator that yields `Progress` and returns what to tell the user. Nothing here needs Blender.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from typing import Any, Protocol, TypeVar

from ..lsmpl_core import Progress

SLICE_SECONDS = 0.05
"""Seconds of work between two chances for Blender to draw and to hear the user."""
_THREAD_WAIT_SECONDS = 0.01
"""Seconds to wait for another thread before Blender gets its turn."""

_STAGES = {
    "torch": "Trying PyTorch",
    "shape": "Estimating the shape",
    "start": "Finding the first pose",
    "markers": "Calibrating the markers",
    "solve": "Solving",
    "refine": "Refining",
    "sequence": "Polishing in time",
    "limit": "Checking the joints",
    "smooth": "Smoothing",
    "hands": "Parting the hands",
    "contacts": "Finding the contacts",
    "feet": "Locking the feet",
    "read": "Reading",
    "bake": "Baking",
    "other": "Moving the other character",
    "sample": "Reading the animation",
    "export": "Writing",
}

Result = TypeVar("Result")
Steps = Generator[Progress | None, None, Result]
"""What yields progress, or None where it waits for something and Blender may have its turn."""
Messages = str | list[tuple[str, str]]
"""What to tell the user: a sentence, or reports as (level, text)."""


class Parts(Protocol):
    """Work of several parts: which one it is at, for a line of progress, and what is `kept` of it
    if it stops now."""

    @property
    def place(self) -> str: ...

    @property
    def done_so_far(self) -> str: ...


class Job:
    """Work that goes on.

    `kind` is the operator that began it ("lsmpl.solve"), for the panel; `subject` is what is worked
    on, for messages. The first step is done at once: until its first `yield` the work may use the
    datablocks that it was given. `parts` says where work stands that is done part by part, and what
    is kept of it when it is stopped.
    """

    def __init__(
        self,
        kind: str,
        label: str,
        subject: str,
        steps: Steps[Messages],
        parts: Parts | None = None,
    ):
        self.kind, self.label, self.subject = kind, label, subject
        self._steps, self.parts = steps, parts
        self.progress: Progress | None = None
        self.messages: Messages = ""
        self.cancelled = False
        self._finished = False
        self._step()

    def advance(self, seconds: float) -> bool:
        """Work for about that long; True once all is done. Raises what the work raises."""
        until = time.perf_counter() + seconds
        while not self._finished and self._step() and time.perf_counter() < until:
            pass
        return self._finished

    def _step(self) -> bool:
        """Whether there was anything to do."""
        try:
            progress = next(self._steps)
        except StopIteration as finished:
            self.messages, self._finished = finished.value, True
            return True
        self.progress = progress or self.progress
        return progress is not None

    def run(self, show: Callable[[Job], None] | None = None) -> Messages:
        """Do all of it here and now."""
        while not self.advance(SLICE_SECONDS):
            if show:
                show(self)
        return self.messages

    def close(self) -> None:
        """Stop; what the work had begun is taken back."""
        self._steps.close()

    @property
    def fraction(self) -> float:
        return self.progress.done / max(self.progress.total, 1) if self.progress else 0.0

    def describe(self) -> str:
        """One line of progress."""
        place = self.parts.place if self.parts else ""
        if self.progress is None:
            return f"{place}Starting"
        stage = _STAGES.get(self.progress.stage, self.progress.stage.capitalize())
        residual = self.progress.residual
        residual_text = (
            f", {1000 * residual:.0f} mm off" if residual and residual == residual else ""
        )
        counted = f" {self.progress.done}/{self.progress.total}" if self.progress.total > 1 else ""
        return f"{place}{stage}{counted}{residual_text}"


def in_thread(steps: Generator[Progress, None, Result]) -> Steps[Result]:
    """The same steps on another thread, for work whose single steps are too long for a slice. They
    must not touch bpy.

    When this is closed, the thread ends at its next step, and nobody waits for that.
    """
    outcome: dict[str, Any] = {}
    stop = threading.Event()

    def work() -> None:
        try:
            while not stop.is_set():
                outcome["progress"] = next(steps)
            steps.close()
        except StopIteration as finished:
            outcome["result"] = finished.value
        except BaseException as error:
            outcome["error"] = error

    thread = threading.Thread(target=work, name="LSMPL")
    thread.start()
    shown = None
    try:
        while thread.is_alive():
            thread.join(_THREAD_WAIT_SECONDS)
            if outcome.get("progress") is not shown:
                shown = outcome["progress"]
                yield shown
            yield None
    finally:
        stop.set()
    if "error" in outcome:
        raise outcome["error"]
    return outcome["result"]


def one_step(stage: str, work: Callable[[], Result]) -> Generator[Progress, None, Result]:
    """A function without progress of its own, as steps."""
    yield Progress(stage, 0, 1)
    return work()
