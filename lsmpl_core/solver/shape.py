"""Body shape from a take: betas out of segment lengths, then betas and site offsets together out of
solved poses.

Both rest on one fact: for a fixed pose, every keypoint is linear in the betas.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..body.body import Body
from ..body.sites import SiteParts
from ..body.skeleton import NUM_BETAS, NUM_JOINTS
from ..errors import SolveError
from ..frames import evenly
from ..keypoints.layouts import Layout
from ..keypoints.track import KeypointTrack
from ..rotation import exp_map
from .prior import pose_statistics
from .shape_equations import Freedom, LinearKeypoints, ShapeEquations

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
    "collar": 0.04,
}
"""Metres by which detectors' keypoints are known to differ from the sites, by site."""
OFFSET_SIGMA_ELSEWHERE = 0.015
"""The same of other sites."""
SHORT_BONE = 0.15
"""Metres: by bones that are not shorter, what a step leaves out is no more than that much."""
MOST_BETA = 8.0
"""Standard deviations of a shape at most: children of 1.1 m have 6 of stature's."""
MOST_BETA_OF_BONES = 3.0
"""The same where bones of their own make up for the rest."""
MOST_STRETCH = 0.04
"""Metres of spread over poses beyond which a pair of keypoints says nothing of the shape."""
MOST_STRETCH_OF_ANY = 2.0
"""Times as much, on the mean shape, beyond which it says nothing on any."""


@dataclass(frozen=True)
class PoseFit:
    """N frames whose poses meet their keypoints as well as they can: weights (N,K), miss (N,K,3)
    from site to keypoint in metres and away (N,K,3), the same as each site's parent joint is
    turned; and what shape and sites would explain of that, as far as `freedom` lets them."""

    weights: np.ndarray
    miss: np.ndarray
    away: np.ndarray
    freedom: Freedom
    equations: ShapeEquations

    @property
    def noise(self) -> float:
        """Metres in each axis, from how far the keypoints are from the poses.

        A pose follows part of the noise: as many coordinates as the trace of the hat matrix are
        lost to it.
        """
        seen = 3.0 * (self.weights > 0).sum()
        squares = (self.weights[..., None] * np.square(self.miss)).sum()
        free = max(seen - self.equations.followed, 0.1 * seen)
        return float(np.sqrt(squares / free)) if seen else 0.0

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

    # Most change with the pose by far more than any shape could make up for.
    mean = linear.base[:, a] - linear.base[:, b]
    firm = np.linalg.norm(mean, axis=2).std(axis=0) < MOST_STRETCH_OF_ANY * MOST_STRETCH
    a, b, mean = a[firm], b[firm], mean[:, firm]
    observed, count = observed[firm], count[firm]

    betas = np.zeros(NUM_BETAS)
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
        betas = np.clip(betas + step, -MOST_BETA, MOST_BETA)
    return betas


def refine_shape(
    betas: np.ndarray, offsets: np.ndarray, fit: PoseFit, sigma: np.ndarray, noise: float
) -> tuple[np.ndarray, np.ndarray]:
    """Better betas (10,) and site offsets (K,3) in the rest frame, from frames whose poses were
    settled with these; what is not free stays.

    One Gauss-Newton step over betas, offsets and all poses, of which the poses are eliminated: what
    another pose could explain as well says nothing of the shape. The betas are drawn to 0 by unit
    variance, the offsets by `sigma`, (K,) in metres or covariances (K,3,3), and the poses by the
    prior. However many frames there are, they count as one with keypoints uncertain by `noise`
    metres: what is wrong about a site is wrong in all of them.
    """
    free, sites, D = fit.freedom, fit.freedom.sites, fit.freedom.shapes
    if not D and not len(sites):
        return betas, offsets

    # What is expected of betas and offsets: unit variance, and sigma.
    some = sigma[sites]
    covariance = np.square(some)[:, None, None] * np.eye(3) if sigma.ndim == 1 else some
    precision = np.eye(D + 3 * len(sites))
    for f, inverse in enumerate(np.linalg.inv(covariance)):
        at = slice(D + 3 * f, D + 3 * f + 3)
        precision[at, at] = inverse

    # One step from where they are; all frames count as one.
    now = np.concatenate([betas[:D], offsets[sites].ravel()])
    scale = 1.0 / (len(fit.weights) * noise**2)
    hessian, gradient = scale * fit.equations.hessian, scale * fit.equations.gradient
    if free.carrying:
        # A joint that moves across its bone turns what is missed: of second order, which the
        # equations leave out, and all that there is across the bone.
        turned = fit.noise / SHORT_BONE / noise**2
        hessian[D:, D:] += turned * np.eye(3 * len(sites))
    step = np.linalg.solve(hessian + precision, gradient - precision @ now)
    while free.carrying and np.abs(now[:D] + step[:D]).max(initial=0.0) > MOST_BETA_OF_BONES:
        precision[range(D), range(D)] *= 2.0
        step = np.linalg.solve(hessian + precision, gradient - precision @ now)
    now = now + step
    moved = offsets.copy()
    moved[sites] = now[D:].reshape(-1, 3)
    return np.clip(now[:D], -MOST_BETA, MOST_BETA) if free.betas else betas, moved


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
    frames = evenly(len(track), 500)
    positions = track.positions[frames]
    lengths = np.linalg.norm(positions[:, a] - positions[:, b], axis=2)
    count = np.isfinite(lengths).sum(axis=0)
    observed = np.zeros(len(a))
    seen = count > 0
    observed[seen] = np.nanmedian(lengths[:, seen], axis=0)
    return observed, count
