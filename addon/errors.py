"""The one place where errors of the core become messages in Blender, and where a failure undoes
what it began."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import bpy

from ..lsmpl_core import LsmplError
from ..lsmpl_core.files.shown import shown


def reports_errors(method: Callable) -> Callable:
    """For an operator's `execute`, `invoke` or `modal`: an `LsmplError` is reported and the
    operator cancelled."""

    def guarded(self, *args):
        try:
            return method(self, *args)
        except LsmplError as error:
            self.report({"ERROR"}, shown(str(error), but="\n"))
            return {"CANCELLED"}

    # Blender counts the arguments that a method declares.
    if method.__code__.co_argcount == 2:
        return functools.wraps(method)(lambda self, context: guarded(self, context))
    return functools.wraps(method)(lambda self, context, event: guarded(self, context, event))


@contextmanager
def all_or_nothing() -> Iterator[None]:
    """Remove every datablock that the block created if it raises, whatever it raises."""
    before = {block.session_uid for block in _datablocks()}
    try:
        yield
    except BaseException:
        bpy.data.batch_remove([block for block in _datablocks() if block.session_uid not in before])
        raise


def _datablocks() -> Iterator[bpy.types.ID]:
    data = bpy.data
    for blocks in (
        data.objects,
        data.meshes,
        data.armatures,
        data.actions,
        data.node_groups,
        data.materials,
    ):
        yield from blocks
