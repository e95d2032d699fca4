"""Clean Up: the solved motion smoothed, its hands out of each other, its feet held, its floor
found; always anew from the motion as solved."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import bpy
import numpy as np

from ...lsmpl_core import LsmplError
from ...lsmpl_core.clean_motion import clean_up_steps as core_steps
from ...lsmpl_core.progress import run_to_end
from .. import jobs, series
from ..characters import baking
from ..errors import reports_errors
from ..held import Held
from ..registration import registration
from ..retargeting import following
from ..selection import chosen_takes, is_solved, needed_take
from ..takes import layers
from ..takes.layers import Layer


def clean_up(take: bpy.types.Object, scene: bpy.types.Scene) -> jobs.Messages:
    """Clean a take's motion with the scene's settings and bake it. Returns what to tell the user.

    The motion as solved is kept, so that another strength begins from it again. Raises
    `LsmplError`; then nothing has changed.
    """
    return run_to_end(clean_up_steps(take, scene))


def clean_up_steps(take: bpy.types.Object, scene: bpy.types.Scene) -> jobs.Steps[jobs.Messages]:
    """`clean_up` in steps; what is computed is computed on another thread."""
    settings = scene.lsmpl
    solved = layers.load(take, layers.latest(take, before=Layer.CLEANED))
    body = baking.body_of(take, solved)
    floor = settings.floor_height if settings.floor == "HEIGHT" else settings.floor.lower()
    asked = {
        "smooth": settings.smooth,
        "part_hands": settings.part_hands,
        "lock_feet": settings.lock_feet,
        "floor": floor,
    }
    steps = core_steps(solved, body, **asked)
    held, made_from = Held(take, scene, doing="cleaned"), _made_from(take)
    motion, report = yield from jobs.in_thread(steps)
    facts = asked | report.as_dict()
    update = yield from following.update_steps(held.again()[0], motion, body)
    take, scene = held.again()
    if _made_from(take) != made_from:
        raise LsmplError(
            f"{take.name}: was solved anew while it was being cleaned; nothing was kept"
        )

    def prepare(take: bpy.types.Object, joints: np.ndarray) -> Callable[[], None]:
        return layers.prepare(take, Layer.CLEANED, motion, joints, {"clean_up": facts})

    locked = facts["feet_locked"]
    baked = yield from baking.bake_steps(
        take, scene, body, motion, prepare=prepare, feet_locked=locked
    )
    take, _ = held.again()
    following.put(take, update)
    return [
        ("INFO", f"Cleaned: {describe(facts)}. {baking.describe(baked)}"),
        *following.warnings(take),
    ]


def _made_from(take: bpy.types.Object) -> list[str]:
    """Which motions a clean-up was made from."""
    return [layers.version(take, layer) for layer in Layer if layer != Layer.CLEANED]


def describe(facts: dict) -> str:
    """What cleaning did, in a few words."""
    contacts = sum(facts["contacts"].values())
    before, after = facts["sliding_before_cm_s"], facts["sliding_after_cm_s"]
    slide = "" if before is None else f", sliding {before:.1f} to {after:.1f} cm/s"
    parted = facts["parted_frames"]
    hands = f", hands parted in {parted} frames" if parted else ""
    return f"{contacts} foot contacts{slide}{hands}"


class LSMPL_OT_clean_up(jobs.JobOperator, bpy.types.Operator):
    bl_idname = "lsmpl.clean_up"
    bl_label = "Clean Up"
    bl_description = (
        "Smooth the solved motion, part hands, hold standing feet and bake the result. The "
        "motion as solved is kept"
    )
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return jobs.is_free(cls) and is_solved(cls, context)

    def begin(self, context: bpy.types.Context) -> jobs.Job:
        chosen = [take for take in chosen_takes(context) if layers.is_solved(take)]
        return series.over("lsmpl.clean_up", "Clean Up", chosen, context.scene, clean_up_steps)


class LSMPL_OT_as_solved(bpy.types.Operator):
    bl_idname = "lsmpl.as_solved"
    bl_label = "Back to As Solved"
    bl_description = "Bake the motion as it was solved, without the clean-up"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not jobs.is_free(cls) or not is_solved(cls, context):
            return False
        if needed_take(context).lsmpl.cleaned is None:
            cls.poll_message_set("This take is not cleaned")
            return False
        return True

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        take = needed_take(context)
        baked = baking.bake(
            take, context.scene, motion=layers.load(take, layers.latest(take, before=Layer.CLEANED))
        )
        layers.remove(take, Layer.CLEANED)
        following.follow(take)
        jobs.tell_all(self, [("INFO", baking.describe(baked)), *following.warnings(take)])
        return {"FINISHED"}


_CLASSES = (LSMPL_OT_clean_up, LSMPL_OT_as_solved)
register, unregister = registration(_CLASSES)
