"""What comes before a take is solved or refined: where its keypoints sit on the body, and its
faults mended."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from .body.body import Body
from .body.sites import SiteParts, site_parts
from .body.skeleton import NUM_JOINTS
from .bounds import FEWEST_KEYPOINTS
from .calibration.calibration import Calibration
from .errors import SolveError
from .keypoints.condition import Condition
from .keypoints.track import Decision, KeypointTrack
from .marker_calibration.calibrate_markers import calibrate_steps, needs_calibration
from .progress import Progress
from .repair.corrections import without_corrections
from .repair.repair_track import Repaired, as_given, repair
from .solver.nonsense import check_size
from .solver.options import SolveOptions

MARKER_STEPS = 2
"""Steps of the polish a frame of a marker set, unless it is told."""
ENOUGH_OF_A_BONE = 2
"""Keypoints of a bone without which another one of it is missed: with the joint at its end they
tell how it is turned."""


@dataclass(frozen=True)
class Prepared:
    """A mended track, the parts of the body that its keypoints are on, the betas (10,), None where
    the take has yet to tell them, the options for such keypoints, the calibration that all this
    rests on, if there is one, and the track as it was given, with the corrections
    (`by_hand/fixed_frames.py`) that the mended one is without."""

    repaired: Repaired
    parts: SiteParts
    betas: np.ndarray | None
    options: SolveOptions
    calibration: Calibration | None
    given: KeypointTrack

    @property
    def track(self) -> KeypointTrack:
        return self.repaired.track

    def rejecting(self, doubted: np.ndarray) -> Prepared:
        """The same with keypoints (T,K) that the solve did not believe."""
        if not doubted.any():
            return self
        rejected = doubted & (self.repaired.condition != Condition.FILLED)
        condition = np.where(rejected, Condition.REJECTED, self.repaired.condition).astype(np.uint8)
        return replace(self, repaired=replace(self.repaired, condition=condition))

    @property
    def missed(self) -> np.ndarray:
        """(T,24) bool: bones that frames show less of than the take does, by their joints.

        Each keypoint that is ever seen was seen, and believed, or enough others of its bone were.
        """
        seen = self.repaired.condition == Condition.SEEN
        same_bone = self.parts.parent_joint[:, None] == self.parts.parent_joint
        made_up_for = seen.astype(int) @ same_bone >= ENOUGH_OF_A_BONE
        missed = ~(seen | made_up_for) & seen.any(axis=0)
        return missed @ np.eye(NUM_JOINTS, dtype=bool)[self.parts.parent_joint]

    @property
    def decisions(self) -> tuple[Decision, ...]:
        return self.calibration.decisions if self.calibration is not None else ()


def prepare_steps(
    track: KeypointTrack,
    body: Body,
    betas: np.ndarray | None,
    options: SolveOptions,
    calibration: Calibration | None = None,
    trials: Sequence[KeypointTrack] = (),
) -> Generator[Progress, None, Prepared]:
    """Yields `Progress` and returns what is `Prepared`.

    A marker set without a calibration is calibrated, on this take and on trials, other takes of the
    same subject and markers. betas win over the calibration's. Raises `SolveError` for trials where
    there is nothing to calibrate, and for keypoints that are no person's size apart.
    """
    for one in (*trials, track):
        check_size(one)
    for trial in (*trials, track) if trials else ():
        if not needs_calibration(trial.layout):
            raise SolveError(
                f"{trial.source or 'the track'}: is no marker set ({trial.layout.label}), so there "
                "is nothing to calibrate; leave the static trial out"
            )
    if needs_calibration(track.layout):
        options = for_markers(options)
        if calibration is None:
            calibration = yield from calibrate_steps([*trials, track], body, betas=betas)
    if calibration is not None:
        betas = calibration.betas if betas is None else betas
        track = calibration.usable(track, body)
        parts = calibration.parts(body, track.layout)
    else:
        parts = site_parts(body, track.layout.sites)
    solved = without_corrections(track)
    repaired = repair(solved, body, parts) if options.repair else as_given(solved)
    return Prepared(repaired, parts, betas, options, calibration, track)


def for_markers(options: SolveOptions) -> SolveOptions:
    """The network knows no markers: with them, the polish goes on from the frame before by
    itself."""
    if options.solver == "network":
        return replace(
            options,
            solver="polish",
            polish=MARKER_STEPS if options.polish is None else options.polish,
        )
    if options.solver == "published":
        raise SolveError(
            "solver 'published' needs keypoints such as BODY_25's, and this take has markers"
        )
    return options


def check_seen(track: KeypointTrack) -> None:
    """Raises `SolveError` where no frame shows enough for a pose."""
    where = track.source or "the track"
    if len(track) == 0:
        raise SolveError(f"{where}: has no frames")
    if track.visible.sum(axis=1).max() < FEWEST_KEYPOINTS:
        raise SolveError(
            f"{where}: no frame shows more than {track.visible.sum(axis=1).max()} of the "
            f"keypoints; a pose needs at least {FEWEST_KEYPOINTS}, and a good one the shoulders, "
            "hips, elbows and knees"
        )
