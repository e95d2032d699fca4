"""`solve`: a keypoint track and a body in, a motion out.

Shape from the segment lengths, a cold start in a well-seen frame, then frame by frame away from it in both directions:
each frame is predicted from the pose before it, polished, and anchored to its prediction.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from dataclasses import replace

import numpy as np

from .backends.arrays import Backend, choose_backend
from .backends.threads import on_one_thread
from .body.body import Body
from .body.sites import SiteParts
from .body.skeleton import NUM_BETAS, NUM_JOINTS
from .by_hand.fixed_frames import put_by_hand
from .by_hand.posing import Poser
from .calibration.calibrate import SHAPE_NOISE, Calibration
from .errors import SolveError
from .keypoints.condition import Condition
from .keypoints.track import KeypointTrack
from .motion import Motion
from .preparation import FEWEST_KEYPOINTS, Prepared, check_seen, prepare_steps
from .progress import Progress, run_to_end
from .repair.repair_track import Repaired
from .rotation import log_map
from .solver.fallback import on_device
from .solver.options import SolveOptions
from .solver.pinned_joints import PinnedJoints
from .solver.poses import Poses
from .solver.sequence_optimisation import LEAST_OUTLIER, optimise_sequence, outlier_threshold
from .solver.shape import fit_shape, known_to_differ, offset_sigma, refine_shape
from .solver.take import FADE, UNKNOWN_NOISE, WARM_UP, Take

SHAPE_ROUNDS = 8
SETTLED_BETA = 0.01
"""Change of a beta from which on there are no more rounds."""
SETTLED_SITE = 0.001
"""Metres, the same of a site."""
EVIDENCE = 4.0
"""How many independent frames those that a shape is refined on count for: detectors err alike for a while."""
WORTHWHILE = 0.95
"""Displaced sites are kept if they make the noise this much less; by nothing but noise they make it 2 % less."""
LONG = 300
"""Frames from which a take is solved in chunks."""
MOST_CHUNKS = 64
CLEAN = 0.002
"""Metres of noise up to which the sites are taken for where the keypoints are, as on made-up or exported tracks."""
NOISE_FRAMES = 24
SETTLING = 6
"""Steps in which poses that are near the best ones reach them."""
MOST_WORSE = 2.0
"""Times the noise by which frames polished together may be farther from their keypoints than each on its own: they
follow less of it. Whole steps of Gauss-Newton can end nowhere, and then are none."""
FADING = 0.5
"""Seconds over which frames that were polished together go over into those that were not."""
QUIET = 0.003
"""Metres of noise up to which frames that are whole are better left as they were solved one by one."""


def solve(
    track: KeypointTrack,
    body: Body,
    betas: np.ndarray | None = None,
    start_pose: np.ndarray | None = None,
    device: str = "auto",
    progress: Callable[[Progress], None] | None = None,
    options: SolveOptions | None = None,
    calibration: Calibration | None = None,
    pins: PinnedJoints | None = None,
    trials: Sequence[KeypointTrack] = (),
) -> Motion:
    """Fit `body` to `track`.

    betas (10,) and start_pose (24,3), the axis-angles of frame 0, are taken as true; None means estimate.
    calibration: the betas, and where the keypoints are on the body, from `calibration.calibrate` or from another motion
    of the subject (`Motion.calibration`); None finds them on this take and, those of markers, on `trials` as well,
    other takes of the same subject and marker set, such as a static trial. pins: joints that are to stay as given.
    device: one of `arrays.DEVICES`; one that fails on the way gives way to NumPy, and that is a `Decision` of the
    motion. progress is called with a `Progress` every few frames.
    Raises `SolveError` if too little is seen, `DeviceError` if the device is not there to begin with.
    """
    return run_to_end(solve_steps(track, body, betas, start_pose, device, options, calibration, pins, trials), progress)


@on_one_thread
def solve_steps(
    track: KeypointTrack,
    body: Body,
    betas: np.ndarray | None = None,
    start_pose: np.ndarray | None = None,
    device: str | Backend = "auto",
    options: SolveOptions | None = None,
    calibration: Calibration | None = None,
    pins: PinnedJoints | None = None,
    trials: Sequence[KeypointTrack] = (),
) -> Generator[Progress, None, Motion]:
    """`solve` as a generator: yields `Progress` and returns the `Motion`. Dropping it midway cancels the solve."""
    check_seen(track)
    betas, start_pose = _checked(betas, start_pose)
    options = (options or SolveOptions()).checked()
    backend = choose_backend(device)
    pins = None if pins is None else pins.checked(len(track))
    prepared = yield from prepare_steps(track, body, betas, options, calibration, trials)
    track, parts, options = prepared.track, prepared.parts, prepared.options
    betas, offsets = prepared.betas, None
    check_seen(track)
    if betas is None:
        yield Progress("shape", 0, 1)
        betas, offsets = yield from _estimate_shape(track, body, parts, options)
    return (
        yield from on_device(
            backend, lambda backend: _followed(prepared, body, betas, offsets, start_pose, pins, backend)
        )
    )


def _followed(
    prepared: Prepared,
    body: Body,
    betas: np.ndarray,
    offsets: np.ndarray | None,
    start_pose: np.ndarray | None,
    pins: PinnedJoints | None,
    backend: Backend,
) -> Generator[Progress, None, Motion]:
    """The motion of a take whose betas (10,) and site offsets (K,3) are known, on one backend."""
    track, parts, options = prepared.track, prepared.parts, prepared.options
    take = Take(track, body, parts, betas, backend, options.preparing, offsets)
    yield Progress("start", 0, 1)
    start = take.cold_starts()[0] if start_pose is None else take.given_start(start_pose)
    if options.noise is None:
        stretch = _stretch(track, start.frame, NOISE_FRAMES)
        loose = yield from take.run(start, stretch, stage="start")
        take.expect_noise(take.measured_noise(take.settle(loose, stretch, SETTLING), stretch))
        if start_pose is None:
            start = take.settled(start)
    take = take.solved_by(options)
    if len(track) < LONG or options.solver == "published":
        poses = yield from take.run(start, range(len(track)))
    else:
        poses = yield from take.run_in_chunks(start, _best_chunks(len(track)))
    poses = yield from optimised_if_wanted(take, prepared.repaired, poses, () if start_pose is None else [start.frame])
    poses = _with_ends_held(poses, track, 0 if start_pose is not None else None)
    return finished(take, prepared, body, betas, poses, pins)


def _with_ends_held(poses: Poses, track: KeypointTrack, first: int | None) -> Poses:
    """Nobody in view before and after: the first and last pose that was seen, not what a motion would run on to."""
    seen = np.flatnonzero(track.visible.sum(axis=1) >= FEWEST_KEYPOINTS)
    within = np.clip(np.arange(len(track)), seen[0] if first is None else first, seen[-1])
    return Poses(poses.rotations[within], poses.trans[within])


def optimised_if_wanted(
    take: Take, repaired: Repaired, poses: Poses, given: Collection[int] = ()
) -> Iterator[Progress]:
    """The poses, polished together if the options say so or, where they do not, in the frames that have need of it.

    Those of the frames `given` are true.
    """
    wanted, need = take.options.optimise_sequence, np.ones(len(take))
    if wanted is None:
        if take.noise <= QUIET:
            need = _near(~repaired.complete | take.trusted.any(axis=1), round(FADING * take.fps))
        wanted = take.options.steps > 0 and need.any()
    if wanted:
        together = yield from optimise_sequence(take, poses, given)
        if _misfit(take, together) < _misfit(take, poses) + MOST_WORSE * max(take.noise, UNKNOWN_NOISE):
            return together if need.all() else poses.towards(together, need)
    return poses


def _near(mask: np.ndarray, reach: int) -> np.ndarray:
    """(T,) 1 where mask (T,) is true, falling to 0 smoothly over `reach` frames on either side."""
    at, frames = np.flatnonzero(mask), np.arange(len(mask))
    if not len(at):
        return np.zeros(len(mask))
    after = np.searchsorted(at, frames)
    away = np.minimum(
        np.abs(frames - at[np.minimum(after, len(at) - 1)]), np.abs(frames - at[np.maximum(after - 1, 0)])
    )
    share = np.clip(1.0 - away / (reach + 1), 0.0, 1.0)
    return share * share * (3.0 - 2.0 * share)


def _misfit(take: Take, poses: Poses) -> float:
    """Metres, mean over the keypoints that are seen, of which each counts by no more than an outlier does."""
    residual = np.minimum(take.residual(poses, range(len(take))), LEAST_OUTLIER)
    return float(np.nanmean(residual)) if np.isfinite(residual).any() else 0.0


def _best_chunks(frames: int) -> int:
    """A step of n chunks takes about 1.5 ms and 0.2 ms for each, and each goes some frames beyond its own."""
    return min(round((1.5 / 0.2 * frames / (WARM_UP + FADE)) ** 0.5), MOST_CHUNKS)


def finished(
    take: Take, prepared: Prepared, body: Body, betas: np.ndarray, poses: Poses, pins: PinnedJoints | None = None
) -> Motion:
    """Solved poses as a motion, with what was fixed by hand in it, what is left between it and the track, what became
    of the keypoints, and the calibration, also where betas and offsets were found on the take."""
    track, given, condition = prepared.track, prepared.given, prepared.repaired.condition.copy()
    if prepared.calibration:
        calibration = replace(prepared.calibration, betas=betas, noise=take.noise)
    else:
        calibration = Calibration.of_layout(body, track.layout, betas, take.parts, take.offsets, take.noise)
    placed = given.placed.any(axis=1)
    residual = take.residual(poses, range(len(track)))
    if placed.any() or (pins is not None and len(pins)):
        poser = Poser(track.layout, body, calibration, options=take.options)
        poses = put_by_hand(poser, given, poses, pins)
        residual = take.residual(poses, range(len(track)))
        off = poser.residual(poses.select(placed), given.positions[placed])
        residual[given.placed], condition[given.placed] = off[given.placed[placed]], Condition.SEEN
    if take.options.repair:
        far = (residual > outlier_threshold(take.noise)) & ~given.undoubted
        condition[far & (condition != Condition.FILLED)] = Condition.REJECTED
    residual[~np.isin(condition, (Condition.SEEN, Condition.SWAPPED))] = np.nan
    return Motion(
        poses=log_map(poses.rotations),
        trans=poses.trans,
        betas=betas,
        fps=track.fps,
        residual=residual,
        keypoint_names=track.layout.keypoints,
        condition=condition,
        body=body.key,
        first_frame=track.first_frame,
        decisions=prepared.decisions,
        calibration=calibration,
    )


def _estimate_shape(track, body, parts, options):
    """Betas (10,) and site offsets (K,3): from segment lengths, then from stretches of the take solved with them."""
    betas = fit_shape(track, body, parts)
    take = shape_take(track, body, parts, betas, options)
    starts = take.cold_starts()
    frames, solved = [], []
    for start in starts:
        stretch = _stretch(track, start.frame, options.shape_frames // len(starts))
        solved.append((yield from take.run(start, stretch, stage="shape")))
        frames += stretch
    poses = Poses(np.concatenate([p.rotations for p in solved]), np.concatenate([p.trans for p in solved]))
    return (yield from shape_from_poses(track, body, parts, betas, options, poses, frames))


def shape_from_poses(
    track: KeypointTrack,
    body: Body,
    parts: SiteParts,
    betas: np.ndarray,
    options: SolveOptions,
    poses: Poses,
    frames: Sequence[int],
) -> Iterator[Progress]:
    """Yields `Progress` and returns better betas (10,) and site offsets (K,3), from frames with roughly known poses.

    Sites stay where they are on the body unless the frames are met clearly better otherwise: first those that
    detectors are known to put elsewhere are displaced, and the betas with them; then all, for betas that stay, because
    free sites leave the betas little to be known by.
    """
    take = shape_take(track, body, parts, betas, options)
    poses = take.settle(poses, frames, SETTLING)
    offsets, everywhere, least = np.zeros((parts.count, 3)), offset_sigma(track.layout), np.inf
    for sigma, keep_betas in ((0.0 * everywhere, False), (known_to_differ(everywhere), False), (everywhere, True)):
        so_far = betas, offsets, poses
        for _ in range(SHAPE_ROUNDS):
            fit, before = take.pose_fit(poses, frames), (betas, offsets)
            uncertain = np.clip(fit.noise, *SHAPE_NOISE) / (1.0 if keep_betas else EVIDENCE**0.5)
            betas, offsets = refine_shape(body, parts, betas, offsets, fit, sigma, uncertain, fixed_betas=keep_betas)
            take = shape_take(track, body, parts, betas, options, offsets, max(fit.noise, UNKNOWN_NOISE))
            poses = take.settle(poses, frames, SETTLING)
            yield Progress("shape", len(frames), len(frames))
            if np.abs(betas - before[0]).max() < SETTLED_BETA and np.abs(offsets - before[1]).max() < SETTLED_SITE:
                break
        noise = take.measured_noise(poses, frames)
        if noise > WORTHWHILE * least:
            betas, offsets, poses = so_far
            take = shape_take(track, body, parts, betas, options, offsets, max(least, UNKNOWN_NOISE))
        least = min(least, noise)
        if noise < CLEAN:
            break
    return betas, offsets


def shape_take(track, body, parts, betas, options, offsets=None, noise=UNKNOWN_NOISE) -> Take:
    """A take to find the shape by, on NumPy."""
    return Take(track, body, parts, betas, choose_backend("numpy"), replace(options.preparing, noise=noise), offsets)


def _stretch(track: KeypointTrack, start: int, count: int) -> list[int]:
    """Up to `count` frames about a tenth of a second apart, around `start`."""
    stride = max(1, round(track.fps / 10))
    frames = np.arange(start % stride, len(track), stride)
    middle = int(np.searchsorted(frames, start))
    first = int(np.clip(middle - count // 2, 0, max(len(frames) - count, 0)))
    return [int(f) for f in frames[first : first + count]]


def _checked(betas, start_pose):
    if betas is not None:
        betas = np.asarray(betas, dtype=np.float64)
        if betas.shape != (NUM_BETAS,) or not np.isfinite(betas).all():
            raise SolveError(f"betas have shape {betas.shape}; expected ({NUM_BETAS},) finite numbers")
    if start_pose is not None:
        start_pose = np.asarray(start_pose, dtype=np.float64)
        if start_pose.size != NUM_JOINTS * 3 or not np.isfinite(start_pose).all():
            raise SolveError(f"start_pose has shape {start_pose.shape}; expected ({NUM_JOINTS}, 3) finite numbers")
        start_pose = start_pose.reshape(NUM_JOINTS, 3)
    return betas, start_pose
