"""Bodies whose points stand in parts: `{"torso": {...}, "left_leg": {...}, "left_hand": [...]}`."""

from __future__ import annotations

import re
from typing import Any

from .point_forms import LEAST_POINTS, NOT_POINTS, coordinates, is_known, is_named, point_name
from .point_ways import way_of

MOST_IN_PART = 200
_SIDE = re.compile(
    r"(?:^|[\W_])(?:left|right|l|r)(?=$|[\W_])|^(?:left|right)|(?:left|right)$"
    r"|^(?-i:[LR](?=[A-Z]))",
    re.I,
)
_DETAIL = re.compile(r"hand|face|finger|palm", re.I)


def joined_parts(value: dict) -> dict | None:
    """The points, or their ways, by name, of an object that has them in parts; None of any other.

    Names that say no side get that of their part. Hands and faces that name points as the body
    does are left aside; where other parts do they are no parts of one body, but bodies.
    """
    if not 2 <= len(value) <= MOST_IN_PART:
        return None
    parts = {
        str(key)[:80]: part
        for key, one in value.items()
        if not NOT_POINTS.search(str(key)[:80]) and (part := _part(one))
    }
    joined: dict[str, Any] = {}
    for key in sorted(parts, key=lambda key: bool(_DETAIL.search(key))):
        part = {_named(name, key): point for name, point in parts[key].items()}
        if not part.keys().isdisjoint(joined):
            if not _DETAIL.search(key):
                return None
            continue
        if _DETAIL.search(key) or 2 * sum(map(is_known, part)) >= len(part):
            joined |= part
    several = sum(any(_named(name, key) in joined for name in part) for key, part in parts.items())
    return joined if several > 1 and len(joined) >= LEAST_POINTS else None


def _part(one: Any) -> dict | None:
    """The points of a part by name, where it is nothing but these."""
    if isinstance(one, list) and 0 < len(one) <= MOST_IN_PART and is_named(one):
        one = {point_name(point): point for point in one}
    if not isinstance(one, dict) or not 0 < len(one) <= MOST_IN_PART:
        return None
    is_part = all(coordinates(point) is not None or way_of(point) for point in one.values())
    return {str(name): point for name, point in one.items()} if is_part else None


def _named(name: str, part: str) -> str:
    """A point's name with its part's side; of a hand with the whole of the part's name."""
    side = _side(part)
    if side is None or _side(name):
        return name
    return f"{side}_hand_{name}" if re.search("hand", part, re.I) else f"{side}_{name}"


def _side(name: str) -> str | None:
    found = _SIDE.search(name)
    return None if found is None else "left" if found[0].strip("_-. ")[0] in "lL" else "right"
