"""`solve`: a keypoint track and a body in, a motion out.

Shape from the segment lengths, a cold start in a well-seen frame, then frame by frame away from it
in both directions: each frame is predicted from the pose before it, polished, and anchored to its
prediction (`solver/tracking.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import replace

import numpy as np

from .backends.arrays import Backend, choose_backend
from .backends.threads import on_one_thread
from .body.body import Body
from .body.skeleton import NUM_BETAS, NUM_JOINTS
from .bounds import FEWEST_KEYPOINTS, LARGEST_BETA, MOST_TURN
from .calibration.calibration import Calibration
from .device_fallback import on_device
from .errors import SolveError
from .finishing import finished_motion
from .keypoints.track import Decision, KeypointTrack
from .kinds import check_kinds
from .motion import Motion
from .preparation import Prepared, check_seen, prepare_steps
from .progress import Progress, run_to_end
from .solver.bone_turns import with_bone_turns
from .solver.disbelief import disbelieve
from .solver.hinges import kind_of_sharing
from .solver.limb_planes import Kind
from .solver.nonsense import refusing_nonsense
from .solver.options import SolveOptions
from .solver.pinned_joints import PinnedJoints
from .solver.poses import Poses
from .solver.problem import Problem
from .solver.sequence_optimisation import optimise_where_needed
from .solver.sequences import best_chunk_count, in_chunks, one_after_another
from .solver.settling import measured_noise, settle
from .solver.shape_estimation import estimate_shape, frames_around
from .solver.start import COLD_LAST_STEPS, Start, cold_start, cold_starts, given_start
from .solver.tracking import Tracker

CHUNKED_FROM_FRAMES = 300
"""Frames from which a take is solved in chunks."""
NOISE_STRETCH_FRAMES = 24
"""Frames about the start that the keypoints' noise is measured on."""


def solve(
    track: KeypointTrack,
    body: Body,
    *,
    betas: np.ndarray | None = None,
    start_pose: np.ndarray | None = None,
    calibration: Calibration | None = None,
    trials: Sequence[KeypointTrack] = (),
    pins: PinnedJoints | None = None,
    options: SolveOptions | None = None,
    device: str | Backend = "auto",
    progress: Callable[[Progress], None] | None = None,
) -> Motion:
    """Fit `body` to `track`.

    betas (10,) and start_pose (24,3), the axis-angles of frame 0, are taken as true; None means
    estimate. calibration: the betas, and where the keypoints are on the body, from `calibrate` or
    from another motion of the subject (`Motion.calibration`); None finds them on this take and,
    those of markers, on `trials` as well, other takes of the same subject and marker set, such as a
    static trial. pins: joints that are to stay as given. device: one of `arrays.DEVICES`; one that
    fails on the way gives way to NumPy, and that is a `Decision` of the motion. progress is called
    with a `Progress` every few frames.
    Raises `SolveError` if too little is seen, `DeviceError` if the device is not there to begin
    with.
    """
    steps = solve_steps(
        track,
        body,
        betas=betas,
        start_pose=start_pose,
        calibration=calibration,
        trials=trials,
        pins=pins,
        options=options,
        device=device,
    )
    return run_to_end(steps, progress)


@on_one_thread
@refusing_nonsense
def solve_steps(
    track: KeypointTrack,
    body: Body,
    *,
    betas: np.ndarray | None = None,
    start_pose: np.ndarray | None = None,
    calibration: Calibration | None = None,
    trials: Sequence[KeypointTrack] = (),
    pins: PinnedJoints | None = None,
    options: SolveOptions | None = None,
    device: str | Backend = "auto",
) -> Generator[Progress, None, Motion]:
    """`solve` as a generator: yields `Progress` and returns the `Motion`. Dropping it midway
    cancels the solve."""
    check_kinds(track=(track, "KeypointTrack"), body=(body, "Body"))
    check_seen(track)
    betas, start_pose = _checked(betas, start_pose)
    options, backend = (options or SolveOptions()).checked(), choose_backend(device)
    pins = None if pins is None else pins.checked(len(track))

    # Where the keypoints sit on the body, and the capture's faults repaired.
    prepared = yield from prepare_steps(track, body, betas, options, calibration, trials)
    check_seen(prepared.track)

    betas, offsets = prepared.betas, None
    if betas is None:
        yield Progress("shape", 0, 1)
        betas, offsets, parts = yield from estimate_shape(
            prepared.track, body, prepared.parts, prepared.options
        )
        prepared = replace(prepared, parts=parts)

    # All that went before stays, also where the device fails and NumPy does the rest.
    return (
        yield from on_device(
            backend,
            lambda backend: _solve_frames(
                prepared, body, betas, offsets, start_pose, pins, backend
            ),
        )
    )


def _solve_frames(
    prepared: Prepared,
    body: Body,
    betas: np.ndarray,
    offsets: np.ndarray | None,
    start_pose: np.ndarray | None,
    pins: PinnedJoints | None,
    backend: Backend,
) -> Generator[Progress, None, Motion]:
    """The motion of a take whose betas (10,) and site offsets (K,3) are known, on one backend."""
    track, options = prepared.track, prepared.options
    problem = Problem.of(track, body, prepared.parts, betas, backend, options.preparing, offsets)

    # A frame to go on from, and how noisy the keypoints around it are, which sets the weights of
    # all that follows.
    yield Progress("start", 0, 1)
    if start_pose is None:
        start = cold_starts(problem)[0]
    else:
        start = given_start(problem, start_pose)
        problem = problem.with_known(start.poses.rotations)
    if options.noise is None:
        stretch = frames_around(track, start.frame, NOISE_STRETCH_FRAMES)
        loose = yield from one_after_another(Tracker.of(problem), start, stretch, stage="start")
        doubted = ~track.firm.visible
        if options.repair:
            wrong, loose = disbelieve(problem, loose, np.array(stretch))
            doubted[stretch] |= wrong
        # What is hardly believed pulls no pose that tells the noise of the rest, either.
        believed = problem.disbelieving(doubted)
        loose = settle(believed, loose, stretch)
        problem = problem.with_noise(measured_noise(believed, loose, stretch))
        if start_pose is None:
            problem = problem.sharing_as(
                kind_of_sharing(believed.with_noise(problem.noise), loose, stretch)
            )
            begun = start.poses
            if problem.sharing.kind is not Kind.PERSON:
                begun = cold_start(problem, np.array([start.frame]))[0]
            start = Start(start.frame, settle(problem, begun, [start.frame], COLD_LAST_STEPS))

    # Noise, and whether limbs are hinges, are told by keypoints alone; what these do not show is as
    # in the poses that markers were placed with.
    if start_pose is None and prepared.calibration is not None:
        problem = problem.with_typical(prepared.calibration.pose)

    # Every frame, predicted and polished from the one before; where captures are noisy or have
    # gaps, then all together.
    tracker = Tracker.of(problem.with_options(options))
    if len(track) < CHUNKED_FROM_FRAMES or options.solver == "published":
        poses = yield from one_after_another(tracker, start, range(len(track)))
    else:
        poses = yield from in_chunks(tracker, start, best_chunk_count(len(track)))
    given = () if start_pose is None else [start.frame]
    if options.repair:
        doubted, poses = disbelieve(tracker.problem, poses)
        tracker = Tracker.of(tracker.problem.disbelieving(doubted)) if doubted.any() else tracker
        prepared = prepared.rejecting(doubted)
    poses = yield from optimise_where_needed(tracker, poses, prepared.missed, given)

    # What no keypoint shows, a file may say: how its skeleton's bones are turned.
    told: list[Decision] = []
    if track.turns is not None and start_pose is None and options.hinted:
        poses, decision = yield from with_bone_turns(tracker, poses, track, prepared.missed)
        told = [decision]

    poses = _with_ends_held(poses, track, 0 if start_pose is not None else None)
    motion = finished_motion(tracker.problem, prepared, poses, pins)
    return replace(motion, decisions=(*motion.decisions, *told))


def _with_ends_held(poses: Poses, track: KeypointTrack, first: int | None) -> Poses:
    """Nobody in view before and after: the first and last pose that was seen, not what a motion
    would run on to."""
    seen = np.flatnonzero(track.visible.sum(axis=1) >= FEWEST_KEYPOINTS)
    return poses[np.clip(np.arange(len(track)), seen[0] if first is None else first, seen[-1])]


def _checked(
    betas: np.ndarray | None, start_pose: np.ndarray | None
) -> tuple[np.ndarray | None, np.ndarray | None]:
    if betas is not None:
        betas = np.asarray(betas, dtype=np.float64)
        if betas.shape != (NUM_BETAS,) or not (np.abs(betas) <= LARGEST_BETA).all():
            raise SolveError(
                f"betas have shape {betas.shape} and reach {np.abs(betas).max(initial=0.0):.3g}; "
                f"expected ({NUM_BETAS},) numbers of at most {LARGEST_BETA:g}"
            )
    if start_pose is not None:
        start_pose = np.asarray(start_pose, dtype=np.float64)
        if start_pose.size != NUM_JOINTS * 3 or not (np.abs(start_pose) <= MOST_TURN).all():
            raise SolveError(
                f"start_pose has shape {start_pose.shape}; expected ({NUM_JOINTS}, 3) finite "
                f"numbers of at most {MOST_TURN:g}"
            )
        start_pose = start_pose.reshape(NUM_JOINTS, 3)
    return betas, start_pose
