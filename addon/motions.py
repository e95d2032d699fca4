"""SMPL motions of others as takes: their joints are the keypoints, and the motion is the take's solved stage.

File > Import > SMPL Motion; an npz that holds a motion is also known as one among dropped keypoint files.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import bpy
from bpy.props import BoolProperty, CollectionProperty, EnumProperty, FloatProperty, StringProperty
from bpy_extras.io_utils import ImportHelper, poll_file_object_drop

from ..lsmpl_core import Decision, KeypointTrack, LsmplError, Motion, Progress
from . import baking, bodies, jobs, pins, solving, torch_folder
from . import take as takes
from .errors import reports_errors
from .preferences import device as chosen_device
from .selection import active_take
from .settings import chosen_body_path, solve_options

if TYPE_CHECKING:
    from ..lsmpl_core.backends.arrays import Backend
    from ..lsmpl_core.body.body import Body

EXTENSIONS = (".npz", ".pkl", ".pt", ".pth")
_AXES = (
    ("auto", "Automatic", "AMASS files have Z up; elsewhere it is judged by how the person stands"),
    *((axis, axis.upper(), f"{axis.upper()} points up") for axis in ("z", "y", "x", "-z", "-y", "-x")),
    ("body", "By the Body", "Make the body's own mean upward direction vertical"),
)


class Adopted(NamedTuple):
    """A motion that was read, on the body of the scene, and its joints as a track."""

    motion: Motion
    track: KeypointTrack
    body: Body
    body_path: str


def read(
    path: Path, body: Body, body_path: str = "", up: str | None = None, fps: float | None = None, person: str = ""
) -> Adopted:
    """Read a file or folder of a motion. It touches no datablock. Raises `LsmplError`."""
    from ..lsmpl_core.estimates.adopt import JOINTS, adopt
    from ..lsmpl_core.estimates.reading import read_motion

    found = read_motion(path, person or None)
    if fps:
        rate = Decision("fps", f"{fps:g}", "given")
        found = replace(found, fps=fps, decisions=(*found.decisions, rate))
    motion = adopt(found, body, up, _stated(found))
    track = replace(body.keypoints(motion, JOINTS), source=str(path), decisions=motion.decisions)
    return Adopted(motion, track, body, body_path)


def _stated(motion: Motion) -> str | None:
    """Motions in the AMASS layout, whose reader settles nothing, have Z up."""
    return None if any(decision.what == "estimator" for decision in motion.decisions) else "z"


def keep_steps(take: bpy.types.Object, scene: bpy.types.Scene, adopted: Adopted) -> jobs.Steps[baking.Baked | None]:
    """Make the motion the solved stage of its take, and bake it if the scene's settings say so."""
    report = {"device": "none", "device_reason": "imported", "solver": "imported"}
    report["decisions"] = [asdict(decision) for decision in adopted.motion.decisions]
    bake = scene.lsmpl.bake_when_done
    return (yield from solving.keep_steps(take, scene, adopted.motion, adopted.body, adopted.body_path, report, bake))


class LSMPL_OT_import_motion(bpy.types.Operator, ImportHelper):
    bl_idname = "lsmpl.import_motion"
    bl_label = "Import SMPL Motion"
    bl_description = (
        "Import SMPL motions, each as a take with a character: AMASS (.npz), and what WHAM, 4DHumans (.pkl), GVHMR "
        "(.pt, needs PyTorch) and SMPLer-X (a folder) write"
    )
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO", "PRESET"}

    filename_ext = ".npz"
    filter_glob: StringProperty(default=";".join(f"*{extension}" for extension in EXTENSIONS), options={"HIDDEN"})
    files: CollectionProperty(type=bpy.types.OperatorFileListElement, options={"HIDDEN", "SKIP_SAVE"})
    directory: StringProperty(subtype="DIR_PATH", options={"HIDDEN", "SKIP_SAVE"})
    up: EnumProperty(name="Up", description="The axis of the motion's world that points up", items=_AXES)
    override_fps: BoolProperty(
        name="Set Frame Rate", description="Use this rate instead of the file's; estimators do not write one"
    )
    fps: FloatProperty(name="Frame Rate", description="Frames a second", default=30.0, min=0.01, precision=3)
    person: StringProperty(
        name="Person",
        description="Of several people in the file, whom to import, as the file calls them (empty: who is in most "
        "frames)",
    )
    folder_is_take: BoolProperty(
        name="Folder of Frames", description="Read the folder as one motion, as SMPLer-X writes it"
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
        layout.prop(self, "up")
        row = layout.row(heading="Frame Rate")
        row.prop(self, "override_fps", text="")
        sub = row.row()
        sub.active = self.override_fps
        sub.prop(self, "fps", text="")
        layout.prop(self, "person")
        layout.prop(self, "folder_is_take")
        layout.prop(self, "match_scene")

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        self._asked = True
        return self.invoke_popup(context)

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        from .importing import chosen_paths
        from .reading import Import

        torch_folder.use_for(paths := chosen_paths(self))
        options = {"up": None if self.up == "auto" else self.up, "person": self.person.strip()}
        options["fps"] = self.fps if self.override_fps else None
        job = Import(paths, options, as_motions=True, match_scene=self.match_scene).job(context)
        return jobs.run_or_hand_over(self, job, getattr(self, "_asked", False))


class LSMPL_OT_solve_from_motion(bpy.types.Operator, ImportHelper):
    bl_idname = "lsmpl.solve_from_motion"
    bl_label = "Solve from a Motion"
    bl_description = (
        "Solve the take beginning from another estimator's SMPL motion of the same frames, drawn onto the keypoints"
    )
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    filename_ext = ".npz"
    filter_glob: StringProperty(default=";".join(f"*{extension}" for extension in EXTENSIONS), options={"HIDDEN"})
    person: StringProperty(
        name="Person", description="Of several people in the file, whose motion (empty: who is in most frames)"
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not jobs.is_free(cls):
            return False
        if active_take(context) is None:
            cls.poll_message_set("Import a keypoint track first, or select a take")
            return False
        return True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        self._asked = True
        return super().invoke(context, event)

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        take = active_take(context)
        if take is None:
            raise LsmplError("Select a take, or its character")
        steps = refine_steps(take, context.scene, Path(self.filepath), self.person.strip(), chosen_device())
        job = jobs.Job("lsmpl.solve_from_motion", "Solve", take.name, steps)
        return jobs.run_or_hand_over(self, job, getattr(self, "_asked", False))


def refine_steps(
    take: bpy.types.Object, scene: bpy.types.Scene, path: Path, person: str = "", device: str = "auto"
) -> jobs.Steps[jobs.Told]:
    """Draw the motion in a file onto a take's keypoints. Yields progress and returns what to tell the user."""
    from ..lsmpl_core.estimates.reading import read_motion
    from ..lsmpl_core.refine import refine_steps as core_steps

    options, body_path = solve_options(scene), chosen_body_path(scene)
    body, track = bodies.load(body_path), takes.load_track(take)
    torch_folder.use_for([path])
    motion = read_motion(path, person or None, len(track))
    fixed = pins.as_core(pins.load(take))

    def steps(backend: Backend) -> Generator[Progress, None, Motion]:
        return core_steps(track, body, motion, backend, options, fixed)

    return (yield from solving.solved_by(steps, take, scene, body, body_path, device))


class LSMPL_FH_motions(bpy.types.FileHandler):
    """For what keypoints are never in; an npz goes to the keypoints' handler, which knows motions."""

    bl_idname = "LSMPL_FH_motions"
    bl_label = "SMPL Motions"
    bl_import_operator = LSMPL_OT_import_motion.bl_idname
    bl_file_extensions = ".pkl;.pt;.pth"

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        return poll_file_object_drop(context)


_CLASSES = (LSMPL_OT_import_motion, LSMPL_OT_solve_from_motion, LSMPL_FH_motions)


def _menu_entry(self, context: bpy.types.Context) -> None:
    self.layout.operator(LSMPL_OT_import_motion.bl_idname, text="SMPL Motion (.npz/.pkl/.pt)")


def register() -> None:
    for cls in _CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.TOPBAR_MT_file_import.append(_menu_entry)


def unregister() -> None:
    bpy.types.TOPBAR_MT_file_import.remove(_menu_entry)
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
