"""Keypoints of solved frames that are not to be believed: the fewest that explain the rest.

Least squares spread what one keypoint is off over all of them, so the one that is farthest from its
site need not be the wrong one, and what counts little for being far off may be the good ones. Here,
in each frame that is met badly, one keypoint after the other is left out for a try, the poses
solved anew, and the one stays out without which most of the rest is met (truncated least squares,
one at a time; Baarda's data snooping, 1968, looks at the same).
"""

from __future__ import annotations

import numpy as np

from ..points import lengths
from .polish import Anchor, Targets, polish
from .poses import Poses
from .problem import Problem
from .settling import LEAST_HOLD

SIGMAS, LEAST = 6.0, 0.04
"""Times the noise, and metres at least, by which a keypoint is off more than it usually is where
something is wrong."""
CANDIDATES, STEPS = 5, 8
"""Keypoints of a frame that are tried, and steps of the polish for each."""
MOST_LEFT_OUT, MOST_ROUNDS = 0.2, 4
"""Share of a frame's keypoints that may be disbelieved, and number."""
MOST_FRAMES = 0.5
"""Share of the frames that are met badly from which on that is how the take is."""
GAIN = 0.05
"""Of keypoints met, by which it must be better to leave one out: a change of less is none."""


def disbelieve(
    problem: Problem, poses: Poses, frames: np.ndarray | None = None
) -> tuple[np.ndarray, Poses]:
    """(N,K) bool: which keypoints of N solved frames (all where None) are not believed; and the
    poses without them.

    Keypoints that are not to be doubted are not.
    """
    frames = np.arange(len(problem)) if frames is None else np.asarray(frames)
    weights = problem.weights[frames]
    out = np.zeros(weights.shape, dtype=bool)
    off = _off(problem, poses, frames, weights)
    usual, ever = np.zeros(weights.shape[1]), (weights > 0).any(axis=0)
    if len(frames) > 2:
        usual[ever] = np.nanmedian(np.where(weights > 0, off, np.nan)[:, ever], axis=0)
    limit = usual + max(SIGMAS * problem.noise, LEAST)
    bad = np.flatnonzero(((off > limit) & (weights > 0)).any(axis=1))
    if not len(bad) or len(bad) > MOST_FRAMES * len(frames):
        return out, poses

    rotations, trans = poses.rotations.copy(), poses.trans.copy()
    good = np.setdiff1d(np.arange(len(frames)), bad)
    near = good[np.abs(good[None] - bad[:, None]).argmin(axis=1)] if len(good) else bad
    # How a frame looks that is met well, beside how this one was solved.
    begin = Poses(rotations[near], trans[near])
    left_out = np.zeros((len(bad), weights.shape[1]), dtype=bool)
    now, score = poses[bad], _score(off[bad], weights[bad] > 0, limit)
    most = np.minimum(MOST_ROUNDS, MOST_LEFT_OUT * (weights[bad] > 0).sum(axis=1))
    going = np.ones(len(bad), dtype=bool)
    for number in range(MOST_ROUNDS):
        away = np.where(
            (weights[bad] > 0) & ~left_out & ~problem.undoubted[frames[bad]], off[bad] / limit, 0.0
        )
        going &= (away > 1.0).any(axis=1) & (number < most)
        todo = np.flatnonzero(going)
        if not len(todo):
            break
        tried = _tried(
            problem, frames[bad[todo]], now[todo], begin[todo], left_out[todo], away[todo], limit
        )
        better = tried.score < score[todo] - GAIN
        which = todo[better]
        left_out[which, tried.keypoint[better]] = True
        now.rotations[which] = tried.poses.rotations[better]
        now.trans[which] = tried.poses.trans[better]
        score[which], off[bad[which]] = tried.score[better], tried.off[better]
        going[todo[~better]] = False
    # What is near its site although nobody listened to it may well be right.
    left_out &= off[bad] > limit
    changed = left_out.any(axis=1)
    out[bad] = left_out
    rotations[bad[changed]], trans[bad[changed]] = now.rotations[changed], now.trans[changed]
    return out, Poses(rotations, trans)


class _Tried:
    """Of F frames: the keypoint (F,) that is best left out, and score (F,), off (F,K) and poses
    without it."""

    def __init__(self, keypoint: np.ndarray, score: np.ndarray, off: np.ndarray, poses: Poses):
        self.keypoint, self.score, self.off, self.poses = keypoint, score, off, poses


def _tried(
    problem: Problem,
    frames: np.ndarray,
    now: Poses,
    begin: Poses,
    left_out: np.ndarray,
    away: np.ndarray,
    limit: np.ndarray,
) -> _Tried:
    """Each frame solved without each of its likeliest culprits, from the pose it has and from that
    of a good frame."""
    count = min(CANDIDATES, away.shape[1])
    candidates = np.argsort(-away, axis=1)[:, :count]
    F = len(frames)
    owner = np.repeat(np.arange(F), 2 * count)
    keypoint = np.repeat(candidates, 2, axis=1).ravel()
    from_good = np.tile([False, True], F * count)
    weights = np.where(left_out[owner], 0.0, problem.weights[frames[owner]])
    weights[np.arange(len(owner)), keypoint] = 0.0
    start = Poses(
        np.where(from_good[:, None, None, None], begin.rotations[owner], now.rotations[owner]),
        np.where(from_good[:, None], begin.trans[owner], now.trans[owner]),
    )
    poses = _settled(problem, start, frames[owner], weights)
    seen = problem.weights[frames[owner]] > 0
    off = _off(problem, poses, frames[owner], seen)
    score = _score(off, seen, limit).reshape(F, -1)
    best = score.argmin(axis=1)
    chosen = np.arange(F) * 2 * count + best
    return _Tried(keypoint[chosen], score[np.arange(F), best], off[chosen], poses[chosen])


def _score(off: np.ndarray, seen: np.ndarray, limit: np.ndarray) -> np.ndarray:
    """(N,) how many keypoints are missed, those that are nearly met in part."""
    return (seen * np.minimum(np.square(off / limit), 1.0)).sum(axis=1)


def _off(problem: Problem, poses: Poses, frames: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """(N,K) metres between keypoints and sites; 0 where a keypoint is not seen."""
    out = np.zeros(seen.shape)
    for start in range(0, len(frames), problem.batch):
        part = slice(start, start + problem.batch)
        sites = problem.backend.numpy(problem.state(poses[part]).keypoints)
        out[part] = lengths(sites - problem.positions[frames[part]])
    return np.where(seen > 0, out, 0.0)


def _settled(problem: Problem, poses: Poses, frames: np.ndarray, weights: np.ndarray) -> Poses:
    """`settling.settle` with weights (N,K) of their own."""
    backend, parts = problem.backend, []
    hold = backend.array(np.full(poses.rotations.shape[1], LEAST_HOLD))
    for start in range(0, len(frames), problem.batch):
        part = slice(start, start + problem.batch)
        state = problem.state(poses[part])
        targets = Targets(
            backend.array(problem.positions[frames[part]]), backend.array(weights[part])
        )
        anchor = Anchor(state.rotations, hold)
        done = polish(
            problem.model, state, targets, anchor, problem.prior, steps=STEPS, damping=1e-4
        ).state
        parts.append(Poses(backend.numpy(done.rotations), backend.numpy(done.trans)))
    return Poses.joined(parts)
