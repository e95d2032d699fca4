"""Rotations as 3x3 matrices, axis-angle vectors and quaternions; written against the array API
(NumPy and torch).

Every function takes any leading batch shape `...`. Formulas: Sola, Deray, Atchuthan, *A micro Lie
theory for state estimation in robotics*, 2018 (section numbers in the docstrings).
"""

from __future__ import annotations

import math

import numpy as np
from array_api_compat import array_namespace, device

from .backends.arrays import at_least, constant, on_host
from .points import lengths

SMALL_SQUARED = 1e-12
"""Square of an angle in radians below which series take the place of quotients."""
IDENTITY = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
_SKEW = ((0, 0, 0, 0, 0, -1, 0, 1, 0), (0, 0, 1, 0, 0, 0, -1, 0, 0), (0, -1, 0, 1, 0, 0, 0, 0, 0))
"""From a vector to the numbers of its matrix."""
_PRODUCTS = (
    (1, 0, 0, 0, 0, 1, 0, 0, 0, 0, -1, 0, 0, 0, 0, -1),
    (0, 0, 0, -1, 0, 0, 1, 0, 0, 1, 0, 0, -1, 0, 0, 0),
    (0, 0, 1, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0, 0),
    (0, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 0),
    (1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 1, 0, 0, 0, 0, -1),
    (0, -1, 0, 0, -1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0),
    (0, 0, -1, 0, 0, 0, 0, 1, -1, 0, 0, 0, 0, 1, 0, 0),
    (0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0),
    (1, 0, 0, 0, 0, -1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 1),
)
_TRACE = (1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1)
"""From the nine numbers of a rotation, and 1, to four times the products of its quaternion's
components (4,4)."""
NEAR_HALF_TURN = -0.95
"""Cosine of the angle beyond which an antisymmetric part says too little of the axis."""


def skew(v):
    """(...,3) -> (...,3,3) matrix with skew(v) @ x = v × x."""
    xp = array_namespace(v)
    return xp.reshape(xp.matmul(v, constant(xp, _SKEW, v.dtype, device(v))), (*v.shape, 3))


def cross(a, b):
    """(...,3) a × b; several times faster on few vectors than NumPy's own."""
    xp = array_namespace(a)
    if not isinstance(a, np.ndarray):
        return xp.linalg.cross(a, b)
    ax, ay, az = a[..., 0], a[..., 1], a[..., 2]
    bx, by, bz = b[..., 0], b[..., 1], b[..., 2]
    return xp.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], axis=-1)


def length(v):
    """(...,3) -> (...,1)"""
    xp = array_namespace(v)
    if not isinstance(v, np.ndarray):
        return xp.linalg.vector_norm(v, axis=-1, keepdims=True)
    return lengths(v)[..., None]


def _identity_like(xp, v):
    return constant(xp, IDENTITY, v.dtype, device(v))


def _safe_angle(xp, v):
    """(...,1) angle of an axis-angle vector, kept away from 0, its square, and where it is
    small."""
    squared = xp.sum(v * v, axis=-1, keepdims=True)
    return xp.sqrt(at_least(squared, SMALL_SQUARED)), squared, squared < SMALL_SQUARED


def exp_map(v):
    """Axis-angle (...,3) in radians -> rotation matrix (...,3,3) (Rodrigues; Sola eq. 170)."""
    xp = array_namespace(v)
    angle, squared, small = _safe_angle(xp, v)
    a = xp.where(small, 1.0 - squared / 6.0, xp.sin(angle) / angle)[..., None]
    b = xp.where(small, 0.5 - squared / 24.0, (1.0 - xp.cos(angle)) / (angle * angle))[..., None]
    k = skew(v)
    return _identity_like(xp, v) + a * k + b * xp.matmul(k, k)


def log_map(r):
    """Rotation matrix (...,3,3) -> axis-angle (...,3) with angle in [0, pi].

    From the antisymmetric part (Sola eq. 83), which fades towards half a turn; there, by way of the
    quaternion. So it is, too, on a GPU, whatever the angle: to be told whether there is half a turn
    takes longer.
    """
    xp = array_namespace(r)
    if not on_host(r):
        return _log_map_by_quaternion(r)
    v = 0.5 * xp.stack(
        [r[..., 2, 1] - r[..., 1, 2], r[..., 0, 2] - r[..., 2, 0], r[..., 1, 0] - r[..., 0, 1]],
        axis=-1,
    )
    cosine = 0.5 * (r[..., 0, 0] + r[..., 1, 1] + r[..., 2, 2] - 1.0)[..., None]
    if bool(xp.any(cosine < NEAR_HALF_TURN)):
        return _log_map_by_quaternion(r)
    sine, squared, small = _safe_angle(xp, v)
    return v * xp.where(small, 1.0 + squared / 6.0, xp.atan2(sine, cosine) / sine)


def _log_map_by_quaternion(r):
    xp = array_namespace(r)
    q = to_quaternion(r)
    w, v = q[..., :1], q[..., 1:]
    norm, _, small = _safe_angle(xp, v)
    return v * xp.where(
        small, 2.0 / xp.where(small, w, xp.ones_like(w)), 2.0 * xp.atan2(norm, w) / norm
    )


def right_jacobian_inverse(v):
    """(...,3) -> (...,3,3): d log(exp(v) exp(d)) / d d at d = 0 (Sola eq. 144)."""
    xp = array_namespace(v)
    angle, squared, small = _safe_angle(xp, v)
    half = 0.5 * angle
    c = (1.0 - half * xp.cos(half) / xp.sin(half)) / (angle * angle)
    c = xp.where(small, 1.0 / 12.0 + squared / 720.0, c)[..., None]
    k = skew(v)
    return _identity_like(xp, v) + 0.5 * k + c * xp.matmul(k, k)


def to_quaternion(r):
    """Rotation matrix (...,3,3) -> unit quaternion (...,4), w x y z, with w >= 0.

    Of the four ways to read a quaternion off a matrix, each divides by one component; the largest
    one is used, so that nothing is lost at any angle (Shepperd, *Quaternion from rotation matrix*,
    1978).
    """
    xp, where = array_namespace(r), device(r)
    lead = r.shape[:-2]
    products = xp.matmul(xp.reshape(r, (-1, 9)), constant(xp, _PRODUCTS, r.dtype, where))
    products = products + constant(xp, _TRACE, r.dtype, where)
    best = xp.argmax(products[:, ::5], axis=-1, keepdims=True)
    rows = xp.reshape(products, (-1, 4, 4))
    q = xp.take_along_axis(rows, xp.broadcast_to(best[..., None], (len(rows), 1, 4)), axis=1)
    q = q / length(q)
    return xp.reshape(xp.where(q[..., :1] < 0, -q, q), (*lead, 4))


def from_quaternion(q):
    """Unit quaternion (...,4), w x y z -> rotation matrix (...,3,3)."""
    xp = array_namespace(q)
    w, x, y, z = q[..., 0], q[..., 1], q[..., 2], q[..., 3]
    rows = [
        1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
        2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
        2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y),
    ]  # fmt: skip
    return xp.reshape(xp.stack(rows, axis=-1), (*q.shape[:-1], 3, 3))


def from_columns(x, y):
    """Two vectors (...,3) that roughly are a rotation's first columns -> the rotation (...,3,3), by
    Gram-Schmidt.

    The 6D representation of Zhou et al., *On the continuity of rotation representations in neural
    networks*, 2019.
    """
    xp = array_namespace(x)
    x = x / length(x)
    y = y - xp.sum(x * y, axis=-1, keepdims=True) * x
    y = y / length(y)
    return xp.stack([x, y, cross(x, y)], axis=-1)


def between(a, b):
    """The smallest rotation (...,3,3) that takes unit vectors a (...,3) to b (...,3); half a turn
    about some axis where they point opposite ways.
    """
    xp = array_namespace(a, b)
    cosine = xp.sum(a * b, axis=-1)[..., None, None]
    k = skew(cross(a, b))
    opposite = cosine < -1.0 + 1e-9
    turn = (
        _identity_like(xp, a)
        + k
        + xp.matmul(k, k) / xp.where(opposite, xp.ones_like(cosine), 1.0 + cosine)
    )
    if not bool(xp.any(opposite)):
        return turn
    aside = xp.asarray([1.0, 0.0, 0.0], dtype=a.dtype, device=device(a))
    other = xp.asarray([0.0, 1.0, 0.0], dtype=a.dtype, device=device(a))
    axis = cross(a, xp.where(xp.abs(a[..., :1]) < 0.7, aside, other))
    axis = axis / length(axis)
    half_turn = 2.0 * axis[..., :, None] * axis[..., None, :] - _identity_like(xp, a)
    return xp.where(opposite, half_turn, turn)


def orthonormalise(r):
    """An almost-rotation (...,3,3) made exact: undoes the rounding of long products."""
    return from_columns(r[..., :, 0], r[..., :, 1])


def angle_between(a, b):
    """Geodesic angle in radians, in [0, pi], between rotation matrices (...,3,3)."""
    xp = array_namespace(a, b)
    v = log_map(xp.matmul(xp.matrix_transpose(a), b))
    return xp.minimum(length(v)[..., 0], xp.asarray(math.pi, dtype=v.dtype))
