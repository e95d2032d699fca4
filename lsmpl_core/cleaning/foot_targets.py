"""Where the points of standing feet belong, and by how much each foot has to move and turn to have
them there.

While a point stands it belongs at one place: the middle of where it was, at the height at which it
stands on the floor. What is missing to there is known while it stands. In between it comes and goes
without a jerk (`easing.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..frames import runs
from .contacts import Contact, contact_mask
from .easing import followed
from .floor import FEET, Floor, FootPoints

HELD = 0.006
"""Seconds within which a foot that stands follows its place."""


def corrections(
    points: FootPoints, contacts: Sequence[Contact], floor: Floor | None, fps: float
) -> np.ndarray:
    """(T,4,3) metres by which the foot points have to move in each frame."""
    missing = places(points, contacts, floor) - points.positions
    correction = np.zeros_like(missing)
    for heel, toe in FEET:
        on_heel, on_toe = (np.isfinite(missing[:, p, 0]) for p in (heel, toe))
        apart = followed(missing[:, heel] - missing[:, toe], on_heel & on_toe, fps, HELD)
        middles = np.stack([missing[:, heel] - 0.5 * apart, missing[:, toe] + 0.5 * apart])
        count = (on_heel.astype(float) + on_toe)[:, None]
        middle = np.where(np.isfinite(middles), middles, 0.0).sum(axis=0) / np.maximum(count, 1.0)
        middle = followed(middle, on_heel | on_toe, fps, HELD)
        correction[:, heel], correction[:, toe] = middle + 0.5 * apart, middle - 0.5 * apart
    return correction


def raised(
    points: FootPoints,
    correction: np.ndarray,
    contacts: Sequence[Contact],
    ground: Floor,
    fps: float,
) -> np.ndarray:
    """(T,4) metres by which, once corrected, heels and toes that do not stand have to come up where
    they dip into the ground, as toes do when a foot rolls off stiffly: no higher than the foot's
    other end.

    The ground is the floor, or where a point stands below it.
    """
    standing = contact_mask(list(contacts), len(correction))
    above = (points.positions + correction)[..., 2] - ground.on_soles
    lowest = np.where(standing, above, 0.0).min(axis=0)
    up = np.zeros(above.shape)
    for heel, toe in FEET:
        for p, other in ((heel, toe), (toe, heel)):
            depth = np.minimum(lowest[p] - above[:, p], above[:, other] - above[:, p])
            sunk = (depth > 0.0) & ~standing[:, p]
            known = sunk | standing[:, p]
            up[:, p] = np.maximum(
                followed(np.where(sunk, depth, 0.0)[:, None], known, fps)[:, 0], 0.0
            )
    return up


def places(points: FootPoints, contacts: Sequence[Contact], floor: Floor | None) -> np.ndarray:
    """(T,4,3): where the foot points belong while they stand, NaN elsewhere."""
    target = np.full(points.positions.shape, np.nan)
    for contact in contacts:
        target[contact.frames, contact.point] = _place(
            points.positions[contact.frames, contact.point]
        )
    if floor is not None:
        for contact in contacts:
            if contact.on_floor:
                target[contact.frames, contact.point, 2] = floor.on_soles[contact.point]
    for heel, toe in FEET:
        _keep_length(points.positions, target, heel, toe)
    return target


def _place(where: np.ndarray) -> np.ndarray:
    """(3,): the middle of positions (N,3), robustly: the mean of the half that is nearest to the
    median."""
    away = np.linalg.norm(where - np.median(where, axis=0), axis=1)
    return where[away <= np.median(away)].mean(axis=0)


def _keep_length(positions: np.ndarray, target: np.ndarray, heel: int, toe: int) -> None:
    """Where heel and toe stand together, move their places so that the foot keeps its length
    between them.

    A heel's place moves towards or away from that of the toe with which it stands longest; places
    of toes that stand with the same heel for less then follow the heel.
    """
    length = np.linalg.norm(positions[:, heel] - positions[:, toe], axis=1)
    toes = _constant_runs(np.isfinite(target[:, toe, 0]), target[:, toe])
    for start, stop in _constant_runs(np.isfinite(target[:, heel, 0]), target[:, heel]):
        shared = [
            (max(a, start), min(b, stop), slice(a, b)) for a, b in toes if a < stop and b > start
        ]
        shared.sort(key=lambda overlap: overlap[0] - overlap[1])
        for number, (a, b, whole) in enumerate(shared):
            fixed, moved, place = (heel, toe, whole) if number else (toe, heel, slice(start, stop))
            along = target[a, moved] - target[a, fixed]
            level = np.sqrt(max(np.median(length[a:b]) ** 2 - along[2] ** 2, 0.0))
            target[place, moved, :2] = (
                target[a, fixed, :2] + level / max(np.hypot(*along[:2]), 1e-9) * along[:2]
            )


def _constant_runs(mask: np.ndarray, values: np.ndarray) -> list[tuple[int, int]]:
    """Stretches of mask (T,) over which values (T,3) stay the same."""
    out = []
    for start, stop in runs(mask):
        cuts = np.flatnonzero((np.diff(values[start:stop], axis=0) != 0.0).any(axis=1)) + start + 1
        edges = [start, *map(int, cuts), stop]
        out += list(zip(edges[:-1], edges[1:]))
    return out
