"""Keypoints placed by hand, and a track without them: what it is solved by
(`by_hand/fixed_frames.py`)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..keypoints.track import KeypointTrack
from .gaps import bridge_gaps

CORRECTION = 0.5
"""Seconds up to which a stretch of placed keypoints corrects what is around; a longer one is data
of its own."""


def without_corrections(track: KeypointTrack) -> KeypointTrack:
    """A track without the keypoints that somebody placed in short stretches between frames that
    show them as read.

    Where these go on both sides they are bridged: a missing keypoint may let what else is wrong
    with a track look otherwise, and a correction is to change nothing far from it.
    """
    read, near = track.visible & ~track.user_edited, round(CORRECTION * track.fps)
    dropped = np.zeros(read.shape, dtype=bool)
    for k in np.flatnonzero(track.user_edited.any(axis=0)):
        frames = np.flatnonzero(track.user_edited[:, k])
        for run in np.split(frames, np.flatnonzero(np.diff(frames) > 1) + 1):
            around = read[max(run[0] - near, 0) : run[-1] + 1 + near, k]
            dropped[run, k] = len(run) <= near and around.any()
    if not dropped.any():
        return track
    positions = np.where(dropped[..., None], np.nan, track.positions)
    confidence = np.where(dropped, 0.0, track.confidence)
    bridged = bridge_gaps(positions, confidence, track.fps)
    return replace(
        track,
        positions=np.where(dropped[..., None], bridged[0], positions),
        confidence=np.where(dropped, bridged[1], confidence),
        trusted=track.user_edited & ~dropped,
    )
