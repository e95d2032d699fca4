"""Marks the surface points that keypoint detectors see on the open body.

A site is a convex combination of vertices. Points of the face, the feet and the finger tips are
single vertices of Anny's mesh, picked by eye on renders; knuckles lie inside the finger, where a
detector's mark points from every side. Only the person's left is listed; the right is its mirror
image.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .surface import skin_fixed_weights

# Anny's vertex numbers (topology "anny-quads", version 0.6.2).
MIDDLE_VERTICES = {"nose": 294, "head_top": 881, "chin": 5195}
LEFT_VERTICES = {
    "eye": (13583, 13628),  # front of the eyeball
    "eye_inner": (6841,),
    "eye_outer": (11440,),
    "ear": (12197,),  # ear hole, behind the tragus
    "big_toe": (12724,),
    "small_toe": (13248,),
    "heel": (12410,),
    "thumb_tip": (9384,),
    "index_tip": (8694,),
    "middle_tip": (8867,),
    "ring_tip": (9663,),
    "little_tip": (9251,),
}
LEFT_MOUTH = 7166

# Knuckles, between the heads of two of Anny's bones: (bone, bone, fraction of the way to the
# second).
LEFT_KNUCKLES = {
    "thumb_knuckle": ("finger1-2.L", "finger1-2.L", 0.0),
    "index_knuckle": ("wrist.L", "finger2-1.L", 0.9),
    "middle_knuckle": ("wrist.L", "finger3-1.L", 0.9),
    "ring_knuckle": ("wrist.L", "finger4-1.L", 0.9),
    "little_knuckle": ("wrist.L", "finger5-1.L", 0.9),
}
KNUCKLE_VERTICES = 16
KNUCKLE_REACH = 0.012  # metres


def find_sites(
    mean: np.ndarray, bone_heads: Mapping[str, np.ndarray], mirror: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Names (S,), vertex numbers (S, N) and weights (S, N), padded with weight 0.

    `mean` (V, 3) is the mean body in the pose of `bone_heads`; `mirror` (V,) gives each vertex's
    mirror image.
    """
    left = {
        name: (np.array(numbers), np.full(len(numbers), 1.0 / len(numbers)))
        for name, numbers in LEFT_VERTICES.items()
    }
    for name, (start, end, fraction) in LEFT_KNUCKLES.items():
        left[name] = _around(mean, (1 - fraction) * bone_heads[start] + fraction * bone_heads[end])
    single = MIDDLE_VERTICES | {"mouth_left": LEFT_MOUTH, "mouth_right": mirror[LEFT_MOUTH]}
    sites = {name: (np.array([vertex]), np.ones(1)) for name, vertex in single.items()}
    for name, (vertices, weights) in left.items():
        sites[f"left_{name}"] = (vertices, weights)
        sites[f"right_{name}"] = (mirror[vertices], weights)

    site_vertices = np.zeros((len(sites), KNUCKLE_VERTICES), dtype=np.int32)
    site_weights = np.zeros((len(sites), KNUCKLE_VERTICES), dtype=np.float32)
    for row, (vertices, weights) in enumerate(sites.values()):
        site_vertices[row, : len(vertices)] = vertices
        site_weights[row, : len(weights)] = weights
    return np.array(list(sites), dtype="<U32"), site_vertices, site_weights


def _around(mean: np.ndarray, point: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    distance = np.linalg.norm(mean - point, axis=1)
    vertices = np.argsort(distance, kind="stable")[: 3 * KNUCKLE_VERTICES]
    weights = skin_fixed_weights(
        mean[vertices], np.exp(-((distance[vertices] / KNUCKLE_REACH) ** 2) / 2), point
    )
    heaviest = np.sort(np.argsort(-weights, kind="stable")[:KNUCKLE_VERTICES])
    return vertices[heaviest], weights[heaviest] / weights[heaviest].sum()
