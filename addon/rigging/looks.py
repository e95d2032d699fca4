"""What controls look like: shapes to see and click, colours by side, bone collections."""

from __future__ import annotations

from collections.abc import Iterable

import bpy
import numpy as np

from ...lsmpl_core.body.skeleton import FINGER_JOINT_NAMES
from .limbs import CONTROL_BONES, CURLS, HAND_CURLS, LIMBS, ROOT, Limb

_SHAPE_NAMES = "LSMPL Control "
"""How the objects begin that are the shapes of controls."""
_DEFORM, _FK, _IK, _ROOT, _MECHANISM = "Deform", "FK", "IK", "Root", "Mechanism"
_FINGERS, _CURLS = "Fingers", "Curls"

# Normal, selected and active colour. Blender's own palettes are dark where nothing is selected,
# and can hardly be told apart on a grey body.
_Colours = tuple[tuple[float, float, float], ...]
_LEFT = (0.2, 0.5, 1.0), (0.55, 0.8, 1.0), (0.8, 0.95, 1.0)
_RIGHT = (1.0, 0.25, 0.2), (1.0, 0.6, 0.5), (1.0, 0.85, 0.8)
_MIDDLE = (0.95, 0.7, 0.1), (1.0, 0.9, 0.45), (1.0, 1.0, 0.8)
_OF_ROOT = (0.2, 0.8, 0.25), (0.55, 1.0, 0.5), (0.85, 1.0, 0.8)
_WIRE_PIXELS = 2.0
_SEGMENTS = 32

# Of each deform bone, the radius of its ring in metres and where along it the ring is, in shares
# of its length. It goes around the limb, outside of the skin.
_RINGS = {
    "pelvis": (0.24, 0.1),
    "spine1": (0.2, 0.5),
    "spine2": (0.19, 0.5),
    "spine3": (0.2, 0.6),
    "neck": (0.1, 0.5),
    "head": (0.15, 0.6),
    "collar": (0.1, 0.5),
    "shoulder": (0.1, 0.45),
    "elbow": (0.08, 0.45),
    "wrist": (0.07, 0.3),
    "hand": (0.045, 0.95),
    "hip": (0.14, 0.45),
    "knee": (0.11, 0.45),
    "ankle": (0.09, 0.3),
    "foot": (0.06, 0.8),
}
_FINGER_RING = 0.014, 0.5
# Radii of the balls that are curls, beyond the finger tips and above the back of the hand, in
# metres, and where along their bones they are.
_CURL_METRES, _CURL_AT = 0.008, 1.15
_HAND_CURL_METRES, _HAND_CURL_AT = 0.012, (0.6, 0.05)
_TWIST_METRES, _TWIST_AT = 0.06, 0.5
_POLE_METRES, _ROOT_METRES = 0.06, 0.5
# Half the width, length and height of the boxes, which end before the rings of fingers and toes:
# of two shapes in the same place the wrong one is clicked. And where along their bones they are.
_BOX_METRES = {"arm": (0.07, 0.065, 0.05), "leg": (0.07, 0.085, 0.05)}
_BOX_AT = {"arm": 0.3, "leg": 0.2}


def dress(armature: bpy.types.Object, joints: Iterable[str]) -> None:
    """Give deform bones and controls shapes, colours and collections. Deform bones that somebody
    gave a shape or a colour keep it."""
    bones, joints = armature.data.bones, list(joints)
    groups: dict[str, list[str]] = {_DEFORM: joints, _FK: _of_trunk(joints), _IK: [], _ROOT: [ROOT]}
    groups[_MECHANISM] = [name for limb in LIMBS for name in limb.mechanism]
    fingers = [name for name in joints if name in FINGER_JOINT_NAMES]
    curls = [name for name in (*CURLS, *HAND_CURLS) if name in bones]
    if fingers:
        groups |= {_FINGERS: fingers, _CURLS: curls}
    for name, members in groups.items():
        _collection(armature, name, members)
    for limb in LIMBS:
        _collection(armature, f"{_FK} {limb.label}", limb.bones, inside=_FK)
        _collection(armature, f"{_IK} {limb.label}", limb.controls, inside=_IK)
    for name in (_DEFORM, _MECHANISM):
        armature.data.collections_all[name].is_visible = False

    pose = armature.pose.bones
    for name in joints:
        radius, along = _RINGS.get(name, _RINGS.get(name.split("_")[-1], _FINGER_RING))
        if pose[name].custom_shape is None:
            _wear(pose[name], "Ring", radius, along)
    _wear(pose[ROOT], "Root", _ROOT_METRES)
    for limb in LIMBS:
        kind = limb.name.split("_")[-1]
        _wear(pose[limb.ik], "Box", _BOX_METRES[kind], _BOX_AT[kind])
        _wear(pose[limb.pole], "Ball", _POLE_METRES)
        for name in limb.twists:
            _wear(pose[name], "Ring", _TWIST_METRES, _TWIST_AT)
    for name in curls:
        if name in CURLS:
            _wear(pose[name], "Ball", _CURL_METRES, _CURL_AT)
        else:
            _wear(pose[name], "Ball", _HAND_CURL_METRES, _HAND_CURL_AT[0])
            pose[name].custom_shape_translation.z = -_HAND_CURL_AT[1]
    for name in (*joints, *CONTROL_BONES):
        if name in bones and bones[name].color.palette == "DEFAULT":
            _paint(bones[name].color, _colours(name))


def undress(armature: bpy.types.Object, joints: Iterable[str]) -> None:
    """Take away what `dress` gave, as far as it is still there."""
    for name in joints:
        pose, bone = armature.pose.bones.get(name), armature.data.bones.get(name)
        if pose is not None and _is_ours(pose.custom_shape):
            pose.custom_shape = None
            pose.custom_shape_translation, pose.custom_shape_scale_xyz = (0, 0, 0), (1, 1, 1)
            pose.use_custom_shape_bone_size = True
        if bone is not None and _is_painted(bone.color, _colours(name)):
            bone.color.palette = "DEFAULT"
    collections = armature.data.collections_all
    ours = [f"{kind} {limb.label}" for kind in (_FK, _IK) for limb in LIMBS]
    for name in (*ours, _DEFORM, _FK, _IK, _ROOT, _MECHANISM, _FINGERS, _CURLS):
        if name in collections:
            armature.data.collections.remove(collections[name])


def drop_unused_shapes() -> None:
    """Remove the shapes of controls that no character has any more."""
    for shape in [obj for obj in bpy.data.objects if _is_ours(obj) and obj.users == 0]:
        mesh = shape.data
        bpy.data.objects.remove(shape)
        if mesh.users == 0:
            bpy.data.meshes.remove(mesh)


def show_limb(armature: bpy.types.Object, limb: Limb, is_ik: bool, is_keyed: bool = False) -> None:
    """Show the controls that move a limb, and hide the others. Where the switch is keyed, those of
    both sides do at some time."""
    collections = armature.data.collections_all
    for kind, shown in ((_FK, not is_ik or is_keyed), (_IK, is_ik or is_keyed)):
        collection = collections.get(f"{kind} {limb.label}")
        if collection is not None:
            collection.is_visible = shown


def _of_trunk(joints: list[str]) -> list[str]:
    """The FK controls that are in no limb which follows IK, and in no hand."""
    elsewhere = {name for limb in LIMBS for name in limb.bones} | set(FINGER_JOINT_NAMES)
    return [name for name in joints if name not in elsewhere]


def _collection(
    armature: bpy.types.Object, name: str, members: Iterable[str], inside: str = ""
) -> None:
    data = armature.data
    collection = data.collections_all.get(name)
    if collection is None:
        parent = data.collections_all[inside] if inside else None
        collection = data.collections.new(name, parent=parent)
    for member in members:
        collection.assign(data.bones[member])


def _paint(color: bpy.types.BoneColor, colours: _Colours) -> None:
    color.palette = "CUSTOM"
    color.custom.normal, color.custom.select, color.custom.active = colours


def _is_painted(color: bpy.types.BoneColor, colours: _Colours) -> bool:
    custom = color.custom
    now = (*custom.normal, *custom.select, *custom.active)
    return color.palette == "CUSTOM" and np.allclose(now, np.ravel(colours), atol=0.01)


def _colours(name: str) -> _Colours:
    if name == ROOT:
        return _OF_ROOT
    return _LEFT if name.startswith("left") else _RIGHT if name.startswith("right") else _MIDDLE


def _wear(
    bone: bpy.types.PoseBone,
    shape: str,
    size: float | tuple[float, float, float],
    along: float = 0.0,
) -> None:
    bone.custom_shape = _shape(shape)
    bone.use_custom_shape_bone_size = False
    bone.custom_shape_scale_xyz = np.broadcast_to(size, 3)
    bone.custom_shape_translation = (0.0, along * bone.bone.length, 0.0)
    if hasattr(bone, "custom_shape_wire_width"):
        bone.custom_shape_wire_width = _WIRE_PIXELS


def _is_ours(obj: bpy.types.Object | None) -> bool:
    return obj is not None and obj.name.startswith(_SHAPE_NAMES)


def _shape(name: str) -> bpy.types.Object:
    """An object, linked to no collection, that is a shape of size 1 about a bone's head."""
    full = f"{_SHAPE_NAMES}{name}"
    found = bpy.data.objects.get(full)
    if found is None or found.library is not None:
        vertices, edges = _OUTLINES[name]()
        mesh = bpy.data.meshes.new(full)
        mesh.from_pydata(vertices.tolist(), edges, ())
        found = bpy.data.objects.new(full, mesh)
    return found


Outline = tuple[np.ndarray, list[tuple[int, int]]]
"""Vertices (N,3) and edges; Y is along the bone."""


def _ring(axis: int = 1) -> Outline:
    """A circle about an axis."""
    angle = np.linspace(0.0, 2.0 * np.pi, _SEGMENTS, endpoint=False)
    vertices = np.zeros((_SEGMENTS, 3))
    vertices[:, (axis + 1) % 3], vertices[:, (axis + 2) % 3] = np.cos(angle), np.sin(angle)
    return vertices, [(i, (i + 1) % _SEGMENTS) for i in range(_SEGMENTS)]


def _ball() -> Outline:
    return _joined(_ring(0), _ring(1), _ring(2))


def _box() -> Outline:
    sides = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], dtype=float)
    edges = [
        (i, j)
        for i in range(8)
        for j in range(i + 1, 8)
        if np.abs(sides[i] - sides[j]).sum() == 2.0
    ]
    return sides, edges


def _root() -> Outline:
    """A ring on the floor with an arrow to where the character faces at rest, -Y."""
    arrow = np.array([(-0.2, -1.0, 0.0), (0.0, -1.35, 0.0), (0.2, -1.0, 0.0)])
    return _joined(_ring(2), (arrow, [(0, 1), (1, 2)]))


def _joined(*outlines: Outline) -> Outline:
    edges, before = [], 0
    for vertices, of_it in outlines:
        edges += [(i + before, j + before) for i, j in of_it]
        before += len(vertices)
    return np.concatenate([vertices for vertices, _ in outlines]), edges


_OUTLINES = {"Ring": _ring, "Ball": _ball, "Box": _box, "Root": _root}
