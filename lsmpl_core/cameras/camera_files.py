"""Calibrations of cameras: .toml (Pose2Sim, Anipose, FreeMoCap), .json and .yml (OpenCV, EasyMocap,
CMU Panoptic, ROS and others), understood by what their fields are called.

A camera is whatever has intrinsics, a rotation and a translation. Their names in public sources:
perfanalytics/pose2sim (matrix, rotation, translation, distortions, size), lambdaloop/anipose,
zju3dv/EasyMocap (intri.yml: K_01, dist_01; extri.yml: R_01, Rot_01, T_01), CMU's panoptic-toolbox
(K, R, t, distCoef, resolution), OpenCV and ROS (camera_matrix, rvec, tvec).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import CameraError
from ..files.json_files import read_json
from ..files.opening import file_size, read_file
from ..readers.field_words import folded
from ..rotation import exp_map, orthonormalise
from . import plain_yaml
from .camera import Camera

ENDINGS = (".toml", ".json", ".yml", ".yaml")
MOST_BYTES, MOST_CAMERAS, DEEPEST = 2 << 20, 1_000, 6
MOST_PARTS = 8
"""Of a dotted name in TOML, each of which is a table in a table: two letters of it take a kilobyte,
and the time grows with their square."""
FARTHEST = 1e7
"""No camera's focal length, in pixels, or way from its world's origin is more."""
_SKEWED = 0.05
"""By how much a rotation may miss being one: files have four digits at least."""

_MATRIX = {"matrix", "k", "intrinsicmatrix", "cameramatrix", "mtx", "intrinsics", "intrinsic"}
_ROTATION = {"rotation", "r", "rot", "rotationmatrix", "rvec", "rotationvector"}
_TRANSLATION = {"translation", "t", "tvec", "translationvector"}
_POSE = {"rt", "extrinsics", "extrinsic", "extrinsicmatrix", "worldtocamera", "w2c"}
_DISTORTION = {
    "distortions", "distortion", "dist", "distcoef", "distcoeffs", "distortioncoefficients", "d",
    "distcoeff",
}  # fmt: skip
_SIZE = {"size", "imagesize", "resolution", "imgsize", "imsize"}
_SIDES = ({"width", "imagewidth", "w"}, {"height", "imageheight", "h"})
_NAME = ("name", "camera_name", "cam_name", "id", "camera_id", "serial")
_QUOTED = re.compile(r"'[^']*'|\"(?:[^\"\\]|\\.)*+\"")
_SUFFIXED = re.compile(r"(?P<field>K|R|Rot|T|dist|H|W)_(?P<camera>.+)")


def read_cameras(path: str | Path) -> list[Camera]:
    """The cameras in a file, one at least. Raises `CameraError` naming the file."""
    cameras = find_cameras(path)
    if not cameras:
        raise CameraError(
            f"{path}: has no camera; expected for each its matrix, rotation and translation, as "
            "Pose2Sim (.toml), EasyMocap (.yml) or OpenCV name them"
        )
    return cameras


def find_cameras(path: str | Path) -> list[Camera]:
    """The cameras in a file, none where it is of something else. Of EasyMocap's pair of files,
    intri and extri, either one brings the other. Raises `CameraError` naming the file."""
    path = Path(path)
    content = _content(path)
    for one, other in (("intri", "extri"), ("extri", "intri")):
        beside = path.with_name(path.name.replace(one, other))
        if one in path.name and beside.is_file() and isinstance(content, dict):
            partner = _content(beside)
            content = {**(partner if isinstance(partner, dict) else {}), **content}
    try:
        return list(_cameras(_regrouped(content), "", 0))
    except ValueError as error:
        raise CameraError(f"{path}: {error}") from None


def _content(path: Path) -> Any:
    ending = path.suffix.lower()
    if ending == ".json":
        return read_json(path, "calibration", CameraError, MOST_BYTES)
    if ending not in ENDINGS:
        raise CameraError(f"{path}: calibrations of cameras end in {', '.join(ENDINGS)}")
    try:
        if file_size(path) > MOST_BYTES:
            raise CameraError(f"{path}: too large for a calibration ({MOST_BYTES >> 20} MiB)")
        text = read_file(path).decode("utf-8-sig")
    except OSError as error:
        raise CameraError(f"{path}: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise CameraError(f"{path}: its text is not in UTF-8") from None
    try:
        return _toml(text) if ending == ".toml" else plain_yaml.parse(text)
    except (ValueError, RecursionError) as error:
        raise CameraError(f"{path}: not {ending[1:].upper()}: {error}") from None


def _toml(text: str) -> dict:
    """What TOML holds. Raises ValueError, also for names of more than `MOST_PARTS`."""
    for number, line in enumerate(text.split("\n"), start=1):
        bare = _QUOTED.sub("", line) if "'" in line or '"' in line else line
        if bare.count(".") > MOST_PARTS and any(
            one.count(".") > MOST_PARTS for one in re.split(r"[={},]", bare)
        ):
            raise ValueError(f"line {number} has a name of more than {MOST_PARTS} parts")
    return tomllib.loads(text)


def _regrouped(content: Any) -> Any:
    """EasyMocap's K_01, R_01, ... as a dict for each camera."""
    if not isinstance(content, dict):
        return content
    grouped: dict[str, dict] = {}
    for key, value in content.items():
        if found := _SUFFIXED.fullmatch(str(key)):
            grouped.setdefault(found["camera"], {})[found["field"]] = value
    return {**content, **grouped}


def _cameras(content: Any, key: str, depth: int) -> Iterator[Camera]:
    """The cameras in a nest of dicts and lists; `key` is what leads to it. Raises ValueError."""
    if depth > DEEPEST:
        return
    if isinstance(content, Mapping):
        fields = _Fields(content)
        if fields.is_camera():
            yield _camera(fields, key)
            return
        inner: Iterator[tuple[Any, Any]] = iter(content.items())
    elif isinstance(content, list):
        inner = iter(enumerate(content))
    else:
        return
    for count, (name, value) in enumerate(inner):
        if count > MOST_CAMERAS:
            raise ValueError(f"has more than {MOST_CAMERAS} cameras")
        if isinstance(value, (Mapping, list)):
            yield from _cameras(value, str(name), depth + 1)


class _Fields:
    """A camera's fields by any of their names, those in the dicts of it, too."""

    def __init__(self, content: Mapping):
        inner = [value for value in content.values() if isinstance(value, Mapping)]
        self._levels = [content, *inner]

    def get(self, names: set[str]) -> Any:
        for level in self._levels:
            for key, value in level.items():
                rows_and_data = isinstance(value, Mapping) and "data" in value
                if folded(str(key)) in names and (rows_and_data or not isinstance(value, Mapping)):
                    return value["data"] if rows_and_data else value
        return None

    def is_camera(self) -> bool:
        """Whether it is one, and not a dict of some."""
        inner = self._levels[1:]
        return self._has_all() and not any(_Fields(level)._has_all() for level in inner)

    def _has_all(self) -> bool:
        placed = self.get(_ROTATION) is not None and self.get(_TRANSLATION) is not None
        return self.get(_MATRIX) is not None and (placed or self.get(_POSE) is not None)


def _camera(fields: _Fields, key: str) -> Camera:
    name = next((str(value) for one in _NAME if (value := fields.get({folded(one)}))), key)[:80]
    matrix = _intrinsics(_numbers(fields.get(_MATRIX), f"{name}: matrix"), name)
    if fields.get(_ROTATION) is not None and fields.get(_TRANSLATION) is not None:
        turned = _numbers(fields.get(_ROTATION), f"{name}: rotation")
        moved = _numbers(fields.get(_TRANSLATION), f"{name}: translation")
    else:
        pose = _numbers(fields.get(_POSE), f"{name}: extrinsics")
        if pose.size not in (12, 16):
            raise ValueError(f"{name}: extrinsics have {pose.size} numbers; expected 3 x 4")
        turned, moved = np.split(pose.reshape(-1, 4)[:3], [3], axis=1)
    if moved.size != 3:
        raise ValueError(f"{name}: translation has {moved.size} numbers; expected 3")
    distortion = fields.get(_DISTORTION)
    lens = np.zeros(0) if distortion is None else _numbers(distortion, f"{name}: distortion")
    return Camera(
        name, matrix, _rotation(turned, name), moved.ravel(), np.trim_zeros(lens.ravel(), "b"),
        _size(fields, name),
    )  # fmt: skip


def _numbers(value: Any, what: str) -> np.ndarray:
    try:
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{what} is no array of numbers") from None
    if not np.isfinite(array).all() or (np.abs(array) > FARTHEST).any() or array.size > 64:
        raise ValueError(f"{what} holds numbers that are no camera's")
    return array


def _intrinsics(array: np.ndarray, name: str) -> np.ndarray:
    """(3,3) of a matrix, or of fx, fy, cx, cy."""
    if array.size == 4 and array.ndim == 1:
        fx, fy, cx, cy = array
        array = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])
    if array.size != 9:
        raise ValueError(f"{name}: matrix has {array.size} numbers; expected 3 x 3")
    matrix = array.reshape(3, 3)
    if not (matrix[0, 0] > 0 and matrix[1, 1] > 0 and abs(matrix[2, 2] - 1) < 1e-6):
        raise ValueError(f"{name}: matrix is no camera's: its focal lengths are not above 0")
    return matrix


def _rotation(array: np.ndarray, name: str) -> np.ndarray:
    """(3,3) of a matrix or of a rotation vector in radians."""
    if array.size == 3:
        return exp_map(array.ravel())
    if array.size != 9:
        raise ValueError(f"{name}: rotation has {array.size} numbers; expected 3, or 3 x 3")
    matrix = array.reshape(3, 3)
    near = np.abs(matrix @ matrix.T - np.eye(3)).max() < _SKEWED and np.linalg.det(matrix) > 0
    if not near:
        raise ValueError(f"{name}: rotation is none: its rows are no axes at right angles")
    return orthonormalise(matrix)


def _size(fields: _Fields, name: str) -> tuple[int, int] | None:
    value = fields.get(_SIZE)
    sides = value if value is not None else [fields.get(side) for side in _SIDES]
    if sides is None or any(side is None for side in np.ravel(np.array(sides, dtype=object))):
        return None
    array = _numbers(sides, f"{name}: size").ravel()
    if array.size != 2 or not ((array >= 1) & (array <= 1e5)).all():
        raise ValueError(f"{name}: size is no width and height in pixels")
    return int(array[0]), int(array[1])
