"""The one loop: what both trainers share, from the options of a command line to checkpoints.

A `Trainer` says what a loss is, what is measured between, and what is kept; this module steps, logs
and resumes.
"""

from __future__ import annotations

import argparse
import csv
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lsmpl_core.files.replacing import replace_when_complete

CLIP_NORM = 1.0
"""Norm of the gradient beyond which it is shortened, where a trainer wants that."""


@dataclass
class RunConfig:
    """What any run does; every field is an option of the command line."""

    learning_rate: float = 1e-3
    least_learning_rate: float = 1e-5
    """Where the cosine ends."""
    warm_up: int = 0
    """Iterations in which the learning rate rises to its full height."""
    weight_decay: float = 0.01
    minutes: float = math.inf
    """Stop, and save, after this long; the learning rate falls accordingly."""
    seed: int = 0
    threads: int = 0
    """CPU threads; 0 leaves the choice to torch. One a free core: with more, they mostly wait for
    each other."""
    device: str = "auto"
    out: str = "runs/network"


class Trainer(ABC):
    """A run: what is trained, its optimiser, and how far it is.

    A subclass sets up its data and weights, then calls `optimise`. iterations: how many in all;
    report_every: after how many it is measured and saved.
    """

    iterations: int
    report_every: int
    optimiser: torch.optim.Optimizer
    clips_gradient = False

    def __init__(self, config: RunConfig):
        if config.threads:
            torch.set_num_threads(config.threads)
        # A zero last layer makes denormal gradients, which are ten times slower. NumPy looks at its
        # floats once, and would warn of a machine without denormals.
        np.finfo(np.float32), np.finfo(np.float64)
        torch.set_flush_denormal(True)

        name = (
            ("cuda" if torch.cuda.is_available() else "cpu")
            if config.device == "auto"
            else config.device
        )
        self.device = torch.device(name)
        torch.manual_seed(config.seed)
        self.generator = torch.Generator(self.device).manual_seed(config.seed)
        self.config, self.out = config, Path(config.out)
        self.iteration, self.seconds = 0, 0.0
        self.log: list[dict[str, float]] = []

    def optimise(self, groups: list[dict[str, Any]]) -> None:
        """Sets the optimiser up; groups of parameters as AdamW takes them."""
        fused = True if self.device.type == "cuda" else None
        self.optimiser = torch.optim.AdamW(groups, lr=self.config.learning_rate, fused=fused)

    # What a trainer says.

    @abstractmethod
    def loss(self) -> tuple[torch.Tensor, dict[str, float]]:
        """Of a batch that it draws; and its parts, by name, for the log."""

    @abstractmethod
    def measure(self) -> dict[str, float]:
        """Errors on motion that is held out, by name."""

    @abstractmethod
    def weights_state(self) -> dict[str, Any]:
        """What a checkpoint holds of the weights."""

    @abstractmethod
    def restore_weights(self, state: dict[str, Any]) -> None:
        """The weights of a checkpoint."""

    @abstractmethod
    def export(self, row: dict[str, float]) -> None:
        """Writes what the run is for; row: what was measured."""

    def stepped(self) -> None:  # noqa: B027
        """Called after every step of the optimiser."""

    # The loop.

    def train(self) -> None:
        self.resume()
        began = time.monotonic() - self.seconds
        sums: dict[str, float] = {}
        since = self.iteration
        while self.iteration < self.iterations and self.seconds < 60.0 * self.config.minutes:
            rate = self.rate()
            for group in self.optimiser.param_groups:
                group["lr"] = rate

            loss, parts = self.loss()
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()
            if self.clips_gradient:
                trained = [p for group in self.optimiser.param_groups for p in group["params"]]
                torch.nn.utils.clip_grad_norm_(trained, CLIP_NORM)
            self.optimiser.step()

            self.iteration += 1
            self.stepped()
            sums = {name: sums.get(name, 0.0) + value for name, value in parts.items()}
            self.seconds = time.monotonic() - began
            if self.iteration % self.report_every == 0:
                self.report(
                    {name: value / (self.iteration - since) for name, value in sums.items()}
                )
                sums, since = {}, self.iteration

        # The end of a run that was stopped by the clock.
        if self.iteration > since:
            self.report({name: value / (self.iteration - since) for name, value in sums.items()})

    def rate(self) -> float:
        """Warm-up, then a cosine, by iterations or by minutes, whichever runs out first."""
        c = self.config
        done = max(self.iteration / self.iterations, self.seconds / 60.0 / c.minutes)
        warm = min(1.0, (self.iteration + 1) / max(c.warm_up, 1))
        return warm * cosine(done, c.learning_rate, c.least_learning_rate)

    # Files.

    def report(self, parts: dict[str, float]) -> None:
        """Measures, prints, and saves checkpoint.pt, log.csv and what the run is for."""
        row: dict[str, float] = {
            "iteration": self.iteration,
            "minutes": round(self.seconds / 60.0, 2),
            **parts,
            **self.measure(),
        }
        self.log.append(row)
        print("  ".join(f"{name} {value:.4g}" for name, value in row.items()), flush=True)

        self.out.mkdir(parents=True, exist_ok=True)
        self.export(row)
        state: dict[str, Any] = {"optimiser": self.optimiser.state_dict(), "log": self.log}
        state |= {"iteration": self.iteration, "seconds": self.seconds, **self.weights_state()}
        save(state, self.out / "checkpoint.pt")
        with open(self.out / "log.csv", "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=list(row))
            writer.writeheader()
            writer.writerows(self.log)

    def resume(self) -> None:
        path = self.out / "checkpoint.pt"
        if not path.exists():
            return
        state = torch.load(path, map_location=self.device, weights_only=True)
        self.restore_weights(state)
        self.optimiser.load_state_dict(state["optimiser"])
        self.iteration, self.seconds, self.log = state["iteration"], state["seconds"], state["log"]
        print(f"resumed at iteration {self.iteration}")


def cosine(done: float, high: float, low: float) -> float:
    """From high to low while done goes from 0 to 1."""
    return low + (high - low) * 0.5 * (1.0 + math.cos(math.pi * min(done, 1.0)))


def save(state: dict[str, Any], path: Path) -> None:
    with replace_when_complete(path) as scratch:
        torch.save(state, scratch)


def run(trainer: Callable[..., Trainer], config: type[RunConfig], about: str) -> None:
    """The command line: a folder of motion, and every field of the configuration as an option."""
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("folder", help="motion in the AMASS layout (.npz)")
    for option in fields(config):
        kind = type(option.default)
        parser.add_argument(f"--{option.name.replace('_', '-')}", type=kind, default=option.default)
    arguments = vars(parser.parse_args())
    trainer(folder=arguments.pop("folder"), config=config(**arguments)).train()
