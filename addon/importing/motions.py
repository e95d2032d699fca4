"""File > Import > SMPL Motion; files that hold motions are also known as such among dropped
keypoint files (`keypoint_files.py`)."""

from __future__ import annotations

from typing import ClassVar

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty
from bpy_extras.io_utils import ImportHelper

from ..devices import torch_folder
from ..errors import reports_errors
from ..registration import registration
from ..solving.adopting import MOTION_FILES
from .dialogs import TakeFiles, up_items
from .reading import Import


class LSMPL_OT_import_motion(TakeFiles, bpy.types.Operator, ImportHelper):
    bl_idname = "lsmpl.import_motion"
    bl_label = "Import SMPL Motion"
    bl_description = (
        "Import SMPL motions, each as a take with a character: AMASS (.npz), and what WHAM, "
        "4DHumans (.pkl), GVHMR (.pt, needs PyTorch) and SMPLer-X (a folder) write"
    )
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO", "PRESET"}

    filename_ext = ".npz"
    filter_glob: StringProperty(
        default=";".join(f"*{extension}" for extension in MOTION_FILES), options={"HIDDEN"}
    )
    up: EnumProperty(
        name="Up",
        description="The axis of the motion's world that points up",
        items=up_items("AMASS files have Z up; elsewhere it is judged by how the person stands"),
    )
    folder_is_take: BoolProperty(
        name="Folder of Frames", description="Read the folder as one motion, as SMPLer-X writes it"
    )

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(self, "up")
        self.draw_rate(layout)
        layout.prop(self, "person")
        layout.prop(self, "folder_is_take")
        layout.prop(self, "match_scene")

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        torch_folder.use_for(paths := self.chosen_paths())
        job = Import(paths, self.file_options(), as_motions=True, match_scene=self.match_scene).job(
            context
        )
        return self.run(job)


_CLASSES = (LSMPL_OT_import_motion,)


def _menu_entry(self, context: bpy.types.Context) -> None:
    self.layout.operator(
        LSMPL_OT_import_motion.bl_idname, text="SMPL Motion (.npz/.pkl/.pt)", translate=False
    )


register, unregister = registration(
    _CLASSES, menus=((bpy.types.TOPBAR_MT_file_import, _menu_entry),)
)
