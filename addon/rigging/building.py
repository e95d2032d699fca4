"""The control bones themselves: made, kept where the body's shape puts them, and taken away.

Deform bones follow by Copy Transforms, whose influence the limb's switch drives; the angle of the
upper bone comes from the law of cosines, a driver of the kind that Blender calls simple. Neither
needs Python, so the rig plays in a Blender without LSMPL and with scripts disabled. There is no
inverse kinematics constraint: Blender's solver approaches its target, nearly straight limbs badly.
"""

from __future__ import annotations

import bpy
import numpy as np

from .limbs import CONTROL_BONES, LIMB_BONES, LIMBS, MARK, ROOT, SWITCH, Limb, switch_path
from .two_bone import STRAIGHT_WITHIN, Layout, Rig

FOLLOWS = "LSMPL IK"
"""The constraint of a deform bone that lets it follow its limb's controls."""
_ROOT_METRES, _CONTROL_METRES, _POLE_METRES = 0.3, 0.15, 0.1
"""How long these bones are."""
_PELVIS = "pelvis"


def rig_of(armature: bpy.types.Object, names: list[str]) -> Rig:
    """How the joints of these names, and the controls if there are some, lie at rest."""
    bones = armature.data.bones
    found = [bones[name] for name in names]
    matrices = np.array([bone.matrix_local for bone in found], dtype=np.float64)
    above = [bone.parent.name if bone.parent else "" for bone in found]
    anchors = [ROOT, *(name for limb in LIMBS for name in (limb.ik, limb.pole))]
    return Rig(
        names,
        [names.index(parent) if parent in names else -1 for parent in above],
        matrices[:, :3, 3],
        matrices[:, :3, :3],
        {
            name: np.array(bones[name].matrix_local, dtype=np.float64)
            for name in anchors
            if name in bones
        },
    )


def anchors_of(rig: Rig, ground: np.ndarray) -> dict[str, np.ndarray]:
    """Where IK controls and poles (4,4) are at rest, for a rig of the body's mean shape, and the
    root, which stands at a point (3,).

    They stay there whatever shape the body gets: keys of controls say where hands and feet are.
    """
    anchors = {ROOT: _matrix(ground, np.eye(3))}
    for limb in LIMBS:
        laid = rig.layouts[limb.name]
        _, lower, end = (rig.names.index(name) for name in limb.bones)
        anchors[limb.ik] = _matrix(rig.heads[end], rig.rotations[end])
        away = laid.frame[:, 2] * sum(laid.lengths)
        anchors[limb.pole] = _matrix(rig.heads[lower] + away, np.eye(3))
    return anchors


def make_bones(edit_bones: bpy.types.ArmatureEditBones, rig: Rig) -> None:
    """In Edit Mode: the bones of root, controls and mechanisms, the pelvis on the root. rig is of
    the shape that the character has, with anchors."""
    root = _bone(edit_bones, ROOT, rig.anchors[ROOT], _ROOT_METRES)
    edit_bones[_PELVIS].parent = root
    for limb in LIMBS:
        above = edit_bones[limb.bones[0]].parent
        ik = _bone(edit_bones, limb.ik, rig.anchors[limb.ik], _CONTROL_METRES, root)
        _bone(edit_bones, limb.pole, rig.anchors[limb.pole], _POLE_METRES, root)
        aim = _bone(edit_bones, limb.aim, np.eye(4), 1.0, above)
        _bone(edit_bones, limb.reach, np.eye(4), 1.0, aim)
        upper = _bone(edit_bones, limb.upper, np.eye(4), 1.0, aim)
        twist = _bone(edit_bones, limb.twists[0], np.eye(4), 1.0, upper)
        lower = _bone(edit_bones, limb.lower, np.eye(4), 1.0, twist)
        _bone(edit_bones, limb.twists[1], np.eye(4), 1.0, lower)
        _bone(edit_bones, limb.end, rig.anchors[limb.ik], _CONTROL_METRES, ik)
    lay_bones(edit_bones, rig)


def lay_bones(edit_bones: bpy.types.ArmatureEditBones, rig: Rig) -> None:
    """In Edit Mode: put the mechanisms where the limbs are at rest."""
    for limb in LIMBS:
        laid = rig.layouts[limb.name]
        upper, lower, _ = (rig.heads[rig.names.index(name)] for name in limb.bones)
        in_front = ((limb.aim, 0), (limb.reach, 0), (limb.upper, 0), (limb.lower, 1))
        for name, bone in in_front:
            _lay(edit_bones[name], _matrix((upper, lower)[bone], laid.frame), laid.lengths[bone])
        for name, head, lies, length in zip(limb.twists, (upper, lower), laid.twists, laid.lengths):
            _lay(edit_bones[name], _matrix(head, lies), 0.5 * length)


def connect(armature: bpy.types.Object, rig: Rig) -> None:
    """Constraints, drivers and switches, at FK, for bones that were just made."""
    pose = armature.pose.bones
    for name in LIMB_BONES:
        pose[name].rotation_mode = "QUATERNION"
        pose[name].lock_scale = (True, True, True)  # a body has one size: its shape's
    for limb in LIMBS:
        _add_switch(pose[limb.ik])
        _constrain(armature, limb.aim, "DAMPED_TRACK", limb.ik).track_axis = "TRACK_Y"
        towards_pole = _constrain(armature, limb.aim, "LOCKED_TRACK", limb.pole)
        towards_pole.track_axis, towards_pole.lock_axis = "TRACK_Z", "LOCK_Y"
        _constrain(armature, limb.reach, "COPY_LOCATION", limb.ik)
        _constrain(armature, limb.lower, "DAMPED_TRACK", limb.ik).track_axis = "TRACK_Y"
        _constrain(armature, limb.end, "COPY_LOCATION", limb.lower).head_tail = 1.0
        for name, followed in zip(limb.bones, limb.followed):
            constraint = _constrain(armature, name, "COPY_TRANSFORMS", followed)
            constraint.name = FOLLOWS
            _drive_influence(armature, constraint, limb)
        for name in limb.twists:
            pose[name].lock_location = (True, True, True)
        pose[limb.pole].lock_rotation = (True, True, True)
        pose[limb.pole].lock_rotation_w = True
        pose[limb.upper].rotation_mode = "XYZ"
    measure(armature, rig)


def measure(armature: bpy.types.Object, rig: Rig) -> None:
    """Tell the drivers how long the limbs are."""
    for limb in LIMBS:
        pose = armature.pose.bones[limb.upper]
        pose.driver_remove("rotation_euler", 0)
        driver = pose.driver_add("rotation_euler", 0).driver
        driver.type, driver.expression = "SCRIPTED", _angle(rig.layouts[limb.name])
        variable = driver.variables.new()
        variable.name, variable.type = "d", "TRANSFORMS"
        target = variable.targets[0]
        target.id, target.bone_target = armature, limb.reach
        target.transform_type, target.transform_space = "LOC_Y", "LOCAL_SPACE"


def _angle(laid: Layout) -> str:
    """Of the upper bone to the line to the control, d metres long."""
    one, other = laid.lengths
    squares, double = one**2 - other**2, 2.0 * one
    cosine = f"(d*d+({squares:.9g}))/({double:.9g}*max(d,1e-6))"
    return f"acos(min(1,max(-1,{cosine}+{STRAIGHT_WITHIN:g})))"


def disconnect(armature: bpy.types.Object) -> None:
    """Take constraints and drivers away from deform bones and mechanisms, as far as they are
    there."""
    pose = armature.pose.bones
    for limb in LIMBS:
        for name in limb.bones:
            found = pose[name].constraints.get(FOLLOWS) if name in pose else None
            if found is not None:
                found.driver_remove("influence")
                pose[name].constraints.remove(found)
        if limb.upper in pose:
            pose[limb.upper].driver_remove("rotation_euler", 0)


def remove_bones(edit_bones: bpy.types.ArmatureEditBones) -> None:
    """In Edit Mode: the deform bones alone are left, as they were."""
    pelvis = edit_bones.get(_PELVIS)
    if pelvis is not None and pelvis.parent is not None and pelvis.parent.name == ROOT:
        pelvis.parent = None
    for name in CONTROL_BONES:
        if name in edit_bones:
            edit_bones.remove(edit_bones[name])


def retarget(twin: bpy.types.Object, before: bpy.types.Object) -> None:
    """Let constraints and drivers of a copied armature look at the copy where they look at
    `before`, of which it is one."""
    for bone in twin.pose.bones:
        for constraint in bone.constraints:
            for end in (constraint, *getattr(constraint, "targets", ())):
                for name in ("target", "pole_target"):
                    if getattr(end, name, None) == before:
                        setattr(end, name, twin)
    for curve in twin.animation_data.drivers if twin.animation_data else ():
        for variable in curve.driver.variables:
            for target in variable.targets:
                if target.id == before:
                    target.id = twin


def mark(data: bpy.types.Armature, is_on: bool) -> None:
    if is_on:
        data[MARK] = 1
    else:
        data.pop(MARK, None)


def _bone(
    edit_bones: bpy.types.ArmatureEditBones,
    name: str,
    matrix: np.ndarray,
    length: float,
    parent: bpy.types.EditBone | None = None,
) -> bpy.types.EditBone:
    bone = edit_bones.new(name)
    bone.use_deform = False
    bone.parent = parent
    _lay(bone, matrix, length)
    return bone


def _lay(bone: bpy.types.EditBone, matrix: np.ndarray, length: float) -> None:
    head, y, z = matrix[:3, 3], matrix[:3, 1], matrix[:3, 2]
    bone.head, bone.tail = head, head + length * y
    bone.align_roll(z)


def _matrix(head: np.ndarray, rotation: np.ndarray) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = rotation, head
    return matrix


def _add_switch(bone: bpy.types.PoseBone) -> None:
    bone[SWITCH] = 0.0
    bone.id_properties_ui(SWITCH).update(
        min=0.0, max=1.0, soft_min=0.0, soft_max=1.0, description="0 is FK, 1 is IK"
    )
    bone.property_overridable_library_set(f'["{SWITCH}"]', True)


def _constrain(armature: bpy.types.Object, bone: str, kind: str, at: str) -> bpy.types.Constraint:
    constraint = armature.pose.bones[bone].constraints.new(kind)
    constraint.target, constraint.subtarget = armature, at
    return constraint


def _drive_influence(
    armature: bpy.types.Object, constraint: bpy.types.Constraint, limb: Limb
) -> None:
    driver = constraint.driver_add("influence").driver
    driver.type = "AVERAGE"
    variable = driver.variables.new()
    variable.targets[0].id = armature
    variable.targets[0].data_path = switch_path(limb)
