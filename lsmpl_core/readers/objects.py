"""Keypoints in what Python programs save: npy and npz of objects, pickles, and folders of one such
file a frame.

Nothing in a file is run (`safe_pickle.py`). A dict with points is somebody in a frame or, where its
array has an axis of frames, a take; a list of such dicts, or a folder of them, are frames or the
people of one. SAM 3D Body's outputs are of this form: their points are relative to the body until
`pred_cam_t` is added.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

import numpy as np

from ..errors import KeypointFileError
from ..files import safe_pickle
from ..files.npz import open_npz
from ..files.object_npy import read_object_npy
from ..files.pickle_arrays import to_array
from .arrays import POSITION_KEYS, TRANSLATION_KEYS, array_track, translated
from .json_lists import track_of
from .json_look import ID_KEYS
from .raw import RawTrack, checked_size
from .times import placed_in_time

FRAME_ENDINGS = (".npz", ".npy", ".pkl", ".pickle")
POINT_KEYS = (*POSITION_KEYS, "motion", "pred_xyz", "xyz", "joints_xyz")
MOST_FILES = 250_000
_PERSON = re.compile(r"(?P<frame>.*?)[_-]?(?:subj(?:ect)?|person|id)[_-]?(?P<who>\d{1,9})", re.I)


def read_objects(path: Path, counts: Collection[int], person: str | None = None) -> RawTrack:
    """Read a pickle or an npy of objects."""
    return track_of_objects(_content(path), counts, str(path), person)


def track_of_objects(
    content: object, counts: Collection[int], where: str, person: str | None
) -> RawTrack:
    """The keypoints in some content: a take's array, or dicts of frames and people."""
    found = _points(content) if isinstance(content, dict) else None
    if found is not None and found.ndim >= 3:
        return array_track(_frames_first(found), None, counts, where, person)
    frames = (
        [_people(frame) for frame in content]
        if isinstance(content, (list, tuple))
        else [_people(content)]
    )
    if not any(frames):
        raise KeypointFileError(
            f"{where}: holds {_described(content)}; expected keypoints, such as keypoints3d (T,K,3)"
        )
    return track_of(frames, counts, where, person)


def is_folder_of_objects(folder: Path) -> bool:
    """Whether a folder holds files of objects, one a frame or one a frame and person, and no
    JSON."""
    endings = {path.suffix.lower() for path in folder.iterdir() if path.is_file()}
    return bool(endings.intersection(FRAME_ENDINGS)) and not endings - set(FRAME_ENDINGS)


def is_one_object_a_frame(folder: Path) -> bool:
    """Whether the files in a folder are the frames of one take, by what the first one holds."""
    if not is_folder_of_objects(folder):
        return False
    first = min(path for path in folder.iterdir() if path.suffix.lower() in FRAME_ENDINGS)
    try:
        content = _content(first)
    except (OSError, KeypointFileError):
        return False
    points = _points(content) if isinstance(content, dict) else None
    return points.ndim == 2 if points is not None else bool(_people(content))


def read_folder_of_objects(
    folder: Path, counts: Collection[int], person: str | None = None
) -> RawTrack:
    """Read a folder's files as frames, by the numbers in their names; several of a frame are its
    people."""
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in FRAME_ENDINGS)[
        :MOST_FILES
    ]
    frames: dict[str, list] = {}
    for path in files:
        named = _PERSON.fullmatch(path.stem)
        frames.setdefault(named["frame"] if named else path.stem, []).extend(
            _people(_content(path))
        )
    raw = track_of(list(frames.values()), counts, str(folder), person)
    numbers = [re.findall(r"\d+", stem) for stem in frames]
    if all(numbers):
        raw = placed_in_time(
            raw, np.array([int(found[-1][-15:]) for found in numbers], float), None
        )
    return raw


def _content(path: Path) -> object:
    size = checked_size(path)
    try:
        if path.suffix.lower() == ".npz":
            with open_npz(path, size) as archive:
                return {
                    name: archive[name]
                    for name in archive.names
                    if name in (*POINT_KEYS, *TRANSLATION_KEYS, *ID_KEYS)
                }
        if path.suffix.lower() == ".npy":
            return read_object_npy(path.read_bytes(), str(path), KeypointFileError)
        return safe_pickle.load(path, what="file of keypoints", error=KeypointFileError)
    except ValueError as error:
        raise KeypointFileError(f"{path} {error}") from None


def _people(content: object) -> list[dict]:
    """The people of a frame, as `json_look` has them."""
    if isinstance(content, np.ndarray) and content.dtype == object:
        content = list(content.flat)
    if isinstance(content, (list, tuple)):
        return [person for one in content for person in _people(one)]
    if not isinstance(content, dict):
        return []
    points = _points(content)
    if points is None:
        inner = [value for value in content.values() if isinstance(value, (dict, list, tuple))]
        return [person for value in inner for person in _people(value)]
    if points.ndim == 3 and points.shape[2] in (3, 4):
        return [{"keypoints3d": one.tolist()} for one in points]
    identity = next(
        ({"id": str(content[key])} for key in ID_KEYS if isinstance(content.get(key), (int, str))),
        {},
    )
    return (
        [{**identity, "keypoints3d": points.tolist()}]
        if points.ndim == 2 and points.shape[1] in (3, 4)
        else []
    )


def _points(content: dict) -> np.ndarray | None:
    """The array of a dict's points, in the space that a translation beside it puts it in."""
    for key in POINT_KEYS:
        if key in content:
            try:
                points = to_array(content[key])
            except ValueError:
                continue
            if points.dtype.kind in "fiu" and points.ndim >= 2:
                moved = [to_array(content[name]) for name in TRANSLATION_KEYS if name in content]
                return (
                    translated(points.astype(np.float64), moved[0])
                    if moved
                    else points.astype(np.float64)
                )
    return None


def _frames_first(array: np.ndarray) -> np.ndarray:
    """(B,K,3,T), as MDM has its samples, as (T,B,K,3); (K,3,T) as (T,K,3)."""
    if array.ndim == 4 and array.shape[2] == 3 and array.shape[3] not in (3, 4):
        return np.moveaxis(array, 3, 0)
    if array.ndim == 3 and array.shape[1] == 3 and array.shape[2] not in (3, 4):
        return np.moveaxis(array, 2, 0)
    return array


def _described(content: object) -> str:
    if isinstance(content, dict):
        return ", ".join(str(key)[:40] for key in list(content)[:12]) or "nothing"
    return f"a {type(content).__name__}"
