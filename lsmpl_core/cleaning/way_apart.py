"""Which way, and how far, two hands that are in each other have to go apart: the least way that
goes on from frame to frame, so that hands come out at the side at which they came in."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ..frames import runs
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


def depths(left: np.ndarray, right: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """(T,) metres by which the deepest two spheres are in each other; left (T,A,3), right (T,B,3),
    reach (A,B) the sums of their radii."""
    deepest = np.empty(len(left))
    for t in range(len(left)):
        apart = np.linalg.norm(left[t, :, None] - right[t], axis=2)
        deepest[t] = (reach - apart).max()
    return np.maximum(deepest, 0.0)


def ways_apart(
    left: np.ndarray, right: np.ndarray, radii: tuple[np.ndarray, np.ndarray], fps: float
) -> np.ndarray:
    """(T,3) metres by which the right hand has to move against the left one.

    left (T,A,3), right (T,B,3): their spheres; radii (A,) and (B,).
    """
    reach = radii[0][:, None] + radii[1] - TOUCHING
    inside = depths(left, right, reach) > 0.0
    wanted = np.zeros((len(left), 3))
    for start, stop in runs(inside):
        met = (_pairs(left[t], right[t], reach) for t in range(start, stop))
        wanted[start:stop] = _least_way(np.stack([_exits(p, _sphere()) for p in met]), fps)

    # The smoothed way turns and falls short, so it is walked again and what is missing is added.
    more = np.zeros(len(left))
    way = np.zeros_like(wanted)
    for _ in range(PASSES):
        way = followed(wanted, inside, fps)
        for t in np.flatnonzero(inside):
            length = float(np.linalg.norm(way[t]))
            ahead = way[t] / max(length, 1e-9)
            needed = float(_exits(_pairs(left[t], right[t], reach), ahead[None])[0])
            more[t] = max(more[t] + min(needed, 2.0 * FARTHEST) - length, 0.0)
            wanted[t] = min(needed + more[t], 2.0 * FARTHEST) * ahead
    return way


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
    ways = lengths[..., None] * _sphere()
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


@lru_cache(maxsize=1)
def _sphere() -> np.ndarray:
    """(N,3) unit vectors on Fibonacci's spiral."""
    n = np.arange(DIRECTIONS) + 0.5
    height, turn = 1.0 - 2.0 * n / DIRECTIONS, np.pi * (1.0 + 5.0**0.5) * n
    across = np.sqrt(1.0 - height**2)
    return np.stack([across * np.cos(turn), across * np.sin(turn), height], axis=1)
