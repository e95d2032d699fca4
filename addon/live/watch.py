"""When live posing has something to do: handles move, tools end, frames change, undo and redo,
files and renders.

Nothing is made or removed while a tool runs, which holds on to the objects that it moves: a timer
waits for its end.

Handlers set numbers alone, for what they change is in no undo step. Whatever makes or removes
datablocks, or lets one point to another, is done by `settle` and followed by a step at once. Undo
leaves alone what its two steps say alike, also where handlers have changed it since, so after one
the handles are brought in line with the take again.

A tool ends with an undo step of its own, in which handles stand where they were moved to and
nothing is kept yet; what is kept is another. Nobody wants to see the first: whoever undoes or
redoes into it is taken on, so that it seems one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import bpy
from bpy.app.handlers import persistent

from ...lsmpl_core import LsmplError
from ..errors import as_told
from . import live, looks, session

WAIT = 0.05
"""Seconds between two looks whether a tool is done."""
_TOOLS = ("TRANSFORM_OT_", "OBJECT_OT_duplicate_move")
_goes_on = False
"""Whether another undo or redo may follow the one that was just done."""
_next: Callable[[], float | None] | None = None
"""The timer that does it."""


def _scenes() -> Iterator[bpy.types.Scene]:
    return (scene for scene in bpy.data.scenes if session.has_handles(scene))


def _is_busy() -> bool:
    """Whether a tool moves objects, or a render reads them."""
    return bpy.app.is_job_running("RENDER") or any(
        operator.bl_idname.startswith(_TOOLS)
        for window in bpy.context.window_manager.windows
        for operator in window.modal_operators
    )


def settle_soon(delay: float = 0.0) -> None:
    """Settle once no tool runs."""
    if not bpy.app.timers.is_registered(_settle_all):
        bpy.app.timers.register(_settle_all, first_interval=delay)


def _settle_all() -> float | None:
    if _is_busy() or _goes_on:
        return WAIT
    changed = False
    for scene in list(_scenes()):
        try:
            changed |= live.settle(scene)
        except LsmplError as error:
            changed = True
            _tell(str(error))
    watch()
    if changed:
        _push()
    return None


def _push() -> None:
    """An undo step of what `settle` kept."""
    _in_window(lambda: bpy.ops.ed.undo_push(message="Live Posing"))


def _go_on(step: Callable[[], set[str]]) -> float | None:
    """After an undo or a redo: do another if it led to where handles were moved and nothing was
    kept yet, and come back after that."""
    global _goes_on
    # What is moved by a tool that has begun meanwhile is no step that the undo led to.
    if not _is_busy() and any(live.is_pending(scene) for scene in _scenes()):
        # `_goes_on` stays: calling an operator updates the scene first, which must pose nothing.
        try:
            if _in_window(step) == {"FINISHED"}:
                return 0.0
        except RuntimeError:  # Blender does not undo now
            pass
    _goes_on = False
    settle_soon()
    return None


def _in_window(action: Callable[[], Any]) -> Any:
    """Timers have no window, which many operators need."""
    manager = bpy.context.window_manager
    if bpy.app.background or not manager.windows:
        return action()
    with bpy.context.temp_override(window=manager.windows[0]):
        return action()


def _tell(message: str) -> None:
    """There is no operator here to report by."""
    message = as_told(message)
    print(f"LSMPL: {message}")
    if not bpy.app.background:
        show = bpy.context.window_manager.popup_menu
        _in_window(
            lambda: show(
                lambda menu, _: menu.layout.label(text=message, translate=False),
                title="Live",
                icon="ERROR",
            )
        )


@persistent
def _on_update(scene: bpy.types.Scene, *_) -> None:
    if not session.has_handles(scene) or bpy.app.is_job_running("RENDER") or _goes_on:
        return
    try:
        if not session.is_sound(scene) or live.update(scene):
            settle_soon(WAIT)
    except LsmplError:
        settle_soon(WAIT)  # which tells it, once the tool has ended


@persistent
def _on_frame(scene: bpy.types.Scene, *_) -> None:
    """The handles go with the frame, but not while they are being moved."""
    if not session.has_handles(scene) or bpy.app.is_job_running("RENDER"):
        return
    try:
        if live.is_pending(scene):
            settle_soon()
        else:
            live.refresh(scene)
    except LsmplError as error:
        _tell(str(error))


@persistent
def _before_undo(*_) -> None:
    """The pose that a drag shows is in no undo step: where two steps say the same of the character,
    undo would leave it in that pose."""
    for scene in _scenes():
        if session.is_sound(scene):
            live.drop_drag(scene)


@persistent
def _on_undo(*_) -> None:
    _after(bpy.ops.ed.undo)


@persistent
def _on_redo(*_) -> None:
    _after(bpy.ops.ed.redo)


def _after(step: Callable[[], set[str]]) -> None:
    global _goes_on, _next
    live.forget_drag()
    watch()
    for scene in _scenes():
        try:
            if not live.is_pending(scene):
                live.refresh(scene)
        except LsmplError as error:
            _tell(str(error))
    if any(_scenes()) and not _goes_on and not bpy.app.background:
        _goes_on = True
        _next = partial(_go_on, step)
        bpy.app.timers.register(_next)


@persistent
def _before_save(*_) -> None:
    """What was moved goes into the file; handles do not, being runtime data, and all the rest can
    be selected in it."""
    for scene in list(_scenes()):
        try:
            if not _is_busy() and live.settle(scene):
                _push()
        except LsmplError as error:
            _tell(str(error))
        session.release_others(scene)


@persistent
def _after_save(*_) -> None:
    for scene in _scenes():
        session.hold_others(scene)


@persistent
def _on_load(*_) -> None:
    global _goes_on
    _goes_on = False
    live.forget_drag()
    for scene in bpy.data.scenes:
        session.drop_if_gone(scene)
    watch()


def watch() -> None:
    """Listen to updates and frame changes while a scene is posed live, and not otherwise."""
    wanted = any(_scenes())
    looks.draw(wanted)
    for handlers, function in _WHILE_LIVE:
        if wanted and function not in handlers:
            handlers.append(function)
        elif not wanted and function in handlers:
            handlers.remove(function)


_WHILE_LIVE = (
    (bpy.app.handlers.depsgraph_update_post, _on_update),
    (bpy.app.handlers.frame_change_post, _on_frame),
    (bpy.app.handlers.save_pre, _before_save),
    (bpy.app.handlers.save_post, _after_save),
    (bpy.app.handlers.save_post_fail, _after_save),
)
_ALWAYS = (
    (bpy.app.handlers.undo_pre, _before_undo),
    (bpy.app.handlers.redo_pre, _before_undo),
    (bpy.app.handlers.undo_post, _on_undo),
    (bpy.app.handlers.redo_post, _on_redo),
    (bpy.app.handlers.load_post, _on_load),
)


def register() -> None:
    for handlers, function in _ALWAYS:
        handlers.append(function)


def unregister() -> None:
    global _goes_on
    _goes_on = False
    for timer in (_settle_all, _next):
        if timer is not None and bpy.app.timers.is_registered(timer):
            bpy.app.timers.unregister(timer)
    for handlers, function in _ALWAYS + _WHILE_LIVE:
        if function in handlers:
            handlers.remove(function)
    looks.draw(False)
    for scene in bpy.data.scenes:
        live.end(scene)
