"""Tables that stand on their side: a column a frame, a row for each of `nose_x`, `nose_y`, ..."""

from __future__ import annotations

from dataclasses import replace

from .column_words import is_frame, is_time
from .rows import Rows
from .table_headers import columns_of
from .tables import Block, is_numeric

FEWEST = 5
"""Keypoints of which rows have to be named."""
MOST_ROWS = 5_000
_SEPARATOR = "\x1f"


def upright(block: Block) -> Block:
    """The block with a row a frame, where the first cells of its rows are the labels of columns; as
    it is where they are not."""
    if not 3 * FEWEST <= len(block.rows) <= MOST_ROWS:
        return block
    if is_numeric(block.rows[1][0]):
        return block
    which, texts = block.rows.column(0)
    labels = [texts[i] for i in which]
    if sum(map(is_numeric, labels)) > 1 or len(columns_of(Block([labels])).keypoints) < FEWEST:
        return block
    width = min(block.rows.widths)
    columns = list(zip(*(cells[:width] for cells in block.rows)))[1:]
    above = next((row for row in reversed(block.header) if len(row) >= width), None)
    if above is not None and all(map(is_numeric, above[1:width])):
        labels, columns = [above[0], *labels], [(a, *c) for a, c in zip(above[1:], columns)]
    if not (is_frame(labels[0]) or is_time(labels[0])) and is_numeric(columns[0][0]):
        labels[0] = labels[0] or "frame"
    lines = [_SEPARATOR.join(cells) for cells in columns]
    rows = Rows(lines, lambda line: line.split(_SEPARATOR))
    for at in range(len(lines)):
        rows.append(at, len(labels))
    return replace(block, header=[labels], rows=rows)
