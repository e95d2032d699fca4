"""NPY and NPZ arrays: (T,K,3), (T,K,4) with confidence, (T,K*3), or one frame (K,3). Nothing in them is executed."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Collection
from pathlib import Path

import numpy as np

from ..errors import KeypointFileError
from .raw import MAX_BYTES, RawTrack, unflatten

_POSITION_KEYS = (
    "keypoints3d", "keypoints_3d", "joints3d", "joints_3d", "poses_3d", "positions_3d", "keypoints", "joints",
    "positions", "points", "points3d", "points_3d", "kpts3d", "kpts_3d", "landmarks", "markers", "reconstruction",
    "data", "pred", "arr_0",
)  # fmt: skip
_CONFIDENCE_KEYS = ("confidence", "confidences", "conf", "scores", "score", "visibility", "likelihood")
_NAME_KEYS = ("names", "keypoint_names", "joint_names", "labels", "marker_names", "keypoints_names")
_FPS_KEYS = ("fps", "frame_rate", "framerate", "mocap_framerate", "mocap_frame_rate", "rate")


def read_npy(path: Path, counts: Collection[int]) -> RawTrack:
    """Read one array of keypoints."""
    with path.open("rb") as stream:
        array = _read_array(stream, path.stat().st_size, str(path))
    return _track(array, None, counts, str(path))


def read_npz(path: Path, counts: Collection[int]) -> RawTrack:
    """Read an archive's array of keypoints, and its confidence, names, fps and unit where it has them."""
    arrays = _Archive(path)
    key = arrays.first(_POSITION_KEYS) or arrays.only_candidate()
    if key is None:
        raise KeypointFileError(
            f"{path}: no array of keypoints; it has {arrays.listing()}; expected, for example, keypoints3d (T,K,3)"
        )
    position, confidence, names = arrays[key], None, None
    if confidence_key := arrays.first(_CONFIDENCE_KEYS):
        confidence = arrays[confidence_key]
    if names_key := arrays.first(_NAME_KEYS):
        names = [str(name) for name in np.ravel(arrays[names_key]).astype("U")]
    raw = _track(position, confidence, counts, f"{path}: {key}")
    if names is not None:
        if len(names) != raw.positions.shape[1]:
            raise KeypointFileError(f"{path}: {len(names)} {names_key} for {raw.positions.shape[1]} keypoints")
        raw.names = names
    if (fps_key := arrays.first(_FPS_KEYS)) and (fps := arrays[fps_key]).dtype.kind in "fiu" and fps.size == 1:
        raw.fps = float(fps.reshape(()))
    for field in ("unit", "units"):
        if field in arrays.keys and (unit := arrays[field]).dtype.kind == "U" and unit.size == 1:
            raw.unit = str(unit.reshape(()))
    return raw


class _Archive:
    """The arrays of an npz by lower-case key, each read only when asked for and within limits."""

    def __init__(self, path: Path):
        self._path = path
        try:
            with zipfile.ZipFile(path) as archive:
                infos = archive.infolist()
        except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError) as error:
            raise KeypointFileError(f"{path}: not an npz archive, or a damaged one: {error}") from None
        self.keys = {info.filename[:-4].lower(): info for info in infos if info.filename.endswith(".npy")}

    def __getitem__(self, key: str) -> np.ndarray:
        info, where = self.keys[key], f"{self._path}: {key}"
        if info.file_size > MAX_BYTES:
            raise KeypointFileError(f"{where} claims {info.file_size / 2**30:.1f} GiB; {MAX_BYTES >> 30} GiB are read")
        try:
            with zipfile.ZipFile(self._path) as archive, archive.open(info) as stream:
                return _read_array(stream, info.file_size, where)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
            raise KeypointFileError(f"{where} is damaged or encrypted: {error}") from None

    def first(self, wanted: Collection[str]) -> str | None:
        return next((key for key in wanted if key in self.keys), None)

    def only_candidate(self) -> str | None:
        """The one array that could be keypoints by its shape."""
        fits = [key for key in self.keys if len(shape := self._shape(key)) == 3 and shape[2] in (3, 4)]
        return fits[0] if len(fits) == 1 else None

    def listing(self) -> str:
        return ", ".join(f"{key} {self._shape(key)}" for key in list(self.keys)[:20]) or "no arrays"

    def _shape(self, key: str) -> tuple[int, ...]:
        try:
            return self[key].shape
        except KeypointFileError:
            return ()


def _read_array(stream, size: int, where: str) -> np.ndarray:
    """An NPY stream of `size` bytes: its header is checked against them before anything is allocated."""
    try:
        version = np.lib.format.read_magic(stream)
        read_header = {1: np.lib.format.read_array_header_1_0, 2: np.lib.format.read_array_header_2_0}[version[0]]
        shape, fortran, dtype = read_header(stream)
    except Exception as error:  # NumPy parses the header as Python: a damaged one raises whatever the tokenizer does
        raise KeypointFileError(f"{where}: not a NumPy array, or a damaged one: {str(error)[:200]}") from None
    if dtype.kind not in "fiubUS" or not dtype.itemsize:
        raise KeypointFileError(f"{where}: the array holds {dtype} (Python objects are not read); expected numbers")
    shape = tuple(map(int, shape))
    count = math.prod(shape)
    expected = count * dtype.itemsize
    if min(shape, default=1) <= 0:
        raise KeypointFileError(f"{where}: the array is empty (shape {shape})")
    if expected > size or count > MAX_BYTES // 8:
        raise KeypointFileError(f"{where}: the header claims shape {str(shape)[:60]} of {dtype}, in {size} bytes")
    data = stream.read(expected)
    if len(data) < expected:
        raise KeypointFileError(
            f"{where}: cut short: shape {shape} of {dtype} needs {expected} bytes, found {len(data)}"
        )
    return np.frombuffer(data, dtype, count).reshape(shape, order="F" if fortran else "C")


def _track(array: np.ndarray, confidence: np.ndarray | None, counts: Collection[int], where: str) -> RawTrack:
    if array.dtype.kind not in "fiu":
        raise KeypointFileError(f"{where} holds {array.dtype}; expected numbers")
    if array.ndim == 4 and 1 in (array.shape[0], array.shape[1]):
        array = array[0] if array.shape[0] == 1 else array[:, 0]
    if array.ndim == 2 and array.shape[1] in (3, 4):
        array = array[None]
    if array.ndim == 2:
        positions, own = unflatten(array.astype(np.float64), counts, where)
    elif array.ndim == 3 and array.shape[2] in (3, 4) and array.size:
        positions = array[..., :3].astype(np.float64)
        own = array[..., 3].astype(np.float64) if array.shape[2] == 4 else None
    else:
        people = "; an array of several people must be split first" if array.ndim == 4 else ""
        raise KeypointFileError(
            f"{where} has shape {array.shape}; expected (frames, keypoints, 3), (frames, keypoints, 4) with "
            f"confidence, (frames, keypoints * 3), or (keypoints, 3) for one frame{people}"
        )
    if confidence is not None:
        confidence = confidence.reshape(confidence.shape[:2]) if confidence.shape[2:] == (1,) else confidence
        if confidence.shape != positions.shape[:2] or confidence.dtype.kind not in "fiub":
            raise KeypointFileError(f"{where}: confidence has shape {confidence.shape}; expected {positions.shape[:2]}")
        own = confidence.astype(np.float64)
    return RawTrack(positions, confidence=own)
