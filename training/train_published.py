"""Train the network of Learnable SMPLify by its published recipe: `python -m
training.train_published AMASS_FOLDER`.

Pairs of frames at a random stride of 1, 3, 5, 7 or 9, half of them the other way round, begin at
every tenth frame of clips at 30 Hz whose first and last tenth is left out. From the true first
pose, betas and translations the network predicts the second pose; its rotations, vertices and
keypoints are held against the truth. Source: the authors' code, Charrrrrlie/Learnable-SMPLify at
commit bf789ea (`lsmpl_core/published/network.py` has the network).

Writes best_ckpt.pth.tar (the epoch with the least vertex error at stride 9 on the clips held out,
as the authors choose theirs), checkpoint.pt (resumed from if it is there) and log.csv.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lsmpl_core.body.load_body import load_body
from lsmpl_core.body.sites import site_regressor
from lsmpl_core.keypoints.layouts import BODY_25
from lsmpl_core.metrics import MILLIMETRES, vertex_areas
from lsmpl_core.published.body import PublishedBody, with_hands
from lsmpl_core.published.network import NUM_VERTICES, PREDICTED, PublishedNetwork, read_checkpoint
from lsmpl_core.rotation import exp_map
from training import loop
from training.data import STRIDES, intact_frames, motions
from training.split import is_validation

FRAME_RATE = 30
START_EVERY, TEST_EVERY, TEST_STRIDE = 10, 100, 9
HELD_OUT = 0.3
"""Share of the files, in the authors' split by file."""
SPLITS = ("subject", "file")


@dataclass
class Config(loop.RunConfig):
    """What a run does; every field is an option of the command line. The defaults are the
    authors'."""

    epochs: int = 100
    batch: int = 128
    learning_rate: float = 1e-4
    least_learning_rate: float = 1e-6
    weight_decay: float = 0.1
    rotation_weight: float = 1.0
    vertex_weight: float = 1.0
    keypoint_weight: float = 5.0
    split: str = "subject"
    """Held out: "subject", those of validation_subjects.txt; "file", a random 30 % of the files, as
    published."""
    shape_sigma: float = 0.0
    """Standard deviation of betas that are drawn anew for each pair; 0 keeps the clips' own, as
    published."""
    vertices: int = 0
    """Take the vertex loss on this many, drawn anew each time in proportion to their area; 0: on
    all, as published."""
    body: str = ""
    """SMPL body file; "" for the open body."""
    regressor: str = ""
    """Checkpoint whose keypoint regressor is used; "" for the body's own sites."""
    out: str = "runs/published"


@dataclass
class Pairs:
    """Frames of all clips, one after the other: poses (N,24,3), trans (N,3), betas (N,10), intact
    (N,); and those frames (S,) at which a pair may begin."""

    poses: torch.Tensor
    trans: torch.Tensor
    betas: torch.Tensor
    intact: torch.Tensor
    starts: torch.Tensor

    @classmethod
    def load(cls, paths: list[Path], every: int) -> Pairs:
        """Pairs that begin at every so many frames of clips in the AMASS layout; files that are
        none are left out."""
        poses, trans, betas, intact, starts, total = [], [], [], [], [], 0
        for motion in motions(paths):
            step = max(1, int(motion.fps / FRAME_RATE))
            kept = slice(int(0.1 * len(motion)), int(0.9 * len(motion)), step)
            clip = motion.poses[kept]
            if len(clip) <= max(STRIDES) + 1:
                continue
            poses.append(clip.astype(np.float32))
            trans.append(motion.trans[kept].astype(np.float32))
            betas.append(np.repeat(motion.betas[None].astype(np.float32), len(clip), axis=0))
            intact.append(intact_frames(clip, exp_map(clip)))
            starts.append(total + np.arange(0, len(clip) - max(STRIDES), every))
            total += len(clip)
        if not poses:
            raise SystemExit(
                "no clip is left to train or to test on; expected npz files in the AMASS layout"
            )
        return cls(
            *(
                torch.tensor(np.concatenate(parts))
                for parts in (poses, trans, betas, intact, starts)
            )
        )

    def to(self, device) -> Pairs:
        return Pairs(*(getattr(self, name).to(device) for name in self.__dataclass_fields__))

    def intact_pairs(
        self, starts: torch.Tensor, strides: torch.Tensor | int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """First and second frames of the pairs without damage."""
        ends = starts + strides
        good = self.intact[starts] & self.intact[ends]
        return starts[good], ends[good]


class Trainer(loop.Trainer):
    """A run: the pairs and the network. A report of the loop is an epoch."""

    config: Config

    def __init__(self, config: Config, folder: str):
        if config.split not in SPLITS:
            raise SystemExit(f"--split is {config.split!r}; choose one of: {', '.join(SPLITS)}")
        super().__init__(config)
        train, test = split_files(sorted(Path(folder).rglob("*.npz")), config.split, config.seed)
        self.pairs = Pairs.load(train, START_EVERY).to(self.device)
        self.test_pairs = Pairs.load(test, TEST_EVERY).to(self.device)

        # Where keypoints are on the body: as somebody else's checkpoint says, or as the body's own
        # sites do.
        body = load_body(config.body or None)
        self.network = PublishedNetwork()
        if config.regressor:
            self.network.openpose_regressor.copy_(
                read_checkpoint(config.regressor)["openpose_regressor"]
            )
        elif len(body.v_template) == NUM_VERTICES:
            self.network.openpose_regressor.copy_(
                torch.as_tensor(site_regressor(body, BODY_25.sites))
            )
        self.network.to(self.device)
        self.body = PublishedBody(body, self.network.openpose_regressor, device=self.device)
        self.areas = torch.as_tensor(vertex_areas(body), device=self.device)

        trained = [p for p in self.network.parameters() if p.requires_grad]
        self.optimise([{"params": trained, "weight_decay": config.weight_decay}])
        self.report_every = math.ceil(len(self.pairs.starts) / config.batch)
        self.iterations = config.epochs * self.report_every
        self.batches, self.best = self._batches(), math.inf

    @property
    def epoch(self) -> int:
        return self.iteration // self.report_every

    def _batches(self) -> Iterator[torch.Tensor]:
        """Frames at which pairs begin, all of them in a new order every epoch."""
        while True:
            order = torch.randperm(
                len(self.pairs.starts), generator=self.generator, device=self.device
            )
            yield from self.pairs.starts[order].split(self.config.batch)

    # One batch of pairs.

    def truth(self, pairs: Pairs, frames: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Rotations (B,24,3,3), hands at rest, and translations (B,3) of some frames."""
        return with_hands(exp_map(pairs.poses[frames, :PREDICTED])), pairs.trans[frames]

    def predicted(
        self, pairs: Pairs, first: torch.Tensor, second: torch.Tensor, betas: torch.Tensor
    ) -> torch.Tensor:
        """Rotations (B,22,3,3) of the second frames."""
        begin, goal = (
            self.body.keypoints(*self.truth(pairs, frames), betas) for frames in (first, second)
        )
        return self.network(begin, goal, pairs.poses[first].flatten(1), betas)

    def loss(self) -> tuple[torch.Tensor, dict[str, float]]:
        self.network.train()
        first, second = self.drawn(next(self.batches))
        c, betas = self.config, self.pairs.betas[first]
        if c.shape_sigma:
            betas = c.shape_sigma * torch.randn(
                betas.shape, generator=self.generator, device=self.device
            )

        rotations = self.predicted(self.pairs, first, second, betas)
        goal, trans = self.truth(self.pairs, second)
        posed, still = with_hands(rotations), torch.zeros_like(trans)
        which: slice | torch.Tensor = slice(None)
        if c.vertices:
            which = torch.multinomial(
                self.areas, c.vertices, replacement=True, generator=self.generator
            )
        parts = {
            "rotation": 2.0 / math.pi * geodesic(rotations, goal[:, :PREDICTED]).mean(),
            "vertices": _apart(
                *(self.body.vertices(pose, still, betas, which) for pose in (posed, goal))
            ),
            "keypoints": _apart(
                *(self.body.keypoints(pose, trans, betas) for pose in (posed, goal))
            ),
        }
        weights = (c.rotation_weight, c.vertex_weight, c.keypoint_weight)
        loss = torch.stack([w * part for w, part in zip(weights, parts.values())]).sum()
        return loss, {name: float(part.detach()) for name, part in parts.items()}

    def drawn(self, starts: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """First and second frames of pairs at random strides, half of them the other way round."""
        strides = torch.tensor(STRIDES, device=self.device)
        chosen = torch.randint(
            len(STRIDES), starts.shape, generator=self.generator, device=self.device
        )
        first, second = self.pairs.intact_pairs(starts, strides[chosen])
        back = torch.rand(first.shape, generator=self.generator, device=self.device) < 0.5
        return torch.where(back, second, first), torch.where(back, first, second)

    @torch.no_grad()
    def test_error(self) -> float:
        """Mean vertex error in mm at stride 9, pelvis on pelvis, on the clips held out; betas as in
        training."""
        self.network.eval()
        pairs, total, count = self.test_pairs, 0.0, 0
        shapes = torch.Generator(self.device).manual_seed(1)
        for starts in pairs.starts.split(self.config.batch):
            first, second = pairs.intact_pairs(starts, TEST_STRIDE)
            betas = pairs.betas[first]
            if self.config.shape_sigma:
                betas = self.config.shape_sigma * torch.randn(
                    betas.shape, generator=shapes, device=self.device
                )
            posed = with_hands(self.predicted(pairs, first, second, betas))
            goal = self.truth(pairs, second)[0]
            still = torch.zeros_like(pairs.trans[first])
            a, b = (self.body.vertices(pose, still, betas) for pose in (posed, goal))
            apart = torch.linalg.vector_norm(a - b, dim=-1)
            apart = (
                (apart * self.areas).sum(dim=1) / self.areas.sum()
                if self.config.vertices
                else apart.mean(dim=1)
            )
            total, count = total + float(apart.sum()), count + len(first)
        return MILLIMETRES * total / max(count, 1)

    def measure(self) -> dict[str, float]:
        return {"epoch": self.epoch, "test": self.test_error()}

    # Files.

    def weights_state(self) -> dict[str, Any]:
        return {"model": self._model(), "best": self.best}

    def restore_weights(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["model"])
        self.best = state["best"]

    def export(self, row: dict[str, float]) -> None:
        """best_ckpt.pth.tar, where no epoch before was as good."""
        if row["test"] < self.best:
            self.best = row["test"]
            loop.save(
                {"model": self._model(), "epochs": self.epoch}, self.out / "best_ckpt.pth.tar"
            )

    def _model(self) -> dict[str, torch.Tensor]:
        return {name: tensor.cpu() for name, tensor in self.network.state_dict().items()}


def split_files(paths: list[Path], split: str, seed: int) -> tuple[list[Path], list[Path]]:
    """Files to train on and files held out, by subject or at random (see `Config.split`)."""
    if split == "subject":
        return [p for p in paths if not is_validation(p)], [p for p in paths if is_validation(p)]
    order = np.random.default_rng(seed).permutation(len(paths))
    held = set(order[: round(HELD_OUT * len(paths))].tolist())
    return [p for i, p in enumerate(paths) if i not in held], [paths[i] for i in sorted(held)]


def geodesic(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Angle in radians between rotations (...,3,3), kept off 0 and pi, where its gradient has no
    bound."""
    cosine = 0.5 * ((a * b).sum(dim=(-1, -2)) - 1.0)
    return torch.acos(cosine.clamp(-1.0 + 1e-7, 1.0 - 1e-7))


def _apart(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return torch.linalg.vector_norm(a - b, dim=-1).mean()


if __name__ == "__main__":
    loop.run(Trainer, Config, __doc__)
