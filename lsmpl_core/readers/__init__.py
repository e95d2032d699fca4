"""Keypoint files of any known format, read as a `KeypointTrack` in metres, Z up."""

from .reading import READERS, matched, read_keypoints, read_people, settled

__all__ = ["READERS", "matched", "read_keypoints", "read_people", "settled"]
