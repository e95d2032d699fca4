"""What of a take's hands is to be believed, so that a body is never the worse for them.

Hands come from a detector of their own, which may see the wrong one, exchange thumb and little
finger, hold still or be displaced as a whole. What bends backwards or faces the wrong way is no
hand of that side; and where the body's own keypoints have the wrist is where the hand hangs.
"""

from __future__ import annotations

import numpy as np

from ..body.fingers import Fingers
from ..frames import runs
from ..keypoints.condition import Condition
from ..keypoints.hand_points import FINGERS, SIDES, HandPoints
from ..keypoints.hand_sides import FLAT, inwardness, of_other_side, palms_of
from ..keypoints.track import KeypointTrack
from ..medians import seen_median

WRONG_WAY = np.cos(np.radians(120.0))
"""Of the palm as its points have it and as the body has it. Keypoints of bodies show a wrist's turn
badly: on fitted motions palms were up to 92 degrees from where BODY_25 alone had them."""
STILL_FRAMES, SAME_M = 4, 1e-7
"""Frames from which on points that stay where they are, to so many metres, were not seen."""
AROUND_S = 0.5
"""Seconds before and after over which a hand's displacement is told."""
LEAST_DISPLACED_M, JUMP_M, JUMP_SIGMAS = 0.004, 0.03, 3.5
"""What detectors disagree by, and by how much more, at the least and in standard deviations, a hand
that jumps is away from its wrist."""
_BENT = [finger for finger, name in enumerate(FINGERS) if name != "thumb"]


def believed_hands(
    hands: HandPoints, track: KeypointTrack, fingers: Fingers, wrists: np.ndarray
) -> tuple[HandPoints, dict[str, int]]:
    """The hands without those that are none of their side or held still, and of each side in how
    many frames that were. wrists (T,2,3,3): the rotations that the body has there."""
    wrong = _held_still(hands, track) | _turned_about(hands, fingers, wrists)
    wrong &= hands.visible.any(axis=2)
    confidence = np.where(wrong[..., None], 0.0, hands.confidence)
    left = {side: int(count) for side, count in zip(SIDES, wrong.sum(axis=0)) if count}
    return HandPoints(hands.positions, confidence, hands.placed), left


def _turned_about(hands: HandPoints, fingers: Fingers, wrists: np.ndarray) -> np.ndarray:
    """(T,2) bool: the hand is one of the other side, as it bends, or the palm faces away from where
    the body has it."""
    axes = fingers.frames.reshape(2, len(FINGERS), 3, 3, 3)[:, _BENT, 0]
    out = np.cross(axes[..., 0], axes[..., 2]).mean(axis=1)
    shown = np.einsum("thij,hj->thi", wrists, out / np.linalg.norm(out, axis=-1, keepdims=True))
    seen = np.where(hands.visible[..., None], hands.positions, np.nan)
    _, palm = palms_of(seen)
    inwards = inwardness(seen)
    with np.errstate(invalid="ignore"):
        away = np.sum(shown * palm, axis=-1) < WRONG_WAY
        return of_other_side(inwards) | away | (seen_median(inwards) < -FLAT)


def _held_still(hands: HandPoints, track: KeypointTrack) -> np.ndarray:
    """(T,2) bool: a hand neither bends nor turns, to the last digit, while the body does."""
    own = hands.positions - hands.positions[:, :, :1]
    with np.errstate(invalid="ignore"):
        equal = (np.abs(np.diff(own, axis=0)) < SAME_M).all(axis=-1)
    both = hands.visible[1:] & hands.visible[:-1]
    there = np.nan_to_num(track.positions)
    there = there - there.mean(axis=1, keepdims=True)
    moves = (np.abs(np.diff(there, axis=0)) > SAME_M).any(axis=(1, 2))
    same = np.zeros((len(hands), 2), dtype=bool)
    same[1:] = (equal | ~both).all(axis=2) & both.any(axis=2) & moves[:, None]
    for hand in range(2):
        for first, after in runs(same[:, hand]):
            same[first:after, hand] = after - first >= STILL_FRAMES
    return same


def on_the_bodys_wrists(
    hands: HandPoints, track: KeypointTrack, condition: np.ndarray | None = None
) -> HandPoints:
    """Hands that were seen in the body's world, where its keypoints have their wrists: without what
    they are displaced by as a whole. What both detectors' noise may be stays, and so do hands of
    tracks without such keypoints. condition (T,K): what the solve made of the body's keypoints,
    those that were rejected tell nothing."""
    names = [f"{side}_wrist" for side in SIDES]
    if not hands.placed or not all(name in track.layout.keypoints for name in names):
        return hands
    columns = [track.layout.index(name) for name in names]
    seen = hands.visible[:, :, 0] & track.visible[:, columns]
    if condition is not None:
        seen &= condition[:, columns] == Condition.SEEN
    off = np.where(seen[..., None], hands.positions[:, :, 0] - track.positions[:, columns], np.nan)
    shifted = hands.positions.copy()
    for hand in range(2):
        shifted[:, hand] -= _displaced(off[:, hand], round(AROUND_S * track.fps))[:, None]
    return HandPoints(shifted, hands.confidence, hands.placed)


def _displaced(off: np.ndarray, reach: int) -> np.ndarray:
    """(T,3) metres by which a hand is displaced, of (T,3) by which its wrist is off the body's, NaN
    where that is not known."""
    seen = np.isfinite(off).all(axis=1)
    if not seen.any():
        return np.zeros_like(off)
    padded = np.pad(off, ((reach, reach), (0, 0)), constant_values=np.nan)
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis=0)
    usual = np.nan_to_num(seen_median(np.moveaxis(around, -1, 0)))
    count = np.maximum(np.isfinite(around[:, 0]).sum(axis=1), 1)

    # What is no more than noise stays.
    apart = off - usual
    noise = 1.4826 * np.nanmedian(np.abs(apart[seen]))
    doubt = (2.0 * noise) ** 2 / count + LEAST_DISPLACED_M**2
    square = np.sum(usual**2, axis=1)
    share = np.maximum(0.0, 1.0 - doubt / np.maximum(square, 1e-12))
    jumps = seen & (np.linalg.norm(np.nan_to_num(apart), axis=1) > max(JUMP_M, JUMP_SIGMAS * noise))
    return np.where(jumps[:, None], np.nan_to_num(off), share[:, None] * usual)
