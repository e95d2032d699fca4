"""The people of a nest of poses (`nests.py`): what each is called, their points, scores and
rotations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..files.reals import reals
from .arrays import TRANSLATION_KEYS
from .field_words import WORDS, value_of
from .nest_turns import Rotations, rotations_beside
from .nests import Kind, Pose

HAND_KEYS = ("hand_left_keypoints_3d", "hand_right_keypoints_3d")


NOBODY = "-1"


@dataclass
class Person:
    """One person in one frame: points as the file has them (rows, flat numbers, or by name), scores
    (K,) or None, an id; rotations beside the points, or None."""

    id: str
    points: list | dict | np.ndarray
    scores: list | None = None
    rotations: Rotations | None = None


def identified(frames: list[list[Pose]], levels: list[int], kind: Kind) -> list[list[Person]]:
    several = any(len(poses) > 1 for poses in frames)
    names = [[_name(pose, levels, several) for pose in poses] for poses in frames]
    counted = several and all(
        own == [str(i) for i in range(len(own))] or own == [str(i + 1) for i in range(len(own))]
        for own in names
        if own
    )
    if counted and any(len(own) > 1 for own in names) and not _go_on(frames, names):
        names = [[NOBODY] * len(own) for own in names]
    return [
        [person_of(pose, name, kind) for pose, name in zip(poses, own)]
        for poses, own in zip(frames, names)
    ]


def _name(pose: Pose, levels: list[int], several: bool) -> str:
    """What the file calls somebody: an id, the key of an object; nothing where a list counts
    them."""
    found = id_of(pose.owners[-1]) or next(
        (name for i in levels if (name := id_of(pose.owners[i]))), ""
    )
    if found:
        return found
    keys = [str(pose.keys[i]) for i in levels if isinstance(pose.keys[i], str)]
    return ".".join(keys)[:80] if keys else (NOBODY if several else "")


def _go_on(frames: list[list[Pose]], names: list[list[str]]) -> bool:
    """Whether numbers that only count the people of each frame go on from frame to frame by where
    people are. Those of crowds are believed."""
    last: dict[str, np.ndarray] = {}
    for poses, own in zip(frames, names):
        if len(own) > _LARGEST_GROUP:
            return True
        here = {name: _middle(pose) for pose, name in zip(poses, own)}
        if both := [name for name in here if name in last]:
            are, were = (np.array([places[name] for name in both]) for places in (here, last))
            with np.errstate(over="ignore"):
                away = np.linalg.norm(are[:, None] - were, axis=2)
            if (away.min(axis=1) < np.diagonal(away)).any():
                return False
        last |= here
    return True


_LARGEST_GROUP = 100
"""People of a frame who are compared with one another."""


def _middle(pose: Pose) -> np.ndarray:
    points = pose.points
    if isinstance(points, dict):
        points = [one for one in points.values() if isinstance(one, (list, tuple))]
    if isinstance(points, np.ndarray) and points.ndim == 2 and points.shape[1] >= 3:
        return np.nan_to_num(np.median(reals(points[:, :3]), axis=0)) + _translation(pose)
    rows = [
        list(one)[:3]
        for one in points
        if isinstance(one, (list, tuple, np.ndarray)) and len(one) >= 3
    ]
    rows = [row for row in rows if all(isinstance(value, (int, float, np.number)) for value in row)]
    middle = np.median(np.array(rows, dtype=float), axis=0) if rows else np.zeros(3)
    return np.nan_to_num(middle) + _translation(pose)


def person_of(pose: Pose, identity: str, kind: Kind) -> Person:
    owner = pose.owners[-1] if isinstance(pose.owners[-1], dict) else {}
    points = _with_hands(pose.points, [owner.get(key) for key in HAND_KEYS])
    moved = _translation(pose)
    if moved.any() and not isinstance(points, dict):
        points = np.array(points, dtype=float) + moved
    scores = value_of(owner, WORDS["scores"])
    scores = scores.tolist() if isinstance(scores, np.ndarray) else scores
    fits = (
        isinstance(scores, list)
        and len(scores) == len(points)
        and not isinstance(scores[0], (list, dict))
    )
    rotations = rotations_beside(owner, points, moved)
    return Person(identity, points, scores if fits else None, rotations)


def _with_hands(points: Any, hands: list[Any]) -> Any:
    """A body's points with those of its hands behind them, where they are in lists of their own."""
    parts = [points, *hands]
    if not all(isinstance(one, (list, np.ndarray)) and len(one) for one in parts):
        return points
    if len({np.shape(one)[1:] for one in parts if isinstance(one, np.ndarray)}) == 1 and all(
        isinstance(one, np.ndarray) for one in parts
    ):
        return np.concatenate(parts)
    return [row for one in parts for row in (one.tolist() if isinstance(one, np.ndarray) else one)]


def _translation(pose: Pose) -> np.ndarray:
    """What brings points that are relative to the body to where it is, (3,); zeros where there is
    none."""
    for owner in reversed([one for one in pose.owners if isinstance(one, dict)]):
        camera = owner.get("camera")
        found = next((owner[key] for key in TRANSLATION_KEYS if key in owner), None)
        if found is None and isinstance(camera, dict):
            found = next(
                (camera[key] for key in (*TRANSLATION_KEYS, "translation") if key in camera), None
            )
        if found is not None and _is_rows_of_three(pose.points):
            try:
                values = np.asarray(found, dtype=float).ravel()
            except (TypeError, ValueError, OverflowError):
                return np.zeros(3)
            return values if len(values) == 3 and np.isfinite(values).all() else np.zeros(3)
    return np.zeros(3)


def _is_rows_of_three(points: Any) -> bool:
    return (
        isinstance(points, (list, np.ndarray)) and np.ndim(points[0]) == 1 and len(points[0]) == 3
    )


def id_of(one: Any) -> str:
    value = value_of(one, WORDS["ids"])
    value = value[0] if isinstance(value, list) and len(value) == 1 else value
    if isinstance(value, bool) or not isinstance(value, (str, int, np.integer)):
        return ""
    return NOBODY if str(value) in ("-1", "") else str(value)[:80]
