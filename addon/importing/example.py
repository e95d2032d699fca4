"""What the empty panel offers: an example take, solved at once, and the documentation."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import bpy

from ...lsmpl_core import LsmplError
from .. import jobs
from ..devices.torch_folder import use_for
from ..errors import reports_errors
from ..held import Held
from ..preferences import device
from ..registration import registration
from ..solving import solve as solving
from .reading import Import

_EXTENSION = Path(__file__).resolve().parents[2]
EXAMPLE = _EXTENSION / "examples" / "walk_and_wave_with_hands.trc"
"""In the zip as in the repository."""
PAGES = _EXTENSION / "README.md"


class LSMPL_OT_try_example(jobs.JobOperator, bpy.types.Operator):
    bl_idname = "lsmpl.try_example"
    bl_label = "Try an Example"
    bl_description = (
        "Import the keypoints of somebody who walks up and waves, and solve them: six seconds that "
        "come with LSMPL. Esc stops it"
    )
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return jobs.is_free(cls)

    def begin(self, context: bpy.types.Context) -> jobs.Job:
        if not EXAMPLE.is_file():
            raise LsmplError(f"{EXAMPLE}: the example is not there; install LSMPL from its zip")
        use_for([EXAMPLE])
        collection = None if context.collection.library else context.collection
        steps = _steps(context.scene, collection, device())
        return jobs.Job("lsmpl.import", "Import", EXAMPLE.name, steps)


def _steps(
    scene: bpy.types.Scene, collection: bpy.types.Collection | None, chosen: str
) -> jobs.Steps[jobs.Messages]:
    """Import the example, show it, and solve it with the scene's settings."""
    held = Held(scene, doing="imported into")
    done = Import([EXAMPLE], {}, match_scene=True)
    yield from done.reported_steps(scene, collection)
    (scene,), (take,) = held.again(), done.imported()
    return (yield from solving.solve_steps(take, scene, chosen))


class LSMPL_OT_documentation(bpy.types.Operator):
    bl_idname = "lsmpl.documentation"
    bl_label = "Documentation"
    bl_description = "Open LSMPL's pages for animators, which come with it"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        if not PAGES.is_file():
            raise LsmplError(f"{PAGES}: the pages are not there; install LSMPL from its zip")
        try:
            bpy.ops.wm.path_open(filepath=str(PAGES))
        except RuntimeError:  # Blender asks a program of the desktop's, which may not be there
            raise LsmplError(f"Nothing here opens pages; they begin at {PAGES}") from None
        return {"FINISHED"}


register, unregister = registration((LSMPL_OT_try_example, LSMPL_OT_documentation))
