"""Solved takes as files: .blend for Blender, .fbx and .glb for everything else, each made in an empty file."""

from __future__ import annotations

import atexit
import contextlib
import io
import typing
from collections.abc import Sequence
from pathlib import Path

import addon_utils
import bpy

from ..lsmpl_core import LsmplError
from ..lsmpl_core.cli import Converted, FrontEnd, write_npz
from . import baking, importing, solving, stages
from .export_checks import CHECKS


def front_end(program: str, command: Sequence[str] = ()) -> FrontEnd:
    """What Blender adds to the command line: its name there, its writers and its version, and how it is run again."""
    return FrontEnd(
        program=program,
        command=command,
        checks=CHECKS,
        writers={"blend": write_blend, "fbx": write_fbx, "glb": write_glb, "npz": write_npz},
        default_format="blend",
        versions={"blender": bpy.app.version_string},
    )


def write_blend(converted: Converted, path: Path) -> None:
    """The take, its motion and its animated character, ready to be refined."""
    scene = _empty_scene()
    _animate(converted, scene)
    bpy.ops.wm.save_as_mainfile(filepath=str(path), check_existing=False, compress=True, copy=True)


def write_fbx(converted: Converted, path: Path) -> None:
    """The animated character alone, in the take's shape, for other programs."""
    _export_ready(converted)
    _need_addon("io_scene_fbx")
    with contextlib.redirect_stdout(io.StringIO()):  # it prints what it does
        bpy.ops.export_scene.fbx(
            filepath=str(path),
            check_existing=False,
            use_selection=True,
            object_types={"ARMATURE", "MESH"},
            apply_scale_options="FBX_SCALE_ALL",
            add_leaf_bones=False,
            bake_anim_use_nla_strips=False,
            bake_anim_use_all_actions=False,
            bake_anim_simplify_factor=0.0,
            path_mode="STRIP",
        )


def write_glb(converted: Converted, path: Path) -> None:
    """The animated character alone, in the take's shape, for engines and the web."""
    _export_ready(converted)
    _need_addon("io_scene_gltf2")
    atexit.unregister(_clear_typing_caches)
    atexit.register(_clear_typing_caches)
    bpy.ops.export_scene.gltf(
        filepath=str(path),
        check_existing=False,
        export_format="GLB",
        use_selection=True,
        export_animation_mode="ACTIVE_ACTIONS",
        export_optimize_animation_size=False,
        export_all_influences=True,
    )


def _empty_scene() -> bpy.types.Scene:
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True, load_ui=False)
    return bpy.context.scene


def _animate(converted: Converted, scene: bpy.types.Scene) -> baking.Baked:
    take = importing.add_take(scene, converted.track, converted.name)
    take.lsmpl.start = max(0.0, take.lsmpl.start)  # Blender plays and exports no negative frames
    importing.match_scene(scene, [take])
    scene.frame_set(scene.frame_start)
    facts = {"device": converted.backend.name, "device_reason": converted.backend.reason}
    solved, body = converted.solved, converted.body
    if not converted.clean_up:
        return solving.keep(take, scene, solved, body, converted.body_path, facts)
    solving.keep(take, scene, solved, body, converted.body_path, facts, bake=False)
    facts = {"clean_up": converted.clean_up}
    stages.prepare(take, stages.Stage.CLEANED, converted.motion, body.joints(converted.motion), facts)()
    return baking.bake(take, scene, body, converted.motion)


def _export_ready(converted: Converted) -> None:
    """A scene in which just the character is selected, its shape worked into the mesh.

    Exchange formats limit the values of shape keys, or lose them, and a shape never changes over a take.
    """
    scene = _empty_scene()
    armature, mesh, *_ = _animate(converted, scene)
    mesh.shape_key_add(name="Shape", from_mix=True)
    for key in list(mesh.data.shape_keys.key_blocks)[:-1]:
        mesh.shape_key_remove(key)
    mesh.shape_key_clear()
    for obj in scene.objects:
        obj.select_set(obj in (armature, mesh))
    bpy.context.view_layer.objects.active = armature
    armature.name, mesh.name = converted.name, f"{converted.name} Body"


def _need_addon(module: str) -> None:
    """Blender's own exporters are add-ons, which a user may have switched off."""
    if not addon_utils.check(module)[1] and addon_utils.enable(module) is None:
        raise LsmplError(f"Blender's add-on {module}, which writes this file type, cannot be enabled")


def _clear_typing_caches() -> None:
    """glTF's exporter leaves Blender's types in them, and the bpy module (4.2) then crashes when Python ends."""
    for clear in getattr(typing, "_cleanups", ()):
        clear()
