"""What an animator fixed in some frames, pinned joints and placed keypoints, put into a take solved
without it.

A solve would work against it wherever the keypoints around speak against it: turn the collar back
where a shoulder was pinned, meet a placed keypoint half and jump there. So a take is solved
without, these frames are posed from that, as in a drag, and the neighbours go along. What is seen
when a frame is corrected is then what every later solve gives.
"""

from __future__ import annotations

import numpy as np

from ..body.skeleton import ANCESTORS
from ..keypoints.track import KeypointTrack
from ..solver.pinned_joints import PinnedJoints
from ..solver.poses import Poses
from ..solver.problem import CPU_BATCH
from .blending import blend
from .posing import MOVED_WEIGHT, Poser

FADE_SECONDS = 1 / 6
"""Seconds before and after over which the frames go along, where they are seen."""
DARK_SECONDS = 1.0
"""Seconds, at most, where no keypoint shows what was fixed."""
FIXED_FRAME_STEPS = 6
"""Of the polish."""


def put_by_hand(
    poser: Poser, track: KeypointTrack, poses: Poses, pins: PinnedJoints | None
) -> Poses:
    """Solved poses of a whole track, its placed keypoints met, and the pinned joints turned exactly
    so.

    Keypoints along a pinned limb do not count in its frame, unless somebody placed them; the others
    stay where the solve put them. The change fades into the neighbours (`blending.blend`): over
    `FADE_SECONDS`, or for as long as no keypoint shows better. A fade ends at the next such frame.
    """
    none = PinnedJoints(np.zeros(0), np.zeros(0), np.zeros((0, 3, 3)))
    pins = none if pins is None else pins.of_body
    frames = np.union1d(pins.frames, np.flatnonzero(track.user_edited[:, poser.rows].any(axis=1)))
    if not len(frames):
        return poses
    posed = _posed(poser, track, poses[frames], frames, pins)
    rotations, trans = poses.rotations.copy(), poses.trans.copy()
    for run in np.split(np.arange(len(frames)), np.flatnonzero(np.diff(frames) > 1) + 1):
        first, last = frames[run[0]], frames[run[-1]]
        width = _dark(poser, track, pins, first, -1), _dark(poser, track, pins, last, 1)
        begin, blended = blend(
            Poses(rotations, trans), first, posed[run], width, np.delete(frames, run)
        )
        at = slice(begin, begin + len(blended.trans))
        rotations[at], trans[at] = blended.rotations, blended.trans
    return pins.applied_to(Poses(rotations, trans))


def _posed(
    poser: Poser, track: KeypointTrack, poses: Poses, frames: np.ndarray, pins: PinnedJoints
) -> Poses:
    """These frames (N) of the track, each on its own."""
    rotations, trans = np.empty_like(poses.rotations), np.empty_like(poses.trans)
    moved = np.where(track.user_edited[frames][..., None], track.positions[frames], np.nan)
    weights = np.where(track.user_edited[frames], MOVED_WEIGHT, track.confidence[frames])
    for low in range(0, len(frames), CPU_BATCH):
        part = slice(low, low + CPU_BATCH)
        inside = np.isin(pins.frames, frames[part])
        rows = np.searchsorted(frames[part], pins.frames[inside])
        here = PinnedJoints(rows, pins.joints[inside], pins.rotations[inside])
        done = poser.drag(moved[part], poses[part], weights[part], here, steps=FIXED_FRAME_STEPS)
        rotations[part], trans[part] = done.rotations, done.trans
    return Poses(rotations, trans)


def _dark(poser: Poser, track: KeypointTrack, pins: PinnedJoints, frame: int, way: int) -> int:
    """Frames over which to fade from this one, forwards (way 1) or back (-1)."""
    least, most = round(FADE_SECONDS * track.fps), round(DARK_SECONDS * track.fps)
    seen = (
        track.visible[frame + way :: way][:most]
        if 0 <= frame + way < len(track)
        else track.visible[:0]
    )
    shows = track.user_edited[frame]
    shows[poser.rows] |= ANCESTORS[poser.parent_joints][:, pins.joints[pins.frames == frame]].any(
        axis=1
    )
    showing = np.flatnonzero((seen & shows).any(axis=1))
    return max(least, showing[0] if len(showing) else most)
