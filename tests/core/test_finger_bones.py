"""Fingers of other characters: their bones' names, and how they turn."""

from dataclasses import replace

import numpy as np
import pytest

import lsmpl_core as lsmpl
from lsmpl_core.body.fingers import WRISTS
from lsmpl_core.body.skeleton import FINGER_JOINT_NAMES
from lsmpl_core.retargeting.fingers import (
    TargetFingers,
    find_finger_bones,
    finger_joint,
    finger_rotations,
)
from lsmpl_core.rotation import exp_map

RIGS = {
    "Mixamo": ("mixamorig:{Left}Hand{Index}{n}", {"little": "Pinky"}),
    "Unreal": ("{index}_0{n}_{l}", {"little": "pinky"}),
    "VRoid": ("J_Bip_{L}_{Index}{n}", {}),
    "Rigify": ("f_{index}.0{n}.{L}", {"little": "pinky"}),
    "SMPL-X": ("{left}_{index}{n}", {}),
    "Unity": ("{left}{Index}{Phalanx}", {}),
    "Biped": ("Bip01 {L} Finger{number}{bone}", {}),
    "MakeHuman": ("finger{number1}-{n}.{L}", {}),
    "Daz": ("{l}{Index}{n}", {"little": "Pinky"}),
}


def names_of(pattern, words):
    for joint, name in enumerate(FINGER_JOINT_NAMES):
        side, rest = name.split("_")
        finger, n = rest[:-1], int(rest[-1])
        word = words.get(finger, finger)
        number = ("thumb", "index", "middle", "ring", "little").index(finger)
        yield joint, pattern.format(
            Left=side.title(), left=side, l=side[0], L=side[0].upper(), Index=word.title(),
            index=word.lower(), n=n, Phalanx=("Proximal", "Intermediate", "Distal")[n - 1],
            number=number, number1=number + 1, bone="" if n == 1 else n - 1,
        )  # fmt: skip


@pytest.mark.parametrize("rig", RIGS)
def test_finger_bones_are_found_by_the_names_that_tools_give_them(rig):
    expected = dict(names_of(*RIGS[rig]))
    others = ["mixamorig:LeftHandIndex4", "index_metacarpal_l", "thumb.01.L.001_master", "hand_l"]
    assert find_finger_bones([*others, *expected.values()]) == expected


def test_a_thumb_with_a_metacarpal_is_counted_from_it():
    names = [f"leftThumb{bone}" for bone in ("Metacarpal", "Proximal", "Distal")]
    assert list(find_finger_bones(names).values()) == names


@pytest.mark.parametrize(
    "name", ["LeftHand", "LeftFoot", "LeftToe1", "spine.001", "index_01", "IK_index_01_l", "Ring1"]
)
def test_other_bones_are_no_fingers(name):
    assert finger_joint(name) is None


def test_bones_that_lie_otherwise_turn_into_the_same_fingers(body):
    """A rig of the body's own proportions whose bones have axes of their own."""
    rng = np.random.default_rng(0)
    fingers = body.fingers
    axes = exp_map(rng.normal(size=(30, 3)))
    bends = rng.uniform(0.0, 1.2, (4, 2, 15, 1)) * fingers.frames[..., 0]
    motion = lsmpl.Motion(np.zeros((4, 24, 3)), np.zeros((4, 3)), fingers=fingers.angles_of(exp_map(bends)))
    heads = fingers.joint_template.reshape(30, 3)
    ends = np.concatenate([heads[1:], heads[:1]])
    ends[2::3] = fingers.tip_template.reshape(10, 3)
    hands = exp_map(rng.normal(size=(2, 3)))
    target = TargetFingers(
        FINGER_JOINT_NAMES, tuple(range(30)), axes, heads, ends,
        hands, body.joint_template[list(WRISTS)],
    )  # fmt: skip
    turned = finger_rotations(motion, body, target)
    world = body.finger_positions(motion)[2].reshape(4, 30, 3, 3)
    for first in range(0, 30, 3):
        carrier, rest = hands[first // 15], hands[first // 15]
        for joint in range(first, first + 3):
            carrier = carrier @ rest.T @ axes[joint] @ turned[:, joint]
            rest = axes[joint]
            assert np.abs(carrier - world[:, joint] @ axes[joint]).max() < 1e-9


def test_without_fingers_there_is_nothing_to_turn(body):
    motion = lsmpl.Motion(np.zeros((2, 24, 3)), np.zeros((2, 3)))
    none = np.zeros((0, 3))
    target = TargetFingers((), (), np.zeros((0, 3, 3)), none, none, np.eye(3)[None], none)
    assert finger_rotations(motion, body, target) is None
    bent = replace(motion, fingers=np.zeros((2, 30, 3)))
    assert finger_rotations(bent, body, target) is None
