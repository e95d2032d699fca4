"""A take's characters, or its motion, as files: what the panel's settings name, of one take or of
all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np

from ...lsmpl_core import LsmplError, Progress
from ...lsmpl_core.files.names import file_names
from .. import jobs
from ..characters import shape
from ..held import Held
from ..retargeting.remembered import root_bone_of
from ..retargeting.settings import OtherCharacter
from ..staging import reading
from ..takes import layers, other_characters, playing
from ..takes import take as takes
from . import files as exporting
from .settings import ExportSettings


def export_steps(
    take: bpy.types.Object,
    scene: bpy.types.Scene,
    path: Path,
    target: bpy.types.Object | None = None,
) -> jobs.Steps[str]:
    """Export one take with the scene's settings; the file's ending chooses the format. Yields
    `Progress` and returns what to tell the user. Raises `LsmplError`; then an older file is as it
    was.

    target: which of the user's characters that the take is on, where these are exported; by
    default the one that the panel shows.
    """
    settings = scene.lsmpl_export
    first, last = frame_range(take, scene, settings)
    if path.suffix.lower() == ".npz":
        motion = yield from _motion_steps(take, scene, settings, first, last)
        motion.save(path)
        return f"Exported {len(motion)} frames to {path.name}"
    if settings.character == "OTHER":
        other = other_characters.on(take, target) if target else take.lsmpl.other
        armature, baked = _needed_other(take, other, scene)
        travelling = root_bone_of(baked)
    else:
        armature, baked = _needed_character(take, scene), take.lsmpl_bake.action
        travelling = ""
    if first < 0:
        raise LsmplError(
            f"{take.name}: begins at frame {first}, but files have no frames below 0; let the "
            "take start at 0 or later"
        )
    held = Held(armature, baked, scene, doing="exported")
    yield Progress("export", 0, 1)
    armature, baked, scene = held.again()
    settings, action = scene.lsmpl_export, baked if is_shared(armature, scene) else None
    exporting.export_character(
        armature,
        scene,
        path,
        first,
        last,
        action,
        settings.pose_correctives,
        settings.program,
        settings.deform_only,
        [travelling] if travelling else [],
    )
    return f"Exported {armature.name}, frames {first} to {last}, to {path.name}"


def export_all_steps(
    exported: Sequence[bpy.types.Object], scene: bpy.types.Scene, folder: Path, ending: str
) -> jobs.Steps[jobs.Messages]:
    """Export takes into a folder, each under its name; with its character's where it is exported on
    several of the user's. One that fails does not stop the others.

    Raises `LsmplError` where nothing at all could be exported.
    """
    held, names = [], []
    for take in exported:
        targets = _targets(take, scene.lsmpl_export, ending)
        for target in targets:
            held.append(Held(take, scene, target, doing="exported"))
            names.append(f"{take.name} on {target.name}" if targets[1:] and target else take.name)
    files = file_names(names)
    done, failures = [], []
    for number, blocks in enumerate(held):
        yield Progress("export", number, len(held))
        path = folder / f"{files[number]}.{ending}"
        try:
            take, scene, target = blocks.again()
            yield from export_steps(take, scene, path, target)
            done.append(path.name)
        except LsmplError as error:
            failures.append(str(error))
    if not done:
        raise LsmplError(*failures)
    of = f"{len(held)} takes" if len(held) == len(exported) else f"{len(held)} files"
    summary = f"Exported {len(done)} of {of} to {folder}"
    return [("WARNING", "\n".join([*failures, summary]))] if failures else summary


def _targets(
    take: bpy.types.Object, settings: ExportSettings, ending: str
) -> list[bpy.types.Object | None]:
    """The user's characters that a take is exported on; None stands for LSMPL's, and for whatever
    the panel shows where it is on none."""
    if ending == "npz" or settings.character != "OTHER":
        return [None]
    baked = [other.target for other in other_characters.all_of(take) if other.action is not None]
    return [target for target in baked if target is not None] or [None]


def frame_range(
    take: bpy.types.Object, scene: bpy.types.Scene, settings: ExportSettings
) -> tuple[int, int]:
    """First and last scene frame of an export. Raises `LsmplError` where there are none in
    between."""
    match settings.range:
        case "SCENE":
            first, last = scene.frame_start, scene.frame_end
        case "CUSTOM":
            first, last = settings.first, settings.last
        case _:
            frames = playing.scene_frames(take)
            first, last = math.floor(frames[0]), math.ceil(frames[-1])
    if last < first:
        raise LsmplError(f"Frames: the last frame, {last}, is before the first, {first}")
    return first, last


def is_shared(armature: bpy.types.Object, scene: bpy.types.Scene) -> bool:
    """Whether several takes are baked on a character, so that what it plays may be any of
    theirs."""
    return (
        sum(
            armature in (take.lsmpl.armature, *map(_played_by, other_characters.all_of(take)))
            for take in takes.takes_in(scene)
        )
        > 1
    )


def _played_by(other: OtherCharacter) -> bpy.types.Object | None:
    """The character of the user's, where something was baked on it."""
    return other.target if other.action is not None else None


def _motion_steps(take, scene, settings, first: int, last: int):
    frames = playing.scene_frames(take)
    inside = np.array(playing.frames_within(take, first, last), dtype=int)
    if not inside.size:
        raise LsmplError(f"{take.name}: has no frames between {first} and {last}")

    # The motion as it was computed, ...
    facts = takes.describe(take)
    if settings.motion == "LATEST":
        motion = layers.load(take)
        first_frame = motion.first_frame + int(inside[0])
        return replace(motion.frames(inside), first_frame=first_frame)

    # ... or as the character is animated now. Nothing of the take is held while that is read.
    armature = _needed_character(take, scene)
    if not shape.is_character(armature):
        raise LsmplError(
            f"{armature.name}: is no SMPL character; export the motion as computed instead"
        )
    fps, first_frame, name = facts["fps"], facts["first_frame"] + int(inside[0]), take.name
    gender = (layers.describe(take) or {}).get("gender", "neutral")
    action = take.lsmpl_bake.action if is_shared(armature, scene) else None
    motion = yield from reading.read_pose(armature, scene, frames[inside], fps, action)
    if not np.isfinite(motion.poses).all():
        raise LsmplError(f"{name}: its bones are scaled to nothing in some frames")
    return replace(motion, first_frame=first_frame, gender=gender)


def _needed_character(take: bpy.types.Object, scene: bpy.types.Scene) -> bpy.types.Object:
    armature = take.lsmpl.armature
    if armature is None or armature.name not in scene.objects:
        raise LsmplError(f"{take.name}: has no character in this scene; bake it first")
    return armature


def _needed_other(
    take: bpy.types.Object, other: OtherCharacter | None, scene: bpy.types.Scene
) -> tuple[bpy.types.Object, bpy.types.Action]:
    """One of the user's characters that a take is on, and what was baked on it."""
    armature = _played_by(other) if other else None
    if other is None or armature is None:
        raise LsmplError(f"{take.name}: is on no other character; bake it to one first")
    if armature.name not in scene.objects:
        raise LsmplError(f"{take.name}: its other character {armature.name} is not in this scene")
    return armature, other.action


def why_nothing(take: bpy.types.Object | None, scene: bpy.types.Scene) -> str:
    """Why the active take cannot be exported as the settings say; "" where it can."""
    if take is None:
        return "Needs a solved take"
    settings = scene.lsmpl_export
    if settings.format == "npz" and settings.motion == "LATEST":
        return "" if layers.is_solved(take) else "Needs a solved take"
    if settings.format != "npz" and settings.character == "OTHER":
        armature = _played_by(take.lsmpl.other)
        if armature is None:
            return "Bake to Other Character first: its section is above"
        return "" if armature.name in scene.objects else f"{armature.name} is not in this scene"
    armature = take.lsmpl.armature
    return (
        ""
        if armature is not None and armature.name in scene.objects
        else "Bake the take to a character first"
    )
