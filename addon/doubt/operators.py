"""A click on the strip of doubt goes there."""

from __future__ import annotations

from typing import ClassVar

import bpy
from bpy.props import FloatProperty

from ..errors import reports_errors, tell
from ..registration import registration
from ..selection import active_take, is_solved, needed_take
from ..solving import quality
from ..takes import playing
from . import along, drawing


class LSMPL_OT_go_to_doubt(bpy.types.Operator):
    bl_idname = "lsmpl.go_to_doubt"
    bl_label = "Go There"
    bl_description = (
        "Go to the frame of the strip below the ruler that is clicked: of a short doubtful stretch "
        "to its worst frame"
    )
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    frame: FloatProperty(name="Frame", description="Scene frame that is meant")
    frames_a_pixel: FloatProperty(name="Frames a Pixel", min=0.0)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        here = context.area is None or context.area.type == "DOPESHEET_EDITOR"
        return here and drawing.is_wanted() and is_solved(cls, context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        take, region = active_take(context), context.region
        strip = along.of_take(take) if take else None
        if strip is None or region is None or region.type != "WINDOW":
            return {"PASS_THROUGH"}

        # Elsewhere than on the strip a click is Blender's.
        low, top = drawing.edges(region)
        left, self.frames_a_pixel = drawing.frames_of(region)
        self.frame = left + event.mouse_region_x * self.frames_a_pixel
        begins, ends = playing.scene_frame(take, 0), playing.scene_frame(take, len(strip.levels))
        if not (low <= event.mouse_region_y < top and begins - 1 <= self.frame <= ends):
            return {"PASS_THROUGH"}
        return self.execute(context)

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        take = needed_take(context)
        strip = along.of_take(take)
        if strip is None:
            return {"CANCELLED"}
        frame, stretch = along.meant(take, strip, self.frame, self.frames_a_pixel)
        playing.go_to(take, context.scene, frame)
        if stretch is not None:
            tell(self, quality.sentence(stretch.why))
        return {"FINISHED"}


register, unregister = registration((LSMPL_OT_go_to_doubt,))
