"""Train the residual network: `python -m training.train MOCAP_FOLDER --out runs/first`.

The network goes through windows of motion (`samples.py`) on its own outputs (closed loop), which is
what it will do in a take, and every step is held against the truth. The model is
`lsmpl_core/solver/network.py`, the loop `loop.py`.

Writes checkpoint.pt (resumed from if it is there), network.npz (the averaged weights, for
`lsmpl_core/data`), log.csv and curve.png.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import array_api_compat.torch as xp
import numpy as np
import torch

from lsmpl_core.backends.arrays import Backend
from lsmpl_core.body.kinematics import KeypointModel, State
from lsmpl_core.body.load_body import load_body
from lsmpl_core.files.replacing import replace_when_complete
from lsmpl_core.keypoints.layouts import LAYOUTS
from lsmpl_core.solver.network import (
    CANONICAL,
    Network,
    Prediction,
    canonical_matrix,
    read_weights,
    shapes,
)
from lsmpl_core.solver.noise import prior_weight
from lsmpl_core.solver.polish import Anchor, Targets, polish
from lsmpl_core.solver.predictors import next_pose
from training import loop
from training.curve import draw_curve
from training.data import Clips
from training.samples import SampleConfig, Sampler

POLISH_DAMPING = 1e-6
"""In m²/rad²; a little more than when solving, for the gradient's sake."""
MOST_SURPRISE = 100.0
"""Squared ratio of error to expected error beyond which an outlier says no more about the
latter."""
VALIDATION_CLIPS, VALIDATION_FRAMES = 24, 120


@dataclass
class Config(SampleConfig, loop.RunConfig):
    """What a run does; every field is an option of the command line."""

    width: int = 512
    blocks: int = 3
    iterations: int = 30_000
    learning_rate: float = 2e-3
    least_learning_rate: float = 2e-5
    warm_up: int = 500
    average: float = 0.999
    """Decay of the running mean of the weights, which is what is saved."""
    polished: float = 0.3
    """Share of windows in which each pose is polished before the next step, as `solve` does."""
    rotation_weight: float = 1.0
    position_weight: float = 5.0
    sigma_weight: float = 0.02
    validate_every: int = 500
    begin: str = ""
    """A network file whose weights a new run begins with; "" for random ones."""


class Trainer(loop.Trainer):
    """A run: the data, the weights, and their running mean."""

    config: Config
    clips_gradient = True

    def __init__(self, config: Config, folder: str):
        super().__init__(config)
        self.iterations, self.report_every = config.iterations, config.validate_every
        self.backend = Backend(str(self.device), xp, self.device, torch.float32, "training")
        self.canonical = self.backend.array(canonical_matrix(CANONICAL))

        # Validation sees as many kinds of sharing, or none where training does not.
        body = load_body()
        rest, versions = body.joint_template, min(config.versions, 4)
        clips = Clips.load(folder, False, rest, config.versions, config.seed).to(self.device)
        self.validation_clips = Clips.load(folder, True, rest, versions, config.seed).to(
            self.device
        )
        self.sampler = Sampler(clips, body, self.backend, config, self.generator)

        self.weights = self._read_weights(config.begin) if config.begin else self._initial_weights()
        self.mean_weights = {name: value.detach().clone() for name, value in self.weights.items()}
        matrices = [w for w in self.weights.values() if w.ndim == 2]
        vectors = [w for w in self.weights.values() if w.ndim == 1]
        self.optimise(
            [
                {"params": matrices, "weight_decay": config.weight_decay},
                {"params": vectors, "weight_decay": 0.0},
            ]
        )

    def _initial_weights(self) -> dict[str, torch.Tensor]:
        weights = {}
        for name, shape in shapes(self.config.width, self.config.blocks).items():
            still = len(shape) == 1 or name == "out.weight"
            scale = 0.0 if still else shape[0] ** -0.5 * (0.5 if name.endswith(".up") else 1.0)
            value = scale * torch.randn(shape, generator=self.generator, device=self.device)
            weights[name] = value.requires_grad_()
        return weights

    def _read_weights(self, path: str) -> dict[str, torch.Tensor]:
        """The weights of a network file. Raises `ValueError` where they are not of this run's
        size."""
        weights = read_weights(Path(path))
        found = {name: value.shape for name, value in weights.items()}
        if found != shapes(self.config.width, self.config.blocks):
            raise ValueError(
                f"{path}: is not of width {self.config.width} with {self.config.blocks} blocks"
            )
        return {name: self.backend.array(value).requires_grad_() for name, value in weights.items()}

    # The loss.

    def loss(self) -> tuple[torch.Tensor, dict[str, float]]:
        """Mean over the steps of a batch of windows; each step's gradient goes no further back than
        itself."""
        c, batch = self.config, self.sampler.batch()
        S, model = c.unroll, batch.model
        network = Network(self.weights, self.canonical)
        now = model.state(batch.start, batch.trans[:, 0])
        weights = {
            "rotation": c.rotation_weight,
            "position": c.position_weight,
            "sigma": c.sigma_weight,
        }
        weights |= {
            "polished": c.polished * c.rotation_weight,
            "polished_position": c.polished * c.position_weight,
        }
        total, sums = torch.zeros((), device=self.device), dict.fromkeys(weights, 0.0)

        for step in range(S):
            with torch.no_grad():
                goal = model.state(batch.truth[:, step + 1], batch.trans[:, step + 1])
                targets = Targets(goal.keypoints + batch.noise[:, step], batch.mask[:, step])
            now, prediction = next_pose(
                network, model, batch.bones, now, targets, batch.stated_noise
            )
            parts = self._prediction_loss(now, prediction, goal)

            # Some go on polished, as in a take; the loss is differentiated through that, which
            # teaches the network what keypoints cannot see.
            if some := round(c.polished * c.batch):
                polished = self._polished(
                    model[:some], now, prediction, targets, batch.stated_noise
                )
                parts["polished"] = chord(polished.rotations, goal.rotations[:some]).mean()
                parts["polished_position"] = _apart(polished.joints, goal.joints[:some])
                now = _mapped(lambda new, old: torch.cat([new, old[some:]]), polished, now)

            total = total + sum(weights[name] * value for name, value in parts.items()) / S
            sums = {name: sums[name] + float(value.detach()) / S for name, value in parts.items()}
            now = _mapped(torch.Tensor.detach, now)
        return total, sums

    @staticmethod
    def _prediction_loss(
        now: State, prediction: Prediction, goal: State
    ) -> dict[str, torch.Tensor]:
        """Of the network's own output: rotations in radians, positions in metres, and how well it
        knows its error."""
        off = chord(prediction.rotations, goal.rotations)  # (B,24)
        surprise = (off.detach() / prediction.sigma).square().clamp(max=MOST_SURPRISE)
        return {
            "rotation": off.mean(),
            "position": _apart(now.joints, goal.joints) + _apart(now.keypoints, goal.keypoints),
            "sigma": (torch.log(prediction.sigma) + 0.5 * surprise).mean(),
        }

    @staticmethod
    def _polished(
        model: KeypointModel, now: State, prediction: Prediction, targets: Targets, noise
    ) -> State:
        """The windows of the model, the first of the batch, after one step of the polish."""
        some = slice(len(model.rest_joints))
        now = _mapped(lambda array: array[some], now)
        anchor = Anchor(now.rotations, prior_weight(prediction.sigma[some], noise[some]))
        seen = Targets(targets.positions[some], targets.weights[some])
        return polish(model, now, seen, anchor, steps=1, damping=POLISH_DAMPING).state

    def stepped(self) -> None:
        """The running mean follows the weights, at first closely."""
        decay = min(self.config.average, 1.0 - 1.0 / self.iteration)
        with torch.no_grad():
            for name, mean in self.mean_weights.items():
                mean.lerp_(self.weights[name], 1.0 - decay)

    # What it comes to.

    @torch.no_grad()
    def measure(self) -> dict[str, float]:
        """Of the network alone in sequence on BODY_25, exact: mean error in mm of the 22 body
        joints, pelvis on pelvis, in the first step, in all and in the last; and of their rotations
        in degrees."""
        data, clips, frames = self.validation_clips, VALIDATION_CLIPS, VALIDATION_FRAMES
        long = torch.nonzero(data.length >= frames).flatten()
        long = long[torch.linspace(0, len(long) - 1, clips).long()]
        index = data.first[long][:, None] + torch.arange(frames, device=self.device)
        version = torch.arange(clips, device=self.device) % len(data.rotations)
        truth = data.rotations[version[:, None], index]  # (B,T,24,3,3)
        trans = data.trans[index]  # (B,T,3)

        # The same bodies every time, which must not disturb what training draws.
        state = self.generator.get_state()
        self.generator.manual_seed(1)
        model, bones = self.sampler.bodies(clips)
        self.generator.set_state(state)

        network = Network(self.mean_weights, self.canonical)
        mask = self.sampler.shown(LAYOUTS["body_25"].sites).expand(clips, -1)
        exact = torch.zeros(clips, device=self.device)
        now = model.state(truth[:, 0], trans[:, 0])
        errors, angles = [], []
        for frame in range(1, frames):
            goal = model.state(truth[:, frame], trans[:, frame])
            now, _ = next_pose(network, model, bones, now, Targets(goal.keypoints, mask), exact)
            errors.append(
                1000.0 * _apart(*((s.joints - s.joints[:, :1])[:, :22] for s in (now, goal)))
            )
            angles.append(torch.rad2deg(chord(now.rotations, goal.rotations)[:, :22]).mean())
        return {
            "first_step": float(errors[0]),
            "mean": float(sum(errors) / len(errors)),
            "last": float(errors[-1]),
            "degrees": float(sum(angles) / len(angles)),
        }

    # Files.

    def weights_state(self) -> dict[str, Any]:
        return {
            "weights": {k: v.detach() for k, v in self.weights.items()},
            "mean_weights": self.mean_weights,
        }

    def restore_weights(self, state: dict[str, Any]) -> None:
        with torch.no_grad():
            for name, value in self.weights.items():
                value.copy_(state["weights"][name])
        self.mean_weights = state["mean_weights"]

    def export(self, row: dict[str, float]) -> None:
        """network.npz, as `load_network` reads it, and the curve."""
        weights = {k: v.cpu().numpy().astype(np.float16) for k, v in self.mean_weights.items()}
        about = (
            f"{self.iteration} iterations, {self.seconds / 60:.0f} minutes on {self.device.type}, "
        )
        about += f"{asdict(self.config)}"
        with replace_when_complete(self.out / "network.npz") as path:
            np.savez_compressed(path, about=np.array(about), **weights)
        draw_curve(self.log, self.out / "curve.png")


def chord(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Of rotations (...,3,3): the chord that stands for the angle between them, in radians where it
    is small."""
    return torch.linalg.matrix_norm(a - b) / math.sqrt(2.0)


def _apart(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Mean distance between points (...,3)."""
    return torch.linalg.vector_norm(a - b, dim=-1).mean()


def _mapped(function, *states: State) -> State:
    """A state whose arrays are a function of those of others."""
    return State(
        *(
            function(*(getattr(state, name) for state in states))
            for name in State.__dataclass_fields__
        )
    )


if __name__ == "__main__":
    loop.run(Trainer, Config, __doc__)
