"""Hands in keypoint files: which columns hold the 21 points of each hand, which hand it is, and how
it joins the body where it has an origin of its own."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import numpy as np

from ..data import DATA
from ..keypoints.hand_points import HAND_POINTS, HandPoints
from ..keypoints.layouts import ORDERS, Layout
from ..keypoints.track import Decision
from .keypoint_names import split_subject

_TABLE = json.loads((DATA / "hand_columns.json").read_text(encoding="utf-8"))
_FINGERS, _JOINTS = _TABLE["names"]["fingers"], _TABLE["names"]["joints"]
_WORD = re.compile(r"[A-Z]{2,}(?![a-z])|[A-Z]?[a-z]+|\d+|[A-Z]")
_SIDES = {"left": 0, "l": 0, "right": 1, "r": 1}

FEWEST_POINTS = 4
"""Of a hand that a file names, beside its wrist, for it to be read as one."""
APART = 0.25
"""Of the forearm: a hand whose wrist is farther from the body's has an origin of its own."""
PALM_OF_FOREARM = 0.37
"""From the wrist to the middle finger's base, in forearms of an adult."""
OTHER_SIZE = 1.6
"""By how many times a hand with its own origin may differ from that; more is another unit."""

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


def join_hands(
    positions: np.ndarray, confidence: np.ndarray, body: np.ndarray, layout: Layout
) -> tuple[HandPoints | None, Decision | None]:
    """Hands (T,H,21,3) with confidence (T,H,21) on the wrists of the body (T,K,3), all in metres,
    Z up; and what was decided. None where there is nothing to use.

    Hands that are not at the wrists are moved there; those that are no hand's size beside the
    body's forearms, too, are scaled. A hand on the wrong side is exchanged.
    """
    row = {name: k for k, name in enumerate(layout.keypoints)}
    joints = ("left_wrist", "right_wrist", "left_elbow", "right_elbow")
    if not np.isfinite(positions).any() or not all(name in row for name in joints):
        return None, None
    wrists = body[:, [row["left_wrist"], row["right_wrist"]]]
    elbows = body[:, [row["left_elbow"], row["right_elbow"]]]
    forearm = _median(np.linalg.norm(wrists - elbows, axis=-1))
    if not forearm > 0:
        return None, None

    # Which hand is whose: the wrist that it is at.
    hands = np.full((len(positions), 2, len(HAND_POINTS), 3), np.nan)
    trust = np.zeros(hands.shape[:3])
    own = [positions[:, h] for h in range(positions.shape[1])]
    away = np.array(
        [
            [_median(np.linalg.norm(hand[:, 0] - wrists[:, side], axis=-1)) for side in (0, 1)]
            for hand in own
        ]
    )
    away = np.where(np.isfinite(away), away, np.inf)
    at_wrists = bool((away.min(axis=1)[np.isfinite(away).any(axis=1)] < APART * forearm).all())
    sides = list(range(len(own)))
    reasons = []
    if at_wrists and len(own) == 2 and away[0, 0] + away[1, 1] > away[0, 1] + away[1, 0]:
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
        palm = _median(np.linalg.norm(hands[:, :, _MIDDLE] - hands[:, :, 0], axis=-1))
        size = PALM_OF_FOREARM * forearm / palm if palm > 0 else 1.0
        size = 1.0 if 1.0 / OTHER_SIZE < size < OTHER_SIZE else size
        hands = wrists[:, :, None] + size * (hands - hands[:, :, :1])
        reasons.append(
            "moved to the wrists" + (f" and scaled by {size:.3g}" if size != 1.0 else "")
        )
    seen = [
        name for side, name in enumerate(("left", "right")) if np.isfinite(hands[:, side]).any()
    ]
    decision = Decision(
        "hands", " and ".join(seen), "detected", "; ".join(reasons) or "21 points at the wrists"
    )
    return HandPoints(hands, trust), decision


def _median(values: np.ndarray) -> float:
    seen = values[np.isfinite(values)]
    return float(np.median(seen)) if len(seen) else np.nan


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
    words = [word.lower() for word in _WORD.findall(split_subject(name)[1])]
    sides = {_SIDES[word] for word in words if word in _SIDES}
    fingers = {_FINGERS[word] for word in words if word in _FINGERS}
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
