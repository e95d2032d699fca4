"""The validation takes of all benchmarks: motion of the subjects that nothing was fitted to, on random bodies.

Half of these subjects (`tuning_subjects.txt`) are there to choose constants by; the other half, to report what they
come to.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import lsmpl_core as lsmpl  # noqa: E402
from lsmpl_core.rotation import exp_map  # noqa: E402
from training.data import intact_frames  # noqa: E402
from training.split import listed, validation_subjects  # noqa: E402

HALVES = ("report", "tuning", "all")
NOTE = "keypoints are exact and come from the same body that is fitted, so these errors flatter every method alike"


@dataclass(frozen=True)
class Clip:
    """A stretch of a validation subject's motion, on a random body; its frames are free of capture damage."""

    name: str
    motion: lsmpl.Motion


def subjects(half: str) -> list[str]:
    """Those of one of `HALVES` of the validation subjects."""
    everybody = validation_subjects()
    tuning = listed(Path(__file__).with_name("tuning_subjects.txt"))
    return {
        "all": everybody,
        "tuning": [s for s in everybody if s in tuning],
        "report": [s for s in everybody if s not in tuning],
    }[half]


def clips(folder: Path, body: lsmpl.Body, count: int, frames: int, seed: int = 0, half: str = "all") -> list[Clip]:
    """Up to `count` clips of `frames` frames at 30 Hz, as many subjects as there are first, betas ~ N(0, 1)."""
    rng = np.random.default_rng(seed)
    found: dict[str, list[Clip]] = {subject: [] for subject in subjects(half)}
    for path in sorted(folder.rglob("*.npz")):
        subject = path.stem.split("_")[0]
        if subject not in found:
            continue
        motion = lsmpl.Motion.load(path)
        for first in _intact_stretches(motion, frames):
            part = motion.frames(slice(first, first + frames))
            found[subject].append(Clip(f"{path.stem}:{first}", replace(part, body=body.key)))
    for stretches in found.values():
        rng.shuffle(stretches)
    turns = (stretches[i] for i in range(count) for stretches in found.values() if i < len(stretches))
    chosen = [clip for _, clip in zip(range(count), turns)]
    return [Clip(c.name, replace(c.motion, betas=rng.normal(size=10))) for c in chosen]


def _intact_stretches(motion: lsmpl.Motion, frames: int) -> Iterator[int]:
    intact = intact_frames(motion.poses, exp_map(motion.poses))
    first = 0
    while first + frames <= len(motion):
        damaged = np.flatnonzero(~intact[first : first + frames])
        if not damaged.size:
            yield first
        first += frames if not damaged.size else int(damaged[-1]) + 1


def degraded(track: lsmpl.KeypointTrack, noise: float, dropped: float, seed: int) -> lsmpl.KeypointTrack:
    """The track with Gaussian noise (metres) and a share of its keypoints missing, each on its own."""
    rng = np.random.default_rng(seed)
    positions = track.positions + noise * rng.normal(size=track.positions.shape)
    confidence = track.confidence * (rng.random(track.confidence.shape) >= dropped)
    return replace(track, positions=positions, confidence=confidence)
