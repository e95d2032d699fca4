"""Pose correctives of a character: the mesh bulges and creases with the pose, as SMPL's does.

SMPL adds to its rest vertices, before skinning, pose directions times the elements of R - I of each
joint's rotation R. Seen from a bone at rest these are linear in the nine products below of the
bone's own quaternion, so each joint has a shape key for each product, driven by it. Blender
computes such drivers without Python: the keys work in files that open without LSMPL and with
scripts disabled, under constraints, inverse kinematics and any rotation mode.
"""

from __future__ import annotations

import json
import re

import bpy
import numpy as np

from ...lsmpl_core import LsmplError
from ...lsmpl_core.body.body import Body
from . import character, shape
from .shape import TO_BLENDER

PRODUCTS = ("x*x", "y*y", "z*z", "x*y", "x*z", "y*z", "w*x", "w*y", "w*z")
"""Of a unit quaternion w x y z; all that its rotation matrix depends on."""
_NAMES = re.compile(rf"Corrective \w+ ({'|'.join(PRODUCTS)})".replace("*", ""))
_BONES_KEY = "lsmpl_bones"
"""On the shape keys: how each bone lay at rest when they were made, as JSON, rounded."""
_LEAST_MOVE_METRES = 5e-5
"""Metres; keys that never move a vertex by more are left out."""
_LARGEST_OF_PRODUCT = np.array([1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5])
"""How large each product becomes at most."""


def is_corrective(key: bpy.types.ShapeKey) -> bool:
    """Whether a shape key is one of ours, by its name."""
    return _NAMES.fullmatch(key.name) is not None


def keys_of(mesh: bpy.types.Object) -> list[bpy.types.ShapeKey]:
    """The corrective keys of a mesh."""
    keys = mesh.data.shape_keys
    return [key for key in keys.key_blocks if is_corrective(key)] if keys else []


def are_on(armature: bpy.types.Object) -> bool:
    """Whether a character has pose correctives."""
    return any(keys_of(mesh) for mesh in shape.meshes_of(armature))


def why_fixed(armature: bpy.types.Object) -> str:
    """Why a character cannot be given correctives, or lose them, now; "" where it can."""
    if not shape.is_character(armature):
        return "is no character of LSMPL"
    meshes = shape.meshes_of(armature)
    if not meshes:
        return "has no body mesh of LSMPL's"
    for mesh in meshes:
        if any(block.library or block.override_library for block in (armature, mesh, mesh.data)):
            return "is linked from another file; make it local to change its pose correctives"
        if mesh.data.users > 1:
            return f"shares the mesh of {mesh.name} with another object; make it single-user first"
        if mesh.mode == "EDIT":
            return f"has its mesh {mesh.name} in Edit Mode; go back to Object Mode first"
    return ""


def add(armature: bpy.types.Object, body: Body) -> None:
    """Give a character of `body` pose correctives, made anew where it has some.

    Raises `LsmplError` where that cannot be; then nothing has changed.
    """
    rest = _checked(armature, body)
    remove(armature)
    try:
        for mesh in shape.meshes_of(armature):
            _add_keys(armature, mesh, body, rest)
    except BaseException:
        remove(armature)
        raise


def remove(armature: bpy.types.Object) -> None:
    """Take a character's pose correctives away, drivers and all. Raises `LsmplError` where that
    cannot be."""
    if reason := why_fixed(armature):
        raise LsmplError(f"{armature.name}: {reason}")
    for mesh in shape.meshes_of(armature):
        if ours := keys_of(mesh):
            _remove_keys(mesh, ours)


def are_for_other_bones(armature: bpy.types.Object) -> bool:
    """Whether somebody turned or rolled bones since the correctives were made, which are then
    wrong."""
    for mesh in shape.meshes_of(armature):
        for name, lay in json.loads(mesh.data.shape_keys.get(_BONES_KEY, "{}")).items():
            bone = armature.data.bones.get(name)
            if bone and not np.allclose(bone.matrix_local.to_3x3(), lay, rtol=0, atol=1e-3):
                return True
    return False


def refresh(armature: bpy.types.Object, body: Body) -> None:
    """Make correctives anew where bones were turned or rolled since; the panel says where that
    cannot be."""
    if are_on(armature) and are_for_other_bones(armature) and not why_fixed(armature):
        add(armature, body)


def follow(mesh: bpy.types.Object, before: bpy.types.Object, armature: bpy.types.Object) -> None:
    """Let the correctives of a copied mesh follow another armature than `before`."""
    keys = mesh.data.shape_keys
    for curve in keys.animation_data.drivers if keys and keys.animation_data else ():
        for variable in curve.driver.variables:
            for target in variable.targets:
                if target.id == before:
                    target.id = armature


def directions(pose_directions: np.ndarray, bone_from_smpl: np.ndarray) -> np.ndarray:
    """(V,3,9): how a mesh in Blender's frame follows the `PRODUCTS` of a bone's quaternion.

    pose_directions (V,3,9) are a joint's, for the elements of R - I, row by row, in SMPL's frame;
    bone_from_smpl (3,3) turns SMPL's frame into the bone's at rest.
    """
    elements = np.zeros((3, 3, 9))  # of L - I, L the bone's rotation
    for axis, (one, other) in enumerate(((1, 2), (0, 2), (0, 1))):
        elements[axis, axis, [one, other]] = -2.0
    for (i, j), with_w, sign in (((0, 1), 8, -1), ((0, 2), 7, 1), ((1, 2), 6, -1)):
        elements[i, j, i + j + 2] = elements[j, i, i + j + 2] = 2.0
        elements[i, j, with_w], elements[j, i, with_w] = 2.0 * sign, -2.0 * sign
    seen = np.einsum("ka,klp,lb->abp", bone_from_smpl, elements, bone_from_smpl)
    return np.einsum(
        "xc,vce,ep->vxp", TO_BLENDER, pose_directions, seen.reshape(9, 9), optimize=True
    )


def _checked(armature: bpy.types.Object, body: Body) -> np.ndarray:
    """How the bones lie (24,3,3), where correctives can be added."""
    if reason := why_fixed(armature):
        raise LsmplError(f"{armature.name}: {reason}")
    if not shape.fits(armature, body):
        raise LsmplError(
            f"{armature.name}: is a character of another body, {shape.facts(armature).get('body')}"
        )
    if body.pose_directions is None:
        raise LsmplError(
            f"{armature.name}: its body {body.name} comes without pose correctives (posedirs)"
        )
    for mesh in shape.meshes_of(armature):
        if len(mesh.data.vertices) != len(body.v_template):
            raise LsmplError(
                f"{armature.name}: its mesh {mesh.name} was edited: it has "
                f"{len(mesh.data.vertices)} vertices, the body {len(body.v_template)}"
            )
    return character.bone_rotations(armature, body)


def _add_keys(
    armature: bpy.types.Object, mesh: bpy.types.Object, body: Body, rest: np.ndarray
) -> None:
    active = mesh.active_shape_key_index
    keys, lay, pose_directions = mesh.data.shape_keys, {}, body.pose_directions
    assert pose_directions is not None  # see `_checked`
    basis = np.empty(3 * len(body.v_template), dtype=np.float32)
    keys.reference_key.data.foreach_get("co", basis)

    # A key for each product of a bone's quaternion that moves the skin far enough to be seen.
    for joint, name in enumerate(body.joint_names[1:], start=1):
        of_joint = pose_directions[:, :, 9 * (joint - 1) : 9 * joint]
        if not np.any(of_joint):
            continue
        moves = directions(of_joint, rest[joint].T @ TO_BLENDER)
        for number in np.flatnonzero(
            np.abs(moves).max(axis=(0, 1)) * _LARGEST_OF_PRODUCT > _LEAST_MOVE_METRES
        ):
            product = PRODUCTS[number]
            key = mesh.shape_key_add(
                name=f"Corrective {name} {product.replace('*', '')}", from_mix=False
            )
            key.data.foreach_set("co", basis + moves[:, :, number].astype(np.float32).ravel())
            key.slider_min, key.slider_max = -1.0, 1.0
            _drive(key, armature, name, product)
            lay[name] = np.round(rest[joint], 5).tolist()

    keys[_BONES_KEY] = json.dumps(lay)
    mesh.active_shape_key_index = active


def _drive(key: bpy.types.ShapeKey, armature: bpy.types.Object, bone: str, product: str) -> None:
    curve = key.driver_add("value")
    driver = curve.driver
    driver.type, driver.expression = "SCRIPTED", product
    for name in sorted(set(product) - {"*"}):
        variable = driver.variables.new()
        variable.name, variable.type = name, "TRANSFORMS"
        target = variable.targets[0]
        target.id, target.bone_target = armature, bone
        target.transform_type = f"ROT_{name.upper()}"
        target.transform_space, target.rotation_mode = "LOCAL_SPACE", "QUATERNION"


def _remove_keys(mesh: bpy.types.Object, ours: list[bpy.types.ShapeKey]) -> None:
    keys = mesh.data.shape_keys
    active = mesh.active_shape_key
    active = active.name if active and not is_corrective(active) else keys.reference_key.name
    for key in ours:
        key.driver_remove("value")
        mesh.shape_key_remove(key)
    if keys.animation_data and not (keys.animation_data.drivers or keys.animation_data.action):
        keys.animation_data_clear()
    keys.pop(_BONES_KEY, None)
    mesh.active_shape_key_index = keys.key_blocks.find(active)
