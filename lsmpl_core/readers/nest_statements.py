"""What a nest of poses says of all of them: rate, unit, the names of the points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .field_words import WORDS, folded, value_of
from .nests import kinds_of
from .rows import is_number


def stated(objects: Sequence[dict], words: Sequence[str], kind: type | tuple = object) -> Any:
    """What the outermost object says under one of some words."""
    found = (value_of(one, words, kind) for one in objects)
    return next((value for value in found if value is not None), None)


def stated_number(objects: Sequence[dict], words: Sequence[str]) -> float | None:
    """The number that is said so: as one, in quotes, or as a fraction of two."""
    said = stated(objects, words, (int, float, str, dict))
    if isinstance(said, dict):
        above, below = (
            value_of(said, names, (int, float))
            for names in (("num", "numerator"), ("den", "denominator"))
        )
        said = above / below if above and below else None
    if isinstance(said, str):
        said = float(said) if len(said) < 40 and is_number(said) else None
    return None if said is None or isinstance(said, bool) else float(said)


def without_head(content: Any) -> tuple[dict, Any]:
    """What the first object of a list says of the others, as the first of many lines does, and
    these; {} and the content where it is one of them."""
    if not isinstance(content, list) or len(content) < 3 or not isinstance(content[0], dict):
        return {}, content
    head, second = content[0], content[1]
    said = stated([head], (*WORDS["rates"], *WORDS["steps"], *WORDS["listed"], *WORDS["units"]))
    alike = isinstance(second, dict) and head.keys() == second.keys()
    if said is None or alike or kinds_of([head])[0]:
        return {}, content
    return head, content[1:]


def fitting_names(objects: Sequence[dict], count: int) -> list[str] | None:
    """The list of so many keypoint names in some objects; None where there is none."""
    for one in objects:
        for key, value in list(one.items())[:500]:
            usual = folded(key) in WORDS["listed"]
            if (
                usual
                and isinstance(value, list)
                and len(value) == count
                and all(isinstance(v, str) for v in value)
            ):
                return list(value)
        by_id = one.get("keypoint_id2name")
        if isinstance(by_id, dict) and set(map(str, by_id)) == set(map(str, range(count))):
            named = {str(key): str(name) for key, name in by_id.items()}
            return [named[str(i)] for i in range(count)]
    return None
