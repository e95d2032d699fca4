"""Trust These Keypoints: what the animator knows to be right is never rejected, in a range of
frames."""

from __future__ import annotations

from typing import ClassVar

import bpy
import numpy as np
from bpy.props import BoolProperty, IntProperty, StringProperty

from ...lsmpl_core import Condition, LsmplError
from ..errors import reports_errors, tell
from ..registration import registration
from ..selection import has_take, needed_take
from ..takes import playing
from ..takes import take as takes
from . import quality


def trust(
    take: bpy.types.Object, names: list[str], first: int, last: int, *, doubt_again: bool = False
) -> int:
    """Let keypoints of these names be trusted, or be doubted again, in the frames from first to
    last, 0 for the take's first. Those that were moved, locked or ignored stay so.

    Returns how many of all frames' keypoints changed. Raises `LsmplError` for a name that the take
    does not have.
    """
    layout = takes.layout_of(take)
    rows = np.array([layout.index(name) for name in names], dtype=np.intp)
    frames = np.arange(first, last + 1)
    state = takes.edit_states(take)[np.ix_(frames, rows)]
    before, after = takes.AS_READ, takes.TRUSTED
    if doubt_again:
        before, after = after, before
    changes = state == before
    for column, row in enumerate(rows):
        at = frames[changes[:, column]]
        if len(at):
            takes.write_edits(take, at, [row], after)
    return int(changes.sum())


def rejected_at(take: bpy.types.Object, frame: int) -> list[str]:
    """The keypoints that the last solve rejected in a frame, 0 for the take's first."""
    condition = takes.keypoints_at(take, frame).condition
    names = takes.layout_of(take).keypoints
    return [names[k] for k in np.flatnonzero(condition == Condition.REJECTED)]


class LSMPL_OT_trust(bpy.types.Operator):
    bl_idname = "lsmpl.trust_keypoints"
    bl_label = "Trust These Keypoints"
    bl_description = (
        "Say that keypoints are right, so that they are not rejected. Solve again to see the "
        "difference"
    )
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    names: StringProperty(
        name="Keypoints", description="Their names, with commas between them; all: every one"
    )
    first: IntProperty(name="From", description="Scene frame from which on they are trusted")
    last: IntProperty(name="To", description="Scene frame up to which they are trusted")
    doubt_again: BoolProperty(
        name="Doubt Again", description="They may be rejected again", options={"SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return has_take(cls, context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        take = needed_take(context)
        frame = playing.frame_shown(take, context.scene)
        self.names = ", ".join(rejected_at(take, frame))
        around = [s for s in quality.stretches(take) if s.first <= frame <= s.last]
        first, last = (around[0].first, around[0].last) if around else (frame, frame)
        self.first, self.last = (playing.whole_scene_frame(take, f) for f in (first, last))
        return context.window_manager.invoke_props_dialog(self)

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        take = needed_take(context)
        every = self.names.strip().lower() == "all"
        names = [name for part in self.names.split(",") if (name := part.strip())]
        names = list(takes.layout_of(take).keypoints) if every else names
        if not names:
            raise LsmplError("Keypoints: no name is given; name some, or all")
        within = playing.frames_within(take, self.first, self.last)
        if not len(within):
            raise LsmplError(f"From {self.first} to {self.last}: no frame of the take is there")
        count = trust(take, names, within[0], within[-1], doubt_again=self.doubt_again)
        done = "may be doubted again" if self.doubt_again else "are trusted"
        tell(self, f"{count} keypoints {done}; solve again to see the difference")
        return {"FINISHED"}


_CLASSES = (LSMPL_OT_trust,)
register, unregister = registration(_CLASSES)
