"""What a .blend keeps of pictures: each take's, and of the object that shows one when it plays."""

from __future__ import annotations

import bpy
from bpy.props import BoolProperty, FloatProperty, IntProperty, IntVectorProperty, PointerProperty

from ..registration import registration
from . import playing


def _plays_elsewhere(settings: PictureSettings, context: bpy.types.Context) -> None:
    playing.drive(settings.id_data)


def _seconds(settings: PictureSettings) -> float:
    return settings.offset / settings.fps


def _set_seconds(settings: PictureSettings, seconds: float) -> None:
    settings.offset = seconds * settings.fps


def _opacity(settings: PictureSettings) -> float:
    obj = settings.id_data
    if obj.type != "CAMERA":
        return obj.color[3]
    backgrounds = obj.data.background_images
    return backgrounds[0].alpha if len(backgrounds) else 1.0


def _set_opacity(settings: PictureSettings, opacity: float) -> None:
    obj = settings.id_data
    if obj.type != "CAMERA":
        obj.color[3] = opacity
        obj.use_empty_image_alpha = opacity < 1.0
    elif len(obj.data.background_images):
        obj.data.background_images[0].alpha = opacity


class PictureSettings(bpy.types.PropertyGroup):
    """`Object.lsmpl_picture`: of a take, the object that shows its picture; of that object, a
    camera or an empty, what it shows and when."""

    shown_by: PointerProperty(
        type=bpy.types.Object, name="Picture", description="The camera or empty that shows it"
    )
    is_picture: BoolProperty(name="Is a Picture", description="Whether the object shows one")
    first: IntProperty(name="First", description="Number of the picture's first frame", default=1)
    count: IntProperty(name="Frames", description="How many frames it has", default=1, min=1)
    size: IntVectorProperty(name="Size", description="Width and height in pixels", size=2)
    fps: FloatProperty(
        name="Rate",
        description="Frames a second that the picture was filmed at. A movie's own; images are "
        "taken to be one for each frame of the take",
        default=30.0,
        min=0.01,
        precision=3,
        update=_plays_elsewhere,
    )
    offset: FloatProperty(
        name="Offset",
        description="Frames of the picture that come before the take's first one; below 0 where "
        "the take began before the picture",
        precision=1,
        step=100,
        update=_plays_elsewhere,
    )
    seconds: FloatProperty(
        name="In Seconds",
        description="The same in seconds of the picture",
        precision=3,
        get=_seconds,
        set=_set_seconds,
    )
    opacity: FloatProperty(
        name="Opacity",
        description="How much of the picture is seen",
        subtype="FACTOR",
        min=0.0,
        max=1.0,
        default=1.0,
        get=_opacity,
        set=_set_opacity,
    )
    lens: FloatProperty(
        name="Lens",
        description="Pixels by which the lens' distortion, which is not shown, moves a corner",
        min=0.0,
    )
    start: FloatProperty(name="Start", description="Scene frame of the take's first frame")
    step: FloatProperty(
        name="Step", description="Scene frames to one of the take", default=1.0, min=1e-6
    )
    take_fps: FloatProperty(name="Take's Rate", description="Of the take", default=30.0, min=0.01)


register, unregister = registration(
    (PictureSettings,), (bpy.types.Object, "lsmpl_picture", PictureSettings)
)
