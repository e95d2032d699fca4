"""SMPL motions of others as takes: their joints are the keypoints, and the motion is the take's
solved layer."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import bpy

from ...lsmpl_core import Decision, KeypointTrack, Motion
from ...lsmpl_core.body.body import Body
from ...lsmpl_core.estimates.adopt import JOINTS, adopt
from ...lsmpl_core.estimates.reading import read_motion
from .. import jobs
from ..characters import baking
from . import solve as solving

MOTION_FILES = (".npz", ".pkl", ".pk", ".pt", ".pth", ".smpl")


class Adopted(NamedTuple):
    """A motion that was read, on the body of the scene, and its joints as a track."""

    motion: Motion
    track: KeypointTrack
    body: Body
    body_path: str


def read(
    path: Path,
    body: Body,
    body_path: str = "",
    up: str | None = None,
    fps: float | None = None,
    person: str | None = None,
) -> Adopted:
    """Read a file or folder of a motion. It touches no datablock. Raises `LsmplError`."""
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


def keep_steps(
    take: bpy.types.Object, scene: bpy.types.Scene, adopted: Adopted
) -> jobs.Steps[baking.Baked | None]:
    """Make the motion the solved layer of its take, and bake it if the scene's settings say so."""
    report: dict[str, Any] = {"device": "none", "device_reason": "imported", "solver": "imported"}
    report["decisions"] = [asdict(decision) for decision in adopted.motion.decisions]
    bake = scene.lsmpl.bake_when_done
    return (
        yield from solving.keep_steps(
            take, scene, adopted.motion, adopted.body, adopted.body_path, report, bake
        )
    )
