"""The character: an armature with a bone for each SMPL joint, and the body's mesh skinned to it.

SMPL's rest frame has Y up and faces +Z; a character in Blender has Z up and faces -Y, which is a quarter turn about X.
Bones lie along their limbs, so an SMPL rotation is seen from each bone's own rest orientation.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import bpy
import numpy as np

from ..lsmpl_core import LsmplError, Motion
from ..lsmpl_core.body import Body
from .display import material

CHARACTER_KEY = "lsmpl_character"
TO_BLENDER = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""C: from SMPL's rest frame to Blender's."""

_SKIN = (0.55, 0.57, 0.6)
_POINTS_AT = {"pelvis": "spine1", "spine3": "neck"}
"""Which child a joint with several children points at."""


def build(body: Body, betas: np.ndarray, name: str) -> tuple[bpy.types.Object, bpy.types.Object]:
    """A new armature and its body mesh in the rest pose of `betas`, linked to no collection yet."""
    armature = bpy.data.objects.new(f"{name} Rig", bpy.data.armatures.new(f"{name} Rig"))
    _place_bones(armature.data, body, betas)
    for bone in armature.pose.bones:
        bone.rotation_mode = "QUATERNION"
    armature.data.display_type = "WIRE"
    armature.show_in_front = True
    mesh = _body_mesh(body, f"{name} Body")
    mesh.parent = armature
    modifier = mesh.modifiers.new("Armature", "ARMATURE")
    modifier.object = armature
    modifier.use_deform_preserve_volume = False
    _remember(armature, body, betas)
    _set_shape(mesh, betas)
    return armature, mesh


def fits(armature: bpy.types.Object, body: Body) -> bool:
    """Whether an armature was built for this body."""
    return _facts(armature).get("body") == body.key


def betas_of(armature: bpy.types.Object) -> np.ndarray:
    """(10,): the shape that a character has."""
    return np.array(_facts(armature)["betas"])


def reshape(armature: bpy.types.Object, mesh: bpy.types.Object | None, body: Body, betas: np.ndarray) -> None:
    """Give a character that fits the body another shape; nothing moves where it has that shape already.

    Raises `LsmplError` where the armature lacks one of the bones.
    """
    missing = [joint for joint in body.joint_names if joint not in armature.data.bones]
    if missing:
        raise LsmplError(f"{armature.name}: has no bone {', '.join(missing)}; undo the renaming, or delete it and bake")
    if not np.allclose(betas_of(armature), betas, rtol=0, atol=1e-7):
        _place_bones(armature.data, body, betas)
        _remember(armature, body, betas)
    if mesh is not None:
        _set_shape(mesh, betas)


def pose_curves(armature: bpy.types.Object, body: Body, motion: Motion) -> tuple[np.ndarray, np.ndarray]:
    """A motion as pose bone channels: rotation quaternions (T,24,4), w first, and the pelvis' location (T,3)."""
    rest = np.array([armature.data.bones[joint].matrix_local for joint in body.joint_names])
    smpl_to_bone = rest[:, :3, :3].transpose(0, 2, 1) @ TO_BLENDER
    axis_angles = np.einsum("jab,tjb->tja", smpl_to_bone, motion.poses)
    # The root turns from SMPL's rest frame straight into the world: R_bone' R C' R_bone.
    world_to_bone = rest[0, :3, :3].T
    root = _quaternions(motion.poses[:, 0] @ world_to_bone.T)
    quaternions = _quaternions(axis_angles)
    quaternions[:, 0] = _multiply(root, _quaternion_of(world_to_bone @ TO_BLENDER.T @ rest[0, :3, :3]))
    pelvis = motion.trans + body.rest_joints(motion.betas)[0]
    return _continuous(quaternions), (pelvis - rest[0, :3, 3]) @ world_to_bone.T


def _place_bones(armature: bpy.types.Armature, body: Body, betas: np.ndarray) -> None:
    heads = body.rest_joints(betas) @ TO_BLENDER.T
    tails = _tails(body, heads)
    with _editing(armature):
        bones = armature.edit_bones
        for joint, name in enumerate(body.joint_names):
            bone = bones.get(name) or bones.new(name)
            bone.use_connect = False
            bone.head, bone.tail = heads[joint], tails[joint]
            along = tails[joint] - heads[joint]
            # Limbs bend about X then, on both sides alike: Z looks forward, or up for what points forward.
            forward = abs(along[1]) < 0.8 * np.linalg.norm(along)
            bone.align_roll((0, -1, 0) if forward else (0, 0, 1))
            if body.parents[joint] >= 0:
                bone.parent = bones[body.joint_names[body.parents[joint]]]


def _tails(body: Body, heads: np.ndarray) -> np.ndarray:
    """(24,3): each bone ends at its child; those at the ends of the limbs are short."""
    parents, names = list(body.parents), list(body.joint_names)
    tails = np.empty_like(heads)
    for joint, name in enumerate(names):
        if name in _POINTS_AT:
            tails[joint] = heads[names.index(_POINTS_AT[name])]
        elif joint in parents:
            tails[joint] = heads[parents.index(joint)]
        elif name == "head":
            tails[joint] = heads[joint] + (0, 0, 0.15)
        elif name.endswith("foot"):
            tails[joint] = heads[joint] + (0, -0.07, 0)
        else:
            along = heads[joint] - heads[parents[joint]]
            tails[joint] = heads[joint] + 0.08 * along / np.linalg.norm(along)
    return tails


@contextmanager
def _editing(armature: bpy.types.Armature) -> Iterator[None]:
    """Edit mode on an armature, whatever is selected, hidden or being edited; all of that is as before afterwards.

    A stand-in object is edited in place of the armature's own, which may be hidden or out of the view layer.
    """
    context = bpy.context
    layer = context.view_layer
    active = layer.objects.active
    mode = active.mode if active else "OBJECT"
    if mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")
    stand_in = bpy.data.objects.new("LSMPL stand-in", armature)
    context.scene.collection.objects.link(stand_in)
    try:
        layer.objects.active = stand_in
        bpy.ops.object.mode_set(mode="EDIT")
        yield
        bpy.ops.object.mode_set(mode="OBJECT")
    finally:
        bpy.data.objects.remove(stand_in)
        layer.objects.active = active
        if mode != "OBJECT":
            bpy.ops.object.mode_set(mode=mode)


def _body_mesh(body: Body, name: str) -> bpy.types.Object:
    mesh = bpy.data.meshes.new(name)
    template = body.v_template @ TO_BLENDER.T
    faces = body.faces if body.quads is None else body.quads
    mesh.from_pydata(template, (), faces.tolist(), shade_flat=False)
    mesh.materials.append(material("LSMPL Body", _SKIN, roughness=0.65))
    obj = bpy.data.objects.new(name, mesh)
    for joint, weights in zip(body.joint_names, body.skinning_weights.T):
        group = obj.vertex_groups.new(name=joint)
        for vertex in np.flatnonzero(weights):
            group.add((int(vertex),), float(weights[vertex]), "REPLACE")
    obj.shape_key_add(name="Basis", from_mix=False)
    for number in range(body.shape_directions.shape[2]):
        key = obj.shape_key_add(name=f"Shape {number + 1}", from_mix=False)
        shape = template + body.shape_directions[:, :, number] @ TO_BLENDER.T
        key.data.foreach_set("co", np.ascontiguousarray(shape, dtype=np.float32).ravel())
        key.slider_min, key.slider_max = -5.0, 5.0
    return obj


def _set_shape(mesh: bpy.types.Object, betas: np.ndarray) -> None:
    keys = mesh.data.shape_keys.key_blocks if mesh.data.shape_keys else {}
    for number, beta in enumerate(betas, start=1):
        key = keys.get(f"Shape {number}")
        if key:
            key.slider_min, key.slider_max = min(key.slider_min, beta), max(key.slider_max, beta)
            key.value = beta


def _remember(armature: bpy.types.Object, body: Body, betas: np.ndarray) -> None:
    armature[CHARACTER_KEY] = json.dumps({"body": body.key, "betas": np.asarray(betas).tolist()})


def _facts(armature: bpy.types.Object) -> dict:
    return json.loads(armature.get(CHARACTER_KEY, "{}"))


def _quaternions(axis_angles: np.ndarray) -> np.ndarray:
    """(...,4), w first, from axis-angle (...,3)."""
    half = 0.5 * np.linalg.norm(axis_angles, axis=-1, keepdims=True)
    return np.concatenate([np.cos(half), 0.5 * np.sinc(half / np.pi) * axis_angles], axis=-1)


def _quaternion_of(rotation: np.ndarray) -> np.ndarray:
    """(4,) from a rotation matrix."""
    from mathutils import Matrix

    return np.array(Matrix(rotation.tolist()).to_quaternion())


def _multiply(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Hamilton product of quaternions (...,4): first b, then a."""
    w = a[..., :1] * b[..., :1] - (a[..., 1:] * b[..., 1:]).sum(axis=-1, keepdims=True)
    xyz = a[..., :1] * b[..., 1:] + b[..., :1] * a[..., 1:] + np.cross(a[..., 1:], b[..., 1:])
    return np.concatenate([w, xyz], axis=-1)


def _continuous(quaternions: np.ndarray) -> np.ndarray:
    """Quaternions (T,J,4) with their signs chosen so that none jumps to its negative from one frame to the next."""
    same = (quaternions[1:] * quaternions[:-1]).sum(axis=-1, keepdims=True) >= 0
    signs = np.cumprod(np.where(same, 1.0, -1.0), axis=0)
    return np.concatenate([quaternions[:1], quaternions[1:] * signs])
