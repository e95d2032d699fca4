"""Hands that go through each other are moved apart until they touch: both arms reach a little less
far, and the hands stay turned as they are."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

import numpy as np

from ..body.body import Body
from ..body.skeleton import JOINT_NAMES, PARENTS
from ..keypoints.proportions import normalised
from ..motion import Motion
from ..progress import Progress
from ..rotation import log_map
from .hand_spheres import HandSpheres
from .leg_reach import stretch, two_bones
from .limits import bone_of, hinge_axis
from .way_apart import ways_apart

NEGLIGIBLE = 1e-4
"""Metres by which hands have to move for their arms to be changed."""
NEAR = 0.5
"""Metres between wrists beyond which hands cannot meet."""
ARMS = tuple(
    tuple(JOINT_NAMES.index(f"{side}_{part}") for part in ("shoulder", "elbow", "wrist"))
    for side in ("left", "right")
)


def part_hands_steps(motion: Motion, body: Body) -> Generator[Progress, None, Motion]:
    """The motion with its hands out of each other: yields `Progress` and returns the `Motion`.

    Only frames in which they are in each other, and a few about these, are changed, and of these
    only shoulders, elbows and wrists. A body without fingers, whose hands are a plane of skin on
    one joint, stays as it is.
    """
    if body.fingers is None:
        return motion
    yield Progress("hands", 0, 1)
    world, joints = body.world(motion)
    wrists = joints[:, [arm[2] for arm in ARMS]]
    near = np.linalg.norm(wrists[:, 0] - wrists[:, 1], axis=1) < NEAR
    if not near.any():
        return motion
    sized = body.with_hands(motion.hand_size)
    assert sized.fingers is not None, "hands of another size are hands"
    betas = body.betas_of(motion)
    spheres = HandSpheres.of(sized, sized.fingers, betas)
    left, right = spheres.centres(motion, body, (world, joints))
    way = ways_apart(left, right, spheres.radii, motion.fps)
    moved = np.flatnonzero(np.linalg.norm(way, axis=1) > NEGLIGIBLE)
    if not moved.size:
        return motion

    poses, rest = motion.poses.copy(), body.rest_joints(betas)
    for arm, share in zip(ARMS, (-0.5, 0.5)):
        (shoulder, elbow, _), at = arm, joints[moved][:, arm]
        hinge = world[moved, shoulder] @ hinge_axis(JOINT_NAMES[elbow], bone_of(elbow, rest))
        goal = _goal(at, share * way[moved])
        upper, lower = two_bones(at[:, 0], at[:, 1], at[:, 2], goal, hinge)
        turned = world[moved]
        turned[:, shoulder] = upper @ turned[:, shoulder]
        turned[:, elbow] = lower @ turned[:, elbow]
        parents = turned[:, [PARENTS[joint] for joint in arm]]
        poses[moved[:, None], arm] = log_map(np.swapaxes(parents, -1, -2) @ turned[:, arm])
    return replace(motion, poses=poses)


def _goal(at: np.ndarray, way: np.ndarray) -> np.ndarray:
    """(T,3): where a wrist goes to that has a way (T,3) to go; at (T,3,3): shoulder, elbow, wrist.

    A straight arm turns rather than bend, as legs do: its elbow would pop out.
    """
    shoulder, wrist = at[:, 0], at[:, 2]
    lengths = np.linalg.norm(np.diff(at[0], axis=0), axis=1)
    away = stretch(shoulder, wrist, wrist + way, lengths, np.zeros(len(way)))
    return shoulder + away[:, None] * normalised(wrist + way - shoulder)
