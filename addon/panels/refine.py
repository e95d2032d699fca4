"""Refine: frames solved anew, compared, accepted or rejected; what is pinned and ignored in the
shown frame."""

from __future__ import annotations

import bpy

from ..refining import pending_edit
from ..refining import refine as refining
from ..refining.settings import FROM_POSE, PARTS, plain
from ..registration import registration
from ..selection import active_take
from ..takes import layers, pinned_joints, playing
from .drawing import Section, TakeSection, facts, properties, say, working

_MAX_ROWS = 8
"""Pinned joints that are listed."""


class LSMPL_PT_refine(Section, bpy.types.Panel):
    bl_label = "Refine"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012

    def draw(self, context: bpy.types.Context) -> None:
        layout, take = self.layout, active_take(context)
        if take is None or not layers.is_solved(take):
            say(context, layout, "Needs a solved take", icon="INFO")
            return
        _draw_frame(layout, take, refining.describe_frame(take, context.scene))
        if not layers.facts_of(take).get("calibration"):
            say(
                context,
                layout,
                "Not solved by this LSMPL: press Solve to refine frames",
                icon="ERROR",
            )

        # Which frames, and from what.
        settings = context.scene.lsmpl_refine
        column = properties(layout)
        column.prop(settings, "frames")
        if settings.frames == "RANGE":
            row = column.row(align=True)
            row.prop(settings, "first", text="Range", translate=False)
            row.prop(settings, "last", text="")
        column.prop(settings, "begin")
        if settings.begin == FROM_POSE:
            column.prop(settings, "pin")
        column.prop(settings, "blend")

        if not working(layout, "lsmpl.refine", height=1.3):
            row = layout.row()
            row.scale_y = 1.3
            row.operator("lsmpl.refine", icon="FILE_REFRESH")
        layout.operator("lsmpl.pin_bones", icon="PINNED")
        if pending_edit.is_open(take):
            _draw_pending_edit(context, layout, take)


def _draw_frame(
    layout: bpy.types.UILayout, take: bpy.types.Object, state: refining.FrameState
) -> None:
    """What was done to the shown frame; how good it is stands under Quality."""
    rows = [("Frame", playing.in_words(take, state.number))]
    for name, names in (
        ("Pinned", state.pinned),
        ("Ignored", state.ignored),
        ("Moved", state.edited),
    ):
        rows.append((name, ", ".join(map(plain, names)) or "none"))
    facts(layout, *rows)


def _draw_pending_edit(
    context: bpy.types.Context, layout: bpy.types.UILayout, take: bpy.types.Object
) -> None:
    """A change that is neither accepted nor rejected."""
    pending, box = take.lsmpl_proposal, layout.box()
    say(
        context,
        box,
        f"Changed: {pending.what}, blended into "
        f"{playing.frames_in_words(take, pending.first, pending.last)}",
    )
    row = box.row(align=True)
    for before, text in ((True, "Before"), (False, "After")):
        row.operator(
            "lsmpl.show_before", text=text, translate=False, depress=pending.shows_before == before
        ).before = before
    row = box.row(align=True)
    row.operator("lsmpl.accept", icon="CHECKMARK")
    row.operator("lsmpl.reject", icon="X")


class LSMPL_PT_refine_weights(Section, bpy.types.Panel):
    bl_label = "Body Part Weights"
    bl_parent_id = "LSMPL_PT_refine"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012

    def draw(self, context: bpy.types.Context) -> None:
        column = properties(self.layout)
        for part in PARTS:
            column.prop(context.scene.lsmpl_refine, part)
        if not any(context.scene.lsmpl_refine.weights.values()):
            say(context, self.layout, "No part counts, so keypoints say nothing", icon="ERROR")


class LSMPL_PT_refine_keypoints(TakeSection, bpy.types.Panel):
    bl_label = "Ignore Keypoints"
    bl_parent_id = "LSMPL_PT_refine"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.lsmpl_refine
        take = active_take(context)
        properties(layout).prop(settings, "keypoint")
        row = layout.row(align=True)
        row.operator(
            "lsmpl.ignore_keypoint", text="Ignore", translate=False, icon="HIDE_ON"
        ).use_again = False
        row.operator(
            "lsmpl.ignore_keypoint", text="Use Again", translate=False, icon="HIDE_OFF"
        ).use_again = True
        where = (
            "this frame"
            if settings.frames == "CURRENT"
            else f"frames {settings.first} to {settings.last}"
        )
        say(context, layout, f"In {where}, as chosen above")

        # The worst one is known where the take is solved.
        if not layers.is_solved(take):
            return
        worst = refining.describe_frame(take, context.scene).worst
        text = f"Ignore the Worst ({plain(worst)})" if worst else "Ignore the Worst"
        row = layout.row()
        row.enabled = bool(worst)
        row.operator(
            "lsmpl.ignore_keypoint", text=text, translate=False, icon="HIDE_ON"
        ).keypoint = worst


class LSMPL_PT_refine_pins(TakeSection, bpy.types.Panel):
    bl_label = "Pinned Bones"
    bl_parent_id = "LSMPL_PT_refine"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012

    def draw(self, context: bpy.types.Context) -> None:
        layout, take = self.layout, active_take(context)
        pinned = pinned_joints.load(take)
        if not pinned:
            say(
                context,
                layout,
                "None. Pose bones, select them and pin them: later solves keep them",
                icon="INFO",
            )
            return

        column = layout.column(align=True)
        for pin in pinned[:_MAX_ROWS]:
            row = column.row(align=True)
            row.label(
                text=f"Frame {playing.in_words(take, pin.frame)}: {plain(pin.joint)}",
                translate=False,
            )
            remove = row.operator("lsmpl.remove_pins", text="", icon="X")
            remove.frame, remove.joint = pin.frame, pin.joint
        if len(pinned) > _MAX_ROWS:
            column.label(text=f"and {len(pinned) - _MAX_ROWS} more", translate=False)

        row = layout.row(align=True)
        here = row.operator("lsmpl.remove_pins", text="Remove in This Frame", translate=False)
        here.frame, here.joint = playing.frame_shown(take, context.scene), ""
        every = row.operator("lsmpl.remove_pins", text="Remove All", translate=False)
        every.frame, every.joint = -1, ""


_CLASSES = (
    LSMPL_PT_refine,
    LSMPL_PT_refine_weights,
    LSMPL_PT_refine_keypoints,
    LSMPL_PT_refine_pins,
)
register, unregister = registration(_CLASSES)
