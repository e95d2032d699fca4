"""`Motion`: SMPL poses over time, saved and loaded in the AMASS layout."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .body.skeleton import NUM_BETAS, NUM_JOINTS, SMPLX
from .bounds import (
    FARTHEST,
    FASTEST,
    LARGEST_BETA,
    LARGEST_HAND,
    MOST_TURN,
    SLOWEST,
    SMALLEST_HAND,
    is_rate,
)
from .calibration.calibration import Calibration
from .concise import concise_repr
from .errors import LsmplError, MotionFileError
from .files.npz import npz_names, read_npz
from .files.reals import reals
from .files.replacing import replace_when_complete
from .keypoints.track import Decision
from .motion_fields import (
    FIELDS,
    FINGER_VALUES,
    RATES,
    calibration_of,
    conditions,
    finite_array,
    frame_number,
    joined_poses,
    one_number,
    split_poses,
    word,
    words,
    write_arrays,
)

DEFAULT_FPS, NO_RATE = 30.0, "the file states no frame rate"
"""What a motion has whose file states none, and how that is said."""

_BY_FRAME = ("poses", "trans", "residual", "condition", "travel", "fingers", "hand_residual")
"""What a motion has, or may have, of each frame."""


@dataclass(init=False)
class Motion:
    """SMPL motion in metres, Z up.

    poses (T,24,3) axis-angle in radians, SMPL joint order, poses[:,0] the global orientation;
    (T,72) is accepted. trans (T,3): pelvis = trans + J0(betas), as in SMPL. betas (10,), in the
    shape space of the body named `body` ("" where unknown). fps in frames a second.
    residual (T,K) metres: distance from each keypoint in `keypoint_names` to its site, NaN where
    none was used. condition (T,K): the `Condition` of each keypoint: seen, missing, filled, swapped
    or rejected.
    first_frame: the number of the first frame, as the source of the motion counts.
    decisions: what its reader settled (not saved).
    calibration: where the subject's keypoints sit on the body, as the solve found them; None where
    nobody knows. travel (T,3) metres: by how much each frame was moved from where its keypoints
    are, which know no place in the room (`cleaning/travel.py`); None where they are where they
    were. fingers (T,30,3): axis-angles in radians of SMPL-H's joints 22 to 51, the fingers of the
    left hand, then of the right, counted from a flat hand; None where nobody knows them.
    hand_size: how large the hands are, in those of this shape of the body. hand_residual (T,2)
    metres: how far the points of each hand's fingers are off on average, NaN where none was used.
    """

    poses: np.ndarray
    trans: np.ndarray
    betas: np.ndarray
    fps: float
    residual: np.ndarray | None
    keypoint_names: tuple[str, ...]
    body: str
    gender: str
    first_frame: int
    decisions: Sequence[Decision]
    condition: np.ndarray | None
    calibration: Calibration | None
    travel: np.ndarray | None
    fingers: np.ndarray | None
    hand_size: float
    hand_residual: np.ndarray | None
    __repr__ = concise_repr

    def __init__(
        self,
        poses: np.ndarray,
        trans: np.ndarray,
        betas: np.ndarray | None = None,
        fps: float = 30.0,
        residual: np.ndarray | None = None,
        keypoint_names: Sequence[str] = (),
        body: str = "",
        gender: str = "neutral",
        first_frame: int = 0,
        decisions: Sequence[Decision] = (),
        condition: np.ndarray | None = None,
        calibration: Calibration | None = None,
        travel: np.ndarray | None = None,
        fingers: np.ndarray | None = None,
        hand_size: float = 1.0,
        hand_residual: np.ndarray | None = None,
    ):
        """betas: None means the mean shape. Raises `MotionFileError` for shapes that do not fit."""
        self.poses = finite_array("poses", poses, MOST_TURN)
        if self.poses.ndim == 2 and self.poses.shape[1] == NUM_JOINTS * 3:
            self.poses = self.poses.reshape(-1, NUM_JOINTS, 3)
        fits = self.poses.ndim == 3 and self.poses.shape[1:] == (NUM_JOINTS, 3)
        _expect(fits, "poses have", self.poses, "(T, 24, 3) or (T, 72)")
        T = len(self.poses)
        self.trans = finite_array("trans", trans, FARTHEST)
        _expect(self.trans.shape == (T, 3), "trans has", self.trans, f"({T}, 3)")
        self.betas = finite_array(
            "betas", np.zeros(NUM_BETAS) if betas is None else betas, LARGEST_BETA
        )
        _expect(self.betas.shape == (NUM_BETAS,), "betas have", self.betas, f"({NUM_BETAS},)")
        if not is_rate(fps):
            raise MotionFileError(
                f"the frame rate is {fps:.6g}; motions have {SLOWEST:g} to {FASTEST:,.0f} frames a "
                "second"
            )

        # What not every motion has.
        self.travel = None if travel is None else finite_array("travel", travel, FARTHEST)
        if self.travel is not None:
            _expect(self.travel.shape == (T, 3), "travel has", self.travel, f"({T}, 3)")
        self.fingers = None if fingers is None else finite_array("fingers", fingers, MOST_TURN)
        if self.fingers is not None:
            fits = self.fingers.size == T * FINGER_VALUES
            _expect(fits, "fingers have", self.fingers, f"({T}, 30, 3)")
            self.fingers = self.fingers.reshape(T, -1, 3)
        if not SMALLEST_HAND <= hand_size <= LARGEST_HAND:
            raise MotionFileError(
                f"hand_size is {hand_size:.3g}; hands are {SMALLEST_HAND:g} to {LARGEST_HAND:g} "
                "times as large as the body has them"
            )
        self.hand_size = float(hand_size)
        self.hand_residual = None if hand_residual is None else np.asarray(hand_residual, float)
        if self.hand_residual is not None:
            fits = self.hand_residual.shape == (T, 2)
            _expect(fits, "hand_residual has", self.hand_residual, f"({T}, 2)")
        self.residual = None if residual is None else np.asarray(residual, dtype=np.float64)
        if self.residual is not None:
            fits = self.residual.ndim == 2 and len(self.residual) == T
            _expect(fits, "residual has", self.residual, f"({T}, K)")
        self.condition = None if condition is None else conditions(condition, T)

        self.fps, self.first_frame, self.body, self.gender = fps, first_frame, body, gender
        self.keypoint_names = tuple(str(name) for name in keypoint_names)
        self.decisions, self.calibration = decisions, calibration

    def __len__(self) -> int:
        return len(self.poses)

    def frames(self, selection: slice | np.ndarray) -> Motion:
        """The same motion with only some frames (a slice with step 1 keeps `first_frame` right)."""
        start = selection.indices(len(self))[0] if isinstance(selection, slice) else 0
        there = {name: getattr(self, name) for name in _BY_FRAME}
        some = {name: array[selection] for name, array in there.items() if array is not None}
        return replace(self, **some, first_frame=self.first_frame + start)

    @property
    def frame_residual(self) -> np.ndarray:
        """(T,) metres: mean residual of each frame over the keypoints seen in it, NaN where none
        was."""
        if self.residual is None:
            return np.full(len(self), np.nan)
        seen = np.isfinite(self.residual)
        total = np.where(seen, self.residual, 0.0).sum(axis=1)
        return np.where(seen.any(axis=1), total / np.maximum(seen.sum(axis=1), 1), np.nan)

    # What is too large for single precision is infinite, and then refused.
    @np.errstate(over="ignore")
    def save(self, path: str | os.PathLike) -> None:
        """Write an npz in the AMASS layout; an existing file is replaced only once the new one is
        complete.

        Raises `MotionFileError`, also where `load` would refuse what would be written.
        """
        if not -(2**63) <= self.first_frame < 2**63:
            raise MotionFileError(f"{path}: not written: the first frame is {self.first_frame}")
        try:
            with replace_when_complete(path) as scratch:
                write_arrays(self._arrays(), scratch)
                _check_readable(scratch, path)
        except OSError as error:
            raise MotionFileError(
                f"{path}: cannot be written: {error.strerror or error}"
            ) from error

    def _arrays(self) -> dict[str, np.ndarray | np.generic]:
        """What a file has, by its fields' names."""
        arrays: dict[str, np.ndarray | np.generic] = {
            "poses": joined_poses(self.poses, self.fingers, self.is_smplx),
            "trans": self.trans.astype(np.float32),
            "betas": self.betas.astype(np.float32),
            "mocap_framerate": np.float64(self.fps),
            "gender": np.array(self.gender),
            "body": np.array(self.body),
            "first_frame": np.int64(self.first_frame),
        }
        if self.residual is not None:
            arrays["residual"] = self.residual.astype(np.float32)
        if self.condition is not None:
            arrays["condition"] = self.condition
        if self.travel is not None:
            arrays["travel"] = self.travel.astype(np.float32)
        if self.is_smplx:
            arrays["surface_model_type"] = np.array("smplx")
        if self.hand_size != 1.0:
            arrays["hand_size"] = np.float64(self.hand_size)
        if self.hand_residual is not None:
            arrays["hand_residual"] = self.hand_residual.astype(np.float32)
        if self.keypoint_names:
            arrays["keypoint_names"] = np.array(self.keypoint_names, dtype=np.str_)
        if self.calibration is not None:
            arrays["calibration"] = np.array(json.dumps(self.calibration.as_dict()))
        return arrays

    @property
    def is_smplx(self) -> bool:
        """Whether this is SMPL-X's: its betas are not SMPL's, and its files have poses (T,165)."""
        return self.body.startswith(SMPLX.name)

    @classmethod
    def load(cls, path: str | os.PathLike) -> Motion:
        """Read an AMASS-layout npz: `poses (T,72)`, or SMPL+H's `(T,156)` or SMPL-X's `(T,165)`.

        Of the latter two the body's 22 joints and the fingers are taken, these only where they
        ever bend; betas of SMPL-X are marked as such (`is_smplx`). Raises `MotionFileError` naming
        the file and the field.
        """
        try:
            arrays = read_npz(path, only=FIELDS)
            names = npz_names(path)
        except OSError as error:
            raise MotionFileError(f"{path}: cannot be read: {error.strerror or error}") from error
        except ValueError as error:
            raise MotionFileError(
                f"{path}: {error}; expected a motion in the AMASS layout"
            ) from error
        missing = [key for key in ("poses", "trans") if key not in arrays]
        if missing:
            raise MotionFileError(
                f"{path}: has no {' and no '.join(missing)}; it holds: "
                f"{', '.join(names) or 'nothing'}"
            )
        try:
            poses, trans = (reals(np.asarray(arrays.pop(name))) for name in ("poses", "trans"))

            # Whose betas these are is kept in mind.
            poses, fingers, smplx = split_poses(poses)
            smplx |= word(arrays.get("surface_model_type")) == "smplx"

            # Files of others have more betas, or none.
            betas = np.ravel(reals(np.asarray(arrays.get("betas", np.zeros(NUM_BETAS)))))
            if len(betas) < NUM_BETAS:
                raise MotionFileError(
                    f"betas have {len(betas)} components; expected at least {NUM_BETAS}"
                )
            rates = [arrays[k] for k in RATES if k in arrays]
            assumed = Decision("fps", f"{DEFAULT_FPS:g}", "assumed", NO_RATE)
            return cls(
                poses=poses,
                trans=trans,
                betas=betas[:NUM_BETAS],
                fps=one_number("the frame rate", rates[0] if rates else DEFAULT_FPS),
                residual=arrays.get("residual"),
                condition=arrays.get("condition"),
                travel=arrays.get("travel"),
                fingers=fingers,
                hand_size=one_number("hand_size", arrays.get("hand_size", 1.0)),
                hand_residual=arrays.get("hand_residual"),
                keypoint_names=words(arrays.get("keypoint_names")),
                body=word(arrays.get("body")) or (SMPLX.name if smplx else ""),
                gender=word(arrays.get("gender")) or "neutral",
                first_frame=frame_number(arrays.get("first_frame", 0)),
                calibration=calibration_of(word(arrays.get("calibration"))),
                decisions=() if rates else (assumed,),
            )
        except (LsmplError, ArithmeticError, ValueError, TypeError) as error:
            raise MotionFileError(f"{path}: {error}") from error


def _check_readable(scratch: os.PathLike, path: str | os.PathLike) -> None:
    """Raises `MotionFileError` where what was written cannot be loaded again."""
    try:
        Motion.load(scratch)
    except MotionFileError as error:
        reason = str(error).removeprefix(f"{scratch}: ")
        raise MotionFileError(
            f"{path}: not written, as it could not be read again: {reason}"
        ) from None


def _expect(fits: bool, what: str, array: np.ndarray, shape: str) -> None:
    """Raise `MotionFileError` for an array of another shape than is expected of it."""
    if not fits:
        raise MotionFileError(f"{what} shape {array.shape}; expected {shape}")
