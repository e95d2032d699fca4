"""A take gets its picture, its camera, and is looked at through it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import bpy
from bpy.props import BoolProperty, CollectionProperty, EnumProperty, StringProperty
from bpy_extras.io_utils import ImportHelper

from ...lsmpl_core import LsmplError
from ...lsmpl_core.cameras import find_view as views
from ...lsmpl_core.cameras.views import CONVENTIONS, View, plain_path, told_of_the_lens
from ...lsmpl_core.readers import READERS
from .. import framing
from ..characters import bodies
from ..devices import torch_folder
from ..errors import all_or_nothing, reports_errors, tell
from ..paths import FROM_BLEND
from ..registration import registration
from ..selection import chosen_takes, has_take, needed_take
from ..takes import layers
from ..takes import take as takes
from . import media, pictures, playing, viewports

_NO_CAMERA = (
    "Beside the character, as the take's file knows no camera: with Camera File it is behind the "
    "body"
)


def view_of(take: bpy.types.Object, path: Path, camera: str = "", axes: str = "auto") -> View:
    """From where a file says that a take was filmed. Raises `LsmplError`."""
    torch_folder.use_for([path])
    solved = layers.describe(take) or {}
    body = bodies.load(solved.get("body_path", ""))
    known = None if axes == "auto" else axes
    return views.find_view(path, pictures.tracked(take), body, camera or None, known)


def say_of(view: View, take: bpy.types.Object, width: int, height: int) -> str:
    """What was found of a camera, with what is in doubt about it, for the user."""
    told = told_of_the_lens(view, pictures.tracked(take), width, height).decisions
    return "; ".join(str(decision) for decision in told)


class _BesideTheTake(ImportHelper):
    """A file browser that opens where the take's own file is."""

    if TYPE_CHECKING:
        filepath: str

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        source = _source(needed_take(context))
        if not self.filepath and source is not None and source.parent.is_dir():
            self.filepath = f"{source.parent}{os.sep}"
        return super().invoke(context, event)


class _OfTake:
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls: type[bpy.types.Operator], context: bpy.types.Context) -> bool:
        return has_take(cls, context)


class _OfPicture:
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls: type[bpy.types.Operator], context: bpy.types.Context) -> bool:
        if not has_take(cls, context):
            return False
        if pictures.of_take(needed_take(context)) is None:
            cls.poll_message_set("Add the take's movie or images first")
            return False
        return True


class LSMPL_OT_add_picture(_OfTake, bpy.types.Operator, _BesideTheTake):
    bl_idname = "lsmpl.add_picture"
    bl_label = "Add Movie or Images"
    bl_description = (
        "Show the movie, or the image sequence, that the take was filmed in: behind the body where "
        "the take's file knows its camera (SAM 3D Body, GVHMR, WHAM), otherwise beside it until "
        "you choose a camera's calibration. Any image of a sequence brings the others"
    )

    files: CollectionProperty(
        type=bpy.types.OperatorFileListElement, options={"HIDDEN", "SKIP_SAVE"}
    )
    directory: StringProperty(subtype="DIR_PATH", options={"HIDDEN", "SKIP_SAVE"} | FROM_BLEND)
    filter_movie: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    filter_image: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    filter_folder: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    filename_ext = ""

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        take = needed_take(context)
        found = media.load(self._paths())
        sharing = _filmed_with(take, context)
        shown_by, said = _already_shown(take, found, context), ""
        if shown_by is None:
            with all_or_nothing():
                shown_by, said = self._add(take, found)
        old = {pictures.of_take(one) for one in sharing} - {None, shown_by}
        pictures.share(shown_by, sharing)
        _remove_unused(old, context)
        if shown_by.type == "CAMERA":
            viewports.look_through(context, shown_by)
        else:
            framing.look_at(context.window_manager, pictures.spanned(take, shown_by))
        tell(self, said or f"{shown_by.name} is shared")
        return {"FINISHED"}

    def _paths(self) -> list[Path]:
        folder = bpy.path.abspath(self.directory)
        names = [file.name for file in self.files if file.name]
        return [Path(folder, name) for name in names] or [Path(bpy.path.abspath(self.filepath))]

    def _add(self, take: bpy.types.Object, found: media.Media) -> tuple[bpy.types.Object, str]:
        """The object that shows the picture, and where it stands, in words."""
        source = _source(take)
        if source and (source.is_dir() or source.suffix.lower() in views.ENDINGS):
            try:
                view = view_of(take, source)
            except LsmplError as error:
                # Files of keypoints alone have no camera, which no reader need say of each form.
                known = source.suffix.lower() in READERS
                said = _NO_CAMERA if known else f"Beside the character: {error}"
                return pictures.add_plane(take, found), said
            said = say_of(view, take, found.width, found.height)
            return pictures.add_camera(take, found, view), said
        return pictures.add_plane(take, found), _NO_CAMERA


class LSMPL_OT_picture_camera(_OfPicture, bpy.types.Operator, _BesideTheTake):
    bl_idname = "lsmpl.picture_camera"
    bl_label = "Camera from File"
    bl_description = (
        "Put the picture behind the body, seen from the camera that filmed it, by a calibration "
        "(Pose2Sim, FreeMoCap or Anipose .toml; OpenCV or EasyMocap .yml; .json), or by what "
        "SAM 3D Body, GVHMR or WHAM wrote"
    )

    filter_glob: StringProperty(
        default=";".join(f"*{ending}" for ending in views.ENDINGS), options={"HIDDEN"}
    )
    filename_ext = ""
    camera: StringProperty(
        name="Camera",
        description="Of several cameras in the file, which one filmed the picture (empty: the one "
        "whose name is in the picture's)",
    )
    axes: EnumProperty(
        name="Axes",
        description="How the axes of the keypoints' file are made of the calibration's",
        items=(
            ("auto", "Automatic", "The likeliest with which the body is upright in all pictures"),
            *(
                (name, f"{words[0].upper()}{words[1:]}", "")
                for name, (words, _) in CONVENTIONS.items()
            ),
        ),
    )

    def draw(self, context: bpy.types.Context) -> None:
        self.layout.use_property_split = True
        self.layout.prop(self, "camera")
        self.layout.prop(self, "axes")

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        take = needed_take(context)
        shown_by, image = _shown(take)
        called = self.camera.strip() or plain_path(bpy.path.abspath(image.filepath))
        view = view_of(take, Path(bpy.path.abspath(self.filepath)), called, self.axes)
        width, height = shown_by.lsmpl_picture.size
        if shown_by.type == "CAMERA":
            pictures.look_from(shown_by, take, width, height, view)
        else:
            shown_by = self._stand_behind(take, shown_by, image, view)
        viewports.look_through(context, shown_by)
        tell(self, say_of(view, take, width, height))
        return {"FINISHED"}

    def _stand_behind(
        self, take: bpy.types.Object, plane: bpy.types.Object, image: bpy.types.Image, view: View
    ) -> bpy.types.Object:
        """A camera in the place of a plane, for all takes that share it."""
        was = plane.lsmpl_picture
        shown = media.Media(image, was.first, was.count, was.fps, *was.size)
        with all_or_nothing():
            camera = pictures.add_camera(take, shown, view)
        camera.lsmpl_picture.offset = was.offset
        scene = bpy.context.scene
        others = [one for one in takes.takes_in(scene) if one.lsmpl_picture.shown_by == plane]
        pictures.share(camera, [take, *(one for one in others if one != take)])
        pictures.remove(plane)
        return camera


class LSMPL_OT_look_through(_OfPicture, bpy.types.Operator):
    bl_idname = "lsmpl.look_through"
    bl_label = "Look Through"
    bl_description = (
        "Look at the take through the camera that filmed it, or from in front where the picture "
        "stands beside it; again to look as before"
    )

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        shown_by = pictures.of_take(needed_take(context))
        viewports.look_through(context, shown_by, toggle=True)
        return {"FINISHED"}


class LSMPL_OT_match_render(_OfPicture, bpy.types.Operator):
    bl_idname = "lsmpl.match_render"
    bl_label = "Match Render Size"
    bl_description = "Give the scene's renders the picture's width and height"

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        shown_by, _ = _shown(needed_take(context))
        render = context.scene.render
        render.resolution_x, render.resolution_y = shown_by.lsmpl_picture.size
        render.pixel_aspect_x = render.pixel_aspect_y = 1.0
        return {"FINISHED"}


class LSMPL_OT_remove_picture(_OfPicture, bpy.types.Operator):
    bl_idname = "lsmpl.remove_picture"
    bl_label = "Remove Picture"
    bl_description = (
        "Take the picture away from this take. Its camera goes where no other take is shown in it"
    )

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        take = needed_take(context)
        shown_by = pictures.of_take(take)
        take.lsmpl_picture.shown_by = None
        _remove_unused({shown_by}, context)
        viewports.let_go()
        return {"FINISHED"}


def _source(take: bpy.types.Object) -> Path | None:
    """The file that a take is from; None where it is from the scene."""
    source = takes.describe(take)["source"]
    return Path(bpy.path.abspath(source)) if source else None


def _shown(take: bpy.types.Object) -> tuple[bpy.types.Object, bpy.types.Image]:
    """What shows a take's picture, and the image. Raises `LsmplError` where either is gone."""
    shown_by = pictures.of_take(take)
    image = playing.image_of(shown_by) if shown_by else None
    if shown_by is None or image is None:
        raise LsmplError(f"{take.name}: its picture shows nothing any more; add it again")
    return shown_by, image


def _filmed_with(take: bpy.types.Object, context: bpy.types.Context) -> list[bpy.types.Object]:
    """The take, those chosen with it, and others that are from the same file, as of several people
    in one video."""
    source = takes.describe(take)["source"]
    chosen = chosen_takes(context)
    others = [
        one
        for one in takes.takes_in(context.scene)
        if one != take and (one in chosen or (source and takes.describe(one)["source"] == source))
    ]
    return [take, *(one for one in others if not one.library)]


def _already_shown(
    take: bpy.types.Object, found: media.Media, context: bpy.types.Context
) -> bpy.types.Object | None:
    """What shows the same picture for another take of the same file."""
    source = takes.describe(take)["source"]
    for other in takes.takes_in(context.scene):
        shown_by = pictures.of_take(other)
        if shown_by is None or other == take or playing.image_of(shown_by) != found.image:
            continue
        if source and takes.describe(other)["source"] == source:
            return shown_by
    return None


def _remove_unused(shown: set[bpy.types.Object], context: bpy.types.Context) -> None:
    used = {obj.lsmpl_picture.shown_by for obj in bpy.data.objects if takes.is_take(obj)}
    for shown_by in shown - used:
        pictures.remove(shown_by)


_CLASSES = (
    LSMPL_OT_add_picture,
    LSMPL_OT_picture_camera,
    LSMPL_OT_look_through,
    LSMPL_OT_match_render,
    LSMPL_OT_remove_picture,
)
register, unregister = registration(_CLASSES)
