"""Clean Up: the solved motion smoothed, its feet held, its floor found; always anew from the motion as solved."""

from __future__ import annotations

from typing import ClassVar

import bpy

from . import baking, stages
from .errors import all_or_nothing, reports_errors
from .selection import active_take, is_solved
from .stages import Stage


def clean_up(take: bpy.types.Object, scene: bpy.types.Scene) -> str:
    """Clean a take's motion with the scene's settings and bake it. Returns what to tell the user.

    The motion as solved is kept, so that another strength begins from it again. Raises `LsmplError`; then nothing has
    changed.
    """
    from ..lsmpl_core.clean_up import clean_up_with_report

    settings = scene.lsmpl
    solved = stages.load(take, stages.latest(take, before=Stage.CLEANED))
    body = baking.body_of(take, solved)
    floor = settings.floor_height if settings.floor == "HEIGHT" else settings.floor.lower()
    motion, report = clean_up_with_report(solved, body, settings.smooth, settings.lock_feet, floor)
    facts = {"smooth": settings.smooth, "lock_feet": settings.lock_feet, "floor": floor, **report.as_dict()}
    with all_or_nothing():
        put_in_place = stages.prepare(take, Stage.CLEANED, motion, body.joints(motion), {"clean_up": facts})
        baked = baking.bake(take, scene, body, motion)
    put_in_place()
    return f"Cleaned: {describe(facts)}. {baking.describe(baked)}"


def describe(facts: dict) -> str:
    """What cleaning did, in a few words."""
    contacts = sum(facts["contacts"].values())
    before, after = facts["sliding_before_cm_s"], facts["sliding_after_cm_s"]
    slide = "" if before is None else f", sliding {before:.1f} to {after:.1f} cm/s"
    return f"{contacts} foot contacts{slide}"


class LSMPL_OT_clean_up(bpy.types.Operator):
    bl_idname = "lsmpl.clean_up"
    bl_label = "Clean Up"
    bl_description = "Smooth the solved motion, hold standing feet and bake the result. The motion as solved is kept"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return is_solved(cls, context)

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        self.report({"INFO"}, clean_up(active_take(context), context.scene))
        return {"FINISHED"}


class LSMPL_OT_as_solved(bpy.types.Operator):
    bl_idname = "lsmpl.as_solved"
    bl_label = "Back to As Solved"
    bl_description = "Bake the motion as it was solved, without the clean-up"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        take = active_take(context)
        return take is not None and take.lsmpl.cleaned is not None

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        take = active_take(context)
        baked = baking.bake(take, context.scene, motion=stages.load(take, stages.latest(take, before=Stage.CLEANED)))
        stages.remove(take, Stage.CLEANED)
        self.report({"INFO"}, baking.describe(baked))
        return {"FINISHED"}


_CLASSES = (LSMPL_OT_clean_up, LSMPL_OT_as_solved)


def register() -> None:
    for cls in _CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
