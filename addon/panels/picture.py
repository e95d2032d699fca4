"""Picture, below Keypoints: the movie or the images that the take was filmed in."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import bpy

from ..importing import rates
from ..reference import pictures, playing
from ..registration import registration
from ..selection import needed_take
from ..takes import take as takes
from .drawing import TakeSection, facts, properties, say


class LSMPL_PT_picture(TakeSection, bpy.types.Panel):
    bl_label = "Picture"
    bl_parent_id = "LSMPL_PT_keypoints"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, take = self.layout, needed_take(context)
        shown_by = pictures.of_take(take)
        row = layout.row(align=True)
        text = "Add Movie or Images..." if shown_by is None else "Another..."
        row.operator("lsmpl.add_picture", text=text, translate=False, icon="FILE_MOVIE")
        if shown_by is None:
            return
        row.operator("lsmpl.remove_picture", text="", icon="X")

        # What is shown, from where, and when.
        image, picture = playing.image_of(shown_by), shown_by.lsmpl_picture
        width, height = picture.size
        facts(
            layout,
            ("Picture", Path(image.filepath).name if image else "is gone; add it again"),
            ("Size", f"{width} x {height}, {picture.count} frames"),
            ("Seen from", _seen_from(shown_by, width)),
            ("Lens", _lens(shown_by)),
        )
        row = layout.row(align=True)
        row.operator("lsmpl.look_through", icon="OUTLINER_OB_CAMERA")
        row.operator("lsmpl.picture_camera", text="Camera File...", translate=False)
        column = properties(layout)
        for name in ("offset", "seconds", "fps", "opacity"):
            column.prop(picture, name)

        # What comes and goes with the scene's resolution, and with what was assumed.
        render = context.scene.render
        aspect = render.resolution_x * render.pixel_aspect_x / max(
            render.resolution_y * render.pixel_aspect_y, 1e-6
        )  # fmt: skip
        if shown_by.type == "CAMERA" and height and abs(aspect * height / width - 1) > 0.01:
            say(context, layout, "Renders have another shape than the picture", icon="INFO")
            layout.operator("lsmpl.match_render")
        movie = rates.assumed_beside(take)
        if movie is not None:
            assumed = f"{takes.describe(take)['fps']:.5g} fps were assumed of the take"
            say(context, layout, assumed, icon="ERROR")
            row = layout.row()
            row.operator_context = "EXEC_DEFAULT"
            text = f"Use the Movie's {movie:.5g}"
            row.operator("lsmpl.set_rate", text=text, translate=False).fps = movie


def _seen_from(shown_by: bpy.types.Object, width: int) -> str:
    if shown_by.type != "CAMERA":
        return "beside the character"
    focal = shown_by.data.lens / pictures.SENSOR_MILLIMETRES * width
    moves = " that moves" if shown_by.animation_data and shown_by.animation_data.action else ""
    return f"its camera{moves}, {focal:.0f} px"


def _lens(shown_by: bpy.types.Object) -> str:
    if shown_by.type != "CAMERA":
        return "not known"
    shift = shown_by.lsmpl_picture.lens
    return f"left out: {shift:.0f} px at a corner" if shift >= 0.5 else "not distorted"


_CLASSES = (LSMPL_PT_picture,)
register, unregister = registration(_CLASSES)
