"""Edges to draw between the keypoints of a track whose layout has none: those of marker sets and of
mappings."""

from __future__ import annotations

import numpy as np

from ..frames import evenly
from .track import KeypointTrack

FRAMES = 200
"""Frames of a take that distances are measured in."""
FEWEST = 5
"""Frames in which two keypoints must be seen together."""
STRETCH = 6.0
"""What a metre by which a distance changes counts, in metres of distance: markers of one bone keep
theirs."""
ACROSS = 0.3
"""Metres more from a left site to a right one: two feet that stand side by side are not one."""
LONGEST = 0.7
"""Metres; what is farther apart belongs to other things."""


def nearest_edges(track: KeypointTrack) -> list[tuple[int, int]]:
    """A minimal spanning tree over the keypoints, by how far they are from each other and how much
    that changes.

    So markers on a bone are joined to each other, and each bone to the next one. (Prim's
    algorithm.)
    """
    some = evenly(len(track), FRAMES)
    positions, seen = track.positions[some], track.visible[some]

    # What it costs to join two: their distance, and how much it changes.
    count = positions.shape[1]
    cost = np.full((count, count), np.inf)
    for a in range(count):
        apart = np.linalg.norm(positions - positions[:, a : a + 1], axis=2)
        together = seen & seen[:, a : a + 1]
        enough = together.sum(axis=0) >= min(FEWEST, len(some))
        enough[a] = False
        apart = np.where(together, apart, np.nan)[:, enough]
        if apart.size:
            mean = np.nanmean(apart, axis=0)
            cost[a, enough] = np.where(
                mean <= LONGEST, mean + STRETCH * np.nanstd(apart, axis=0), np.inf
            )

    # Left is not joined to right where there is another way.
    side = np.array(
        [site.startswith("left") - site.startswith("right") for site in track.layout.sites]
    )
    cost += ACROSS * (side[:, None] * side < 0)

    # From any keypoint on, always the nearest of those that are left.
    edges = []
    left = set(np.flatnonzero(np.isfinite(cost).any(axis=0)).tolist())
    while left:
        reached = [left.pop()]
        while True:
            outside = sorted(left)
            if not outside:
                break
            costs = cost[np.ix_(reached, outside)]
            nearest, next_one = divmod(int(np.argmin(costs)), len(outside))
            if not np.isfinite(costs[nearest, next_one]):
                break  # what is left is another thing
            one, other = reached[nearest], outside[next_one]
            edges.append((min(one, other), max(one, other)))
            left.remove(other)
            reached.append(other)
    return edges
