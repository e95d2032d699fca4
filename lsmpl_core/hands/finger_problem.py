"""`FingerProblem`: what is minimised of ten fingers in each frame, and its minimum by
Levenberg-Marquardt; array API (NumPy and torch), some frames at once.

Shapes: T frames, F = 10 fingers, 3 joints and 3 points of each, 9 unknowns (bend, spread and twist
of the first joint, of the second, of the third).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..backends.arrays import Backend
from ..body.fingers import Fingers
from ..keypoints.hand_points import FINGERS
from .finger_batch import END_SHARE, UNKNOWNS, FingerBatch
from .palm import HandMeasures

FINGER_SIGMA = np.radians([[35.0, 12.0, 8.0], [35.0, 5.0, 5.0], [25.0, 5.0, 5.0]])
THUMB_SIGMA = np.radians([[24.0, 24.0, 14.0], [30.0, 7.0, 6.0], [36.0, 4.0, 4.0]])
"""(3,3) radians about the relaxed pose: of each joint its bend, spread and twist. Middle and end
joints bend in one plane within 3.3 degrees (median of sample hands), but whole fingers turn about
themselves: of eight signers' hands a fifth of the points, hidden, were found 13 % nearer so than
with a third to a half less of spread and twist."""
RELAXED_BENDS = {"thumb": np.radians([0.0, 12.0, 15.0])}
RELAXED_BEND = np.radians([22.0, 30.0, 18.0])
"""(3,) radians by which a hand at rest bends each joint, counted from a flat hand."""
END_SIGMA = np.radians(14.0)
"""How strictly the end joint bends with the middle one."""
FINGER_LIMITS = np.radians([[-35.0, 95.0], [-8.0, 118.0], [-12.0, 95.0]])
THUMB_LIMITS = np.radians([[-45.0, 55.0], [-20.0, 75.0], [-30.0, 95.0]])
"""(3,2) radians that people bend each joint by, counted from a flat hand."""
SPREAD_LIMIT = np.radians(30.0)
LEAST_OUTLIER_M = 0.012
"""From which on at the least a point counts less and less."""
FRAMES_AT_ONCE = 512


@dataclass(frozen=True, eq=False)
class FingerProblem:
    """axes (10,3,3,3) of the joints at rest; base (10,3) and bones (10,3,3) metres, in the palm's
    frame at rest; targets (T,10,3,3) the points beyond the first joint, confidence (T,10,3), 0
    where there is none; noise in metres; relaxed (T,10,9) and sigma (10,9); rest_bends (10,3); low
    and high (10,4), the limits of `LIMITED`; end_weight in 1/radians², of ends that bend with the
    middle joints; outlier in metres, beyond which a point counts less and less. NumPy's arrays; the
    backend computes.
    """

    axes: Any
    base: Any
    bones: Any
    targets: Any
    confidence: Any
    noise: float
    relaxed: Any
    sigma: Any
    rest_bends: Any
    low: Any
    high: Any
    backend: Backend
    end_weight: float = END_SIGMA**-2
    outlier: float = LEAST_OUTLIER_M

    @classmethod
    def of(
        cls,
        fingers: Fingers,
        measures: HandMeasures,
        targets: np.ndarray,
        confidence: np.ndarray,
        backend: Backend,
    ) -> FingerProblem:
        axes = fingers.frames.reshape(10, 3, 3, 3)
        rest_bends = fingers.rest_bends.reshape(10, 3)
        thumbs = np.array([name == "thumb" for name in FINGERS * 2])
        bends = np.array([RELAXED_BENDS.get(name, RELAXED_BEND) for name in FINGERS * 2])
        relaxed = np.zeros((10, 3, 3))
        relaxed[:, :, 0] = bends - rest_bends
        limits = np.where(thumbs[:, None, None], THUMB_LIMITS, FINGER_LIMITS)
        limits = limits - rest_bends[..., None]
        spread = np.full((10, 1), SPREAD_LIMIT)
        return cls(
            axes=axes,
            base=measures.bases[:, 1:].reshape(10, 3),
            bones=axes[..., 2] * measures.bones.reshape(10, 3, 1),
            targets=np.nan_to_num(targets),
            confidence=np.where(np.isfinite(targets).all(axis=-1), confidence, 0.0),
            noise=measures.noise,
            relaxed=np.broadcast_to(relaxed.reshape(10, UNKNOWNS), (len(targets), 10, UNKNOWNS)),
            sigma=np.where(thumbs[:, None, None], THUMB_SIGMA, FINGER_SIGMA).reshape(10, UNKNOWNS),
            rest_bends=rest_bends,
            low=np.concatenate([limits[..., 0], -spread], axis=-1),
            high=np.concatenate([limits[..., 1], spread], axis=-1),
            backend=backend,
        )

    def frames(self, rows: np.ndarray) -> FingerProblem:
        """The problem of some frames."""
        of_frames = (self.targets, self.confidence, self.relaxed)
        targets, confidence, relaxed = (array[rows] for array in of_frames)
        return replace(self, targets=targets, confidence=confidence, relaxed=relaxed)

    def points(self, q: np.ndarray) -> np.ndarray:
        """(T,10,3,3) of q (T,10,9): second and third joint, and tip."""
        return self._over(q, lambda batch, q: (batch.points(q),))[0]

    def terms(self, q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Gradient (T,10,9) and Gauss-Newton's Hessian (T,10,9,9) of each frame at q (T,10,9)."""
        gradient, hessian = self._over(q, lambda batch, q: batch.equations(q))
        return gradient, hessian

    def stepped(self, q: np.ndarray) -> np.ndarray:
        """(T,10,9): one step of Gauss and Newton from q, which is nearly there."""
        return self._over(q, lambda batch, q: (batch.stepped(q),))[0]

    def polished(self, q: np.ndarray) -> np.ndarray:
        """(T,10,9), each frame by itself from q."""
        return self._over(q, lambda batch, q: (batch.polished(q),))[0]

    def _over(self, q: np.ndarray, work: Callable) -> list[np.ndarray]:
        """What `work` gives of the fingers of some frames after the others, put together."""
        results = []
        for start in range(0, len(q), FRAMES_AT_ONCE):
            some = np.array(q[start : start + FRAMES_AT_ONCE])
            batch = self._batch(slice(start, start + len(some)))
            found = work(batch, self.backend.array(some.reshape(-1, UNKNOWNS)))
            arrays = [self.backend.numpy(array) for array in found]
            results.append([array.reshape(len(some), 10, *array.shape[1:]) for array in arrays])
        return [np.concatenate(arrays) for arrays in zip(*results)]

    def _batch(self, some: slice) -> FingerBatch:
        """The fingers of some frames, on the backend."""
        across = np.swapaxes(self.axes, -1, -2)
        of_fingers = {
            "axes": self.axes[:, 0],
            "between": across[:, :-1] @ self.axes[:, 1:],
            "base": self.base,
            "bones": (across @ self.bones[..., None])[..., 0],
            "sigma": self.sigma,
            "ends": self.rest_bends[:, 2] - END_SHARE * self.rest_bends[:, 1],
            "low": self.low,
            "high": self.high,
        }
        of_frames = {
            "targets": self.targets[some],
            "confidence": self.confidence[some],
            "relaxed": self.relaxed[some],
        }
        frames = len(of_frames["targets"])
        flat = {name: np.tile(a, (frames, *[1] * (a.ndim - 1))) for name, a in of_fingers.items()}
        flat |= {name: a.reshape(-1, *a.shape[2:]) for name, a in of_frames.items()}
        arrays = {name: self.backend.array(np.array(array)) for name, array in flat.items()}
        return FingerBatch(
            **arrays, noise=self.noise, outlier=self.outlier, end_weight=self.end_weight
        )
