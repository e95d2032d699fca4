"""Bake's button: the latest motion of each selected take becomes an action on its character."""

from __future__ import annotations

from typing import ClassVar

import bpy

from .. import jobs, series
from ..characters import baking
from ..registration import registration
from ..selection import chosen_takes, is_solved
from ..takes import layers


class LSMPL_OT_bake(jobs.JobOperator, bpy.types.Operator):
    bl_idname = "lsmpl.bake"
    bl_label = "Bake to Character"
    bl_description = (
        "Put the motion on the take's character as an action; it is made if there is none"
    )
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return jobs.is_free(cls) and is_solved(cls, context)

    def begin(self, context: bpy.types.Context) -> jobs.Job:
        chosen = [take for take in chosen_takes(context) if layers.is_solved(take)]

        def steps(take: bpy.types.Object, scene: bpy.types.Scene) -> jobs.Steps[str]:
            return baking.describe((yield from baking.bake_steps(take, scene)))

        return series.over("lsmpl.bake", "Bake", chosen, context.scene, steps)


register, unregister = registration((LSMPL_OT_bake,))
