"""SMPL's kinematic tree: its 24 joints, who hangs on whom, and the order in which they can be worked on together."""

from __future__ import annotations

import numpy as np

JOINT_NAMES = (
    "pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine2", "left_ankle", "right_ankle",
    "spine3", "left_foot", "right_foot", "neck", "left_collar", "right_collar", "head", "left_shoulder",
    "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hand", "right_hand",
)  # fmt: skip
PARENTS = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 20, 21)
NUM_JOINTS = len(PARENTS)
NUM_BETAS = 10


def _levels() -> tuple[slice, ...]:
    depth = [0]
    for parent in PARENTS[1:]:
        depth.append(depth[parent] + 1)
    return tuple(slice(depth.index(d), depth.index(d) + depth.count(d)) for d in range(max(depth) + 1))


LEVELS = _levels()
"""The joints of each depth of the tree; they are consecutive, and their parents are all one level up."""

LEVEL_PARENTS = (
    None,
    *(tuple(PARENTS[j] - up.start for j in range(s.start, s.stop)) for up, s in zip(LEVELS, LEVELS[1:])),
)
"""For each level below the root: where its joints' parents stand within the level above."""


def _ancestors() -> np.ndarray:
    mask = np.eye(NUM_JOINTS, dtype=bool)
    for joint, parent in enumerate(PARENTS):
        if parent >= 0:
            mask[joint] |= mask[parent]
    return mask


ANCESTORS = _ancestors()
"""(24,24) bool: ANCESTORS[j, a] says that turning joint a moves what is attached to joint j (j itself included)."""
