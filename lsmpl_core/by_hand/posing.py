"""`Poser`: single frames posed at once, for those who correct them by hand.

They are predicted from the poses they have and polished onto their keypoints, with weights of any
size and with pins.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..backends.arrays import choose_backend
from ..backends.threads import one_thread
from ..body.body import Body
from ..bounds import FEWEST_KEYPOINTS
from ..calibration.calibration import Calibration, of_keypoints, some_of
from ..errors import SolveError
from ..keypoints.layouts import Layout, get_layout
from ..keypoints.track import KeypointTrack
from ..marker_calibration.calibrate_markers import needs_calibration
from ..motion import Motion
from ..preparation import for_markers
from ..rotation import exp_map
from ..solver.options import SolveOptions
from ..solver.pinned_joints import PinnedJoints
from ..solver.poses import Poses
from ..solver.problem import Problem
from ..solver.start import cold_start
from ..solver.tracking import Tracker

POSING_STEPS = 4
"""Of the polish: what is dragged may be far away."""
MOVED_WEIGHT = 100.0
"""Weight of a keypoint that is moved, beside 1 for those that follow."""
POSING_DAMPING = 1e-4
"""First damping of the polish, in m²/rad², where no keypoint weighs more than 1: with less, far
targets are overshot."""


class Poser:
    """A subject's body and keypoints, ready to pose frames of any take of that subject.

    layout: of the positions that are given; calibration: of the solve (`Motion.calibration`), for
    `body`. Keypoints that are not calibrated are not looked at. device: one of `arrays.DEVICES`.
    Raises `SolveError` where the calibration is for another body or lacks the layout's keypoints.
    """

    def __init__(
        self,
        layout: Layout | str,
        body: Body,
        calibration: Calibration,
        device: str = "auto",
        options: SolveOptions | None = None,
    ):
        self.layout, self.body, self.calibration = get_layout(layout), body, calibration
        self.rows = np.array(calibration.usable_rows(self.layout, body))
        options = (options or SolveOptions()).preparing
        if needs_calibration(self.layout):
            options = for_markers(options)
        some = some_of(self.layout, self.rows)
        nothing = KeypointTrack(np.full((1, len(some), 3), np.nan), layout=some)
        parts = calibration.parts(body, some)
        backend = choose_backend(device)
        self._problem = Problem.of(
            nothing, body, parts, calibration.betas, backend, options, noise=calibration.noise
        )
        self._tracker = Tracker.of(self._problem)

    @property
    def parent_joints(self) -> np.ndarray:
        """(len(rows),) the joint that each calibrated keypoint goes with."""
        return self._problem.parts.parent_joint

    @property
    def noise(self) -> float:
        """Metres by which keypoints are taken to be off."""
        return self._problem.noise

    @one_thread()
    def pose(
        self,
        positions: np.ndarray,
        weights: np.ndarray,
        start: Poses,
        pins: PinnedJoints | None = None,
        *,
        predict: bool = True,
        placed: np.ndarray | None = None,
        steps: int = POSING_STEPS,
    ) -> Poses:
        """B frames, each on its own, from the poses that they have.

        positions (B,K,3) in metres, NaN where there is nothing; weights (B,K): 0 for a keypoint
        that is not to count, 1 for one that was seen, as much as one likes for one that is to be
        met. pins: their `frames` are 0 to B-1. placed: which keypoints (B,K) count along a pinned
        limb, too; None are those that weigh more than 1. predict: by the network, from `start`;
        otherwise `start` itself is kept as far as the keypoints let it, and what they do not show
        stays as it is.
        A frame without any keypoint keeps its pose. Raises `SolveError` for arrays of other shapes.
        """
        placed = None if placed is None else placed[:, self.rows]
        wanted, shares = self._checked(positions, weights, start)
        tracker, frames, pins = self._tracker_of(wanted, shares, pins, placed)
        if predict:
            posed = tracker.poses(tracker.step(tracker.state(start), frames, polish_steps=steps))
        else:
            posed = tracker.polish_from(start, self._problem.least_prior_weight, frames, steps)
        unseen = ~(np.isfinite(positions).all(axis=-1) & (weights > 0.0))[:, self.rows].any(axis=1)
        posed.rotations[unseen], posed.trans[unseen] = start.rotations[unseen], start.trans[unseen]
        return posed if pins is None else pins.applied_to(posed)

    @one_thread()
    def drag(
        self,
        moved: np.ndarray,
        start: Poses,
        weights: np.ndarray | None = None,
        pins: PinnedJoints | None = None,
        *,
        steps: int = POSING_STEPS,
    ) -> Poses:
        """B frames in which some keypoints were moved, from the poses before that; where none was,
        nothing changes.

        moved (B,K,3) in metres: where sites are to be; NaN for those that are left to follow, which
        are drawn to where they are. weights (B,K): of these and those; None is `MOVED_WEIGHT` and
        1. The network is asked what it would do for the moved keypoints and what for the start's
           own, and the difference is what is done.
        """
        # What is not moved is to stay where the start has it.
        sites, count = self.sites(start), len(start)
        pulled = np.isfinite(moved).all(axis=-1)
        weights = np.where(pulled, MOVED_WEIGHT, 1.0) if weights is None else weights
        positions, weights, sites = self._checked(
            np.where(pulled[..., None], moved, sites), weights, start, sites
        )

        # The network sees every frame anew: asked once, it would turn legs when a hand is dragged.
        twice = Poses(*(np.concatenate([a, a]) for a in (start.rotations, start.trans)))
        both = self._tracker.with_targets(
            np.concatenate([positions, sites]), np.concatenate([weights, weights])
        )
        rotations, firm = both.predictions(twice, range(2 * count))

        change = rotations[:count] @ np.swapaxes(rotations[count:], -1, -2)
        tracker, frames, pins = self._tracker_of(positions, weights, pins)
        posed = tracker.polish_from(
            Poses(change @ start.rotations, start.trans), firm[:count], frames, steps
        )
        return posed if pins is None else pins.applied_to(posed)

    def _tracker_of(
        self,
        positions: np.ndarray,
        weights: np.ndarray,
        pins: PinnedJoints | None,
        placed: np.ndarray | None = None,
    ) -> tuple[Tracker, range, PinnedJoints | None]:
        """A tracker for B frames of these keypoints that heeds the pins, its frames, and the pins
        checked."""
        pins = None if pins is None else pins.checked(len(positions)).of_body
        pins = None if pins is None or not len(pins) else pins
        if pins is not None:
            weights = pins.heeded(weights, self.parent_joints, placed)
        damping = POSING_DAMPING * max(1.0, float(weights.max(initial=0.0)))
        return (
            self._tracker.with_targets(positions, weights, pins, damping),
            range(len(positions)),
            pins,
        )

    @one_thread()
    def cold_start(self, positions: np.ndarray, weights: np.ndarray, otherwise: Poses) -> Poses:
        """B frames solved from a dozen guesses each (`start.cold_start`), from positions and
        weights as in `pose`.

        A frame that shows fewer than `FEWEST_KEYPOINTS` keeps the pose that it has `otherwise`.
        """
        positions, weights = self._checked(positions, weights, otherwise)
        seen = np.flatnonzero((weights > 0.0).sum(axis=1) >= FEWEST_KEYPOINTS)
        posed = Poses(otherwise.rotations.copy(), otherwise.trans.copy())
        if len(seen):
            found, _ = cold_start(
                replace(self._problem, positions=positions, weights=weights), seen
            )
            posed.rotations[seen], posed.trans[seen] = found.rotations, found.trans
        return posed

    def problem_of(self, track: KeypointTrack, weights: np.ndarray) -> Problem:
        """A take of the subject, of a track of the same layout, with weights (T,K) for its
        keypoints."""
        some, here = of_keypoints(track, self.rows), self._problem
        problem = Problem.of(
            some, self.body, here.parts, here.betas, here.backend, here.options, noise=here.noise
        )
        return problem.with_weights(np.where(some.visible, weights[:, self.rows], 0.0))

    def sites(self, poses: Poses) -> np.ndarray:
        """(B,K,3) metres: where the keypoints would be if the poses met them; NaN for those that
        are not calibrated."""
        sites = np.full((len(poses), len(self.layout), 3), np.nan)
        sites[:, self.rows] = self._problem.backend.numpy(self._problem.state(poses).keypoints)
        return sites

    def residual(self, poses: Poses, positions: np.ndarray) -> np.ndarray:
        """(B,K) metres from each keypoint (B,K,3) to its site, NaN where either is missing."""
        return np.linalg.norm(self.sites(poses) - positions, axis=-1)

    def _checked(self, positions, weights, start: Poses, *others: np.ndarray):
        """Positions, weights and others of the calibrated keypoints, zeros for what does not
        count."""
        positions = np.asarray(positions, dtype=np.float64)
        weights = np.asarray(weights, dtype=np.float64)
        shape = len(start.trans), len(self.layout)
        if positions.shape != (*shape, 3) or weights.shape != shape:
            raise SolveError(
                f"positions have shape {positions.shape} and weights {weights.shape}; "
                f"expected {(*shape, 3)} and {shape} for {shape[0]} poses"
            )
        if not (np.isfinite(weights).all() and (weights >= 0.0).all()):
            raise SolveError("weights are not all finite numbers of 0 or more")
        positions, weights = positions[:, self.rows], weights[:, self.rows]
        seen = np.isfinite(positions).all(axis=-1) & (weights > 0.0)
        rest = (other[:, self.rows] for other in others)
        return np.where(seen[..., None], positions, 0.0), np.where(seen, weights, 0.0), *rest


def poses_of(motion: Motion, frames: slice | np.ndarray = slice(None)) -> Poses:
    """Some frames of a motion as rotation matrices, with its fingers."""
    fingers = None if motion.fingers is None else motion.fingers[frames].copy()
    return Poses(exp_map(motion.poses[frames]), motion.trans[frames].copy(), fingers)
