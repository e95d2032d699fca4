"""What stands in the JSON of a pose tool: frames, people and their points, by what they look like
and by usual keys.

Points are a list of [x, y, z(, c)], flat numbers, or an object of names; people are a list of
objects that have points; frames are a list, or an object by number or time, of people, of points,
or of objects that have either.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

POINT_KEYS = (
    "keypoints3d", "keypoints_3d", "pose_keypoints_3d", "joints3d", "joints_3d", "joints19",
    "body_keypoints_3d", "joint_positions", "keypoints", "keypoint", "joints", "landmarks",
    "pose_world_landmarks", "positions", "points",
)  # fmt: skip
HAND_KEYS = ("hand_left_keypoints_3d", "hand_right_keypoints_3d")
PEOPLE_KEYS = (
    "people",
    "bodies",
    "persons",
    "skeletons",
    "annots",
    "body_list",
    "instances",
    "humans",
)
FRAME_KEYS = ("frames", "data", "results", "keypoints_sequence", "instance_info")
ID_KEYS = ("id", "personID", "person_id", "track_id", "ID", "body_id", "idx")
SCORE_KEYS = ("keypoint_scores", "keypoints_scores", "keypoint_confidence", "keypoints_confidence",
"scores", "joint_confidence_levels")  # fmt: skip
NUMBER_KEYS = ("frame_id", "frame", "frame_number", "frame_index", "frame_idx")
TIME_KEYS = ("timestamp_usec", "timestamp_us", "timestamp_ns", "timestamp_ms", "timestamp", "time")
NAME_KEYS = ("names", "keypoint_names", "joint_names")
NOBODY = "-1"
LEAST_POINTS = 5
MOST_PEOPLE = 20
"""Objects with points, but no number or time, from which on they are frames and no people of
one."""
_NOT_POINTS = re.compile(
    r"2d|2D|bbox|box|rotation|orientation|quaternion|score|confidence|velocity|vert|covariance|"
    r"betas|pose_params"
)


@dataclass
class Person:
    """One person in one frame: points as JSON has them (a list, or an object by name), scores (K,)
    or None, an id."""

    id: str
    points: list | dict
    scores: list | None = None


def frames_of(data: Any) -> tuple[list, list[int] | None]:
    """The frames of a file's content, and their numbers where they are an object's keys."""
    if isinstance(data, dict):
        frames = next(
            (data[key] for key in FRAME_KEYS if isinstance(data.get(key), (list, dict))), None
        )
        if frames is None and data and all(key.isdigit() for key in data):
            frames = data
        if frames is None:
            nested = next((data[key] for key in POINT_KEYS if depth(data.get(key)) == 3), None)
            frames = nested if nested is not None else _listed_frames(data)
        if isinstance(frames, dict):
            keys = sorted(frames, key=lambda key: (len(key), key))
            numbers = (
                [int(key) for key in keys]
                if all(key.isdigit() and len(key) < 25 for key in keys)
                else None
            )
            return [frames[key] for key in keys], numbers
        return frames, None
    if (
        isinstance(data, list)
        and data
        and (depth(data) == 2 or (is_people(data) and len(data) < 2))
    ):
        return [data], None
    return (_by_image(data) if isinstance(data, list) else []), None


def _listed_frames(data: dict) -> list:
    """The longest list of objects with people or points in them; the object itself where there is
    none."""
    lists = [value for value in data.values() if isinstance(value, list) and len(value) > 1]
    lists = [value for value in lists if all(isinstance(one, dict) for one in value)]
    lists = [value for value in lists if any(True for one in value for _ in people_of(one))]
    longest = max(lists, key=len, default=None)
    if longest is None or _points(data):
        return [data]
    numbered = all(number_of(one, (*NUMBER_KEYS, *TIME_KEYS)) is not None for one in longest)
    return longest if numbered or len(longest) > MOST_PEOPLE or not is_people(longest) else [data]


def _by_image(data: list) -> list:
    """Detections that name their image, those of one image together; any other list as it is."""
    if not data or not all(
        isinstance(one, dict) and isinstance(one.get("image_id"), (str, int)) for one in data
    ):
        return data
    images: dict[str, list] = {}
    for one in data:
        images.setdefault(str(one["image_id"]), []).append(one)
    return list(images.values()) if is_people(data) else data


def is_frame(data: Any) -> bool:
    """Whether a file's content is one frame; people are taken for those of one frame, not for
    frames of one person."""
    if isinstance(data, dict):
        nested = any(depth(data.get(key)) == 3 for key in POINT_KEYS)
        listed = any(isinstance(data.get(key), (list, dict)) for key in FRAME_KEYS)
        return not (nested or listed or (data and all(key.isdigit() for key in data)))
    return isinstance(data, list) and (not data or depth(data) == 2 or is_people(data))


def depth(value: Any) -> int:
    """How deep lists of numbers nest: 1 for numbers, 2 for points, 3 for frames of points; 0 for
    anything else."""
    levels = 0
    while isinstance(value, list) and levels < 8:
        levels += 1
        value = next((item for item in value if item is not None), None)
    return levels if value is None or isinstance(value, (int, float)) else 0


def is_people(value: Any) -> bool:
    """Whether a value is a list of objects that have points each."""
    return isinstance(value, list) and all(
        isinstance(one, dict) and _points(one) is not None for one in value
    )


def people_of(frame: Any) -> Iterator[Person]:
    """The people of a frame; nobody where it is empty or null."""
    if isinstance(frame, dict):
        people = next((frame[key] for key in PEOPLE_KEYS if isinstance(frame.get(key), list)), None)
        if people is not None:
            yield from people_of(people)
        elif points := _points(frame):
            yield _person(frame, points)
        elif people := next(
            (value for value in frame.values() if value and is_people(value)), None
        ):
            yield from people_of(people)
        elif sum(map(_is_point, frame.values())) >= LEAST_POINTS and not has_2d(frame):
            yield Person("", frame)
    elif isinstance(frame, list) and frame and is_people(frame):
        for one in frame:
            for person in people_of(one):
                person.id = person.id if person.id not in ("", "-1", "[-1]") else NOBODY
                yield person
    elif (
        isinstance(frame, list)
        and frame
        and (not isinstance(frame[0], dict) or any(map(_is_named_point, frame)))
    ):
        yield Person("", frame)


def _is_named_point(value: Any) -> bool:
    """An object that is one keypoint: with a name, or x, y and z."""
    return isinstance(value, dict) and (
        isinstance(value.get("name"), str) or {"x", "y", "z"} <= value.keys()
    )


def _person(frame: dict, points: list | dict) -> Person:
    identity = next((frame[key] for key in ID_KEYS if key in frame), "")
    hands: list[Any] = [frame.get(key) for key in HAND_KEYS]
    if isinstance(points, list) and all(isinstance(hand, list) and hand for hand in hands):
        points = points + hands[0] + hands[1]
    scores = next((frame[key] for key in SCORE_KEYS if isinstance(frame.get(key), list)), None)
    fits = (
        scores is not None
        and depth(scores) == 1
        and depth(points) == 2
        and len(scores) == len(points)
    )
    return Person(str(identity)[:80], points, scores if fits else None)


def _points(frame: dict) -> list | dict | None:
    """A person's points: under a usual key, else the longest list that looks like points; None
    where there are none."""
    for key in POINT_KEYS:
        if isinstance(frame.get(key), (list, dict)) and frame[key] and not is_people(frame[key]):
            return frame[key]
    found = [
        value for key, value in frame.items() if not _NOT_POINTS.search(key) and _are_points(value)
    ]
    return max(found, key=len, default=None)


def _are_points(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) >= LEAST_POINTS
        and depth(value) == 2
        and all(one is None or (isinstance(one, list) and len(one) in (3, 4)) for one in value)
    )


def _is_point(value: Any) -> bool:
    if isinstance(value, dict):
        return {"x", "y", "z"} <= value.keys() or any(
            isinstance(one, list) for one in value.values()
        )
    return isinstance(value, list) and len(value) in (3, 4) and depth(value) == 1


def has_2d(frame: Any) -> bool:
    """Whether a frame has 2D keypoints, whatever else it has."""
    if isinstance(frame, dict):
        if any(
            "2d" in key.lower() and isinstance(value, list) and value
            for key, value in frame.items()
        ):
            return True
        return any(has_2d(value) for value in frame.values() if isinstance(value, list))
    return isinstance(frame, list) and any(
        has_2d(one) for one in frame[:4] if isinstance(one, dict)
    )


def names_in(data: Any, levels: int = 3) -> list[str] | None:
    """The list of keypoint names in a file's content, in any of its objects; None where there is
    none."""
    if not isinstance(data, dict) or not levels:
        return None
    for key in NAME_KEYS:
        if isinstance(data.get(key), list) and all(isinstance(name, str) for name in data[key]):
            return list(data[key])
    by_id = data.get("keypoint_id2name")
    if isinstance(by_id, dict) and by_id and set(by_id) == {str(i) for i in range(len(by_id))}:
        return [str(by_id[str(i)]) for i in range(len(by_id))]
    return next((names for value in data.values() if (names := names_in(value, levels - 1))), None)


def number_of(frame: Any, keys: tuple[str, ...]) -> float | None:
    """What a frame says under one of some keys, where that is a number."""
    if not isinstance(frame, dict):
        return None
    value = next((frame[key] for key in keys if key in frame), None)
    return (
        float(value)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e30
        else None
    )


def described(data: Any) -> str:
    """Which keys there are, and what they look like, for messages."""
    if isinstance(data, list):
        return f"a list of {len(data)}" + (f", the first {described(data[0])}" if data else "")
    if isinstance(data, dict):
        listed = ", ".join(
            f"{str(key)[:30]} ({_kind(value)})" for key, value in list(data.items())[:10]
        )
        return (
            f"an object with {listed}" + (", ..." if len(data) > 10 else "")
            if data
            else "an empty object"
        )
    return _kind(data)


def _kind(value: Any) -> str:
    if isinstance(value, list):
        kind = (
            "numbers"
            if depth(value) == 1
            else "objects"
            if value and isinstance(value[0], dict)
            else "items"
        )
        return f"{len(value)} {kind}"
    if isinstance(value, dict):
        return f"an object of {len(value)}"
    return {bool: "true or false", str: "text", type(None): "null"}.get(type(value), "a number")
