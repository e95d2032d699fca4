"""What a take's own character shows where animators put layers over its motion: that goes on other
characters, too, not the motion under it alone."""

from __future__ import annotations

import bpy

from ...lsmpl_core import Motion
from .. import jobs
from ..characters import actions, assigning, merging
from ..staging import reading
from ..takes import layers, playing
from ..takes import take as takes
from .settings import OtherCharacter


def mark(other: OtherCharacter) -> str:
    """Of the layers that lie over a take's motion and are wanted on another character: another
    one whenever their keys are others; "" where there are none."""
    armature = _playing(other)
    if armature is None or not merging.is_layered(armature):
        return ""
    over = [action for action in assigning.all_of(armature) if not actions.is_baked(action)]
    return " ".join(actions.fingerprint(action) for action in over)


def version(other: OtherCharacter) -> str:
    """Of what goes on another character of a take: of its motion, and of what lies over that."""
    return f"{layers.version(other.id_data)} {mark(other)}".rstrip()


def is_changed(other: OtherCharacter) -> bool:
    """Whether an animator put layers over a take's motion or changed its keys, and wants that on
    the other character. Reads all keys."""
    armature = _playing(other)
    if armature is None:
        return False
    return merging.is_layered(armature) or actions.is_edited(other.id_data.lsmpl_bake.action)


def motion_steps(other: OtherCharacter, motion: Motion) -> jobs.Steps[Motion]:
    """The motion that goes on another character: the take's own, or as it is animated. Yields
    `Progress`."""
    if not is_changed(other):
        return motion
    take = other.id_data
    armature = take.lsmpl.armature
    frames, fps = playing.scene_frames(take, len(motion)), takes.describe(take)["fps"]
    return (yield from reading.read_pose(armature, bpy.context.scene, frames, fps, in_world=False))


def _playing(other: OtherCharacter) -> bpy.types.Object | None:
    """The take's own character where it plays what was baked on it, and that counts."""
    take = other.id_data
    armature, baked = take.lsmpl.armature, take.lsmpl_bake.action
    if other.motion != "ANIMATED" or None in (armature, baked):
        return None
    plays = armature.animation_data is not None and assigning.plays(armature, baked)
    return armature if plays else None
