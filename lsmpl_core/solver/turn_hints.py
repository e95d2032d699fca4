"""Which of a file's turns of bones are those of the body's joints, and what they make of its poses.

A skeleton's bones rest in axes of its own, so that a joint of the body is turned by R_t = H_t C,
where H_t is what the file says and C a constant turn that nobody knows. It is read off poses that
were solved by keypoints alone, as a mean over the take (Markley et al., *Averaging Quaternions*,
2007, by the chordal mean): what is off in them changes from frame to frame, and averages out.

Nothing is believed that keypoints do not bear out. They show where each bone points, d_t, and a
bone that turns by H_t points the same way in its own axes, H_tᵀ d_t, whatever these are. Turns of
another convention, of another bone, of another moment or of a body at rest do not do that while
limbs move. How far a bone is twisted about d_t keypoints hardly show: there the file is believed
where it is near the solved poses but for C.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..body.skeleton import NUM_JOINTS, PARENTS
from ..frames import evenly
from ..points import swing
from ..rotation import angle_between, exp_map
from .poses import Poses

FEWEST_FRAMES = 10
"""In which a joint is seen and turned: fewer tell no constant from a motion."""
MEASURED_FRAMES = 1_000
"""Of a take, evenly spread, in which turns are compared."""
CONSTANT = np.radians(20.0)
"""Angle by which a joint's turns may typically be off a constant one of the file's: solved twists
are off by half of that."""
OF_ITS_MOTION = 0.5
"""The same as a share of the angle by which the joint itself turns about its mean: turns that never
change, or of something else, explain nothing of it. And the share of the angle by which a bone
swings, in the world and against its parent's, up to which it may in its own axes."""
SWINGING = np.radians(2.0)
"""By which the bone that swings most does so at least: with less nothing can be compared."""
LEAST_CARRIED = 0.5
"""Of what all bones swing, squared, the share of those that turn as the file says: measured 0.5 to
1 of turns up to 5 degrees off, up to 0.2 of nine kinds of others (docs/import_export.md)."""
MOST_OFF, LEAST_OFF = np.radians(10.0), np.radians(5.0)
"""Angle by which any single bone may swing in its own axes, and by which those may, too, that
hardly swing."""
LEAST_SHARE = 0.25
"""Of the joints that a file has turns of, by how many they must be constant ones: of the others'
some may be so by chance."""
MEAN_ROUNDS = 5


@dataclass(frozen=True)
class Hints:
    """Poses (T) whose joints `used` (24,) are turned as a file says, the others in their parents as
    they were; against: why none of it is to be used, "" where there is no such reason."""

    poses: Poses
    used: np.ndarray
    against: str = ""


@dataclass(frozen=True)
class _Fit:
    """How a file's turns of a joint go with the solved ones, in radians, medians over frames.

    constant (3,3): C; off: of the solved turns from the file's with it; moves: of the solved ones
    from their own mean; swing_off: of the bone's direction from its mean in the bone's own axes;
    swing: the same in the world's or its parent's axes, the less of both; 0 where no keypoint shows
    where the bone ends.
    """

    constant: np.ndarray
    off: float
    moves: float
    swing_off: float
    swing: float

    @property
    def carries(self) -> bool:
        """Whether the bone, as far as it swings, does so by the file's turns."""
        return self.swing_off <= min(MOST_OFF, OF_ITS_MOTION * self.swing)

    @property
    def is_used(self) -> bool:
        return self.off <= min(CONSTANT, OF_ITS_MOTION * self.moves) and (
            self.carries or self.swing_off <= LEAST_OFF
        )


def find_hints(poses: Poses, turns: np.ndarray, seen: np.ndarray, rest: np.ndarray) -> Hints:
    """What a file's turns (T,24,3) make of solved poses.

    turns: axis-angles in the world, NaN where it has none; seen (T,24): where a keypoint shows the
    joint, and turns count; rest (24,3): the body's joints in its rest pose.
    """
    given = np.isfinite(turns).all(axis=2) & seen
    none = np.zeros(NUM_JOINTS, dtype=bool)
    some = evenly(len(poses), MEASURED_FRAMES)
    world = in_the_world(poses.rotations[some])
    fits = {
        j: _fit(j, world, turns[some], given[some], seen[some], rest)
        for j in range(NUM_JOINTS)
        if given[some, j].sum() >= FEWEST_FRAMES
    }
    if not fits:
        return Hints(poses, none, f"fewer than {FEWEST_FRAMES} frames show the joints with them")
    swings = np.array([fit.swing for fit in fits.values()])
    if swings.max() < SWINGING:
        return Hints(poses, none, "the limbs move too little to compare them")
    carried = np.array([fit.carries for fit in fits.values()])
    if (swings**2)[carried].sum() < LEAST_CARRIED * (swings**2).sum():
        return Hints(
            poses, none, "limbs do not point where they would: of other axes, or other motion"
        )
    used = none.copy()
    used[[j for j, fit in fits.items() if fit.is_used]] = True
    if used.sum() < LEAST_SHARE * len(fits):
        return Hints(poses, none, "they are no constant turns from the body's joints")
    constants = {j: fit.constant for j, fit in fits.items() if fit.is_used}
    return Hints(_turned_along(poses, turns, given, constants), used)


def _turned_along(
    poses: Poses, turns: np.ndarray, given: np.ndarray, constants: dict[int, np.ndarray]
) -> Poses:
    """Poses whose joints are turned by turns (T,24,3) and their constants (3,3), where these count
    (T,24), and elsewhere in their parents as they were."""
    hinted = poses.rotations.copy()
    world = hinted.copy()
    for j, parent in enumerate(PARENTS):
        above = world[:, parent] if parent >= 0 else np.broadcast_to(np.eye(3), world[:, j].shape)
        world[:, j] = above @ hinted[:, j]
        if j in constants:
            here = given[:, j]
            world[here, j] = exp_map(turns[here, j]) @ constants[j]
            hinted[here, j] = np.swapaxes(above[here], 1, 2) @ world[here, j]
    return Poses(hinted, poses.trans)


def _fit(
    j: int,
    world: np.ndarray,
    turns: np.ndarray,
    given: np.ndarray,
    seen: np.ndarray,
    rest: np.ndarray,
) -> _Fit:
    """world (T,24,3,3) of solved poses; given (T,24): where turns count; the others as `find_hints`
    takes them."""
    here = given[:, j]
    solved, file = world[here, j], exp_map(turns[here, j])
    constant, off = _mean(np.swapaxes(file, 1, 2) @ solved)
    moves = _mean(solved)[1]

    # Several bones may hang on a joint, as both thighs on the pelvis.
    above = world[here, PARENTS[j]] if PARENTS[j] >= 0 else np.broadcast_to(np.eye(3), solved.shape)
    swings_off, swings = [], []
    for child in (c for c, parent in enumerate(PARENTS) if parent == j):
        both = seen[here, child]
        if both.sum() < FEWEST_FRAMES:
            continue
        points = solved[both] @ (rest[child] - rest[j])
        swings_off.append(swing(_in_axes(file[both], points)))
        swings.append(min(swing(points), swing(_in_axes(above[both], points))))
    if not swings:
        return _Fit(constant, off, moves, 0.0, 0.0)
    return _Fit(constant, off, moves, float(np.mean(swings_off)), float(np.mean(swings)))


def _in_axes(axes: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Vectors (T,3) of the world as they are in some axes (T,3,3)."""
    return np.einsum("tba,tb->ta", axes, vectors)


def in_the_world(rotations: np.ndarray) -> np.ndarray:
    """(T,24,3,3) of each joint in the world, of those in its parent."""
    world = rotations.copy()
    for j, parent in enumerate(PARENTS):
        if parent >= 0:
            world[:, j] = world[:, parent] @ rotations[:, j]
    return world


def _mean(rotations: np.ndarray) -> tuple[np.ndarray, float]:
    """The mean (3,3) of rotations (N,3,3), of which those far off count little, and the median
    angle to it."""
    weights = np.ones(len(rotations))
    for _ in range(MEAN_ROUNDS):
        u, _, v = np.linalg.svd(np.tensordot(weights, rotations, axes=1))
        mean = u @ np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ v))]) @ v
        off = angle_between(mean, rotations)
        typical = float(np.median(off))
        weights = 1.0 / (1.0 + (off / max(2.0 * typical, 1e-6)) ** 2)
    return mean, typical
