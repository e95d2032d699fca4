"""A character's animation as a file: FBX, glTF, BVH and USD through Blender's own exporters, and
AMASS npz."""

from __future__ import annotations

import atexit
import contextlib
import io
import math
import typing
from collections.abc import Callable, Collection
from pathlib import Path

import addon_utils
import bpy
from mathutils import Matrix

from ...lsmpl_core import LsmplError
from ...lsmpl_core.files.replacing import replace_when_complete
from ..staging.programs import PROGRAMS
from ..staging.stage import Stage, staged

_Y_UP = Matrix.Rotation(-math.pi / 2, 4, "X")


def write_fbx(stage: Stage, path: Path) -> None:
    _need_addon("io_scene_fbx")
    with contextlib.redirect_stdout(io.StringIO()):  # it prints what it does
        bpy.ops.export_scene.fbx(
            filepath=str(path),
            check_existing=False,
            use_selection=True,
            object_types={"ARMATURE", "MESH"},
            apply_scale_options="FBX_SCALE_ALL",
            mesh_smooth_type="FACE",
            add_leaf_bones=False,
            bake_anim_use_nla_strips=False,
            bake_anim_use_all_actions=False,
            bake_anim_simplify_factor=0.0,
            path_mode="STRIP",
        )


def write_glb(stage: Stage, path: Path) -> None:
    _need_addon("io_scene_gltf2")
    atexit.unregister(_clear_typing_caches)
    atexit.register(_clear_typing_caches)
    bpy.ops.export_scene.gltf(
        filepath=str(path),
        check_existing=False,
        export_format="GLB",
        use_selection=True,
        use_active_scene=True,
        export_animation_mode="SCENE",
        export_anim_scene_split_object=False,
        export_optimize_animation_size=False,
        export_all_influences=True,
    )


def write_bvh(stage: Stage, path: Path) -> None:
    """The bones alone, Y up as BVH is, in metres; the armature's own place is worked into them."""
    _need_addon("io_anim_bvh")
    rig = stage.armature
    rig.data = rig.data.copy()
    try:
        rig.data.transform(_Y_UP @ rig.matrix_world)
        rig.parent, rig.matrix_world = None, Matrix()
        with contextlib.redirect_stdout(io.StringIO()):
            bpy.ops.export_anim.bvh(
                filepath=str(path),
                check_existing=False,
                frame_start=stage.scene.frame_start,
                frame_end=stage.scene.frame_end,
                root_transform_only=True,
            )
    finally:
        bones = rig.data
        rig.data = bpy.data.armatures.new("LSMPL stand-in")
        bpy.data.armatures.remove(bones)


def write_usd(stage: Stage, path: Path) -> None:
    bpy.ops.wm.usd_export(filepath=str(path), check_existing=False, export_animation=True)


FORMATS: dict[str, tuple[str, str, Callable[[Stage, Path], None]]] = {
    "fbx": ("FBX", "For game engines and other 3D programs (.fbx)", write_fbx),
    "glb": ("glTF", "For engines and the web, all in one file (.glb)", write_glb),
    "bvh": ("BVH", "The bones alone, for motion libraries and retargeting (.bvh)", write_bvh),
}
"""Name, description and writer of each file type that holds a character."""
if bpy.app.build_options.usd:
    FORMATS["usdc"] = ("USD", "Universal Scene Description, binary (.usdc)", write_usd)
    FORMATS["usd"] = ("USD", "Universal Scene Description (.usd)", write_usd)
WITH_SHAPE_KEYS = {"fbx", "glb", "usdc", "usd"} & FORMATS.keys()
"""File types that can have a mesh with animated shape keys."""


def export_character(
    armature: bpy.types.Object,
    scene: bpy.types.Scene,
    path: Path,
    first: int,
    last: int,
    action: bpy.types.Action | None = None,
    pose_correctives: bool = False,
    program: str = "ANY",
    deform_only: bool = True,
    keep: Collection[str] = (),
) -> None:
    """Write what an armature with its meshes does from scene frame `first` to `last`, as it is
    seen.

    `action`: only this, whatever else it plays. `pose_correctives`: a character's, too, as animated
    shape keys; without it they are left out. `program`: what an FBX file is for, of `PROGRAMS`.
    `deform_only`: no controls of the armature but those in `keep`. The file name's ending chooses
    the format. Nothing in Blender changes, and an older file stays until the new one is complete.
    Raises `LsmplError`.
    """
    ending = path.suffix.lower().lstrip(".")
    if ending not in FORMATS:
        raise LsmplError(
            f"{path}: unknown format; expected one of {', '.join(f'.{known}' for known in FORMATS)}"
        )
    write = FORMATS[ending][2]
    try:
        staging = staged(
            armature,
            scene,
            first,
            last,
            action,
            with_correctives=pose_correctives,
            program=PROGRAMS[program if ending == "fbx" else "ANY"],
            deform_only=deform_only,
            keep=keep,
        )
        with replace_when_complete(path) as scratch, staging as stage:
            write(stage, scratch)
            if not scratch.exists():
                raise LsmplError(f"{path}: Blender's exporter wrote nothing")
    except (OSError, RuntimeError) as error:  # bpy.ops raises what an exporter reports
        raise LsmplError(
            f"{path}: cannot be written: {str(error).strip() or type(error).__name__}"
        ) from error


def _need_addon(module: str) -> None:
    """Blender's own exporters are add-ons, which a user may have switched off."""
    if not addon_utils.check(module)[1] and addon_utils.enable(module) is None:
        raise LsmplError(
            f"Blender's add-on {module}, which writes this file type, cannot be enabled"
        )


def _clear_typing_caches() -> None:
    """glTF's exporter leaves Blender's types in them, and the bpy module (4.2) then crashes when
    Python ends."""
    for clear in getattr(typing, "_cleanups", ()):
        clear()
