"""Controls as channels of pose bones, for actions and for a pose that is not keyed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import bpy
import numpy as np

from ...lsmpl_core.rotation import from_quaternion, to_quaternion
from .limbs import LIMBS, ROOT, Limb
from .two_bone import Controls, Posed, Rig, channels_of, controls_of

Channel = tuple[str, str]
"""A control bone, and "location" or "rotation_quaternion"."""


class Values(NamedTuple):
    """A channel over frames: (T,3) of locations or (T,4) of quaternions, w first."""

    bone: str
    channel: str
    values: np.ndarray


def data_path(bone: str, channel: str) -> str:
    return f'pose.bones["{bone}"].{channel}'


def channels(limbs: Iterable[Limb] = LIMBS) -> list[Channel]:
    """What the controls of limbs are keyed by."""
    return [
        channel
        for limb in limbs
        for channel in (
            (limb.ik, "location"),
            (limb.ik, "rotation_quaternion"),
            (limb.pole, "location"),
            (limb.twists[0], "rotation_quaternion"),
            (limb.twists[1], "rotation_quaternion"),
        )
    ]


def values_of(rig: Rig, pose: Posed, limbs: Iterable[Limb] = LIMBS) -> list[Values]:
    """The channels of the controls of limbs, in the order of `channels`, that bring these to where
    they are in a pose."""
    found = []
    for limb in limbs:
        controls = controls_of(rig, limb, pose)
        ik, pole = rig.anchors[limb.ik], rig.anchors[limb.pole]
        turned = np.stack([ik[:3, :3].T @ controls.turned, *controls.twists], axis=1)
        of_ik, *of_twists = np.swapaxes(continuous(to_quaternion(turned)), 0, 1)
        values = (
            (controls.at - ik[:3, 3]) @ ik[:3, :3],
            of_ik,
            (controls.pole - pole[:3, 3]) @ pole[:3, :3],
            *of_twists,
        )
        named = zip(channels((limb,)), values)
        found += [Values(bone, channel, numbers) for (bone, channel), numbers in named]
    return found


def own_channels(rig: Rig, pose: Posed, limb: Limb, values: Sequence[np.ndarray]) -> np.ndarray:
    """(T,3,4): quaternions of a limb's own bones that bring it to where its controls do, whose
    channels, in the order of `channels`, are these."""
    location, turned, pole_location, *twists = values
    ik, pole = rig.anchors[limb.ik], rig.anchors[limb.pole]
    controls = Controls(
        location @ ik[:3, :3].T + ik[:3, 3],
        ik[:3, :3] @ _rotations(turned),
        pole_location @ pole[:3, :3].T + pole[:3, 3],
        (_rotations(twists[0]), _rotations(twists[1])),
    )
    return channels_of(rig, limb, controls, pose)


def read(armature: bpy.types.Object, wanted: Iterable[Channel]) -> list[np.ndarray]:
    """What channels are at this moment, (3,) or (4,) each."""
    pose = armature.pose.bones
    return [np.array(getattr(pose[bone], channel)) for bone, channel in wanted]


def write(armature: bpy.types.Object, values: Iterable[Values]) -> None:
    """Pose controls as in the first of some frames, until their action next moves them."""
    pose = armature.pose.bones
    for bone, channel, numbers in values:
        setattr(pose[bone], channel, numbers[0].tolist())


ROOT_CHANNELS = ((ROOT, "location"), (ROOT, "rotation_quaternion"))


def _rotations(quaternions: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(quaternions, axis=-1, keepdims=True)
    still = np.array([1.0, 0.0, 0.0, 0.0])
    return from_quaternion(np.where(length > 1e-6, quaternions / np.maximum(length, 1e-6), still))


def continuous(quaternions: np.ndarray) -> np.ndarray:
    """Quaternions (T,...,4) with their signs chosen so that none jumps to its negative from one
    frame to the next."""
    same = (quaternions[1:] * quaternions[:-1]).sum(axis=-1, keepdims=True) >= 0
    signs = np.cumprod(np.where(same, 1.0, -1.0), axis=0)
    return np.concatenate([quaternions[:1], quaternions[1:] * signs])
