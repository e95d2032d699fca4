"""Another character is made ready to be measured, and to be baked to: it stands where it did before
an earlier bake, its limbs on FK."""

from __future__ import annotations

from contextlib import ExitStack

import bpy

from ...lsmpl_core.retargeting.bone_maps import BoneMap
from .remembered import root_bone_of, travels
from .settings import OtherCharacter, bone_map_of
from .skeletons import root_bone


def send_home(
    target: bpy.types.Object, other: OtherCharacter, on_error: ExitStack
) -> tuple[float, float, float]:
    """Back to where the object stood before an earlier bake made it travel, and a root bone that
    travels, or did, to its rest; returns where the object stood.
    """
    animation = target.animation_data
    ours = (
        [strip.action for track in animation.nla_tracks for strip in track.strips]
        if animation
        else []
    )
    ours += [animation.action] if animation else []

    # Which of the actions that it plays were baked with travel, and on what.
    bpy.context.view_layer.update()  # what is still to be evaluated would move them away again
    travelled = {root_bone_of(action) for action in ours if action}
    if other.travel == "ROOT":
        root = root_bone(target, bone_map_of(other))
        travelled.add(root.name if root else "")

    for bone in [bone for bone in target.pose.bones if bone.name in travelled]:
        on_error.callback(setattr, bone, "matrix_basis", bone.matrix_basis.copy())
        bone.matrix_basis.identity()
        target.update_tag()
        bpy.context.view_layer.update()

    if any(action and travels(action) for action in ours):
        on_error.callback(setattr, target, "location", target.location.copy())
        target.location = other.home
        target.update_tag()
        bpy.context.view_layer.update()
    return tuple(target.location)


def set_switches(target: bpy.types.Object, bones: BoneMap, on_error: ExitStack) -> list[str]:
    """What a control rig needs: limbs on FK. Returns what was changed, in words."""
    changed = []
    for switch in bones.switches:
        bone = target.pose.bones.get(switch.bone)
        if (
            bone is None
            or switch.property not in bone
            or float(bone[switch.property]) == switch.value
        ):
            continue
        before = bone[switch.property]
        on_error.callback(bone.__setitem__, switch.property, before)
        bone[switch.property] = type(before)(switch.value)
        if switch.does not in changed:
            changed.append(switch.does)
    if changed:
        target.update_tag()
        bpy.context.view_layer.update()
    return changed
