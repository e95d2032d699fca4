"""Hands in keypoint files: which columns hold the 21 points of each hand."""

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
)
from ..keypoints.layouts import ORDERS, Layout, Order
from ..keypoints.words import words_of
from ..medians import seen_median
from .keypoint_names import split_subject

_TABLE = json.loads((DATA / "hand_columns.json").read_text(encoding="utf-8"))
_JOINTS = _TABLE["names"]["joints"]

FEWEST_POINTS = 4
"""Of a hand that a file names, beside its wrist, for it to be read as one."""
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
