"""What follows what in a control rig, whose constraints a hierarchy of bones does not tell: each
mapped bone is turned for a moment, and which of the others turn with it is seen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import bpy
import numpy as np
from mathutils import Matrix, Vector

from ...lsmpl_core import LsmplError

_TRIAL_TURN = Matrix.Rotation(0.7, 4, Vector((1.0, 2.0, 3.0)).normalized())
"""By which a control is turned to see which bones follow it: about no axis that a rig would
have."""
_STILL_RADIANS, _ALIKE_RADIANS = np.radians(0.5), np.radians(1.0)
"""A bone that turns by less does not follow; turns that differ by less are the same."""
_CHANNELS = ("location", "rotation_quaternion", "rotation_euler", "rotation_axis_angle", "scale")


def find_lines(
    armature: bpy.types.Object, order: list[str], pelvis: list[str]
) -> tuple[list[int], list[Matrix], list[Matrix], np.ndarray]:
    """Of an armature's mapped bones, in this order, which of them each follows (-1: none), where
    they are, where they would be without a transform of their own, and (3,3) where the axes lead,
    in its columns, along which the pelvis is moved.

    Raises `LsmplError` where the armature is hidden, or a bone follows another in part.
    """
    layer, pose = bpy.context.view_layer, armature.pose.bones
    if armature.name not in layer.objects or not armature.visible_get():
        raise LsmplError(
            f"{armature.name}: is hidden; show it, so that its constraints can be followed"
        )

    def seen() -> list[Matrix]:
        layer.update()
        return [pose[name].matrix.copy() for name in order]

    with _at_hand(armature, order):
        matrices = seen()
        frames = [
            matrix @ pose[name].matrix_basis.inverted() for name, matrix in zip(order, matrices)
        ]

        # Each bone is turned for a moment, to see which of the others go with it.
        turned = []
        for name in order:
            with _restored(pose[name]):
                pose[name].matrix_basis = pose[name].matrix_basis @ _TRIAL_TURN
                turned.append(_rotations(seen()))

        # And the pelvis moved along its axes, to see where those lead.
        before = _rotations(matrices)
        axes = np.eye(3)
        for name in pelvis:
            for axis in range(3):
                with _restored(pose[name]):
                    pose[name].location[axis] += 1.0
                    axes[:, axis] = (
                        seen()[order.index(name)].translation
                        - matrices[order.index(name)].translation
                    )
        layer.update()

    # What a bone does to another: nothing, all of its own turn, or a part of it.
    turn = np.array(turned) @ np.swapaxes(before, -1, -2)  # (by which, of which, 3, 3)
    caused = np.einsum("iiab->iab", turn)
    off = _angles(np.swapaxes(caused, -1, -2)[:, None] @ turn)
    moves = _angles(turn) > _STILL_RADIANS
    follows = off < _ALIKE_RADIANS
    np.fill_diagonal(moves, False)

    # A part cannot be taken back by the other bone's own rotation.
    partly = np.argwhere(moves & ~follows)
    if len(partly):
        leads, led = (order[number] for number in partly[0])
        raise LsmplError(
            f"{armature.name}: bone {led!r} follows {leads!r} only in part, so no rotation "
            "can be baked for it; set "
            "the rig's follow switches to all or nothing, or take one of the two out of the mapping"
        )

    # What a bone follows last is what follows most of the others that it follows.
    carriers = [np.flatnonzero(moves[:, bone]) for bone in range(len(order))]
    parents = [
        int(max(found, key=lambda b: len(carriers[b]))) if len(found) else -1 for found in carriers
    ]
    return parents, matrices, frames, axes


def carries(armature: bpy.types.Object, root: str, order: list[str]) -> bool:
    """Whether all these bones turn with another one that is turned, by a trial."""
    layer, pose = bpy.context.view_layer, armature.pose.bones
    if armature.name not in layer.objects or not armature.visible_get():
        return False

    def seen() -> np.ndarray:
        layer.update()
        return _rotations([pose[name].matrix for name in (root, *order)])

    with _at_hand(armature, order):
        before = seen()
        with _restored(pose[root]):
            pose[root].matrix_basis = pose[root].matrix_basis @ _TRIAL_TURN
            after = seen()
    layer.update()  # with the animation, which else would play into what is set next
    turn = after @ np.swapaxes(before, -1, -2)
    return bool((_angles(np.swapaxes(turn[:1], -1, -2) @ turn[1:]) < _ALIKE_RADIANS).all())


@contextmanager
def _at_hand(armature: bpy.types.Object, order: list[str]) -> Iterator[None]:
    """The armature's animation does not play."""
    animation = armature.animation_data
    if animation is None:
        yield
        return
    if animation.use_tweak_mode:
        raise LsmplError(
            f"{armature.name}: one of its strips is being edited; leave the strip's tweak "
            "mode first"
        )
    action, slot, nla = animation.action, getattr(animation, "action_slot", None), animation.use_nla
    animation.action, animation.use_nla = None, False
    try:
        yield
    finally:
        animation.action, animation.use_nla = action, nla
        if slot is not None:
            animation.action_slot = slot


@contextmanager
def _restored(bone: bpy.types.PoseBone) -> Iterator[None]:
    kept = {channel: tuple(getattr(bone, channel)) for channel in _CHANNELS}
    try:
        yield
    finally:
        for channel, values in kept.items():
            setattr(bone, channel, values)


def _rotations(matrices: list[Matrix]) -> np.ndarray:
    return np.array([matrix.to_quaternion().to_matrix() for matrix in matrices])


def _angles(rotations: np.ndarray) -> np.ndarray:
    return np.arccos(np.clip((np.trace(rotations, axis1=-2, axis2=-1) - 1.0) / 2.0, -1.0, 1.0))
