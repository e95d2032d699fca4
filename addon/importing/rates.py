"""At which rate takes were recorded and the scene plays: the buttons that make these agree."""

from __future__ import annotations

import math
from typing import ClassVar

import bpy
from bpy.props import FloatProperty

from ...lsmpl_core import LsmplError
from .. import jobs
from ..characters import baking
from ..errors import reports_errors, tell
from ..reference import pictures
from ..refining import pending_edit
from ..registration import registration
from ..retargeting import following
from ..selection import has_take, needed_take
from ..takes import layers, playing, timing
from ..takes import take as takes
from ..takes.layers import Layer
from . import adding, scene_tracks


class _OfTiming:
    """What takes and the scene have to do with each other's rate."""

    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls: type[bpy.types.Operator], context: bpy.types.Context) -> bool:
        return has_take(cls, context)


class LSMPL_OT_match_scene(_OfTiming, bpy.types.Operator):
    bl_idname = "lsmpl.match_scene"
    bl_label = "Match Scene to Take"
    bl_description = (
        "Set the scene's frame range and rate to this take's. Other takes, and the keys of "
        "characters, keep their speed"
    )

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        take, scene = needed_take(context), context.scene
        timing.set_scene_rate(scene, takes.describe(take)["fps"])
        _retime_all(self, scene)
        timing.set_scene_range(scene, *adding.span(take))
        return {"FINISHED"}


class LSMPL_OT_retime(_OfTiming, bpy.types.Operator):
    bl_idname = "lsmpl.retime"
    bl_label = "Retime Takes"
    bl_description = (
        "Let all takes of the scene, and the keys of their characters, play at their own speed at "
        "the scene's present rate. Actions that you edited keep what you changed: their keys move"
    )

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        _retime_all(self, context.scene)
        return {"FINISHED"}


class LSMPL_OT_set_rate(_OfTiming, bpy.types.Operator):
    bl_idname = "lsmpl.set_rate"
    bl_label = "Frame Rate"
    bl_description = (
        "At how many frames a second the take was recorded, where its file does not say so or is "
        "wrong; the movie's rate is suggested where there is one. A scene that has the take's rate "
        "gets the new one"
    )

    fps: FloatProperty(
        name="Frame Rate",
        description="Frames a second",
        default=30.0,
        min=0.01,
        precision=3,
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not (jobs.is_free(cls) and super().poll(context)):
            return False
        if scene_tracks.is_from_scene(needed_take(context)):
            cls.poll_message_set("A take of objects in the scene has the scene's rate")
            return False
        return True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if not self.properties.is_property_set("fps"):
            take = needed_take(context)
            self.fps = movie_rate(take) or takes.describe(take)["fps"]
        return context.window_manager.invoke_props_dialog(self)

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        take, scene = needed_take(context), context.scene
        pending_edit.close(take)
        before = takes.describe(take)["fps"]
        takes.set_rate(take, self.fps)
        for layer in Layer:
            if getattr(take.lsmpl, layer):
                layers.note(take, layer, fps=self.fps)
        adding.match_rate(scene, [take])
        _retime_all(self, scene)
        if (shown_by := pictures.of_take(take)) and not shown_by.library:
            pictures.follow_rate(shown_by, before, self.fps)
        if take.lsmpl.step == 1.0 and not adding.is_anothers_work(scene):
            timing.set_scene_range(scene, *adding.span(take))
        again = "; solve again, as the solver counts in seconds" if layers.is_solved(take) else ""
        tell(self, f"{take.name} runs at {self.fps:g} frames a second{again}")
        return {"FINISHED"}


def movie_rate(take: bpy.types.Object) -> float | None:
    """Frames a second of the movie that a take was filmed in; None where none is shown."""
    shown_by = pictures.of_take(take)
    return pictures.rate_of_movie(shown_by) if shown_by else None


def assumed_beside(take: bpy.types.Object) -> float | None:
    """The movie's frames a second where the take's, another, was assumed, as its file says none."""
    facts, movie = takes.describe(take), movie_rate(take)
    assumed = any(d["what"] == "fps" and d["basis"] == "assumed" for d in facts["decisions"])
    differs = movie is not None and not math.isclose(movie, facts["fps"], rel_tol=1e-4)
    return movie if assumed and differs else None


def _retime_all(operator: bpy.types.Operator, scene: bpy.types.Scene) -> None:
    """Takes and what was baked of them, at their own speed. Of an action that cannot follow, why is
    told; the others do, and the panel says of that one that it plays at other frames."""
    for take in takes.takes_in(scene):
        try:
            adding.retime(scene, [take])
            baking.follow_timing(take, scene)
        except LsmplError as error:
            tell(operator, f"Its keys stay where they are: {error}", "WARNING")
        following.follow(take)
    playing.show_anew(scene)


register, unregister = registration((LSMPL_OT_match_scene, LSMPL_OT_retime, LSMPL_OT_set_rate))
