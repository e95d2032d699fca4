"""`Take`: one track on one body shape, ready to be solved; where to start it, and how to go on from frame to frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .arrays import Backend
from .body import Body
from .errors import SolveError
from .keypoints import KeypointTrack
from .kinematics import KeypointModel, State, choose
from .network import Observation, load_network, rest_bones
from .polish import Anchor, Targets, polish
from .prior import pose_prior
from .rotation import exp_map, orthonormalise
from .sites import SiteParts
from .skeleton import NUM_JOINTS
from .start import centred, start_poses

FRAMES_AT_ONCE = 64
SOLVERS = ("network", "polish")
TYPICAL_SPREAD = 0.1
"""Radians: a joint that the network expects to be off by this much is anchored with the options' weight."""
EXACT = 0.001
"""Metres of noise for which the options' weights are meant."""
MOST_FIRMNESS = 200.0
"""Most that noise multiplies them by."""
WARM_UP = 40
"""Frames a lane goes before its own; on three recorded takes, seams then agreed within 0.14 mm and 0.16 degrees."""
LOST = 0.05
"""Mean residual in metres above which a frame is tried from nothing; later ones again only if theirs has grown."""


@dataclass(frozen=True)
class Progress:
    """How far a solve is: `done` of `total` in this `stage`; `residual` in metres, mean of the latest frame."""

    stage: str
    done: int
    total: int
    residual: float = float("nan")


@dataclass(frozen=True)
class SolveOptions:
    """Options of the solver; the defaults are the measured best.

    solver: "network" predicts each frame by the residual network, "polish" by the frame before it. polish:
    Levenberg-Marquardt steps a frame; 0 leaves the prediction as it is. noise: how far keypoints are off in each axis,
    in metres, one standard deviation; None measures it on the take. anchor: weight of the predicted pose, in m²/rad²,
    and prior: weight of the pose prior, in m² (see `polish.py`), both for keypoints that are off by `EXACT`; they grow
    with the square of the noise. shape_frames: how many frames the shape is refined on.
    """

    solver: str = "network"
    polish: int = 2
    noise: float | None = None
    anchor: float = 1e-4
    prior: float = 1e-6
    shape_frames: int = 80


@dataclass(frozen=True)
class Start:
    """A solved frame to go on from: its index, rotations (24,3,3) and trans (3,)."""

    frame: int
    rotations: np.ndarray
    trans: np.ndarray


@dataclass(frozen=True)
class Poses:
    """Solved frames: rotations (N,24,3,3) and trans (N,3), in NumPy wherever they leave `Take`."""

    rotations: Any
    trans: Any


class Take:
    """A track's keypoints as targets, and the keypoint model of one body shape that is to meet them."""

    def __init__(
        self,
        track: KeypointTrack,
        body: Body,
        parts: SiteParts,
        betas: np.ndarray,
        backend: Backend,
        options: SolveOptions,
        site_offsets: np.ndarray | None = None,
    ):
        """site_offsets (K,3): metres by which the sites are off, in the rest frame."""
        if site_offsets is not None:
            parts = parts.displaced(site_offsets)
        self.backend, self.options, self.parts = backend, options, parts
        self.rest_joints = body.rest_joints(betas)
        self.rest_positions = parts.rest_positions(betas)
        self.model = KeypointModel.build(backend, self.rest_joints, parts, parts.moments(betas))
        self.expect_noise(options.noise or 0.0)
        if options.solver not in SOLVERS:
            raise SolveError(f"no solver is called {options.solver!r}; choose one of: {', '.join(SOLVERS)}")
        self.network = load_network(backend, track.layout.sites) if options.solver == "network" else None
        self.bones = backend.array(rest_bones(self.rest_joints)[None])
        self.positions = np.where(track.visible[..., None], track.positions, 0.0)
        self.weights = track.confidence
        self.source = track.source or "the track"

    def __len__(self) -> int:
        return len(self.positions)

    def expect_noise(self, noise: float) -> None:
        """Weigh anchor and prior for keypoints that are off by `noise` metres in each axis."""
        share = np.clip((noise / EXACT) ** 2, 1.0, MOST_FIRMNESS)
        self.prior = pose_prior(self.backend, share * self.options.prior)
        self.anchor = share * self.options.anchor

    def measured_noise(self, poses: Poses, frames: Sequence[int]) -> float:
        """Metres in each axis, from how far the keypoints are from poses that were fitted to them loosely."""
        residual = self.residual(poses, frames)
        seen = residual[np.isfinite(residual)]
        return float(np.sqrt(np.mean(np.square(seen)) / 3.0)) if seen.size else 0.0

    def targets(self, frames) -> Targets:
        """Of some frames, on the backend."""
        return Targets(self.backend.array(self.positions[frames]), self.backend.array(self.weights[frames]))

    def best_seen(self, count: int) -> np.ndarray:
        """Up to `count` frames, well seen and apart from each other in time."""
        seen = self.weights.sum(axis=1)
        stretches = np.array_split(np.arange(len(self)), min(count, len(self)))
        best = np.array([stretch[np.argmax(seen[stretch])] for stretch in stretches])
        return best[seen[best] >= 0.8 * seen[best].max()]

    def cold_starts(self, count: int = 4) -> list[Start]:
        """Well-seen frames all over the take, each solved from nothing, the best solved first."""
        frames = self.best_seen(count)
        poses, cost = self._from_nothing(frames)
        order = np.argsort(cost / np.maximum(self.weights[frames].sum(axis=1), 1e-9))
        return [Start(int(frames[i]), poses.rotations[i], poses.trans[i]) for i in order]

    def _from_nothing(self, frames: np.ndarray, thorough: bool = True) -> tuple[Poses, np.ndarray]:
        targets = Targets(self.positions[frames], self.weights[frames])
        rotations, trans, cost = start_poses(
            self.model, self.parts, self.rest_positions, targets, self.prior, thorough=thorough
        )
        return Poses(rotations, trans), cost

    def given_start(self, pose: np.ndarray) -> Start:
        """Frame 0 with axis-angles (24,3) taken as true; the translation is where its keypoints say."""
        if not self.weights[0].any():
            raise SolveError(f"{self.source}: frame 0 shows no keypoint, so a pose given for it cannot be placed")
        rotations = exp_map(np.asarray(pose, dtype=np.float64))
        state = self.model.state(self.backend.array(rotations[None]), self.backend.array(np.zeros((1, 3))))
        return Start(0, rotations, self.backend.numpy(centred(self.model, state, self.targets([0])).trans)[0])

    def run(self, start: Start, frames: Sequence[int], stage: str = "solve") -> Iterator[Progress]:
        """Solve `frames` (ascending, the start's among them) one after the other, away from the start both ways.

        Yields `Progress` of `stage` and returns `Poses` in the order of `frames`.
        """
        frames = list(frames)
        middle = frames.index(start.frame)
        here = self.backend.array(start.rotations[None]), self.backend.array(start.trans[None])
        solved = {start.frame: here}
        for order in (frames[middle + 1 :], frames[middle - 1 :: -1] if middle else []):
            for (frame,), rotations, trans, residual in self._follow(
                *here, [start.frame], [[frame] for frame in order]
            ):
                solved[frame] = rotations, trans
                if len(solved) % 8 == 0:
                    yield Progress(stage, len(solved), len(frames), float(residual[0]))
        yield Progress(stage, len(frames), len(frames))
        rotations, trans = zip(*(solved[f] for f in frames))
        xp = self.backend.xp
        return Poses(self.backend.numpy(xp.concat(rotations)), self.backend.numpy(xp.concat(trans)))

    def run_in_lanes(self, start: Start, count: int) -> Iterator[Progress]:
        """`run` over the whole take, in about `count` stretches that are solved side by side, as one batch.

        Each lane goes away from the start, as `run` does. It begins, from nothing, `WARM_UP` frames before its stretch
        (those at the start wait there), which makes it forget how it began: at the seams the poses are those of the
        lane before. Yields `Progress` and returns `Poses`.
        """
        length = -(-len(self) // count)
        ahead, back = np.arange(start.frame, len(self), length), np.arange(start.frame, -1, -length)
        first, direction = np.concatenate([ahead, back]), np.repeat([1, -1], [len(ahead), len(back)])
        steps = np.arange(-WARM_UP, length)
        path = first + direction * steps[:, None]
        own = (steps[:, None] >= 0) & (path >= 0) & (path < len(self))
        path = np.where(direction > 0, np.clip(path, start.frame, len(self) - 1), np.clip(path, 0, start.frame))
        begun = self._from_nothing(path[0], thorough=False)[0]
        at_start = path[0] == start.frame
        begun.rotations[at_start], begun.trans[at_start] = start.rotations, start.trans
        rotations, trans = np.empty((len(self), NUM_JOINTS, 3, 3)), np.empty((len(self), 3))
        lanes = self._follow(self.backend.array(begun.rotations), self.backend.array(begun.trans), path[0], path)
        for step, (frames, lane_rotations, lane_trans, residual) in enumerate(lanes):
            kept = own[step]
            rotations[frames[kept]] = self.backend.numpy(lane_rotations)[kept]
            trans[frames[kept]] = self.backend.numpy(lane_trans)[kept]
            yield Progress("solve", len(self) * (step + 1) // len(path), len(self), float(residual[0]))
        return Poses(rotations, trans)

    def _follow(self, rotations, trans, at: Sequence[int], path: Iterable[Sequence[int]]):
        """B poses, solved `at` (B,) frames, along a path of B frames a step; a pose stays while its frame does.

        Yields frames, rotations, trans and residuals (B,) in metres.
        """
        at, accepted = np.asarray(at), np.zeros(len(trans))
        for frames in path:
            frames = np.asarray(frames)
            moves = frames != at
            state = self._step(rotations, trans, frames)
            residual = self._mean_residual(state, frames)
            lost = moves & (residual > np.maximum(LOST, 1.25 * accepted))
            if lost.any():
                state, residual = self._recovered(state, residual, frames, lost)
            accepted = np.where(lost, residual, np.where(residual < LOST, 0.0, accepted))
            new, old = Poses(orthonormalise(state.rotations), state.trans), Poses(rotations, trans)
            moved = choose(self.backend.xp, self._mask(moves), new, old)
            rotations, trans, at = moved.rotations, moved.trans, frames
            yield frames, rotations, trans, residual

    def improved(self, poses: Poses, frames: Sequence[int]) -> Iterator[Progress]:
        """Predict and polish some frames from the poses they have, in large batches and each frame on its own.

        Yields `Progress` and returns `Poses`.
        """
        frames, done = list(frames), []
        for start in range(0, len(frames), FRAMES_AT_ONCE):
            some = slice(start, start + FRAMES_AT_ONCE)
            state = self._step(
                self.backend.array(poses.rotations[some]), self.backend.array(poses.trans[some]), frames[some]
            )
            done.append((self.backend.numpy(state.rotations), self.backend.numpy(state.trans)))
            yield Progress("refine", min(start + FRAMES_AT_ONCE, len(frames)), len(frames))
        rotations, trans = zip(*done)
        return Poses(np.concatenate(rotations), np.concatenate(trans))

    def settle(self, poses: Poses, frames: Sequence[int], steps: int) -> Poses:
        """Polish some frames from the poses they have, all at once and each on its own."""
        state = self.model.state(self.backend.array(poses.rotations), self.backend.array(poses.trans))
        free = Anchor(state.rotations, self.backend.array(np.full(NUM_JOINTS, 1e-9)))
        done = polish(self.model, state, self.targets(list(frames)), free, self.prior, steps=steps)
        return Poses(self.backend.numpy(done.state.rotations), self.backend.numpy(done.state.trans))

    def residual(self, poses: Poses, frames: Sequence[int]) -> np.ndarray:
        """(N,K) metres between each keypoint and its site in N frames, NaN where the keypoint is missing."""
        frames = np.asarray(frames)
        out = np.empty((len(frames), self.weights.shape[1]))
        for start in range(0, len(frames), FRAMES_AT_ONCE):
            some = slice(start, start + FRAMES_AT_ONCE)
            state = self.model.state(self.backend.array(poses.rotations[some]), self.backend.array(poses.trans[some]))
            miss = self.backend.numpy(state.keypoints) - self.positions[frames[some]]
            out[some] = np.linalg.norm(miss, axis=-1)
        out[self.weights[frames] == 0] = np.nan
        return out

    def _recovered(self, state: State, residual: np.ndarray, frames: np.ndarray, lost: np.ndarray):
        """The state, and its residuals (B,), with lost frames solved from nothing where that meets keypoints better."""
        poses, _ = self._from_nothing(frames[lost])
        rotations, trans = self.backend.numpy(state.rotations), self.backend.numpy(state.trans)
        rotations[lost], trans[lost] = poses.rotations, poses.trans
        fresh = self.model.state(self.backend.array(rotations), self.backend.array(trans))
        fresh_residual = self._mean_residual(fresh, frames)
        found = lost & (fresh_residual < 0.85 * residual)
        state = choose(self.backend.xp, self._mask(found), fresh, state)
        return state, np.where(found, fresh_residual, residual)

    def _mask(self, values: np.ndarray):
        """Truth values (B,) on the backend."""
        return self.backend.indices(values) > 0

    def _step(self, rotations, trans, frames: Sequence[int]) -> State:
        """Frames from the poses before them: predicted, then polished and anchored to the prediction."""
        targets = self.targets(frames)
        state, anchor = self._predicted(centred(self.model, self.model.state(rotations, trans), targets), targets)
        if self.options.polish == 0:
            return state
        return polish(self.model, state, targets, anchor, self.prior, steps=self.options.polish).state

    def _predicted(self, state: State, targets: Targets) -> tuple[State, Anchor]:
        """The next poses by the network, or, without it, the poses before them; and how firmly to hold on to them."""
        if self.network is None:
            return state, Anchor(state.rotations, self.backend.array(np.full(NUM_JOINTS, self.anchor)))
        mask = self.backend.xp.astype(targets.weights > 0, targets.weights.dtype)
        seen = Observation(targets.positions, state.keypoints, mask, state.rotations, state.joints[:, 0], self.bones)
        prediction = self.network.predict(seen)
        state = centred(self.model, self.model.state(prediction.rotations, state.trans), targets)
        firmness = self.anchor * (TYPICAL_SPREAD / prediction.spread) ** 2
        return state, Anchor(prediction.rotations, firmness)

    def _mean_residual(self, state: State, frames: np.ndarray) -> np.ndarray:
        """(B,) metres, NaN where a frame shows no keypoint."""
        seen = self.weights[frames] > 0
        miss = np.linalg.norm(self.backend.numpy(state.keypoints) - self.positions[frames], axis=-1)
        count = seen.sum(axis=1)
        return np.where(count > 0, (miss * seen).sum(axis=1) / np.maximum(count, 1), np.nan)
