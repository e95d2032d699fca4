"""Bones of skeletons (Hips, LeftUpLeg, thigh_l, Bip01 R Calf): a bone's position is that of the
joint it begins at.

The names stand in `data/bone_names.json`. Many of them are names of skin markers, too (LThigh,
RHand), so that a file has bones only where both its arms and legs are named as bones and are as
long as a person's, and few markers are there.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache

import numpy as np

from ..body.skeleton import JOINT_NAMES
from ..data import DATA
from ..keypoints.layouts import Layout, tree_edges
from ..keypoints.plausibility import implausibility
from .keypoint_names import fold, split_subject
from .markers import known_markers

LAYOUT_NAME = "bones"
NEEDED = tuple(
    f"{side}_{part}" for side in ("left", "right") for part in ("hip", "knee", "shoulder", "elbow")
)
"""The joints without which names are no skeleton's."""
NO_SKELETON = 0.3
"""`implausibility` from which on points so named are no joints."""
MARKERS = 6
"""Names that only markers have (LASI, RKNE) from which on the others are markers, too."""


@cache
def bone_names() -> dict[str, tuple[str, int]]:
    """Of each folded name the joint, and its rank among that joint's names."""
    table = json.loads((DATA / "bone_names.json").read_text(encoding="utf-8"))
    found: dict[str, tuple[str, int]] = {}
    for entry in table["sided"]:
        for rank, name in enumerate(map(fold, entry["names"])):
            for side in ("left", "right"):
                for word in (side, side[0]):
                    joint = (f"{side}_{entry['joint']}", rank)
                    found.setdefault(fold(word) + name, joint)
                    found.setdefault(name + fold(word), joint)
    for entry in table["single"]:
        for rank, name in enumerate(map(fold, entry["names"])):
            found.setdefault(name, (entry["joint"], rank))
    return found


@cache
def _prefixes() -> tuple[str, ...]:
    table = json.loads((DATA / "bone_names.json").read_text(encoding="utf-8"))
    return tuple(map(fold, table["prefixes"]))


def joint_of(name: str) -> tuple[str, int] | None:
    """The joint at which a bone of that name begins, and the name's rank among its names; None for
    no bone."""
    folded, known = fold(split_subject(name)[1]), bone_names()
    for bare in (
        folded,
        *(folded.removeprefix(prefix) for prefix in _prefixes() if folded.startswith(prefix)),
    ):
        if bare in known:
            return known[bare]
    return None


def as_bones(names: Sequence[str], positions: np.ndarray) -> tuple[Layout, tuple[int, ...]] | None:
    """The layout of a skeleton and the column of each of its joints, or None where the names are
    not of bones.

    names (N,) and positions (T,N,3) as the file has them.
    """
    best: dict[str, tuple[int, int]] = {}
    others = []
    for column, name in enumerate(names):
        if found := joint_of(name):
            joint, rank = found
            best[joint] = min(best.get(joint, (rank, column)), (rank, column))
        else:
            others.append(name)
    if (
        not best.keys() >= set(NEEDED)
        or sum(known_markers().site_of(name) is not None for name in others) >= MARKERS
    ):
        return None

    joints = tuple(joint for joint in JOINT_NAMES if joint in best)
    layout = Layout(LAYOUT_NAME, joints, tree_edges(joints), label="Bones")
    columns = tuple(best[joint][1] for joint in joints)
    return (
        (layout, columns) if implausibility(positions[:, columns], layout) < NO_SKELETON else None
    )
