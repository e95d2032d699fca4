"""What custom properties hold as JSON, checked field by field: a .blend is edited by hand, by
scripts and by other add-ons, too."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from functools import lru_cache

import bpy
import numpy as np

from ..lsmpl_core import LsmplError

Check = Callable[[object], bool]
"""Whether a value is what belongs there; `ABSENT` stands for a field that is not there."""
ABSENT = object()
_LARGEST = 2**53


def is_number(value: object) -> bool:
    return (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and -1e300 < value < 1e300
        and math.isfinite(value)
    )


def is_positive(value: object) -> bool:
    return is_number(value) and value > 0  # type: ignore[operator]


def is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < _LARGEST


def is_count(value: object) -> bool:
    """Of things of which there are some."""
    return is_whole(value) and 0 < value < 2**31  # type: ignore[operator]


def is_flag(value: object) -> bool:
    return isinstance(value, bool)


def is_text(value: object) -> bool:
    return isinstance(value, str)


def optional(check: Check) -> Check:
    """Of a field that earlier versions did not have."""
    return lambda value: value is ABSENT or check(value)


def nullable(check: Check) -> Check:
    return lambda value: value is None or check(value)


def list_of(check: Check, count: int | None = None) -> Check:
    return lambda value: (
        isinstance(value, list) and count in (None, len(value)) and all(map(check, value))
    )


def object_of(**checks: Check) -> Check:
    """Of an object that has these fields, whatever else it has."""
    return lambda value: (
        isinstance(value, dict)
        and all(check(value.get(name, ABSENT)) for name, check in checks.items())
    )


def array_of(*shape: int) -> Check:
    """Of lists of numbers in lists; a length of -1 may be any."""

    def holds(value: object) -> bool:
        try:
            array = np.array(value, dtype=np.float64)
        except (TypeError, ValueError, OverflowError):
            return False
        sizes = zip(array.shape, shape)
        fits = array.ndim == len(shape) and all(size in (-1, found) for found, size in sizes)
        return fits and bool(np.isfinite(array).all())

    return holds


class Fields:
    """What belongs into the fields of an object. What held for a text once holds for it again:
    panels ask with every redraw."""

    def __init__(self, **checks: Check):
        self._checks = checks
        self.fault = lru_cache(maxsize=32)(self._fault)

    def _fault(self, text: str) -> str:
        """Which field of the object in a text is the first that is not what belongs there, and what
        it is; "" where all are."""
        facts = json.loads(text)
        for name, holds in self._checks.items():
            if not holds(facts.get(name, ABSENT)):
                return f"{name} is {json.dumps(facts[name])[:60] if name in facts else 'not there'}"
        return ""


def load(block: bpy.types.ID, key: str, fields: Fields) -> dict:
    """The object in a datablock's custom property. Raises `LsmplError` where it is none, or a field
    is not what belongs there."""
    facts = parsed(block, key)
    check(block, key, fields)
    return facts


def parsed(block: bpy.types.ID, key: str) -> dict:
    """As `load`, whatever the fields."""
    try:
        facts = json.loads(block[key])
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise LsmplError(f"{_what(block, key)} ({error})") from error
    if not isinstance(facts, dict):
        raise LsmplError(f"{_what(block, key)}: no object with fields")
    return facts


def check(block: bpy.types.ID, key: str, fields: Fields) -> None:
    """Raises `LsmplError` with the first field of an object, as `parsed` gives it, that is not what
    belongs there."""
    if fault := fields.fault(block[key]):
        raise LsmplError(f"{_what(block, key)}: {fault}")


def _what(block: bpy.types.ID, key: str) -> str:
    return f"{block.name}: its custom property {key!r} is no longer what was stored"
