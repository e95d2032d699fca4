"""What the dialogs that read keypoints and motions have in common: their properties, and what was
chosen in them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import bpy
from bpy.props import BoolProperty, CollectionProperty, EnumProperty, FloatProperty, StringProperty
from bpy_extras.io_utils import poll_file_object_drop

from ...lsmpl_core import LsmplError
from ...lsmpl_core.keypoints.layouts import ORDERS
from .. import jobs
from ..paths import FROM_BLEND

FORGETS_FOLDERS = (
    "some versions of Blender (4.3) forget the folders of files that are dropped together, so drop "
    "those of each folder by themselves"
)
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


def up_items(automatic: str) -> tuple[tuple[str, str, str], ...]:
    """Axes to choose from; `automatic` says how one is found."""
    return (
        ("auto", "Automatic", automatic),
        *(
            (axis, axis.upper(), f"{axis.upper()} points up")
            for axis in ("z", "y", "x", "-z", "-y", "-x")
        ),
        ("body", "By the Body", "Make the body's own mean upward direction vertical"),
    )


def layout_items(self, context) -> list[tuple[str, str, str]]:
    return _LAYOUT_ITEMS


_LAYOUT_ITEMS = [
    ("auto", "Automatic", "Matched by the names in the file, or by the number of keypoints"),
    *((layout.name, layout.label, f"{len(layout)} keypoints") for layout in ORDERS),
    ("mapping", "Mapping File", "A JSON file that names the keypoints in the order of the file"),
]


def chosen_layout(name: str, mapping: str) -> str | None:
    """`read_keypoints`' layout, of an item of `layout_items`. Raises `LsmplError` where the mapping
    is not chosen."""
    if name == "mapping" and not mapping:
        raise LsmplError(
            "Mapping: no file is chosen; choose the JSON file that names the keypoints"
        )
    return {"auto": None, "mapping": bpy.path.abspath(mapping)}.get(name, name)


class LayoutChoice:
    """Properties of an operator: which layout and markers keypoints are, and by which unit they are
    measured."""

    layout_name: EnumProperty(
        name="Layout",
        description="Which keypoints these are. Automatic goes by their names or number",
        items=layout_items,
    )
    mapping: StringProperty(
        name="Mapping",
        description="JSON file that says which keypoint is which",
        subtype="FILE_PATH",
        options=FROM_BLEND,
    )
    markers: StringProperty(
        name="Marker Table",
        description="JSON file that says where markers of your own names sit on the body "
        "(optical markers only)",
        subtype="FILE_PATH",
        options=FROM_BLEND,
    )

    def draw_layout_choice(self, layout: bpy.types.UILayout) -> None:
        layout.prop(self, "layout_name")
        if self.layout_name == "mapping":
            layout.prop(self, "mapping")

    def layout_options(self) -> dict[str, str | None]:
        """Keyword arguments of `read_keypoints`. Raises `LsmplError` where the mapping is not
        chosen."""
        return {
            "layout": chosen_layout(self.layout_name, self.mapping),
            "markers": bpy.path.abspath(self.markers) or None,
        }


class TakeFiles:
    """Properties of an operator that makes takes of files: which, whose, at what rate, and what the
    scene does."""

    files: CollectionProperty(
        type=bpy.types.OperatorFileListElement, options={"HIDDEN", "SKIP_SAVE"}
    )
    filepath: StringProperty(
        name="File Path",
        description="The file or folder to import",
        subtype="FILE_PATH",
        options={"SKIP_SAVE"} | FROM_BLEND,
    )
    directory: StringProperty(subtype="DIR_PATH", options={"HIDDEN", "SKIP_SAVE"} | FROM_BLEND)
    override_fps: BoolProperty(
        name="Set Frame Rate",
        description="Use this rate instead of the file's; pose estimators write none",
    )
    fps: FloatProperty(
        name="Frame Rate", description="Frames a second", default=30.0, min=0.01, precision=3
    )
    person: StringProperty(
        name="Person",
        description="Of several people in the file, whom to import, as the file calls them "
        "(empty: the one most seen)",
    )
    match_scene: BoolProperty(
        name="Match Scene",
        description="Set the scene's frame range to the takes and, if they are its first, its "
        "frame rate to theirs. A scene that is animated, or whose rate you chose, keeps it",
        default=True,
    )

    if TYPE_CHECKING:  # what the operator has beside these
        up: str
        folder_is_take: bool

        def invoke_popup(self, context: bpy.types.Context) -> set[str]: ...

    def draw_rate(self, layout: bpy.types.UILayout) -> None:
        row = layout.row(heading="Frame Rate")
        row.prop(self, "override_fps", text="")
        sub = row.row()
        sub.active = self.override_fps
        sub.prop(self, "fps", text="")

    def file_options(self) -> dict[str, str | float | None]:
        """Keyword arguments that `read_keypoints` and `adopting.read` share. The operator has `up`,
        too."""
        return {
            "up": None if self.up == "auto" else self.up,
            "fps": self.fps if self.override_fps else None,
            "person": self.person.strip() or None,
        }

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """After dropped files, or a file browser."""
        self._asked = True
        return self.invoke_popup(context)

    def run(self, job: jobs.Job) -> set[str]:
        """What `execute` returns: the job is done, or goes on by itself."""
        return jobs.run_or_hand_over(self, job, getattr(self, "_asked", False))

    def chosen_paths(self) -> list[Path]:
        """What a file dialog, dropped files or a script gave the operator to import. Raises
        `LsmplError` where one file stands for several, whose folders Blender forgot."""
        names = [file.name for file in self.files if file.name]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise LsmplError(f"{twice}: two files of this name were dropped; {FORGETS_FOLDERS}")
        path, directory = bpy.path.abspath(self.filepath), bpy.path.abspath(self.directory)
        folder = Path(directory or Path(path).parent)
        if self.folder_is_take:
            return [folder if directory or not Path(path).is_dir() else Path(path)]
        paths = [folder / name for name in names] or [Path(path or directory)]
        # Of files that were dropped together Blender names some by the way from another's folder.
        return [Path(os.path.normpath(path)) for path in paths]


class DroppedFiles:
    """For a file handler: files are dropped where objects are."""

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        return poll_file_object_drop(context)
