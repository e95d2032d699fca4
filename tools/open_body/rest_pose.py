"""SMPL's mean skeleton, and the move of Anny's rest pose onto it.

The move is one linear-blend skinning: every group of bones gets an affine map that turns it onto
SMPL's rest direction and stretches it along that direction only, so limbs keep their girth. The
stretches are those that bring the *mean* body to SMPL's lengths; each sampled body gets the same
stretches and its own turns, so bodies keep their differences.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lsmpl_core.body.skeleton import JOINT_NAMES

# Rest joints of SMPL's neutral mean shape in metres (public figures), left and right averaged; x,
# y, z of the left.
SMPL_JOINTS_LEFT = {
    "pelvis": (0.0, -0.2233, 0.0282),
    "hip": (0.0686, -0.3143, 0.02265),
    "spine1": (0.0, -0.1144, 0.0015),
    "knee": (0.1049, -0.69315, 0.01595),
    "spine2": (0.0, 0.0208, 0.0026),
    "ankle": (0.0902, -1.09135, -0.02705),
    "spine3": (0.0, 0.0737, 0.0280),
    "foot": (0.1161, -1.14335, 0.0943),
    "neck": (0.0, 0.2876, -0.0148),
    "collar": (0.0803, 0.19405, -0.0083),
    "head": (0.0, 0.3526, 0.0365),
    "shoulder": (0.1738, 0.22555, -0.0173),
    "elbow": (0.4305, 0.2125, -0.04175),
    "wrist": (0.68275, 0.2209, -0.0451),
    "hand": (0.76705, 0.2137, -0.05775),
}

# SMPL's hip joints lie about 4 cm below the anatomical ones that Anny has. The body's hips are put
# half-way, so that neither trunk nor thigh is stretched by more than 5 %; the *joints* are SMPL's
# all the same, inside the thigh.
HIP_RISE = 0.02


def smpl_joints() -> np.ndarray:
    """(24, 3) SMPL's mean rest joints, made symmetric, in SMPL's order."""
    mirrored = {"left": (1.0, 1.0, 1.0), "right": (-1.0, 1.0, 1.0)}
    rows = []
    for name in JOINT_NAMES:
        side, _, part = name.rpartition("_")
        rows.append(np.multiply(SMPL_JOINTS_LEFT[part], mirrored.get(side, 1.0)))
    return np.array(rows)


class TPose:
    """Moves Anny bodies onto SMPL's rest pose, with stretches that suit the mean body."""

    def __init__(
        self, mean_landmarks: Mapping[str, np.ndarray], joint_weights: Mapping[str, np.ndarray]
    ) -> None:
        self._groups = _skinning_groups(joint_weights)
        joints = dict(zip(JOINT_NAMES, smpl_joints()))
        hips = (joints["left_hip"] + joints["right_hip"]) / 2
        self._hips_target = hips + (0.0, HIP_RISE, 0.0)
        self._trunk_target = joints["neck"] - self._hips_target
        self._trunk_stretch = _times_longer(self._trunk_target, _trunk(mean_landmarks))
        placed = self._trunk_map(mean_landmarks, 1.0)
        self._limb_target: dict[tuple[str, str], np.ndarray] = {}
        self._limb_stretch: dict[tuple[str, str], float] = {}
        for side in ("left", "right"):
            marks = {part: mean_landmarks[f"{side}_{part}"] for part in LIMB_LANDMARKS}
            goals = {
                part: joints[f"{side}_{part}"]
                for part in ("shoulder", "elbow", "wrist", "knee", "ankle")
            }
            goals["clavicle"] = placed(marks["clavicle"])
            goals["hip"] = placed(marks["hip"])
            for start, end in LIMB_SEGMENTS:
                target = self._limb_target[side, end] = goals[end] - goals[start]
                self._limb_stretch[side, end] = _times_longer(target, marks[end] - marks[start])
            self._limb_target[side, "knuckles"] = joints[f"{side}_hand"] - joints[f"{side}_wrist"]
            self._limb_target[side, "toes"] = joints[f"{side}_foot"] - joints[f"{side}_ankle"]

    def __call__(
        self,
        vertices: np.ndarray,
        landmarks: Mapping[str, np.ndarray],
        factors: Mapping[str, float] | None = None,
    ) -> np.ndarray:
        """Give `vertices` (V, 3) in SMPL's rest pose.

        `factors` changes the proportions on top of the stretches: "trunk", "shoulders", "arm",
        "leg", 1 by default.
        """
        factors = {"trunk": 1.0, "shoulders": 1.0, "arm": 1.0, "leg": 1.0} | dict(factors or {})
        trunk = self._trunk_map(landmarks, factors["trunk"])
        maps = {"trunk": trunk}
        neck = trunk(landmarks["neck"])
        maps["head"] = _Affine(np.eye(3), landmarks["neck"], neck)
        for side in ("left", "right"):
            marks = {part: landmarks[f"{side}_{part}"] for part in LIMB_LANDMARKS}
            at = {"clavicle": trunk(marks["clavicle"]), "hip": trunk(marks["hip"])}
            for group, (start, end), factor in zip(
                LIMB_GROUPS, LIMB_SEGMENTS, ("shoulders", "arm", "arm", "leg", "leg"), strict=True
            ):
                linear = _turn_and_stretch(
                    marks[end] - marks[start],
                    self._limb_target[side, end],
                    self._limb_stretch[side, end] * factors[factor],
                )
                maps[f"{side}_{group}"] = _Affine(linear, marks[start], at[start])
                at[end] = maps[f"{side}_{group}"](marks[end])
            hand = _turn_and_stretch(
                marks["knuckles"] - marks["wrist"], self._limb_target[side, "knuckles"], 1.0
            )
            maps[f"{side}_hand"] = _Affine(hand, marks["wrist"], at["wrist"])
            level = np.array([1.0, 0.0, 1.0])
            foot = _turn_and_stretch(
                (marks["toes"] - marks["ankle"]) * level,
                self._limb_target[side, "toes"] * level,
                1.0,
            )
            maps[f"{side}_foot"] = _Affine(foot, marks["ankle"], at["ankle"])
        return sum(
            weight[:, None] * maps[group](vertices) for group, weight in self._groups.items()
        )

    def _trunk_map(self, landmarks: Mapping[str, np.ndarray], factor: float) -> _Affine:
        hips = (landmarks["left_hip"] + landmarks["right_hip"]) / 2
        linear = _turn_and_stretch(
            _trunk(landmarks), self._trunk_target, self._trunk_stretch * factor
        )
        return _Affine(linear, hips, self._hips_target)


LIMB_LANDMARKS = (
    "clavicle",
    "shoulder",
    "elbow",
    "wrist",
    "knuckles",
    "hip",
    "knee",
    "ankle",
    "toes",
)
LIMB_GROUPS = ("clavicle", "upper_arm", "forearm", "thigh", "shin")
LIMB_SEGMENTS = (
    ("clavicle", "shoulder"),
    ("shoulder", "elbow"),
    ("elbow", "wrist"),
    ("hip", "knee"),
    ("knee", "ankle"),
)
JOINTS_OF_GROUP = {
    "clavicle": ("collar",), "upper_arm": ("shoulder",), "forearm": ("elbow",), "hand": ("wrist",
    "hand"), "thigh": ("hip",), "shin": ("knee",), "foot": ("ankle", "foot"),
}  # fmt: skip


class _Affine:
    """x -> linear (x - start) + end."""

    def __init__(self, linear: np.ndarray, start: np.ndarray, end: np.ndarray) -> None:
        self.linear, self.start, self.end = linear, start, end

    def __call__(self, points: np.ndarray) -> np.ndarray:
        return (points - self.start) @ self.linear.T + self.end


def _skinning_groups(joint_weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    groups = {
        "trunk": sum(joint_weights[name] for name in ("pelvis", "spine1", "spine2", "spine3")),
        "head": joint_weights["neck"] + joint_weights["head"],
    }
    for side in ("left", "right"):
        for group, parts in JOINTS_OF_GROUP.items():
            groups[f"{side}_{group}"] = sum(joint_weights[f"{side}_{part}"] for part in parts)
    return groups


def _trunk(landmarks: Mapping[str, np.ndarray]) -> np.ndarray:
    return landmarks["neck"] - (landmarks["left_hip"] + landmarks["right_hip"]) / 2


def _times_longer(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.linalg.norm(a) / np.linalg.norm(b))


def _turn_and_stretch(source: np.ndarray, target: np.ndarray, factor: float) -> np.ndarray:
    """The smallest rotation of `source` onto the direction of `target`, after a stretch by `factor`
    along `source`."""
    a, b = source / np.linalg.norm(source), target / np.linalg.norm(target)
    cross = np.cross(a, b)
    skew = np.array([[0, -cross[2], cross[1]], [cross[2], 0, -cross[0]], [-cross[1], cross[0], 0]])
    rotation = np.eye(3) + skew + skew @ skew / (1 + a @ b)
    return rotation @ (np.eye(3) + (factor - 1) * np.outer(a, a))
