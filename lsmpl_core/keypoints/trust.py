"""Keypoints that somebody says are right, in words: `left_wrist, nose @ 120-180`."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from ..errors import LayoutError
from .track import KeypointTrack

EVERY = "all"
_ENTRY = re.compile(
    r"(?P<name>.+?)(?:\s*@\s*(?P<first>-?\d{1,18})(?:\s*-\s*(?P<last>-?\d{1,18}))?)?", re.DOTALL
)


def trusting(track: KeypointTrack, words: str) -> KeypointTrack:
    """The track with keypoints that are never doubted: `KeypointTrack.believed`.

    words: names, or `all`, with commas between them; after a name may stand `@` and a frame or a
    range of frames, as the track's source counts them. Raises `LayoutError` for what is no
    keypoint, or no frame, of the track.
    """
    believed = (
        np.zeros(track.visible.shape, dtype=bool)
        if track.believed is None
        else track.believed.copy()
    )
    for entry in filter(None, (part.strip() for part in words.split(","))):
        match = _ENTRY.fullmatch(entry)
        assert match, "any text is a name"
        name, first, last = match["name"].strip(), match["first"], match["last"]
        keypoints = slice(None) if name.lower() == EVERY else track.layout.index(name)
        believed[_frames(track, entry, first, last), keypoints] = True
    return replace(track, believed=believed)


def _frames(track: KeypointTrack, entry: str, first: str | None, last: str | None) -> slice:
    if first is None:
        return slice(None)
    start = int(first) - track.first_frame
    stop = int(first if last is None else last) - track.first_frame + 1
    if not 0 <= start < stop <= len(track):
        final = track.first_frame + len(track) - 1
        raise LayoutError(f"{entry!r}: the take's frames are {track.first_frame} to {final}")
    return slice(start, stop)
