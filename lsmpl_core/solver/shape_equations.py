"""What another shape, or sites elsewhere, would explain of keypoints that no other pose explains:
the normal equations over betas and site offsets with the pose of each frame eliminated (a Schur
complement).

A keypoint goes with the betas, and with its own offset as the joint that this goes with is turned,
so that offsets couple with one another through the poses alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..backends.arrays import choose_backend
from ..backends.dense import half_solved, products
from ..body.body import Body
from ..body.kinematics import UNKNOWNS, KeypointModel, State
from ..body.sites import SiteParts
from ..body.skeleton import NUM_BETAS
from .problem import Problem

LEAST_HOLD = 1e-9
"""Weight in m²/rad² with which a settling pose is held, so that what nothing says is defined."""


@dataclass(frozen=True)
class Freedom:
    """What is to meet keypoints better: the betas, if `betas`, and the offsets of some of K sites,
    (S,) their numbers, of which the first `carrying` displace others along with them."""

    betas: bool
    sites: np.ndarray
    carrying: int = 0

    @classmethod
    def none(cls) -> Freedom:
        return cls(False, np.empty(0, dtype=np.int64))

    @classmethod
    def of(
        cls, sigma: np.ndarray, betas: bool = True, carried: np.ndarray | None = None
    ) -> Freedom:
        """The sites whose sigma, (K,) or covariances (K,3,3), is not 0; carried (K,K): the parts'
        (`SiteParts.carried`)."""
        free = np.flatnonzero(sigma.reshape(len(sigma), -1).any(axis=1))
        if carried is None:
            return cls(betas, free)
        others = (carried != 0.0).sum(axis=0)[free] > 1
        return cls(betas, np.concatenate([free[others], free[~others]]), int(others.sum()))

    @property
    def shapes(self) -> int:
        """How many betas are free."""
        return NUM_BETAS if self.betas else 0

    @property
    def directions(self) -> int:
        """How many numbers are free that displace several sites: betas, and three for each site
        that carries others."""
        return self.shapes + 3 * self.carrying


@dataclass(frozen=True)
class ShapeEquations:
    """hessian (M,M) and gradient (M,) over the free betas and then the offsets of the free sites,
    three numbers each, in metres; and followed: how many coordinates of the keypoints poses follow,
    the trace of their hat matrices."""

    hessian: np.ndarray
    gradient: np.ndarray
    followed: float


@dataclass(frozen=True)
class LinearKeypoints:
    """Keypoints of N given poses, pelvis-rooted, as base (N,K,3) + directions (N,K,3,10) @
    betas."""

    base: np.ndarray
    directions: np.ndarray

    @classmethod
    def at(cls, body: Body, parts: SiteParts, rotations: np.ndarray) -> LinearKeypoints:
        """For rotations (N,24,3,3); the translation is 0."""
        backend = choose_backend()
        joints = np.concatenate([body.joint_template[..., None], body.joint_directions], axis=2)
        moments = np.concatenate([parts.moment[..., None], parts.moment_directions], axis=2)
        trans = np.zeros((len(rotations), 3))
        columns = [
            KeypointModel.build(backend, joints[..., i], parts, moments[..., i])
            .state(rotations, trans)
            .keypoints
            for i in range(1 + NUM_BETAS)
        ]
        return cls(columns[0], np.stack(columns[1:], axis=-1))


def shape_equations(
    problem: Problem, state: State, frames: Sequence[int] | np.ndarray, freedom: Freedom
) -> ShapeEquations:
    """Of N frames with settled poses, which a state is of.

    By confidence alone: what was placed by hand says no more about the body than what was seen.
    """
    targets = problem.positions[frames], problem.confidence[frames]
    kernels = problem.backend.kernels
    if not kernels:
        return _by_numpy(problem, state, *targets, freedom)
    joints, moments = problem.body.joint_directions, problem.parts.moment_directions
    parts = moments - problem.parts.mass[:, None, None] * joints[problem.parts.joint]
    joints, parts = joints[..., : freedom.shapes], parts[..., : freedom.shapes]
    if freedom.carrying:
        along = problem.parts.along(freedom.sites[: freedom.carrying])
        joints = np.concatenate([joints, np.zeros((*joints.shape[:2], along.shape[2]))], axis=2)
        parts = np.concatenate([parts, along], axis=2)
    hessian, gradient, followed = kernels.shape_equations(
        problem.model.compiled,
        (state.rotations, state.trans),
        targets,
        problem.prior.compiled(kernels),
        (np.moveaxis(joints, 2, 0), np.moveaxis(parts, 2, 0)),
        problem.parts.parent_joint,
        freedom.sites[freedom.carrying :],
        LEAST_HOLD,
    )
    return ShapeEquations(hessian, gradient, float(followed.sum()))


def _by_numpy(
    problem: Problem,
    state: State,
    positions: np.ndarray,
    confidence: np.ndarray,
    freedom: Freedom,
) -> ShapeEquations:
    """`shape_equations` for positions (N,K,3) and confidence (N,K)."""
    numpy, parts = problem.backend.numpy, problem.parts
    F, K = confidence.shape
    jacobian = numpy(problem.model.jacobian(state))
    miss, world = positions - numpy(state.keypoints), numpy(state.world)
    weights = confidence[..., None, None]
    by_betas = LinearKeypoints.at(problem.body, parts, numpy(state.rotations)).directions
    by_betas, others = by_betas[..., : freedom.shapes], freedom.sites[: freedom.carrying]
    by_offset = np.swapaxes(world[:, parts.parent_joint], -1, -2)
    if len(others):
        along = np.einsum("ks,fsji->fkisj", parts.carried[:, others], by_offset[:, others])
        by_betas = np.concatenate([by_betas, along.reshape(F, K, 3, -1)], axis=3)
    own = freedom.sites[freedom.carrying :]
    D, M = freedom.directions, freedom.directions + 3 * len(own)

    # Of the poses as they are.
    hessian, gradient = np.zeros((M, M)), np.zeros(M)
    flat, pull = (a.reshape(1, F * K * 3, D) for a in (by_betas, weights * by_betas))
    hessian[:D, :D] = products(np.swapaxes(pull, 1, 2), flat)[0]
    turned = (weights * by_offset)[:, own]
    both = np.einsum("fkji,fkis->sfkj", turned, by_betas[:, own]).sum(axis=1)
    hessian[:D, D:] = both.reshape(D, M - D)
    hessian[D:, :D] = both.reshape(D, M - D).T
    hessian[D:, D:] = np.diag(np.repeat(confidence[:, own].sum(axis=0), 3))
    gradient[:D] = pull[0].T @ miss.ravel()
    gradient[D:] = np.einsum("fkji,fki->kj", turned, miss[:, own]).ravel()

    # Less what other poses would explain as well; and how much of all keypoints they do.
    rows = jacobian.reshape(F, 3 * K, UNKNOWNS)
    weighted = (weights * jacobian).reshape(F, 3 * K, UNKNOWNS)
    pose_hessian = products(np.swapaxes(weighted, 1, 2), rows)
    pose_hessian += numpy(problem.prior.hessian) + LEAST_HOLD * np.eye(UNKNOWNS)
    some = (F * len(own), 3)
    shared = [
        products(np.swapaxes(pull.reshape(F, 3 * K, D), 1, 2), rows),
        products(turned.reshape(*some, 3), jacobian[:, own].reshape(*some, UNKNOWNS)).reshape(
            F, M - D, UNKNOWNS
        ),
        (np.sqrt(weights) * jacobian).reshape(F, 3 * K, UNKNOWNS),
    ]
    solved = half_solved(pose_hessian, np.swapaxes(np.concatenate(shared, axis=1), 1, 2))
    explained = solved[..., :M].reshape(1, F * UNKNOWNS, M)
    hessian -= products(np.swapaxes(explained, 1, 2), explained)[0]
    return ShapeEquations(hessian, gradient, float(np.square(solved[..., M:]).sum()))
