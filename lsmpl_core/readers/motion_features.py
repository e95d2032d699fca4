"""Rows of features that models of motion train on, made joints again: 263 numbers of HumanML3D, 251
of KIT-ML.

A row of these holds the root's turn, its velocity across the floor and its height, where the other
joints are about it in its own heading, then rotations, velocities and contacts
(EricGuo5513/HumanML3D, `motion_representation.ipynb`; `recover_from_ric` of its
`scripts/motion_process.py` says what they mean). Models see them normalised, which cannot be undone
without the mean and the deviation of the data set.
"""

from __future__ import annotations

import numpy as np

from ..errors import KeypointFileError
from ..keypoints.track import Decision
from .raw import RawTrack

JOINTS = {263: 22, 251: 21}
"""By the numbers of a row the joints that are in it."""
RATES = {263: 20.0, 251: 12.5}
"""Frames a second of the data sets."""
PLACES_FIRST = {262: 22, 492: 22}
"""Rows that begin with the places of so many joints: those of tr3e/InterGen."""
WITHOUT_PLACES = (151, 272)
"""Rows of EDGE (contacts, translation, rotations) and of MotionStreamer, which are normalised."""
WHOSE = {
    263: "HumanML3D", 251: "KIT-ML", 262: "InterGen", 492: "InterHuman", 151: "EDGE",
    272: "MotionStreamer",
}  # fmt: skip


def rate_of_samples(array: np.ndarray) -> float | None:
    """The rate of samples (B,K,3,T) as models of text to motion write them (GuyTevet's
    motion-diffusion-model, `sample/generate.py`): that of the data set with so many joints, or
    None where an array is none of these."""
    rates = {JOINTS[width]: rate for width, rate in RATES.items()}
    samples = array.ndim == 4 and array.shape[2] == 3 and array.shape[3] not in (3, 4)
    return rates.get(array.shape[1]) if samples else None


def are_features(array: np.ndarray) -> bool:
    """Whether rows of numbers (T,N) have the width of such features."""
    return array.ndim == 2 and array.shape[1] in WHOSE


def joints_of_features(rows: np.ndarray, where: str) -> RawTrack:
    """The joints of features (T,N). Raises `KeypointFileError` where they are normalised or hold no
    places."""
    width = rows.shape[1]
    whose = f"{where}: {width} numbers a frame are {WHOSE[width]}'s features"
    if width in WITHOUT_PLACES:
        raise KeypointFileError(
            f"{whose}, in which no joints' places stand. Export joints, or SMPL poses"
        )
    if width in PLACES_FIRST:
        return RawTrack(
            rows[:, : 3 * PLACES_FIRST[width]].reshape(len(rows), -1, 3), decisions=[_said(width)]
        )
    count = JOINTS[width]
    contacts, height = rows[:, -4:], rows[:, 3]
    if not np.isin(np.round(contacts, 3), (0, 1)).all() or not (
        np.isfinite(rows).all() and np.median(height) > 0
    ):
        raise KeypointFileError(
            f"{whose}, and normalised (their contacts are not 0 or 1). Multiply them by Std.npy "
            "and add Mean.npy, or export joints (recover_from_ric)"
        )

    # The first row's heading is the way that the take faces; each row's turn and velocity lead to
    # the next one.
    heading = 2.0 * np.concatenate([[0.0], np.cumsum(rows[:-1, 0])])
    steps = np.zeros((len(rows), 3))
    steps[1:, [0, 2]] = rows[:-1, 1:3]
    root = np.cumsum(_about_y(steps, -heading), axis=0)
    root[:, 1] = height
    about = rows[:, 4 : 4 + 3 * (count - 1)].reshape(len(rows), count - 1, 3)
    others = _about_y(about, -heading[:, None]) + root[:, None] * [1.0, 0.0, 1.0]
    positions = np.concatenate([root[:, None], others], axis=1)

    return RawTrack(positions, fps=RATES[width], usual_up="y", decisions=[_said(width)])


def _said(width: int) -> Decision:
    whose = f"{width} numbers a frame are {WHOSE[width]}'s"
    reason = f"{whose}; their joints' places are used, not their rotations"
    return Decision("features", WHOSE[width], "detected", reason)


def _about_y(vectors: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Vectors (...,3) turned about y by angles (...)."""
    x, y, z = np.moveaxis(vectors, -1, 0)
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([cos * x + sin * z, np.broadcast_to(y, x.shape), cos * z - sin * x], axis=-1)
