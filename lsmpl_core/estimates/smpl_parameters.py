"""SMPL parameters as files name them: global_orient, body_pose, betas and transl, of SMPL or
SMPL-X.

In a file they are axis-angles or rotation matrices, in arrays of many shapes or in lists; here they
become the arrays that a `Motion` is made of. Of SMPL-X its 21 body joints are taken, which are the
first 21 of SMPL's after the root.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..body.fingers import NUM_FINGER_JOINTS
from ..body.skeleton import NUM_BETAS, NUM_JOINTS, SMPLX
from ..files.pickle_arrays import to_array
from ..files.reals import reals
from ..rotation import log_map, orthonormalise

PARAMETERS = ("global_orient", "body_pose", "betas", "transl")
HANDS = ("left_hand_pose", "right_hand_pose")
"""Of SMPL-H and SMPL-X, where a file has them."""
MAX_FRAMES = 250_000  # more than an hour at 60 frames a second
MAX_NUMBERS = MAX_FRAMES * NUM_JOINTS * 9
MAX_IN_A_FRAME = 512  # of one parameter; rotation matrices take 207, betas up to 400
ROUNDED = 0.02  # how far from orthonormal a rotation matrix may be: half precision and some


def parameters(fields: Mapping, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, str]:
    """poses (count,24,3), trans (count,3), betas (10,) and the body's name, from `PARAMETERS` of
    `count` frames.

    Metres and radians, as in the file; without transl, trans is zero. Betas are the mean over the
    frames; the body is SMPL-X for 21 joints in body_pose and "" for 23. Raises ValueError with
    words for the user.
    """
    root, body = rotations(fields, "global_orient"), rotations(fields, "body_pose")
    if len(root) != count or len(body) not in (21 * count, 23 * count):
        raise ValueError(
            f"{count} frames have {len(root)} global_orient and {len(body)} rotations in "
            "body_pose; expected 1, and 21 (SMPL-X) or 23 (SMPL), for each frame"
        )
    body = body.reshape(count, -1, 3)
    poses = np.zeros((count, NUM_JOINTS, 3))
    poses[:, 0], poses[:, 1 : body.shape[1] + 1] = root, body
    trans = numbers(fields, "transl") if "transl" in fields else np.zeros((count, 3))
    if trans.size != 3 * count:
        raise ValueError(
            f"transl has shape {trans.shape}; expected 3 numbers for each of {count} frames"
        )
    betas = np.atleast_1d(numbers(fields, "betas"))
    if not betas.size or betas.shape[-1] < NUM_BETAS:
        raise ValueError(
            f"betas have shape {betas.shape}; expected {NUM_BETAS} or more for each frame"
        )
    betas = betas.reshape(-1, betas.shape[-1])[:, :NUM_BETAS].mean(axis=0)
    return poses, trans.reshape(count, 3), betas, "" if body.shape[1] == 23 else SMPLX.name


def fingers(fields: Mapping, count: int) -> np.ndarray | None:
    """(count,30,3) axis-angles of the fingers from `HANDS`; None where they are not there, are no
    rotations (principal components), or never bend. One hand alone leaves the other flat."""
    hands = np.zeros((2, count, NUM_FINGER_JOINTS, 3))
    for hand, name in enumerate(HANDS):
        if name in fields:
            try:
                turned = rotations(fields, name)
            except ValueError:
                return None
            if len(turned) != count * NUM_FINGER_JOINTS:
                return None
            hands[hand] = turned.reshape(hands[hand].shape)
    bent = np.isfinite(hands).all() and hands.any()
    return np.concatenate([hands[0], hands[1]], axis=1) if bent else None


def rotations(fields: Mapping, name: str) -> np.ndarray:
    """(M,3) axis-angles, from axis-angles of any shape or from matrices (...,3,3), of which there
    is one axis more."""
    array = numbers(fields, name)
    if array.ndim < 3 or array.shape[-2:] != (3, 3):
        if array.size % 3:
            raise ValueError(
                f"{name} has shape {array.shape}; expected axis-angles or rotation matrices"
            )
        return array.reshape(-1, 3)
    matrices = array.reshape(-1, 3, 3)
    off = np.abs(matrices @ np.swapaxes(matrices, 1, 2) - np.eye(3)).max(initial=0.0)
    if not off <= ROUNDED or (np.linalg.det(matrices) < 0).any():
        raise ValueError(f"{name} holds matrices that are no rotations")
    return log_map(orthonormalise(matrices))


def stacked(estimates: Sequence[Mapping]) -> dict[str, np.ndarray]:
    """The `PARAMETERS` of single frames, as arrays with the frame as first axis."""
    arrays = {}
    for name in (*PARAMETERS, *HANDS):
        if name in estimates[0]:
            values = [numbers(fields, name, most=MAX_IN_A_FRAME) for fields in estimates]
            if len({value.shape for value in values}) > 1:
                raise ValueError(f"{name} has other shapes in some frames than in others")
            arrays[name] = np.stack(values)
    return arrays


def numbers(fields: Mapping, name: str, most: int = MAX_NUMBERS) -> np.ndarray:
    """The field as float64."""
    if name not in fields:
        raise ValueError(f"has no {name}; it holds {listed(fields)}")
    try:
        array = to_array(fields[name])
    except ValueError as error:
        raise ValueError(f"{name} is {error}") from error
    if array.dtype.kind not in "biuf" or array.size > most:
        raise ValueError(
            f"{name} is {array.size} values of type {array.dtype}; expected at most {most} numbers"
        )
    return reals(array)


def listed(fields: Mapping) -> str:
    """The first few keys of a file, for messages."""
    names = [
        str(name)[:40] for name in list(fields)[:12] if isinstance(name, (int, np.integer, str))
    ]
    return ", ".join(names) + (", ..." if len(fields) > len(names) else "") or "nothing"
