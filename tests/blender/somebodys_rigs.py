"""Runs in Blender: two characters as users have them, with a mesh of blocks: an Unreal-like one, and Rigify's human."""

import bpy
from mathutils import Matrix, Vector

CENTRE = {
    "root": ((0, 0, 0), (0, 0.2, 0), ""),
    "pelvis": ((0, 0, 0.96), (0, 0, 1.06), "root"),
    "spine_01": ((0, 0, 1.06), (0, 0, 1.2), "pelvis"),
    "spine_02": ((0, 0, 1.2), (0, 0, 1.34), "spine_01"),
    "spine_03": ((0, 0, 1.34), (0, 0, 1.5), "spine_02"),
    "neck_01": ((0, 0, 1.5), (0, -0.02, 1.6), "spine_03"),
    "head": ((0, -0.02, 1.6), (0, -0.02, 1.82), "neck_01"),
}
LEFT = {
    "clavicle": ((0.03, -0.01, 1.47), (0.17, 0, 1.45), "spine_03"),
    "upperarm": ((0.17, 0, 1.45), (0.37, 0.01, 1.25), "clavicle"),
    "lowerarm": ((0.37, 0.01, 1.25), (0.55, -0.03, 1.07), "upperarm"),
    "hand": ((0.55, -0.03, 1.07), (0.66, -0.05, 0.95), "lowerarm"),
    "thigh": ((0.1, 0, 0.95), (0.11, -0.01, 0.52), "pelvis"),
    "calf": ((0.11, -0.01, 0.52), (0.115, 0.03, 0.09), "thigh"),
    "foot": ((0.115, 0.03, 0.09), (0.12, -0.11, 0.02), "calf"),
    "ball": ((0.12, -0.11, 0.02), (0.12, -0.19, 0.02), "foot"),
}
"""Heads, tails and parents in metres, in an A-pose, of an Unreal mannequin's bones."""


def unreal_like(name: str) -> bpy.types.Object:
    armature = _armature(name)
    bones = dict(CENTRE)
    for side, sign in (("l", 1), ("r", -1)):
        for bone, (head, tail, parent) in LEFT.items():
            above = parent if parent in CENTRE else f"{parent}_{side}"
            bones[f"{bone}_{side}"] = ((sign * head[0], *head[1:]), (sign * tail[0], *tail[1:]), above)
    bpy.ops.object.mode_set(mode="EDIT")
    edited = armature.data.edit_bones
    for bone, (head, tail, _) in bones.items():
        made = edited.new(bone)
        made.head, made.tail = head, tail
    for bone, (_, _, parent) in bones.items():
        edited[bone].parent = edited[parent] if parent else None
    bpy.ops.object.mode_set(mode="OBJECT")
    _blocks(armature, [bone for bone in bones if bone != "root"], (0.75, 0.45, 0.3, 1.0))
    return armature


def rigify(name: str) -> bpy.types.Object:
    """Generated from the human metarig without its face and fingers."""
    bpy.ops.preferences.addon_enable(module="rigify")
    bpy.ops.object.armature_basic_human_metarig_add()
    metarig = bpy.context.object
    bpy.ops.pose.rigify_generate()
    rigs = [obj for obj in bpy.context.scene.objects if obj.type == "ARMATURE" and "root" in obj.data.bones]
    armature = max(rigs, key=lambda obj: len(obj.data.bones))
    bpy.data.objects.remove(metarig)
    armature.name = name
    deform = [bone.name for bone in armature.data.bones if bone.use_deform]
    _blocks(armature, deform, (0.35, 0.6, 0.4, 1.0))
    return armature


def _armature(name: str) -> bpy.types.Object:
    armature = bpy.data.objects.new(name, bpy.data.armatures.new(name))
    bpy.context.scene.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    return armature


def _blocks(armature: bpy.types.Object, bones: list[str], colour: tuple[float, float, float, float]) -> None:
    """A block along each bone, skinned to it."""
    points, faces, owners = [], [], []
    for name in bones:
        bone = armature.data.bones[name]
        length = bone.length
        thick = min(0.06, max(0.02, 0.14 * length))
        frame = bone.matrix_local @ Matrix.Diagonal(Vector((thick, length, thick, 1.0)))
        start = len(points)
        for y in (0.02, 0.98):
            for x, z in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
                points.append(frame @ Vector((x, y, z)))
        faces += [[start + i for i in face] for face in
                  ((0, 1, 2, 3), (7, 6, 5, 4), (0, 4, 5, 1), (1, 5, 6, 2), (2, 6, 7, 3), (3, 7, 4, 0))]  # fmt: skip
        owners.append((name, range(start, start + 8)))
    mesh = bpy.data.meshes.new(f"{armature.name} Body")
    mesh.from_pydata(points, [], faces)
    body = bpy.data.objects.new(mesh.name, mesh)
    bpy.context.scene.collection.objects.link(body)
    for name, vertices in owners:
        body.vertex_groups.new(name=name).add(list(vertices), 1.0, "REPLACE")
    body.parent = armature
    body.modifiers.new("Armature", "ARMATURE").object = armature
    material = bpy.data.materials.new(mesh.name)
    material.diffuse_color = colour
    mesh.materials.append(material)
