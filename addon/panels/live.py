"""Live: posing the current frame by its keypoints."""

from __future__ import annotations

import bpy

from ..live import finger_tips, session
from ..live.operators import draw_fingers, draw_states
from ..registration import registration
from ..selection import active_take
from ..takes import layers
from ..takes import take as takes
from .drawing import Section, properties, say


class LSMPL_PT_live(Section, bpy.types.Panel):
    bl_label = "Live Posing"

    def draw(self, context: bpy.types.Context) -> None:
        layout, scene, take = self.layout, context.scene, active_take(context)
        is_on = session.is_live(scene) and take in (None, scene.lsmpl_live.take)
        row = layout.row()
        row.scale_y = 1.2
        row.operator(
            "lsmpl.live",
            text="Live",
            translate=False,
            icon="PAUSE" if is_on else "VIEW_PAN",
            depress=is_on,
        )
        if not is_on:
            if take is None or not layers.is_solved(take):
                say(context, layout, "Needs a solved take", icon="INFO")
            return

        # What becomes of the selected handles, and of all.
        _draw_counts(context, layout, scene)
        grid = layout.grid_flow(columns=2, align=True, even_columns=True)
        draw_states(grid)
        row = layout.row(align=True)
        feet = row.operator("lsmpl.set_keypoints", text="Lock Feet", translate=False, icon="LOCKED")
        feet.state, feet.which = "LOCK", "FEET"
        back = row.operator(
            "lsmpl.set_keypoints", text="Reset All", translate=False, icon="LOOP_BACK"
        )
        back.state, back.which = "RESET", "ALL"
        draw_fingers(layout, scene)
        properties(layout).prop(scene.lsmpl_refine, "blend")


def _draw_counts(
    context: bpy.types.Context, layout: bpy.types.UILayout, scene: bpy.types.Scene
) -> None:
    """What was done to the keypoints of this frame."""
    posed = scene.lsmpl_live
    state = takes.keypoints_at(posed.take, posed.frame).state.tolist()
    fingers = sum(finger_tips.are_posed(posed.take, posed.frame))
    counts = [(state.count(which), name) for which, name in _NAMES]
    counts.append((fingers, "finger posed" if fingers == 1 else "fingers posed"))
    changed = ", ".join(f"{count} {name}" for count, name in counts if count)
    first = takes.describe(posed.take)["first_frame"]
    say(
        context, layout, f"Frame {first + posed.frame}: {changed or 'as read'}", icon="DOT", lines=1
    )


_NAMES: tuple[tuple[int, str], ...] = (
    (takes.MOVED, "moved"),
    (takes.LOCKED, "locked"),
    (takes.IGNORED, "ignored"),
)
_CLASSES = (LSMPL_PT_live,)
register, unregister = registration(_CLASSES)
