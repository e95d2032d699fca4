"""`find_view`: from where a take was filmed, by whatever a file says of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..body.body import Body
from ..errors import CameraError, LsmplError
from ..estimates.adopt import adopt
from ..estimates.contents import content_of
from ..estimates.formats import as_the_camera_saw
from ..estimates.reading import ENDINGS as MOTION_ENDINGS
from ..estimates.reading import motion_of
from ..files.pickle_arrays import to_array
from ..keypoints.track import KeypointTrack
from ..readers.axes import TO_Z_UP
from ..readers.field_words import folded
from . import camera_files
from .camera import Camera
from .views import View, view_between, view_from_origin, view_of_calibration

ENDINGS = (*camera_files.ENDINGS, *MOTION_ENDINGS, ".npz", ".npy")
"""Of files that may say where a camera stood."""
_FOCAL = ("focallength", "focal", "imgfocal")
_INTRINSICS = ("kfullimg", "intrinsics", "camintrinsics", "k")
_DEEPEST, _MOST_DICTS = 4, 20_000
_SHORTEST, _LONGEST = 10.0, 1e6
"""Focal lengths in pixels that cameras have."""


def find_view(
    path: str | Path,
    track: KeypointTrack,
    body: Body,
    camera: str | None = None,
    axes: str | None = None,
) -> View:
    """The view of the camera that filmed a take.

    path: a calibration (`camera_files.py`), the file of SAM 3D Body that the take's keypoints are
    from, or that of GVHMR or WHAM that its motion is from. body: the one that the take's motion
    was adopted to. camera: which of several, as the file calls it, or a text (a movie's path) with
    its name in it. axes: how the keypoints' axes are made of a calibration's, one of
    `views.CONVENTIONS`; found where it is not said. Raises `LsmplError` that says what is missing.
    """
    path = Path(path)
    # JSON may be a calibration or what an estimator wrote; the other two are nothing else.
    cameras: list[Camera] = []
    if path.suffix.lower() == ".json":
        cameras = camera_files.find_cameras(path)
    elif path.suffix.lower() in camera_files.ENDINGS:
        cameras = camera_files.read_cameras(path)
    if cameras:
        return view_of_calibration(cameras, track, camera, str(path), axes)

    try:
        content = content_of(path)
    except OSError as error:
        raise CameraError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (ArithmeticError, LookupError, MemoryError, TypeError, ValueError) as error:
        raise CameraError(f"{path}: {error}") from None

    dicts = list(_dicts(content, 0))
    lens = _lens(dicts)
    if any("pred_cam_t" in one and "pred_keypoints_3d" in one for one in dicts):
        if lens is None:
            raise CameraError(
                f"{path}: has neither focal_length nor pred_keypoints_2d, so its camera's focal "
                "length is not known"
            )
        return view_from_origin(track, *lens, str(path))
    return _estimated(path, content, dicts, lens, track, body)


def _estimated(
    path: Path,
    content: Any,
    dicts: list[Mapping],
    lens: tuple[float, tuple[float, float] | None] | None,
    track: KeypointTrack,
    body: Body,
) -> View:
    """The view of an estimator's camera, by its motion in the camera's space and in the world."""
    wham = any({"pose_world", "trans_world", "pose", "trans"} <= set(one) for one in dicts)
    if lens is None and not wham:
        raise CameraError(
            f"{path}: says nothing of a camera; expected a calibration, or what SAM 3D Body, "
            "GVHMR or WHAM wrote"
        )
    focal, centre = lens or (None, None)
    if track.layout.name != "smpl_24":
        raise CameraError(
            f"{path}: is an estimated motion, whose camera is known for a take of that motion "
            "only; import it as an SMPL motion"
        )
    try:
        seen = motion_of(as_the_camera_saw(content), track.person or None, len(track), str(path))
        joints = body.joints(adopt(seen, body, "-y")) @ np.array(TO_Z_UP["-y"], dtype=float)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise CameraError(f"{path}: {error}") from None
    except LsmplError as error:
        raise CameraError(str(error)) from None
    return view_between(joints, track.positions, focal, centre, str(path))


def _dicts(content: Any, depth: int) -> Iterator[Mapping]:
    """The dicts in a nest, the outer ones first."""
    if isinstance(content, np.ndarray) and content.dtype == object:
        content = content.item() if content.size == 1 else list(content.flat)
    if isinstance(content, Mapping):
        yield content
    if depth < _DEEPEST and isinstance(content, (Mapping, list, tuple)):
        inner = content.values() if isinstance(content, Mapping) else content
        for count, value in enumerate(inner):
            if count < _MOST_DICTS and not isinstance(value, (str, int, float)):
                yield from _dicts(value, depth + 1)


def _lens(dicts: list[Mapping]) -> tuple[float, tuple[float, float] | None] | None:
    """Focal length and optical centre (None: the picture's middle) in pixels: the median of what
    is stated, else of what brings keypoints onto their pixels; None where neither is there."""
    stated = [found for one in dicts if (found := _stated(one))]
    fitted = [found for one in dicts if not stated and (found := _fitted(one))]
    known = stated or fitted
    if not known:
        return None
    centres = [centre for _, centre in known if centre is not None]
    middle = np.median(centres, axis=0) if centres else None
    focal = float(np.median([focal for focal, _ in known]))
    return focal, None if middle is None else (float(middle[0]), float(middle[1]))


def _stated(one: Mapping) -> tuple[float, tuple[float, float] | None] | None:
    fields = {folded(str(key)): value for key, value in list(one.items())[:500]}
    for name in _INTRINSICS:
        array = _array(fields.get(name))
        if array is not None and array.shape[-2:] == (3, 3):
            matrix = np.median(array.reshape(-1, 3, 3), axis=0)
            if _SHORTEST < matrix[0, 0] < _LONGEST:
                return float(matrix[0, 0]), (float(matrix[0, 2]), float(matrix[1, 2]))
    for name in _FOCAL:
        array = _array(fields.get(name))
        if array is not None and array.size and _SHORTEST < np.median(array) < _LONGEST:
            return float(np.median(array)), _fitted_centre(one, float(np.median(array)))
    return None


def _fitted_centre(one: Mapping, focal: float) -> tuple[float, float] | None:
    rays, pixels = _pairs(one)
    if len(rays) < 3:
        return None
    centre = np.median(pixels - focal * rays, axis=0)
    return float(centre[0]), float(centre[1])


def _fitted(one: Mapping) -> tuple[float, tuple[float, float]] | None:
    """Of pixels = focal * (x/z, y/z) + centre, by least squares (SAM 3D Body's 2D keypoints are
    its 3D ones projected)."""
    rays, pixels = _pairs(one)
    if len(rays) < 4:
        return None
    zeros, ones = np.zeros(len(rays)), np.ones(len(rays))
    across = np.stack([rays[:, 0], ones, zeros], axis=1)
    down = np.stack([rays[:, 1], zeros, ones], axis=1)
    solution = np.linalg.lstsq(np.vstack([across, down]), pixels.T.ravel(), rcond=None)[0]
    focal, x, y = (float(value) for value in solution)
    return (focal, (x, y)) if _SHORTEST < focal < _LONGEST else None


def _pairs(one: Mapping) -> tuple[np.ndarray, np.ndarray]:
    """Directions (K,2), x/z and y/z, and pixels (K,2) of the same keypoints; none of others."""
    points, moved, pixels = (
        _array(one.get(key)) for key in ("pred_keypoints_3d", "pred_cam_t", "pred_keypoints_2d")
    )
    none = np.zeros((0, 2)), np.zeros((0, 2))
    if points is None or moved is None or pixels is None or moved.size != 3:
        return none
    if points.ndim != 2 or points.shape[1] != 3 or pixels.shape[:1] != points.shape[:1]:
        return none
    placed = points + moved.ravel()
    front = placed[:, 2] > 1e-6
    if pixels.ndim != 2 or pixels.shape[1] < 2 or not front.any():
        return none
    return placed[front, :2] / placed[front, 2:], pixels[front, :2]


def _array(value: Any) -> np.ndarray | None:
    """Finite numbers, None of anything else."""
    try:
        array = to_array(value)
    except (TypeError, ValueError):
        return None
    if array.dtype.kind not in "iuf" or not np.isfinite(array).all():
        return None
    return array.astype(np.float64)
