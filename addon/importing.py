"""File > Import > Keypoint Tracks: one take for each file, dropped files included."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import bpy
from bpy.props import BoolProperty, CollectionProperty, EnumProperty, FloatProperty, StringProperty
from bpy_extras.io_utils import ImportHelper, poll_file_object_drop

from ..lsmpl_core import LAYOUTS, KeypointTrack, LsmplError
from ..lsmpl_core.calibration.calibrate import needs_calibration
from . import display, jobs, timing
from . import take as takes
from .errors import all_or_nothing, reports_errors
from .selection import active_take

EXTENSIONS = (".trc", ".c3d", ".npy", ".npz", ".csv", ".tsv", ".json", ".txt", ".dat")

UNITS = (
    ("auto", "Automatic", "As the file says, or judged by the size of the person"),
    ("m", "Metres", ""),
    ("cm", "Centimetres", ""),
    ("mm", "Millimetres", ""),
    ("in", "Inches", ""),
    ("ft", "Feet", ""),
    ("body", "By the Body", "Make the person an average adult"),
    ("custom", "Custom", "Multiply by the scale below to get metres"),
)
_AXES = (
    ("auto", "Automatic", "As the file says, or judged by how the person stands"),
    *((axis, axis.upper(), f"{axis.upper()} points up") for axis in ("z", "y", "x", "-z", "-y", "-x")),
    ("body", "By the Body", "Make the body's own mean upward direction vertical"),
)


def layout_items(self, context) -> list[tuple[str, str, str]]:
    return _LAYOUT_ITEMS


_LAYOUT_ITEMS = [
    ("auto", "Automatic", "Matched by the names in the file, or by the number of keypoints"),
    *((layout.name, layout.label, f"{len(layout)} keypoints") for layout in LAYOUTS.values()),
    ("mapping", "Mapping File", "A JSON file that names the keypoints in the order of the file"),
]


def add_take(scene: bpy.types.Scene, track: KeypointTrack, name: str = "", collection=None) -> bpy.types.Object:
    """Store a track as a take, link it, and show it at the scene's present rate."""
    with all_or_nothing():
        take = takes.store_track(track, name)
        display.show(take, len(track.layout), markers=needs_calibration(track.layout))
        take.lsmpl.start = track.first_frame
        take.lsmpl.step = timing.frame_step(scene, track.fps)
        (collection or scene.collection).objects.link(take)
    return take


def match_scene(scene: bpy.types.Scene, imported: Sequence[bpy.types.Object]) -> None:
    """Let the scene play these takes from their first to their last frame, at the rate of the first of them.

    A scene that had other takes keeps its rate, which those were timed for, and its range only grows.
    """
    others = [take for take in takes.takes_in(scene) if take not in imported]
    if not others:
        timing.set_scene_rate(scene, takes.describe(imported[0])["fps"])
    retime(scene, imported)
    ends = [end for take in imported for end in _ends(take)]
    if others:
        ends += [scene.frame_start, scene.frame_end]
    timing.set_scene_range(scene, min(ends), max(ends))


def retime(scene: bpy.types.Scene, retimed: Sequence[bpy.types.Object]) -> None:
    """Let takes play at their own speed at the scene's present rate; what was baked from them stays as it is."""
    for take in retimed:
        take.lsmpl.step = timing.frame_step(scene, takes.describe(take)["fps"])


def _ends(take: bpy.types.Object) -> tuple[float, float]:
    """Scene frames of a take's first and last frame."""
    return take.lsmpl.start, take.lsmpl.start + (takes.describe(take)["frames"] - 1) * take.lsmpl.step


def chosen_layout(name: str, mapping: str) -> str | None:
    """`read_keypoints`' layout, of an item of `layout_items`. Raises `LsmplError` where the mapping is not chosen."""
    if name == "mapping" and not mapping:
        raise LsmplError("Mapping: no file is chosen; choose the JSON file that names the keypoints")
    return {"auto": None, "mapping": bpy.path.abspath(mapping)}.get(name, name)


def select(context: bpy.types.Context, imported: Sequence[bpy.types.Object]) -> None:
    """Select just these, where the view layer shows them."""
    layer = context.view_layer
    if layer.objects.active and layer.objects.active.mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")
    for obj in layer.objects:
        obj.select_set(obj in imported)
    layer.objects.active = next((take for take in imported if take.name in layer.objects), layer.objects.active)


def chosen_paths(operator: bpy.types.Operator) -> list[Path]:
    """What a file dialog, dropped files or a script gave an operator to import."""
    names = [file.name for file in operator.files if file.name]
    folder = Path(operator.directory or Path(operator.filepath).parent)
    if operator.folder_is_take:
        return [folder if operator.directory or not Path(operator.filepath).is_dir() else Path(operator.filepath)]
    return [folder / name for name in names] or [Path(operator.filepath or operator.directory)]


class LSMPL_OT_import_keypoints(bpy.types.Operator, ImportHelper):
    bl_idname = "lsmpl.import_keypoints"
    bl_label = "Import Keypoints"
    bl_description = (
        "Import 3D keypoint tracks (TRC, C3D, NumPy, CSV, JSON), each as a take; an npz that holds an SMPL motion "
        "comes with its character"
    )
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO", "PRESET"}

    filename_ext = ".trc"
    filter_glob: StringProperty(default=";".join(f"*{extension}" for extension in EXTENSIONS), options={"HIDDEN"})
    files: CollectionProperty(type=bpy.types.OperatorFileListElement, options={"HIDDEN", "SKIP_SAVE"})
    directory: StringProperty(subtype="DIR_PATH", options={"HIDDEN", "SKIP_SAVE"})

    layout_name: EnumProperty(name="Layout", description="Which keypoints the file holds", items=layout_items)
    mapping: StringProperty(name="Mapping", description="JSON file that names the keypoints", subtype="FILE_PATH")
    unit: EnumProperty(name="Unit", description="The unit of length in the file", items=UNITS)
    scale: FloatProperty(name="Scale", description="Metres to one unit of the file", default=1.0, min=1e-9, precision=4)
    up: EnumProperty(name="Up", description="The axis of the file that points up", items=_AXES)
    override_fps: BoolProperty(name="Set Frame Rate", description="Use this rate instead of the file's")
    fps: FloatProperty(name="Frame Rate", description="Frames a second", default=30.0, min=0.01, precision=3)
    person: StringProperty(
        name="Person",
        description="Of several people in the file, whom to import, as the file calls them (empty: the one most seen)",
    )
    markers: StringProperty(
        name="Marker Table",
        description="JSON file that says where markers of your own names sit on the body (optical markers only)",
        subtype="FILE_PATH",
    )
    folder_is_take: BoolProperty(
        name="Folder of Frames",
        description="Read the folder as one take with a JSON file for each frame, as EasyMocap writes it",
    )
    match_scene: BoolProperty(
        name="Match Scene",
        description="Set the scene's frame range to the takes and, if they are its first, its frame rate to theirs",
        default=True,
    )

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(self, "layout_name")
        if self.layout_name == "mapping":
            layout.prop(self, "mapping")
        layout.prop(self, "unit")
        if self.unit == "custom":
            layout.prop(self, "scale")
        layout.prop(self, "up")
        row = layout.row(heading="Frame Rate")
        row.prop(self, "override_fps", text="")
        sub = row.row()
        sub.active = self.override_fps
        sub.prop(self, "fps", text="")
        layout.prop(self, "person")
        layout.prop(self, "markers")
        layout.prop(self, "folder_is_take")
        layout.prop(self, "match_scene")

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        self._asked = True
        return self.invoke_popup(context)

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        from .reading import Import

        job = Import(chosen_paths(self), self._options(), match_scene=self.match_scene).job(context)
        return jobs.run_or_hand_over(self, job, getattr(self, "_asked", False))

    def _options(self) -> dict:
        return {
            "layout": chosen_layout(self.layout_name, self.mapping),
            "unit": {"auto": None, "custom": self.scale}.get(self.unit, self.unit),
            "up": None if self.up == "auto" else self.up,
            "fps": self.fps if self.override_fps else None,
            "person": self.person.strip() or None,
            "markers": bpy.path.abspath(self.markers) or None,
        }


class LSMPL_FH_keypoints(bpy.types.FileHandler):
    bl_idname = "LSMPL_FH_keypoints"
    bl_label = "Keypoint Tracks"
    bl_import_operator = LSMPL_OT_import_keypoints.bl_idname
    bl_file_extensions = ";".join(EXTENSIONS)

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        return poll_file_object_drop(context)


class LSMPL_OT_match_scene(bpy.types.Operator):
    bl_idname = "lsmpl.match_scene"
    bl_label = "Match Scene to Take"
    bl_description = (
        "Set the scene's frame range and rate to this take's. Other takes keep their speed; "
        "bake again what was baked before"
    )
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if active_take(context) is None:
            cls.poll_message_set("Select a take, or its character")
            return False
        return True

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        take, scene = active_take(context), context.scene
        timing.set_scene_rate(scene, takes.describe(take)["fps"])
        retime(scene, takes.takes_in(scene))
        timing.set_scene_range(scene, *_ends(take))
        return {"FINISHED"}


_CLASSES = (LSMPL_OT_import_keypoints, LSMPL_FH_keypoints, LSMPL_OT_match_scene)


def _menu_entry(self, context: bpy.types.Context) -> None:
    self.layout.operator(LSMPL_OT_import_keypoints.bl_idname, text="Keypoint Tracks (.trc/.c3d/.npy/.csv/.json)")


def register() -> None:
    for cls in _CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.TOPBAR_MT_file_import.append(_menu_entry)


def unregister() -> None:
    bpy.types.TOPBAR_MT_file_import.remove(_menu_entry)
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
