"""The same motion on the same body of another shape, its feet where they were: legs by two-bone
inverse kinematics.

Feet keep their rotation and go, in every frame, where they went before, so feet that stood still
stand still, whatever was done to make them stand. Nothing depends on other frames but how far the
hips come down where shorter legs would not reach, which is eased (`leg_reach.hips_down`).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..body.body import Body
from ..body.skeleton import JOINT_NAMES
from ..cleaning.floor import FOOT_POINTS, rest_foot_points
from ..cleaning.leg_reach import hips_down, two_bones
from ..keypoints.layouts import Layout
from ..motion import Motion
from ..rotation import log_map

RESHAPING_PASSES = 2
"""The skin of a heel goes a little with the shin, too."""
_LEGS = tuple(
    tuple(JOINT_NAMES.index(f"{side}_{part}") for part in ("hip", "knee", "ankle"))
    for side in ("left", "right")
)


def keep_feet(motion: Motion, body: Body, betas: np.ndarray) -> Motion:
    """A motion of `body` on the shape betas (10,), the middle of heel and toes of each foot where
    it was, its lowest point as high above the floor; hips, knees and ankles alone turn.

    The pelvis is as much higher or lower, in all frames, as it is above its soles at rest, and
    lower where a foot would be out of reach.
    """
    before, after = body.betas_of(motion), np.asarray(betas, dtype=np.float64)
    if np.allclose(before, after, rtol=0.0, atol=1e-9):
        return motion

    # The pelvis goes where the other shape has it above its soles.
    rest_before, rest_after = body.rest_joints(before), body.rest_joints(after)
    up = _above_soles(body, after) - _above_soles(body, before)
    goal, above = _feet(motion, body, before)
    made = replace(
        motion,
        betas=after,
        trans=motion.trans + rest_before[0] - rest_after[0] + np.array([0.0, 0.0, up]),
        residual=None,
    )

    for _ in range(RESHAPING_PASSES):
        # By how much each foot is off, and how far the hips come down for legs that are too short.
        world, joints = body.world(made)
        middle, height = _feet(made, body, after)
        wanted = goal - middle
        wanted[..., 2] = above - height
        ankles = np.stack([joints[:, ankle] for _, _, ankle in _LEGS], axis=1) + wanted
        hips = np.stack([joints[:, hip] for hip, _, _ in _LEGS], axis=1)
        lengths = np.array(
            [
                [np.linalg.norm(rest_after[b] - rest_after[a]) for a, b in zip(leg, leg[1:])]
                for leg in _LEGS
            ]
        )
        straight = hips - lengths.sum(axis=1)[:, None] * (0.0, 0.0, 1.0)
        held = np.ones(hips.shape[:2])
        down = hips_down(hips, straight, ankles, lengths, 0.0 * held, held, motion.fps)
        by = np.stack([np.zeros_like(down), np.zeros_like(down), -down], axis=1)

        poses = made.poses.copy()
        for side, leg in enumerate(_LEGS):
            _place(poses, world, [joints[:, joint] + by for joint in leg], ankles[:, side], leg)
        made = replace(made, poses=poses, trans=made.trans + by)
    return made


def _place(
    poses: np.ndarray,
    world: np.ndarray,
    joints: list[np.ndarray],
    goal: np.ndarray,
    leg: tuple[int, ...],
) -> None:
    """Turn a leg's joints in poses (T,24,3), now at joints 3 x (T,3), so that its ankle is at its
    goal (T,3) and the foot as turned as before."""
    hip, knee, ankle = leg
    at_hip, at_knee, at_ankle = joints
    thigh, shin = two_bones(at_hip, at_knee, at_ankle, goal, world[:, hip, :, 0])
    thigh, shin = thigh @ world[:, hip], shin @ world[:, knee]
    chain = (world[:, 0], thigh, shin, world[:, ankle])
    for joint, parent, turned in zip(leg, chain, chain[1:]):
        poses[:, joint] = log_map(np.swapaxes(parent, -1, -2) @ turned)


def _feet(motion: Motion, body: Body, betas: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(T,2,3) metres: the middle of heel and toes of each foot; (T,2): how high its sole is."""
    points = body.keypoints(motion, Layout("foot points", FOOT_POINTS)).positions.reshape(
        -1, 2, 2, 3
    )
    clearance = (
        rest_foot_points(body, betas)[:, 1] - body.rest_vertices(betas)[:, 1].min()
    ).reshape(2, 2)
    return points.mean(axis=2), (points[..., 2] - clearance).min(axis=2)


def _above_soles(body: Body, betas: np.ndarray) -> float:
    """Metres from heels and toes, on average, up to the pelvis at rest."""
    return float(body.rest_joints(betas)[0, 1] - rest_foot_points(body, betas)[:, 1].mean())
