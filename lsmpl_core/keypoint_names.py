"""Matching the keypoint names of files (`RHip`, `left_hip`, `Hip.L`, `Subject:LEFT_HIP`) to those of the layouts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from .layouts import Layout

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SIDES = {"l": "left", "left": "left", "lt": "left", "r": "right", "right": "right", "rt": "right"}
_NOISE = {"body", "pose", "mediapipe", "joint", "keypoint", "keypoints", "landmark", "marker", "kpt", "kp", "finger"}
_GENERIC = re.compile(r"(?:point|marker|keypoint|kpt|kp|joint|landmark|unnamed|p|m|j|k|x|\*|#)?[\s_\-.#]*\d*", re.I)

_SIDED: dict[str, tuple[str, ...]] = {
    **{part: (part,) for part in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle", "heel", "eye", "ear")},
    "eyeinner": ("eye_inner",),
    "eyeouter": ("eye_outer",),
    "collar": ("collar",),
    "clavicle": ("collar",),
    "hand": ("hand", "wrist"),
    "foot": ("foot", "ankle"),
    "toe": ("toe", "big_toe", "foot"),
    "toebase": ("foot", "toe", "big_toe"),
    "footindex": ("toe", "big_toe"),
    "bigtoe": ("big_toe", "toe"),
    "smalltoe": ("small_toe",),
    "littletoe": ("small_toe",),
    "pinkytoe": ("small_toe",),
    **dict.fromkeys(("pinky", "little", "pinkymcp", "littlemcp", "pinky1", "littleknuckle"), ("little_knuckle",)),
    **dict.fromkeys(("index", "indexmcp", "index1", "forefinger1", "indexknuckle"), ("index_knuckle",)),
    **dict.fromkeys(("thumb", "thumbmcp", "thumb2", "thumbknuckle"), ("thumb_knuckle",)),
}
"""What a sided part may be called (words joined, lower case): the canonical parts it may mean, likeliest first."""

_HIPS = ("mid_hip", "pelvis")
_MIDDLE: dict[str, tuple[str, ...]] = {
    "nose": ("nose",),
    "neck": ("neck", "thorax", "jaw"),
    "thorax": ("thorax", "neck"),
    **dict.fromkeys(("spineshoulder", "shouldercenter", "midshoulder", "neckcenter", "neckbase"), ("thorax", "neck")),
    "chest": ("spine3", "thorax"),
    "jaw": ("jaw",),
    "necknose": ("jaw",),
    "head": ("head", "head_top"),
    **dict.fromkeys(("headtop", "tophead", "topofhead", "headend"), ("head_top",)),
    "spine": ("spine", "spine1"),
    "spine1": ("spine1", "spine"),
    **dict.fromkeys(("torso", "belly", "spinemid", "midspine"), ("spine", "spine2")),
    **dict.fromkeys(("hip", "hips", "midhip", "midhips", "hipcenter", "hipscenter", "centerhip", "chip"), _HIPS),
    **dict.fromkeys(("pelvis", "root", "spinebase", "bodycenter", "waist"), _HIPS),
}


def split_subject(name: str) -> tuple[str, str]:
    """`Subject:RKNE` as ("Subject", "RKNE"); no subject is ""."""
    subject, _, bare = name.strip().rpartition(":")
    return (subject, bare) if bare else ("", name.strip())


def main_subject(names: Sequence[str]) -> str | None:
    """The subject with the most keypoints, where a file holds the same keypoints for several; else None."""
    subjects = Counter(split_subject(name)[0] for name in names)
    bare = [split_subject(name)[1] for name in names]
    return subjects.most_common(1)[0][0] if len(subjects) > 1 and len(set(bare)) < len(bare) else None


def is_generic(name: str) -> bool:
    """Whether a name says nothing: a number, or `Point 12`, `kp_3` and the like."""
    return _GENERIC.fullmatch(split_subject(name)[1]) is not None


@lru_cache(maxsize=4096)
def canonical_names(name: str) -> tuple[str, ...]:
    """The layouts' keypoint names that a file's `name` may mean, likeliest first; the first is its own spelling."""
    words = [word.lower() for word in _WORDS.findall(split_subject(name)[1])]
    spelled = "_".join(_SIDES.get(word, word) for word in words)
    sides = [_SIDES[word] for word in words if word in _SIDES]
    parts = [word for word in words if word not in _SIDES and word not in _NOISE]
    if len(parts) > 1 and parts[0] == "hand":
        parts = parts[1:]
    part = "".join(parts)
    if not sides and part not in _MIDDLE:
        sides, part = _glued_side(part)
    if not sides:
        meanings = _MIDDLE.get(part, ())
    elif part == "mouth":
        meanings = (f"mouth_{sides[0]}",)
    else:
        meanings = tuple(f"{sides[0]}_{meaning}" for meaning in _SIDED.get(part, ()))
    return tuple(dict.fromkeys((spelled, *meanings)))


def _glued_side(part: str) -> tuple[list[str], str]:
    """`lshoulder`, `RIGHTHIP`: the side, where what follows it is a known part."""
    for prefix in ("left", "right", "l", "r"):
        if part.startswith(prefix) and part[len(prefix) :] in _SIDED:
            return [_SIDES[prefix]], part[len(prefix) :]
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
                keypoint = folded.get(options[rank]) if rank < len(options) and i not in claimed else None
                if keypoint is not None and keypoint not in found:
                    found[keypoint] = i
                    claimed.add(i)
    return [found.get(keypoint) for keypoint in layout.keypoints]
