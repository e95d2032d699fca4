"""Inverse kinematics of two bones in closed form, as the control bones do it in Blender.

The plane of the limb goes through where it begins, the IK control and the pole; the law of cosines
says how far the upper bone is turned from the line to the control, and the lower bone points at it.
Twists, turned on top of that, say the rest: a limb's keys on its controls are as exact as those on
its own bones, and either can be made from the other without asking Blender.

Everything is in the character's space and of many frames T at once; rotations are matrices.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from ...lsmpl_core.rotation import between, cross, from_quaternion, to_quaternion
from .limbs import LIMBS, Limb

_HINTED_SINE, _SEEN_SINE = 0.02, 0.1
"""Of the angle at which the upper bone leaves the line to hand or foot: below the first, nothing
says where the limb bends but the bone's own axes, above the second its bend alone."""
_SHORTEST_METRES = 1e-6
STRAIGHT_WITHIN = 1e-5
"""Of the cosine of that angle: limbs within a quarter of a degree of straight are straight. There
the angle is the square root of a difference that is all rounding, and twists say it better."""


@dataclass(frozen=True, eq=False)
class Rig:
    """A character's bones at rest: of its joints heads (J,3), in metres, rotations (J,3,3), whose
    columns are the bones' axes, and parents (-1 for none); by name, where root, IK controls
    and poles are (4,4)."""

    names: list[str]
    parents: list[int]
    heads: np.ndarray
    rotations: np.ndarray
    anchors: dict[str, np.ndarray]

    @cached_property
    def layouts(self) -> dict[str, Layout]:
        """Of all limbs, by name."""
        return {limb.name: _layout(self, limb) for limb in LIMBS}


class Posed(NamedTuple):
    """The joints' rotations (T,J,3,3) and heads (T,J,3)."""

    rotations: np.ndarray
    heads: np.ndarray


class Controls(NamedTuple):
    """What a limb's controls are: where the IK control (T,3) and how it is turned (T,3,3), where
    the pole (T,3), and how much upper and lower bone are turned beyond what these say (T,3,3)."""

    at: np.ndarray
    turned: np.ndarray
    pole: np.ndarray
    twists: tuple[np.ndarray, np.ndarray]


class Layout(NamedTuple):
    """A limb at rest: the lengths of its bones in metres; the frame (3,3) of its mechanism, Y along
    the upper bone and Z to where it bends; and how its twists lie (3,3)."""

    lengths: tuple[float, float]
    frame: np.ndarray
    twists: tuple[np.ndarray, np.ndarray]


def _layout(rig: Rig, limb: Limb) -> Layout:
    upper, lower, end = (rig.names.index(name) for name in limb.bones)
    along = rig.heads[lower] - rig.heads[upper], rig.heads[end] - rig.heads[lower]
    lengths = float(np.linalg.norm(along[0])), float(np.linalg.norm(along[1]))
    y, on = along[0] / lengths[0], along[1] / lengths[1]
    z = limb.bends * rig.rotations[upper][:, 2]
    frame = _frame(y, _unit(z - (z @ y) * y))
    return Layout(lengths, frame, (rig.rotations[upper], between(on, y) @ rig.rotations[lower]))


def posed(rig: Rig, quaternions: np.ndarray, location: np.ndarray) -> Posed:
    """Forward kinematics: from the joints' channels, quaternions (T,J,4), w first, and the first
    one's location (T,3)."""
    own = from_quaternion(quaternions)
    rotations = np.empty_like(own)
    heads = np.empty((*own.shape[:2], 3))
    for joint, parent in enumerate(rig.parents):
        if parent < 0:
            rotations[:, joint] = rig.rotations[joint] @ own[:, joint]
            heads[:, joint] = rig.heads[joint] + location @ rig.rotations[joint].T
            continue
        carried = rotations[:, parent] @ rig.rotations[parent].T
        rotations[:, joint] = carried @ rig.rotations[joint] @ own[:, joint]
        heads[:, joint] = heads[:, parent] + carried @ (rig.heads[joint] - rig.heads[parent])
    return Posed(rotations, heads)


def controls_of(rig: Rig, limb: Limb, pose: Posed) -> Controls:
    """Controls that bring a limb to where it is in a pose."""
    laid = rig.layouts[limb.name]
    upper, lower, end = (rig.names.index(name) for name in limb.bones)
    begin, middle, at = (pose.heads[:, joint] for joint in (upper, lower, end))

    # Where the limb bends: seen, or where it is nearly straight as the upper bone's axes say.
    y = _unit(at - begin)
    aside = _across(middle - begin, y)
    sine = np.linalg.norm(aside, axis=-1, keepdims=True) / laid.lengths[0]
    share = np.clip((sine - _HINTED_SINE) / (_SEEN_SINE - _HINTED_SINE), 0.0, 1.0)
    hint = _unit(_across(limb.bends * pose.rotations[:, upper, :, 2], y))
    bend = _unit(share * _unit(aside) + (1.0 - share) * hint, otherwise=hint)
    pole = begin + y * ((middle - begin) * y).sum(axis=-1, keepdims=True) + bend * sum(laid.lengths)

    # What is left for the twists.
    untwisted = _upper(laid, begin, at, pole)
    upper_twist = np.swapaxes(untwisted, -1, -2) @ pose.rotations[:, upper]
    untwisted = _lower(rig, limb, laid, pose.rotations[:, upper], middle, at)
    lower_twist = np.swapaxes(untwisted, -1, -2) @ pose.rotations[:, lower]
    return Controls(at, pose.rotations[:, end], pole, (upper_twist, lower_twist))


def channels_of(rig: Rig, limb: Limb, controls: Controls, pose: Posed) -> np.ndarray:
    """(T,3,4): the quaternions of the channels of a limb's own bones that bring it to where its
    controls do; of the pose, what the limb hangs on counts."""
    laid = rig.layouts[limb.name]
    upper, lower, end = (rig.names.index(name) for name in limb.bones)
    above, begin = rig.parents[upper], pose.heads[:, upper]

    turned = [pose.rotations[:, above]]
    turned.append(_upper(laid, begin, controls.at, controls.pole) @ controls.twists[0])
    middle = begin + turned[1] @ rig.rotations[upper].T @ (rig.heads[lower] - rig.heads[upper])
    turned.append(_lower(rig, limb, laid, turned[1], middle, controls.at) @ controls.twists[1])
    turned.append(controls.turned)

    own = []
    for number, (parent, joint) in enumerate(((above, upper), (upper, lower), (lower, end))):
        at_rest = turned[number] @ rig.rotations[parent].T @ rig.rotations[joint]
        own.append(to_quaternion(np.swapaxes(at_rest, -1, -2) @ turned[number + 1]))
    return np.stack(own, axis=1)


def _upper(laid: Layout, begin: np.ndarray, at: np.ndarray, pole: np.ndarray) -> np.ndarray:
    """(T,3,3): the upper bone before it is twisted."""
    along = at - begin
    distance = np.maximum(np.linalg.norm(along, axis=-1), _SHORTEST_METRES)
    y = along / distance[:, None]
    aim = _frame(y, _unit(_across(pole - begin, y)))
    one, other = laid.lengths
    cosine = (distance**2 + one**2 - other**2) / (2.0 * one * distance)
    angle = np.arccos(np.clip(cosine + STRAIGHT_WITHIN, -1.0, 1.0))

    # About X, from the line to the control towards the pole.
    turn = np.zeros((len(angle), 3, 3))
    turn[:, 0, 0] = 1.0
    turn[:, 1, 1] = turn[:, 2, 2] = np.cos(angle)
    turn[:, 2, 1] = np.sin(angle)
    turn[:, 1, 2] = -turn[:, 2, 1]
    return aim @ turn @ laid.frame.T @ laid.twists[0]


def _lower(
    rig: Rig, limb: Limb, laid: Layout, upper: np.ndarray, middle: np.ndarray, at: np.ndarray
) -> np.ndarray:
    """(T,3,3): the lower bone before it is twisted, turned the shortest way from the upper one
    (T,3,3) to the control."""
    carried = upper @ rig.rotations[rig.names.index(limb.bones[0])].T @ laid.frame
    pointing = between(carried[..., 1], _unit(at - middle)) @ carried
    return pointing @ laid.frame.T @ laid.twists[1]


def _frame(y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """(...,3,3) whose second and third columns are these."""
    return np.stack([cross(y, z), y, z], axis=-1)


def _across(v: np.ndarray, y: np.ndarray) -> np.ndarray:
    """What of vectors (T,3) stands square on unit vectors."""
    return v - (v * y).sum(axis=-1, keepdims=True) * y


def _unit(v: np.ndarray, otherwise: np.ndarray | None = None) -> np.ndarray:
    length = np.linalg.norm(v, axis=-1, keepdims=True)
    unit = v / np.maximum(length, 1e-12)
    return unit if otherwise is None else np.where(length > 1e-3, unit, otherwise)
