"""JSON keypoints: a folder with one file a frame (EasyMocap, OpenPose, Panoptic), or one file with all frames."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import KeypointFileError
from .people import choose, follow, gathered
from .raw import RawTrack, blank_table, read_text, unflatten
from .times import fill_gaps

_POINT_KEYS = (
    "keypoints3d", "keypoints_3d", "pose_keypoints_3d", "joints3d", "joints_3d", "joints19", "body_keypoints_3d",
    "keypoints", "joints", "landmarks", "pose_world_landmarks", "positions", "points",
)  # fmt: skip
_HAND_KEYS = ("hand_left_keypoints_3d", "hand_right_keypoints_3d")
_PEOPLE_KEYS = ("people", "bodies", "persons", "skeletons", "annots")
_FRAME_KEYS = ("frames", "data", "results", "keypoints_sequence")
_ID_KEYS = ("id", "personID", "person_id", "track_id", "ID")
_NOBODY = "-1"
_MOST_NAMELESS = 100
_CONFIDENCE_KEYS = ("confidence", "visibility", "score", "likelihood", "c")


@dataclass
class _Person:
    """One person in one frame: points as JSON has them (a list, or an object by name), and an id."""

    id: str
    points: list | dict


def read_json(path: Path, counts: Collection[int], person: str | None = None) -> RawTrack:
    """Read one JSON file of frames, or a folder of one file a frame: `person`, or who is seen most."""
    if path.is_dir():
        files = sorted(path.glob("*.json"))
        if not files:
            raise KeypointFileError(f"{path}: a folder of keypoints holds one .json file a frame; this one has none")
        frames = [_load(file) for file in files]
        numbers = np.array([_last_number(file.stem, i) for i, file in enumerate(files)], dtype=float)
        raw = _track(frames, counts, str(path), person)
        return fill_gaps(numbers, raw)
    data = _load(path)
    raw = _track(_frames(data), counts, str(path), person)
    if isinstance(data, dict):
        names = next((data[key] for key in ("names", "keypoint_names", "joint_names") if key in data), None)
        if isinstance(names, list) and len(names) == raw.positions.shape[1] and raw.names is None:
            raw.names = [str(name) for name in names]
        fps = next((data[key] for key in ("fps", "frame_rate", "framerate") if key in data), None)
        if isinstance(fps, (int, float)) and not isinstance(fps, bool) and 0 < fps < 1e6:
            raw.fps = float(fps)
        raw.unit = data["unit"] if isinstance(data.get("unit"), str) else None
        raw.up = data["up"].lower() if isinstance(data.get("up"), str) else None
    return raw


def is_one_file_a_frame(folder: Path) -> bool:
    """Whether the JSON files in a folder are the frames of one take, not takes: numbered, and the first is a frame."""
    files = sorted(folder.glob("*.json"))
    if len({re.sub(r"\d+(?=\D*$)", "#", file.stem) for file in files}) != 1:
        return False
    try:
        return _is_frame(_load(files[0]))
    except KeypointFileError:
        return len(files) > 1


def _is_frame(data: Any) -> bool:
    """Whether a file's content is one frame; people are taken for those of one frame, not for frames of one person."""
    if isinstance(data, dict):
        nested = any(_depth(data.get(key)) == 3 for key in _POINT_KEYS)
        listed = any(isinstance(data.get(key), (list, dict)) for key in _FRAME_KEYS)
        return not (nested or listed or (data and all(key.isdigit() for key in data)))
    return isinstance(data, list) and (not data or _depth(data) == 2 or _is_people(data))


def _load(path: Path) -> Any:
    try:
        return json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise KeypointFileError(f"{path}: not JSON: {error}") from None


def _last_number(stem: str, otherwise: int) -> int:
    numbers = re.findall(r"\d+", stem)
    return int(numbers[-1][-15:]) if numbers else otherwise


def _frames(data: Any) -> list:
    """The frames of one file: a list, a list under a key, an object by frame number, or a single frame."""
    if isinstance(data, dict):
        frames = next((data[key] for key in _FRAME_KEYS if isinstance(data.get(key), (list, dict))), None)
        if frames is None and data and all(key.isdigit() for key in data):
            frames = data
        if frames is None:
            nested = next((data[k] for k in _POINT_KEYS if _depth(data.get(k)) == 3), None)
            frames = [data] if nested is None else nested
        if isinstance(frames, dict):
            frames = [frames[key] for key in sorted(frames, key=lambda key: (len(key), key))]
        return frames
    if isinstance(data, list) and data and (_depth(data) == 2 or (_is_people(data) and len(data) < 2)):
        return [data]
    return data if isinstance(data, list) else []


def _depth(value: Any) -> int:
    """How deep lists of numbers nest: 1 for numbers, 2 for points, 3 for frames of points; 0 for anything else."""
    depth = 0
    while isinstance(value, list) and depth < 8:
        depth += 1
        value = next((item for item in value if item is not None), None)
    return depth if value is None or isinstance(value, (int, float)) else 0


def _is_people(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(v, dict) and any(key in v for key in _POINT_KEYS) for v in value)


def _people(frame: Any) -> Iterator[_Person]:
    """The people of a frame; nobody where it is empty or null."""
    if isinstance(frame, dict):
        people = next((frame[key] for key in _PEOPLE_KEYS if isinstance(frame.get(key), list)), None)
        if people is not None:
            yield from _people(people)
        elif points := next((frame[key] for key in _POINT_KEYS if isinstance(frame.get(key), (list, dict))), None):
            identity = next((frame[key] for key in _ID_KEYS if key in frame), "")
            hands = [frame.get(key) for key in _HAND_KEYS]
            if isinstance(points, list) and all(isinstance(hand, list) and hand for hand in hands):
                points = points + hands[0] + hands[1]
            yield _Person(str(identity), points)
        elif any(isinstance(value, (list, dict)) for value in frame.values()):
            yield _Person("", frame)
    elif _is_people(frame):
        for person in frame:
            for one in _people(person):
                yield _Person(one.id if one.id not in ("", "-1", "[-1]") else _NOBODY, one.points)
    elif isinstance(frame, list) and frame:
        yield _Person("", frame)


def _track(frames: list, counts: Collection[int], where: str, person: str | None) -> RawTrack:
    everyone = _told_apart([list(_people(frame)) for frame in frames], counts, where)
    seen = gathered([[one.id for one in people] for people in everyone])
    if not seen:
        raise KeypointFileError(
            f"{where}: no keypoints; expected frames of [[x, y, z], ...], of names with [x, y, z], or of people with "
            f"one of the keys {', '.join(_POINT_KEYS)}"
        )
    alone = len(seen) == 1
    nameless = alone and (person is None or next(iter(seen)) in ("", "number 1"))
    chosen = None if nameless else choose(seen, person, "frames", where)
    name = next(iter(seen)) if chosen is None else chosen.value
    tracked = [next((one.points for one in reversed(people) if one.id == name), None) for people in everyone]
    raw = _named(tracked, where) if any(map(_has_names, tracked)) else _unnamed(tracked, counts, where)
    if chosen is not None:
        raw.decisions.append(chosen)
        raw.people = seen
    return raw


def _told_apart(frames: list[list[_Person]], counts: Collection[int], where: str) -> list[list[_Person]]:
    """The same people with an id each: those that have none are followed from frame to frame."""
    if not any(len(people) > 1 and any(one.id == _NOBODY for one in people) for people in frames):
        return [[_Person("number 1" if one.id == _NOBODY else one.id, one.points) for one in p] for p in frames]
    nameless = [[one for one in people if one.id == _NOBODY] for people in frames]
    if (most := max(map(len, nameless))) > _MOST_NAMELESS:
        raise KeypointFileError(f"{where}: {most} people without an id in one frame; at most {_MOST_NAMELESS} are told")
    places = [[_positions(one.points, counts, f"{where}: frame {t}") for one in p] for t, p in enumerate(nameless)]
    named = [
        [_Person(name, one.points) for name, one in zip(names, people)]
        for names, people in zip(follow(places), nameless)
    ]
    return [[one for one in people if one.id != _NOBODY] + more for people, more in zip(frames, named)]


def _positions(points: list | dict, counts: Collection[int], where: str) -> np.ndarray:
    """(K,3) of one person's points, whatever their form."""
    values = list(points.values()) if isinstance(points, dict) else points
    values = [value for value in values if value is None or isinstance(value, (int, float, list, dict))]
    return _array(values, counts, where)[:, :3] if values else np.empty((0, 3))


def _has_names(points: list | dict | None) -> bool:
    if isinstance(points, list):
        return bool(points) and all(isinstance(p, dict) and isinstance(p.get("name"), str) for p in points)
    return isinstance(points, dict)


def _named(frames: list, where: str) -> RawTrack:
    by_name = [
        {p["name"]: p for p in points if isinstance(p, dict) and isinstance(p.get("name"), str)}
        if isinstance(points, list)
        else {name: value for name, value in (points or {}).items() if isinstance(value, (list, dict))}
        for points in frames
    ]
    names = list(dict.fromkeys(name for points in by_name for name in points))
    if not names or len(names) > 10_000:
        raise KeypointFileError(
            f"{where}: {len(names)} different keypoint names; expected some, and no more than 10,000"
        )
    table = blank_table((len(frames), len(names), 4), 4 * sum(map(len, by_name)), where)
    index = {name: i for i, name in enumerate(names)}
    for t, points in enumerate(by_name):
        for name, value in points.items():
            table[t, index[name]] = _point(value, f"{where}: frame {t}: {name}")
    return RawTrack(table[..., :3], names, np.where(np.isnan(table[..., 3]), 1.0, table[..., 3]))


def _unnamed(frames: list, counts: Collection[int], where: str) -> RawTrack:
    rows = [
        None if points is None else _array(points, counts, f"{where}: frame {t}") for t, points in enumerate(frames)
    ]
    count = Counter(len(row) for row in rows if row is not None).most_common(1)[0][0]
    table = blank_table((len(frames), count, 4), 4 * sum(len(row) for row in rows if row is not None), where)
    for t, row in enumerate(rows):
        if row is not None:
            if len(row) != count:
                raise KeypointFileError(f"{where}: frame {t} has {len(row)} keypoints, most have {count}")
            table[t] = row
    return RawTrack(table[..., :3], None, np.where(np.isnan(table[..., 3]), 1.0, table[..., 3]))


def _array(points: list, counts: Collection[int], where: str) -> np.ndarray:
    """(K,4) of one frame's points: [[x, y, z], ...], [[x, y, z, c], ...], flat numbers, or objects with x, y, z."""
    if _depth(points) == 1:
        numbers = np.array([_number(value, where) for value in points])
        positions, confidence = unflatten(numbers[None], counts, where)
        ones = np.ones(positions.shape[1])
        return np.column_stack([positions[0], ones if confidence is None else confidence[0]])
    return np.array([_point(point, f"{where}: keypoint {k}") for k, point in enumerate(points)])


def _point(value: Any, where: str) -> tuple[float, float, float, float]:
    """x, y, z and confidence of one point; NaN where null."""
    if value is None:
        return (np.nan,) * 4
    if isinstance(value, dict):
        nested = next((value[key] for key in ("position", "xyz", "pos") if isinstance(value.get(key), list)), None)
        confidence = next((value[key] for key in _CONFIDENCE_KEYS if key in value), None)
        value = [*(nested or [value.get(axis) for axis in "xyz"])[:3], confidence]
    if not isinstance(value, list) or len(value) not in (3, 4):
        raise KeypointFileError(f"{where} is {str(value)[:60]}; expected [x, y, z] or [x, y, z, confidence]")
    numbers = [_number(v, where) for v in value]
    return (*numbers, np.nan)[:4]


def _number(value: Any, where: str) -> float:
    if value is None:
        return np.nan
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e300:
        return float(value)
    if isinstance(value, float):
        return np.nan
    raise KeypointFileError(f"{where} has {str(value)[:40]!r} where a number belongs")
