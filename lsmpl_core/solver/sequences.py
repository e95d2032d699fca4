"""The ways through a take: one frame after the other, in chunks side by side, or each frame on its
own.

All of them go by a `Tracker`, yield `Progress` and return the `Poses`.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence

import numpy as np

from ..body.skeleton import NUM_JOINTS
from ..progress import Progress
from ..rotation import orthonormalise
from .poses import Poses
from .start import Start, cold_start
from .tracking import Tracker

WARM_UP_FRAMES, CHUNK_FADE_FRAMES = 50, 30
"""Frames a chunk goes before its own, and beyond them while the next one fades in."""
MOST_CHUNKS = 64
MS_A_STEP, MS_A_CHUNK = 0.4, 0.2
"""Milliseconds that a step of all chunks takes, and each chunk besides: between those of NumPy and
of the compiled kernels, which would do with fewer chunks."""
FRAMES_A_REPORT = 8


def one_after_another(
    tracker: Tracker, start: Start, frames: Sequence[int] | np.ndarray, stage: str = "solve"
) -> Generator[Progress, None, Poses]:
    """Solve `frames` (ascending, the start's among them) away from the start, both ways; poses in
    their order."""
    (poses,) = yield from from_starts(tracker, [start], [frames], stage)
    return poses


def from_starts(
    tracker: Tracker,
    starts: Sequence[Start],
    stretches: Sequence[Sequence[int] | np.ndarray],
    stage: str,
) -> Generator[Progress, None, list[Poses]]:
    """`one_after_another` of several starts, each with a stretch of frames, side by side: the ways
    there and back of all of them are one batch."""
    ways: list[tuple[int, np.ndarray]] = []
    for number, (start, stretch) in enumerate(zip(starts, stretches)):
        frames = np.asarray(stretch)
        middle = int(np.searchsorted(frames, start.frame))
        both = frames[middle + 1 :], frames[:middle][::-1]
        ways += [(number, way) for way in both if len(way)]
    solved = [{start.frame: start.poses} for start in starts]
    total = sum(len(stretch) for stretch in stretches)

    # Whoever has come to its end waits there.
    steps = max((len(way) for _, way in ways), default=0)
    path = np.empty((steps, len(ways)), dtype=np.int64)
    for row, (_, way) in enumerate(ways):
        path[:, row] = np.pad(way, (0, steps - len(way)), mode="edge")
    begun = [starts[number] for number, _ in ways]
    states = tracker.state(Poses.joined([start.poses for start in begun or starts]))
    done, told = len(starts), 0
    for step, (frames, poses, residual) in enumerate(
        tracker.follow(states, [start.frame for start in begun], path) if ways else ()
    ):
        for row, (number, way) in enumerate(ways):
            if step < len(way):
                solved[number][int(frames[row])] = poses[[row]]
                done += 1
        if done - told >= FRAMES_A_REPORT:
            told = done
            yield Progress(stage, done, total, float(residual[0]))
    yield Progress(stage, total, total)

    joined = [Poses.joined([of[f] for f in stretch]) for of, stretch in zip(solved, stretches)]
    return [Poses(orthonormalise(poses.rotations), poses.trans) for poses in joined]


def in_chunks(tracker: Tracker, start: Start, count: int) -> Generator[Progress, None, Poses]:
    """Solve a whole take in about `count` chunks that are solved side by side, as one batch.

    Each chunk goes away from the start, as `one_after_another` does. It begins cold,
    `WARM_UP_FRAMES` before its own frames (those at the start wait there), which makes it forget
    most of how it began. It goes on for `CHUNK_FADE_FRAMES` beyond them, in which the next chunk is
    faded in.
    """
    T = len(tracker.problem)
    path, share = plan_chunks(T, start.frame, count)

    begun = cold_start(tracker.problem, path[0], thorough=False)[0]
    waits = path[0] == start.frame
    begun.rotations[waits], begun.trans[waits] = start.poses.rotations, start.poses.trans

    rotations, trans = np.zeros((T, NUM_JOINTS, 3, 3)), np.zeros((T, 3))
    chunks = tracker.follow(tracker.state(begun), path[0], path)
    for step, (frames, poses, residual) in enumerate(chunks):
        counts = share[step] > 0.0
        where, weight = frames[counts], share[step, counts]
        rotations[where] += weight[:, None, None, None] * poses.rotations[counts]
        trans[where] += weight[:, None] * poses.trans[counts]
        yield Progress("solve", T * (step + 1) // len(path), T, float(residual[0]))
    return Poses(orthonormalise(rotations), trans)


def best_chunk_count(frames: int) -> int:
    """The fastest: each chunk more makes fewer steps, which take longer, and goes some frames
    beyond its own."""
    return min(
        round((MS_A_STEP / MS_A_CHUNK * frames / (WARM_UP_FRAMES + CHUNK_FADE_FRAMES)) ** 0.5),
        MOST_CHUNKS,
    )


def plan_chunks(frames: int, start: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The frame (S,C) that each of C chunks is at in each of S steps, and how much it counts there
    (S,C), 0 to 1.

    Chunks go away from `start`, about `count` in all; the shares of every frame sum to 1.
    """
    # First frames and directions, ahead of the start and back from it.
    length = max(-(-frames // count), CHUNK_FADE_FRAMES)
    ahead, back = np.arange(start, frames, length), np.arange(start, -1, -length)
    first, direction = np.concatenate([ahead, back]), np.repeat([1, -1], [len(ahead), len(back)])

    # What counts at each step: faded in and out, but for the two that begin at the start, which is
    # given.
    steps = np.arange(-WARM_UP_FRAMES, length + CHUNK_FADE_FRAMES)[:, None]
    path = first + direction * steps
    fading_in = np.where(
        first == start, 1.0, np.clip((steps + 1) / (CHUNK_FADE_FRAMES + 1), 0.0, 1.0)
    )
    fading_out = np.clip((length + CHUNK_FADE_FRAMES - steps) / (CHUNK_FADE_FRAMES + 1), 0.0, 1.0)
    share = np.minimum(fading_in, fading_out)
    twice = (path == start) & (direction < 0)
    share[(steps < 0) | (path < 0) | (path >= frames) | twice] = 0.0

    # At the take's ends, and before the start, chunks wait.
    low, high = np.where(direction > 0, start, 0), np.where(direction > 0, frames - 1, start)
    return np.clip(path, low, high), share


def each_on_its_own(
    tracker: Tracker, poses: Poses, passes: int = 1
) -> Generator[Progress, None, Poses]:
    """Predict and polish all frames of a take from the poses they have, in large batches, so many
    times."""
    T, batch = len(tracker.problem), tracker.problem.batch
    for _ in range(passes):
        done = []
        for start in range(0, T, batch):
            frames = range(start, min(start + batch, T))
            before = tracker.state(poses[frames.start : frames.stop])
            done.append(tracker.poses(tracker.step(before, frames)))
            yield Progress("refine", frames.stop, T)
        poses = Poses.joined(done)
    return poses
