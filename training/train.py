"""Train the residual network: `python -m training.train MOCAP_FOLDER --out runs/first`.

Each sample is a window of motion at a random stride, on a random body, seen through a random layout with noise and
gaps, and entered with a true, a perturbed or a plainly wrong pose. The network then goes through the window on its own
outputs (closed loop), which is what it will do in a take, and every step is held against the truth.

Writes checkpoint.pt (resumed from if it is there), network.npz (the averaged weights, for `lsmpl_core/data`), log.csv
and curve.png.
"""

from __future__ import annotations

import argparse
import csv
import math
import time
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

import numpy as np
import torch

from lsmpl_core.backends.arrays import Backend
from lsmpl_core.body.kinematics import KeypointModel, State
from lsmpl_core.body.load_body import load_body
from lsmpl_core.body.sites import site_parts
from lsmpl_core.body.skeleton import JOINT_NAMES
from lsmpl_core.files.replacing import replace_when_complete
from lsmpl_core.keypoints.layouts import LAYOUTS
from lsmpl_core.rotation import exp_map
from lsmpl_core.solver.network import CANONICAL, Network, canonical_matrix, read_weights, rest_bones, shapes
from lsmpl_core.solver.noise import prior_weight
from lsmpl_core.solver.polish import Anchor, Targets, polish
from lsmpl_core.solver.predictors import next_pose
from training.data import Clips, mirrored, mixed

LOOSE = {"wrist": 0.35, "collar": 0.08, "hand": 0.1, "foot": 0.1}
"""Joints by a part of their name, and the standard deviation in radians of a turn that lasts for a window."""
POLISH_DAMPING = 1e-6
"""In m²/rad²; a little more than when solving, for the gradient's sake."""
LASTING_NOISE = 0.7
"""Of a keypoint's noise, the share that stays for a window."""


@dataclass
class Config:
    """What a run does; every field is an option of the command line."""

    width: int = 512
    blocks: int = 3
    batch: int = 256
    unroll: int = 4
    """Closed-loop steps a window."""
    slow: float = 0.4
    """Share of windows that go frame by frame, as takes do: over long strides, less of a pose is worth keeping."""
    iterations: int = 30_000
    learning_rate: float = 2e-3
    warm_up: int = 500
    """Iterations in which the learning rate rises to its full height."""
    weight_decay: float = 0.01
    polished: float = 0.3
    """Share of windows in which each pose is polished before the next step, as `solve` does."""
    average: float = 0.999
    """Decay of the running mean of the weights, which is what is saved."""
    mix: float = 0.5
    """Share of windows that borrow limbs."""
    loose: float = 0.1
    """Share of windows in which joints that the data hardly moves, or moves wrongly, are turned (see `LOOSE`)."""
    shape_spread: float = 1.2
    """Standard deviation of the betas."""
    versions: int = 12
    """Persons by whom each clip is shared out (`redistribution.py`); 1 leaves all clips as recorded."""
    true_start: float = 0.7
    wrong_start: float = 0.08
    shared_start: float = 0.1
    """Shares of windows entered with the true pose, with another window's, and with the true one as another person
    would have shared it out; the rest is perturbed."""
    noise: float = 0.02
    """Most noise of a keypoint in metres, one standard deviation."""
    noisy: float = 0.4
    """Share of windows with noise."""
    gappy: float = 0.4
    """Share of windows in which keypoints drop out."""
    rotation_weight: float = 1.0
    position_weight: float = 5.0
    spread_weight: float = 0.02
    validate_every: int = 500
    minutes: float = math.inf
    """Stop, and save, after this long."""
    seed: int = 0
    threads: int = 0
    """CPU threads; 0 leaves the choice to torch. One a free core: with more, they mostly wait for each other."""
    device: str = "auto"
    begin: str = ""
    """A network file whose weights a new run begins with; "" for random ones."""
    out: str = "runs/network"


@dataclass
class Trainer:
    """A run: the data, the weights, their running mean, and how far it is."""

    config: Config
    folder: str
    backend: Backend = field(init=False)

    def __post_init__(self):
        c = self.config
        name = ("cuda" if torch.cuda.is_available() else "cpu") if c.device == "auto" else c.device
        import array_api_compat.torch as xp

        self.device = torch.device(name)
        np.finfo(np.float32), np.finfo(np.float64)  # Looked up once; without denormals it would warn.
        torch.set_flush_denormal(True)  # The zero last layer makes denormal gradients, which are ten times slower.
        if c.threads:
            torch.set_num_threads(c.threads)
        self.backend = Backend(name, xp, self.device, torch.float32, "training")
        self.generator = torch.Generator(self.device).manual_seed(c.seed)
        self.body = load_body()
        self.parts = site_parts(self.body, CANONICAL)
        self.canonical = self.backend.array(canonical_matrix(CANONICAL))
        self.layouts = torch.stack([self._shown(layout.sites) for layout in LAYOUTS.values()])
        rest = self.body.joint_template
        self.train_clips = Clips.load(self.folder, False, rest, c.versions, c.seed).to(self.device)
        self.validation_clips = Clips.load(self.folder, True, rest, 2 * min(c.versions, 2), c.seed).to(self.device)
        self.weights = self._read_weights(c.begin) if c.begin else self._initial_weights()
        self.mean_weights = {name: value.detach().clone() for name, value in self.weights.items()}
        matrices = [w for w in self.weights.values() if w.ndim == 2]
        vectors = [w for w in self.weights.values() if w.ndim == 1]
        self.optimiser = torch.optim.AdamW(
            [{"params": matrices, "weight_decay": c.weight_decay}, {"params": vectors, "weight_decay": 0.0}],
            lr=c.learning_rate,
            fused=self.device.type == "cuda" or None,
        )
        self.iteration, self.log, self.seconds = 0, [], 0.0

    def _initial_weights(self) -> dict[str, torch.Tensor]:
        weights = {}
        for name, shape in shapes(self.config.width, self.config.blocks).items():
            still = len(shape) == 1 or name == "out.weight"
            scale = 0.0 if still else shape[0] ** -0.5 * (0.5 if name.endswith(".up") else 1.0)
            value = scale * torch.randn(shape, generator=self.generator, device=self.device)
            weights[name] = value.requires_grad_()
        return weights

    def _read_weights(self, path: str) -> dict[str, torch.Tensor]:
        """The weights of a network file. Raises `ValueError` where they are not of this run's size."""
        weights = read_weights(Path(path))
        found = {name: value.shape for name, value in weights.items()}
        if found != shapes(self.config.width, self.config.blocks):
            raise ValueError(f"{path}: is not of width {self.config.width} with {self.config.blocks} blocks")
        return {name: self.backend.array(value).requires_grad_() for name, value in weights.items()}

    def _shown(self, sites) -> torch.Tensor:
        return torch.tensor([float(name in sites) for name in CANONICAL], device=self.device)

    # One batch of windows, and the loss over it.

    def bodies(self, count: int) -> tuple[KeypointModel, torch.Tensor]:
        """Random shapes: a keypoint model of `count` bodies and their bones."""
        spread = self.config.shape_spread
        betas = spread * torch.randn(count, 10, generator=self.generator, device=self.device).cpu().numpy()
        rest = self.body.joint_template + np.einsum("jcs,bs->bjc", self.body.joint_directions, betas)
        moments = self.parts.moment + np.einsum("pcs,bs->bpc", self.parts.moment_directions, betas)
        return KeypointModel.build(self.backend, rest, self.parts, moments), self.backend.array(rest_bones(rest))

    def window(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Poses (B,S+1,24,3,3), translations (B,S+1,3) and the first poses as another person's (B,24,3,3)."""
        c, g = self.config, self.generator
        rotations, trans, other = self.train_clips.windows(c.batch, c.unroll, g, c.slow)
        rotations = torch.cat([rotations, other[:, None]], dim=1)
        rotations, trans = mirrored(mixed(rotations, g, c.mix), trans, g)
        size = torch.zeros(24, device=self.device)
        for name, turn in LOOSE.items():
            size[[i for i, joint in enumerate(JOINT_NAMES) if name in joint]] = turn
        chosen = torch.rand(len(trans), 1, generator=g, device=self.device) < c.loose
        rotations = rotations @ self._turns(len(rotations), size * chosen)[:, None]
        return rotations[:, :-1], trans, rotations[:, -1]

    def _turns(self, count: int, size: torch.Tensor) -> torch.Tensor:
        """(B,24,3,3) random rotations with standard deviations `size` (24,) or (B,24) in radians."""
        vectors = torch.randn(count, 24, 3, generator=self.generator, device=self.device)
        return exp_map(vectors * size[..., None])

    def start(self, truth: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        """(B,24,3,3): the pose the network enters each window with."""
        c, B = self.config, len(truth)
        size = 0.5 * torch.rand(B, 1, generator=self.generator, device=self.device).square().expand(B, 24)
        perturbed = truth @ self._turns(B, size)
        wrong = torch.roll(truth, 1, 0).clone()
        wrong[:, 0] = truth[:, 0]
        wrong = wrong @ self._turns(B, torch.tensor([0.6] + [0.15] * 23, device=self.device))
        kind = torch.rand(B, 1, 1, 1, generator=self.generator, device=self.device)
        start = torch.where(kind < c.true_start, truth, perturbed)
        start = torch.where((kind >= c.true_start) & (kind < c.true_start + c.shared_start), other, start)
        return torch.where(kind > 1.0 - c.wrong_start, wrong, start)

    def visibility(self, count: int, steps: int) -> torch.Tensor:
        """(B,S,C) of 0 and 1: one layout a window; in some, keypoints drop out, singly or for the window."""
        g, device = self.generator, self.device
        which = torch.randint(len(self.layouts), (count,), generator=g, device=device)
        shown = self.layouts[which][:, None].repeat(1, steps, 1)
        rate = 0.5 * torch.rand(count, 1, 1, generator=g, device=device)
        rate = rate * (torch.rand(count, 1, 1, generator=g, device=device) < self.config.gappy)
        single = torch.rand(shown.shape, generator=g, device=device) < rate
        lasting = torch.rand(count, 1, len(CANONICAL), generator=g, device=device) < 0.5 * rate
        return shown * ~single * ~lasting

    def loss(self) -> tuple[torch.Tensor, dict[str, float]]:
        c, g = self.config, self.generator
        truth, trans, other = self.window()
        B, S = len(truth), c.unroll
        model, bones = self.bodies(B)
        mask = self.visibility(B, S)
        sigma = c.noise * torch.rand(B, 1, 1, 1, generator=g, device=self.device)
        sigma = sigma * (torch.rand(B, 1, 1, 1, generator=g, device=self.device) < c.noisy)
        noise = sigma * torch.randn(B, S, len(CANONICAL), 3, generator=g, device=self.device)
        lasting = LASTING_NOISE * sigma[:, 0] * torch.randn(B, len(CANONICAL), 3, generator=g, device=self.device)
        told = sigma[:, 0, 0, 0] * math.hypot(1.0, LASTING_NOISE)
        told = told * (0.7 + 0.6 * torch.rand(B, generator=g, device=self.device))
        network = Network(self.weights, self.canonical)
        now = model.state(self.start(truth[:, 0], other), trans[:, 0])
        total, sums = 0.0, {"rotation": 0.0, "position": 0.0, "spread": 0.0, "polished": 0.0}
        for step in range(S):
            with torch.no_grad():
                goal = model.state(truth[:, step + 1], trans[:, step + 1])
                targets = Targets(goal.keypoints + noise[:, step] + lasting, mask[:, step])
            now, prediction = next_pose(network, model, bones, now, targets, told)
            chord = _chord(prediction.rotations, truth[:, step + 1])
            position = torch.linalg.vector_norm(now.joints - goal.joints, dim=-1).mean()
            position = position + torch.linalg.vector_norm(now.keypoints - goal.keypoints, dim=-1).mean()
            error = chord.detach() / prediction.sigma
            spread = (torch.log(prediction.sigma) + 0.5 * error.square().clamp(max=100.0)).mean()
            parts = {"rotation": chord.mean(), "position": position, "spread": spread}
            weight = {"rotation": c.rotation_weight, "position": c.position_weight, "spread": c.spread_weight}
            if some := round(c.polished * B):
                polished = self.polished(model[:some], now, prediction.sigma, targets, told, some)
                apart = torch.linalg.vector_norm(polished.joints - goal.joints[:some], dim=-1).mean()
                parts["polished"] = _chord(polished.rotations, truth[:some, step + 1]).mean()
                total = total + c.polished * c.position_weight * apart / S
                weight["polished"] = c.polished * c.rotation_weight
                now = _mapped(lambda new, old: torch.cat([new, old[some:]]), polished, now)
            total = total + sum(weight[name] * value for name, value in parts.items()) / S
            sums = {name: sums[name] + float(parts[name].detach()) / S for name in parts}
            now = _mapped(torch.Tensor.detach, now)
        return total, sums

    @staticmethod
    def polished(model: KeypointModel, now: State, spread, targets: Targets, noise, count: int) -> State:
        """The first `count` windows after a step of the polish, through which the loss is differentiated."""
        now = _mapped(lambda a: a[:count], now)
        anchor = Anchor(now.rotations, prior_weight(spread[:count], noise[:count]))
        some = Targets(targets.positions[:count], targets.weights[:count])
        return polish(model, now, some, anchor, steps=1, damping=POLISH_DAMPING).state

    # Running.

    def train(self) -> None:
        c = self.config
        self.resume()
        began = time.monotonic() - self.seconds
        running: dict[str, float] = {}
        while self.iteration < c.iterations and time.monotonic() - began < 60.0 * c.minutes:
            rate = c.learning_rate * self._schedule((time.monotonic() - began) / 60.0)
            for group in self.optimiser.param_groups:
                group["lr"] = rate
            loss, parts = self.loss()
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(list(self.weights.values()), 1.0)
            self.optimiser.step()
            self.iteration += 1
            decay = min(c.average, 1.0 - 1.0 / self.iteration)
            with torch.no_grad():
                for name, mean in self.mean_weights.items():
                    mean.lerp_(self.weights[name], 1.0 - decay)
            running = {k: 0.98 * running.get(k, v) + 0.02 * v for k, v in parts.items()}
            self.seconds = time.monotonic() - began
            if self.iteration % c.validate_every == 0:
                self.report(running)
        if not self.log or self.log[-1]["iteration"] != self.iteration:
            self.report(running)

    def _schedule(self, minutes: float) -> float:
        """Warm-up, then a cosine down to a hundredth, by iterations or by minutes, whichever runs out first."""
        done = max(self.iteration / self.config.iterations, minutes / self.config.minutes)
        return min(1.0, (self.iteration + 1) / self.config.warm_up) * (
            0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * min(done, 1.0)))
        )

    @torch.no_grad()
    def validate(self, clips: int = 24, frames: int = 120) -> dict[str, float]:
        """Of the network alone in sequence on BODY_25: mean error in mm of the 22 body joints, pelvis on pelvis, and in
        degrees of their rotations; on clips shared out as by some person, or as recorded where there is one version."""
        data = self.validation_clips
        long = torch.nonzero(data.length >= frames).flatten()
        long = long[torch.linspace(0, len(long) - 1, clips).long()]
        index = data.first[long][:, None] + torch.arange(frames, device=self.device)
        version = torch.arange(clips, device=self.device) % len(data.rotations)
        truth, trans = data.rotations[version[:, None], index], data.trans[index]
        state = self.generator.get_state()
        self.generator.manual_seed(1)
        model, bones = self.bodies(clips)
        self.generator.set_state(state)
        network = Network(self.mean_weights, self.canonical)
        mask = self._shown(LAYOUTS["body_25"].sites).expand(clips, -1)
        exact = torch.zeros(clips, device=self.device)
        now = model.state(truth[:, 0], trans[:, 0])
        errors, angles = [], []
        for frame in range(1, frames):
            goal = model.state(truth[:, frame], trans[:, frame])
            now, _ = next_pose(network, model, bones, now, Targets(goal.keypoints, mask), exact)
            difference = (now.joints - now.joints[:, :1]) - (goal.joints - goal.joints[:, :1])
            errors.append(1000.0 * torch.linalg.vector_norm(difference[:, :22], dim=-1).mean())
            angles.append(torch.rad2deg(_chord(now.rotations, goal.rotations)[:, :22]).mean())
        return {
            "first_step": float(errors[0]),
            "mean": float(sum(errors) / len(errors)),
            "last": float(errors[-1]),
            "degrees": float(sum(angles) / len(angles)),
        }

    # Files.

    def report(self, parts: dict[str, float]) -> None:
        row = {"iteration": self.iteration, "minutes": round(self.seconds / 60.0, 2), **parts, **self.validate()}
        self.log.append(row)
        print("  ".join(f"{k} {v:.4g}" for k, v in row.items()), flush=True)
        self.save()

    def save(self) -> None:
        out = Path(self.config.out)
        out.mkdir(parents=True, exist_ok=True)
        state = {
            "weights": {k: v.detach() for k, v in self.weights.items()},
            "mean_weights": self.mean_weights,
            "optimiser": self.optimiser.state_dict(),
            "iteration": self.iteration,
            "seconds": self.seconds,
            "log": self.log,
        }
        torch.save(state, out / "checkpoint.new")
        (out / "checkpoint.new").replace(out / "checkpoint.pt")
        weights = {k: v.cpu().numpy().astype(np.float16) for k, v in self.mean_weights.items()}
        about = (
            f"{self.iteration} iterations, {self.seconds / 60:.0f} minutes on {self.device.type}, {asdict(self.config)}"
        )
        with replace_when_complete(out / "network.npz") as path:
            np.savez_compressed(path, about=np.array(about), **weights)
        with open(out / "log.csv", "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=list(self.log[-1]))
            writer.writeheader()
            writer.writerows(self.log)
        draw_curve(self.log, out / "curve.png")

    def resume(self) -> None:
        path = Path(self.config.out) / "checkpoint.pt"
        if not path.exists():
            return
        state = torch.load(path, map_location=self.device, weights_only=True)
        with torch.no_grad():
            for name, value in self.weights.items():
                value.copy_(state["weights"][name])
        self.mean_weights = state["mean_weights"]
        self.optimiser.load_state_dict(state["optimiser"])
        self.iteration, self.seconds, self.log = state["iteration"], state["seconds"], state["log"]
        print(f"resumed at iteration {self.iteration}")


def _chord(a, b):
    """Of rotations (...,3,3): the chord that stands for the angle between them, in radians where it is small."""
    return torch.linalg.matrix_norm(a - b) / math.sqrt(2.0)


def _mapped(function, *states: State) -> State:
    """A state whose arrays are a function of those of others."""
    return State(*(function(*(getattr(state, name) for state in states)) for name in State.__dataclass_fields__))


def draw_curve(log: list[dict[str, float]], path: Path) -> None:
    """The training curve: losses on the left axis, validation error in mm on the right."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, left = plt.subplots(figsize=(7, 4))
    right = left.twinx()
    at = [row["iteration"] for row in log]
    left.plot(at, [row["rotation"] for row in log], "C0", label="rotation loss, rad")
    left.plot(at, [row["position"] for row in log], "C1", label="position loss, m")
    right.plot(at, [row["mean"] for row in log], "C3", label="validation, mm in sequence")
    left.set_xlabel("iteration")
    left.set_yscale("log")
    right.set_yscale("log")
    lines = left.get_lines() + right.get_lines()
    left.legend(lines, [line.get_label() for line in lines], fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="motion in the AMASS layout (.npz)")
    for option in fields(Config):
        kind = type(option.default)
        parser.add_argument(f"--{option.name.replace('_', '-')}", type=kind, default=option.default)
    arguments = vars(parser.parse_args())
    Trainer(folder=arguments.pop("folder"), config=Config(**arguments)).train()


if __name__ == "__main__":
    main()
