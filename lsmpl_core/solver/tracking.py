"""`Tracker`: from solved frames to the next ones, many at once: predicted, polished, and begun anew
where lost.

It works in single precision, about the middle of the take: half the memory traffic, which is most
of the time, and the poses are within a thousandth of a millimetre of those in double precision.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..backends.arrays import Backend, gather
from ..backends.kernels import Kernels, Walked, Walkers
from ..body.kinematics import KeypointModel, State, choose
from ..body.skeleton import NUM_JOINTS
from ..rotation import length, log_map, orthonormalise
from .estimates import drawn_together
from .noise import EXACT_NOISE
from .pinned_joints import Held, PinnedJoints
from .polish import POLISH_TOLERANCE, Anchor, Prior, Targets, polish
from .poses import Poses
from .predictors import NetworkPredictor, Predictor, choose_predictor
from .prior import pose_prior
from .problem import Problem
from .start import centred, cold_start

TRACKING_DAMPING = 1e-7
"""First damping of the polish, in m²/rad²: next to nothing, for the prediction is near and the
anchor holds it."""
LOST = 0.02
"""Mean residual in metres above which, with exact keypoints, a frame is tried with a cold start;
later ones again only if theirs has grown."""
LOST_TO_NOISE = 5.0
"""With noise, this many times its size, where that is more."""
ANEW_SHARE = 0.85
"""Of a lost frame's residual: a cold start that leaves more is no better."""
POSES_A_CALL = 256
"""Poses that the compiled kernels go through before progress is told."""
STEPS_TO_PINS = 5
"""Of the polish, at least, in frames in which joints are pinned: what the network saw there is no
longer so."""


@dataclass(frozen=True, eq=False)
class Tracker:
    """A problem's predictor and polish, and the targets they are to meet.

    Of T frames, on the backend: positions (T,K,3), finite everywhere, about `middle` (3,), and
    weights (T,K); heavy: one of these is above 1. kept: the estimate that frames stay near. pins:
    joints that keep their rotations. damping: of the polish, in m²/rad². lost: metres of mean
    residual from which on a frame is tried with a cold start.
    """

    problem: Problem
    backend: Backend
    model: KeypointModel
    predictor: Predictor
    prior: Prior
    lost: float
    positions: Any
    weights: Any
    middle: np.ndarray
    heavy: bool
    kept: Anchor | None = None
    pins: PinnedJoints | None = None
    damping: float = TRACKING_DAMPING

    @classmethod
    def of(cls, problem: Problem) -> Tracker:
        """For a problem's own keypoints."""
        backend, predictor = problem.backend.single, choose_predictor(problem)
        return cls(
            problem=problem,
            backend=backend,
            model=problem.model.to(backend),
            predictor=predictor,
            prior=pose_prior(
                backend,
                problem.prior_weight * predictor.prior_share,
                problem.planes(backend),
                problem.typical,
                problem.trunk_weight,
                problem.sharing.kind,
            ),
            lost=max(LOST, LOST_TO_NOISE * problem.noise),
            kept=_kept(backend, problem),
            **_targets_about_their_middle(backend, problem.positions, problem.weights),
        )

    def with_targets(
        self,
        positions: np.ndarray,
        weights: np.ndarray,
        pins: PinnedJoints | None = None,
        damping: float = TRACKING_DAMPING,
    ) -> Tracker:
        """The same for other frames: positions (T,K,3), finite everywhere, and weights (T,K); pins
        are kept."""
        targets = _targets_about_their_middle(self.backend, positions, weights)
        return replace(self, kept=None, pins=pins, damping=damping, **targets)

    def state(self, poses: Poses) -> State:
        return self.model.state(
            self.backend.array(poses.rotations), self.backend.array(poses.trans - self.middle)
        )

    def poses(self, state: State) -> Poses:
        rotations = orthonormalise(self.backend.numpy(state.rotations))
        return Poses(rotations, self.backend.numpy(state.trans) + self.middle)

    def step(
        self, state: State, frames: Sequence[int] | np.ndarray, polish_steps: int | None = None
    ) -> State:
        """B frames from another's guesses of their poses, wherever those stand: predicted, then
        polished, in as many steps as the options say unless they are given."""
        targets = self._targets(frames)
        state = centred(self.model, state, self._seen(targets))
        return self._step(
            state, targets, self._held(frames), polish_steps=polish_steps, frames=frames
        )

    def polish_from(
        self, anchor: Poses, firm: np.ndarray, frames: Sequence[int] | np.ndarray, steps: int
    ) -> Poses:
        """B frames polished from given poses, without a prediction, and with the pins kept.

        The joints are drawn back to those poses by `firm` (24,) or (B,24) in m²/rad², and the pose
        prior is centred there: it says how joints move together from these poses, not which poses
        are likely.
        """
        backend, targets, held = self.backend, self._targets(frames), self._held(frames)
        state, firm = self.state(anchor), backend.array(firm)
        anchored = Anchor(state.rotations, firm)
        mean = backend.xp.reshape(log_map(state.rotations[:, 1:]), (len(targets.weights), -1))
        if held is not None:
            state = self.model.state(held.put(backend, state.rotations), state.trans)
            anchored = held.anchor(backend, anchored, targets.weights)
        prior = Prior(mean, self.prior.precision, self.prior.weight)
        done = polish(
            self.model, state, targets, anchored, prior, steps=steps, damping=self.damping
        )
        return self.poses(done.state)

    def predictions(
        self, poses: Poses, frames: Sequence[int] | np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Of B frames from poses that they have already: rotations (B,24,3,3) and how firmly to
        hold on to them, in m²/rad², (B,24)."""
        targets = self._targets(frames)
        anchor = self.predictor.predict(self.model, self.state(poses), self._seen(targets))[1]
        anchor = self._near_estimate(anchor, frames)
        weights = np.broadcast_to(self.backend.numpy(anchor.weights), (len(frames), NUM_JOINTS))
        return self.backend.numpy(anchor.rotations), weights

    def follow(
        self, state: State, at: Sequence[int] | np.ndarray, path: np.ndarray
    ) -> Iterator[tuple[np.ndarray, Poses, np.ndarray]]:
        """B poses, solved `at` (B,) frames, along a path (S,B) of B frames a step; a pose stays
        while its frame does.

        Yields frames, poses and mean residuals (B,) in metres, NaN where a frame shows no keypoint.
        The rotations are such to single precision only. A GPU is sent the path at once, and is
        waited for once a step.
        """
        path, at = np.asarray(path, dtype=np.int64), np.asarray(at)
        if self.backend.kernels and isinstance(self.predictor, NetworkPredictor):
            yield from self._follow_compiled(self.backend.kernels, self.predictor, state, at, path)
            return
        moves = path != np.concatenate([at[None], path[:-1]])
        index, moving = self.backend.indices(path), self._mask(moves) if not moves.all() else moves
        accepted, first = np.zeros(len(at)), state
        safeguard = self.predictor.safeguard or np.inf
        for number, frames in enumerate(path):
            targets = self._targets_at(index[number])
            new = self._step(state, targets, None, first if number + 1 > safeguard else None)
            new = (
                new if moves[number].all() else choose(self.backend.xp, moving[number], new, state)
            )
            poses, residual = self._fetched(new, targets)
            lost = (
                moves[number]
                & (residual > np.maximum(self.lost, 1.25 * accepted))
                & self.predictor.recovers
            )
            if lost.any():
                new = self._recovered(new, poses, residual, targets, frames, lost)
                poses, residual = self._fetched(new, targets)
            accepted = np.where(lost, residual, np.where(residual < self.lost, 0.0, accepted))
            state = new
            yield frames, poses, residual

    def _follow_compiled(
        self,
        kernels: Kernels,
        predictor: NetworkPredictor,
        state: State,
        at: np.ndarray,
        path: np.ndarray,
    ) -> Iterator[tuple[np.ndarray, Poses, np.ndarray]]:
        """`follow` with many steps in each call of the kernels, whose threads share the poses."""
        walkers = Walkers(
            np.array(state.rotations), np.array(state.trans), np.array(at), np.zeros(len(at))
        )
        targets = Targets(self.positions, self.weights)
        length = max(1, POSES_A_CALL // max(len(at), 1))
        for first in range(0, len(path), length):
            stretch = path[first : first + length]
            walked = Walked.of(*stretch.shape)
            while (walked.done < len(stretch)).any():
                kernels.follow(
                    self.model.compiled,
                    predictor.network.compiled(kernels),
                    self.prior.compiled(kernels),
                    (targets.positions, targets.weights),
                    self._seen(targets).weights,
                    stretch,
                    walkers,
                    walked,
                    noise=float(predictor.noise[0]),
                    trust=predictor.weight_at(1.0),
                    limit=self.lost,
                    damping=self.damping,
                    tolerance=POLISH_TOLERANCE,
                    **self._polish_steps,
                )
                self._recover_walkers(walkers, walked)
            for number, frames in enumerate(stretch):
                poses = Poses(walked.rotations[number], walked.trans[number] + self.middle)
                yield frames, poses, walked.residual[number]

    def _recover_walkers(self, walkers: Walkers, walked: Walked) -> None:
        """Those that stopped because they are lost, begun anew where that meets the keypoints
        better, to go on from there."""
        (lost,) = np.nonzero(walked.lost)
        if not len(lost):
            return
        last = walked.done[lost] - 1, lost
        fresh, residual = self._begun_anew(walkers.at[lost])
        better = residual < ANEW_SHARE * walked.residual[last]
        some = lost[better]
        walkers.rotations[some], walkers.trans[some] = fresh.rotations[better], fresh.trans[better]
        walked.residual[last] = np.where(better, residual, walked.residual[last])
        walked.rotations[last], walked.trans[last] = walkers.rotations[lost], walkers.trans[lost]
        walkers.accepted[lost] = walked.residual[last]
        walked.lost[:] = False

    def _targets(self, frames) -> Targets:
        return self._targets_at(self.backend.indices(frames))

    def _targets_at(self, index) -> Targets:
        return Targets(gather(self.positions, index, axis=0), gather(self.weights, index, axis=0))

    def _seen(self, targets: Targets) -> Targets:
        """For moving a body onto its keypoints, and for predicting: none that is heavy draws it all
        to itself."""
        if not self.heavy:
            return targets
        return Targets(targets.positions, self.backend.xp.clip(targets.weights, 0.0, 1.0))

    def _held(self, frames: Sequence[int] | np.ndarray) -> Held | None:
        return self.pins.at(frames) if self.pins is not None else None

    def _near_estimate(self, anchor: Anchor, frames: Sequence[int] | np.ndarray) -> Anchor:
        """What B frames are predicted to be, drawn to what they were estimated to be."""
        if self.kept is None:
            return anchor
        rotations = gather(self.kept.rotations, self.backend.indices(frames), axis=0)
        return drawn_together(self.backend, Anchor(rotations, self.kept.weights), anchor)

    def _step(
        self,
        state: State,
        targets: Targets,
        held: Held | None,
        first: State | None = None,
        polish_steps: int | None = None,
        frames: Sequence[int] | np.ndarray | None = None,
    ) -> State:
        steps = self.problem.options.steps if polish_steps is None else polish_steps
        state, anchor = self.predictor.predict(self.model, state, self._seen(targets), first)
        if self.kept is not None and frames is not None and steps:
            anchor = self._near_estimate(anchor, frames)
            state = centred(
                self.model, self.model.state(anchor.rotations, state.trans), self._seen(targets)
            )
        if held is not None:
            state = self.model.state(held.put(self.backend, state.rotations), state.trans)
            state = centred(self.model, state, self._seen(targets))
            anchor = held.anchor(self.backend, anchor, targets.weights)
            steps = max(steps, STEPS_TO_PINS)
        if steps == 0:
            return state
        return polish(
            self.model,
            state,
            targets,
            anchor,
            self.prior,
            damping=self.damping,
            **(self._polish_steps | {"steps": steps}),
        ).state

    @property
    def _polish_steps(self) -> dict[str, Any]:
        """Keywords of `polish` that the options and the noise decide."""
        options = self.problem.options
        enough = max(EXACT_NOISE, self.problem.noise)
        return {"steps": options.steps, "more": options.more_steps, "enough": enough}

    def _fetched(self, state: State, targets: Targets) -> tuple[Poses, np.ndarray]:
        """Poses and mean residuals (B,) in metres, NaN where a frame shows no keypoint, with one
        wait for a GPU."""
        xp, B = self.backend.xp, state.trans.shape[0]
        seen = xp.astype(targets.weights > 0, targets.weights.dtype)
        miss = xp.sum(seen * length(state.keypoints - targets.positions)[..., 0], axis=-1)
        parts = (
            xp.reshape(state.rotations, (B, -1)),
            state.trans,
            miss[:, None],
            xp.sum(seen, axis=-1)[:, None],
        )
        fetched = self.backend.numpy(xp.concat(parts, axis=1))
        rotations = fetched[:, :-5].reshape(B, NUM_JOINTS, 3, 3)
        trans = fetched[:, -5:-2] + self.middle
        miss, count = fetched[:, -2], fetched[:, -1]
        return Poses(rotations, trans), np.where(count > 0, miss / np.maximum(count, 1.0), np.nan)

    def _recovered(
        self,
        state: State,
        poses: Poses,
        residual: np.ndarray,
        targets: Targets,
        frames: np.ndarray,
        lost: np.ndarray,
    ) -> State:
        """States with lost frames solved cold where that meets the keypoints better."""
        begun, met = self._begun_anew(frames[lost])
        rotations, trans = poses.rotations.copy(), poses.trans.copy()
        anew = self.poses(begun)
        rotations[lost], trans[lost] = anew.rotations, anew.trans
        found = lost.copy()
        found[lost] = met < ANEW_SHARE * residual[lost]
        fresh = self.state(Poses(rotations, trans))
        return choose(self.backend.xp, self._mask(found), fresh, state)

    def _begun_anew(self, frames: np.ndarray) -> tuple[State, np.ndarray]:
        """N frames solved cold, and their mean residuals (N,) in metres."""
        state = self.state(cold_start(self.problem, frames)[0])
        return state, self._fetched(state, self._targets(frames))[1]

    def _mask(self, values: np.ndarray):
        """Truth values on the backend."""
        return self.backend.indices(values) > 0


def _kept(backend: Backend, problem: Problem) -> Anchor | None:
    estimate = problem.estimate
    if estimate is None:
        return None
    return Anchor(backend.array(estimate.rotations), backend.array(estimate.weights(problem.noise)))


def _targets_about_their_middle(
    backend: Backend, positions: np.ndarray, weights: np.ndarray
) -> dict[str, Any]:
    """Fields of a `Tracker`: single precision is a micrometre near the middle, and a millimetre far
    from the origin."""
    seen = weights > 0
    middle = np.median(positions[seen], axis=0) if seen.any() else np.zeros(3)
    return {
        "positions": backend.array(np.where(seen[..., None], positions - middle, 0.0)),
        "weights": backend.array(weights),
        "middle": middle,
        "heavy": bool((weights > 1.0).any()),
    }
