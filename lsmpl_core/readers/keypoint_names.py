"""Matching the keypoint names of files (`RHip`, `left_hip`, `Hip.L`, `Subject:LEFT_HIP`) to those
of the layouts."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from ..data import DATA
from ..keypoints.layouts import Layout
from ..keypoints.words import words_of

_PUNCTUATION = re.compile(r"[\W_]+")
_SIDES = {"l": "left", "left": "left", "lt": "left", "r": "right", "right": "right", "rt": "right"}
_LEAST_SHARED = 6
_NEARLY_ALL = 0.9
_SEPARATORS = " _-.|"
_SEPARATED = re.compile(r"[\s_\-.|]+")
_GENERIC = re.compile(
    r"(?:(?:pose|body|skeleton)[\s_\-.#]+)?"
    r"(?:point|marker|keypoint|kpt|kp|joint|landmark|unnamed|p|m|j|k|x|\*|#"
    r"|(?:jnt|lmk?|pose|body|node)(?=[\s_\-.#]*\d))?[\s_\-.#]*\d*",
    re.I,
)

_TABLE = json.loads((DATA / "keypoint_names.json").read_text(encoding="utf-8"))
_NOISE = frozenset(_TABLE["noise"])
_SIDED: dict[str, list[str]] = _TABLE["sided"]
_MIDDLE: dict[str, list[str]] = _TABLE["middle"]
_SIDE_BEHIND: dict[str, str] = _TABLE["side behind"]


def fold(name: str) -> str:
    """A name without case and punctuation."""
    return _PUNCTUATION.sub("", name).upper()


def split_subject(name: str) -> tuple[str, str]:
    """`Subject:RKNE` as ("Subject", "RKNE"); no subject is ""."""
    subject, _, bare = name.strip().rpartition(":")
    return (subject, bare) if bare else ("", name.strip())


def without_affixes(names: Sequence[str]) -> list[str]:
    """Names without the words that nearly all of them begin or end with: `CC_Base_L_Thigh`,
    `l_leg_JNT`, `K4ABT_JOINT_NECK`.

    A side is no such word, and nothing is taken off where names would become alike or empty.
    """
    for at in (0, -1):
        while (bare := _without_common(names, at)) is not None:
            names = bare
    return list(names)


def _without_common(names: Sequence[str], at: int) -> list[str] | None:
    """Names without their first (at 0) or last (-1) word, where nearly all share it; None where
    they do not."""
    parts = [_SEPARATED.split(split_subject(name)[1]) for name in names]
    words = Counter(part[at].lower() for part in parts if len(part) > 1)
    word, most = words.most_common(1)[0] if words else ("", 0)
    if len(names) < _LEAST_SHARED or most < _NEARLY_ALL * len(names) or not word or word in _SIDES:
        return None
    bare = []
    for name, part in zip(names, parts):
        subject, own = split_subject(name)
        if len(part) > 1 and part[at].lower() == word:
            own = (
                own[len(part[0]) :].lstrip(_SEPARATORS)
                if at == 0
                else own[: -len(part[-1])].rstrip(_SEPARATORS)
            )
        bare.append(f"{subject}:{own}" if subject else own)
    return bare if all(bare) and len(set(bare)) == len(set(names)) else None


def subjects(names: Sequence[str]) -> dict[str, list[int]]:
    """The columns of each subject whose keypoints a file names: `Ann:LHip`, `Ann_LHip`,
    `Skeleton.001.LHip`.

    Before a colon stands a subject, before `_` or `.` one only where others have the same
    keypoints. Subjects that share no keypoint (a ball's markers) do not make several people: then
    all is one subject's, the one with most. None where no name has a subject.
    """
    by_colon = _grouped(names, [split_subject(name)[0] for name in names])
    bare = [split_subject(name)[1].lower() for name in names]
    if len(set(bare)) < len(bare) and len(by_colon) > 1:
        return by_colon
    named = max(
        (subject for subject in by_colon if subject), key=lambda s: len(by_colon[s]), default=""
    )
    if named:
        return {named: list(range(len(names)))}
    for separator in "_.":
        words = [name.strip().split(separator) for name in names]
        for depth in (1, 2, 3):
            groups = _grouped(
                names, [separator.join(w[:depth]) if len(w) > depth else "" for w in words]
            )
            groups.pop("", None)
            keypoints = {
                s: {separator.join(words[i][depth:]).lower() for i in at}
                for s, at in groups.items()
            }
            if people := _people(keypoints):
                return {subject: groups[subject] for subject in people}
    return _behind(names)


def _behind(names: Sequence[str]) -> dict[str, list[int]]:
    """The columns of each subject that stands behind the names of joints: `left_hip_p1`,
    `left_hip_2`; {} where there are none. Clusters of markers are numbered so, too, but on
    segments."""
    for separator in "_.":
        words = [name.strip().rpartition(separator) for name in names]
        groups = _grouped(names, [last for _, _, last in words])
        if not 1 < len(groups) <= len(names) // _FEWEST_LIMBS or not all(
            map(_SUBJECT.fullmatch, groups)
        ):
            continue
        limbs = [
            {meaning for i in at for meaning in canonical_names(words[i][0])} & _LIMBS
            for at in groups.values()
        ]
        if all(len(found) >= _FEWEST_LIMBS for found in limbs):
            return groups
    return {}


_SUBJECT = re.compile(r"(?:[a-z]{1,12})?\d{1,6}", re.I)
_LIMBS = frozenset(
    f"{side}_{part}"
    for side in ("left", "right")
    for part in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
)
_FEWEST_LIMBS = 8
"""Joints of the limbs that each of several people has whose names stand behind."""


def _grouped(names: Sequence[str], subjects: Sequence[str]) -> dict[str, list[int]]:
    groups: dict[str, list[int]] = {}
    for i, subject in enumerate(subjects):
        groups.setdefault(subject, []).append(i)
    return groups


def _people(keypoints: dict[str, set[str]]) -> list[str]:
    """Of prefixes and what they stand before, those of people: with mostly the same keypoints, and
    two at least.

    None where one is a side or a part (`left_`, `pose_`).
    """
    if any(not (_SIDES.keys() | _NOISE).isdisjoint(words_of(prefix)) for prefix in keypoints):
        return []
    most = max(keypoints.values(), key=len, default=set())
    people = [
        p for p, own in keypoints.items() if len(own & most) >= max(_LEAST_SHARED, 0.5 * len(own))
    ]
    return people if len(people) > 1 else []


def side_of(word: str) -> str:
    """ "left" or "right" for a word that is a side; "" for any other."""
    return _SIDES.get(word, "")


def is_generic(name: str) -> bool:
    """Whether a name says nothing: a number, or `Point 12`, `pose_landmark_3` and the like."""
    return _GENERIC.fullmatch(split_subject(name)[1]) is not None


@lru_cache(maxsize=4096)
def canonical_names(name: str) -> tuple[str, ...]:
    """The layouts' keypoint names that a file's `name` may mean, likeliest first; the first is its
    own spelling."""
    words = words_of(split_subject(name)[1])
    spelled = "_".join(_SIDES.get(word, word) for word in words)
    sides = [_SIDES[word] for word in words if word in _SIDES]
    parts = [word for word in words if word not in _SIDES and word not in _NOISE]
    if len(parts) > 1 and parts[0] == "hand":
        parts = parts[1:]
    part = "".join(parts)
    if not sides and part not in _MIDDLE:
        sides, part = _glued_side(part)
    meanings: Sequence[str]
    if not sides:
        meanings = _MIDDLE.get(part, ())
    elif part == "mouth":
        meanings = (f"mouth_{sides[0]}",)
    else:
        meanings = tuple(f"{sides[0]}_{meaning}" for meaning in _SIDED.get(part, ()))
    return tuple(dict.fromkeys((spelled, *meanings)))


def _glued_side(part: str) -> tuple[list[str], str]:
    """`lshoulder`, `RIGHTHIP`, `SHOL`: the side, where what stands beside it is a known part."""
    for prefix in ("left", "right", "l", "r"):
        if part.startswith(prefix) and part[len(prefix) :] in _SIDED:
            return [_SIDES[prefix]], part[len(prefix) :]
    if part[-1:] in ("l", "r") and part[:-1] in _SIDE_BEHIND:
        return [_SIDES[part[-1]]], _SIDE_BEHIND[part[:-1]]
    return [], part


def match_names(names: Sequence[str], layout: Layout) -> list[int | None]:
    """For each of a layout's keypoints the index of the file's name for it, or None.

    Likelier meanings claim first, so that of `Neck` and `Thorax` each finds its own keypoint.
    """
    found: dict[str, int] = {}
    claimed: set[int] = set()
    folded = {keypoint.lower(): keypoint for keypoint in layout.keypoints}
    exact = [(split_subject(name)[1].lower(),) for name in names]
    for meanings in (exact, [canonical_names(name) for name in names]):
        for rank in range(max(map(len, meanings), default=0)):
            for i, options in enumerate(meanings):
                keypoint = (
                    folded.get(options[rank]) if rank < len(options) and i not in claimed else None
                )
                if keypoint is not None and keypoint not in found:
                    found[keypoint] = i
                    claimed.add(i)
    return [found.get(keypoint) for keypoint in layout.keypoints]
