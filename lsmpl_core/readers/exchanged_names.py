"""Two names, a left and a right one, that a file has given the wrong way round throughout.

Keypoints of the trunk are nearer to those of their own side than to the others, in every pose; so
all pairs of a take tell of each pair of the trunk whether its names are exchanged. Limbs cross, so
that theirs are left to what is found of how they move.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import numpy as np

from ..keypoints.layouts import Layout
from ..keypoints.track import Decision
from .markers import mirrored
from .matching import Match
from .raw import RawTrack

FEWEST_PAIRS = 5
"""Pairs below which one that is unlike the others may be the right one."""
MOST_SHARE = 0.2
"""Share of the pairs that may be exchanged; where more are, nothing tells which."""
CLEARLY = 0.8
"""Share of what the other pairs say of one, by which they have to agree."""
NARROW = 0.25
"""Share of the pairs' usual width below which a pair has no sides."""
_MOST_FRAMES = 200
_SITE_WORDS = re.compile(r"(?:left|right)_(\w+?)(?=\W|$)|\b(pelvis|spine\d|neck|head|head_top)\b")
_TRUNK = frozenset(("hip", "shoulder", "collar", "eye", "ear"))


def with_names_mended(raw: RawTrack, match: Match) -> Match:
    """The match with the columns of pairs exchanged whose names are, and what was decided."""
    layout = match.layout
    columns = list(match.columns)
    pairs = [
        (left, right)
        for left, right in _pairs(layout)
        if columns[left] is not None and columns[right] is not None
    ]
    if len(pairs) < FEWEST_PAIRS:
        return match
    some = np.unique(
        np.linspace(0, len(raw.positions) - 1, min(len(raw.positions), _MOST_FRAMES)).astype(int)
    )
    left, right = (raw.positions[some][:, [columns[pair[i]] for pair in pairs]] for i in (0, 1))
    trunk = np.array([_on_trunk(layout.sites[pair[0]]) for pair in pairs])
    wrong, sure = exchanged_pairs(left, right, trunk)
    if not len(wrong):
        return match

    names = []
    for i in wrong:
        a, b = pairs[i]
        columns[a], columns[b] = columns[b], columns[a]
        names.append(f"{layout.keypoints[a]} and {layout.keypoints[b]}")
    reason = f"{'; '.join(names)} were each on the other's side, against all around them"
    decision = Decision("names", "exchanged and mended", "detected", reason, sure)
    return replace(match, columns=tuple(columns), further=(*match.further, decision))


def exchanged_pairs(
    left: np.ndarray, right: np.ndarray, trunk: np.ndarray
) -> tuple[list[int], float]:
    """Which of P pairs (T,P,3), of those on the trunk (P,), have each other's name, and how much
    the other pairs agree about that (0 to 1); none where too many have or it is not clear."""
    same = _apart(left, left) + _apart(right, right)
    across = _apart(left, right) + _apart(right, left)
    # How much nearer, typically, two pairs are side by side than crosswise.
    nearer = across - same
    nearer = np.where(np.isfinite(nearer), nearer, 0.0)
    np.fill_diagonal(nearer, 0.0)
    own = np.diag(_apart(left, right))
    if not np.isfinite(own).any():  # no pair is ever seen whole
        return [], 0.0
    trunk = trunk & (own > NARROW * np.nanmedian(own))

    # One after the other, the pair that speaks most against the rest changes sides.
    side = np.ones(len(trunk))
    for _ in range(len(trunk)):
        says = side * (nearer @ side)
        worst = int(np.argmin(np.where(trunk, says, np.inf)))
        if not says[worst] < 0:
            break
        side[worst] = -side[worst]
    wrong = np.flatnonzero(side < 0)
    if not 0 < len(wrong) <= MOST_SHARE * len(trunk):
        return [], 0.0
    agreed = (side * (nearer @ side))[wrong] / np.abs(nearer[wrong]).sum(axis=1)
    return (wrong.tolist(), float(agreed.min())) if agreed.min() > CLEARLY else ([], 0.0)


def _apart(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(P,P) median distance of each of points (T,P,3) from each of others; NaN where never seen."""
    distances = np.linalg.norm(some[:, :, None] - others[:, None], axis=3)
    seen = np.isfinite(distances).any(axis=0)
    found = np.full(seen.shape, np.nan)
    found[seen] = np.nanmedian(distances[:, seen], axis=0)
    return found


def _pairs(layout: Layout) -> list[tuple[int, int]]:
    """The rows of left keypoints whose site is the only one there, and of their right partners."""
    often = Counter(layout.sites)
    row = {site: k for k, site in enumerate(layout.sites) if often[site] == 1}
    left = [site for site in row if "left" in site]
    return [(row[site], row[mirrored(site)]) for site in left if mirrored(site) in row]


def _on_trunk(site: str) -> bool:
    parts = [limb or middle for limb, middle in _SITE_WORDS.findall(site)]
    return all(
        part in _TRUNK or part.startswith(("pelvis", "spine", "neck", "head")) for part in parts
    )
