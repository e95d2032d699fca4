"""SMPL's kinematic tree: its 24 joints, who hangs on whom, and the order in which they can be
worked on together."""

from __future__ import annotations

import numpy as np

JOINT_NAMES = (
    "pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine2", "left_ankle",
    "right_ankle", "spine3", "left_foot", "right_foot", "neck", "left_collar", "right_collar",
    "head", "left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist",
    "right_wrist", "left_hand", "right_hand",
)  # fmt: skip
PARENTS = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 20, 21)
NUM_JOINTS = len(PARENTS)
NUM_BETAS = 10


def _halvings() -> tuple[tuple[int, tuple[int, ...]], ...]:
    above: tuple[int, ...] = PARENTS
    steps: list[tuple[int, tuple[int, ...]]] = []
    while any(up >= 0 for up in above):
        first = next(joint for joint, up in enumerate(above) if up >= 0)
        steps.append((first, above[first:]))
        above = tuple(-1 if up < 0 else above[up] for up in above)
    return tuple(steps)


HALVINGS = _halvings()
"""The way up the tree in steps of 1, 2, 4, ... joints: from which joint on they have one that far
up (they all have, as joints are in the order of their depth), and which. After the last step, what
was handed down along them has come from the root to every joint (pointer jumping; Hillis and
Steele, *Data parallel algorithms*, 1986)."""


def _ancestors() -> np.ndarray:
    mask = np.eye(NUM_JOINTS, dtype=bool)
    for joint, parent in enumerate(PARENTS):
        if parent >= 0:
            mask[joint] |= mask[parent]
    return mask


ANCESTORS = _ancestors()
"""(24,24) bool: ANCESTORS[j, a] says that turning joint a moves what is attached to joint j (j
itself included)."""
