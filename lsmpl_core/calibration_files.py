"""Calibrations in files: in every motion that was solved, or by themselves as JSON."""

from __future__ import annotations

import json
import os
from pathlib import Path

from .calibration.calibration import Calibration
from .errors import CalibrationError
from .files.json_files import read_json
from .files.replacing import replace_when_complete
from .motion import Motion


def read_calibration(path: str | os.PathLike) -> Calibration:
    """Of a solved motion (`.npz`), or from JSON. Raises `MotionFileError` or `CalibrationError`
    naming the file."""
    path = Path(path)
    if path.suffix.lower() == ".npz":
        calibration = Motion.load(path).calibration
        if calibration is None:
            raise CalibrationError(
                f"{path}: does not say where keypoints are on the body; it was not solved by LSMPL"
            )
        return calibration
    try:
        return Calibration.from_dict(read_json(path, "calibration", CalibrationError))
    except CalibrationError as error:
        said = str(error)
        raise CalibrationError(said if said.startswith(str(path)) else f"{path}: {said}") from None


def save_calibration(calibration: Calibration, path: str | os.PathLike) -> None:
    """As JSON; an existing file is replaced only once the new one is complete."""
    try:
        with replace_when_complete(path) as scratch:
            scratch.write_text(json.dumps(calibration.as_dict(), indent=1), encoding="utf-8")
    except OSError as error:
        raise CalibrationError(f"{path}: cannot be written: {error.strerror or error}") from error
