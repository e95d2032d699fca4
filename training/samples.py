"""What the residual network is trained on: windows of motion on random bodies, as a take would show
them.

Each window goes through a random layout with noise and gaps, and is entered with the true pose, a
perturbed one, one that another person would have, or a plainly wrong one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from lsmpl_core.backends.arrays import Backend
from lsmpl_core.body.body import Body
from lsmpl_core.body.kinematics import KeypointModel
from lsmpl_core.body.sites import site_parts
from lsmpl_core.body.skeleton import JOINT_NAMES
from lsmpl_core.keypoints.layouts import LAYOUTS
from lsmpl_core.rotation import exp_map
from lsmpl_core.solver.network import CANONICAL, rest_bones
from training.data import Clips, mirrored, mixed

SHOWN_LAYOUTS = (
    "body_25", "coco_17", "halpe_26", "human36m_17", "panoptic_19", "mediapipe_33", "smpl_24",
    "smpl_22", "whole_body",
)  # fmt: skip
"""Layouts by which windows are seen: what takes come in most, however many more can be read."""
LOOSE_RADIANS = {"wrist": 0.35, "collar": 0.08, "hand": 0.1, "foot": 0.1}
"""Joints by a part of their name, and the standard deviation of a turn that lasts for a window."""
MOST_PERTURBED_RADIANS = 0.5
"""Standard deviation of the turns by which a perturbed start is off at worst; most are off by far
less."""
WRONG_PELVIS_RADIANS, WRONG_JOINT_RADIANS = 0.6, 0.15
"""The same on top of another window's pose."""
LASTING_NOISE = 0.7
"""Of a keypoint's noise, the share that stays for a window."""
STATED_NOISE = (0.7, 1.3)
"""By what the noise that the network is told of is off at most, as a factor."""


@dataclass
class SampleConfig:
    """How windows are drawn."""

    batch: int = 256
    unroll: int = 4
    """Closed-loop steps a window."""
    slow: float = 0.4
    """Share of windows that go frame by frame, as takes do: over long strides, less of a pose is
    worth keeping."""
    versions: int = 12
    """Persons by whom each clip is shared out (`redistribution.py`); 1 leaves all clips as
    recorded."""
    mix: float = 0.5
    """Share of windows that borrow limbs."""
    loose: float = 0.1
    """Share of windows in which joints that the data hardly moves are turned (see
    `LOOSE_RADIANS`)."""
    shape_sigma: float = 1.2
    """Standard deviation of the betas."""
    true_start: float = 0.85
    shared_start: float = 0.03
    wrong_start: float = 0.05
    """Shares of windows entered with the true pose, with the true one as another person would have
    shared it out, and with another window's; the rest is perturbed."""
    noise: float = 0.02
    """Most noise of a keypoint in metres, one standard deviation."""
    noisy: float = 0.4
    """Share of windows with noise."""
    gappy: float = 0.4
    """Share of windows in which keypoints drop out."""


@dataclass(frozen=True)
class Batch:
    """B windows of S steps, C canonical keypoints: truth (B,S+1,24,3,3) and trans (B,S+1,3); start
    (B,24,3,3), the pose each is entered with; model and bones (B,23,3) of its body; mask (B,S,C) of
    0 and 1; noise (B,S,C,3) in metres, and what the network is told of it, stated_noise (B,)."""

    truth: torch.Tensor
    trans: torch.Tensor
    start: torch.Tensor
    model: KeypointModel
    bones: torch.Tensor
    mask: torch.Tensor
    noise: torch.Tensor
    stated_noise: torch.Tensor


class Sampler:
    """Draws batches from clips."""

    def __init__(
        self,
        clips: Clips,
        body: Body,
        backend: Backend,
        config: SampleConfig,
        generator: torch.Generator,
    ):
        self.clips, self.body, self.backend, self.config = clips, body, backend, config
        self.generator, self.device = generator, generator.device
        self.parts = site_parts(body, CANONICAL)
        sites = [LAYOUTS[name].sites for name in SHOWN_LAYOUTS]
        self.layouts = torch.stack([self.shown(some) for some in sites])  # (L,C)

    def batch(self) -> Batch:
        c = self.config
        truth, trans, shared = self.windows()
        model, bones = self.bodies(c.batch)
        noise, stated = self.noise()
        start = self.starts(truth[:, 0], shared)
        return Batch(truth, trans, start, model, bones, self.visibility(), noise, stated)

    # Motion.

    def windows(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Poses (B,S+1,24,3,3), translations (B,S+1,3), and the first poses as another person's
        (B,24,3,3)."""
        c, g = self.config, self.generator
        rotations, trans, shared = self.clips.windows(c.batch, c.unroll, g, c.slow)

        # The other person's pose goes along as one more frame, to be mixed and mirrored like the
        # rest.
        rotations = torch.cat([rotations, shared[:, None]], dim=1)  # (B,S+2,24,3,3)
        rotations, trans = mirrored(mixed(rotations, g, c.mix), trans, g)

        # Joints that recorded motion hardly moves are turned, by the same throughout a window.
        size = torch.zeros(24, device=self.device)
        for name, turn in LOOSE_RADIANS.items():
            size[[i for i, joint in enumerate(JOINT_NAMES) if name in joint]] = turn
        size = size * (self._uniform(c.batch, 1) < c.loose)  # (B,24)
        rotations = rotations @ self._turns(size)[:, None]
        return rotations[:, :-1], trans, rotations[:, -1]

    def starts(self, truth: torch.Tensor, shared: torch.Tensor) -> torch.Tensor:
        """(B,24,3,3): the pose each window is entered with; truth and shared (B,24,3,3) as from
        `windows`."""
        c, B = self.config, len(truth)
        perturbed = truth @ self._turns(
            MOST_PERTURBED_RADIANS * self._uniform(B, 1).square().expand(B, 24)
        )

        # Another window's pose, facing about where this one does.
        wrong = torch.roll(truth, 1, 0).clone()
        wrong[:, 0] = truth[:, 0]
        off = torch.full((B, 24), WRONG_JOINT_RADIANS, device=self.device)
        off[:, 0] = WRONG_PELVIS_RADIANS
        wrong = wrong @ self._turns(off)

        kind = self._uniform(B, 1, 1, 1)
        start = torch.where(kind < c.true_start + c.shared_start, shared, perturbed)
        start = torch.where(kind < c.true_start, truth, start)
        return torch.where(kind > 1.0 - c.wrong_start, wrong, start)

    def bodies(self, count: int) -> tuple[KeypointModel, torch.Tensor]:
        """Random shapes: a keypoint model of `count` bodies and their bones (B,23,3)."""
        drawn = torch.randn(count, 10, generator=self.generator, device=self.device)
        betas = self.config.shape_sigma * drawn.cpu().numpy()
        rest = self.body.joint_template + np.einsum(
            "jcs,bs->bjc", self.body.joint_directions, betas
        )
        moments = self.parts.moment + np.einsum("pcs,bs->bpc", self.parts.moment_directions, betas)
        return KeypointModel.build(self.backend, rest, self.parts, moments), self.backend.array(
            rest_bones(rest)
        )

    # What is seen of it.

    def visibility(self) -> torch.Tensor:
        """(B,S,C) of 0 and 1: one layout a window; in some, keypoints drop out, singly or for the
        window."""
        B, S, C = self.config.batch, self.config.unroll, len(CANONICAL)
        which = torch.randint(len(self.layouts), (B,), generator=self.generator, device=self.device)
        shown = self.layouts[which][:, None].repeat(1, S, 1)
        rate = 0.5 * self._uniform(B, 1, 1) * (self._uniform(B, 1, 1) < self.config.gappy)
        single, lasting = self._uniform(B, S, C) < rate, self._uniform(B, 1, C) < 0.5 * rate
        return shown * ~single * ~lasting

    def noise(self) -> tuple[torch.Tensor, torch.Tensor]:
        """(B,S,C,3) metres, of which some lasts for a window, and about its standard deviation
        (B,)."""
        c, g = self.config, self.generator
        B, S, C = c.batch, c.unroll, len(CANONICAL)
        sigma = c.noise * self._uniform(B, 1, 1, 1) * (self._uniform(B, 1, 1, 1) < c.noisy)
        passing = torch.randn(B, S, C, 3, generator=g, device=self.device)
        lasting = LASTING_NOISE * torch.randn(B, 1, C, 3, generator=g, device=self.device)

        low, high = STATED_NOISE
        stated = (
            sigma[:, 0, 0, 0]
            * math.hypot(1.0, LASTING_NOISE)
            * (low + (high - low) * self._uniform(B))
        )
        return sigma * (passing + lasting), stated

    def shown(self, sites) -> torch.Tensor:
        """(C,) of 0 and 1: which canonical keypoints are among these sites."""
        return torch.tensor([float(name in sites) for name in CANONICAL], device=self.device)

    def _uniform(self, *shape: int) -> torch.Tensor:
        return torch.rand(*shape, generator=self.generator, device=self.device)

    def _turns(self, size: torch.Tensor) -> torch.Tensor:
        """(B,24,3,3) random rotations with standard deviations `size` (B,24) in radians."""
        vectors = torch.randn(*size.shape, 3, generator=self.generator, device=self.device)
        return exp_map(vectors * size[..., None])
