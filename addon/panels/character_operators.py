"""The list of characters that a take was put on: shown again, left alone, brought up to date."""

from __future__ import annotations

from typing import ClassVar

import bpy
from bpy.props import StringProperty

from ...lsmpl_core import LsmplError
from .. import jobs
from ..errors import reports_errors
from ..held import Held
from ..registration import registration
from ..retargeting import bake_to_other, following
from ..retargeting.settings import OtherCharacter
from ..selection import is_solved, needed_take
from ..takes import other_characters


class _OfCharacter:
    """Of one of the active take's characters, by its object's name."""

    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    character: StringProperty(
        name="Character", description="Which of the take's characters", options={"HIDDEN"}
    )

    def _needed(self, context: bpy.types.Context) -> OtherCharacter:
        take = needed_take(context)
        found = other_characters.on(take, bpy.data.objects.get(self.character))
        if found is None or found == take.lsmpl.other:
            raise LsmplError(f"{take.name}: is on no other character called {self.character!r}")
        return found


class LSMPL_OT_show_character(_OfCharacter, bpy.types.Operator):
    bl_idname = "lsmpl.show_character"
    bl_label = "Show This Character's Settings"
    bl_description = (
        "Work on this character of the take's: its bones and settings are shown, it is baked and "
        "exported. The one that is shown now stays the take's, too"
    )

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        found = self._needed(context)
        found.id_data.lsmpl.other.target = found.target
        return {"FINISHED"}


class LSMPL_OT_leave_character(_OfCharacter, bpy.types.Operator):
    bl_idname = "lsmpl.leave_character"
    bl_label = "Leave This Character Alone"
    bl_description = (
        "Take the character off this list: it keeps its animation and follows the take no longer"
    )

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        found = self._needed(context)
        also_on = found.id_data.lsmpl.also_on
        also_on.remove(list(also_on).index(found))
        return {"FINISHED"}


class LSMPL_OT_bake_again(jobs.JobOperator, bpy.types.Operator):
    bl_idname = "lsmpl.bake_again"
    bl_label = "Bake Again"
    bl_description = (
        "Put the motion again, as it is now, on all characters of the take's that are out of date"
    )
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not (jobs.is_free(cls) and is_solved(cls, context)):
            return False
        if not following.outdated(needed_take(context)):
            cls.poll_message_set("All characters of the take are up to date")
            return False
        return True

    def begin(self, context: bpy.types.Context) -> jobs.Job:
        take = needed_take(context)
        held = [Held(take, other.target, doing="baked") for other in following.outdated(take)]

        def steps():
            told = []
            for take_and_target in held:
                try:
                    other = bake_to_other.again(take_and_target)
                    baked = yield from bake_to_other.bake_steps(other)
                    told.append(bake_to_other.message(baked))
                except LsmplError as error:  # of one, which does not stop the others
                    told.append(("WARNING", str(error)))
            return told

        return jobs.Job("lsmpl.bake_to_other", "Bake", take.name, steps())


_CLASSES = (LSMPL_OT_show_character, LSMPL_OT_leave_character, LSMPL_OT_bake_again)
register, unregister = registration(_CLASSES)
