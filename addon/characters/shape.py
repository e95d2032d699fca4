"""The shape of a character: SMPL's betas as sliders that move its bones and its mesh together,
live.

Where a character's joints go with the betas is kept with it, so its shape can be changed where the
body's file is not. Other betas move the whole rest pose so that the soles stay where they are and
the pelvis rises or sinks straight up: keys of the pelvis count from its rest place, so a character
that stands goes on standing.
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import lru_cache

import bpy
import numpy as np
from bpy.props import FloatProperty, FloatVectorProperty

from ...lsmpl_core import LsmplError
from ...lsmpl_core.body.body import Body
from ...lsmpl_core.body.sites import site_parts
from ...lsmpl_core.bounds import LARGEST_HAND, SMALLEST_HAND
from ...lsmpl_core.cleaning.floor import FOOT_POINTS
from .. import stored_facts
from ..registration import registration
from ..rigging import building, curls, limbs
from ..stored_facts import Fields, array_of, is_positive, is_text, list_of, optional
from .editing import editing

CHARACTER_KEY = "lsmpl_character"
JOINTS_KEY = "lsmpl_joints"
BETAS = 10
_FACTS = Fields(
    body=is_text,
    body_path=optional(is_text),
    betas=optional(array_of(BETAS)),
    taken=optional(array_of(BETAS)),
    hand_size=optional(is_positive),
    taken_hands=optional(is_positive),
)
_JOINTS = Fields(
    names=list_of(is_text),
    rest=array_of(-1, 3),
    directions=array_of(-1, 3, BETAS),
    hands=optional(array_of(-1, 3)),
)
HAND_KEY = "Hand Size"
"""Shape key of a body's mesh: its hands twice as large at 1, gone at -1."""
TO_BLENDER = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""C: from SMPL's rest frame to Blender's."""


@lru_cache(maxsize=4)
def grounding(body: Body) -> np.ndarray:
    """(3,10) metres, in the body's own frame: by how much each beta moves the whole rest pose.

    It keeps the pelvis over its place and heels and toes, on average, at their height.
    """
    parts = site_parts(body, FOOT_POINTS)
    mean = parts.rest_positions(np.zeros(BETAS))
    soles = [(parts.rest_positions(beta) - mean)[:, 1].mean() for beta in np.eye(BETAS)]
    pelvis = body.joint_directions[0]
    return -np.stack([pelvis[0], soles, pelvis[2]])


def rest_joints(body: Body, betas: np.ndarray) -> np.ndarray:
    """(24,3): where the bones of a character with these betas begin, in Blender's frame."""
    return (body.rest_joints(betas) + grounding(body) @ betas) @ TO_BLENDER.T


def is_character(obj: bpy.types.Object | None) -> bool:
    """Whether an object is the armature of a character of ours."""
    return (
        obj is not None
        and obj.type == "ARMATURE"
        and CHARACTER_KEY in obj
        and JOINTS_KEY in obj.data
    )


def facts(armature: bpy.types.Object) -> dict:
    """body: its key; body_path; betas and hand_size: its shape now; taken and taken_hands: those of
    the motion that was last baked on it."""
    try:
        return stored_facts.load(armature, CHARACTER_KEY, _FACTS)
    except LsmplError:
        return {}


def fits(armature: bpy.types.Object, body: Body) -> bool:
    """Whether an armature was built for this body."""
    return is_character(armature) and facts(armature).get("body") == body.key


def betas_of(armature: bpy.types.Object) -> np.ndarray:
    """(10,): the shape that a character has."""
    return np.array(facts(armature).get("betas", np.zeros(BETAS)), dtype=np.float64)


def taken_of(armature: bpy.types.Object) -> np.ndarray:
    """(10,): the shape of the motion that was last baked on a character."""
    return np.array(facts(armature).get("taken", np.zeros(BETAS)), dtype=np.float64)


def hand_size_of(armature: bpy.types.Object, taken: bool = False) -> float:
    """How large a character's hands are (`Motion.hand_size`), or its motion's where `taken`."""
    return float(facts(armature).get("taken_hands" if taken else "hand_size", 1.0))


def has_hand_size(armature: bpy.types.Object) -> bool:
    """Whether a character's hands can have another size: one made by 0.1, or of a body without
    fingers, has none."""
    return "hands" in joints_known(armature)


def is_own(armature: bpy.types.Object) -> bool:
    """Whether a character has another shape than its motion, because somebody gave it one."""
    sizes = hand_size_of(armature), hand_size_of(armature, taken=True)
    return not (
        np.allclose(betas_of(armature), taken_of(armature), rtol=0, atol=1e-6)
        and np.isclose(*sizes, rtol=0, atol=1e-6)
    )


def remember(armature: bpy.types.Object, body: Body, body_path: str) -> None:
    """Keep with a new character what body it is of, and how its joints follow the betas."""
    _store(armature, body=body.key, body_path=body_path, betas=[0.0] * BETAS, taken=[0.0] * BETAS)
    moving = body.joint_directions + grounding(body)
    known = {
        "names": body.joint_names,
        "rest": np.round(body.rest_joints(), 7).tolist(),
        "directions": np.round(moving, 7).tolist(),
    }
    if body.fingers is not None:
        known["hands"] = np.round(body.hand_joint_directions, 7).tolist()
    armature.data[JOINTS_KEY] = json.dumps(known)


def set_taken(armature: bpy.types.Object, betas: np.ndarray, hand_size: float = 1.0) -> None:
    """Note the shape of the motion that is being baked."""
    betas = np.asarray(betas, dtype=np.float64)
    _store(armature, taken=betas.tolist(), taken_hands=float(hand_size))


def meshes_of(armature: bpy.types.Object) -> list[bpy.types.Object]:
    """The meshes on a character that follow its shape."""
    return [obj for obj in armature.children if obj.type == "MESH" and "Shape 1" in _keys(obj)]


def why_fixed(armature: bpy.types.Object) -> str:
    """Why a character's shape cannot be changed now; "" where it can."""
    if not is_character(armature):
        return "is no character of LSMPL"
    if armature.library or armature.data.library or armature.override_library:
        return "is linked from another file; make it local to change its shape"
    if armature.data.users > 1:
        return "shares its bones with another object; make them single-user to change its shape"
    missing = [name for name in joints_known(armature)["names"] if name not in armature.data.bones]
    return (
        f"has no bone {', '.join(missing)}; undo the renaming, or delete it and bake"
        if missing
        else ""
    )


def reshape(armature: bpy.types.Object, betas: np.ndarray, hand_size: float | None = None) -> None:
    """Give a character these betas (10,) and hands of this size, None for those that it has: bones,
    keeping how they lie, and meshes; nothing of its pose changes.

    Raises `LsmplError` where it cannot have another shape.
    """
    betas = np.asarray(betas, dtype=np.float64)
    if reason := why_fixed(armature):
        raise LsmplError(f"{armature.name}: {reason}")
    before = hand_size_of(armature)
    hand_size = before if hand_size is None or not has_hand_size(armature) else float(hand_size)
    same_hands = np.isclose(before, hand_size, rtol=0, atol=1e-7)
    if not (same_hands and np.allclose(betas_of(armature), betas, rtol=0, atol=1e-7)):
        _move_bones(armature, betas, hand_size)
        _store(armature, betas=betas.tolist(), hand_size=hand_size)
    for mesh in meshes_of(armature):
        _set_keys(mesh, betas, hand_size)


def mean_joints(armature: bpy.types.Object) -> tuple[list[str], np.ndarray]:
    """A character's joints by name, and where their bones would begin (24,3) with all betas 0."""
    known = joints_known(armature)
    return list(known["names"]), np.array(known["rest"]) @ TO_BLENDER.T


def _move_bones(armature: bpy.types.Object, betas: np.ndarray, hand_size: float) -> None:
    known = joints_known(armature)
    rest = np.array(known["rest"]) + np.array(known["directions"]) @ betas
    if "hands" in known:
        rest += (hand_size - 1.0) * np.array(known["hands"])
    heads = rest @ TO_BLENDER.T
    rig = building.rig_of(armature, known["names"]) if limbs.are_on(armature) else None
    with editing(armature.data):
        bones = armature.data.edit_bones
        for name, head in zip(known["names"], heads):
            bone = bones[name]
            along, roll = bone.tail - bone.head, bone.roll
            bone.head = head
            bone.tail = bone.head + along
            bone.roll = roll
        if rig is not None:
            building.lay_bones(bones, replace(rig, heads=heads))
            if curls.are_there(bones):
                curls.lay_bones(bones)
    if rig is not None:
        building.measure(armature, replace(rig, heads=heads))


def _set_keys(mesh: bpy.types.Object, betas: np.ndarray, hand_size: float) -> None:
    keys = _keys(mesh)
    values = {f"Shape {number}": beta for number, beta in enumerate(betas, start=1)}
    for name, value in (values | {HAND_KEY: hand_size - 1.0}).items():
        key = keys.get(name)
        if key and key.value != value:
            key.slider_min, key.slider_max = min(key.slider_min, value), max(key.slider_max, value)
            key.value = value


def _keys(mesh: bpy.types.Object):
    return mesh.data.shape_keys.key_blocks if mesh.data.shape_keys else {}


def _store(armature: bpy.types.Object, **changed) -> None:
    armature[CHARACTER_KEY] = json.dumps({**facts(armature), **changed})


def joints_known(armature: bpy.types.Object) -> dict:
    """What is known of how joints follow the betas. Raises `LsmplError` where that is damaged."""
    return stored_facts.load(armature.data, JOINTS_KEY, _JOINTS)


def _get_betas(settings: ShapeSettings) -> list[float]:
    return betas_of(settings.id_data).tolist()


def _set_betas(settings: ShapeSettings, betas) -> None:
    if not why_fixed(settings.id_data):  # the panel says why not
        reshape(settings.id_data, np.array(betas))


def _get_hand_size(settings: ShapeSettings) -> float:
    return hand_size_of(settings.id_data)


def _set_hand_size(settings: ShapeSettings, size: float) -> None:
    if not why_fixed(settings.id_data):
        reshape(settings.id_data, betas_of(settings.id_data), size)


class ShapeSettings(bpy.types.PropertyGroup):
    """`Object.lsmpl_shape` of a character."""

    betas: FloatVectorProperty(
        name="Shape",
        description="The body's ten shape components (SMPL's betas). Bones and skin follow; the "
        "animation stays, and so do standing feet on their floor",
        size=BETAS,
        soft_min=-3.0,
        soft_max=3.0,
        min=-10.0,
        max=10.0,
        precision=2,
        step=5,
        options=set(),
        get=_get_betas,
        set=_set_betas,
    )
    hand_size: FloatProperty(
        name="Hand Size",
        description="How large the hands are, in hands of a body of this shape. "
        "Bones and skin follow; the animation stays",
        soft_min=0.8,
        soft_max=1.25,
        min=SMALLEST_HAND,
        max=LARGEST_HAND,
        precision=2,
        step=1,
        options=set(),
        get=_get_hand_size,
        set=_set_hand_size,
    )


_CLASSES = (ShapeSettings,)


register, unregister = registration(_CLASSES, (bpy.types.Object, "lsmpl_shape", ShapeSettings))
