"""Solve: the solver, its progress, and how well it met the keypoints."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import bpy

from ..importing import retaking
from ..package import preferences
from ..selection import active_take
from ..setting_presets import LSMPL_PT_presets
from ..takes import layers
from .drawing import Section, facts, of_takes, properties, say, working


class LSMPL_PT_solve(Section, bpy.types.Panel):
    bl_label = "Solve"

    def draw_header_preset(self, context: bpy.types.Context) -> None:
        LSMPL_PT_presets.draw_panel_header(self.layout)

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        if working(layout, "lsmpl.solve", "lsmpl.solve_from_motion"):
            return
        take = active_take(context)
        row = layout.row()
        row.scale_y = 1.4
        row.operator("lsmpl.solve", text=of_takes(context, "Solve"), icon="ARMATURE_DATA")
        if take is None:
            say(context, layout, "Needs a take", icon="INFO")
            return
        if layers.describe(take, layers.Layer.REFINED):
            say(context, layout, "Drops the refined frames", icon="INFO")
        solved = layers.describe(take)
        if solved is None:
            say(context, layout, "Not solved yet", icon="INFO")
            return
        if retaking.is_outdated(take):
            say(context, layout, "The keypoints were read again; solve again", icon="ERROR")
        if instead_of := solved.get("device_instead_of"):
            say(context, layout, f"Solved on NumPy, not on {instead_of}: {solved['device_reason']}", icon="ERROR")
        rows = [("Body", Path(solved["body_path"]).name)] if solved["body_path"] else []
        if solved["residual_mean"] is None:
            rows.append(("Error", "imported motion" if solved.get("solver") == "imported" else "not measured"))
        if rows:
            facts(layout, *rows)


class LSMPL_PT_solver(Section, bpy.types.Panel):
    bl_label = "Solver Settings"
    bl_parent_id = "LSMPL_PT_solve"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        column = properties(layout)
        column.prop(context.scene.lsmpl, "solver")
        if preferences():
            column.prop(preferences(), "device")
        column.prop(context.scene.lsmpl, "bake_when_done")
        layout.operator("lsmpl.solve_from_motion", text="Solve from a Motion File...", icon="FILE_MOVIE")


_CLASSES = (LSMPL_PT_solve, LSMPL_PT_solver)
register, unregister = bpy.utils.register_classes_factory(_CLASSES)
