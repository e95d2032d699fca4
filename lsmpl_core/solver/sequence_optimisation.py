"""Full-sequence optimisation: all frames of a take at once, so that keypoints speak for the frames
around them, too.

Over all frames, the cost is the polish's (`polish.py`) and, besides, how much joints accelerate
(`accelerations.py`): a smoothing spline whose data are keypoints. Noise is averaged over frames as
far as motion allows, and gaps are bridged from both sides. Outliers (Geman and McClure's weights)
and sudden moves (Student's t) count less; both are reweighted in every round of Gauss-Newton. It
takes whole takes, with NumPy.
"""

from __future__ import annotations

from collections.abc import Collection, Generator
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue

import numpy as np

from ..backends.threads import side_by_side, worker_threads
from ..body.kinematics import UNKNOWNS
from ..body.skeleton import ANCESTORS, NUM_JOINTS, PARENTS
from ..progress import Progress, run_to_end
from ..rotation import log_map, orthonormalise
from .accelerations import (
    FEWEST_TO_TRUST,
    STUDENT_FREEDOM,
    UNKNOWN_BLOCKS,
    add_accelerations,
    expected_changes,
    shown_accelerations,
)
from .banded import solve_banded
from .frame_terms import LEAST_OUTLIER, put_frame_terms
from .noise import EXACT_NOISE
from .polish import Anchor
from .poses import Poses
from .problem import UNKNOWN_NOISE, Problem
from .settling import LEAST_HOLD, residuals
from .tracking import Tracker

PREDICTION_SHARE = 0.2
"""Share of a prediction's weight (`noise.prior_weight`), for it has seen the same noise as the
keypoints."""
SEQUENCE_ROUNDS = 3
SECTION_FRAMES, SECTION_LAP = 600, 1.5
"""Frames that are solved at once; seconds by which sections reach into one another."""
HELD_WEIGHT = 1e9
"""What holds a joint as it is."""
FREE_AROUND = 2
"""Frames about those that have need of it in which joints are free as well, where keypoints are
quiet: all others are right as they were solved, and one keypoint must not turn them."""
NEED_FADE = 0.5
"""Seconds over which frames that were optimised together go over into those that were not."""
QUIET_NOISE, AT_RATE = 0.003, 30.0
"""Metres of noise up to which frames that are complete are better left as they were solved one by
one, at so many a second and fewer; less where they are closer together. The same noise shakes a
body ten times as much at 100 frames a second, and neighbours say more of each other: with 3 mm of
it takes at 50 to 240 came out 4 to 30 % nearer together, with accelerations of 4 for 15 to 460
m/s²."""
FASTEST_GUESS = np.radians(900.0)
"""Radians a second. A joint that moves no keypoint is what the network makes of its own last guess,
and may swing to and fro between two of them; one that ever turns faster is smoothed throughout."""
MOST_WORSE = 2.0
"""Times the noise by which frames polished together may be farther from their keypoints than each
on its own: they follow less of it. Whole steps of Gauss-Newton can end nowhere, and then are
none."""
_ABOUT_A_BONE = np.eye(NUM_JOINTS, dtype=bool)
_ABOUT_A_BONE[PARENTS[1:], range(1, NUM_JOINTS)] = True
_ABOUT_A_BONE |= _ABOUT_A_BONE.T
"""(24,24): the joints at either end of each joint's bone, and the one above."""


def optimise_sequence(
    tracker: Tracker, poses: Poses, held: np.ndarray | None = None
) -> Generator[Progress, None, Poses]:
    """Polish solved frames, all of the take's in order, together.

    held (T,25) bool: the joints, and last the translation, that stay as they are in a frame.
    Long takes are polished in sections that overlap and fade into one another, for memory's sake.
    Yields `Progress` and returns `Poses`.
    """
    problem = tracker.problem
    held = np.zeros((len(problem), UNKNOWN_BLOCKS), dtype=bool) if held is None else held
    anchor = yield from _predictions(tracker, poses)
    sections = plan_sections(len(problem), problem.fps)
    threads = min(worker_threads(), len(sections)) if problem.backend.kernels else 1

    # Room for one section on each of the threads.
    room: SimpleQueue[_Room] = SimpleQueue()
    for _ in range(threads):
        room.put(_Room.of(max(len(frames) for frames, _ in sections)))
    works = [_section_steps(tracker, poses[f], f, anchor[f], held[f], room) for f, _ in sections]
    solved = side_by_side([partial(run_to_end, w) for w in works], threads)

    rotations, trans = np.zeros_like(poses.rotations), np.zeros_like(poses.trans)
    for (frames, share), work in zip(sections, works):
        told = Progress("sequence", int(frames[-1]) + 1, len(problem))
        if threads > 1:
            some = next(solved)
            yield told
        else:
            some = yield from _telling(work, told)
        rotations[frames] += share[:, None, None, None] * some.rotations
        trans[frames] += share[:, None] * some.trans
    return Poses(orthonormalise(rotations), trans)


def _telling(
    steps: Generator[None, None, Poses], told: Progress
) -> Generator[Progress, None, Poses]:
    """The same, with something told at each step."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value
        yield told


@dataclass(frozen=True)
class _Room:
    """What a section's system and its factor are written into, (T,75,75) and (2,T,75,75) of at
    least as many frames: new memory for each would take a tenth of the time."""

    hessian: np.ndarray
    factor: np.ndarray

    @classmethod
    def of(cls, frames: int) -> _Room:
        square = frames, UNKNOWNS, UNKNOWNS
        return cls(np.empty(square), np.empty((2, *square)))

    def __getitem__(self, frames: int) -> _Room:
        """For as many frames."""
        size = frames * UNKNOWNS * UNKNOWNS
        factor = self.factor.reshape(-1)[: 2 * size].reshape(2, frames, UNKNOWNS, UNKNOWNS)
        return _Room(self.hessian[:frames], factor)


def _section_steps(
    tracker: Tracker,
    poses: Poses,
    frames: np.ndarray,
    anchor: Anchor,
    held: np.ndarray,
    free: SimpleQueue[_Room],
) -> Generator[None, None, Poses]:
    """N frames polished together, in the room of whoever has some; yields after each round.

    In the first round Student's freedom is infinite (Gauss's): the frame by frame solution jumps at
    the ends of gaps, which must not be taken for a sudden move; in gaps it stays so.
    """
    if len(frames) < 3:
        return poses
    shown, room = shown_accelerations(tracker.problem, frames), free.get()
    try:
        for number in range(SEQUENCE_ROUNDS):
            freedom = np.where(shown, STUDENT_FREEDOM if number else np.inf, np.inf)
            poses = _round(tracker, poses, frames, anchor, held, freedom, room[len(frames)])
            yield
    finally:
        free.put(room)
    return poses


def optimise_where_needed(
    tracker: Tracker, poses: Poses, missed: np.ndarray, given: Collection[int] = ()
) -> Generator[Progress, None, Poses]:
    """The poses, optimised together if the options say so or, where they do not, as far as they
    have need of it.

    missed (T,24): bones of which frames show less than they might, by their joints. The poses of
    the frames `given` are true.
    """
    problem = tracker.problem
    wanted, need = problem.options.optimise_sequence, np.ones(len(problem))
    held = np.zeros((len(problem), UNKNOWN_BLOCKS), dtype=bool)
    if wanted is None:
        if problem.noise <= QUIET_NOISE * min(1.0, AT_RATE / problem.fps):
            free = _less_known(missed)
            free[problem.trusted.any(axis=1)] = True
            free[:, :NUM_JOINTS] |= _unsteady_guesses(problem, poses)
            need = _near(free.any(axis=1), round(NEED_FADE * problem.fps))
            held = np.stack([_near(block, FREE_AROUND) == 0.0 for block in free.T], axis=1)
        wanted = problem.options.steps > 0 and bool(need.any())
    if not wanted:
        return poses

    held[list(given)] = True
    together = yield from optimise_sequence(tracker, poses, held)
    allowed = MOST_WORSE * max(problem.noise, UNKNOWN_NOISE)
    if _misfit(problem, together) >= _misfit(problem, poses) + allowed:
        return poses
    return together if need.all() else poses.towards(together, need)


def _less_known(missed: np.ndarray) -> np.ndarray:
    """(T,25) bool: joints, and last the translation, that frames tell less of because they miss
    something of bones (T,24).

    Those at either end of such a bone, and the one above: what hangs on a bone tells how the one
    above is twisted. What other bones' keypoints tell stays.
    """
    joints = missed @ _ABOUT_A_BONE
    return np.concatenate([joints, joints[:, :1]], axis=1)


def _unsteady_guesses(problem: Problem, poses: Poses) -> np.ndarray:
    """(24,) bool: the joints that move no keypoint of the take, and turn faster than
    `FASTEST_GUESS`."""
    seen = (problem.weights > 0).any(axis=0)
    guessed = np.flatnonzero(~ANCESTORS[problem.parts.parent_joint[seen]].any(axis=0))
    unsteady = np.zeros(NUM_JOINTS, dtype=bool)
    for joint in guessed:
        rotations = poses.rotations[:, joint]
        turns = log_map(np.swapaxes(rotations[:-1], -1, -2) @ rotations[1:])
        fastest = np.linalg.norm(turns, axis=-1).max(initial=0.0) * problem.fps
        unsteady[joint] = fastest > FASTEST_GUESS
    return unsteady


def _near(mask: np.ndarray, reach: int) -> np.ndarray:
    """(T,) 1 where mask (T,) is true, falling to 0 smoothly over `reach` frames on either side."""
    at, frames = np.flatnonzero(mask), np.arange(len(mask))
    if not len(at):
        return np.zeros(len(mask))
    after = np.searchsorted(at, frames)
    away = np.minimum(
        np.abs(frames - at[np.minimum(after, len(at) - 1)]),
        np.abs(frames - at[np.maximum(after - 1, 0)]),
    )
    share = np.clip(1.0 - away / (reach + 1), 0.0, 1.0)
    return share * share * (3.0 - 2.0 * share)


def _misfit(problem: Problem, poses: Poses) -> float:
    """Metres, mean over the keypoints that are seen, of which each counts by no more than an
    outlier does."""
    off = np.minimum(residuals(problem, poses), LEAST_OUTLIER)
    return float(np.nanmean(off)) if np.isfinite(off).any() else 0.0


def plan_sections(count: int, fps: float) -> list[tuple[np.ndarray, np.ndarray]]:
    """(frames, share) of each section of a take: shares go from 0 to 1 and sum to 1 in every
    frame."""
    fade = max(2, round(SECTION_LAP * fps))
    starts = np.arange(0, max(count - fade, 1), SECTION_FRAMES)
    sections = []
    for first in starts:
        begin = max(first - fade, 0)
        end = min(first + SECTION_FRAMES + fade, count) if first != starts[-1] else count
        frames = np.arange(begin, end)
        coming = np.clip((frames - first) / fade + 0.5, 0.0, 1.0) if first else np.ones(len(frames))
        going = (
            np.clip((first + SECTION_FRAMES - frames) / fade + 0.5, 0.0, 1.0)
            if end < count
            else np.ones(len(frames))
        )
        sections.append((frames, np.minimum(coming, going)))
    return sections


def _predictions(tracker: Tracker, poses: Poses) -> Generator[Progress, None, Anchor]:
    """What all frames are predicted to be, and how much that counts, in NumPy's arrays.

    Once, from poses that were solved one by one: predicted anew from frames that were polished
    together, a joint would be drawn to where it is already, and follow the noise a little further
    in every round.
    """
    problem, T = tracker.problem, len(tracker.problem)
    rotations, weights = np.empty_like(poses.rotations), np.empty((T, NUM_JOINTS))
    for first in range(0, T, problem.batch):
        some = np.arange(first, min(first + problem.batch, T))
        rotations[some], weights[some] = tracker.predictions(poses[some], some)
        yield Progress("sequence", 0, T)

    # One that saw hardly any keypoint says nothing that the frames around do not say better.
    blind = (problem.weights > 0).sum(axis=1, keepdims=True) < FEWEST_TO_TRUST
    return Anchor(rotations, np.where(blind, LEAST_HOLD, PREDICTION_SHARE * weights))


def _round(
    tracker: Tracker,
    poses: Poses,
    frames: np.ndarray,
    anchor: Anchor,
    held: np.ndarray,
    freedom: np.ndarray,
    room: _Room,
) -> Poses:
    """One step of Gauss-Newton over N frames; anchor, of the frames; held (N,25), which stays, and
    freedom (N-2,25) of Student's t."""
    problem = tracker.problem
    hessian, gradient = room.hessian, np.empty((len(frames), UNKNOWNS))
    for first in range(0, len(frames), problem.batch):
        some = slice(first, first + problem.batch)
        put = hessian[some], gradient[some]
        put_frame_terms(tracker, poses[some], frames[some], anchor[some], *put)
    hessian.reshape(len(frames), -1)[:, :: UNKNOWNS + 1] += HELD_WEIGHT * np.repeat(held, 3, axis=1)

    noise, expected = max(problem.noise, EXACT_NOISE), expected_changes(problem.fps)
    beside = add_accelerations(poses, expected, freedom, noise, hessian, gradient)
    step = -solve_banded(hessian, *beside, gradient, overwrite=True, room=room.factor)
    return poses.moved(step.reshape(len(frames), UNKNOWN_BLOCKS, 3))
