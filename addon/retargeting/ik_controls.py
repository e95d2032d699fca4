"""The IK controls of Rigify's limbs, put where the FK controls are: hands, feet, toes and poles.

A hand's or foot's control goes where FK has the hand or foot, so wrists and ankles are exactly
there. The pole is where the plane of the limb asks for it, so elbow and knee are, too. Which way a
bone is rolled about itself IK decides by that plane; FK may have captured another roll.
"""

from __future__ import annotations

from typing import NamedTuple

import bpy
import numpy as np

from ...lsmpl_core.keypoints.proportions import normalised
from ...lsmpl_core.retarget_motion import Retargeted
from ...lsmpl_core.retargeting.target_skeleton import TargetSkeleton


class _Names(NamedTuple):
    """Of a limb's bones, with * for the side."""

    fk: tuple[str, str, str]
    end: str
    pole: str
    parent: str
    toes: tuple[str, str] | None


_LIMBS = (
    _Names(
        ("upper_arm_fk.*", "forearm_fk.*", "hand_fk.*"), "hand_ik.*", "upper_arm_ik_target.*",
        "upper_arm_parent.*", None,
    ),
    _Names(
        ("thigh_fk.*", "shin_fk.*", "foot_fk.*"), "foot_ik.*", "thigh_ik_target.*",
        "thigh_parent.*", ("toe_fk.*", "toe_ik.*"),
    ),
)  # fmt: skip
_SWITCHES = {"IK_parent": 1, "pole_parent": 1, "pole_vector": True, "IK_Stretch": 0.0}
"""Of a limb's parent: the controls hang on the root, elbow or knee point at the pole, no bone is
stretched where bending it would do."""
_SWITCH = "IK_FK"
_STRAIGHT = {True: (0.001, 0.004), False: (0.02, 0.05)}
"""Of a limb's length, how far elbow or knee are off the line between its ends, where that says
nothing, and where it says all, of where the pole is: on the side to which the limb bends at rest,
and on the other, where a limb that is stretched through would be turned over."""


class Control(NamedTuple):
    """A control bone: its rest matrix (4,4) in the armature's space, whether its location is along
    its own axes, and its rotation mode."""

    name: str
    rest: np.ndarray
    is_local: bool
    mode: str


class Limb(NamedTuple):
    """The FK bones' numbers in the skeleton (toes' -1 if there are none), and the IK controls.

    solved: the two bones that Blender's solver bends; aims (3,): what of the upper one, at rest in
    the armature's space, it points at the pole.
    """

    fk: tuple[int, int, int]
    toe_fk: int
    end: Control
    pole: Control
    toes: Control | None
    parent: str
    solved: list[str]
    aims: np.ndarray


class Placed(NamedTuple):
    """A control's way: location (T,3), in the channel's axes; rotations (T,3,3), None of poles."""

    control: Control
    location: np.ndarray
    rotations: np.ndarray | None


def limbs_of(armature: bpy.types.Object, names: list[str]) -> list[Limb]:
    """The limbs of a rig with both sides, of which all FK controls are mapped; names: the mapped
    bones."""
    found = []
    for limb in _LIMBS:
        for side in "LR":
            fk = [name.replace("*", side) for name in limb.fk]
            end, pole, parent = (n.replace("*", side) for n in (limb.end, limb.pole, limb.parent))
            pose = armature.pose.bones
            if not all(name in names for name in fk) or not all(n in pose for n in (end, pole)):
                continue
            if parent not in pose or any(key not in pose[parent] for key in (_SWITCH, *_SWITCHES)):
                continue
            toes = [name.replace("*", side) for name in limb.toes or ()]
            has_toes = len(toes) == 2 and toes[0] in names and toes[1] in pose
            found.append(
                Limb(
                    (names.index(fk[0]), names.index(fk[1]), names.index(fk[2])),
                    names.index(toes[0]) if has_toes else -1,
                    _control(armature, end),
                    _control(armature, pole),
                    _control(armature, toes[1]) if has_toes else None,
                    parent,
                    *_solved(armature, pole, fk[0]),
                )
            )
    return found


def have_ik(armature: bpy.types.Object) -> bool:
    """Whether a rig has such limbs."""
    return bool(limbs_of(armature, armature.data.bones.keys()))


def place(limbs: list[Limb], skeleton: TargetSkeleton, done: Retargeted) -> list[Placed]:
    """Where the controls go."""
    carried = _carried(skeleton, done)
    posed = _posed(skeleton, done, carried)
    back = np.linalg.inv(carried)
    placed = []
    for limb in limbs:
        first, middle, last = limb.fk
        at_rest = skeleton.rest
        end = back @ posed[:, last] @ np.linalg.inv(at_rest[last]) @ limb.end.rest
        placed.append(_moved(limb.end, end, np.eye(4)))
        pole = _pole(posed[:, [first, middle, last]], at_rest[[first, middle, last]], limb.aims)
        matrix = np.tile(limb.pole.rest, (len(pole), 1, 1))
        matrix[:, :3, 3] = np.einsum("tij,tj->ti", back[:, :3, :3], pole) + back[:, :3, 3]
        placed.append(_moved(limb.pole, matrix, np.eye(4))._replace(rotations=None))
        if limb.toes is not None:
            toe = posed[:, limb.toe_fk] @ np.linalg.inv(at_rest[limb.toe_fk]) @ limb.toes.rest
            foot = posed[:, last] @ np.linalg.inv(at_rest[last])
            placed.append(_moved(limb.toes, toe, foot))
    return placed


def set_switches(armature: bpy.types.Object, limbs: list[Limb], to_ik: bool) -> None:
    """Let the limbs follow one side, and the controls hang and point as `place` has them."""
    for limb in limbs:
        bone = armature.pose.bones[limb.parent]
        for name, value in {**_SWITCHES, _SWITCH: 0.0 if to_ik else 1.0}.items():
            bone[name] = type(bone[name])(value)
        for name in limb.solved:
            armature.pose.bones[name].ik_stretch = 0.0  # the solver would shorten bones by 1 %
    if limbs:
        armature.update_tag()


def switch_of(limb: Limb) -> str:
    """The data path of a limb's switch: 0 is IK, 1 FK."""
    return f'pose.bones["{bpy.utils.escape_identifier(limb.parent)}"]["{_SWITCH}"]'


def _control(armature: bpy.types.Object, name: str) -> Control:
    bone = armature.data.bones[name]
    rest = np.array(bone.matrix_local)
    return Control(name, rest, bone.use_local_location, armature.pose.bones[name].rotation_mode)


def _solved(armature: bpy.types.Object, pole: str, upper: str) -> tuple[list[str], np.ndarray]:
    """The bones that Blender's solver bends towards a pole, and the axis of the upper one that it
    points there: X, turned to Z by the pole angle."""
    for bone in armature.pose.bones:
        for constraint in bone.constraints:
            if constraint.type == "IK" and constraint.pole_subtarget == pole and bone.parent:
                axes = np.array(bone.parent.bone.matrix_local)[:3, :3]
                angle = constraint.pole_angle
                aims = axes[:, 0] * np.cos(angle) + axes[:, 2] * np.sin(angle)
                return [bone.parent.name, bone.name], aims
    return [], -np.array(armature.data.bones[upper].matrix_local)[:3, 2]


def _carried(skeleton: TargetSkeleton, done: Retargeted) -> np.ndarray:
    """(T,4,4): by what the root bone, where it travels, carries all others."""
    moved = np.tile(np.eye(4), (len(done.rotations), 1, 1))
    if done.root_rotations is None or done.root_location is None or skeleton.root is None:
        return moved
    moved[:, :3, :3], moved[:, :3, 3] = done.root_rotations, done.root_location
    return skeleton.root @ moved @ np.linalg.inv(skeleton.root)


def _posed(skeleton: TargetSkeleton, done: Retargeted, carried: np.ndarray) -> np.ndarray:
    """(T,N,4,4): the bones' matrices in the armature's space."""
    posed = np.empty((len(carried), len(skeleton.names), 4, 4))
    for bone, parent in enumerate(skeleton.parents):
        own = np.tile(np.eye(4), (len(carried), 1, 1))
        own[:, :3, :3] = done.rotations[:, bone]
        base = posed[:, parent] if parent >= 0 else carried
        link = np.tile(skeleton.links[bone], (len(carried), 1, 1))
        if bone == done.pelvis:
            link[:, :3, 3] += done.location @ skeleton.location_axes.T
        posed[:, bone] = base @ link @ own
    return posed


def _moved(control: Control, matrix: np.ndarray, above: np.ndarray) -> Placed:
    """What a control's channels say for its matrices (T,4,4), where what it hangs on is moved by
    `above` (4,4) or (T,4,4) from its rest."""
    seen = np.linalg.inv(above) @ matrix
    location = seen[:, :3, 3] - control.rest[:3, 3]
    if control.is_local:
        location = location @ control.rest[:3, :3]
    return Placed(control, location, control.rest[:3, :3].T @ seen[:, :3, :3])


def _pole(posed: np.ndarray, rest: np.ndarray, aims: np.ndarray) -> np.ndarray:
    """(T,3): where the pole of limbs posed (T,3,4,4) is, as far from elbow or knee as the limb is
    long. rest (3,4,4); aims (3,): the axis of the upper bone that points at it."""
    off, length = _off_the_line(posed[..., :3, 3])
    at_rest, _ = _off_the_line(rest[None, :, :3, 3])
    turned = posed[:, 0, :3, :3] @ rest[0, :3, :3].T
    usual = np.einsum("tij,j->ti", turned, np.nan_to_num(normalised(at_rest)[0]))
    # Where the limb is straight: as at rest, carried along with the upper bone.
    ahead = normalised(posed[:, 2, :3, 3] - posed[:, 0, :3, 3])
    usual -= (usual * ahead).sum(axis=-1, keepdims=True) * ahead
    seen, usual = (np.nan_to_num(normalised(way)) for way in (off, usual))
    with_it = (off * usual).sum(axis=-1, keepdims=True) > 0.0
    low, high = (np.where(with_it, *both) for both in zip(_STRAIGHT[True], _STRAIGHT[False]))
    out = np.linalg.norm(off, axis=-1, keepdims=True) / length
    share = np.clip((out - low) / (high - low), 0.0, 1.0)
    bent = np.nan_to_num(normalised(share * seen + (1.0 - share) * usual))

    # The axis that points at the pole lies beside the plane in which the limb is bent at rest.
    side, normal = _plane(rest[None, :, :3, 3])
    beside = float(aims @ normal[0]) if np.isfinite(normal).all() else 0.0
    within = float(aims @ side[0]) if np.isfinite(side).all() else 1.0
    upper = normalised(posed[:, 1, :3, 3] - posed[:, 0, :3, 3])
    cosine = (upper * ahead).sum(axis=-1, keepdims=True)
    towards = normalised(within * cosine * bent + beside * np.cross(ahead, bent))
    return posed[:, 1, :3, 3] + length * towards


def _plane(joints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of the plane of a limb's joints (T,3,3): across the upper bone to the side where the joint
    is, and out of the plane; (T,3) each, NaN where the limb is straight."""
    off, _ = _off_the_line(joints)
    along = normalised(joints[:, 1] - joints[:, 0])
    out = normalised(np.cross(normalised(joints[:, 2] - joints[:, 0]), off))
    return np.cross(out, along), out


def _off_the_line(joints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(T,3) from the line between a limb's ends to its middle joint, and (T,1) its length; joints
    (T,3,3)."""
    first, middle, last = joints[:, 0], joints[:, 1], joints[:, 2]
    along = normalised(last - first)
    off = middle - first - ((middle - first) * along).sum(axis=-1, keepdims=True) * along
    length = np.linalg.norm(middle - first, axis=-1) + np.linalg.norm(last - middle, axis=-1)
    return off, length[:, None]
