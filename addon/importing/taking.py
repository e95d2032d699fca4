"""The buttons that make a take of objects in the scene, and that read them again."""

from __future__ import annotations

from typing import ClassVar

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty

from ...lsmpl_core import LsmplError
from .. import jobs
from ..errors import reports_errors
from ..registration import registration
from ..selection import active_take, needed_take, select
from . import scene_tracks
from .dialogs import UNITS, LayoutChoice


def _has_sources(operator: type[bpy.types.Operator], context: bpy.types.Context) -> bool:
    """For an operator's `poll`: whether the take has objects to be read from; if not, the button
    says so."""
    take = active_take(context)
    if take is None or not scene_tracks.is_from_scene(take):
        operator.poll_message_set("This take was not made of objects in the scene")
    elif len(scene_tracks.gone(take)) == len(take.lsmpl_sources.keypoints):
        operator.poll_message_set("The objects that this take was made of are gone")
    else:
        return True
    return False


class LSMPL_OT_take_from_objects(LayoutChoice, jobs.JobOperator, bpy.types.Operator):
    bl_idname = "lsmpl.take_from_objects"
    bl_label = "Take from Selected Objects"
    bl_description = (
        "Make a take of animated objects, or of the bones of an armature, that are a person's "
        "keypoints or markers, as FreeMoCap, Pose2Sim and C3D importers leave them. They stay as "
        "they are, and can be read again"
    )
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    unit: EnumProperty(
        name="Unit",
        description="What one unit of the scene is",
        items=[item for item in UNITS if item[0] != "custom"],
    )
    person: StringProperty(
        name="Person",
        description="Of several people, whom to take: what their objects are below (empty: "
        "the one most seen)",
    )
    children: BoolProperty(
        name="With Children",
        description="Take the objects below the selected ones, too: then it is enough to "
        "select what they are below",
        default=True,
    )
    gaps: BoolProperty(
        name="Gaps in Keys Are Missing",
        description="Where recorded objects have no keys for a while, count the keypoint as "
        "not seen",
        default=True,
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not jobs.is_free(cls):
            return False
        if not context.selected_objects:
            cls.poll_message_set("Select the empties, objects or armature that are the keypoints")
            return False
        return True

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        self.draw_layout_choice(layout)
        for name in ("unit", "person", "markers", "children", "gaps"):
            layout.prop(self, name)

    def begin(self, context: bpy.types.Context) -> jobs.Job:
        scene = context.scene
        points = scene_tracks.candidates(scene, context.selected_objects, self.children)
        steps = scene_tracks.take_steps(
            scene,
            points,
            **self.layout_options(),
            unit=None if self.unit == "auto" else self.unit,
            person=self.person or None,
            gaps=self.gaps,
            collection=None if context.collection.library else context.collection,
        )

        def selecting() -> jobs.Steps[str]:
            take = yield from steps
            select(bpy.context, [take])
            keypoints = len(take.lsmpl_sources.keypoints)
            return (
                f"{take.name}: {keypoints - len(scene_tracks.gone(take))} of {keypoints} "
                "keypoints found by name"
            )

        return jobs.Job("lsmpl.take_from_objects", "Take from Objects", scene.name, selecting())


class LSMPL_OT_read_again(jobs.JobOperator, bpy.types.Operator):
    bl_idname = "lsmpl.read_again"
    bl_label = "Read Again"
    bl_description = (
        "Read this take's objects as they are now, over the scene's frame range. "
        "Keypoints that you moved, locked or ignored stay so"
    )
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return jobs.is_free(cls) and _has_sources(cls, context)

    def begin(self, context: bpy.types.Context) -> jobs.Job:
        take = needed_take(context)
        return jobs.Job(
            "lsmpl.read_again",
            "Read Again",
            take.name,
            scene_tracks.read_again_steps(take, context.scene),
        )


class LSMPL_OT_select_sources(bpy.types.Operator):
    bl_idname = "lsmpl.select_sources"
    bl_label = "Select Its Objects"
    bl_description = "Select the objects that this take is read from"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return _has_sources(cls, context)

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        points = [source.point() for source in needed_take(context).lsmpl_sources.keypoints]
        objects = {
            point.object
            for point in points
            if point and point.object.name in context.view_layer.objects
        }
        if not objects:
            raise LsmplError("Its objects are in collections that are excluded from the view layer")
        select(context, list(objects))
        return {"FINISHED"}


_CLASSES = (LSMPL_OT_take_from_objects, LSMPL_OT_read_again, LSMPL_OT_select_sources)
register, unregister = registration(_CLASSES)
