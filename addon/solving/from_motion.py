"""Solve from a Motion: another estimator's poses of the same frames, drawn onto a take's
keypoints."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import ClassVar

import bpy
from bpy.props import StringProperty
from bpy_extras.io_utils import ImportHelper

from ...lsmpl_core import Motion, Progress
from ...lsmpl_core.backends.arrays import Backend
from ...lsmpl_core.estimates.reading import read_motion
from ...lsmpl_core.refine_estimate import refine_motion_steps as core_steps
from .. import jobs
from ..characters import bodies
from ..devices import torch_folder
from ..errors import reports_errors
from ..preferences import device as chosen_device
from ..registration import registration
from ..selection import has_take, needed_take
from ..settings import chosen_body_path, solve_options
from ..takes import pinned_joints
from ..takes import take as takes
from . import solve as solving
from .adopting import MOTION_FILES


class LSMPL_OT_solve_from_motion(bpy.types.Operator, ImportHelper):
    bl_idname = "lsmpl.solve_from_motion"
    bl_label = "Solve from a Motion"
    bl_description = (
        "Solve the take beginning from another estimator's SMPL motion of the "
        "same frames, drawn onto the keypoints"
    )
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    filename_ext = ".npz"
    filter_glob: StringProperty(
        default=";".join(f"*{extension}" for extension in MOTION_FILES), options={"HIDDEN"}
    )
    person: StringProperty(
        name="Person",
        description="Of several people in the file, whose motion (empty: who is in most frames)",
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return jobs.is_free(cls) and has_take(cls, context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        self._asked = True
        return super().invoke(context, event)

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        take = needed_take(context)
        path = Path(bpy.path.abspath(self.filepath))
        steps = refine_motion_steps(take, context.scene, path, self.person.strip(), chosen_device())
        job = jobs.Job("lsmpl.solve_from_motion", "Solve", take.name, steps)
        return jobs.run_or_hand_over(self, job, getattr(self, "_asked", False))


def refine_motion_steps(
    take: bpy.types.Object,
    scene: bpy.types.Scene,
    path: Path,
    person: str = "",
    device: str = "auto",
) -> jobs.Steps[jobs.Messages]:
    """Draw the motion in a file onto a take's keypoints. Yields progress and returns what to tell
    the user."""
    options, body_path = solve_options(scene), chosen_body_path(scene)
    body, track = bodies.load(body_path), takes.load_track(take, travelled=False)
    torch_folder.use_for([path])
    motion = read_motion(path, person or None, len(track))
    pinned = pinned_joints.as_core(pinned_joints.load(take))

    def steps(backend: Backend) -> Generator[Progress, None, Motion]:
        return core_steps(track, body, motion, device=backend, options=options, pins=pinned)

    return (yield from solving.solved_by(steps, take, scene, body, body_path, device))


register, unregister = registration((LSMPL_OT_solve_from_motion,))
