"""`PinnedJoints`: rotations of joints that an animator fixed in some frames, and that a solve has
to keep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..backends.arrays import Backend
from ..body.skeleton import ANCESTORS, BONE_NAMES, JOINT_NAMES, NUM_JOINTS
from ..errors import SolveError
from .polish import Anchor
from .poses import Poses

PIN_WEIGHT = 1e4
"""Weight in m²/rad² of a pinned joint where no keypoint weighs more than 1: all keypoints of a
body, a metre off, turn it by less than half a degree."""


LIMBS = "shoulder", "elbow", "wrist", "hand", "hip", "knee", "ankle", "foot", "head"
"""Joints that decide where a limb goes, as they end. Others, pinned, leave that to the limbs."""


@dataclass(frozen=True)
class PinnedJoints:
    """Of N joints (N,), numbers of `BONE_NAMES` (SMPL's, then the fingers'), in `frames` (N,),
    counted from the take's first as 0: rotations (N,3,3) against the parent joint; the pelvis'
    against the world; a finger's as `Motion.fingers` counts them. Of two pins of a joint in one
    frame the later one counts."""

    frames: np.ndarray
    joints: np.ndarray
    rotations: np.ndarray

    def __post_init__(self):
        for name, kind in (("frames", np.int64), ("joints", np.int64), ("rotations", np.float64)):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=kind))

    def __len__(self) -> int:
        return len(self.frames)

    def checked(self, frames: int) -> PinnedJoints:
        """These pins, for a take of so many frames. Raises `SolveError`."""
        count = len(self.frames)
        if (
            self.frames.shape != (count,)
            or self.joints.shape != (count,)
            or self.rotations.shape != (count, 3, 3)
        ):
            raise SolveError(
                f"pins have frames {self.frames.shape}, joints {self.joints.shape} and rotations "
                f"{self.rotations.shape}; expected (N,), (N,) and (N, 3, 3)"
            )
        if count and not (self.frames.min() >= 0 and self.frames.max() < frames):
            raise SolveError(
                f"pins are in frames {self.frames.min()} to {self.frames.max()}; there are {frames}"
            )
        if count and not (self.joints.min() >= 0 and self.joints.max() < len(BONE_NAMES)):
            raise SolveError(
                f"pins are of joints {self.joints.min()} to {self.joints.max()}; there are "
                f"{len(BONE_NAMES)}"
            )
        product = self.rotations @ np.swapaxes(self.rotations, -1, -2)
        if (
            not np.allclose(product, np.eye(3), atol=1e-3)
            or (np.linalg.det(self.rotations) < 0.0).any()
        ):
            raise SolveError("pins hold matrices that are no rotations")
        return self

    @property
    def of_body(self) -> PinnedJoints:
        """Those of SMPL's joints."""
        return self._which(self.joints < NUM_JOINTS)

    @property
    def of_fingers(self) -> PinnedJoints:
        """Those of fingers, whose joints are then counted from the first of theirs."""
        some = self._which(self.joints >= NUM_JOINTS)
        return PinnedJoints(some.frames, some.joints - NUM_JOINTS, some.rotations)

    def _which(self, mask: np.ndarray) -> PinnedJoints:
        return PinnedJoints(self.frames[mask], self.joints[mask], self.rotations[mask])

    def at(self, frames: Sequence[int] | np.ndarray) -> Held | None:
        """What is held in each of B frames; None where nothing is."""
        rows = [
            (b, row) for b, frame in enumerate(frames) for row in self._by_frame.get(int(frame), ())
        ]
        if not rows:
            return None
        rotations = np.tile(np.eye(3), (len(frames), NUM_JOINTS, 1, 1))
        joints = np.zeros((len(frames), NUM_JOINTS), dtype=bool)
        for b, row in rows:
            rotations[b, self.joints[row]], joints[b, self.joints[row]] = self.rotations[row], True
        return Held(rotations, joints)

    def heeded(
        self, weights: np.ndarray, parent_joints: np.ndarray, placed: np.ndarray | None = None
    ) -> np.ndarray:
        """Weights (T,K) of a take's keypoints, which go with the joints parent_joints (K,), with
        the pins heeded.

        Where a joint of a limb is pinned, keypoints further along the limb say nothing in that
        frame: whoever turned it said where it goes, and the trunk would twist to meet them
        nevertheless. Those that somebody placed, too, (T,K) bool, go on counting; None are those
        that weigh more than 1.
        """
        weights, placed = weights.copy(), weights > 1.0 if placed is None else placed
        for frame, joint in zip(self.frames, self.joints):
            if JOINT_NAMES[joint].endswith(LIMBS):
                weights[frame, ANCESTORS[parent_joints, joint] & ~placed[frame]] = 0.0
        return weights

    def applied_to(self, poses: Poses) -> Poses:
        """A whole take's poses with these joints turned exactly so."""
        rotations = poses.rotations.copy()
        rotations[self.frames, self.joints] = self.rotations
        return Poses(rotations, poses.trans)

    @cached_property
    def _by_frame(self) -> dict[int, list[int]]:
        by_frame: dict[int, list[int]] = {}
        for row, frame in enumerate(self.frames.tolist()):
            by_frame.setdefault(frame, []).append(row)
        return by_frame


@dataclass(frozen=True)
class Held:
    """In B frames: rotations (B,24,3,3) of the joints that are held, and which those are (B,24),
    both in NumPy."""

    rotations: np.ndarray
    joints: np.ndarray

    def put(self, backend: Backend, rotations: Any) -> Any:
        """Rotations (B,24,3,3) with the held ones in their places."""
        held = backend.xp.broadcast_to(self._mask(backend)[..., None, None], rotations.shape)
        return backend.xp.where(held, backend.array(self.rotations), rotations)

    def anchor(self, backend: Backend, anchor: Anchor, weights: Any) -> Anchor:
        """An anchor that holds them firmly against keypoints with weights (B,K)."""
        xp = backend.xp
        firm = PIN_WEIGHT * xp.clip(xp.max(weights, axis=-1, keepdims=True), 1.0)
        loose = xp.broadcast_to(anchor.weights, self.joints.shape)
        return Anchor(
            self.put(backend, anchor.rotations), xp.where(self._mask(backend), firm, loose)
        )

    def _mask(self, backend: Backend) -> Any:
        return backend.indices(self.joints) > 0
