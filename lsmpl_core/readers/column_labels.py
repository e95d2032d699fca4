"""What each cell of one row above a table's numbers says of its column: `nose_x`, `LeftHip.Z (mm)`,
`Hips_position_x`, `LFHD[0]`, `LKNE_1`, or a name and its axes side by side.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from .column_words import (
    AXES,
    CONFIDENCE,
    LONGEST_LABEL,
    OTHER,
    POSITION,
    QUATERNION,
    SEPARATORS,
    SPACES,
    TURNING,
    UNITS,
    axis_of,
    is_turn,
    quaternion_key,
)

_TRANSLATIONS = ("tx", "ty", "tz", "px", "py", "pz")
_CHANNEL = re.compile(r":([tp]?[xyz])$", re.I)
"""The axis of a channel behind its node's name (TouchDesigner, Houdini)."""
_BRACKETED = re.compile(r"(.+)\[([0-3])\]")


@dataclass(frozen=True)
class Label:
    """What one column is: a keypoint's `name` and the `key` of x, y, z, c or one of `QUATERNION`;
    its unit; how the file has it (text)."""

    name: str = ""
    key: str = ""
    unit: str | None = None
    text: str = ""


def by_labels(header: Sequence[Sequence[str]]) -> list[Label]:
    """Of one row with everything: of the rows the one that tells of most columns."""
    rows = [[label_of(cell) for cell in row] for row in header[-3:]]
    return max(
        rows, key=lambda labels: (sum(bool(label.key) for label in labels), len(labels)), default=[]
    )


def by_numbers(header: Sequence[Sequence[str]]) -> list[Label]:
    """Of names with the numbers of their axes: `LKNE_1`, `LKNE_2`, `LKNE_3`; nothing where there
    are none."""
    for row in reversed(header[-3:]):
        numbered = [_NUMBERED.fullmatch(cell[:LONGEST_LABEL]) for cell in row]
        of_name: dict[str, list[str]] = {}
        for found in filter(None, numbered):
            of_name.setdefault(found[1], []).append(found[2])
        axes = [
            key for key in ("123", "012") if sum("".join(n) == key for n in of_name.values()) > 3
        ]
        if axes:
            return [
                Label(found[1], AXES[axes[0].index(found[2])], None, cell)
                if found and "".join(of_name[found[1]]) == axes[0]
                else Label(text=cell)
                for cell, found in zip(row, numbered)
            ]
    return []


_NUMBERED = re.compile(r"(.+?)[\s_.\-]([0-3])")


def by_names_among_axes(header: Sequence[Sequence[str]]) -> list[Label]:
    """Of one row in which a name stands before its axes, or with the first of them: `Hips`, `X`,
    `Y`, `Z`, `QX`, ... (Qualisys' skeletons) or `Hips X`, `Y`, `Z`."""
    rows = [_after_names(row) for row in header[-3:]]
    return max(rows, key=lambda labels: sum(bool(label.key) for label in labels), default=[])


def _after_names(row: Sequence[str]) -> list[Label]:
    labels, name = [], ""
    taken: set[str] = set()
    for cell in row:
        axis, own = axis_of(cell), label_of(cell)
        if not cell or axis or is_turn(cell):
            # Of axes that come twice below a name the first are of its place.
            key = cell.lower() if cell.lower() in QUATERNION else axis
            known = name and key and key not in taken
            labels.append(Label(name, key, None, cell) if known else Label(text=cell))
            taken.add(key)
        else:
            name, taken = own.name or cell, {own.key}
            labels.append(own)
    return labels


def label_of(text: str) -> Label:
    """`nose_x`, `LeftHip.Z (mm)`, `noseX`, `x_nose`, `X1`, `Hips_position_x`, `LFHD[0]`."""
    short = _CHANNEL.sub(r".\1", text[:LONGEST_LABEL])
    bracketed = _BRACKETED.fullmatch(short)
    if bracketed and not OTHER & set(SEPARATORS.split(bracketed[1].lower())):
        key = (*AXES, "c")[int(bracketed[2])]
        stem, _, kind = bracketed[1].strip().rpartition(".")
        return Label(stem if kind.lower() in POSITION else bracketed[1].strip(), key, None, text)
    words = [word for word in SEPARATORS.split(short.lstrip("#")) if word]
    unit = words.pop().lower() if len(words) > 2 and words[-1].lower() in UNITS else None
    if len(words) > 1 and words[-1].lower() in QUATERNION:
        return Label("_".join(_bare(words[:-1], POSITION)), words[-1].lower(), None, text)
    if found := OTHER & {word.lower() for word in words}:
        turning = quaternion_key(words[-1]) if found <= TURNING and len(words) > 2 else ""
        named = "_".join(_bare(words[:-1], TURNING)) if turning else ""
        return Label(named, turning, None, text) if named else Label(text=text)
    plain = _bare(words, POSITION)
    words = plain if len(plain) > 1 else words
    if len(words) > 2 and words[-1].lower() in SPACES and _key(words[-2]):
        words[-2:] = words[:-3:-1]  # nose_x_raw is nose_raw's x
    for at, rest in ((-1, words[:-1]), (0, words[1:])):
        if len(words) > 1 and (key := _key(words[at], axes_only=at == 0)):
            return Label("_".join(rest), key, unit, text)
        if at == -1 and words and re.search("[a-z0-9][XYZ]$|^[A-Z0-9]{2,}[xyz]$", words[-1]):
            name = without_place("_".join(words)[:-1])
            return Label(name, words[-1][-1].lower(), unit, text)
    if len(words) == 1 and re.fullmatch(r"[XYZxyz]\d+", words[0]):
        return Label(words[0][1:], words[0][0].lower(), None, text)
    return Label(text=text)


def without_place(name: str) -> str:
    """A name without a word for places that is written at its end: `NosePos`."""
    return _PLACE_BEHIND.sub("", name) or name


_PLACE_BEHIND = re.compile(r"(?<=[a-z0-9])(?:Pos|Position|Translation|Translate|Location|Coord)$")


def _bare(words: Sequence[str], others: Collection[str]) -> list[str]:
    """The words that are none of others."""
    return [word for word in words if word.lower() not in others]


def _key(word: str, axes_only: bool = False) -> str:
    word = word.lower()
    word = word[1:] if word in _TRANSLATIONS and not axes_only else word
    word = "z" if word == "depth" else word
    return word if word in AXES else "c" if word in CONFIDENCE and not axes_only else ""
