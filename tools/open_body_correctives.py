"""Fits linear pose correctives ("posedirs"), which repair what linear blend skinning does to
twisted and bent limbs.

The wanted surface is that of an elastic body on the same skeleton (open_body_flesh), in poses in
which all limbs bend at once, as far as people's do. What plain skinning misses of it is fitted by
ridge regression on the entries of R - I, which is how SMPL's posedirs are read. It is fitted where
it is seen, on the posed surface: taken back to the rest pose, what joints miss that bend by 150
degrees would outweigh all else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from open_body_flesh import Flesh, forward, neighbours, spread_twists
from open_body_pose import JOINT_NAMES, mirror_vertices, with_descendants
from scipy import sparse
from scipy.spatial.transform import Rotation
from scipy.stats import norm, qmc

POSES = 64  # each with two sides, which are posed on their own
RIDGE = 0.002
SMOOTHING_STEPS = 2  # of what is missed, which is rough where flesh is folded
QUANTUM = 2.0**-13  # metres; a coarser grid compresses better, and 0.12 mm is not seen
LEAST = 0.0002  # metres; smaller corrections are left out
INFLUENCE = 0.005  # of a vertex; a joint that moves less of it, or leaves less, does not bend it
MIRROR = np.array([-1.0, 1.0, 1.0])

# The joints that correct the skin.
SIDED_JOINTS = ("hip", "knee", "ankle", "collar", "shoulder", "elbow", "wrist")

# Degrees, of the left side; the right is its mirror image. What is even is drawn evenly between
# two numbers, what is normal about 0 with a standard deviation. `azimuth` is where the lower bone
# bends to, about the upper one and from where it mostly does.
EVEN = {
    "arm up": (-85, 80), "arm ahead": (-40, 110), "arm twist": (-80, 60), "collar share": (0, 1),
    "elbow bend": (0, 150), "hip bend": (-30, 120), "hip aside": (-20, 45), "hip twist": (-35, 35),
    "knee bend": (0, 150), "ankle bend": (-30, 45),
}  # fmt: skip
NORMAL = {
    "collar up": 6, "collar ahead": 6, "elbow azimuth": 25, "forearm twist": 40, "wrist twist": 25,
    "wrist ahead": 15, "wrist up": 30, "knee azimuth": 12, "shin twist": 10, "ankle aside": 10,
    "ankle twist": 8,
}  # fmt: skip
HANGING, STRAIGHT = 0.4, 0.3  # shares of arms that hang, and of legs that bend little


def fit_correctives(body: Mapping[str, np.ndarray], seed: int) -> np.ndarray:
    """(V, 3, 207) displacements for each entry of R - I of every joint but the pelvis, of a body's
    arrays by key; none at the vertices of its sites."""
    template, weights, regressor = (
        body[key].astype(np.float64) for key in ("v_template", "weights", "J_regressor")
    )
    joints, quads = regressor @ template, body["quads"].astype(np.int64)
    mirror = mirror_vertices(template)
    flesh, smoothed = Flesh(template, weights, joints, quads), _half_way_to_neighbours(quads)
    features, missed, blends = [], [], []
    for number, rotations in enumerate(_poses(seed)):
        blend, skinned = _skinned(rotations, template, weights, joints)
        miss = flesh.pose(rotations, skinned) - skinned
        for _ in range(SMOOTHING_STEPS):
            miss = smoothed @ miss
        turns = _mirrored_rotations(rotations)
        features += [(r - np.eye(3)).reshape(24, 9) for r in (rotations, turns)]
        missed += [miss, miss[mirror] * MIRROR]
        blends += [blend, _skinned(turns, template, weights, joints)[0]]
        print(f"flesh posed {number + 1} of {POSES} times", end="\r", flush=True)
    print()

    posedirs = np.zeros((len(template), 3, 24, 9))
    of_poses = (np.array(features), np.array(missed), np.array(blends))
    for own, vertices in _groups(template, weights, joints).items():
        found = _ridge(*of_poses, np.array(own), vertices)
        posedirs[vertices[:, None], :, np.array(own)] = found

    posedirs = posedirs[:, :, 1:].reshape(len(template), -1)
    posedirs[body["site_vertices"][body["site_weights"] > 0]] = 0.0
    posedirs[np.abs(posedirs) < LEAST] = 0.0
    return (np.round(posedirs / QUANTUM) * QUANTUM).reshape(len(template), 3, 207)


def _groups(
    template: np.ndarray, weights: np.ndarray, joints: np.ndarray
) -> dict[tuple[int, ...], np.ndarray]:
    """The vertices (N,) of each set of joints that correct them: those about which they bend, and
    those whose twist is spread over them. What others miss there is no law of theirs."""
    corrects = np.zeros(weights.shape, dtype=bool)
    for part in SIDED_JOINTS:
        for side in ("left", "right"):
            joint = JOINT_NAMES.index(f"{side}_{part}")
            moved = weights[:, with_descendants(joint)].sum(1)
            corrects[:, joint] = (moved > INFLUENCE) & (moved < 1.0 - INFLUENCE)
    for turning, turned, _, share in spread_twists(template, joints):
        corrects[:, turning] |= (weights[:, turned] > 0.5) & (share > 0.0) & (share < 1.0)
    sets, which = np.unique(corrects, axis=0, return_inverse=True)
    which = which.ravel()
    return {
        tuple(np.flatnonzero(own).tolist()): np.flatnonzero(which == number)
        for number, own in enumerate(sets)
        if own.any()
    }


def _ridge(
    features: np.ndarray, missed: np.ndarray, blends: np.ndarray, own: np.ndarray, which: np.ndarray
) -> np.ndarray:
    """(N, J, 3, 9) the correctives of vertices `which` (N,) by the joints `own` (J,).

    features (S, 24, 9) of the poses, missed (S, V, 3) by plain skinning, blends (S, V, 3, 3) by
    which it takes displacements of the rest pose to the posed surface.
    """
    told = features[:, own].reshape(len(features), -1)
    products = told[:, :, None] * told[:, None]
    found = np.empty((len(which), len(own), 3, 9))
    for row, vertex in enumerate(which):
        blend = blends[:, vertex]
        metric = np.swapaxes(blend, 1, 2) @ blend  # (S, 3, 3)
        asked = np.einsum("sij,si->sj", blend, missed[:, vertex])
        gram = np.tensordot(metric, products, (0, 0)).transpose(0, 2, 1, 3)
        size = 3 * told.shape[1]
        gram = gram.reshape(size, size) + RIDGE * len(told) * np.eye(size)
        directions = np.linalg.solve(gram, (asked.T @ told).ravel())
        found[row] = directions.reshape(3, len(own), 9).transpose(1, 0, 2)
    return found


def _skinned(
    rotations: np.ndarray, template: np.ndarray, weights: np.ndarray, joints: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What plain skinning makes of a pose: each vertex' blended rotations (V, 3, 3), and the skin
    (V, 3)."""
    frames, places = forward(rotations, joints)
    blend = np.tensordot(weights, frames, 1)
    offsets = places - np.einsum("jab,jb->ja", frames, joints)
    return blend, np.einsum("vab,vb->va", blend, template) + weights @ offsets


def _mirrored_rotations(rotations: np.ndarray) -> np.ndarray:
    """The same pose on the other side, (24, 3, 3)."""
    swapped = [
        JOINT_NAMES.index(
            name.replace("left_", "right_")
            if name.startswith("left_")
            else name.replace("right_", "left_")
        )
        for name in JOINT_NAMES
    ]
    return rotations[swapped] * np.outer(MIRROR, MIRROR)


def _half_way_to_neighbours(quads: np.ndarray) -> sparse.csr_matrix:
    """(V, V) what takes each vertex half-way to the mean of its neighbours."""
    beside = neighbours(quads)
    mean = sparse.diags(1.0 / np.ravel(beside.sum(1))) @ beside
    return (0.5 * (mean + sparse.identity(beside.shape[0]))).tocsr()


def _poses(seed: int) -> Iterator[np.ndarray]:
    """Rotations (24, 3, 3), evenly strewn (a Latin hypercube)."""
    names = [*EVEN, *NORMAL, "arm hangs", "leg straight"]
    draws = qmc.LatinHypercube(len(names), seed=seed).random(2 * POSES)
    for left, right in draws.reshape(POSES, 2, -1):
        sides = _side(dict(zip(names, left))), _mirrored_rotations(_side(dict(zip(names, right))))
        yield sides[0] @ sides[1]  # each turns joints of its own side alone


def _side(row: dict[str, float]) -> np.ndarray:
    """Rotations (24, 3, 3) of the left side's joints; row: draws between 0 and 1."""
    for name, (least, most) in EVEN.items():
        row[name] = least + (most - least) * row[name]
    for name, spread in NORMAL.items():
        row[name] = spread * norm.ppf(row[name])
    rotations = np.tile(np.eye(3), (24, 1, 1))
    for part, rotation in (_arm(row) | _leg(row)).items():
        rotations[JOINT_NAMES.index(f"left_{part}")] = rotation.as_matrix()
    return rotations


def _arm(row: dict[str, float]) -> dict[str, Rotation]:
    """The rotations of an arm's joints."""
    up, ahead = row["arm up"], row["arm ahead"]
    if row["arm hangs"] < HANGING:
        up = -85.0 + (up + 85.0) / 4
    _, height, depth = towards = (_turn(y=-ahead) * _turn(z=up)).apply((1.0, 0.0, 0.0))
    axis = np.cross((1.0, 0.0, 0.0), towards)
    swing = Rotation.from_rotvec(np.arccos(towards[0]) * axis / np.linalg.norm(axis))

    # Collar bones follow the arm, as in motion that was fitted to people's markers.
    share = row["collar share"]
    raised = share * (9.0 + 28.0 * height) + row["collar up"]
    forward = share * (8.0 + 7.0 * height + 33.0 * depth) / 2 + row["collar ahead"]
    collar = _turn(y=-forward) * _turn(z=raised)
    return {
        "collar": collar,
        "shoulder": collar.inv() * swing * _turn(x=row["arm twist"]),
        "elbow": _bend("x", row["elbow azimuth"], _turn(y=-row["elbow bend"]))
        * _turn(x=row["forearm twist"]),
        "wrist": _turn(z=row["wrist up"])
        * _turn(y=row["wrist ahead"])
        * _turn(x=row["wrist twist"]),
    }


def _leg(row: dict[str, float]) -> dict[str, Rotation]:
    """The rotations of a leg's joints."""
    bend, aside, knee = row["hip bend"], row["hip aside"], row["knee bend"]
    if row["leg straight"] < STRAIGHT:
        bend, aside, knee = bend / 4, aside / 3, knee / 5
    return {
        "hip": _turn(x=-bend) * _turn(z=aside) * _turn(y=row["hip twist"]),
        "knee": _bend("y", row["knee azimuth"], _turn(x=knee)) * _turn(y=row["shin twist"]),
        "ankle": _turn(x=row["ankle bend"])
        * _turn(z=row["ankle aside"])
        * _turn(y=row["ankle twist"]),
    }


def _turn(**degrees: float) -> Rotation:
    """About one axis."""
    ((axis, angle),) = degrees.items()
    return Rotation.from_euler(axis, angle, degrees=True)


def _bend(axis: str, azimuth: float, bend: Rotation) -> Rotation:
    """A bend in another plane, turned about the upper bone."""
    turn = _turn(**{axis: azimuth})
    return turn * bend * turn.inv()
