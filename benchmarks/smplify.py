"""SMPLify on 3D keypoints, the baseline: each frame by L-BFGS with strong Wolfe line search, run to convergence.

As strong as we can make it: the skinning is that of the `smplx` package but on the sites' vertices alone, the shape is
fixed while poses are fitted, each frame starts from the one before it, and the pose regulariser is the same Gaussian
that our polish uses (SMPLify's own mixture is not free). Float32 torch, as is customary.
"""

from __future__ import annotations

import numpy as np
import torch
from smplx.lbs import batch_rigid_transform, batch_rodrigues

import lsmpl_core as lsmpl
from lsmpl_core.body.body import Body
from lsmpl_core.body.sites import BLENDS, site_parts
from lsmpl_core.body.skeleton import JOINT_NAMES
from lsmpl_core.solver.options import SolveOptions
from lsmpl_core.solver.prior import pose_statistics
from lsmpl_core.solver.problem import Problem
from lsmpl_core.solver.shape import fit_shape
from lsmpl_core.solver.start import cold_start

POSE_WEIGHT = 1e-6
"""m² a squared standard deviation of the pose prior."""


class SiteModel:
    """Keypoints of a layout on one body shape: smplx's skinning of just the vertices that the sites need."""

    def __init__(self, body: Body, layout: lsmpl.Layout, betas: np.ndarray):
        anchors = [BLENDS.get(site, {site: 1.0}) for site in layout.sites]
        surface = sorted({name for shares in anchors for name in shares if name not in JOINT_NAMES})
        vertices = np.concatenate([body.surface_sites[name][0] for name in surface] or [np.zeros(0, int)]).astype(int)
        columns = len(JOINT_NAMES) + len(vertices)
        mixing = np.zeros((len(layout), columns))
        first = {}
        at = len(JOINT_NAMES)
        for name in surface:
            first[name] = at
            at += len(body.surface_sites[name][0])
        for k, shares in enumerate(anchors):
            for name, share in shares.items():
                if name in JOINT_NAMES:
                    mixing[k, JOINT_NAMES.index(name)] += share
                else:
                    weights = body.surface_sites[name][1]
                    mixing[k, first[name] : first[name] + len(weights)] += share * weights
        self.mixing = torch.tensor(mixing, dtype=torch.float32)
        self.vertices = torch.tensor(body.rest_vertices(betas)[vertices], dtype=torch.float32)[None]
        self.weights = torch.tensor(body.skinning_weights[vertices], dtype=torch.float32)
        self.joints = torch.tensor(body.rest_joints(betas), dtype=torch.float32)[None]
        self.parents = torch.tensor(body.parents)

    def __call__(self, poses: torch.Tensor, trans: torch.Tensor) -> torch.Tensor:
        """poses (B,24,3) axis-angle, trans (B,3) -> keypoints (B,K,3)."""
        B = len(poses)
        rotations = batch_rodrigues(poses.reshape(-1, 3)).reshape(B, -1, 3, 3)
        joints, transforms = batch_rigid_transform(rotations, self.joints.expand(B, -1, -1), self.parents)
        blended = torch.einsum("vj,njab->nvab", self.weights, transforms)
        skinned = (blended[..., :3, :3] @ self.vertices[..., None])[..., 0] + blended[..., :3, 3]
        return self.mixing @ torch.cat([joints, skinned], dim=1) + trans[:, None]


def smplify(
    track: lsmpl.KeypointTrack,
    body: Body,
    betas: np.ndarray | None = None,
    start_pose: np.ndarray | None = None,
    pose_weight: float = POSE_WEIGHT,
    max_iterations: int = 200,
    batch: int = 1,
) -> tuple[lsmpl.Motion, float]:
    """The motion, and the mean number of evaluations a fit.

    batch: frames fitted together, each batch from the last pose of the one before it; L-BFGS then shares its step among
    them. Without betas they come from the segment lengths, and without a start pose the first frame is ours, solved
    cold: both are kinder than SMPLify's own start, which needs detections of the shoulders and hips.
    """
    parts = site_parts(body, track.layout.sites)
    betas = fit_shape(track, body, parts) if betas is None else np.asarray(betas)
    model = SiteModel(body, track.layout, betas)
    mean, covariance = (torch.tensor(a, dtype=torch.float32) for a in pose_statistics())
    precision = torch.linalg.inv(covariance.double()).float() * pose_weight
    pose = torch.tensor(_start(track, body, parts, betas) if start_pose is None else start_pose, dtype=torch.float32)
    positions = torch.tensor(np.nan_to_num(track.positions), dtype=torch.float32)
    weights = torch.tensor(track.confidence, dtype=torch.float32)
    poses, trans = pose[None], torch.zeros(1, 3)
    found, fits, evaluations = [], 0, 0
    for target, weight in zip(positions.split(batch), weights.split(batch)):
        poses, trans = poses[-1:].expand(len(target), -1, -1), trans[-1:].expand(len(target), -1)
        with torch.no_grad():
            miss = (target - model(poses, trans)) * weight[..., None]
            trans = trans + miss.sum(1) / weight.sum(1).clamp(min=1e-6)[:, None]
        poses, trans, used = _fit(model, poses, trans, target, weight, mean, precision, max_iterations)
        found.append((poses.numpy().copy(), trans.numpy().copy()))
        fits, evaluations = fits + 1, evaluations + used
    motion = lsmpl.Motion(*map(np.concatenate, zip(*found)), betas, track.fps, body=body.key)
    return motion, evaluations / fits


def _fit(model, poses, trans, target, weight, mean, precision, max_iterations):
    poses, trans = poses.clone().requires_grad_(), trans.clone().requires_grad_()
    optimiser = torch.optim.LBFGS(
        [poses, trans],
        lr=1.0,
        max_iter=max_iterations,
        max_eval=2 * max_iterations,
        tolerance_grad=1e-6,
        tolerance_change=1e-8,
        history_size=30,
        line_search_fn="strong_wolfe",
    )
    count = 0

    def closure():
        nonlocal count
        count += 1
        optimiser.zero_grad()
        miss = model(poses, trans) - target
        away = poses[:, 1:].flatten(1) - mean
        loss = 1000.0 * ((weight * miss.square().sum(-1)).sum() + (away @ precision * away).sum())
        loss.backward()
        return loss

    optimiser.step(closure)
    return poses.detach(), trans.detach(), count


def _start(track, body, parts, betas) -> np.ndarray:
    from lsmpl_core.backends.arrays import choose_backend
    from lsmpl_core.rotation import log_map

    problem = Problem.of(track, body, parts, betas, choose_backend("numpy"), SolveOptions(solver="polish"))
    poses, _ = cold_start(problem, np.array([0]))
    return log_map(poses.rotations[0])
