"""Objects that show a take's picture: a camera that filmed it, the picture behind all, or an empty
beside the character."""

from __future__ import annotations

import math
from collections.abc import Sequence

import bpy
import numpy as np
from mathutils import Matrix, Vector

from ...lsmpl_core import KeypointTrack
from ...lsmpl_core.cameras.views import View, lens_shift
from ..characters import actions, assigning
from ..rigging.keys import continuous
from ..takes import playing as take_playing
from ..takes import take as takes
from . import playing
from .media import Media

SENSOR_MILLIMETRES = 36.0
_TO_BLENDER = np.diag([1.0, -1.0, -1.0])
"""OpenCV's cameras look along z with y down, Blender's along -z with y up."""
_ASIDE_METRES, _FARTHEST_METRES = 0.5, 4.0
"""From the character to a picture beside it, and how far from where the take begins that is at
most."""
_RENDER = {
    "x": "resolution_x",
    "y": "resolution_y",
    "px": "pixel_aspect_x",
    "py": "pixel_aspect_y",
}
_ASPECT = "max(1,x*px/(y*py)/{aspect:.9g})"
"""By how much a picture that Blender fits into the frame is too small for its width to be the
frame's, where the scene's frame is wider than the picture."""


def of_take(take: bpy.types.Object) -> bpy.types.Object | None:
    """What shows a take's picture, where it is still there."""
    shown_by = take.lsmpl_picture.shown_by
    return shown_by if shown_by and shown_by.users_scene else None


def share(shown_by: bpy.types.Object, sharing: Sequence[bpy.types.Object]) -> None:
    """Make it the picture of these takes, which play as the first of them does."""
    for take in sharing:
        take.lsmpl_picture.shown_by = shown_by
    playing.follow(sharing[0])


def add_plane(take: bpy.types.Object, media: Media) -> bpy.types.Object:
    """An empty that shows the picture as large as the person, beside where the take goes."""
    positions = takes.load_track(take, edits=False).positions
    first = positions[0][np.isfinite(positions[0]).all(axis=1)]
    low, high = (first.min(axis=0), first.max(axis=0)) if len(first) else (np.zeros(3), np.ones(3))
    height = max(float(high[2] - low[2]), 0.5) * 1.2
    width = height * media.width / media.height

    empty = bpy.data.objects.new(f"{take.name} Picture"[:60], None)
    empty.empty_display_type, empty.data = "IMAGE", media.image
    empty.empty_display_size = max(width, height)
    empty.empty_image_offset = (-0.5, 0.0)
    empty.rotation_euler = (np.pi / 2, 0.0, 0.0)
    goes = np.nanmax(positions[..., 0], initial=high[0])
    middle = min(goes, high[0] + _FARTHEST_METRES) + _ASIDE_METRES + width / 2
    empty.location = (middle, (low[1] + high[1]) / 2, low[2])
    return _added(take, media, empty)


def spanned(take: bpy.types.Object, plane: bpy.types.Object) -> np.ndarray:
    """(4,3): the corners of a picture beside a take and of the take's first frame, in the world."""
    positions = takes.load_track(take, edits=False).positions[0]
    seen = positions[np.isfinite(positions).all(axis=1)]
    width, height = plane.lsmpl_picture.size
    across = plane.empty_display_size * width / max(width, height)
    up = plane.empty_display_size * height / max(width, height)
    local = [(-across / 2, 0.0, 0.0), (across / 2, up, 0.0)]
    bpy.context.view_layer.update()
    corners = [plane.matrix_world @ Vector(at) for at in local]
    ends = (seen.min(axis=0), seen.max(axis=0)) if len(seen) else ()
    return np.array([*corners, *(take.matrix_world @ Vector(at) for at in ends)])


def add_camera(take: bpy.types.Object, media: Media, view: View) -> bpy.types.Object:
    """A camera where the take was filmed from, with the picture behind everything."""
    data = bpy.data.cameras.new(f"{take.name} Camera"[:60])
    camera = bpy.data.objects.new(data.name, data)
    background = data.background_images.new()
    background.image, background.frame_method, background.alpha = media.image, "FIT", 1.0
    background.image_user.use_auto_refresh = True
    data.show_background_images = True
    _added(take, media, camera)
    look_from(camera, take, media.width, media.height, view)
    return camera


def look_from(
    camera: bpy.types.Object, take: bpy.types.Object, width: int, height: int, view: View
) -> None:
    """Put a camera to where a view is from, with its lens, whatever the scene's resolution is."""
    data, (focal, centre) = camera.data, view.lens(width, height)
    data.sensor_fit, data.sensor_width = "HORIZONTAL", SENSOR_MILLIMETRES
    data.lens = focal / width * SENSOR_MILLIMETRES
    data.shift_x = 0.5 - centre[0] / width
    data.shift_y = (centre[1] - height / 2) / width
    distance = float(np.abs(view.position).max(initial=0.0))
    data.clip_start, data.clip_end = 0.01, max(100.0, 10 * distance)
    _fill_width(data, width / height)
    camera.lsmpl_picture.lens = lens_shift(view, width, height)

    turns = view.rotation @ _TO_BLENDER
    quaternions = np.array([Matrix(turn).to_quaternion() for turn in turns])
    camera.rotation_mode = "QUATERNION"
    camera.location, camera.rotation_quaternion = view.position[0], quaternions[0]
    if camera.animation_data:
        camera.animation_data.action = None
    if len(turns) > 1:
        _animate(camera, take, view.position, quaternions)


def _animate(
    camera: bpy.types.Object, take: bpy.types.Object, places: np.ndarray, turns: np.ndarray
) -> None:
    """Keys of places (T,3) and quaternions (T,4) at the take's frames."""
    curves = [
        actions.Curve(path, index, values[:, index], "Camera")
        for path, values in (("location", places), ("rotation_quaternion", continuous(turns)))
        for index in range(values.shape[1])
    ]
    frames = take_playing.scene_frames(take, len(places))
    assigning.play(camera, actions.write_action(camera, camera.name, frames, curves))


def _fill_width(data: bpy.types.Camera, aspect: float) -> None:
    """Let the picture be as wide as the camera's frame, of which the lens is counted."""
    background = data.background_images[0]
    background.driver_remove("scale")
    driver = background.driver_add("scale").driver
    for name, setting in _RENDER.items():
        variable = driver.variables.new()
        variable.name, variable.type = name, "CONTEXT_PROP"
        variable.targets[0].context_property = "ACTIVE_SCENE"
        variable.targets[0].data_path = f"render.{setting}"
    driver.expression = _ASPECT.format(aspect=aspect)


def _added(take: bpy.types.Object, media: Media, shown_by: bpy.types.Object) -> bpy.types.Object:
    """Link it where the take is, moving along with it, and let it play when the take does."""
    home = take.users_collection[0] if take.users_collection else bpy.context.scene.collection
    home.objects.link(shown_by)
    shown_by.parent = take
    shown_by.lock_location = shown_by.lock_rotation = (shown_by.type == "CAMERA",) * 3
    picture, rate = shown_by.lsmpl_picture, takes.describe(take)["fps"]
    picture.is_picture, picture.first, picture.count = True, media.first, media.frames
    picture.start, picture.step = take.lsmpl.start, take.lsmpl.step
    picture.fps, picture.take_fps = media.fps or rate, rate
    picture.size = media.width, media.height
    share(shown_by, [take])
    return shown_by


def rate_of_movie(shown_by: bpy.types.Object) -> float | None:
    """Frames a second of a movie; None of images, which say none."""
    image = playing.image_of(shown_by)
    is_movie = image is not None and image.source == "MOVIE"
    return shown_by.lsmpl_picture.fps if is_movie else None


def follow_rate(shown_by: bpy.types.Object, before: float, fps: float) -> None:
    """After a take's rate was set anew: images that were one for each of its frames still are."""
    picture = shown_by.lsmpl_picture
    if rate_of_movie(shown_by) is None and math.isclose(picture.fps, before, rel_tol=1e-4):
        picture.fps = fps


def remove(shown_by: bpy.types.Object) -> None:
    """Take a picture away, and its image and camera where nothing else has them."""
    image, data = playing.image_of(shown_by), shown_by.data
    action = shown_by.animation_data.action if shown_by.animation_data else None
    bpy.data.objects.remove(shown_by)
    if isinstance(data, bpy.types.Camera) and not data.users:
        bpy.data.cameras.remove(data)
    if action and not action.users:
        bpy.data.actions.remove(action)
    if image and not image.users:
        bpy.data.images.remove(image)


def tracked(take: bpy.types.Object) -> KeypointTrack:
    """The take's keypoints where its file has them, which is where the camera saw them."""
    return takes.load_track(take, edits=False, travelled=False)
