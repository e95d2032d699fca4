"""Changed frames blended into their neighbours, which go along with them less and less."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from ..body.skeleton import NUM_JOINTS
from ..rotation import exp_map, log_map
from ..solver.poses import Poses

FASTEST_GROWTH = 3.0
"""Times its own size over the width of a blend, at most, by which a correction may go on growing at
its edge."""


class Blended(NamedTuple):
    """Poses of the frames from `first` on, which are all that change."""

    first: int
    poses: Poses


def blend(
    poses: Poses,
    first: int,
    changed: Poses,
    width: int | tuple[int, int],
    fixed: Collection[int] = (),
) -> Blended:
    """N changed frames from `first` on, put into a whole motion's poses and blended over `width`
    frames on either side, or over so many before and so many after.

    What changed at an edge, as a rotation vector of each joint in its own frame and as a
    translation, goes on with the velocity that it had there and comes to rest at nothing on the
    last frame but `width`: Hermite's cubic, as `foot_locking` lets contacts go. A width of 0
    changes nothing else. Frames in `fixed` stay, and a blend ends there. Fingers do the same where
    both have some; otherwise they stay as they are in `poses`.
    """
    last = first + len(changed) - 1
    before, after = reach(len(poses.trans), first, last, width, fixed)

    # What changed, frame by frame, and how it comes to rest on either side.
    inside = slice(first, last + 1)
    with_fingers = poses.fingers is not None and changed.fingers is not None
    whole, new = _turned(poses, with_fingers), _turned(changed, with_fingers)
    correction = np.concatenate(
        [
            log_map(np.swapaxes(whole[inside], -1, -2) @ new),
            (changed.trans - poses.trans[inside])[:, None],
        ],
        axis=1,
    )
    ahead = _fading(correction[:2][::-1], before)[::-1]
    behind = _fading(correction[-2:], after)

    around = np.r_[first - before : first, last + 1 : last + 1 + after]
    fading = np.concatenate([ahead, behind])
    rotations = whole[around] @ exp_map(fading[:, :-1])
    trans = poses.trans[around] + fading[:, -1]
    rotations = np.concatenate([rotations[:before], new, rotations[before:]])
    fingers = poses.fingers
    if fingers is not None:
        fingers = fingers[first - before : last + 1 + after]
    if with_fingers:
        fingers = log_map(rotations[:, NUM_JOINTS:])
    return Blended(
        first - before,
        Poses(
            rotations[:, :NUM_JOINTS],
            np.concatenate([trans[:before], changed.trans, trans[before:]]),
            fingers,
        ),
    )


def _turned(poses: Poses, with_fingers: bool) -> np.ndarray:
    """(T,24,3,3) rotations of the body's joints, or (T,54,3,3) with those of the fingers after
    them."""
    if not with_fingers:
        return poses.rotations
    return np.concatenate([poses.rotations, exp_map(poses.fingers)], axis=1)


def reach(
    count: int, first: int, last: int, width: int | tuple[int, int], fixed: Collection[int] = ()
) -> tuple[int, int]:
    """How many frames before `first` and after `last` a blend into a motion of `count` frames
    changes."""
    ahead, behind = width if isinstance(width, tuple) else (width, width)
    before = min([ahead, first, *(first - f - 1 for f in fixed if f < first)])
    after = min([behind, count - 1 - last, *(f - last - 1 for f in fixed if f > last)])
    return before, after


def _fading(edge: np.ndarray, width: int) -> np.ndarray:
    """(width,J,3): a correction that ends as edge (1 or 2,J,3), on its way to nothing, `width`
    frames long."""
    s = (np.arange(1, width + 1) / (width + 1))[:, None, None]
    speed = (edge[-1] - edge[0]) * (width + 1)
    most = FASTEST_GROWTH * np.linalg.norm(edge[-1], axis=-1, keepdims=True)
    speed = speed * np.minimum(
        1.0, most / np.maximum(np.linalg.norm(speed, axis=-1, keepdims=True), 1e-12)
    )
    return (1.0 - s * s * (3.0 - 2.0 * s)) * edge[-1] + s * (1.0 - s) ** 2 * speed
