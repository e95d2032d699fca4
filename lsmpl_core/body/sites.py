"""Sites: where keypoints sit on a body, and how a pose moves them.

A site is a weighted set of anchors, each an SMPL joint or a vertex. Under linear blend skinning a
vertex v moves as sum_j w_vj (G_j (v - J_j) + p_j), so a site needs, for each joint j that carries
it, only the mass m_j = sum_v c_v w_vj and the moment q_j = sum_v c_v w_vj v: its position is sum_j
G_j (q_j - m_j J_j) + m_j p_j, exactly. Such a (site, joint) pair is a **part**.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ..errors import LayoutError
from ..shown import shortened
from ..suggestions import suggestion
from .landmarks import SKIN, UNPLACED, on_skin, parse_landmark
from .skeleton import ANCESTORS, JOINT_NAMES, PARENTS

if TYPE_CHECKING:  # `Body` is made of sites; here it is only a hint.
    from .body import Body

SMPL_VERTICES = {
    "nose": 332, "left_eye": 2800, "right_eye": 6260, "left_ear": 583, "right_ear": 4071,
    "head_top": 411, "left_big_toe": 3216, "left_small_toe": 3226, "left_heel": 3387,
    "right_big_toe": 6617, "right_small_toe": 6624, "right_heel": 6787,
    "left_thumb_tip": 2746, "left_index_tip": 2319, "left_middle_tip": 2445, "left_ring_tip": 2556,
    "left_little_tip": 2673, "right_thumb_tip": 6191, "right_index_tip": 5782,
    "right_middle_tip": 5905, "right_ring_tip": 6016, "right_little_tip": 6133,
}  # fmt: skip
SMPLX_VERTICES = {
    "nose": 9120, "left_eye": 9448, "right_eye": 9929, "left_ear": 6, "right_ear": 616,
    "left_big_toe": 5770, "left_small_toe": 5780, "left_heel": 8846,
    "right_big_toe": 8463, "right_small_toe": 8474, "right_heel": 8635,
    "left_thumb_tip": 5361, "left_index_tip": 4933, "left_middle_tip": 5058, "left_ring_tip": 5169,
    "left_little_tip": 5286, "right_thumb_tip": 8079, "right_index_tip": 7669,
    "right_middle_tip": 7794, "right_ring_tip": 7905, "right_little_tip": 8022,
}  # fmt: skip
VERTICES = {6890: SMPL_VERTICES, 10475: SMPLX_VERTICES}
"""Public vertex numbers of keypoints (OpenPose's and the finger tips as in `smplx`), by how many
vertices a mesh has: SMPL's and SMPL-H's, and SMPL-X's."""

BLENDS: dict[str, dict[str, float]] = {
    "mid_hip": {"left_hip": 0.5, "right_hip": 0.5},
    "mid_shoulder": {"left_shoulder": 0.5, "right_shoulder": 0.5},
    "mid_ear": {"left_ear": 0.5, "right_ear": 0.5},
    "jaw": {"chin": 0.5, "head": 0.5},
    "left_carpus": {"left_wrist": 0.78, "left_middle_knuckle": 0.22},
    "right_carpus": {"right_wrist": 0.78, "right_middle_knuckle": 0.22},
    "left_toe": {"left_big_toe": 0.6, "left_small_toe": 0.4},
    "right_toe": {"right_big_toe": 0.6, "right_small_toe": 0.4},
}
"""Sites between other sites."""

SURFACE_SITES = (
    "nose", "head_top", "chin", "mouth_left", "mouth_right",
    *(f"{side}_{part}" for side in ("left", "right") for part in (
        "eye", "eye_inner", "eye_outer", "ear", "big_toe", "small_toe", "heel",
        *(f"{finger}_{end}" for finger in ("thumb", "index", "middle", "ring",
        "little") for end in ("knuckle", "tip")),
    )),
)  # fmt: skip
"""The surface points that every body has."""

SITE_NAMES = (*JOINT_NAMES, *BLENDS, *SURFACE_SITES)
"""All names a layout or a mapping may use as a site."""


def check_site(name: str) -> None:
    """Raise `LayoutError` for an unknown site, naming the closest known ones."""
    landmark = parse_landmark(name)
    if landmark is not None:
        check_site(landmark.a)
        check_site(landmark.b)
    elif name not in SITE_NAMES and name != UNPLACED:
        raise LayoutError(
            f"no site on the body is called {shortened(name)!r}; {suggestion(name, SITE_NAMES)}"
        )


@dataclass(frozen=True)
class SiteParts:
    """The P parts of K sites on one body, for any shape.

    keypoint (P,) and joint (P,) say which site is carried by which joint; mass (P,) sums to 1 over
    a site's parts; moment (P,3) and moment_directions (P,3,10) give the moment q = moment +
    moment_directions @ betas in metres. parent_joint (K,): the joint whose bone a site's
    displacement goes with. For a site at a joint it is the joint's parent (what is seen of an ankle
    is on the shank), so that a displaced site says nothing about the joint's own rotation. carries
    (K,): sites at joints with which the joint itself is displaced, and all that hangs on it, as on
    a skeleton with other bones; None is none.
    """

    count: int
    parent_joint: np.ndarray
    keypoint: np.ndarray
    joint: np.ndarray
    mass: np.ndarray
    moment: np.ndarray
    moment_directions: np.ndarray
    carries: np.ndarray | None = None

    def displaced(self, offsets: np.ndarray) -> SiteParts:
        """The same sites off by offsets (K,3), metres in the rest frame: one massless part more for
        each that a site is off with."""
        keypoint, off = np.nonzero(self.carried)
        none = np.zeros((len(off), 3, self.moment_directions.shape[2]))
        moment = self.carried[keypoint, off][:, None] * offsets[off]
        return replace(
            self,
            keypoint=np.concatenate([self.keypoint, keypoint]),
            joint=np.concatenate([self.joint, self.parent_joint[off]]),
            mass=np.concatenate([self.mass, np.zeros(len(off))]),
            moment=np.concatenate([self.moment, moment]),
            moment_directions=np.concatenate([self.moment_directions, none]),
        )

    @cached_property
    def carried(self) -> np.ndarray:
        """(K,K): by how much of its offset a site, the second, displaces the first; itself by
        all."""
        carried = np.eye(self.count)
        for k in () if self.carries is None else np.flatnonzero(self.carries):
            hangs = self.mass * ANCESTORS[self.joint, self.at_joint[k]]
            carried[:, k] = np.bincount(self.keypoint, hangs, self.count)
        return carried

    @cached_property
    def at_joint(self) -> np.ndarray:
        """(K,): the joint that a site is at, -1 of none."""
        at = np.full(self.count, -1)
        whole = np.flatnonzero(self.mass == 1.0)
        inner = whole[self.joint[whole] != self.parent_joint[self.keypoint[whole]]]
        at[self.keypoint[inner]] = self.joint[inner]
        return at

    def along(self, sites: np.ndarray) -> np.ndarray:
        """(P,3,3S): how the moments go along with the offsets of some sites (S,), of parts that
        were `displaced` last of all."""
        keypoint, off = np.nonzero(self.carried)
        along = np.zeros((len(self.mass), 3, len(sites), 3))
        rows = np.arange(len(self.mass) - len(off), len(self.mass))
        for s, site in enumerate(sites):
            of_site = off == site
            share = self.carried[keypoint[of_site], site]
            along[rows[of_site], :, s] = share[:, None, None] * np.eye(3)
        return along.reshape(len(self.mass), 3, -1)

    def moments(self, betas: np.ndarray) -> np.ndarray:
        """(P,3)"""
        return self.moment + self.moment_directions @ betas

    def rest_positions(self, betas: np.ndarray) -> np.ndarray:
        """(K,3): where the sites are in the rest pose."""
        positions = np.zeros((self.count, 3))
        np.add.at(positions, self.keypoint, self.moments(betas))
        return positions


def site_parts(body: Body, sites: Sequence[str]) -> SiteParts:
    """Resolve site names on a body. Raises `LayoutError` for an unknown name."""
    rows: list[tuple[int, int, float, np.ndarray, np.ndarray]] = []
    for k, site in enumerate(sites):
        by_joint: dict[int, list] = {}
        for share, joint, mass, moment, directions in _carried(body, site):
            part = by_joint.setdefault(joint, [0.0, np.zeros(3), np.zeros((3, 10))])
            part[0] += share * mass
            part[1] = part[1] + share * moment
            part[2] = part[2] + share * directions
        landmark = parse_landmark(site)
        if landmark is not None:
            part = by_joint[_bearer(body, site)]
            part[1] = part[1] + SKIN * on_skin(body, landmark).normal
        rows += [(k, joint, *part) for joint, part in sorted(by_joint.items())]
    keypoint, joint, mass, moment, directions = zip(*rows)
    return SiteParts(
        len(sites),
        np.array([_bearer(body, site) for site in sites]),
        np.array(keypoint),
        np.array(joint),
        np.array(mass),
        np.array(moment),
        np.array(directions),
    )


def site_regressor(body: Body, sites: Sequence[str]) -> np.ndarray:
    """(K,V): from a body's vertices to its sites, in any pose; a joint is regressed as SMPL
    regresses it at rest."""
    rows = np.zeros((len(sites), len(body.v_template)))
    for row, site in zip(rows, sites):
        for share, anchor in _anchors(site):
            if anchor in JOINT_NAMES:
                row += share * body.joint_regressor[JOINT_NAMES.index(anchor)]
            else:
                vertices, shares = body.surface_sites[anchor]
                np.add.at(row, vertices, share * shares)
    return rows


def _bearer(body: Body, site: str) -> int:
    landmark = parse_landmark(site)
    if landmark is not None:
        skin = on_skin(body, landmark)
        return int(np.argmax(skin.shares @ body.skinning_weights[skin.vertices]))
    anchors = [name for _, name in _anchors(site)]
    surface = [name for name in anchors if name not in JOINT_NAMES]
    if not surface:
        return max(PARENTS[JOINT_NAMES.index(anchors[0])], 0)
    vertices, shares = body.surface_sites[surface[0]]
    return int(np.argmax(shares @ body.skinning_weights[vertices]))


def _anchors(site: str) -> list[tuple[float, str]]:
    check_site(site)
    if site == UNPLACED:
        return [(1.0, JOINT_NAMES[0])]
    return (
        [(share, name) for name, share in BLENDS[site].items()] if site in BLENDS else [(1.0, site)]
    )


def _carried(body: Body, site: str):
    """(share, joint, mass, moment (3,), moment directions (3,10)) of each joint that carries an
    anchor of a site."""
    landmark = parse_landmark(site)
    if landmark is not None:
        skin = on_skin(body, landmark)
        yield from _carried_vertices(body, 1.0, skin.vertices, skin.shares)
        return
    for share, anchor in _anchors(site):
        if anchor in JOINT_NAMES:
            joint = JOINT_NAMES.index(anchor)
            yield share, joint, 1.0, body.joint_template[joint], body.joint_directions[joint]
        else:
            yield from _carried_vertices(body, share, *body.surface_sites[anchor])


def _carried_vertices(body: Body, share: float, vertices: np.ndarray, shares: np.ndarray):
    weights = body.skinning_weights[vertices] * shares[:, None]
    for joint in np.flatnonzero(weights.sum(axis=0) > 1e-6):
        w = weights[:, joint]
        yield (
            share,
            int(joint),
            float(w.sum()),
            w @ body.v_template[vertices],
            np.einsum("v,vcs->cs", w, body.shape_directions[vertices]),
        )
