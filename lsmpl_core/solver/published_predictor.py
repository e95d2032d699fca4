"""Learnable SMPLify as its authors run it, as a predictor: single passes in sequence, with their
safeguard.

What the network does not know has to come from somewhere:

* Translation is not predicted. The next one is where the predicted pose's keypoints lie on their
  targets in the mean (`start.centred`). The authors use the true one.
* All of BODY_25 has to be there. A keypoint that the track lacks, or misses in a frame, is put
  where the pose before has it, which says that it did not move.
* Past `SAFEGUARD` frames, the prediction from the first pose, or a copy of the pose before, takes
  over where its keypoints are nearer, by the sum of absolute differences, mid-hip on mid-hip (the
  authors': without translation).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from ..backends.arrays import Backend
from ..body.body import Body
from ..body.kinematics import KeypointModel, State
from ..body.sites import BLENDS
from ..body.skeleton import NUM_JOINTS
from ..keypoints.layouts import BODY_25
from ..published.body import PublishedBody
from ..published.network import MID_HIP, PublishedNetwork
from ..rotation import exp_map, log_map
from .polish import Anchor, Targets
from .start import centred

SAFEGUARD = 60
"""Frames from the first one."""


@dataclass(frozen=True)
class PublishedPredictor:
    """The network, the body in one shape, betas (10,), and `onto` (25,K), which makes BODY_25 of a
    track's keypoints; weights (24,) in m²/rad² for a polish, which the authors do not have."""

    network: PublishedNetwork
    body: PublishedBody
    betas: torch.Tensor
    onto: torch.Tensor
    weights: Any
    prior_share: float = 1.0
    recovers: bool = False
    safeguard: int = SAFEGUARD

    @classmethod
    def load(
        cls,
        checkpoint: str | os.PathLike,
        body: Body,
        betas: np.ndarray,
        sites: Sequence[str],
        offsets: np.ndarray | None,
        backend: Backend,
        weights: Any,
    ) -> PublishedPredictor:
        """For a track with these K sites, off by offsets (K,3) metres in the rest frame where that
        is known.

        Raises `NetworkFileError` where the checkpoint is damaged or its keypoints are for another
        body.
        """
        device = torch.device("cpu" if backend.name == "numpy" else backend.device)
        network = _loaded(os.fspath(checkpoint), os.path.getmtime(checkpoint), device)
        onto = np.array([_made_of(site, sites) for site in BODY_25.sites])
        seen_body = PublishedBody(
            body,
            network.openpose_regressor,
            None if offsets is None else onto @ offsets,
            device=device,
        )
        shape, onto_tensor = (
            torch.as_tensor(np.asarray(a), dtype=torch.float32, device=device)
            for a in (betas, onto)
        )
        return cls(network, seen_body, shape, onto_tensor, weights)

    def predict(
        self, model: KeypointModel, state: State, targets: Targets, first: State | None = None
    ) -> tuple[State, Anchor]:
        before = self._keypoints(state)
        goal, seen = self._targets(targets, before)
        rotations = self._prediction(state, before, goal)
        if first is not None:
            begun = self._keypoints(first)
            moved = goal + begun[:, MID_HIP, None] - goal[:, MID_HIP, None]
            others = (self._prediction(first, begun, moved), self._tensor(state.rotations))
            error = self._error(rotations, goal, seen)
            for other in others:
                error_there = self._error(other, goal, seen)
                better = error_there < error
                rotations = torch.where(better[:, None, None, None], other, rotations)
                error = torch.where(better, error_there, error)
        rotations = model.backend.floats(
            rotations if model.backend.name != "numpy" else rotations.cpu().numpy()
        )
        return centred(model, model.state(rotations, state.trans), targets), Anchor(
            rotations, self.weights
        )

    def _tensor(self, array) -> torch.Tensor:
        return torch.as_tensor(array, dtype=torch.float32, device=self.betas.device)

    def _shapes(self, count: int) -> torch.Tensor:
        return self.betas.expand(count, -1)

    def _keypoints(self, state: State) -> torch.Tensor:
        rotations, trans = self._tensor(state.rotations), self._tensor(state.trans)
        return self.body.keypoints(rotations, trans, self._shapes(len(rotations)))

    def _targets(self, targets: Targets, before: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """BODY_25 (B,25,3), and which of them (B,25) are seen; the others are where they were
        before."""
        seen = (self._tensor(targets.weights) > 0).to(self.onto.dtype) @ self.onto.T > 1.0 - 1e-4
        return torch.where(
            seen[..., None], self.onto @ self._tensor(targets.positions), before
        ), seen

    def _prediction(
        self, start: State, keypoints: torch.Tensor, goal: torch.Tensor
    ) -> torch.Tensor:
        """(B,24,3,3) from a start pose, its keypoints and those of the pose sought."""
        poses = log_map(self._tensor(start.rotations)).flatten(1)
        predicted = self.network.predict(keypoints, goal, poses, self._shapes(len(poses)))
        return exp_map(predicted.reshape(-1, NUM_JOINTS, 3))

    def _error(
        self, rotations: torch.Tensor, goal: torch.Tensor, seen: torch.Tensor
    ) -> torch.Tensor:
        """(B,) summed absolute differences in metres."""
        still = rotations.new_zeros(len(rotations), 3)
        predicted = self.body.keypoints(rotations, still, self._shapes(len(rotations)))
        apart = (predicted - predicted[:, MID_HIP, None]) - (goal - goal[:, MID_HIP, None])
        return (apart.abs().sum(dim=-1) * seen).sum(dim=-1)


@lru_cache(maxsize=1)
def _loaded(path: str, changed: float, device: torch.device) -> PublishedNetwork:
    return PublishedNetwork.load(path, device)


def _made_of(site: str, sites: Sequence[str]) -> list[float]:
    """The shares of a track's sites in a site of BODY_25; all zero where the track does not show
    it."""
    shares = {site: 1.0} if site in sites else BLENDS.get(site, {})
    if not set(shares) <= set(sites):
        return [0.0] * len(sites)
    return [
        shares.get(name, 0.0) if sites.index(name) == i else 0.0 for i, name in enumerate(sites)
    ]
