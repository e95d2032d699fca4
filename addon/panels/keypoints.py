"""Keypoints: the take that is worked on, where it is from, and how it is shown."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import bpy

from ...lsmpl_core import Decision
from .. import jobs
from ..importing import adding, scene_tracks
from ..registration import registration
from ..selection import active_take, needed_take
from ..solving import marker_trials
from ..takes import layers
from ..takes import take as takes
from .drawing import Section, TakeSection, facts, properties, say, working


class LSMPL_PT_keypoints(Section, bpy.types.Panel):
    bl_label = "Keypoints"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        if not working(layout, "lsmpl.import", "lsmpl.take_from_objects", "lsmpl.read_again"):
            row = layout.row(align=True)
            row.operator("lsmpl.import_keypoints", text="Import...", translate=False, icon="IMPORT")
            row.operator("lsmpl.import_motion", text="Motion...", translate=False)
            row.operator("lsmpl.take_from_objects", text="", icon="EMPTY_AXIS")

        # Which take is meant.
        several = len(takes.takes_in(context.scene))
        if several:
            row = layout.row()
            row.template_list(
                "LSMPL_UL_takes",
                "",
                context.scene,
                "objects",
                context.scene.lsmpl_takes,
                "index",
                rows=3 if several > 1 else 2,
                maxrows=6,
            )
            column = row.column(align=True)
            column.operator("lsmpl.duplicate_take", text="", icon="DUPLICATE")
            column.operator("lsmpl.colour_takes", text="", icon="COLOR")
        take = active_take(context)
        if take is None:
            empty = "No keypoints in this scene yet: import a file, or drop it into the viewport"
            hint = f"Choose one of the {several} takes" if several else empty
            say(context, layout, hint, icon="INFO")
            if not several:
                row = layout.row()
                row.enabled = jobs.current is None
                row.operator("lsmpl.try_example", icon="PLAY")
            layout.operator("lsmpl.documentation", icon="HELP")
            return

        # What it is, and where it is from.
        track = takes.describe(take)
        frames = track["frames"]
        origin = _origin(take, track)
        layout.prop(take, "name", text="", icon="GREASEPENCIL")  # whole names, to be edited
        rows = [("From", origin)] if Path(origin).stem != take.name else []
        facts(
            layout,
            *rows,
            ("Layout", track["layout"]["label"] or track["layout"]["name"]),
            ("Frames", f"{frames} at {track['fps']:.5g} fps, {frames / track['fps']:.1f} s"),
            ("Missing", f"{100 * track['missing']:.1f} %"),
        )
        if scene_tracks.is_from_scene(take):
            row = layout.row(align=True)
            row.operator("lsmpl.read_again", icon="FILE_REFRESH")
            row.operator("lsmpl.select_sources", text="", icon="RESTRICT_SELECT_OFF")
        if marker_trials.has_markers(take):
            properties(layout).prop(take.lsmpl_markers, "static_trial")

        # What comes and goes with the scene's rate.
        if take.lsmpl.step != 1.0 and frames > 1:
            say(context, layout, "The scene runs at another rate than the take", icon="INFO")
            layout.operator("lsmpl.match_scene", text="Match Scene to Take", translate=False)
        if not adding.plays_at_its_speed(take, context.scene):
            percent = 100 * adding.speed(take, context.scene)
            say(context, layout, f"Plays at {percent:.0f} % of its speed", icon="ERROR")
            layout.operator("lsmpl.retime", icon="TIME")


class LSMPL_UL_sources(bpy.types.UIList):
    def draw_item(
        self, context, layout, data, item, icon, active_data, active_property, index=0, flag=0
    ) -> None:
        split = layout.split(factor=0.45, align=True)
        there = item.point() is not None
        split.label(
            text=item.keypoint.replace("_", " "), translate=False, icon="NONE" if there else "ERROR"
        )
        row = split.row(align=True)
        row.prop(item, "object", text="")
        if item.object and item.object.type == "ARMATURE":
            row.prop_search(item, "bone", item.object.data, "bones", text="")


class LSMPL_PT_sources(Section, bpy.types.Panel):
    bl_label = "Its Objects"
    bl_parent_id = "LSMPL_PT_keypoints"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        take = active_take(context)
        return take is not None and scene_tracks.is_from_scene(take)

    def draw(self, context: bpy.types.Context) -> None:
        layout, take = self.layout, needed_take(context)
        sources = take.lsmpl_sources
        layout.template_list(
            "LSMPL_UL_sources", "", sources, "keypoints", sources, "index", rows=4, maxrows=8
        )
        gone = len(scene_tracks.gone(take))
        if gone:
            say(
                context,
                layout,
                f"{gone} of {len(sources.keypoints)} keypoints have no object",
                icon="ERROR",
            )
        layout.prop(sources, "gaps")


class LSMPL_PT_display(TakeSection, bpy.types.Panel):
    bl_label = "In the Scene"
    bl_parent_id = "LSMPL_PT_keypoints"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        take = needed_take(context)
        column = properties(self.layout)
        column.prop(take.lsmpl, "start", text="Starts at Frame", translate=False)
        row = column.row(align=True)
        row.alignment = "EXPAND"
        split = row.split(factor=0.4)
        name = split.row()
        name.alignment = "RIGHT"
        name.label(text="Frame Rate", translate=False)
        fps = takes.describe(take)["fps"]
        split.operator("lsmpl.set_rate", text=f"{fps:.5g}...", translate=False)
        for name in ("size", "missing", "fair", "poor"):
            column.prop(take.lsmpl_display, name)


class LSMPL_PT_decisions(Section, bpy.types.Panel):
    bl_label = "How It Was Read"
    bl_parent_id = "LSMPL_PT_keypoints"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        take = active_take(context)
        return take is not None and bool(takes.describe(take)["decisions"])

    def draw(self, context: bpy.types.Context) -> None:
        take = active_take(context)
        solved = layers.describe(take) or {}
        stored = (*takes.describe(take)["decisions"], *solved.get("decisions", ()))
        decisions = [Decision(**decision) for decision in stored]
        for settled in sorted(decisions, key=lambda decision: not decision.doubtful):
            text = f"{settled.what.capitalize()}: {settled.value} ({settled.explanation})"
            say(context, self.layout, text, icon="ERROR" if settled.doubtful else "DOT")


def _origin(take: bpy.types.Object, track: dict) -> str:
    if scene_tracks.is_from_scene(take):
        sources = take.lsmpl_sources.keypoints
        bones = any(source.bone for source in sources)
        return (
            f"{len(sources) - len(scene_tracks.gone(take))} "
            f"{'bones' if bones else 'objects'} in the scene"
        )
    return Path(track["source"]).name or "no file"


_CLASSES = (
    LSMPL_PT_keypoints,
    LSMPL_UL_sources,
    LSMPL_PT_sources,
    LSMPL_PT_display,
    LSMPL_PT_decisions,
)
register, unregister = registration(_CLASSES)
