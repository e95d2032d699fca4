"""Lock Feet Again: after its shape was changed, a character's feet stand where they stood."""

from __future__ import annotations

import bpy
import numpy as np

from ...lsmpl_core import LsmplError, Motion
from ...lsmpl_core.body.body import Body
from ...lsmpl_core.rotation import log_map
from ..rigging import keys
from ..rigging.limbs import LIMBS
from ..takes import layers
from ..takes import take as takes
from . import actions, baking, feet, key_times, shape
from . import keys as keyframes
from .posed import Bones

FEET_OF_ANOTHER_SHAPE = "The feet were locked for another shape"
_LEG_JOINTS = ("hip", "knee", "ankle")


def is_wanted(take: bpy.types.Object | None) -> bool:
    """Whether the take's character has another shape than its feet were locked for."""
    return take is not None and feet.are_of_another_shape(
        take.lsmpl_bake.action, take.lsmpl.armature
    )


def take_of(armature: bpy.types.Object, scene: bpy.types.Scene) -> bpy.types.Object | None:
    """The take whose motion a character plays and whose feet have to be locked again; None where
    there is none."""
    return next(
        (
            take
            for take in takes.takes_in(scene)
            if take.lsmpl.armature == armature and is_wanted(take)
        ),
        None,
    )


def lock_again(take: bpy.types.Object) -> str:
    """Bend the legs of the take's character so that its feet stand where they stood. Returns what
    to tell the user.

    Hips, knees, ankles and the pelvis' height get other keys, from the motion as it was cleaned or,
    where the user changed keys, from what the action has; whatever else the user animated stays.
    Controls of arms, where nobody changed a key, are where the hands of this shape are.
    Raises `LsmplError`; then nothing has changed.
    """
    action, armature = take.lsmpl_bake.action, take.lsmpl.armature
    if action is None or not shape.is_character(armature):
        raise LsmplError(f"{take.name}: has no character; press Bake first")
    if action.library is not None:
        raise LsmplError(f"{action.name}: is linked from another file; make it local first")

    # What the character does: as it was cleaned, or as somebody animated it since.
    motion = layers.load(take)
    body, betas = baking.body_of(take, motion), shape.betas_of(armature)
    timing = baking.timing_of(action) or (take.lsmpl.start, take.lsmpl.step)
    times = key_times.key_times(timing, len(motion), key_times.are_whole(action))
    is_edited = actions.is_edited(action)
    if is_edited:
        placed_for = feet.shape_of(action, motion.betas)
        motion = as_animated(armature, body, action, times.frames, placed_for, motion.fps)
    else:
        motion = key_times.sampled_motion(motion, times.at)

    made = feet.fitted(motion, body, betas)
    put_legs(armature, body, action, times.frames, made, arms=not is_edited)
    feet.note(action, betas)
    armature.update_tag(refresh={"OBJECT", "DATA", "TIME"})
    return f"Feet of {armature.name!r} stand where they stood"


def put_legs(
    armature: bpy.types.Object,
    body: Body,
    action: bpy.types.Action,
    frames: np.ndarray,
    made: Motion,
    arms: bool,
) -> None:
    """Give an action, in some scene frames (K,), the legs and the pelvis' place of a motion (K
    frames) that stands on the character. arms: their controls, too, where it has some: hands that
    follow those are as far from the shoulders as the arms of another shape were."""
    legs = {name for name in body.joint_names if name.split("_")[-1] in _LEG_JOINTS}
    limbs = [limb for limb in LIMBS if arms or limb.bones[0] in legs]
    legs |= {name for limb in limbs for name in limb.controls}
    pelvis = keys.data_path(body.joint_names[0], "location")
    curves = Bones(armature, body, made.betas).curves_of(made)
    keyframes.rewrite(
        action, frames, [c for c in curves if c.group in legs or c.data_path == pelvis]
    )


def as_animated(
    armature: bpy.types.Object,
    body: Body,
    action: bpy.types.Action,
    frames: np.ndarray,
    betas: np.ndarray,
    fps: float,
) -> Motion:
    """What an action does on a character of a shape (10,)."""
    poses = Bones(armature, body, betas).in_action(action, frames)
    return Motion(log_map(poses.rotations), poses.trans, betas, fps=fps, body=body.key)
