"""Predictors: the next pose, guessed from the pose before it and the next keypoints; the polish
draws it onto those.

`solver/published_predictor.py` has one more.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from ..backends.kernels import Kernels
from ..body.kinematics import KeypointModel, State
from .network import Network, Observation, Prediction, load_network, rest_bones
from .noise import TYPICAL_SIGMA, noise_scaling
from .polish import Anchor, Targets
from .problem import Problem
from .start import centred

FORGETTING = 0.2
"""Share of the prior's weight beside our network. Its predictions are better without; but then
joints that no keypoint shows (wrists) remember for ever how they began, and chunks that begin cold
never agree."""


class Predictor(Protocol):
    """What the tracker asks for the next poses.

    prior_share: how much of the pose prior's weight is left beside its predictions. recovers: a
    frame that it loses is started cold. safeguard: after how many frames it is given the first
    pose, too; 0 for never.
    """

    @property
    def prior_share(self) -> float: ...

    @property
    def recovers(self) -> bool: ...

    @property
    def safeguard(self) -> int: ...

    def predict(
        self, model: KeypointModel, state: State, targets: Targets, first: State | None = None
    ) -> tuple[State, Anchor]:
        """From the states of B poses to the next ones, moved onto their targets, and what the
        polish holds on to."""


def choose_predictor(problem: Problem) -> Predictor:
    """The one that the problem's options ask for."""
    options, single = problem.options, problem.backend.single
    if options.solver == "network":
        bones = single.array(rest_bones(problem.rest_joints)[None])
        noise = single.array([problem.noise])
        return NetworkPredictor(load_network(single, problem.sites), bones, noise, options.anchor)

    held = single.array(problem.least_prior_weight)
    if options.solver == "polish":
        return PreviousFramePredictor(held)

    # Needs PyTorch, and is for those alone who have it.
    from .published_predictor import PublishedPredictor

    return PublishedPredictor.load(
        options.checkpoint,
        problem.body,
        problem.betas,
        problem.sites,
        problem.offsets,
        problem.backend,
        held,
    )


@dataclass(frozen=True)
class PreviousFramePredictor:
    """The poses before, held by `weights` (24,) in m²/rad²: what the polish alone goes on from."""

    weights: Any
    prior_share: float = 1.0
    recovers: bool = True
    safeguard: int = 0

    def predict(self, model, state, targets, first=None) -> tuple[State, Anchor]:
        return centred(model, state, targets), Anchor(state.rotations, self.weights)


@dataclass(frozen=True)
class NetworkPredictor:
    """Our residual network. bones (1,23,3) of the body in metres; noise (1,) of the keypoints in
    metres; anchor: weight of a typical prediction in m²/rad², see `options.SolveOptions`."""

    network: Network
    bones: Any
    noise: Any
    anchor: float
    prior_share: float = FORGETTING
    recovers: bool = True
    safeguard: int = 0

    def predict(self, model, state, targets, first=None) -> tuple[State, Anchor]:
        xp = model.backend.xp
        noise = xp.broadcast_to(self.noise, (targets.positions.shape[0],))
        if kernels := model.backend.kernels:
            state, prediction = _by_kernels(kernels, self.network, model, state, targets, noise)
        else:
            state, prediction = next_pose(self.network, model, self.bones, state, targets, noise)
        return state, Anchor(
            prediction.rotations, self._trust * (TYPICAL_SIGMA / prediction.sigma) ** 2
        )

    def weight_at(self, sigma: float) -> float:
        """In m²/rad²: of a prediction that expects to be off by sigma, in radians."""
        return float(self._trust[0, 0]) * (TYPICAL_SIGMA / sigma) ** 2

    @cached_property
    def _trust(self):
        """(1,1) in m²/rad²: `prior_weight` of a typical prediction."""
        return self.anchor * noise_scaling(self.noise)[:, None]


def next_pose(
    network: Network, model: KeypointModel, bones, state: State, targets: Targets, noise
) -> tuple[State, Prediction]:
    """The states B poses are in after a step of the network, moved onto the targets, and the
    prediction.

    bones (1|B,23,3) and noise (B,), both in metres.
    """
    xp = model.backend.xp
    state = centred(model, state, targets)
    mask = xp.astype(targets.weights > 0, targets.weights.dtype)
    prediction = network.predict(Observation(targets.positions, mask, noise, state, bones))
    return centred(model, model.state(prediction.rotations, state.trans), targets), prediction


def _by_kernels(
    kernels: Kernels, network: Network, model: KeypointModel, state: State, targets: Targets, noise
) -> tuple[State, Prediction]:
    """`next_pose` in the bodies that the model is of."""
    pose, wanted = (state.rotations, state.trans), (targets.positions, targets.weights)
    arrays, sigma = kernels.predict(model.compiled, network.compiled(kernels), pose, wanted, noise)
    return State(*arrays), Prediction(arrays[0], sigma)
