"""Skeletons of the SMPL family as data: names of the joints, who hangs on whom, and the order in
which they can be worked on together.

What moves a body is SMPL's tree. The bodies that have fingers differ from it beyond the wrists, and
SMPL-X's by a jaw and eyes (`family.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..keypoints.hand_points import FINGERS, SIDES

NUM_BETAS = 10


@dataclass(frozen=True)
class Skeleton:
    """name; joint_names (J,); parents (J,), -1 of the root, each before those that hang on it."""

    name: str
    joint_names: tuple[str, ...]
    parents: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.parents)

    @cached_property
    def halvings(self) -> tuple[tuple[int, tuple[int, ...]], ...]:
        """The way up the tree in steps of 1, 2, 4, ... joints: from which joint on they have one
        that far up (they all have, as joints are in the order of their depth), and which. After the
        last step, what was handed down along them has come from the root to every joint (pointer
        jumping; Hillis and Steele, *Data parallel algorithms*, 1986)."""
        above: tuple[int, ...] = self.parents
        steps: list[tuple[int, tuple[int, ...]]] = []
        while any(up >= 0 for up in above):
            first = next(joint for joint, up in enumerate(above) if up >= 0)
            steps.append((first, above[first:]))
            above = tuple(-1 if up < 0 else above[up] for up in above)
        return tuple(steps)

    @cached_property
    def ancestors(self) -> np.ndarray:
        """(J,J) bool: [j, a] says that turning joint a moves what is attached to joint j (j itself
        included)."""
        mask = np.eye(len(self), dtype=bool)
        for joint, parent in enumerate(self.parents):
            if parent >= 0:
                mask[joint] |= mask[parent]
        return mask

    @cached_property
    def mirror(self) -> tuple[int, ...]:
        """(J,): each joint's partner on the other side, itself where it has none."""
        swapped = {
            name: name.replace("left", "right") if "left" in name else name.replace("right", "left")
            for name in self.joint_names
        }
        return tuple(self.joint_names.index(swapped[name]) for name in self.joint_names)


_BODY = (
    "pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine2", "left_ankle",
    "right_ankle", "spine3", "left_foot", "right_foot", "neck", "left_collar", "right_collar",
    "head", "left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist",
    "right_wrist",
)  # fmt: skip
_BODY_PARENTS = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19)
FINGER_JOINT_NAMES = tuple(
    f"{side}_{finger}{number}" for side in SIDES for finger in FINGERS for number in (1, 2, 3)
)
"""(30,): three a finger, from the palm outwards."""


def _with_fingers(name: str, face: tuple[str, ...]) -> Skeleton:
    """The body's 22 joints, some of the face on the head, and the fingers'."""
    names = (*_BODY, *face, *FINGER_JOINT_NAMES)
    first = len(_BODY) + len(face)
    parents = [*_BODY_PARENTS, *[_BODY.index("head")] * len(face)]
    for joint, finger in enumerate(FINGER_JOINT_NAMES):
        wrist = _BODY.index(f"{finger.split('_')[0]}_wrist")
        parents.append(first + joint - 1 if joint % 3 else wrist)
    return Skeleton(name, names, tuple(parents))


SMPL = Skeleton("SMPL", (*_BODY, "left_hand", "right_hand"), (*_BODY_PARENTS, 20, 21))
SMPLH = _with_fingers("SMPL-H", ())
SMPLX = _with_fingers("SMPL-X", ("jaw", "left_eye_smplhf", "right_eye_smplhf"))
SKELETONS = {len(skeleton): skeleton for skeleton in (SMPL, SMPLH, SMPLX)}
"""By how many joints a file has."""

JOINT_NAMES, PARENTS, NUM_JOINTS = SMPL.joint_names, SMPL.parents, len(SMPL)
HALVINGS, ANCESTORS = SMPL.halvings, SMPL.ancestors
"""Of SMPL's tree, which network, prior and kernels speak of."""
BONE_NAMES = (*JOINT_NAMES, *FINGER_JOINT_NAMES)
"""(54,): what a character with fingers has bones of: SMPL's joints, then the fingers'."""
