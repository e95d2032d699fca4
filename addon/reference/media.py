"""Movies and image sequences as Blender's images: how many frames, at what rate, of what size."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import bpy

from ...lsmpl_core import LsmplError
from ...lsmpl_core.bounds import is_rate
from ...lsmpl_core.shown import shown

_NUMBERED = re.compile(r"(?P<stem>.*?)(?P<number>\d{1,9})(?P<rest>\D*)", re.DOTALL)
_MOST_FRAMES = 1_000_000
"""Of a movie; scenes have no more."""


class Media(NamedTuple):
    """What is shown: its image, the number of its first frame and how many there are; frames a
    second, None where it does not say (images say nothing); width and height in pixels."""

    image: bpy.types.Image
    first: int
    frames: int
    fps: float | None
    width: int
    height: int


def load(paths: Sequence[Path]) -> Media:
    """A movie, an image, or the images of a sequence, of which any one brings the others that are
    numbered on with it. Raises `LsmplError`."""
    path = min(paths, default=None)
    if path is None or not path.is_file():
        raise LsmplError(f"{path or 'Picture'}: no such file; choose a movie or images")
    try:
        image = bpy.data.images.load(str(path), check_existing=True)
    except RuntimeError:
        raise _unreadable(path) from None
    width, height = image.size
    if not width * height:
        if not image.users:
            bpy.data.images.remove(image)
        raise _unreadable(path)

    if image.source == "MOVIE":
        return Media(image, 1, max(1, min(image.frame_duration, _MOST_FRAMES)), _rate(path),
                     width, height)  # fmt: skip
    numbers = sequence_numbers(path)
    if len(numbers) > 1:
        image.source = "SEQUENCE"
        return Media(image, numbers[0], numbers[-1] - numbers[0] + 1, None, width, height)
    return Media(image, 1, 1, None, width, height)


def sequence_numbers(path: Path) -> list[int]:
    """The numbers of the images that are called as this one but for its last number, in order."""
    found = _NUMBERED.fullmatch(path.name)
    if found is None:
        return []
    alike = re.compile(f"{re.escape(found['stem'])}(\\d{{1,9}}){re.escape(found['rest'])}")
    names = (alike.fullmatch(other.name) for other in path.parent.iterdir())
    return sorted({int(name[1]) for name in names if name})


def _rate(path: Path) -> float | None:
    """A movie's frames a second, which Blender tells of clips alone."""
    clip = bpy.data.movieclips.load(str(path))
    try:
        return float(clip.fps) if is_rate(clip.fps) else None
    finally:
        bpy.data.movieclips.remove(clip)


def _unreadable(path: Path) -> LsmplError:
    return LsmplError(
        f"{shown(str(path))}: Blender cannot read it as a picture; movies and images are what it "
        "reads, such as .mp4, .mov, .avi, .png and .jpg"
    )
