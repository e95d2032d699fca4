"""`Kernels`: compiled code for what a solve spends its time on (`kernels/`), called by ctypes.

Every array is made what the compiled code expects (`kernel_border.py`) before its address is given
away. ctypes lets other threads of Python run meanwhile, so the poses of a batch are shared among
`worker_threads`; each is computed by itself, and is the same whatever their number.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from ctypes import byref, c_double, c_int64
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from .kernel_border import (
    BODY,
    JOINTS,
    PLANES,
    UNKNOWNS,
    CCourse,
    CModel,
    CNetwork,
    Compiled,
    CPlanes,
    CPrior,
    CShape,
    CSteps,
    Pair,
    anchor_of,
    check,
    doubles,
    in_panels,
    integers,
    own,
    pointer,
    state_of,
    targets_of,
)  # fmt: skip
from .threads import worker_threads

VERSION = 5
"""Of the library's functions and structures; `kernels/lsmpl.h` has the same."""
FEWEST_A_THREAD = 8
"""Poses that are worth a thread of their own."""
FRAMES_A_SUM, MOST_SUMS = 8, 1 << 22
"""Frames whose normal equations are summed by one thread, and numbers that there are of such sums
at most: fewer, for more unknowns. Sums have the same order whatever the number of threads."""


@dataclass(frozen=True)
class Walkers:
    """B poses on their way through a take, as the library moves them on.

    rotations (B,24,3,3) and trans (B,3) in metres; at (B,): the frames that they are at; accepted
    (B,): the mean residual with which each went on last although it was lost, in metres, 0 where it
    was not.
    """

    rotations: np.ndarray
    trans: np.ndarray
    at: np.ndarray
    accepted: np.ndarray


@dataclass(frozen=True)
class Walked:
    """What came of S steps of B poses, as far as they are done: done (B,) steps; lost (B,) bool:
    those that stopped because the last one was lost; and of each step rotations (S,B,24,3,3), trans
    (S,B,3) and mean residuals (S,B) in metres, NaN where the frame shows no keypoint."""

    done: np.ndarray
    lost: np.ndarray
    rotations: np.ndarray
    trans: np.ndarray
    residual: np.ndarray

    @classmethod
    def of(cls, steps: int, poses: int) -> Walked:
        """None yet."""
        return cls(
            np.zeros(poses, dtype=np.int64), np.zeros(poses, dtype=bool),
            np.empty((steps, poses, JOINTS, 3, 3)), np.empty((steps, poses, 3)),
            np.empty((steps, poses)),
        )  # fmt: skip


class Kernels:
    """The functions of one library."""

    def __init__(self, path: Path):
        self.path = path
        self._library = ctypes.CDLL(str(path))
        if self._library.lsmpl_version() != VERSION:
            raise OSError(f"{path} is of another version of LSMPL")

    def model(
        self, rest_joints: np.ndarray, offsets: np.ndarray, mass: np.ndarray, joint: np.ndarray,
        gather: np.ndarray,
    ) -> Compiled:  # fmt: skip
        """A `KeypointModel`: rest_joints (1|B,24,3), offsets (1|B,P,3), mass and joint (P,) of each
        part, and gather (K,P), 1 where a part belongs to a keypoint."""
        parts, shapes = len(mass), len(rest_joints)
        keypoints, keypoint = len(gather), gather.argmax(axis=0)
        arrays = (
            doubles(rest_joints, (shapes, JOINTS, 3)), doubles(offsets, (shapes, parts, 3)),
            doubles(mass, (parts,)), integers(joint, (parts,)), integers(keypoint, (parts,)),
        )  # fmt: skip
        return Compiled(CModel(keypoints, parts, shapes, *map(pointer, arrays)), arrays)

    def prior(self, mean: np.ndarray, precision: np.ndarray, planes: Any) -> Compiled:
        """A `Prior`: mean (69,) or (B,69), precision (69,69), and `LimbPlanes` or None."""
        mean = np.reshape(mean, (-1, BODY))
        arrays = doubles(mean, mean.shape), doubles(precision, (BODY, BODY))
        law = None
        if planes is not None:
            rows = [doubles(np.ravel(getattr(planes, name)), (n,)) for name, n in PLANES.items()]
            law = CPlanes.from_buffer_copy(np.concatenate(rows))
        at = ctypes.pointer(law) if law is not None else None
        structure = CPrior(*map(pointer, arrays), len(mean), at)
        return Compiled(structure, (*arrays, law))

    def network(
        self, layers: Sequence[Pair], parent_joints: Sequence[int], canonical: np.ndarray
    ) -> Compiled:
        """A `Network`: weights (inputs, outputs) and bias (outputs,) of its layers in their order,
        of each of its C sites the joint that moves it, and canonical (C,K)."""
        inputs, width = layers[0][0].shape
        weights = np.concatenate([in_panels(*layer) for layer in layers])
        site = np.where(canonical.any(axis=0), canonical.argmax(axis=0), -1)
        parents = integers(parent_joints, (len(canonical),))
        arrays = weights, parents, integers(site, (canonical.shape[1],))
        sizes = inputs, width, len(layers) // 2 - 1, len(canonical)
        structure = CNetwork(*sizes, *map(pointer, arrays))
        return Compiled(structure, arrays)

    def predict(
        self, model: Compiled, network: Compiled, pose: Pair, targets: Pair, noise: np.ndarray
    ) -> tuple[list[np.ndarray], np.ndarray]:
        """`predictors.next_pose` of B poses: the arrays of the states that they are predicted to be
        in, and sigma (B,24) in radians.

        pose: rotations (B,24,3,3) and trans (B,3); targets: positions (B,K,3) and weights (B,K);
        noise (B,) in metres.
        """
        B, K = len(pose[1]), model.structure.keypoints
        if len(network.arrays[2]) != K:
            raise ValueError(f"a network for {len(network.arrays[2])} keypoints; expected {K}")
        arrays, state = state_of(model.structure, *pose)
        wanted = targets_of(targets, B, K)
        noise, sigma = doubles(noise, (B,)), np.empty((B, JOINTS))
        self.run("lsmpl_predict", B, byref(model.structure), byref(network.structure),
            byref(state), byref(wanted.structure), pointer(noise), pointer(sigma),
        )  # fmt: skip
        return arrays, sigma

    def state(self, model: Compiled, rotations: np.ndarray, trans: np.ndarray) -> list[np.ndarray]:
        """The arrays of a `State` of B poses: rotations (B,24,3,3) and trans (B,3), and what
        follows from them."""
        B = len(trans)
        arrays, state = state_of(model.structure, rotations, trans)
        self.run("lsmpl_state", B, byref(model.structure), byref(state))
        return [doubles(rotations, (B, JOINTS, 3, 3)), doubles(trans, (B, 3)), *arrays[2:]]

    def forward(
        self, poses: np.ndarray, rest_joints: np.ndarray, trans: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """World rotations (B,24,3,3) and joints (B,24,3) of axis-angles (B,24,3) and trans (B,3),
        of one body shape, rest_joints (24,3)."""
        B = len(trans)
        arrays = (
            doubles(poses, (B, JOINTS, 3)), doubles(trans, (B, 3)),
            doubles(rest_joints, (JOINTS, 3)),
            np.empty((B, JOINTS, 3, 3)), np.empty((B, JOINTS, 3)),
        )  # fmt: skip
        self.run("lsmpl_forward", B, *map(pointer, arrays))
        return arrays[3], arrays[4]

    def polish(
        self, model: Compiled, pose: Pair, targets: Pair, anchor: Pair, prior: Compiled | None, *,
        steps: int, more: int, enough: float, damping: float, tolerance: float,
    ) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:  # fmt: skip
        """`polish.polish` of B poses: the arrays of the state that they reach, cost (B,) in m² and
        converged (B,).

        pose: rotations (B,24,3,3) and trans (B,3); targets: positions (B,K,3) and weights (B,K);
        anchor: rotations (B,24,3,3) and weights (24,) or (B,24).
        """
        B, K = len(pose[1]), model.structure.keypoints
        arrays, state = state_of(model.structure, *pose)
        wanted, held = targets_of(targets, B, K), anchor_of(anchor, B)
        cost, converged = np.empty(B), np.empty(B, dtype=np.uint8)
        self.run("lsmpl_polish", B, byref(model.structure), byref(state),
            byref(wanted.structure), byref(held.structure),
            None if prior is None else byref(prior.structure),
            byref(CSteps(steps, more, enough, damping, tolerance)),
            pointer(cost), pointer(converged),
        )  # fmt: skip
        return arrays, cost, converged.astype(bool)

    def follow(
        self, model: Compiled, network: Compiled, prior: Compiled, targets: Pair, seen: np.ndarray,
        path: np.ndarray, walkers: Walkers, walked: Walked, *, noise: float, trust: float,
        limit: float, steps: int, more: int, enough: float, damping: float, tolerance: float,
    ) -> None:  # fmt: skip
        """Moves walkers on along a path (S,B) of frames, predicted and polished, from the step that
        each has reached in `walked`, until all have taken all steps or some are lost: their mean
        residual is above `limit`, in metres, and above what was accepted last. Both are changed.

        targets: positions (T,K,3) and weights (T,K) of all frames; seen (T,K): the weights as they
        count before the polish; noise in metres; trust: weight of a prediction times its sigma
        squared, in m². The steps are the polish's.
        """
        (S, B), K, T = path.shape, model.structure.keypoints, len(targets[1])
        if len(network.arrays[2]) != K or prior.structure.rows != 1:
            raise ValueError(f"a network for other keypoints than the {K} of the model")
        given = (
            doubles(targets[0], (T, K, 3)), doubles(targets[1], (T, K)), doubles(seen, (T, K)),
            integers(path, (S, B)),
        )  # fmt: skip
        moved = (
            own(walked.done, np.int64, (B,)), own(walkers.at, np.int64, (B,)),
            own(walkers.rotations, np.float64, (B, JOINTS, 3, 3)),
            own(walkers.trans, np.float64, (B, 3)), own(walkers.accepted, np.float64, (B,)),
            own(walked.lost, np.bool_, (B,)),
            own(walked.rotations, np.float64, (S, B, JOINTS, 3, 3)),
            own(walked.trans, np.float64, (S, B, 3)), own(walked.residual, np.float64, (S, B)),
        )  # fmt: skip
        course = CCourse(T, S, *map(pointer, given), noise, trust, limit, *map(pointer, moved))
        polish = CSteps(steps, more, enough, damping, tolerance)
        structures = (model.structure, network.structure, prior.structure, polish, course)
        self.run("lsmpl_follow", B, *map(byref, structures), fewest=1)

    def jacobian(self, model: Compiled, pose: Pair) -> np.ndarray:
        """`KeypointModel.jacobian` of B poses, rotations (B,24,3,3) and trans (B,3): (B,K,3,75)."""
        B, K = len(pose[1]), model.structure.keypoints
        _, state = kept = state_of(model.structure, *pose)
        out = np.empty((B, K, 3, UNKNOWNS))
        self.run("lsmpl_jacobian", B, byref(model.structure), byref(state), pointer(out))
        del kept
        return out

    def normal_equations(
        self, model: Compiled, pose: Pair, targets: Pair, anchor: Pair, prior: Compiled,
        outlier: np.ndarray, hessian: np.ndarray, gradient: np.ndarray,
    ) -> None:  # fmt: skip
        """Fills what each of B frames adds to those of a sequence: half the Hessians (B,75,75) and
        half the gradients (B,75), joint by joint and then the translation. As for `polish`;
        outlier (B,K): metres by which keypoints are missed that count a quarter."""
        B, K = len(pose[1]), model.structure.keypoints
        kept, state = state_of(model.structure, *pose)
        wanted, held = targets_of(targets, B, K), anchor_of(anchor, B)
        outlier = doubles(outlier, (B, K))
        hessian = own(hessian, np.float64, (B, UNKNOWNS, UNKNOWNS))
        gradient = own(gradient, np.float64, (B, UNKNOWNS))
        self.run("lsmpl_normal_equations", B, byref(model.structure), byref(state),
            byref(wanted.structure), byref(held.structure), byref(prior.structure),
            pointer(outlier), pointer(hessian), pointer(gradient),
        )  # fmt: skip
        del kept

    def add_accelerations(
        self, pose: Pair, expected: np.ndarray, freedom: np.ndarray, noise: float,
        hessian: np.ndarray, gradient: np.ndarray,
    ) -> Pair:  # fmt: skip
        """`accelerations.add_accelerations` of T frames: rotations (T,24,3,3) and trans (T,3);
        adds to hessian (T,75,75) and gradient (T,75), and returns what couples the frames."""
        T, blocks = len(pose[1]), JOINTS + 1
        given = (
            doubles(pose[0], (T, JOINTS, 3, 3)), doubles(pose[1], (T, 3)),
            doubles(expected, (blocks,)), doubles(freedom, (max(T - 2, 0), blocks)),
        )  # fmt: skip
        filled = (
            own(hessian, np.float64, (T, UNKNOWNS, UNKNOWNS)),
            own(gradient, np.float64, (T, UNKNOWNS)),
            *(np.empty((max(T - apart, 0), blocks, 3, 3)) for apart in (1, 2)),
        )
        pointers = *map(pointer, given), c_double(noise), *map(pointer, filled)
        self.call("lsmpl_accelerations", c_int64(T), *pointers)
        return filled[2], filled[3]

    def turned(self, rotations: np.ndarray, steps: np.ndarray) -> np.ndarray:
        """(B,24,3,3): rotations (B,24,3,3), each turned by an axis-angle of steps (B,24,3) in the
        joint's own frame, and made exact."""
        B = len(steps)
        steps = doubles(steps, (B, JOINTS, 3))
        turned = np.array(doubles(rotations, (B, JOINTS, 3, 3)))
        self.run("lsmpl_turn", B, pointer(steps), pointer(turned))
        return turned

    def shape_equations(
        self, model: Compiled, pose: Pair, targets: Pair, prior: Compiled, directions: Pair,
        parent_joint: np.ndarray, sites: np.ndarray, hold: float,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
        """`shape_equations` of B frames: hessian (M,M) and gradient (M,) over D betas and S sites,
        and followed (B,).

        directions: how the betas move joints (D,24,3) and parts (D,P,3), D at most
        32 + 3 K; parent_joint (K,); sites (S,). Otherwise as for `polish`.
        """
        B, K, P = len(pose[1]), model.structure.keypoints, model.structure.parts
        D, S = len(directions[0]), len(sites)
        M = D + 3 * S
        groups = max(1, min(-(-B // FRAMES_A_SUM), MOST_SUMS // max(M * M, 1)))
        kept, state = state_of(model.structure, *pose)
        wanted = targets_of(targets, B, K)
        arrays = (
            doubles(directions[0], (D, JOINTS, 3)), doubles(directions[1], (D, P, 3)),
            integers(parent_joint, (K,)), integers(sites, (S,)),
        )  # fmt: skip
        out = np.empty((groups, M, M)), np.empty((groups, M)), np.empty(B)
        self.run("lsmpl_shape_equations", groups, c_int64(B), byref(model.structure),
            byref(state), byref(wanted.structure), byref(prior.structure),
            byref(CShape(D, S, *map(pointer, arrays))), c_double(hold), *map(pointer, out),
            fewest=1,
        )  # fmt: skip
        del kept
        return out[0].sum(axis=0), out[1].sum(axis=0), out[2]

    def call(self, name: str, *arguments: Any) -> None:
        """Call a function of the library that works on all of a system at once."""
        check(getattr(self._library, name)(*arguments))

    def run(self, name: str, count: int, *arguments: Any, fewest: int = FEWEST_A_THREAD) -> None:
        """Call a function of the library for all of a batch of poses, in ranges that threads share,
        each with at least so many."""
        function, most = getattr(self._library, name), count // fewest
        threads = min(worker_threads(), most) if most > 1 else 1
        if threads < 2:
            check(function(*map(c_int64, (count, 0, count)), *arguments))
            return
        ends = [count * i // threads for i in range(threads + 1)]
        calls = [
            _workers(threads).submit(function, *map(c_int64, (count, first, end)), *arguments)
            for first, end in zip(ends, ends[1:])
        ]
        for call in calls:
            check(call.result())


@cache
def _workers(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="lsmpl")
