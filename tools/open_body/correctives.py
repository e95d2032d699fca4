"""Fits linear pose correctives ("posedirs"), which repair what linear blend skinning does to
twisted and bent limbs.

Nothing says what a bent limb has to look like but what is wrong with it: skin that is stretched,
bent and folded, volume and girth that are lost, and flesh in flesh. Those faults
(faults) are made small over poses in which limbs bend as people's do (bends),
as Bertiche et al. ("PBNS: physically based neural simulation for unsupervised garment pose space
deformation", 2021) do it for clothes, and weighed most where they would be worse than without
correctives. What is fitted is linear in the entries of R - I, which is how SMPL's posedirs are
read, so it is the same for a network as for shape keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from scipy import sparse

from lsmpl_core.body.kinematics import forward
from lsmpl_core.body.skeleton import ANCESTORS, JOINT_NAMES

from .bends import SIDED_JOINTS, bent_poses
from .faults import AT_REST, Contacts, HalfSurface, neighbours
from .surface import MIRROR, mirror_vertices, volume

POSES = 240
BATCH = 8  # poses a step
STEPS = (300, 450)  # where skin meets skin is found anew between them
RATE = 2e-4  # metres; that of the first steps
SMOOTHING_STEPS = 2  # of what a step changes: skin moves with the skin around it
QUANTUM = 2.0**-13  # metres; a coarser grid compresses better, and 0.12 mm is not seen
LEAST = 0.0002  # metres; smaller corrections are left out
INFLUENCE = 0.005  # of a vertex; a joint that moves less of it, or leaves less, does not bend it
FADING_RINGS = 5  # of vertices, over which a joint's correctives begin

# A wrist's twist turns the forearm from this fraction of it on.
FOREARM = 0.4

# What counts, and beside how little of it, of the whole half, another fault is none.
FAULTS = {
    "stretch": (1.0, 0.05), "bend": (1.0, 2.0), "fold": (0.5, 0.5), "thin": (1.0, 0.5),
    "depth": (0.6, 60.0),
}  # fmt: skip
VOLUME, LITTLE_VOLUME, LITTLE_TOTAL = 0.3, 0.02, 0.03  # litres
WORSE = 0.96  # times as many faults as without; what is above counts by its square
WORSE_WEIGHT = 30.0


class Posed(NamedTuple):
    """The half's plain skin in poses."""

    entries: torch.Tensor
    """(P, 63) of R - I of the joints that correct."""
    blends: torch.Tensor
    """(P, N, 3, 3) by which it takes displacements of the rest pose."""
    points: torch.Tensor
    """(P, N, 3)"""
    joints: torch.Tensor
    """(P, 7, 3)"""
    frames: np.ndarray
    """(P, 24, 3, 3) of all joints."""
    whole: list[np.ndarray]
    """The whole body's (V, 3)."""
    gained: torch.Tensor
    """(P,) litres that half of it has more than at rest."""


def fit_correctives(body: Mapping[str, np.ndarray], seed: int) -> np.ndarray:
    """(V, 3, 207) displacements for each entry of R - I of every joint but the pelvis, of a body's
    arrays by key; none at the vertices of its sites."""
    torch.set_num_threads(1)  # the same order of sums on every machine
    template, weights, regressor = (
        body[key].astype(np.float64) for key in ("v_template", "weights", "J_regressor")
    )
    joints, quads = regressor @ template, body["quads"].astype(np.int64)
    sites = np.unique(body["site_vertices"][body["site_weights"] > 0])
    corrects = _corrected(template, weights, joints)
    moved = corrects.any(1)
    moved[sites] = False
    half = HalfSurface(template, weights, joints, quads, moved)
    share = _fading(corrects, quads)[half.vertices]
    share[np.isin(half.vertices, sites)] = 0.0

    rng = np.random.default_rng(seed)
    rotations = bent_poses(POSES, rng)
    posed = _posed(rotations, half.vertices, template, weights, joints, body["f"].astype(np.int64))
    smoothed = _half_way_to_neighbours(quads)[half.vertices][:, half.vertices]
    fit = _Fit(half, posed, torch.as_tensor(share).float().repeat_interleave(9, 1), smoothed)
    contacts = half.contacts(posed.whole)
    fit.descend(STEPS[0], contacts, rng)
    posedirs = _on_both_halves(fit.found().numpy(), half.vertices, template)

    # Corrected skin meets skin elsewhere.
    corrected = []
    for plain, pose, turned in zip(posed.whole, rotations, posed.frames):
        moves = posedirs @ (pose[1:] - np.eye(3)).ravel()
        corrected.append(plain + np.einsum("vab,vb->va", _blend(turned, weights), moves))
    both = zip(contacts, half.contacts(corrected))
    fit.descend(STEPS[1], Contacts(*(torch.cat(pair) for pair in both)), rng)
    posedirs = _on_both_halves(fit.found().numpy(), half.vertices, template)
    posedirs[np.abs(posedirs) < LEAST] = 0.0
    return np.round(posedirs / QUANTUM) * QUANTUM


class _Fit:
    """Correctives of a half, which `descend` makes better; share (N, 63) of what is found counts
    for each vertex."""

    def __init__(
        self,
        half: HalfSurface,
        posed: Posed,
        share: torch.Tensor,
        smoothed: sparse.csr_matrix,
    ) -> None:
        self._half, self._posed, self._share = half, posed, share[:, None]
        self._smoothed = _Smoothed(smoothed)
        self._rough = torch.zeros(len(share), 3, share.shape[1], requires_grad=True)

    def found(self) -> torch.Tensor:
        """(N, 3, 63)"""
        with torch.no_grad():
            return self._directions()

    def descend(self, steps: int, contacts: Contacts, rng: np.random.Generator) -> None:
        """Adam's steps over the poses in random order, ever smaller ones."""
        plain = self._plain(contacts)
        optimizer = torch.optim.Adam([self._rough], lr=RATE, betas=(0.9, 0.98))
        order: list[int] = []
        for step in range(steps):
            optimizer.param_groups[0]["lr"] = RATE * (
                min(1.0, 0.1 * (step + 1)) * (0.51 + 0.49 * np.cos(np.pi * step / steps))
            )
            if len(order) < BATCH:
                order = rng.permutation(len(self._posed.points)).tolist()
            order, poses = order[BATCH:], torch.as_tensor(order[:BATCH])
            without = {fault: values[poses] for fault, values in plain.items()}
            loss = self._badness(poses, contacts.of(poses), without)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            print(f"step {step + 1} of {steps}: {float(loss):.2f}", end="\r", flush=True)
        print()

    def _plain(self, contacts: Contacts) -> dict[str, torch.Tensor]:
        """The faults of plain skinning in all poses."""
        rows = []
        for poses in torch.arange(len(self._posed.points)).split(BATCH):
            at = self._posed.points[poses], self._posed.joints[poses]
            rows.append(self._half.faults(*at, contacts.of(poses)))
        return {fault: torch.cat([row[fault] for row in rows]) for fault in rows[0]}

    def _directions(self) -> torch.Tensor:
        return self._share * self._smoothed(self._rough)

    def _badness(
        self, poses: torch.Tensor, contacts: Contacts, plain: Mapping[str, torch.Tensor]
    ) -> torch.Tensor:
        """Of poses (B,): each fault beside that of plain skinning, around each joint and of all."""
        moves = torch.einsum("vcf,bf->bvc", self._directions(), self._posed.entries[poses])
        points = self._posed.points[poses] + torch.einsum(
            "bvxy,bvy->bvx", self._posed.blends[poses], moves
        )
        faults = self._half.faults(points, self._posed.joints[poses], contacts)
        worst = torch.zeros(())
        for fault, (weight, little) in FAULTS.items():
            local = (faults[fault] + little / 3) / (plain[fault] + little / 3)
            total = (faults[fault].sum(1) + little) / (plain[fault].sum(1) + little)
            worst = worst + _counted(local, total, weight)
        local = _size(faults["volume"], LITTLE_VOLUME) / _size(plain["volume"], LITTLE_VOLUME)
        gained = self._posed.gained[poses]
        gains = gained + faults["whole volume"] - plain["whole volume"]
        total = _size(gains, LITTLE_TOTAL) / _size(gained, LITTLE_TOTAL)
        return worst + _counted(local, total, VOLUME)


class _Smoothed:
    """Steps half-way to the neighbours, a function of (N, ...)."""

    def __init__(self, step: sparse.csr_matrix) -> None:
        forth, back = step.astype(np.float32).tocsr(), step.T.astype(np.float32).tocsr()

        class Steps(torch.autograd.Function):
            @staticmethod
            def forward(_, values: torch.Tensor) -> torch.Tensor:
                return _stepped(forth, values)

            @staticmethod
            def backward(_, gradient: torch.Tensor) -> torch.Tensor:
                return _stepped(back, gradient)

        self._apply = Steps.apply

    def __call__(self, values: torch.Tensor) -> torch.Tensor:
        return self._apply(values)


def _stepped(step: sparse.csr_matrix, values: torch.Tensor) -> torch.Tensor:
    flat = values.detach().numpy().reshape(len(values), -1)
    for _ in range(SMOOTHING_STEPS):
        flat = step @ flat
    return torch.as_tensor(flat).reshape(values.shape)


def _counted(local: torch.Tensor, total: torch.Tensor, weight: float) -> torch.Tensor:
    """Shares of faults that are left, around each joint (B, 7) and of the whole (B,)."""
    counted = torch.zeros(())
    for share, of_worse in ((local, 0.5), (total, 1.0)):
        over = torch.relu(share - WORSE)
        over = torch.where(over > 0.5, over - 0.25, over.square())
        counted = counted + weight * share.mean() + of_worse * WORSE_WEIGHT * over.mean()
    return counted


def _size(values: torch.Tensor, little: float) -> torch.Tensor:
    return (values.square() + little**2).sqrt()


def _corrected(template: np.ndarray, weights: np.ndarray, joints: np.ndarray) -> np.ndarray:
    """(V, 7) whether each of the left joints corrects a vertex: those about which it bends, and the
    wrist, whose twist the forearm has a part of."""
    corrects = np.zeros((len(template), len(AT_REST)), dtype=bool)
    for column, joint in enumerate(AT_REST):
        of_joint = weights[:, ANCESTORS[:, joint]].sum(1)
        corrects[:, column] = (of_joint > INFLUENCE) & (of_joint < 1.0 - INFLUENCE)
    elbow, wrist = (JOINT_NAMES.index(f"left_{part}") for part in ("elbow", "wrist"))
    along = joints[wrist] - joints[elbow]
    place = (template - joints[elbow]) @ along / (along @ along)
    corrects[:, SIDED_JOINTS.index("wrist")] |= (weights[:, elbow] > 0.5) & (place > FOREARM)
    return corrects & (template[:, :1] > -1e-6)


def _on_both_halves(found: np.ndarray, vertices: np.ndarray, template: np.ndarray) -> np.ndarray:
    """(V, 3, 207) of what the left joints do to vertices (N,) of the left half, (N, 3, 63), and the
    right ones to the right half."""
    left, mirror = np.zeros((len(template), 3, len(JOINT_NAMES), 9)), mirror_vertices(template)
    left[vertices[:, None], :, AT_REST] = found.reshape(len(found), 3, -1, 9).swapaxes(1, 2)
    right = np.zeros_like(left)
    others = [JOINT_NAMES.index(f"right_{part}") for part in SIDED_JOINTS]
    signs = (MIRROR[:, None] * np.outer(MIRROR, MIRROR).ravel())[:, None]
    right[:, :, others] = left[mirror][:, :, AT_REST] * signs
    return (left + right)[:, :, 1:].reshape(len(template), 3, -1)


def _fading(corrects: np.ndarray, quads: np.ndarray) -> np.ndarray:
    """(V, 7) how much of what is found for a joint counts: nothing outside of its skin, all of it
    some rings of vertices within."""
    beside, rings, inside = neighbours(quads), np.zeros(corrects.shape), corrects
    for _ in range(FADING_RINGS):
        rings += inside
        inside = inside & (beside @ (~inside).astype(float) == 0)
    share = rings / FADING_RINGS
    return share * share * (3.0 - 2.0 * share)


def _posed(
    rotations: np.ndarray,
    vertices: np.ndarray,
    template: np.ndarray,
    weights: np.ndarray,
    joints: np.ndarray,
    triangles: np.ndarray,
) -> Posed:
    blends, whole, gained = [], [], []
    frames, places = forward(rotations, joints[None], np.zeros((len(rotations), 3)))
    for turned, place in zip(frames, places):
        blend = _blend(turned, weights)
        offsets = place - np.einsum("jab,jb->ja", turned, joints)
        whole.append(np.einsum("vab,vb->va", blend, template) + weights @ offsets)
        blends.append(blend[vertices].astype(np.float32))
        gained.append((_litres(whole[-1], triangles) - _litres(template, triangles)) / 2)
    return Posed(
        entries=_single((rotations[:, AT_REST] - np.eye(3)).reshape(len(rotations), -1)),
        blends=_single(np.array(blends)),
        points=_single(np.array([points[vertices] for points in whole])),
        joints=_single(places[:, AT_REST]),
        frames=frames,
        whole=whole,
        gained=_single(np.array(gained)),
    )


def _blend(frames: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(V, 3, 3) by which plain skinning turns each vertex, of the joints' frames (24, 3, 3)."""
    return np.tensordot(weights, frames, 1)


def _single(values: np.ndarray) -> torch.Tensor:
    return torch.as_tensor(values, dtype=torch.float32)


def _litres(points: np.ndarray, triangles: np.ndarray) -> float:
    return volume(points, triangles) * 1e3


def _half_way_to_neighbours(quads: np.ndarray) -> sparse.csr_matrix:
    """(V, V) what takes each vertex half-way to the mean of its neighbours."""
    beside = neighbours(quads)
    mean = sparse.diags(1.0 / np.ravel(beside.sum(1))) @ beside
    return (0.5 * (mean + sparse.identity(beside.shape[0]))).tocsr()
