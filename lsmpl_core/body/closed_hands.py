"""Hands that nobody saw, relaxed or closed by as much as one likes: how their skin moves."""

from __future__ import annotations

import numpy as np

from ..keypoints.hand_points import FINGERS
from ..rotation import exp_map
from .body import Body
from .fingers import NUM_FINGER_JOINTS

RELAXED = 0.25
"""How far relaxed hands are closed: 0 is the rest pose, flat and splayed, 1 a fist."""
_RELAXED_DEGREES = {
    "index": (6, 16, 8),
    "middle": (10, 19, 10),
    "ring": (13, 21, 10),
    "little": (15, 21, 10),
    "thumb": (6, 8, 12),
}
"""By which each joint, from the palm outwards, is bent further than in the rest pose: of a hand
that hangs, whose fingers bend the more the nearer they are to the little one."""
_FIST_DEGREES = {
    "index": (60, 86, 44),
    "middle": (64, 88, 46),
    "ring": (66, 88, 46),
    "little": (66, 86, 44),
    "thumb": (8, 24, 34),
}
_BROUGHT_TOGETHER = 0.75, 1.0
"""Share of the fingers' splay, their angle to the middle one, that relaxed hands and fists take
back."""


def closed_hands(
    body: Body, closed: float
) -> tuple[tuple[np.ndarray, np.ndarray], list[np.ndarray]]:
    """Both hands of a body with fingers, in the rest pose of its mean shape, closed so far, from
    `RELAXED` to 1: vertices (N,) of each, left hand first, and by how much they move (N,3), in
    metres.
    """
    fingers = body.fingers
    if fingers is None:
        raise ValueError(f"the body {body.name} has no fingers")
    turns = closed_turns(fingers.frames, closed)
    wrists = np.zeros((1, 2, 3))
    joints, _, world = fingers.positions(
        turns[None], np.zeros(10), np.broadcast_to(np.eye(3), (1, 2, 3, 3)), wrists, wrists[0]
    )
    offsets = []
    for hand, vertices in enumerate(fingers.vertices):
        skin = body.v_template[vertices]
        rest = fingers.joint_template[hand]
        carried = np.einsum("jab,njb->nja", world[0, hand], skin[:, None] - rest) + joints[0, hand]
        offsets.append(np.einsum("nj,nja->na", fingers.weights[hand], carried - skin[:, None]))
    return fingers.vertices, offsets


def closed_turns(frames: np.ndarray, closed: float) -> np.ndarray:
    """(2,15,3,3): how the joints of hands that are closed so far, from `RELAXED` to 1, are turned
    against their parents; frames (2,15,3,3) are the joints' axes."""
    share = (closed - RELAXED) / (1.0 - RELAXED)
    together = (1.0 - share) * _BROUGHT_TOGETHER[0] + share * _BROUGHT_TOGETHER[1]
    turns = np.empty((2, NUM_FINGER_JOINTS, 3, 3))
    for joint in range(NUM_FINGER_JOINTS):
        finger, number = FINGERS[joint // 3], joint % 3
        bend = (1.0 - share) * _RELAXED_DEGREES[finger][number]
        bend += share * _FIST_DEGREES[finger][number]
        turned = exp_map(np.radians(bend) * frames[:, joint, :, 0])
        if number == 0 and finger != "thumb":
            turned = exp_map(together * _splay(frames, joint)) @ turned
        turns[:, joint] = turned
    return turns


def _splay(frames: np.ndarray, joint: int) -> np.ndarray:
    """(2,3): the turn that lays the first bone of a finger beside the middle one's."""
    middle = 3 * FINGERS.index("middle")
    normal = frames[:, middle, :, 1]

    def flat(along: np.ndarray) -> np.ndarray:
        return along - normal * (along * normal).sum(axis=-1, keepdims=True)

    one, other = flat(frames[:, joint, :, 2]), flat(frames[:, middle, :, 2])
    sine = (np.cross(one, other) * normal).sum(axis=-1, keepdims=True)
    return normal * np.arctan2(sine, (one * other).sum(axis=-1, keepdims=True))
