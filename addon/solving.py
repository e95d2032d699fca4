"""Solve: from a take's keypoints to its motion, in slices between which Blender stays usable.

A run touches nothing of the scene until it has its motion, so cancelling or failing leaves everything as it was.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, ClassVar

import bpy
from bpy.app.handlers import persistent

from ..lsmpl_core import LsmplError, Motion
from . import baking, bodies, stages
from . import take as takes
from .errors import all_or_nothing, reports_errors
from .preferences import device as chosen_device
from .selection import active_take
from .settings import chosen_body_path, solve_options

if TYPE_CHECKING:
    from ..lsmpl_core.body import Body

SLICE = 0.05
"""Seconds of solving between two chances for Blender to draw and to hear the user."""

REDRAW = 0.2
"""Seconds from one drawing of the progress to the next."""

_STAGES = {
    "shape": "Estimating the shape",
    "start": "Finding the first pose",
    "markers": "Calibrating the markers",
    "solve": "Solving",
    "couple": "Polishing in time",
}


class Run:
    """One solve: what it needs of the take was read when it began, and the rest of the .blend may change meanwhile."""

    def __init__(self, take: bpy.types.Object, scene: bpy.types.Scene, device: str):
        from ..lsmpl_core.arrays import choose_backend
        from ..lsmpl_core.solve import solve_steps

        settings = scene.lsmpl
        backend = choose_backend(device)
        self.report = {"device": backend.name, "device_reason": backend.reason, "solver": settings.solver}
        self.take_name, self._take, self._scene = take.name, take.session_uid, scene.session_uid
        options = solve_options(scene)
        self.body_path = chosen_body_path(scene)
        self.body = bodies.load(self.body_path)
        betas = None if settings.shape == "ESTIMATE" else list(settings.betas)
        track = takes.load_track(take)
        self._steps = solve_steps(track, self.body, betas=betas, device=device, options=options)
        self.progress = None
        self.motion: Motion | None = None
        self.cancelled = False

    def advance(self, seconds: float) -> bool:
        """Solve for about that long; True once the motion is there."""
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            try:
                self.progress = next(self._steps)
            except StopIteration as finished:
                self.motion = finished.value
                return True
        return False

    def close(self) -> None:
        self._steps.close()

    @property
    def fraction(self) -> float:
        return self.progress.done / max(self.progress.total, 1) if self.progress else 0.0

    def describe(self) -> str:
        """One line of progress."""
        if self.progress is None:
            return "Starting"
        stage = _STAGES.get(self.progress.stage, self.progress.stage.capitalize())
        residual = self.progress.residual
        told = f", {1000 * residual:.0f} mm off" if residual and residual == residual else ""
        counted = f" {self.progress.done}/{self.progress.total}" if self.progress.total > 1 else ""
        return f"{stage}{counted}{told}"

    def store(self) -> str:
        """Keep the motion with the take and, if the scene's settings say so, bake it. Returns what to tell the user."""
        take, scene = _find(bpy.data.objects, self._take), _find(bpy.data.scenes, self._scene)
        if not takes.is_take(take) or scene is None:
            raise LsmplError(f"{self.take_name}: was deleted while it was being solved; nothing was kept")
        self.report["decisions"] = [asdict(decision) for decision in self.motion.decisions]
        bake = scene.lsmpl.bake_when_done
        baked = keep(take, scene, self.motion, self.body, self.body_path, self.report, bake)
        mean = stages.describe(take)["residual_mean"]
        told = "nothing measured" if mean is None else f"keypoints {1000 * mean:.0f} mm off on average"
        return f"Solved: {told}" + (f". {baking.describe(baked)}" if baked else "")


def _find(blocks: Iterable[bpy.types.ID], session_uid: int) -> bpy.types.ID | None:
    """A datablock that may have been renamed, or restored by an undo, since its number was noted."""
    return next((block for block in blocks if block.session_uid == session_uid), None)


current: Run | None = None
"""The run that is going on, for the panel."""


def keep(
    take: bpy.types.Object,
    scene: bpy.types.Scene,
    motion: Motion,
    body: Body,
    body_path: str = "",
    report: Mapping | None = None,
    bake: bool = True,
) -> baking.Baked | None:
    """Store a solved motion with its take, and bake it if asked to."""
    with all_or_nothing():
        put_in_place = stages.prepare_solved(take, motion, body.joints(motion), body_path, report)
        baked = baking.bake(take, scene, body, motion) if bake else None
    put_in_place()
    return baked


def solve(
    take: bpy.types.Object, scene: bpy.types.Scene, device: str = "auto", progress: Callable[[Run], None] | None = None
) -> str:
    """Solve a take with the scene's settings, here and now. Returns what to tell the user."""
    run = Run(take, scene, device)
    while not run.advance(SLICE):
        if progress:
            progress(run)
    return run.store()


class LSMPL_OT_solve(bpy.types.Operator):
    bl_idname = "lsmpl.solve"
    bl_label = "Solve"
    bl_description = "Find the body's pose in every frame of the take. Esc cancels and leaves everything as it was"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    _timer = None
    _shown = 0.0

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if current:
            cls.poll_message_set(f"{current.take_name} is being solved")
        elif active_take(context) is None:
            cls.poll_message_set("Import a keypoint track first, or select a take")
        else:
            return True
        return False

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        manager = context.window_manager
        manager.progress_begin(0, 1)
        try:
            show = lambda run: manager.progress_update(run.fraction)  # noqa: E731
            told = solve(active_take(context), context.scene, chosen_device(), show)
        finally:
            manager.progress_end()
        self.report({"INFO"}, told)
        return {"FINISHED"}

    @reports_errors
    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        global current
        if bpy.app.background or context.window is None:
            return self.execute(context)
        current = Run(active_take(context), context.scene, chosen_device())
        self._timer = context.window_manager.event_timer_add(0.01, window=context.window)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if current is None:  # another file was loaded
            self._stop(context)
            return {"CANCELLED"}
        if (event.type == "ESC" and event.value == "PRESS") or current.cancelled:
            self._stop(context)
            self.report({"INFO"}, "Solve cancelled; nothing has changed")
            return {"CANCELLED"}
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        result = self._advance(context)
        if result != {"RUNNING_MODAL"}:
            self._stop(context)
        return result

    @reports_errors
    def _advance(self, context: bpy.types.Context) -> set[str]:
        done = current.advance(SLICE)
        if time.perf_counter() - self._shown > REDRAW:
            context.workspace.status_text_set(f"{current.describe()}    Esc: cancel")
            _redraw_sidebars(context)
            self._shown = time.perf_counter()
        if not done:
            return {"RUNNING_MODAL"}
        self.report({"INFO"}, current.store())
        return {"FINISHED"}

    def cancel(self, context: bpy.types.Context) -> None:
        """Blender ends the operator itself: its window closes, or another file is loaded."""
        self._stop(context)

    def _stop(self, context: bpy.types.Context) -> None:
        global current
        if current:
            current.close()
            current = None
        if self._timer:
            context.window_manager.event_timer_remove(self._timer)
            self._timer = None
        if context.workspace:
            context.workspace.status_text_set(None)
        _redraw_sidebars(context)


class LSMPL_OT_cancel_solve(bpy.types.Operator):
    bl_idname = "lsmpl.cancel_solve"
    bl_label = "Cancel"
    bl_description = "Stop solving and leave everything as it was"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        if current:
            current.cancelled = True
        return {"FINISHED"}


def _redraw_sidebars(context: bpy.types.Context) -> None:
    """The sidebars alone: to draw the scene again and again may take longer than to solve it."""
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                for region in area.regions:
                    if region.type == "UI":
                        region.tag_redraw()


@persistent
def _forget_run(*_) -> None:
    """A run does not outlive its file."""
    global current
    if current:
        current.close()
        current = None


_CLASSES = (LSMPL_OT_solve, LSMPL_OT_cancel_solve)


def register() -> None:
    for cls in _CLASSES:
        bpy.utils.register_class(cls)
    bpy.app.handlers.load_pre.append(_forget_run)


def unregister() -> None:
    _forget_run()
    bpy.app.handlers.load_pre.remove(_forget_run)
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
