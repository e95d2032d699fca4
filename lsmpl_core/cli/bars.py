"""Progress bars of the `lsmpl` command, on stderr where that is a terminal; elsewhere they write
nothing."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..progress import Progress
from ..shown import shown

if TYPE_CHECKING:  # What draws is loaded where there is a terminal to draw on.
    from tqdm import tqdm

    from .bar_of_takes import BarOfTakes

_AT_MOST, _AT_LEAST = 0.1, 0.5  # seconds between two times that the bar of all takes is drawn


LONGEST_TITLE = 60
"""Letters of a take's name before its bar."""


class TakeBar:
    """How far one take is; gone whenever something else is printed."""

    def __init__(self, name: str, number: int, count: int):
        name = shown(name, LONGEST_TITLE)
        self._title = name if count == 1 else f"[{number}/{count}] {name}"
        self._bar: tqdm | None = None

    def __enter__(self) -> TakeBar:
        return self

    def __exit__(self, *error) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def show(self, progress: Progress) -> None:
        if not sys.stderr.isatty():
            return
        if self._bar is None:
            from tqdm import tqdm

            self._bar = tqdm(leave=False, dynamic_ncols=True, file=sys.stderr)
        if progress.total != self._bar.total or progress.done < self._bar.n:
            self._bar.reset(progress.total)
        self._bar.set_description(f"{self._title}, {progress.stage}", refresh=False)
        self._bar.update(progress.done - self._bar.n)

    def below(self, write: Callable[[str], None]) -> Callable[[str], None]:
        """`write`, with the bar out of the way."""

        def write_below(text: str) -> None:
            self.__exit__()
            write(text)

        return write_below


class TotalBar:
    """How many of all takes are done, how many of them failed, how many are done a minute, and the
    time that is left.

    Takes that were done before count as done, but not for the rate, and neither does the time until
    the first that was not.
    """

    def __init__(self, count: int):
        self._count = count
        self._bar: BarOfTakes | None = None
        self._solved, self._drawn, self._is_drawn = 0, 0.0, False

    def __enter__(self) -> TotalBar:
        if self._count > 1 and sys.stderr.isatty():
            from .bar_of_takes import BarOfTakes

            self._bar = BarOfTakes(total=self._count, file=sys.stderr)
            self._is_drawn = True
        return self

    def __exit__(self, *error) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
            # The terminal may have shown a ^C beside the bar.
            columns = os.get_terminal_size(sys.stderr.fileno()).columns
            print(f"\r{' ' * (columns - 1)}\r", end="", file=sys.stderr, flush=True)

    def count(self, status: str) -> None:
        """One more take is done: "ok", "failed" or "skipped"."""
        if self._bar is None:
            return
        self._bar.n += 1
        self._bar.failed += status == "failed"
        self._solved += status != "skipped"
        self._bar.initial += status == "skipped"
        if not self._solved:
            self._bar.unpause()  # the time begins now
        self.draw()

    def draw(self) -> None:
        """Show what is new, and how much time has passed; does nothing if that was shown just
        before."""
        wait = _AT_LEAST if self._is_drawn else _AT_MOST
        if self._bar is not None and time.monotonic() - self._drawn > wait:
            self._drawn, self._is_drawn = time.monotonic(), True
            self._bar.refresh()

    def below(self, write: Callable[[str], None], line: str) -> None:
        """Write a line above the bar."""
        if self._bar is not None and self._is_drawn:
            self._bar.clear()
            self._is_drawn = False
        write(line)
        self.draw()
