"""Which way, and how far, two hands that are in each other have to go apart: the least way that
goes on from frame to frame, so that hands come out at the side at which they came in."""

from __future__ import annotations

import numpy as np

from ..frames import runs
from ..points import spread_directions
from .easing import followed

DIRECTIONS = 64
"""That are tried in each frame, evenly spread over the sphere."""
FARTHEST = 0.03
"""Metres that each hand goes at most: beyond, it is not the hands' thickness that is off."""
ROOM = 0.03
"""Metres beyond twice that within which spheres may stand in the way."""
STAYS = 0.1
"""Seconds: changing sides costs as much as being so much too far apart for long."""
PASSES = 4
"""How often what is left is looked at again along the smoothed way."""
TOUCHING = 0.001
"""Metres by which hands that touch may be in each other: skin gives way."""


def ways_apart(
    left: np.ndarray, right: np.ndarray, radii: tuple[np.ndarray, np.ndarray], fps: float
) -> np.ndarray:
    """(T,3) metres by which the right hand has to move against the left one.

    left (T,A,3), right (T,B,3): their spheres; radii (A,) and (B,).
    """
    reach = radii[0][:, None] + radii[1] - TOUCHING
    inside = _in_each_other(left, right, reach)
    ahead = spread_directions(DIRECTIONS)
    wanted = np.zeros((len(left), 3))
    for start, stop in runs(inside):
        met = (_pairs(left[t], right[t], reach) for t in range(start, stop))
        wanted[start:stop] = _least_way(np.stack([_exits(p, ahead) for p in met]), fps)

    # The smoothed way turns and falls short, so it is walked again and what is missing is added.
    more = np.zeros(len(left))
    way = np.zeros_like(wanted)
    for _ in range(PASSES):
        way = followed(wanted, inside, fps)
        for t in np.flatnonzero(inside):
            length = float(np.linalg.norm(way[t]))
            onward = way[t] / max(length, 1e-9)
            needed = float(_exits(_pairs(left[t], right[t], reach), onward[None])[0])
            more[t] = max(more[t] + min(needed, 2.0 * FARTHEST) - length, 0.0)
            wanted[t] = min(needed + more[t], 2.0 * FARTHEST) * onward
    return way


def _in_each_other(left: np.ndarray, right: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """(T,) bool: whether some sphere of a hand is in one of the other; left (T,A,3), right (T,B,3),
    reach (A,B) the sums of their radii."""
    # Most frames need no look at pairs: along an axis all of a hand is beyond all of the other.
    gaps = np.maximum(left.min(axis=1) - right.max(axis=1), right.min(axis=1) - left.max(axis=1))
    near = gaps.max(axis=1) <= reach.max()

    inside = np.zeros(len(left), dtype=bool)
    for t in np.flatnonzero(near):
        apart = np.linalg.norm(left[t, :, None] - right[t], axis=2)
        inside[t] = (apart < reach).any()
    return inside


def _pairs(left: np.ndarray, right: np.ndarray, reach: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """From spheres of the left hand to those of the right (P,3), and how far these have to be from
    each other (P,), of those that may stand in each other's way."""
    apart = right - left[:, None]
    near = (apart**2).sum(axis=2) < (reach + 2.0 * FARTHEST + ROOM) ** 2
    return apart[near], reach[near]


def _exits(pairs: tuple[np.ndarray, np.ndarray], ahead: np.ndarray) -> np.ndarray:
    """(D,) metres that the right hand has to go along unit vectors (D,3) until nothing of it is in
    the left one, which it may pass by."""
    apart, reach = pairs
    along = apart @ ahead.T
    half = reach[:, None] ** 2 - (apart**2).sum(axis=1)[:, None] + along**2
    hit = half > 0.0
    half = np.sqrt(np.where(hit, half, 0.0))
    first, last = -along - half, np.where(hit, half - along, -np.inf)

    # On to where the last sphere ends that is in the way, until none is.
    gone = np.zeros(len(ahead))
    while True:
        blocked = (first < gone) & (last > gone + 1e-9)
        if not blocked.any():
            return gone
        gone = np.maximum(gone, np.where(blocked, last, 0.0).max(axis=0))


def _least_way(lengths: np.ndarray, fps: float) -> np.ndarray:
    """(N,3): the way in successive frames, of the directions tried, that is short and changes
    little, from nothing and back to nothing (Viterbi's algorithm); lengths (N,D) metres that each
    direction takes."""
    ways = lengths[..., None] * spread_directions(DIRECTIONS)
    stays = (STAYS * fps) ** 2
    cost, came = lengths[0] ** 2 * (1.0 + stays), np.zeros(lengths.shape, dtype=int)
    for t in range(1, len(ways)):
        change = ((ways[t, :, None] - ways[t - 1]) ** 2).sum(axis=2)
        total = cost + stays * change
        came[t] = total.argmin(axis=1)
        cost = total.min(axis=1) + lengths[t] ** 2
    at = int((cost + stays * lengths[-1] ** 2).argmin())
    out = np.empty((len(ways), 3))
    for t in range(len(ways) - 1, -1, -1):
        out[t] = min(1.0, 2.0 * FARTHEST / max(lengths[t, at], 1e-9)) * ways[t, at]
        at = int(came[t, at])
    return out
