"""Rows of cells in a text, and the numbers in them."""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from ..errors import KeypointFileError
from .raw import blank_table

MISSING_WORDS = frozenset(
    ("", "nan", "na", "n/a", "null", "none", "nil", "-", "--", "---", ".", "?", "*", "-nan",
     "nan(ind)", "-nan(ind)", "nan(snan)", "#n/a", "#na", "#value!", "#div/0!", "#num!", "(null)",
     "undefined", "missing", "empty", "not tracked", "nottracked", "untracked", "occluded",
     "not visible", "lost", "false", "x", "nd", "n.d.", "no data", "nodata", "not available",
     "not found", "invalid", "...", "[]", "()", "\\n")
)  # fmt: skip
"""What programs write in a column of numbers where there is none."""
_VISUAL_C = re.compile(r"-?1\.#[a-z]{3,4}0*", re.I)
"""Its NaN and infinity: `1.#QNAN`, `-1.#IND00`."""


def is_missing(cell: str) -> bool:
    """Whether a cell says that there is no number."""
    word = cell.strip(" \t\"'").lower()
    return word in MISSING_WORDS or _VISUAL_C.fullmatch(word) is not None


class Rows(Sequence[list[str]]):
    """Some lines of a text as rows of cells.

    Only the lines are kept, and taken apart each time that they are asked for: as strings of their
    own, cells of a few digits take ten times what they take in the file.

    lines: all of the text's; cells_of(line): the cells of one. widths: how many cells each row has.
    """

    def __init__(
        self, lines: Sequence[str] = (), cells_of: Callable[[str], list[str]] = str.split
    ) -> None:
        self._lines, self._cells_of = lines, cells_of
        self._at, self.widths = array("q"), array("q")

    def append(self, at: int, width: int) -> None:
        """One more row: line `at` (from 0), which has so many cells."""
        self._at.append(at)
        self.widths.append(width)

    def pop(self) -> None:
        """One row less, the last."""
        self._at.pop()
        self.widths.pop()

    def line_number(self, row: int) -> int:
        """Where a row is in the file, from 1."""
        return self._at[row] + 1

    def some(self, chosen: Iterable[int]) -> Rows:
        """Some of the rows."""
        found = Rows(self._lines, self._cells_of)
        for row in chosen:
            found.append(self._at[row], self.widths[row])
        return found

    def with_cells(self, change: Callable[[list[str]], list[str]]) -> Rows:
        """The same rows with the cells that `change(cells)` makes of each."""
        found = Rows(self._lines, lambda line: change(self._cells_of(line)))
        found._at = self._at
        found.widths = array("q", (len(cells) for cells in found))
        return found

    def column(self, column: int) -> tuple[np.ndarray, list[str]]:
        """Which text each row has in a column (T,), and the texts, in the order in which they come
        first; "" beyond a row's end."""
        texts: dict[str, int] = {}
        which = np.empty(len(self), dtype=np.int64)
        for i, cells in enumerate(self):
            text = cells[column].strip() if column < len(cells) else ""
            which[i] = texts.setdefault(text, len(texts))
        return which, list(texts)

    def __len__(self) -> int:
        return len(self._at)

    def __iter__(self) -> Iterator[list[str]]:
        return (self._cells_of(self._lines[at]) for at in self._at)

    def __getitem__(self, row):  # an index alone, no slice
        return self._cells_of(self._lines[self._at[row]])


def parse_numbers(
    rows: Rows,
    columns: Sequence[int],
    where: str,
    decimal_comma: bool = False,
    lenient: bool = False,
) -> np.ndarray:
    """Some columns (N,) of rows of cells as an array (T,N): cells that are blank or beyond a row's
    end are NaN.

    `where` opens the message of a cell that is no number; lenient: such cells are NaN, too.
    """
    written = np.minimum(np.asarray(rows.widths), len(columns)).sum()
    table = blank_table((len(rows), len(columns)), int(written), where)
    in_order = list(columns) == list(range(len(columns)))
    for i, row in enumerate(rows):
        cells = (
            row[: len(columns)] if in_order else [row[j] if j < len(row) else "" for j in columns]
        )
        if decimal_comma:
            cells = [cell.replace(",", ".") for cell in cells]
        try:
            table[i, : len(cells)] = [float(cell or "nan") for cell in cells]
        except ValueError:
            line = "" if lenient else f"{where}: line {rows.line_number(i)}"
            table[i, : len(cells)] = [
                _number(cell, line, columns[j] + 1, lenient) for j, cell in enumerate(cells)
            ]
    table[np.isinf(table)] = np.nan
    return table


def _number(cell: str, line: str, column: int, lenient: bool) -> float:
    try:
        return float(cell)
    except ValueError:
        if lenient or is_missing(cell):
            return np.nan
        raise KeypointFileError(f"{line}, column {column}: {cell[:40]!r} is not a number") from None


def is_number(cell: str) -> bool:
    """Whether a cell is a number as programs write it."""
    try:
        float(cell)
    except ValueError:
        return False
    return True
