"""What Blender's importers make of an exported file."""

from pathlib import Path

import addon_utils
import bpy
import numpy as np
from mathutils.kdtree import KDTree


def brought_back(path: Path, fps: float) -> tuple[bpy.types.Object, bpy.types.Object | None]:
    """The armature and the mesh, if any, of a file, imported into an empty scene at that rate."""
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    bpy.context.scene.render.fps = fps
    addon = {".fbx": "io_scene_fbx", ".glb": "io_scene_gltf2", ".bvh": "io_anim_bvh"}.get(path.suffix)
    if addon:
        addon_utils.enable(addon)
    match path.suffix:
        case ".fbx":
            bpy.ops.import_scene.fbx(filepath=str(path), ignore_leaf_bones=False, automatic_bone_orientation=False)
        case ".glb":
            bpy.ops.import_scene.gltf(filepath=str(path))
        case ".bvh":
            bpy.ops.import_anim.bvh(filepath=str(path), use_fps_scale=False, update_scene_fps=False)
        case _:
            bpy.ops.wm.usd_import(filepath=str(path))
    armature = next(obj for obj in bpy.context.scene.objects if obj.type == "ARMATURE")
    meshes = [obj for obj in bpy.context.scene.objects if obj.type == "MESH" and obj.vertex_groups]
    return armature, next(iter(meshes), None)


def frame_range(armature) -> tuple[float, float]:
    return tuple(armature.animation_data.action.frame_range)


def largest_errors(body, armature, mesh, expected, first: float) -> tuple[float, float]:
    """Metres, over all frames: of bone heads, and of vertices to the nearest of the mesh (orders may differ).

    expected: joints (T,24,3) and vertices (T,V,3). The skin of the hands, which are relaxed in Blender, is left aside.
    """
    compared = np.setdiff1d(np.arange(len(body.v_template)), body.fingers.vertices)[::7]
    scene, worst_joint, worst_vertex = bpy.context.scene, 0.0, 0.0
    for t, (joints, vertices) in enumerate(zip(*expected)):
        scene.frame_set(int(first) + t)
        graph = bpy.context.evaluated_depsgraph_get()
        posed = armature.evaluated_get(graph)
        heads = np.array([posed.matrix_world @ posed.pose.bones[name].head for name in body.joint_names])
        worst_joint = max(worst_joint, np.linalg.norm(heads - joints, axis=1).max())
        if mesh is not None and t % 13 == 0:
            skinned = mesh.evaluated_get(graph)
            tree = KDTree(len(skinned.data.vertices))
            for index, vertex in enumerate(skinned.data.vertices):
                tree.insert(skinned.matrix_world @ vertex.co, index)
            tree.balance()
            worst_vertex = max(worst_vertex, *(tree.find(vertex)[2] for vertex in vertices[compared].tolist()))
    print(f"joints {1000 * worst_joint:.3f} mm, vertices {1000 * worst_vertex:.3f} mm")
    return worst_joint, worst_vertex
