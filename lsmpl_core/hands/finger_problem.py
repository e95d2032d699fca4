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
from array_api_compat import array_namespace, device

from ..backends.arrays import Backend, constant
from ..body.fingers import Fingers
from ..keypoints.hand_points import FINGERS
from ..rotation import exp_map, right_jacobian, skew
from .palm import HandMeasures

UNKNOWNS = 9
FINGER_SIGMA = np.radians([[35.0, 9.0, 4.0], [35.0, 3.5, 3.5], [25.0, 3.5, 3.5]])
THUMB_SIGMA = np.radians([[20.0, 20.0, 12.0], [25.0, 6.0, 5.0], [30.0, 3.5, 3.5]])
"""(3,3) radians about the relaxed pose: of each joint its bend, spread and twist. Middle and end
joints bend in one plane within 3.3 degrees (median of sample hands)."""
RELAXED_BENDS = {"thumb": np.radians([0.0, 12.0, 15.0])}
RELAXED_BEND = np.radians([22.0, 30.0, 18.0])
"""(3,) radians by which a hand at rest bends each joint, counted from a flat hand."""
END_SHARE, END_SIGMA = 2.0 / 3.0, np.radians(14.0)
"""The end joint bends by so much of what the middle one does, and how strictly."""
FINGER_LIMITS = np.radians([[-35.0, 95.0], [-8.0, 118.0], [-12.0, 95.0]])
THUMB_LIMITS = np.radians([[-45.0, 55.0], [-20.0, 75.0], [-30.0, 95.0]])
"""(3,2) radians that people bend each joint by, counted from a flat hand."""
SPREAD_LIMIT = np.radians(24.0)
LIMIT_SIGMA = np.radians(2.0)
LIMITED = (0, 3, 6, 1)
"""The unknowns that have limits: the three bends, and the spread."""
OUTLIER_SIGMAS, LEAST_OUTLIER_M = 6.0, 0.012
"""Beyond which a point counts less and less (Geman and McClure)."""
STEPS = 12
FIRST_DAMPING, LEAST_DAMPING = 1.0, 1e-4
FRAMES_AT_ONCE = 512
_TOGETHER = tuple(1.0 if u == 6 else -END_SHARE if u == 3 else 0.0 for u in range(UNKNOWNS))
"""(9,): by how much the end joint bends otherwise than with the middle one."""
_LIMITED = tuple(tuple(float(u == limited) for u in range(UNKNOWNS)) for limited in LIMITED)
"""(4,9): the unknowns that have limits."""
_ONE = tuple(tuple(float(u == v) for v in range(UNKNOWNS)) for u in range(UNKNOWNS))


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

    def points(self, q: np.ndarray) -> np.ndarray:
        """(T,10,3,3) of q (T,10,9): second and third joint, and tip."""
        return self._over(q, lambda part, q: part._linearised(q)[:1])[0]

    def terms(self, q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Gradient (T,10,9) and Gauss-Newton's Hessian (T,10,9,9) of each frame at q (T,10,9)."""
        gradient, hessian = self._over(q, lambda part, q: part._terms(q)[1:])
        return gradient, hessian

    def polished(self, q: np.ndarray) -> np.ndarray:
        """(T,10,9), each frame by itself from q."""
        return self._over(q, lambda part, q: (part._polished(q),))[0]

    def _over(self, q: np.ndarray, work: Callable) -> list[np.ndarray]:
        """What `work` gives of some frames after the others, put together."""
        results = []
        for start in range(0, len(q), FRAMES_AT_ONCE):
            some = slice(start, start + FRAMES_AT_ONCE)
            found = work(self._part(some), self.backend.array(np.array(q[some])))
            results.append([self.backend.numpy(array) for array in found])
        return [np.concatenate(arrays) for arrays in zip(*results)]

    def _part(self, some: slice) -> FingerProblem:
        """The problem of some frames, on the backend."""
        given = {name: getattr(self, name)[some] for name in ("targets", "confidence", "relaxed")}
        for name in ("axes", "base", "bones", "sigma", "low", "high", "rest_bends"):
            given[name] = getattr(self, name)
        return replace(
            self, **{name: self.backend.array(np.array(one)) for name, one in given.items()}
        )

    def _linearised(self, q):
        """Points (T,10,3,3) and their Jacobian (T,10,3,3,9)."""
        xp = array_namespace(q)
        T = q.shape[0]
        vectors = xp.matmul(self.axes, xp.reshape(q, (T, 10, 3, 3))[..., None])[..., 0]
        local = exp_map(vectors)
        turns = xp.matmul(right_jacobian(vectors), self.axes)  # of the joint's own frame, by q
        at, starts, moves, found = xp.broadcast_to(self.base, (T, 10, 3)), [], [], []
        world = local[:, :, 0]
        for k in range(3):
            world = xp.matmul(world, local[:, :, k]) if k else world
            starts.append(at)
            moves.append(xp.matmul(world, turns[:, :, k]))  # the world's turn, by q
            at = at + xp.matmul(world, self.bones[:, k, :, None])[..., 0]
            found.append(at)
        none = xp.zeros_like(world)
        rows = [
            xp.concat(
                [
                    -xp.matmul(skew(found[point] - starts[k]), moves[k]) if k <= point else none
                    for k in range(3)
                ],
                axis=-1,
            )
            for point in range(3)
        ]
        return xp.stack(found, axis=2), xp.stack(rows, axis=2)

    def _terms(self, q):
        """Cost (T,10), gradient (T,10,9) and Hessian (T,10,9,9)."""
        xp, where = array_namespace(q), device(q)
        T = q.shape[0]
        points, jacobian = self._linearised(q)
        off = points - self.targets
        square = xp.sum(off * off, axis=-1)
        far = max(OUTLIER_SIGMAS * self.noise, self.outlier) ** 2
        weight = self.confidence / self.noise**2
        cost = xp.sum(weight * square / (1.0 + square / far), axis=-1)
        weight = (weight / (1.0 + square / far) ** 2)[..., None]
        rows = xp.reshape(jacobian, (T, 10, 9, UNKNOWNS))
        across = xp.matrix_transpose(rows)
        weighted = xp.reshape(weight * off, (T, 10, 9, 1))
        gradient = xp.matmul(across, weighted)[..., 0]
        weights = xp.broadcast_to(weight, (T, 10, 3, 3))
        hessian = xp.matmul(across, rows * xp.reshape(weights, (T, 10, 9, 1)))

        # What hands usually do.
        pull = (q - self.relaxed) / self.sigma**2
        cost = cost + xp.sum(pull * (q - self.relaxed), axis=-1)
        gradient = gradient + pull
        firm = self.sigma**-2

        # The end joint bends with the middle one.
        together = constant(xp, _TOGETHER, q.dtype, where)
        rest = self.rest_bends[:, 2] - END_SHARE * self.rest_bends[:, 1]
        apart = xp.sum(q * together, axis=-1) + rest
        cost = cost + self.end_weight * apart**2
        gradient = gradient + self.end_weight * apart[..., None] * together
        hessian = hessian + self.end_weight * together[:, None] * together

        # And what they cannot.
        limited = constant(xp, _LIMITED, q.dtype, where)
        value = xp.matmul(q, xp.matrix_transpose(limited))
        none = xp.zeros_like(value)
        beyond = xp.minimum(value - self.low, none) + xp.maximum(value - self.high, none)
        cost = cost + xp.sum(beyond**2, axis=-1) / LIMIT_SIGMA**2
        gradient = gradient + xp.matmul(beyond, limited) / LIMIT_SIGMA**2
        stopped = xp.astype(beyond != 0.0, q.dtype)
        firm = firm + xp.matmul(stopped, limited) / LIMIT_SIGMA**2
        return cost, gradient, hessian + firm[..., None] * constant(xp, _ONE, q.dtype, where)

    def _polished(self, q):
        """A step that is no better is not taken and tried with more damping."""
        xp = array_namespace(q)
        one = constant(xp, _ONE, q.dtype, device(q))
        firm = self.sigma**-2
        cost, gradient, hessian = self._terms(q)
        damping = xp.ones_like(cost) * FIRST_DAMPING
        for _ in range(STEPS):
            damped = hessian + (damping[..., None] * firm)[..., None] * one
            trial = q - xp.linalg.solve(damped, gradient[..., None])[..., 0]
            new = self._terms(trial)
            better = new[0] < cost
            q = xp.where(better[..., None], trial, q)
            cost = xp.where(better, new[0], cost)
            gradient = xp.where(better[..., None], new[1], gradient)
            hessian = xp.where(better[..., None, None], new[2], hessian)
            least = xp.ones_like(damping) * LEAST_DAMPING
            damping = xp.maximum(xp.where(better, damping / 8.0, damping * 4.0), least)
        return q
