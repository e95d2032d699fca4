"""What other SMPL estimators write: who was estimated in which frames, and what reads the
parameters of some of them.

What is read, and where in each project's public source it is written:

* 4DHumans, that is PHALP (`phalp/trackers/PHALP.py`): a joblib pickle, {frame: {time, tid [...],
  smpl [{global_orient (1,3,3), body_pose (23,3,3), betas (10,)}, ...], camera [(3,), ...],
  tracked_time [...]}} of every frame of the video. A positive tracked_time counts the frames for
  which the pose is only kept; below 0 it was filled in afterwards.
* SMPLer-X (`main/inference.py`): a folder of `<frame>_<person>.npz`, frames from 1, with
  global_orient (1,3), body_pose (21,3), betas (1,10), transl (1,3) of SMPL-X. The person is the
  number of a detection, counted anew in each frame. (Its successor SMPLest-X writes a video only.)
* Motion-X: an array of 322 numbers a frame.
* Anything else in which SMPL parameters are found by their names (`aliases.py`), WHAM's and GVHMR's
  among them: npz, pickles, joblib, PyTorch files, pickled npy, JSON, and folders of one such file a
  frame; and the AMASS layout.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..body.skeleton import NUM_BETAS, NUM_JOINTS
from ..files.npz import read_npz
from ..keypoints.track import Decision
from .aliases import DEEPEST
from .bundle_values import Parameters
from .contents import EXPECTED, Archive, archived, content_of
from .grouping import CAMERA_FIRST, WORLD_FIRST, found_in
from .smpl_parameters import (
    HANDS,
    MAX_FRAMES,
    PARAMETERS,
    listed,
    stacked,
)

MAX_ESTIMATES = 4 * MAX_FRAMES
FRAME_FILE = re.compile(r"(\d{1,9})(?:_(\d{1,9}))?\.npz", re.ASCII)


@dataclass(frozen=True)
class Person:
    """The frames (N,) in which one person was estimated, and what reads the `PARAMETERS` of some of
    those N."""

    frames: np.ndarray
    read: Callable[[np.ndarray], Mapping]


@dataclass(frozen=True)
class Estimates:
    """What one file or folder holds. The video's frames are `first` up to `end`; `end` is None
    where nothing says."""

    estimator: str
    people: Mapping[str, Person]
    first: int = 0
    end: int | None = None
    tracked: bool = True
    fps: float | None = None
    decisions: tuple[Decision, ...] = ()


def read_estimates(path: Path) -> Estimates | None:
    """What a file or folder holds; None for a file in the AMASS layout.

    The content decides the format. Pickles are read by `safe_pickle`, PyTorch files by torch's
    reader of mere weights: nothing in a file is run. Raises `OSError`, `MotionFileError`, or what
    reading nonsense raises: ArithmeticError, LookupError, MemoryError, TypeError, or ValueError
    with words for the user.
    """
    if path.is_dir() and (folder := _smplx_folder(path)):
        return folder
    content = content_of(path)
    if path.is_dir():
        return _by_aliases(content, f"{path.name} is a folder without poses")
    if path.suffix.lower() == ".json":
        return _by_aliases(content, "is JSON without poses")
    if path.suffix.lower() == ".npy":
        return _by_aliases(content, "holds no poses")
    if content is None:
        return None
    if isinstance(content, Archive):
        return _by_aliases(content, "") if found_in(content) is not None else None
    return _estimates(content)


# Formats


def _estimates(content: Mapping | list | tuple | np.ndarray) -> Estimates:
    """What the top level of a file says, in the form of whichever estimator wrote it."""
    if not isinstance(content, dict):
        return _by_aliases(content, f"holds a {type(content).__name__}")
    if _all_hold(content, "time", "tid", "smpl"):
        return _phalp(content)
    return _by_aliases(content, f"holds {listed(content)}")


def as_the_camera_saw(content: Any) -> Estimates:
    """The poses in some content (`content_of`) as they are in the camera's space, not the world's.
    Raises ValueError where there are none."""
    return _by_aliases(_without_world(content, 0), "holds no poses", CAMERA_FIRST)


def _without_world(content: Any, depth: int) -> Any:
    """A nest without what WHAM has twice, for the camera and, as pose_world, for the world."""
    if depth > DEEPEST or not isinstance(content, dict):
        return content
    return {
        key: _without_world(value, depth + 1)
        for key, value in content.items()
        if not str(key).lower().endswith("_world")
    }


def _by_aliases(content: object, wrong: str, preferred: Sequence[str] = WORLD_FIRST) -> Estimates:
    """What is found by names and shapes alone. Raises ValueError where nothing is."""
    found = found_in(content, preferred)
    if found is None:
        raise ValueError(f"{wrong}; {EXPECTED}")
    people = {name: Person(one.frames, partial(_fields, one)) for name, one in found.people.items()}
    end = None if found.numbered else max(len(one.frames) for one in found.people.values())
    return Estimates("SMPL parameters", people, 0, end, found.tracked, found.fps, found.decisions)


def _fields(one: Parameters, chosen: np.ndarray) -> Mapping:
    fields = {"global_orient": one.root[chosen], "body_pose": one.body[chosen]}
    if one.joints != NUM_JOINTS:
        fields["body_pose"] = fields["body_pose"][:, :21]
    if one.hands is not None:
        fields |= dict(zip(HANDS, np.split(one.hands[chosen], 2, axis=1)))
    fields["betas"] = np.zeros(NUM_BETAS) if one.betas is None else one.betas
    return fields if one.trans is None else {**fields, "transl": one.trans[chosen]}


def _all_hold(content: Mapping, *names: str) -> bool:
    """Whether content is some dicts that each have these keys."""
    return bool(content) and all(
        isinstance(value, dict) and value.keys() >= set(names) for value in content.values()
    )


def _phalp(content: Mapping) -> Estimates:
    seen: dict[str, list[tuple[int, Mapping]]] = {}
    times = [_whole("time", entry["time"]) for entry in content.values()]
    count = 0
    for time, entry in zip(times, content.values()):
        lists = [entry[name] for name in ("tid", "smpl", "tracked_time", "camera") if name in entry]
        if not all(isinstance(values, list) and len(values) == len(lists[0]) for values in lists):
            raise ValueError(
                "tid, smpl, tracked_time and camera of a frame are no lists of one length"
            )
        count += len(lists[0])
        if count > MAX_ESTIMATES:
            raise ValueError(f"holds more than {MAX_ESTIMATES} estimates")
        for i, (name, pose) in enumerate(zip(entry["tid"], entry["smpl"])):
            if not isinstance(pose, dict):
                raise ValueError(f"smpl holds a {type(pose).__name__}; expected SMPL parameters")
            if "tracked_time" not in entry or _whole("tracked_time", entry["tracked_time"][i]) <= 0:
                fields = {name: pose[name] for name in (*PARAMETERS, *HANDS) if name in pose}
                if "camera" in entry:
                    fields["transl"] = entry["camera"][i]
                seen.setdefault(_name(name), []).append((time, fields))
    people = {}
    for name, estimates in seen.items():
        frames = np.array([time for time, _ in estimates])
        people[name] = Person(frames, partial(_stacked_fields, estimates))
    return Estimates("4DHumans", people, first=min(times), end=max(times) + 1)


def _stacked_fields(
    estimates: Sequence[tuple[int, Mapping]], chosen: Iterable[int]
) -> dict[str, np.ndarray]:
    return stacked([estimates[i][1] for i in chosen])


def _stacked_files(
    numbered: Sequence[tuple[int, Path]], chosen: Iterable[int]
) -> dict[str, np.ndarray]:
    return stacked([_frame_file(numbered[i][1]) for i in chosen])


def _smplx_folder(folder: Path) -> Estimates | None:
    """Of one npz file for each person and frame, in the folder or in the folder `smplx` in it; None
    where there are none."""
    files: dict[str, list[tuple[int, Path]]] = {}
    for place in (folder / "smplx", folder):
        for path in sorted(place.glob("*.npz")):
            if found := FRAME_FILE.fullmatch(path.name):
                files.setdefault(str(int(found[2] or 0)), []).append((int(found[1]), path))
        if files:
            break
    if not files:
        return None
    people = {}
    for name, numbered in sorted(files.items(), key=lambda item: int(item[0])):
        frames = np.array([frame for frame, _ in numbered])
        people[name] = Person(frames, partial(_stacked_files, numbered))
    first = min(1, min(person.frames.min() for person in people.values()))
    return Estimates("SMPLer-X", people, first=int(first), tracked=len(people) == 1)


def _frame_file(path: Path) -> Mapping:
    try:
        archived(path)
        return read_npz(path)
    except (OSError, ValueError) as error:
        raise ValueError(f"{path.name}: {getattr(error, 'strerror', None) or error}") from error


def _whole(what: str, value: object) -> int:
    if not isinstance(value, (int, np.integer)) or abs(int(value)) > 1 << 31:
        raise ValueError(f"a {what} is a {type(value).__name__}; expected a whole number")
    return int(value)


def _name(value: object) -> str:
    if not isinstance(value, (int, np.integer, str)):
        raise ValueError(
            f"a person's name is a {type(value).__name__}; expected a number or a word"
        )
    return str(value)[:40]
