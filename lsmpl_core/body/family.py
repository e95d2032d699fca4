"""SMPL-H and SMPL-X bodies as bodies of SMPL's tree with fingers: what moves with the wrists and is
no finger is at rest, and so are jaw, eyes and expression.

Their skinning stays exact. A whole hand, which SMPL's tree has and theirs have not, lies amid the
knuckles and has the weight of the fingers, which share it (`fingers.py`).
"""

from __future__ import annotations

import numpy as np

from .body_files import PER_JOINT
from .fingers import HAND_JOINTS, NUM_FINGER_JOINTS, WRISTS, Fingers
from .skeleton import FINGER_JOINT_NAMES, NUM_JOINTS, Skeleton

FIRST_OF_HANDS = HAND_JOINTS[0]
"""From this joint on the trees differ."""


def as_smpl(data: dict[str, np.ndarray], skeleton: Skeleton) -> dict[str, np.ndarray]:
    """The arrays of a file of another skeleton (`body_files.read_body_file`) as those of SMPL's:
    weights (V,24), J_regressor (24,V) and, where it has them, posedirs (V,3,207)."""
    fingers = _finger_rows(skeleton)
    weights, regressor = data["weights"], data["J_regressor"]
    moved = np.zeros((len(weights), NUM_JOINTS), dtype=weights.dtype)
    for joint in range(len(skeleton)):
        if joint not in fingers:
            moved[:, _carrier(skeleton, joint)] += weights[:, joint]
    joints = np.concatenate([regressor[:FIRST_OF_HANDS], np.zeros((2, regressor.shape[1]))])
    for hand, of_hand in enumerate(HAND_JOINTS):
        rows = fingers[hand * NUM_FINGER_JOINTS : (hand + 1) * NUM_FINGER_JOINTS]
        moved[:, of_hand] = weights[:, rows].sum(axis=1)
        joints[of_hand] = regressor[rows[:-3:3]].mean(axis=0)  # the first of all but the thumb
    out = {**data, "weights": moved, "J_regressor": joints.astype(regressor.dtype)}
    if "posedirs" in data:
        posed = np.zeros((len(weights), 3, PER_JOINT * (NUM_JOINTS - 1)), dtype=np.float32)
        of_body = PER_JOINT * (FIRST_OF_HANDS - 1)
        posed[:, :, :of_body] = data["posedirs"][:, :, :of_body]
        out["posedirs"] = posed
    return out


def fingers_of(
    data: dict[str, np.ndarray],
    skeleton: Skeleton,
    tips: list[tuple[np.ndarray, np.ndarray]],
) -> Fingers:
    """The fingers of a file of another skeleton; tips: of each finger, left hand first, the
    vertices (N,) at its tip and their shares (N,)."""
    rows = _finger_rows(skeleton)
    regressor = data["J_regressor"][rows].astype(np.float64)
    template, directions = data["v_template"], data["shapedirs"]
    vertices, weights = [], []
    for hand in range(len(WRISTS)):
        of_hand = data["weights"][:, rows[hand * NUM_FINGER_JOINTS :][:NUM_FINGER_JOINTS]]
        vertices.append(np.flatnonzero(of_hand.sum(axis=1) > 0))
        weights.append(of_hand[vertices[-1]])
    posed = None
    if "posedirs" in data:
        columns = [PER_JOINT * (row - 1) + k for row in rows for k in range(PER_JOINT)]
        posed = data["posedirs"][:, :, columns]
    return Fingers(
        joint_template=(regressor @ template).reshape(2, NUM_FINGER_JOINTS, 3),
        joint_directions=np.einsum("jv,vcs->jcs", regressor, directions).reshape(
            2, NUM_FINGER_JOINTS, 3, -1
        ),
        tip_template=np.stack([shares @ template[at] for at, shares in tips]).reshape(2, -1, 3),
        tip_directions=np.stack(
            [np.einsum("v,vcs->cs", shares, directions[at]) for at, shares in tips]
        ).reshape(2, len(tips) // 2, 3, -1),
        vertices=(vertices[0], vertices[1]),
        weights=(weights[0], weights[1]),
        counted_from_rest=True,
        pose_directions=posed,
    )


def _finger_rows(skeleton: Skeleton) -> list[int]:
    """(30,) where the finger joints are among a skeleton's."""
    return [skeleton.joint_names.index(name) for name in FINGER_JOINT_NAMES]


def _carrier(skeleton: Skeleton, joint: int) -> int:
    """The joint of SMPL's tree that a joint moves with."""
    while joint >= FIRST_OF_HANDS:
        joint = skeleton.parents[joint]
    return joint
