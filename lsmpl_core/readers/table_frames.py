"""Folders of one table a frame: a row for each keypoint, with its name or in order, or one row of
all."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import KeypointFileError
from .column_words import AXES, POINT_COLUMNS
from .frame_files import are_counted, frame_files, numbered
from .json_lists import is_nest, load_file
from .keypoint_names import fold
from .nest_tracks import track_of
from .raw import RawTrack, changed, read_text
from .rows import parse_numbers
from .table_headers import columns_of
from .tables import Block, is_numeric, look
from .times import placed_in_time

TABLE_ENDINGS = (".csv", ".tsv", ".txt", ".dat")
MOST_ROWS = 600
"""Of one frame: a row a keypoint."""


def is_one_table_a_frame(folder: Path) -> bool:
    """Whether the tables in a folder are the frames of one take, not takes: numbered, and the first
    is a frame."""
    files = frame_files(folder, TABLE_ENDINGS)
    if len(files) < 2 or not are_counted(files):
        return False
    try:
        return _frame(files[0]) is not None
    except (KeypointFileError, OSError):
        return False


def read_folder_of_tables(
    folder: Path, counts: Collection[int], person: str | None = None
) -> RawTrack:
    """Read a folder's tables as frames, by the numbers in their names."""
    files = frame_files(folder, TABLE_ENDINGS)
    contents = [_frame(file) for file in files]
    whole = next((file for file, one in zip(files, contents) if one is None), None)
    if whole is not None:
        raise KeypointFileError(
            f"{folder}: is a folder; choose a file in it. As one take, a folder holds a file a "
            f"frame, and {whole.name} is no single frame: a row for each keypoint with x, y and z, "
            "or one row"
        )
    raw = track_of(contents, counts, str(folder), person, files=True)
    return changed(raw, lambda one: placed_in_time(one, numbered(files), None))


def _frame(path: Path) -> Any:
    """The points of one frame's table, by name or in order; None where it is none."""
    if is_nest(path):
        return load_file(path)
    table = look(read_text(path).splitlines(), path)
    block = table.blocks[0]
    if len(table.blocks) > 1 or len(block.rows) > MOST_ROWS:
        return None
    if len(block.rows) == 1:
        return _of_one_row(block, table.decimal_comma, path)
    labels = [fold(cell) for cell in block.header[-1]] if block.header else []
    axes = [axis.upper() for axis in AXES]
    first = block.rows[0]
    words = [i for i, cell in enumerate(first) if not is_numeric(cell)]
    named = next((i for i, label in enumerate(labels) if label in POINT_COLUMNS), None)
    named = named if named in words else next(iter(words), None)
    if set(axes) <= set(labels):
        columns = [labels.index(axis) for axis in axes]
    else:
        columns = [i for i in range(len(first)) if i not in words]
    if len(columns) not in (3, 4, 5):
        return None
    points = parse_numbers(block.rows, columns, str(path), table.decimal_comma)
    if len(columns) > 3 and np.array_equal(points[:, 0] - points[0, 0], np.arange(len(points))):
        points = points[:, 1:]  # they are numbered
    points = points[:, :4]
    if named is None:
        return points
    which, names = block.rows.column(named)
    distinct = len(names) == len(which)
    return dict(zip((names[i] for i in which), points.tolist())) if distinct else None


def _of_one_row(block: Block, decimal_comma: bool, path: Path) -> Any:
    found = columns_of(block).keypoints
    if found:
        wanted = [where[axis] for where in found.values() for axis in AXES]
        points = parse_numbers(block.rows, wanted, str(path), decimal_comma).reshape(-1, 3)
        return dict(zip(found, points.tolist()))
    return parse_numbers(block.rows, range(block.width), str(path), decimal_comma)[0]
