"""What stands in a table of text: its blocks of rows of numbers, each with the rows of words above
it.

Nothing is known here of keypoints. A cell that holds three numbers ("1.5 2.0 -0.3", "[1.5, 2.0,
-0.3]", "X=1.5 Y=2.0 Z=-0.3") counts as three cells.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import KeypointFileError
from .raw import MOST_POINTS
from .rows import Rows, is_missing, is_number

_SNIFFED = 200
_COMMENT = re.compile(r"\s*(?:#|%|//)")
_MOST_COLUMNS = 16 * MOST_POINTS
_MOST_HEADER_ROWS = 40
"""Rows of words that are remembered above a block; the latest ones count."""


@dataclass
class Block:
    """Rows of numbers of one width or less, and what stands above them.

    header: rows of cells, the nearest last; rows: cells as they are written; triples: whether each
    cell of the file held three numbers.
    """

    header: list[list[str]]
    rows: Rows = field(default_factory=Rows)
    triples: bool = False

    @property
    def width(self) -> int:
        return max(self.rows.widths, default=0)


@dataclass(frozen=True)
class Table:
    """The blocks of a file, and whether its numbers have decimal commas."""

    blocks: list[Block]
    decimal_comma: bool = False
    comments: list[str] = field(default_factory=list)


def look(lines: Sequence[str], path: Path) -> Table:
    """The blocks of a text's lines, in order. Raises `KeypointFileError` where it is no table."""
    comments = [line for line in lines if _COMMENT.match(line)]
    delimiter = _delimiter([line for line in lines[:_SNIFFED] if not _COMMENT.match(line)])
    _check_widths(lines, delimiter, path)
    decimal_comma = delimiter != ","

    def cells_of(line: str) -> list[str]:
        comment = _COMMENT.match(line)
        return _cells(line[comment.end() :] if comment else line, delimiter, path)

    listed = _lists_in(lines, cells_of, path)
    blocks: list[Block] = []
    above: list[list[str]] = []
    block: Block | None = None
    for at, line in enumerate(lines):
        if (delimiter == " " or delimiter not in line) and _COMMENT.match(line):
            continue
        cells = cells_of(line)
        if not any(cells):
            continue
        is_data = any(map(_is_list, cells)) if listed else _is_data(cells)
        if is_data or (block is not None and _continues(cells, block)):
            if block is None:
                block = Block(above[-_MOST_HEADER_ROWS:], Rows(lines, cells_of))
                blocks.append(block)
                above = []
            block.rows.append(at, len(cells))
        elif block is None or cells not in block.header:  # a header may be there again
            if (
                block is not None
                and len(block.rows) == 1
                and not is_numeric(next(filter(None, block.rows[0])))
            ):
                above = [
                    *block.header,
                    *block.rows,
                ]  # a row of numbers with a word before it, among words: names
                blocks.pop()
            block = None
            above.append(cells)
    for block in blocks:
        _without_numbers_of_columns(block)
        _split_triples(block)
    if not blocks:
        raise KeypointFileError(f"{path}: no row of numbers in its {len(lines)} lines")
    return Table(blocks, decimal_comma, comments)


def _check_widths(lines: Sequence[str], delimiter: str, path: Path) -> None:
    """Raises `KeypointFileError` where a line has more cells than anything has, whose names would
    take long to be looked at."""
    for number, line in enumerate(lines, start=1):
        if line.count(delimiter) < _MOST_COLUMNS:
            continue
        if delimiter != " " or len(line.split()) > _MOST_COLUMNS:  # of blanks there may be several
            raise KeypointFileError(
                f"{path}: line {number} has more than the {_MOST_COLUMNS:,} cells that are read; "
                "a table has a row for each frame"
            )


def _lists_in(lines: Sequence[str], cells_of: Callable[[str], list[str]], path: Path) -> bool:
    """Whether the cells of a text are lists, "[0.1, 0.2, 0.3]". Raises `KeypointFileError` where
    each has two numbers."""
    some = (cells_of(line) for line in lines[:_LOOKED_AT] if not _LIST_SIGNS.isdisjoint(line))
    counts = Counter(
        len(parts)
        for cells in some
        for cell in cells
        if _is_list(cell) and any(map(is_number, parts := parts_of(cell)))
    )
    if counts and counts.most_common(1)[0][0] == 2:
        raise KeypointFileError(
            f"{path}: its keypoints are 2D: each cell holds two numbers, x and y. 3D keypoints are "
            "needed: triangulated from several cameras, or lifted by a pose estimator"
        )
    return bool(counts) and counts.most_common(1)[0][0] in (3, 4)


def _delimiter(lines: Sequence[str]) -> str:
    """Semicolons and tabs before commas, which may be decimal; blanks where there is nothing
    else."""
    for delimiter in (";", "\t", ",", "|"):
        if sum(line.count(delimiter) for line in lines) >= max(2, len(lines) // 2):
            return delimiter
    return " "


def _cells(line: str, delimiter: str, path: Path) -> list[str]:
    if delimiter == " ":
        return line.split()
    if delimiter != "," and ("\u00a0" in line or "\u202f" in line or ("," in line and "." in line)):
        line = _MARKED.sub(lambda found: _MARKS.sub("", found[0]), line)
    if '"' not in line:
        return [cell.strip() for cell in line.split(delimiter)]
    try:
        return [_whole(cell.strip()) for cell in next(csv.reader([line], delimiter=delimiter))]
    except (csv.Error, StopIteration) as error:
        raise KeypointFileError(f"{path}: not a table: {error}") from None


def _whole(cell: str) -> str:
    """A quoted cell without the marks of thousands in it, "1,234.5", of which spreadsheets make
    text, and with a point for a decimal comma."""
    if "," not in cell:
        return cell
    if _THOUSANDS.fullmatch(cell):
        return cell.replace(",", "")
    return cell.replace(",", ".") if _DECIMAL.fullmatch(cell) else cell


_MARKED = re.compile(
    r"(?<![\d.,])\d{1,3}(?:(?:\.\d{3}){1,4}(?=,\d)|(?:[\u00a0\u202f]\d{3}){1,4}(?![\d]))"
)
_MARKS = re.compile(r"[.\u00a0\u202f]")
"""Points and hard blanks that mark thousands where commas are decimal: `1.234,50`."""
_DECIMAL = re.compile(r"[-+]?(?:\d{1,20},(?!\d{3}$)\d{1,40}|(?:0|\d{4,20}),\d{3})")
"""Also of three digits behind the comma, where these cannot be thousands."""
_THOUSANDS = re.compile(r"[-+]?\d{1,3}(?:,\d{3}){1,4}\.\d{1,40}")


def _is_data(cells: Sequence[str]) -> bool:
    """Whether a row is of numbers: most of its cells that are not blank, and more than a frame rate
    stands alone."""
    filled = [cell for cell in cells if cell]
    numbers = sum(is_numeric(cell) for cell in filled)
    return numbers >= 3 and numbers > len(filled) / 2


def _continues(cells: Sequence[str], block: Block) -> bool:
    """Whether a row below rows of numbers is one of them: blank or missing but for its frame
    number, or damaged."""
    filled = [cell for cell in cells if cell]
    missing = sum(is_numeric(cell) or is_blank(cell) for cell in filled)
    return len(cells) > 3 and len(cells) >= block.rows.widths[0] - 1 and missing > len(filled) / 2


def is_numeric(cell: str) -> bool:
    """Whether a cell holds a number, also one with a decimal comma, or three of them."""
    if is_number(cell.replace(",", ".")):
        return True
    parts = parts_of(cell)
    return len(parts) == 3 and all(map(is_number, parts))


def parts_of(cell: str) -> list[str]:
    """What stands in a cell, with blanks between, or as a list in brackets, of which no more than
    x, y and z count, or each behind its axis."""
    if found := _BRACKETED.fullmatch(cell):
        return [part for part in _BETWEEN.split(found[1].strip()) if part][:3]
    if found := _BY_AXES.fullmatch(cell):
        return [*found.groups()]
    return cell.split()


def _is_list(cell: str) -> bool:
    return bool(_BRACKETED.fullmatch(cell) or _BY_AXES.fullmatch(cell))


_BRACKETED = re.compile(
    r"\s*<?(?:[A-Za-z]\w{0,20})?\s*[\[(]{1,2}\s*"
    r"((?:[^\s\[\](),;]{1,40}[\s,;]+){1,4}[^\s\[\](),;]{0,40})\s*[\])]{1,2}>?\s*"
)
"""`[1, 2, 3]`, `(1.0, 2.0, 3.0)`, and as Blender and NumPy write them, `<Vector (1, 2, 3)>`."""
_BY_AXES = re.compile(
    r"[\s({]*x\s*[=:]\s*([^\s,;=]{1,40})[\s,;]+y\s*[=:]\s*([^\s,;=]{1,40})"
    r"[\s,;]+z\s*[=:]\s*([^\s,;=)}]{1,40})[\s)}]*",
    re.I,
)
"""`X=1.0 Y=2.0 Z=3.0`, as Unreal writes it."""
_LIST_SIGNS = frozenset("[(=:")
_BETWEEN = re.compile(r"[\s,;]+")
_LOOKED_AT = 20
"""Lines in which lists in cells are looked for."""


def is_blank(cell: str) -> bool:
    """Whether a cell says that there is nothing."""
    return is_missing(cell)


def _without_numbers_of_columns(block: Block) -> None:
    """Takes a first row of numbers that a word leads, where numbers lead the others, to the rows of
    words above: it numbers columns."""
    if len(block.rows) < 3:
        return
    first, *others = ((block.rows[i] or [""])[0] for i in range(3))
    if first and not (is_numeric(first) or is_blank(first)) and all(map(is_numeric, others)):
        block.header = [*block.header, block.rows[0]]
        block.rows = block.rows.some(range(1, len(block.rows)))


def _split_triples(block: Block) -> None:
    """Where the cells of a block hold three numbers each, makes three cells of each."""
    first = [cell for cell in block.rows[0] if cell]
    if sum(len(parts_of(cell)) == 3 for cell in first) <= len(first) / 2:
        return
    block.triples = True
    block.rows = block.rows.with_cells(_thirds)
    block.header = [[cell for cell in row for _ in range(3)] for row in block.header]


def _thirds(cells: list[str]) -> list[str]:
    """Three cells of each: its numbers, or a blank or a number that stands alone three times."""
    return [
        part
        for cell in cells
        for part in ((parts_of(cell) or [""] * 3) if len(parts_of(cell)) != 1 else [cell] * 3)
    ]
