"""Which points of the feet stand on the floor, and when: from height and speed, with hysteresis.

A point begins to stand when it is low and slow, and goes on until it is no longer low or has become
fast. What stands so must also stay: a foot that slides over the floor is split where it is fastest,
and pieces that go on sliding are no contact. A foot in mid-air is not low, and one that passes its
lowest point is not slow for long enough.

Low is near the floor, or near where the foot rests: on stairs and slopes, what a flat foot rests on
while the other one is hardly lower is ground, too (`ground_under`). What is low without such a rest
is on the floor, also a few centimetres above it or deep below: where bodies are not the recorded
one's, feet are as far off, and no step is as low.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from ..frames import runs
from .floor import FEET, FOOT_POINTS, Floor, FootPoints

SLOW, FAST = 0.2, 0.4
"""Metres a second at which a contact begins and ends."""
LOW, HIGH = 0.04, 0.06
"""Metres above its standing height at which a contact begins and ends."""
SHORTEST = 0.1
"""Seconds: what is shorter is no contact."""
PAUSE = 0.07
"""Seconds: two contacts of a point that are closer together, at one place, are one."""
REST, FLAT = 0.2, 0.06
"""Seconds for which a foot must rest above the floor to have ground there, and metres by which heel
and toe may then differ in height."""
MOST_WANDER = 0.04
"""Metres that a point may be from the middle of its contact."""
SLIDING = 0.12
"""Metres a second: a point that goes one way as fast as this on average is not standing."""
DOWN = 0.016
"""Metres from its usual height in a contact up to which a point is down and held."""
ROLL_OFF = 0.25
"""Seconds that it takes a point at most to leave the ground at the end of a contact."""


@dataclass(frozen=True)
class Contact:
    """Foot point `point` (of `FOOT_POINTS`) stands from frame `start` up to, not including,
    `stop`; on the floor, as far as can be told, or on something else such as a step."""

    point: int
    start: int
    stop: int
    on_floor: bool = True

    @property
    def name(self) -> str:
        return FOOT_POINTS[self.point]

    @property
    def frames(self) -> slice:
        return slice(self.start, self.stop)


def find_contacts(points: FootPoints, floor: Floor, fps: float) -> list[Contact]:
    """The contacts of all foot points, point by point, in order of time."""
    height = points.smoothed[..., 2] - floor.point_heights
    under = ground_under(points, floor, fps)
    step = np.abs(points.smoothed[..., 2] - under)
    on_step = (np.abs(under - floor.point_heights) > HIGH) & (step < HIGH)
    begins = ((height < LOW) | (step < LOW)) & (points.speed < SLOW)
    lasts = ((height < HIGH) | (step < HIGH)) & (points.speed < FAST)
    shortest = max(2, round(SHORTEST * fps))
    found = []
    for point in range(len(FOOT_POINTS)):
        where = points.smoothed[:, point]
        stretches = _joined(_runs_with(lasts[:, point], begins[:, point]), where, PAUSE * fps)
        for stretch in stretches:
            for start, stop in _settled(*stretch, where, points.speed[:, point], shortest):
                if _drift(where[start:stop, :2]) * fps < SLIDING:
                    low = np.median(height[start:stop, point]) < HIGH
                    stepped = on_step[start:stop, point].mean() > 0.5
                    found.append(Contact(point, start, stop, bool(low and not stepped)))
    return found


def ground_under(points: FootPoints, floor: Floor, fps: float) -> np.ndarray:
    """(T,4) metres: how high the foot points are when they stand on what is under them, if they do.

    That is the floor, or where the foot rests before or after, whichever is nearer in time: flat
    and still, and in some frame hardly higher than the other foot, as no foot is that is only held
    up.
    """
    ground = np.tile(floor.point_heights, (len(points.speed), 1))
    sole = points.smoothed[..., 2] - points.clearance
    lowest = np.stack([sole[:, list(foot)].min(axis=1) for foot in FEET], axis=1)
    for number, foot in enumerate(map(list, FEET)):
        still = (points.speed[:, foot] < SLOW).all(axis=1) & (
            np.abs(sole[:, foot[0]] - sole[:, foot[1]]) < FLAT
        )
        bears = lowest[:, number] <= lowest[:, 1 - number] + LOW
        rests = [rest for rest in _runs_with(still, bears) if rest[1] - rest[0] >= REST * fps]
        ends = [(before[1] + after[0]) // 2 for before, after in zip(rests, rests[1:])]
        for rest, start, stop in zip(rests, [0, *ends], [*ends, len(ground)]):
            level = np.median(points.smoothed[slice(*rest)][:, foot, 2], axis=0)
            if (np.abs(level - floor.point_heights[foot]) > HIGH).any():
                ground[start:stop, foot] = level
    return ground


def while_down(
    contact: Contact, points: FootPoints, within: float = DOWN, most: float = np.inf
) -> Contact:
    """The part of a contact in which the point is within so many metres of its usual height:
    contacts last until it has left the ground for good. An end of more than so many frames is no
    foot that comes down or rolls off, and stays."""
    height = points.positions[contact.frames, contact.point, 2]
    # One that was there: halfway between two heights that are as usual, the foot never was.
    usual = np.quantile(height, 0.5, method="lower")
    down = np.flatnonzero(np.abs(height - usual) < within)
    before, after = int(down[0]), len(height) - 1 - int(down[-1])
    before, after = (cut if cut <= most else 0 for cut in (before, after))
    return replace(contact, start=contact.start + before, stop=contact.stop - after)


def contact_mask(contacts: list[Contact], frames: int) -> np.ndarray:
    """(T,4) bool: which foot points stand in which frames."""
    mask = np.zeros((frames, len(FOOT_POINTS)), dtype=bool)
    for contact in contacts:
        mask[contact.frames, contact.point] = True
    return mask


def sliding(positions: np.ndarray, standing: np.ndarray, fps: float) -> float:
    """Mean horizontal speed in m/s of points (T,P,3) from frame to frame while they stand (T,P);
    NaN if none does."""
    speed = np.linalg.norm(np.diff(positions[..., :2], axis=0), axis=-1) * fps
    both = standing[1:] & standing[:-1]
    return float(speed[both].mean()) if both.any() else float("nan")


def _runs_with(lasts: np.ndarray, begins: np.ndarray) -> list[tuple[int, int]]:
    return [(start, stop) for start, stop in runs(lasts) if begins[start:stop].any()]


def _joined(
    stretches: list[tuple[int, int]], where: np.ndarray, pause: float
) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, stop in stretches:
        if joined:
            before = joined[-1]
            apart = np.linalg.norm(
                np.median(where[start:stop], axis=0) - np.median(where[slice(*before)], axis=0)
            )
            if start - before[1] <= pause and apart < MOST_WANDER:
                joined[-1] = (before[0], stop)
                continue
        joined.append((start, stop))
    return joined


def _settled(
    start: int, stop: int, where: np.ndarray, speed: np.ndarray, shortest: int
) -> Iterator[tuple[int, int]]:
    """The stretch, or pieces of it, in which the point stays near one place."""
    todo = [(start, stop)]
    while todo:
        start, stop = todo.pop()
        if stop - start < shortest:
            continue
        away = np.linalg.norm(
            where[start:stop, :2] - np.median(where[start:stop, :2], axis=0), axis=1
        )
        if away.max() <= MOST_WANDER:
            yield start, stop
            continue
        cut = start + int(np.argmax(speed[start:stop]))
        todo += [(cut + 1, stop), (start, cut)]


def _drift(where: np.ndarray) -> float:
    """Metres a frame at which points (N,2) go one way, by linear regression."""
    t = np.arange(len(where)) - 0.5 * (len(where) - 1)
    return float(np.linalg.norm(t @ where) / (t @ t))
