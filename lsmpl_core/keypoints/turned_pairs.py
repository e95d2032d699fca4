"""Pairs of keypoints that are turned round for a while: which frames have a left one where the
right one is.

A pair is looked at through the vector from its right one to its left one, which a swap turns round
and nothing else does from one frame to the next. Whether it is turned round is the most likely
sequence of two states (Viterbi 1967) by two kinds of evidence: how far the vector jumps, and what
each frame by itself says of left and right, as knees, feet and face, which point where the hips
look. The second kind must agree for a swap to be found.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from ..medians import seen_median
from ..points import complete, lengths
from .facing import ahead, forward, looks_forward
from .layouts import Layout
from .proportions import Sites, finite_mean

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
CLEAR = 0.006
"""Metres of evidence a frame in knees, feet and face, for those that are right and against those
that are not, on which most frames are taken to be wrong: exchanged ones of recorded motion have
0.011 at least."""
NOT_ALL = 0.95
"""Share of the frames from which on a take is exchanged throughout: as well may it be mirrored,
which its reader says (`handedness.py`)."""


def in_most_frames(positions: np.ndarray, layout: Layout, cuts: np.ndarray) -> np.ndarray | None:
    """(T,) bool: in which frames of keypoints (T,K,3) the hips are exchanged, where these are most,
    though not all, of the take; None where they are few, or knees, feet and face do not tell."""
    mirror = np.array(layout.mirror)
    if not len(left := left_ones(layout.sites, mirror, ("hip",))):
        return None
    tell = partial(points_ahead, layout=layout)
    wrong, _ = turned_round(positions, cuts, left, mirror, tell, first=True)
    if not 0.5 < wrong.mean() < NOT_ALL:
        return None
    told = tell(positions, left, mirror)
    return wrong if told[wrong].mean() < -CLEAR and told[~wrong].mean() > CLEAR else None


def left_ones(sites, mirror, ends) -> np.ndarray:
    """The left ones of pairs whose sites' names end so."""
    named = (k for k, site in enumerate(sites) if site.endswith(ends) and site.startswith("left_"))
    return np.array([k for k in named if mirror[k] != k], dtype=int)


def turned_round(positions, cuts, left, mirror, tell, first: bool) -> tuple[np.ndarray, np.ndarray]:
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


def points_ahead(positions, left, mirror, layout: Layout) -> np.ndarray:
    """(T,) metres of evidence that knees, feet and face point where the pairs look (below 0: that
    they point the other way)."""
    across = finite_mean(positions[:, left] - positions[:, mirror[left]], axis=1)
    sites = Sites(positions, layout)
    metres, clear = AHEAD
    return metres * looks_forward(ahead(sites, forward(sites, across)), clear)


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
