"""Skeletons to put motion on, made from SMPL's joints: other rest poses, bone axes, proportions, units and bones."""

from __future__ import annotations

import numpy as np

from lsmpl_core.body.skeleton import ANCESTORS, JOINT_NAMES, PARENTS
from lsmpl_core.retargeting.rest_pose import TO_BLENDER
from lsmpl_core.retargeting.target_skeleton import TargetSkeleton
from lsmpl_core.rotation import exp_map

LIMBS = tuple(
    (f"{side}_{a}", f"{side}_{b}")
    for side in ("left", "right")
    for a, b in (("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"))
)


def posed_rest(joints: np.ndarray, turns: dict[str, tuple[float, float, float]]) -> np.ndarray:
    """Canonical rest joints (24,3) after turning some joints by rotation vectors in degrees."""
    joints = joints.copy()
    for name, degrees in turns.items():
        joint = JOINT_NAMES.index(name)
        below = ANCESTORS[:, joint]
        joints[below] = (joints[below] - joints[joint]) @ exp_map(np.radians(np.array(degrees))).T + joints[joint]
    return joints


A_POSE = {
    "left_shoulder": (0, 45, 0), "right_shoulder": (0, -45, 0), "left_elbow": (0, 0, -20), "right_elbow": (0, 0, 20),
    "left_hip": (0, -8, 0), "right_hip": (0, 8, 0), "left_ankle": (0, 0, 15), "right_ankle": (0, 0, -12),
}  # fmt: skip


def skeleton(
    body, betas=None, *, turns=None, rng=None, stretch=1.0, unit=1.0, axes=None, leave_out=(), skin=True
) -> TargetSkeleton:
    """SMPL's skeleton as another rig: `turns` pose its rest, `rng` rolls its bones' axes, `stretch` scales its legs,
    its armature counts in `unit` metres along other `axes` (3,3), and lacks the bones `leave_out`. The skin is that of
    its feet, which stand flat at rest, turned out as the ankles are.
    """
    canonical = body.rest_joints(betas) @ TO_BLENDER.T
    vertices = body.rest_vertices(betas) @ TO_BLENDER.T
    sole = vertices[:, 2].min()
    canonical = posed_rest(canonical, turns or {})
    for name in ("left_knee", "right_knee", "left_ankle", "right_ankle"):
        joint = JOINT_NAMES.index(name)
        below = ANCESTORS[:, joint]
        canonical[below] += (stretch - 1.0) * (canonical[joint] - canonical[PARENTS[joint]])
    axes = np.eye(3) if axes is None else axes
    names = [name for name in JOINT_NAMES if name not in leave_out]
    rest = np.tile(np.eye(4), (len(names), 1, 1))
    for bone, name in enumerate(names):
        rest[bone, :3, 3] = axes @ canonical[JOINT_NAMES.index(name)] / unit
        rest[bone, :3, :3] = np.eye(3) if rng is None else exp_map(rng.normal(size=3))
    parents = []
    for name in names:
        parent = PARENTS[JOINT_NAMES.index(name)]
        while parent >= 0 and JOINT_NAMES[parent] not in names:
            parent = PARENTS[parent]
        parents.append(-1 if parent < 0 else names.index(JOINT_NAMES[parent]))
    links = [m if p < 0 else np.linalg.inv(rest[p]) @ m for m, p in zip(rest, parents)]
    to_take = np.eye(4)
    to_take[:3, :3] = unit * axes.T
    to_take[:3, 3] = (0.3, -0.2, 0.1)
    feet = vertices[vertices[:, 2] < sole + 0.03]
    for side, ankle in (("left", 7), ("right", 8)):
        yaw = np.array((turns or {}).get(f"{side}_ankle", (0.0, 0.0, 0.0)))
        before = (body.rest_joints(betas) @ TO_BLENDER.T)[ankle]
        own = feet[:, 0] > 0 if side == "left" else feet[:, 0] < 0
        feet[own] = (feet[own] - before) @ exp_map(np.radians(yaw)).T + canonical[ankle]
    return TargetSkeleton(
        names=names,
        joints=names,
        parents=parents,
        links=np.array(links),
        rest=rest,
        ends=np.full((len(names), 3), np.nan),
        to_take=to_take,
        location_axes=rest[0, :3, :3],
        skin=feet @ axes.T / unit if skin else None,
    )


def played(target: TargetSkeleton, done) -> tuple[np.ndarray, np.ndarray]:
    """World matrices' rotations (T,N,3,3) and places (T,N,3) of the bones, as Blender would work them out."""
    T = len(done.location)
    matrices = np.zeros((T, len(target.names), 4, 4))
    root = np.eye(4)
    if done.root_location is not None:
        own = np.tile(np.eye(4), (T, 1, 1))
        own[:, :3, :3], own[:, :3, 3] = done.root_rotations, done.root_location
        root = target.root @ own @ np.linalg.inv(target.root)
    for bone, parent in enumerate(target.parents):
        frame = root @ target.links[bone] if parent < 0 else matrices[:, parent] @ target.links[bone]
        basis = np.tile(np.eye(4), (T, 1, 1))
        basis[:, :3, :3] = done.rotations[:, bone]
        if bone == done.pelvis:
            basis[:, :3, 3] = done.location
        matrices[:, bone] = frame @ basis
    matrices[..., :3, 3] += done.object_shift[:, None]
    matrices = target.to_take @ matrices
    scale = np.cbrt(np.linalg.det(target.to_take[:3, :3]))
    return matrices[..., :3, :3] / scale, matrices[..., :3, 3]


def limb_angles(target: TargetSkeleton, places: np.ndarray, joints: np.ndarray) -> np.ndarray:
    """(T,L) degrees between the directions of limbs, the character's and those of SMPL's joints (T,24,3)."""
    angles = []
    for a, b in LIMBS:
        ours = places[:, list(target.joints).index(b)] - places[:, list(target.joints).index(a)]
        theirs = joints[:, JOINT_NAMES.index(b)] - joints[:, JOINT_NAMES.index(a)]
        sine = np.linalg.norm(np.cross(ours, theirs), axis=1)
        angles.append(np.degrees(np.arctan2(sine, (ours * theirs).sum(axis=1))))
    return np.stack(angles, axis=1)
