"""Finger markers of optical marker sets: by their names, which of them sit where on which finger.

Markers beyond the knuckles bend with fingers and are hands' points (`HandPoints.on_skin`); those on
knuckles move with the hand as the body's own markers do. Codes with numbers mean different places
in different sets, so that a file's numbers are looked at together (`data/finger_markers.json`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from ..data import DATA
from ..keypoints.hand_points import CHAINS, HAND_POINTS, SIDES
from .hand_columns import hand_point
from .keypoint_names import fold, split_subject

FEWEST = 2
"""Markers beyond the knuckles, of one hand, from which on they show fingers."""
_TABLE = json.loads((DATA / "finger_markers.json").read_text(encoding="utf-8"))
_CODED = re.compile(rf"([LR])({'|'.join(_TABLE['fingers'])})(\d)")
_KNUCKLES = frozenset([0, *CHAINS[:, 0].tolist()])
_THUMB = [HAND_POINTS.index(f"thumb{joint}") for joint in ("1", "2", "3")]


def finger_markers(names: Sequence[str]) -> dict[int, tuple[int, int]]:
    """Of a marker set's names, by their column, the hand (0 left, 1 right) and the point of the 21
    beside which each marker of a finger sits; those on knuckles, too. Nothing where hardly any of
    a hand are beyond the knuckles."""
    found = _coded(names)
    taken = set(found.values())
    for column, name in enumerate(names):
        at = hand_point(name)
        if column not in found and at is not None and at not in taken and at[1]:
            found[column] = at
            taken.add(at)

    # A thumb's only joint that is numbered is the one that one sees: its knuckle.
    for column, (hand, point) in found.items():
        if point == _THUMB[0] and not taken & {(hand, other) for other in _THUMB[1:]}:
            found[column] = hand, _THUMB[1]
    beyond = [hand for hand, point in found.values() if point not in _KNUCKLES]
    return found if max(map(beyond.count, (0, 1))) >= FEWEST else {}


def bend_with_fingers(found: dict[int, tuple[int, int]]) -> dict[int, tuple[int, int]]:
    """Those of them beyond the knuckles."""
    return {column: at for column, at in found.items() if at[1] not in _KNUCKLES}


def knuckle_place(hand: int, point: int) -> str | None:
    """Where on the skin a marker on a finger's knuckle sits (`body/landmarks.py`); None for the
    base of the thumb, which no set's description places."""
    finger = HAND_POINTS[point][:-1]
    return None if finger == "thumb" else f"{SIDES[hand]}_{finger}_knuckle up within 1.5 cm"


def _coded(names: Sequence[str]) -> dict[int, tuple[int, int]]:
    """By codes and numbers, as the first of the sets that has all numbers of the file."""
    matches = {
        column: match.groups()
        for column, name in enumerate(names)
        if (match := _CODED.fullmatch(fold(split_subject(name)[1])))
    }
    for numbers in _TABLE["numbers"]:
        found: dict[int, tuple[int, int]] = {}
        for column, (side, code, number) in matches.items():
            finger = _TABLE["fingers"][code]
            end = numbers["thumb" if finger == "thumb" else "finger"].get(number)
            if end is not None:
                found[column] = "LR".index(side), HAND_POINTS.index(f"{finger}{end}")
        known = {numbers_of for kind in ("finger", "thumb") for numbers_of in numbers[kind]}
        if all(number in known for _, _, number in matches.values()):
            return found
    return {}
