"""Long work that does not freeze Blender: its progress in the panel and the status bar, Esc to stop
it.

A job is a generator that yields `Progress` and returns what to tell the user. Between two of its
slices the user may do anything: rename, delete, undo, load another file. So a job holds no
datablock over a `yield`: it looks them up again (`held.Held`). And it changes nothing that is seen
before its last slice.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

import bpy
from bpy.app.handlers import persistent

from ..lsmpl_core import LsmplError, Progress
from .errors import as_told, reports_errors, tell, tell_lines
from .registration import registration

SLICE_SECONDS = 0.05
"""Seconds of work between two chances for Blender to draw and to hear the user."""
REDRAW_SECONDS = 0.2
"""Seconds from one drawing of the progress to the next."""
IMPORT_PATIENCE_SECONDS = 1.0
"""Seconds that an import may take before it goes on in slices; what is shorter can be adjusted in
the redo panel."""
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
        self.kind, self.label, self.subject, self._steps, self.parts = (
            kind,
            label,
            subject,
            steps,
            parts,
        )
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


current: Job | None = None
"""The job that is going on, for the panel. There is one at a time."""


def is_free(operator: type[bpy.types.Operator]) -> bool:
    """For an operator's `poll`: whether no job is going on; if one is, the button says so."""
    if current:
        operator.poll_message_set(
            as_told(f"{current.label}: {current.subject} is being worked on; Esc stops it")
        )
    return current is None


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


class JobOperator:
    """For operators whose work is a job: at once from a script, otherwise in slices with progress
    and Esc.

    A class gives `begin`, which raises `LsmplError` where there is nothing to begin with.
    """

    _timer: Any = None
    _shown = 0.0

    if TYPE_CHECKING:

        def report(self, level: set[str], message: str) -> None: ...

    def begin(self, context: bpy.types.Context) -> Job:
        raise NotImplementedError

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        manager = context.window_manager
        job = self.begin(context)
        manager.progress_begin(0, 1)
        try:
            tell_all(self, job.run(lambda job: manager.progress_update(job.fraction)))
        finally:
            job.close()
            manager.progress_end()
        return {"FINISHED"}

    @reports_errors
    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        global current
        if bpy.app.background or context.window is None:
            return self.execute(context)
        if current:
            raise LsmplError(f"{current.subject} is being worked on; Esc stops it")
        current = self.begin(context)
        self._timer = context.window_manager.event_timer_add(0.01, window=context.window)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if current is None:  # another file was loaded
            self._stop(context)
            return {"CANCELLED"}
        if (event.type == "ESC" and event.value == "PRESS") or current.cancelled:
            label, done_so_far = current.label, current.parts.done_so_far if current.parts else ""
            self._stop(context)
            tell(self, f"{label} cancelled; {done_so_far or 'nothing has changed'}")
            if done_so_far:
                bpy.ops.ed.undo_push(message=label)
            return {"CANCELLED"}
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        try:
            result = self._advance(context, current)
        except BaseException:
            self._stop(context)
            raise
        if result != {"RUNNING_MODAL"}:
            self._stop(context)
        return result

    @reports_errors
    def _advance(self, context: bpy.types.Context, job: Job) -> set[str]:
        done = job.advance(SLICE_SECONDS)
        if time.perf_counter() - self._shown > REDRAW_SECONDS:
            context.workspace.status_text_set(as_told(f"{job.describe()}    Esc: cancel"))
            redraw_sidebars(context)
            self._shown = time.perf_counter()
        if not done:
            return {"RUNNING_MODAL"}
        tell_all(self, job.messages)
        return {"FINISHED"}

    def cancel(self, context: bpy.types.Context) -> None:
        """Blender ends the operator itself: its window closes, or another file is loaded."""
        self._stop(context)

    def _stop(self, context: bpy.types.Context) -> None:
        _forget()
        if self._timer:
            context.window_manager.event_timer_remove(self._timer)
            self._timer = None
        if context.workspace:
            context.workspace.status_text_set(None)
        redraw_sidebars(context)


_handed_over: Job | None = None


def run_or_hand_over(operator: bpy.types.Operator, job: Job, asked: bool) -> set[str]:
    """For the `execute` of an operator that a file browser or a popup calls, which cannot go on by
    itself.

    The job is done at once if nobody `asked` (a script called), or if it is short; otherwise
    `lsmpl.work` goes on.
    """
    global _handed_over
    if asked and not bpy.app.background and bpy.context.window is not None:
        if not job.advance(IMPORT_PATIENCE_SECONDS):
            _handed_over = job
            bpy.ops.lsmpl.work("INVOKE_DEFAULT")
            return {"CANCELLED"}
    else:
        job.run()
    tell_all(operator, job.messages)
    return {"FINISHED"}


class LSMPL_OT_work(JobOperator, bpy.types.Operator):
    bl_idname = "lsmpl.work"
    bl_label = "LSMPL"
    bl_description = "Go on with what another operator began"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    def begin(self, context: bpy.types.Context) -> Job:
        global _handed_over
        job, _handed_over = _handed_over, None
        if job is None:
            raise LsmplError("There is nothing to go on with")
        return job

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        label = current.label if current else ""
        result = super().modal(context, event)
        if result == {"FINISHED"}:
            bpy.ops.ed.undo_push(message=label)
        return result


class LSMPL_OT_cancel(bpy.types.Operator):
    bl_idname = "lsmpl.cancel"
    bl_label = "Cancel"
    bl_description = "Stop what is going on and leave everything as it was"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        if current:
            current.cancelled = True
        return {"FINISHED"}


def tell_all(operator: bpy.types.Operator, messages: Messages) -> None:
    for level, text in [("INFO", messages)] if isinstance(messages, str) else messages:
        tell_lines(operator, text, level)


def redraw_sidebars(context: bpy.types.Context) -> None:
    """The sidebars alone: to draw the scene again and again may take longer than the work."""
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                for region in area.regions:
                    if region.type == "UI":
                        region.tag_redraw()


@persistent
def _forget(*_) -> None:
    """A job does not outlive its file."""
    global current
    if current:
        current.close()
        current = None


_CLASSES = (LSMPL_OT_work, LSMPL_OT_cancel)


register, _unregister = registration(_CLASSES, handlers={"load_pre": _forget})


def unregister() -> None:
    _forget()
    _unregister()
