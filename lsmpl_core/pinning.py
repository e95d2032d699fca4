"""Pinned joints put into a solved take: in their frames the body is as it was solved but for them, and what is around
goes along.

A solve does not know of pins, for it would work against those that the keypoints speak against: turn the collar back
where a shoulder was pinned, or the trunk. So what an animator sees when a bone is pinned is what every solve gives.
"""

from __future__ import annotations

import numpy as np

from .blending import blend
from .pins import Pins
from .skeleton import ANCESTORS
from .take import FRAMES_AT_ONCE, Take
from .tracking import Poses

FADE = 1 / 6
"""Seconds before and after over which the frames go along, where they are seen."""
DARK = 1.0
"""Seconds, at most, where no keypoint shows what is pinned."""
STEPS = 6
"""Of the polish, in which limbs make up for a pinned trunk."""


def pinned(take: Take, poses: Poses, pins: Pins | None) -> Poses:
    """Solved poses of a whole take, with these joints turned exactly so.

    Keypoints along a pinned limb do not count in its frame, unless somebody placed them; the others stay where the
    solve put them. The change fades into the neighbours (`blending.blend`): over `FADE`, or for as long as no keypoint
    tells how the pinned joint is turned. A fade ends at the next pinned frame.
    """
    if pins is None or not len(pins):
        return poses
    frames = np.unique(pins.frames)
    posed, told = _posed(take, poses.some(frames), frames, pins), _told(take)
    rotations, trans = poses.rotations.copy(), poses.trans.copy()
    for run in np.split(np.arange(len(frames)), np.flatnonzero(np.diff(frames) > 1) + 1):
        first, last = frames[run[0]], frames[run[-1]]
        width = (
            _width(take, told[: first + 1][::-1, pins.joints[pins.frames == first]].any(axis=1)),
            _width(take, told[last:, pins.joints[pins.frames == last]].any(axis=1)),
        )
        begin, blended = blend(Poses(rotations, trans), first, posed.some(run), width, np.delete(frames, run))
        at = slice(begin, begin + len(blended.trans))
        rotations[at], trans[at] = blended.rotations, blended.trans
    return pins.on(Poses(rotations, trans))


def _posed(take: Take, poses: Poses, frames: np.ndarray, pins: Pins) -> Poses:
    """The pinned frames (N), each on its own."""
    rotations, trans = np.empty_like(poses.rotations), np.empty_like(poses.trans)
    for low in range(0, len(frames), FRAMES_AT_ONCE):
        part = slice(low, low + FRAMES_AT_ONCE)
        some, at = poses.some(part), frames[part]
        state = take.model.state(take.backend.array(some.rotations), take.backend.array(some.trans))
        own = take.backend.numpy(state.keypoints)
        positions = np.where(take.trusted[at][..., None], take.positions[at], own)
        inside = np.isin(pins.frames, at)
        here = Pins(np.searchsorted(at, pins.frames[inside]), pins.joints[inside], pins.rotations[inside])
        tracker = take.meeting(positions, take.weights[at], here, take.trusted[at])
        done = here.on(tracker.drawn(some, take.least_firmness, range(len(at)), STEPS))
        rotations[part], trans[part] = done.rotations, done.trans
    return Poses(rotations, trans)


def _told(take: Take) -> np.ndarray:
    """(T,24) bool: whether a frame has a keypoint that moves with the joint."""
    return (take.weights > 0) @ ANCESTORS[take.parts.bearer]


def _width(take: Take, told: np.ndarray) -> int:
    """Frames over which to fade, from a pinned frame on; told: whether it and those after it show what is pinned."""
    seen = np.flatnonzero(told[1:])
    dark = seen[0] if len(seen) else len(told) - 1
    return max(round(FADE * take.fps), min(int(dark), round(DARK * take.fps)))
