"""A character's bones as SMPL poses, and back: the pose that it has now, and those of its action in
some frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import bpy
import numpy as np

from ...lsmpl_core import Motion
from ...lsmpl_core.body.body import Body
from ...lsmpl_core.body.skeleton import FINGER_JOINT_NAMES
from ...lsmpl_core.by_hand.posing import poses_of
from ...lsmpl_core.rotation import from_quaternion, log_map
from ...lsmpl_core.solver.poses import Poses
from ..rigging import building, curls, keys, limbs, two_bone
from . import character, control_curves, finger_bones, shape
from .actions import Curve
from .control_curves import Before


class Bones:
    """The bones of a character of a body, for motions of a shape (betas)."""

    def __init__(self, armature: bpy.types.Object, body: Body, betas: np.ndarray):
        self.armature, self.body, self.betas = armature, body, betas
        self.rest = character.bone_rotations(armature, body)
        self.names = body.joint_names
        self.rig = rig_of(armature, body)
        self.fingers = fingers_of(armature, body)

    def curves(
        self, poses: Poses, before: Before | None = None, curled: np.ndarray | None = None
    ) -> list[Curve]:
        """What an action has to say for the bones, and their controls if there are some, to take
        these poses. before: the quaternions of the frame before, whose signs are gone on with.
        curled (N,30,3,3): by how much curls turn the fingers there (`curls_in`)."""
        motion = Motion(log_map(poses.rotations), poses.trans, self.betas, fingers=poses.fingers)
        return self.curves_of(motion, before, curled)

    def curves_of(
        self, motion: Motion, before: Before | None = None, curled: np.ndarray | None = None
    ) -> list[Curve]:
        """The same for a motion of this shape."""
        quaternions, location = character.pose_curves(self.rest, self.body, motion)
        if before is not None:
            quaternions *= _going_on(quaternions, before.joints)
        curves = control_curves.location_curves(self.names[0], location)
        curves += control_curves.joint_curves(self.names, quaternions)
        if self.rig is not None:
            curves += control_curves.curves_of(self.rig, quaternions, location, before=before)
        if self.fingers is not None and motion.fingers is not None:
            bent = self._finger_channels(motion.fingers, curled)
            if before is not None and before.fingers is not None:
                bent *= _going_on(bent, before.fingers)
            curves += control_curves.joint_curves(FINGER_JOINT_NAMES, bent)
        return curves

    def before(self, action: bpy.types.Action, frame: float) -> Before:
        """What `curves` goes on with after a frame of an action."""
        joints = control_curves.joint_channels(action, self.names, [frame])[1][0]
        turned = [name for name, kind in keys.channels() if kind == "rotation_quaternion"]
        controls = {}
        if self.rig is not None:
            controls = dict(
                zip(turned, control_curves.joint_channels(action, turned, [frame])[1][0])
            )
        fingers = None
        if self.fingers is not None:
            fingers = control_curves.joint_channels(action, FINGER_JOINT_NAMES, [frame])[1][0]
        return Before(joints, controls, fingers)

    def show(self, poses: Poses) -> None:
        """Put the bones into a pose (1), until the action next moves them."""
        motion = Motion(log_map(poses.rotations), poses.trans, self.betas)
        quaternions, location = character.pose_curves(self.rest, self.body, motion)
        bones = self.armature.pose.bones
        for name, turn in zip(self.names, quaternions[0].tolist()):
            bones[name].rotation_quaternion = turn
        bones[self.names[0]].location = location[0]
        if self.rig is not None:
            posed = two_bone.posed(self.rig, quaternions, location)
            keys.write(self.armature, keys.values_of(self.rig, posed))
        if self.fingers is not None and poses.fingers is not None:
            bent = self._finger_channels(poses.fingers, self.curls_in(None, [0.0]))
            for name, turn in zip(FINGER_JOINT_NAMES, bent[0].tolist()):
                bones[name].rotation_quaternion = turn

    def curls_in(
        self, action: bpy.types.Action | None, frames: Sequence[float] | np.ndarray
    ) -> np.ndarray | None:
        """(N,30,3,3): by how much curls turn the fingers in some scene frames of an action, or
        without one at this moment; None where the character has none."""
        return control_curves.finger_turns(self.armature, action, frames)

    def _finger_channels(self, fingers: np.ndarray, curled: np.ndarray | None) -> np.ndarray:
        """(N,30,4): the quaternions of finger bones that are seen as fingers (N,30,3), under
        curls."""
        assert self.fingers is not None, "asked for only where there are finger bones"
        bent = finger_bones.channels_of(self.body, self.fingers, fingers)
        if curled is None:
            return bent
        return keys.continuous(curls.curled(bent, np.swapaxes(curled, -1, -2)))

    def values(self) -> list[tuple]:
        """What the bones' channels are at this moment, for `set_values`."""
        bones = [self.armature.pose.bones[name] for name in self._posed_bones]
        return [(bone.rotation_quaternion.copy(), bone.location.copy()) for bone in bones]

    def set_values(self, values: list[tuple]) -> None:
        for name, (turn, location) in zip(self._posed_bones, values):
            bone = self.armature.pose.bones[name]
            bone.rotation_quaternion, bone.location = turn, location

    @property
    def _posed_bones(self) -> list[str]:
        controls = [name for limb in limbs.LIMBS for name in limb.controls] if self.rig else []
        return [*self._joints, *controls]

    @property
    def _joints(self) -> list[str]:
        """The body's bones, and those of its fingers."""
        return [*self.names, *(FINGER_JOINT_NAMES if self.fingers is not None else ())]

    def in_action(self, action: bpy.types.Action, frames: Sequence[float] | np.ndarray) -> Poses:
        """The poses (N) that an action has in some scene frames, as they are seen; a bone that it
        does not move is at rest."""
        location, quaternions = self.channels(action, frames)
        if self.fingers is not None:
            bent = control_curves.joint_channels(action, FINGER_JOINT_NAMES, frames)[1]
            turned = self.curls_in(action, frames)
            bent = bent if turned is None else curls.curled(bent, turned)
            quaternions = np.concatenate([quaternions, bent], axis=1)
        return self._poses(_rotation_matrices(quaternions), location)

    def channels(
        self, action: bpy.types.Action, frames: Sequence[float] | np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The pelvis' location (N,3) and all bones' quaternions (N,24,4) in an action."""
        location, quaternions = control_curves.joint_channels(action, self.names, frames)
        if self.rig is not None:
            quaternions = control_curves.as_seen(
                self.armature, self.rig, action, frames, location, quaternions
            )
        return location, quaternions

    def now(self) -> Poses:
        """The pose (1) that the bones have at this moment, keyed or not, constraints and all."""
        bones = self.armature.pose.bones
        matrices = []
        for name in self._joints:
            bone = bones[name]
            matrix = bone.matrix_basis
            if bone.constraints:
                matrix = self.armature.convert_space(
                    pose_bone=bone, matrix=bone.matrix, from_space="POSE", to_space="LOCAL"
                )
            matrices.append(np.array(matrix))
        local = np.array(matrices)
        turns = local[:, :3, :3] / np.linalg.norm(local[:, :3, :3], axis=1, keepdims=True)
        return self._poses(turns[None], local[0, :3, 3][None])

    def _poses(self, local: np.ndarray, location: np.ndarray) -> Poses:
        """From the bones' own rotations, (N,24,3,3) or with those of the fingers (N,54,3,3), and
        the pelvis' location (N,3), for motions of this shape."""
        pelvis = shape.rest_joints(self.body, self.betas)[0] + location @ self.rest[0].T
        body, bent = np.split(local, [len(self.names)], axis=1)
        motion = character.motion_of_pose(self.rest, self.body, body, pelvis, self.betas, fps=1.0)
        if self.fingers is not None:
            angles = finger_bones.angles_of_pose(self.body, self.fingers, bent)
            motion = replace(motion, fingers=angles)
        return poses_of(motion)


def rig_of(armature: bpy.types.Object, body: Body) -> two_bone.Rig | None:
    """How bones and controls of a character lie at rest; None of one without controls."""
    names = list(body.joint_names)
    return building.rig_of(armature, names) if limbs.are_on(armature) else None


def fingers_of(armature: bpy.types.Object, body: Body) -> np.ndarray | None:
    """(30,3,3): how the finger bones of a character lie at rest; None where it has none."""
    has_fingers = body.fingers is not None and finger_bones.has_fingers(armature)
    return finger_bones.lying(armature) if has_fingers else None


def selected_bones(armature: bpy.types.Object, body: Body) -> list[str]:
    """The bones of the body and its fingers that are selected in Pose Mode, or moved by controls
    that are."""
    from_5_0 = "select" in bpy.types.PoseBone.bl_rna.properties
    selected = [
        bone.name for bone in armature.pose.bones if (bone.select if from_5_0 else bone.bone.select)
    ]
    meant = {joint for name in selected for joint in (name, *limbs.posed_by(name))}
    return [joint for joint in (*body.joint_names, *FINGER_JOINT_NAMES) if joint in meant]


def _going_on(quaternions: np.ndarray, before: np.ndarray) -> np.ndarray:
    """(1,J,1): signs by which quaternions (T,J,4) go on from those of the frame before (J,4)."""
    return np.where((quaternions[:1] * before).sum(axis=-1, keepdims=True) < 0.0, -1.0, 1.0)


def _rotation_matrices(quaternions: np.ndarray) -> np.ndarray:
    return from_quaternion(quaternions / np.linalg.norm(quaternions, axis=-1, keepdims=True))
