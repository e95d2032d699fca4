"""Left and right exchanged for a while, of the whole body or of a limb: found and undone.

A pair of keypoints is looked at through the vector from its right one to its left one, which a swap
turns round and nothing else does from one frame to the next. Whether it is turned round is the most
likely sequence of two states (Viterbi 1967) by two kinds of evidence: how far the vector jumps,
and, of hips, whether knees, feet and face point where they look, down the limbs, how long the bones
to the joint above come out, or whether shoulders and face look where the hips do. The second kind
must agree for a swap to be found.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from ..keypoints.facing import ahead, forward, looks_forward
from ..keypoints.layouts import Layout
from ..keypoints.proportions import Sites, finite_mean
from ..keypoints.track import KeypointTrack
from ..medians import seen_median
from ..points import complete, lengths

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
AHEAD = 0.03, 0.1
"""Metres of evidence in a frame whose knees, feet and face all point where the hips look, or all
the other way, and metres from which on they do."""
LONGEST_BLANK = 15
"""Frames without a whole pair between wrong ones that are taken for wrong, too."""
SWITCH = 0.1
"""Metres of evidence that it takes to believe in one change from right to wrong or back."""
UNLIKELY = 0.01
"""Metres of evidence for each frame in which it is taken to be wrong."""
SUSPICIOUS = 0.1
"""Metres by which a pair must come nearer to where it was by being exchanged for anything to be
looked into."""
MOST_MISMATCH = 0.3
"""Metres that a bone's length can speak for or against at most."""
CLEAR = 0.006
"""Metres of evidence a frame in knees, feet and face, for those that are right and against those
that are not, on which most frames are taken to be wrong: exchanged ones of recorded motion have
0.011 at least."""
NOT_ALL = 0.95
"""Share of the frames from which on a take is exchanged throughout: as well may it be mirrored,
which its reader says (`handedness.py`)."""


def find_swaps(track: KeypointTrack, cuts: np.ndarray) -> np.ndarray:
    """(T,K) bool: which keypoints have their partner's position. What is wrong in most frames is
    taken as right, unless knees, feet and face say that hips, and what goes with them, are not.

    cuts (T-1,) bool: across them nothing says what is exchanged (`cuts.py`).
    """
    mirror, sites = np.array(track.layout.mirror), track.layout.sites
    mostly = _mostly_exchanged(track.positions, track.layout, cuts)
    swapped = np.zeros(track.visible.shape, dtype=bool)
    positions = np.where(mostly[..., None], track.positions[:, mirror], track.positions)
    for ends, above in GROUPS:
        left = _pairs(sites, mirror, ends)
        upper = next((found for end in above if len(found := _pairs(sites, mirror, (end,)))), None)
        if not len(left):
            continue
        if upper is None:
            tell = partial(_ahead, layout=track.layout)
        else:
            tell = partial(_facing if ends[0] in TRUNK else _mismatch, upper=upper[0])
        wrong, told = _turned_round(positions, cuts, left, mirror, tell, first=upper is None)
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


def in_most_frames(positions: np.ndarray, layout: Layout, cuts: np.ndarray) -> np.ndarray | None:
    """(T,) bool: in which frames of keypoints (T,K,3) the hips are exchanged, where these are most,
    though not all, of the take; None where they are few, or knees, feet and face do not tell."""
    mirror = np.array(layout.mirror)
    if not len(left := _pairs(layout.sites, mirror, ("hip",))):
        return None
    tell = partial(_ahead, layout=layout)
    wrong, _ = _turned_round(positions, cuts, left, mirror, tell, first=True)
    if not 0.5 < wrong.mean() < NOT_ALL:
        return None
    told = tell(positions, left, mirror)
    return wrong if told[wrong].mean() < -CLEAR and told[~wrong].mean() > CLEAR else None


def _mostly_exchanged(positions: np.ndarray, layout: Layout, cuts: np.ndarray) -> np.ndarray:
    """(T,K) bool: what is exchanged in most of the frames: all pairs where the shoulders look where
    the hips do, else those of the legs."""
    mirror = np.array(layout.mirror)
    found = np.zeros(positions.shape[:2], dtype=bool)
    wrong = in_most_frames(positions, layout, cuts)
    if wrong is None:
        return found
    pairs = mirror != np.arange(len(mirror))
    hips, shoulders = (_pairs(layout.sites, mirror, (end,)) for end in ("hip", "shoulder"))
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


def _pairs(sites, mirror, ends) -> np.ndarray:
    """The left ones of pairs whose sites' names end so."""
    named = (k for k, site in enumerate(sites) if site.endswith(ends) and site.startswith("left_"))
    return np.array([k for k in named if mirror[k] != k], dtype=int)


def _turned_round(
    positions, cuts, left, mirror, tell, first: bool
) -> tuple[np.ndarray, np.ndarray]:
    """(T,) bool for one group of pairs, and (T,) where that is known; `tell`: the evidence of each
    frame by itself; `first`: whether none are above them."""
    across = positions[:, left] - positions[:, mirror[left]]
    seen = complete(across)
    frames = np.flatnonzero(seen.any(axis=1))
    wrong = np.zeros(len(positions), dtype=bool)
    known = seen.any(axis=1)
    if len(frames) < 3:
        return wrong, known
    across, seen = np.where(seen[..., None], across, 0.0)[frames], seen[frames]
    both = seen[1:] & seen[:-1]
    stays = (both * lengths(across[1:] - across[:-1])).sum(axis=1)
    turns = (both * lengths(across[1:] + across[:-1])).sum(axis=1)
    across_cut = np.diff(np.concatenate([[0], np.cumsum(cuts)])[frames]) > 0
    evidence = (stays - turns) / np.diff(frames)
    if first:
        evidence = np.minimum(
            evidence, _both_came_over(positions[frames], left, mirror) / np.diff(frames)
        )
    evidence = np.where(across_cut, 0.0, evidence)
    told = tell(positions[frames], left, mirror)
    if evidence.max(initial=0.0) < SUSPICIOUS and told.min() > -SUSPICIOUS:
        return wrong, known
    blind = ~both.any(axis=1) | ((np.diff(frames) > 1) & (evidence > -SWITCH))
    found = _likeliest(UNLIKELY + told, evidence, (evidence > 0.0) | blind)
    found &= _mean_over_runs(found, told) < 0.5 * UNLIKELY
    wrong[frames] = found
    for before, after in zip(frames[:-1], frames[1:]):
        if wrong[before] and wrong[after] and after - before <= LONGEST_BLANK:
            wrong[before:after] = known[before:after] = True
    return wrong, known


def _both_came_over(positions, left, mirror) -> np.ndarray:
    """(T-1,) metres by which the pairs' own keypoints come nearer to where they were by being
    exchanged.

    Never above 0 where only one of the two moved against the body: a spike may turn the vector
    between them round, too.
    """
    right = mirror[left]
    pairs = np.flatnonzero(mirror != np.arange(len(mirror)))
    middles = np.diff(0.5 * (positions[:, pairs] + positions[:, mirror[pairs]]), axis=0)
    body = np.nan_to_num(seen_median(middles, axis=1))[:, None]
    before, after = positions[:-1] + body, positions[1:]
    stays = [lengths(after[:, k] - before[:, k]) for k in (left, right)]
    turns = [lengths(after[:, a] - before[:, b]) for a, b in ((left, right), (right, left))]
    return np.nan_to_num(sum(stays) - sum(turns)).sum(axis=1)


def _mean_over_runs(found: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(T,) mean of the values over each frame's run of equal `found` (T,)."""
    run = np.concatenate([[0], np.cumsum(found[1:] != found[:-1])])
    return (np.bincount(run, values) / np.bincount(run))[run]


def _ahead(positions, left, mirror, layout: Layout) -> np.ndarray:
    """(T,) metres of evidence that knees, feet and face point where the pairs look (below 0: that
    they point the other way)."""
    across = finite_mean(positions[:, left] - positions[:, mirror[left]], axis=1)
    sites = Sites(positions, layout)
    metres, clear = AHEAD
    return metres * looks_forward(ahead(sites, forward(sites, across)), clear)


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


def _likeliest(own: np.ndarray, evidence: np.ndarray, possible: np.ndarray) -> np.ndarray:
    """(T,) bool, the cheapest sequence: own (T,) is the cost of a frame's being wrong, evidence
    (T-1,) is for a change between it and the next, where that is possible (T-1,)."""
    costs, came_from = np.array([0.0, own[0]]), np.zeros((len(own), 2), dtype=int)
    change = np.where(possible, np.maximum(SWITCH - evidence, 0.0), np.inf)
    stay = np.maximum(evidence - SWITCH, 0.0)
    for t in range(1, len(own)):
        straight, crossed = costs + stay[t - 1], costs[::-1] + change[t - 1]
        came_from[t] = np.where(crossed < straight, [1, 0], [0, 1])
        costs = np.minimum(straight, crossed) + [0.0, own[t]]
    state = np.empty(len(own), dtype=int)
    state[-1] = np.argmin(costs)
    for t in range(len(own) - 1, 0, -1):
        state[t - 1] = came_from[t, state[t]]
    return state == 1
