"""What programs want of an FBX file beyond what Blender's exporter says: unit, names, what is on
top."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from ...lsmpl_core.body.skeleton import FINGER_JOINT_NAMES, JOINT_NAMES
from ...lsmpl_core.retargeting.bone_maps import preset


class Program(NamedTuple):
    """centimetres: files are in these, nothing in them scaled; names: of SMPL's joints, where the
    program knows others; top: what the armature object is called, "" for its own name."""

    label: str
    told: str
    centimetres: bool = False
    names: Mapping[str, str] = MappingProxyType({})
    top: str = ""


def _named(key: str, prefix: str, finger: str, sides: tuple[str, str]) -> dict[str, str]:
    """Bones for SMPL's joints as a preset of rigs calls them; finger: how it calls those of
    fingers. The joint in the middle of SMPL's whole hand has no bone anywhere else."""
    names = {joint: f"{prefix}{bone}" for bone, joint in preset(key).bones.items()}
    for joint in FINGER_JOINT_NAMES:
        side, _, rest = joint.partition("_")
        word, number = rest[:-1], rest[-1]
        own = sides[side == "right"]
        named = finger.format(side=own, finger=word, Finger=word.title(), number=number)
        names[joint] = f"{prefix}{named}"
    assert names.keys() <= {*JOINT_NAMES, *FINGER_JOINT_NAMES}
    return names


_MIXAMO_FINGER, _MIXAMO_SIDES = "{side}Hand{Finger}{number}", ("Left", "Right")
PROGRAMS: dict[str, Program] = {
    "ANY": Program("Any Program", "Metres, and the bones' own names"),
    "UNREAL": Program(
        "Unreal",
        "Centimetres with nothing scaled, a root bone on the floor over LSMPL's pelvis, and "
        "the mannequin's names for LSMPL's bones",
        True,
        _named("unreal", "", "{finger}_0{number}_{side}", ("l", "r")),
        "root",
    ),
    "UNITY": Program(
        "Unity",
        "Metres, and names for LSMPL's bones that become a humanoid by themselves",
        False,
        _named("mixamo", "", _MIXAMO_FINGER, _MIXAMO_SIDES),
    ),
    "MIXAMO": Program(
        "Mixamo",
        "Centimetres with nothing scaled, and LSMPL's bones called as those of Mixamo's characters",
        True,
        _named("mixamo", "mixamorig:", _MIXAMO_FINGER, _MIXAMO_SIDES),
        "Armature",
    ),
}
