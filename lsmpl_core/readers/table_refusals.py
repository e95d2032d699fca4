"""Tables that hold no keypoints in space, and what is said of them: angles, forces, pixels, one
point a row, commas that mean two things."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from ..errors import KeypointFileError
from ..shown import shown
from .column_words import POINT_COLUMNS, is_other
from .keypoint_names import fold
from .table_headers import Columns, columns_of, labels_of
from .tables import Block, Table

MOST_KEYPOINTS = 10_000


def check_commas(block: Block, lines: Sequence[str], where: str) -> None:
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


def check(block: Block, columns: Columns, table: Table, where: str) -> None:
    if not columns.keypoints and _is_2d(block):
        raise KeypointFileError(
            f"{where}: its keypoints are 2D: they have x and y, but no z. 3D keypoints are needed: "
            "triangulated from several cameras, or lifted by a pose estimator"
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
    if title := title_of_others(block):
        raise KeypointFileError(
            f"{where}: its rows stand below {shown(title, 60)}, and do not say where joints are. "
            "Export positions"
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


def title_of_others(block: Block) -> str:
    """The title of a section that holds no places (`Segment Velocity`); "" of any other."""
    titles = [filled[0] for row in block.header if len(filled := [c for c in row if c]) == 1]
    return titles[-1] if titles and is_other(titles[-1]) else ""


def _is_a_point_a_row(columns: Columns) -> bool:
    """Whether there is one keypoint alone, which is called as keypoints are at large."""
    names = [fold(name) for name in columns.keypoints]
    return len(names) == 1 and (names[0] in POINT_COLUMNS or not names[0])


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
    "velocities": ("velocity", "velocities", "vel", "speed"),
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
