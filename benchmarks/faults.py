"""Capture faults to put into exact keypoint tracks: what detectors, triangulation and marker systems do wrong.

Every kind is a small function of a track and a random generator, so that a benchmark or a test can have one alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from lsmpl_core.keypoints.layouts import Layout
    from lsmpl_core.keypoints.track import KeypointTrack

LIMBS = {
    "arm": ("shoulder", "elbow", "wrist", "thumb", "index", "little"),
    "leg": ("hip", "knee", "ankle", "toe", "heel"),
    "forearm": ("elbow", "wrist"),
    "foot": ("ankle", "toe", "heel"),
}
"""Parts of the names of the keypoints of what is occluded or swapped together."""


@dataclass(frozen=True)
class Faults:
    """How much of each: shares are of all keypoints in all frames (swapped: of all frames), sizes in metres.

    noise: of each axis, one standard deviation, independent from frame to frame; wander: the same, but slow (it lasts
    about half a second); missing: in bursts of `burst` frames, of single keypoints or, if `limbs`, of whole limbs;
    swapped: both sides or one pair of limbs exchanged, 1 to 15 frames on end; spikes: jumps by 0.1 to 0.5 m for a frame
    or two; frozen: keypoints that stay in the world where they were for 8 to 30 frames; scale: of all positions;
    hips: detectors' hips are this far out and up of SMPL's.
    """

    noise: float = 0.0
    wander: float = 0.0
    missing: float = 0.0
    burst: tuple[int, int] = (5, 40)
    limbs: bool = False
    swapped: float = 0.0
    spikes: float = 0.0
    frozen: float = 0.0
    scale: float = 1.0
    hips: float = 0.0


@dataclass(frozen=True)
class Faulty:
    """The track, and (T,K) which keypoints were swapped, spiked or frozen."""

    track: KeypointTrack
    swapped: np.ndarray
    spiked: np.ndarray
    frozen: np.ndarray


def with_faults(track: KeypointTrack, faults: Faults, seed: int) -> Faulty:
    """The track as a bad capture might give it."""
    rng = np.random.default_rng(seed)
    layout, positions = track.layout, faults.scale * track.positions
    if faults.hips:
        positions = _detected_hips(positions, layout, faults.hips)
    frozen = _cover(rng, positions.shape[:2], faults.frozen, (8, 30), _each(layout))
    positions = _frozen(positions, frozen)
    positions = positions + faults.noise * rng.normal(size=positions.shape) * ~frozen[..., None]
    if faults.wander:
        positions = positions + faults.wander * _slow_noise(rng, positions.shape, round(track.fps / 2))
    spiked = _cover(rng, positions.shape[:2], faults.spikes, (1, 2), _each(layout))
    positions = positions + spiked[..., None] * _jumps(rng, positions.shape)
    swapped = _cover(rng, positions.shape[:2], faults.swapped, (1, 15), _swappable(layout), of_frames=True)
    positions = np.where(swapped[..., None], positions[:, list(layout.mirror)], positions)
    groups = _limbs(layout) if faults.limbs else _each(layout)
    seen = ~_cover(rng, positions.shape[:2], faults.missing, faults.burst, groups)
    faulty = replace(track, positions=positions, confidence=track.confidence * seen)
    return Faulty(faulty, swapped & seen, spiked & seen, frozen & seen)


def _cover(rng, shape, share: float, lengths: tuple[int, int], groups: Sequence[np.ndarray], of_frames: bool = False):
    """(T,K) bool: bursts of groups of keypoints until they cover a share of all keypoints, or of all frames."""
    covered = np.zeros(shape, dtype=bool)
    while (covered.any(axis=1) if of_frames else covered).mean() < share:
        length = rng.integers(lengths[0], lengths[1] + 1)
        first = rng.integers(1 - length, shape[0])
        burst = slice(max(first, 0), first + length)
        group = groups[rng.integers(len(groups))]
        if of_frames and covered[burst].any():
            continue
        covered[burst, group] = True
    return covered


def _each(layout: Layout) -> list[np.ndarray]:
    return [np.array([k]) for k in range(len(layout))]


def _parts(layout: Layout, side: str, limb: str) -> np.ndarray:
    names = enumerate(layout.keypoints)
    return np.array([k for k, n in names if side in n and any(part in n for part in LIMBS[limb])], dtype=int)


def _limbs(layout: Layout) -> list[np.ndarray]:
    limbs = [_parts(layout, side, limb) for side in ("left", "right") for limb in LIMBS]
    head = [k for k, name in enumerate(layout.keypoints) if any(p in name for p in ("nose", "eye", "ear", "mouth"))]
    return [limb for limb in (*limbs, np.array(head, dtype=int)) if len(limb)]


def _swappable(layout: Layout) -> list[np.ndarray]:
    """What is exchanged with the other side: all of it, or one pair of limbs."""
    paired = np.flatnonzero(np.array(layout.mirror) != np.arange(len(layout)))
    limbs = [np.concatenate([_parts(layout, side, limb) for side in ("left", "right")]) for limb in LIMBS]
    return [paired, *(limb for limb in limbs if len(limb))]


def _jumps(rng, shape) -> np.ndarray:
    direction = rng.normal(size=shape)
    direction /= np.linalg.norm(direction, axis=-1, keepdims=True)
    return rng.uniform(0.1, 0.5, size=(*shape[:2], 1)) * direction


def _frozen(positions: np.ndarray, frozen: np.ndarray) -> np.ndarray:
    out = positions.copy()
    for t in range(1, len(out)):
        out[t, frozen[t]] = out[t - 1, frozen[t]]
    return out


def _slow_noise(rng, shape, lasting: int) -> np.ndarray:
    knots = rng.normal(size=(shape[0] // lasting + 2, *shape[1:]))
    at, share = np.divmod(np.arange(shape[0]) / lasting, 1.0)
    at, share = at.astype(int), share[:, None, None]
    return ((1.0 - share) * knots[at] + share * knots[at + 1]) / np.sqrt((1.0 - share) ** 2 + share**2)


def _detected_hips(positions: np.ndarray, layout: Layout, size: float) -> np.ndarray:
    """The hips, where the layout has both, farther apart and higher."""
    if not {"left_hip", "right_hip"} <= set(layout.keypoints):
        return positions
    out = positions.copy()
    left, right = layout.index("left_hip"), layout.index("right_hip")
    apart = out[:, left] - out[:, right]
    apart /= np.maximum(np.linalg.norm(apart, axis=-1, keepdims=True), 1e-9)
    up = np.array([0.0, 0.0, 0.5 * size])
    out[:, left] += size * apart + up
    out[:, right] -= size * apart - up
    return out
