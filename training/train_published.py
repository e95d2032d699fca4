"""Train the network of Learnable SMPLify by its published recipe: `python -m training.train_published AMASS_FOLDER`.

Pairs of frames at a random stride of 1, 3, 5, 7 or 9, half of them the other way round, begin at every tenth frame of
clips at 30 Hz whose first and last tenth is left out. From the true first pose, betas and translations the network
predicts the second pose; its rotations, vertices and keypoints are held against the truth. Source: the authors' code,
Charrrrrlie/Learnable-SMPLify at commit bf789ea (`lsmpl_core/published/network.py` has the network).

Writes best_ckpt.pth.tar (the epoch with the least vertex error at stride 9 on the clips held out, as the authors choose
theirs), checkpoint.pt (resumed from if it is there) and log.csv.
"""

from __future__ import annotations

import argparse
import csv
import math
import time
from dataclasses import dataclass, field, fields
from pathlib import Path

import numpy as np
import torch

from lsmpl_core.body.load_body import load_body
from lsmpl_core.body.sites import site_regressor
from lsmpl_core.files.replacing import replace_when_complete
from lsmpl_core.keypoints.layouts import BODY_25
from lsmpl_core.metrics import MILLIMETRES, vertex_areas
from lsmpl_core.published.body import PublishedBody, with_hands
from lsmpl_core.published.network import NUM_VERTICES, PREDICTED, PublishedNetwork, read_checkpoint
from lsmpl_core.rotation import exp_map
from training.data import STRIDES, intact_frames, motions
from training.split import is_validation

FRAME_RATE = 30
START_EVERY, TEST_EVERY, TEST_STRIDE = 10, 100, 9
HELD_OUT = 0.3
"""Share of the files, in the authors' split by file."""
SPLITS = ("subject", "file")


@dataclass
class Config:
    """What a run does; every field is an option of the command line. The defaults are the authors'."""

    epochs: int = 100
    batch: int = 128
    learning_rate: float = 1e-4
    least_learning_rate: float = 1e-6
    weight_decay: float = 0.1
    rotation_weight: float = 1.0
    vertex_weight: float = 1.0
    keypoint_weight: float = 5.0
    split: str = "subject"
    """Held out: "subject", those of validation_subjects.txt; "file", a random 30 % of the files, as published."""
    shape_spread: float = 0.0
    """Standard deviation of betas that are drawn anew for each pair; 0 keeps the clips' own, as published."""
    vertices: int = 0
    """Take the vertex loss on this many, drawn anew each time in proportion to their area; 0: on all, as published."""
    body: str = ""
    """SMPL body file; "" for the open body."""
    regressor: str = ""
    """Checkpoint whose keypoint regressor is used; "" for the body's own sites."""
    seed: int = 0
    threads: int = 0
    device: str = "auto"
    out: str = "runs/published"


@dataclass
class Pairs:
    """Frames of all clips, one after the other: poses (N,24,3), trans (N,3), betas (N,10), intact (N,); and those
    frames (S,) at which a pair may begin."""

    poses: torch.Tensor
    trans: torch.Tensor
    betas: torch.Tensor
    intact: torch.Tensor
    starts: torch.Tensor

    @classmethod
    def load(cls, paths: list[Path], every: int) -> Pairs:
        """Pairs that begin at every so many frames of clips in the AMASS layout; files that are none are left out."""
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
            raise SystemExit("no clip is left to train or to test on; expected npz files in the AMASS layout")
        return cls(*(torch.tensor(np.concatenate(parts)) for parts in (poses, trans, betas, intact, starts)))

    def to(self, device) -> Pairs:
        return Pairs(*(getattr(self, name).to(device) for name in self.__dataclass_fields__))

    def intact_pairs(self, starts: torch.Tensor, strides: torch.Tensor | int) -> tuple[torch.Tensor, torch.Tensor]:
        """First and second frames of the pairs without damage."""
        ends = starts + strides
        good = self.intact[starts] & self.intact[ends]
        return starts[good], ends[good]


@dataclass
class Trainer:
    """A run: the pairs, the network, and how far it is."""

    config: Config
    folder: str
    log: list[dict[str, float]] = field(default_factory=list)

    def __post_init__(self):
        c = self.config
        if c.split not in SPLITS:
            raise SystemExit(f"--split is {c.split!r}; choose one of: {', '.join(SPLITS)}")
        if c.threads:
            torch.set_num_threads(c.threads)
        name = ("cuda" if torch.cuda.is_available() else "cpu") if c.device == "auto" else c.device
        self.device = torch.device(name)
        torch.manual_seed(c.seed)
        self.generator = torch.Generator(self.device).manual_seed(c.seed)
        train, test = split_files(sorted(Path(self.folder).rglob("*.npz")), c.split, c.seed)
        self.pairs = Pairs.load(train, START_EVERY).to(self.device)
        self.test_pairs = Pairs.load(test, TEST_EVERY).to(self.device)
        body = load_body(c.body or None)
        self.network = PublishedNetwork()
        if c.regressor:
            self.network.openpose_regressor.copy_(read_checkpoint(c.regressor)["openpose_regressor"])
        elif len(body.v_template) == NUM_VERTICES:
            self.network.openpose_regressor.copy_(torch.as_tensor(site_regressor(body, BODY_25.sites)))
        self.network.to(self.device)
        self.body = PublishedBody(body, self.network.openpose_regressor, device=self.device)
        self.areas = torch.as_tensor(vertex_areas(body), device=self.device)
        self.optimiser = torch.optim.AdamW(
            [p for p in self.network.parameters() if p.requires_grad], lr=c.learning_rate, weight_decay=c.weight_decay
        )
        self.per_epoch = math.ceil(len(self.pairs.starts) / c.batch)
        self.epoch, self.seconds, self.best = 0, 0.0, math.inf

    # One batch of pairs.

    def truth(self, pairs: Pairs, frames: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Rotations (B,24,3,3), hands at rest, and translations (B,3) of some frames."""
        return with_hands(exp_map(pairs.poses[frames, :PREDICTED])), pairs.trans[frames]

    def predicted(self, pairs: Pairs, first: torch.Tensor, second: torch.Tensor, betas: torch.Tensor) -> torch.Tensor:
        """Rotations (B,22,3,3) of the second frames."""
        begin, goal = (self.body.keypoints(*self.truth(pairs, frames), betas) for frames in (first, second))
        return self.network(begin, goal, pairs.poses[first].flatten(1), betas)

    def loss(self, first: torch.Tensor, second: torch.Tensor) -> tuple[torch.Tensor, dict[str, float]]:
        c, betas = self.config, self.pairs.betas[first]
        if c.shape_spread:
            shape = (len(first), betas.shape[1])
            betas = c.shape_spread * torch.randn(shape, generator=self.generator, device=self.device)
        rotations = self.predicted(self.pairs, first, second, betas)
        goal, trans = self.truth(self.pairs, second)
        posed, still = with_hands(rotations), torch.zeros_like(trans)
        which = slice(None)
        if c.vertices:
            which = torch.multinomial(self.areas, c.vertices, replacement=True, generator=self.generator)
        parts = {
            "rotation": 2.0 / math.pi * geodesic(rotations, goal[:, :PREDICTED]).mean(),
            "vertices": _apart(*(self.body.vertices(pose, still, betas, which) for pose in (posed, goal))),
            "keypoints": _apart(*(self.body.keypoints(pose, trans, betas) for pose in (posed, goal))),
        }
        weights = (c.rotation_weight, c.vertex_weight, c.keypoint_weight)
        return sum(w * part for w, part in zip(weights, parts.values())), {
            k: float(v.detach()) for k, v in parts.items()
        }

    # Running.

    def train(self) -> None:
        c = self.config
        self.resume()
        began = time.monotonic() - self.seconds
        while self.epoch < c.epochs:
            self.network.train()
            sums: dict[str, float] = {}
            order = torch.randperm(len(self.pairs.starts), generator=self.generator, device=self.device)
            for batch, some in enumerate(order.split(c.batch)):
                rate = cosine((self.epoch * self.per_epoch + batch) / (c.epochs * self.per_epoch), c)
                for group in self.optimiser.param_groups:
                    group["lr"] = rate
                loss, parts = self.loss(*self.drawn(self.pairs.starts[some]))
                self.optimiser.zero_grad(set_to_none=True)
                loss.backward()
                self.optimiser.step()
                sums = {k: sums.get(k, 0.0) + v / self.per_epoch for k, v in parts.items()}
            self.epoch += 1
            self.seconds = time.monotonic() - began
            self.report(sums)

    def drawn(self, starts: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """First and second frames of pairs at random strides, half of them the other way round."""
        strides = torch.tensor(STRIDES, device=self.device)
        chosen = torch.randint(len(STRIDES), starts.shape, generator=self.generator, device=self.device)
        first, second = self.pairs.intact_pairs(starts, strides[chosen])
        back = torch.rand(first.shape, generator=self.generator, device=self.device) < 0.5
        return torch.where(back, second, first), torch.where(back, first, second)

    @torch.no_grad()
    def test_error(self) -> float:
        """Mean vertex error in mm at stride 9, pelvis on pelvis, on the clips held out; betas as in training."""
        self.network.eval()
        pairs, total, count = self.test_pairs, 0.0, 0
        shapes = torch.Generator(self.device).manual_seed(1)
        for starts in pairs.starts.split(self.config.batch):
            first, second = pairs.intact_pairs(starts, TEST_STRIDE)
            betas = pairs.betas[first]
            if self.config.shape_spread:
                betas = self.config.shape_spread * torch.randn(betas.shape, generator=shapes, device=self.device)
            posed = with_hands(self.predicted(pairs, first, second, betas))
            goal = self.truth(pairs, second)[0]
            still = torch.zeros_like(pairs.trans[first])
            a, b = (self.body.vertices(pose, still, betas) for pose in (posed, goal))
            apart = torch.linalg.vector_norm(a - b, dim=-1)
            apart = (apart * self.areas).sum(dim=1) / self.areas.sum() if self.config.vertices else apart.mean(dim=1)
            total, count = total + float(apart.sum()), count + len(first)
        return MILLIMETRES * total / max(count, 1)

    # Files.

    def report(self, parts: dict[str, float]) -> None:
        row = {"epoch": self.epoch, "minutes": round(self.seconds / 60, 2), **parts, "test": self.test_error()}
        self.log.append(row)
        print("  ".join(f"{k} {v:.4g}" for k, v in row.items()), flush=True)
        out = Path(self.config.out)
        out.mkdir(parents=True, exist_ok=True)
        model = {name: tensor.cpu() for name, tensor in self.network.state_dict().items()}
        if row["test"] < self.best:
            self.best = row["test"]
            _save({"model": model, "epochs": self.epoch}, out / "best_ckpt.pth.tar")
        state = {"model": model, "optimiser": self.optimiser.state_dict(), "log": self.log}
        state |= {"epoch": self.epoch, "seconds": self.seconds, "best": self.best}
        _save(state, out / "checkpoint.pt")
        with open(out / "log.csv", "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=list(row))
            writer.writeheader()
            writer.writerows(self.log)

    def resume(self) -> None:
        path = Path(self.config.out) / "checkpoint.pt"
        if not path.exists():
            return
        state = torch.load(path, map_location=self.device, weights_only=True)
        self.network.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.log, self.epoch, self.seconds, self.best = (state[k] for k in ("log", "epoch", "seconds", "best"))
        print(f"resumed after epoch {self.epoch}")


def split_files(paths: list[Path], split: str, seed: int) -> tuple[list[Path], list[Path]]:
    """Files to train on and files held out, by subject or at random (see `Config.split`)."""
    if split == "subject":
        return [p for p in paths if not is_validation(p)], [p for p in paths if is_validation(p)]
    order = np.random.default_rng(seed).permutation(len(paths))
    held = set(order[: round(HELD_OUT * len(paths))].tolist())
    return [p for i, p in enumerate(paths) if i not in held], [paths[i] for i in sorted(held)]


def geodesic(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Angle in radians between rotations (...,3,3), kept off 0 and pi, where its gradient has no bound."""
    cosine = 0.5 * ((a * b).sum(dim=(-1, -2)) - 1.0)
    return torch.acos(cosine.clamp(-1.0 + 1e-7, 1.0 - 1e-7))


def cosine(done: float, config: Config) -> float:
    """The learning rate after this share of the run."""
    height = 0.5 * (1.0 + math.cos(math.pi * done))
    return config.least_learning_rate + (config.learning_rate - config.least_learning_rate) * height


def _apart(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return torch.linalg.vector_norm(a - b, dim=-1).mean()


def _save(state: dict, path: Path) -> None:
    with replace_when_complete(path) as scratch:
        torch.save(state, scratch)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="motion in the AMASS layout (.npz)")
    for option in fields(Config):
        parser.add_argument(f"--{option.name.replace('_', '-')}", type=type(option.default), default=option.default)
    arguments = vars(parser.parse_args())
    Trainer(folder=arguments.pop("folder"), config=Config(**arguments)).train()


if __name__ == "__main__":
    main()
