"""What every format reader returns (`RawTrack`), and how files are opened."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ..bounds import FARTHEST, LONGEST_NAME
from ..errors import KeypointFileError
from ..files.npz import MAX_BYTES, Npz, open_npz
from ..files.opening import file_size, read_file
from ..keypoints.track import Decision
from ..shown import shown
from .other_formats import known_by_its_bytes

_MOST_BLANK, _FREE_BLANK = 16, 500_000
_BYTES_A_LIST, _BYTES_AN_ITEM = 130, 55
_BYTES_A_ROW, _BYTES_A_CELL = 110, 30
"""What the pieces of JSON and of tables take while they are read (measured)."""
_MOST_PIECES, _FREE_PIECES = 20, 500_000_000
"""Times the text's size, and bytes, that they may take: rows of a point with 25 letters take 8,
lists of three short numbers 15."""
MOST_POINTS = 5_000
FARTHEST_NUMBER = 1e3 * FARTHEST
"""Beyond, in any unit down to millimetres, is no place; squares of such numbers may overflow."""


@dataclass
class RawTrack:
    """A take as its file has it, before layout, unit and axes are settled.

    positions (T,N,3) in file units and axes, NaN where blank; names (N,) as in the file; confidence
    (T,N) on the file's own scale; unit ("m", "cm", "mm", ...) and up ("y", "-z", ...) where the
    file states them; usual_up and usual_fps: what its form usually has where it does not;
    decisions: what the format reader itself had to settle; origin (N,): which of the file's columns
    these are, None for all of them;
    people: everybody in the file, by name, and in how many frames (or at how many points) they are
    seen; empty where it tells nobody apart;
    skeleton: whether the format has nothing but a skeleton's joints, as BVH;
    turns (T,N,3): axis-angles in the file's axes by which the bones that begin at the points are
    turned from any rest of theirs, NaN where the file does not say; None where it has none;
    of_person: the track of another of its people, by name (None: who is seen most), out of what was
    read; None where there is nobody else, and of a track that was changed since.
    """

    positions: np.ndarray
    names: Sequence[str] | None = None
    confidence: np.ndarray | None = None
    fps: float | None = None
    unit: str | None = None
    up: str | None = None
    usual_up: str | None = None
    usual_fps: float | None = None
    first_frame: int = 0
    decisions: list[Decision] = field(default_factory=list)
    origin: Sequence[int] | None = None
    people: Mapping[str, int] = field(default_factory=dict)
    skeleton: bool = False
    turns: np.ndarray | None = None
    of_person: Callable[[str | None], RawTrack] | None = field(
        default=None, repr=False, compare=False
    )

    def take(self, columns: Sequence[int]) -> RawTrack:
        """The same take with only these keypoints, in this order."""
        return replace(
            self,
            positions=self.positions[:, columns],
            names=None if self.names is None else [self.names[i] for i in columns],
            confidence=None if self.confidence is None else self.confidence[:, columns],
            turns=None if self.turns is None else self.turns[:, columns],
            origin=list(columns) if self.origin is None else [self.origin[i] for i in columns],
        )

    def rows(self, which: np.ndarray | slice) -> RawTrack:
        """The same take with only these of its frames, in this order."""
        return replace(
            self,
            positions=self.positions[which],
            confidence=None if self.confidence is None else self.confidence[which],
            turns=None if self.turns is None else self.turns[which],
        )

    def spread(self, rows: np.ndarray, length: int) -> RawTrack:
        """The same take with its frames at `rows` (T,) of so many, the others missing."""

        def placed(values: np.ndarray, missing: float) -> np.ndarray:
            whole = np.full((length, *values.shape[1:]), missing)
            whole[rows] = values
            return whole

        return replace(
            self,
            positions=placed(self.positions, np.nan),
            confidence=None if self.confidence is None else placed(self.confidence, 0.0),
            turns=None if self.turns is None else placed(self.turns, np.nan),
        )


def of_everybody(of_person: Callable[[str | None], RawTrack], person: str | None) -> RawTrack:
    """The track of one person, who knows those of the others."""
    raw = of_person(person)
    raw.of_person = of_person if len(raw.people) > 1 else None
    return raw


def changed(raw: RawTrack, change: Callable[[RawTrack], RawTrack]) -> RawTrack:
    """The track after a change, which the others of its file get, too, when they are asked for."""
    others, raw = raw.of_person, change(raw)
    raw.of_person = None if others is None else lambda person: change(others(person))
    return raw


def checked_names(raw: RawTrack, where: str) -> RawTrack:
    """The track; `KeypointFileError` where it has more keypoints, or longer names of them, than
    anything has."""
    if raw.positions.shape[1] > MOST_POINTS:
        raise KeypointFileError(
            f"{where}: has {raw.positions.shape[1]} keypoints; at most {MOST_POINTS} are read"
        )
    longest = max(raw.names or (), key=len, default="")
    if len(longest) > LONGEST_NAME:
        raise KeypointFileError(
            f"{where}: the name of a keypoint has {len(longest)} letters "
            f"({shown(longest[:200], 60)}); at most "
            f"{LONGEST_NAME} are read"
        )
    return raw


def checked_size(path: Path) -> int:
    """The size of a file in bytes; `KeypointFileError` where it is too large."""
    size = file_size(path)
    if size > MAX_BYTES:
        raise KeypointFileError(
            f"{path}: {size / 2**30:.1f} GiB is more than the {MAX_BYTES >> 30} GiB that are read"
        )
    return size


@contextmanager
def opened_archive(path: Path) -> Iterator[Npz]:
    """An npz to read arrays from; `KeypointFileError` where it is too large, or it or what is asked
    of it is damaged."""
    try:
        with open_npz(path, checked_size(path)) as archive:
            yield archive
    except ValueError as error:
        raise KeypointFileError(f"{path} {error}") from None


def read_bytes(path: Path) -> bytes:
    """A whole file; `KeypointFileError` where it is too large."""
    checked_size(path)
    return read_file(path)


def read_text(path: Path) -> str:
    """The text of a file; `KeypointFileError` where it is empty, too large or not text."""
    data = read_bytes(path)
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = data.decode("utf-16", errors="replace")
    else:
        known = known_by_its_bytes(data)
        if known or b"\0" in data[:4096]:
            what = known or "a binary file, not the text that its name ending promises"
            raise KeypointFileError(f"{path}: this is {what}")
        try:
            text = data.decode("utf-8-sig")
        except (
            UnicodeDecodeError
        ):  # what Western versions of Windows call ANSI, which knows any byte but five
            text = _japanese(data) or data.decode("cp1252", errors="replace")
    text = text.lstrip("\ufeff")  # a mark of the encoding that a program wrote once more
    if not text.strip():
        raise KeypointFileError(f"{path}: the file is empty")
    if not _is_nest(text):
        check_pieces(text, len(text), path)
    return text


def _japanese(data: bytes) -> str:
    """The text of a program on a Japanese Windows, where it names sides; "" of any other."""
    try:
        text = data.decode("cp932")
    except UnicodeDecodeError:
        return ""
    return text if "左" in text and "右" in text else ""


def _is_nest(text: str) -> bool:
    """Whether a text is JSON, which is looked at when its arrays are taken out."""
    return text.lstrip()[:1] in ("[", "{")


def check_pieces(text: str, size: int, path: Path) -> None:
    """`KeypointFileError` where a text is of so many small pieces that it would take many times its
    file's size: millions of rows of three digits, or of empty lists."""
    commas = sum(map(text.count, ",;\t"))
    if _is_nest(text):
        lists = text.count("[") + text.count("{")
        pieces = {"lists": (_BYTES_A_LIST, lists), "items": (_BYTES_AN_ITEM, commas)}
    else:
        pieces = {"rows": (_BYTES_A_ROW, text.count("\n")), "cells": (_BYTES_A_CELL, commas)}
    wanted = sum(bytes_each * count for bytes_each, count in pieces.values())
    if wanted > max(_FREE_PIECES, _MOST_PIECES * size):
        most = max(pieces, key=lambda name: pieces[name][0] * pieces[name][1])
        raise KeypointFileError(
            f"{path}: its {pieces[most][1]:,} {most} would take {wanted / 1e9:.0f} GB of memory, "
            f"{wanted // size} times its size"
        )


def blank_table(shape: tuple[int, ...], written: int, where: str) -> np.ndarray:
    """NaN for `shape` numbers, of which the file has `written`. Raises as `check_blank` does."""
    check_blank(shape, written, where)
    return np.full(shape, np.nan)


def check_blank(shape: tuple[int, ...], written: int, where: str) -> None:
    """`KeypointFileError` where of `shape` numbers the file has `written`, and lacks nearly all.

    A long header above short rows, or one frame of a thousand points among a million empty ones,
    would else fill the memory with nothing.
    """
    numbers = math.prod(shape)
    if numbers > _MOST_BLANK * written + _FREE_BLANK:
        raise KeypointFileError(
            f"{where}: {' x '.join(map(str, shape))} numbers would have to be in the file, but "
            f"only {written} are"
        )


def are_placed_turns(array: np.ndarray) -> bool:
    """Whether numbers (...,7) are places with unit quaternions behind them; those of joints that do
    not turn may be 0 (Kinect's hands, feet and head)."""
    with np.errstate(over="ignore"):
        size = np.linalg.norm(array[..., 3:].astype(float), axis=-1)
    size = size[np.isfinite(size)]
    turned = np.abs(size - 1) < _UNIT
    return bool((turned | (size == 0)).all() and turned.any())


def _are_scored(points: np.ndarray) -> bool:
    """Whether the fourth of the numbers (T,K,4) of each point is a confidence."""

    def within(numbers: np.ndarray) -> bool:
        seen = numbers[np.isfinite(numbers)]
        return bool(seen.size and seen.min() >= 0 and seen.max() <= 1)

    return within(points[..., 3]) and not any(within(points[..., axis]) for axis in range(3))


_UNIT = 1e-2
"""By how much the length of a quaternion may be off 1."""


def unflatten(
    table: np.ndarray, counts: Collection[int], where: str
) -> tuple[np.ndarray, np.ndarray | None]:
    """Rows of K*3 or K*4 numbers, or of K*7 with unit quaternions behind the places, as positions
    (T,K,3) and confidence (T,K) or None.

    Where both would fit, a fourth number that is a confidence (0 to 1, as the others are not)
    decides, or a K among `counts` (the keypoint counts that are known), and x y z before x y z c;
    `KeypointFileError` where the width is no multiple of 3 or 4.
    """
    length, width = table.shape
    if width % 7 == 0 and width and are_placed_turns(table.reshape(length, -1, 7)):
        return table.reshape(length, -1, 7)[..., :3], None
    steps = [step for step in (3, 4) if width % step == 0 and width > 0]
    if not steps:
        raise KeypointFileError(
            f"{where}: {width} numbers a frame are neither x y z nor x y z confidence for each "
            "keypoint "
            "(a multiple of 3 or of 4)"
        )
    if steps == [3, 4] and width // 4 in counts and _are_scored(table.reshape(length, -1, 4)):
        steps = [4]
    step = next((step for step in steps if width // step in counts), steps[0])
    points = table.reshape(length, width // step, step)
    return points[..., :3], (points[..., 3] if step == 4 else None)
