"""What files call their fields (`data/field_words.json`): points, people, frames, ids, times."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from itertools import islice
from typing import Any

from ..data import DATA
from .keypoint_names import fold

WORDS: dict[str, tuple[str, ...]] = {
    what: tuple(words)
    for what, words in json.loads((DATA / "field_words.json").read_text(encoding="utf-8")).items()
}
LONGEST_KEY, MOST_KEYS = 60, 500


def folded(name: object) -> str:
    """A field's name as `WORDS` has it."""
    return _folded(str(name)[:LONGEST_KEY])


@lru_cache(maxsize=4096)
def _folded(name: str) -> str:
    """Kept, for dicts of every frame have the same names."""
    return fold(name).lower()


def value_of(one: Any, words: Sequence[str], kind: type | tuple[type, ...] = object) -> Any:
    """What an object holds under the first of some words that it has as a field, of a type; None of
    anything else."""
    if not isinstance(one, dict):
        return None
    keys = _called(tuple(islice(one, MOST_KEYS)), tuple(words))
    return next((one[key] for key in keys if isinstance(one[key], kind)), None)


@lru_cache(maxsize=256)
def _called(keys: tuple, words: tuple[str, ...]) -> tuple:
    """Of some keys those that some words call, as the words come, and of keys that are one word the
    first. Kept, as `_folded`'s."""
    fields = {folded(key): key for key in reversed(keys)}
    return tuple(fields[word] for word in words if word in fields)
