"""Left and right exchanged for a while, of the whole body or of a limb: found and undone.

Pairs of keypoints are found turned round (`keypoints/turned_pairs.py`) from the hips outwards: of
hips knees, feet and face say where they look, down the limbs how long the bones to the joint above
come out, and shoulders and face look where the hips do.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from ..keypoints.layouts import Layout
from ..keypoints.track import KeypointTrack
from ..keypoints.turned_pairs import in_most_frames, left_ones, points_ahead, turned_round
from ..points import lengths

GROUPS = (
    (("hip",), ()), (("knee",), ("hip",)), (("ankle",), ("knee",)), (("toe", "heel", "foot"),
    ("ankle",)), (("shoulder",), ("hip",)), (("elbow",), ("shoulder",)), (("wrist",), ("elbow",)),
    (("hand", "knuckle", "tip"), ("wrist",)), (("eye", "ear"), ("shoulder", "hip")),
)  # fmt: skip
"""Ends of the names of sites that are exchanged together, and of pairs to tell it by, of which the
first there is."""
LEGS = ("hip", "knee", "ankle", "toe", "heel", "foot")
"""Ends of the names of a leg's sites."""
TRUNK = ("shoulder", "eye", "ear")
"""Those that are not held by a bone, but look where the pair that they are told by does."""
FACING = 0.2
"""Metres of evidence in looking the same way, or the opposite way."""
MOST_MISMATCH = 0.3
"""Metres that a bone's length can speak for or against at most."""


def find_swaps(track: KeypointTrack, cuts: np.ndarray) -> np.ndarray:
    """(T,K) bool: which keypoints have their partner's position. What is wrong in most frames is
    taken as right, unless knees, feet and face say that hips, and what goes with them, are not.

    cuts (T-1,) bool: across them nothing says what is exchanged (`cuts.py`).
    """
    mirror, sites = np.array(track.layout.mirror), track.layout.sites
    mostly = _mostly_exchanged(track.positions, track.layout, cuts)
    swapped = np.zeros(track.visible.shape, dtype=bool)
    positions, _ = exchanged(track, mostly)
    for ends, above in GROUPS:
        left = left_ones(sites, mirror, ends)
        upper = next(
            (found for end in above if len(found := left_ones(sites, mirror, (end,)))), None
        )
        if not len(left):
            continue
        if upper is None:
            tell = partial(points_ahead, layout=track.layout)
        else:
            tell = partial(_facing if ends[0] in TRUNK else _mismatch, upper=upper[0])
        wrong, told = turned_round(positions, cuts, left, mirror, tell, first=upper is None)
        if upper is not None and ends[0] not in TRUNK:
            wrong |= ~told & swapped[:, upper[0]]
        if not wrong.any() or wrong.mean() > 0.5:
            continue
        both = np.concatenate([left, mirror[left]])
        swapped[:, both] = wrong[:, None]
        positions[:, both] = np.where(
            wrong[:, None, None], positions[:, mirror[both]], positions[:, both]
        )
    return swapped ^ mostly


def _mostly_exchanged(positions: np.ndarray, layout: Layout, cuts: np.ndarray) -> np.ndarray:
    """(T,K) bool: what is exchanged in most of the frames: all pairs where the shoulders look where
    the hips do, else those of the legs."""
    mirror = np.array(layout.mirror)
    found = np.zeros(positions.shape[:2], dtype=bool)
    wrong = in_most_frames(positions, layout, cuts)
    if wrong is None:
        return found
    pairs = mirror != np.arange(len(mirror))
    hips, shoulders = (left_ones(layout.sites, mirror, (end,)) for end in ("hip", "shoulder"))
    if len(shoulders) and _facing(positions, shoulders, mirror, hips[0])[wrong].mean() < 0.0:
        pairs &= np.array([site.endswith(LEGS) for site in layout.sites])
    found[np.ix_(wrong, pairs)] = True
    return found


def exchanged(track: KeypointTrack, swapped: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """positions (T,K,3) and confidence (T,K), each keypoint that is swapped (T,K) with its
    partner's."""
    mirror = list(track.layout.mirror)
    positions = np.where(swapped[..., None], track.positions[:, mirror], track.positions)
    return positions, np.where(swapped, track.confidence[:, mirror], track.confidence)


def _facing(positions, left, mirror, upper) -> np.ndarray:
    """(T,) metres of evidence that the pairs point the way the upper one does (below 0: that they
    do not)."""
    across = positions[:, left] - positions[:, mirror[left]]
    seen = np.isfinite(across).all(axis=-1, keepdims=True)
    across = np.where(seen, across, 0.0).sum(axis=1)
    other = positions[:, upper] - positions[:, mirror[upper]]
    size = lengths(across) * lengths(other)
    return FACING * np.nan_to_num((across * other).sum(axis=-1) / np.maximum(size, 1e-9))


def _mismatch(positions, left, mirror, upper) -> np.ndarray:
    """(T,) metres by which lengths to the pair above are worse if the pairs are exchanged than if
    they are not."""
    total = np.zeros(len(positions))
    for k in left:
        bones = [
            [lengths(positions[:, a] - positions[:, b]) for a, b in ends]
            for ends in (
                ((k, upper), (mirror[k], mirror[upper])),
                ((mirror[k], upper), (k, mirror[upper])),
            )
        ]
        if not all(np.isfinite(bone).any() for bone in bones[0]):
            continue
        usual = [np.nanmedian(bone) for bone in bones[0]]
        off = [sum(np.abs(bone - u) for bone, u in zip(way, usual)) for way in bones]
        total += np.clip(np.nan_to_num(off[1] - off[0]), -MOST_MISMATCH, MOST_MISMATCH)
    return total
