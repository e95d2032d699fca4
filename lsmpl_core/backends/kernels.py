"""`Kernels`: compiled code for what a solve spends its time on (`kernels/`), called by ctypes.

Here is the border: every array is made what the compiled code expects (double precision, dense, of
the size that the others say) before its address is given away. ctypes lets other threads of Python
run meanwhile, so the poses of a batch are shared among `worker_threads`; each is computed by
itself, and is the same whatever their number.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ctypes import POINTER, Structure, byref, c_double, c_int64, c_void_p
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from .threads import worker_threads

VERSION = 4
"""Of the library's functions and structures; `kernels/lsmpl.h` has the same."""
JOINTS, BODY, UNKNOWNS = 24, 69, 75
PANEL = 32
"""Outputs of a layer whose weights lie together, as in `kernels/network.c`."""
FEWEST_A_THREAD = 8
"""Poses that are worth a thread of their own."""
FRAMES_A_SUM, MOST_SUMS = 8, 1 << 22
"""Frames whose normal equations are summed by one thread, and numbers that there are of such sums
at most: fewer, for more unknowns. Sums have the same order whatever the number of threads."""
MOST_DIRECTIONS = 64
"""Of a shape, as in `kernels/shape.c`: betas, and three for each site that carries others."""

Pair = tuple[np.ndarray, np.ndarray]
_FAILURES = {1: "sizes that do not fit", 2: "an index that points nowhere", 3: "too little memory"}


class _Model(Structure):
    _fields_ = [
        *((name, c_int64) for name in ("keypoints", "parts", "shapes")),
        *((name, c_void_p) for name in ("rest_joints", "offsets", "mass", "joint", "keypoint")),
    ]


class _State(Structure):
    _fields_ = [
        (name, c_void_p) for name in ("rotations", "trans", "world", "joints", "parts", "keypoints")
    ]


class _Targets(Structure):
    _fields_ = [("positions", c_void_p), ("weights", c_void_p)]


class _Anchor(Structure):
    _fields_ = [("rotations", c_void_p), ("weights", c_void_p), ("rows", c_int64)]


_PLANES = {
    **dict.fromkeys(("upper", "lower", "bent", "across"), 12),
    **dict.fromkeys(("side", "straight", "offset", "share", "precision"), 4),
}
"""Numbers of each array of `LimbPlanes`."""


class _Planes(Structure):
    _fields_ = [(name, c_double * count) for name, count in _PLANES.items()]


class _Prior(Structure):
    _fields_ = [
        ("mean", c_void_p), ("precision", c_void_p), ("rows", c_int64), ("planes", POINTER(_Planes))
    ]  # fmt: skip


class _Course(Structure):
    _fields_ = [
        *((name, c_int64) for name in ("frames", "steps")),
        *((name, c_void_p) for name in ("positions", "weights", "seen", "path")),
        *((name, c_double) for name in ("noise", "trust", "limit")),
        *((name, c_void_p) for name in ("done", "at", "rotations", "trans", "accepted", "lost")),
        *((name, c_void_p) for name in ("all_rotations", "all_trans", "residual")),
    ]


class _Network(Structure):
    _fields_ = [
        *((name, c_int64) for name in ("inputs", "width", "blocks", "sites")),
        *((name, c_void_p) for name in ("weights", "parent_joint", "site")),
    ]


class _Shape(Structure):
    _fields_ = [
        *((name, c_int64) for name in ("directions", "free")),
        *((name, c_void_p) for name in ("joints", "parts", "parent_joint", "site")),
    ]


class _Steps(Structure):
    _fields_ = [
        *((name, c_int64) for name in ("steps", "more")),
        *((name, c_double) for name in ("enough", "damping", "tolerance")),
    ]


FINGER_ARRAYS = {
    "axes": (3, 3), "between": (2, 3, 3), "base": (3,), "bones": (3, 3), "targets": (3, 3),
    "confidence": (3,), "relaxed": (9,), "sigma": (9,), "ends": (), "low": (4,), "high": (4,),
}  # fmt: skip
"""Arrays of a `FingerBatch`, and of which shape they are of each finger."""
_FINGER_NUMBERS = ("precision", "nearness", "limit", "end_weight", "end_share")


class _Fingers(Structure):
    _fields_ = [
        *((name, c_void_p) for name in FINGER_ARRAYS),
        *((name, c_double) for name in _FINGER_NUMBERS),
    ]


@dataclass(frozen=True)
class Compiled:
    """A structure of the library, and the arrays that it points into, which must live as long."""

    structure: Any
    arrays: tuple[Any, ...]


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
            _doubles(rest_joints, (shapes, JOINTS, 3)), _doubles(offsets, (shapes, parts, 3)),
            _doubles(mass, (parts,)), _integers(joint, (parts,)), _integers(keypoint, (parts,)),
        )  # fmt: skip
        return Compiled(_Model(keypoints, parts, shapes, *map(_pointer, arrays)), arrays)

    def prior(self, mean: np.ndarray, precision: np.ndarray, planes: Any) -> Compiled:
        """A `Prior`: mean (69,) or (B,69), precision (69,69), and `LimbPlanes` or None."""
        mean = np.reshape(mean, (-1, BODY))
        arrays = _doubles(mean, mean.shape), _doubles(precision, (BODY, BODY))
        law = None
        if planes is not None:
            rows = [_doubles(np.ravel(getattr(planes, name)), (n,)) for name, n in _PLANES.items()]
            law = _Planes.from_buffer_copy(np.concatenate(rows))
        pointer = ctypes.pointer(law) if law is not None else None
        structure = _Prior(*map(_pointer, arrays), len(mean), pointer)
        return Compiled(structure, (*arrays, law))

    def network(
        self, layers: Sequence[Pair], parent_joints: Sequence[int], canonical: np.ndarray
    ) -> Compiled:
        """A `Network`: weights (inputs, outputs) and bias (outputs,) of its layers in their order,
        of each of its C sites the joint that moves it, and canonical (C,K)."""
        inputs, width = layers[0][0].shape
        weights = np.concatenate([_in_panels(*layer) for layer in layers])
        site = np.where(canonical.any(axis=0), canonical.argmax(axis=0), -1)
        parents = _integers(parent_joints, (len(canonical),))
        arrays = weights, parents, _integers(site, (canonical.shape[1],))
        sizes = inputs, width, len(layers) // 2 - 1, len(canonical)
        structure = _Network(*sizes, *map(_pointer, arrays))
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
        arrays, state = _state(model.structure, *pose)
        wanted = _targets(targets, B, K)
        noise, sigma = _doubles(noise, (B,)), np.empty((B, JOINTS))
        self._run(
            self._library.lsmpl_predict, B, byref(model.structure), byref(network.structure),
            byref(state), byref(wanted.structure), _pointer(noise), _pointer(sigma),
        )  # fmt: skip
        return arrays, sigma

    def state(self, model: Compiled, rotations: np.ndarray, trans: np.ndarray) -> list[np.ndarray]:
        """The arrays of a `State` of B poses: rotations (B,24,3,3) and trans (B,3), and what
        follows from them."""
        B = len(trans)
        arrays, state = _state(model.structure, rotations, trans)
        self._run(self._library.lsmpl_state, B, byref(model.structure), byref(state))
        return [_doubles(rotations, (B, JOINTS, 3, 3)), _doubles(trans, (B, 3)), *arrays[2:]]

    def forward(
        self, poses: np.ndarray, rest_joints: np.ndarray, trans: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """World rotations (B,24,3,3) and joints (B,24,3) of axis-angles (B,24,3) and trans (B,3),
        of one body shape, rest_joints (24,3)."""
        B = len(trans)
        arrays = (
            _doubles(poses, (B, JOINTS, 3)), _doubles(trans, (B, 3)),
            _doubles(rest_joints, (JOINTS, 3)),
            np.empty((B, JOINTS, 3, 3)), np.empty((B, JOINTS, 3)),
        )  # fmt: skip
        self._run(self._library.lsmpl_forward, B, *map(_pointer, arrays))
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
        arrays, state = _state(model.structure, *pose)
        wanted, held = _targets(targets, B, K), _anchor(anchor, B)
        cost, converged = np.empty(B), np.empty(B, dtype=np.uint8)
        self._run(
            self._library.lsmpl_polish, B, byref(model.structure), byref(state),
            byref(wanted.structure), byref(held.structure),
            None if prior is None else byref(prior.structure),
            byref(_Steps(steps, more, enough, damping, tolerance)),
            _pointer(cost), _pointer(converged),
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
            _doubles(targets[0], (T, K, 3)), _doubles(targets[1], (T, K)), _doubles(seen, (T, K)),
            _integers(path, (S, B)),
        )  # fmt: skip
        moved = (
            _own(walked.done, np.int64, (B,)), _own(walkers.at, np.int64, (B,)),
            _own(walkers.rotations, np.float64, (B, JOINTS, 3, 3)),
            _own(walkers.trans, np.float64, (B, 3)), _own(walkers.accepted, np.float64, (B,)),
            _own(walked.lost, np.bool_, (B,)),
            _own(walked.rotations, np.float64, (S, B, JOINTS, 3, 3)),
            _own(walked.trans, np.float64, (S, B, 3)), _own(walked.residual, np.float64, (S, B)),
        )  # fmt: skip
        course = _Course(T, S, *map(_pointer, given), noise, trust, limit, *map(_pointer, moved))
        polish = _Steps(steps, more, enough, damping, tolerance)
        structures = (model.structure, network.structure, prior.structure, polish, course)
        self._run(self._library.lsmpl_follow, B, *map(byref, structures), fewest=1)

    def jacobian(self, model: Compiled, pose: Pair) -> np.ndarray:
        """`KeypointModel.jacobian` of B poses, rotations (B,24,3,3) and trans (B,3): (B,K,3,75)."""
        B, K = len(pose[1]), model.structure.keypoints
        _, state = kept = _state(model.structure, *pose)
        out = np.empty((B, K, 3, UNKNOWNS))
        self._run(
            self._library.lsmpl_jacobian, B, byref(model.structure), byref(state), _pointer(out)
        )
        del kept
        return out

    def normal_equations(
        self, model: Compiled, pose: Pair, targets: Pair, anchor: Pair, prior: Compiled,
        hessian: np.ndarray, gradient: np.ndarray,
    ) -> None:  # fmt: skip
        """Fills what each of B frames adds to those of a sequence: half the Hessians (B,75,75) and
        half the gradients (B,75), joint by joint and then the translation. As for `polish`."""
        B, K = len(pose[1]), model.structure.keypoints
        kept, state = _state(model.structure, *pose)
        wanted, held = _targets(targets, B, K), _anchor(anchor, B)
        hessian = _own(hessian, np.float64, (B, UNKNOWNS, UNKNOWNS))
        gradient = _own(gradient, np.float64, (B, UNKNOWNS))
        self._run(
            self._library.lsmpl_normal_equations, B, byref(model.structure), byref(state),
            byref(wanted.structure), byref(held.structure), byref(prior.structure),
            _pointer(hessian), _pointer(gradient),
        )  # fmt: skip
        del kept

    def shape_equations(
        self, model: Compiled, pose: Pair, targets: Pair, prior: Compiled, directions: Pair,
        parent_joint: np.ndarray, sites: np.ndarray, hold: float,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
        """`shape_equations` of B frames: hessian (M,M) and gradient (M,) over D betas and S sites,
        and followed (B,).

        directions: how the betas move joints (D,24,3) and parts (D,P,3), D at most
        `MOST_DIRECTIONS`; parent_joint (K,); sites (S,). Otherwise as for `polish`.
        """
        B, K, P = len(pose[1]), model.structure.keypoints, model.structure.parts
        D, S = len(directions[0]), len(sites)
        M = D + 3 * S
        groups = max(1, min(-(-B // FRAMES_A_SUM), MOST_SUMS // max(M * M, 1)))
        kept, state = _state(model.structure, *pose)
        wanted = _targets(targets, B, K)
        arrays = (
            _doubles(directions[0], (D, JOINTS, 3)), _doubles(directions[1], (D, P, 3)),
            _integers(parent_joint, (K,)), _integers(sites, (S,)),
        )  # fmt: skip
        out = np.empty((groups, M, M)), np.empty((groups, M)), np.empty(B)
        self._run(
            self._library.lsmpl_shape_equations, groups, c_int64(B), byref(model.structure),
            byref(state), byref(wanted.structure), byref(prior.structure),
            byref(_Shape(D, S, *map(_pointer, arrays))), c_double(hold), *map(_pointer, out),
            fewest=1,
        )  # fmt: skip
        del kept
        return out[0].sum(axis=0), out[1].sum(axis=0), out[2]

    def fingers(self, arrays: dict[str, np.ndarray], **numbers: float) -> Compiled:
        """`FingerBatch` as kernels take it: its arrays, each with a row for every finger, and one
        over the squares of noise, outlier and limits' sigma, and how the end bends."""
        count = len(arrays["ends"])
        dense = [_doubles(arrays[name], (count, *size)) for name, size in FINGER_ARRAYS.items()]
        return Compiled(_Fingers(*map(_pointer, dense), **numbers), tuple(dense))

    def finger_terms(self, fingers: Compiled, q: np.ndarray) -> Pair:
        """Gradients (N,9) and Hessians (N,9,9) of fingers at q (N,9)."""
        q = _doubles(q, fingers.arrays[list(FINGER_ARRAYS).index("relaxed")].shape)
        N, unknowns = q.shape
        gradient, hessian = np.empty((N, unknowns)), np.empty((N, unknowns, unknowns))
        pointers = map(_pointer, (q, gradient, hessian))
        self._run(self._library.lsmpl_finger_terms, N, byref(fingers.structure), *pointers)
        return gradient, hessian

    def finger_polish(
        self, fingers: Compiled, q: np.ndarray, *, steps: int, settled: float, damping: float,
        least_damping: float,
    ) -> np.ndarray:  # fmt: skip
        """(N,9) radians that fingers come to from q (N,9): in so many steps, or until one is
        smaller than `settled`."""
        q = np.array(_doubles(q, fingers.arrays[list(FINGER_ARRAYS).index("relaxed")].shape))
        polish = _Steps(steps, 0, settled, damping, least_damping)
        structures = map(byref, (fingers.structure, polish))
        self._run(self._library.lsmpl_finger_polish, len(q), *structures, _pointer(q))
        return q

    def solve_banded(
        self,
        diagonal: np.ndarray,
        first: np.ndarray,
        second: np.ndarray,
        right: np.ndarray,
        overwrite: bool = False,
        room: np.ndarray | None = None,
    ) -> np.ndarray:
        """`banded.solve_banded`: x (T,N) of diagonal (T,N,N), which is lost if `overwrite`, first
        (T-1,N/3,3,3), second (T-2,N/3,3,3) and right (T,N); room (2,T,N,N) is written over."""
        T, N = right.shape
        a = _doubles(diagonal, (T, N, N))
        a = a if overwrite else np.array(a)
        first = _doubles(first, (max(T - 1, 0), N // 3, 3, 3))
        second = _doubles(second, (max(T - 2, 0), N // 3, 3, 3))
        x, shape = np.array(_doubles(right, (T, N))), (2, T, N, N)
        room = np.empty(shape) if room is None else _own(room, np.float64, shape)
        pointers = map(_pointer, (a, first, second, x, room[0], room[1]))
        _check(self._library.lsmpl_banded(c_int64(T), c_int64(N), *pointers))
        return x

    def solve_diagonals(self, diagonals: np.ndarray, right: np.ndarray) -> np.ndarray:
        """`banded.solve_diagonals`: x (T,S) of diagonals (4,T) and right (T,S)."""
        T, S = right.shape
        given, x = _doubles(diagonals, (4, T)), np.array(_doubles(right, (T, S)))
        room = np.empty((4, T))
        pointers = map(_pointer, (given, x, room, room[3]))
        _check(self._library.lsmpl_diagonals(c_int64(T), c_int64(S), *pointers))
        return x

    def solve(self, matrices: np.ndarray, right: np.ndarray) -> np.ndarray:
        """x (B,N,M) of matrices (B,N,N) @ x = right (B,N,M), symmetric and positive definite."""
        B, N, M = right.shape
        a, x = np.array(_doubles(matrices, (B, N, N))), np.array(_doubles(right, (B, N, M)))
        self._run(self._library.lsmpl_solve, B, c_int64(N), c_int64(M), _pointer(a), _pointer(x))
        return x

    def half_solve(self, matrices: np.ndarray, right: np.ndarray) -> np.ndarray:
        """U⁻ᵀ right (B,N,M) of matrices (B,N,N) = Uᵀ U, symmetric and positive definite."""
        B, N, M = right.shape
        a, x = np.array(_doubles(matrices, (B, N, N))), np.array(_doubles(right, (B, N, M)))
        sizes = c_int64(N), c_int64(M)
        self._run(self._library.lsmpl_half_solve, B, *sizes, _pointer(a), _pointer(x))
        return x

    def multiply(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """a (B,N,K) @ b (B,K,M)."""
        (B, N, K), M = a.shape, b.shape[2]
        a, b, out = _doubles(a, (B, N, K)), _doubles(b, (B, K, M)), np.empty((B, N, M))
        numbers = map(c_int64, (N, K, M))
        self._run(self._library.lsmpl_multiply, B, *numbers, *map(_pointer, (a, b, out)))
        return out

    def _run(
        self,
        function: Callable[..., int],
        count: int,
        *arguments: Any,
        fewest: int = FEWEST_A_THREAD,
    ) -> None:
        """Call a function for all of a batch of poses, in ranges that threads share, each with at
        least so many."""
        most = count // fewest
        threads = min(worker_threads(), most) if most > 1 else 1
        if threads < 2:
            _check(function(*map(c_int64, (count, 0, count)), *arguments))
            return
        ends = [count * i // threads for i in range(threads + 1)]
        calls = [
            _workers(threads).submit(function, *map(c_int64, (count, first, end)), *arguments)
            for first, end in zip(ends, ends[1:])
        ]
        for call in calls:
            _check(call.result())


@cache
def _workers(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="lsmpl")


def _state(model: Any, rotations: np.ndarray, trans: np.ndarray) -> tuple[list[np.ndarray], _State]:
    """The arrays of a state, copies of these two at first, and what points to them."""
    B = len(trans)
    arrays = [
        np.array(_doubles(rotations, (B, JOINTS, 3, 3))), np.array(_doubles(trans, (B, 3))),
        np.empty((B, JOINTS, 3, 3)), np.empty((B, JOINTS, 3)),
        np.empty((B, model.parts, 3)), np.empty((B, model.keypoints, 3)),
    ]  # fmt: skip
    return arrays, _State(*map(_pointer, arrays))


def _targets(targets: Pair, B: int, K: int) -> Compiled:
    arrays = _doubles(targets[0], (B, K, 3)), _doubles(targets[1], (B, K))
    return Compiled(_Targets(*map(_pointer, arrays)), arrays)


def _anchor(anchor: Pair, B: int) -> Compiled:
    rows = np.reshape(anchor[1], (-1, JOINTS))
    if len(rows) not in (1, B):
        raise ValueError(f"weights of an anchor for {len(rows)} poses; expected 1 or {B}")
    arrays = _doubles(anchor[0], (B, JOINTS, 3, 3)), _doubles(rows, rows.shape)
    return Compiled(_Anchor(*map(_pointer, arrays), len(rows)), arrays)


def _in_panels(weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """A layer's numbers as the library reads them: weights of `PANEL` outputs in turn, input by
    input, then the bias; outputs that fill the last panel are 0."""
    inputs, outputs = weight.shape
    more = -outputs % PANEL
    padded = np.pad(weight, ((0, 0), (0, more))).reshape(inputs, -1, PANEL).swapaxes(0, 1)
    return np.concatenate([padded.ravel(), np.pad(bias, (0, more))]).astype(np.float32)


def _doubles(values: Any, shape: Sequence[int]) -> np.ndarray:
    return _dense(values, np.float64, shape)


def _integers(values: Any, shape: Sequence[int]) -> np.ndarray:
    return _dense(values, np.int64, shape)


def _own(array: np.ndarray, kind: type, shape: Sequence[int]) -> np.ndarray:
    """An array that the library is to change, as it is; `ValueError` where that cannot be."""
    if array.dtype != kind or array.shape != tuple(shape) or not array.flags.carray:
        raise ValueError(
            f"an array to be filled has the shape {array.shape}; expected {tuple(shape)}, dense"
        )
    return array


def _dense(values: Any, kind: type, shape: Sequence[int]) -> np.ndarray:
    array: np.ndarray = np.ascontiguousarray(values, dtype=kind)
    if array.shape != tuple(shape):
        raise ValueError(f"an array has the shape {array.shape}; expected {tuple(shape)}")
    return array


def _pointer(array: np.ndarray) -> c_void_p:
    """Many times as fast as `array.ctypes`; whoever has the address keeps the array."""
    return c_void_p(array.__array_interface__["data"][0])


def _check(failure: int) -> None:
    if failure:
        raise ValueError(f"the compiled kernels refused: {_FAILURES.get(failure, failure)}")
