"""JSON whose lists of numbers are arrays as soon as they are read.

Python's own reader makes an object of each number: three short ones in a list take twenty times
their text. So lists of numbers, and lists of rows of them, are found before it and made into arrays
(the grammar's numbers alone, outside of texts), and the rest, in which each is marked by a
constant, is Python's.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Callable
from typing import Any

import numpy as np

LEAST_NUMBERS, LEAST_ROWS = 15, 5
"""Shorter lists stay lists: there are many words of a few numbers that are no keypoints."""

_GAP = r"[ \t\n\r]*+"
_NUMBER = r"(?:-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][-+]?[0-9]++)?+|null|NaN|-?Infinity)"


def _list_of(item: str, counts: str) -> str:
    """A list of items, one and then `counts` of them; what was matched is never tried another
    way, so that it takes a time that is linear in the text."""
    item = f"{_GAP}{item}{_GAP}"
    return rf"\[{item}(?:,{item}){{{counts}}}+\]"


_ROWS = _list_of(_list_of(_NUMBER, "1,3"), f"{LEAST_ROWS - 1},")
_ROW = _list_of(_NUMBER, f"{LEAST_NUMBERS - 1},")
_ARRAYS = re.compile(f"{_ROWS}|{_ROW}")
_MARK = "-Infinity"
_MOST_DIGITS = 300
_BLANK = re.compile(_GAP)
_PARTS = re.compile(rf'"(?:[^"\\]++|\\.)*+"|(?P<array>{_ROWS}|{_ROW})|{_MARK}', re.DOTALL)


def load_json(text: str, check: Callable[[str], None] | None = None) -> Any:
    """What JSON holds. Lists of at least `LEAST_NUMBERS` numbers, and of `LEAST_ROWS` rows of two
    to four numbers, all of one length, are arrays (N,) and (N,2..4) of doubles, NaN where null.
    Values that follow one another, as in one object a line, are a list.

    check: hears the text without these arrays before objects are made of it. Raises ValueError
    where it is no JSON, and RecursionError where it nests too deeply.
    """
    pieces, marks, removed = _without_arrays(text)
    rest = "".join(pieces)
    if check is not None:
        check(rest)
    found = iter(marks)
    decoder = json.JSONDecoder(
        parse_constant=lambda n: next(found) if n == _MARK else float(n), parse_int=_integer
    )
    try:
        return _values(decoder, rest)
    except json.JSONDecodeError as error:
        ends = [end for end, _ in removed]
        before = bisect_right(ends, error.pos)
        at = error.pos + (removed[before - 1][1] if before else 0)
        raise json.JSONDecodeError(error.msg, text, at) from None


def _integer(text: str) -> int | float:
    """An integer; beyond all doubles, where whoever makes a double of it would fail, infinity."""
    return int(text) if len(text) <= _MOST_DIGITS else float(text)


def _without_arrays(text: str) -> tuple[list[str], list[Any], list[tuple[int, int]]]:
    """The text's pieces with a mark for each array, what the marks stand for, and for each array
    where its mark ends and how many letters are gone up to there."""
    if not _ARRAYS.search(text):
        return [text], [-np.inf] * text.count(_MARK), []
    pieces: list[str] = []
    marks: list[Any] = []
    removed: list[tuple[int, int]] = []
    last = gone = 0
    for part in _PARTS.finditer(text):
        if part["array"] is None:
            if part[0] == _MARK:
                marks.append(-np.inf)
        elif (array := _array(part[0])) is not None:
            pieces += [text[last : part.start()], _MARK]
            marks.append(array)
            last = part.end()
            gone += last - part.start() - len(_MARK)
            removed.append((last - gone, gone))
        else:
            marks += [-np.inf] * part[0].count(_MARK)
    return [*pieces, text[last:]], marks, removed


def _array(text: str) -> np.ndarray | None:
    """The numbers of a list, or of rows of one length; None where the rows' lengths differ."""
    numbers = np.fromstring(re.sub(r"[][]", "", text).replace("null", "nan"), sep=",")
    rows = [row.count(",") for row in text[1:].split("[")[1:]]
    if not rows:
        return numbers
    rows[-1] += 1  # each other one ends with the comma before the next
    return numbers.reshape(len(rows), -1) if len(set(rows)) == 1 else None


def _values(decoder: json.JSONDecoder, text: str) -> Any:
    """The one value of a text, or all of them."""
    values: list[Any] = []
    at = 0
    while True:
        if gap := _BLANK.match(text, at):
            at = gap.end()
        if at == len(text) and values:
            return values[0] if len(values) == 1 else values
        if values and not isinstance(values[0], (dict, list, np.ndarray)):
            raise json.JSONDecodeError("Extra data", text, at)
        value, at = decoder.raw_decode(text, at)
        values.append(value)
