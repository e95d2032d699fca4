"""Samples adult bodies from Anny: vertices, landmarks, skinning weights and quads, in SMPL's
axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from .surface import mirror_vertices

if TYPE_CHECKING:
    # Only what makes a body needs it: a file that is there is checked without.
    from anny import Anny

# Anny's bones grouped by the SMPL joint that moves them.
SIDED_BONES = {
    "hip": ("upperleg01", "upperleg02"),
    "knee": ("lowerleg01", "lowerleg02"),
    "ankle": ("foot",),
    "foot": tuple(f"toe{toe}-{bone}" for toe in range(1, 6) for bone in range(1, 4)),
    "collar": ("clavicle", "shoulder01"),
    "shoulder": ("upperarm01", "upperarm02"),
    "elbow": ("lowerarm01", "lowerarm02"),
    "wrist": ("wrist", "metacarpal1", "metacarpal2", "metacarpal3", "metacarpal4"),
    "hand": tuple(f"finger{finger}-{bone}" for finger in range(1, 6) for bone in range(1, 4)),
}
MIDDLE_BONES = {
    "pelvis": ("root", "pelvis.L", "pelvis.R", "spine05", "spine04"),
    "spine1": ("spine03",),
    "spine2": ("spine02",),
    "spine3": ("spine01",),
    "neck": ("neck01", "neck02", "neck03"),
    "head": ("head", "eye.L", "eye.R"),
}
BONES_OF_JOINT = MIDDLE_BONES | {
    f"{side}_{part}": tuple(f"{bone}.{side[0].upper()}" for bone in bones)
    for part, bones in SIDED_BONES.items()
    for side in ("left", "right")
}

# Where each landmark lies: the mean of the heads of these bones.
SIDED_LANDMARKS = {
    "hip": ("upperleg01",),
    "knee": ("lowerleg01",),
    "ankle": ("foot",),
    "toes": tuple(f"toe{toe}-1" for toe in range(1, 6)),
    "clavicle": ("clavicle",),
    "shoulder": ("upperarm01",),
    "elbow": ("lowerarm01",),
    "wrist": ("wrist",),
    "knuckles": tuple(f"finger{finger}-1" for finger in range(2, 6)),
}
LANDMARKS = {"neck": ("neck01",), "head": ("head",)} | {
    f"{side}_{part}": tuple(f"{bone}.{side[0].upper()}" for bone in bones)
    for part, bones in SIDED_LANDMARKS.items()
    for side in ("left", "right")
}


@dataclass
class AnnyBodies:
    """Adults in Anny's own rest pose: metres, Y up, facing +Z, the person's left at +X."""

    vertices: np.ndarray  # (B, V, 3) one body a row
    mean_landmarks: dict[str, np.ndarray]  # (3,) each, on the mean body
    bone_heads: dict[str, np.ndarray]  # (3,) each, on the mean body
    joint_weights: dict[str, np.ndarray]  # (V,) each, Anny's weights summed by SMPL joint
    quads: np.ndarray  # (Q, 4)
    mirror: np.ndarray  # (V,) the vertex on the other side


def sample_anny(count: int, seed: int) -> AnnyBodies:
    """Draw `count` adults; every draw is neutral on average, with a mean stature of about 1.70
    m."""
    model = anny_model()
    with torch.no_grad():
        coefficients = model.get_phenotype_blendshape_coefficients(**draw_phenotypes(count, seed))
        vertices = model.get_rest_vertices(coefficients).numpy()
        heads = model.get_rest_model(coefficients.mean(0, keepdim=True))["rest_bone_heads"][
            0
        ].numpy()
    bone_heads = dict(zip(model.bone_labels, to_smpl_axes(heads)))
    weights = dict(zip(model.bone_labels, model.dense_vertex_bone_weights.numpy().T))
    template = model.template_vertices.numpy()
    return AnnyBodies(
        vertices=to_smpl_axes(vertices),
        mean_landmarks={
            name: np.mean([bone_heads[bone] for bone in bones], axis=0)
            for name, bones in LANDMARKS.items()
        },
        bone_heads=bone_heads,
        joint_weights={
            joint: sum(weights[bone] for bone in bones if bone in weights)
            for joint, bones in BONES_OF_JOINT.items()
        },
        quads=model.faces.numpy().astype(np.int64),
        mirror=mirror_vertices(template),
    )


def anny_model() -> Anny:
    """Anny with all sliders, in double precision."""
    import anny

    model = anny.Anny(
        topology="anny-quads",
        phenotypes="all",
        phenotype_blendshapes="original",
        skinning_method="lbs",
    )
    return model.to(dtype=torch.float64)


def draw_phenotypes(count: int, seed: int) -> dict[str, torch.Tensor]:
    """Anny's sliders, each in [0, 1]. At equal ancestry a height of 0.38 is 1.70 m, and 0.1 more is
    11 cm."""
    rng = np.random.default_rng(seed)
    ancestry = rng.dirichlet((2.0, 2.0, 2.0), count)
    draws = {
        "gender": rng.uniform(0.0, 1.0, count),  # 0 male, 1 female
        "age": rng.uniform(0.64, 0.95, count),  # 2/3 is a young adult, 1 is old
        "height": rng.normal(0.38, 0.065, count),
        "muscle": rng.beta(2.0, 2.0, count),
        "weight": rng.uniform(0.0, 1.0, count),
        "proportions": rng.beta(3.0, 3.0, count),
        "cupsize": rng.beta(3.0, 6.0, count),  # a third: the mean body is neutral
        "firmness": rng.beta(5.0, 5.0, count),
        "african": ancestry[:, 0],
        "asian": ancestry[:, 1],
        "caucasian": ancestry[:, 2],
    }
    return {name: torch.as_tensor(values) for name, values in draws.items()}


def to_smpl_axes(points: np.ndarray) -> np.ndarray:
    """From Z up, facing -Y, to Y up, facing +Z; the person's left stays at +X."""
    return np.stack((points[..., 0], points[..., 2], -points[..., 1]), axis=-1)
