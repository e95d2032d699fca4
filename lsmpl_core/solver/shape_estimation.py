"""Betas and site offsets of a subject, found on stretches of a take that are solved with what is
known so far."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..backends.arrays import choose_backend
from ..body.body import Body
from ..body.sites import SiteParts
from ..body.skeleton import PARENTS
from ..keypoints.track import KeypointTrack
from ..progress import Progress
from .disbelief import disbelieve
from .hinges import constant_lengths, kind_of_sharing
from .options import SolveOptions
from .poses import Poses
from .problem import UNKNOWN_NOISE, Problem
from .sequences import from_starts
from .settling import CLEAN, measured_noise, nearly_settled, pose_fit, settle
from .shape import (
    OFFSET_SIGMA_ELSEWHERE,
    PoseFit,
    fit_shape,
    known_to_differ,
    offset_sigma,
    refine_shape,
)
from .shape_equations import Freedom
from .start import cold_starts
from .tracking import Tracker

SHAPE_NOISE = 0.0005, 0.01
"""Metres: less noise is not believed while the shape is unknown, and what is more is the sites',
not noise."""
LOST_TO_STARTS = 1.5
"""Times what cold starts leave from which on a frame is lost: while the shape is unknown, keypoints
are not met."""
SHAPE_ROUNDS = 16
FEW_FRAMES = 20
"""Frames, about, that the first rounds are for."""
SETTLED_BETA = 0.003
"""Change of a beta from which on there are no more rounds."""
SETTLED_SITE = 0.0003
"""Metres, the same of a site."""
EVIDENCE = 4.0
"""How many independent frames those that a shape is refined on count for: detectors err alike for a
while."""
MISFIT_FOLLOWED = 2.0
"""How many times as far off as their frames show sites of another skeleton are, in all poses alike:
betas and poses have followed them. By which angles of made-up ones are nearest
(`benchmarks/other_skeletons.py`)."""
WORTHWHILE = 0.95
"""Displaced sites are kept if they make the noise this much less; by nothing but noise they make it
2 % less."""

FEWEST_BONES = 4
"""Bones by which keypoints are known for the joints of a skeleton."""
FEWEST_TO_DISPLACE = 6
"""Frames in which sites may be displaced, and are told from noise: in one, displaced sites meet any
keypoints with any pose."""


def estimate_shape(
    track: KeypointTrack, body: Body, parts: SiteParts, options: SolveOptions
) -> Generator[Progress, None, tuple[np.ndarray, np.ndarray, SiteParts]]:
    """Yields `Progress` and returns betas (10,), site offsets (K,3) in metres and the sites' parts,
    which carry where keypoints are another skeleton's joints: from the lengths between keypoints,
    then from stretches of the take that are solved with those."""
    track = track.firm
    betas = fit_shape(track, body, parts)
    problem = shape_problem(track, body, parts, betas, options)
    starts, tracker = cold_starts(problem), Tracker.of(problem)
    left = LOST_TO_STARTS * float(np.median([start.residual for start in starts]))
    tracker = replace(tracker, lost=max(tracker.lost, left))
    count = options.shape_frames // len(starts)
    stretches = [frames_around(track, start.frame, count) for start in starts]
    poses = Poses.joined((yield from from_starts(tracker, starts, stretches, "shape")))
    frames = [frame for stretch in stretches for frame in stretch]
    if options.repair:
        doubted = np.zeros(track.visible.shape, dtype=bool)
        doubted[frames], poses = disbelieve(problem, poses, np.array(frames))
        track = replace(track, confidence=np.where(doubted, 0.0, track.confidence))
    return (yield from shape_from_poses(track, body, parts, betas, options, poses, frames))


def shape_from_poses(
    track: KeypointTrack,
    body: Body,
    parts: SiteParts,
    betas: np.ndarray,
    options: SolveOptions,
    poses: Poses,
    frames: Sequence[int] | np.ndarray,
) -> Generator[Progress, None, tuple[np.ndarray, np.ndarray, SiteParts]]:
    """Yields `Progress` and returns better betas (10,), site offsets (K,3) and parts, from frames
    with roughly known poses.

    Sites stay where they are on the body unless the frames are met clearly better otherwise: first
    those that detectors are known to put elsewhere are displaced, and the betas with them; then
    all, for betas that stay, because free sites leave the betas little to be known by.
    """
    track = track.firm
    everywhere = offset_sigma(track.layout)
    problem = shape_problem(track, body, parts, betas, options)
    fitted = _Fitted(
        betas, np.zeros((parts.count, 3)), settle(problem, poses, frames), problem, np.inf
    )

    # By the betas alone, and once more if these show a skeleton with hinges.
    fixed = 0.0 * everywhere
    fitted = yield from _rounds(track, body, parts, fitted, frames, fixed)
    sharing = kind_of_sharing(fitted.problem, fitted.poses, frames)
    if sharing.hinged:
        fitted = replace(fitted, problem=fitted.problem.sharing_as(sharing))
        fitted = yield from _rounds(track, body, parts, fitted, frames, fixed)

    # Another skeleton's joints take along what hangs on them. They say enough for betas and bones
    # together, of which the likeliest leave the body nearest.
    unmet = fitted.noise >= CLEAN and len(frames) >= FEWEST_TO_DISPLACE
    if unmet and bones_are_rigid(track, parts):
        parts = replace(parts, carries=parts.at_joint >= 0)
        problem = shape_problem(
            track, body, parts, fitted.betas, options, fitted.offsets, fitted.problem.noise
        )
        sharing = kind_of_sharing(problem, fitted.poses, frames)
        fitted = replace(fitted, problem=problem.sharing_as(sharing))
        alike = np.full(parts.count, OFFSET_SIGMA_ELSEWHERE)
        fitted = yield from _rounds(track, body, parts, fitted, frames, alike)
        return fitted.betas, fitted.offsets, parts

    # Then with sites that are free; freedom that gains nothing is taken back.
    for sigma, keep_betas in ((known_to_differ(everywhere), False), (everywhere, True)):
        if fitted.noise < CLEAN or len(frames) < FEWEST_TO_DISPLACE:
            break
        freer = yield from _rounds(track, body, parts, fitted, frames, sigma, keep_betas)
        if freer.noise <= WORTHWHILE * fitted.noise:
            fitted = freer
    return fitted.betas, fitted.offsets, parts


def bones_are_rigid(track: KeypointTrack, parts: SiteParts) -> bool:
    """Whether keypoints are the joints of a skeleton: those at both ends of a bone are as far from
    each other in all frames."""
    at = {int(joint): k for k, joint in enumerate(parts.at_joint) if joint >= 0}
    ends = [(k, at[PARENTS[joint]]) for joint, k in at.items() if PARENTS[joint] in at]
    seen = track.confidence > 0.0
    return len(ends) >= FEWEST_BONES and constant_lengths(track.positions, seen, ends)


@dataclass(frozen=True)
class _Fitted:
    """Betas (10,), site offsets (K,3), the poses of some frames, settled under a problem with
    these, and the noise in metres that they leave."""

    betas: np.ndarray
    offsets: np.ndarray
    poses: Poses
    problem: Problem
    noise: float


def _rounds(
    track: KeypointTrack,
    body: Body,
    parts: SiteParts,
    fitted: _Fitted,
    frames: Sequence[int] | np.ndarray,
    sigma: np.ndarray,
    keep_betas: bool = False,
) -> Generator[Progress, None, _Fitted]:
    """Yields `Progress` and returns a better fit: in turn betas and offsets with the poses free,
    and poses with those, until nothing changes. sigma (K,) of the offsets, in metres.

    Frames that are near in time say much the same, so that most of the way is gone with few.
    """
    freedom = Freedom.of(sigma, not keep_betas, parts.carried)
    frames = np.asarray(frames)
    problem, poses, betas, offsets = fitted.problem, fitted.poses, fitted.betas, fitted.offsets
    every = np.arange(len(frames))
    few = every[:: max(1, len(frames) // FEW_FRAMES)]
    for some in (few, every) if len(few) < len(every) else (every,):
        now = poses[some]
        for _ in range(SHAPE_ROUNDS):
            now = settle(problem, now, frames[some], tolerance=nearly_settled(problem))
            fit, last = pose_fit(problem, now, frames[some], freedom), (betas, offsets)
            if parts.carries is not None:
                uncertain = UNKNOWN_NOISE  # What a skeleton's joints are missed by is no noise.
            else:
                uncertain = _site_noise(fit) if keep_betas else _shape_noise(fit)
            betas, offsets = refine_shape(betas, offsets, fit, sigma, uncertain)
            noise = max(fit.noise, UNKNOWN_NOISE)
            problem = shape_problem(
                track, body, parts, betas, problem.options, offsets, noise
            ).sharing_as(problem.sharing)
            yield Progress("shape", len(frames), len(frames))
            if (
                np.abs(betas - last[0]).max() < SETTLED_BETA
                and np.abs(offsets - last[1]).max() < SETTLED_SITE
            ):
                break
    poses = settle(problem, now, frames)
    noise = measured_noise(problem, poses, frames)
    return _Fitted(betas, offsets, poses, problem.with_noise(max(noise, UNKNOWN_NOISE)), noise)


def _site_noise(fit: PoseFit) -> float:
    """Metres by which sites are uncertain."""
    return float(np.clip(fit.noise, *SHAPE_NOISE))


def _shape_noise(fit: PoseFit) -> float:
    """Metres by which keypoints are uncertain beside a shape: noise is less in the mean of the
    frames, but not what is off in all of them, because the body that was seen is another one."""
    enough = len(fit.weights) >= FEWEST_TO_DISPLACE
    misfit = fit.constant_share(EVIDENCE) if enough else 0.0
    return _site_noise(fit) * float(
        np.sqrt(MISFIT_FOLLOWED**2 * misfit + (1.0 - misfit) / EVIDENCE)
    )


def shape_problem(
    track: KeypointTrack,
    body: Body,
    parts: SiteParts,
    betas: np.ndarray,
    options: SolveOptions,
    offsets: np.ndarray | None = None,
    noise: float = UNKNOWN_NOISE,
) -> Problem:
    """One to find the shape by, on NumPy."""
    options = replace(options.preparing, noise=noise)
    return Problem.of(track, body, parts, betas, choose_backend(), options, offsets)


def frames_around(track: KeypointTrack, start: int, count: int) -> list[int]:
    """Up to `count` frames about a tenth of a second apart, around `start`."""
    stride = max(1, round(track.fps / 10))
    frames = np.arange(start % stride, len(track), stride)
    middle = int(np.searchsorted(frames, start))
    first = int(np.clip(middle - count // 2, 0, max(len(frames) - count, 0)))
    return [int(frame) for frame in frames[first : first + count]]
