""".skeleton, the text of NTU RGB+D's Kinect: how many frames, and in each how many bodies of 25
joints.

Format: shahroudy/NTURGB-D, Matlab/read_skeleton_file.m.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import KeypointFileError
from .nest_tracks import track_of
from .raw import MOST_POINTS, RawTrack, changed, read_text
from .rows import is_number

FPS = 30.0
MOST_BODIES = 100
_ORIENTATION = slice(7, 11)
"""Of a joint's numbers its quaternion, w first, of the bone that ends there."""


def read_skeleton(path: Path, counts: Collection[int], person: str | None = None) -> RawTrack:
    """Read the bodies of a file, who are told apart by their numbers."""
    frames = _frames(read_text(path), path)
    raw = track_of(frames, counts, str(path), person)
    return changed(raw, lambda one: replace(one, fps=FPS))


def _frames(text: str, path: Path) -> list[list[dict]]:
    """The bodies of each frame."""
    lines = _Lines(text)
    frames = []
    try:
        for _ in range(_count(next(lines), len(text))):
            people = []
            for _ in range(_count(next(lines), MOST_BODIES)):
                identity, joints = next(lines).split()[0], _count(next(lines), MOST_POINTS)
                rows = [next(lines).split() for _ in range(joints)]
                if not all(len(row) > 2 and all(map(is_number, row)) for row in rows):
                    raise ValueError
                person = {
                    "id": identity,
                    "keypoints3d": np.array([row[:3] for row in rows], dtype=float),
                }
                if all(len(row) >= _ORIENTATION.stop for row in rows):
                    orientations = [row[_ORIENTATION] for row in rows]
                    person["orientations"] = np.array(orientations, dtype=float)
                people.append(person)
            frames.append(people)
    except (IndexError, StopIteration, ValueError):
        if not frames:
            raise KeypointFileError(
                f"{path}: line {lines.number} is none of a .skeleton file of NTU RGB+D"
            ) from None
    return frames


class _Lines:
    """A text's lines one after the other, but empty ones: a list of them would take five times the
    text."""

    def __init__(self, text: str):
        self._found = re.finditer(r"[^\r\n]+", text)
        self.number = 0

    def __next__(self) -> str:
        self.number += 1
        return next(self._found)[0]


def _count(text: str, most: int) -> int:
    number = int(text)
    if not 0 <= number <= most:
        raise ValueError
    return number
