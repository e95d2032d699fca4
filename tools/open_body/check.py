"""Prints how the open body compares with SMPL's public figures."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.spatial.transform import Rotation

from lsmpl_core.body.skeleton import ANCESTORS, JOINT_NAMES, PARENTS

from .rest_pose import smpl_joints
from .surface import volume


def print_check(body: Mapping[str, np.ndarray]) -> None:
    template = body["v_template"].astype(np.float64)
    shapedirs = body["shapedirs"].astype(np.float64)
    regressor = body["J_regressor"].astype(np.float64)
    joints, wanted = regressor @ template, smpl_joints()
    influences = (body["weights"] > 0).sum(1)
    print(
        f"{len(template)} vertices, {len(body['f'])} triangles, {len(body['quads'])} quads, "
        f"{len(body['site_names'])} sites; at most {influences.max()} influences a vertex, "
        f"weights sum to 1 within {np.abs(body['weights'].sum(1) - 1).max():.1e}"
    )
    print("\nsegment         length  SMPL's   angle between them (lengths in mm, angle in degrees)")
    for joint, parent in enumerate(PARENTS):
        if parent < 0:
            print(
                f"{'pelvis':15s} {1e3 * np.linalg.norm(joints[0] - wanted[0]):6.1f} "
                "from SMPL's place"
            )
            continue
        ours, theirs = joints[joint] - joints[parent], wanted[joint] - wanted[parent]
        print(
            f"{JOINT_NAMES[joint]:15s} {1e3 * np.linalg.norm(ours):6.1f}  "
            f"{1e3 * np.linalg.norm(theirs):6.1f}  {_angle(ours, theirs):6.2f}"
        )
    if "posedirs" in body:
        print(
            "\nradius that is left around a joint twisted by 90 degrees: "
            "plain skinning, with correctives"
        )
        for part, beyond in (("shoulder", "elbow"), ("elbow", "wrist"), ("wrist", "hand")):
            plain, corrected = (
                _radius_left(body, template, joints, part, beyond, on) for on in (False, True)
            )
            print(f"left_{part:10s} {plain:6.2f} {corrected:6.2f}")
    print(
        "\nshape              height    leg    arm  trunk  volume   "
        "largest turn of a limb or spine segment"
    )
    parts = {"leg": (1, 4, 7), "arm": (16, 18, 20), "trunk": (0, 3, 6, 9, 12)}
    rows = [("mean", template)] + [
        (f"component {k} {sign * 2:+d}", template + 2 * sign * shapedirs[..., k])
        for k in range(shapedirs.shape[-1])
        for sign in (-1, 1)
    ]
    for name, vertices in rows:
        shaped = regressor @ vertices
        lengths = [
            sum(np.linalg.norm(np.diff(shaped[list(chain)], axis=0), axis=1))
            for chain in parts.values()
        ]
        turns = [
            _angle(shaped[j] - shaped[p], wanted[j] - wanted[p])
            for j, p in enumerate(PARENTS)
            if p >= 0
        ]
        height = np.ptp(vertices[:, 1])
        print(
            f"{name:16s} {height:8.3f} {' '.join(f'{length:6.3f}' for length in lengths)} "
            f"{volume(vertices, body['f']) * 1e3:6.1f} l  {max(turns):5.2f} "
            f"({JOINT_NAMES[1 + int(np.argmax(turns))]})"
        )


def _radius_left(
    body: Mapping[str, np.ndarray],
    template: np.ndarray,
    joints: np.ndarray,
    part: str,
    beyond: str,
    corrected: bool,
) -> float:
    """Mean distance from the limb's axis of the vertices that turn half-way with the joint, twisted
    over at rest."""
    joint = JOINT_NAMES.index(f"left_{part}")
    pivot, axis = joints[joint], joints[JOINT_NAMES.index(f"left_{beyond}")] - joints[joint]
    rotation = Rotation.from_rotvec(np.pi / 2 * axis / np.linalg.norm(axis)).as_matrix()
    moved = body["weights"][:, ANCESTORS[:, joint]].sum(1)[:, None]
    vertices = template
    if corrected:
        directions = body["posedirs"][:, :, 9 * (joint - 1) : 9 * joint].astype(np.float64)
        vertices = template + directions @ (rotation - np.eye(3)).ravel()
    posed = pivot + moved * ((vertices - pivot) @ rotation.T) + (1 - moved) * (vertices - pivot)
    ring = (np.abs(moved - 0.5) < 0.2)[:, 0]
    radius = [
        np.linalg.norm(np.cross(points[ring] - pivot, axis / np.linalg.norm(axis)), axis=1).mean()
        for points in (template, posed)
    ]
    return radius[1] / radius[0]


def _angle(a: np.ndarray, b: np.ndarray) -> float:
    """In degrees."""
    return float(np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b)), a @ b)))
