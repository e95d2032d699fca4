"""How far keypoints are from a person's body: their distances against an adult's, left against
right, and over time."""

from __future__ import annotations

import json
from functools import cache

import numpy as np

from ..data import DATA
from .layouts import Layout, other_side, tree_edges
from .proportions import ADULT_SEGMENTS

TOLERANCE = 0.06
"""Metres by which sites that detectors and skeletons call alike may be apart."""
_MOST_FRAMES = 200
_ACROSS = ("shoulder", "hip", "eye", "ear", "collar")
_LIMBS = [(f"{s}_{a}", f"{s}_{b}") for a, b in ADULT_SEGMENTS for s in ("left", "right")]


@cache
def adult_sites() -> dict[str, np.ndarray]:
    """Where each site (3,) is on a mean adult in the rest pose, in metres from the pelvis."""
    table = json.loads((DATA / "adult_sites.json").read_text(encoding="utf-8"))
    return {name: np.array(place) for name, place in table["sites"].items()}


def implausibility(positions: np.ndarray, layout: Layout) -> float:
    """How far keypoints (T,K,3), in any unit, are from a body in this layout's order: 0 is perfect,
    1 is nonsense.

    Of the layout's bones (`tree_edges`), of the limbs and of the distances between the sides: how
    far their lengths are from an adult's of that size, the left ones from the right ones, and how
    much they change over time, each at most 1 and averaged. Infinite where no limb is seen.
    """
    pairs = _pairs(layout)
    row = {name: k for k, name in enumerate(layout.keypoints)}
    chosen = positions[
        np.unique(np.linspace(0, len(positions) - 1, min(len(positions), _MOST_FRAMES)).astype(int))
    ]
    ends = np.array([(row[a], row[b]) for a, b in pairs]).reshape(-1, 2)
    lengths = np.linalg.norm(chosen[:, ends[:, 0]] - chosen[:, ends[:, 1]], axis=2)
    seen = np.isfinite(lengths).any(axis=0)
    median, spread = np.full(len(pairs), np.nan), np.full(len(pairs), np.nan)
    if seen.any():
        median[seen] = np.nanmedian(lengths[:, seen], axis=0)
        spread[seen] = np.nanmedian(np.abs(lengths[:, seen] - median[seen]), axis=0)

    expected = np.array([_adult_length(layout, a, b) for a, b in pairs])
    limbs = np.array([pair in _LIMBS for pair in pairs], dtype=bool)
    ratios = median[limbs & seen] / expected[limbs & seen]
    scale = float(np.median(ratios)) if len(ratios) else np.nan
    if not scale > 0:
        return np.inf

    allowed = scale * (expected + TOLERANCE)
    index = {pair: i for i, pair in enumerate(pairs)}
    partner = np.array(
        [index.get((other_side(a), other_side(b)), i) for i, (a, b) in enumerate(pairs)]
    )
    proportion = np.abs(median - scale * expected) / allowed
    uneven = np.abs(median - median[partner]) / allowed
    errors = np.stack([proportion, uneven, spread / allowed])
    return float(np.mean(np.minimum(errors[np.isfinite(errors)], 1.0)))


def _pairs(layout: Layout) -> list[tuple[str, str]]:
    """The keypoints between which distances are looked at."""
    names = layout.keypoints
    pairs = list(tree_edges(names))
    pairs += [(f"left_{part}", f"right_{part}") for part in _ACROSS]
    pairs += [pair for pair in _LIMBS if pair not in pairs]
    return [(a, b) for a, b in pairs if a in names and b in names]


def _adult_length(layout: Layout, a: str, b: str) -> float:
    sites = adult_sites()
    one, other = (sites.get(layout.sites[layout.index(name)]) for name in (a, b))
    return float(np.linalg.norm(one - other)) if one is not None and other is not None else np.nan
