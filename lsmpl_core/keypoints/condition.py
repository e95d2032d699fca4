"""What became of each keypoint of a track: nothing that a motion rests on is silently invented or
left out."""

from __future__ import annotations

from enum import IntEnum


class Condition(IntEnum):
    """Of one keypoint in one frame, as in `Motion.condition`."""

    MISSING = 0
    """Not seen; the pose around it comes from other keypoints, the network and the frames before
    and after."""
    SEEN = 1
    """Used as it was."""
    FILLED = 2
    """Not seen, in a gap short enough to be bridged from either side; used, but it counts for
    less."""
    SWAPPED = 3
    """Used where its left or right partner was said to be."""
    REJECTED = 4
    """Seen, but where it cannot be; not used."""
