""".skeleton, the text of NTU RGB+D's Kinect: how many frames, and in each how many bodies of 25
joints.

Format: shahroudy/NTURGB-D, Matlab/read_skeleton_file.m.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from ..errors import KeypointFileError
from .json_lists import track_of
from .raw import RawTrack, read_text
from .rows import is_number

FPS = 30.0
MOST_BODIES = 100


def read_skeleton(path: Path, counts: Collection[int], person: str | None = None) -> RawTrack:
    """Read the bodies of a file, who are told apart by their numbers."""
    lines = read_text(path).splitlines()
    at, frames = 1, []
    try:
        for _ in range(_count(lines[0], len(lines))):
            people = []
            bodies, at = _count(lines[at], MOST_BODIES), at + 1
            for _ in range(bodies):
                identity, joints = lines[at].split()[0], _count(lines[at + 1], len(lines))
                rows = [line.split()[:3] for line in lines[at + 2 : at + 2 + joints]]
                if len(rows) < joints or not all(
                    len(row) == 3 and all(map(is_number, row)) for row in rows
                ):
                    raise ValueError
                people.append(
                    {"id": identity, "keypoints3d": [[float(cell) for cell in row] for row in rows]}
                )
                at += 2 + joints
            frames.append(people)
    except (IndexError, ValueError):
        if not frames:
            raise KeypointFileError(
                f"{path}: line {at + 1} is none of a .skeleton file of NTU RGB+D"
            ) from None
    raw = track_of(frames, counts, str(path), person)
    raw.fps = FPS
    return raw


def _count(text: str, most: int) -> int:
    number = int(text)
    if not 0 <= number <= most:
        raise ValueError
    return number
