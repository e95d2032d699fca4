"""SMPL parameters of any estimator, found by what they are called and by their shapes, in nests of
any form.

`data/motion_names.json` has the names. A dict with a full pose, or with a root and a body pose,
holds somebody's motion; others like it are other people, other frames or other spaces. What such a
bundle says is read by `bundle_values.py`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from ..data import DATA
from ..readers.field_words import folded
from .rotation_forms import split

MOST_BUNDLES = 200_000
MOST_KEYS = 500
DEEPEST = 6


@dataclass(frozen=True)
class Bundle:
    """A dict with somebody's parameters, and the keys (path) that lead to it; `above` are the dicts
    on the way."""

    path: tuple
    fields: Mapping
    above: tuple[Mapping, ...]


@cache
def names() -> dict[str, Any]:
    return json.loads((DATA / "motion_names.json").read_text(encoding="utf-8"))


def bundles(content: object) -> list[Bundle]:
    """Every dict in a nest of dicts, lists and arrays of objects that holds a pose. Raises
    ValueError for too many."""
    found = []
    for bundle in _walk(content, (), ()):
        found.append(bundle)
        if len(found) > MOST_BUNDLES:
            raise ValueError(f"holds more than {MOST_BUNDLES} poses of their own")
    return found


def _walk(content: object, path: tuple, above: tuple[Mapping, ...]) -> Iterator[Bundle]:
    if isinstance(content, np.ndarray) and content.dtype == object:
        content = content.item() if content.size == 1 else list(content.flat)
    if isinstance(content, dict):
        if keys := pose_keys(content):
            if frames := _people_of_frames(content, keys[0]):
                for t, fields in enumerate(frames):
                    yield Bundle((*path, t), fields, above)
            else:
                yield Bundle(path, content, above)
            return
        items: Iterable[tuple[Any, Any]] = content.items()
        above = (*above, content)
    elif (
        isinstance(content, (list, tuple))
        and content
        and not isinstance(content[0], (int, float, str))
    ):
        items = enumerate(content)
    else:
        return
    if len(path) < DEEPEST:
        for key, value in items:
            if isinstance(value, (dict, list, tuple)) or (
                isinstance(value, np.ndarray) and value.dtype == object
            ):
                yield from _walk(value, (*path, key), above)


def _people_of_frames(fields: Mapping, key: str) -> list[dict]:
    """Of fields that are lists with an array of everybody in each frame (NLF), those of each frame;
    [] of others, in whose lists each array is somebody's (3DPW)."""
    listed = fields[key]
    if not isinstance(listed, (list, tuple)) or not all(
        isinstance(one, np.ndarray) and one.ndim > 1 for one in listed
    ):
        return []
    count = len(listed)
    if count <= max(map(len, listed), default=0):
        return []
    several = {
        name: value
        for name, value in fields.items()
        if isinstance(value, (list, tuple)) and len(value) == count
    }
    return [
        {name: value[t] for name, value in several.items()} for t in range(count) if len(listed[t])
    ]


def pose_keys(fields: Mapping) -> tuple[str, ...]:
    """The keys of a dict's pose: of the full one, or of root and body; () where it has none."""
    if not fields:
        return ()
    full = key_of(fields, "full")
    root, body = key_of(fields, "root"), key_of(fields, "body")
    if root and body:
        return root, body
    if full is None and body is not None and _fits(fields[body], "full"):
        return (body,)
    return (full,) if full and not (full == "motion" and "text" in fields) else ()


def is_parameter(key: str) -> bool:
    """Whether a key is a usual name of a parameter."""
    parameters = ("root", "body", "full", "trans", "betas")
    return any(folded(key) in _folded_names(what) for what in parameters)


def key_of(fields: Mapping, what: str) -> str | None:
    """The key of a parameter: one of its usual names, or else one like them whose shape fits."""
    there: dict[str, str] = {}
    for key in list(fields)[:MOST_KEYS]:
        if isinstance(key, str) and _holds_something(fields[key]):
            there.setdefault(folded(key), key)
    known = next((there[word] for word in _folded_names(what) if word in there), None)
    pattern, never = _pattern(what), _pattern("never")
    if known is not None or pattern is None or never is None:
        return known
    alike = (key for word, key in there.items() if pattern.search(word) and not never.search(word))
    return next((key for key in alike if _fits(fields[key], what)), None)


@cache
def _folded_names(what: str) -> tuple[str, ...]:
    return tuple(map(folded, names()[what]))


@cache
def _pattern(what: str) -> re.Pattern | None:
    found = names()["never"] if what == "never" else names()["patterns"].get(what, "")
    return re.compile(found) if found else None


def _fits(value: Any, what: str) -> bool:
    """Whether a value that is called somewhat like a parameter has its shape."""
    one = value[0] if isinstance(value, (list, tuple)) and len(value) else value
    return shape_fits(np.shape(one), what)


def shape_fits(shape: tuple[int, ...], what: str) -> bool:
    """Whether a parameter may have a shape."""
    if what == "trans":
        return bool(shape) and shape[-1] == 3
    if what == "betas":
        return bool(shape) and 10 <= shape[-1] <= 400
    try:
        split(np.broadcast_to(False, shape), "", what)
    except ValueError:
        return False
    return True


def _holds_something(value: object) -> bool:
    return value is not None and not isinstance(value, (str, int, float, dict))


def space(path: tuple) -> str:
    """ "world", "camera" or "" for what the keys that lead to some parameters say of their
    space."""
    words = "_".join(str(key).lower() for key in path)
    return next(
        (kind for kind in ("world", "camera") if any(word in words for word in names()[kind])), ""
    )
