"""The residual network: from the current pose and the keypoints of the next frame to the next pose,
in a single pass.

After Learnable SMPLify (arXiv 2508.13562), which predicts residual rotations R_t = R_(t-s) ΔR in a
human-centric frame. Here the frame is the current pose's pelvis, so that the prediction turns and
moves with the body whatever the keypoints are, and a visibility mask over one canonical keypoint
set lets one set of weights serve every layout. Written against the array API: NumPy and torch run
it, and training differentiates it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device

from ..backends.arrays import Backend, constant, gather, indices
from ..backends.kernel_border import Compiled
from ..backends.kernels import Kernels
from ..body.kinematics import State
from ..body.skeleton import ANCESTORS, JOINT_NAMES, NUM_JOINTS, PARENTS
from ..data import DATA
from ..errors import NetworkFileError
from ..files.npz import read_npz
from ..rotation import cross, from_columns, length

NETWORK_FILE = DATA / "network.npz"

CANONICAL = (
    *JOINT_NAMES,
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "head_top", "jaw", "mid_hip",
    "left_big_toe", "right_big_toe", "left_small_toe", "right_small_toe", "left_heel", "right_heel",
    "left_thumb_knuckle", "right_thumb_knuckle", "left_index_knuckle", "right_index_knuckle",
    "left_little_knuckle", "right_little_knuckle",
)  # fmt: skip
"""The sites the network knows; a layout's other keypoints are left to the polish."""

PARENT_JOINTS = tuple(
    max(PARENTS[i], 0) if i < NUM_JOINTS
    else 0 if name == "mid_hip"
    else JOINT_NAMES.index(f"{name.split('_')[0]}_ankle") if name.endswith(("toe", "heel"))
    else JOINT_NAMES.index(f"{name.split('_')[0]}_wrist") if name.endswith("knuckle")
    else JOINT_NAMES.index("head")
    for i, name in enumerate(CANONICAL)
)  # fmt: skip
"""For each of them the joint whose turning moves it most directly."""

MOVED = tuple(tuple(int(moves) for moves in row) for row in ANCESTORS[list(PARENT_JOINTS)].T)
"""(24,C) of 0 and 1: which of them each joint moves."""

INPUTS = 10 * len(CANONICAL) + 3 * NUM_JOINTS + 6 * (NUM_JOINTS - 1) + 3 * (NUM_JOINTS - 1) + 1
OUTPUTS = 7 * NUM_JOINTS
FARTHEST_KEYPOINT = 1.5
"""Metres from the pelvis at which a keypoint's coordinates are cut off, so that an outlier cannot
say much."""
NEAR_MISS = 0.1
"""Metres: misses are given in proportion up to about this far, and by their direction beyond."""
SMALL_TURN = 0.3
"""Radians: the same for turns."""
LEAST_INERTIA = 0.01
"""Square metres that are added to a joint's inertia, so that one that moves next to nothing turns
little."""
TYPICAL_NOISE = 0.02


@dataclass(frozen=True)
class Observation:
    """What the network sees of B frames: targets (B,K,3) of the keypoints in metres, mask (B,K) of
    0 and 1, and noise (B,): how far keypoints are off in each axis, in metres, one standard
    deviation.

    state is the current pose after it was moved onto the targets (`start.centred`); bones
    (1|B,23,3) are the rest offsets of joints 1 to 23 from their parents.
    """

    targets: Any
    mask: Any
    noise: Any
    state: State
    bones: Any


@dataclass(frozen=True)
class Prediction:
    """rotations (B,24,3,3) of the next pose; sigma (B,24): expected error of each, in radians."""

    rotations: Any
    sigma: Any


def canonical_matrix(sites: Sequence[str]) -> np.ndarray:
    """(C,K) of 0 and 1 that puts a layout's K keypoints, given by their sites, in canonical
    order."""
    return np.array([[float(site == name) for site in sites] for name in CANONICAL])


def rest_bones(rest_joints: np.ndarray) -> np.ndarray:
    """(...,24,3) rest joints -> (...,23,3) offsets from their parents."""
    return rest_joints[..., 1:, :] - rest_joints[..., PARENTS[1:], :]


def features(seen: Observation, canonical) -> Any:
    """(B, INPUTS) in the frame of the current pelvis and of each joint. canonical (C,K) from
    `canonical_matrix`.

    Besides where keypoints are and by how much they are missed: that miss in the frame of the joint
    that moves the keypoint, and for each joint, also in its frame, about the turn that would undo
    the misses r of the keypoints it moves, were it to turn alone: sum_k d_k × r_k / sum_k |d_k|², d
    from the joint to the keypoint. A perceptron would have to learn these products.
    """
    xp = array_namespace(seen.targets)
    state = seen.state
    B = seen.targets.shape[0]
    mask = seen.mask[..., None]

    # Keypoints and sites in the pelvis' frame, in canonical order, zero where nothing is seen.
    pelvis, frame = state.joints[:, :1], state.world[:, 0]
    where = xp.matmul(seen.targets - pelvis, frame) * mask
    at = xp.matmul(state.keypoints - pelvis, frame) * mask
    canonical_parts = xp.matmul(canonical, xp.concat([where, at, mask], axis=-1))
    where, at, mask = canonical_parts[..., :3], canonical_parts[..., 3:6], canonical_parts[..., 6:]
    miss = where - at

    # Misses where they can be undone: in the frame of the joint that moves them, and as its turn.
    turned = xp.matmul(xp.matrix_transpose(frame)[:, None], state.world)
    joints = xp.matmul(state.joints - pelvis, frame)
    parent_joints = gather(turned, indices(xp, PARENT_JOINTS, device(turned)), axis=1)
    local_miss = xp.matmul(xp.matrix_transpose(parent_joints), miss[..., None])[..., 0]
    turn = xp.matmul(
        xp.matrix_transpose(turned), _lone_turns(xp, joints, at, miss, mask)[..., None]
    )[..., 0]

    parts = (
        2.0 * xp.clip(where, -FARTHEST_KEYPOINT, FARTHEST_KEYPOINT),
        _squashed(xp, miss, NEAR_MISS),
        _squashed(xp, local_miss, NEAR_MISS),
        mask,
        _squashed(xp, turn, SMALL_TURN),
        state.rotations[:, 1:, :, :2],
        xp.broadcast_to(5.0 * seen.bones, (B, NUM_JOINTS - 1, 3)),
        xp.clip(seen.noise, 0.0, 2.0 * TYPICAL_NOISE)[:, None] / TYPICAL_NOISE,
    )
    return xp.concat([xp.reshape(part, (B, -1)) for part in parts], axis=-1)


def _lone_turns(xp, joints, at, miss, mask):
    """(B,24,3) radians: about each joint's turn that undoes the misses (B,C,3) of the keypoints
    `at` that it moves."""
    moved = constant(xp, MOVED, at.dtype, device(at))
    sums = xp.matmul(
        moved,
        xp.concat(
            [cross(at, miss), miss, at, xp.sum(at * at, axis=-1, keepdims=True), mask], axis=-1
        ),
    )
    torque = sums[..., :3] - cross(joints, sums[..., 3:6])
    inertia = sums[..., 9:10] - 2.0 * xp.sum(joints * sums[..., 6:9], axis=-1, keepdims=True)
    inertia = inertia + xp.sum(joints * joints, axis=-1, keepdims=True) * sums[..., 10:]
    return torque / (inertia + LEAST_INERTIA)


def _squashed(xp, v, size):
    """Vectors (...,3) with a length in proportion to theirs where it is well below size, and at
    most 1."""
    return v / (size + length(v))


@dataclass(frozen=True, eq=False)
class Network:
    """A residual multilayer perceptron; `weights` are arrays of one library, by name (see
    `shapes`)."""

    weights: Mapping[str, Any]
    canonical: Any

    @property
    def blocks(self) -> int:
        return sum(name.endswith(".up") for name in self.weights)

    @cached_property
    def compiled(self) -> Callable[[Kernels], Compiled]:
        """The network as kernels take it, made once."""
        names = list(self.weights)
        layers = [(self.weights[a], self.weights[b]) for a, b in zip(names[::2], names[1::2])]
        return cache(lambda kernels: kernels.network(layers, PARENT_JOINTS, self.canonical))

    def predict(self, seen: Observation) -> Prediction:
        """The next pose; an untrained network (last layer zero) leaves the pose as it is."""
        xp = array_namespace(seen.targets)
        w = self.weights
        h = xp.astype(features(seen, self.canonical), w["in.bias"].dtype, copy=False)
        h = _linear(xp, h, w["in.weight"], w["in.bias"])
        for i in range(self.blocks):
            inner = _linear(xp, _silu(xp, h), w[f"block{i}.down"], w[f"block{i}.down_bias"])
            h = h + _linear(xp, _silu(xp, inner), w[f"block{i}.up"], w[f"block{i}.up_bias"])
        out = _linear(xp, _silu(xp, h), w["out.weight"], w["out.bias"])
        out = xp.astype(out, seen.targets.dtype, copy=False)
        six = xp.reshape(out[:, : 6 * NUM_JOINTS], (-1, NUM_JOINTS, 3, 2))
        columns = six + constant(xp, ((1, 0), (0, 1), (0, 0)), six.dtype, device(six))
        turned = xp.matmul(seen.state.rotations, columns)
        sigma = 0.1 * xp.exp(xp.clip(out[:, 6 * NUM_JOINTS :], -5.0, 3.0))
        return Prediction(from_columns(turned[..., 0], turned[..., 1]), sigma)


def shapes(width: int, blocks: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the weights; matrices are (inputs, outputs), as simple BLAS libraries are
    fastest with."""
    inner: dict[str, tuple[int, ...]] = {}
    for i in range(blocks):
        inner |= {f"block{i}.down": (width, width), f"block{i}.down_bias": (width,)}
        inner |= {f"block{i}.up": (width, width), f"block{i}.up_bias": (width,)}
    first = {"in.weight": (INPUTS, width), "in.bias": (width,)}
    return first | inner | {"out.weight": (width, OUTPUTS), "out.bias": (OUTPUTS,)}


def load_network(
    backend: Backend, sites: Sequence[str], path: str | os.PathLike | None = None
) -> Network:
    """The bundled network, or one of `training/train.py`'s, for a layout with these sites.

    Raises `NetworkFileError` naming the file and the first weight that is missing or has the wrong
    shape.
    """
    path = Path(path or NETWORK_FILE)
    if backend.kernels:
        return _for_kernels(backend, tuple(sites), path)
    weights = {name: backend.single.array(value) for name, value in read_weights(path).items()}
    return Network(weights, backend.array(canonical_matrix(sites)))


@cache
def _for_kernels(backend: Backend, sites: tuple[str, ...], path: Path) -> Network:
    """Kept, for to arrange the weights takes as long as a second of motion."""
    return Network(read_weights(path), backend.array(canonical_matrix(sites)))


@cache
def read_weights(path: Path) -> dict[str, np.ndarray]:
    """Weights of a network file, checked."""
    try:
        arrays = read_npz(path)
        weights = {name: _single(name, value) for name, value in arrays.items() if name != "about"}
    except OSError as error:
        raise NetworkFileError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, TypeError) as error:
        raise NetworkFileError(f"{path}: {error}; expected the weights of a network") from error
    if "in.bias" not in weights:
        raise NetworkFileError(
            f"{path}: has no weight in.bias; it holds: {', '.join(weights) or 'nothing'}"
        )
    expected = shapes(
        len(np.atleast_1d(weights["in.bias"])), sum(name.endswith(".up") for name in weights)
    )
    for name, shape in expected.items():
        found = weights[name].shape if name in weights else "nothing"
        if found != shape:
            raise NetworkFileError(
                f"{path}: weight {name} should have shape {shape}; found {found}"
            )
        if not np.isfinite(weights[name]).all():
            raise NetworkFileError(f"{path}: weight {name} holds values that are not finite")
    return {name: weights[name] for name in expected}


def _single(name: str, array: np.ndarray) -> np.ndarray:
    """A weight in single precision. Raises `ValueError` where it holds no numbers."""
    if array.dtype.kind not in "fiu":
        raise ValueError(f"weight {name} holds {array.dtype}")
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is told where it is
        return array.astype(np.float32)


def _linear(xp, x, weight, bias):
    return xp.matmul(x, weight) + bias


def _silu(xp, x):
    if not isinstance(x, np.ndarray):
        return x * x.sigmoid()
    # Of keypoints far from any body, exp(-x) is infinite in single precision, and this is 0.
    with np.errstate(over="ignore"):
        return x / (1.0 + xp.exp(-x))
