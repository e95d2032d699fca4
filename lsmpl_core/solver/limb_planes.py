"""The law of the limb's plane: how people's SMPL poses share a turn between shoulder and elbow, hip
and knee.

Let b be the upper bone and f the lower one at rest, and the azimuth the angle about b from where a
hinge would bend the limb to where it is bent. Keypoints tell tau, the upper bone's twist about b
and the azimuth together; how these share it, no keypoint tells. In poses that were fitted to
people, azimuth = offset + share * tau, with constants that are a person's own: the elbow takes 0.46
of tau and the knee 0.57, and nine tenths of the variance are explained. Limbs that were converted
from skeletons with hinges take none of it. A Gaussian over axis-angles knows nothing of this, for
tau is no linear function of them.

A straight limb has no azimuth; there the lower joint's own twist about b takes its place, by a
blend that is smooth.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device

from ..backends.arrays import Backend, choose_backend, constant, gather, indices
from ..body.kinematics import UNKNOWNS
from ..body.skeleton import JOINT_NAMES, NUM_JOINTS
from ..rotation import IDENTITY, cross


def _joints(*names: str) -> tuple[int, ...]:
    return tuple(JOINT_NAMES.index(name) for name in names)


COLLARS = _joints("left_collar", "right_collar")
UPPER = _joints("left_shoulder", "right_shoulder", "left_hip", "right_hip")
LOWER = _joints("left_elbow", "right_elbow", "left_knee", "right_knee")
ENDS = _joints("left_wrist", "right_wrist", "left_ankle", "right_ankle")
SIDE = np.array([1.0, -1.0, 1.0, -1.0])
"""Angles of the right side are mirrored, so that both sides have the same constants."""
HINGE = np.array(
    [(0.1, 0.31, 0.945), (-0.1, 0.31, 0.945), (-0.315, -0.01, -0.95), (0.315, -0.01, -0.95)]
)
"""Where the hinges of skeletons bend each limb to, in the rest pose."""
STRAIGHT = np.array([0.4, 0.4, 0.6, 0.6])
"""Sine of the bend at which the lower joint's twist says as much as the azimuth."""

OFFSET, SHARE = np.radians([-4.3, -4.3, 3.7, 3.7]), np.array([0.46, 0.46, 0.57, 0.57])
OFFSET_SIGMA, SHARE_SIGMA = np.radians([6.5, 6.5, 2.4, 2.4]), np.array([0.15, 0.15, 0.1, 0.1])
WITHIN = np.radians([6.6, 6.6, 5.0, 5.0])
"""Of people: means, how they differ from one another, and how far (radians) a limb's azimuth is
from its own law."""
CORRELATION_TIME = 0.5
"""Seconds for which it stays off to the same side."""
HINGED = np.radians(1.5)
"""How far (radians) limbs with hinges are off theirs: bones of other bodies lie a little
differently."""
FEW_HINGES = 0.1
"""The probability that a motion's limbs have hinges, before it is looked at."""


class Kind(StrEnum):
    """Whose motion a take is: a person's, as poses are fitted to people; recorded motion that was
    converted to a skeleton with hinges and hardly a spine; or that of a skeleton whose collars are
    welded and whose spine is one joint, as a biomechanist's."""

    PERSON = "person"
    RECORDED = "recorded"
    WELDED = "welded"


@dataclass(frozen=True)
class Sharing:
    """How the turns of a take's limbs and trunk are shared among joints: the constants of left and
    right arm, left and right leg: offset (4,) and sigma (4,) in radians, the latter of what is
    left, and share (4,); kind: whose they are, which tells of the trunk."""

    offset: np.ndarray
    share: np.ndarray
    sigma: np.ndarray
    kind: Kind = Kind.PERSON

    @property
    def hinged(self) -> bool:
        """Whether these are a skeleton's with hinges."""
        return self.kind is Kind.RECORDED

    @classmethod
    def of_anybody(cls) -> Sharing:
        """What is known of a person whose poses nobody has solved: the spread of tau is some 40 and
        15 degrees."""
        tau = np.radians([40.0, 40.0, 15.0, 15.0])
        return cls(OFFSET, SHARE, np.sqrt(WITHIN**2 + OFFSET_SIGMA**2 + (SHARE_SIGMA * tau) ** 2))

    @classmethod
    def of_hinges(cls) -> Sharing:
        """None of a turn is the lower joint's."""
        return cls(np.zeros(4), np.zeros(4), np.full(4, HINGED), Kind.RECORDED)

    @classmethod
    def of_welded_collars(cls) -> Sharing:
        """Of a skeleton whose axes are its own: how its limbs share turns is known no better than
        anybody's."""
        return replace(cls.of_anybody(), kind=Kind.WELDED)

    @classmethod
    def of_poses(cls, rest_joints: np.ndarray, rotations: np.ndarray, fps: float) -> Sharing:
        """What true or roughly true poses, rotations (N,24,3,3) of successive frames, tell of a
        person.

        Linear regression of the azimuth on tau, with people's constants as its prior; or hinges,
        where they explain the poses better.
        """
        planes = LimbPlanes.build(choose_backend("numpy"), rest_joints, cls.of_anybody(), 1.0)
        azimuth, tau = planes.angles(rotations)
        if _log_hinged(azimuth, tau) > 0.0:
            return cls.of_hinges()
        independent = min(1.0, (1.0 + len(tau) / (CORRELATION_TIME * fps)) / len(tau))
        offset, share, sigma = np.empty((3, 4))
        for i in range(4):
            columns = np.stack([np.ones(len(tau)), tau[:, i]], axis=1)
            precision = np.diag([OFFSET_SIGMA[i] ** -2, SHARE_SIGMA[i] ** -2])
            hessian = precision + independent / WITHIN[i] ** 2 * columns.T @ columns
            pull = (
                precision @ [OFFSET[i], SHARE[i]]
                + independent / WITHIN[i] ** 2 * columns.T @ azimuth[:, i]
            )
            offset[i], share[i] = np.linalg.solve(hessian, pull)
            uncertain = np.einsum("ni,ij,nj->n", columns, np.linalg.inv(hessian), columns).mean()
            sigma[i] = np.sqrt(WITHIN[i] ** 2 + uncertain)
        return cls(offset, share, sigma)


def _log_hinged(azimuth: np.ndarray, tau: np.ndarray) -> float:
    """Logarithm of the odds that limbs with these azimuths and tau (N,4) have hinges, by their
    typical frame."""

    def log_density(off, sigma):
        return -0.5 * np.square(off / sigma) - np.log(sigma)

    by_law = np.sqrt(WITHIN**2 + OFFSET_SIGMA**2 + np.square(SHARE_SIGMA * tau))
    odds = log_density(azimuth, HINGED) - log_density(azimuth - OFFSET - SHARE * tau, by_law)
    return float(np.median(odds.sum(axis=1)) + np.log(FEW_HINGES / (1.0 - FEW_HINGES)))


@dataclass(frozen=True)
class LimbPlanes:
    """The law as part of a pose prior, for one body: each limb costs precision * (azimuth - offset
    - share * tau)².

    Rest directions (4,3) of the upper bones, of the lower ones (4,3,1), of the hinges' bend and
    across it; offset and share (4,) as in `Sharing`, and precision (4,) in m²/rad².
    """

    upper: Any
    lower: Any
    bent: Any
    across: Any
    side: Any
    straight: Any
    offset: Any
    share: Any
    precision: Any

    @classmethod
    def build(
        cls, backend: Backend, rest_joints: np.ndarray, sharing: Sharing, weight: float
    ) -> LimbPlanes:
        """For rest_joints (24,3) in NumPy; a limb that is off by its sigma costs `weight`, in
        m²."""
        upper = _unit(rest_joints[list(LOWER)] - rest_joints[list(UPPER)])
        lower = _unit(rest_joints[list(ENDS)] - rest_joints[list(LOWER)])
        bent = _unit(HINGE - np.sum(HINGE * upper, axis=1, keepdims=True) * upper)
        values = (
            upper, lower[..., None], bent, np.cross(upper, bent), SIDE, STRAIGHT,
            sharing.offset, sharing.share, weight / np.square(sharing.sigma),
        )  # fmt: skip
        return cls(*map(backend.array, values))

    def scaled(self, factor: float) -> LimbPlanes:
        """The same with so many times the precision."""
        return replace(self, precision=self.precision * factor)

    def angles(self, rotations) -> tuple[Any, Any]:
        """Azimuths and tau (B,4) of rotations (B,24,3,3), in radians, those of the right side
        mirrored."""
        limbs = self._limbs(rotations)
        return limbs.azimuth * self.side, _wrapped(
            array_namespace(rotations), limbs.tau * self.side
        )

    def residual(self, rotations) -> Any:
        """(B,4) radians by which azimuths are off the law."""
        xp = array_namespace(rotations)
        azimuth, tau = self.angles(rotations)
        return _wrapped(xp, azimuth - self.offset - self.share * tau)

    def jacobian(self, rotations) -> Any:
        """(B,4,75): how `residual` changes with a step (`KeypointModel.moved`).

        Of R exp(v): the twist about b changes by (X² b + X b × V + (V·b) V)·v / (X² + (V·b)²) with
        X = 1 + trace R and V the vector of R - Rᵀ, and where the lower bone points by R (v × f).
        """
        xp = array_namespace(rotations)
        limbs = self._limbs(rotations)
        by_upper = -(self.side * self.share)[:, None] * limbs.twist.gradient(xp, self.upper)
        twist = limbs.blend[:, None] * limbs.own.gradient(xp, self.upper)
        along, aside = limbs.point
        turned = xp.matrix_transpose(limbs.lower)
        f = self.lower[..., 0]
        moves = [
            cross(f, xp.matmul(turned, axis[..., None])[..., 0])
            for axis in (self.bent, self.across)
        ]
        moves = [
            moves[0] - limbs.sine[..., None] * twist,
            moves[1] + limbs.cosine[..., None] * twist,
        ]
        azimuth = (along[..., None] * moves[1] - aside[..., None] * moves[0]) / limbs.size[
            ..., None
        ]
        by_lower = (self.side * (1.0 - self.share))[:, None] * azimuth
        by_collar = xp.matmul(limbs.upper[:, :2], by_upper[:, :2, :, None])[..., 0]
        by_collar = xp.concat([by_collar, xp.zeros_like(by_collar)], axis=1)
        gradients = xp.stack([by_collar, by_upper, by_lower], axis=-1)
        spread_out = xp.matmul(gradients, constant(xp, _PLACES, gradients.dtype, device(gradients)))
        flat = xp.reshape(spread_out, (*spread_out.shape[:2], UNKNOWNS - 3))
        return xp.concat([flat, xp.zeros_like(flat[..., :3])], axis=-1)

    def _limbs(self, rotations) -> _Limbs:
        xp, where = array_namespace(rotations), device(rotations)
        upper, lower, collars = (
            gather(rotations, indices(xp, j, where), axis=1) for j in (UPPER, LOWER, COLLARS)
        )
        one = xp.broadcast_to(constant(xp, IDENTITY, upper.dtype, where), collars.shape)
        twist = _Twist.of(xp, xp.matmul(xp.concat([collars, one], axis=1), upper), self.upper)
        own = _Twist.of(xp, lower, self.upper)
        return _Limbs(upper, lower, twist, own, self)


@dataclass(frozen=True)
class _Twist:
    """Of rotations R (B,4,3,3) about b: along (B,4) = X and across (B,4) = V·b, whose quotient is
    the tangent of half the twist, and vector (B,4,3) = V (see `LimbPlanes.jacobian`)."""

    along: Any
    across: Any
    vector: Any

    @classmethod
    def of(cls, xp, r, b) -> _Twist:
        parts = [
            r[..., 2, 1] - r[..., 1, 2],
            r[..., 0, 2] - r[..., 2, 0],
            r[..., 1, 0] - r[..., 0, 1],
        ]
        vector = xp.stack(parts, axis=-1)
        along = 1.0 + TINY + r[..., 0, 0] + r[..., 1, 1] + r[..., 2, 2]
        return cls(along, xp.sum(vector * b, axis=-1), vector)

    def gradient(self, xp, b):
        along, across = self.along[..., None], self.across[..., None]
        pull = along * (along * b + cross(b, self.vector)) + across * self.vector
        return pull / (along * along + across * across)

    def angle(self, xp):
        return 2.0 * xp.atan2(self.across, self.along)


TINY = 1e-6
"""What keeps quotients defined where a joint is turned by half a turn."""


class _Limbs:
    """What residual and Jacobian share: rotations of upper and lower joints, both twists, and, in
    the plane across the upper bone, where the lower one points, blended with its joint's twist."""

    def __init__(self, upper, lower, twist: _Twist, own: _Twist, planes: LimbPlanes):
        xp = array_namespace(upper)
        self.upper, self.lower, self.twist, self.own, self.planes = upper, lower, twist, own, planes
        self.blend = planes.straight
        angle = own.angle(xp)
        self.cosine, self.sine = xp.cos(angle), xp.sin(angle)
        points = xp.matmul(lower, planes.lower)[..., 0]
        self.point = (
            xp.sum(points * planes.bent, axis=-1) + self.blend * self.cosine,
            xp.sum(points * planes.across, axis=-1) + self.blend * self.sine,
        )
        self.size = self.point[0] ** 2 + self.point[1] ** 2 + TINY
        self.azimuth = xp.atan2(self.point[1], self.point[0])

    @cached_property
    def tau(self):
        return self.twist.angle(array_namespace(self.upper)) + self.azimuth


def _wrapped(xp, angle):
    """Into -pi to pi."""
    return angle - 2.0 * np.pi * xp.round(angle / (2.0 * np.pi))


def _unit(v: np.ndarray) -> np.ndarray:
    return v / np.linalg.norm(v, axis=-1, keepdims=True)


def _places() -> tuple:
    """(4,3,24): where the gradients of each limb's three joints belong."""
    places = np.zeros((4, 3, NUM_JOINTS))
    for limb in range(4):
        for row, joints in enumerate((COLLARS, UPPER, LOWER)):
            if limb < len(joints):
                places[limb, row, joints[limb]] = 1.0
    return tuple(tuple(map(tuple, rows)) for rows in places.tolist())


_PLACES = _places()
