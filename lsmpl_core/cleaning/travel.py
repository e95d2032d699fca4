"""Travel and height from the feet: where a body goes whose motion is known only relative to its
hips.

A foot that stands does not move, so the hips move against it; and the body does not sink into the
floor. Which point bears in each frame is the likeliest sequence (Viterbi 1967) of heels and toes by
two kinds of evidence: it is low, and the hips' velocity that it stands for goes on from the one
before, for at the moment in which weight goes from one foot to the other both stand. While the body
falls as fast as anything does, it has left the floor: then its centre of mass goes on in a
parabola, and along the floor as fast as before.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ..body.body import Body
from ..body.skeleton import JOINT_NAMES
from ..frames import runs
from ..keypoints.track import Decision
from ..motion import Motion
from .floor import smoothed
from .lowest_skin import lowest_skin
from .smoothing import stiffness_of, whittaker
from .soles import FOOT_BONES, Sole

GRAVITY = 9.81
"""Metres a second²."""
LOW = 0.02
"""Metres above the lowest point at which a point of a foot is rather not standing."""
HIGHEST = 9.0
"""Most that height speaks against a point: what is further up is not standing, but a knee or a hand
may be bearing."""
ACCELERATION, MOST_SUDDEN = 8.0, 25.0
"""Metres a second² by which the hips' velocity along the floor changes in a usual step, and most
that a change counts: a wrong foot is a change at either end, a push is one."""
CALM = 8.0
"""Hz up to which heights are followed: what trembles faster is noise."""
FLIGHT, LEAST_HEIGHT = (0.1, 0.9), 0.02
"""Seconds that a flight lasts, and metres that it leads up at least: less is noise or a step, more
is no jump."""
LEAVING, AROUND = 0.05, 0.12
"""Seconds before and after a flight in which feet are hardly standing, and over which the velocity
there is found."""
MOMENT = 0.3
"""Seconds for which no foot clearly stands that may be a low flight, and no slide."""
FAST_SHARE = 0.8
"""Of the frames before and after a flight, how many are slower than the hips are taken to be."""
MASSES = {
    "pelvis": 0.14, "spine2": 0.15, "spine3": 0.20, "head": 0.08, "hip": 0.05, "knee": 0.07,
    "ankle": 0.04, "shoulder": 0.02, "elbow": 0.02, "wrist": 0.015,
}  # fmt: skip
"""Shares of the body's mass near joints, about those of de Leva (1996); of both sides each."""
TRAVEL = "travel"
"""What the `Decision` about it is called."""
UNCLEAR = 0.3
"""Share of the frames without a foot that clearly stands, in flight or not, from which on travel is
doubtful."""


@dataclass(frozen=True)
class Travel:
    """offset (T,3): metres by which each frame has to move; bearing (T,): which of `FOOT_POINTS` it
    stands on, -1 in flight; unclear (T,) bool: where no foot clearly stands."""

    offset: np.ndarray
    bearing: np.ndarray
    unclear: np.ndarray

    @property
    def decision(self) -> Decision:
        """What is to be said of it."""
        way = np.linalg.norm(self.offset[-1, :2] - self.offset[0, :2])
        unclear, flying = float(self.unclear.mean()), float((self.bearing < 0).mean())
        reason = f"{way:.2f} m from the first frame to the last"
        if unclear > 0.0:
            reason += f"; in {100 * unclear:.0f} % of the frames no foot clearly stands"
        if flying > 0.0:
            reason += f"; {100 * flying:.0f} % are in the air, where how far it goes is a guess"
        return Decision(
            TRAVEL, "from the feet", "assumed" if unclear + flying > UNCLEAR else "detected", reason
        )


def travel_from_feet(motion: Motion, body: Body) -> Travel:
    """The travel that lets standing feet stand on a floor at height 0, for a motion in whatever
    place."""
    world, joints = body.world(motion)
    height, flying = _heights(lowest_skin(motion, body), joints, motion.fps)
    low, way = _soles(motion, body, world, joints)
    above = smoothed(low, motion.fps) + height[:, None]
    bearing, unclear = _bearing(smoothed(way, motion.fps), above, flying, motion.fps)
    aloft = _aloft(bearing, unclear, motion.fps)
    level = _level(way, _centre(joints)[:, :2], bearing, aloft, motion.fps)
    offset = np.concatenate([level, height[:, None]], axis=1)
    return Travel(offset, bearing, unclear)


def with_travel(motion: Motion, body: Body) -> Motion:
    """The motion with travel and height from its feet; `Motion.travel` says by how much each frame
    was moved."""
    travel = travel_from_feet(motion, body)
    before = 0.0 if motion.travel is None else motion.travel
    return replace(
        motion,
        trans=motion.trans + travel.offset,
        travel=before + travel.offset,
        decisions=(*motion.decisions, travel.decision),
    )


def _soles(
    motion: Motion, body: Body, world: np.ndarray, joints: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """How low (T,4) the skin of heels and toes is, and where (T,4,2) they have rolled to: a foot
    that stands moves by none of what touches the floor, but heels and toes are round."""
    betas, ends = body.betas_of(motion), []
    for side, (ankle, ball) in enumerate(FOOT_BONES):
        sole = Sole.of(body, betas, side)
        ends.append(sole.ends(joints[:, ankle], world[:, ankle], world[:, ball]))
    return (
        np.concatenate([end.low for end in ends], axis=1),
        np.concatenate([end.way for end in ends], axis=1),
    )


def _heights(lowest: np.ndarray, joints: np.ndarray, fps: float) -> tuple[np.ndarray, np.ndarray]:
    """(T,) metres by which each frame has to come up for its lowest skin (T,) to be on the floor
    or, in flight (T,) bool, for its centre of mass to be on a parabola."""
    flying = np.zeros(len(lowest), dtype=bool)
    if len(lowest) < 5:
        return -lowest, flying
    standing = whittaker(-lowest[:, None], np.full(len(lowest) - 3, stiffness_of(CALM, fps)))[:, 0]
    mass = _centre(joints)[:, 2]
    centre = standing + mass
    flown = _thrown(centre, fps)
    for start, stop in runs(flown > centre + 1e-9):
        lasts = FLIGHT[0] <= (stop - start) / fps <= FLIGHT[1] and stop < len(centre)
        flying[start:stop] = lasts and (flown - centre)[start:stop].max() > LEAST_HEIGHT
    return np.where(flying, flown, centre) - mass, flying


def _centre(joints: np.ndarray) -> np.ndarray:
    """(T,3): the centre of mass of bodies with joints (T,24,3)."""
    which, shares = zip(*_sided(MASSES))
    return np.average(joints[:, list(which)], axis=1, weights=shares)


def _thrown(centre: np.ndarray, fps: float) -> np.ndarray:
    """(T,): the lowest course at or above centre (T,) that falls no faster than gravity: what is
    not held up by the floor goes on as it was thrown."""
    course, step = centre.copy(), 1.0 / fps
    speed, standing = 0.0, 2
    for t in range(1, len(centre)):
        free = course[t - 1] + speed * step - 0.5 * GRAVITY * step**2
        if free > centre[t]:
            course[t], speed, standing = free, speed - GRAVITY * step, 0
            continue

        # Where it lands it is as fast as it fell, whatever legs did in the air.
        standing += 1
        if standing == 1:
            speed -= GRAVITY * step
        else:
            back = min(standing - 1, 2, t)
            speed = (centre[t] - centre[t - back]) / (step * back)
    return course


def _bearing(
    level: np.ndarray, above: np.ndarray, flying: np.ndarray, fps: float
) -> tuple[np.ndarray, np.ndarray]:
    """Which point (T,) of level (T,P,2) bears, -1 in flight, and where that is unclear (T,) bool;
    above (T,P) metres over the floor."""
    T = len(above)
    velocity = -np.gradient(level, 1.0 / fps, axis=0) if T > 1 else np.zeros_like(level)
    own = np.minimum((np.maximum(above, 0.0) / LOW) ** 2, HIGHEST)

    # What it costs to go from one point to another between frames on the floor, the longer apart
    # the less.
    grounded = ~flying
    grounded[0] = True
    frames = np.flatnonzero(grounded)
    since = np.diff(frames)[:, None, None]
    away = velocity[frames[1:], None, :] - velocity[frames[:-1], :, None]
    change = np.sqrt((away * away).sum(axis=-1)) * fps / (ACCELERATION * since**0.5)
    change = np.minimum(change**2, MOST_SUDDEN)

    steps = change + own[frames[1:], None, :]
    bearing = _cheapest_way(own[0], steps)[np.cumsum(grounded) - 1]
    unclear = ~flying & (own[np.arange(T), bearing] > 1.0)
    return np.where(flying, -1, bearing), unclear


def _cheapest_way(first: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """(N+1,): which of P points to be at in turn, where the first costs `first` (P,), and each of N
    steps from one to another steps (N,P,P).

    Stretches of the way are looked at side by side, from whichever point they begin at, and then
    put together: arrays of four, one after the other, take ten times as long (Viterbi 1967).
    """
    N, P = steps.shape[:2]
    length = max(1, math.isqrt(N))
    count = -(-N // length)
    rest = np.where(np.eye(P, dtype=bool), 0.0, np.inf)  # fills up the last stretch
    padded = np.concatenate([steps, np.broadcast_to(rest, (count * length - N, P, P))])
    padded = padded.reshape(count, length, P, P)

    # From each point (C,P) that a stretch may begin at: what it costs to be at another, and where
    # one came from.
    costs, came_from = np.broadcast_to(rest, (count, P, P)), []
    for at in range(length):
        totals = costs[..., None] + padded[:, at, None]
        came_from.append(totals.argmin(axis=2))
        costs = totals.min(axis=2)

    # The stretches one after the other, and back through each.
    total, begun = first, []
    for stretch in costs:
        totals = total[:, None] + stretch
        begun.append(totals.argmin(axis=0))
        total = totals.min(axis=0)
    ends = np.empty(count + 1, dtype=np.int64)
    ends[-1] = total.argmin()
    for number in range(count - 1, -1, -1):
        ends[number] = begun[number][ends[number + 1]]
    way, here, each = np.empty((count, length), dtype=np.int64), ends[1:], np.arange(count)
    for at in range(length - 1, -1, -1):
        way[:, at] = here
        here = came_from[at][each, ends[:-1], here]
    return np.concatenate([ends[:1], way.ravel()[:N]])


def _aloft(bearing: np.ndarray, unclear: np.ndarray, fps: float) -> np.ndarray:
    """(T,) bool: in flight, or for a moment on no foot that clearly stands, as between the steps of
    a run that is too low to show its flights."""
    aloft = bearing < 0
    for start, stop in runs(unclear):
        inside = start > 0 and stop < len(bearing)
        if inside and (stop - start) / fps <= MOMENT and not aloft[[start - 1, stop]].any():
            aloft[start:stop] = True
    return aloft


def _level(
    level: np.ndarray, centre: np.ndarray, bearing: np.ndarray, aloft: np.ndarray, fps: float
) -> np.ndarray:
    """(T,2) metres along the floor, 0 in the first frame: the end of a sole that bears stays where
    it is, by level (T,P,2), where the ends are; where the body is aloft (T,) its centre of mass
    (T,2) keeps the velocity between those before and after."""
    if len(level) < 2:
        return np.zeros((len(level), 2))
    point = np.maximum(bearing[1:], 0)
    steps = np.take_along_axis(-np.diff(level, axis=0), point[:, None, None], axis=1)[:, 0]
    relative = np.diff(centre, axis=0)
    velocity, aloft = steps + relative, aloft[1:]
    for start, stop in runs(aloft):
        # A foot leaves, and comes down, a little before and after: there it does not stand as still
        # as it is taken to.
        edge, around = round(LEAVING * fps), max(1, round(AROUND * fps))
        first, last = max(start - edge, 0), min(stop + edge, len(steps))
        before = _standing(aloft, np.arange(first - 1, first - 1 - around, -1))
        after = _standing(aloft, np.arange(last, last + around))
        ends = [_speed(velocity[end]) for end in (before, after) if len(end)] or [np.zeros(2)]
        share = np.linspace(0.0, 1.0, last - first)[:, None]
        steps[first:last] = (1.0 - share) * ends[0] + share * ends[-1] - relative[first:last]
    return np.concatenate([np.zeros((1, 2)), np.cumsum(steps, axis=0)])


def _standing(aloft: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """Of frames away from a flight, those before another one begins, or the take ends."""
    frames = frames[(frames >= 0) & (frames < len(aloft))]
    beyond = np.flatnonzero(aloft[frames])
    return frames[: beyond[0]] if len(beyond) else frames


def _speed(velocity: np.ndarray) -> np.ndarray:
    """(2,) of a body with velocity (N,2) over feet that are taken to stand: where these roll along,
    it comes out too slow, so that the faster ones of its frames are right."""
    typical = np.array([_quantile(axis, 0.5) for axis in velocity.T])
    length = np.linalg.norm(typical)
    if length == 0.0:
        return typical
    return typical / length * _quantile(velocity @ typical / length, FAST_SHARE)


def _quantile(values: np.ndarray, share: float) -> float:
    """`np.quantile` of a few, many times as fast."""
    ordered = np.sort(values)
    last = len(ordered) - 1
    low = int(share * last)
    below, above = ordered[low], ordered[min(low + 1, last)]
    return float(below + (share * last - low) * (above - below))


def _sided(table: dict[str, float]) -> list[tuple[int, float]]:
    """(joint, value) of each joint that a table names, on both sides."""
    return [
        (JOINT_NAMES.index(name), value)
        for part, value in table.items()
        for name in (part, f"left_{part}", f"right_{part}")
        if name in JOINT_NAMES
    ]
