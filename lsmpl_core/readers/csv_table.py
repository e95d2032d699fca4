"""Tables of text with names above their columns, as motion capture, pose tools and spreadsheets
write them.

Wide, one row a frame (`table_headers.py`), or long, one row a keypoint: `frame,keypoint,x,y,z`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import KeypointFileError
from ..keypoints.track import Decision
from ..shown import shown
from .column_words import AXES, CONFIDENCE, is_frame, is_time
from .field_words import WORDS
from .keypoint_names import fold
from .plain_rows import read_plain_rows
from .raw import RawTrack, blank_table, read_text
from .rows import Rows, parse_numbers
from .table_headers import Columns, columns_of, labels_of
from .tables import Block, Table, is_blank, is_numeric, look
from .times import fps_from_times, placed_in_time, seconds_of, timecodes
from .transposed import upright

_KEYPOINT = frozenset(map(str.upper, WORDS["keypoint columns"]))
_PERSON = frozenset(map(str.upper, WORDS["person columns"]))
MOST_PEOPLE = 100
MOST_KEYPOINTS = 10_000


def read_csv(path: Path, counts: Collection[int]) -> RawTrack:
    """Read the keypoints of a table; one without words is read as plain rows of numbers."""
    lines = read_text(path).splitlines()
    table = look(lines, path)
    table = replace(table, blocks=[upright(block) for block in table.blocks])
    if not table.blocks[0].header:
        if (header := _unlabelled_long(table.blocks[0])) is None:
            return read_plain_rows(lines, path, counts)
        table.blocks[0].header = [header]
    for block in table.blocks:
        _check_commas(block, lines, str(path))
        if is_long(block):
            return _read_long(block, table, str(path))
    read = [(block, columns_of(block, table.comments)) for block in table.blocks]
    block, columns = max(
        read, key=lambda one: (_is_trajectories(one[0]), len(one[1].keypoints) * len(one[0].rows))
    )
    _check(block, columns, table, str(path))
    return _read_wide(block, columns, table, path)


def _check_commas(block: Block, lines: Sequence[str], where: str) -> None:
    """Raises `KeypointFileError` where commas stand in numbers and between them alike."""
    labels, row = len(block.header[-1]) if block.header else 0, block.rows[0]
    if labels < 8 or len(row) < 1.3 * labels or any("." in cell for cell in row):
        return
    if "," in lines[block.rows.line_number(0) - 1]:
        raise KeypointFileError(
            f"{where}: {len(row)} cells stand below {labels} labels: its numbers have decimal "
            "commas, with commas between them. Export it with points, or with semicolons between "
            "the columns"
        )


def _is_trajectories(block: Block) -> bool:
    """Vicon's title of the section with what was measured; others have what models made of it."""
    return any(cell.lower() == "trajectories" for row in block.header for cell in row[:1])


def _check(block: Block, columns: Columns, table: Table, where: str) -> None:
    if not columns.keypoints and _is_2d(block):
        raise KeypointFileError(
            f"{where}: its keypoints are 2D: they have x and y, but no z. 3D keypoints are "
            "needed: triangulated from "
            "several cameras, or lifted by a pose estimator"
        )
    if not columns.keypoints:
        titles = (
            ", ".join(cell[:40] for cell in block.header[-1] if cell)[:200]
            if block.header
            else "nothing"
        )
        raise KeypointFileError(
            f"{where}: no keypoint has x, y and z columns{_instead(block)}; the header is: "
            f"{titles}; expected columns such as nose_x, nose_y, nose_z, or a row of names above a "
            "row of x, y, z"
        )
    if _is_a_point_a_row(columns):
        raise KeypointFileError(
            f"{where}: its rows hold a point each, but no column says which keypoint it is, or in "
            "which frame. Add both (frame,keypoint,x,y,z), or write a row a frame"
        )
    if len(columns.keypoints) < FEWEST and (instead := _instead(block)):
        few = ", ".join(shown(name, 40) for name in columns.keypoints)
        raise KeypointFileError(f"{where}: only {few} has x, y and z columns{instead}")
    if len(columns.keypoints) > MOST_KEYPOINTS:
        raise KeypointFileError(
            f"{where}: {len(columns.keypoints)} keypoints; at most {MOST_KEYPOINTS} are read"
        )
    following = table.blocks[table.blocks.index(block) + 1 :]
    for other in following[:1]:
        if (
            len(other.header) == 1
            and other.width == block.width
            and not columns_of(other).keypoints
        ):
            cell = next(cell for cell in other.header[0] if cell)
            raise KeypointFileError(
                f"{where}: line {other.rows.line_number(0) - 1}: {cell[:40]!r} stands where there "
                "should be numbers"
            )


def _is_a_point_a_row(columns: Columns) -> bool:
    """Whether there is one keypoint alone, which is called as keypoints are at large."""
    names = [fold(name) for name in columns.keypoints]
    return len(names) == 1 and (names[0] in _KEYPOINT or not names[0])


def _instead(block: Block) -> str:
    """What the columns are of that are of no keypoint, as their labels tell; "" where they do
    not."""
    words = Counter(
        word for row in block.header for cell in row for word in set(_WORD.findall(cell.lower()))
    )
    kinds = {what: sum(words[word] for word in known) for what, known in INSTEAD.items()}
    most = max(kinds, key=lambda what: kinds[what])
    return (
        f": its columns are of {most}, which do not say where joints are"
        if kinds[most] >= 3
        else ""
    )


FEWEST = 5
"""Keypoints below which a table is rather of something else."""
INSTEAD = {
    "joint angles": (
        "angle", "angles", "flexion", "extension", "abduction", "adduction", "rotation", "tilt",
        "list", "obliquity", "dorsiflexion", "pronation", "inversion",
    ),
    "rigid bodies' places and turns": ("roll", "pitch", "yaw", "rot", "bodies", "quaternion"),
    "forces": ("force", "forces", "moment", "moments", "torque", "cop"),
    "accelerations and turns of sensors": ("acc", "acceleration", "gyro", "gyr", "mag", "quat"),
}  # fmt: skip
"""What tables of other things than places call their columns."""
_WORD = re.compile(r"[a-z]+")


def _is_2d(block: Block) -> bool:
    """Whether a header names x and y, and z of nothing."""
    rows = [[label.key for label in labels_of(block)]]
    rows += [[cell.strip().lower() for cell in row] for row in block.header]
    said = any(cell.startswith("2d") for row in rows for cell in row)
    return said or any({"x", "y"} <= set(keys) and "z" not in keys for keys in rows)


def _read_wide(block: Block, columns: Columns, table: Table, path: Path) -> RawTrack:
    block, decisions = _without_summaries(block, columns)
    where = list(columns.keypoints.values())
    picked = [one[axis] for one in where for axis in AXES]
    scored = [one["c"] for one in where if "c" in one]
    numbers = parse_numbers(block.rows, [*picked, *scored], str(path), table.decimal_comma)
    positions = numbers[:, : len(picked)].reshape(len(numbers), len(where), 3)
    confidence = None
    if scored:
        confidence = np.ones(positions.shape[:2])
        confidence[:, ["c" in one for one in where]] = numbers[:, len(picked) :]

    if columns.aside:
        listed = ", ".join(text[:40] for text in columns.aside[:6]) + (
            ", ..." if len(columns.aside) > 6 else ""
        )
        decisions.append(
            Decision(
                "columns", f"{len(columns.aside)} set aside", "file", f"of no keypoint: {listed}"
            )
        )
    raw = RawTrack(
        positions,
        list(columns.keypoints),
        confidence,
        columns.rate,
        columns.unit,
        decisions=decisions,
    )
    frames = None if columns.frame is None else _frames(block, columns.frame, table)
    times = None if columns.time is None else _times(block, columns.time, table)
    people = _people(block, times if frames is None else frames)
    if people is None:
        return placed_in_time(raw, frames, times)
    order = times if frames is None else frames
    moments, at = np.unique(np.asarray(order), return_inverse=True)
    raw = _side_by_side(raw, *people, at, len(moments), str(path))
    if frames is None:
        return placed_in_time(raw, None, moments)
    if times is not None:
        raw.fps = raw.fps or fps_from_times(np.unique(times))
    return placed_in_time(raw, moments, None)


def _without_summaries(block: Block, columns: Columns) -> tuple[Block, list[Decision]]:
    """The block without the rows below it that have a word where others have their frame number or
    time: a mean, a deviation."""
    column = columns.time if columns.frame is None else columns.frame
    if column is None:
        return block, []
    which, texts = block.rows.column(column)
    words = np.array([not (is_numeric(text) or is_blank(text)) for text in texts])[which]
    numbers = np.flatnonzero(~words)
    if not words.any() or len(numbers) < words.sum():
        return block, []
    reason = (
        f"they have no number of a frame: {', '.join(shown(texts[i]) for i in which[words][:4])}"
    )
    said = Decision("rows", f"{words.sum()} left out", "file", reason)
    return replace(block, rows=block.rows.some(numbers.tolist())), [said]


def _column(block: Block, column: int, table: Table) -> np.ndarray:
    return parse_numbers(block.rows, [column], "", table.decimal_comma, lenient=True)[:, 0]


def _frames(block: Block, column: int, table: Table) -> np.ndarray | None:
    """A column of frame numbers (T,), or of the numbers at the end of images' names; None where
    these have none."""
    numbers = _column(block, column, table)
    if np.isfinite(numbers).any():
        return numbers
    which, texts = block.rows.column(column)
    found = [_NUMBER_OF_IMAGE.search(text) for text in texts]
    if not all(found):
        return None
    return np.array([float(one[1]) for one in found if one])[which]


_NUMBER_OF_IMAGE = re.compile(r"(\d{1,9})\D{0,30}$")


def _times(block: Block, column: int, table: Table) -> np.ndarray:
    """A column of times (T,) in any unit; times of the clock in nanoseconds, as half a second from
    row to row would pass for half a millisecond."""
    numbers = _column(block, column, table)
    if np.isfinite(numbers).any():
        return numbers
    which, texts = block.rows.column(column)
    if (coded := timecodes(texts)) is not None:
        return coded[which]
    clock = [seconds_of(row[column]) if column < len(row) else None for row in block.rows]
    found = np.array([np.nan if one is None else one for one in clock])
    return 1e9 * (found - np.nan_to_num(found[0]))


def _people(block: Block, moments: np.ndarray | None) -> tuple[np.ndarray, list[str]] | None:
    """Whose row each is (T,), of a table with a row for each person and frame, and their names;
    None of any other."""
    if moments is None or not np.isfinite(moments).all() or len(np.unique(moments)) == len(moments):
        return None
    labels = [fold(cell) for cell in block.header[-1]] if block.header else []
    for column in (i for i, label in enumerate(labels) if label in _PERSON):
        who, names = block.rows.column(column)
        if 1 < len(names) <= MOST_PEOPLE and _differ(
            who, np.unique(moments, return_inverse=True)[1]
        ):
            return who, names
    return None


def _differ(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether no two of the pairs that two arrays (T,) of counts make are the same."""
    return len(np.unique(one * (other.max() + 1) + other)) == len(one)


def _side_by_side(
    raw: RawTrack, who: np.ndarray, everybody: list[str], at: np.ndarray, moments: int, where: str
) -> RawTrack:
    """A track of one row a person and frame, as one with the keypoints of everybody in each
    frame."""
    count = raw.positions.shape[1]
    positions = blank_table((moments, len(everybody), count, 3), raw.positions.size, where)
    positions[at, who] = raw.positions
    confidence = None
    if raw.confidence is not None:
        confidence = np.zeros((moments, len(everybody), count))
        confidence[at, who] = raw.confidence
        confidence = confidence.reshape(moments, -1)
    names = [f"{name}:{keypoint}" for name in everybody for keypoint in raw.names or ()]
    return replace(
        raw, positions=positions.reshape(moments, -1, 3), names=names, confidence=confidence
    )


# One row a keypoint


def is_long(block: Block) -> bool:
    """Whether a block has a column of keypoints' names and one each of x, y and z."""
    labels = _long_labels(block)
    return not _KEYPOINT.isdisjoint(labels) and {"X", "Y", "Z"} <= set(labels)


def _unlabelled_long(block: Block) -> list[str] | None:
    """The labels of a table that has none, whose rows are a frame's number, a keypoint's name and
    x, y and z; None of any other."""
    if len(block.rows) < FEWEST or len(block.rows[0]) < 5 or is_numeric(block.rows[0][1]):
        return None
    first = block.rows[0]
    if not all(map(is_numeric, (first[0], *first[2:5]))) or len(block.rows.column(1)[1]) < FEWEST:
        return None
    return ["frame", "keypoint", *"xyz", *(f"other {i}" for i in range(len(first) - 5))]


def _long_labels(block: Block) -> list[str]:
    """The labels of the columns, folded; those of positions as X, Y and Z."""
    labels = [fold(cell) for cell in block.header[-1]] if block.header else []
    return [found[1] if (found := _LONG_AXIS.fullmatch(label)) else label for label in labels]


_LONG_AXIS = re.compile(
    r"(?:POSITION|POS|WORLD|HEAD|P|LANDMARK|JOINT|KEYPOINT|POINT)?([XYZ])(?:M|CM|MM|POSITION|POS|WORLD)?"
)


def _ungrouped(block: Block) -> Block:
    """A block with one keypoint a row, of one whose rows hold several, each led by its name: below
    labels that repeat (Joint, X, Y, Z, Joint, X, ...), or that stand once for all."""
    labels = _long_labels(block)
    first = next(i for i, label in enumerate(labels) if label in _KEYPOINT)
    repeated = [i for i, label in enumerate(labels) if label == labels[first]]
    size = repeated[1] - first if len(repeated) > 1 else len(labels) - first
    widest = max(block.rows.widths, default=0)
    if widest < first + 2 * size or (len(repeated) == 1 and (widest - first) % size):
        return block
    lines = [
        _UNIT_SEPARATOR.join(cells[:first] + cells[at : at + size])
        for cells in block.rows
        for at in range(first, len(cells) - size + 1, size)
    ]
    rows = Rows(lines, lambda line: line.split(_UNIT_SEPARATOR))
    for at in range(len(lines)):
        rows.append(at, first + size)
    header = [row[: first + size] for row in block.header]
    return replace(block, header=header, rows=rows)


_UNIT_SEPARATOR = "\x1f"


def _read_long(block: Block, table: Table, where: str) -> RawTrack:
    block = _ungrouped(block)
    labels = _long_labels(block)
    frame, time = (
        next((i for i, cell in enumerate(block.header[-1]) if wanted(cell)), None)
        for wanted in (is_frame, is_time)
    )
    if frame is None and time is None:
        raise KeypointFileError(
            f"{where}: a table with one keypoint a row needs a frame or time column; it has: "
            f"{', '.join(block.header[-1])[:200]}"
        )
    name_column = min(
        (i for i, label in enumerate(labels) if label in _KEYPOINT),
        key=lambda i: "ID" in labels[i] or "INDEX" in labels[i],
    )
    person_column = next(
        (i for i, label in enumerate(labels) if label in _PERSON and i != name_column), None
    )
    confidence_column = next(
        (i for i, label in enumerate(labels) if label.lower() in CONFIDENCE), None
    )
    picked = [labels.index(axis) for axis in "XYZ"] + [
        c for c in (confidence_column, frame, time) if c is not None
    ]
    width = max(*picked, name_column) + 1
    rows = block.rows.some(np.flatnonzero(np.asarray(block.rows.widths) >= width).tolist())
    if not len(rows):
        raise KeypointFileError(
            f"{where}: no row has all of the columns {', '.join(block.header[-1])[:200]}"
        )
    numbers = parse_numbers(rows, picked, where, table.decimal_comma)
    key = numbers[:, 3 + (confidence_column is not None)]
    moments, t = np.unique(key, return_inverse=True)
    k, names = _keypoints(rows, name_column, person_column)
    positions = blank_table((len(moments), len(names), 3), 3 * len(rows), where)
    # Of a keypoint that is given twice in a frame the first counts.
    positions[t[::-1], k[::-1]] = numbers[::-1, :3]
    confidence = None
    if confidence_column is not None:
        confidence = np.zeros((len(moments), len(names)))
        confidence[t[::-1], k[::-1]] = numbers[::-1, 3]
    raw = RawTrack(positions, names, confidence)
    if frame is None:
        return placed_in_time(raw, None, moments)
    if time is not None:
        raw.fps = fps_from_times(np.unique(numbers[:, -1]))
    return placed_in_time(raw, moments, None)


def _keypoints(
    rows: Rows, name_column: int, person_column: int | None
) -> tuple[np.ndarray, list[str]]:
    """Which keypoint each row is of (T,), and their names; those of several people are told apart
    by whose they are."""
    which, names = rows.column(name_column)
    who, people = (None, []) if person_column is None else rows.column(person_column)
    if who is None or not 1 < len(people) <= MOST_PEOPLE:
        return which, names
    pairs, first, of_pair = np.unique(
        who * len(names) + which, return_index=True, return_inverse=True
    )
    in_order = np.argsort(first)
    place = np.empty_like(in_order)
    place[in_order] = np.arange(len(in_order))
    named = [f"{people[pair // len(names)]}:{names[pair % len(names)]}" for pair in pairs[in_order]]
    return place[np.ravel(of_pair)], named
