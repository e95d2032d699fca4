"""A character's bones as SMPL poses, and back: the pose that it has now, and those of its action in
some frames."""

from __future__ import annotations

from collections.abc import Sequence

import bpy
import numpy as np

from ...lsmpl_core import Motion
from ...lsmpl_core.body.body import Body
from ...lsmpl_core.by_hand.posing import poses_of
from ...lsmpl_core.rotation import from_quaternion, log_map
from ...lsmpl_core.solver.poses import Poses
from . import actions, character, shape
from .actions import Curve


class Bones:
    """The bones of a character of a body, for motions of a shape (betas)."""

    def __init__(self, armature: bpy.types.Object, body: Body, betas: np.ndarray):
        self.armature, self.body, self.betas = armature, body, betas
        self.rest = character.bone_rotations(armature, body)
        self.names = body.joint_names

    def curves(self, poses: Poses, before: np.ndarray | None = None) -> list[Curve]:
        """What an action has to say for the bones to take these poses. before (24,4): the
        quaternions of the frame before, whose signs are gone on with."""
        return self.curves_of(Motion(log_map(poses.rotations), poses.trans, self.betas), before)

    def curves_of(self, motion: Motion, before: np.ndarray | None = None) -> list[Curve]:
        """The same for a motion of this shape."""
        quaternions, location = character.pose_curves(self.rest, self.body, motion)
        if before is not None:
            quaternions *= np.where(
                (quaternions[:1] * before).sum(axis=-1, keepdims=True) < 0.0, -1.0, 1.0
            )
        curves = [
            Curve(_location(self.names[0]), axis, location[:, axis], self.names[0])
            for axis in range(3)
        ]
        for j, name in enumerate(self.names):
            curves += [Curve(_rotation(name), i, quaternions[:, j, i], name) for i in range(4)]
        return curves

    def show(self, poses: Poses) -> None:
        """Put the bones into a pose (1), until the action next moves them."""
        motion = Motion(log_map(poses.rotations), poses.trans, self.betas)
        quaternions, location = character.pose_curves(self.rest, self.body, motion)
        bones = self.armature.pose.bones
        for name, turn in zip(self.names, quaternions[0].tolist()):
            bones[name].rotation_quaternion = turn
        bones[self.names[0]].location = location[0]

    def values(self) -> list[tuple]:
        """What the bones' channels are at this moment, for `set_values`."""
        bones = [self.armature.pose.bones[name] for name in self.names]
        return [(bone.rotation_quaternion.copy(), bone.location.copy()) for bone in bones]

    def set_values(self, values: list[tuple]) -> None:
        for name, (turn, location) in zip(self.names, values):
            bone = self.armature.pose.bones[name]
            bone.rotation_quaternion, bone.location = turn, location

    def in_action(self, action: bpy.types.Action, frames: Sequence[float] | np.ndarray) -> Poses:
        """The poses (N) that an action has in some scene frames; a bone that it does not move is at
        rest."""
        location, quaternions = self.channels(action, frames)
        return self._poses(_rotation_matrices(quaternions), location)

    def channels(
        self, action: bpy.types.Action, frames: Sequence[float] | np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The pelvis' location (N,3) and all bones' quaternions (N,24,4) in an action."""
        wanted = [(_location(self.names[0]), axis) for axis in range(3)]
        wanted += [(_rotation(name), i) for name in self.names for i in range(4)]
        values = actions.values_at(action, wanted, frames).T
        quaternions = values[:, 3:].reshape(len(values), -1, 4)
        lost = ~np.isfinite(quaternions).all(axis=-1) | (
            np.square(np.nan_to_num(quaternions)).sum(axis=-1) < 1e-12
        )
        quaternions[lost] = (1.0, 0.0, 0.0, 0.0)
        return np.nan_to_num(values[:, :3]), quaternions

    def now(self) -> Poses:
        """The pose (1) that the bones have at this moment, keyed or not, constraints and all."""
        bones = self.armature.pose.bones
        matrices = []
        for name in self.names:
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
        """From the bones' own rotations (N,24,3,3) and the pelvis' location (N,3), for motions of
        this shape."""
        pelvis = shape.rest_joints(self.body, self.betas)[0] + location @ self.rest[0].T
        return poses_of(
            character.motion_of_pose(self.rest, self.body, local, pelvis, self.betas, fps=1.0)
        )


def selected_bones(armature: bpy.types.Object, body: Body) -> list[str]:
    """The body's bones that are selected in Pose Mode."""
    from_5_0 = "select" in bpy.types.PoseBone.bl_rna.properties
    return [
        bone.name
        for bone in armature.pose.bones
        if bone.name in body.joint_names and (bone.select if from_5_0 else bone.bone.select)
    ]


def _rotation(bone: str) -> str:
    return f'pose.bones["{bone}"].rotation_quaternion'


def _location(bone: str) -> str:
    return f'pose.bones["{bone}"].location'


def _rotation_matrices(quaternions: np.ndarray) -> np.ndarray:
    return from_quaternion(quaternions / np.linalg.norm(quaternions, axis=-1, keepdims=True))
