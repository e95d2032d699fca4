"""Where the palms are: the rotation of each wrist by the points that turn with it, and the hand's
own measures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..body.fingers import Fingers
from ..keypoints.hand_points import PALM, SIDES, HandPoints
from ..medians import seen_median

PALM_WEIGHTS = np.array([1.0, 1.0, 1.0, 1.0, 1.0, 0.5])
"""Of the wrist and the fingers' bases: detectors disagree on where the thumb begins."""
WRIST_SIGMA = 0.35
"""Radians by which the wrist that the body's keypoints show may be off."""
SMOOTHED_S, SMOOTHED_FROM_M = 0.08, 0.003
"""Seconds over which the palm's turn against the body's wrist is averaged at so much noise; in
proportion at less."""
LEAST_NOISE_M, MOST_NOISE_M = 0.0003, 0.02
OTHER_BONE, MOST_ODD = 2.2, 0.25
"""Times that a bone may be longer or shorter than the others of its hand say, and the share of
bones that may be so."""
LEAST_SIZE, MOST_SIZE = 0.5, 2.0
"""Of a hand, in sizes of the body's."""


@dataclass(frozen=True, eq=False)
class HandMeasures:
    """What is constant of a person's hands in a take: bases (2,6,3) metres, wrist and fingers'
    first joints in the palm's frame; bones (2,5,3) metres, the length of each finger bone; noise,
    metres, of the points (one standard deviation of one coordinate)."""

    bases: np.ndarray
    bones: np.ndarray
    noise: float


def measure_hands(
    points: HandPoints, fingers: Fingers, betas: np.ndarray, rest_wrists: np.ndarray
) -> HandMeasures:
    """The measures of a take's hands, those of the body (scaled to them) where nothing is seen.

    The points of bones are as far apart in each frame: by how much they are not is their noise.
    """
    chains, measured = fingers.rest_chains(betas), points.bone_lengths
    rest_bones = _lengths(chains)
    bones = seen_median(measured)
    sizes = np.clip(bones / rest_bones, LEAST_SIZE, MOST_SIZE)
    size = np.where(np.isfinite(sizes).any(), np.nanmedian(np.append(sizes, 1.0)), 1.0)
    per_hand = [
        np.nanmedian(sizes[hand]) if np.isfinite(sizes[hand]).any() else size for hand in range(2)
    ]
    bones = np.where(
        np.isfinite(sizes), sizes * rest_bones, np.reshape(per_hand, (2, 1, 1)) * rest_bones
    )
    scatter = seen_median(np.abs(measured - seen_median(measured)))
    seen = np.isfinite(scatter)
    noise = 1.4826 * float(np.median(scatter[seen])) / np.sqrt(2.0) if seen.any() else 0.0

    bases = np.concatenate([rest_wrists[:, None], chains[:, :, 0]], axis=1)
    bases = np.reshape(per_hand, (2, 1, 1)) * (bases - rest_wrists[:, None])
    return HandMeasures(bases, bones, float(np.clip(noise, LEAST_NOISE_M, MOST_NOISE_M)))


def no_hands(points: HandPoints, fingers: Fingers, betas: np.ndarray, least: int = 4) -> list[str]:
    """Which hands ("left", "right") have points that make no fingers: of their bones too many have
    another length than the rest of the hand says."""
    sizes = seen_median(points.bone_lengths) / _lengths(fingers.rest_chains(betas))
    wrong = []
    for hand, side in enumerate(SIDES):
        seen = sizes[hand][np.isfinite(sizes[hand])]
        if len(seen) < least:
            continue
        usual = np.median(seen)
        odd = (seen < usual / OTHER_BONE) | (seen > usual * OTHER_BONE)
        if odd.mean() > MOST_ODD or not usual > 0:
            wrong.append(side)
    return wrong


def _lengths(chains: np.ndarray) -> np.ndarray:
    """(2,5,3) of the bones of fingers (2,5,4,3)."""
    return np.linalg.norm(np.diff(chains, axis=2), axis=-1)


def find_palms(
    points: HandPoints, measures: HandMeasures, wrists: np.ndarray, fps: float
) -> tuple[np.ndarray, np.ndarray]:
    """Rotations (T,2,3,3) of the palms in the world, and where their wrists are (T,2,3), NaN where
    nothing of a palm is seen.

    wrists (T,2,3,3): the rotations that the body has there, which count as much as their usual
    errors leave them: all where a palm is not seen. Wahba's problem by its singular value
    decomposition (Markley, 1988).
    """
    weights = points.confidence[:, :, PALM] * PALM_WEIGHTS
    positions = np.nan_to_num(points.positions[:, :, PALM])
    total = np.maximum(weights.sum(axis=-1), 1e-12)[..., None]
    middle = (weights[..., None] * positions).sum(axis=2) / total
    rest_middle = np.einsum("thk,hkc->thc", weights, measures.bases) / total
    shown = np.einsum(
        "thk,thki,thkj->thij",
        weights,
        positions - middle[:, :, None],
        measures.bases[None] - rest_middle[:, :, None],
    )

    # Against the body's own wrists the palm turns little and slowly, so that noise can be averaged.
    against = np.swapaxes(wrists, -1, -2) @ shown
    against = _averaged(against, averaged_frames(measures.noise, fps))
    against = against + (measures.noise / WRIST_SIGMA) ** 2 * np.eye(3)
    u, _, vt = np.linalg.svd(against)
    u[..., 2] *= np.linalg.det(u @ vt)[..., None]
    rotations = wrists @ (u @ vt)
    seen = weights.sum(axis=-1) > 0
    at = middle - np.einsum("thij,thj->thi", rotations, rest_middle)
    return rotations, np.where(seen[..., None], at, np.nan)


def averaged_frames(noise: float, fps: float) -> float:
    """Over how many frames noise of so many metres is averaged."""
    return SMOOTHED_S * min(noise / SMOOTHED_FROM_M, 1.0) * fps


def _averaged(values: np.ndarray, sigma: float) -> np.ndarray:
    """(T,...) by a Gaussian of `sigma` frames."""
    reach = int(np.ceil(2.5 * sigma))
    if sigma < 0.3 or reach >= len(values):
        return values
    kernel = np.exp(-((np.arange(-reach, reach + 1) / sigma) ** 2) / 2)
    padded = np.pad(values, [(reach, reach)] + [(0, 0)] * (values.ndim - 1), mode="edge")
    return sum(share * padded[i : i + len(values)] for i, share in enumerate(kernel / kernel.sum()))
