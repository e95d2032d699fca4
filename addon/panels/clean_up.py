"""Clean Up: how the motion is cleaned, and what that did."""

from __future__ import annotations

from typing import Any

import bpy

from ..characters import locking
from ..preview import drawing
from ..registration import registration
from ..selection import active_take
from ..setting_presets import LSMPL_PT_presets
from ..takes import layers
from .drawing import Section, facts, of_takes, properties, say, working


class LSMPL_PT_clean_up(Section, bpy.types.Panel):
    bl_label = "Clean Up"

    def draw_header_preset(self, context: bpy.types.Context) -> None:
        LSMPL_PT_presets.draw_panel_header(self.layout)

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.lsmpl
        column = properties(layout)
        row = column.row(align=True)
        row.prop(settings, "smooth")
        row.prop(context.window_manager.lsmpl_preview, "smooth", text="", icon="GHOST_ENABLED")
        column.prop(settings, "part_hands")
        column.prop(settings, "lock_feet")
        column.prop(settings, "floor")
        if settings.floor == "HEIGHT":
            column.prop(settings, "floor_height")

        if not working(layout, "lsmpl.clean_up"):
            row = layout.row(align=True)
            row.operator(
                "lsmpl.clean_up",
                text=of_takes(context, "Clean Up"),
                translate=False,
                icon="BRUSH_DATA",
            )
            row.operator("lsmpl.as_solved", text="", icon="LOOP_BACK")

        # What there is to clean, and whether it is.
        take = active_take(context)
        if take is None or not layers.is_solved(take):
            say(context, layout, "Needs a solved take", icon="INFO")
            return
        cleaned = layers.describe(take, layers.Layer.CLEANED)
        facts(layout, *_done(cleaned["clean_up"] if cleaned else None))
        if cleaned and locking.is_wanted(take):
            say(context, layout, locking.FEET_OF_ANOTHER_SHAPE, icon="ERROR")
            layout.operator("lsmpl.lock_feet_again", icon="LOCKED")
        _draw_preview(context, layout)


def _done(clean_up: dict[str, Any] | None) -> list[tuple[str, str]]:
    """What the last clean-up did, in as many rows as before it: what follows stays where it is."""
    if clean_up is None:
        as_solved = [(name, "as solved") for name in ("Floor", "Sliding", "Hands")]
        return [*as_solved, ("Smoothed", "no")]
    slid, slides = clean_up["sliding_before_cm_s"], clean_up["sliding_after_cm_s"]
    cutoff, parted = clean_up["cutoff_hz"], clean_up.get("parted_frames", 0)
    return [
        ("Floor", f"at {clean_up['floor_m']:.3f} m"),
        (
            "Sliding",
            "as solved" if None in (slid, slides) else f"{slides:.1f} cm/s, was {slid:.1f}",
        ),
        ("Hands", f"parted in {parted} frames" if parted else "as solved"),
        ("Smoothed", "no" if cutoff is None else f"to {cutoff:.1f} Hz"),
    ]


def _draw_preview(context: bpy.types.Context, layout: bpy.types.UILayout) -> None:
    """What the strength that is set now would do, while that is drawn in the viewport."""
    preview = drawing.shown(context)
    if preview is not None:
        mean, most = (1000 * metres for metres in preview.moved)
        say(context, layout, f"Smooth moves joints by {mean:.1f} mm, at most {most:.0f} mm", "INFO")


_CLASSES = (LSMPL_PT_clean_up,)
register, unregister = registration(_CLASSES)
