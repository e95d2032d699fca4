"""Keypoint layouts: which keypoints a track has, in what order, how they connect, and where each sits on the body.

A keypoint's **site** is named by a string that every body resolves (`sites.py`): an SMPL joint (`left_hip`), a surface
point (`nose`), or a blend of those (`mid_hip`). Names are the person's own left and right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..errors import LayoutError


@dataclass(frozen=True)
class Layout:
    """Named keypoints in file order.

    `keypoints` are the K canonical names; `sites` the K site names on the body (the keypoint names where not given);
    `edges` pairs of keypoint names that a skeleton drawing connects.
    """

    name: str
    keypoints: tuple[str, ...]
    edges: tuple[tuple[str, str], ...] = ()
    sites: tuple[str, ...] = ()
    label: str = ""
    mirror: tuple[int, ...] = field(init=False)
    """Index of each keypoint's left/right partner, or its own where it has none."""

    def __post_init__(self):
        if len(set(self.keypoints)) != len(self.keypoints):
            twice = sorted({k for k in self.keypoints if self.keypoints.count(k) > 1})
            raise LayoutError(f"layout {self.name!r} names these keypoints twice: {', '.join(twice)}")
        if not self.sites:
            object.__setattr__(self, "sites", self.keypoints)
        if len(self.sites) != len(self.keypoints):
            raise LayoutError(f"layout {self.name!r} has {len(self.keypoints)} keypoints but {len(self.sites)} sites")
        for a, b in self.edges:
            self.index(a), self.index(b)
        object.__setattr__(self, "label", self.label or self.name)
        position = {name: i for i, name in enumerate(self.keypoints)}
        partners = (position.get(_other_side(name), i) for i, name in enumerate(self.keypoints))
        object.__setattr__(self, "mirror", tuple(partners))

    def __len__(self) -> int:
        return len(self.keypoints)

    def index(self, keypoint: str) -> int:
        """Row of a keypoint; `LayoutError` names the valid ones."""
        try:
            return self.keypoints.index(keypoint)
        except ValueError:
            valid = ", ".join(self.keypoints)
            raise LayoutError(f"layout {self.name!r} has no keypoint {keypoint!r}; it has: {valid}") from None

    def edge_indices(self) -> tuple[tuple[int, int], ...]:
        return tuple((self.index(a), self.index(b)) for a, b in self.edges)


def _other_side(name: str) -> str:
    for side, other in (("left", "right"), ("right", "left")):
        if side in name.split("_"):
            return "_".join(other if part == side else part for part in name.split("_"))
    return name


def _both_sides(*edges: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    """Edges given for the left side, and their mirror images."""
    return tuple(e for a, b in edges for e in ((a, b), (_other_side(a), _other_side(b))))


def _sided(*names: str, order: Sequence[str] = ("left", "right")) -> tuple[str, ...]:
    return tuple(f"{side}_{name}" for name in names for side in order)


_ARM = (("left_shoulder", "left_elbow"), ("left_elbow", "left_wrist"))
_LEG = (("left_hip", "left_knee"), ("left_knee", "left_ankle"))
_FOOT = (("left_ankle", "left_heel"), ("left_ankle", "left_big_toe"), ("left_big_toe", "left_small_toe"))
_FACE = (("nose", "left_eye"), ("left_eye", "left_ear"))
_TORSO = (("left_shoulder", "right_shoulder"), ("left_hip", "right_hip"))

BODY_25 = Layout(
    "body_25",
    ("nose", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist",
     "mid_hip", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle",
     "right_eye", "left_eye", "right_ear", "left_ear", "left_big_toe", "left_small_toe", "left_heel",
     "right_big_toe", "right_small_toe", "right_heel"),
    edges=(("neck", "nose"), ("neck", "mid_hip"),
           *_both_sides(("neck", "left_shoulder"), *_ARM, ("mid_hip", "left_hip"), *_LEG, *_FOOT, *_FACE)),
    label="OpenPose BODY_25",
)  # fmt: skip

COCO_17 = Layout(
    "coco_17",
    ("nose", *_sided("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle")),
    edges=(*_TORSO, *_both_sides(("left_shoulder", "left_hip"), *_ARM, *_LEG, *_FACE)),
    label="COCO-17",
)

HALPE_26 = Layout(
    "halpe_26",
    (*COCO_17.keypoints, "head_top", "neck", "mid_hip", *_sided("big_toe", "small_toe", "heel")),
    edges=(("neck", "nose"), ("nose", "head_top"), ("neck", "mid_hip"),
           *_both_sides(("neck", "left_shoulder"), *_ARM, ("mid_hip", "left_hip"), *_LEG, *_FOOT, *_FACE)),
    label="Halpe-26",
)  # fmt: skip

HUMAN36M_17 = Layout(
    "human36m_17",
    ("mid_hip", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle",
     "spine", "thorax", "jaw", "head_top", "left_shoulder", "left_elbow", "left_wrist",
     "right_shoulder", "right_elbow", "right_wrist"),
    sites=("mid_hip", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle",
           "spine2", "neck", "jaw", "head_top", "left_shoulder", "left_elbow", "left_wrist",
           "right_shoulder", "right_elbow", "right_wrist"),
    edges=(("mid_hip", "spine"), ("spine", "thorax"), ("thorax", "jaw"), ("jaw", "head_top"),
           *_both_sides(("thorax", "left_shoulder"), *_ARM, ("mid_hip", "left_hip"), *_LEG)),
    label="Human3.6M-17",
)  # fmt: skip

PANOPTIC_19 = Layout(
    "panoptic_19",
    ("neck", "nose", "mid_hip",
     *(f"{side}_{part}" for side in ("left", "right")
       for part in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")),
     "left_eye", "left_ear", "right_eye", "right_ear"),
    edges=(("neck", "nose"), ("neck", "mid_hip"),
           *_both_sides(("neck", "left_shoulder"), *_ARM, ("mid_hip", "left_hip"), *_LEG, *_FACE)),
    label="CMU Panoptic-19",
)  # fmt: skip

MEDIAPIPE_33 = Layout(
    "mediapipe_33",
    ("nose", "left_eye_inner", "left_eye", "left_eye_outer", "right_eye_inner", "right_eye", "right_eye_outer",
     *_sided("ear"), "mouth_left", "mouth_right",
     *_sided("shoulder", "elbow", "wrist", "little_knuckle", "index_knuckle", "thumb_knuckle",
             "hip", "knee", "ankle", "heel", "toe")),
    edges=(("mouth_left", "mouth_right"), *_TORSO,
           *_both_sides(("left_shoulder", "left_hip"), *_ARM, *_LEG,
                        ("nose", "left_eye_inner"), ("left_eye_inner", "left_eye"), ("left_eye", "left_eye_outer"),
                        ("left_eye_outer", "left_ear"),
                        ("left_wrist", "left_little_knuckle"), ("left_wrist", "left_index_knuckle"),
                        ("left_little_knuckle", "left_index_knuckle"), ("left_wrist", "left_thumb_knuckle"),
                        ("left_ankle", "left_heel"), ("left_ankle", "left_toe"), ("left_heel", "left_toe"))),
    label="MediaPipe Pose-33",
)  # fmt: skip

_SMPL_JOINTS = (
    "pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine2", "left_ankle", "right_ankle",
    "spine3", "left_foot", "right_foot", "neck", "left_collar", "right_collar", "head", "left_shoulder",
    "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hand", "right_hand",
)  # fmt: skip
_SMPL_EDGES = (
    ("pelvis", "spine1"), ("spine1", "spine2"), ("spine2", "spine3"), ("spine3", "neck"), ("neck", "head"),
    *_both_sides(("pelvis", "left_hip"), *_LEG, ("left_ankle", "left_foot"),
                 ("spine3", "left_collar"), ("left_collar", "left_shoulder"), *_ARM),
)  # fmt: skip

SMPL_24 = Layout(
    "smpl_24",
    _SMPL_JOINTS,
    edges=(*_SMPL_EDGES, *_both_sides(("left_wrist", "left_hand"))),
    label="SMPL-24",
)
SMPL_22 = Layout("smpl_22", _SMPL_JOINTS[:22], edges=_SMPL_EDGES, label="SMPL-22 (HumanML3D)")

_KNUCKLES = tuple(f"{side}_{finger}_knuckle" for side in ("left", "right") for finger in ("thumb", "index", "little"))

WHOLE_BODY = Layout(
    "whole_body",
    (*HALPE_26.keypoints, *_KNUCKLES),
    edges=(*HALPE_26.edges, *((f"{knuckle.split('_')[0]}_wrist", knuckle) for knuckle in _KNUCKLES)),
    label="Whole body (body, feet and hand knuckles)",
)
"""What whole-body sets (`whole_body.py`) hold of the body; the knuckles are those that show how the wrist is turned."""

LAYOUTS: dict[str, Layout] = {
    layout.name: layout
    for layout in (BODY_25, COCO_17, HALPE_26, HUMAN36M_17, PANOPTIC_19, MEDIAPIPE_33, SMPL_24, SMPL_22, WHOLE_BODY)
}
"""The layouts known by name."""


def get_layout(layout: str | Layout) -> Layout:
    """A layout by name (case, `-` and spaces do not matter); a `Layout` is returned as it is."""
    if isinstance(layout, Layout):
        return layout
    name = str(layout).lower().replace("-", "_").replace(" ", "_")
    if name not in LAYOUTS:
        raise LayoutError(
            f"no layout is called {layout!r}; known layouts: {', '.join(LAYOUTS)}; "
            "or give the path of a JSON mapping that names the keypoints in file order"
        )
    return LAYOUTS[name]
