"""`refine_motion`: another estimator's SMPL motion and a keypoint track in, a motion that meets the
keypoints out.

Each frame is refined on its own, from the estimator's pose, by the same prediction and polish that
`solve` goes from frame to frame with; so all frames are one batch.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import replace

import numpy as np

from .backends.arrays import Backend, choose_backend
from .backends.threads import on_one_thread
from .body.body import Body, betas_match
from .calibration.calibration import Calibration
from .device_fallback import on_device
from .errors import SolveError
from .finishing import finished_motion
from .hands.by_hand import with_pinned_fingers
from .keypoints.track import Decision, KeypointTrack
from .kinds import check_kinds
from .motion import Motion
from .preparation import Prepared, prepare_steps
from .progress import Progress, run_to_end
from .rotation import exp_map, log_map
from .solver.disbelief import disbelieve
from .solver.estimate_errors import judged_estimate
from .solver.nonsense import refusing_nonsense
from .solver.options import SolveOptions
from .solver.pinned_joints import PinnedJoints
from .solver.poses import Poses
from .solver.problem import Problem
from .solver.sequence_optimisation import optimise_where_needed
from .solver.sequences import each_on_its_own
from .solver.settling import measured_noise, settle
from .solver.shape import fit_shape
from .solver.shape_estimation import shape_from_poses, shape_problem
from .solver.start import rigid_alignment, well_seen_frames
from .solver.tracking import Tracker

REFINE_PASSES = 2
"""Times that every frame is predicted and polished."""
NOISE_SAMPLE_FRAMES = 32
"""Frames of the take that the keypoints' noise is measured on."""
FAR_OFF = 0.2
"""Metres by which an estimate's keypoints may typically be off the take's about their mean."""
MISALIGNED = np.radians(15.0)
"""Angle between the worlds of motion and track from which the motion is turned into the track's."""


def refine_motion(
    track: KeypointTrack,
    body: Body,
    motion: Motion,
    *,
    calibration: Calibration | None = None,
    trials: Sequence[KeypointTrack] = (),
    pins: PinnedJoints | None = None,
    options: SolveOptions | None = None,
    device: str | Backend = "auto",
    progress: Callable[[Progress], None] | None = None,
) -> Motion:
    """The motion, drawn onto the track's keypoints.

    Frame t of the motion belongs to frame t of the track. The motion may be in another world than
    the track (a camera's, say): it is turned as a whole where the keypoints ask for it, and its
    translation is found anew. Its betas are kept if they are for `body`, or for a body that the
    motion does not name while `body` is a user's own; otherwise the shape comes from the track.
    pins: joints that are to stay as they are given. calibration and trials are `solve`'s. Raises
    `SolveError` where the numbers of frames differ.
    """
    steps = refine_motion_steps(
        track,
        body,
        motion,
        calibration=calibration,
        trials=trials,
        pins=pins,
        options=options,
        device=device,
    )
    return run_to_end(steps, progress)


@on_one_thread
@refusing_nonsense
def refine_motion_steps(
    track: KeypointTrack,
    body: Body,
    motion: Motion,
    *,
    calibration: Calibration | None = None,
    trials: Sequence[KeypointTrack] = (),
    pins: PinnedJoints | None = None,
    options: SolveOptions | None = None,
    device: str | Backend = "auto",
) -> Generator[Progress, None, Motion]:
    """`refine_motion` as a generator: yields `Progress` and returns the `Motion`."""
    backend = choose_backend(device)
    check_kinds(track=(track, "KeypointTrack"), body=(body, "Body"), motion=(motion, "Motion"))
    where = track.source or "the track"
    if len(track) != len(motion):
        raise SolveError(
            f"{where}: has {len(track)} frames, but the motion has {len(motion)}; each frame needs "
            "a pose to refine"
        )
    if not track.visible.any():
        raise SolveError(
            f"{where}: not one keypoint is seen, so there is nothing to refine the motion by"
        )
    options = (options or SolveOptions()).checked()
    pins = None if pins is None else pins.checked(len(track))

    # Where the keypoints sit on the body, and the capture's faults repaired.
    betas = motion.betas if betas_match(motion, body) else None
    prepared = yield from prepare_steps(track, body, betas, options, calibration, trials)
    track, parts, options = prepared.track, prepared.parts, prepared.options

    betas, offsets = prepared.betas, None
    if betas is None:
        betas = fit_shape(track, body, parts)
    motion, compared = turned_into(track, body, replace(motion, betas=betas, body=body.key))
    poses = Poses(exp_map(motion.poses), motion.trans)
    if prepared.betas is None:
        frames = well_seen_frames(
            shape_problem(track, body, parts, betas, options), options.shape_frames
        )
        betas, offsets, parts = yield from shape_from_poses(
            track, body, parts, betas, options, poses[frames], frames
        )
        prepared = replace(prepared, parts=parts)

    # All that went before stays, also where the device fails and NumPy does the rest.
    refined = yield from on_device(
        backend,
        lambda backend: _refine_all(prepared, body, betas, offsets, poses, pins, backend),
    )

    # Fingers that no keypoint shows are the estimator's.
    if refined.fingers is None and options.hands == "auto":
        refined = with_pinned_fingers(replace(refined, fingers=motion.fingers), pins)
    return replace(refined, decisions=(*refined.decisions, *compared))


def _refine_all(
    prepared: Prepared,
    body: Body,
    betas: np.ndarray,
    offsets: np.ndarray | None,
    poses: Poses,
    pins: PinnedJoints | None,
    backend: Backend,
) -> Generator[Progress, None, Motion]:
    """The poses refined on a take whose betas (10,) and site offsets (K,3) are known, on one
    backend."""
    options = prepared.options
    problem = Problem.of(
        prepared.track, body, prepared.parts, betas, backend, options.preparing, offsets
    )

    # How noisy the keypoints are sets the weights of predictions and prior.
    if options.noise is None:
        frames = well_seen_frames(problem, NOISE_SAMPLE_FRAMES)
        problem = problem.with_noise(
            measured_noise(problem, settle(problem, poses[frames], frames), frames)
        )

    # What the estimate is worth, and what is off in all of its frames alike.
    problem = problem.with_options(options)
    if options.solver != "published":
        estimate = judged_estimate(problem, poses, options.estimate_sigma)
        problem, poses = problem.near(estimate), Poses(estimate.rotations, poses.trans)

    # Every frame on its own, from the estimator's pose; where captures are noisy or have gaps, then
    # all together.
    tracker = Tracker.of(problem)
    passes = 1 if options.solver == "published" else REFINE_PASSES
    poses = yield from each_on_its_own(tracker, poses, passes)
    if options.repair:
        doubted, poses = disbelieve(tracker.problem, poses)
        tracker = Tracker.of(tracker.problem.disbelieving(doubted)) if doubted.any() else tracker
        prepared = prepared.rejecting(doubted)
    poses = yield from optimise_where_needed(tracker, poses, prepared.missed)
    return finished_motion(tracker.problem, prepared, poses, pins)


def turned_into(track: KeypointTrack, body: Body, motion: Motion) -> tuple[Motion, list[Decision]]:
    """The motion in the track's world: turned so that its keypoints, frame by frame about their
    mean, lie as theirs. And what came of comparing the two: whether it was turned, and whether it
    is another's or another take's."""
    seen = track.visible[..., None]
    count = np.maximum(seen.sum(axis=1, keepdims=True), 1)

    def about_their_mean(positions: np.ndarray) -> np.ndarray:
        """(N,3) of all keypoints that are seen."""
        positions = np.where(seen, positions, 0.0)
        return (positions - positions.sum(axis=1, keepdims=True) / count)[seen[..., 0]]

    sites = about_their_mean(body.keypoints(motion, track.layout).positions)
    theirs = about_their_mean(track.positions)
    turn = rigid_alignment(sites, theirs, np.ones(len(sites)))
    if turn is None:
        return motion, []
    off, compared = float(np.median(np.linalg.norm(sites @ turn.T - theirs, axis=1))), []
    if off > FAR_OFF:
        reason = (
            f"its keypoints are {1000 * off:.0f} mm from the take's, however it is turned: is it "
            "of another person, or of other frames?"
        )
        compared.append(Decision("estimate", "far from the keypoints", "fallback", reason))
    angle = float(np.linalg.norm(log_map(turn)))
    if angle < MISALIGNED:
        return motion, compared
    reason = "its world is another than the keypoints', a camera's for one"
    compared.append(Decision("turned", f"by {np.degrees(angle):.0f} degrees", "detected", reason))
    poses = motion.poses.copy()
    poses[:, 0] = log_map(turn @ exp_map(poses[:, 0]))
    return replace(motion, poses=poses), compared
