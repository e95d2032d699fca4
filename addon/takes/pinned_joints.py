"""Pinned joints of a take: rotations that the animator fixed in some frames, which later solves
keep.

They are few, so they are kept as JSON beside the track (docs/blend_storage.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import bpy
import numpy as np

from ...lsmpl_core import LsmplError, PinnedJoints
from ...lsmpl_core.body.skeleton import BONE_NAMES
from ...lsmpl_core.rotation import exp_map
from ..stored_facts import Fields
from .mesh_data import load_json, store_json
from .take import describe, need_local_object_mode

PINS_KEY = "lsmpl_pins"
_ANY = Fields()
"""Pins are checked one by one."""


class PinnedJoint(NamedTuple):
    """frame: 0 for the take's first; joint: SMPL's name or SMPL-H's of a finger's, which is the
    bone's; rotation: axis-angle in radians against the parent joint, the pelvis' against the take's
    space, a finger's as `Motion.fingers` counts it."""

    frame: int
    joint: str
    rotation: tuple[float, float, float]


def load(take: bpy.types.Object) -> list[PinnedJoint]:
    """In the order of frames and joints. Raises `LsmplError` where they are damaged."""
    if PINS_KEY not in take.data:
        return []
    stored, frames = load_json(take.data, PINS_KEY, _ANY), describe(take)["frames"]
    try:
        pins = [
            PinnedJoint(int(p["frame"]), str(p["joint"]), _three(p["rotation"]))
            for p in stored["pins"]
        ]
        sound = all(
            0 <= p.frame < frames and p.joint in BONE_NAMES and np.isfinite(p.rotation).all()
            for p in pins
        )
    except (KeyError, TypeError, ValueError):
        sound = False
    if not sound:
        raise LsmplError(
            f"{take.name}: its custom property {PINS_KEY!r} holds no pinned joints of this "
            "take; remove it"
        )
    return pins


def store(take: bpy.types.Object, pins: Iterable[PinnedJoint]) -> None:
    """Replace a take's pinned joints; where a joint comes twice in a frame, the later one stays."""
    need_local_object_mode(take)
    by_place = {(pin.frame, BONE_NAMES.index(pin.joint)): pin for pin in pins}
    if by_place:
        store_json(
            take.data, PINS_KEY, {"pins": [by_place[key]._asdict() for key in sorted(by_place)]}
        )
    elif PINS_KEY in take.data:
        del take.data[PINS_KEY]


def with_more(
    pins: Sequence[PinnedJoint], frame: int, rotations: Mapping[str, np.ndarray]
) -> list[PinnedJoint]:
    """Pinned joints, and more of a frame: axis-angles (3,) by name."""
    return [
        *pins,
        *(PinnedJoint(frame, joint, _three(turn)) for joint, turn in rotations.items()),
    ]


def _three(rotation: Iterable[float]) -> tuple[float, float, float]:
    """Raises `ValueError` where it has not three numbers."""
    x, y, z = rotation
    return float(x), float(y), float(z)


def remove(take: bpy.types.Object, frame: int | None = None, joint: str | None = None) -> None:
    """Unpin all joints, or those of a frame, or one joint."""
    store(
        take,
        [p for p in load(take) if frame not in (None, p.frame) or joint not in (None, p.joint)],
    )


def as_core(pins: Sequence[PinnedJoint]) -> PinnedJoints | None:
    """As the solver takes them."""
    if not pins:
        return None
    rotations = exp_map(np.array([pin.rotation for pin in pins]))
    return PinnedJoints(
        np.array([pin.frame for pin in pins]),
        np.array([BONE_NAMES.index(pin.joint) for pin in pins]),
        rotations,
    )
