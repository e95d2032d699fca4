"""Limits of the joints: knees and elbows that do not bend backwards, and limbs that are not wrung.

A joint's rotation is a twist about its bone (towards the next joint) followed by a swing of it.
Twists are limited at all joints, and at the hinges, knees and elbows, the swing as well: along the
hinge and across it. The limits lie outside what 99.9 % of recorded frames do (CMU motion capture in
SMPL joints, where hinges lie as in published SMPL motion), with about ten degrees to spare, and
more in the forearm, whose turn may be in the elbow or in the wrist.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

import numpy as np

from ..backends.arrays import choose_backend
from ..body.body import Body
from ..body.kinematics import KeypointModel
from ..body.sites import site_parts
from ..body.skeleton import JOINT_NAMES
from ..motion import Motion
from ..progress import Progress
from ..rotation import exp_map, log_map, to_quaternion
from ..solver.polish import Anchor, Targets, polish
from .easing import FIRM as FOLLOWED
from .easing import eased

TWIST = {
    "hip": 70.0, "knee": 35.0, "ankle": 45.0, "collar": 30.0, "shoulder": 150.0, "elbow": 90.0,
    "wrist": 140.0, "spine1": 40.0, "spine2": 30.0, "spine3": 30.0, "neck": 60.0, "head": 60.0,
}  # fmt: skip
"""Degrees of twist either way."""
MOST_TURNED = {
    "spine1": 100.0, "spine2": 60.0, "spine3": 60.0, "neck": 80.0, "head": 80.0, "collar": 85.0,
    "hip": 150.0, "knee": 175.0, "ankle": 80.0, "foot": 80.0, "elbow": 175.0, "wrist": 130.0,
}  # fmt: skip
"""Degrees that people turn a joint against its rest pose at most, twist and swing together."""
HINGES = {
    "knee": ((0.97, 0.0, -0.23), (-10.0, 155.0), 40.0),
    "elbow": ((0.0, -0.96, 0.27), (-12.0, 160.0), 60.0),
}
"""Of the left side: the axis in the parent's frame, degrees of bending along it, and degrees across
it either way."""
SOFT = 6.0
"""Degrees before a limit in which a rotation is already held back, so that nothing stops with a
jerk."""
ROUNDS, STEPS = 2, 3
TOUCHED = np.radians(0.05)
"""Turn of a joint by its limits from which on the pose is polished again."""
LIMB_SITES = tuple(name for name in JOINT_NAMES if not name.startswith("spine")) + (
    "left_toe",
    "right_toe",
    "nose",
)
HOLD, FIRM = 1e-3, 10.0
"""m²/rad² with which joints, and those that were drawn back, keep their pose while limbs go back to
where they were."""
PELVIS_WEIGHT = 1e3
GIVES_WAY = 0.15
"""Seconds over which the limits fade before and after frames in which they give way."""
ELSEWHERE = 0.08
"""Metres by which a limb may end up off its place: beyond, the pose stays as it was. Others' motion
may be written with turns that no joint has and limbs where they belong: of AIST++'s arms, whose
twists go on beyond half a turn, limits threw two by up to 48 cm."""
_NEXT = {
    "hip": "knee", "knee": "ankle", "ankle": "foot", "collar": "shoulder", "shoulder": "elbow",
    "elbow": "wrist", "wrist": "hand", "spine1": "spine2", "spine2": "spine3", "spine3": "neck",
    "neck": "head",
}  # fmt: skip
_FRAMES_AT_ONCE = 128


def limit_steps(motion: Motion, body: Body) -> Generator[Progress, None, Motion]:
    """The motion within the limits: yields `Progress` and returns the `Motion`.

    Only frames that break the limits, or come close, are changed.

    Where a joint is turned back, its limb is brought back by the polish, which moves the joints
    around it, to where the limb was, as far as the limits allow; where that is `ELSEWHERE`, the
    limits give way.
    """
    rest = body.rest_joints(body.betas_of(motion))
    measured = exp_map(motion.poses)
    rotations = within_limits(measured, rest)
    angle = _turn(measured, rotations)
    turned = np.flatnonzero(angle.max(axis=1) > TOUCHED)
    if not turned.size:
        return motion

    # In turn: limbs back to where they were, and joints within their limits.
    parts = site_parts(body, LIMB_SITES)
    betas = body.betas_of(motion)
    model = KeypointModel.build(choose_backend(), rest, parts, parts.moments(betas))
    weights = np.ones(len(LIMB_SITES))
    weights[LIMB_SITES.index("pelvis")] = PELVIS_WEIGHT
    for number in range(ROUNDS):
        for start in range(0, len(turned), _FRAMES_AT_ONCE):
            yield Progress("limit", number * len(turned) + start, ROUNDS * len(turned))
            some = turned[start : start + _FRAMES_AT_ONCE]
            aim = model.state(measured[some], motion.trans[some]).keypoints
            state = model.state(rotations[some], motion.trans[some])
            firm = HOLD + FIRM * np.minimum(angle[some] / np.radians(SOFT), 1.0) ** 2
            anchor = Anchor(state.rotations, firm)
            targets = Targets(aim, np.broadcast_to(weights, aim.shape[:2]))
            rotations[some] = polish(
                model, state, targets, anchor, steps=STEPS, damping=1e-6
            ).state.rotations
        rotations = within_limits(rotations, rest)

    # Where that took a limb elsewhere, the limits give way.
    kept = _kept(model, measured, rotations, motion)
    back = log_map(np.swapaxes(measured[turned], -1, -2) @ rotations[turned])
    poses = motion.poses.copy()
    poses[turned] = log_map(measured[turned] @ exp_map((1.0 - kept[turned, None, None]) * back))
    return replace(motion, poses=poses)


def _kept(
    model: KeypointModel, measured: np.ndarray, limited: np.ndarray, motion: Motion
) -> np.ndarray:
    """(T,) 0 to 1: by how much frames stay as they were, as limits would take limbs elsewhere."""
    there, taken = (
        model.state(rotations, motion.trans).keypoints for rotations in (measured, limited)
    )
    elsewhere = np.linalg.norm(taken - there, axis=2).max(axis=1) > ELSEWHERE
    if not elsewhere.any():
        return np.zeros(len(motion))
    weight = elsewhere.astype(float)
    share = eased(weight[:, None], weight, motion.fps, firm=FOLLOWED, loose=GIVES_WAY)
    return np.clip(share[:, 0], 0.0, 1.0)


def within_limits(rotations: np.ndarray, rest_joints: np.ndarray) -> np.ndarray:
    """Successive rotations (T,24,3,3), each joint drawn back inside its limits; rest_joints (24,3)
    give the bones."""
    out = rotations.copy()
    for joint, name in enumerate(JOINT_NAMES):
        part = name.split("_")[-1]
        if part not in TWIST:
            continue
        bone = bone_of(joint, rest_joints)
        swing, twist = swing_twist(rotations[:, joint], bone)
        new_twist = _held(twist, np.radians(-TWIST[part]), np.radians(TWIST[part]))
        new_swing = swing
        if part in HINGES:
            _, (least, most), across = HINGES[part]
            hinge = hinge_axis(name, bone)
            side = np.cross(bone, hinge)
            bend = _held(swing @ hinge, np.radians(least), np.radians(most))
            lean = _held(swing @ side, np.radians(-across), np.radians(across))
            new_swing = bend[:, None] * hinge + lean[:, None] * side
        changed = (new_twist != twist) | (new_swing != swing).any(axis=1)
        out[changed, joint] = exp_map(new_swing[changed]) @ exp_map(new_twist[changed, None] * bone)
    return out


def bone_of(joint: int, rest_joints: np.ndarray) -> np.ndarray:
    """Unit vector (3,) from a joint to the next one of its limb, at rest; upwards for the head."""
    name = JOINT_NAMES[joint]
    part = name.split("_")[-1]
    if part not in _NEXT:
        return np.array([0.0, 1.0, 0.0])
    bone = rest_joints[JOINT_NAMES.index(name.replace(part, _NEXT[part]))] - rest_joints[joint]
    return bone / np.linalg.norm(bone)


def hinge_axis(name: str, bone: np.ndarray) -> np.ndarray:
    """Unit vector (3,) about which a knee or elbow bends, at right angles to its bone."""
    axis = np.array(HINGES[name.split("_")[-1]][0])
    if name.startswith("right"):
        axis = axis * (1.0, -1.0, -1.0)  # a rotation vector seen in a mirror across x
    axis = axis - (axis @ bone) * bone
    return axis / np.linalg.norm(axis)


def swing_twist(rotations: np.ndarray, bone: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Successive rotations (T,3,3) as exp(swing) @ exp(twist bone): swing (T,3) across the bone,
    and twist (T,).

    The twist goes on through half a turn rather than jump to the other side; over the take it is
    the least possible.
    """
    q = to_quaternion(rotations)
    twist = np.unwrap(2.0 * np.arctan2(q[:, 1:] @ bone, q[:, 0]))
    twist = twist - 2.0 * np.pi * np.round(np.median(twist) / (2.0 * np.pi))
    swing = log_map(rotations @ np.swapaxes(exp_map(twist[:, None] * bone), -1, -2))
    return swing, twist


def _held(angle: np.ndarray, least: float, most: float) -> np.ndarray:
    """Angles (T,) inside the limits, unchanged but for the last `SOFT` degrees, which nothing gets
    beyond."""
    soft = np.radians(SOFT)
    over, under = angle - (most - soft), (least + soft) - angle
    angle = np.where(over > 0.0, most - soft * np.exp(-np.maximum(over, 0.0) / soft), angle)
    return np.where(under > 0.0, least + soft * np.exp(-np.maximum(under, 0.0) / soft), angle)


def _turn(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """(T,24) radians by which each joint was turned."""
    turn = np.zeros(before.shape[:2])
    changed = (before != after).any(axis=(2, 3))
    turn[changed] = np.linalg.norm(
        log_map(np.swapaxes(before[changed], -1, -2) @ after[changed]), axis=-1
    )
    return turn
