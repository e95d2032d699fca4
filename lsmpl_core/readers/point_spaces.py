"""One of several places that a file gives each keypoint: in the world and in a camera's space, raw
and filtered, position and velocity, under names that differ in one word (`nose_cam`, `nose_world`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from ..keypoints.track import Decision
from .field_words import WORDS
from .keypoint_names import split_subject
from .raw import RawTrack

WANTED, LEFT_ASIDE = WORDS["wanted spaces"], WORDS["other spaces"]
_LEAST_SHARED = 6
_PIECES = re.compile(r"[\s_\-.|]+")


def in_one_space(raw: RawTrack) -> RawTrack:
    """The track with each keypoint once, where its names tell of which of its places that is."""
    chosen = one_space(raw.names or ())
    if chosen is None:
        return raw
    columns, names, kept, aside = chosen
    one = raw.take(columns)
    reason = f"each keypoint is there more than once; left aside: {', '.join(aside)}"
    decision = Decision("space", kept, "file", reason)
    return replace(one, names=names, decisions=[*raw.decisions, decision])


def one_space(names: Sequence[str]) -> tuple[list[int], list[str], str, list[str]] | None:
    """Of names (N,) of which most are there several times, with and without words for spaces, the
    columns and bare names of one space, its word, and the words of the others; None of any other
    names."""
    for at in (-1, 0):
        groups: dict[str, dict[str, int]] = {}
        for column, name in enumerate(names):
            word, stem = _parted(name, at)
            groups.setdefault(word, {}).setdefault(stem, column)
        kept = min(groups, key=_rank, default="")
        aside = [word for word in groups if word != kept]
        there = groups.get(kept, {})
        shared = [word for word in aside if len(groups[word].keys() & there) >= _LEAST_SHARED]
        if not shared or (kept == "" and not all(word in LEFT_ASIDE for word in shared)):
            continue
        # What is in one of the spaces alone, as a ball, stays.
        others = {
            stem: column
            for word in aside
            for stem, column in groups[word].items()
            if stem not in there and word not in shared
        }
        found = sorted((column, stem) for stem, column in {**others, **there}.items())
        words = [word or "those without a word" for word in shared]
        return [c for c, _ in found], [s for _, s in found], kept or "the first", words
    return None


def _rank(word: str) -> int:
    """Which of some spaces is the likeliest to be asked for: the lowest."""
    if word in WANTED:
        return WANTED.index(word)
    return len(WANTED) + (1 + LEFT_ASIDE.index(word) if word in LEFT_ASIDE else 0)


def _parted(name: str, at: int) -> tuple[str, str]:
    """A name's first (0) or last (-1) word, where that is of a space, and what is left of it; ""
    and the name of any other."""
    subject, own = split_subject(name)
    words = _PIECES.split(own)
    word = words[at].lower()
    if len(words) < 2 or (word not in WANTED and word not in LEFT_ASIDE):
        return "", name
    stem = "_".join(words[1:] if at == 0 else words[:-1])
    return word, f"{subject}:{stem}" if subject else stem
