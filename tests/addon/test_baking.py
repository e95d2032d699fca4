"""Baking: what Blender plays is what the core computed."""

from pathlib import Path

import bpy
import numpy as np

MOCAP = Path(__file__).parents[3] / "shared" / "mocap"


def bone_heads(armature) -> np.ndarray:
    return np.array([armature.matrix_world @ bone.head for bone in armature.pose.bones])


def mesh_vertices(obj) -> np.ndarray:
    evaluated = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
    vertices = np.empty(3 * len(evaluated.data.vertices), dtype=np.float32)
    evaluated.data.vertices.foreach_get("co", vertices)
    return vertices.reshape(-1, 3) @ np.array(obj.matrix_world)[:3, :3].T + np.array(obj.matrix_world.translation)


def largest_errors(baked, body, motion, frames=None) -> tuple[float, float]:
    """Metres, over all frames: of bone heads against joints, and of the evaluated mesh against the vertices."""
    scene = bpy.context.scene
    joints, vertices = body.joints(motion), body.vertices(motion)
    names = [bone.name for bone in baked.armature.pose.bones]
    order = [names.index(name) for name in body.joint_names]
    worst_joint = worst_vertex = 0.0
    for t in range(len(motion)):
        frame = motion.first_frame + t if frames is None else frames[t]
        scene.frame_set(int(frame), subframe=frame % 1)
        worst_joint = max(worst_joint, np.linalg.norm(bone_heads(baked.armature)[order] - joints[t], axis=1).max())
        worst_vertex = max(worst_vertex, np.linalg.norm(mesh_vertices(baked.body_mesh) - vertices[t], axis=1).max())
    return worst_joint, worst_vertex


def test_bones_and_mesh_follow_a_random_motion_on_every_frame(baked_take, body, random_motion):
    motion = random_motion(first_frame=7)
    _, baked = baked_take(motion)
    joints, vertices = largest_errors(baked, body, motion)
    print(f"joints {1000 * joints:.4f} mm, vertices {1000 * vertices:.4f} mm")
    assert joints < 1e-3
    assert vertices < 1e-3
