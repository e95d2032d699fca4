"""What the rows of words above a table's numbers say: which columns are which keypoint's x, y and
z, in which unit.

In one row, as `nose_x`, `LeftHip.Z (mm)`, `Hips_position_x`, `LFHD[0]`; in rows of names and axes,
one below the other, among others of subjects, kinds (Position, Rotation) and units (Motive, Vicon,
DeepLabCut, SLEAP); or as names alone, each for three columns (QTM, TotalCapture). Columns of
anything else are set aside.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from .keypoint_names import fold
from .rows import is_number
from .tables import Block

AXES = ("x", "y", "z")
CONFIDENCE = frozenset(
    (
        "confidence",
        "conf",
        "visibility",
        "likelihood",
        "score",
        "probability",
        "presence",
        "c",
        "v",
        "p",
    )
)
UNITS = frozenset(("m", "cm", "mm", "in", "ft"))
FRAME = frozenset(
    map(
        fold,
        (
            "frame",
            "frames",
            "fnum",
            "frame number",
            "frame id",
            "frame idx",
            "frame index",
            "frameno",
            "item",
        ),
    )
)
TIME = frozenset(
    map(fold, ("time", "times", "timestamp", "timestamps", "t", "time s", "time seconds",
    "seconds", "time ms", "timestamp ms", "timestamp ns", "timestamp us", "timecode", "smpte"))
)  # fmt: skip
RATE = tuple(
    map(fold, ("export frame rate", "frame rate", "capture frame rate", "frequency", "fps",
    "data rate", "sample rate", "sampling rate", "sampling frequency", "camera rate",
               "frames per second", "rate"))
)  # fmt: skip
_LENGTH_UNIT = tuple(map(fold, ("length units", "length unit", "units", "unit")))
_POSITION = frozenset(
    ("position", "pos", "translation", "location", "positions", "crd", "coord", "coords",
    "coordinate", "coordinates", "xyz")
)  # fmt: skip
_OTHER = frozenset(
    ("rotation", "rot", "quat", "quaternion", "orientation", "euler", "angle", "angles",
    "velocity", "vel", "speed", "acceleration", "acc", "force", "moment", "power", "error",
     "torque", "gyro", "mag", "flexion", "unc", "uncertainty", "std", "sigma", "cov", "covariance",
     "variance")
)  # fmt: skip
_KINDS = ("BONE", "MARKER", "BONEMARKER", "RIGIDBODY", "RIGIDBODYMARKER")
"""What Motive's row of types says, likeliest to be a person's first."""
_NAMES_ROW = frozenset(
    ("NAME", "NAMES", "BODYPARTS", "BODYPART", "NODE", "NODES", "MARKERNAMES", "MARKERS")
)
_SUBJECT_ROW = frozenset(
    ("INDIVIDUALS", "INDIVIDUAL", "SUBJECT", "SUBJECTS", "TRACK", "TRACKS", "PERSON")
)
_TRANSLATIONS = ("tx", "ty", "tz", "px", "py", "pz")
_SEPARATORS = re.compile(r"[\s_.\-/\[\]()]+")
_IDENTITY = re.compile(r"[0-9a-f-]{16,}", re.I)
"""What a program numbers its own objects by."""
_CHANNEL = re.compile(r":([tp]?[xyz])$", re.I)
"""The axis of a channel behind its node's name (TouchDesigner, Houdini)."""
_BRACKETED = re.compile(r"(.+)\[([0-3])\]")
LONGEST_LABEL = 256
_COMMENT_RATE = re.compile(
    r"(?:fps|frame ?rate|sampl\w+ rate|frequency|hz)\W{0,4}(\d{1,6}(?:\.\d{1,6})?)", re.I
)


@dataclass(frozen=True)
class Columns:
    """Of each keypoint, by name, the column of its x, y, z and, where there is one, its confidence
    (c).

    frame, time: the columns of frame numbers and times. unit and rate: where the header states
    them. aside: labels of the columns that are of no keypoint.
    """

    keypoints: dict[str, dict[str, int]]
    unit: str | None = None
    rate: float | None = None
    frame: int | None = None
    time: int | None = None
    aside: tuple[str, ...] = ()


def columns_of(block: Block, comments: Sequence[str] = ()) -> Columns:
    """What a block's header says; `keypoints` is empty where it tells of none."""
    labels = labels_of(block)
    found: dict[str, dict[str, int]] = {}
    for column, label in enumerate(labels):
        if label.name and label.key:
            found.setdefault(label.name, {}).setdefault(label.key, column)
    keypoints = {name: where for name, where in found.items() if where.keys() >= set(AXES)}
    used = {column for where in keypoints.values() for column in where.values()}
    leads = [_lead(block.header, wanted) for wanted in (FRAME, TIME)]
    frame, time = (None if column in used else column for column in leads)
    aside = [label.text for column, label in enumerate(labels) if column not in used and label.text]
    lead = FRAME | TIME | _NAMES_ROW | {"SUBFRAME", "ID", ""}
    aside = [
        text
        for text in dict.fromkeys(aside)
        if fold(text[:LONGEST_LABEL].split(":")[-1]) not in lead
    ]
    unit = next(
        (label.unit for column, label in enumerate(labels) if column in used and label.unit), None
    )
    return Columns(
        keypoints,
        unit or _stated(block.header, _LENGTH_UNIT),
        _rate(block.header, comments),
        frame,
        time,
        tuple(aside),
    )


def labels_of(block: Block) -> list[Label]:
    """What each column of a block is."""
    found = _by_rows(block) or _by_names_alone(block) or _by_labels(block.header)
    return found if any(label.key for label in found) else _by_numbers(block.header) or found


@dataclass(frozen=True)
class Label:
    """What one column is: a keypoint's `name` and the `key` of x, y, z or c; its unit; how the file
    has it (text)."""

    name: str = ""
    key: str = ""
    unit: str | None = None
    text: str = ""


def _by_labels(header: Sequence[Sequence[str]]) -> list[Label]:
    """Of one row with everything: of the rows the one that tells of most columns."""
    rows = [[_split(cell) for cell in row] for row in header[-3:]]
    return max(
        rows, key=lambda labels: (sum(bool(label.key) for label in labels), len(labels)), default=[]
    )


def _by_numbers(header: Sequence[Sequence[str]]) -> list[Label]:
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


def _split(text: str) -> Label:
    """`nose_x`, `LeftHip.Z (mm)`, `noseX`, `x_nose`, `X1`, `Hips_position_x`, `LFHD[0]`."""
    short = _CHANNEL.sub(r".\1", text[:LONGEST_LABEL])
    bracketed = _BRACKETED.fullmatch(short)
    if bracketed and not _OTHER & set(_SEPARATORS.split(bracketed[1].lower())):
        key = (*AXES, "c")[int(bracketed[2])]
        stem, _, kind = bracketed[1].strip().rpartition(".")
        return Label(stem if kind.lower() in _POSITION else bracketed[1].strip(), key, None, text)
    words = [word for word in _SEPARATORS.split(short.lstrip("#")) if word]
    unit = words.pop().lower() if len(words) > 2 and words[-1].lower() in UNITS else None
    if _OTHER & {word.lower() for word in words}:
        return Label(text=text)
    plain = [word for word in words if word.lower() not in _POSITION]
    words = plain if len(plain) > 1 else words
    for at, rest in ((-1, words[:-1]), (0, words[1:])):
        if len(words) > 1 and (key := _key(words[at], axes_only=at == 0)):
            return Label("_".join(rest), key, unit, text)
        if at == -1 and words and re.search("[a-z0-9][XYZ]$|^[A-Z0-9]{2,}[xyz]$", words[-1]):
            return Label("_".join(words)[:-1], words[-1][-1].lower(), unit, text)
    if len(words) == 1 and re.fullmatch(r"[XYZxyz]\d+", words[0]):
        return Label(words[0][1:], words[0][0].lower(), None, text)
    return Label(text=text)


def _key(word: str, axes_only: bool = False) -> str:
    word = word.lower()
    word = word[1:] if word in _TRANSLATIONS and not axes_only else word
    return word if word in AXES else "c" if word in CONFIDENCE and not axes_only else ""


def _by_rows(block: Block) -> list[Label]:
    """Of a row of axes and those of names, subjects, kinds and units around it; nothing where there
    is no such row."""
    header = block.header
    at = next((i for i in reversed(range(1, len(header))) if _is_axis_row(header[i])), None)
    if at is None:
        return []
    width = len(header[at])
    axes = [_axis(cell) for cell in header[at]]
    rows = [(next(filter(None, row), ""), _filled_forward(row, width)) for row in header[:at]]
    kinds = next((row for _, row in reversed(rows) if _are(row, _POSITION | _OTHER, 2)), None)
    types = next(
        (row for _, row in reversed(rows) if _are(row, frozenset(map(str.lower, _KINDS)), 2, fold)),
        None,
    )
    units = next((row for row in (*header[at + 1 :], *header[:at]) if _is_unit_row(row)), [])
    usable = [bool(key) for key in axes]
    if kinds is not None:
        usable = [ok and (kind.lower() in _POSITION or not kind) for ok, kind in zip(usable, kinds)]
    if types is not None:
        type_ = next((t for t in _KINDS if t in set(map(fold, types))), None)
        usable = [ok and fold(cell) in (type_, "") for ok, cell in zip(usable, types)]
    for _, row in rows:
        # A title above some columns says what they are of: "Joint Angle" beside "Joint Coordinate".
        if sum(map(_is_other, row)) < width:
            usable = [ok and not _is_other(cell) for ok, cell in zip(usable, row)]
    for column, unit in enumerate(units[:width]):
        usable[column] = usable[column] and (not unit or _unit_word(unit) in UNITS)

    named = [
        (first, row)
        for first, row in rows
        if row is not kinds and row is not types and len(set(row)) > 1
    ]
    names = _names_row(named, axes, usable)
    if names is None:
        return []
    names = _with_subjects(names, named, axes, usable)
    return [
        Label(
            name,
            key if ok else "",
            _unit_word(units[i]) if i < len(units) and units[i] else None,
            name,
        )
        for i, (name, key, ok) in enumerate(zip(names, axes, usable))
    ]


def _is_other(cell: str) -> bool:
    """Whether a cell above columns says that they are of no places; a legend ("x = angle") does
    not."""
    return "=" not in cell and not _OTHER.isdisjoint(
        _SEPARATORS.split(cell[:LONGEST_LABEL].lower())
    )


def _is_axis_row(row: Sequence[str]) -> bool:
    filled = [cell for cell in row if cell]
    axes = [cell for cell in filled if _axis(cell) in AXES]
    return (
        len(axes) >= 3
        and len(axes) >= 0.4 * len(filled)
        and len(axes) + 3 >= sum(map(_is_short, filled)) * 0.5
    )


def _is_short(cell: str) -> bool:
    return len(cell) <= 12


def _axis(cell: str) -> str:
    """The key of a cell of a row of axes: `X`, `x`, `X12`; "" where it is none."""
    word = cell.strip().lower()
    if found := re.fullmatch(r"[tp]?([xyz])\d{0,6}", word):
        return found[1]
    return "c" if word in CONFIDENCE else ""


def _filled_forward(cells: Sequence[str], width: int) -> list[str]:
    """Names that stand only over the first of their columns, repeated over the others."""
    names, last = [], ""
    for i in range(width):
        last = (cells[i] if i < len(cells) else "") or last
        names.append(last)
    return names


def _are(row: Sequence[str], words: frozenset[str], least: int, folded=None) -> bool:
    """Whether the cells of a row, save a label at its beginning, are all among some words."""
    cells = [(folded(cell) if folded else cell).lower() for cell in row[1:] if cell]
    known = [cell for cell in cells if cell in words]
    return len(known) >= least and len(known) >= 0.9 * len(cells)


def _is_unit_row(row: Sequence[str]) -> bool:
    words = [_unit_word(cell) for cell in row if cell]
    return (
        len(words) >= 3
        and sum(len(word) <= 5 for word in words) == len(words)
        and not UNITS.isdisjoint(words)
    )


def _unit_word(cell: str) -> str:
    return cell.strip("()[] ").lower()


def _names_row(
    rows: list[tuple[str, list[str]]], axes: list[str], usable: list[bool]
) -> list[str] | None:
    """The row whose names have an x, a y and a z each: one that says that it is names, else the
    nearest of the best."""

    def complete(row: list[str]) -> int:
        seen: dict[str, set[str]] = {}
        for name, key, ok in zip(row, axes, usable):
            if ok and name:
                seen.setdefault(name, set()).add(key)
        return sum(keys >= set(AXES) for keys in seen.values())

    scored = [
        (fold(first) in _NAMES_ROW, complete(row), i)
        for i, (first, row) in enumerate(rows)
        if not all(map(_IDENTITY.fullmatch, filter(None, row)))
    ]
    scored = [score for score in scored if score[1]]
    return rows[max(scored)[2]][1] if scored else None


def _with_subjects(names: list[str], rows, axes: list[str], usable: list[bool]) -> list[str]:
    """The names with their subject before them, where several have the same keypoints."""
    uses = Counter((name, key) for name, key, ok in zip(names, axes, usable) if ok)
    if max(uses.values(), default=0) < 2:
        return names
    for first, row in rows:
        if row is not names and (
            fold(first) in _SUBJECT_ROW or 1 < len(set(row[1:])) < len(set(names))
        ):
            both = Counter(
                (who, name, key) for who, name, key, ok in zip(row, names, axes, usable) if ok
            )
            if max(both.values()) == 1:
                return [f"{who}:{name}" for who, name in zip(row, names)]
    return names


def _by_names_alone(block: Block) -> list[Label]:
    """Of a row of names, each of which stands for the next three columns; nothing where there is
    none."""
    width = block.width
    for row in reversed(block.header):
        if block.triples and len(row) >= width - 3 and len(set(filter(None, row))) >= 3:
            return [Label(name, AXES[i % 3], None, name) for i, name in enumerate(row[:width])]
        for cells in (row[1:], row):
            cells = [cell for cell in cells if cell]
            lead = width - 3 * len(cells)
            if (
                len(cells) >= 4
                and 0 <= lead <= 2
                and len(set(cells)) > len(cells) / 2
                and not any(map(is_number, cells))
            ):
                named = [Label(name, axis, None, name) for name in cells for axis in AXES]
                return [Label()] * lead + named
    return []


def _lead(header: Sequence[Sequence[str]], wanted: frozenset[str]) -> int | None:
    """The column of frame numbers or of times, by its label in the last rows."""
    cells = [
        (i, fold(cell))
        for row in reversed(header[-4:])
        for i, cell in enumerate(row[:12])
        if len(cell) < 40
    ]
    return next((i for i, cell in cells if cell in wanted), None)


def _stated(header: Sequence[Sequence[str]], keys: Sequence[str]) -> str | None:
    """The cell after the first of some keys that there is."""
    found = {
        fold(cell).removesuffix("HZ"): value
        for row in reversed(header)
        for cell, value in zip(row, row[1:])
        if value and len(cell) < 40
    }
    return next((found[key] for key in keys if key in found), None)


def _rate(header: Sequence[Sequence[str]], comments: Sequence[str]) -> float | None:
    """Frames a second: beside a word for it, as a number alone in its row (Vicon), or in a
    comment."""
    beside = _stated(header, RATE)
    alone = [filled[0] for row in header if len(filled := [cell for cell in row if cell]) == 1]
    in_comments = [
        found[1] for line in comments[:20] if (found := _COMMENT_RATE.search(line[:LONGEST_LABEL]))
    ]
    for text in (beside, *alone[:4], *in_comments):
        if text and is_number(text) and 0 < float(text) <= 1e5:
            return float(text)
    return None
