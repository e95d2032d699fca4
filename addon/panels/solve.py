"""Solve: the solver, its progress, and how well it met the keypoints."""

from __future__ import annotations

from pathlib import Path

import bpy

from .. import retaking, stages
from .. import take as takes
from ..package import preferences
from ..selection import active_take
from ..setting_presets import LSMPL_PT_presets
from .drawing import Section, facts, properties, say, working


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
        row.operator("lsmpl.solve", icon="ARMATURE_DATA")
        layout.operator("lsmpl.solve_from_motion", text="Solve from a Motion File...", icon="FILE_MOVIE")
        column = properties(layout)
        column.prop(context.scene.lsmpl, "solver")
        if preferences():
            column.prop(preferences(), "device")
        column.prop(context.scene.lsmpl, "bake_when_done")
        if take is None:
            say(context, layout, "Needs a take", icon="INFO")
            return
        if stages.describe(take, stages.Stage.REFINED):
            say(context, layout, "Solving again drops refined frames; pins and edited keypoints stay", icon="INFO")
        solved = stages.describe(take)
        if solved is None:
            say(context, layout, "Not solved yet", icon="INFO")
            return
        if retaking.is_outdated(take):
            say(context, layout, "The keypoints were read again; solve again", icon="ERROR")
        if instead_of := solved.get("device_instead_of"):
            say(context, layout, f"Solved on NumPy, not on {instead_of}: {solved['device_reason']}", icon="ERROR")
        body = Path(solved["body_path"]).name or "Open body"
        if solved["residual_mean"] is None:
            told = "imported motion" if solved.get("solver") == "imported" else "not measured"
            facts(layout, ("Body", body), ("Error", told))
        else:
            worst = takes.describe(take)["first_frame"] + solved["worst_frame"]
            facts(
                layout,
                ("Body", body),
                ("Mean error", f"{1000 * solved['residual_mean']:.1f} mm"),
                ("Largest", f"{1000 * solved['residual_worst']:.0f} mm in frame {worst}"),
            )


_CLASSES = (LSMPL_PT_solve,)


def register() -> None:
    for cls in _CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
