"""A character's animation as a file: FBX, glTF, BVH and USD through Blender's own exporters, and
AMASS npz."""

from __future__ import annotations

import atexit
import contextlib
import io
import math
import typing
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path

import addon_utils
import bpy
import numpy as np
from mathutils import Matrix

from ...lsmpl_core import LsmplError, Motion, Progress
from ...lsmpl_core.files.replacing import replace_when_complete
from ...lsmpl_core.rotation import orthonormalise
from .. import jobs
from ..characters import bodies, character, finger_bones, shape
from ..held import Held
from ..takes.timing import scene_rate
from .programs import PROGRAMS
from .staging import Stage, staged

_Y_UP = Matrix.Rotation(-math.pi / 2, 4, "X")
_FRAMES_A_STEP = 50
"""Frames that are read in a step."""


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


def read_pose(
    armature: bpy.types.Object,
    scene: bpy.types.Scene,
    frames: np.ndarray,
    fps: float | None = None,
    action: bpy.types.Action | None = None,
) -> jobs.Steps[Motion]:
    """The motion that a character of ours shows at some scene frames (T,), which may be fractions:
    keys, strips and constraints included. Its shape is the one that the character has now. Yields
    `Progress`.

    The inverse of baking; what SMPL cannot say (stretched bones, joints pulled apart) is left out.
    Raises `LsmplError` where its body is not there any more.
    """
    body = bodies.of_character(armature)
    rest, betas, fps = (
        character.bone_rotations(armature, body),
        shape.betas_of(armature),
        fps or scene_rate(scene),
    )
    names, parents, count = list(body.joint_names), list(body.parents), len(body.joint_names)
    has_fingers = body.fingers is not None and finger_bones.has_fingers(armature)
    if has_fingers:
        names += finger_bones.FINGER_JOINT_NAMES
        parents += finger_bones.parents()
        rest = np.concatenate([rest, finger_bones.lying(armature)])
    held = Held(armature, scene, action, doing="read")
    posed, heads = np.empty((len(frames), len(names), 3, 3)), np.empty((len(frames), 3))
    for start in range(0, len(frames), _FRAMES_A_STEP):
        yield Progress("sample", start, len(frames))
        armature, scene, action = held.again()
        some = slice(start, start + _FRAMES_A_STEP)
        posed[some], heads[some] = _sample(armature, scene, names, frames[some], action)
    local = _local_rotations(posed, rest, parents)
    motion = character.motion_of_pose(rest[:count], body, local[:, :count], heads, betas, fps)
    if has_fingers:
        bent = finger_bones.angles_of_pose(body, rest[count:], local[:, count:])
        motion = replace(motion, fingers=bent, hand_size=shape.hand_size_of(armature))
    return motion


def _sample(
    armature: bpy.types.Object,
    scene: bpy.types.Scene,
    joints,
    frames: np.ndarray,
    action: bpy.types.Action | None,
) -> tuple[np.ndarray, np.ndarray]:
    """World rotations (T,J,3,3) of the bones, and where the first of them begins (T,3)."""
    rotations, heads = [], []
    with staged(armature, scene, 0, 1, action, with_meshes=False) as stage:
        graph = stage.scene.view_layers[0].depsgraph
        for frame in frames:
            whole = math.floor(frame)
            stage.scene.frame_set(whole, subframe=frame - whole)
            rig = stage.armature.evaluated_get(graph)
            world = np.array(rig.matrix_world)
            pose = np.array([rig.pose.bones[name].matrix for name in joints])
            rotations.append(world[:3, :3] @ pose[:, :3, :3])
            heads.append(world[:3, :3] @ pose[0, :3, 3] + world[:3, 3])
    return np.array(rotations), np.array(heads)


def _local_rotations(
    posed: np.ndarray, rest: np.ndarray, parents: Sequence[int] | np.ndarray
) -> np.ndarray:
    """(T,J,3,3): each bone's own rotation in its rest frame, from world rotations of bones that may
    be scaled."""
    posed = orthonormalise(posed)
    local = np.empty_like(posed)
    local[:, 0] = rest[0].T @ posed[:, 0]
    for joint, parent in enumerate(parents):
        if parent >= 0:
            offset = rest[parent].T @ rest[joint]
            local[:, joint] = offset.T @ posed[:, parent].transpose(0, 2, 1) @ posed[:, joint]
    return local


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
