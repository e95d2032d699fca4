"""Bare rows of numbers with a point each: the number of its frame, of whom it is, which point it
is, and where (JTA)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

MOST_LEADS = 3
"""Columns before a point's place: its frame, whose it is, and its number."""


def frames_of_rows(content: Any, counts: Collection[int]) -> list[dict] | None:
    """Of rows [frame, person, point, ...] or [frame, point, ...] an object a frame with its people;
    None of anything else.

    A person's points are numbered from 0 or 1, as many as `counts` knows. Of their columns those at
    the end that only say yes or no are left aside, and two before the last three, which are the
    point's place in an image.
    """
    table = _table(content)
    if table is None:
        return None
    leads = next((n for n in (3, 2) if _are_leads(table[:, :n], counts)), 0)
    places = table[:, leads:]
    while places.shape[1] > 3 and np.isin(places[:, -1], (0, 1)).all():
        places = places[:, :-1]
    if not leads or places.shape[1] not in (3, 4, 5):
        return None
    places = places[:, -3:] if places.shape[1] == 5 else places
    frames: dict[float, dict] = {}
    starts = np.flatnonzero(table[:, leads - 1] == table[0, leads - 1])
    for rows in np.split(np.arange(len(table)), starts[1:]):
        frame = frames.setdefault(table[rows[0], 0], {"frame": table[rows[0], 0], "people": []})
        whose = {"id": int(table[rows[0], 1])} if leads == MOST_LEADS else {}
        frame["people"].append({"points": places[rows], **whose})
    return list(frames.values())


def counted(numbers: np.ndarray, counts: Collection[int]) -> int:
    """How many points a column numbers over and over, from its first number on, in every frame
    alike; 0 of one that does not, or of points that are not as many as `counts` knows."""
    again = np.flatnonzero(numbers[1:] <= numbers[0])
    count = int(again[0]) + 1 if len(again) else len(numbers)
    if count not in counts or len(numbers) % count:
        return 0
    return count if (numbers.reshape(-1, count) == numbers[0] + np.arange(count)).all() else 0


def _table(content: Any) -> np.ndarray | None:
    """(R,C) of rows of as many numbers each, at least what three leads and a place take."""
    if not isinstance(content, (list, np.ndarray)) or len(content) < 10:
        return None
    if not isinstance(content[0], (list, np.ndarray)) or not 5 <= len(content[0]) <= 12:
        return None
    if not all(isinstance(row, Sequence) or row is content[0] for row in content[:40]):
        return None
    try:
        table = np.array(content, dtype=float)
    except (TypeError, ValueError, OverflowError):
        return None
    return table if table.ndim == 2 and np.isfinite(table).all() else None


def _are_leads(leads: np.ndarray, counts: Collection[int]) -> bool:
    """Whether columns (R,2..3) are frames, which rise, people, and points, which are counted from
    their first number over and over."""
    if not (leads == np.round(leads)).all() or (np.diff(leads[:, 0]) < 0).any():
        return False
    points = leads[:, -1]
    count = counted(points, counts) if points[0] in (0, 1) else 0
    if not count:
        return False
    of_bodies = leads.reshape(-1, count, leads.shape[1])
    return bool((of_bodies[:, :, :-1] == of_bodies[:, :1, :-1]).all())
