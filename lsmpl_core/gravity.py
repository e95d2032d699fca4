"""Whether a take goes at its rate: on one foot and in the air, bodies fall as gravity has it.

Whoever stands on one foot beside it is falling away from it: the centre of mass accelerates from
the centre of pressure, which is somewhere under that foot, by the force on it times their distance
over the height (the inverted pendulum of gait analysis; Winter, Biomechanics and Motor Control of
Human Movement). Whoever is in the air falls at g. A take at half its rate falls a quarter as fast.
So it is asked at which of several rates most of such moments obey gravity.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .body.skeleton import JOINT_NAMES
from .cleaning.travel import GRAVITY
from .keypoints.hand_points import SIDES

TIMES = 0.25, 0.5, 2.0, 4.0
"""Of a rate, those that it may be instead: with 25 for 30 gravity hardly differs."""
GAIN = 0.3
"""By what share of the moments another rate must obey gravity more often. Of 349 recorded and
estimated motions it is 0.14 at most in moments enough, and once 0.27, for a dancer on his hands."""
FEWEST, FEWEST_STEPS = 12, 3
"""Moments and separate stretches of them that tell."""
USUAL_HITS, USUAL_MOMENTS = 1, 3
"""Added to what is seen at the rate of the take, at which there may be no such moment at all."""
FEWEST_A_SECOND = 10.0
"""Frames a second below which accelerations of steps are not seen."""

TRUNK = (
    ("head", "head", 0.0, 0.069), ("neck", "spine3", 0.5, 0.160), ("spine2", "spine1", 0.5, 0.163),
    ("pelvis", "spine1", 0.2, 0.112),
)  # fmt: skip
LIMBS = (
    ("shoulder", "elbow", 0.5, 0.027), ("elbow", "wrist", 0.46, 0.022),
    ("hip", "knee", 0.41, 0.142), ("knee", "ankle", 0.44, 0.043), ("ankle", "foot", 0.5, 0.014),
)  # fmt: skip
"""Two joints, how far from the first to the second a part's mass is, and its share of the body's
(de Leva 1996, mean of women and men, hands with forearms); of limbs those of one side."""
HEEL, TOES = 0.35, 0.4
"""How far heels and toes are beyond ankle and ball, of the distance between these."""
SOLE = 0.05
"""Metres of them above the floor."""

WINDOW = 0.067
"""Seconds before and after a frame over which speeds and accelerations are measured."""
STANDS, SWINGS = 0.2, 0.5
"""Of what the faster foot moves at in a lively quarter of the take, how fast one on the floor is at
most, and one that swings at least."""
LIFTED, AIRBORNE = 0.04, 0.08
"""Metres by which the swinging foot is above the other, and the lower foot above where it was
lowest within `AROUND` seconds."""
AROUND = 0.6
BESIDE = 0.09
"""Metres from the foot's sole from which on the centre of mass is beside it."""
UPRIGHT = 0.55
"""Of a leg's length, how high the centre of mass is at least: nobody sits or leans then."""
TOLERANCE, TOLERANCE_OF_FALL = 0.04, 2.5
"""Metres that the centre of pressure may be off the foot, and m/s² that a fall may be off g."""

LEGS = [
    [JOINT_NAMES.index(f"{side}_{part}") for side in SIDES]
    for part in ("hip", "knee", "ankle", "foot")
]
_PARTS = TRUNK + tuple(
    (f"{side}_{one}", f"{side}_{other}", way, share)
    for one, other, way, share in LIMBS
    for side in SIDES
)
_MASSES = [
    (JOINT_NAMES.index(one), JOINT_NAMES.index(other), way, share)
    for one, other, way, share in _PARTS
]


@dataclass(frozen=True)
class Moments:
    """Frames in which gravity can be seen at work: how many, in how many of them it is, and in how
    many separate stretches they are."""

    count: int
    obeying: int
    stretches: int


@dataclass(frozen=True)
class Stances:
    """What a body shows at any rate, in metres; of its left and its right foot.

    mass (T,3): its centre. feet (T,2,3): their middles; lowest (T,): of their heels and toes.
    near, far (T,2), away (T,2,2): where the centre of mass is beside them (`_sole`), height (T,2)
    above their soles. leans (T,2) bool: whether it falls away from a foot if it stands on that one.
    """

    mass: np.ndarray
    feet: np.ndarray
    lowest: np.ndarray
    near: np.ndarray
    far: np.ndarray
    away: np.ndarray
    height: np.ndarray
    leans: np.ndarray

    @classmethod
    def of(cls, joints: np.ndarray) -> Stances:
        """Of joints (T,24,3) in metres, Z up."""
        mass = centre_of_mass(joints)
        hips, knees, ankles, balls = (joints[:, pair] for pair in LEGS)
        heels, toes = ankles - HEEL * (balls - ankles), balls + TOES * (balls - ankles)
        feet = 0.5 * (heels + toes)
        lowest = np.minimum(heels[..., 2], toes[..., 2])
        leg = sum(
            float(np.median(np.linalg.norm(upper[:, 0] - lower[:, 0], axis=1)))
            for upper, lower in ((hips, knees), (knees, ankles))
        )
        near, far, away = _sole(mass[:, None, :2], heels[..., :2], toes[..., :2])
        height = mass[:, None, 2] - lowest + SOLE
        lifted = feet[:, ::-1, 2] - feet[..., 2] > LIFTED
        leans = lifted & (near > BESIDE) & (height > UPRIGHT * leg)
        return cls(mass, feet, lowest.min(axis=1), near, far, away, height, leans)


def rate_by_gravity(joints: np.ndarray, fps: float) -> tuple[float, float, float] | None:
    """Times the rate at which joints (T,24,3), metres, Z up, obey gravity far more often than at
    `fps`, and the shares of the moments in which they do then and as they are; None where they obey
    it as they are, or show too little."""
    stances = Stances.of(joints)
    now = moments(stances, fps)
    usual = (now.obeying + USUAL_HITS) / (now.count + USUAL_MOMENTS)
    best, gain = None, GAIN
    for times in TIMES:
        if fps * times < FEWEST_A_SECOND:
            continue
        then = moments(stances, fps * times)
        if then.count < FEWEST or then.stretches < FEWEST_STEPS:
            continue
        share = then.obeying / (then.count + USUAL_MOMENTS - USUAL_HITS)
        if share - usual > gain:
            best, gain = (times, then.obeying / then.count), share - usual
    return None if best is None else (*best, now.obeying / max(now.count, 1))


def moments(body: Stances, fps: float) -> Moments:
    """When a body is on one foot or in the air, and falls as it must, were these its frames a
    second."""
    window = max(1, round(WINDOW * fps))
    if len(body.mass) <= 2 * window:
        return Moments(0, 0, 0)
    fall = _curvature(body.mass, window) * fps**2
    speed = np.full(body.feet.shape[:2], np.nan)
    moved = np.linalg.norm(body.feet[2 * window :] - body.feet[: -2 * window], axis=2)
    speed[window:-window] = moved * fps / (2 * window)
    lively = float(np.nanpercentile(speed.max(axis=1), 75))

    # On one foot the floor pushes from somewhere under it.
    stands, swings = speed < STANDS * lively, speed > SWINGS * lively
    on_one = body.leans & stands & swings[:, ::-1]
    weight = np.maximum(GRAVITY + fall[:, 2], 2.0)
    pushed = np.sum(fall[:, None, :2] * body.away, axis=2) * body.height / weight[:, None]
    under = (pushed > body.near - TOLERANCE) & (pushed < body.far + TOLERANCE)

    # In the air nothing does.
    around = max(1, round(AROUND * fps))
    floor = np.lib.stride_tricks.sliding_window_view(
        np.pad(body.lowest, around, mode="edge"), 2 * around + 1
    ).min(axis=1)
    in_air = (body.lowest - floor > AIRBORNE) & (speed.min(axis=1) > STANDS * lively)
    falls = np.abs(fall[:, 2] + GRAVITY) < TOLERANCE_OF_FALL

    frames = np.flatnonzero(on_one.any(axis=1) | in_air)
    obeys = (on_one & under).any(axis=1) | (in_air & falls)
    apart = np.diff(frames) > 2.5 * WINDOW * fps
    return Moments(len(frames), int(obeys[frames].sum()), int(len(frames) > 0) + int(apart.sum()))


def centre_of_mass(joints: np.ndarray) -> np.ndarray:
    """(T,3) of a body with joints (T,24,3)."""
    total = sum(share for *_, share in _MASSES)
    centre = np.zeros((len(joints), 3))
    for one, other, way, share in _MASSES:
        centre += share / total * (joints[:, one] + way * (joints[:, other] - joints[:, one]))
    return centre


def _curvature(path: np.ndarray, window: int) -> np.ndarray:
    """(T,3) second derivative a frame² of a path (T,3), by the parabola through `window` frames on
    either side (Savitzky and Golay 1964); NaN where there are none."""
    steps = np.arange(-window, window + 1)
    weights = steps**2 - np.mean(steps**2.0)
    weights *= 2.0 / np.sum(weights * steps**2)
    found = np.full(path.shape, np.nan)
    around = np.lib.stride_tricks.sliding_window_view(path, 2 * window + 1, axis=0)
    found[window : len(path) - window] = around @ weights
    return found


def _sole(
    mass: np.ndarray, heel: np.ndarray, toe: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """On the floor, how far a point (...,2) is from the line from heel to toe (...,2), how far from
    its farther end along the same way, and that way (...,2)."""
    along = toe - heel
    size = np.maximum(np.sum(along**2, axis=-1), 1e-9)
    share = np.clip(np.sum((mass - heel) * along, axis=-1) / size, 0.0, 1.0)
    beside = mass - (heel + share[..., None] * along)
    near = np.linalg.norm(beside, axis=-1)
    away = beside / np.maximum(near, 1e-9)[..., None]
    far = np.maximum(np.sum((mass - heel) * away, axis=-1), np.sum((mass - toe) * away, axis=-1))
    return near, far, away
