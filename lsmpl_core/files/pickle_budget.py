"""What reading a pickle may cost, which follows from its file's size: steps, copies and keys, and
how large its content is to whoever walks through it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np

_FREE_STEPS, _STEPS_PER_BYTE = 100_000, 8
MOST_STEPS = 10_000_000
"""An SMPL file has a few hundred; one step can take 200 bytes of memory."""
_FREE_COPIES = 1 << 20
_TUPLE_KEYS = 4_000
"""Hashes of tuples can be made to collide, and each key is then compared with all before."""
_LONGEST_KEY = 1_000
_WIDEST_KEY = 8
_UNIQUE_HASH = 1 << 60
"""Beyond it many integers have one hash."""
_DEEPEST = 200
_TOO_DEEP = f"nests its content more than {_DEEPEST} deep"
_LONGEST_LEAF = 16
_VISITS_PER_STEP, _MOST_VISITS = 4, 20_000_000


@dataclass(eq=False, repr=False)
class Placeholder:
    """An object of a class that we neither import nor need: the class's dotted name and the state
    the file gives it."""

    kind: str
    state: dict = field(default_factory=dict)


class Refused(Exception):
    """The file asks for something that is not plain data; the message completes "the file ..."."""


@dataclass
class Budget:
    """What is left: steps of the machine, each item that is put in a set or looked at once more
    being one; bytes that may be copied again from what is there; items of the content, each as
    often as it is there; keys that are tuples."""

    steps: int
    copies: int
    visits: int
    tuple_keys: int = _TUPLE_KEYS

    @classmethod
    def of(cls, file_size: int, data_size: int) -> Budget:
        """file_size: bytes of the file, which may be less than the data where it is compressed."""
        steps = min(MOST_STEPS, _FREE_STEPS + _STEPS_PER_BYTE * file_size)
        visits = min(_MOST_VISITS, _VISITS_PER_STEP * steps)
        return cls(steps, 2 * data_size + _FREE_COPIES, visits)

    def step(self, count: int = 1) -> None:
        self.steps -= count
        if self.steps < 0:
            raise Refused("has too many parts for a file of its size")

    def copy(self, count: int) -> None:
        """Account for `count` bytes that are copied from an existing value."""
        self.copies -= count
        if self.copies < 0:
            raise Refused("repeats its data so often that it would fill the memory")

    def keys(self, values: list | tuple) -> list | tuple:
        """`values` if each can be hashed and compared cheaply: numbers, short strings, and a few
        short tuples of them."""
        self.step(len(values))
        for value in values:
            if isinstance(value, tuple):
                self.tuple_keys -= 1
                if self.tuple_keys < 0:
                    raise Refused(f"has more than {_TUPLE_KEYS} keys that are tuples")
                plain = len(value) <= _WIDEST_KEY and all(map(_is_plain_key, value))
            else:
                plain = _is_plain_key(value)
            if not plain:
                raise TypeError("a key that is neither number, short string nor short tuple")
        return values


def _is_plain_key(value: object) -> bool:
    if isinstance(value, (str, bytes)):
        return len(value) <= _LONGEST_KEY
    if isinstance(value, (int, float, np.integer, np.floating)):
        return bool(-_UNIQUE_HASH < value < _UNIQUE_HASH or value != value)
    return value is None or isinstance(value, np.bool_)


_CONTAINERS = (list, tuple, dict, np.ndarray, Placeholder)


def _inside(value: object) -> Collection[object]:
    """What a value holds: nothing, where it is no container."""
    if isinstance(value, Placeholder):
        return value.state.values()
    if isinstance(value, dict):
        return value.values()
    if isinstance(value, np.ndarray):
        return list(value.flat) if value.dtype.hasobject else ()
    return value if isinstance(value, (list, tuple)) else ()


def _is_leaf(value: object) -> bool:
    """Whether a container is short and holds no other: points of three numbers, of which there may
    be millions."""
    inside = _inside(value)
    return len(inside) <= _LONGEST_LEAF and not any(isinstance(p, _CONTAINERS) for p in inside)


def check_walk(content: object, budget: Budget) -> None:
    """Raises `Refused` where walking through some content would take for ever: a list in itself,
    lists of lists that are the same again and again, or nested hundreds deep.

    Each container but the short ones at the ends is looked at once; how many items are below it is
    the sum of its parts'.
    """
    below: dict[int, tuple[int, int]] = {}  # of containers that are done: items, and levels
    open_: set[int] = set()
    stack: list[tuple[object, bool]] = [(content, False)]
    while stack:
        value, is_done = stack.pop()
        inside = _inside(value)
        parts = [part for part in inside if isinstance(part, _CONTAINERS)]
        deep = [part for part in parts if not _is_leaf(part)]
        if is_done:
            open_.discard(id(value))
            counted = [below[id(part)] for part in deep]
            if len(deep) < len(parts):
                counted.append((sum(len(_inside(part)) for part in parts if _is_leaf(part)), 1))
            items = len(inside) + sum(count for count, _ in counted)
            levels = 1 + max((level for _, level in counted), default=0)
            if items > budget.visits:
                raise Refused("repeats its lists so often that nobody could read them all")
            if levels > _DEEPEST:  # of what is there again and again
                raise Refused(_TOO_DEEP)
            below[id(value)] = items, levels
        elif id(value) in open_:
            raise Refused("holds a list that is in itself")
        elif id(value) not in below:
            open_.add(id(value))
            if len(open_) > _DEEPEST:
                raise Refused(_TOO_DEEP)
            stack.append((value, True))
            stack.extend((part, False) for part in deep)
