"""Motions and tracks at another rate: as many seconds, other frames; frames that coincide stay as
they are."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .body.skeleton import NUM_JOINTS
from .bounds import FASTEST, MOST_FRAMES, MOST_GROWTH, SLOWEST, is_rate
from .cleaning.smoothing import FEWEST_FRAMES, apply_smoothness, stiffness_of
from .errors import LsmplError
from .keypoints.track import KeypointTrack
from .motion import Motion
from .rotation import exp_map, log_map, right_jacobian_inverse

FRAMES_AT_ONCE = 2_000
ANTI_ALIASED = 2.5
"""How many times lower than the motion's a rate must be for what it cannot show to be smoothed away
first."""


def resample(motion: Motion, fps: float) -> Motion:
    """The motion at `fps` frames a second.

    Between frames, rotations and translation are cubic, with continuous velocities (body-frame
    angular velocity for the rotations) that are those of the neighbouring frames. A rate that is
    far lower than the motion's first has the motion smoothed to half that rate, so that tremor does
    not come back as slow swaying; otherwise frames that coincide are exact. Residual and condition
    are the nearest frame's. Raises `LsmplError` for a rate that no take has.
    """
    _check(fps)
    if fps == motion.fps or len(motion) < 2:
        return replace(motion, fps=float(fps))
    if motion.fps > ANTI_ALIASED * fps and len(motion) >= FEWEST_FRAMES:
        even = np.full(len(motion) - 3, stiffness_of(fps / 2.0, motion.fps))
        motion = apply_smoothness(motion, even)
    times = _times(len(motion), motion.fps, fps)
    before, share = _between(times, len(motion))
    turning = motion.poses
    if motion.fingers is not None:
        turning = np.concatenate([turning, motion.fingers], axis=1)
    rotations = exp_map(turning)
    turns = log_map(np.swapaxes(rotations[:-1], -1, -2) @ rotations[1:])
    turning_cubics = _Cubics.of(turns, right_jacobian_inverse(turns))
    along = _Cubics.of(np.diff(motion.trans, axis=0)).at(before, share[:, None])
    nearest, exact = np.rint(times).astype(int), times == np.rint(times)

    # A few frames at once: rotations on the way to axis-angles take twenty times their memory.
    poses, trans = np.empty((len(times), *turning.shape[1:])), motion.trans[before] + along
    for start in range(0, len(times), FRAMES_AT_ONCE):
        some = slice(start, start + FRAMES_AT_ONCE)
        inside = turning_cubics.at(before[some], share[some, None, None])
        poses[some] = log_map(rotations[before[some]] @ exp_map(inside))
    poses[exact], trans[exact] = turning[nearest[exact]], motion.trans[nearest[exact]]
    return replace(
        motion.frames(nearest),
        poses=poses[:, :NUM_JOINTS],
        fingers=None if motion.fingers is None else poses[:, NUM_JOINTS:],
        trans=trans,
        fps=float(fps),
        first_frame=round(motion.first_frame * fps / motion.fps),
    )


def resample_track(track: KeypointTrack, fps: float) -> KeypointTrack:
    """The track at `fps` frames a second: straight between frames that both show a keypoint,
    missing elsewhere."""
    _check(fps)
    if fps == track.fps or len(track) < 2:
        return replace(track, fps=float(fps))
    before, share = _between(_times(len(track), track.fps, fps), len(track))
    before, after = (
        np.where(share == 1.0, before + 1, before),
        np.where(share > 0.0, before + 1, before),
    )
    hands = track.hands
    if hands is not None:
        whole = share[:, None, None, None]
        hands = replace(
            hands,
            positions=(1.0 - whole) * hands.positions[before] + whole * hands.positions[after],
            confidence=np.minimum(hands.confidence[before], hands.confidence[after]),
        )
    share = share[:, None]
    return replace(
        track,
        hands=hands,
        positions=(1.0 - share[..., None]) * track.positions[before]
        + share[..., None] * track.positions[after],
        confidence=np.minimum(track.confidence[before], track.confidence[after]),
        fps=float(fps),
        first_frame=round(track.first_frame * fps / track.fps),
        trusted=None if track.trusted is None else track.trusted[before] & track.trusted[after],
        believed=None if track.believed is None else track.believed[before] & track.believed[after],
        turns=None if track.turns is None else _turns_between(track.turns, before, after, share),
    )


def _turns_between(
    turns: np.ndarray, before: np.ndarray, after: np.ndarray, share: np.ndarray
) -> np.ndarray:
    """(N,K,3): axis-angles (T,K,3) on the shortest way from one frame (N,) to another, by share
    (N,1)."""
    first, last = exp_map(turns[before]), exp_map(turns[after])
    way = log_map(np.swapaxes(first, -1, -2) @ last)
    return log_map(first @ exp_map(share[..., None] * way))


def _check(fps: float) -> None:
    if not is_rate(fps):
        raise LsmplError(
            f"the rate is {fps:.6g}; takes have {SLOWEST:g} to {FASTEST:,.0f} frames a second"
        )


def _times(frames: int, fps: float, wanted: float) -> np.ndarray:
    """(N,) in frames of the source; whole where a frame coincides with one of its own.

    Raises `LsmplError` where they are more than anything is made of.
    """
    count = int(np.floor((frames - 1) * wanted / fps + 1e-6)) + 1
    most = max(MOST_FRAMES, MOST_GROWTH * frames)
    if count > most:
        raise LsmplError(
            f"{frames:,} frames at {fps:g} a second would become {count:,} at {wanted:g}; at most "
            f"{most:,} are made of them"
        )
    times = np.arange(count) * (fps / wanted)
    whole = np.rint(times)
    return np.minimum(np.where(np.abs(times - whole) < 1e-6, whole, times), frames - 1)


def _between(times: np.ndarray, frames: int) -> tuple[np.ndarray, np.ndarray]:
    """The frame (N,) before each time, and how far (N,) the time is on the way to the next, 0 to 1
    (at the end)."""
    before = np.minimum(np.floor(times).astype(int), frames - 2)
    return before, times - before


@dataclass(frozen=True)
class _Cubics:
    """Between each of T frames and the next, the Hermite cubic whose velocities are means of
    adjacent steps.

    steps (T-1,...,3) from frame to frame, in the tangent space of the frame they start from; leave
    and arrive (T-1,...,3): the velocities at both ends, in the same space.
    """

    steps: np.ndarray
    leave: np.ndarray
    arrive: np.ndarray

    @classmethod
    def of(cls, steps: np.ndarray, to_end: np.ndarray | None = None) -> _Cubics:
        """to_end (T-1,...,3,3) turns a velocity in the frame where a step ends into one in the
        tangent space where it starts (the inverse right Jacobian); None where these are the same.
        At the ends of the motion velocities are those of a parabola."""
        inner = 0.5 * (steps[:-1] + steps[1:])
        first = 2.0 * steps[:1] - inner[:1] if len(inner) else steps[:1]
        last = 2.0 * steps[-1:] - inner[-1:] if len(inner) else steps[-1:]
        velocity = np.concatenate([first, inner, last])
        arrive = velocity[1:] if to_end is None else (to_end @ velocity[1:, ..., None])[..., 0]
        return cls(steps, velocity[:-1], arrive)

    def at(self, before: np.ndarray, share: np.ndarray) -> np.ndarray:
        """(N,...,3) displacement from the frames `before` (N,), a share (N,...) of the way to the
        next."""
        s2, s3 = share**2, share**3
        rise, leave, arrive = 3.0 * s2 - 2.0 * s3, s3 - 2.0 * s2 + share, s3 - s2
        return rise * self.steps[before] + leave * self.leave[before] + arrive * self.arrive[before]
