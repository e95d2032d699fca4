"""Motions as other SMPL estimators write them, read as `Motion` with one pose for each frame of the video.

What is read, and where in each project's public source it is written:

* WHAM (`demo.py`): a joblib pickle, {subject: {pose, pose_world (N,72), trans, trans_world (N,3), betas (N,10),
  frame_ids (N,) from 0, verts}}.
* 4DHumans, that is PHALP (`phalp/trackers/PHALP.py`): a joblib pickle, {frame: {time, tid [...], smpl [{global_orient
  (1,3,3), body_pose (23,3,3), betas (10,)}, ...], camera [(3,), ...], tracked_time [...]}} of every frame of the video.
  A positive tracked_time counts the frames for which the pose is only kept; below 0 it was filled in afterwards.
* GVHMR (`tools/demo/demo.py`): a PyTorch file, {smpl_params_global, smpl_params_incam: {global_orient (T,3), body_pose
  (T,63), betas (T,10), transl (T,3)}}, of SMPL-X. The same in a pickle is read too.
* SMPLer-X (`main/inference.py`): a folder of `<frame>_<person>.npz`, frames from 1, with global_orient (1,3), body_pose
  (21,3), betas (1,10), transl (1,3) of SMPL-X. The person is the number of a detection, counted anew in each frame.
  (Its successor SMPLest-X writes a video only.)
* One npz or pickle with global_orient, body_pose, betas and transl of a whole take; AMASS layout.

Worlds differ (a camera's, Y down, Y up) and are left as they are: `refine` turns a motion into its track's world.
"""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from . import safe_pickle
from .errors import MotionFileError
from .files import read_npz
from .keypoints import Decision
from .motion import NUM_BETAS, NUM_JOINTS, Motion
from .rotation import log_map, orthonormalise
from .torch_files import read_torch_file

SMPLX = "SMPL-X"
"""`Motion.body` of estimates for SMPL-X, so that its betas are not taken for SMPL's."""

MAX_FRAMES = 250_000  # more than an hour at 60 frames a second
MAX_PEOPLE = 10_000
MAX_ESTIMATES = 4 * MAX_FRAMES
MAX_NUMBERS = MAX_FRAMES * NUM_JOINTS * 9
MAX_IN_A_FRAME = 512  # of one parameter; rotation matrices take 207, betas up to 400
ROUNDED = 0.02  # how far from orthonormal a rotation matrix may be: half precision and some
PARAMETERS = ("global_orient", "body_pose", "betas", "transl")
FRAME_FILE = re.compile(r"(\d{1,9})(?:_(\d{1,9}))?\.npz", re.ASCII)
PICKLE_STARTS = (b"\x80", b"\x78", b"\x1f\x8b")  # a pickle of protocol 2 or later, zlib, gzip
PARAMETER_FILES = {"global_orient.npy", "body_pose.npy"}
EXPECTED = "expected a motion in the AMASS layout or the results of WHAM, 4DHumans, GVHMR or SMPLer-X"


@dataclass(frozen=True)
class _Person:
    """The frames (N,) in which one person was estimated, and what reads the `PARAMETERS` of some of those N."""

    frames: np.ndarray
    read: Callable[[np.ndarray], Mapping]


@dataclass(frozen=True)
class _Estimates:
    """What one file or folder holds. The video's frames are `first` up to `end`; `end` is None where nothing says."""

    estimator: str
    people: Mapping[str, _Person]
    first: int = 0
    end: int | None = None
    tracked: bool = True


def read_motion(path: str | os.PathLike, person: str | int | None = None, frames: int | None = None) -> Motion:
    """The motion in a file of ours (AMASS layout) or in what WHAM, 4DHumans, GVHMR or SMPLer-X wrote.

    The content decides the format. `person` is one of several people, as the file calls them; without it, the one
    estimated in most frames. `frames` is how many there should be, for results that do not tell how long the video was
    (WHAM, SMPLer-X); without it these end with the last estimate. Frames without an estimate hold the nearest one.
    World coordinates are preferred to a camera's; betas are the mean over the frames; `decisions` says what was chosen.
    Pickles are read by `safe_pickle`, PyTorch files by torch's reader of mere weights: nothing in a file is run.
    Raises `MotionFileError` naming the file and what is wrong, also where a PyTorch file needs torch.
    """
    path = Path(path)
    try:
        if path.is_dir():
            estimates = _smplx_folder(path)
        else:
            names = _archived(path)
            if any(name.endswith("/data.pkl") for name in names):
                content = _torch(path)
            elif names >= PARAMETER_FILES and "poses.npy" not in names:
                content = read_npz(path)
            elif names:
                return _amass(path, person)
            else:
                content = _pickled(path)
            estimates = _estimates(content)
        return _motion(estimates, person, frames)
    except OSError as error:
        raise MotionFileError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (MotionFileError, ArithmeticError, LookupError, MemoryError, TypeError, ValueError) as error:
        message = str(error)
        raise MotionFileError(message if message.startswith(str(path)) else f"{path}: {message}") from error


# Files


def _archived(path: Path) -> set[str]:
    """The names in a zip archive, npz or PyTorch, of bearable size once unpacked; none for any other file."""
    with open(path, "rb") as file:
        if file.read(2) != b"PK":
            return set()
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise ValueError(f"is a damaged npz or PyTorch file ({error})") from error
    if any(member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for member in members):
        raise ValueError("is compressed in a way that neither NumPy nor PyTorch uses")
    if sum(member.file_size for member in members) > safe_pickle.MAX_BYTES:
        raise ValueError(f"holds more than {safe_pickle.MAX_BYTES >> 20} MB, too much for a motion file")
    return {member.filename for member in members}


def _amass(path: Path, person: str | int | None) -> Motion:
    if person is not None:
        raise ValueError("holds one motion in the AMASS layout, so there is no person to choose")
    return Motion.load(path)


def _pickled(path: Path) -> Mapping:
    with open(path, "rb") as file:
        start = file.read(2)
    if start and not start.startswith(PICKLE_STARTS):
        raise ValueError(f"is neither an npz nor a PyTorch file nor a pickle; {EXPECTED}")
    return _mapping(safe_pickle.load(path, what="motion file", error=MotionFileError))


def _torch(path: Path) -> Mapping:
    """The top level of a PyTorch file, with `PARAMETERS` as arrays and the rest left out or as it was."""
    content = _mapping(read_torch_file(path))
    import torch

    key = _best_world(content)
    fields = dict(content[key] if key else content)
    for name in fields.keys() & set(PARAMETERS):
        value = fields[name]
        if isinstance(value, torch.Tensor):
            if value.layout != torch.strided or value.device.type != "cpu" or value.numel() > MAX_NUMBERS:
                raise ValueError(f"{name} is no plain tensor of at most {MAX_NUMBERS} numbers")
            fields[name] = value.detach().double().numpy()
    return {key: fields} if key else fields


def _mapping(content: object) -> Mapping:
    if not isinstance(content, dict):
        raise ValueError(f"holds a {type(content).__name__}; {EXPECTED}")
    return content


# Formats


def _estimates(content: Mapping) -> _Estimates:
    """What the top level of a file says, in the form of whichever estimator wrote it."""
    if _all_hold(content, "time", "tid", "smpl"):
        return _phalp(content)
    if _all_hold(content, "frame_ids", "pose") or _all_hold(content, "frame_ids", "pose_world"):
        return _wham(content)
    key = _best_world(content)
    fields = content[key] if key else content
    if "global_orient" not in fields or "body_pose" not in fields:
        raise ValueError(f"holds {_listed(fields)}; {EXPECTED}")
    count = len(_rotations(fields, "global_orient"))
    person = _Person(np.arange(count), lambda chosen: fields)
    return _Estimates("GVHMR" if key else "SMPL parameters", {"0": person}, end=count)


def _all_hold(content: Mapping, *names: str) -> bool:
    """Whether content is some dicts that each have these keys."""
    return bool(content) and all(isinstance(value, dict) and value.keys() >= set(names) for value in content.values())


def _best_world(content: Mapping) -> str:
    """The key under which GVHMR keeps its parameters in the world, or else in the camera; "" if there is neither."""
    keys = (key for key in ("smpl_params_global", "smpl_params_incam") if isinstance(content.get(key), dict))
    return next(keys, "")


def _wham(content: Mapping) -> _Estimates:
    people = {}
    for name, fields in content.items():
        frames = fields["frame_ids"]
        if not (isinstance(frames, np.ndarray) and frames.dtype.kind in "iu" and frames.shape == (frames.size,)):
            raise ValueError(f"the frame_ids of subject {_name(name)} are no array (N,) of whole numbers")
        people[_name(name)] = _Person(frames, lambda chosen, fields=fields: _wham_parameters(fields, chosen))
    return _Estimates("WHAM", people)


def _wham_parameters(fields: Mapping, chosen: np.ndarray) -> Mapping:
    count = len(fields["frame_ids"])
    world = "_world" if {"pose_world", "trans_world"} <= fields.keys() else ""
    shapes = {f"pose{world}": (count, 3 * NUM_JOINTS), f"trans{world}": (count, 3), "betas": (count, NUM_BETAS)}
    arrays = {name: _numbers(fields, name) for name in shapes}
    for name, shape in shapes.items():
        if arrays[name].shape != shape:
            raise ValueError(f"{name} has shape {arrays[name].shape}; expected {shape}")
    pose, trans, betas = (array[chosen] for array in arrays.values())
    return dict(zip(PARAMETERS, (pose[:, :3], pose[:, 3:], betas, trans)))


def _phalp(content: Mapping) -> _Estimates:
    seen: dict[str, list[tuple[int, Mapping]]] = {}
    times = [_whole("time", entry["time"]) for entry in content.values()]
    count = 0
    for time, entry in zip(times, content.values()):
        lists = [entry[name] for name in ("tid", "smpl", "tracked_time", "camera") if name in entry]
        if not all(isinstance(values, list) and len(values) == len(lists[0]) for values in lists):
            raise ValueError("tid, smpl, tracked_time and camera of a frame are no lists of one length")
        count += len(lists[0])
        if count > MAX_ESTIMATES:
            raise ValueError(f"holds more than {MAX_ESTIMATES} estimates")
        for i, (name, pose) in enumerate(zip(entry["tid"], entry["smpl"])):
            if not isinstance(pose, dict):
                raise ValueError(f"smpl holds a {type(pose).__name__}; expected SMPL parameters")
            if "tracked_time" not in entry or _whole("tracked_time", entry["tracked_time"][i]) <= 0:
                fields = {parameter: pose[parameter] for parameter in PARAMETERS if parameter in pose}
                if "camera" in entry:
                    fields["transl"] = entry["camera"][i]
                seen.setdefault(_name(name), []).append((time, fields))
    people = {}
    for name, estimates in seen.items():
        frames = np.array([time for time, _ in estimates])
        people[name] = _Person(frames, lambda chosen, of=estimates: _stacked([of[i][1] for i in chosen]))
    return _Estimates("4DHumans", people, first=min(times), end=max(times) + 1)


def _smplx_folder(folder: Path) -> _Estimates:
    """Of one npz file for each person and frame, in the folder or in the folder `smplx` in it."""
    files: dict[str, list[tuple[int, Path]]] = {}
    for place in (folder / "smplx", folder):
        for path in sorted(place.glob("*.npz")):
            if found := FRAME_FILE.fullmatch(path.name):
                files.setdefault(str(int(found[2] or 0)), []).append((int(found[1]), path))
        if files:
            break
    if not files:
        raise ValueError("is a folder without files such as 00001_0.npz (frame and person), as SMPLer-X writes them")
    people = {}
    for name, numbered in sorted(files.items(), key=lambda item: int(item[0])):
        frames = np.array([frame for frame, _ in numbered])
        people[name] = _Person(frames, lambda chosen, of=numbered: _stacked([_frame_file(of[i][1]) for i in chosen]))
    first = min(1, min(person.frames.min() for person in people.values()))
    return _Estimates("SMPLer-X", people, first=int(first), tracked=len(people) == 1)


def _frame_file(path: Path) -> Mapping:
    try:
        _archived(path)
        return read_npz(path)
    except (OSError, ValueError) as error:
        raise ValueError(f"{path.name}: {getattr(error, 'strerror', None) or error}") from error


# One person's motion


def _motion(estimates: _Estimates, person: str | int | None, frames: int | None) -> Motion:
    people = {name: seen for name, seen in estimates.people.items() if len(seen.frames)}
    if not people:
        raise ValueError("holds no estimate of anybody")
    if len(people) > MAX_PEOPLE or max(len(seen.frames) for seen in people.values()) > MAX_FRAMES:
        raise ValueError(f"holds more than {MAX_PEOPLE} people, or more than {MAX_FRAMES} frames of one")
    chosen = _chosen(people, person)
    decisions = [Decision("estimator", estimates.estimator, "detected", "from what the file holds"), chosen]
    if not estimates.tracked:
        reason = "people are numbered anew in each frame, so a number may go from one to another"
        decisions.append(Decision("identity", "the person's number", "assumed", reason))
    first, end = _span(estimates, people, frames)
    if first != estimates.first:
        decisions.append(Decision("first frame", str(first), "detected", f"from there on there are {frames} frames"))
    seen = people[chosen.value]
    known, at = np.unique(seen.frames, return_index=True)
    poses, trans, betas, body = _parameters(seen.read(at), len(known))
    wanted = np.arange(first, end)
    held = len(wanted) - np.isin(wanted, known).sum()
    if held:
        reason = f"person {chosen.value} was not estimated in them"
        decisions.append(Decision("held", f"the nearest pose in {held} of {len(wanted)} frames", "assumed", reason))
    nearest = _nearest(known.astype(np.int64), wanted)
    return Motion(poses[nearest], trans[nearest], betas, body=body, first_frame=first, decisions=tuple(decisions))


def _chosen(people: Mapping[str, _Person], person: str | int | None) -> Decision:
    """The person asked for, or the one in most frames."""
    by_frames = sorted(people, key=lambda name: -len(people[name].frames))
    listed = ", ".join(f"{name} ({len(people[name].frames)} frames)" for name in by_frames[:12])
    listed += f" and {len(people) - 12} more" if len(people) > 12 else ""
    if person is not None:
        if str(person) not in people:
            raise ValueError(f"has no person {person}; there are: {listed}")
        return Decision("person", str(person), "given")
    if len(people) == 1:
        return Decision("person", by_frames[0], "file", "there is no other")
    return Decision("person", by_frames[0], "assumed", f"estimated in most frames of: {listed}")


def _nearest(known: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Indices into `known`, which rises, of what is nearest to each of `wanted`; the earlier of two."""
    after = np.clip(np.searchsorted(known, wanted), 0, len(known) - 1)
    before = np.maximum(after - 1, 0)
    return np.where(np.abs(known[after] - wanted) < np.abs(wanted - known[before]), after, before)


def _span(estimates: _Estimates, people: Mapping[str, _Person], frames: int | None) -> tuple[int, int]:
    """(first, end) of the frames that get a pose."""
    first, end = estimates.first, estimates.end
    earliest = int(min(person.frames.min() for person in people.values()))
    last = int(max(person.frames.max() for person in people.values()))
    if earliest < first or last - first >= MAX_FRAMES:
        raise ValueError(f"numbers its frames {earliest} to {last}; expected at most {MAX_FRAMES}, from {first} on")
    if end is None and frames is not None:
        if last - earliest + 1 == frames:
            first = earliest
        if last - first >= frames:
            raise ValueError(f"numbers its frames {earliest} to {last}, which are no frames of a take of {frames}")
        return first, first + frames
    return first, last + 1 if end is None else end


def _parameters(fields: Mapping, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, str]:
    """poses (count,24,3), trans (count,3), betas (10,) and the body's name, from `PARAMETERS` of `count` frames."""
    root, body = _rotations(fields, "global_orient"), _rotations(fields, "body_pose")
    if len(root) != count or len(body) not in (21 * count, 23 * count):
        raise ValueError(
            f"{count} frames have {len(root)} global_orient and {len(body)} rotations in body_pose; "
            "expected 1, and 21 (SMPL-X) or 23 (SMPL), for each frame"
        )
    body = body.reshape(count, -1, 3)
    poses = np.zeros((count, NUM_JOINTS, 3))
    poses[:, 0], poses[:, 1 : body.shape[1] + 1] = root, body
    trans = _numbers(fields, "transl") if "transl" in fields else np.zeros((count, 3))
    if trans.size != 3 * count:
        raise ValueError(f"transl has shape {trans.shape}; expected 3 numbers for each of {count} frames")
    betas = np.atleast_1d(_numbers(fields, "betas"))
    if not betas.size or betas.shape[-1] < NUM_BETAS:
        raise ValueError(f"betas have shape {betas.shape}; expected {NUM_BETAS} or more for each frame")
    betas = betas.reshape(-1, betas.shape[-1])[:, :NUM_BETAS].mean(axis=0)
    return poses, trans.reshape(count, 3), betas, "" if body.shape[1] == 23 else SMPLX


def _rotations(fields: Mapping, name: str) -> np.ndarray:
    """(M,3) axis-angles, from axis-angles of any shape or from matrices (...,3,3), of which there is one axis more."""
    array = _numbers(fields, name)
    if array.ndim < 3 or array.shape[-2:] != (3, 3):
        if array.size % 3:
            raise ValueError(f"{name} has shape {array.shape}; expected axis-angles or rotation matrices")
        return array.reshape(-1, 3)
    matrices = array.reshape(-1, 3, 3)
    off = np.abs(matrices @ np.swapaxes(matrices, 1, 2) - np.eye(3)).max(initial=0.0)
    if not off <= ROUNDED or (np.linalg.det(matrices) < 0).any():
        raise ValueError(f"{name} holds matrices that are no rotations")
    return log_map(orthonormalise(matrices))


def _stacked(estimates: Sequence[Mapping]) -> dict[str, np.ndarray]:
    """The `PARAMETERS` of single frames, as arrays with the frame as first axis."""
    arrays = {}
    for name in PARAMETERS:
        if name in estimates[0]:
            values = [_numbers(fields, name, most=MAX_IN_A_FRAME) for fields in estimates]
            if len({value.shape for value in values}) > 1:
                raise ValueError(f"{name} has other shapes in some frames than in others")
            arrays[name] = np.stack(values)
    return arrays


def _numbers(fields: Mapping, name: str, most: int = MAX_NUMBERS) -> np.ndarray:
    """The field as float64."""
    if name not in fields:
        raise ValueError(f"has no {name}; it holds {_listed(fields)}")
    try:
        array = safe_pickle.to_array(fields[name])
    except ValueError as error:
        raise ValueError(f"{name} is {error}") from error
    if array.dtype.kind not in "biuf" or array.size > most:
        raise ValueError(f"{name} is {array.size} values of type {array.dtype}; expected at most {most} numbers")
    return array.astype(np.float64)


def _whole(what: str, value: object) -> int:
    if not isinstance(value, (int, np.integer)) or abs(int(value)) > 1 << 31:
        raise ValueError(f"a {what} is a {type(value).__name__}; expected a whole number")
    return int(value)


def _name(value: object) -> str:
    if not isinstance(value, (int, np.integer, str)):
        raise ValueError(f"a person's name is a {type(value).__name__}; expected a number or a word")
    return str(value)[:40]


def _listed(fields: Mapping) -> str:
    """The first few keys of a file, for messages."""
    names = [str(name)[:40] for name in list(fields)[:12] if isinstance(name, (int, np.integer, str))]
    return ", ".join(names) + (", ..." if len(fields) > len(names) else "") or "nothing"
