"""Feet that stand are held still: the legs are solved anew, by the polish, for foot points that do not slide.

While a point stands it belongs at one place: the middle of where it was, at the height at which it stands on the floor.
What is missing to there is its correction. Before and after a contact the correction fades, with a continuous velocity,
over a fifth of a second in which the foot is in the air. The root and the upper body stay.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from ..backends.arrays import choose_backend
from ..body.body import Body
from ..body.kinematics import KeypointModel
from ..body.sites import site_parts
from ..body.skeleton import JOINT_NAMES, NUM_JOINTS
from ..motion import Motion
from ..progress import Progress, run_to_end
from ..rotation import exp_map, log_map
from ..solver.polish import Anchor, Targets, polish
from .contacts import Contact, contact_mask, runs
from .floor import FEET, FOOT_POINTS, Floor, FootPoints

FADE = 0.2
"""Seconds over which a correction fades before and after a contact."""
SNAP = 0.025
"""Metres: a contact this close to the height at which its point stands on the floor is put there."""
STEPS = 10
"""At most, of the polish: a leg that is nearly straight is slow to reach its place."""
NEGLIGIBLE = 1e-5
"""Metres of correction below which a frame is left alone."""
LEGS = tuple(j for j, name in enumerate(JOINT_NAMES) if name.split("_")[-1] in ("hip", "knee", "ankle", "foot"))
SUPPLE = {"hip": 1e-4, "knee": 1e-4, "ankle": 1e-4, "foot": 1e-3}
"""How firmly the joints of a leg keep their pose, in m²/rad²; the others keep theirs altogether."""
FIRM = 1e2
PELVIS_WEIGHT, HELD_WEIGHT, FREE_WEIGHT = 1e3, 1.0, 0.02
FASTEST_FADE = 0.5
"""Metres a second at which a correction may go on changing as a contact ends."""
_FRAMES_AT_ONCE = 128


def lock_feet(
    motion: Motion, body: Body, points: FootPoints, contacts: Sequence[Contact], floor: Floor | None = None
) -> Motion:
    """The motion with its standing foot points held still, each over each contact.

    points are those of this motion; without a floor, contacts keep their own heights.
    """
    return run_to_end(lock_steps(motion, body, points, contacts, floor))


def lock_steps(
    motion: Motion, body: Body, points: FootPoints, contacts: Sequence[Contact], floor: Floor | None = None
) -> Iterator[Progress]:
    """`lock_feet` as a generator: yields `Progress` and returns the `Motion`."""
    correction = corrections(points, contacts, floor, motion.fps)
    frames = np.flatnonzero((np.linalg.norm(correction, axis=2) > NEGLIGIBLE).any(axis=1))
    held = contact_mask(list(contacts), len(motion))
    poses = motion.poses.copy()
    model, pelvis = _leg_model(body, motion)
    for start in range(0, len(frames), _FRAMES_AT_ONCE):
        yield Progress("feet", start, len(frames))
        some = frames[start : start + _FRAMES_AT_ONCE]
        targets = np.concatenate([points.positions[some] + correction[some], pelvis[some, None]], axis=1)
        weights = np.where(held[some], HELD_WEIGHT, FREE_WEIGHT)
        weights = np.concatenate([weights, np.full((len(some), 1), PELVIS_WEIGHT)], axis=1)
        rotations = exp_map(motion.poses[some])
        anchor = Anchor(rotations, _firmness())
        state = model.state(rotations, motion.trans[some])
        done = polish(model, state, Targets(targets, weights), anchor, steps=STEPS, damping=1e-6, tolerance=1e-12)
        poses[some[:, None], LEGS] = log_map(done.state.rotations[:, LEGS])
    return replace(motion, poses=poses)


def corrections(points: FootPoints, contacts: Sequence[Contact], floor: Floor | None, fps: float) -> np.ndarray:
    """(T,4,3) metres by which the foot points have to move in each frame."""
    target = np.full(points.positions.shape, np.nan)
    for contact in contacts:
        place = _place(points.positions[contact.frames, contact.point])
        if floor is not None and abs(place[2] - floor.point_heights[contact.point]) < SNAP:
            place[2] = floor.point_heights[contact.point]
        target[contact.frames, contact.point] = place
    for heel, toe in FEET:
        _keep_length(points.positions, target, heel, toe)
    correction = target - points.positions
    fade = max(2, round(FADE * fps))
    fastest = FASTEST_FADE / fps
    for heel, toe in FEET:
        on_heel, on_toe = (np.isfinite(correction[:, p, 0]) for p in (heel, toe))
        both = on_heel & on_toe
        apart = _faded(np.where(both[:, None], correction[:, heel] - correction[:, toe], 0.0), both, fade, fastest)
        only_heel, only_toe = on_heel & ~on_toe, on_toe & ~on_heel
        correction[only_toe, heel] = correction[only_toe, toe] + apart[only_toe]
        correction[only_heel, toe] = correction[only_heel, heel] - apart[only_heel]
        stands = on_heel | on_toe
        for p in (heel, toe):
            correction[:, p] = _faded(np.where(stands[:, None], correction[:, p], 0.0), stands, fade, fastest)
    return correction


def _place(where: np.ndarray) -> np.ndarray:
    """(3,): the middle of positions (N,3), robustly: the mean of the half that is nearest to the median."""
    away = np.linalg.norm(where - np.median(where, axis=0), axis=1)
    return where[away <= np.median(away)].mean(axis=0)


def _keep_length(positions: np.ndarray, target: np.ndarray, heel: int, toe: int) -> None:
    """Where heel and toe stand together, move their places so that the foot keeps its length between them.

    A heel's place moves towards or away from that of the toe with which it stands longest; places of toes that stand
    with the same heel for less then follow the heel.
    """
    length = np.linalg.norm(positions[:, heel] - positions[:, toe], axis=1)
    toes = _constant_runs(np.isfinite(target[:, toe, 0]), target[:, toe])
    for start, stop in _constant_runs(np.isfinite(target[:, heel, 0]), target[:, heel]):
        shared = [(max(a, start), min(b, stop), slice(a, b)) for a, b in toes if a < stop and b > start]
        shared.sort(key=lambda overlap: overlap[0] - overlap[1])
        for number, (a, b, whole) in enumerate(shared):
            fixed, moved, place = (heel, toe, whole) if number else (toe, heel, slice(start, stop))
            along = target[a, moved] - target[a, fixed]
            level = np.sqrt(max(np.median(length[a:b]) ** 2 - along[2] ** 2, 0.0))
            target[place, moved, :2] = target[a, fixed, :2] + level / max(np.hypot(*along[:2]), 1e-9) * along[:2]


def _constant_runs(mask: np.ndarray, values: np.ndarray) -> list[tuple[int, int]]:
    """Stretches of mask (T,) over which values (T,3) stay the same."""
    out = []
    for start, stop in runs(mask):
        cuts = np.flatnonzero((np.diff(values[start:stop], axis=0) != 0.0).any(axis=1)) + start + 1
        edges = [start, *map(int, cuts), stop]
        out += list(zip(edges[:-1], edges[1:]))
    return out


def _faded(values: np.ndarray, known: np.ndarray, fade: int, fastest: float) -> np.ndarray:
    """values (T,3) where known (T,); elsewhere they go on with the velocity they had and come to rest at 0.

    The way to 0 is the Hermite cubic over `fade` frames, or up to the next known frame; from both sides, added.
    """
    out = np.where(known[:, None], values, 0.0)
    for start, stop in runs(~known):
        span = min(fade, stop - start + 1)
        count = min(span, stop - start)
        s = np.arange(1, count + 1)[:, None] / span
        still, moving = 1.0 - s * s * (3.0 - 2.0 * s), s * (1.0 - s) ** 2 * span
        if start > 0:
            speed = values[start - 1] - values[start - 2] if start > 1 and known[start - 2] else np.zeros(3)
            out[start : start + count] += still * values[start - 1] + moving * _limited(speed, fastest)
        if stop < len(values):
            speed = values[stop] - values[stop + 1] if stop + 1 < len(values) and known[stop + 1] else np.zeros(3)
            out[stop - count : stop] += (still * values[stop] + moving * _limited(speed, fastest))[::-1]
    return out


def _limited(speed: np.ndarray, most: float) -> np.ndarray:
    return speed * min(1.0, most / max(float(np.linalg.norm(speed)), 1e-12))


def _leg_model(body: Body, motion: Motion) -> tuple[KeypointModel, np.ndarray]:
    """The foot points and the pelvis as keypoints, in double precision, and where (T,3) the pelvis is."""
    betas = body.betas_of(motion)
    parts = site_parts(body, (*FOOT_POINTS, "pelvis"))
    rest = body.rest_joints(betas)
    model = KeypointModel.build(choose_backend("numpy"), rest, parts, parts.moments(betas))
    return model, motion.trans + rest[0]


def _firmness() -> np.ndarray:
    firm = np.full(NUM_JOINTS, FIRM)
    for joint in LEGS:
        firm[joint] = SUPPLE[JOINT_NAMES[joint].split("_")[-1]]
    return firm
