"""BVH: the positions of a skeleton's joints, by its own offsets and rotations.

Format: M. Meredith and S. Maddock, *Motion Capture File Formats Explained*, 2001. A joint's
channels are applied in the order in which they are listed; rotations are in degrees, about the
joint's own axes as the channels before turned them.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import KeypointFileError
from ..rotation import log_map
from .raw import RawTrack, blank_table, read_text
from .rows import Rows, is_number, parse_numbers

MOST_JOINTS = 2_000
_ROTATIONS_AT_A_TIME = 100_000
_AXES = {"x": 0, "y": 1, "z": 2}


@dataclass
class _Joint:
    """One joint: its parent's index (-1 for a root), its offset (3,) from it, and its channels
    ("xposition", ...)."""

    name: str
    parent: int
    offset: np.ndarray
    channels: tuple[str, ...] = ()


def read_bvh(path: Path, counts: Collection[int] = ()) -> RawTrack:
    """Read the joints of all skeletons of a file as points, and how their bones are turned."""
    lines = read_text(path).splitlines()
    at = next((i for i, line in enumerate(lines) if line.strip().upper() == "MOTION"), None)
    if at is None or not lines[0].strip().upper().startswith("HIERARCHY"):
        raise KeypointFileError(f"{path}: no BVH file: it has no HIERARCHY and MOTION")
    joints = _hierarchy(lines[1:at], str(path))
    rows, seconds = Rows(lines), None
    for number in range(at + 1, len(lines)):
        words = lines[number].split()
        if words[:2] == ["Frame", "Time:"] and len(words) > 2 and is_number(words[2]):
            seconds = float(words[2])
        elif words and is_number(words[0]):
            rows.append(number, len(words))
    width = sum(len(joint.channels) for joint in joints)
    if not rows:
        raise KeypointFileError(f"{path}: there is no row of numbers below MOTION")
    if len(rows) > 1 and rows.widths[-1] < width:
        rows.pop()
    wrong = next((i for i, found in enumerate(rows.widths) if found < width), None)
    if wrong is not None:
        raise KeypointFileError(
            f"{path}: line {rows.line_number(wrong)} has fewer than the {width} numbers of the "
            "hierarchy's channels"
        )
    values = parse_numbers(rows, range(width), str(path))
    fps = 1.0 / seconds if seconds is not None and seconds > 0 else None

    # Joints without channels take no room in the file. Rotations take ten times what it takes, so
    # there are those of some frames at a time.
    positions = blank_table((len(values), len(joints), 3), values.size, str(path))
    turns = np.empty(positions.shape, np.float32)
    some = max(1, _ROTATIONS_AT_A_TIME // len(joints))
    for start in range(0, len(values), some):
        part = slice(start, start + some)
        positions[part], turns[part] = _posed(joints, values[part])
    names = [joint.name for joint in joints]
    return RawTrack(positions, names, fps=fps, usual_up="y", skeleton=True, turns=turns)


def _hierarchy(lines: list[str], where: str) -> list[_Joint]:
    """The joints in file order, parents first; end sites are left out."""
    joints: list[_Joint] = []
    # What stands in the braces that are open: a joint, or None for an end site; and the innermost
    # joint that they are in.
    stack: list[tuple[int | None, int]] = []
    opening: int | None = None
    for line in lines:
        words = line.split()
        if not words:
            continue
        kind = words[0].upper()
        if kind in ("ROOT", "JOINT"):
            parent = stack[-1][1] if stack else -1
            joints.append(
                _Joint(" ".join(words[1:]) or f"joint_{len(joints)}", parent, np.zeros(3))
            )
            opening = len(joints) - 1
        elif kind == "END":
            opening = None
        elif kind == "{":
            around = stack[-1][1] if stack else -1
            stack.append((opening, around if opening is None else opening))
        elif kind == "}" and stack:
            stack.pop()
        elif (
            kind == "OFFSET"
            and stack
            and (inside := stack[-1][0]) is not None
            and all(map(is_number, words[1:4]))
            and len(words) > 3
        ):
            joints[inside].offset = np.array([float(word) for word in words[1:4]])
        elif kind == "CHANNELS" and stack and (inside := stack[-1][0]) is not None:
            joints[inside].channels = tuple(word.lower() for word in words[2:8])
    if not joints or len(joints) > MOST_JOINTS:
        raise KeypointFileError(
            f"{where}: its hierarchy has {len(joints)} joints; expected 1 to {MOST_JOINTS}"
        )
    return joints


def _posed(joints: list[_Joint], values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions (T,J,3) and turns (T,J,3) from rest, axis-angles, by forward kinematics over the
    channels' values (T,C)."""
    count = len(values)
    positions = np.empty((count, len(joints), 3))
    rotations = np.empty((count, len(joints), 3, 3))
    column = 0
    for j, joint in enumerate(joints):
        offset, turn = np.tile(joint.offset, (count, 1)), np.broadcast_to(np.eye(3), (count, 3, 3))
        moved = False
        for channel in joint.channels:
            axis, value = _AXES.get(channel[:1]), values[:, column]
            column += 1
            if axis is not None and channel.endswith("position"):
                # Positions are in place of the offset.
                offset = offset.copy() if moved else np.zeros((count, 3))
                moved = True
                offset[:, axis] = value
            elif axis is not None and channel.endswith("rotation"):
                turn = turn @ _about(axis, np.radians(value))
        if joint.parent < 0:
            positions[:, j], rotations[:, j] = offset, turn
        else:
            above = rotations[:, joint.parent]
            positions[:, j] = positions[:, joint.parent] + np.einsum("tab,tb->ta", above, offset)
            rotations[:, j] = above @ turn
    return positions, log_map(rotations).astype(np.float32)


def _about(axis: int, angles: np.ndarray) -> np.ndarray:
    """(T,3,3) rotations about a coordinate axis by angles (T,)."""
    turn = np.zeros((len(angles), 3, 3))
    a, b = (axis + 1) % 3, (axis + 2) % 3
    turn[:, axis, axis] = 1.0
    turn[:, a, a] = turn[:, b, b] = np.cos(angles)
    turn[:, b, a] = np.sin(angles)
    turn[:, a, b] = -np.sin(angles)
    return turn
