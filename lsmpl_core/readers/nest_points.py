"""The points of nests (`nests.py`) as tracks and arrays, whatever their form: rows, flat numbers,
objects with x, y and z, by name or in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Any

import numpy as np

from ..errors import KeypointFileError
from .point_forms import coordinates, is_named, is_nothing, point_name, point_number
from .raw import MOST_POINTS, RawTrack, blank_table, unflatten

_BIGGEST = 1e300
"""Numbers beyond stand for a point that is missing."""


def has_names(points: list | dict | np.ndarray | None) -> bool:
    return isinstance(points, dict) or is_named(points)


def named_track(frames: list, where: str) -> RawTrack:
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


def unnamed_track(frames: list, counts: Collection[int], where: str) -> RawTrack:
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


def positions_of(
    points: list | dict | np.ndarray, counts: Collection[int], where: str
) -> np.ndarray:
    """(K,3) of one person's points, whatever their form."""
    values = list(points.values()) if isinstance(points, dict) else points
    return _array(values, counts, where)[:, :3] if len(values) else np.empty((0, 3))


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
        numbers = np.array([number_in(value, where) for value in points])
        positions, confidence = unflatten(numbers[None], counts, where)
        ones = np.ones(positions.shape[1])
        return np.column_stack([positions[0], ones if confidence is None else confidence[0]])
    rows = np.array([_point(point, f"{where}: keypoint {k}") for k, point in enumerate(points)])
    places = places_of(points, counts)
    if places is None:
        return rows
    placed = np.full((len(places), 4), np.nan)
    there = places >= 0
    placed[there] = rows[places[there]]
    return placed


def places_of(points: Any, counts: Collection[int]) -> np.ndarray | None:
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
    x, y, z, confidence, *_ = (*(number_in(v, where) for v in value), np.nan)
    return x, y, z, confidence


def number_in(value: Any, where: str) -> float:
    if value is None:
        return np.nan
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < _BIGGEST:
        return float(value)
    if isinstance(value, float):
        return np.nan
    raise KeypointFileError(f"{where} has {str(value)[:40]!r} where a number belongs")
