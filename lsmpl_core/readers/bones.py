"""Bones of skeletons (Hips, LeftUpLeg, thigh_l, Bip01 R Calf): a bone's position is that of the
joint it begins at.

The names stand in `data/bone_names.json`. Many of them are names of skin markers, too (LThigh,
RHand), so that a file has bones only where both its arms and legs are named as bones and are as
long as a person's, and few markers are there.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from functools import cache

import numpy as np

from ..body.skeleton import JOINT_NAMES
from ..data import DATA
from ..errors import LayoutError
from ..frames import evenly
from ..keypoints.layouts import LAYOUTS, Layout, tree_edges
from ..keypoints.plausibility import change_of_limbs, implausibility
from ..keypoints.words import words_of
from .keypoint_names import canonical_names, fold, side_of, split_subject
from .markers import known_markers
from .orders import NO_BODY

LAYOUT_NAME = "bones"
NEEDED = tuple(
    f"{side}_{part}" for side in ("left", "right") for part in ("hip", "knee", "shoulder", "elbow")
)
"""The joints without which names are no skeleton's."""
NO_SKELETON = 0.3
"""`implausibility` from which on points so named are no joints."""
STEADY = 0.02
"""Share of their length by which a skeleton's limbs typically change at most, whatever its
proportions are: those of rotations taken for places by 0.05 and more, of fifty takes."""
EXACT = 0.003
"""The same of a skeleton that a program posed, as no skin markers on its limbs have it."""
CLUSTER = 3
"""Numbered names of one segment (LThigh1, LThigh2, ...) from which on they are markers of a
cluster."""
MARKERS = 6
"""Names that only markers have (LASI, RKNE) from which on the others are markers, too."""


class NotPlacesError(LayoutError):
    """What is called as bones is no places of theirs."""


@cache
def bone_names() -> dict[str, tuple[str, int]]:
    """Of each folded name the joint, and its rank among that joint's names."""
    table = json.loads((DATA / "bone_names.json").read_text(encoding="utf-8"))
    found: dict[str, tuple[str, int]] = {}
    for entry in table["sided"]:
        for rank, name in enumerate(map(fold, entry["names"])):
            for side in ("left", "right"):
                for word in table["sides"][side]:
                    joint = (f"{side}_{entry['joint']}", rank)
                    found.setdefault(fold(word) + name, joint)
                    found.setdefault(name + fold(word), joint)
    for entry in table["single"]:
        for rank, name in enumerate(map(fold, entry["names"])):
            found.setdefault(name, (entry["joint"], rank))
    return found


@cache
def keypoints_named() -> frozenset[str]:
    """The names of the keypoints of all layouts."""
    names = (name.lower() for layout in LAYOUTS.values() for name in layout.keypoints)
    return frozenset(names)


@cache
def _prefixes() -> tuple[str, ...]:
    table = json.loads((DATA / "bone_names.json").read_text(encoding="utf-8"))
    return tuple(map(fold, table["prefixes"]))


@cache
def joint_names() -> dict[str, tuple[str, int]]:
    """Of each folded name that skeletons give a joint, rather than its bone, the joint and the
    name's rank; `LeftShoulder` is here and, as the collar's bone, among those of bones."""
    table = json.loads((DATA / "bone_names.json").read_text(encoding="utf-8"))
    return {
        fold(spelled): (f"{side}_{entry['joint']}", rank)
        for entry in table["joints"]
        for rank, name in enumerate(entry["names"])
        for side in ("left", "right")
        for spelled in (side + name, name + side, side[0] + name, name + side[0])
    }


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
    return _of_words(split_subject(name)[1])


def _of_words(name: str) -> tuple[str, int] | None:
    """Of names with a number or the like in them (`upperleg01.L`, `lThighBend`); lower numbers rank
    first."""
    words = words_of(name)
    if not _PARTS_OF_BONES.isdisjoint(words):
        return None
    sides = [side for word in words if (side := side_of(word))]
    number = next((int(word[:4]) for word in words if word.isdigit()), 0)
    kept = [word for word in words if not (side_of(word) or word.isdigit() or word in _MEANINGLESS)]
    found = bone_names().get(fold("".join([*sides, *kept]))) if len(sides) == 1 else None
    return (found[0], found[1] + _BEHIND + number) if found else None


_PARTS_OF_BONES = frozenset(("twist", "end", "tip", "nub", "roll", "finger", "index", "thumb"))
_MEANINGLESS = frozenset(("bend", "bone", "joint", "jnt"))
_BEHIND = 100
"""Ranks by which names with words of their own stand behind those that are known as they are."""


def as_bones(
    names: Sequence[str], positions: np.ndarray, skeleton: bool = False, mixed: bool = False
) -> tuple[Layout, tuple[int, ...]] | None:
    """The layout of a skeleton and the column of each of its joints, or None where the names are
    not of bones.

    names (N,) and positions (T,N,3) as the file has them; skeleton: whether its format has nothing
    but skeletons, so that joints may be called as a detector's keypoints are; mixed: whether some
    may be so in any format (LeftUpLeg beside LeftCollar, LeftShoulder, LeftElbow), where limbs keep
    their lengths as no markers' do. `NotPlacesError` where names are of bones and numbers are not
    of places.
    """
    found = [joint_of(name) for name in names]
    others = [name for name, joint in zip(names, found) if joint is None and not skeleton]
    if skeleton or mixed:
        there = {joint[0] for joint in found if joint}
        by_joint = [joint_names().get(fold(split_subject(name)[1])) for name in names]
        found = [
            named if named and named[0] not in there else bone
            for named, bone in zip(by_joint, found)
        ]
        if sum(joint is not None and joint[0] == "left_ankle" for joint in found) > 1:
            return None  # where there are ankles, feet are the joints before them, as SMPL's

    best: dict[str, tuple[int, int]] = {}
    alike = Counter[str]()
    for column, joint_and_rank in enumerate(found):
        if joint_and_rank:
            joint, rank = joint_and_rank
            best[joint] = min(best.get(joint, (rank, column)), (rank, column))
            alike[joint] += rank >= _BEHIND
    if (
        not best.keys() >= set(NEEDED)
        or (not skeleton and max(alike.values(), default=0) >= CLUSTER)
        or sum(known_markers().site_of(name) is not None for name in others) >= MARKERS
    ):
        return None

    joints = tuple(joint for joint in JOINT_NAMES if joint in best)
    layout = Layout(LAYOUT_NAME, joints, tree_edges(joints), label="Bones")
    columns = tuple(best[joint][1] for joint in joints)
    error, places = implausibility(positions[:, columns], layout), positions[:, columns]
    if mixed and not skeleton and change_of_limbs(places, layout) > EXACT:
        return None
    # Rotations are of a few dozen degrees, as places are of centimetres; but no lengths stay.
    if error >= NO_BODY and change_of_limbs(places, layout) > STEADY:
        if not (skeleton or mostly_bones(names)):
            return None
        raise NotPlacesError(
            f"its {len(names)} points are called as bones are, but limbs between them change their "
            "lengths, as no skeleton's do. Are the numbers rotations? Export the positions of the "
            "joints, or BVH"
        )
    return (layout, columns) if error < NO_SKELETON else None


def are_centres_of_mass(names: Sequence[str]) -> bool:
    """Whether bodies are called as OpenSim calls them, and the whole's centre of mass is among
    them: of each body the same is given."""
    bodies = {fold(split_subject(name)[1]) for name in names}
    return "CENTEROFMASS" in bodies and {"FEMURR", "TIBIAR", "FEMURL", "TIBIAL"} <= bodies


def mostly_bones(names: Sequence[str]) -> bool:
    """Whether most names are those of bones, whatever markers are called so, too."""
    return sum(joint_of(name) is not None for name in names) > len(names) / 2


def only_a_marker(name: str) -> bool:
    """Whether a name is known as that of a marker, and neither of a bone nor of a keypoint; names
    with a number at their end may be of anything."""
    return (
        not name[-1:].isdigit()
        and known_markers().site_of(name) is not None
        and joint_of(name) is None
        and keypoints_named().isdisjoint(canonical_names(name))
    )


def are_axes(names: Sequence[str]) -> bool:
    """Whether most names are of segments' origins and axes (PELV, PELVY, PELVZ), rigid in
    threes."""
    there = set(names)
    return sum(f"{name}Y" in there and f"{name}Z" in there for name in names) > len(names) / 5


def joined_rigidly(positions: np.ndarray) -> bool:
    """Whether points (T,N,3) hang together by distances that never change, while the whole moves:
    joints of a skeleton do, markers on skin do not."""
    count = positions.shape[1]
    seen = positions[np.isfinite(positions).all(axis=(1, 2))]
    if not LEAST_JOINTS <= count <= MOST_JOINTS or len(seen) < LEAST_FRAMES:
        return False
    chosen = seen[evenly(len(seen), 60)]
    lengths = np.linalg.norm(chosen[:, :, None] - chosen[:, None], axis=3)
    spread = np.ptp(lengths, axis=0) / max(float(lengths.max()), 1e-12)
    if np.median(spread) < MOVING:
        return False

    # As many links as a tree would have, or a few trees where joints between are left out.
    rigid, group = spread < RIGID, np.arange(count)
    for one, other in zip(*np.nonzero(np.triu(rigid, 1))):
        group[group == group[other]] = group[one]
    return bool(count - len(np.unique(group)) > NEARLY_ALL * count)


LEAST_JOINTS, MOST_JOINTS, LEAST_FRAMES = 12, 300, 5
RIGID, MOVING, NEARLY_ALL = 5e-4, 0.02, 0.85
"""Shares of the body's size by which distances change at most (1 mm of a person) or, typically, at
least; and links for each point: clusters of four markers have three quarters."""
