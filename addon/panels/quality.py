"""Quality, below Solve: which frames are doubtful and why, and what is known of the frame that is
shown."""

from __future__ import annotations

import bpy

from ...lsmpl_core import Condition
from ...lsmpl_core.doubtful import Stretch, in_words
from ..package import preferences
from ..refining.settings import plain
from ..registration import registration
from ..selection import active_take
from ..solving import quality
from ..takes import layers, playing
from .drawing import Section, facts, say

_DOUBT_LINES = 3
"""Lines that are kept for why a frame is doubtful."""
_CONDITION_WORDS = {
    Condition.MISSING: "missing",
    Condition.FILLED: "filled",
    Condition.SWAPPED: "swapped",
    Condition.REJECTED: "rejected",
}


class LSMPL_PT_quality(Section, bpy.types.Panel):
    bl_label = "Quality"
    bl_parent_id = "LSMPL_PT_solve"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        take = active_take(context)
        return take is not None and layers.is_solved(take)

    def draw(self, context: bpy.types.Context) -> None:
        layout, take = self.layout, active_take(context)
        found = quality.stretches(take)
        say(context, layout, in_words(found), icon="ERROR" if found else "CHECKMARK")
        row = layout.row(align=True)
        row.operator("lsmpl.jump_to_doubtful", text="", icon="PREV_KEYFRAME").where = "PREVIOUS"
        row.operator("lsmpl.jump_to_doubtful", text="Worst Frame", translate=False).where = "WORST"
        row.operator("lsmpl.jump_to_doubtful", text="", icon="NEXT_KEYFRAME").where = "NEXT"
        row.separator()
        row.operator("lsmpl.mark_doubtful", text="", icon="MARKER_HLT")
        row.operator("lsmpl.unmark_doubtful", text="", icon="X")
        if chosen := preferences():
            row.prop(chosen, "doubt_strip", text="", icon="ACTION")
        layout.operator("lsmpl.trust_keypoints", text="Trust These Keypoints...", translate=False)
        frame = playing.frame_shown(take, context.scene)
        _draw_frame(layout, take, quality.facts(take, frame))
        here = next((stretch for stretch in found if stretch.first <= frame <= stretch.last), None)
        doubt = (
            f"Doubtful {_when(take, here)}: {'; '.join(here.why[:2])}"
            if here
            else "This frame is not doubtful"
        )
        say(context, layout, doubt, icon="ERROR" if here else "CHECKMARK", lines=_DOUBT_LINES)


def _draw_frame(
    layout: bpy.types.UILayout, take: bpy.types.Object, state: quality.FrameFacts
) -> None:
    """The same rows for every frame, so that nothing below them moves while the frame changes."""
    mean, here = (
        "not measured" if residual is None else f"{1000 * residual:.{digits}f} mm on average"
        for residual, digits in ((quality.mean_residual(take), 1), (state.residual, 0))
    )
    worst = (
        f"{plain(state.worst_keypoint)}, {1000 * state.worst:.0f} mm"
        if state.worst_keypoint
        else "none"
    )
    counted = [(state.conditions[condition], word) for condition, word in _CONDITION_WORDS.items()]
    counted += [(state.edited, "moved"), (state.ignored, "ignored")]
    keypoints = ", ".join(f"{count} {word}" for count, word in counted if count) or "all seen"
    facts(
        layout,
        ("All frames", mean),
        ("This frame", here),
        ("Worst", worst),
        ("Keypoints", keypoints),
    )


def _when(take: bpy.types.Object, stretch: Stretch) -> str:
    """In frames as the scene counts them."""
    first, last = (
        playing.whole_scene_frame(take, frame) for frame in (stretch.first, stretch.last)
    )
    return "here" if first == last else f"from {first} to {last}"


_CLASSES = (LSMPL_PT_quality,)
register, unregister = registration(_CLASSES)
