"""When a picture plays: which of its frames is shown at which frame of the scene.

The image's offset has a driver of plain numbers, which Blender computes without Python and without
this add-on. It is written anew whenever the take is timed anew or the picture is shifted.
"""

from __future__ import annotations

from math import floor

import bpy

from ...lsmpl_core import LsmplError
from ..characters import actions
from ..takes import take as takes

_EARLY, _LONG = -100_000, 1_048_574
"""Blender clips a picture to its own start and duration before it adds the offset: all of a scene
has to lie between."""


def follow(take: bpy.types.Object) -> None:
    """Let a take's picture play when the take does, after that has changed. Of takes that share
    one, the one that was timed last counts."""
    shown_by = take.lsmpl_picture.shown_by
    if shown_by is None or shown_by.library:
        return
    picture = shown_by.lsmpl_picture
    start, step = take.lsmpl.start, take.lsmpl.step
    for owner in (shown_by, shown_by.data):
        animation = getattr(owner, "animation_data", None)
        if animation and animation.action:
            actions.retime(animation.action, picture.start, picture.step, start, step)
    picture.start, picture.step = start, step
    try:
        picture.take_fps = takes.describe(take)["fps"]
    except LsmplError:  # the take's data is damaged, which is said where it is used
        return
    drive(shown_by)


def drive(shown_by: bpy.types.Object) -> None:
    """Let the image that a picture's object shows play as its settings say."""
    user = image_user(shown_by)
    if user is None:
        return
    user.frame_start, user.frame_duration = _EARLY, _LONG
    owner, path = user.id_data, user.path_from_id("frame_offset")
    animation = owner.animation_data
    curve = animation.drivers.find(path) if animation else None
    curve = curve or user.driver_add("frame_offset")
    curve.driver.type = "SCRIPTED"
    curve.driver.expression = expression(shown_by)
    user.frame_current = number_shown(shown_by, bpy.context.scene.frame_current_final)
    owner.update_tag()


def expression(shown_by: bpy.types.Object) -> str:
    """What is added to the frame that Blender would show, from `frame`, the scene's."""
    picture = shown_by.lsmpl_picture
    rate = picture.fps / picture.take_fps / picture.step
    wanted = f"floor((frame-{picture.start:.9g})*{rate:.9g}+{picture.offset + 0.5:.9g})"
    within = f"min(max({wanted},0),{picture.count - 1})"
    return f"{within}+{picture.first}-floor(frame)-{1 - _EARLY}"


def number_shown(shown_by: bpy.types.Object, frame: float) -> int:
    """Of the picture's frames, the number of the one that is shown at a frame of the scene, as
    `expression` has it."""
    picture = shown_by.lsmpl_picture
    rate = picture.fps / picture.take_fps / picture.step
    wanted = floor((frame - picture.start) * rate + picture.offset + 0.5)
    return min(max(wanted, 0), picture.count - 1) + picture.first


def image_user(shown_by: bpy.types.Object) -> bpy.types.ImageUser | None:
    """What says which frame of its image an object shows; None where the user took it away."""
    if shown_by.type == "CAMERA":
        backgrounds = shown_by.data.background_images
        return backgrounds[0].image_user if len(backgrounds) else None
    return shown_by.image_user if shown_by.empty_display_type == "IMAGE" else None


def image_of(shown_by: bpy.types.Object) -> bpy.types.Image | None:
    """The image that a picture's object shows."""
    if shown_by.type == "CAMERA":
        backgrounds = shown_by.data.background_images
        return backgrounds[0].image if len(backgrounds) else None
    return shown_by.data if isinstance(shown_by.data, bpy.types.Image) else None
