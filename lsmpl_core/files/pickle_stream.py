"""A pickle as a stream of bytes, and the values that are written out in it: numbers, texts,
bytes."""

from __future__ import annotations

import pickle
import re
import struct
from collections.abc import Callable


class Stream:
    """What is read next, from where it was read last. Raises `EOFError` where that is cut off, and
    `ValueError` where it is no such value."""

    def __init__(self, data: bytes):
        self.data, self.at = data, 0

    def take(self, count: int) -> bytes:
        if count < 0 or self.at + count > len(self.data):
            raise EOFError
        self.at += count
        return self.data[self.at - count : self.at]

    def line(self) -> bytes:
        end = self.data.find(b"\n", self.at)
        if end < 0:
            raise EOFError
        return self.take(end + 1 - self.at)[:-1]

    def unsigned(self, size: int) -> int:
        return int.from_bytes(self.take(size), "little")

    def signed(self, size: int) -> int:
        if size > 9:
            raise ValueError("an integer beyond 64 bits")
        return int.from_bytes(self.take(size), "little", signed=True)

    def decimal(self) -> int | bool:
        text = self.line().rstrip(b"L")
        if len(text) > 24:
            raise ValueError("an integer beyond 64 bits")
        return text == b"01" if text in (b"00", b"01") else int(text)

    def utf8(self, size: int) -> str:
        return self.take(size).decode("utf-8", "surrogatepass")


LITERALS: dict[bytes, Callable[[Stream], object]] = {
    pickle.NONE: lambda _: None,
    pickle.NEWTRUE: lambda _: True,
    pickle.NEWFALSE: lambda _: False,
    pickle.EMPTY_TUPLE: lambda _: (),
    pickle.EMPTY_LIST: lambda _: [],
    pickle.EMPTY_DICT: lambda _: {},
    pickle.EMPTY_SET: lambda _: set(),
    pickle.BININT: lambda m: m.signed(4),
    pickle.BININT1: lambda m: m.unsigned(1),
    pickle.BININT2: lambda m: m.unsigned(2),
    pickle.LONG1: lambda m: m.signed(m.unsigned(1)),
    pickle.LONG4: lambda m: m.signed(m.signed(4)),
    pickle.INT: lambda m: m.decimal(),
    pickle.LONG: lambda m: m.decimal(),
    pickle.BINFLOAT: lambda m: struct.unpack(">d", m.take(8))[0],
    pickle.FLOAT: lambda m: float(m.line()),
    pickle.SHORT_BINBYTES: lambda m: m.take(m.unsigned(1)),
    pickle.BINBYTES: lambda m: m.take(m.unsigned(4)),
    pickle.BINBYTES8: lambda m: m.take(m.unsigned(8)),
    pickle.BYTEARRAY8: lambda m: m.take(m.unsigned(8)),
    pickle.SHORT_BINUNICODE: lambda m: m.utf8(m.unsigned(1)),
    pickle.BINUNICODE: lambda m: m.utf8(m.unsigned(4)),
    pickle.BINUNICODE8: lambda m: m.utf8(m.unsigned(8)),
    pickle.UNICODE: lambda m: m.line().decode("raw-unicode-escape"),
    pickle.SHORT_BINSTRING: lambda m: m.take(m.unsigned(1)).decode("latin1"),
    pickle.BINSTRING: lambda m: m.take(m.signed(4)).decode("latin1"),
    pickle.STRING: lambda m: _unquoted(m.line().strip()),
}
"""What each instruction that only puts a new value on the stack puts there."""


def _unquoted(literal: bytes) -> str:
    """The text of a Python 2 string literal as `repr` writes it."""
    if re.search(rb"\\[^'\"nrtx]", literal.replace(rb"\\", b"")):
        raise ValueError("an unknown escape in a string")
    return literal[1:-1].decode("unicode-escape")
