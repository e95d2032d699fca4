"""Levenberg-Marquardt on the keypoint error of a batch of poses, each anchored to a pose it starts
near.

Per pose, over rotations R and translation t, the cost is

    sum_k w_k |x_k(R, t) - y_k|^2  +  sum_a λ_a |log(A_a^T R_a)|^2  +  (e - e0)^T P (e - e0)
        +  sum_l p_l s_l(R)^2

keypoints x against targets y in metres; an anchor A (the predicted pose) with weights λ in m²/rad²;
a Gaussian over the joint rotations e = log R that says which poses people take (`prior.py`); and
how far limbs are off the law by which they share turns (`limb_planes.py`). A step is a small
rotation vector per
joint, in the joint's own frame, and a translation (`KeypointModel.moved`). The gradient is exact.
The Hessian is Gauss-Newton's, but takes a step of a joint for the same step of its e and of log(A^T
R), which spares a product per pose and changes how fast the minimum is reached, not where it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cache, cached_property
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device

from ..backends import linear_kernels
from ..backends.arrays import Backend, at_least, gather
from ..backends.kernel_border import Compiled
from ..backends.kernels import Kernels
from ..body.kinematics import UNKNOWNS, KeypointModel, State, choose
from ..body.skeleton import NUM_JOINTS
from ..rotation import log_map, right_jacobian_inverse
from .limb_planes import LimbPlanes

WORTH_ANOTHER = 0.02
"""Share of the cost that a step must have promised to be followed by another one."""
KEPT_PROMISE = 0.25
"""Share of what a step promised that it must gain for longer ones to be tried."""
AFTER_REFUSAL = 1e-4
"""Damping, in m²/rad², that a step that was refused is at least tried again with: less hardly
shortens it."""

POLISH_TOLERANCE = 1e-9
"""m² of a step's gain from which on a pose has converged."""


@dataclass(frozen=True)
class Targets:
    """positions (B,K,3) in metres, finite everywhere; weights (B,K), 0 where a keypoint is
    missing."""

    positions: Any
    weights: Any


@dataclass(frozen=True)
class Anchor:
    """rotations (B,24,3,3) that each joint is drawn to; weights (24,) or (B,24), in m²/rad²."""

    rotations: Any
    weights: Any

    def __getitem__(self, poses: Any) -> Anchor:
        """Of some poses only, where each has weights of its own."""
        return Anchor(self.rotations[poses], self.weights[poses])


@dataclass(frozen=True)
class Prior:
    """Of the 23 body joints' axis-angles: mean (69,) or (B,69) in radians, precision (69,69)
    already times `weight`, in m²; and how limbs share turns, None where nothing is known of
    that."""

    mean: Any
    precision: Any
    weight: float
    planes: LimbPlanes | None = None

    @cached_property
    def hessian(self):
        """(75,75): the precision in the order of a step."""
        xp = array_namespace(self.precision)
        hessian = xp.zeros(
            (UNKNOWNS, UNKNOWNS), dtype=self.precision.dtype, device=device(self.precision)
        )
        order = xp.asarray(step_order()[3:], device=device(self.precision))
        hessian[order[:, None], order] = self.precision
        return hessian

    @cached_property
    def compiled(self) -> Callable[[Kernels], Compiled]:
        """The prior as kernels take it, made once."""
        return cache(lambda kernels: kernels.prior(self.mean, self.precision, self.planes))

    def weighing(self, weight: float) -> Prior:
        """The same with another `weight`."""
        planes = None if self.planes is None else self.planes.scaled(weight / self.weight)
        return Prior(self.mean, self.precision * (weight / self.weight), weight, planes)


@dataclass(frozen=True)
class Polished:
    """state: where the polish ended; cost (B,) in m²; converged (B,): the last step still taken was
    negligible."""

    state: State
    cost: Any
    converged: Any


def polish(
    model: KeypointModel,
    state: State,
    targets: Targets,
    anchor: Anchor,
    prior: Prior | None = None,
    *,
    steps: int = 2,
    more: int = 0,
    enough: float = 0.0,
    damping: float = 1e-4,
    tolerance: float = POLISH_TOLERANCE,
) -> Polished:
    """Up to `steps` accepted-if-better Levenberg-Marquardt steps for each of B poses, and up to
    `more` where it pays.

    state: where to start. `damping` in m²/rad² is each pose's first one; it falls after a step that
    kept what the linear model promised and rises after one that gained nothing. A pose that is
    promised less than `tolerance` m² has converged, and stays; when all have, the polish ends. More
    steps are for poses whose keypoints are missed by more than `enough` metres in each axis, root
    mean square, as long as much is promised; the others wait, so that few cost little. What decides
    is promised, not gained: a step that is too long may by chance gain nothing or lose nothing,
    which rounding tells.
    """
    if model.backend.kernels:
        reached, cost, converged = model.backend.kernels.polish(
            model.compiled,
            (state.rotations, state.trans),
            (targets.positions, targets.weights),
            (anchor.rotations, anchor.weights),
            None if prior is None else prior.compiled(model.backend.kernels),
            steps=steps,
            more=more,
            enough=enough,
            damping=damping,
            tolerance=tolerance,
        )
        return Polished(State(*reached), cost, converged)
    xp = model.backend.xp
    here = evaluate(model, state, targets, anchor, prior)
    damping = xp.full_like(here.cost, damping)
    converged = going = xp.zeros_like(here.cost) > 0
    for done in range(1, steps + 1):
        new = _stepped(model, here, targets, anchor, prior, damping, tolerance)
        # What has converged stays, so that a pose does not depend on the others.
        here = choose(xp, ~converged, new[0], here) if done > 1 else new[0]
        damping, converged, going = (
            xp.where(converged, b, a) for a, b in zip(new[1:], (damping, converged, going))
        )
        # A GPU has to be waited for to look; after the last step that is done below anyway.
        if done < steps and bool(xp.all(converged)):
            return Polished(here.state, here.cost, converged)
    for _ in range(more if steps else 0):
        wanting = going & ~converged & (_mean_square(xp, here.miss, targets.weights) > enough**2)
        rows = np.flatnonzero(model.backend.numpy(xp.astype(wanting, here.cost.dtype)))
        if not rows.size:
            break
        some = _Rows.of(model.backend, rows, len(here.cost))
        new = _stepped(
            model[some.index] if model.rest_joints.shape[0] > 1 else model,
            some.picked(here), some.picked(targets), some.of_anchor(anchor), some.of_prior(prior),
            some.picked(damping), tolerance,
        )  # fmt: skip
        here = choose(xp, wanting, some.put_back(new[0]), here)
        damping, converged, going = (
            xp.where(wanting, some.put_back(a), b)
            for a, b in zip(new[1:], (damping, converged, going))
        )
    return Polished(here.state, here.cost, converged)


def _stepped(model, here: Evaluation, targets, anchor, prior, damping, tolerance: float):
    """After a step: the evaluation, the next damping, which poses have converged, and which may
    gain by another one.

    By the linear model a step s gains -(2 g's + s'Hs), which is -g's + d s's for (H + d) s = -g.
    """
    xp = model.backend.xp
    hessian, gradient = normal_equations(model, here, targets, anchor, prior, damping)
    step = -model.backend.floats(model.backend.solve(hessian, gradient))
    there = evaluate(model, model.moved(here.state, step), targets, anchor, prior)
    promised = xp.sum(step * (damping[:, None] * step - model.backend.floats(gradient)), axis=-1)
    gain = here.cost - there.cost
    better, kept = gain > 0.0, gain > KEPT_PROMISE * promised
    refused = at_least(10.0 * damping, AFTER_REFUSAL)
    return (
        choose(xp, better, there, here),
        xp.where(kept, 0.3 * damping, xp.where(better, damping, refused)),
        promised < tolerance,
        promised > WORTH_ANOTHER * here.cost,
    )


def _mean_square(xp, miss, weights):
    """(B,) m²: of the misses (B,K,3) in each axis, by weights (B,K)."""
    return xp.sum(weights * xp.sum(miss * miss, axis=-1), axis=-1) / (
        3.0 * xp.sum(weights, axis=-1) + 1e-9
    )


@dataclass(frozen=True)
class _Rows:
    """Some of a batch's poses: index (N,), and back (B,), the row that each pose has among them (0
    for the others)."""

    index: Any
    back: Any

    @classmethod
    def of(cls, backend: Backend, rows: np.ndarray, count: int) -> _Rows:
        back = np.zeros(count, dtype=np.int64)
        back[rows] = np.arange(len(rows))
        return cls(backend.indices(rows), backend.indices(back))

    def picked(self, values):
        """Of an array (B,...) or a dataclass of such arrays, what belongs to these poses."""
        return _mapped(lambda array: gather(array, self.index, axis=0), values)

    def put_back(self, values):
        """(N,...) -> (B,...), where what other poses get means nothing."""
        return _mapped(lambda array: gather(array, self.back, axis=0), values)

    def of_anchor(self, anchor: Anchor) -> Anchor:
        weights = (
            anchor.weights
            if anchor.weights.shape[0] == 1 or anchor.weights.ndim == 1
            else self.picked(anchor.weights)
        )
        return Anchor(self.picked(anchor.rotations), weights)

    def of_prior(self, prior: Prior | None) -> Prior | None:
        return (
            prior
            if prior is None or prior.mean.ndim == 1
            else replace(prior, mean=self.picked(prior.mean))
        )


def _mapped(function, values):
    if values is None:
        return None
    if is_dataclass(values):
        return type(values)(
            *(_mapped(function, getattr(values, field.name)) for field in fields(values))
        )
    return function(values)


@dataclass(frozen=True)
class Evaluation:
    """A state, its errors and its cost (B,): miss (B,K,3) of the keypoints in metres, away (B,24,3)
    from the anchor and pose (B,23,3) of the body joints as axis-angles (None without a prior), and
    limbs (B,4) off their law (None without one)."""

    state: State
    miss: Any
    away: Any
    pose: Any
    limbs: Any
    cost: Any


def step_order() -> list[int]:
    """Where a step has coordinate 3 a + j, axis j of joint a."""
    return [NUM_JOINTS * j + a for a in range(NUM_JOINTS) for j in range(3)]


def evaluate(model, state, targets, anchor, prior) -> Evaluation:
    xp = model.backend.xp
    miss = state.keypoints - targets.positions
    cost = xp.sum(targets.weights * xp.sum(miss * miss, axis=-1), axis=-1)
    away = xp.matmul(xp.matrix_transpose(anchor.rotations), state.rotations)
    if prior is None:
        away, pose = log_map(away), None
    else:
        both = log_map(xp.concat([away, state.rotations[:, 1:]], axis=1))
        away, pose = both[:, :NUM_JOINTS], both[:, NUM_JOINTS:]
    cost = cost + xp.sum(anchor.weights * xp.sum(away * away, axis=-1), axis=-1)
    if prior is None:
        return Evaluation(state, miss, away, None, None, cost)
    error = _flat(xp, pose) - prior.mean
    cost = cost + xp.sum(error * xp.matmul(error, prior.precision), axis=-1)
    if prior.planes is None:
        return Evaluation(state, miss, away, pose, None, cost)
    limbs = prior.planes.residual(state.rotations)
    return Evaluation(
        state, miss, away, pose, limbs, cost + xp.sum(prior.planes.precision * limbs**2, axis=-1)
    )


def _flat(xp, vectors):
    return xp.reshape(vectors, (vectors.shape[0], -1))


def normal_equations(model, here: Evaluation, targets, anchor, prior, damping):
    """Half the damped Hessian (B,75,75) and half the gradient (B,75) of the cost, in double
    precision where there is.

    Where keypoints say nothing, the anchor's 1e-6 decides beside entries of about 1: single
    precision would drown it.
    """
    xp, wide = model.backend.xp, model.backend.wide
    B = here.miss.shape[0]
    jacobian = wide(xp.reshape(model.jacobian(here.state), (B, -1, UNKNOWNS)))
    rows = wide(
        xp.reshape(xp.broadcast_to(targets.weights[..., None], here.miss.shape), (B, -1, 1))
    )
    weighted = (jacobian * rows).swapaxes(1, 2)
    if kernels := model.backend.kernels:
        hessian = linear_kernels.multiply(kernels, weighted, jacobian)
    else:
        hessian = weighted @ jacobian
    gradient = (weighted @ wide(xp.reshape(here.miss, (B, -1, 1))))[..., 0]

    strength = xp.broadcast_to(anchor.weights, (B, NUM_JOINTS))
    turns = strength[..., None] * here.away
    if prior is not None:
        turns = xp.concat(
            [turns[:, :1], turns[:, 1:] + _prior_gradient(xp, here.pose, prior)], axis=1
        )
        hessian = hessian + wide(prior.hessian)
    if here.limbs is not None:
        rows = wide(prior.planes.jacobian(here.state.rotations))
        pull = rows.swapaxes(1, 2) * wide(prior.planes.precision)
        hessian = hessian + pull @ rows
        gradient = gradient + (pull @ wide(here.limbs[..., None]))[..., 0]
    none = xp.zeros_like(here.state.trans)
    gradient = gradient + wide(xp.concat([_flat(xp, xp.matrix_transpose(turns)), none], axis=1))
    diagonal = hessian.reshape(B, -1)[:, :: UNKNOWNS + 1]
    diagonal += wide(xp.concat([strength, strength, strength, none], axis=1) + damping[:, None])
    return hessian, gradient


def _prior_gradient(xp, pose, prior):
    """(B,23,3): a step v of a joint changes e = log R by Jr^-1(e) v."""
    pull = xp.matmul(_flat(xp, pose) - prior.mean, prior.precision)
    pull = xp.reshape(pull, (*pose.shape, 1))
    return xp.matmul(xp.matrix_transpose(right_jacobian_inverse(pose)), pull)[..., 0]
