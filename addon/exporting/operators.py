"""Export from the panel and File > Export: the active take's character, or all takes into a
folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import bpy
from bpy.props import EnumProperty, StringProperty
from bpy_extras.io_utils import ExportHelper

from ...lsmpl_core import LsmplError
from ...lsmpl_core.files.names import file_names
from .. import jobs
from ..errors import reports_errors
from ..paths import FROM_BLEND
from ..registration import registration
from ..selection import active_take, needed_take
from ..takes import layers
from ..takes import take as takes
from . import files as exporting
from .settings import FORMATS, draw_settings
from .takes_to_files import export_all_steps, export_steps, why_nothing


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

    format: EnumProperty(name="Format", description="Type of the file", items=FORMATS)
    filter_glob: StringProperty(
        default=";".join(f"*.{ending}" for ending, *_ in FORMATS), options={"HIDDEN"}
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
        endings = [ending for ending, *_ in FORMATS]
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
    format: EnumProperty(name="Format", description="Type of the files", items=FORMATS)

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


_CLASSES = (LSMPL_OT_export, LSMPL_OT_export_all)


def _menu_entry(self, context: bpy.types.Context) -> None:
    self.layout.operator(
        LSMPL_OT_export.bl_idname, text="LSMPL Character (.fbx/.glb/.bvh/.npz)", translate=False
    )


register, unregister = registration(
    _CLASSES,
    menus=((bpy.types.TOPBAR_MT_file_export, _menu_entry),),
)
