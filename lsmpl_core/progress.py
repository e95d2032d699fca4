"""`Progress`: how far long work is. Long work is a generator that yields these and returns what it
made."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeVar

Result = TypeVar("Result")


@dataclass(frozen=True)
class Progress:
    """How far a solve is: `done` of `total` in this `stage`; `residual` in metres, mean of the
    latest frame."""

    stage: str
    done: int
    total: int
    residual: float = float("nan")


def run_to_end(
    steps: Generator[Progress | None, None, Result],
    progress: Callable[[Progress], None] | None = None,
) -> Result:
    """What a generator of progress returns, with its reports passed on; None reports nothing."""
    while True:
        try:
            report = next(steps)
        except StopIteration as stop:
            return stop.value
        if progress is not None and report is not None:
            progress(report)
