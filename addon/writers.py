"""What `convert` writes inside Blender, each file made in an empty one: .blend for Blender, the
rest for others."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import bpy

from ..lsmpl_core.cli.front_end import Converted, FrontEnd, write_npz
from .characters import baking
from .devices import torch_folder
from .exporting import files as exporting
from .exporting.checks import CHECKS
from .importing import adding
from .naming import block_name
from .solving import solve as solving
from .takes import layers


def front_end(program: str, command: Sequence[str] = ()) -> FrontEnd:
    """What Blender adds to the command line: its name there, its writers and its version, and how
    it is run again."""
    return FrontEnd(
        program=program,
        command=command,
        checks=CHECKS,
        writers={
            "blend": write_blend,
            **dict.fromkeys(exporting.FORMATS, write_character),
            "npz": write_npz,
        },
        default_format="blend",
        versions={"blender": bpy.app.version_string},
        ready=_find_torch,
    )


def _find_torch(options: argparse.Namespace) -> str:
    """Use the folder of PyTorch that is chosen in the preferences, where these options need
    PyTorch."""
    motion = getattr(options, "motion", None) or ""
    if torch_folder.is_needed(options.device, options.solver) or motion.endswith((".pt", ".pth")):
        return torch_folder.use()
    return ""


def write_blend(converted: Converted, path: Path) -> None:
    """The take, its motion and its animated character, ready to be refined."""
    scene = _empty_scene()
    _animate(converted, scene)
    bpy.ops.wm.save_as_mainfile(filepath=str(path), check_existing=False, compress=True, copy=True)


def write_character(converted: Converted, path: Path) -> None:
    """The animated character alone, in the take's shape, for other programs."""
    scene = _empty_scene()
    armature, mesh, *_ = _animate(converted, scene)
    for take in [obj for obj in scene.objects if obj not in (armature, mesh)]:
        bpy.data.objects.remove(take)
    armature.name = name = block_name(converted.name)
    if mesh is not None:
        mesh.name = f"{name} Body"
    exporting.export_character(armature, scene, path, scene.frame_start, scene.frame_end)


def _empty_scene() -> bpy.types.Scene:
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True, load_ui=False)
    return bpy.context.scene


def _animate(converted: Converted, scene: bpy.types.Scene) -> baking.Baked:
    take = adding.add_take(scene, converted.track, converted.name)
    take.lsmpl.start = max(0.0, take.lsmpl.start)  # Blender plays and exports no negative frames
    adding.match_scene(scene, [take])
    scene.frame_set(scene.frame_start)
    facts = {"device": converted.backend.name, "device_reason": converted.backend.reason}
    if converted.backend.instead_of:
        facts["device_instead_of"] = converted.backend.instead_of
    solved, body = converted.solved, converted.body
    solving.keep(take, scene, solved, body, converted.body_path, facts, bake=False)
    if not converted.clean_up:
        return baking.bake(take, scene, body, solved)
    cleaned = {"clean_up": converted.clean_up}
    layers.prepare(
        take, layers.Layer.CLEANED, converted.motion, body.joints(converted.motion), cleaned
    )()
    return baking.bake(take, scene, body, converted.motion)
