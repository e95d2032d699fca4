"""Finger bones of a character: SMPL-H's, on the wrists, where the motion has fingers.

They lie along the fingers and bend about X, as limbs do. They follow the shape as all bones do, and
take the skin over from the bones of SMPL's whole hands, which stay where they are and move nothing.
"""

from __future__ import annotations

import json

import bpy
import numpy as np

from ...lsmpl_core import Motion
from ...lsmpl_core.body.body import Body
from ...lsmpl_core.body.closed_hands import RELAXED, closed_turns
from ...lsmpl_core.body.fingers import (
    HAND_JOINTS,
    NUM_FINGER_JOINTS,
    WRISTS,
    Fingers,
)
from ...lsmpl_core.body.skeleton import FINGER_JOINT_NAMES, JOINT_NAMES
from ...lsmpl_core.rotation import log_map
from ..rigging import curls, limbs, looks
from ..rigging.keys import continuous
from . import actions, character, control_curves, hand_poses, shape
from .editing import editing
from .shape import TO_BLENDER

_A_FINGER = 3
_TIP_LENGTH = 0.02


def has_fingers(armature: bpy.types.Object) -> bool:
    return all(name in armature.data.bones for name in FINGER_JOINT_NAMES)


def ensure(armature: bpy.types.Object, body: Body) -> None:
    """Let a character of a body with fingers have bones for them, and its meshes follow those."""
    if body.fingers is None or any(name in armature.data.bones for name in FINGER_JOINT_NAMES):
        return
    _make_bones(armature, body, body.fingers)
    character.let_turn(armature, FINGER_JOINT_NAMES)
    for mesh in shape.meshes_of(armature):
        _give_weights(mesh, body, body.fingers)
    hand_poses.flatten(armature)
    if limbs.are_on(armature):
        with editing(armature.data):
            curls.make_bones(armature.data.edit_bones)
        bpy.context.view_layer.update()
        curls.connect(armature)
        looks.dress(armature, shape.mean_joints(armature)[0])


def curves(body: Body, motion: Motion, rest: np.ndarray | None) -> list[actions.Curve]:
    """What an action has to say for the fingers to move as in the motion; rest (30,3,3) is how the
    character's bones lie, None where they are still to be made. Where the motion says nothing of
    fingers, they are relaxed, keyed in the first frame, if there are bones for them."""
    if body.fingers is None or (motion.fingers is None and rest is None):
        return []
    rest = rest_rotations(body, body.fingers) if rest is None else rest
    quaternions = np.full((len(motion), len(FINGER_JOINT_NAMES), 4), np.nan)
    if motion.fingers is not None:
        quaternions[:] = channels_of(body, rest, motion.fingers)
    else:
        relaxed = closed_turns(body.fingers.frames, RELAXED)
        turns = log_map(relaxed.reshape(1, -1, 3, 3))
        quaternions[:1] = character.as_channels(rest, turns)
    return control_curves.joint_curves(FINGER_JOINT_NAMES, quaternions)


def channels_of(body: Body, rest: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """(T,30,4): quaternions of finger bones that lie so at rest (30,3,3), for fingers (T,30,3) as
    `Motion.fingers` has them."""
    assert body.fingers is not None, "only such a body's character has finger bones"
    local = body.fingers.local_rotations(angles)
    turns = log_map(local.reshape(len(local), -1, 3, 3))
    return continuous(character.as_channels(rest, turns))


def lying(armature: bpy.types.Object) -> np.ndarray:
    """(30,3,3): as `rest_rotations`, of a character, whose finger bones the animator may have
    rolled."""
    bones = [armature.data.bones[name] for name in FINGER_JOINT_NAMES]
    return np.array([bone.matrix_local.to_3x3() for bone in bones], dtype=np.float64)


def parents() -> list[int]:
    """(30,): what each finger bone hangs on, counted after SMPL's joints as their bones are."""
    first = len(JOINT_NAMES)
    return [
        first + joint - 1 if joint % _A_FINGER else WRISTS[joint // NUM_FINGER_JOINTS]
        for joint in range(len(FINGER_JOINT_NAMES))
    ]


def angles_of_pose(body: Body, rest: np.ndarray, local: np.ndarray) -> np.ndarray:
    """`Motion.fingers` (T,30,3) from the rotations (T,30,3,3) of the finger bones' channels; rest
    (30,3,3) is how they lie. The inverse of `channels_of`."""
    assert body.fingers is not None, "only such a body's character has finger bones"
    turned = character.of_channels(rest, local)
    return body.fingers.angles_of(turned.reshape(len(local), 2, NUM_FINGER_JOINTS, 3, 3))


def rest_rotations(body: Body, fingers: Fingers) -> np.ndarray:
    """(30,3,3): how finger bones lie at rest in Blender's frame: Y along the bone, X what the
    finger bends about."""
    frames = fingers.frames.reshape(-1, 3, 3)
    bend, along = frames[..., 0] @ TO_BLENDER.T, frames[..., 2] @ TO_BLENDER.T
    return np.stack([bend, along, np.cross(bend, along)], axis=-1)


def _make_bones(armature: bpy.types.Object, body: Body, fingers: Fingers) -> None:
    betas = shape.betas_of(armature)
    known = shape.joints_known(armature)

    # Where joints are on this shape, with hands of this size; and how that changes with the betas.
    rest = fingers.joint_template.reshape(-1, 3)
    moving = fingers.joint_directions.reshape(-1, 3, shape.BETAS) + shape.grounding(body)
    wrists = body.joint_template[list(WRISTS)]
    growing = (fingers.joint_template - wrists[:, None]).reshape(-1, 3)
    grown = rest + (shape.hand_size_of(armature) - 1.0) * growing
    heads = (grown + moving @ betas) @ TO_BLENDER.T

    # A bone from each joint to the next; the last of a finger to its tip.
    rotations = rest_rotations(body, fingers)
    tips = fingers.tip_template.reshape(-1, 3)
    with editing(armature.data):
        bones = armature.data.edit_bones
        for joint, name in enumerate(FINGER_JOINT_NAMES):
            number = joint % _A_FINGER
            end = tips[joint // _A_FINGER] if number == _A_FINGER - 1 else rest[joint + 1]
            length = max(float(np.linalg.norm(end - rest[joint])), _TIP_LENGTH / 2)
            bone = bones.new(name)
            bone.use_connect = False
            bone.head, bone.tail = heads[joint], heads[joint] + length * rotations[joint, :, 1]
            bone.align_roll(rotations[joint, :, 2])
            hand = joint // NUM_FINGER_JOINTS
            parent = FINGER_JOINT_NAMES[joint - 1] if number else body.joint_names[WRISTS[hand]]
            bone.parent = bones[parent]

    # What later changes of the shape need to know.
    known["names"] = [*known["names"], *FINGER_JOINT_NAMES]
    known["rest"] += np.round(rest, 7).tolist()
    known["directions"] += np.round(moving, 7).tolist()
    if "hands" in known:
        known["hands"] += np.round(growing, 7).tolist()
    armature.data[shape.JOINTS_KEY] = json.dumps(known)


def _give_weights(mesh: bpy.types.Object, body: Body, fingers: Fingers) -> None:
    """The skin of a body's hands to the finger bones, from the bones of the whole hands."""
    groups = [mesh.vertex_groups.new(name=name) for name in FINGER_JOINT_NAMES]
    for hand, joint in enumerate(HAND_JOINTS):
        whole = mesh.vertex_groups.get(body.joint_names[joint])
        vertices = fingers.vertices[hand].tolist()
        if whole is not None:
            whole.remove(vertices)
        of_hand = groups[NUM_FINGER_JOINTS * hand : NUM_FINGER_JOINTS * (hand + 1)]
        for group, weights in zip(of_hand, fingers.weights[hand].T):
            for row in np.flatnonzero(weights).tolist():
                group.add((vertices[row],), float(weights[row]), "REPLACE")
