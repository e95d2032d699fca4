"""Hands of a file on the wrists of its body: which of both each is in each frame, which are
nobody's, and how they join where they have an origin of their own."""

from __future__ import annotations

import numpy as np

from ..keypoints.hand_points import HAND_POINTS, SIDES, HandPoints
from ..keypoints.hand_sides import at_sites, inwardness, of_other_side
from ..keypoints.layouts import Layout
from ..keypoints.track import Decision
from ..medians import seen_median
from .matching import Match

APART = 0.25
"""Of the forearm: a hand whose wrist is farther from the body's has an origin of its own."""
PALM_OF_FOREARM = 0.37
"""From the wrist to the middle finger's base, in forearms of an adult."""
OTHER_SIZE = 1.6
"""By how many times a hand with its own origin may differ from that; more is another unit."""
_THUMB = HAND_POINTS.index("thumb2")
_MIDDLE = HAND_POINTS.index("middle1")


def join_hands(
    positions: np.ndarray, confidence: np.ndarray, body: np.ndarray, layout: Layout
) -> tuple[HandPoints | None, Decision | None]:
    """Hands (T,2,21,3) with confidence (T,2,21) on the wrists of the body (T,K,3), all in metres,
    Z up; and what was decided. None where there is nothing to use.

    Which hand is whose, the wrist that it is at says, frame by frame. Hands that are not at the
    wrists are moved there, each to that of its side, as its shape says; those that are no hand's
    size beside the body's forearms, too, are scaled. What is at no wrist or of the other side by
    its shape does not count.
    """
    positions = np.where(np.isfinite(positions), positions, np.nan)
    row = {name: k for k, name in enumerate(layout.keypoints)}
    joints = ("left_wrist", "right_wrist", "left_elbow", "right_elbow")
    if not np.isfinite(positions).any() or not all(name in row for name in joints):
        return None, None
    wrists = body[:, [row["left_wrist"], row["right_wrist"]]]
    elbows = body[:, [row["left_elbow"], row["right_elbow"]]]
    forearm = float(seen_median(np.linalg.norm(wrists - elbows, axis=-1).ravel()))
    if not forearm > 0:
        return None, None

    # Tables of fingers alone, left and right by name: the wrist is the body's.
    hands, trust = _on_their_wrists(positions, confidence, wrists, forearm)
    reasons = []
    away = np.linalg.norm(hands[:, :, None, 0] - wrists[:, None], axis=-1)
    at_wrists = _are_at(away, APART * forearm)
    if at_wrists:
        other = _seen_sum(away[:, [0, 1], [0, 1]]) - _seen_sum(away[:, [0, 1], [1, 0]])
        exchanged = other > APART * forearm
    else:
        exchanged = _seen_sum(inwardness(hands)) < 0.0
    if exchanged.mean() > 0.5:  # where neither is nearer, the others decide
        unclear = ~exchanged & (np.abs(other) <= APART * forearm) if at_wrists else False
        exchanged = exchanged | unclear
    hands[exchanged], trust[exchanged] = hands[exchanged][:, ::-1], trust[exchanged][:, ::-1]
    if exchanged.all():
        reasons.append("each was the other one")
    elif exchanged.any():
        reasons.append(f"left and right were exchanged in {np.count_nonzero(exchanged)} frames")

    # At the wrong place in some frames, or bent as one of the other side: nobody's hand.
    if at_wrists:
        with np.errstate(invalid="ignore"):
            trust[np.linalg.norm(hands[:, :, 0] - wrists, axis=-1) > 2.0 * APART * forearm] = 0.0
    seen = np.isfinite(hands).all(axis=-1) & (trust > 0)
    wrong = of_other_side(inwardness(hands)) & seen.any(axis=2)
    trust[wrong] = 0.0
    for side, count in zip(SIDES, np.count_nonzero(wrong, axis=0)):
        if count:
            reasons.append(f"{side} left aside in {count} frames, bent as one of the other side")

    # Hands with an origin of their own hang on the wrists.
    if not at_wrists:
        palm = float(
            seen_median(np.linalg.norm(hands[:, :, _MIDDLE] - hands[:, :, 0], axis=-1).ravel())
        )
        size = PALM_OF_FOREARM * forearm / palm if palm > 0 else 1.0
        size = 1.0 if 1.0 / OTHER_SIZE < size < OTHER_SIZE else size
        hands = wrists[:, :, None] + size * (hands - hands[:, :, :1])
        reasons.append(
            "moved to the wrists" + (f" and scaled by {size:.3g}" if size != 1.0 else "")
        )
    named = [name for side, name in enumerate(SIDES) if np.isfinite(hands[:, side]).any()]
    decision = Decision(
        "hands", " and ".join(named), "detected", "; ".join(reasons) or "21 points at the wrists"
    )
    return HandPoints(hands, trust, placed=at_wrists), decision


def with_their_knuckles(
    positions: np.ndarray,
    confidence: np.ndarray | None,
    match: Match,
    blocks: list[list[int | None]],
    hands: HandPoints,
) -> tuple[np.ndarray, np.ndarray | None]:
    """A body's keypoints (T,K,3) in whose layout are knuckles as well, columns of the file that its
    blocks have, too: as the joined hands have them, and where the body has such sites.

    A thumb's knuckle moves with the thumb, so that it says nothing of the body. (Four fitted takes,
    10 mm: joints 11.0 mm off with it and at the finger's joints, 9.7 as here, 10.3 without hands.)
    Where wrists are no joints, as MHR's (`carpus`), sites were chosen for them with their knuckles.
    """
    shared = [
        (k, side, block.index(column))
        for k, column in enumerate(match.columns)
        for side, block in enumerate(blocks)
        if column is not None and column in block
    ]
    shared = [(k, side, point) for k, side, point in shared if point]
    if not shared:
        return positions, confidence
    positions = positions.copy()
    if confidence is None:
        confidence = np.isfinite(positions).all(axis=-1).astype(np.float64)
    else:
        confidence = confidence.copy()
    own_sites = "left_wrist" not in match.layout.sites
    for k, side, point in shared:
        positions[:, k] = hands.positions[:, side, point]
        moved = at_sites(hands.positions, side, point)
        there = np.isfinite(moved).all(axis=-1) & (not own_sites)
        positions[there, k] = moved[there]
        counts = np.isfinite(positions[:, k]).all(axis=-1) & (own_sites or point != _THUMB)
        confidence[:, k] = np.where(counts, hands.confidence[:, side, point], 0.0)
    return positions, confidence


def _are_at(away: np.ndarray, near: float) -> bool:
    """Whether each hand that is ever seen is usually at one of the wrists; away (T,2,2) metres from
    each."""
    nearest = np.where(np.isfinite(away), away, np.inf).min(axis=2)
    nearest = seen_median(np.where(np.isfinite(nearest), nearest, np.nan))
    return bool((nearest[np.isfinite(nearest)] < near).all())


def _seen_sum(values: np.ndarray) -> np.ndarray:
    """(T,) of values (T,2), what is NaN for nothing."""
    return np.nansum(values, axis=1)


def _on_their_wrists(
    positions: np.ndarray, confidence: np.ndarray, wrists: np.ndarray, forearm: float
) -> tuple[np.ndarray, np.ndarray]:
    """Hands that never show a wrist of their own, but lie at the body's (T,2,3), with that."""
    positions, confidence = positions.copy(), confidence.copy()
    for hand in range(positions.shape[1]):
        reach = np.linalg.norm(positions[:, hand, _MIDDLE] - wrists[:, hand], axis=-1)
        shown = np.isfinite(positions[:, hand, 0]).all(axis=-1)
        if not shown.any() and seen_median(reach) < forearm:
            positions[:, hand, 0] = wrists[:, hand]
            confidence[:, hand, 0] = np.isfinite(wrists[:, hand]).all(axis=-1)
    return positions, confidence
