"""Poses in which limbs bend and twist as people's do, alone and together; both sides alike."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.spatial.transform import Rotation

from lsmpl_core.body.skeleton import JOINT_NAMES

from .surface import MIRROR

SIDED_JOINTS = ("collar", "shoulder", "elbow", "wrist", "hip", "knee", "ankle")

# Degrees, of the left side; the right is its mirror image. What is even is drawn evenly between
# two numbers, what is normal about 0 with a standard deviation. `azimuth` is where the lower bone
# bends to, about the upper one and from where it mostly does.
EVEN: Mapping[str, tuple[float, float]] = {
    "arm up": (-85, 80), "arm ahead": (-40, 110), "arm twist": (-80, 60), "collar share": (0, 1),
    "elbow bend": (0, 150), "hip bend": (-30, 120), "hip aside": (-20, 45), "hip twist": (-35, 35),
    "knee bend": (0, 150), "ankle bend": (-30, 45),
}  # fmt: skip
NORMAL: Mapping[str, float] = {
    "collar up": 6, "collar ahead": 6, "elbow azimuth": 25, "forearm twist": 40, "wrist twist": 25,
    "wrist ahead": 15, "wrist up": 30, "knee azimuth": 12, "shin twist": 10, "ankle aside": 10,
    "ankle twist": 8,
}  # fmt: skip
HANGING, STRAIGHT = 0.25, 0.2  # shares of arms that hang, and of legs that bend little
AT_REST = 0.4  # share of the poses in which a part does not bend, of each part by itself

# What bends as one.
PARTS = (
    ("arm up", "arm ahead", "arm twist"), ("elbow bend",), ("elbow azimuth",), ("forearm twist",),
    ("wrist twist", "wrist ahead", "wrist up"), ("collar up", "collar ahead", "collar share"),
    ("hip bend",), ("hip aside", "hip twist"), ("knee bend",), ("knee azimuth", "shin twist"),
    ("ankle bend", "ankle aside", "ankle twist"),
)  # fmt: skip

# Solvers and actors bend joints as no table has it: degrees about any axis on top, one standard
# deviation, and which share of the poses has that. Spines bend, too, mostly forwards.
ASTRAY = {3.0: 0.5, 8.0: 0.35, 20.0: 0.15}
SPINE = {"spine1": 10.0, "spine2": 7.0, "spine3": 5.0, "neck": 10.0}
SPINE_BENDS = 0.5  # share of the poses

# What is seen most, alone: the first of every set of poses.
ALONE: tuple[Mapping[str, float], ...] = (
    *({"elbow bend": bend} for bend in (40, 75, 105, 130, 150)),
    *({"elbow bend": bend, "forearm twist": by} for bend in (120, 150) for by in (60, -60)),
    *({"knee bend": bend} for bend in (45, 90, 120, 150)),
    *({"hip bend": bend} for bend in (-25, 45, 80, 115)),
    *({"hip bend": hip, "knee bend": knee} for hip, knee in ((90, 90), (110, 140), (60, 150))),
    *({"arm up": up, "collar share": by} for up in (-80, -60, 60, 78) for by in (0.0, 0.8)),
    *({"arm up": -70, "elbow bend": bend} for bend in (20, 90, 150)),
    *({"forearm twist": by} for by in (-80, -45, 45, 80)),
    *({"wrist twist": by} for by in (-80, -50, 50, 80)),
    *({"arm twist": by} for by in (-80, -45, 45, 80)),
    *({"hip twist": by} for by in (-35, 35)),
)


def bent_poses(count: int, rng: np.random.Generator) -> np.ndarray:
    """Rotations (count, 24, 3, 3) of all joints, the pelvis' none."""
    poses = [_left_side(dict.fromkeys((*EVEN, *NORMAL), 0.0) | dict(alone)) for alone in ALONE]
    while len(poses) < count:
        pose, astray = _left_side(_draw(rng)), rng.choice(list(ASTRAY), p=list(ASTRAY.values()))
        for part in SIDED_JOINTS:
            turn = Rotation.from_rotvec(np.radians(rng.normal(0.0, astray, 3)))
            pose[JOINT_NAMES.index(f"left_{part}")] @= turn.as_matrix()
        if rng.random() < SPINE_BENDS:
            for name, spread in SPINE.items():
                bend = _turn(x=rng.normal(spread / 2, spread))
                pose[JOINT_NAMES.index(name)] = bend.as_matrix()
        poses.append(pose)
    return np.array([_on_both_sides(pose) for pose in poses[:count]])


def _on_both_sides(pose: np.ndarray) -> np.ndarray:
    """A pose (24, 3, 3) of the left side and the spine, and of the right as in a mirror."""
    both = pose.copy()
    for right, name in enumerate(JOINT_NAMES):
        if name.startswith("right_"):
            left = JOINT_NAMES.index(name.replace("right_", "left_"))
            both[right] = pose[left] * np.outer(MIRROR, MIRROR)
    return both


def _draw(rng: np.random.Generator) -> dict[str, float]:
    row = {name: rng.uniform(*between) for name, between in EVEN.items()}
    row |= {name: rng.normal(0.0, spread) for name, spread in NORMAL.items()}
    if rng.random() < HANGING:
        row["arm up"] = -85.0 + (row["arm up"] + 85.0) / 4
    if rng.random() < STRAIGHT:
        row["hip bend"], row["hip aside"], row["knee bend"] = (
            row[name] / less for name, less in (("hip bend", 4), ("hip aside", 3), ("knee bend", 5))
        )
    for part in PARTS:
        if rng.random() < AT_REST:
            row |= dict.fromkeys(part, 0.0)
    return row


def _left_side(row: dict[str, float]) -> np.ndarray:
    """Rotations (24, 3, 3) of the left side's joints, of degrees by name."""
    rotations = np.tile(np.eye(3), (24, 1, 1))
    for part, rotation in (_arm(row) | _leg(row)).items():
        rotations[JOINT_NAMES.index(f"left_{part}")] = rotation.as_matrix()
    return rotations


def _arm(row: dict[str, float]) -> dict[str, Rotation]:
    """The rotations of an arm's joints."""
    towards = (_turn(y=-row["arm ahead"]) * _turn(z=row["arm up"])).apply((1.0, 0.0, 0.0))
    _, height, depth = towards
    axis = np.cross((1.0, 0.0, 0.0), towards)
    axis /= max(np.linalg.norm(axis), 1e-9)  # none where the arm points aside, as at rest
    swing = Rotation.from_rotvec(np.arccos(np.clip(towards[0], -1.0, 1.0)) * axis)

    # Collar bones follow the arm, as in motion that was fitted to people's markers.
    share = row["collar share"]
    raised = share * (9.0 + 28.0 * height) + row["collar up"]
    forward = share * (8.0 + 7.0 * height + 33.0 * depth) / 2 + row["collar ahead"]
    collar = _turn(y=-forward) * _turn(z=raised)
    return {
        "collar": collar,
        "shoulder": collar.inv() * swing * _turn(x=row["arm twist"]),
        "elbow": _bend("x", row["elbow azimuth"], _turn(y=-row["elbow bend"]))
        * _turn(x=row["forearm twist"]),
        "wrist": _turn(z=row["wrist up"])
        * _turn(y=row["wrist ahead"])
        * _turn(x=row["wrist twist"]),
    }


def _leg(row: dict[str, float]) -> dict[str, Rotation]:
    """The rotations of a leg's joints."""
    return {
        "hip": _turn(x=-row["hip bend"]) * _turn(z=row["hip aside"]) * _turn(y=row["hip twist"]),
        "knee": _bend("y", row["knee azimuth"], _turn(x=row["knee bend"]))
        * _turn(y=row["shin twist"]),
        "ankle": _turn(x=row["ankle bend"])
        * _turn(z=row["ankle aside"])
        * _turn(y=row["ankle twist"]),
    }


def _turn(**degrees: float) -> Rotation:
    """About one axis."""
    ((axis, angle),) = degrees.items()
    return Rotation.from_euler(axis, angle, degrees=True)


def _bend(axis: str, azimuth: float, bend: Rotation) -> Rotation:
    """A bend in another plane, turned about the upper bone."""
    turn = _turn(**{axis: azimuth})
    return turn * bend * turn.inv()
