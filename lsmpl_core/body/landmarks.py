"""Places: where on a body's skin a marker sits, in words that hold for any body and shape.

    left_hip..left_knee 55% left within 8 cm

is the point of the skin that one meets going left, in the rest pose (arms out, palms down, facing
front), from 55 % of the way from the left hip to the left knee. Markers of that name are found
within about 8 cm of it. The part after the first site may be left out (`neck back`); `within` is 2
cm where it is left out. A direction is a sum of left, right, up, down, front and back, each with a
factor where it is not 1: `front+0.7left`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from .skeleton import JOINT_NAMES

if TYPE_CHECKING:  # `Body` is made of sites; here it is only a hint.
    from .body import Body

UNPLACED = "unplaced"
"""The site of a marker whose place is not known before it is calibrated."""

USUAL_SIGMA = 0.02
"""Metres by which a marker that is taped to a bony landmark is off, one standard deviation along
the skin."""
SKIN = 0.01
"""Metres from the skin to a marker's centre."""
NEAREST = 0.005
"""Metres from where a ray begins in which it does not end."""

_WAYS = {
    "left": (1.0, 0.0, 0.0), "right": (-1.0, 0.0, 0.0), "up": (0.0, 1.0, 0.0),
    "down": (0.0, -1.0, 0.0), "front": (0.0, 0.0, 1.0), "back": (0.0, 0.0, -1.0),
}  # fmt: skip
"""Directions in the rest frame of body models: Y up, facing +Z, the person's left at +X."""

_WAY = rf"(?:\d*\.?\d+)?(?:{'|'.join(_WAYS)})"
_PLACE = re.compile(
    rf"(?P<a>\w+)(?:\.\.(?P<b>\w+) (?P<percent>\d+)%)? (?P<ways>{_WAY}(?:\+{_WAY})*)(?: within "
    rf"(?P<cm>\d+\.?\d*) cm)?"
)


@dataclass(frozen=True)
class Landmark:
    """A share of the way from site a to site b, the unit direction (3,) from there to the skin, and
    a sigma in m."""

    a: str
    b: str
    share: float
    direction: tuple[float, float, float]
    sigma: float = USUAL_SIGMA


@dataclass(frozen=True)
class OnSkin:
    """A triangle's vertices (3,), the point's shares of them (3,), and the outward normal (3,) in
    the rest pose."""

    vertices: np.ndarray
    shares: np.ndarray
    normal: np.ndarray


@lru_cache(maxsize=4096)
def parse_landmark(text: str) -> Landmark | None:
    """The place a site name describes, or None where it is no place."""
    match = _PLACE.fullmatch(text)
    if match is None:
        return None
    direction = np.zeros(3)
    for factor, way in re.findall(r"(\d*\.?\d*)([a-z]+)", match["ways"]):
        direction += float(factor or 1.0) * np.array(_WAYS[way])
    length = np.linalg.norm(direction)
    if not 0 < length < 1e9:
        return None
    sigma = float(match["cm"]) / 100 if match["cm"] else USUAL_SIGMA
    share = int(match["percent"] or 0) / 100
    return Landmark(match["a"], match["b"] or match["a"], share, tuple(direction / length), sigma)


@lru_cache(maxsize=4096)
def on_skin(body: Body, landmark: Landmark) -> OnSkin:
    """Where a ray from the place leaves the body's skin, in the mean shape's rest pose."""
    vertices = body.v_template.astype(np.float64)
    origin = (1.0 - landmark.share) * _rest(body, landmark.a) + landmark.share * _rest(
        body, landmark.b
    )
    direction = np.array(landmark.direction)
    hit = _first_hit(vertices, body.faces, origin, direction)
    if hit is not None:
        triangle, shares = hit
    else:  # the ray began outside
        nearest = int(np.argmin(np.linalg.norm(vertices - origin, axis=1)))
        triangle = int(np.argmax((body.faces == nearest).any(axis=1)))
        shares = (body.faces[triangle] == nearest).astype(float)
    corners = vertices[body.faces[triangle]]
    normal = np.cross(corners[1] - corners[0], corners[2] - corners[0])
    return OnSkin(body.faces[triangle], shares, normal / np.linalg.norm(normal))


def _first_hit(
    vertices: np.ndarray, faces: np.ndarray, origin: np.ndarray, direction: np.ndarray
) -> tuple[int, np.ndarray] | None:
    """The first of triangles that a ray meets, and the shares (3,) of its corners (Möller, Trumbore
    1997)."""
    near = _about_ray(vertices, faces, origin, direction)
    corners = vertices[faces[near]]
    a = corners[:, 0]
    ab, ac = corners[:, 1] - a, corners[:, 2] - a
    p = np.cross(direction, ac)
    with np.errstate(divide="ignore", invalid="ignore"):
        inverse = 1.0 / np.einsum("fc,fc->f", ab, p)
        to_origin = origin - a
        u = inverse * np.einsum("fc,fc->f", to_origin, p)
        q = np.cross(to_origin, ab)
        v = inverse * (q @ direction)
        distance = inverse * np.einsum("fc,fc->f", ac, q)
        hit = (u >= 0) & (v >= 0) & (u + v <= 1) & (distance > NEAREST)
    if not hit.any():
        return None
    first = int(np.argmin(np.where(hit, distance, np.inf)))
    return int(near[first]), np.array([1.0 - u[first] - v[first], u[first], v[first]])


def _about_ray(
    vertices: np.ndarray, faces: np.ndarray, origin: np.ndarray, direction: np.ndarray
) -> np.ndarray:
    """Which triangles a ray may meet, a few of thousands: seen along it, they have corners on
    either side, left and right, above and below."""
    left = np.cross(direction, np.eye(3)[np.argmin(np.abs(direction))])
    about = np.ones(len(faces), dtype=bool)
    for across in (left, np.cross(direction, left)):
        side = (vertices - origin) @ across
        slack = 1e-9 * (1.0 + np.abs(side).max(initial=0.0))
        below, above = side < -slack, side > slack
        about &= ~(below[faces].all(axis=1) | above[faces].all(axis=1))
    return np.flatnonzero(about)


def _rest(body: Body, site: str) -> np.ndarray:
    if site in JOINT_NAMES:
        return body.joint_template[JOINT_NAMES.index(site)]
    vertices, shares = body.surface_sites[site]
    return shares @ body.v_template[vertices]
