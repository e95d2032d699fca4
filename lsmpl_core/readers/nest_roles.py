"""What counts in a nest of poses (`nests.py`): its frames, or the people in them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .field_words import WORDS, folded, value_of
from .nest_people import NOBODY, Person, id_of, identified, person_of
from .nests import Kind, Pose
from .times import seconds_of

MOST_PEOPLE = 20
"""People of a frame; more of them in a list without a number or time are frames."""


_PERSON_KEY = re.compile(r"person|people|subj|actor|track|user|body|player|^id", re.I)


@dataclass
class Frames:
    """The people of each frame, and the frames' numbers and times where the file has them."""

    people: list[list[Person]]
    numbers: np.ndarray | None = None
    times: np.ndarray | None = None


def arranged(kind: Kind, files: bool = False) -> Frames:
    """The poses of a kind as frames of people. files: whether the outermost level is one of files,
    one a frame.

    Raises ValueError where there is more than frames and people to count."""
    roles = _roles(kind, files)
    if "image" in roles:
        return _by_image(kind, roles)
    frame_levels = [i for i, role in enumerate(roles) if role == "time"]
    person_levels = [i for i, role in enumerate(roles) if role == "person"]
    keys = _frame_keys(kind, frame_levels)
    rows = {key: t for t, key in enumerate(keys)}
    poses: list[list[Pose]] = [[] for _ in keys]
    for pose in kind.poses:
        poses[rows[tuple(pose.keys[i] for i in frame_levels)]].append(pose)
    people = identified(poses, person_levels, kind)
    objects = [
        kind.levels[frame_levels[0]].get(key[0]) if len(frame_levels) == 1 else None for key in keys
    ]
    objects = [
        one or (poses[t][0].owners[-1] if poses[t] else None) for t, one in enumerate(objects)
    ]
    numbers, times = _moments(objects)
    if (
        len(frame_levels) == 1
        and keys
        and all(not isinstance(k[0], int) and str(k[0]).isdigit() for k in keys)
    ):
        listed = np.array([int(str(k[0])[-18:]) for k in keys], dtype=float)
        numbers, times = (None, listed) if listed.max() > _BIGGEST_NUMBER else (listed, times)
    elif len(frame_levels) == 1 and numbers is None and keys and isinstance(keys[0][0], str):
        numbers = _numbers_in([str(key[0]) for key in keys])
    if numbers is None and times is None:
        images = [value_of(one, WORDS["images"], str) for one in objects]
        numbers = None if None in images else _numbers_in(images)
    if (
        len(frame_levels) == 1
        and numbers is None
        and kind.levels[frame_levels[0]]
        and _are_parts(keys)
    ):
        numbers = np.array([k[0] for k in keys], dtype=float)
    return Frames(people, numbers, times)


_BIGGEST_NUMBER = 1e12
"""Keys of frames beyond which they are times, in nanoseconds and the like, not numbers."""


def _are_parts(keys: Sequence[tuple]) -> bool:
    """Whether frames are numbered by the file itself, not by their places in a list."""
    return isinstance(keys[0][0], int) and keys[0][0] != 0


def _roles(kind: Kind, files: bool) -> list[str]:
    """Of each wild step "time", "person", "image" (detections that name their image) or "" (of one
    thing alone).

    What says nothing of itself is frames, if none are told, or else people."""
    roles = roles_of(kind, files)
    if roles.count("time") > 1 and not files:
        roles = _one_time(kind, roles)
    open_ = [i for i, role in enumerate(roles) if role == "" and len(kind.levels[i]) > 1]
    if open_ and not {"time", "image"} & set(roles):
        few = len(open_) > 1 and len(kind.levels[open_[0]]) <= MOST_PEOPLE < len(
            kind.levels[open_[1]]
        )
        roles[open_.pop(1 if few else 0)] = "time"
    if open_ and not {"person", "image"} & set(roles):
        roles[open_.pop(0)] = "person"
    if open_:
        listed = " x ".join(str(len(level)) for level in kind.levels)
        raise ValueError(
            f"holds poses in lists of {listed}, of which more than frames and people would have "
            "to be told"
        )
    return roles


def roles_of(kind: Kind, files: bool = False) -> list[str]:
    """What each wild step says of itself."""
    ends = [i for i, one in enumerate(kind.fields) if one is None]
    return [
        "time" if files and i == 0 else _role(level, _container(kind.fields, end))
        for i, (end, level) in enumerate(zip(ends, kind.levels))
    ]


def _container(fields: tuple, end: int) -> str | None:
    """The name of the field that holds what a wild step counts: of lists in one another that of the
    outermost (`frames`) or, where it is of people (`predictions`), of the innermost."""
    name = next((one for one in reversed(fields[:end]) if one is not None), None)
    of_people = name is not None and folded(name) in WORDS["people"]
    beside = fields[end + 1 : end + 2] if of_people else fields[max(end - 1, 0) : end]
    return None if None in beside else name


def _role(level: dict, container: str | None) -> str:
    objects = [one for one in level.values() if isinstance(one, dict)]
    name = folded(container) if container else ""
    if objects and (all(_image(one) for one in objects) or _are_of_people(objects)):
        return "image"
    if name in WORDS["people"]:
        return "person"
    if objects and len(objects) == len(level):
        stamps = [_moment(one) for one in objects]
        if None not in stamps and (len(set(stamps)) > 1 or len(stamps) == 1):
            return "time"
        ids = [id_of(one) for one in objects]
        if "" not in ids and len(set(ids)) == len(ids) and len(ids) <= MOST_PEOPLE:
            return "person"
    if name in WORDS["frames"]:
        return "time"
    if all(isinstance(key, str) for key in level):
        return "person" if any(_PERSON_KEY.search(key) for key in level) else ""
    return ""


def _image(one: dict) -> str:
    """What an object says which image it is of; "" where it says nothing."""
    found = value_of(one, ("imageid",), (str, int))
    return "" if found is None else str(found)


def _moment(one: Any) -> float | None:
    """The number or the time of the frame that an object says that it is of."""
    return number_of(one, (*WORDS["numbers"], *WORDS["times"]))


def _are_of_people(objects: Sequence[dict]) -> bool:
    """Whether objects are of a person and a frame each, several of which share one: whose they are
    is said, and no two are of the same."""
    moments = [_moment(one) for one in objects]
    ids = [id_of(one) for one in objects]
    if None in moments or "" in ids or len(set(moments)) == len(moments):
        return False
    return len(set(ids)) <= MOST_PEOPLE and len(set(zip(moments, ids))) == len(ids)


def _one_time(kind: Kind, roles: list[str]) -> list[str]:
    """Of several levels of time the longest; the others are of people."""
    longest = max(
        (i for i, role in enumerate(roles) if role == "time"), key=lambda i: len(kind.levels[i])
    )
    return ["" if role == "time" and i != longest else role for i, role in enumerate(roles)]


def _frame_keys(kind: Kind, levels: list[int]) -> list[tuple]:
    """Every frame: those of one level in its order, by number where keys are numbers; of several
    those with poses."""
    if not levels:
        return [()]
    if len(levels) == 1:
        keys = list(kind.levels[levels[0]])
        if all(isinstance(key, str) for key in keys):
            keys.sort(key=_natural)
        return [(key,) for key in keys]
    return list(dict.fromkeys(tuple(pose.keys[i] for i in levels) for pose in kind.poses))


def _natural(key: str) -> list:
    return [
        (0, int(part[-30:]), "") if part.isdigit() else (1, 0, part)
        for part in re.split(r"(\d+)", key)
    ]


def _by_image(kind: Kind, roles: list[str]) -> Frames:
    """Detections that name their image or their frame, those of one together."""
    at = roles.index("image")
    images: dict[Any, list[Pose]] = {}
    for pose in kind.poses:
        owner = pose.owners[at]
        images.setdefault(_image(owner) or _moment(owner), []).append(pose)
    everyone = [
        [
            person_of(pose, id_of(pose.owners[at]) or (NOBODY if len(poses) > 1 else ""), kind)
            for pose in poses
        ]
        for poses in images.values()
    ]
    if all(isinstance(image, str) for image in images):
        return Frames(everyone, _numbers_in(list(images)))
    objects = [poses[0].owners[at] for poses in images.values()]
    return Frames(everyone, *_moments(objects))


def _moments(objects: Sequence[Any]) -> tuple[np.ndarray | None, np.ndarray | None]:
    """The numbers and the times of frames, as an object of each says them."""
    numbers, times = (
        _all([number_of(one, wanted) for one in objects])
        for wanted in (WORDS["numbers"], WORDS["times"])
    )
    return numbers, times


def _numbers_in(names: Sequence[str]) -> np.ndarray | None:
    """The last number in each of some names of frames or images, where they differ in nothing else;
    None of any others."""
    found = [_LAST_NUMBER.fullmatch(name[:MOST_LETTERS]) for name in names]
    parts = [one.groups() for one in found if one]
    if len(parts) < len(names) or len({(a, c) for a, _, c in parts}) > 1:
        return None
    numbers = [int(number) for _, number, _ in parts]
    return np.array(numbers, dtype=float) if len(set(numbers)) == len(names) else None


_LAST_NUMBER = re.compile(r"(.*?)(\d{1,15})(\D*)")


MOST_LETTERS = 300


def number_of(one: Any, keys: Sequence[str]) -> float | None:
    """What an object says under one of some folded keys, where that is a number or a time of the
    clock."""
    value = value_of(one, keys)
    if isinstance(value, dict):
        return _seconds_in_parts(value)
    if value is None and isinstance(one, dict):
        inner = value_of(one, WORDS["about frames"], dict)
        return number_of(inner, keys) if inner is not None else None
    if isinstance(value, str):
        return seconds_of(value)
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        return None
    return float(value) if -1e30 < value < 1e30 else None  # integers may be beyond all doubles


def _seconds_in_parts(stamp: dict) -> float | None:
    """ROS' times: whole seconds, and nanoseconds beside them, as nanoseconds; None of others."""
    seconds = value_of(stamp, ("sec", "secs", "seconds"), int)
    rest = value_of(stamp, ("nanosec", "nsec", "nsecs", "nanoseconds"), int)
    return None if seconds is None or rest is None else 1e9 * seconds + rest


def _all(values: list[float | None]) -> np.ndarray | None:
    if not values or None in values:
        return None
    array = np.array(values, dtype=float)
    return array - array[0] if np.abs(array).max() > _BIGGEST_NUMBER else array
