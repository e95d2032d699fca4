"""JSON keypoints: a folder with one file a frame (EasyMocap, OpenPose, Panoptic), or one file with
all frames."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import KeypointFileError
from .json_look import (
    NOBODY,
    NUMBER_KEYS,
    POINT_KEYS,
    TIME_KEYS,
    Person,
    depth,
    described,
    frames_of,
    has_2d,
    is_frame,
    names_in,
    number_of,
    people_of,
)
from .people import choose, follow, gathered
from .raw import RawTrack, blank_table, read_text, unflatten
from .times import placed_in_time

_MOST_NAMELESS = 100
_CONFIDENCE_KEYS = ("confidence", "visibility", "score", "likelihood", "c")
_BIGGEST_NUMBER = 1e12
"""Keys of frames beyond which they are times, in nanoseconds and the like, not numbers."""


def read_json(path: Path, counts: Collection[int], person: str | None = None) -> RawTrack:
    """Read one JSON file of frames, or a folder of one file a frame: `person`, or who is seen
    most."""
    if path.is_dir():
        files = sorted(path.glob("*.json"))
        if not files:
            raise KeypointFileError(
                f"{path}: a folder of keypoints holds one .json file a frame; this one has none"
            )
        frames = [_load(file) for file in files]
        numbers = np.array(
            [_last_number(file.stem, i) for i, file in enumerate(files)], dtype=float
        )
        raw = track_of(frames, counts, str(path), person)
        raw.names = raw.names or _fitting_names(frames[0], raw)
        return placed_in_time(raw, numbers, None)
    data = _load(path)
    frames, keys = frames_of(data)
    raw = track_of(frames, counts, str(path), person)
    raw.names = raw.names or _fitting_names(data, raw)
    if isinstance(data, dict):
        fps = next((data[key] for key in ("fps", "frame_rate", "framerate") if key in data), None)
        if isinstance(fps, (int, float)) and not isinstance(fps, bool) and 0 < fps < 1e6:
            raw.fps = float(fps)
        raw.unit = data["unit"] if isinstance(data.get("unit"), str) else None
        raw.up = data["up"].lower() if isinstance(data.get("up"), str) else None
    return _in_time(raw, frames, keys)


def _fitting_names(data: Any, raw: RawTrack) -> list[str] | None:
    names = names_in(data)
    return names if names is not None and len(names) == raw.positions.shape[1] else None


def _in_time(raw: RawTrack, frames: list, keys: list[int] | None) -> RawTrack:
    """The frames where their numbers or times say, which stand in each of them or are their
    keys."""
    found: list[Sequence[float | None] | None] = [
        [number_of(frame, wanted) if not isinstance(frame, list) else None for frame in frames]
        for wanted in (NUMBER_KEYS, TIME_KEYS)
    ]
    if keys is not None:
        stamps = max(keys, default=0) > _BIGGEST_NUMBER
        found = [None, keys] if stamps else [keys, found[1]]
    known = [
        None if values is None or None in values else np.array(values, float) for values in found
    ]
    if known[1] is not None:
        known[1] = (
            known[1] - known[1][0]
        )  # timestamps are large, and single nanoseconds below a double's precision
    return placed_in_time(raw, *known)


def is_one_file_a_frame(folder: Path) -> bool:
    """Whether the JSON files in a folder are the frames of one take, not takes: numbered, and the
    first is a frame."""
    files = sorted(folder.glob("*.json"))
    if len({re.sub(r"\d+(?=\D*$)", "#", file.stem) for file in files}) != 1:
        return False
    try:
        return is_frame(_load(files[0]))
    except KeypointFileError:
        return len(files) > 1


def _load(path: Path) -> Any:
    try:
        return json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise KeypointFileError(f"{path}: not JSON: {error}") from None


def _last_number(stem: str, otherwise: int) -> int:
    numbers = re.findall(r"\d+", stem)
    return int(numbers[-1][-15:]) if numbers else otherwise


def track_of(frames: list, counts: Collection[int], where: str, person: str | None) -> RawTrack:
    everyone = _told_apart([list(people_of(frame)) for frame in frames], counts, where)
    seen = gathered([[one.id for one in people] for people in everyone])
    if not seen:
        first = next((frame for frame in frames if frame), frames[0] if frames else None)
        if any(map(has_2d, frames)):
            raise KeypointFileError(
                f"{where}: only 2D keypoints are there ({described(first)}). 3D keypoints are "
                "needed: triangulated "
                "from several cameras, or lifted by a pose estimator"
            )
        raise KeypointFileError(
            f"{where}: no keypoints; it holds {described(first)}; expected frames of [[x, y, z], "
            "...], of names with "
            f"[x, y, z], or of people with one of the keys {', '.join(POINT_KEYS)}"
        )
    alone = len(seen) == 1
    nameless = alone and (person is None or next(iter(seen)) in ("", "number 1"))
    chosen = None if nameless else choose(seen, person, "frames", where)
    name = next(iter(seen)) if chosen is None else chosen.value
    tracked = [
        next((one for one in reversed(people) if one.id == name), None) for people in everyone
    ]
    points = [None if one is None else one.points for one in tracked]
    raw = _named(points, where) if any(map(_has_names, points)) else _unnamed(points, counts, where)
    _add_scores(raw, tracked)
    if chosen is not None:
        raw.decisions.append(chosen)
        raw.people = seen
    return raw


def _add_scores(raw: RawTrack, tracked: list[Person | None]) -> None:
    """Confidence that stands beside the points."""
    for t, one in enumerate(tracked):
        if (
            raw.confidence is not None
            and one
            and one.scores
            and len(one.scores) == raw.positions.shape[1]
        ):
            raw.confidence[t] = [_number(score, f"frame {t}: a score") for score in one.scores]


def _told_apart(
    frames: list[list[Person]], counts: Collection[int], where: str
) -> list[list[Person]]:
    """The same people with an id each: those that have none are followed from frame to frame."""
    if not any(len(people) > 1 and any(one.id == NOBODY for one in people) for people in frames):
        return [
            [replace(one, id="number 1" if one.id == NOBODY else one.id) for one in p]
            for p in frames
        ]
    nameless = [[one for one in people if one.id == NOBODY] for people in frames]
    if (most := max(map(len, nameless))) > _MOST_NAMELESS:
        raise KeypointFileError(
            f"{where}: {most} people without an id in one frame; at most {_MOST_NAMELESS} are told"
        )
    places = [
        [_positions(one.points, counts, f"{where}: frame {t}") for one in p]
        for t, p in enumerate(nameless)
    ]
    named = [
        [replace(one, id=name) for name, one in zip(names, people)]
        for names, people in zip(follow(places), nameless)
    ]
    return [
        [one for one in people if one.id != NOBODY] + more for people, more in zip(frames, named)
    ]


def _positions(points: list | dict, counts: Collection[int], where: str) -> np.ndarray:
    """(K,3) of one person's points, whatever their form."""
    values = list(points.values()) if isinstance(points, dict) else points
    values = [
        value for value in values if value is None or isinstance(value, (int, float, list, dict))
    ]
    return _array(values, counts, where)[:, :3] if values else np.empty((0, 3))


def _has_names(points: list | dict | None) -> bool:
    if isinstance(points, list):
        return bool(points) and all(
            isinstance(p, dict) and isinstance(p.get("name"), str) for p in points
        )
    return isinstance(points, dict)


def _named(frames: list, where: str) -> RawTrack:
    by_name = [
        {p["name"]: p for p in points if isinstance(p, dict) and isinstance(p.get("name"), str)}
        if isinstance(points, list)
        else {
            name: value for name, value in (points or {}).items() if isinstance(value, (list, dict))
        }
        for points in frames
    ]
    names = list(dict.fromkeys(name for points in by_name for name in points))
    if not names or len(names) > 10_000:
        raise KeypointFileError(
            f"{where}: {len(names)} different keypoint names; expected some, and no more than "
            "10,000"
        )
    table = blank_table((len(frames), len(names), 4), 4 * sum(map(len, by_name)), where)
    index = {name: i for i, name in enumerate(names)}
    for t, points in enumerate(by_name):
        for name, value in points.items():
            table[t, index[name]] = _point(value, f"{where}: frame {t}: {name}")
    return RawTrack(table[..., :3], names, np.where(np.isnan(table[..., 3]), 1.0, table[..., 3]))


def _unnamed(frames: list, counts: Collection[int], where: str) -> RawTrack:
    rows = [
        None if points is None else _array(points, counts, f"{where}: frame {t}")
        for t, points in enumerate(frames)
    ]
    count = Counter(len(row) for row in rows if row is not None).most_common(1)[0][0]
    table = blank_table(
        (len(frames), count, 4), 4 * sum(len(row) for row in rows if row is not None), where
    )
    for t, row in enumerate(rows):
        if row is not None:
            if len(row) != count:
                raise KeypointFileError(
                    f"{where}: frame {t} has {len(row)} keypoints, most have {count}"
                )
            table[t] = row
    return RawTrack(table[..., :3], None, np.where(np.isnan(table[..., 3]), 1.0, table[..., 3]))


def _array(points: list, counts: Collection[int], where: str) -> np.ndarray:
    """(K,4) of one frame's points: [[x, y, z], ...], [[x, y, z, c], ...], flat numbers, or objects
    with x, y, z."""
    if depth(points) == 1:
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
        nested = next(
            (value[key] for key in ("position", "xyz", "pos") if isinstance(value.get(key), list)),
            None,
        )
        confidence = next((value[key] for key in _CONFIDENCE_KEYS if key in value), None)
        value = [*(nested or [value.get(axis) for axis in "xyz"])[:3], confidence]
    if not isinstance(value, list) or len(value) not in (3, 4):
        raise KeypointFileError(
            f"{where} is {str(value)[:60]}; expected [x, y, z] or [x, y, z, confidence]"
        )
    x, y, z, confidence, *_ = (*(_number(v, where) for v in value), np.nan)
    return x, y, z, confidence


def _number(value: Any, where: str) -> float:
    if value is None:
        return np.nan
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e300:
        return float(value)
    if isinstance(value, float):
        return np.nan
    raise KeypointFileError(f"{where} has {str(value)[:40]!r} where a number belongs")
