"""File > Import > Keypoint Tracks: one take for each file, dropped files included."""

from __future__ import annotations

from typing import ClassVar

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, StringProperty
from bpy_extras.io_utils import ImportHelper

from ...lsmpl_core.readers import READERS
from ..devices import torch_folder
from ..errors import reports_errors
from ..registration import registration
from ..solving.adopting import MOTION_FILES
from .dialogs import UNITS, DroppedFiles, LayoutChoice, TakeFiles, up_items
from .reading import Import

EXTENSIONS = (*READERS, *MOTION_FILES, ".pickle")
"""Motions are known by what they hold; files of both kinds may be dropped together."""


class LSMPL_OT_import_keypoints(LayoutChoice, TakeFiles, bpy.types.Operator, ImportHelper):
    bl_idname = "lsmpl.import_keypoints"
    bl_label = "Import Keypoints"
    bl_description = (
        "Import 3D keypoint tracks (TRC, C3D, NumPy, CSV, JSON), each as a take; a file that "
        "holds an SMPL motion comes with its character"
    )
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO", "PRESET"}

    filename_ext = ".trc"
    filter_glob: StringProperty(
        default=";".join(f"*{extension}" for extension in EXTENSIONS), options={"HIDDEN"}
    )
    unit: EnumProperty(name="Unit", description="The unit of length in the file", items=UNITS)
    scale: FloatProperty(
        name="Scale",
        description="Metres to one unit of the file",
        default=1.0,
        min=1e-9,
        precision=4,
    )
    up: EnumProperty(
        name="Up",
        description="The axis of the file that points up",
        items=up_items("As the file says, or judged by how the person stands"),
    )
    mirror: EnumProperty(
        name="Mirror",
        description="Exchange left and right by mirroring the space, as of files with "
        "left-handed axes",
        items=(
            ("auto", "Automatic", "Where knees, feet and face surely say so"),
            ("yes", "Yes", "Mirror the take"),
            ("no", "No", "Leave the take as it is"),
        ),
    )
    everybody: BoolProperty(
        name="All People",
        description="A take for each person in the file, where they stood to one another. "
        "Who is hardly ever seen is left out",
    )
    folder_is_take: BoolProperty(
        name="Folder of Frames",
        description="Read the folder as one take with a JSON file for each frame, as "
        "EasyMocap writes it",
    )

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        self.draw_layout_choice(layout)
        layout.prop(self, "unit")
        if self.unit == "custom":
            layout.prop(self, "scale")
        layout.prop(self, "up")
        layout.prop(self, "mirror")
        self.draw_rate(layout)
        layout.prop(self, "everybody")
        row = layout.row()
        row.active = not self.everybody
        row.prop(self, "person")
        layout.prop(self, "markers")
        layout.prop(self, "folder_is_take")
        layout.prop(self, "match_scene")

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        torch_folder.use_for(paths := self.chosen_paths())
        done = Import(
            paths,
            self._options(),
            match_scene=self.match_scene,
            everybody=self.everybody,
        )
        return self.run(done.job(context))

    def _options(self) -> dict:
        unit = {"auto": None, "custom": self.scale}.get(self.unit, self.unit)
        mirror = {"auto": None, "yes": True, "no": False}[self.mirror]
        return {"unit": unit, "mirror": mirror, **self.layout_options(), **self.file_options()}


class LSMPL_FH_keypoints(DroppedFiles, bpy.types.FileHandler):
    bl_idname = "LSMPL_FH_keypoints"
    bl_label = "Keypoint Tracks, SMPL Motions"
    bl_import_operator = LSMPL_OT_import_keypoints.bl_idname
    bl_file_extensions = ";".join(EXTENSIONS)


_CLASSES = (LSMPL_OT_import_keypoints, LSMPL_FH_keypoints)


def _menu_entry(self, context: bpy.types.Context) -> None:
    self.layout.operator(
        LSMPL_OT_import_keypoints.bl_idname,
        text="Keypoint Tracks (.trc/.c3d/.npy/.csv/.json)",
        translate=False,
    )


register, unregister = registration(
    _CLASSES, menus=((bpy.types.TOPBAR_MT_file_import, _menu_entry),)
)
