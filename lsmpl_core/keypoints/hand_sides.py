"""Whose hand 21 points are, left or right, by their shape alone: fingers bend towards the palm, and
the thumb lies before it."""

from __future__ import annotations

import numpy as np

from ..medians import seen_median
from .hand_points import CHAINS, FINGERS, HAND_POINTS

SIGNS = np.array([-1.0, 1.0])
"""Of a left and a right hand, whether (index - little) x (forwards) points out of the palm."""
THUMBS_SHARE = 6.0
"""Of the thumb's way before the palm, in palms, against the sines by which fingers bend."""
USUAL_THUMB = 0.3
"""That way, where no thumb is seen."""
FLAT, CLEARLY, AROUND_FRAMES = 0.5, 1.2, 4
"""Of inwardness, how much a flat hand may be of the other side, what a frame tells by itself, and
frames before and after that tell otherwise: 4 mm of noise change it by 0.4, 6 mm by 0.6."""
_THUMB = CHAINS[FINGERS.index("thumb")]
_BENT = CHAINS[[finger for finger, name in enumerate(FINGERS) if name != "thumb"]]
_INDEX, _LITTLE, _MIDDLE = (
    CHAINS[FINGERS.index(name), 0] for name in ("index", "little", "middle")
)


SITES = {
    HAND_POINTS.index("thumb2"): (-0.047, -0.018, 0.004),
    HAND_POINTS.index("index1"): (-0.088, -0.044, 0.022),
    HAND_POINTS.index("little1"): (-0.072, -0.028, -0.049),
}
"""How far from a finger's joint the body's site of that knuckle is (`body/sites.py`): forwards, out
of the palm and towards the thumb of a right hand, in palms (of the open body, all shapes alike)."""


def palms_of(positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors forwards along and out of the palm (T,2,3) of hands (T,2,21,3), left first."""
    ahead = _unit(positions[:, :, _MIDDLE] - positions[:, :, 0])
    across = positions[:, :, _INDEX] - positions[:, :, _LITTLE]
    return ahead, _unit(np.cross(across, ahead)) * SIGNS[:, None]


def at_sites(positions: np.ndarray, side: int, point: int) -> np.ndarray:
    """(T,3) of hands (T,2,21,3): a knuckle where the body has its site, for bodies that are solved
    with the points of hands among their keypoints."""
    ahead, palm = (axes[:, side] for axes in palms_of(positions))
    size = np.linalg.norm(positions[:, side, _MIDDLE] - positions[:, side, 0], axis=-1)
    forwards, out, across = SITES.get(point, (0.0, 0.0, 0.0))
    away = forwards * ahead + out * palm - SIGNS[side] * across * np.cross(ahead, palm)
    return positions[:, side, point] + size[:, None] * away


def inwardness(positions: np.ndarray) -> np.ndarray:
    """(T,2) how much hands (T,2,21,3), left first, are of their side, NaN where too little is seen.
    Of a hand of the other side it is the opposite, and negative.

    Of 358 frames of signers' hands (MediaPipe) it was 1.2 to 8 but where fingers really were bent
    backwards (-3 to -7); of the flat hands in SAM 3D Body's samples 1.1 and 1.6.
    """
    ahead, palm = palms_of(positions)
    bones = _unit(np.diff(positions[:, :, _BENT], axis=3))
    turns = np.cross(bones[:, :, :, :-1], bones[:, :, :, 1:])
    bends = np.einsum("thfka,tha->thfk", turns, np.cross(ahead, palm))
    size = np.linalg.norm(positions[:, :, _MIDDLE] - positions[:, :, 0], axis=-1)
    before = np.einsum("thka,tha->thk", positions[:, :, _THUMB[1:]] - positions[:, :, :1], palm)
    before = np.moveaxis(before / np.maximum(size, 1e-9)[..., None], -1, 0)
    before = np.where(np.isfinite(before).any(axis=0), seen_median(before), USUAL_THUMB)
    bent = np.where(np.isfinite(bends).any(axis=(2, 3)), np.nansum(bends, axis=(2, 3)), np.nan)
    return bent + THUMBS_SHARE * before


def of_other_side(inwards: np.ndarray) -> np.ndarray:
    """(T,2) bool: hands, of which `inwardness` tells (T,2), that are none of their side, clearly in
    a frame by itself or as the frames around say; where too little is seen they are not."""
    padded = np.pad(inwards, ((AROUND_FRAMES, AROUND_FRAMES), (0, 0)), constant_values=np.nan)
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * AROUND_FRAMES + 1, axis=0)
    usual = seen_median(np.moveaxis(around, -1, 0))
    with np.errstate(invalid="ignore"):
        return (inwards < -CLEARLY) | ((usual < -FLAT) & (inwards < CLEARLY))


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)
