"""`Problem`: what a solve minimises over the poses of a take. It never changes: with another noise
it is another one.

problem = Problem.of(track, body, parts, betas, backend, options)
tracker = Tracker.of(problem)                                       # tracking.py
poses = yield from one_after_another(tracker, start, frames)        # sequences.py
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ..backends.arrays import Backend, on_host
from ..body.body import Body
from ..body.kinematics import KeypointModel, State
from ..body.sites import SiteParts
from ..body.skeleton import NUM_JOINTS
from ..keypoints.track import KeypointTrack
from ..rotation import log_map
from .estimates import Estimate
from .limb_planes import LimbPlanes, Sharing
from .noise import noise_share
from .options import SolveOptions
from .polish import Prior, Targets
from .poses import Poses
from .prior import pose_prior

CPU_BATCH, LARGE_BATCH = 64, 512
"""Frames that are computed at once, each on its own: what stays in a CPU's cache; and where calling
for a computation takes longer than some of its frames do, on a GPU and by the compiled kernels."""
UNKNOWN_NOISE = 0.001
"""Metres of noise that are expected before it is measured."""
MISFIT = 0.3
"""Share of the sites' displacement, root mean square in each axis, that is still wrong in other
poses: by which trunks are nearest on made-up skeletons (`docs/accuracy.md`)."""
TRUSTED_WEIGHT = 25.0
"""How much a keypoint counts that somebody placed by hand; one that was seen counts 1 at most."""


@dataclass(frozen=True, eq=False)
class Problem:
    """A take's keypoints as targets, the keypoint model of one body shape that is to meet them, and
    their noise.

    Of the subject: betas (10,), and offsets (K,3), metres by which sites are off in the rest frame,
    None where they are not; parts with these offsets. Of T frames: positions (T,K,3) in metres, 0
    where a keypoint is missing; confidence (T,K) and trusted (T,K), which was placed by hand, and
    undoubted (T,K), which is not to be disbelieved; weights (T,K), how much each counts. noise:
    metres by which keypoints are off in each axis, one standard deviation, that anchor and prior
    are weighed for. sharing: how the subject's limbs share turns. typical (69,): axis-angles of the
    body's joints as they are known of some frame, None of none. estimate: poses of all frames to
    stay near, None where there are none.
    """

    body: Body
    betas: np.ndarray
    offsets: np.ndarray | None
    parts: SiteParts
    model: KeypointModel
    sites: Sequence[str]
    positions: np.ndarray
    confidence: np.ndarray
    trusted: np.ndarray
    undoubted: np.ndarray
    weights: np.ndarray
    noise: float
    sharing: Sharing
    typical: np.ndarray | None
    estimate: Estimate | None
    options: SolveOptions
    fps: float
    source: str

    @classmethod
    def of(
        cls,
        track: KeypointTrack,
        body: Body,
        parts: SiteParts,
        betas: np.ndarray,
        backend: Backend,
        options: SolveOptions,
        offsets: np.ndarray | None = None,
        noise: float | None = None,
    ) -> Problem:
        """noise: None is the options', or `UNKNOWN_NOISE` where these have none. Raises what
        `SolveOptions.checked` does."""
        options = options.checked()
        if noise is None:
            noise = UNKNOWN_NOISE if options.noise is None else options.noise
        parts = parts if offsets is None else parts.displaced(offsets)
        return cls(
            body=body,
            betas=betas,
            offsets=offsets,
            parts=parts,
            model=KeypointModel.build(
                backend, body.rest_joints(betas), parts, parts.moments(betas)
            ),
            sites=track.layout.sites,
            positions=np.where(track.visible[..., None], track.positions, 0.0),
            confidence=track.confidence,
            trusted=track.user_edited,
            undoubted=track.undoubted,
            weights=np.where(track.user_edited, TRUSTED_WEIGHT, track.confidence),
            noise=float(noise),
            sharing=Sharing.of_anybody(),
            typical=None,
            estimate=None,
            options=options,
            fps=track.fps,
            source=track.source or "the track",
        )

    def __len__(self) -> int:
        return len(self.positions)

    def with_noise(self, noise: float) -> Problem:
        """The same for keypoints that are off by `noise` metres in each axis."""
        return replace(self, noise=float(noise))

    def with_known(self, rotations: np.ndarray) -> Problem:
        """The same with what true or roughly true poses (N,24,3,3) of successive frames tell of the
        subject."""
        sharing = Sharing.of_poses(self.rest_joints, rotations, self.fps)
        return replace(
            self, sharing=sharing, typical=log_map(rotations[:, 1:]).mean(axis=0).ravel()
        )

    def with_typical(self, pose: np.ndarray | None) -> Problem:
        """The same for a subject of whom a typical pose (69,), axis-angles of joints 1 to 23, is
        known, or None."""
        return replace(self, typical=pose)

    def sharing_as(self, sharing: Sharing) -> Problem:
        """The same for a subject whose limbs share turns in this way."""
        return replace(self, sharing=sharing)

    def near(self, estimate: Estimate) -> Problem:
        """The same with poses of all frames to stay near, as far as keypoints do not tell
        otherwise."""
        return replace(self.with_known(estimate.rotations), estimate=estimate)

    def with_options(self, options: SolveOptions) -> Problem:
        """The same for another solver, with the noise that is expected now."""
        return replace(self, options=options)

    def with_weights(self, weights: np.ndarray) -> Problem:
        """The same with other weights (T,K) of the keypoints."""
        return replace(self, weights=weights)

    def disbelieving(self, doubted: np.ndarray) -> Problem:
        """The same without keypoints (T,K)."""
        confidence, weights = (np.where(doubted, 0.0, a) for a in (self.confidence, self.weights))
        return replace(self, confidence=confidence, weights=weights)

    @property
    def backend(self) -> Backend:
        return self.model.backend

    @property
    def batch(self) -> int:
        """Frames to compute at once, of those that are computed each on its own."""
        with_numpy = on_host(self.model.rest_joints) and not self.backend.kernels
        return CPU_BATCH if with_numpy else LARGE_BATCH

    @cached_property
    def rest_joints(self) -> np.ndarray:
        """(24,3) metres."""
        return self.body.rest_joints(self.betas)

    @cached_property
    def rest_positions(self) -> np.ndarray:
        """(K,3) metres: where the sites are in the rest pose."""
        return self.parts.rest_positions(self.betas)

    @cached_property
    def prior(self) -> Prior:
        """The pose prior as it counts beside keypoints with this noise."""
        return pose_prior(
            self.backend,
            self.prior_weight,
            self.planes(self.backend),
            self.typical,
            self.trunk_weight,
            self.sharing.kind,
        )

    @property
    def prior_weight(self) -> float:
        """Of the pose prior, in m²."""
        return float(noise_share(np.asarray(self.noise))) * self.options.prior

    @property
    def trunk_weight(self) -> float:
        """Of the pose prior for the trunk at least, in m².

        Where sites had to be displaced, the body is not the one that the keypoints were on. What
        is wrong about it is no noise, and would bend the trunk.
        """
        if self.offsets is None:
            return 0.0
        misfit = MISFIT * float(np.sqrt(np.mean(np.square(self.offsets))))
        return float(noise_share(np.hypot(self.noise, misfit))) * self.options.prior

    def planes(self, backend: Backend) -> LimbPlanes:
        """The law by which the subject's limbs share turns, as it counts beside keypoints with this
        noise."""
        return LimbPlanes.build(backend, self.rest_joints, self.sharing, self.prior_weight)

    @property
    def least_prior_weight(self) -> np.ndarray:
        """(24,) in m²/rad²: what holds joints in poses that are kept as far as keypoints let
        them."""
        return np.full(NUM_JOINTS, float(noise_share(np.asarray(self.noise))) * self.options.anchor)

    def targets(self, frames: Sequence[int] | np.ndarray) -> Targets:
        """Of some frames, on the backend."""
        return Targets(
            self.backend.array(self.positions[frames]), self.backend.array(self.weights[frames])
        )

    def state(self, poses: Poses) -> State:
        """Of the keypoint model, on the backend."""
        return self.model.state(
            self.backend.array(poses.rotations), self.backend.array(poses.trans)
        )
