"""The character: an armature with a bone for each SMPL joint, and the body's mesh skinned to it.

SMPL's rest frame has Y up and faces +Z; a character in Blender has Z up and faces -Y, which is a
quarter turn about X. Bones lie along their limbs, so an SMPL rotation is seen from each bone's own
rest orientation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import bpy
import numpy as np

from ...lsmpl_core import LsmplError, Motion
from ...lsmpl_core.body.body import Body
from ...lsmpl_core.rotation import log_map, orthonormalise, to_quaternion
from ..rigging.keys import continuous
from . import hand_poses, shape, surface
from .editing import editing
from .shape import TO_BLENDER

_BODY_KEY = "lsmpl_body"
"""Custom property of a body's mesh: the body that it was made of, by its key."""
_POINTS_AT = {"pelvis": "spine1", "spine3": "neck"}
"""Which child a joint with several children points at."""


def build(
    body: Body,
    betas: np.ndarray,
    name: str,
    body_path: str = "",
    mesh: bpy.types.Object | None = None,
    hand_size: float = 1.0,
) -> tuple[bpy.types.Object, bpy.types.Object]:
    """A new armature and its body mesh in the rest pose of `betas`, its hands of this size, linked
    to no collection yet.

    body_path is where a user's own body is found again. mesh is one whose armature was deleted
    (`is_left_of`), which is put on the new one as it is, with whatever the user gave it.
    """
    armature = bpy.data.objects.new(f"{name} Rig", bpy.data.armatures.new(f"{name} Rig"))
    _make_bones(armature.data, body)
    let_turn(armature, body.joint_names)
    armature.data.display_type = "WIRE"
    armature.show_in_front = True
    mesh = mesh or _body_mesh(body, f"{name} Body")
    mesh.parent = armature
    _armature_modifier(mesh).object = armature
    hand_poses.drive(armature, mesh)
    shape.remember(armature, body, body_path)
    shape.set_taken(armature, betas, hand_size)
    shape.reshape(armature, betas, hand_size)
    return armature, mesh


def let_turn(armature: bpy.types.Object, names: Iterable[str]) -> None:
    """Joints turn and stay where they are on the bone above; the first, which has none, moves,
    too."""
    for name in names:
        bone = armature.pose.bones[name]
        bone.rotation_mode = "QUATERNION"
        bone.lock_location = (bone.bone.parent is not None,) * 3


def is_left_of(mesh: bpy.types.Object | None, body: Body) -> bool:
    """Whether an object is a body mesh that was made here of this body, and whose armature was
    deleted since."""
    if mesh is None or mesh.type != "MESH" or mesh.parent or mesh.library or mesh.mode != "OBJECT":
        return False
    rigged = any(modifier.type == "ARMATURE" and modifier.object for modifier in mesh.modifiers)
    return (
        not rigged
        and mesh.data.get(_BODY_KEY) == body.key
        and len(mesh.data.vertices) == len(body.v_template)
    )


def straighten(mesh: bpy.types.Object) -> Callable[[], None]:
    """Let a body whose armature was deleted lie as one that is made. Returns what brings it back
    without armature."""
    basis, inverse = mesh.matrix_basis.copy(), mesh.matrix_parent_inverse.copy()
    mesh.matrix_basis.identity()
    mesh.matrix_parent_inverse.identity()

    def back() -> None:
        mesh.parent = _armature_modifier(mesh).object = None
        mesh.matrix_basis, mesh.matrix_parent_inverse = basis, inverse

    return back


def rest_rotations(body: Body) -> np.ndarray:
    """(24,3,3): how bones lie at rest in Blender's frame, columns X, Y, Z; Y is along the bone.

    They are those of the body's mean shape whatever the betas are, so that a pose's keys do not
    depend on the shape.
    """
    heads = body.rest_joints() @ TO_BLENDER.T
    along = _tails(body, heads) - heads
    y = along / np.linalg.norm(along, axis=1, keepdims=True)
    # Limbs bend about X then, on both sides alike: Z looks forward, or up for what points forward.
    forward = np.abs(y[:, 1]) < 0.8
    towards = np.where(forward[:, None], (0.0, -1.0, 0.0), (0.0, 0.0, 1.0))
    z = towards - (towards * y).sum(axis=1, keepdims=True) * y
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    return np.stack([np.cross(y, z), y, z], axis=-1)


def bone_rotations(armature: bpy.types.Object, body: Body) -> np.ndarray:
    """(24,3,3): as `rest_rotations`, of a character whose bones the animator may have rolled.

    Raises `LsmplError` where it lacks one.
    """
    missing = [joint for joint in body.joint_names if joint not in armature.data.bones]
    if missing:
        raise LsmplError(
            f"{armature.name}: has no bone {', '.join(missing)}; undo the renaming, or delete "
            "it and bake"
        )
    return np.array(
        [armature.data.bones[joint].matrix_local.to_3x3() for joint in body.joint_names],
        dtype=np.float64,
    )


def pose_curves(rest: np.ndarray, body: Body, motion: Motion) -> tuple[np.ndarray, np.ndarray]:
    """A motion as pose bone channels: rotation quaternions (T,24,4), w first, and the pelvis'
    location (T,3).

    rest (24,3,3) is how the bones lie. On a character of another shape the same channels keep the
    soles of a body that stands where they are.
    """
    quaternions = as_channels(rest, motion.poses)
    # The root turns from SMPL's rest frame straight into the world: R_bone' R C' R_bone.
    root = quaternions_of(motion.poses[:, 0] @ rest[0])
    quaternions[:, 0] = _multiply(root, _quaternion_of(rest[0].T @ TO_BLENDER.T @ rest[0]))
    pelvis = motion.trans + body.rest_joints(motion.betas)[0]
    return continuous(quaternions), (pelvis - shape.rest_joints(body, motion.betas)[0]) @ rest[0]


def motion_of_pose(
    rest: np.ndarray,
    body: Body,
    local: np.ndarray,
    pelvis: np.ndarray,
    betas: np.ndarray,
    fps: float,
) -> Motion:
    """The inverse of `pose_curves`: a motion from the rotations (T,24,3,3) of the pose bones'
    channels, each in its own rest frame, and the pelvis' head (T,3) in the character's space. betas
    (10,) are the shape that it has."""
    local = orthonormalise(local)
    rotations = of_channels(rest, local)
    rotations[:, 0] = rest[0] @ local[:, 0] @ rest[0].T @ TO_BLENDER
    trans = pelvis - body.rest_joints(betas)[0]
    return Motion(log_map(rotations), trans, betas, fps=fps, body=body.key)


def as_channels(rest: np.ndarray, turns: np.ndarray) -> np.ndarray:
    """Quaternions (T,J,4) of bones that lie so at rest (J,3,3), from axis-angles (T,J,3) in SMPL's
    rest frame."""
    smpl_to_bone = rest.transpose(0, 2, 1) @ TO_BLENDER
    return quaternions_of(np.einsum("jab,tjb->tja", smpl_to_bone, turns))


def of_channels(rest: np.ndarray, local: np.ndarray) -> np.ndarray:
    """The inverse of `as_channels`, of and as rotations (T,J,3,3)."""
    smpl_to_bone = rest.transpose(0, 2, 1) @ TO_BLENDER
    return smpl_to_bone.transpose(0, 2, 1) @ local @ smpl_to_bone


def _make_bones(armature: bpy.types.Armature, body: Body) -> None:
    heads = body.rest_joints() @ TO_BLENDER.T
    tails, rotations = _tails(body, heads), rest_rotations(body)
    with editing(armature):
        for joint, name in enumerate(body.joint_names):
            bone = armature.edit_bones.new(name)
            bone.use_connect = False
            bone.head, bone.tail = heads[joint], tails[joint]
            bone.align_roll(rotations[joint, :, 2])
            if body.parents[joint] >= 0:
                bone.parent = armature.edit_bones[body.joint_names[body.parents[joint]]]


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


def _armature_modifier(mesh: bpy.types.Object) -> bpy.types.ArmatureModifier:
    """The modifier that lets an armature deform a body; a new one where it has none."""
    found = next((modifier for modifier in mesh.modifiers if modifier.type == "ARMATURE"), None)
    if found is None:
        found = mesh.modifiers.new("Armature", "ARMATURE")
        found.use_deform_preserve_volume = False
    return found


def _body_mesh(body: Body, name: str) -> bpy.types.Object:
    mesh = bpy.data.meshes.new(name)
    mesh[_BODY_KEY] = body.key
    template = body.v_template @ TO_BLENDER.T
    faces = body.faces if body.quads is None else body.quads
    mesh.from_pydata(template, (), faces.tolist(), shade_flat=False)
    surface.dress(mesh, body, surface.CLOTHED)
    obj = bpy.data.objects.new(name, mesh)
    for joint, weights in zip(body.joint_names, body.skinning_weights.T):
        group = obj.vertex_groups.new(name=joint)
        for vertex in np.flatnonzero(weights):
            group.add((int(vertex),), float(weights[vertex]), "REPLACE")
    obj.shape_key_add(name="Basis", from_mix=False)
    grounding = shape.grounding(body)
    for number in range(body.shape_directions.shape[2]):
        moved = body.shape_directions[:, :, number] + grounding[:, number]
        _add_key(obj, f"Shape {number + 1}", template + moved @ TO_BLENDER.T, 5.0)
    if body.fingers is not None:
        _add_key(obj, shape.HAND_KEY, template + body.hand_directions @ TO_BLENDER.T, 0.5)
    hand_poses.add_keys(obj, body)
    return obj


def _add_key(mesh: bpy.types.Object, name: str, moved: np.ndarray, most: float) -> None:
    """A shape key with its vertices (V,3), whose slider goes from -most to most."""
    key = mesh.shape_key_add(name=name, from_mix=False)
    key.data.foreach_set("co", np.ascontiguousarray(moved, dtype=np.float32).ravel())
    key.slider_min, key.slider_max = -most, most


def quaternions_of(axis_angles: np.ndarray) -> np.ndarray:
    """(...,4), w first, from axis-angle (...,3)."""
    half = 0.5 * np.linalg.norm(axis_angles, axis=-1, keepdims=True)
    return np.concatenate([np.cos(half), 0.5 * np.sinc(half / np.pi) * axis_angles], axis=-1)


def _quaternion_of(rotation: np.ndarray) -> np.ndarray:
    """(4,) from a rotation matrix."""
    return to_quaternion(rotation[None])[0]


def _multiply(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Hamilton product of quaternions (...,4): first b, then a."""
    w = a[..., :1] * b[..., :1] - (a[..., 1:] * b[..., 1:]).sum(axis=-1, keepdims=True)
    xyz = a[..., :1] * b[..., 1:] + b[..., :1] * a[..., 1:] + np.cross(a[..., 1:], b[..., 1:])
    return np.concatenate([w, xyz], axis=-1)
