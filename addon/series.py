"""The same long work on several takes, one after another."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import bpy

from ..lsmpl_core import LsmplError
from . import jobs
from .held import Held

Work = Callable[[bpy.types.Object, bpy.types.Scene], jobs.Steps[jobs.Messages]]
"""What is done to one take of a scene."""


def over(
    kind: str, label: str, chosen: Sequence[bpy.types.Object], scene: bpy.types.Scene, work: Work
) -> jobs.Job:
    """A job that does `work` to each of the takes; `kind` and `label` are those of `jobs.Job`."""
    if len(chosen) == 1:
        return jobs.Job(kind, label, chosen[0].name, work(chosen[0], scene))
    series = _Series(chosen, scene, work)
    return jobs.Job(kind, label, f"{len(chosen)} takes", series.steps(), series)


class _Series:
    """A take that fails does not stop the others, and what is done stays when the user stops the
    rest."""

    def __init__(self, chosen: Sequence[bpy.types.Object], scene: bpy.types.Scene, work: Work):
        self._takes, self._work = [Held(take, scene) for take in chosen], work
        self._at, self._done = 0, 0
        self._failed: list[str] = []

    @property
    def place(self) -> str:
        """For the line of progress."""
        return f"{self._takes[self._at].names[0]} ({self._at + 1}/{len(self._takes)}): "

    @property
    def done_so_far(self) -> str:
        """What stays if it is stopped now; "" for nothing."""
        return f"{self._done} of {len(self._takes)} takes are done" if self._done else ""

    def steps(self) -> jobs.Steps[jobs.Messages]:
        messages = []
        for at, held in enumerate(self._takes):
            self._at, name = at, held.names[0]
            try:
                result = yield from self._work(*held.again())
            except LsmplError as error:
                self._failed.append(f"{name}: {error}")
                continue
            self._done += 1
            lines = [("INFO", result)] if isinstance(result, str) else result
            messages += [(level, f"{name}: {text}") for level, text in lines]
        if not self._done:
            raise LsmplError(*self._failed)
        return [*messages, *[("ERROR", text) for text in self._failed]]
