"""A staged character in another unit, nothing of it scaled: for programs that take a file's numbers
for centimetres, and a scaled object for a scaled skeleton."""

from __future__ import annotations

from contextlib import ExitStack

import bpy
import numpy as np
from mathutils import Matrix

from ...lsmpl_core.rotation import to_quaternion
from ..characters import actions, assigning
from ..rigging.keys import continuous, data_path

_STILL = 1e-5
"""Metres, and shares of a bone's size: channels that move by less get no keys."""


def enlarge(
    rig: bpy.types.Object,
    meshes: list[bpy.types.Object],
    stage: bpy.types.Scene,
    factor: float,
    at_end: ExitStack,
) -> bpy.types.Object:
    """Another armature that does what a rig of a stage does in the stage's frames, so many times as
    large, by keys alone; the meshes, copies of the stage's, go over to it. Where the rig's object
    goes is worked into the bones."""
    frames = np.arange(stage.frame_start, stage.frame_end + 1)
    names = [bone.name for bone in rig.data.bones]
    posed = _sampled(rig, names, stage, frames)
    stage.frame_set(int(frames[0]))
    own_size = float(np.mean(rig.matrix_world.to_scale()))
    size = Matrix.Scale(factor * own_size, 4)

    data = rig.data.copy()
    data.transform(size)
    large = rig.copy()
    large.animation_data_clear()
    large.name, large.data = f"{rig.name} (large)", data
    at_end.callback(_remove, large, data)
    for constraint in [*large.constraints]:
        large.constraints.remove(constraint)
    large.parent, large.matrix_world = None, Matrix()
    stage.collection.objects.link(large)
    stage.view_layers[0].update()
    rest = np.array([data.bones[name].matrix_local for name in names], dtype=np.float64)
    parents = [names.index(b.parent.name) if b.parent else -1 for b in data.bones]

    posed[..., :3, :3] /= own_size
    posed[..., :3, 3] *= factor
    curves = _curves(names, parents, rest, posed, _STILL * factor)
    for bone in large.pose.bones:
        bone.rotation_mode = "QUATERNION"
        bone.matrix_basis = Matrix()
        for constraint in [*bone.constraints]:
            bone.constraints.remove(constraint)
    action = actions.write_action(large, large.name, frames, curves)
    at_end.callback(bpy.data.actions.remove, action)
    assigning.play(large, action)

    for mesh in meshes:
        _enlarge_mesh(mesh, rig, large, size)
    return large


def _sampled(
    rig: bpy.types.Object, names: list[str], stage: bpy.types.Scene, frames: np.ndarray
) -> np.ndarray:
    """(T,B,4,4): the bones in the world, in frames (T,)."""
    found = np.empty((len(frames), len(names), 4, 4))
    for row, frame in enumerate(frames.tolist()):
        stage.frame_set(frame)  # which makes a new scene's dependency graph
        seen = rig.evaluated_get(stage.view_layers[0].depsgraph)
        world = np.array(seen.matrix_world)
        found[row] = world @ np.array([seen.pose.bones[name].matrix for name in names])
    return found


def _curves(
    names: list[str], parents: list[int], rest: np.ndarray, posed: np.ndarray, still: float
) -> list[actions.Curve]:
    """The bones' channels that bring them from rest (B,4,4) to where they are (T,B,4,4)."""
    curves = []
    for bone, parent in enumerate(parents):
        at_rest, local = rest[bone], posed[:, bone]
        if parent >= 0:
            at_rest = np.linalg.inv(rest[parent]) @ at_rest
            local = np.linalg.inv(posed[:, parent]) @ local
        local = np.linalg.inv(at_rest) @ local
        scale = np.linalg.norm(local[:, :3, :3], axis=1)
        turned = continuous(to_quaternion(local[:, :3, :3] / scale[:, None]))
        channels = {"rotation_quaternion": turned}
        if np.abs(local[:, :3, 3]).max() > still:
            channels["location"] = local[:, :3, 3]
        if np.abs(scale - 1.0).max() > _STILL * 100:
            channels["scale"] = scale
        for channel, values in channels.items():
            path = data_path(names[bone], channel)
            curves += [
                actions.Curve(path, axis, values[:, axis], names[bone])
                for axis in range(values.shape[1])
            ]
    return curves


def _enlarge_mesh(
    mesh: bpy.types.Object, rig: bpy.types.Object, large: bpy.types.Object, size: Matrix
) -> None:
    """Let a copied mesh hang on the large armature, where it is at rest on the other."""
    rest = rig.matrix_world.inverted() @ mesh.matrix_world
    bone = mesh.parent_bone if mesh.parent == rig and mesh.parent_type == "BONE" else ""
    if bone:
        rest = rig.data.bones[bone].matrix_local @ rig.pose.bones[bone].matrix.inverted() @ rest
    mesh.data = mesh.data.copy()
    mesh.data.transform(size @ rest, shape_keys=True)
    mesh.animation_data_clear()
    mesh.parent, mesh.parent_type = large, "OBJECT"
    mesh.matrix_parent_inverse, mesh.matrix_basis = Matrix(), Matrix()
    for modifier in mesh.modifiers:
        if modifier.type == "ARMATURE" and modifier.object == rig:
            modifier.object = large
    if bone:
        mesh.vertex_groups.new(name=bone).add(range(len(mesh.data.vertices)), 1.0, "REPLACE")
        mesh.modifiers.new("Armature", "ARMATURE").object = large


def _remove(large: bpy.types.Object, data: bpy.types.Armature) -> None:
    bpy.data.objects.remove(large)
    bpy.data.armatures.remove(data)
