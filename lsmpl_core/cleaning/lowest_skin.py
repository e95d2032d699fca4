"""How low the skin reaches in each frame: of each bone's skin only what can be lowest, however the
bone is turned."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ..backends.dense import products
from ..body.body import Body
from ..body.kinematics import posed
from ..body.skeleton import NUM_JOINTS
from ..motion import Motion
from ..points import spread_directions

DIRECTIONS = 48
"""In which the outermost skin of each bone is looked for, evenly spread over the sphere."""
FRAMES_AT_ONCE = 256


def lowest_skin(motion: Motion, body: Body) -> np.ndarray:
    """(T,) metres: the height of the lowest skin in each frame, without pose correctives; in the
    open body within 3 mm of what all its vertices give."""
    rows, betas = outermost(body), body.betas_of(motion)
    rest_joints, rest = body.rest_joints(betas), body.rest_vertices(betas)[rows]

    # A vertex' height is linear in the third rows of the joints' rotations and their heights: how
    # it is, of each joint four numbers.
    weights = body.skinning_weights[rows][..., None]
    offsets = weights * (rest[:, None] - rest_joints)
    linear = np.concatenate([offsets, np.broadcast_to(weights, (*offsets.shape[:2], 1))], axis=2)
    linear = np.ascontiguousarray(linear.reshape(len(rows), -1).T)

    lowest = np.empty(len(motion))
    for start in range(0, len(motion), FRAMES_AT_ONCE):
        some = slice(start, start + FRAMES_AT_ONCE)
        world, joints = posed(motion.poses[some], rest_joints, motion.trans[some])
        heights = np.concatenate([world[:, :, 2], joints[:, :, 2:]], axis=2)
        heights = heights.reshape(1, len(heights), -1)
        lowest[some] = products(heights, linear[None])[0].min(axis=1)
    return lowest


@lru_cache(maxsize=8)
def outermost(body: Body) -> np.ndarray:
    """Rows of the vertices that are outermost of a bone's skin in any of the directions."""
    owner = np.asarray(body.skinning_weights).argmax(axis=1)
    ahead = spread_directions(DIRECTIONS)
    found = [np.zeros(0, dtype=int)]
    for joint in range(NUM_JOINTS):
        own = np.flatnonzero(owner == joint)
        if len(own):
            found.append(own[np.unique((body.v_template[own] @ ahead.T).argmax(axis=0))])
    return np.unique(np.concatenate(found))
