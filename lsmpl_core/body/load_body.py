"""`load_body`: the bundled open body, or a user's own file."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from ..data import DATA
from ..errors import BodyFileError
from ..files.npz import read_npz
from ..keypoints.hand_points import FINGERS, SIDES
from .body import Body
from .body_files import read_body_file
from .family import as_smpl, fingers_of
from .fingers import Fingers
from .sites import SURFACE_SITES, VERTICES, site_parts
from .skeleton import NUM_BETAS, SKELETONS, SMPL

OPEN_BODY = DATA / "open_body.npz"
OPEN_HANDS = DATA / "open_hands.npz"
OTHER_ORDER_M = 0.06
"""From where the open body has them: sites that are farther off, in the median, are of a mesh with
other vertices."""


def load_body(path: str | os.PathLike | None = None, *, correctives: bool = True) -> Body:
    """The bundled open body, or a user's file of SMPL, SMPL-H or SMPL-X: `.npz`, or the official
    `.pkl`, which is read and never executed.

    `correctives` False leaves out those of the mesh, most of the file, for whoever wants motion
    alone. Raises `BodyFileError` naming the file and what is wrong with it.
    """
    if path is None:
        return _open_body() if correctives else _open_body_without_correctives()
    return _read_body(Path(path), correctives)


@cache
def _open_body() -> Body:
    return _complete(_read_body(OPEN_BODY))


@cache
def _open_body_without_correctives() -> Body:
    return _complete(_read_body(OPEN_BODY, correctives=False))


def _complete(body: Body) -> Body:
    """The open body with its fingers."""
    return replace(body, fingers=_open_fingers(body))


def _open_fingers(body: Body) -> Fingers:
    """Of the open body: its joints from their own file, its tips from the surface."""
    data = read_npz(OPEN_HANDS)
    tips = site_parts(body, [f"{side}_{finger}_tip" for side in SIDES for finger in FINGERS])
    if (np.diff(tips.keypoint) != 1).any():
        raise BodyFileError(f"{OPEN_HANDS}: a finger tip hangs on more than one joint")
    directions = np.stack([tips.moments(unit) for unit in np.eye(NUM_BETAS)], axis=-1)
    template = tips.moments(np.zeros(NUM_BETAS))
    left, right = data["vertices"].astype(np.int64)
    return Fingers(
        joint_template=data["joints"].astype(np.float64),
        joint_directions=data["joint_directions"].astype(np.float64),
        tip_template=template.reshape(2, len(FINGERS), 3),
        tip_directions=(directions - template[..., None]).reshape(2, len(FINGERS), 3, NUM_BETAS),
        vertices=(left, right),
        weights=(data["finger_weights"], data["finger_weights"]),
    )


def _read_body(path: Path, correctives: bool = True) -> Body:
    found = read_body_file(path, correctives)
    skeleton = SKELETONS[len(found["parents"])]
    data = found if skeleton is SMPL else as_smpl(found, skeleton)
    body = Body(
        name=str(data["name"]) if "name" in data else path.stem,
        v_template=data["v_template"],
        shape_directions=data["shapedirs"],
        joint_regressor=data["J_regressor"],
        skinning_weights=data["weights"],
        faces=data["f"],
        pose_directions=data.get("posedirs"),
        quads=data.get("quads"),
        skeleton=skeleton,
    )
    body.surface_sites.update(_file_sites(data) or _smpl_sites(body))
    missing = set(SURFACE_SITES) - set(body.surface_sites)
    if missing:
        body.surface_sites.update(_transferred_sites(body, _open_body(), missing))
    if skeleton is SMPL:
        return body
    names = [f"{side}_{finger}_tip" for side in SIDES for finger in FINGERS]
    tips = [body.surface_sites[name] for name in names]
    return replace(body, fingers=fingers_of(found, skeleton, tips))


def _file_sites(data: dict[str, np.ndarray]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    if "site_names" not in data:
        return {}
    rows = zip(data["site_names"], data["site_vertices"], data["site_weights"])
    return {
        str(name): (vertices[shares > 0], shares[shares > 0]) for name, vertices, shares in rows
    }


def _smpl_sites(body: Body) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Where SMPL's and SMPL-X's numbers say, which a mesh that has as many vertices in another
    order tells nothing by: then most are nowhere near."""
    known = VERTICES.get(len(body.v_template), {})
    if known:
        there = body.v_template[list(known.values())]
        expected = [_expected(body, _open_body(), name) for name in known]
        if np.median(np.linalg.norm(there - expected, axis=1)) > OTHER_ORDER_M:
            return {}
    return {name: (np.array([vertex]), np.ones(1)) for name, vertex in known.items()}


def _transferred_sites(body: Body, source: Body, names) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Sites the file does not have: the vertex nearest to where they are on another body, relative
    to their joint."""
    sites = {}
    for name in names:
        expected = _expected(body, source, name)
        nearest = int(np.argmin(np.linalg.norm(body.v_template - expected, axis=1)))
        sites[name] = (np.array([nearest]), np.ones(1))
    return sites


def _expected(body: Body, source: Body, name: str) -> np.ndarray:
    """(3,) metres: where a site is on another body, counted from its joint."""
    parts = site_parts(source, [name])
    joint = parts.joint[np.argmax(parts.mass)]
    return parts.moment.sum(axis=0) - source.joint_template[joint] + body.joint_template[joint]
