"""Forward kinematics of SMPL's tree, and what a pose does to the keypoints on it; array API (NumPy
and torch).

Shapes: B poses at once, J = 24 joints, K keypoints, P parts (see `sites.py`). Arrays that belong to
a body shape have a leading axis of 1 (one shape for all poses) or B (one each).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device

from ..backends.arrays import Backend, constant, gather, indices, on_host
from ..backends.dense import products
from ..backends.kernel_library import find_kernels
from ..rotation import IDENTITY, exp_map
from .skeleton import ANCESTORS, HALVINGS, NUM_JOINTS, PARENTS


def forward(rotations, rest_joints, trans):
    """World rotations and positions of the joints.

    rotations (B,24,3,3) of each joint against its parent; rest_joints (1|B,24,3) and trans (B,3) in
    metres. Returns (B,24,3,3) and (B,24,3). As in SMPL, the pelvis is at trans + rest_joints[:,0].
    """
    transforms = _transforms(rotations, rest_joints, trans)
    return transforms[..., :3, :3], transforms[..., :3, 3]


def posed(poses: np.ndarray, rest_joints: np.ndarray, trans: np.ndarray):
    """`forward` of axis-angles (B,24,3), of one body shape, rest_joints (24,3): of whole takes in
    NumPy."""
    if kernels := find_kernels().kernels:
        return kernels.forward(poses, rest_joints, trans)
    return forward(exp_map(np.asarray(poses)), rest_joints[None], np.asarray(trans))


def _transforms(rotations, rest_joints, trans):
    """(B,24,4,4) from each joint's own frame to the world.

    Each is multiplied by what is one joint up, then two, four and eight: a few large products, for
    to start one takes longer than to compute it.
    """
    xp, where = array_namespace(rotations), device(rotations)
    B = rotations.shape[0]
    bones = rest_joints[:, 1:] - gather(rest_joints, indices(xp, PARENTS[1:], where), axis=1)
    bones = xp.concat(
        [(trans + rest_joints[:, 0])[:, None], xp.broadcast_to(bones, (B, NUM_JOINTS - 1, 3))],
        axis=1,
    )
    last = xp.broadcast_to(
        constant(xp, (0, 0, 0, 1), rotations.dtype, where), (B, NUM_JOINTS, 1, 4)
    )
    out = xp.concat([xp.concat([rotations, bones[..., None]], axis=-1), last], axis=-2)
    for first, above in HALVINGS:
        below = xp.matmul(gather(out, indices(xp, above, where), axis=1), out[:, first:])
        out = xp.concat([out[:, :first], below], axis=1)
    return out


UNKNOWNS = 3 * NUM_JOINTS + 3
"""Numbers in a step: see `KeypointModel.moved`."""
FEW_POSES = 4
"""Poses of which a CPU computes all of the Jacobian at once; of more, block by block stays in its
cache."""


@dataclass(frozen=True)
class State:
    """One linearisation point: rotations (B,24,3,3) and trans (B,3), and what follows from them.

    world (B,24,3,3), joints (B,24,3), parts (B,P,3), keypoints (B,K,3).
    """

    rotations: Any
    trans: Any
    world: Any
    joints: Any
    parts: Any
    keypoints: Any


@dataclass(frozen=True)
class KeypointModel:
    """Keypoints as a function of the pose, for given rest joints and sites.

    rest_joints (1|B,24,3); offsets (1|B,P,3): each part's moment relative to its joint, q - m J;
    mass (P,); joint (P,) int; gather (K,P): 1 where a part belongs to a keypoint; lever (K,24,P): 1
    where, besides, turning the joint moves the part.
    """

    backend: Backend
    rest_joints: Any
    offsets: Any
    mass: Any
    joint: Any
    gather: Any
    lever: Any

    @classmethod
    def build(cls, backend: Backend, rest_joints, parts, moments) -> KeypointModel:
        """From `SiteParts` and, in NumPy, rest_joints (24,3) or (B,24,3) with moments (P,3) or
        (B,P,3)."""
        rest_joints = np.reshape(rest_joints, (-1, NUM_JOINTS, 3))
        moments = np.reshape(moments, (-1, len(parts.joint), 3))
        gather = np.arange(parts.count)[:, None] == parts.keypoint[None, :]
        lever = gather[:, None, :] & ANCESTORS[parts.joint].T[None, :, :]
        return cls(
            backend=backend,
            rest_joints=backend.array(rest_joints),
            offsets=backend.array(moments - parts.mass[:, None] * rest_joints[:, parts.joint]),
            mass=backend.array(parts.mass),
            joint=backend.indices(parts.joint),
            gather=backend.array(gather),
            lever=backend.array(lever),
        )

    def __getitem__(self, poses) -> KeypointModel:
        """The model of some of B body shapes, by a slice."""
        return replace(self, rest_joints=self.rest_joints[poses], offsets=self.offsets[poses])

    def to(self, backend: Backend) -> KeypointModel:
        """The model on another backend."""
        floats = ("rest_joints", "offsets", "mass", "gather", "lever")
        arrays = {name: backend.array(self.backend.numpy(getattr(self, name))) for name in floats}
        return KeypointModel(
            backend, joint=backend.indices(self.backend.numpy(self.joint)), **arrays
        )

    @cached_property
    def mounted(self):
        """(1|B,P,4,1): each part in its joint's frame, in homogeneous coordinates."""
        xp = self.backend.xp
        mass = xp.broadcast_to(self.mass[:, None], (*self.offsets.shape[:-1], 1))
        return xp.concat([self.offsets, mass], axis=-1)[..., None]

    @cached_property
    def lever_mass(self):
        """(K,24): the part of each keypoint's mass that each joint moves."""
        return self.backend.xp.sum(self.lever * self.mass, axis=-1)

    @cached_property
    def lever_of_parts(self):
        """(P,K*24): `lever`, as one matrix that lies in memory as it is read."""
        K, J, P = self.lever.shape
        flat = self.backend.numpy(self.lever).reshape(K * J, P)
        return self.backend.array(np.ascontiguousarray(flat.T))

    @cached_property
    def compiled(self):
        """The model as the backend's kernels take it."""
        return self.backend.kernels.model(
            self.rest_joints, self.offsets, self.mass, self.joint, self.gather
        )

    def state(self, rotations, trans) -> State:
        if self.backend.kernels:
            return State(*self.backend.kernels.state(self.compiled, rotations, trans))
        transforms = _transforms(rotations, self.rest_joints, trans)[:, :, :3]
        parts = self.backend.xp.matmul(gather(transforms, self.joint, axis=1), self.mounted)[..., 0]
        keypoints = self.backend.xp.matmul(self.gather, parts)
        return State(rotations, trans, transforms[..., :3], transforms[..., 3], parts, keypoints)

    def shifted(self, state: State, offset) -> State:
        """The state with its pose moved by offset (B,3)."""
        across = offset[:, None]
        return State(
            state.rotations,
            state.trans + offset,
            state.world,
            state.joints + across,
            state.parts + self.mass[:, None] * across,
            state.keypoints + across,
        )

    def moved(self, state: State, step) -> State:
        """The state after a step (B,75): each joint's turn in its own frame, R_a <- R_a exp(v_a),
        as rotation vectors in radians, first all their x, then y, then z; then the translation in
        metres."""
        xp = self.backend.xp
        turns = xp.matrix_transpose(xp.reshape(step[:, :-3], (-1, 3, NUM_JOINTS)))
        return self.state(xp.matmul(state.rotations, exp_map(turns)), state.trans + step[:, -3:])

    def jacobian(self, state: State):
        """(B,K,3,75): how keypoints change with a step (see `moved`), in metres per radian and per
        metre.

        Turning joint a about axis j of its frame, g_aj in the world, moves keypoint k by g_aj ×
        d_ka. The lever d_ka goes from the joint to those parts of the keypoint that the joint
        moves, weighted by their mass.
        """
        if self.backend.kernels:
            return self.backend.kernels.jacobian(self.compiled, (state.rotations, state.trans))
        xp = self.backend.xp
        K, J, P = self.lever.shape
        B = state.world.shape[0]
        parts = xp.reshape(xp.matrix_transpose(state.parts), (-1, P))
        levers = xp.reshape(xp.matmul(parts, self.lever_of_parts), (-1, 3, K, J))
        levers = levers - self.lever_mass * xp.matrix_transpose(state.joints)[:, :, None]
        one = constant(xp, IDENTITY, levers.dtype, device(levers))
        if B < FEW_POSES or not on_host(levers):
            axes = xp.permute_dims(state.world, (0, 2, 3, 1))[:, None]
            levers = xp.permute_dims(levers, (0, 2, 1, 3))[:, :, :, None]
            after, before = (indices(xp, order, device(levers)) for order in ((1, 2, 0), (2, 0, 1)))
            turns = gather(axes, after, 2) * gather(levers, before, 2) - gather(
                axes, before, 2
            ) * gather(levers, after, 2)
            return xp.concat(
                [xp.reshape(turns, (B, K, 3, 3 * J)), xp.broadcast_to(one, (B, K, 3, 3))], axis=-1
            )
        d = [levers[:, i] for i in range(3)]
        g = xp.permute_dims(state.world, (2, 3, 0, 1))[:, :, :, None]
        jacobian = xp.empty((B, K, 3, UNKNOWNS), dtype=levers.dtype, device=self.backend.device)
        for i, (m, n) in enumerate(((1, 2), (2, 0), (0, 1))):
            for j in range(3):
                jacobian[:, :, i, j * J : (j + 1) * J] = g[m, j] * d[n] - g[n, j] * d[m]
        jacobian[..., -3:] = one
        return jacobian


def choose(xp, better, new, old):
    """Of two dataclasses of arrays (B,...), `new` for the poses of the batch where `better` (B,) is
    true."""
    if on_host(better) and bool(xp.all(better)):
        return new
    chosen = {}
    for name in type(new).__dataclass_fields__:
        a, b = getattr(new, name), getattr(old, name)
        if isinstance(a, State):
            chosen[name] = choose(xp, better, a, b)
        else:
            chosen[name] = (
                None
                if a is None
                else xp.where(xp.reshape(better, (-1,) + (1,) * (a.ndim - 1)), a, b)
            )
    return type(new)(**chosen)


def skin(vertices, weights, world, joints, rest_joints):
    """Linear blend skinning: rest vertices (1|B,V,3), weights (V,24) -> posed vertices (B,V,3), in
    metres.

    world (B,24,3,3), joints (B,24,3) from `forward`, rest_joints (1|B,24,3).
    """
    xp = array_namespace(world)
    shift = joints - xp.matmul(world, rest_joints[..., None])[..., 0]
    B, V = world.shape[0], weights.shape[0]
    transforms = xp.concat([xp.reshape(world, (B, NUM_JOINTS, 9)), shift], axis=-1)
    blended = _blended(xp, weights, transforms)
    turned = xp.matmul(xp.reshape(blended[..., :9], (B, V, 3, 3)), vertices[..., None])[..., 0]
    return turned + blended[..., 9:]


def _blended(xp, weights, transforms):
    """weights (V,24) @ transforms (B,24,12)."""
    if not isinstance(weights, np.ndarray):
        return xp.matmul(weights, transforms)
    B, J, N = transforms.shape
    across = np.moveaxis(transforms, 0, 1).reshape(1, J, B * N)
    return np.moveaxis(products(weights[None], across)[0].reshape(-1, B, N), 1, 0)
