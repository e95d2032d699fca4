"""Keypoints in JSON, and in whatever else nests: one file of all frames, one line a frame, or a
folder of one file a frame.

`nests.py` finds the poses, `nest_roles.py` tells frames from people; here they become a track.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import KeypointFileError
from ..files.json_arrays import load_json
from ..files.opening import read_file
from ..keypoints.track import Decision
from .field_words import WORDS
from .nest_roles import MOST_PEOPLE, NOBODY, Person, arranged, roles_of
from .nest_statements import fitting_names, stated, stated_number, without_head
from .nest_turns import turns_of_frames
from .nests import DEEPEST, everything, kinds_of, likeliest, passed_over
from .people import choose, follow, gathered
from .point_forms import coordinates, is_named, is_nothing, point_name, point_number
from .raw import (
    MOST_POINTS,
    RawTrack,
    blank_table,
    changed,
    check_pieces,
    of_everybody,
    read_text,
    unflatten,
)
from .rows import is_number
from .times import placed_in_time

_MOST_NAMELESS = 100
_BIGGEST = 1e300
"""Numbers beyond stand for a point that is missing."""


def read_json(path: Path, counts: Collection[int], person: str | None = None) -> RawTrack:
    """Read one JSON file of frames, or a folder of one file a frame: `person`, or who is seen
    most."""
    if path.is_dir():
        files = sorted(path.glob("*.json"))
        if not files:
            raise KeypointFileError(
                f"{path}: is a folder; choose a file in it. As one take, a folder holds one .json "
                "file a frame; this one has none"
            )
        contents = [_load(file) for file in files]
        raw = track_of(contents, counts, str(path), person, files=True)
        numbers = np.array([_last_number(file.stem, i) for i, file in enumerate(files)], float)
        return changed(raw, lambda one: placed_in_time(one, numbers, None))
    return track_of(_load(path), counts, str(path), person)


def is_nest(path: Path) -> bool:
    """Whether a file of text begins as JSON does, whatever it is called."""
    begin = read_file(path, 200).decode("utf-8", errors="ignore").lstrip("\ufeff \t\r\n")
    return _NEST.match(begin) is not None


_NEST = re.compile(r"\{\s*\"|\[\s*[\[{\]]")


def is_one_file_a_frame(folder: Path) -> bool:
    """Whether the JSON files in a folder are the frames of one take, not takes: numbered, and the
    first is a frame."""
    files = sorted(folder.glob("*.json"))
    if len({re.sub(r"\d+(?=\D*$)", "#", file.stem) for file in files}) != 1:
        return False
    try:
        return is_frame(_load(files[0]))
    except (KeypointFileError, OSError):
        return len(files) > 1


def is_frame(content: Any) -> bool:
    """Whether a file's content is one frame; people are taken for those of one frame, not for
    frames of one person."""
    kind = likeliest(kinds_of(content)[0], frozenset())
    if kind is None:
        return not isinstance(content, (list, np.ndarray)) or not len(content)
    for role, level in zip(roles_of(kind), kind.levels):
        objects = all(isinstance(one, dict) for one in level.values())
        if role == "time" or (
            role == "" and not (objects and len(level) <= MOST_PEOPLE) and len(level) > 1
        ):
            return False
    return True


def _load(path: Path) -> Any:
    """A file's content: JSON, or one JSON object a line; lists of numbers as arrays."""
    text = read_text(path)
    try:
        return load_json(text, lambda rest: check_pieces(rest, len(text), path))
    except (ValueError, RecursionError) as error:
        cut = not text.rstrip().endswith(("}", "]"))
        what = "is cut off, before its lists are closed" if cut else "not JSON"
        raise KeypointFileError(f"{path}: {what}: {error}") from None


def _last_number(stem: str, otherwise: int) -> int:
    numbers = re.findall(r"\d+", stem)
    return int(numbers[-1][-15:]) if numbers else otherwise


def track_of(
    content: Any, counts: Collection[int], where: str, person: str | None, files: bool = False
) -> RawTrack:
    """The keypoints of one person in some content, and the names, rate, unit and up that it states.

    files: whether the content is a list of those of files, one a frame, whose numbers are then told
    by the caller.
    """
    head, content = ({}, content) if files else without_head(content)
    try:
        kinds, flat = kinds_of(content)
        kind = likeliest(kinds, frozenset(counts))
        if kind is None and not flat:
            content = unquoted(content)
            kinds, flat = kinds_of(content)
            kind = likeliest(kinds, frozenset(counts))
        if kind is None:
            raise _nothing(content, flat, where)
        frames = arranged(kind, files)
    except ValueError as error:
        raise KeypointFileError(f"{where}: {error}") from None
    everyone = _told_apart(frames.people, counts, where)
    others = passed_over(kinds, kind)
    objects = [*everything(head), *everything(content[0] if files and content else content)]

    def of_person(name: str | None) -> RawTrack:
        raw = _stating(people_track(everyone, counts, where, name), objects)
        if others:
            raw.decisions.append(other_points(".".join(filter(None, kind.fields)), others))
        return raw if files else placed_in_time(raw, frames.numbers, frames.times)

    return of_everybody(of_person, person)


def _stating(raw: RawTrack, objects: Sequence[dict]) -> RawTrack:
    """The track with the names, rate, unit and up that some objects state of all."""
    raw.names = raw.names or fitting_names(objects, raw.positions.shape[1])
    rate, step = (stated_number(objects, WORDS[words]) for words in ("rates", "steps"))
    rate = 1 / step if rate is None and step else rate
    if rate is not None and 0 < rate < 1e6:
        raw.fps = float(rate)
    raw.unit = raw.unit or stated(objects, WORDS["units"], str)
    up = stated(objects, WORDS["up"], str)
    raw.up = up.lower() if up else raw.up
    return raw


def other_points(chosen: str, others: Sequence[str]) -> Decision:
    """What is said of points that a file has beside those that are read."""
    listed = ", ".join(name[:40] for name in others[:6]) + (", ..." if len(others) > 6 else "")
    reason = f"it has others of as many points, which are left aside: {listed}"
    return Decision("points", chosen[:60] or "the first", "assumed", reason)


def unquoted(content: Any, levels: int = 0) -> Any:
    """Content with the numbers that it has in quotes as numbers."""
    if levels > DEEPEST:
        return content
    if isinstance(content, dict):
        return {key: unquoted(value, levels + 1) for key, value in content.items()}
    if isinstance(content, list):
        return [unquoted(value, levels + 1) for value in content]
    if isinstance(content, str) and len(content) < 40 and is_number(content):
        return float(content)
    return content


def _nothing(content: Any, flat: bool, where: str) -> KeypointFileError:
    """What is said of content without poses."""
    frames = content if isinstance(content, list) else [content]
    full = (one for one in frames if (one.size if isinstance(one, np.ndarray) else one))
    first = next(full, frames[0] if frames else content)
    if flat:
        return KeypointFileError(
            f"{where}: only 2D keypoints are there ({described(first)}). 3D keypoints are needed: "
            "triangulated from several cameras, or lifted by a pose estimator"
        )
    return KeypointFileError(
        f"{where}: no keypoints; it holds "
        f"{described(content if isinstance(content, dict) else first)}; expected "
        "keypoints: frames of [[x, y, z], ...], of names with [x, y, z], or of people with "
        "points under a key such as "
        "keypoints3d, joints or landmarks"
    )


def people_track(
    everyone: list[list[Person]], counts: Collection[int], where: str, person: str | None
) -> RawTrack:
    """The keypoints of one of the people of each frame, who have an id each."""
    seen = gathered([[one.id for one in people] for people in everyone])
    alone = len(seen) == 1
    nameless = alone and (person is None or next(iter(seen)) in ("", "number 1"))
    chosen = None if nameless else choose(seen, person, "frames", where)
    name = next(iter(seen)) if chosen is None else chosen.value
    tracked = [
        next((one for one in reversed(people) if one.id == name), None) for people in everyone
    ]
    points = [None if one is None else one.points for one in tracked]
    raw = _named(points, where) if any(map(_has_names, points)) else _unnamed(points, counts, where)
    named = raw.names is not None
    places = [None if one is None or named else _places(one.points, counts) for one in tracked]
    _add_scores(raw, tracked, places, where)
    rotations = [
        one and one.rotations and one.rotations.placed(at) for one, at in zip(tracked, places)
    ]
    raw.turns = turns_of_frames(rotations, raw.positions, raw.names)
    if chosen is not None:
        raw.decisions.append(chosen)
        raw.people = seen
    return raw


def _add_scores(
    raw: RawTrack, tracked: list[Person | None], places: list[np.ndarray | None], where: str
) -> None:
    """Confidence that stands beside the points, which are in other `places` where these are
    numbered."""
    if raw.confidence is None:
        return
    for t, (one, at) in enumerate(zip(tracked, places)):
        if one is None or not one.scores:
            continue
        scores = [_number(score, f"{where}: frame {t}: a score") for score in one.scores]
        if at is not None and at.max() < len(scores):
            scores = [scores[i] if i >= 0 else np.nan for i in at]
        if len(scores) == raw.positions.shape[1]:
            raw.confidence[t] = scores


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


def _positions(points: list | dict | np.ndarray, counts: Collection[int], where: str) -> np.ndarray:
    """(K,3) of one person's points, whatever their form."""
    values = list(points.values()) if isinstance(points, dict) else points
    return _array(values, counts, where)[:, :3] if len(values) else np.empty((0, 3))


def _has_names(points: list | dict | np.ndarray | None) -> bool:
    return isinstance(points, dict) or is_named(points)


def _named(frames: list, where: str) -> RawTrack:
    by_name = [
        {point_name(p) or "": p for p in points if isinstance(p, dict) and point_name(p)}
        if isinstance(points, list)
        else (points if isinstance(points, dict) else {})  # none, or numbers without names
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
    written = 4 * sum(len(row) for row in rows if row is not None)
    positions = blank_table((len(frames), count, 3), written, where)
    confidence = np.ones(positions.shape[:2])
    for t, row in enumerate(rows):
        if row is not None:
            if len(row) != count:
                raise KeypointFileError(
                    f"{where}: frame {t} has {len(row)} keypoints, most have {count}"
                )
            positions[t] = row[:, :3]
            if row.shape[1] == 4:
                confidence[t] = np.where(np.isnan(row[:, 3]), 1.0, row[:, 3])
    return RawTrack(positions, None, confidence)


def _array(points: list | np.ndarray, counts: Collection[int], where: str) -> np.ndarray:
    """(K,3), or (K,4) with confidence, of one frame's points: rows of [x, y, z] or of [x, y, z, c],
    flat numbers, or objects with x, y, z."""
    if isinstance(points, np.ndarray):
        points = points.astype(np.float64)  # single precision knows no bound as far
        with np.errstate(invalid="ignore"):
            numbers = np.where(np.abs(points) < _BIGGEST, points, np.nan)
        if numbers.ndim == 2:
            return numbers
        positions, confidence = unflatten(numbers[None], counts, where)
        return positions[0] if confidence is None else numbers.reshape(-1, 4)
    if all(isinstance(one, (int, float, type(None))) for one in points):
        numbers = np.array([_number(value, where) for value in points])
        positions, confidence = unflatten(numbers[None], counts, where)
        ones = np.ones(positions.shape[1])
        return np.column_stack([positions[0], ones if confidence is None else confidence[0]])
    rows = np.array([_point(point, f"{where}: keypoint {k}") for k, point in enumerate(points)])
    places = _places(points, counts)
    if places is None:
        return rows
    placed = np.full((len(places), 4), np.nan)
    there = places >= 0
    placed[there] = rows[places[there]]
    return placed


def _places(points: Any, counts: Collection[int]) -> np.ndarray | None:
    """Where in a list each point of an order is, by the numbers that points say that they have; -1
    where it is not there. None where they say none, or stand in turn."""
    if not isinstance(points, list) or not any(isinstance(one, dict) for one in points[:8]):
        return None
    numbers = [point_number(point) for point in points]
    known = [number for number in numbers if number is not None]
    if len(known) < len(points) or len(set(known)) < len(known) or not known:
        return None
    count = max(known) + 1
    if count != len(points) and (count > MOST_POINTS or count not in counts):
        return None if known == sorted(known) else np.argsort(known)
    places = np.full(count, -1)
    places[known] = np.arange(len(known))
    return places


def _point(value: Any, where: str) -> tuple[float, float, float, float]:
    """x, y, z and confidence of one point; NaN where null."""
    if is_nothing(value):
        return (np.nan,) * 4
    if isinstance(value, dict):
        value = coordinates(value) or value
    if not isinstance(value, (list, tuple)) or len(value) not in (3, 4):
        raise KeypointFileError(
            f"{where} is {str(value)[:60]}; expected [x, y, z] or [x, y, z, confidence]"
        )
    x, y, z, confidence, *_ = (*(_number(v, where) for v in value), np.nan)
    return x, y, z, confidence


def _number(value: Any, where: str) -> float:
    if value is None:
        return np.nan
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < _BIGGEST:
        return float(value)
    if isinstance(value, float):
        return np.nan
    raise KeypointFileError(f"{where} has {str(value)[:40]!r} where a number belongs")


def described(data: Any) -> str:
    """Which keys there are, and what they look like, for messages."""
    if isinstance(data, list):
        return f"a list of {len(data)}" + (f", the first {described(data[0])}" if data else "")
    if isinstance(data, dict):
        listed = ", ".join(
            f"{str(key)[:30]} ({_kind(value)})" for key, value in list(data.items())[:10]
        )
        more = ", ..." if len(data) > 10 else ""
        return f"an object with {listed}{more}" if data else "an empty object"
    return _kind(data)


def _kind(value: Any) -> str:
    if isinstance(value, list):
        first = next((one for one in value if one is not None), None)
        kind = {dict: "objects", int: "numbers", float: "numbers"}.get(type(first), "items")
        return f"{len(value)} {kind}"
    if isinstance(value, dict):
        return f"an object of {len(value)}"
    if isinstance(value, np.ndarray):
        return f"an array {value.shape}"
    return {bool: "true or false", str: "text", type(None): "null"}.get(type(value), "a number")
