"""Hands in keypoint files: which columns hold the 21 points of each hand, which hand it is, and how
it joins the body where it has an origin of its own."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np

from ..data import DATA
from ..keypoints.hand_points import (
    CHAINS,
    FINGER_WORDS,
    HAND_POINTS,
    SIDE_WORDS,
    SIDES,
    HandPoints,
)
from ..keypoints.layouts import ORDERS, Layout, Order
from ..keypoints.track import Decision
from ..keypoints.words import words_of
from ..medians import seen_median
from .keypoint_names import split_subject

_TABLE = json.loads((DATA / "hand_columns.json").read_text(encoding="utf-8"))
_JOINTS = _TABLE["names"]["joints"]

FEWEST_POINTS = 4
"""Of a hand that a file names, beside its wrist, for it to be read as one."""
APART = 0.25
"""Of the forearm: a hand whose wrist is farther from the body's has an origin of its own."""
PALM_OF_FOREARM = 0.37
"""From the wrist to the middle finger's base, in forearms of an adult."""
OTHER_SIZE = 1.6
"""By how many times a hand with its own origin may differ from that; more is another unit."""

BONES_M = np.array(
    [
        *([0.040, 0.024, 0.023], [0.045, 0.028, 0.025], [0.033, 0.019, 0.019]),
        *([0.041, 0.026, 0.024], [0.043, 0.033, 0.026]),
    ]
)
"""(5,3) metres: the bones of an adult's fingers, in SMPL-H's order, from the palm to the tip."""
OTHER_BONE, MOST_ODD = 2.0, 0.2
"""Times that a bone of a hand is longer or shorter than the others say, and the share of bones that
may be so: detectors see thumbs and tips elsewhere than bones have them."""

_MIDDLE = HAND_POINTS.index("middle1")


def hand_columns(
    count: int, names: Sequence[str] | None, layout: Layout, columns: Sequence[int | None]
) -> list[list[int | None]]:
    """The columns of the 21 points of each hand in a file of so many keypoints, None where it has
    none; an empty list where it has no hands.

    By name, if it has names; else by the order that the columns of the layout were found in.
    """
    if names is not None and (named := _named_columns(names)):
        return named
    for order in ORDERS:
        entry = _TABLE["orders"].get(order.name)
        if (
            entry
            and len(order) == count
            and order.layout.name == layout.name
            and list(order.columns) == list(columns)
        ):
            return [
                list(range(block, block + 21)) if isinstance(block, int) else list(block)
                for block in entry["blocks"]
            ]
    return []


def makes_hands(positions: np.ndarray, order: Order) -> bool:
    """Whether the blocks of an order's columns that are seen, one at least, hold the bones of
    hands, as numbers in another order hardly would. positions (T,N,3), of all columns."""
    entry = _TABLE["orders"].get(order.name)
    seen = 0
    for block in entry["blocks"] if entry else ():
        columns = np.arange(block, block + 21) if isinstance(block, int) else np.array(block)
        bones = np.linalg.norm(np.diff(positions[:, columns[CHAINS]], axis=2), axis=-1)
        sizes = seen_median(bones) / BONES_M
        if np.isfinite(sizes).all() and (sizes > 0).all():
            apart = np.maximum(sizes / np.median(sizes), np.median(sizes) / sizes)
            if (apart > OTHER_BONE).mean() > MOST_ODD:
                return False
            seen += 1
    return seen > 0


def join_hands(
    positions: np.ndarray, confidence: np.ndarray, body: np.ndarray, layout: Layout
) -> tuple[HandPoints | None, Decision | None]:
    """Hands (T,H,21,3) with confidence (T,H,21) on the wrists of the body (T,K,3), all in metres,
    Z up; and what was decided. None where there is nothing to use.

    Hands that are not at the wrists are moved there; those that are no hand's size beside the
    body's forearms, too, are scaled. A hand on the wrong side is exchanged.
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
    if positions.shape[1] == 2:
        positions, confidence = _on_their_wrists(positions, confidence, wrists, forearm)

    # Which hand is whose: the wrist that it is at.
    hands = np.full((len(positions), 2, len(HAND_POINTS), 3), np.nan)
    trust = np.zeros(hands.shape[:3])
    away = seen_median(
        np.linalg.norm(positions[:, :, None, 0] - wrists[:, None], axis=-1)
    )  # of each hand from each wrist
    away = np.where(np.isfinite(away), away, np.inf)
    at_wrists = bool((away.min(axis=1)[np.isfinite(away).any(axis=1)] < APART * forearm).all())
    sides = list(range(positions.shape[1]))
    reasons = []
    if at_wrists and len(sides) == 2 and away[0, 0] + away[1, 1] > away[0, 1] + away[1, 0]:
        sides = [1, 0]
        reasons.append("each was at the other wrist")
    for block, side in enumerate(sides):
        hands[:, side], trust[:, side] = positions[:, block], confidence[:, block]

    # At the wrong place in some frames: nobody's hand, or the other one twice.
    if at_wrists:
        off = np.linalg.norm(hands[:, :, 0] - wrists, axis=-1) > 2.0 * APART * forearm
        trust[off] = 0.0

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
    seen = [name for side, name in enumerate(SIDES) if np.isfinite(hands[:, side]).any()]
    decision = Decision(
        "hands", " and ".join(seen), "detected", "; ".join(reasons) or "21 points at the wrists"
    )
    return HandPoints(hands, trust, placed=at_wrists), decision


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


def _named_columns(names: Sequence[str]) -> list[list[int | None]]:
    columns: list[list[int | None]] = [[None] * len(HAND_POINTS) for _ in range(2)]
    for column, name in enumerate(names):
        found = hand_point(name)
        if found is not None and columns[found[0]][found[1]] is None:
            columns[found[0]][found[1]] = column
    seen = [sum(c is not None for c in hand[1:]) for hand in columns]
    return columns if max(seen) >= FEWEST_POINTS else []


def hand_point(name: str) -> tuple[int, int] | None:
    """The hand (0 left, 1 right) and the point of the 21 that a keypoint's name means, None where
    it is no point of a hand: "left_hand_index_finger_mcp", "RThumb4CMC", "right_pinky_tip"."""
    words = words_of(split_subject(name)[1])
    sides = {SIDE_WORDS[word] for word in words if word in SIDE_WORDS}
    fingers = {FINGER_WORDS[word] for word in words if word in FINGER_WORDS}
    if len(sides) != 1:
        return None
    side = sides.pop()
    if not fingers:
        return (side, 0) if words[-1:] == ["wrist"] and "hand" in words else None
    if len(fingers) > 1:
        return None
    finger = fingers.pop()
    ends = _JOINTS["thumb" if finger == "thumb" else "finger"]
    found = [ends[word] for word in words if word in ends]
    if not found:
        return None
    point = f"{finger}{found[-1]}"
    return side, HAND_POINTS.index(point)
