"""Long work that does not freeze Blender: its progress in the panel and the status bar, Esc to stop
it.

What a job is stands in `work.py`. Between two of its slices the user may do anything: rename,
delete, undo, load another file. So a job holds no datablock over a `yield`: it looks them up again
(`held.Held`). And it changes nothing that is seen before its last slice.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, ClassVar

import bpy
from bpy.app.handlers import persistent

from ..lsmpl_core import LsmplError
from .errors import as_told, reports_errors, tell, tell_lines
from .registration import registration
from .work import SLICE_SECONDS, Job, Messages, Parts, Steps, in_thread, one_step

__all__ = [
    "SLICE_SECONDS",
    "Job",
    "JobOperator",
    "Messages",
    "Parts",
    "Steps",
    "current",
    "has_screen",
    "in_thread",
    "is_free",
    "one_step",
    "run_or_hand_over",
]  # fmt: skip

REDRAW_SECONDS = 0.2
"""Seconds from one drawing of the progress to the next."""
IMPORT_PATIENCE_SECONDS = 1.0
"""Seconds that an import may take before it goes on in slices; what is shorter can be adjusted in
the redo panel."""
current: Job | None = None
"""The job that is going on, for the panel. There is one at a time."""


def is_free(operator: type[bpy.types.Operator]) -> bool:
    """For an operator's `poll`: whether no job is going on; if one is, the button says so."""
    if current:
        operator.poll_message_set(
            as_told(f"{current.label}: {current.subject} is being worked on; Esc stops it")
        )
    return current is None


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
        if not has_screen():
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
    `lsmpl.work` goes on. Raises `LsmplError` where a long one finds another going on.
    """
    global _handed_over
    if asked and has_screen():
        if not job.advance(IMPORT_PATIENCE_SECONDS):
            if current:  # no button began this one, and nothing greyed it out
                job.close()
                raise LsmplError(
                    f"{job.subject}: takes a while, and {current.subject} is being worked on; "
                    "begin again once that is done, or stop it with Esc"
                )
            _handed_over = job
            bpy.ops.lsmpl.work("INVOKE_DEFAULT")
            return {"CANCELLED"}
    else:
        job.run()
    tell_all(operator, job.messages)
    return {"FINISHED"}


def has_screen() -> bool:
    """Whether there is a window to show something in, where work can go on in slices and Esc is
    heard."""
    return not bpy.app.background and bpy.context.window is not None


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
