"""`clean_up`: what becomes of a solved motion: limits, smoothing, hands that do not go through
each other, feet that stand still, a floor, another rate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .backends.threads import on_one_thread
from .body.body import Body
from .cleaning import slope
from .cleaning.contacts import ROLL_OFF, Contact, contact_mask, find_contacts, sliding, while_down
from .cleaning.floor import (
    FOOT_POINTS,
    SOLE_BAND,
    estimate_floor,
    floor_at,
    foot_points,
    sole_height,
)
from .cleaning.foot_locking import lock_steps
from .cleaning.hands_apart import part_hands_steps
from .cleaning.limits import limit_steps
from .cleaning.smoothing import (
    FEWEST_FRAMES,
    apply_smoothness,
    check_strength,
    find_smoothness,
    smooth_fingers,
)
from .errors import LsmplError
from .kinds import check_kinds
from .motion import Motion
from .progress import Progress, run_to_end
from .resampling import resample

STRENGTH = 0.5
"""Of smoothing: as much as the noise in the motion calls for."""
FLOORS = ("auto", "keep", "zero")
NEAR_ZERO = 0.1
"""Metres from height 0 at which a floor that is found is taken for one that is meant to be
there."""


@dataclass(frozen=True)
class CleanUpReport:
    """What was done to a motion.

    jitter: degrees that joints trembled, one standard deviation of one axis; cutoff: Hz of the
    smoother at its usual stiffness; both None where nothing was smoothed. limited: frames in which
    a joint was drawn back inside its limits; parted: frames in which hands were moved apart.
    floor: its height in the motion that came in, in metres, as the soles that stand on it show, of
    a slope where the motion begins; raised: metres by which the motion was moved up.
    contacts: of the foot points, in the frames of the motion that came in. sliding_before and
    sliding_after: mean horizontal speed in m/s of the foot points in these contacts, None where
    there are none.
    """

    jitter: float | None
    cutoff: float | None
    limited: int
    parted: int
    floor: float
    raised: float
    contacts: tuple[Contact, ...]
    locked: bool
    sliding_before: float | None
    sliding_after: float | None

    def as_dict(self) -> dict[str, Any]:
        """For a report, in the units that people use."""
        count = Counter(contact.name for contact in self.contacts)
        return {
            "jitter_degrees": self.jitter,
            "cutoff_hz": self.cutoff,
            "limited_frames": self.limited,
            "parted_frames": self.parted,
            "floor_m": self.floor,
            "raised_m": self.raised,
            "contacts": {name: count[name] for name in FOOT_POINTS},
            "feet_locked": self.locked,
            "sliding_before_cm_s": None
            if self.sliding_before is None
            else 100.0 * self.sliding_before,
            "sliding_after_cm_s": None
            if self.sliding_after is None
            else 100.0 * self.sliding_after,
        }


def clean_up(
    motion: Motion,
    body: Body,
    *,
    limits: bool = True,
    smooth: float = STRENGTH,
    part_hands: bool = True,
    lock_feet: bool = True,
    floor: str | float = "keep",
    fps: float | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Motion:
    """A solved motion, cleaned: in this order, and each only if asked for,

    limits: joints are kept from bending backwards and from being wrung (`limits.py`);
    smooth: 0 (none) to 1, noise goes; 0.5 is what the motion's own noise calls for, more makes any
    motion calmer (`smoothing.py`);
    part_hands: hands that go through each other are moved apart until they touch, each by 3 cm at
    most, on bodies with fingers (`hands_apart.py`);
    lock_feet: heels and toes that stand are held still by solving the legs anew (`contacts.py`,
    `foot_locking.py`);
    floor: "keep" finds the floor and leaves the motion where it is; "zero" moves it up or down so
    that soles stand at z = 0, and "auto" does so where the floor is a few centimetres from there; a
    number is the floor's height in metres, where that is known. But for "keep", locked feet are put
    on the floor, which leaves steps as they are; with "keep" they stay at their own heights. With
    "zero" and "auto" feet on a slope are put on it, and it stays where it is (`slope.py`);
    fps: frames a second of the result (`resampling.py`).

    progress is called with a `Progress` now and then.
    The motion that comes in stays as it is; its residual goes with the result, as the solver left
    it. Raises `LsmplError` for a strength, a floor or a rate that is none.
    """
    steps = clean_up_steps(
        motion,
        body,
        limits=limits,
        smooth=smooth,
        part_hands=part_hands,
        lock_feet=lock_feet,
        floor=floor,
        fps=fps,
    )
    return run_to_end(steps, progress)[0]


def clean_up_with_report(
    motion: Motion,
    body: Body,
    *,
    limits: bool = True,
    smooth: float = STRENGTH,
    part_hands: bool = True,
    lock_feet: bool = True,
    floor: str | float = "keep",
    fps: float | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> tuple[Motion, CleanUpReport]:
    """`clean_up`, and what it did."""
    steps = clean_up_steps(
        motion,
        body,
        limits=limits,
        smooth=smooth,
        part_hands=part_hands,
        lock_feet=lock_feet,
        floor=floor,
        fps=fps,
    )
    return run_to_end(steps, progress)


@on_one_thread
def clean_up_steps(
    motion: Motion,
    body: Body,
    *,
    limits: bool = True,
    smooth: float = STRENGTH,
    part_hands: bool = True,
    lock_feet: bool = True,
    floor: str | float = "keep",
    fps: float | None = None,
) -> Generator[Progress, None, tuple[Motion, CleanUpReport]]:
    """`clean_up_with_report` as a generator: yields `Progress` and returns the motion and the
    report.

    Some of what is between two reports takes a second for 20,000 frames.
    """
    check_kinds(motion=(motion, "Motion"), body=(body, "Body"))
    height = _checked_floor(floor)
    check_strength(smooth)
    clean, limited, parted, smoothness = motion, 0, 0, None

    # Limits first: what bends backwards would be smoothed into its neighbours.
    if limits:
        clean = yield from limit_steps(clean, body)
        limited = int((clean.poses != motion.poses).any(axis=(1, 2)).sum())
    if smooth > 0.0 and len(motion) >= FEWEST_FRAMES:
        yield Progress("smooth", 0, 1)
        smoothness = find_smoothness(clean, smooth)
        clean = apply_smoothness(clean, smoothness.stiffness)
        clean = smooth_fingers(clean, smooth)

    # Hands that tremble would be parted by what trembles.
    if part_hands:
        together = clean
        clean = yield from part_hands_steps(together, body)
        parted = int((clean.poses != together.poses).any(axis=(1, 2)).sum())

    # Where feet stand is found on what is calm.
    yield Progress("contacts", 0, 1)
    points = foot_points(clean, body)

    # On a slope the world is turned until the ground is level, and back in the end.
    level = slope.levelling(slope.slope_of(points)) if floor in ("auto", "zero") else np.eye(3)
    sloped = bool((level != np.eye(3)).any())
    if sloped:
        clean = slope.turned(clean, body, level)
        points = foot_points(clean, body)
    ground = estimate_floor(points) if height is None else floor_at(points, height)
    most = ROLL_OFF * motion.fps
    contacts = [while_down(c, points, most=most) for c in find_contacts(points, ground, motion.fps)]
    standing = contact_mask(contacts, len(motion))
    before = sliding(foot_points(motion, body).positions, standing, motion.fps)

    # Legs that are solved anew may break a limit again.
    if lock_feet:
        clean = yield from lock_steps(clean, body, points, contacts, ground, floor != "keep")
        clean = (yield from limit_steps(clean, body)) if limits else clean
    yield Progress("contacts", 0, 1)
    after = sliding(foot_points(clean, body).positions, standing, motion.fps)

    # What moves or resamples all of it comes last. Soles are what is seen to hover or sink, not the
    # points they have.
    found = (
        height
        if height is not None and not contacts
        else sole_height(clean, body, ground, standing)
    )
    raised = 0.0 if sloped else _raised(floor, height, found)
    if raised:
        clean = replace(clean, trans=clean.trans + [0.0, 0.0, raised])
    if sloped:
        clean = slope.turned(clean, body, level.T)
        found = float((found - level[2, :2] @ clean.trans[0, :2]) / level[2, 2])
    if fps is not None:
        yield Progress("resample", 0, 1)
        clean = resample(clean, fps)
    report = CleanUpReport(
        jitter=None if smoothness is None else float(np.degrees(smoothness.jitter)),
        cutoff=None if smoothness is None else smoothness.cutoff,
        limited=limited,
        parted=parted,
        floor=found if height is None else height,
        raised=raised,
        contacts=tuple(contacts),
        locked=bool(lock_feet and contacts),
        sliding_before=_or_none(before),
        sliding_after=_or_none(after),
    )
    return clean, report


def _raised(floor: str | float, height: float | None, found: float) -> float:
    """Metres by which a motion goes up whose soles were found at a height, or were to be at one
    that is given."""
    if height is not None:
        return height - found if abs(height - found) < SOLE_BAND else 0.0
    return -found if floor == "zero" or (floor == "auto" and abs(found) < NEAR_ZERO) else 0.0


def _checked_floor(floor: str | float) -> float | None:
    """The floor's height where that is given."""
    if isinstance(floor, str):
        if floor in FLOORS:
            return None
    elif np.isfinite(floor):
        return float(floor)
    raise LsmplError(
        f"the floor is {floor!r}; expected {' or '.join(map(repr, FLOORS))}, or its height in "
        "metres"
    )


def _or_none(value: float) -> float | None:
    return value if np.isfinite(value) else None
