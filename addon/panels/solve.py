"""Solve: the solver, its progress, and how well it met the keypoints."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import bpy

from ..importing import retaking
from ..package import preferences
from ..registration import registration
from ..selection import active_take
from ..setting_presets import LSMPL_PT_presets
from ..takes import layers
from .drawing import Section, facts, of_takes, properties, say, working

_STATE_LINES = 2
"""Lines that are kept for the state, so that Quality and what follows it stay where they are."""


class LSMPL_PT_solve(Section, bpy.types.Panel):
    bl_label = "Solve"

    def draw_header_preset(self, context: bpy.types.Context) -> None:
        LSMPL_PT_presets.draw_panel_header(self.layout)

    def draw(self, context: bpy.types.Context) -> None:
        layout, take = self.layout, active_take(context)
        if not working(layout, "lsmpl.solve", "lsmpl.solve_from_motion", height=1.4):
            row = layout.row()
            row.scale_y = 1.4
            row.operator(
                "lsmpl.solve",
                text=of_takes(context, "Solve"),
                translate=False,
                icon="ARMATURE_DATA",
            )
        solved = layers.describe(take) if take else None
        if solved:
            rows = [("Body", Path(path).name)] if (path := solved.get("body_path")) else []
            if solved.get("residual_mean") is None:
                imported = solved.get("solver") == "imported"
                rows.append(("Error", "imported motion" if imported else "not measured"))
            if rows:
                facts(layout, *rows)
        text, icon = _state_of(take, solved)
        say(context, layout, text, icon=icon, lines=_STATE_LINES)


def _state_of(take: bpy.types.Object | None, solved: dict | None) -> tuple[str, str]:
    """What there is to say before the next solve, the most pressing alone, with its icon."""
    if take is None:
        return "Needs a take", "INFO"
    if solved is None:
        return "Not solved yet", "INFO"
    if retaking.is_outdated(take):
        return "Keypoints or their rate changed; solve again", "ERROR"
    if instead_of := solved.get("device_instead_of"):
        return f"Solved on NumPy, not on {instead_of}: {solved['device_reason']}", "ERROR"
    if layers.describe(take, layers.Layer.REFINED):
        return "Solve again: refined frames go, moved keypoints stay", "INFO"
    return "Solved", "CHECKMARK"


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
        column.prop(context.scene.lsmpl, "travel")
        column.prop(context.scene.lsmpl, "hands")
        column.prop(context.scene.lsmpl, "rotations")
        column.prop(context.scene.lsmpl, "bake_when_done")
        layout.operator(
            "lsmpl.solve_from_motion",
            text="Solve from a Motion File...",
            translate=False,
            icon="FILE_MOVIE",
        )


_CLASSES = (LSMPL_PT_solve, LSMPL_PT_solver)
register, unregister = registration(_CLASSES)
