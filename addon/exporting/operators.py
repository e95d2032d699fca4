"""Export from the panel and File > Export: the active take's character, or all takes into a
folder."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import bpy
import numpy as np
from bpy.props import BoolProperty, EnumProperty, IntProperty, StringProperty
from bpy_extras.io_utils import ExportHelper

from ...lsmpl_core import LsmplError, Progress
from ...lsmpl_core.files.names import file_names
from .. import jobs
from ..characters import shape
from ..errors import reports_errors
from ..held import Held
from ..paths import FROM_BLEND
from ..registration import registration
from ..retargeting.plan import root_bone_of
from ..selection import active_take, needed_take
from ..staging import reading
from ..staging.programs import PROGRAMS
from ..takes import layers, playing
from ..takes import take as takes
from . import files as exporting

_FORMATS = [
    *(
        (ending, name, told)
        for ending, (name, told, _) in exporting.FORMATS.items()
        if ending != "usd"
    ),
    ("npz", "SMPL Motion", "Poses, translation and shape in the AMASS layout (.npz)"),
]


class ExportSettings(bpy.types.PropertyGroup):
    """`Scene.lsmpl_export`: what is exported, and as what."""

    format: EnumProperty(name="Format", description="Type of the file", items=_FORMATS)
    character: EnumProperty(
        name="Character",
        description="Which of the take's characters is exported",
        items=(
            ("OWN", "LSMPL's", "The character that the take was solved and baked on"),
            (
                "OTHER",
                "Other Character",
                "The rig of your own that the take was put on under Other Character",
            ),
        ),
    )
    program: EnumProperty(
        name="For",
        description="The program that the FBX file is for",
        items=[(key, program.label, program.told) for key, program in PROGRAMS.items()],
    )
    deform_only: BoolProperty(
        name="Deform Bones Only",
        description="Leave the controls and mechanisms of a rig such as Rigify's out: the bones "
        "that deform are keyed where these put them",
        default=True,
    )
    pose_correctives: BoolProperty(
        name="Pose Correctives",
        description="Write the character's pose correctives as shape keys (morph targets) "
        "with values on every frame. "
        "Without them the file has plain skinning, which is what engines do fastest",
    )
    range: EnumProperty(
        name="Frames",
        description="Which frames of the scene are exported",
        items=(
            ("TAKE", "The Take's", "From the take's first frame to its last"),
            ("SCENE", "The Scene's", "The scene's frame range"),
            ("CUSTOM", "Chosen", "The frames given here"),
        ),
    )
    first: IntProperty(name="First", description="Scene frame to begin with", default=1, min=0)
    last: IntProperty(name="Last", description="Scene frame to end with", default=250, min=0)
    motion: EnumProperty(
        name="Motion",
        description="Which motion an SMPL motion file gets",
        items=(
            (
                "ANIMATED",
                "As Animated",
                "The character as it plays now, with every change that was made by hand",
            ),
            (
                "LATEST",
                "As Computed",
                "The take's latest motion: as cleaned, as refined, or as solved",
            ),
        ),
    )


def export_steps(
    take: bpy.types.Object,
    scene: bpy.types.Scene,
    path: Path,
    settings: ExportSettings | None = None,
) -> jobs.Steps[str]:
    """Export one take with the scene's settings; the file's ending chooses the format. Yields
    `Progress` and returns what to tell the user. Raises `LsmplError`; then an older file is as it
    was."""
    settings = settings or scene.lsmpl_export
    first, last = frame_range(take, scene, settings)
    if path.suffix.lower() == ".npz":
        motion = yield from _motion_steps(take, scene, settings, first, last)
        motion.save(path)
        return f"Exported {len(motion)} frames to {path.name}"
    other = settings.character == "OTHER"
    armature = _needed_other(take, scene) if other else _needed_character(take, scene)
    if first < 0:
        raise LsmplError(
            f"{take.name}: begins at frame {first}, but files have no frames below 0; let the "
            "take start at 0 or later"
        )
    yield Progress("export", 0, 1)
    baked = take.lsmpl.other.action if other else take.lsmpl_bake.action
    action = baked if is_shared(armature, scene) else None
    travelling = root_bone_of(action or baked) if other else ""
    exporting.export_character(
        armature,
        scene,
        path,
        first,
        last,
        action,
        settings.pose_correctives,
        settings.program,
        settings.deform_only,
        [travelling] if travelling else [],
    )
    return f"Exported {armature.name}, frames {first} to {last}, to {path.name}"


def export_all_steps(
    exported: Sequence[bpy.types.Object], scene: bpy.types.Scene, folder: Path, ending: str
) -> jobs.Steps[jobs.Messages]:
    """Export takes into a folder, each under its name. One that fails does not stop the others.

    Raises `LsmplError` where nothing at all could be exported.
    """
    held = [Held(take, scene, doing="exported") for take in exported]
    files = file_names(take.name for take in exported)
    done, failures = [], []
    for number, take_and_scene in enumerate(held):
        yield Progress("export", number, len(held))
        path = folder / f"{files[number]}.{ending}"
        try:
            yield from export_steps(*take_and_scene.again(), path)
            done.append(path.name)
        except LsmplError as error:
            failures.append(str(error))
    if not done:
        raise LsmplError(*failures)
    summary = f"Exported {len(done)} of {len(held)} takes to {folder}"
    return [("WARNING", "\n".join([*failures, summary]))] if failures else summary


def frame_range(
    take: bpy.types.Object, scene: bpy.types.Scene, settings: ExportSettings
) -> tuple[int, int]:
    """First and last scene frame of an export. Raises `LsmplError` where there are none in
    between."""
    match settings.range:
        case "SCENE":
            first, last = scene.frame_start, scene.frame_end
        case "CUSTOM":
            first, last = settings.first, settings.last
        case _:
            frames = playing.scene_frames(take)
            first, last = math.floor(frames[0]), math.ceil(frames[-1])
    if last < first:
        raise LsmplError(f"Frames: the last frame, {last}, is before the first, {first}")
    return first, last


def is_shared(armature: bpy.types.Object, scene: bpy.types.Scene) -> bool:
    """Whether several takes are baked on a character, so that what it plays may be any of
    theirs."""
    return (
        sum(armature in (take.lsmpl.armature, _other_of(take)) for take in takes.takes_in(scene))
        > 1
    )


def _other_of(take: bpy.types.Object) -> bpy.types.Object | None:
    """The other character that a take was put on."""
    other = take.lsmpl.other
    return other.target if other.action is not None else None


def _motion_steps(take, scene, settings, first: int, last: int):
    frames = playing.scene_frames(take)
    inside = np.array(playing.frames_within(take, first, last), dtype=int)
    if not inside.size:
        raise LsmplError(f"{take.name}: has no frames between {first} and {last}")

    # The motion as it was computed, ...
    facts = takes.describe(take)
    if settings.motion == "LATEST":
        motion = layers.load(take)
        first_frame = motion.first_frame + int(inside[0])
        return replace(motion.frames(inside), first_frame=first_frame)

    # ... or as the character is animated now. Nothing of the take is held while that is read.
    armature = _needed_character(take, scene)
    if not shape.is_character(armature):
        raise LsmplError(
            f"{armature.name}: is no SMPL character; export the motion as computed instead"
        )
    fps, first_frame, name = facts["fps"], facts["first_frame"] + int(inside[0]), take.name
    gender = (layers.describe(take) or {}).get("gender", "neutral")
    action = take.lsmpl_bake.action if is_shared(armature, scene) else None
    motion = yield from reading.read_pose(armature, scene, frames[inside], fps, action)
    if not np.isfinite(motion.poses).all():
        raise LsmplError(f"{name}: its bones are scaled to nothing in some frames")
    return replace(motion, first_frame=first_frame, gender=gender)


def _needed_character(take: bpy.types.Object, scene: bpy.types.Scene) -> bpy.types.Object:
    armature = take.lsmpl.armature
    if armature is None or armature.name not in scene.objects:
        raise LsmplError(f"{take.name}: has no character in this scene; bake it first")
    return armature


def _needed_other(take: bpy.types.Object, scene: bpy.types.Scene) -> bpy.types.Object:
    armature = _other_of(take)
    if armature is None:
        raise LsmplError(f"{take.name}: is on no other character; bake it to one first")
    if armature.name not in scene.objects:
        raise LsmplError(f"{take.name}: its other character {armature.name} is not in this scene")
    return armature


def why_nothing(take: bpy.types.Object | None, scene: bpy.types.Scene) -> str:
    """Why the active take cannot be exported as the settings say; "" where it can."""
    if take is None:
        return "Needs a solved take"
    settings = scene.lsmpl_export
    if settings.format == "npz" and settings.motion == "LATEST":
        return "" if layers.is_solved(take) else "Needs a solved take"
    if settings.format != "npz" and settings.character == "OTHER":
        armature = _other_of(take)
        if armature is None:
            return "Bake to Other Character first: its section is above"
        return "" if armature.name in scene.objects else f"{armature.name} is not in this scene"
    armature = take.lsmpl.armature
    return (
        ""
        if armature is not None and armature.name in scene.objects
        else "Bake the take to a character first"
    )


class LSMPL_OT_export(bpy.types.Operator, ExportHelper):
    bl_idname = "lsmpl.export"
    bl_label = "Export"
    bl_description = (
        "Write the active take's character, LSMPL's or your own, with its "
        "animation, or its SMPL motion, to a file"
    )
    bl_options: ClassVar[set[str]] = {"REGISTER"}

    if TYPE_CHECKING:
        filepath: str  # `ExportHelper`'s

    format: EnumProperty(name="Format", description="Type of the file", items=_FORMATS)
    filter_glob: StringProperty(
        default=";".join(f"*.{ending}" for ending, *_ in _FORMATS), options={"HIDDEN"}
    )

    @property
    def filename_ext(self) -> str:
        return f".{self.format}"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        reason = why_nothing(active_take(context), context.scene)
        if reason:
            cls.poll_message_set(reason)
        return jobs.is_free(cls) and not reason

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        self._asked = True
        self.format = context.scene.lsmpl_export.format
        if not self.filepath:
            folder = Path(bpy.data.filepath).parent if bpy.data.filepath else Path.home()
            (name,) = file_names([needed_take(context).name])
            self.filepath = str(folder / f"{name}{self.filename_ext}")
        return super().invoke(context, event)

    def draw(self, context: bpy.types.Context) -> None:
        self.layout.use_property_split = True
        self.layout.use_property_decorate = False
        self.layout.prop(self, "format")
        draw_settings(self.layout, context.scene.lsmpl_export, self.format)

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        take, path = needed_take(context), Path(bpy.path.abspath(self.filepath))
        if not path.name:
            raise LsmplError("Choose the file that it is to be exported to")
        endings = [ending for ending, *_ in _FORMATS]
        if path.suffix.lower().lstrip(".") not in (*endings, *exporting.FORMATS):
            path = path.with_name(f"{path.name}{self.filename_ext}")
        job = jobs.Job("lsmpl.export", "Export", take.name, export_steps(take, context.scene, path))
        return jobs.run_or_hand_over(self, job, getattr(self, "_asked", False))


class LSMPL_OT_export_all(bpy.types.Operator):
    bl_idname = "lsmpl.export_all"
    bl_label = "Export All Takes"
    bl_description = (
        "Write every solved take of the scene to a folder, each to a file of its own named after it"
    )
    bl_options: ClassVar[set[str]] = {"REGISTER"}

    directory: StringProperty(
        name="Folder", description="Where the files go", subtype="DIR_PATH", options=FROM_BLEND
    )
    format: EnumProperty(name="Format", description="Type of the files", items=_FORMATS)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not any(layers.is_solved(take) for take in takes.takes_in(context.scene)):
            cls.poll_message_set("No take of this scene is solved")
            return False
        return jobs.is_free(cls)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        self._asked = True
        self.format = context.scene.lsmpl_export.format
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def draw(self, context: bpy.types.Context) -> None:
        self.layout.use_property_split = True
        self.layout.use_property_decorate = False
        self.layout.prop(self, "format")
        draw_settings(self.layout, context.scene.lsmpl_export, self.format)

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        folder = Path(bpy.path.abspath(self.directory))
        if not self.directory or not folder.is_dir():
            raise LsmplError(
                f"{self.directory or 'Folder'}: is no folder; choose one for the files"
            )
        solved = [take for take in takes.takes_in(context.scene) if layers.is_solved(take)]
        steps = export_all_steps(solved, context.scene, folder, self.format)
        job = jobs.Job("lsmpl.export", "Export", f"{len(solved)} takes", steps)
        return jobs.run_or_hand_over(self, job, getattr(self, "_asked", False))


def draw_settings(layout: bpy.types.UILayout, settings: ExportSettings, ending: str) -> None:
    """What there is to choose for a format."""
    layout.prop(settings, "motion" if ending == "npz" else "character")
    if ending == "fbx":
        layout.prop(settings, "program")
    if ending != "npz" and settings.character == "OTHER":
        layout.prop(settings, "deform_only")
    if ending in exporting.WITH_SHAPE_KEYS and settings.character == "OWN":
        layout.prop(settings, "pose_correctives")
    layout.prop(settings, "range")
    if settings.range == "CUSTOM":
        column = layout.column(align=True)
        column.prop(settings, "first")
        column.prop(settings, "last")


_CLASSES = (ExportSettings, LSMPL_OT_export, LSMPL_OT_export_all)


def _menu_entry(self, context: bpy.types.Context) -> None:
    self.layout.operator(
        LSMPL_OT_export.bl_idname, text="LSMPL Character (.fbx/.glb/.bvh/.npz)", translate=False
    )


register, unregister = registration(
    _CLASSES,
    (bpy.types.Scene, "lsmpl_export", ExportSettings),
    menus=((bpy.types.TOPBAR_MT_file_export, _menu_entry),),
)
