"""Motion to train on: AMASS-layout folders, cleaned, and windows of it, mixed and mirrored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from lsmpl_core.body.skeleton import JOINT_NAMES
from lsmpl_core.errors import MotionFileError
from lsmpl_core.motion import Motion
from lsmpl_core.rotation import angle_between, exp_map, log_map
from lsmpl_core.solver.limb_planes import Kind
from lsmpl_core.solver.prior import pose_statistics
from training.redistribution import FRAME_RATE, MIRROR, drawn_law, redistributed
from training.split import is_validation

FASTEST = np.radians(60.0)
"""Turn of a joint from one frame to the next beyond which a frame counts as damaged."""
FARTHEST = 4.5
"""Standard deviations of recorded poses, joint by joint, beyond which it does, too."""
STRIDES = (1, 3, 5, 7, 9)
LIMBS = tuple(
    [JOINT_NAMES.index(name) for name in limb.split()]
    for limb in (
        "left_collar left_shoulder left_elbow left_wrist left_hand",
        "right_collar right_shoulder right_elbow right_wrist right_hand",
        "left_hip left_knee left_ankle left_foot",
        "right_hip right_knee right_ankle right_foot",
        "neck head",
    )
)


@dataclass
class Clips:
    """All frames of all clips, one after the other: rotations (V,N,24,3,3), trans (N,3), intact
    (N,), and each clip's first frame and length. The V versions differ in how turns are shared
    among joints (`redistribution.py`)."""

    rotations: torch.Tensor
    trans: torch.Tensor
    intact: torch.Tensor
    first: torch.Tensor
    length: torch.Tensor

    @classmethod
    def load(
        cls,
        folder: str | Path,
        validation: bool,
        rest_joints: np.ndarray,
        versions: int = 1,
        seed: int = 0,
    ) -> Clips:
        """Every npz below `folder` of the subjects that are (not) kept for validation, at 30 frames
        a second.

        rest_joints (24,3) are the body's by whose bones turns are shared; with one version all are
        as recorded.
        """
        rng = np.random.default_rng(seed)
        rotations, trans, intact, length = [], [], [], []
        paths = [p for p in sorted(Path(folder).rglob("*.npz")) if is_validation(p) == validation]
        for motion in motions(paths):
            recorded, place = at_frame_rate(motion)
            rotations.append(shared_out(recorded, rest_joints, versions, rng))
            trans.append(place.astype(np.float32))
            intact.append(intact_frames(log_map(recorded), recorded))
            length.append(len(recorded))
        first = np.concatenate([[0], np.cumsum(length)[:-1]])
        return cls(
            torch.tensor(np.concatenate(rotations, axis=1)),
            torch.tensor(np.concatenate(trans)),
            torch.tensor(np.concatenate(intact)),
            torch.tensor(first),
            torch.tensor(length),
        )

    def to(self, device) -> Clips:
        return Clips(*(getattr(self, name).to(device) for name in self.__dataclass_fields__))

    def windows(
        self, count: int, steps: int, generator: torch.Generator, slow: float = 0.0
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """`count` windows of steps+1 frames at a random stride, half of them backwards:
        (B,S,24,3,3), (B,S,3); and each one's first pose as another person would have shared it out,
        (B,24,3,3). A share, slow, goes frame by frame whatever the stride."""
        device = self.first.device
        strides = torch.tensor(STRIDES, device=device)
        chosen: list[torch.Tensor] = []
        while sum(len(some) for some in chosen) < count:
            start = torch.randint(len(self.trans), (2 * count,), generator=generator, device=device)
            stride = strides[
                torch.randint(len(STRIDES), (2 * count,), generator=generator, device=device)
            ]
            stride[torch.rand(2 * count, generator=generator, device=device) < slow] = 1
            sign = 2 * torch.randint(2, (2 * count,), generator=generator, device=device) - 1
            frames = start[:, None] + (stride * sign)[:, None] * torch.arange(
                steps + 1, device=device
            )
            clip = torch.searchsorted(self.first, start, right=True) - 1
            low, high = self.first[clip][:, None], (self.first + self.length)[clip][:, None]
            inside = ((frames >= low) & (frames < high)).all(dim=1)
            frames = frames[inside]
            chosen.append(frames[self.intact[frames].all(dim=1)])
        frames = torch.cat(chosen)[:count]
        mine, other = torch.randint(
            len(self.rotations), (2, count), generator=generator, device=device
        )
        return (
            self.rotations[mine[:, None], frames],
            self.trans[frames],
            self.rotations[other, frames[:, 0]],
        )


def at_frame_rate(motion: Motion) -> tuple[np.ndarray, np.ndarray]:
    """Rotations (T,24,3,3) and translations (T,3) of a motion at about 30 frames a second."""
    kept = slice(None, None, max(1, round(motion.fps / FRAME_RATE)))
    return exp_map(motion.poses[kept]), motion.trans[kept]


def shared_out(
    rotations: np.ndarray, rest_joints: np.ndarray, count: int, rng: np.random.Generator
) -> np.ndarray:
    """(V,T,24,3,3): the clip as by so many persons; alone, as it was recorded."""
    laws = [None] if count == 1 else [drawn_law(rng) for _ in range(count)]
    shared = [
        rotations if law is None else redistributed(rotations, rest_joints, rng, law)
        for law in laws
    ]
    return np.stack(shared).astype(np.float32)


def motions(paths: Iterable[Path]) -> Iterator[Motion]:
    """The motions in files; those that hold none are named and left out."""
    for path in paths:
        try:
            yield Motion.load(path)
        except MotionFileError as error:
            print(f"left out: {error}")


def intact_frames(poses: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    """(T,) bool for axis-angles (T,24,3) and their rotations: no joint jumps or leaves what joints
    do."""
    turn = angle_between(rotations[:-1], rotations[1:])[:, 1:].max(axis=1, initial=0.0)
    jump = np.zeros(len(poses), dtype=bool)
    jump[1:] |= turn > FASTEST
    jump[:-1] |= turn > FASTEST
    mean, covariance = pose_statistics(Kind.RECORDED)
    blocks = np.stack([covariance[i : i + 3, i : i + 3] for i in range(0, 69, 3)])
    away = poses[:, 1:] - mean.reshape(23, 3)
    distance = np.sqrt(np.einsum("tji,jik,tjk->tj", away, np.linalg.inv(blocks), away))
    return ~jump & (distance.max(axis=1) < FARTHEST)


def mixed(rotations: torch.Tensor, generator: torch.Generator, share: float) -> torch.Tensor:
    """Windows (B,S,24,3,3) of which a share borrows random limbs from another window."""
    B, device = len(rotations), rotations.device
    other = rotations[torch.randperm(B, generator=generator, device=device)]
    borrows = torch.rand(B, len(LIMBS), generator=generator, device=device) < 0.5
    borrows &= torch.rand(B, 1, generator=generator, device=device) < share
    out = rotations.clone()
    for limb, borrow in zip(LIMBS, borrows.T):
        out[:, :, limb] = torch.where(
            borrow[:, None, None, None, None], other[:, :, limb], out[:, :, limb]
        )
    return out


def mirrored(rotations: torch.Tensor, trans: torch.Tensor, generator: torch.Generator):
    """Half of the windows with left and right exchanged, across the world's and the body's x."""
    flip = torch.tensor([-1.0, 1.0, 1.0], device=rotations.device)
    chosen = torch.rand(len(rotations), generator=generator, device=rotations.device) < 0.5
    other = rotations[:, :, MIRROR] * flip[:, None] * flip
    return (
        torch.where(chosen[:, None, None, None, None], other, rotations),
        torch.where(chosen[:, None, None], trans * flip, trans),
    )
