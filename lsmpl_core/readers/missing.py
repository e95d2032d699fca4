"""What files write where a keypoint is missing, and on what scale their confidence is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import KeypointFileError
from ..keypoints.layouts import Layout
from ..keypoints.proportions import finite_median
from ..keypoints.track import Decision
from ..medians import in_parts, middle_of_points, own_median, within
from .raw import RawTrack

_FARTHEST = 1e9
"""File units; nothing measured is farther."""
HIGHEST = 1e6
"""Of a confidence: detections are counted, but not so many."""
_REPEATED = 0.005, 10
"""Share and number of all points that are at one and the same place, far from the others, for a
place that stands for what is missing."""
_SEVERAL = 2
"""Points at x = y = z, from which on that is what stands for a missing one."""
_FAR = 20.0
"""Extents of the body from its middle at which a place is far from it."""


def mark_missing(raw: RawTrack, path: Path) -> RawTrack:
    """What files write for a missing keypoint becomes NaN: 0 0 0, -1 -1 -1, nines, and places that
    repeat far away. Written into the track's own array where that can be.

    A keypoint that is zero in every frame is kept for now: it may be the root of a root-relative
    take.
    """
    positions = np.require(raw.positions, np.float64, "W")
    nowhere = ~np.isfinite(positions).all(axis=2)
    zero = (positions == 0).all(axis=2)
    zero &= ~(zero | nowhere).all(axis=0)
    filler = zero | _is_filler(positions)
    positions[filler | nowhere] = np.nan
    at_sensor = _at_sensor(positions)
    positions[at_sensor] = np.nan
    repeated = _repeated_far_away(positions)
    positions[repeated] = np.nan
    if not np.isfinite(positions).any():
        raise KeypointFileError(
            f"{path}: every position is missing in all of its {len(positions)} frames"
        )
    decisions = list(raw.decisions)
    for which, what in (
        (
            filler,
            "at exactly 0 0 0, at -1 -1 -1 or another number three times, at nines such as "
            f"9999999, or beyond {_FARTHEST:g}",
        ),
        (at_sensor, "with one coordinate exactly 0, far from all others', as depth sensors write"),
        (repeated, "at a place far from the body that repeats"),
    ):
        if which.any():
            reason = f"points {what}: {100 * which.mean():.1f} % of all"
            decisions.append(Decision("missing", f"{which.sum()} points", "detected", reason))
    return replace(raw, positions=positions, decisions=decisions)


def _is_filler(positions: np.ndarray) -> np.ndarray:
    """(T,K): points that are no places: -1 -1 -1, farther than anything, with a coordinate of five
    nines or more, or all three of three or four (999 999 999, -9999 ...)."""
    found = np.empty(positions.shape[:2], dtype=bool)
    for part, here in in_parts(positions, found):
        size = np.abs(part)
        any_far = (size > _FARTHEST) | np.isin(size, [10.0**n - 1 for n in range(5, 12)])
        here[...] = any_far.any(axis=2) | (part == -1).all(axis=2)
        here |= np.isin(size, [999.0, 9999.0]).all(axis=2)
    found |= _thrice_the_same(positions)
    return found


def _at_sensor(positions: np.ndarray) -> np.ndarray:
    """(T,K): points of which one coordinate alone is exactly 0, while those of the others are on
    one side of 0 and nowhere near it: a pixel without a depth."""
    found = np.zeros(positions.shape[:2], dtype=bool)
    for axis in range(3):
        values = positions[..., axis]
        zero = values == 0
        if not 0 < zero.mean() < _MOST_AT_SENSOR:
            continue
        others = values[np.isfinite(values) & ~zero]
        if not len(others) or (others.min() < 0) == (others.max() > 0):
            continue
        nearest, usual = np.quantile(np.abs(others), [_NEAREST, 0.5])
        if nearest > _CLEAR_OF_SENSOR * usual:
            found |= zero
    return found


_MOST_AT_SENSOR = 0.5
_NEAREST, _CLEAR_OF_SENSOR = 0.01, 0.3
"""The quantile of distances that is the nearest, and the share of the usual one by which it is off
0: feet on a floor at 0 are a tenth of the body's middle above it."""


def _thrice_the_same(positions: np.ndarray) -> np.ndarray:
    """(T,K): points whose x, y and z are one number, the same of several points (-1000, 32767): no
    measured ones are on that line, by chance, at one place."""
    found = (positions == positions[..., :1]).all(axis=2) & (positions[..., 0] != 0)
    values, counts = np.unique(positions[..., 0][found], return_counts=True)
    found[found] = np.isin(positions[..., 0][found], values[counts >= _SEVERAL])
    return found


def _repeated_far_away(positions: np.ndarray) -> np.ndarray:
    """(T,K): points at a place that many share, of more than one keypoint, far from where the
    others are."""
    share, least = _REPEATED
    rows = positions.reshape(-1, 3)
    seen = np.isfinite(rows).all(axis=1)
    if seen.sum() < least:
        return np.zeros(positions.shape[:2], dtype=bool)
    middle = middle_of_points(rows, seen)
    extent = max(_spread(rows[:, axis][seen], middle[axis]) for axis in range(3))
    far = seen & ~within(rows, middle, _FAR * max(extent, 1e-9))
    places, which, counts = np.unique(rows[far], axis=0, return_inverse=True, return_counts=True)
    found = np.zeros(len(rows), dtype=bool)
    if len(places):
        found[np.flatnonzero(far)] = (counts >= max(least, share * seen.sum()))[np.ravel(which)]
    return found.reshape(positions.shape[:2])


def _spread(values: np.ndarray, middle: float) -> float:
    """The median distance of values from their middle; the array is written into."""
    values -= middle
    return own_median(np.abs(values, out=values))


def mark_frozen(raw: RawTrack) -> RawTrack:
    """Frames in which every keypoint is exactly where it was before are doubled frames: they become
    missing.

    Only where the body moves otherwise: of a take that stands still in most of its frames nothing
    is changed. Written into the track's own array.
    """
    positions = raw.positions
    seen = np.isfinite(positions).all(axis=2)
    both = seen[1:] & seen[:-1]
    still = ((positions[1:] == positions[:-1]).all(axis=2) | ~both).all(axis=1)
    several = both.sum(axis=1) >= _LEAST_SEEN
    frozen = np.concatenate([[False], several & still & (seen[1:] == seen[:-1]).all(axis=1)])
    if not frozen.any() or frozen.sum() > _MOST_FROZEN * len(positions):
        return raw
    positions[frozen] = np.nan
    first = raw.first_frame + int(np.flatnonzero(frozen)[0])
    reason = (
        f"every keypoint is exactly where it was in the frame before, first in frame {first}; they "
        "count as missing"
    )
    decisions = [*raw.decisions, Decision("frozen", f"{frozen.sum()} frames", "detected", reason)]
    return replace(raw, positions=positions, decisions=decisions)


_LEAST_SEEN, _MOST_FROZEN = 4, 0.34


def scaled_confidence(raw: RawTrack) -> RawTrack:
    """Confidence in 0..1: scores that pass 1 a little are cut later; percentages and counts are
    divided here."""
    if raw.confidence is None:
        return raw
    confidence = np.nan_to_num(raw.confidence, nan=0.0, posinf=0.0, neginf=0.0)
    absurd = confidence > HIGHEST
    if absurd.any():
        # one of them would else make nothing of all others
        reason = f"no score is above {HIGHEST:g}; these keypoints count as missing"
        wrong = Decision("confidence", f"{absurd.sum()} left out", "detected", reason)
        raw = replace(raw, decisions=[*raw.decisions, wrong])
        confidence = np.where(absurd, 0.0, confidence)
    highest = float(confidence.max(initial=0.0))
    if highest <= 0:
        decision = Decision(
            "confidence",
            "1",
            "assumed",
            "the file's confidence is nowhere above 0, and is not used",
        )
        return replace(raw, confidence=None, decisions=[*raw.decisions, decision])
    if highest > 10:
        full = 100.0 if highest <= 100 else highest
        decision = Decision(
            "confidence", f"divided by {full:g}", "detected", f"the file's highest is {highest:g}"
        )
        return replace(raw, confidence=confidence / full, decisions=[*raw.decisions, decision])
    return replace(raw, confidence=confidence)


def settle_zero_columns(
    positions: np.ndarray, layout: Layout
) -> tuple[np.ndarray, Decision | None]:
    """Keypoints that are zero in every frame are missing, save the root of a root-relative take,
    between its hips. The same array, written into."""
    zero = ((positions == 0) | np.isnan(positions)).all(axis=(0, 2)) & (positions == 0).any(
        axis=(0, 2)
    )
    if not zero.any():
        return positions, None
    rows = {site: k for k, site in enumerate(layout.sites)}
    hips = [rows[site] for site in ("left_hip", "right_hip") if site in rows]
    middle = (
        np.linalg.norm(positions[:, hips].mean(axis=1), axis=1)
        if len(hips) == 2
        else np.array([np.nan])
    )
    apart = (
        np.linalg.norm(positions[:, hips[0]] - positions[:, hips[1]], axis=1)
        if len(hips) == 2
        else middle
    )
    roots = [rows[site] for site in ("pelvis", "mid_hip") if site in rows and zero[rows[site]]]
    if roots and finite_median(middle) < finite_median(apart):
        zero[roots] = False
        decision = Decision(
            "root",
            layout.keypoints[roots[0]],
            "detected",
            "always at the origin: positions are relative to it",
        )
    else:
        names = ", ".join(layout.keypoints[k] for k in np.flatnonzero(zero))
        decision = Decision("missing", names, "detected", "at exactly 0 0 0 in every frame")
    positions[:, zero] = np.nan
    return positions, decision
