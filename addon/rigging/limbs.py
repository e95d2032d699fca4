"""Which control bones a character can have, and which of its limbs follow them now.

The deform bones stay what they are: posed by their own channels, they are the FK controls. Beside
them each limb gets an IK control, a pole, and a twist for each of its two bones; a custom property
of the IK control, from 0 to 1, says how far the limb follows them.
"""

from __future__ import annotations

from typing import NamedTuple

import bpy

from ...lsmpl_core.body.skeleton import FINGER_JOINT_NAMES
from ...lsmpl_core.keypoints.hand_points import FINGERS, SIDES

ROOT = "root"
SWITCH = "IK"
"""The custom property of an IK control: 0 for FK, 1 for IK."""
MARK = "lsmpl_controls"
"""Custom property of an armature's data that has control bones of ours."""


class Limb(NamedTuple):
    """An arm or a leg: `bones` are its upper and lower bone and its hand or foot, by SMPL's
    names."""

    name: str
    label: str
    bones: tuple[str, str, str]
    ik: str
    pole: str
    twists: tuple[str, str]
    bends: float
    """1 where the joint in the middle bends towards the upper bone's Z axis, -1 where away from
    it."""

    @property
    def aim(self) -> str:
        """Points from the limb's beginning at the IK control, rolled towards the pole."""
        return f"{self.name}_aim"

    @property
    def reach(self) -> str:
        """How far the IK control is along `aim`."""
        return f"{self.name}_reach"

    @property
    def upper(self) -> str:
        return f"{self.name}_upper"

    @property
    def lower(self) -> str:
        return f"{self.name}_lower"

    @property
    def end(self) -> str:
        """As the IK control is turned, but no further away than the limb reaches."""
        return f"{self.name}_end"

    @property
    def controls(self) -> tuple[str, ...]:
        """The bones that animators pose."""
        return (self.ik, self.pole, *self.twists)

    @property
    def mechanism(self) -> tuple[str, ...]:
        """The bones that nobody poses."""
        return (self.aim, self.reach, self.upper, self.lower, self.end)

    @property
    def followed(self) -> tuple[str, str, str]:
        """The bones that upper bone, lower bone and hand or foot are where, in IK."""
        return (*self.twists, self.end)


def _limb(side: str, kind: str, joints: tuple[str, str, str], at_end: str, bends: float) -> Limb:
    upper, lower, end = (f"{side}_{joint}" for joint in joints)
    return Limb(
        name=f"{side}_{kind}",
        label=f"{side} {kind}".title(),
        bones=(upper, lower, end),
        ik=f"{side}_{at_end}_ik",
        pole=f"{lower}_pole",
        twists=(f"{upper}_twist", f"{lower}_twist"),
        bends=bends,
    )


_ARM, _LEG = ("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle")
LIMBS = (
    _limb("left", "arm", _ARM, "hand", -1.0),
    _limb("right", "arm", _ARM, "hand", -1.0),
    _limb("left", "leg", _LEG, "foot", 1.0),
    _limb("right", "leg", _LEG, "foot", 1.0),
)
BY_NAME = {limb.name: limb for limb in LIMBS}
LIMB_BONES = (ROOT, *(bone for limb in LIMBS for bone in (*limb.controls, *limb.mechanism)))
"""What every character with controls has."""
CURLS = tuple(f"{side}_{finger}_curl" for side in SIDES for finger in FINGERS)
HAND_CURLS = tuple(f"{side}_hand_curl" for side in SIDES)
"""What one with fingers has besides (`curls.py`): a curl a finger, and one a hand."""
CONTROL_BONES = (*LIMB_BONES, *CURLS, *HAND_CURLS)
"""All bones of ours that are no deform bones."""


def are_there(armature: bpy.types.Object) -> bool:
    """Whether a character was given control bones, complete or not."""
    return MARK in armature.data


def are_on(armature: bpy.types.Object) -> bool:
    """Whether a character has all its control bones."""
    bones = armature.data.bones
    return are_there(armature) and all(name in bones for name in LIMB_BONES)


def follow_ik(armature: bpy.types.Object) -> list[Limb]:
    """The limbs that follow their IK controls more than their own bones' channels, at this
    moment."""
    pose = armature.pose.bones
    return [limb for limb in LIMBS if pose[limb.ik].get(SWITCH, 0.0) >= 0.5]


def out_of_reach(armature: bpy.types.Object) -> float:
    """Metres by which the hand or foot that is farthest from the IK control that it follows is
    short of it, at this moment: a limb goes no further than it is long."""
    pose = armature.pose.bones
    ends = [(pose[limb.bones[2]].head, pose[limb.ik].head) for limb in follow_ik(armature)]
    return max(((end - control).length for end, control in ends), default=0.0)


def switch_path(limb: Limb) -> str:
    """The data path of a limb's switch, from the armature object."""
    return f'pose.bones["{limb.ik}"]["{SWITCH}"]'


def posed_by(name: str) -> tuple[str, ...]:
    """The deform bones that a control moves alone; none for a bone that is no control of a limb or
    finger."""
    for limb in LIMBS:
        if name in limb.controls:
            return {limb.ik: limb.bones, limb.pole: limb.bones[:2]}.get(
                name, limb.bones[:1] if name == limb.twists[0] else limb.bones[1:2]
            )
    return curled_by(name)


def curled_by(name: str) -> tuple[str, ...]:
    """The finger bones that a curl turns; none for a bone that is no curl."""
    if name in CURLS:
        return tuple(f"{name.removesuffix('curl').rstrip('_')}{number}" for number in (1, 2, 3))
    if name in HAND_CURLS:
        side = name.split("_")[0]
        return tuple(joint for joint in FINGER_JOINT_NAMES if joint.startswith(f"{side}_"))
    return ()
