"""A character's control bones: given, baked to, switched between FK and IK, and taken away again.

Nothing that is seen changes by any of these: a limb's keys are carried over from its own bones to
its controls and back, in every action of ours that the character plays. What animators keyed on
top, in layers and strips of their own, is theirs and stays.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import nullcontext
from dataclasses import replace

import bpy

from ...lsmpl_core import LsmplError
from ...lsmpl_core.body.skeleton import FINGER_JOINT_NAMES
from ..errors import all_or_nothing
from ..rigging import building, curls, keys, looks, two_bone
from ..rigging.limbs import (
    CONTROL_BONES,
    LIMB_BONES,
    LIMBS,
    SWITCH,
    Limb,
    are_on,
    are_there,
    switch_path,
)
from ..rigging.two_bone import Rig
from . import actions, assigning, character, control_curves, merging, seen_joints, shape
from .editing import editing


def why_fixed(armature: bpy.types.Object) -> str:
    """Why a character cannot be given control bones, or lose them, now; "" where it can."""
    if not shape.is_character(armature):
        return "is no character of LSMPL"
    if armature.library or armature.data.library or armature.override_library:
        return "is linked from another file; make it local to change its controls"
    if armature.data.users > 1:
        return "shares its bones with another object; make them single-user first"
    animation = armature.animation_data
    if animation is not None and animation.use_tweak_mode:
        return "has a strip in tweak mode; leave that first (Tab)"
    missing = [name for name in _joints(armature) if name not in armature.data.bones]
    return f"has no bone {', '.join(missing)}; undo the renaming" if missing else ""


def add(armature: bpy.types.Object) -> None:
    """Give a character control bones, with its motion baked to them; all limbs follow IK then.

    Those that it has are made anew. Raises `LsmplError` where that cannot be; then nothing has
    changed.
    """
    _check(armature)
    names, mean = shape.mean_joints(armature)
    if are_there(armature):
        remove(armature)
    taken = [name for name in CONTROL_BONES if name in armature.data.bones]
    if taken:
        raise LsmplError(
            f"{armature.name}: has bones of its own that are called {', '.join(taken)}; rename them"
        )
    rig = building.rig_of(armature, names)
    ground = seen_joints.ground(armature, rig)
    rig = replace(rig, anchors=building.anchors_of(replace(rig, heads=mean), ground))
    try:
        with editing(armature.data):
            building.make_bones(armature.data.edit_bones, rig)
            if curls.can_be(names):
                curls.make_bones(armature.data.edit_bones)
        bpy.context.view_layer.update()
        with all_or_nothing():
            character.let_turn(armature, names[1:])  # of an earlier LSMPL they could be moved off
            building.connect(armature, rig)
            if curls.can_be(names):
                curls.connect(armature)
            looks.dress(armature, names)
        building.mark(armature.data, True)
        bake(armature)
    except BaseException:
        _take_away(armature)
        raise
    for limb in LIMBS:
        _set_switch(armature, limb, True)


def bake(armature: bpy.types.Object, limbs: Collection[Limb] = LIMBS) -> None:
    """Put the controls of limbs where the limbs are seen, in all frames that have keys, or, where
    nothing is keyed, at this moment.

    Mechanisms are laid anew for bones that somebody rolled. Raises `LsmplError` where there are no
    controls.
    """
    rig = _rig(armature)
    with editing(armature.data):
        building.lay_bones(armature.data.edit_bones, rig)
        if curls.are_there(armature.data.edit_bones):
            curls.lay_bones(armature.data.edit_bones)
    building.measure(armature, rig)
    for action in assigning.in_use(armature):
        frames = control_curves.key_frames(action, rig.names)
        if len(frames):
            location, quaternions = seen_joints.in_action(armature, rig, action, frames)
            curves = control_curves.curves_of(rig, quaternions, location, limbs)
            with actions.keeping_its_mark(action):
                actions.put_curves(action, frames, curves)
    location, quaternions = seen_joints.at_this_moment(armature, rig)
    keys.write(armature, keys.values_of(rig, two_bone.posed(rig, quaternions, location), limbs))
    _show_anew(armature)


def switch(armature: bpy.types.Object, limb: Limb, to_ik: bool) -> None:
    """Let a limb follow its controls, or its own bones, and do the same as before in all frames.
    Raises `LsmplError` where there are no controls."""
    rig = _rig(armature)
    if to_ik:
        bake(armature, [limb])
    else:
        _bake_joints(armature, rig, [limb])
    for action in assigning.in_use(armature):
        with actions.keeping_its_mark(action):
            actions.remove_curves(action, {switch_path(limb)})
    _set_switch(armature, limb, to_ik)


def snap(armature: bpy.types.Object, limb: Limb, frame: float) -> bool:
    """From the shown frame on let a limb follow the other side, with keys of its switch: there it
    is where it was. Returns whether it is IK now. Raises `LsmplError` where there are no
    controls."""
    rig, pose = _rig(armature), armature.pose.bones
    to_ik = pose[limb.ik].get(SWITCH, 0.0) < 0.5
    location, quaternions = seen_joints.as_evaluated(armature, rig)
    if to_ik:
        posed = two_bone.posed(rig, quaternions, location)
        keys.write(armature, keys.values_of(rig, posed, [limb]))
        moved = keys.channels([limb])
    else:
        for name in limb.bones:
            pose[name].rotation_quaternion = quaternions[0, rig.names.index(name)]
        moved = [(name, "rotation_quaternion") for name in limb.bones]
    for name, channel in moved:
        pose[name].keyframe_insert(channel, frame=frame, group=name)

    # The other side until the frame before, this one from here on.
    path = f'["{SWITCH}"]'
    curve = control_curves.find_curve(armature, switch_path(limb))
    if curve is None or not any(key.co[0] < frame for key in curve.keyframe_points):
        pose[limb.ik].keyframe_insert(path, frame=frame - 1.0, group=limb.ik)
    pose[limb.ik][SWITCH] = float(to_ik)
    pose[limb.ik].keyframe_insert(path, frame=frame, group=limb.ik)
    curve = control_curves.find_curve(armature, switch_path(limb))
    for key in curve.keyframe_points if curve else ():
        key.interpolation = "CONSTANT"
    looks.show_limb(armature, limb, to_ik, is_keyed=True)
    _show_anew(armature)
    return to_ik


def remove(armature: bpy.types.Object) -> None:
    """Take a character's controls away: its own bones have keys for what was seen, and nothing of
    the controls is left. Raises `LsmplError` where that cannot be; then nothing has changed."""
    _check(armature)
    if are_on(armature):
        rig = _rig(armature)
        if merging.is_layered(armature):
            merging.merge(armature, rig)
        _bake_joints(armature, rig, LIMBS, with_root=True)
    paths = {
        path
        for name in CONTROL_BONES
        for path in (
            *(keys.data_path(name, channel) for channel in _CHANNELS),
            f'pose.bones["{name}"]["{SWITCH}"]',
        )
    }
    for action in assigning.in_use(armature):
        with actions.keeping_its_mark(action):
            actions.remove_curves(action, paths)
    _take_away(armature)
    _show_anew(armature)


_CHANNELS = ("location", "rotation_quaternion", "rotation_euler", "scale")


def _check(armature: bpy.types.Object) -> None:
    if reason := why_fixed(armature):
        raise LsmplError(f"{armature.name}: {reason}")


def _joints(armature: bpy.types.Object) -> list[str]:
    return shape.mean_joints(armature)[0]


def _rig(armature: bpy.types.Object) -> Rig:
    _check(armature)
    if not are_on(armature):
        missing = [name for name in LIMB_BONES if name not in armature.data.bones]
        raise LsmplError(
            f"{armature.name}: has no controls"
            + (f", or not all: {', '.join(missing[:3])}" if are_there(armature) else "")
            + "; press Add Controls"
        )
    return building.rig_of(armature, _joints(armature))


def _take_away(armature: bpy.types.Object) -> None:
    building.disconnect(armature)
    curls.disconnect(armature)
    looks.undress(armature, _joints(armature))
    with editing(armature.data):
        building.remove_bones(armature.data.edit_bones)
    bpy.context.view_layer.update()
    building.mark(armature.data, False)
    looks.drop_unused_shapes()


def _set_switch(armature: bpy.types.Object, limb: Limb, to_ik: bool) -> None:
    armature.pose.bones[limb.ik][SWITCH] = float(to_ik)
    looks.show_limb(armature, limb, to_ik)
    _show_anew(armature)


def _show_anew(armature: bpy.types.Object) -> None:
    armature.update_tag(refresh={"OBJECT", "DATA", "TIME"})


def _bake_joints(
    armature: bpy.types.Object, rig: Rig, limbs: Collection[Limb], with_root: bool = False
) -> None:
    """Put the bones of limbs, and the pelvis and the fingers if the motion of root and curls is to
    become theirs, where they are seen."""
    for action in assigning.in_use(armature):
        frames = control_curves.key_frames(action, rig.names)
        if len(frames) == 0:
            continue
        location, quaternions = seen_joints.in_action(armature, rig, action, frames)
        changed = {name for limb in limbs for name in limb.bones}
        changed |= set(_fingers(rig)) if with_root else set()
        curves = []
        if with_root and seen_joints.moves_root(armature, action):
            location, quaternions = seen_joints.without_root(
                armature, rig, action, frames, location, quaternions
            )
            curves += control_curves.location_curves(rig.names[0], location)
            changed.add(rig.names[0])
        quaternions = keys.continuous(quaternions)
        made = control_curves.joint_curves(rig.names, quaternions)
        curves += [curve for curve in made if curve.group in changed]

        # A root or curls that somebody posed without keys are in the keys from now on.
        is_posed = with_root and seen_joints.is_posed_beside(armature, action, frames)
        with nullcontext() if is_posed else actions.keeping_its_mark(action):
            actions.put_curves(action, frames, curves)

    # What is not keyed, too.
    location, quaternions = seen_joints.at_this_moment(armature, rig)
    if with_root:
        location, quaternions = seen_joints.without_root(
            armature, rig, None, [0.0], location, quaternions
        )
        armature.pose.bones[rig.names[0]].location = location[0]
    besides = [rig.names[0], *_fingers(rig)] if with_root else []
    for name in [*besides, *(name for limb in limbs for name in limb.bones)]:
        turned = quaternions[0, rig.names.index(name)]
        armature.pose.bones[name].rotation_quaternion = turned
    _show_anew(armature)


def _fingers(rig: Rig) -> list[str]:
    return [name for name in rig.names if name in FINGER_JOINT_NAMES]
