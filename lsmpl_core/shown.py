"""Words of strangers (names in files, paths) as they are shown: nothing in them moves a cursor or
turns a line."""

from __future__ import annotations

import unicodedata

LONGEST = 160
"""Letters of a name that are shown; of a longer one the middle is left out."""
LEAST = 5
"""Letters of its ends that are left of a shortened text at least."""
_HIDDEN = frozenset(("Cc", "Cf", "Cs", "Co", "Zl", "Zp"))
"""Unicode's categories of what is not seen itself: controls, marks of direction, halves of pairs,
line separators."""


def shown(text: str, longest: int | None = None, but: str = "") -> str:
    """The text with every letter that is not seen as a backslash escape, save those in `but`; at
    most so `longest`."""
    visible = "".join(
        ascii(letter)[1:-1]
        if unicodedata.category(letter) in _HIDDEN and letter not in but
        else letter
        for letter in text
    )
    return visible if longest is None else shortened(visible, longest)


def shortened(text: str, longest: int = LONGEST, gap: str = "...") -> str:
    """The text, of which the middle is left out where it is too long: `C:/Users/.../walk.trc`. Some
    letters of both ends stay, however short it is to be."""
    if len(text) <= longest:
        return text
    kept = max(longest - len(gap), LEAST)
    head = kept // 2
    return f"{text[:head]}{gap}{text[-(kept - head) :]}"
