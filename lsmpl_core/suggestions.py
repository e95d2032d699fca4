"""What somebody may have meant by a word that is not known."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from .bounds import LONGEST_NAME

MOST = 5
"""Words that are suggested at most."""
SHORTEST_PART = 3
"""Letters of a word from which on those that contain it are meant, too."""


def plain(word: str) -> str:
    """A word without case, separators and signs, by which spellings of a name are one."""
    return re.sub(r"[\W_]", "", word[:LONGEST_NAME].lower())


def suggestion(word: str, known: Iterable[str], labels: Mapping[str, str] | None = None) -> str:
    """`did you mean a, b or c?`, with the known words that are most like one that is none; where
    none is, all of them: `valid: a, b, c`.

    labels: of known words, what they stand for in other words (`OpenPose BODY_25`), which may be
    what was meant.
    """
    known, wanted = list(known), plain(word)
    if len(wanted) >= SHORTEST_PART:
        named = [name for name in known if wanted in plain(name)]
        labelled = [name for name, label in (labels or {}).items() if wanted in plain(label)]
    else:
        named = labelled = []
    spelled = {plain(name): name for name in known}
    similar = [spelled[match] for match in get_close_matches(wanted, spelled, n=3)]

    close = list(dict.fromkeys([*named, *similar, *labelled]))[:MOST]
    if not close:
        return f"valid: {', '.join(known)}"
    return f"did you mean {' or '.join(filter(None, (', '.join(close[:-1]), close[-1])))}?"
