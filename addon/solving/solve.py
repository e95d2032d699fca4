"""Solve: from a take's keypoints to its motion, which is baked.

Nothing of the scene is touched before the motion is there, so cancelling or failing leaves
everything as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import asdict
from typing import ClassVar

import bpy
import numpy as np

from ...lsmpl_core import Layout, Motion, Progress
from ...lsmpl_core.backends.arrays import Backend
from ...lsmpl_core.body.body import Body
from ...lsmpl_core.body.sites import site_parts
from ...lsmpl_core.calibration.calibration import some_of
from ...lsmpl_core.cleaning.travel import TRAVEL
from ...lsmpl_core.device_fallback import made_on
from ...lsmpl_core.doubtful import doubtful_stretches
from ...lsmpl_core.judgement import FEW, NOT_TRUSTED
from ...lsmpl_core.progress import run_to_end
from ...lsmpl_core.solve_track import solve_steps as core_steps
from .. import jobs, series
from ..characters import baking, bodies
from ..devices import torch_folder
from ..errors import all_or_nothing
from ..held import Held
from ..preferences import device as chosen_device
from ..registration import registration
from ..retargeting import following
from ..selection import chosen_takes, has_take
from ..settings import chosen_body_path, solve_options
from ..takes import layers, pinned_joints
from ..takes import take as takes
from . import marker_trials, quality


def solve_steps(
    take: bpy.types.Object, scene: bpy.types.Scene, device: str = "auto"
) -> jobs.Steps[jobs.Messages]:
    """Solve a take with the scene's settings. Yields progress and returns what to tell the user."""
    settings, options = scene.lsmpl, solve_options(scene)
    body_path = chosen_body_path(scene)
    body = bodies.load(body_path)
    betas = None if settings.shape == "ESTIMATE" else list(settings.betas)
    track, trial = takes.load_track(take, travelled=False), marker_trials.static_trial(take)
    pinned = pinned_joints.as_core(pinned_joints.load(take))

    def steps(backend: Backend) -> Generator[Progress, None, Motion]:
        calibration = yield from marker_trials.calibration_steps(trial, track, body, betas)
        return (
            yield from core_steps(
                track,
                body,
                betas=betas,
                device=backend,
                options=options,
                calibration=calibration,
                pins=pinned,
            )
        )

    return (yield from solved_by(steps, take, scene, body, body_path, device))


def solved_by(
    steps: Callable[[Backend], Generator[Progress, None, Motion]],
    take: bpy.types.Object,
    scene: bpy.types.Scene,
    body: Body,
    body_path: str,
    device: str,
) -> jobs.Steps[jobs.Messages]:
    """Let the core's steps make a take's motion, keep it and, if the scene's settings say so, bake
    it.

    A device that is not there, or fails, gives way to NumPy, which is told.
    """
    solver, held = scene.lsmpl.solver, Held(take, scene, doing="solved")
    backend = yield from torch_folder.backend_steps(device, solver)

    motion = yield from steps(backend)
    backend = made_on(motion, backend)
    report = {"device": backend.name, "device_reason": backend.reason, "solver": solver}
    if backend.instead_of:
        report["device_instead_of"] = backend.instead_of

    # The user may have done anything meanwhile.
    take, scene = held.again()
    report["decisions"] = [asdict(decision) for decision in motion.decisions]
    baked = yield from keep_steps(
        take, scene, motion, body, body_path, report, scene.lsmpl.bake_when_done
    )

    # What to tell: how well it fits, and what was decided on the way.
    take, _ = held.again()
    mean = layers.facts_of(take)["residual_mean"]
    message = (
        "nothing measured" if mean is None else f"keypoints {1000 * mean:.0f} mm off on average"
    )
    message = f"Solved: {message}" + (f". {baking.describe(baked)}" if baked else "")
    lines = [("INFO", message), *following.warnings(take)]
    for decision in motion.decisions:
        if decision.what == TRAVEL:
            level = "WARNING" if decision.doubtful else "INFO"
            lines.append((level, f"Travel {decision.value}: {decision.reason}"))
        elif decision.what == NOT_TRUSTED:
            lines.append(("WARNING", f"Not to be trusted: {decision.reason}"))
        elif decision.what == FEW:
            lines.append(("WARNING", f"The keypoints {decision.value} ({decision.reason})"))
    if backend.instead_of:
        lines.append(("WARNING", f"{backend.instead_of} was not used: {backend.reason}"))
    return lines


def keep(
    take: bpy.types.Object,
    scene: bpy.types.Scene,
    motion: Motion,
    body: Body,
    body_path: str = "",
    report: Mapping | None = None,
    bake: bool = True,
) -> baking.Baked | None:
    """Store a solved motion with its take, and bake it if asked to."""
    return run_to_end(keep_steps(take, scene, motion, body, body_path, report, bake))


def keep_steps(
    take: bpy.types.Object,
    scene: bpy.types.Scene,
    motion: Motion,
    body: Body,
    body_path: str = "",
    report: Mapping | None = None,
    bake: bool = True,
) -> jobs.Steps[baking.Baked | None]:
    """`keep` in steps. The take's other character follows."""
    layout, held = takes.layout_of(take), Held(take, scene, doing="solved")
    judged = jobs.one_step(
        "bake", lambda: (solved_sites(layout, motion, body), doubtful_stretches(motion))
    )
    sites, doubtful = yield from jobs.in_thread(judged)
    update = yield from following.update_steps(held.again()[0], motion, body)
    take, scene = held.again()

    def prepare(take: bpy.types.Object, joints: np.ndarray) -> Callable[[], None]:
        return layers.prepare_solved(take, motion, joints, body_path, report, sites, doubtful)

    baked = None
    if bake:
        baked = yield from baking.bake_steps(take, scene, body, motion, body_path, prepare)
    else:
        with all_or_nothing():
            put_in_place = prepare(take, body.joints(motion))
        put_in_place()
    take, scene = held.again()
    following.put(take, update)
    quality.mark_anew(take, scene)
    return baked


def solved_sites(layout: Layout, motion: Motion, body: Body) -> np.ndarray | None:
    """(T,K,3): where the solved body has each of the motion's keypoints; None where the motion
    names none."""
    names = motion.keypoint_names
    if not names:
        return None
    layout = some_of(layout, [layout.index(name) for name in names])
    calibration = motion.calibration
    if calibration and calibration.body == body.key:
        parts = calibration.parts(body, layout)
    else:
        parts = site_parts(body, layout.sites)
    return body.site_positions(motion, parts)


def solve(
    take: bpy.types.Object,
    scene: bpy.types.Scene,
    device: str = "auto",
    progress: Callable[[Progress], None] | None = None,
) -> jobs.Messages:
    """Solve a take with the scene's settings, here and now. Returns what to tell the user."""
    return run_to_end(solve_steps(take, scene, device), progress)


class LSMPL_OT_solve(jobs.JobOperator, bpy.types.Operator):
    bl_idname = "lsmpl.solve"
    bl_label = "Solve"
    bl_description = (
        "Find the body's pose in every frame of the take, or of each of the selected takes. "
        "Esc cancels and leaves everything as it was"
    )
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return jobs.is_free(cls) and has_take(cls, context)

    def begin(self, context: bpy.types.Context) -> jobs.Job:
        device = chosen_device()
        return series.over(
            "lsmpl.solve",
            "Solve",
            chosen_takes(context),
            context.scene,
            lambda take, scene: solve_steps(take, scene, device),
        )


register, unregister = registration((LSMPL_OT_solve,))
