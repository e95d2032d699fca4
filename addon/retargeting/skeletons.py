"""An armature as the core sees it: where the mapped bones are, what they follow, and how they are
found at rest.

In a plain skeleton a bone follows its nearest mapped ancestor. Control rigs put constraints in
between; there it is tried out what follows what (`by_trial.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import bpy
import numpy as np
from mathutils import Matrix, Vector

from ...lsmpl_core import LsmplError
from ...lsmpl_core.retargeting.target_skeleton import TargetSkeleton
from ..characters.correctives import is_corrective
from . import by_trial

_SCALE_TOLERANCE = 0.01
"""Share of their mean by which the scales of an armature along its axes may differ."""
_ROOTS = ("root", "master", "global", "c_traj")
"""What control rigs call the bone that carries all others."""
_STRAIGHT_COSINE = np.cos(np.radians(60.0))
"""Of the bend at a wrist or an ankle, up to which the tail of the bone is believed to be where hand
or foot end."""


def measure(
    armature: bpy.types.Object, bones: Mapping[str, str], take: bpy.types.Object
) -> TargetSkeleton:
    """The mapped bones of an armature, as it stands now; bones: the SMPL joint of each, all of them
    the armature's.

    Raises `LsmplError` where the armature is stretched, or its bones follow each other only in
    part.
    """
    pose = armature.pose.bones
    to_take = _even(take.matrix_world, take).inverted() @ _even(armature.matrix_world, armature)
    order = [bone.name for bone in _parents_first(armature) if bone.name in bones]
    constrained = any(
        not c.mute and c.influence > 0
        for name in order
        for b in _line(pose[name])
        for c in b.constraints
    )
    parents, matrices, frames, axes = (by_trial.find_lines if constrained else _by_hierarchy)(
        armature, order, [name for name in order if bones[name] == "pelvis"][:1]
    )
    links = [
        frame if parent < 0 else _rigid(matrices[parent]).inverted() @ frame
        for parent, frame in zip(parents, frames)
    ]
    # Parents first, also where a rig's bones follow others than they hang on.
    depth = [_depth(parents, bone) for bone in range(len(order))]
    sequence = sorted(range(len(order)), key=lambda bone: depth[bone])
    place = {bone: number for number, bone in enumerate(sequence)}
    place[-1] = -1
    names = [order[bone] for bone in sequence]
    return TargetSkeleton(
        names=names,
        joints=[bones[name] for name in names],
        parents=[place[parents[bone]] for bone in sequence],
        links=np.array([links[bone] for bone in sequence]).reshape(-1, 4, 4),
        rest=np.array([armature.data.bones[name].matrix_local for name in names]).reshape(-1, 4, 4),
        ends=np.array([_end(armature.data.bones[name]) for name in names]).reshape(-1, 3),
        to_take=np.array(to_take),
        location_axes=axes,
        skin=skin_of(armature),
        root=_root_matrix(armature, order, bones),
    )


def root_bone(armature: bpy.types.Object, bones: Mapping[str, str]) -> bpy.types.Bone | None:
    """The bone that all mapped bones hang on and that is none of them, if there is one that is free
    to travel.

    That is the topmost bone above the pelvis' bone; in control rigs, where constraints are in
    between, a bone that is called root or so and is seen to carry them all.
    """
    pelvis = next(
        (armature.data.bones[name] for name, joint in bones.items() if joint == "pelvis"), None
    )
    if pelvis is None:
        return None
    top = _line(pelvis)[-1]
    if _is_free(armature, top, bones):
        hang = all(_line(armature.data.bones[name])[-1] == top for name in bones)
        return top if hang and not any(_is_driven(armature, name) for name in bones) else None
    called = [
        bone for bone in armature.data.bones if bone.parent is None and bone.name.lower() in _ROOTS
    ]
    free = (bone for bone in called if _is_free(armature, bone, bones))
    return next((bone for bone in free if by_trial.carries(armature, bone.name, list(bones))), None)


def _is_free(armature: bpy.types.Object, bone: bpy.types.Bone, bones: Mapping[str, str]) -> bool:
    constraints = armature.pose.bones[bone.name].constraints
    return bone.name not in bones and not any(not c.mute and c.influence > 0 for c in constraints)


def _is_driven(armature: bpy.types.Object, name: str) -> bool:
    line = _line(armature.pose.bones[name])
    return any(not c.mute and c.influence > 0 for bone in line for c in bone.constraints)


def _root_matrix(
    armature: bpy.types.Object, order: list[str], bones: Mapping[str, str]
) -> np.ndarray | None:
    root = root_bone(armature, {name: bones[name] for name in order})
    return None if root is None else np.array(root.matrix_local)


def own_constraints(armature: bpy.types.Object, bones: Mapping[str, str]) -> list[str]:
    """Mapped bones that have constraints of their own, which may overrule what is baked."""
    pose = armature.pose.bones
    there = [name for name in bones if name in pose]
    return [
        name
        for name in there
        if any(not c.mute and c.influence > 0 for c in pose[name].constraints)
    ]


def _by_hierarchy(armature: bpy.types.Object, order: list[str], pelvis: list[str]):
    matrices: dict[str, Matrix] = {}
    frames: dict[str, Matrix] = {}
    for bone in _parents_first(armature):
        frames[bone.name] = _placed(bone, Matrix(), matrices)
        matrices[bone.name] = _placed(bone, armature.pose.bones[bone.name].matrix_basis, matrices)
    parents = []
    for name in order:
        line = _line(armature.data.bones[name])
        above = next((number for number, bone in enumerate(line[1:], 1) if bone.name in order), 0)
        free = any(not bone.use_inherit_rotation for bone in line[:above])
        parents.append(order.index(line[above].name) if above and not free else -1)
    axes = np.eye(3)
    for name in pelvis:
        bone = armature.data.bones[name]
        moved = [
            _placed(bone, Matrix.Translation(axis), matrices).translation for axis in np.eye(3)
        ]
        axes = np.array([end - frames[name].translation for end in moved]).T
    return parents, [matrices[name] for name in order], [frames[name] for name in order], axes


def _placed(bone: bpy.types.Bone, basis: Matrix, matrices: Mapping[str, Matrix]) -> Matrix:
    """Where a bone is in the armature's space with a transform of its own."""
    if bone.parent is None:
        return bone.convert_local_to_pose(basis, bone.matrix_local)
    return bone.convert_local_to_pose(
        basis,
        bone.matrix_local,
        parent_matrix=matrices[bone.parent.name],
        parent_matrix_local=bone.parent.matrix_local,
    )


def _parents_first(armature: bpy.types.Object) -> Iterator[bpy.types.Bone]:
    todo = [bone for bone in armature.data.bones if bone.parent is None][::-1]
    while todo:
        bone = todo.pop()
        yield bone
        todo.extend(reversed(bone.children))


def _line(bone):
    """A bone and all that it hangs on, nearest first."""
    return [bone, *bone.parent_recursive]


def _depth(parents: list[int], bone: int) -> int:
    depth = 0
    while parents[bone] >= 0 and depth <= len(parents):
        bone, depth = parents[bone], depth + 1
    return depth


def _rigid(matrix: Matrix) -> Matrix:
    return Matrix.LocRotScale(matrix.to_translation(), matrix.to_quaternion(), None)


def _even(matrix: Matrix, owner: bpy.types.Object) -> Matrix:
    """Without the slight differences between the scales of an object. Raises `LsmplError` where
    they are more."""
    location, rotation, scale = matrix.decompose()
    mean = sum(scale) / 3.0
    if (
        min(scale) <= 0
        or max(abs(s - mean) for s in scale) > _SCALE_TOLERANCE * mean
        or matrix.is_negative
    ):
        own = owner.scale  # a parent's reaches it as well, and it is not there that it is applied
        by_parent = owner.parent is not None and min(own) > 0 and max(own) - min(own) < 1e-6
        at, of = (owner.parent.name, scale) if by_parent else (owner.name, own)
        raise LsmplError(
            f"{owner.name}: its scale{f' by {at}' if by_parent else ''} is {of[0]:.3g}, "
            f"{of[1]:.3g}, {of[2]:.3g}; it must be the same along all axes and positive: select "
            f"{at} and apply it with Object > Apply > Scale"
        )
    return Matrix.LocRotScale(location, rotation, (mean,) * 3)


def _end(bone: bpy.types.Bone) -> Vector:
    """Where a hand or a foot ends: the middle of the bones on it but the thumb; its tail, where
    that points on."""
    after = [child.head_local for child in bone.children if "thumb" not in child.name.lower()]
    after = [head for head in after if (head - bone.head_local).length > 0.1 * bone.length]
    if after:
        return sum(after, Vector()) / len(after)
    if bone.parent is None:
        return Vector((np.nan,) * 3)
    on = bone.tail_local - bone.head_local
    before = bone.head_local - bone.parent.head_local
    straight = before.length > 0 and on.normalized() @ before.normalized() > _STRAIGHT_COSINE
    return bone.tail_local if straight else Vector((np.nan,) * 3)


def skin_of(armature: bpy.types.Object) -> np.ndarray:
    """(V,3): rest vertices of all meshes that the armature deforms, in its space."""
    inverse = np.array(armature.matrix_world.inverted())
    found = [np.zeros((0, 3))]
    for obj in bpy.data.objects:
        deformed = any(m.type == "ARMATURE" and m.object == armature for m in obj.modifiers)
        if obj.type != "MESH" or not deformed:
            continue
        points = np.empty(3 * len(obj.data.vertices), dtype=np.float32)
        obj.data.vertices.foreach_get("co", points)
        shapes = obj.data.shape_keys
        if shapes and shapes.use_relative:
            kept, shape = points.copy(), np.empty_like(points)
            for key in shapes.key_blocks[1:]:
                if key.value and not key.mute and not is_corrective(key):
                    key.data.foreach_get("co", shape)
                    points += key.value * (shape - kept)
        to_armature = inverse @ np.array(obj.matrix_world)
        found.append(points.reshape(-1, 3) @ to_armature[:3, :3].T + to_armature[:3, 3])
    return np.concatenate(found)
