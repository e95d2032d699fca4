"""Levenberg-Marquardt on the keypoint error of a batch of poses, each anchored to a pose it starts near.

Per pose, over rotations R and translation t, the cost is

    sum_k w_k |x_k(R, t) - y_k|^2  +  sum_a λ_a |log(A_a^T R_a)|^2  +  γ (e - e0)^T P (e - e0)

keypoints x against targets y in metres; an anchor A (the predicted pose) with weights λ in m²/rad²; and a Gaussian over
the joint rotations e = log R that says which poses people take (`prior.py`). The unknown is a small world-frame
rotation vector per joint and a translation: with levers d (`KeypointModel.levers`), dx_k = sum_a w_a × d_ka + dt, so
the normal equations follow in closed form from sums of d d^T, and no Jacobian is ever stored. A step is applied in
each joint's own frame: R_a <- R_a exp(G_a^T w_a), G_a the joint's world rotation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from array_api_compat import device

from .kinematics import KeypointModel, State, choose
from .rotation import exp_map, log_map, right_jacobian_inverse, skew
from .skeleton import NUM_JOINTS

UNKNOWNS = 3 * NUM_JOINTS + 3


@dataclass(frozen=True)
class Targets:
    """positions (B,K,3) in metres, finite everywhere; weights (B,K), 0 where a keypoint is missing."""

    positions: Any
    weights: Any


@dataclass(frozen=True)
class Anchor:
    """rotations (B,24,3,3) that each joint is drawn to; weights (24,) or (B,24), in m²/rad²."""

    rotations: Any
    weights: Any


@dataclass(frozen=True)
class Prior:
    """Of the 23 body joints' axis-angles: mean (69,) in radians, precision (69,69) already times `weight`, in m²."""

    mean: Any
    precision: Any
    weight: float


@dataclass(frozen=True)
class Polished:
    """state: where the polish ended; cost (B,) in m²; converged (B,): the last step still taken was negligible."""

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
    damping: float = 1e-4,
    tolerance: float = 1e-9,
) -> Polished:
    """Up to `steps` accepted-if-better Levenberg-Marquardt steps for each of B poses.

    state: where to start. `damping` in m²/rad² is each pose's first one; it falls after a step that helped and rises
    after one that did not. A pose that gains less than `tolerance` m² counts as converged; when all have, the polish
    ends.
    """
    xp = model.backend.xp
    here = _evaluate(model, state, targets, anchor, prior)
    damping = xp.full_like(here.cost, damping)
    converged = xp.zeros_like(here.cost) > 0
    identity = xp.eye(UNKNOWNS, dtype=here.cost.dtype, device=model.backend.device)
    for _ in range(steps):
        hessian, gradient = _normal_equations(model, here, targets, anchor, prior)
        damped = hessian + damping[:, None, None] * identity
        step = -xp.linalg.solve(damped, gradient[..., None])[..., 0]
        there = _evaluate(model, _moved(model, here.state, step), targets, anchor, prior)
        better = there.cost < here.cost
        converged = xp.abs(here.cost - there.cost) < tolerance
        here = choose(xp, better, there, here)
        damping = damping * xp.where(better, xp.full_like(damping, 0.3), xp.full_like(damping, 10.0))
        if bool(xp.all(converged)):
            break
    return Polished(here.state, here.cost, converged)


@dataclass(frozen=True)
class _Evaluation:
    """A state, its errors and its cost (B,): miss (B,K,3) of the keypoints in metres, away (B,24,3) from the anchor and
    pose (B,23,3) of the body joints as axis-angles (None without a prior)."""

    state: State
    miss: Any
    away: Any
    pose: Any
    cost: Any


def _evaluate(model, state, targets, anchor, prior) -> _Evaluation:
    xp = model.backend.xp
    miss = state.keypoints - targets.positions
    cost = xp.sum(targets.weights * xp.sum(miss * miss, axis=-1), axis=-1)
    away = log_map(xp.matmul(xp.matrix_transpose(anchor.rotations), state.rotations))
    cost = cost + xp.sum(anchor.weights * xp.sum(away * away, axis=-1), axis=-1)
    if prior is None:
        return _Evaluation(state, miss, away, None, cost)
    pose = log_map(state.rotations[:, 1:])
    error = _flat(xp, pose) - prior.mean
    return _Evaluation(state, miss, away, pose, cost + xp.sum(error * xp.matmul(error, prior.precision), axis=-1))


def _flat(xp, vectors):
    return xp.reshape(vectors, (vectors.shape[0], -1))


def _normal_equations(model, here: _Evaluation, targets, anchor, prior):
    """Half the Hessian's Gauss-Newton part (B,75,75) and half the gradient (B,75) of the cost."""
    xp = model.backend.xp
    state, weights = here.state, targets.weights
    B, J = state.world.shape[0], NUM_JOINTS
    levers = model.levers(state)
    miss = here.miss * weights[..., None]
    weighted = xp.reshape(levers * weights[..., None, None], (B, -1, 3 * J))

    # Rotations against rotations: sum_k w (d_a · d_b) I - d_b d_a^T, from the sums of d_a d_b^T.
    sums = xp.matmul(xp.matrix_transpose(weighted), xp.reshape(levers, (B, -1, 3 * J)))
    sums = xp.permute_dims(xp.reshape(sums, (B, J, 3, J, 3)), (0, 1, 3, 2, 4))
    dots = sums[..., 0, 0] + sums[..., 1, 1] + sums[..., 2, 2]
    identity = xp.eye(3, dtype=dots.dtype, device=model.backend.device)
    rotation_block = dots[..., None, None] * identity - xp.matrix_transpose(sums)
    # Rotations against the translation: sum_k w [d_a]×.
    mean_lever = xp.sum(xp.reshape(weighted, (B, -1, J, 3)), axis=1)
    mixed_block = xp.reshape(skew(mean_lever), (B, 3 * J, 3))
    total = xp.sum(weights, axis=-1)[:, None, None]
    translation_block = (total + 1e-9) * identity

    # d_ka × (w r_k), summed over k, from the sums of d_a r^T.
    moments = xp.reshape(xp.matmul(xp.matrix_transpose(xp.reshape(levers, (B, -1, 3 * J))), miss), (B, J, 3, 3))
    gradient = xp.stack(
        [
            moments[..., 1, 2] - moments[..., 2, 1],
            moments[..., 2, 0] - moments[..., 0, 2],
            moments[..., 0, 1] - moments[..., 1, 0],
        ],
        axis=-1,
    )

    strength = xp.broadcast_to(anchor.weights, (B, J))
    gradient = gradient + strength[..., None] * xp.matmul(state.world, here.away[..., None])[..., 0]
    joints = xp.eye(J, dtype=dots.dtype, device=model.backend.device)
    rotation_block = rotation_block + (strength[:, :, None] * joints)[..., None, None] * identity

    rotation_block = xp.reshape(xp.permute_dims(rotation_block, (0, 1, 3, 2, 4)), (B, 3 * J, 3 * J))
    gradient = xp.reshape(gradient, (B, 3 * J))
    if prior is not None:
        prior_block, prior_gradient = _prior_equations(xp, here, prior)
        rotation_block = rotation_block + prior_block
        gradient = gradient + prior_gradient
    hessian = xp.concat(
        [
            xp.concat([rotation_block, mixed_block], axis=2),
            xp.concat([xp.matrix_transpose(mixed_block), translation_block], axis=2),
        ],
        axis=1,
    )
    return hessian, xp.concat([gradient, xp.sum(miss, axis=1)], axis=1)


def _prior_equations(xp, here: _Evaluation, prior):
    """The prior's share (B,72,72) and (B,72): with T_a = Jr^-1(log R_a) G_a^T, a step w changes e_a by T_a w_a."""
    e = here.pose
    B, N = e.shape[0], NUM_JOINTS - 1
    turn = xp.matmul(right_jacobian_inverse(e), xp.matrix_transpose(here.state.world[:, 1:]))
    pull = xp.matmul(_flat(xp, e) - prior.mean, prior.precision)
    gradient = xp.matmul(xp.matrix_transpose(turn), xp.reshape(pull, (B, N, 3, 1)))
    columns = xp.permute_dims(xp.reshape(prior.precision, (3 * N, N, 3)), (1, 0, 2))
    right = xp.matmul(columns, turn)
    rows = xp.permute_dims(xp.reshape(right, (B, N, N, 3, 3)), (0, 2, 3, 1, 4))
    both = xp.matmul(xp.matrix_transpose(turn), xp.reshape(rows, (B, N, 3, 3 * N)))
    block = xp.reshape(both, (B, 3 * N, 3 * N))
    left = xp.zeros((B, 3 * N, 3), dtype=e.dtype, device=device(e))
    above = xp.zeros((B, 3, 3 * NUM_JOINTS), dtype=e.dtype, device=device(e))
    block = xp.concat([above, xp.concat([left, block], axis=2)], axis=1)
    return block, xp.concat([xp.zeros_like(e[:, 0]), xp.reshape(gradient, (B, 3 * N))], axis=1)


def _moved(model, state, step):
    xp = model.backend.xp
    turns = xp.reshape(step[:, :-3], (-1, NUM_JOINTS, 3, 1))
    local = xp.matmul(xp.matrix_transpose(state.world), turns)[..., 0]
    return model.state(xp.matmul(state.rotations, exp_map(local)), state.trans + step[:, -3:])
