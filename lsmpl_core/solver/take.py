"""`Take`: one track on one body shape, ready to be solved; where to start it, and how to go on from frame to frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from weakref import WeakMethod

import numpy as np

from ..backends.arrays import Backend, on_host
from ..body.body import Body
from ..body.kinematics import UNKNOWNS, KeypointModel
from ..body.sites import SiteParts
from ..body.skeleton import NUM_JOINTS
from ..errors import SolveError
from ..keypoints.track import KeypointTrack
from ..progress import Progress
from ..rotation import exp_map, orthonormalise
from .network import Network, load_network, rest_bones
from .noise import noise_share
from .options import SolveOptions
from .pinned_joints import PinnedJoints
from .polish import Anchor, Targets, polish
from .poses import Poses
from .predictors import NetworkPredictor, Predictor, PreviousFramePredictor
from .prior import pose_prior
from .shape import PoseFit
from .start import LAST_STEPS, centred, start_poses
from .tracking import Tracker

FRAMES_AT_ONCE = 64
"""Of a batch: what stays in a CPU's cache."""
ON_A_GPU = 512
"""The same on a GPU, where starting a computation takes longer than its frames do."""
UNKNOWN_NOISE = 0.001
"""Metres of noise that are expected before it is measured."""
LEAST_HOLD = 1e-9
"""Weight in m²/rad² with which a settling pose is held, so that what nothing says is defined."""
TRUSTED = 25.0
"""How much a keypoint counts that somebody placed by hand; one that was seen counts 1 at most."""
DAMPING = 1e-4
"""First damping, in m²/rad², of what is posed by hand, where no keypoint weighs more than 1: with less, far targets are
overshot."""
WARM_UP, FADE = 50, 30
"""Frames a chunk goes before its own, and beyond them while the next one fades in."""


@dataclass(frozen=True)
class Start:
    """A solved frame to go on from: its index, rotations (24,3,3) and trans (3,)."""

    frame: int
    rotations: np.ndarray
    trans: np.ndarray


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
        self.body, self.betas, self.offsets = body, betas, site_offsets
        if site_offsets is not None:
            parts = parts.displaced(site_offsets)
        self.backend, self.parts = backend, parts
        self.rest_joints = body.rest_joints(betas)
        self.rest_positions = parts.rest_positions(betas)
        self.model = KeypointModel.build(backend, self.rest_joints, parts, parts.moments(betas))
        self.options = options.checked()
        self.sites, self.fps = track.layout.sites, track.fps
        self.positions = np.where(track.visible[..., None], track.positions, 0.0)
        self.confidence = track.confidence
        self.trusted = track.placed
        self.weights = np.where(self.trusted, TRUSTED, track.confidence)
        self.source = track.source or "the track"
        self.expect_noise(UNKNOWN_NOISE if options.noise is None else options.noise)

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def at_once(self) -> int:
        """Frames of a batch of those that are computed each on its own."""
        return FRAMES_AT_ONCE if on_host(self.model.rest_joints) else ON_A_GPU

    def expect_noise(self, noise: float) -> None:
        """Weigh anchor and prior for keypoints that are off by `noise` metres in each axis."""
        self.noise = float(noise)
        self.prior = pose_prior(self.backend, float(noise_share(np.asarray(noise))) * self.options.prior)
        self.__dict__.pop("tracker", None)

    def solved_by(self, options: SolveOptions) -> Take:
        """The same take for another solver, with the noise that is expected now."""
        if options == self.options:
            return self
        take = copy(self)
        take.options = options
        take.expect_noise(self.noise)
        return take

    @cached_property
    def network(self) -> Network:
        return load_network(self.backend.single, self.sites)

    def _predictor(self) -> Predictor:
        options, single = self.options, self.backend.single
        if options.solver == "network":
            bones = single.array(rest_bones(self.rest_joints)[None])
            return NetworkPredictor(self.network, bones, single.array([self.noise]), options.anchor)
        held = single.array(self.least_prior_weight)
        if options.solver == "polish":
            return PreviousFramePredictor(held)
        from .published_predictor import PublishedPredictor

        return PublishedPredictor.load(
            options.checkpoint, self.body, self.betas, self.sites, self.offsets, self.backend, held
        )

    @cached_property
    def tracker(self) -> Tracker:
        """For the noise that is expected now. It refers weakly to the take: otherwise they would keep one another, with
        all their arrays, until the garbage collector comes by, and a batch would grow by megabytes with every take."""
        cold_start = WeakMethod(self.cold_start)
        return Tracker(
            self.backend,
            self.model,
            self._predictor(),
            self.positions,
            self.weights,
            self.noise,
            self.options,
            lambda frames: cold_start()(frames)[0],
        )

    @property
    def least_prior_weight(self) -> np.ndarray:
        """(24,) in m²/rad²: what holds joints in poses that are kept as far as keypoints let them."""
        return np.full(NUM_JOINTS, float(noise_share(np.asarray(self.noise))) * self.options.anchor)

    def with_targets(
        self,
        positions: np.ndarray,
        weights: np.ndarray,
        pins: PinnedJoints | None = None,
        placed: np.ndarray | None = None,
    ) -> Tracker:
        """A tracker for frames posed by hand: other positions (B,K,3), finite everywhere, and weights (B,K), of any
        size; and pins in frames 0 to B-1, which are heeded (`PinnedJoints.heeded`)."""
        if pins is not None:
            weights = pins.heeded(weights, self.parts.parent_joint, placed)
        tracker = self.tracker.with_targets(positions, weights, pins)
        tracker.damping = DAMPING * max(1.0, float(weights.max(initial=0.0)))
        return tracker

    def pose_fit(self, poses: Poses, frames: Sequence[int]) -> PoseFit:
        """What settled poses leave for the shape to explain."""
        frames = list(frames)
        state = self.model.state(self.backend.array(poses.rotations), self.backend.array(poses.trans))
        jacobian = self.backend.numpy(self.model.jacobian(state)).reshape(len(frames), -1, UNKNOWNS)
        weights = self.confidence[frames]
        rows = np.repeat(weights, 3, axis=1)[..., None]
        hessian = np.swapaxes(jacobian * rows, 1, 2) @ jacobian
        return PoseFit(
            poses.rotations,
            self.backend.numpy(state.world),
            weights,
            self.positions[frames] - self.backend.numpy(state.keypoints),
            jacobian,
            hessian,
            hessian + self.backend.numpy(self.prior.hessian) + LEAST_HOLD * np.eye(UNKNOWNS),
        )

    def measured_noise(self, poses: Poses, frames: Sequence[int]) -> float:
        """Metres in each axis, from poses that were settled on their keypoints."""
        return self.pose_fit(poses, frames).noise

    def targets(self, frames) -> Targets:
        """Of some frames, on the backend."""
        return Targets(self.backend.array(self.positions[frames]), self.backend.array(self.weights[frames]))

    def best_seen(self, count: int) -> np.ndarray:
        """Up to `count` frames, well seen and apart from each other in time."""
        seen = self.confidence.sum(axis=1)
        stretches = np.array_split(np.arange(len(self)), min(count, len(self)))
        best = np.array([stretch[np.argmax(seen[stretch])] for stretch in stretches])
        return best[seen[best] >= 0.8 * seen[best].max()]

    def cold_starts(self, count: int = 4) -> list[Start]:
        """Well-seen frames all over the take, each solved cold, the best solved first."""
        frames = self.best_seen(count)
        poses, cost = self.cold_start(frames)
        order = np.argsort(cost / np.maximum(self.confidence[frames].sum(axis=1), 1e-9))
        return [Start(int(frames[i]), poses.rotations[i], poses.trans[i]) for i in order]

    def cold_start(self, frames: np.ndarray, thorough: bool = True) -> tuple[Poses, np.ndarray]:
        """Poses of some frames (F,), each solved on its own, and their costs (F,) in m² (`start.start_poses`)."""
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
        here = self.tracker.state(Poses(start.rotations[None], start.trans[None]))
        solved = {start.frame: Poses(start.rotations[None], start.trans[None])}
        for order in (frames[middle + 1 :], frames[middle - 1 :: -1] if middle else []):
            path = np.reshape(order, (-1, 1))
            for (frame,), poses, residual in self.tracker.follow(here, [start.frame], path):
                solved[frame] = poses
                if len(solved) % 8 == 0:
                    yield Progress(stage, len(solved), len(frames), float(residual[0]))
        yield Progress(stage, len(frames), len(frames))
        rotations, trans = zip(*((solved[f].rotations, solved[f].trans) for f in frames))
        return Poses(orthonormalise(np.concatenate(rotations)), np.concatenate(trans))

    def run_in_chunks(self, start: Start, count: int) -> Iterator[Progress]:
        """`run` over the whole take, in about `count` stretches that are solved side by side, as one batch.

        Each chunk goes away from the start, as `run` does. It begins cold, `WARM_UP` frames before its stretch
        (those at the start wait there), which makes it forget most of how it began. It goes on for `FADE` frames beyond
        its stretch, in which the next chunk is faded in. Yields `Progress` and returns `Poses`.
        """
        path, share = plan_chunks(len(self), start.frame, count)
        begun = self.cold_start(path[0], thorough=False)[0]
        waits = path[0] == start.frame
        begun.rotations[waits], begun.trans[waits] = start.rotations, start.trans
        rotations, trans = np.zeros((len(self), NUM_JOINTS, 3, 3)), np.zeros((len(self), 3))
        chunks = self.tracker.follow(self.tracker.state(begun), path[0], path)
        for step, (frames, poses, residual) in enumerate(chunks):
            counts = share[step] > 0.0
            where, weight = frames[counts], share[step, counts]
            rotations[where] += weight[:, None, None, None] * poses.rotations[counts]
            trans[where] += weight[:, None] * poses.trans[counts]
            yield Progress("solve", len(self) * (step + 1) // len(path), len(self), float(residual[0]))
        return Poses(orthonormalise(rotations), trans)

    def improved(self, poses: Poses, frames: Sequence[int]) -> Iterator[Progress]:
        """Predict and polish some frames from the poses they have, in large batches and each frame on its own.

        Yields `Progress` and returns `Poses`.
        """
        frames, done = list(frames), []
        for start in range(0, len(frames), self.at_once):
            some = slice(start, start + self.at_once)
            before = self.tracker.state(Poses(poses.rotations[some], poses.trans[some]))
            after = self.tracker.poses(self.tracker.step(before, frames[some]))
            done.append((after.rotations, after.trans))
            yield Progress("refine", min(start + self.at_once, len(frames)), len(frames))
        rotations, trans = zip(*done)
        return Poses(np.concatenate(rotations), np.concatenate(trans))

    def settle(self, poses: Poses, frames: Sequence[int], steps: int) -> Poses:
        """Polish some frames from the poses they have, all at once and each on its own."""
        state = self.model.state(self.backend.array(poses.rotations), self.backend.array(poses.trans))
        free = Anchor(state.rotations, self.backend.array(np.full(NUM_JOINTS, LEAST_HOLD)))
        done = polish(self.model, state, self.targets(list(frames)), free, self.prior, steps=steps)
        return Poses(self.backend.numpy(done.state.rotations), self.backend.numpy(done.state.trans))

    def settled(self, start: Start) -> Start:
        """A start polished with the weights for the noise that is now expected."""
        poses = self.settle(Poses(start.rotations[None], start.trans[None]), [start.frame], LAST_STEPS)
        return Start(start.frame, poses.rotations[0], poses.trans[0])

    def residual(self, poses: Poses, frames: Sequence[int]) -> np.ndarray:
        """(N,K) metres between each keypoint and its site in N frames, NaN where the keypoint is missing."""
        frames = np.asarray(frames)
        out = np.empty((len(frames), self.weights.shape[1]))
        for start in range(0, len(frames), self.at_once):
            some = slice(start, start + self.at_once)
            state = self.model.state(self.backend.array(poses.rotations[some]), self.backend.array(poses.trans[some]))
            miss = self.backend.numpy(state.keypoints) - self.positions[frames[some]]
            out[some] = np.linalg.norm(miss, axis=-1)
        out[self.weights[frames] == 0] = np.nan
        return out


def plan_chunks(frames: int, start: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The frame (S,C) that each of C chunks is at in each of S steps, and how much it counts there (S,C), 0 to 1.

    Chunks go away from `start` in about `count` stretches in all; the shares of every frame sum to 1.
    """
    length = max(-(-frames // count), FADE)
    ahead, back = np.arange(start, frames, length), np.arange(start, -1, -length)
    first, direction = np.concatenate([ahead, back]), np.repeat([1, -1], [len(ahead), len(back)])
    steps = np.arange(-WARM_UP, length + FADE)[:, None]
    path = first + direction * steps
    fading_in = np.where(first == start, 1.0, np.clip((steps + 1) / (FADE + 1), 0.0, 1.0))
    share = np.minimum(fading_in, np.clip((length + FADE - steps) / (FADE + 1), 0.0, 1.0))
    twice = (path == start) & (direction < 0)
    share[(steps < 0) | (path < 0) | (path >= frames) | twice] = 0.0
    low, high = np.where(direction > 0, start, 0), np.where(direction > 0, frames - 1, start)
    return np.clip(path, low, high), share
