"""What files write where a keypoint is missing, and on what scale their confidence is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import KeypointFileError
from ..keypoints.layouts import Layout
from ..keypoints.proportions import finite_median
from ..keypoints.track import Decision
from .raw import RawTrack

_FARTHEST = 1e9  # file units; nothing measured is farther


def mark_missing(raw: RawTrack, path: Path) -> RawTrack:
    """Triples of exact zeros or of -1 are what triangulation writes for a missing keypoint: make them NaN.

    A keypoint that is zero in every frame is kept for now: it may be the root of a root-relative take.
    """
    positions = np.array(raw.positions, dtype=np.float64)
    zero = (positions == 0).all(axis=2)
    zero &= ~(zero | ~np.isfinite(positions).all(axis=2)).all(axis=0)
    filler = zero | (positions == -1).all(axis=2) | (np.abs(positions) > _FARTHEST).any(axis=2)
    positions[filler | ~np.isfinite(positions).all(axis=2)] = np.nan
    if not np.isfinite(positions).any():
        raise KeypointFileError(f"{path}: every position is missing in all of its {len(positions)} frames")
    decisions = raw.decisions
    if filler.any():
        reason = f"points at exactly 0 0 0, at -1 -1 -1 or beyond {_FARTHEST:g}: {100 * filler.mean():.1f} % of all"
        decisions = [*decisions, Decision("missing", f"{filler.sum()} points", "detected", reason)]
    return replace(raw, positions=positions, decisions=decisions)


def scaled_confidence(raw: RawTrack) -> RawTrack:
    """Confidence in 0..1: scores that pass 1 a little are cut later; percentages and counts are divided here."""
    if raw.confidence is None:
        return raw
    confidence = np.nan_to_num(raw.confidence, nan=0.0, posinf=0.0, neginf=0.0)
    highest = float(confidence.max(initial=0.0))
    if highest <= 0:
        decision = Decision("confidence", "1", "assumed", "the file's confidence is nowhere above 0, and is not used")
        return replace(raw, confidence=None, decisions=[*raw.decisions, decision])
    if highest > 10:
        full = 100.0 if highest <= 100 else highest
        decision = Decision("confidence", f"divided by {full:g}", "detected", f"the file's highest is {highest:g}")
        return replace(raw, confidence=confidence / full, decisions=[*raw.decisions, decision])
    return replace(raw, confidence=confidence)


def settle_zero_columns(positions: np.ndarray, layout: Layout) -> tuple[np.ndarray, Decision | None]:
    """Keypoints that are zero in every frame are missing, save the root of a root-relative take, between its hips."""
    zero = ((positions == 0) | np.isnan(positions)).all(axis=(0, 2)) & (positions == 0).any(axis=(0, 2))
    if not zero.any():
        return positions, None
    rows = {site: k for k, site in enumerate(layout.sites)}
    hips = [rows[site] for site in ("left_hip", "right_hip") if site in rows]
    middle = np.linalg.norm(positions[:, hips].mean(axis=1), axis=1) if len(hips) == 2 else np.array([np.nan])
    apart = np.linalg.norm(positions[:, hips[0]] - positions[:, hips[1]], axis=1) if len(hips) == 2 else middle
    roots = [rows[site] for site in ("pelvis", "mid_hip") if site in rows and zero[rows[site]]]
    if roots and finite_median(middle) < finite_median(apart):
        zero[roots] = False
        decision = Decision(
            "root", layout.keypoints[roots[0]], "detected", "always at the origin: positions are relative to it"
        )
    else:
        names = ", ".join(layout.keypoints[k] for k in np.flatnonzero(zero))
        decision = Decision("missing", names, "detected", "at exactly 0 0 0 in every frame")
    positions = positions.copy()
    positions[:, zero] = np.nan
    return positions, decision
