"""Body shape from a take: betas out of segment lengths, then betas and site offsets together out of
solved poses.

Both rest on one fact: for a fixed pose, every keypoint is linear in the betas.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..backends.arrays import choose_backend
from ..backends.dense import half_solved, products
from ..body.body import Body
from ..body.kinematics import UNKNOWNS, KeypointModel
from ..body.sites import SiteParts
from ..body.skeleton import NUM_BETAS, NUM_JOINTS
from ..errors import SolveError
from ..keypoints.layouts import Layout
from ..keypoints.track import KeypointTrack
from ..rotation import exp_map
from .prior import pose_statistics

SAMPLED_POSES = 64
LENGTH_NOISE = 0.01
"""Metres by which a segment's median length may be off for reasons other than pose: sites,
noise."""
OFFSET_SIGMA = {
    "mid_hip": 0.03,
    "hip": 0.03,
    "spine": 0.04,
    "neck": 0.03,
    "jaw": 0.05,
    "head_top": 0.03,
}
"""Metres by which detectors' keypoints are known to differ from the sites, by site."""
OFFSET_SIGMA_ELSEWHERE = 0.015
"""The same of other sites."""
MOST_STRETCH = 0.04
"""Metres of spread over poses beyond which a pair of keypoints says nothing of the shape."""


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


@dataclass(frozen=True)
class PoseFit:
    """N frames whose poses meet their keypoints as well as they can: rotations (N,24,3,3), world
    (N,24,3,3), weights (N,K), miss (N,K,3) from site to keypoint in metres and away (N,K,3), the
    same as each site's parent joint is turned, jacobian (N,3K,75) (see `KeypointModel.jacobian`);
    and half the Hessian (N,75,75) of the fit's whole cost."""

    rotations: np.ndarray
    world: np.ndarray
    weights: np.ndarray
    miss: np.ndarray
    away: np.ndarray
    jacobian: np.ndarray
    pose_hessian: np.ndarray

    @cached_property
    def noise(self) -> float:
        """Metres in each axis, from how far the keypoints are from the poses.

        A pose follows part of the noise: as many coordinates as the trace of the hat matrix are
        lost to it.
        """
        seen = 3.0 * (self.weights > 0).sum()
        rows = np.repeat(np.sqrt(self.weights), 3, axis=1)[..., None]
        hat = half_solved(self.pose_hessian, np.swapaxes(rows * self.jacobian, 1, 2))
        followed = np.square(hat).sum()
        squares = (self.weights[..., None] * np.square(self.miss)).sum()
        return float(np.sqrt(squares / max(seen - followed, 0.1 * seen))) if seen else 0.0

    def constant_share(self, independent: float) -> float:
        """Of the square of `noise`, what is the same in all frames: not noise, but a body that is
        not this one. What so many independent frames of noise would leave is taken off."""
        weights = self.weights[..., None]
        mean = (weights * self.away).sum(axis=0) / np.maximum(weights.sum(axis=0), 1e-9)
        constant = (weights * np.square(mean)).sum()
        changing = (weights * np.square(self.away - mean)).sum()
        squares = max(constant + changing, 1e-12)
        return float(np.clip((constant - changing / (independent - 1.0)) / squares, 0.0, 1.0))


def fit_shape(track: KeypointTrack, body: Body, parts: SiteParts) -> np.ndarray:
    """Betas (10,) from the lengths between keypoints that hardly depend on the pose.

    How much each of the K(K-1)/2 lengths depends on the pose is read off poses sampled from the
    pose prior; a length counts by how little it does. Medians over the frames, robust Gauss-Newton,
    betas drawn to 0 with unit variance. Raises `SolveError` if no two keypoints are ever seen
    together.
    """
    # Every length between two keypoints, as sampled poses have it and as the take shows it.
    linear = LinearKeypoints.at(body, parts, sampled_rotations())
    a, b = np.triu_indices(parts.count, k=1)
    observed, count = _median_lengths(track, a, b)
    if not (count > 0).any():
        raise SolveError(
            f"{track.source or 'the track'}: no frame shows two keypoints, so no body can be "
            "fitted to it"
        )

    betas = np.zeros(NUM_BETAS)
    mean = linear.base[:, a] - linear.base[:, b]
    by_betas = linear.directions[:, a] - linear.directions[:, b]
    for _ in range(6):
        # Lengths that hardly depend on the pose; how much they do is what a length is uncertain by.
        between = mean + by_betas @ betas
        lengths = np.linalg.norm(between, axis=2)
        stretch = lengths.std(axis=0)
        usable = (count > 0) & (stretch < MOST_STRETCH) & (lengths.mean(axis=0) > 0.02)
        if not usable.any():
            return betas

        # Gauss-Newton on their means, with Cauchy's weights: a site that is off makes many lengths
        # wrong.
        rows = np.einsum("npc,npcs->nps", between, by_betas)
        jacobian = (rows / np.maximum(lengths, 1e-6)[..., None]).mean(axis=0)[usable]
        error = (observed - lengths.mean(axis=0))[usable]
        weight = 1.0 / (np.square(stretch[usable]) + LENGTH_NOISE**2)
        weight /= 1.0 + np.square(error) * weight / 4.0
        weight *= min(1.0, parts.count / len(error))
        hessian = jacobian.T @ (weight[:, None] * jacobian) + np.eye(NUM_BETAS)
        step = np.linalg.solve(hessian, jacobian.T @ (weight * error) - betas)
        betas = np.clip(betas + step, -4.0, 4.0)
    return betas


def refine_shape(
    body: Body,
    parts: SiteParts,
    betas: np.ndarray,
    offsets: np.ndarray,
    fit: PoseFit,
    sigma: np.ndarray,
    noise: float,
    fixed_betas: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Better betas (10,) and site offsets (K,3) in the rest frame, from frames whose poses were
    settled with these.

    One Gauss-Newton step over betas, offsets and all poses, of which the poses are eliminated (a
    Schur complement): what another pose could explain as well says nothing of the shape. The betas
    are drawn to 0 by unit variance, the offsets by `sigma`, (K,) in metres (0 fixes a site) or
    covariances (K,3,3), and the poses by the prior. However many frames there are, they count as
    one with keypoints uncertain by `noise` metres: what is wrong about a site is wrong in all of
    them. With `fixed_betas` these stay.
    """
    K, frames = parts.count, len(fit.weights)
    hessian, gradient = _shape_equations(body, parts, fit, fixed_betas)

    # What is expected of betas and offsets: unit variance, and sigma.
    if sigma.ndim == 1:
        sigma = np.square(np.maximum(sigma, 1e-6))[:, None, None] * np.eye(3)
    precision = np.eye(NUM_BETAS + 3 * K)
    for k, inverse in enumerate(np.linalg.inv(sigma)):
        precision[
            NUM_BETAS + 3 * k : NUM_BETAS + 3 * k + 3, NUM_BETAS + 3 * k : NUM_BETAS + 3 * k + 3
        ] = inverse

    # One step from where they are; all frames count as one.
    now = np.concatenate([betas, offsets.ravel()])
    scale = 1.0 / (frames * noise**2)
    now = now + np.linalg.solve(scale * hessian + precision, scale * gradient - precision @ now)
    betas = betas if fixed_betas else np.clip(now[:NUM_BETAS], -4.0, 4.0)
    return betas, now[NUM_BETAS:].reshape(K, 3)


def _shape_equations(
    body: Body, parts: SiteParts, fit: PoseFit, fixed_betas: bool
) -> tuple[np.ndarray, np.ndarray]:
    """The normal equations (10+3K,10+3K), (10+3K,) over betas and offsets, each frame's pose
    eliminated.

    A keypoint goes with the betas, and with its own offset as the joint that this goes with is
    turned, so that offsets couple with one another through the poses alone.
    """
    F, K = fit.weights.shape
    by_betas = LinearKeypoints.at(body, parts, fit.rotations).directions
    by_betas = np.zeros_like(by_betas) if fixed_betas else by_betas
    by_offset = np.swapaxes(fit.world[:, parts.parent_joint], -1, -2)
    weights = fit.weights[..., None, None]

    # Of the poses as they are.
    hessian, gradient = np.zeros((NUM_BETAS + 3 * K,) * 2), np.zeros(NUM_BETAS + 3 * K)
    flat = by_betas.reshape(1, -1, NUM_BETAS)
    pull = (weights * by_betas).reshape(1, -1, NUM_BETAS)
    hessian[:NUM_BETAS, :NUM_BETAS] = products(np.swapaxes(pull, 1, 2), flat)[0]
    both = np.einsum("fkji,fkis->sfkj", weights * by_offset, by_betas).sum(axis=1)
    hessian[:NUM_BETAS, NUM_BETAS:] = both.reshape(NUM_BETAS, -1)
    hessian[NUM_BETAS:, :NUM_BETAS] = both.reshape(NUM_BETAS, -1).T
    hessian[NUM_BETAS:, NUM_BETAS:] = np.diag(np.repeat(fit.weights.sum(axis=0), 3))
    gradient[:NUM_BETAS] = pull[0].T @ fit.miss.ravel()
    gradient[NUM_BETAS:] = np.einsum("fkji,fki->kj", weights * by_offset, fit.miss).ravel()

    # Less what other poses would explain as well.
    jacobian = fit.jacobian.reshape(F * K, 3, UNKNOWNS)
    turned = (weights * by_offset).reshape(F * K, 3, 3)
    shared = np.concatenate(
        [
            products(np.swapaxes(pull.reshape(F, 3 * K, NUM_BETAS), 1, 2), fit.jacobian),
            products(turned, jacobian).reshape(F, -1, UNKNOWNS),
        ],
        axis=1,
    )
    explained = half_solved(fit.pose_hessian, np.swapaxes(shared, 1, 2))
    explained = explained.reshape(1, F * UNKNOWNS, -1)
    hessian -= products(np.swapaxes(explained, 1, 2), explained)[0]
    return hessian, gradient


def offset_sigma(layout: Layout) -> np.ndarray:
    """(K,) metres by which the sites of a layout are uncertain on an unknown body.

    SMPL's own joints are where they are; what detectors call a hip lies well outside SMPL's hip
    joint.
    """
    if layout.name.startswith("smpl_"):
        return np.full(len(layout), 1e-4)
    return np.array(
        [
            next((v for k, v in OFFSET_SIGMA.items() if k in site), OFFSET_SIGMA_ELSEWHERE)
            for site in layout.sites
        ]
    )


def known_to_differ(sigma: np.ndarray) -> np.ndarray:
    """The `offset_sigma` (K,) of sites that detectors are known to put elsewhere, and 0 for the
    others."""
    return np.where(sigma > OFFSET_SIGMA_ELSEWHERE, sigma, 0.0)


def sampled_rotations() -> np.ndarray:
    mean, covariance = pose_statistics()
    poses = np.random.default_rng(0).multivariate_normal(mean, covariance, SAMPLED_POSES)
    poses = np.concatenate([np.zeros((SAMPLED_POSES, 3)), poses], axis=1).reshape(-1, NUM_JOINTS, 3)
    return exp_map(poses)


def _median_lengths(
    track: KeypointTrack, a: np.ndarray, b: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(pairs,) median distance in metres, and in how many frames both ends are seen; a take is
    sampled if long."""
    frames = np.unique(np.linspace(0, len(track) - 1, min(len(track), 500)).astype(int))
    positions = track.positions[frames]
    lengths = np.linalg.norm(positions[:, a] - positions[:, b], axis=2)
    count = np.isfinite(lengths).sum(axis=0)
    observed = np.zeros(len(a))
    seen = count > 0
    observed[seen] = np.nanmedian(lengths[:, seen], axis=0)
    return observed, count
