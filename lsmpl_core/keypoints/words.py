"""The words that names of keypoints and bones are made of."""

from __future__ import annotations

import re

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def words_of(name: str) -> list[str]:
    """In lower case, however they are told apart: "LeftHandIndex1" has left, hand, index and 1."""
    return [word.lower() for word in _WORDS.findall(name)]
