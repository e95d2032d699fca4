"""Keypoints in what Python programs save: npy and npz of objects, pickles, and folders of one such
file a frame.

Nothing in a file is run (`safe_pickle.py`). A dict with points is somebody in a frame or, where its
array has an axis of frames, a take; a list of such dicts, or a folder of them, are frames or the
people of one. SAM 3D Body's outputs are of this form: their points are relative to the body until
`pred_cam_t` is added.
"""

from __future__ import annotations

import io
import re
from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import KeypointFileError
from ..files import safe_pickle
from ..files.npz import read_array
from ..files.object_npy import is_object_npy, read_object_npy
from ..files.opening import read_file
from ..files.pickle_arrays import to_array
from ..files.reals import reals
from ..keypoints.track import Decision
from .arrays import POSITION_KEYS, TRANSLATION_KEYS, array_track, translated
from .column_words import AXES
from .frame_files import frame_files, last_number
from .nest_tracks import is_frame, stating, track_of
from .nest_turns import is_of_turns, turns_of_take
from .nests import everything, kinds_of
from .point_forms import LEAST_POINTS
from .raw import RawTrack, changed, checked_size, opened_archive
from .structured import fields_of
from .times import placed_in_time

FRAME_ENDINGS = (".npz", ".npy", ".pkl", ".pickle")
POINT_KEYS = (*POSITION_KEYS, "motion", "pred_xyz", "xyz", "joints_xyz")
MOST_PARTS = 20_000
"""Arrays that are a take together, most often a frame each."""
_ID_KEYS = ("id", "person_id", "track_id")
_PERSON = re.compile(r"(?P<frame>.*?)[_-]?(?:subj(?:ect)?|person|id)[_-]?(?P<who>\d{1,9})", re.I)


def read_objects(path: Path, counts: Collection[int], person: str | None = None) -> RawTrack:
    """Read a pickle or an npy of objects."""
    return track_of_objects(_content(path), counts, str(path), person)


def track_of_objects(
    content: object, counts: Collection[int], where: str, person: str | None
) -> RawTrack:
    """The keypoints in some content: a take's array, or dicts of frames and people."""
    if isinstance(content, dict):
        found = _points(content)
        if found is not None and found.ndim >= 3:
            padded, turned, moved = (
                _without_padding(found, content),
                _turned(content),
                _moved(content),
            )

            def finished(raw: RawTrack) -> RawTrack:
                raw.turns = turns_of_take(turned, raw.positions, moved)
                raw = stating(raw, list(everything(content)))
                return raw if padded is found else _cut(raw)

            return changed(array_track(padded, None, counts, where, person), finished)
    return track_of(content, counts, where, person)


def _without_padding(samples: np.ndarray, content: dict) -> np.ndarray:
    """Samples (B,K,3,T) of a text-to-motion network, NaN beyond the `lengths` (B,) beside them,
    after which their last pose is repeated; the same array of anything else."""
    try:
        lengths = to_array(content["lengths"]).ravel() if "lengths" in content else np.empty(0)
    except ValueError:
        return samples
    if samples.ndim != 4 or len(lengths) != len(samples) or lengths.dtype.kind not in "iu":
        return samples
    samples = samples.astype(np.float64)
    for sample, length in zip(samples, lengths.tolist()):
        if 0 < length < samples.shape[3]:
            sample[..., length:] = np.nan
    return samples


def _cut(raw: RawTrack) -> RawTrack:
    """The track up to the last frame in which anything is seen."""
    seen = np.flatnonzero(np.isfinite(raw.positions).any(axis=(1, 2)))
    if not len(seen) or seen[-1] + 1 == len(raw.positions):
        return raw
    length = int(seen[-1]) + 1
    reason = f"the {len(raw.positions) - length} behind them fill the sample up, as its length says"
    said = Decision("frames", str(length), "file", reason)
    return replace(raw.rows(slice(length)), decisions=[*raw.decisions, said])


def is_folder_of_objects(folder: Path) -> bool:
    """Whether a folder holds files of objects, one a frame or one a frame and person, and nothing
    else but pictures."""
    return bool(frame_files(folder, FRAME_ENDINGS))


def is_one_object_a_frame(folder: Path) -> bool:
    """Whether the files in a folder are the frames of one take, by what the first one holds."""
    files = frame_files(folder, FRAME_ENDINGS)
    if not files:
        return False
    try:
        content = _content(min(files))
    except (OSError, KeypointFileError):
        return False
    return is_frame(content) and bool(kinds_of(content)[0])


def read_folder_of_objects(
    folder: Path, counts: Collection[int], person: str | None = None
) -> RawTrack:
    """Read a folder's files as frames, by the numbers in their names; several of a frame are its
    people."""
    frames: dict[str, list] = {}
    for path in sorted(frame_files(folder, FRAME_ENDINGS)):
        named = _PERSON.fullmatch(path.stem)
        frames.setdefault(named["frame"] if named else path.stem, []).append(_content(path))
    contents = [several if len(several) > 1 else several[0] for several in frames.values()]
    raw = track_of(contents, counts, str(folder), person, files=True)
    numbers = [last_number(stem) for stem in frames]
    if None in numbers:
        return raw
    moments = np.array(numbers, float)
    return changed(raw, lambda one: placed_in_time(one, moments, None))


def _content(path: Path) -> object:
    if path.suffix.lower() == ".npz":
        with opened_archive(path) as archive:
            known = (*POINT_KEYS, *TRANSLATION_KEYS, *_ID_KEYS)
            names = [one for one in archive.names if one in known or is_of_turns(one)]
            return {name: archive[name] for name in names}
    size = checked_size(path)
    try:
        if path.suffix.lower() == ".npy":
            data = read_file(path)
            if is_object_npy(data):
                return read_object_npy(data, str(path), KeypointFileError)
            return fields_of(read_array(io.BytesIO(data), size, structured=True))
        return safe_pickle.load(path, what="file of keypoints", error=KeypointFileError)
    except ValueError as error:
        raise KeypointFileError(f"{path} {error}") from None


def archived_objects(path: Path) -> dict[str, object]:
    """The Python objects in an npz, by name."""
    with opened_archive(path) as archive:
        names = [name for name in archive.names if archive.has_objects(name)]
        _need_few(path, names)
        return {
            name: read_object_npy(archive.raw(name), f"{path}: {name}", KeypointFileError)
            for name in names
        }


def archived_parts(path: Path) -> dict[str, object]:
    """The arrays of an npz that are the parts of a take together: one for each axis, or for each
    keypoint by its name; and its numbers. {} of any other archive."""
    with opened_archive(path) as archive:
        names = [name for name in archive.names if not archive.has_objects(name)]
        shapes = {name: archive.shape(name) for name in names}
        axes = [name for name in names if name.lower() in AXES]
        ways = [name for name in names if len(shapes[name]) == 2 and shapes[name][1] in (3, 4)]
        if len(axes) != len(AXES) and len(ways) < LEAST_POINTS:
            return {}
        numbers = [name for name in names if shapes[name] == ()]
        read = [*(axes or ways), *numbers]
        _need_few(path, read)
        return {n: archive[n].item() if shapes[n] == () else archive[n] for n in read}


def _need_few(path: Path, names: list[str]) -> None:
    """All are read, or none: a part of a take without a word is no take."""
    if len(names) > MOST_PARTS:
        raise KeypointFileError(
            f"{path} has {len(names):,} arrays that belong together; at most {MOST_PARTS:,} are "
            "read: save frames as one array"
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
                moved = _moved(content)
                return reals(points) if moved is None else translated(reals(points), moved)
    return None


def _moved(content: dict) -> np.ndarray | None:
    """The translation beside a dict's points, None where there is none."""
    return next((to_array(content[name]) for name in TRANSLATION_KEYS if name in content), None)


def _turned(content: dict) -> dict[str, np.ndarray]:
    """The arrays of a dict that say how bones are turned, or of which joints."""
    found = {}
    for name, one in content.items():
        if is_of_turns(str(name)):
            with suppress(ValueError):
                found[str(name)] = to_array(one)
    return found
