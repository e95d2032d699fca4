"""The LSMPL tab of the 3D viewport's sidebar: Import, Body, Solve, Clean Up, Bake, in the order of the work."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import ClassVar

import bpy

from ..lsmpl_core import Decision
from . import baking, solving
from . import take as takes
from .package import preferences
from .selection import active_take


class _Section:
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "LSMPL"


class LSMPL_PT_import(_Section, bpy.types.Panel):
    bl_label = "Import"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.operator("lsmpl.import_keypoints", text="Import Keypoints...", icon="IMPORT")
        take = active_take(context)
        if take is None:
            _say(context, layout, _no_take(context), icon="INFO")
            return
        facts = takes.describe(take)
        frames, first = facts["frames"], facts["first_frame"]
        _facts(
            layout,
            ("Take", take.name),
            ("File", Path(facts["source"]).name or "none"),
            ("Layout", facts["layout"]["label"] or facts["layout"]["name"]),
            ("Frames", f"{frames} ({first} to {first + frames - 1})"),
            ("Rate", f"{facts['fps']:.5g} fps, {frames / facts['fps']:.1f} s"),
            ("Missing", f"{100 * facts['missing']:.1f} %"),
        )
        column = layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        column.prop(take.lsmpl, "start", text="Starts at Frame")
        if take.lsmpl.step != 1.0:
            _say(context, layout, "The scene runs at another rate than the take", icon="INFO")
            layout.operator("lsmpl.match_scene", text="Match Scene to Take")


class LSMPL_PT_decisions(_Section, bpy.types.Panel):
    bl_label = "How It Was Read"
    bl_parent_id = "LSMPL_PT_import"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        take = active_take(context)
        return take is not None and bool(takes.describe(take)["decisions"])

    def draw(self, context: bpy.types.Context) -> None:
        take = active_take(context)
        solved = takes.describe_motion(take) or {}
        for decision in (*takes.describe(take)["decisions"], *solved.get("decisions", ())):
            told = Decision(**decision)
            text = f"{told.what.capitalize()}: {told.value} ({told.explanation})"
            _say(context, self.layout, text, icon="ERROR" if told.doubtful else "DOT")


class LSMPL_PT_body(_Section, bpy.types.Panel):
    bl_label = "Body"

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.lsmpl
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(settings, "body_source")
        if settings.body_source == "FILE":
            layout.prop(settings, "body_path")
            offered = preferences().body_path if preferences() else ""
            if not settings.body_path:
                told = f"Using {Path(offered).name} from the preferences" if offered else "Choose your SMPL file"
                _say(context, layout, told, icon="INFO")
        layout.prop(settings, "shape")
        if settings.shape == "FIXED":
            layout.column(align=True).prop(settings, "betas", text="Values")


class LSMPL_PT_solve(_Section, bpy.types.Panel):
    bl_label = "Solve"

    def draw(self, context: bpy.types.Context) -> None:
        layout, run = self.layout, solving.current
        if run:
            row = layout.row(align=True)
            row.progress(factor=run.fraction, text=run.describe())
            row.operator("lsmpl.cancel_solve", text="", icon="X")
            return
        take = active_take(context)
        row = layout.row()
        row.scale_y = 1.4
        row.operator("lsmpl.solve", icon="ARMATURE_DATA")
        column = layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        column.prop(context.scene.lsmpl, "solver")
        if preferences():
            column.prop(preferences(), "device")
        column.prop(context.scene.lsmpl, "bake_when_done")
        if take is None:
            _say(context, layout, "Needs a take", icon="INFO")
            return
        solved = takes.describe_motion(take)
        if solved is None:
            _say(context, layout, "Not solved yet", icon="INFO")
            return
        body = Path(solved["body_path"]).name or "Open body"
        if solved["residual_mean"] is None:
            _facts(layout, ("Body", body), ("Error", "not measured"))
        else:
            worst = takes.describe(take)["first_frame"] + solved["worst_frame"]
            _facts(
                layout,
                ("Body", body),
                ("Mean error", f"{1000 * solved['residual_mean']:.1f} mm"),
                ("Worst frame", f"{1000 * solved['residual_worst']:.0f} mm in frame {worst}"),
            )


class LSMPL_PT_clean_up(_Section, bpy.types.Panel):
    bl_label = "Clean Up"
    bl_parent_id = "LSMPL_PT_solve"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        take = active_take(context)
        return take is not None and takes.describe_motion(take) is not None and not solving.current

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.lsmpl
        column = layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        column.prop(settings, "smooth")
        column.prop(settings, "lock_feet")
        column.prop(settings, "floor")
        if settings.floor == "HEIGHT":
            column.prop(settings, "floor_height")
        row = layout.row(align=True)
        row.operator("lsmpl.clean_up", icon="BRUSH_DATA")
        row.operator("lsmpl.as_solved", text="", icon="LOOP_BACK")
        cleaned = takes.describe_cleaned(active_take(context))
        if cleaned is None:
            _say(context, layout, "Baked as solved", icon="INFO")
            return
        done = cleaned["clean_up"]
        facts = [("Floor", f"at {done['floor_m']:.3f} m"), ("Contacts", str(sum(done["contacts"].values())))]
        if done["sliding_after_cm_s"] is not None:
            slid, slides = done["sliding_before_cm_s"], done["sliding_after_cm_s"]
            facts.append(("Sliding", f"{slides:.1f} cm/s, was {slid:.1f}"))
        if done["cutoff_hz"] is not None:
            facts.append(("Smoothed", f"to {done['cutoff_hz']:.1f} Hz"))
        _facts(layout, *facts)


class LSMPL_PT_bake(_Section, bpy.types.Panel):
    bl_label = "Bake"

    def draw(self, context: bpy.types.Context) -> None:
        layout, take = self.layout, active_take(context)
        layout.operator("lsmpl.bake", icon="ACTION")
        if take is None or takes.describe_motion(take) is None:
            _say(context, layout, "Needs a solved take", icon="INFO")
            return
        armature = take.lsmpl.armature
        if armature is None or armature.name not in context.scene.objects:
            _say(context, layout, "Makes a new character", icon="INFO")
            return
        animation = armature.animation_data
        action = animation.action if animation else None
        _facts(layout, ("Character", armature.name), ("Action", action.name if action else "none"))
        if baking.is_out_of_time(take):
            _say(context, layout, "The take plays at other frames now; bake again", icon="ERROR")


def _no_take(context: bpy.types.Context) -> str:
    several = len(takes.takes_in(context.scene))
    return f"Select one of the {several} takes, or its character" if several else "No keypoints in this scene yet"


def _facts(layout: bpy.types.UILayout, *facts: tuple[str, str]) -> None:
    """Names and values in two columns."""
    split = layout.box().split(factor=0.32)
    names, values = split.column(align=True), split.column(align=True)
    for name, value in facts:
        names.label(text=name)
        values.label(text=value)


def _say(context: bpy.types.Context, layout: bpy.types.UILayout, text: str, icon: str = "NONE") -> None:
    """A text that wraps to the sidebar's width."""
    scale = context.preferences.system.ui_scale
    letters = max(16, int((context.region.width / scale - 60) / 6.6))
    column = layout.column(align=True)
    for number, line in enumerate(textwrap.wrap(text, letters)):
        column.label(text=line, icon=icon if number == 0 else "BLANK1")


_CLASSES = (LSMPL_PT_import, LSMPL_PT_decisions, LSMPL_PT_body, LSMPL_PT_solve, LSMPL_PT_clean_up, LSMPL_PT_bake)


def register() -> None:
    for cls in _CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
