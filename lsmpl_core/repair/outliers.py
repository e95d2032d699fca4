"""Keypoints that cannot be where a track says: spikes, frozen ones, and frames whose limbs have
collapsed.

Only what no body does is rejected, for what is merely unlikely the polish weighs by itself: a bone
of the wrong length, a jump away and back, a point that stays where it was while its bone is torn
out.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..body.body import Body
from ..body.sites import SiteParts
from ..frames import evenly
from ..medians import seen_median
from ..points import complete, lengths
from ..solver.shape import sampled_rotations
from ..solver.shape_equations import LinearKeypoints

RIGID = 0.008
"""Metres of spread over poses up to which the distance of two keypoints counts as a bone's."""
STRETCH, LEAST_STRETCH, SPREADS = 0.2, 0.05, 8.0
"""A bone is too long or short by this share of its length, these metres, or so many of its own
deviations, whichever is most."""
COLLAPSED, BROKEN, APART = 0.15, 0.2, 3
"""Shares of a frame's keypoints that are rejected, and of its bones that are wrong, from which on
nothing in the frame is believed, nor in the frames between two such ones that are no further apart
than this."""
RATE = 30.0
SPIKE, LONE_SPIKE = 0.05, 0.18
"""Metres at `RATE` by which a spike leaves the course of its neighbours: with a bone stretched as
well, or alone."""
SPIKE_JUMPS, AROUND = 6.0, 6
"""Jumps that are usual within so many frames that a spike exceeds."""
LONGEST_SPIKE = 3
LINES = ((1, 1), (1, 2), (2, 1), (1, 3), (2, 2), (3, 1))
"""Frames before and after between which a keypoint is expected."""
STILL, FROZEN_FRAMES, MOST_FROZEN = 1e-4, 5, 0.3
"""Metres from frame to frame up to which, and frames from which on, a keypoint counts as standing
perfectly still, and share of its frames from which on that is how it is meant (the origin of a
track, say, or numbers that are rounded)."""
NEVER_STILL, MOST_FROZEN_OF_THOSE = 0.01, 0.8
"""Share of the frames up to which keypoints usually are that never rest, for their noise, and share
of its frames from which on one of those is meant to stand still."""
TORN, UNSTEADY = 0.03, 1e-3
"""Metres by which a frozen keypoint jumps when it thaws; and from frame to frame at least, where
there is noise."""
MEDIAN_FRAMES = 2000


@dataclass(frozen=True)
class Bones:
    """B pairs of keypoints whose distance does not depend on the pose: one (B,) and other (B,),
    rows of the layout."""

    one: np.ndarray
    other: np.ndarray


def bones_of(body: Body, parts: SiteParts) -> Bones:
    """The pairs of sites that are equally far from each other in all poses, sampled from the
    prior."""
    keypoints = LinearKeypoints.at(body, parts, sampled_rotations()).base
    one, other = np.triu_indices(parts.count, k=1)
    long = lengths(keypoints[:, one] - keypoints[:, other])
    rigid = (long.std(axis=0) < RIGID) & (long.mean(axis=0) > LEAST_STRETCH)
    return Bones(one[rigid], other[rigid])


def find_outliers(positions: np.ndarray, fps: float, bones: Bones, cuts: np.ndarray) -> np.ndarray:
    """(T,K) bool: seen keypoints of positions (T,K,3) (NaN where missing, in metres) to be
    rejected.

    cuts (T-1,) bool: across them nothing goes on (`cuts.py`).
    """
    seen = complete(positions)
    stretch = _stretch(positions, bones)
    rejected = _frozen(positions, stretch, bones)
    jump = _jumps(np.where(rejected[..., None], np.nan, positions)) * min((fps / RATE) ** 2, 2.0)
    for cut in np.flatnonzero(cuts):
        jump[max(cut + 1 - LONGEST_SPIKE, 0) : cut + 1 + LONGEST_SPIKE] = 0.0
    return (rejected | _blamed(stretch, jump, rejected, seen, bones)) & seen


def _stretch(positions: np.ndarray, bones: Bones) -> np.ndarray:
    """(T,B) by how much each bone is too long or short, 1 at the limit; 0 where an end is
    missing."""
    long = lengths(positions[:, bones.one] - positions[:, bones.other])
    some = long[evenly(len(long), MEDIAN_FRAMES)]
    usual = seen_median(some)
    spread = 1.48 * seen_median(np.abs(some - usual))
    limit = np.maximum.reduce(
        [STRETCH * usual, np.full_like(usual, LEAST_STRETCH), SPREADS * spread]
    )
    return np.nan_to_num(np.abs(long - usual) / limit)


def _frozen(positions: np.ndarray, stretch: np.ndarray, bones: Bones) -> np.ndarray:
    """(T,K) bool: runs of perfect stillness, while most of the body moves, that stretch a bone, end
    in a jump, or are found where there is always noise."""
    T, K = positions.shape[:2]
    steps = np.nan_to_num(lengths(np.diff(positions, axis=0)), nan=-1.0)
    still = np.zeros((T + 1, K), dtype=bool)
    still[1:-1] = (steps >= 0.0) & (steps < STILL)
    still[still.sum(axis=1) > 0.5 * K] = False
    frozen = np.zeros((T, K), dtype=bool)
    share = still.mean(axis=0)
    most = MOST_FROZEN_OF_THOSE if np.median(share) < NEVER_STILL else MOST_FROZEN
    for k in np.flatnonzero(still.any(axis=0) & (share < most)):
        edges = np.diff(still[:, k].astype(int))
        own = stretch[:, (bones.one == k) | (bones.other == k)]
        moving = steps[steps[:, k] >= STILL, k]
        trembles = len(moving) > 0 and np.percentile(moving, 5) > UNSTEADY
        for first, last in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)):
            run, thaw = slice(first, last + 1), steps[last : last + 2, k]
            torn = len(thaw) == 2 and thaw[0] > max(TORN, 3.0 * thaw[1])
            if last - first + 1 >= FROZEN_FRAMES and (
                trembles or torn or own[run].max(initial=0.0) > 1.0
            ):
                frozen[run, k] = True
    return frozen


def _jumps(positions: np.ndarray) -> np.ndarray:
    """(T,K) metres by which keypoints leave the course of those before and after, at most
    `LONGEST_SPIKE` frames away.

    The least of the distances to straight lines from a frame before to one after, so that a
    keypoint that is not far off any of them has not jumped. Where all are near the first line, the
    others are not looked at.
    """
    T = len(positions)
    best = np.full(positions.shape[:2], np.inf)
    frames = np.arange(T)
    for before, after in LINES:
        some = frames[(frames >= before) & (frames < T - after)]
        a, b = positions[some - before], positions[some + after]
        line = a + (b - a) * (before / (before + after))
        off = lengths(positions[some] - line)
        best[some] = np.fmin(best[some], off)
        frames = np.flatnonzero(~(best < SPIKE).all(axis=1))
    return np.where(np.isfinite(best), best, 0.0)


def _median_around(values: np.ndarray) -> np.ndarray:
    """(T,K) median of values over `AROUND` frames before and after."""
    padded = (
        np.pad(values, ((AROUND, AROUND), (0, 0)), mode="reflect")
        if len(values) > AROUND
        else values
    )
    if len(padded) == len(values):
        return np.broadcast_to(np.median(values, axis=0), values.shape)
    return np.median(
        np.lib.stride_tricks.sliding_window_view(padded, 2 * AROUND + 1, axis=0), axis=-1
    )


def _around(values: np.ndarray) -> np.ndarray:
    """(T,K) mean of values over `AROUND` frames before and after: whose fault it is hardly changes
    with every frame."""
    total = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    at = np.arange(len(values))
    first, last = np.maximum(at - AROUND, 0), np.minimum(at + AROUND + 1, len(values))
    return (total[last] - total[first]) / (last - first)[:, None]


def _blamed(stretch, jump, rejected, seen, bones: Bones) -> np.ndarray:
    """(T,K) bool: for every bone that is wrong, the end with more wrong ones, or that has jumped
    farther."""
    T, K = jump.shape
    ends = np.zeros((len(bones.one), K))
    ends[np.arange(len(bones.one)), bones.one] = ends[np.arange(len(bones.one)), bones.other] = 1.0

    # A jump counts beside how much the keypoint jumps anyway: far out and alone it is enough by
    # itself, otherwise a bone to it has to be wrong, too.
    far = jump > SPIKE
    suspects = np.flatnonzero(far.any(axis=0))
    far[:, suspects] &= jump[:, suspects] > SPIKE_JUMPS * _median_around(jump[:, suspects])
    gone = far & (jump > LONE_SPIKE)
    gone[:LONGEST_SPIKE] = gone[T - LONGEST_SPIKE :] = False
    gone |= rejected
    alive = ~(gone @ ends.T > 0)
    gone |= far & ((stretch * alive > 0.5) @ ends > 0)

    # Of bones that are still wrong one end goes at a time, until none is.
    for _ in range(K):
        wrong = (stretch > 1.0) & ~(gone @ ends.T > 0)
        frames = np.flatnonzero(wrong.any(axis=1))
        if not len(frames):
            break
        blame = wrong[frames] @ ends + np.minimum(jump[frames] / (4.0 * LONE_SPIKE), 0.5)
        blame += 0.4 * _around(wrong @ ends)[frames] / max(1.0, (wrong @ ends).max())
        blame[(wrong[frames] @ ends) == 0] = 0.0
        gone[frames, blame.argmax(axis=1)] = True

    # Frames that lost so many are wrong as a whole, and so are a few between two of them.
    collapsed = (gone & seen).sum(axis=1) >= np.maximum(COLLAPSED * seen.sum(axis=1), 2)
    collapsed &= (stretch > 1.0).sum(axis=1) >= BROKEN * (stretch > 0.0).sum(axis=1)
    for before, after in pairwise(np.flatnonzero(collapsed)):
        collapsed[before:after] |= after - before <= APART
    return gone | collapsed[:, None]
