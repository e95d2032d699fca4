"""What the words of an option of the `lsmpl` command mean: numbers within bounds, shares, heights.

Each function is `argparse`'s `type` of an option: text in, its value out. Raises
`argparse.ArgumentTypeError`, which says what would have been valid.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable

from ..backends.arrays import kind_of
from ..backends.threads import MOST_WORKERS
from ..bounds import FARTHEST, FASTEST, SLOWEST, is_rate
from ..clean_motion import FLOORS
from ..errors import LsmplError
from ..readers.wanted import checked_unit, checked_up, wanted_layout
from .front_end import FrontEnd

LONGEST_TIMEOUT = 366.0 * 86_400
"""Seconds; the operating system has a limit of its own."""
MOST_STEPS, MOST_JOBS = 10, 1024
"""Of the polish in a frame, and processes."""


def layout(text: str) -> str:
    """A name, which is one of ours, or the path of a mapping, which is read later."""
    return text if text.lower().endswith(".json") else _known(wanted_layout, text)


def unit(text: str) -> str:
    return _known(checked_unit, text)


def up(text: str) -> str:
    return _known(checked_up, text)


def device(text: str) -> str:
    """One that there is such a thing as, be it here or not."""
    return _known(kind_of, text)


def format_of(front_end: FrontEnd, text: str) -> str:
    """A type of file that is written."""
    if text not in front_end.writers:
        raise argparse.ArgumentTypeError(front_end.cannot_write(text))
    return text


def _known(check: Callable[[str], object], text: str) -> str:
    """The text as it is, where it passes; what is wrong with it is wrong for every take."""
    try:
        check(text)
    except LsmplError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def steps(text: str) -> int:
    """Of the polish in a frame."""
    return _number_of("steps", text, 0, MOST_STEPS)


def jobs(text: str) -> int:
    """How many processes; "auto" is one for each core."""
    if text == "auto":
        return _usable_cores()
    if (count := _counted(text, 1, MOST_JOBS)) is None:
        raise argparse.ArgumentTypeError(
            f"{text} is neither auto nor a number of processes from 1 to {MOST_JOBS}"
        )
    return count


def threads(text: str) -> int:
    """Of the compiled kernels."""
    return _number_of("threads", text, 1, MOST_WORKERS)


def part(text: str) -> tuple[int, int]:
    """K/N as (K, N)."""
    words = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text)
    if not words or not 1 <= int(words[1]) <= int(words[2]):
        raise argparse.ArgumentTypeError(
            f"{text} is no share; expected K/N with K from 1 to N, such as 3/20"
        )
    return int(words[1]), int(words[2])


def rate(text: str) -> float:
    """Frames a second."""
    value = _positive(text)
    if not is_rate(value):
        raise argparse.ArgumentTypeError(
            f"{text} is no rate; takes have {SLOWEST:g} to {FASTEST:,.0f} frames a second"
        )
    return value


def seconds(text: str) -> float:
    """Seconds, a year at most."""
    value = _positive(text)
    if value > LONGEST_TIMEOUT:
        raise argparse.ArgumentTypeError(
            f"{text} is more than {LONGEST_TIMEOUT:,.0f} seconds, a year"
        )
    return value


def strength(text: str) -> float:
    """Of smoothing, 0 to 1."""
    value = _number(text)
    if not 0.0 <= value <= 1.0:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return value


def floor(text: str) -> str | float:
    """A way to find the floor, or its height in metres."""
    if text in FLOORS:
        return text
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not abs(value) < float("inf"):
        raise argparse.ArgumentTypeError(
            f"{text} is neither {', nor '.join(FLOORS)}, nor a height in metres"
        )
    if abs(value) > FARTHEST:
        raise argparse.ArgumentTypeError(f"{text} m is farther than anything on Earth is")
    return value


def _usable_cores() -> int:
    """CPU cores that this process may use, which on a farm may be fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _counted(text: str, first: int, last: int) -> int | None:
    """A whole number from `first` to `last`, or None where the text is none."""
    if not re.fullmatch(r"[0-9]{1,9}", text) or not first <= int(text) <= last:
        return None
    return int(text)


def _number_of(things: str, text: str, first: int, last: int) -> int:
    if (count := _counted(text, first, last)) is None:
        raise argparse.ArgumentTypeError(
            f"{text} is no number of {things}; expected one from {first} to {last}"
        )
    return count


def _positive(text: str) -> float:
    value = _number(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is no number") from None
