"""What is wrong with a posed surface: how far it is stretched and bent, where it folds over, what
volume and girth it lost, and how deep it goes through itself. Differentiable, of the left half of a
symmetric body in symmetric poses."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from scipy import sparse
from scipy.spatial import cKDTree

from lsmpl_core.body.skeleton import JOINT_NAMES

from .bends import SIDED_JOINTS
from .surface import MIRROR, mirror_vertices

FOLDED = 1.3  # radians between neighbouring faces; more begins to be a fold
NEAR = 0.03  # metres within which surfaces may meet
GAP = 0.01  # metres; skin that is so near to other skin may go through it when it is moved
FAR_AT_REST = 1.6  # times as far apart at rest: what only bends is not met
NO_CONTACT = ("head", "hand", "foot")  # parts whose sides are near to each other at rest
BONES = (("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"))
THICKEST = 0.12  # metres from its bone; skin of a limb is nearer
AT_REST = [JOINT_NAMES.index(f"left_{part}") for part in SIDED_JOINTS]


class Contacts(NamedTuple):
    """Vertices that may go through the surface elsewhere, (K, ...) of all poses."""

    pose: torch.Tensor
    inside: torch.Tensor
    """Which of the half's vertices may."""
    other: torch.Tensor
    """And which they meet, -1 where that is no vertex of the half or of its mirror image."""
    mirrored: torch.Tensor
    place: torch.Tensor
    """(K, 3) where the other is if it is none of them."""
    normal: torch.Tensor
    """(K, 3) the other's."""

    def of(self, poses: torch.Tensor) -> Contacts:
        """Those of some poses (B,), numbered as they are in it."""
        row, column = (self.pose[None] == poses[:, None]).nonzero(as_tuple=True)
        return Contacts(row, *(values[column] for values in self[1:]))


class HalfSurface:
    """The vertices of the left half that something moves, and those around them.

    template (V, 3), weights (V, 24), joints (24, 3), quads (Q, 4); moved (V,) whether a vertex may
    be moved.
    """

    def __init__(
        self,
        template: np.ndarray,
        weights: np.ndarray,
        joints: np.ndarray,
        quads: np.ndarray,
        moved: np.ndarray,
    ) -> None:
        self._template, self._quads, self._mirror = template, quads, mirror_vertices(template)
        self._left = template[:, 0] > -1e-6
        used = (moved | (neighbours(quads) @ moved.astype(float) > 0)) & self._left
        self.vertices = np.flatnonzero(used)
        self._number = np.full(len(template), -1)
        self._number[self.vertices] = np.arange(len(self.vertices))
        meets = [JOINT_NAMES.index(name) for name in JOINT_NAMES if name.endswith(NO_CONTACT)]
        self._meets = np.flatnonzero(weights[:, meets].sum(1) < 0.5)
        self._normals = _normals(template, quads)
        self._areas = _tensor(_areas(template, quads)[self.vertices] * 1e6)

        # Edges, neighbouring faces and triangles, each of the joint that is nearest at rest.
        of_half = quads[used[quads].all(1)]
        corners = np.stack((of_half, np.roll(of_half, -1, 1)), 2).reshape(-1, 2)
        edges, which = np.unique(np.sort(corners, 1), axis=0, return_inverse=True)
        order = np.argsort(which.ravel(), kind="stable")
        shared = np.flatnonzero(np.diff(which.ravel()[order]) == 0)
        beside = np.stack((order[shared], order[shared + 1]), 1) // 4
        triangles = np.concatenate((of_half[:, [0, 1, 2]], of_half[:, [0, 2, 3]]))
        self._edges, self._faces, self._beside, self._triangles = (
            torch.as_tensor(numbers)
            for numbers in (
                self._number[edges],
                self._number[of_half],
                beside,
                self._number[triangles],
            )
        )
        nearest = cKDTree(joints[AT_REST]).query
        self._of_edge, self._of_fold, self._of_triangle, self._of_vertex = (
            torch.as_tensor(nearest(places)[1])
            for places in (
                template[edges].mean(1),
                template[of_half[beside[:, 0]]].mean(1),
                template[triangles].mean(1),
                template[self.vertices],
            )
        )

        # Limbs' skin is of the bone that it lies along.
        rest, ends = _tensor(template[self.vertices])[None], _tensor(joints[AT_REST])[None]
        self._bones = torch.tensor([list(map(SIDED_JOINTS.index, bone)) for bone in BONES])
        away, along = self._from_bones(rest, ends)
        away = torch.where((along > -0.1) & (along < 1.1), away, torch.inf)
        self._girths, self._of_limb = away[0].min(0)
        self._limb = torch.nonzero(self._girths < THICKEST)[:, 0]

        self._lengths, self._angles = self._edge_lengths(rest), self._fold_angles(rest)
        self._cones = self._cone_volumes(rest, ends)

    def faults(
        self, points: torch.Tensor, joints: torch.Tensor, contacts: Contacts
    ) -> dict[str, torch.Tensor]:
        """(B, 7) of each joint's surroundings, of the half's points (B, N, 3) and its joints
        (B, 7, 3); "volume" is what was gained, in litres, "whole volume" (B,) is no fault but all
        that these points enclose with the origin."""
        stretch = torch.log(self._edge_lengths(points) / self._lengths).square() * self._lengths
        angles = self._fold_angles(points)
        folded = torch.relu(angles - FOLDED).square()
        origin = torch.zeros_like(joints)
        return {
            "stretch": _summed(stretch, self._of_edge),
            "bend": _summed((angles - self._angles).square(), self._of_fold),
            "fold": _summed(folded, self._of_fold),
            "thin": self._thinness(points, joints),
            "depth": self._depths(points, contacts),
            "volume": self._cone_volumes(points, joints) - self._cones,
            "whole volume": self._cone_volumes(points, origin).sum(1),
        }

    def contacts(self, poses: list[np.ndarray]) -> Contacts:
        """Where the whole surface (V, 3) is near to itself in each pose and was not at rest."""
        rows = []
        for number, points in enumerate(poses):
            row = self._contacts_of(points)
            rows.append((np.full(len(row[0]), number), *row))
        found = [np.concatenate(values) for values in zip(*rows)]
        return Contacts(*map(torch.as_tensor, found[:4]), *map(_tensor, found[4:]))

    def _contacts_of(self, points: np.ndarray) -> tuple[np.ndarray, ...]:
        normals = _normals(points, self._quads)
        asked = np.intersect1d(self.vertices, self._meets)
        near = cKDTree(points[self._meets]).query_ball_point(points[asked], NEAR)
        one = np.repeat(asked, [len(found) for found in near])
        other = self._meets[np.concatenate(near).astype(int)]

        # Both sides of a thin limb face away from each other at rest, too; what meets does not.
        away = points[one] - points[other]
        away_at_rest = self._template[one] - self._template[other]
        distance, at_rest = (np.linalg.norm(gap, axis=1) + 1e-9 for gap in (away, away_at_rest))
        behind = [
            np.einsum("ka,ka->k", away_at_rest, self._normals[side]) / at_rest
            for side in (one, other)
        ]
        meets = (
            (np.einsum("ka,ka->k", normals[one], normals[other]) < -0.2)
            & (at_rest > FAR_AT_REST * distance + 0.004)
            & (behind[0] < 0.55)
            & (behind[1] > -0.55)
            & (np.einsum("ka,ka->k", away, normals[other]) < GAP)
        )
        one, other, distance = one[meets], other[meets], distance[meets]

        # The nearest alone.
        order = np.lexsort((distance, one))
        one, first = np.unique(one[order], return_index=True)
        other = other[order][first]
        mirrored = ~self._left[other]
        number = self._number[np.where(mirrored, self._mirror[other], other)]
        return self._number[one], number, mirrored, points[other], normals[other]

    def _depths(self, points: torch.Tensor, contacts: Contacts) -> torch.Tensor:
        pose, inside, number, mirrored, place, normal = contacts
        other = points[pose, number.clamp(min=0)]
        other = torch.where(mirrored[:, None], other * _tensor(MIRROR), other)
        other = torch.where(number[:, None] >= 0, other, place)
        depth = torch.relu(((other - points[pose, inside]) * normal).sum(-1))
        summed = torch.zeros(len(points), len(AT_REST))
        at = (pose, self._of_vertex[inside])
        return summed.index_put(at, depth * self._areas[inside], accumulate=True)

    def _thinness(self, points: torch.Tensor, joints: torch.Tensor) -> torch.Tensor:
        """Limbs that are wrung lose their girth."""
        away, _ = self._from_bones(points[:, self._limb], joints)
        own = self._of_limb[self._limb].expand(len(points), 1, -1)
        girths = away.gather(1, own)[:, 0]
        lost = torch.relu(torch.log(self._girths[self._limb] / (girths + 1e-3)))
        return _summed(lost.square(), self._of_vertex[self._limb])

    def _from_bones(
        self, points: torch.Tensor, joints: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """How far points (B, N, 3) are from each bone's line, and where along it, (B, 4, N)."""
        start = joints[:, self._bones[:, 0]]
        bone = joints[:, self._bones[:, 1]] - start
        offsets = points[:, None] - start[:, :, None]
        along = (offsets * bone[:, :, None]).sum(-1) / bone.square().sum(-1)[..., None]
        return _length(offsets - along[..., None] * bone[:, :, None]), along

    def _edge_lengths(self, points: torch.Tensor) -> torch.Tensor:
        return _length(points[:, self._edges[:, 0]] - points[:, self._edges[:, 1]])

    def _fold_angles(self, points: torch.Tensor) -> torch.Tensor:
        a, b, c, d = (points[:, self._faces[:, corner]] for corner in range(4))
        normals = torch.cross(c - a, d - b, dim=-1)
        normals = normals / (_length(normals)[..., None] + 1e-8)
        one, other = normals[:, self._beside[:, 0]], normals[:, self._beside[:, 1]]
        return 2.0 * torch.atan2(_length(one - other), _length(one + other))

    def _cone_volumes(self, points: torch.Tensor, joints: torch.Tensor) -> torch.Tensor:
        """Litres between each joint and the surface around it, which bones and stiff skin bound."""
        tips = joints[:, self._of_triangle]
        a, b, c = (points[:, self._triangles[:, corner]] - tips for corner in range(3))
        volumes = (a * torch.cross(b, c, dim=-1)).sum(-1) / 6 * 1e3
        return _summed(volumes, self._of_triangle)


def neighbours(quads: np.ndarray) -> sparse.csr_matrix:
    """(V, V) 1 between vertices that an edge joins."""
    edges = np.concatenate([quads[:, [corner, (corner + 1) % 4]] for corner in range(4)])
    edges = np.concatenate((edges, edges[:, ::-1]))
    shape = (int(quads.max()) + 1,) * 2
    return sparse.csr_matrix((np.ones(len(edges)), edges.T), shape=shape).sign()


def _normals(points: np.ndarray, quads: np.ndarray) -> np.ndarray:
    """(V, 3) of vertices."""
    a, b, c, d = (points[quads[:, corner]] for corner in range(4))
    normals = np.zeros_like(points)
    np.add.at(normals, quads.T, np.cross(c - a, d - b))
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)


def _areas(points: np.ndarray, quads: np.ndarray) -> np.ndarray:
    """(V,) square metres, a quarter of each quad around a vertex."""
    a, b, c, d = (points[quads[:, corner]] for corner in range(4))
    area = np.linalg.norm(np.cross(c - a, d - b), axis=1) / 2
    return np.bincount(quads.ravel(), np.repeat(area / 4, 4), minlength=len(points))


def _length(vectors: torch.Tensor) -> torch.Tensor:
    return (vectors.square().sum(-1) + 1e-10).sqrt()


def _summed(values: torch.Tensor, joint: torch.Tensor) -> torch.Tensor:
    """(B, 7) of values (B, M) that belong to joints (M,)."""
    return torch.zeros(len(values), len(AT_REST)).index_add(1, joint, values)


def _tensor(values: np.ndarray) -> torch.Tensor:
    return torch.as_tensor(np.asarray(values), dtype=torch.float32)
