"""`FingerBatch`: some fingers of some frames, and what is minimised of each; array API (NumPy and
torch).

Shapes: N fingers, each of a frame; 3 joints and 3 points of each, 9 unknowns (bend, spread and
twist of the first joint, of the second, of the third).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device

from ..backends import finger_kernels
from ..backends.arrays import constant, on_host
from ..backends.dense import products, solved
from ..backends.kernel_border import Compiled
from ..backends.kernel_library import find_kernels
from ..backends.kernels import Kernels
from ..rotation import SMALL_SQUARED

UNKNOWNS = 9
END_SHARE = 2.0 / 3.0
"""The end joint bends by so much of what the middle one does."""
LIMIT_SIGMA = np.radians(2.0)
LIMITED = (0, 3, 6, 1)
"""The unknowns that have limits: the three bends, and the spread."""
OUTLIER_SIGMAS = 6.0
"""Beyond which a point counts less and less (Geman and McClure)."""
STEPS = 12
SETTLED = 0.02
"""Radians: a finger whose step is smaller is polished no further, where one can look at it."""
FIRST_DAMPING, LEAST_DAMPING = 0.1, 1e-4
_TOGETHER = tuple(1.0 if u == 6 else -END_SHARE if u == 3 else 0.0 for u in range(UNKNOWNS))
"""(9,): by how much the end joint bends otherwise than with the middle one."""
_LIMITED = tuple(tuple(float(u == limited) for u in range(UNKNOWNS)) for limited in LIMITED)
"""(4,9): the unknowns that have limits."""
_ONE = tuple(tuple(float(u == v) for v in range(UNKNOWNS)) for u in range(UNKNOWNS))


@dataclass(frozen=True, eq=False)
class FingerBatch:
    """axes (N,3,3) of the first joint at rest, between (N,2,3,3) those of the second in it and of
    the third in that; base (N,3), and bones (N,3,3), each in its joint's axes, metres; targets
    (N,3,3) and confidence (N,3) of the points beyond the first joint; relaxed and sigma (N,9); ends
    (N,) by how much the end bends otherwise than with the middle joint at rest; low and high (N,4),
    the limits of `LIMITED`; noise and outlier in metres; end_weight in 1/radians²."""

    axes: Any
    between: Any
    base: Any
    bones: Any
    targets: Any
    confidence: Any
    relaxed: Any
    sigma: Any
    ends: Any
    low: Any
    high: Any
    noise: float
    outlier: float
    end_weight: float

    def some(self, rows: Any) -> FingerBatch:
        """Of some of the fingers."""
        return replace(
            self, **{name: getattr(self, name)[rows] for name in finger_kernels.FINGER_ARRAYS}
        )

    @property
    def _compiled(self) -> Compiled:
        return finger_kernels.compiled_fingers(
            {name: getattr(self, name) for name in finger_kernels.FINGER_ARRAYS},
            precision=self.noise**-2,
            nearness=self._far**-2,
            limit=LIMIT_SIGMA**-2,
            end_weight=self.end_weight,
            end_share=END_SHARE,
        )

    @property
    def _far(self) -> float:
        """Metres by which a point that counts half as much is off."""
        return max(OUTLIER_SIGMAS * self.noise, self.outlier)

    def points(self, q):
        """(N,3,3): the points beyond the first joint at q (N,9)."""
        xp = array_namespace(q)
        turned, _ = _turned(xp.reshape(q, (-1, 3, 3)))
        at, world, found = self.base, self.axes, []
        for k in range(3):
            world = _product(world, self.between[:, k - 1]) if k else world
            world = _product(world, turned[:, k])
            at = at + _product(world, self.bones[:, k, :, None])[..., 0]
            found.append(at)
        return xp.stack(found, axis=1)

    def _linearised(self, q):
        """Points (N,3,3) at q (N,9), and of each joint where it is (N,3) and what the world's turn
        is by q (N,3,3)."""
        xp = array_namespace(q)
        turned, moving = _turned(xp.reshape(q, (-1, 3, 3)))
        at, world, joints, found = self.base, self.axes, [], []
        for k in range(3):
            world = _product(world, self.between[:, k - 1]) if k else world
            world = _product(world, turned[:, k])
            joints.append((at, _product(world, moving[:, k])))
            at = at + _product(world, self.bones[:, k, :, None])[..., 0]
            found.append(at)
        return xp.stack(found, axis=1), joints

    def equations(self, q):
        """Gradient (N,9) and Gauss-Newton's Hessian (N,9,9) at q (N,9)."""
        if kernels := _kernels_for(q):
            return finger_kernels.terms(kernels, self._compiled, q)
        return self._terms(q)[1:]

    def _terms(self, q):
        """Cost (N,), gradient (N,9) and Gauss-Newton's Hessian (N,9,9) at q (N,9)."""
        xp, where = array_namespace(q), device(q)
        points, joints = self._linearised(q)
        off = points - self.targets
        square = _dot(off, off)
        far = self._far**2
        weight = self.confidence / self.noise**2
        cost = xp.sum(weight * square / (1.0 + square / far), axis=-1)
        root = (xp.sqrt(weight) / (1.0 + square / far))[..., None]

        # A point moves by the turns of the joints before it: the Jacobian (N,9,9), weighted.
        none = xp.zeros_like(self.axes)
        rows = [
            xp.concat(
                [
                    _crossed(moved, root[:, point] * (points[:, point] - at))
                    if k <= point
                    else none
                    for k, (at, moved) in enumerate(joints)
                ],
                axis=-1,
            )
            for point in range(3)
        ]
        jacobian = xp.concat(rows, axis=1)
        across = xp.matrix_transpose(jacobian)
        hessian = _product(across, jacobian)
        gradient = _product(across, xp.reshape(root * off, (-1, 9, 1)))[..., 0]

        # What hands usually do.
        pull = (q - self.relaxed) / self.sigma**2
        cost = cost + xp.sum(pull * (q - self.relaxed), axis=-1)
        gradient = gradient + pull
        firm = self.sigma**-2

        # The end joint bends with the middle one.
        together = constant(xp, _TOGETHER, q.dtype, where)
        apart = xp.sum(q * together, axis=-1) + self.ends
        cost = cost + self.end_weight * apart**2
        gradient = gradient + self.end_weight * apart[..., None] * together
        hessian = hessian + self.end_weight * together[:, None] * together

        # And what they cannot.
        limited = constant(xp, _LIMITED, q.dtype, where)
        value = xp.matmul(q, xp.matrix_transpose(limited))
        none = xp.zeros_like(value)
        beyond = xp.minimum(value - self.low, none) + xp.maximum(value - self.high, none)
        cost = cost + xp.sum(beyond * beyond, axis=-1) / LIMIT_SIGMA**2
        gradient = gradient + xp.matmul(beyond, limited) / LIMIT_SIGMA**2
        stopped = xp.astype(beyond != 0.0, q.dtype)
        firm = firm + xp.matmul(stopped, limited) / LIMIT_SIGMA**2
        return cost, gradient, hessian + firm[..., None] * constant(xp, _ONE, q.dtype, where)

    def stepped(self, q):
        """(N,9): one step of Gauss and Newton, for what is nearly there."""
        gradient, hessian = self.equations(q)
        return q - _solved(hessian, gradient[..., None])[..., 0]

    def polished(self, q):
        """(N,9), each finger by itself from q (N,9): Levenberg-Marquardt, in which a step that is
        no better is not taken and tried with more damping."""
        if kernels := _kernels_for(q):
            return finger_kernels.polished(
                kernels, self._compiled, q,
                steps=STEPS, settled=SETTLED, damping=FIRST_DAMPING, least_damping=LEAST_DAMPING,
            )  # fmt: skip
        xp = array_namespace(q)
        host = on_host(q)
        one = constant(xp, _ONE, q.dtype, device(q))
        here, settled, rows = self, [], xp.arange(q.shape[0], device=device(q))
        cost, gradient, hessian = here._terms(q)
        damping = xp.ones_like(cost) * FIRST_DAMPING
        for _ in range(STEPS):
            firm = here.sigma**-2
            damped = hessian + (damping[..., None] * firm)[..., None] * one
            step = _solved(damped, gradient[..., None])[..., 0]
            trial = q - step
            new = here._terms(trial)
            better = new[0] < cost
            q = xp.where(better[..., None], trial, q)
            cost = xp.where(better, new[0], cost)
            gradient = xp.where(better[..., None], new[1], gradient)
            hessian = xp.where(better[..., None, None], new[2], hessian)
            least = xp.ones_like(damping) * LEAST_DAMPING
            damping = xp.maximum(xp.where(better, damping / 8.0, damping * 4.0), least)

            # Most fingers settle in a few steps; the others go on without them.
            if host:
                go_on = xp.max(xp.abs(step), axis=-1) > SETTLED
                settled.append((rows[~go_on], q[~go_on]))
                here, rows, q = here.some(go_on), rows[go_on], q[go_on]
                cost, gradient, hessian = cost[go_on], gradient[go_on], hessian[go_on]
                damping = damping[go_on]
                if q.shape[0] == 0:
                    break
        if not settled:
            return q
        settled.append((rows, q))
        order = xp.argsort(xp.concat([rows for rows, _ in settled]))
        return xp.concat([q for _, q in settled])[order]


def _kernels_for(q) -> Kernels | None:
    """Those of the process, for NumPy's arrays."""
    return find_kernels().kernels if isinstance(q, np.ndarray) else None


def _turned(v):
    """Rotation matrices (N,3,3,3) of axis-angles v (N,3,3), and their right Jacobians (Solà, Deray
    and Atchuthan 2018, equation 143), a component after the other, which NumPy is much quicker at
    than at many matrices of 3 by 3."""
    xp = array_namespace(v)
    x, y, z = (v[..., axis] for axis in range(3))
    xx, yy, zz = x * x, y * y, z * z
    squared = xx + yy + zz
    small = squared < SMALL_SQUARED
    angle = xp.sqrt(xp.where(small, xp.ones_like(squared), squared))
    sine, cosine = xp.sin(angle), xp.cos(angle)
    a = xp.where(small, 1.0 - squared / 6.0, sine / angle)
    b = xp.where(small, 0.5 - squared / 24.0, (1.0 - cosine) / angle**2)
    c = xp.where(small, 1.0 / 6.0 - squared / 120.0, (angle - sine) / angle**3)

    def matrices(odd, even):
        """One, odd times the skew matrix of v and even times the square of that."""
        xy, yz, zx = even * x * y, even * y * z, even * z * x
        odd_x, odd_y, odd_z = odd * x, odd * y, odd * z
        entries = [
            *(1.0 - even * (yy + zz), xy - odd_z, zx + odd_y),
            *(xy + odd_z, 1.0 - even * (xx + zz), yz - odd_x),
            *(zx - odd_y, yz + odd_x, 1.0 - even * (xx + yy)),
        ]
        return xp.reshape(xp.stack(entries, axis=-1), (*x.shape, 3, 3))

    return matrices(a, b), matrices(-b, c)


def _dot(a, b):
    """(...) of a and b (...,3)."""
    return a[..., 0] * b[..., 0] + a[..., 1] * b[..., 1] + a[..., 2] * b[..., 2]


def _crossed(columns, by):
    """(N,3,3): each column of columns (N,3,3) crossed with by (N,3)."""
    xp = array_namespace(columns)
    x, y, z = (columns[:, row] for row in range(3))
    a, b, c = (by[:, axis, None] for axis in range(3))
    return xp.stack([y * c - z * b, z * a - x * c, x * b - y * a], axis=1)


def _product(a, b):
    """a (N,I,J) @ b (N,J,K)."""
    if isinstance(a, np.ndarray):
        return products(a, b)
    return array_namespace(a).matmul(a, b)


def _solved(matrices, right):
    """x (N,9,1) of matrices (N,9,9) @ x = right."""
    if isinstance(matrices, np.ndarray):
        return solved(matrices, right)
    return array_namespace(matrices).linalg.solve(matrices, right)
