"""The open body as flesh on bones: an elastic solid that is posed by its skeleton.

What a bent limb should look like, no skinning says that is a formula of weights: linear blending
loses volume, dual quaternions bulge. So the body is filled with tetrahedra (Si, "TetGen, a
Delaunay-based quality tetrahedral mesh generator", 2015) that resist being deformed and squeezed.
Nodes in the bones, and skin that the weights give to one joint alone, go where the skeleton takes
them; what lies between finds its rest (Bouaziz et al., "Projective dynamics: fusing constraint
projections for fast simulation", 2014). Flesh does not feel flesh that it meets.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import tetgen
from open_body_pose import JOINT_NAMES, PARENTS
from scipy import sparse
from scipy.sparse import csgraph
from scipy.sparse.linalg import splu
from scipy.spatial.transform import Rotation

LARGEST = 4e-6  # cubic metres of a tetrahedron
LEAST = 2e-11  # smaller ones are left out: they are slivers between four vertices of a flat quad
STEPS = 30  # of projective dynamics; the skin moves by less than a millimetre a step then
SQUEEZED = 0.05  # to which share of its length an element may be pressed
VOLUME_STIFFNESS = 1.0  # beside that against other deformations
BONE_STIFFNESS, SKIN_STIFFNESS = 3e4, 1e4  # 1/m^2, of what holds nodes to the skeleton
OWN_SKIN = 0.9  # of a vertex' weights; one joint that has more draws it, at 1 with full stiffness
LITTLE_TOE = (0.149, -1.150, 0.121)  # where its skin intersects itself at rest, and is smoothed
TOE_STEPS = 20

# Bones from a joint to another, and how thick they are, in metres. Those of one side are both's.
SIDED_BONES = {
    ("hip", "knee"): 0.022, ("knee", "ankle"): 0.020, ("ankle", "foot"): 0.015,
    ("collar", "shoulder"): 0.012, ("shoulder", "elbow"): 0.017, ("elbow", "wrist"): 0.015,
    ("wrist", "hand"): 0.010,
}  # fmt: skip
MIDDLE_BONES = {
    ("pelvis", "spine1"): 0.040, ("spine1", "spine2"): 0.035, ("spine2", "spine3"): 0.035,
    ("spine3", "neck"): 0.035, ("neck", "head"): 0.025, ("pelvis", "left_hip"): 0.035,
    ("pelvis", "right_hip"): 0.035,
}  # fmt: skip
# Radius of what turns half-way in hinges, as kneecaps and the ends of bones do, in metres.
HINGES = {"elbow": 0.028, "knee": 0.042}
TRUNK = [JOINT_NAMES.index(name) for name in ("pelvis", "spine1", "spine2", "spine3")]

# Twist is spread along the bone between two joints, from and to which fraction of it. A wrist's
# turns the forearm, the others their own limb.
TWISTS = {
    "hip": ("hip", "knee", 0.0, 0.8),
    "knee": ("knee", "ankle", 0.0, 0.5),
    "shoulder": ("shoulder", "elbow", 0.0, 0.8),
    "elbow": ("elbow", "wrist", 0.0, 0.8),
    "wrist": ("elbow", "wrist", 0.4, 1.05),
}


class Twist(NamedTuple):
    turning: int
    """The joint whose twist is spread, and by which `turned` joint's frame."""
    turned: int
    axis: np.ndarray
    share: np.ndarray
    """(N,) how much of the twist each node has."""


class Flesh:
    """A body's flesh; `pose` gives its skin.

    template (V, 3), weights (V, 24), joints (24, 3), quads (Q, 4) of a closed surface; eyes and
    what else lies apart from it are left to plain skinning.
    """

    def __init__(
        self, template: np.ndarray, weights: np.ndarray, joints: np.ndarray, quads: np.ndarray
    ) -> None:
        self._joints = joints
        self._skin, self._nodes, elements = _filled(template, quads)
        self._gradient, volumes = _gradients(self._nodes, elements)
        stiffness = (self._gradient.T @ sparse.diags(np.repeat(volumes, 3))) @ self._gradient
        self._weights = _continued(weights[self._skin], stiffness.tocsc())

        # Each node is held by what it belongs to, in proportion to the volume around it.
        self._anchors, held = self._anchored()
        corners = np.bincount(elements.ravel(), np.repeat(volumes / 4, 4), minlength=len(held))
        self._held = (held + 0.1) * np.maximum(corners, 1e-9)
        self._twists = spread_twists(self._nodes, joints)

        # Elements between nodes that are held fast have nothing to find.
        loose = (held < SKIN_STIFFNESS / 2)[elements].any(1)
        self._gradient = self._gradient[np.repeat(loose, 3)]
        self._volumes = np.repeat(volumes[loose], 3)
        stiffness = (self._gradient.T @ sparse.diags(self._volumes)) @ self._gradient
        self._solve = splu(
            ((1.0 + VOLUME_STIFFNESS) * stiffness + sparse.diags(self._held)).tocsc(),
            permc_spec="MMD_AT_PLUS_A",
            options={"SymmetricMode": True},
        ).solve

    def pose(self, rotations: np.ndarray, skinned: np.ndarray) -> np.ndarray:
        """(V, 3) the skin in a pose: rotations (24, 3, 3), of a pelvis that stays where it is;
        skinned (V, 3) is the plainly skinned one."""
        anchors, nodes = self._led(rotations, self._anchors), self._led(rotations, self._weights)
        for _ in range(STEPS):
            deformed = (self._gradient @ nodes).reshape(-1, 3, 3)
            wanted = self._volumes[:, None] * _undeformed(deformed).reshape(-1, 3)
            nodes = self._solve(self._gradient.T @ wanted + self._held[:, None] * anchors)
        skinned = skinned.copy()
        skinned[self._skin] = nodes[: len(self._skin)]
        return skinned

    def _anchored(self) -> tuple[np.ndarray, np.ndarray]:
        """(N, 28) by which frames (24 joints, and the hinges' halves) each node is led, (N,) how
        firmly."""
        nodes, joints = self._nodes, self._joints
        anchors = np.concatenate((self._weights, np.zeros((len(nodes), len(_hinges())))), axis=1)

        # Skin of one joint; the trunk's are one, whose ribs let it bend little.
        own = self._weights.copy()
        own[:, TRUNK] = own[:, TRUNK].sum(1, keepdims=True)
        share = np.clip((own.max(1) - OWN_SKIN) / (1.0 - OWN_SKIN), 0.0, 1.0)
        held = SKIN_STIFFNESS * share**2

        # Bones, of which the nearest counts, and hinges over them.
        nearest = np.ones(len(nodes))
        for first, second, radius in _bones():
            base, along = joints[first], joints[second] - joints[first]
            place = np.clip((nodes - base) @ along / (along @ along), 0.0, 1.0)
            away = np.linalg.norm(nodes - base - place[:, None] * along, axis=1) / radius
            inside = away < nearest
            nearest[inside] = away[inside]
            anchors[inside] = np.eye(anchors.shape[1])[first]
            held[inside] = BONE_STIFFNESS
        for number, (joint, radius) in enumerate(_hinges()):
            inside = np.linalg.norm(nodes - joints[joint], axis=1) < radius
            anchors[inside] = np.eye(anchors.shape[1])[len(joints) + number]
            held[inside] = BONE_STIFFNESS
        return anchors, held

    def _led(self, rotations: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """(N, 3) where the skeleton takes the nodes, blended linearly by weights (N, 24 or 28)."""
        frames, places = forward(rotations, self._joints)
        led = np.zeros_like(self._nodes)
        for joint in range(len(frames)):
            nodes = np.flatnonzero(weights[:, joint])
            turns = Rotation.from_matrix(frames[joint])
            away = self._nodes[nodes] - self._joints[joint]
            for turning, turned, axis, share in self._twists:
                if turned != joint:
                    continue
                # The joint's own frame has all of its twist, the forearm's nothing of the wrist's.
                has = 1.0 if turning == joint else 0.0
                angle = _twist(rotations[turning], axis) * (share[nodes] - has)
                away = Rotation.from_rotvec(angle[:, None] * axis).apply(away)
            led[nodes] += weights[nodes, joint, None] * (turns.apply(away) + places[joint])
        for number, (joint, _) in enumerate(_hinges()):
            if weights.shape[1] == len(frames):
                break
            half = Rotation.from_rotvec(Rotation.from_matrix(rotations[joint]).as_rotvec() / 2)
            nodes = np.flatnonzero(weights[:, len(frames) + number])
            turn = frames[PARENTS[joint]] @ half.as_matrix()
            led[nodes] = (self._nodes[nodes] - self._joints[joint]) @ turn.T + places[joint]
        return led


def spread_twists(points: np.ndarray, joints: np.ndarray) -> list[Twist]:
    """How the twists of joints (24, 3) are spread over points (N, 3) of the rest pose."""
    twists = []
    for part, (first, second, start, stop) in TWISTS.items():
        for side in ("left", "right"):
            base, tip = (JOINT_NAMES.index(f"{side}_{name}") for name in (first, second))
            along = joints[tip] - joints[base]
            length = np.linalg.norm(along)
            place = (points - joints[base]) @ along / length**2
            share = np.clip((place - start) / (stop - start), 0.0, 1.0)
            share = share * share * (3.0 - 2.0 * share)
            turning = JOINT_NAMES.index(f"{side}_{part}")
            twists.append(Twist(turning, base, along / length, share))
    return twists


def forward(rotations: np.ndarray, joints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each joint's frame (24, 3, 3) and place (24, 3), of its own rotations (24, 3, 3)."""
    frames, places = [rotations[0]], [joints[0]]
    for joint, parent in list(enumerate(PARENTS))[1:]:
        frames.append(frames[parent] @ rotations[joint])
        places.append(places[parent] + frames[parent] @ (joints[joint] - joints[parent]))
    return np.array(frames), np.array(places)


def neighbours(quads: np.ndarray) -> sparse.csr_matrix:
    """(V, V) 1 between vertices that an edge joins."""
    edges = np.concatenate([quads[:, [corner, (corner + 1) % 4]] for corner in range(4)])
    edges = np.concatenate((edges, edges[:, ::-1]))
    shape = (int(quads.max()) + 1,) * 2
    return sparse.csr_matrix((np.ones(len(edges)), edges.T), shape=shape).sign()


def _bones() -> list[tuple[int, int, float]]:
    bones = [(*names, radius) for names, radius in MIDDLE_BONES.items()]
    for (first, second), radius in SIDED_BONES.items():
        bones += [(f"{side}_{first}", f"{side}_{second}", radius) for side in ("left", "right")]
    return [(JOINT_NAMES.index(one), JOINT_NAMES.index(other), r) for one, other, r in bones]


def _hinges() -> list[tuple[int, float]]:
    return [
        (JOINT_NAMES.index(f"{side}_{part}"), radius)
        for part, radius in HINGES.items()
        for side in ("left", "right")
    ]


def _twist(rotation: np.ndarray, axis: np.ndarray) -> float:
    """By how much a rotation turns about an axis, in radians within half a turn."""
    x, y, z, w = Rotation.from_matrix(rotation).as_quat()
    angle = 2.0 * np.arctan2(np.dot((x, y, z), axis), w)
    return float((angle + np.pi) % (2.0 * np.pi) - np.pi)


def _filled(template: np.ndarray, quads: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which vertices are the largest surface's, which are the first nodes; nodes (N, 3) and
    elements (M, 4)."""
    beside = neighbours(quads)
    _, surface = csgraph.connected_components(beside, directed=False)
    skin = np.flatnonzero(surface == np.bincount(surface).argmax())

    vertices, mean = template.copy(), sparse.diags(1.0 / np.ravel(beside.sum(1))) @ beside
    onto_left = template * np.where(template[:, :1] < 0.0, (-1.0, 1.0, 1.0), 1.0)
    little = np.abs(onto_left - LITTLE_TOE).max(1) < 0.016
    for _ in range(TOE_STEPS):
        vertices[little] = (mean @ vertices)[little]

    numbers = np.full(len(template), -1)
    numbers[skin] = np.arange(len(skin))
    faces = numbers[quads[np.isin(quads[:, 0], skin)]]
    triangles = np.concatenate((faces[:, [0, 1, 2]], faces[:, [0, 2, 3]]))
    nodes, elements = tetgen.TetGen(vertices[skin], triangles).tetrahedralize(
        switches=f"pq1.5/8YQa{LARGEST}"
    )[:2]
    nodes[: len(skin)] = template[skin]
    return skin, nodes, elements


def _gradients(nodes: np.ndarray, elements: np.ndarray) -> tuple[sparse.csr_matrix, np.ndarray]:
    """(3 M, N) what gives each element's deformation gradient, transposed, of nodes' places, and
    the elements' volumes (M,); 0 of slivers, whose rows are empty."""
    sides = np.stack(
        [nodes[elements[:, corner]] - nodes[elements[:, 0]] for corner in (1, 2, 3)], 2
    )
    volumes = np.abs(np.linalg.det(sides)) / 6
    sound = volumes > LEAST
    inverse = np.zeros_like(sides)
    inverse[sound] = np.linalg.inv(sides[sound])
    entries = np.concatenate((-inverse.sum(1, keepdims=True), inverse), axis=1)  # (M, 4, 3)
    rows = np.broadcast_to(np.arange(3 * len(elements)).reshape(-1, 1, 3), entries.shape)
    columns = np.broadcast_to(elements[:, :, None], entries.shape)
    shape = (3 * len(elements), len(nodes))
    gradient = sparse.csr_matrix((entries.ravel(), (rows.ravel(), columns.ravel())), shape=shape)
    return gradient, np.where(sound, volumes, 0.0)


def _continued(weights: np.ndarray, stiffness: sparse.csc_matrix) -> np.ndarray:
    """The skin's weights (S, 24) continued to all nodes (N, 24), harmonically."""
    skin = len(weights)
    inside = stiffness[skin:, skin:]
    inside = inside + 1e-12 * sparse.identity(inside.shape[0])
    found = splu(inside.tocsc()).solve(-(stiffness[skin:, :skin] @ weights))
    weights = np.concatenate((weights, np.clip(found, 0.0, 1.0)))
    return weights / weights.sum(1, keepdims=True)


def _undeformed(deformed: np.ndarray) -> np.ndarray:
    """What elements with these deformation gradients (M, 3, 3) want to be: of their rotations, and
    of the nearest that keep the volume."""
    left, stretches, right = np.linalg.svd(deformed)
    mirrored = np.linalg.det(left @ right) < 0.0
    left[mirrored, :, 2] *= -1.0
    stretches[mirrored, 2] *= -1.0
    stretches = np.maximum(stretches, SQUEEZED)
    for _ in range(4):  # Newton's steps onto a product of 1
        volume = stretches.prod(1, keepdims=True)
        slope = volume / stretches
        step = (volume - 1.0) / (slope**2).sum(1, keepdims=True) * slope
        stretches = np.maximum(stretches - step, SQUEEZED)
    return left @ ((1.0 + VOLUME_STIFFNESS * stretches)[:, :, None] * right)
