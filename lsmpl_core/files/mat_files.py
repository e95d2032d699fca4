"""MATLAB's MAT-files of version 5 (`save -v6`, `-v7`): numbers, texts, cells and structures.

Format: MathWorks, "MAT-File Format", level 5. Nothing in a file is run; functions and objects of
classes are left out. Version 7.3 is HDF5, and not read.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from .npz import most_unpacked

HEADER = 128
DEEPEST = 20
MOST_VALUES = 200_000
"""Cells and fields of structures in a file."""
LONGEST_TEXT = 10_000

_NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8",
            13: "u8"}  # fmt: skip
"""By an element's type what its bytes are."""
_MATRIX, _COMPRESSED = 14, 15
_LETTERS = {1: "latin-1", 2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}
_CELL, _STRUCT, _OBJECT, _CHAR = 1, 2, 3, 4
_NUMERIC = range(6, 16)


def is_mat(data: bytes) -> bool:
    """Whether some bytes begin as a MAT-file of version 5 does."""
    return len(data) > HEADER and data[126:128] in (b"IM", b"MI") and 1 in data[124:126]


def read_mat(data: bytes) -> dict[str, Any]:
    """A file's variables by name: arrays, texts, lists of cells, and dicts of structures' fields (a
    list of dicts where there are several). Raises ValueError where it is damaged."""
    if not is_mat(data):
        raise ValueError("is no MAT-file of version 5")
    file = _File("<" if data[126:128] == b"IM" else ">", most_unpacked(len(data)), MOST_VALUES)
    variables: dict[str, Any] = {}
    elements = _Elements(data[HEADER:], file)
    try:
        while elements.more():
            name, value = elements.matrix(0)
            if value is not None:
                variables[name] = value
    except (zlib.error, IndexError, OverflowError, UnicodeDecodeError):
        raise ValueError("is damaged: its variables make no sense") from None
    return variables


@dataclass
class _File:
    """The order of a file's bytes, and how many more bytes may be unpacked and values made."""

    order: str
    bytes_left: int
    values_left: int

    def unpacked(self, data: memoryview) -> bytes:
        found = zlib.decompressobj().decompress(data, self.bytes_left + 1)
        self.bytes_left -= len(found)
        if self.bytes_left < 0:
            raise ValueError("unpacks to more than anything of use does")
        return found

    def value(self) -> None:
        self.check(1)
        self.values_left -= 1

    def check(self, count: int) -> None:
        """Raises ValueError where so many more values may not be made."""
        if count > self.values_left:
            raise ValueError(f"has more than {MOST_VALUES:,} cells and fields")


class _Elements:
    """The elements in some bytes, one after the other; those in one another are not copied."""

    def __init__(self, data: bytes | memoryview, file: _File):
        self._data, self._at, self._file = memoryview(data), 0, file

    def more(self) -> bool:
        return self._at + 8 <= len(self._data)

    def next(self) -> tuple[int, memoryview]:
        """An element's type and its bytes; one of at most four stands in its tag."""
        tag = self._data[self._at : self._at + 8]
        if len(tag) < 8:
            raise ValueError("is cut short")
        kind, size = (int(one) for one in np.frombuffer(tag, self._file.order + "u4"))
        if kind >> 16:
            self._at += 8
            return kind & 0xFFFF, tag[4 : 4 + min(kind >> 16, 4)]
        begin = self._at + 8
        if begin + size > len(self._data):
            raise ValueError("is cut short")
        # What is compressed is not filled up to eight bytes.
        self._at = begin + (size if kind == _COMPRESSED else -(-size // 8) * 8)
        return kind, self._data[begin : begin + size]

    def matrix(self, depth: int) -> tuple[str, Any]:
        """A variable's name and value; None of what is not read."""
        self._file.value()
        if depth > DEEPEST:
            raise ValueError("nests too deeply")
        kind, data = self.next()
        if kind == _COMPRESSED:
            return _Elements(self._file.unpacked(data), self._file).matrix(depth)
        if kind != _MATRIX or not data:
            return "", np.empty(0) if kind == _MATRIX else None
        parts = _Elements(data, self._file)
        flags = parts.numbers()
        kind = int(flags[0]) & 0xFF
        if kind not in (_CELL, _STRUCT, _OBJECT, _CHAR, *_NUMERIC):
            return "", None
        shape = tuple(int(one) for one in parts.numbers())
        name = bytes(parts.next()[1][:200]).decode("latin-1")
        if min(shape, default=0) < 0 or len(shape) > 32:
            raise ValueError("claims a shape that nothing has")
        return name, parts._content(kind, shape, depth)

    def _content(self, kind: int, shape: tuple[int, ...], depth: int) -> Any:
        count = math.prod(shape)
        if kind == _CELL:
            self._file.check(count)
            return [self.matrix(depth + 1)[1] for _ in range(count)]
        if kind == _CHAR:
            return self._text(shape)
        if kind in _NUMERIC:
            numbers = self.numbers()
            if len(numbers) != count:
                raise ValueError(f"claims shape {shape} of {len(numbers)} numbers")
            return numbers.reshape(shape, order="F")
        if kind == _OBJECT:
            self.next()  # the name of its class
        length = int(self.numbers()[0])
        names = bytes(self.next()[1])
        if length <= 0:
            return {}
        fields = [
            names[at : at + length].split(b"\0")[0].decode("latin-1")
            for at in range(0, len(names), length)
        ]
        self._file.check(count * max(len(fields), 1))  # those of no fields take memory, too
        found = [{name: self.matrix(depth + 1)[1] for name in fields} for _ in range(count)]
        return found[0] if count == 1 else found

    def numbers(self) -> np.ndarray:
        kind, data = self.next()
        if kind not in _NUMBERS:
            raise ValueError(f"has an element of type {kind} where numbers belong")
        numbers = np.dtype(self._file.order + _NUMBERS[kind])
        return np.frombuffer(data[: len(data) // numbers.itemsize * numbers.itemsize], numbers)

    def _text(self, shape: tuple[int, ...]) -> Any:
        """A text, or a list of those of a matrix's rows."""
        kind, data = self.next()
        code = _LETTERS.get(kind, "latin-1")
        if len(data) > LONGEST_TEXT * 4:
            return None
        little = "-le" if self._file.order == "<" else "-be"
        text = bytes(data).decode(code + little if code in ("utf-16", "utf-32") else code)
        rows = shape[0] if len(shape) == 2 and len(text) == math.prod(shape) else 1
        if rows <= 1:
            return text
        return ["".join(text[row::rows]).rstrip() for row in range(rows)]
