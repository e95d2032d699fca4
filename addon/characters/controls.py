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
import numpy as np

from ...lsmpl_core import LsmplError
from ...lsmpl_core.body.skeleton import FINGER_JOINT_NAMES
from ...lsmpl_core.rotation import from_quaternion, to_quaternion
from ..errors import all_or_nothing
from ..rigging import building, curls, keys, looks, two_bone
from ..rigging.limbs import (
    CONTROL_BONES,
    LIMB_BONES,
    LIMBS,
    ROOT,
    SWITCH,
    Limb,
    are_on,
    are_there,
    switch_path,
)
from ..rigging.two_bone import Rig
from . import actions, assigning, character, control_curves, merging, shape
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
    ground = _ground(armature, rig)
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
            location, quaternions = _seen(armature, rig, action, frames)
            curves = control_curves.curves_of(rig, quaternions, location, limbs)
            with actions.keeping_its_mark(action):
                actions.put_curves(action, frames, curves)
    location, quaternions = _seen_now(armature, rig)
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
    location, quaternions = _posed_now(armature, rig)
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
        location, quaternions = _seen(armature, rig, action, frames)
        changed = {name for limb in limbs for name in limb.bones}
        changed |= set(_fingers(rig)) if with_root else set()
        curves = []
        if with_root and _moves_root(armature, action):
            location, quaternions = _with_root(armature, rig, action, frames, location, quaternions)
            curves += control_curves.location_curves(rig.names[0], location)
            changed.add(rig.names[0])
        quaternions = keys.continuous(quaternions)
        made = control_curves.joint_curves(rig.names, quaternions)
        curves += [curve for curve in made if curve.group in changed]

        # A root or curls that somebody posed without keys are in the keys from now on.
        is_posed = with_root and _is_posed_beside(armature, action, frames)
        with nullcontext() if is_posed else actions.keeping_its_mark(action):
            actions.put_curves(action, frames, curves)

    # What is not keyed, too.
    location, quaternions = _seen_now(armature, rig)
    if with_root:
        location, quaternions = _with_root(armature, rig, None, [0.0], location, quaternions)
        armature.pose.bones[rig.names[0]].location = location[0]
    besides = [rig.names[0], *_fingers(rig)] if with_root else []
    for name in [*besides, *(name for limb in limbs for name in limb.bones)]:
        turned = quaternions[0, rig.names.index(name)]
        armature.pose.bones[name].rotation_quaternion = turned
    _show_anew(armature)


def _is_posed_beside(
    armature: bpy.types.Object, action: bpy.types.Action, frames: np.ndarray
) -> bool:
    """Whether root or curls, which no bake moves, bring the bones elsewhere than its keys do."""
    turned = control_curves.finger_turns(armature, action, frames)
    curled = turned is not None and not np.allclose(turned, np.eye(3), atol=1e-6)
    return curled or _moves_root(armature, action)


def _fingers(rig: Rig) -> list[str]:
    return [name for name in rig.names if name in FINGER_JOINT_NAMES]


def _seen(
    armature: bpy.types.Object, rig: Rig, action: bpy.types.Action, frames: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The pelvis' location (T,3) and the joints' quaternions (T,24,4), as an action alone has
    them."""
    location, quaternions = control_curves.joint_channels(action, rig.names, frames)
    seen = control_curves.as_seen(armature, rig, action, frames, location, quaternions)
    return location, keys.continuous(seen)


def _seen_now(armature: bpy.types.Object, rig: Rig) -> tuple[np.ndarray, np.ndarray]:
    """The same at this moment, by what the channels of bones are, (1,3) and (1,24,4)."""
    pose = armature.pose.bones
    location = np.array([pose[rig.names[0]].location])
    quaternions = np.array([[pose[name].rotation_quaternion for name in rig.names]])
    quaternions /= np.maximum(np.linalg.norm(quaternions, axis=-1, keepdims=True), 1e-12)
    return location, control_curves.as_seen(armature, rig, None, [0.0], location, quaternions)


def _posed_now(armature: bpy.types.Object, rig: Rig) -> tuple[np.ndarray, np.ndarray]:
    """The same at this moment as Blender evaluates it, layers, constraints and all."""
    graph = bpy.context.evaluated_depsgraph_get()
    seen = armature.evaluated_get(graph)
    local = [
        np.array(
            seen.convert_space(
                pose_bone=seen.pose.bones[name],
                matrix=seen.pose.bones[name].matrix,
                from_space="POSE",
                to_space="LOCAL",
            )
        )
        for name in rig.names
    ]
    turned = np.array([matrix[:3, :3] / np.linalg.norm(matrix[:3, :3], axis=0) for matrix in local])
    return local[0][None, :3, 3], to_quaternion(turned)[None]


def _moves_root(armature: bpy.types.Object, action: bpy.types.Action) -> bool:
    values = control_curves.channels_at(armature, action, keys.ROOT_CHANNELS, [0.0])
    at_rest = np.array([0, 0, 0, 1, 0, 0, 0])
    now = np.concatenate(keys.read(armature, keys.ROOT_CHANNELS))
    return values is not None or not np.allclose(now, at_rest, atol=1e-7)


def _ground(armature: bpy.types.Object, rig: Rig) -> np.ndarray:
    """(3,): the floor under the pelvis where the character's motion begins."""
    location = np.array([armature.pose.bones[rig.names[0]].location])
    for action in assigning.in_use(armature)[:1]:
        if len(frames := control_curves.key_frames(action, rig.names)):
            location = control_curves.joint_channels(action, rig.names, frames[:1])[0]
    begins = rig.heads[0] + rig.rotations[0] @ location[0]
    return begins * (1.0, 1.0, 0.0)


def _with_root(
    armature: bpy.types.Object,
    rig: Rig,
    action: bpy.types.Action | None,
    frames: control_curves.Frames,
    location: np.ndarray,
    quaternions: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """The pelvis' location (T,3) and the joints' quaternions (T,24,4) that do without root what
    these do with it."""
    of_root = keys.ROOT_CHANNELS
    values = control_curves.channels_at(armature, action, of_root, frames)
    if values is None:  # it is not keyed, and stays where it is
        values = [np.tile(now, (len(frames), 1)) for now in keys.read(armature, of_root)]
    turned = from_quaternion(values[1] / np.linalg.norm(values[1], axis=-1, keepdims=True))
    at_rest, head, pivot = rig.rotations[0], rig.heads[0], rig.anchors[ROOT][:3, 3]
    from_pivot = head + location @ at_rest.T - pivot
    moved = pivot + values[0] + np.einsum("tij,tj->ti", turned, from_pivot) - head
    quaternions = quaternions.copy()
    own = at_rest.T @ turned @ at_rest @ from_quaternion(quaternions[:, 0])
    quaternions[:, 0] = keys.continuous(to_quaternion(own))
    return moved @ at_rest, quaternions
