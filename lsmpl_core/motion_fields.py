"""What the fields of a motion's file hold: the AMASS layout, and what LSMPL adds to it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np

from .body.skeleton import NUM_JOINTS
from .calibration.calibration import Calibration
from .errors import CalibrationError, MotionFileError
from .files.npz import most_unpacked
from .keypoints.condition import Condition

BODY_VALUES = 66
"""Axis-angles of the root and the 21 body joints, which come first in SMPL, SMPL+H and SMPL-X
alike."""
SMPLH_VALUES, SMPLX_VALUES = 156, 165
FINGER_VALUES = 90
"""Axis-angles of the fingers' thirty joints, which come last in SMPL+H and SMPL-X."""
FIELDS = {
    "poses", "trans", "betas", "mocap_framerate", "mocap_frame_rate", "fps", "gender", "body",
    "surface_model_type", "residual", "condition", "keypoint_names", "first_frame", "calibration",
    "travel", "hand_size", "hand_residual",
}  # fmt: skip
"""What is read of an AMASS-layout file; AMASS's SMPL-X files hold pickled objects beside it."""
RATES = ("mocap_framerate", "mocap_frame_rate", "fps")
LONGEST_CALIBRATION = 1 << 20
"""Letters of the JSON in which it is saved."""


def joined_poses(poses: np.ndarray, fingers: np.ndarray | None, smplx: bool) -> np.ndarray:
    """(T,72) SMPL's of poses (T,24,3), or (T,156) SMPL-H's where there are fingers (T,30,3);
    (T,165) of SMPL-X, face and fingers that nobody knows at rest; in single precision."""
    rows = poses.reshape(len(poses), -1)
    if fingers is None and not smplx:
        return rows.astype(np.float32)
    every = np.zeros((len(rows), SMPLX_VALUES if smplx else SMPLH_VALUES), np.float32)
    every[:, :BODY_VALUES] = rows[:, :BODY_VALUES]
    if fingers is not None:
        every[:, -FINGER_VALUES:] = fingers.reshape(len(rows), FINGER_VALUES)
    return every


def split_poses(every: np.ndarray) -> tuple[np.ndarray, np.ndarray | None, bool]:
    """The other way round: poses (T,72), the fingers (T,90) where they ever bend, and whether the
    poses are SMPL-X's by their count. Of the face nothing is taken. What has another form stays."""
    if every.ndim != 2 or every.shape[1] not in (SMPLH_VALUES, SMPLX_VALUES):
        return every, None, False
    fingers = every[:, -FINGER_VALUES:]
    hands = np.zeros((len(every), 3 * NUM_JOINTS - BODY_VALUES))
    poses = np.concatenate([every[:, :BODY_VALUES], hands], axis=1)
    return poses, fingers if fingers.any() else None, every.shape[1] == SMPLX_VALUES


def write_arrays(arrays: dict[str, np.ndarray | np.generic], scratch: Path) -> None:
    """An npz, packed where it can be read again so."""
    # In memory first: of a disk that is full, Python's archives complain once more, to stderr, when
    # they are done away with.
    packed = io.BytesIO()
    np.savez_compressed(packed, **arrays)
    # Who stands still for an hour shrinks to what looks like a trap to who unpacks it.
    size = sum(max(array.nbytes, 8 * array.size) for array in arrays.values())
    if size > most_unpacked(packed.tell()):
        packed = io.BytesIO()
        np.savez(packed, **arrays)
    scratch.write_bytes(packed.getbuffer())


def calibration_of(text: str) -> Calibration | None:
    """Raises `CalibrationError` where the text is none."""
    if not text:
        return None
    if len(text) > LONGEST_CALIBRATION:
        raise CalibrationError(
            f"the calibration has {len(text)} letters; expected at most {LONGEST_CALIBRATION}"
        )
    try:
        return Calibration.from_dict(json.loads(text.lstrip("\ufeff")))
    except CalibrationError as error:
        raise CalibrationError(f"calibration: {error}") from None
    except (ValueError, RecursionError) as error:
        raise CalibrationError(f"calibration: is no JSON: {error}") from None


def one_number(what: str, value: np.ndarray | float) -> float:
    """The one number in an array. Raises `MotionFileError` for another count."""
    if np.size(value) != 1:
        raise MotionFileError(f"{what} has shape {np.shape(value)}; expected one number")
    return float(np.ravel(value)[0])


def frame_number(value: np.ndarray | int) -> int:
    """Raises `MotionFileError` where it is none."""
    number = one_number("first_frame", value)
    if not abs(number) < 2**53:
        raise MotionFileError(f"first_frame is {number}; expected a frame's number")
    return int(number)


def word(value: np.ndarray | None) -> str:
    """The word in an array of one, which some AMASS files hold as bytes; "" if there is none."""
    if value is None or value.size != 1:
        return ""
    word = value.item()
    return word.decode("latin1") if isinstance(word, bytes) else str(word)


def words(value: np.ndarray | None) -> tuple[str, ...]:
    """Keypoints' names. Raises `MotionFileError` where they are none."""
    if value is None or not value.size:
        return ()
    if value.ndim != 1 or value.dtype.kind not in "US":
        raise MotionFileError(
            f"keypoint_names hold {value.dtype} of shape {value.shape}; expected a name for each "
            "keypoint"
        )
    return tuple(map(str, value))


def conditions(given: np.ndarray, frames: int) -> np.ndarray:
    """(T,K) of a `Condition` each."""
    condition = np.asarray(given)
    if condition.ndim != 2 or len(condition) != frames:
        raise MotionFileError(f"condition has shape {condition.shape}; expected ({frames}, K)")
    if not np.isin(condition, list(Condition)).all():
        conditions = ", ".join(f"{c.value} {c.name.lower()}" for c in Condition)
        raise MotionFileError(
            f"condition holds numbers that stand for nothing; known are: {conditions}"
        )
    return condition.astype(np.uint8)


def finite_array(name: str, values, most: float) -> np.ndarray:
    """Finite numbers, none of which is larger than `most`, which nobody's are."""
    array = np.array(values, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        extremes = np.array([array.min(initial=0.0), array.max(initial=0.0)])
    if not np.isfinite(extremes).all():
        raise MotionFileError(
            f"{name} hold {np.count_nonzero(~np.isfinite(array))} values that are not finite "
            "numbers"
        )
    if np.abs(extremes).max() > most:
        raise MotionFileError(
            f"{name} hold {np.abs(extremes).max():.3g}; a person's are at most {most:g}"
        )
    return array
