"""How a file's turns are to be read: as they stand, or as other tools would mean them.

Quaternions are written w first or last, a bone's turn stands at its beginning or (Kinect 2) at its
end, and places may have been brought to other axes than the turns beside them (SAM 3D Body). A bone
that is turned as the file says points the same way in its own axes in every frame. Where by the
file's own turns bones do not, another reading is taken by which they do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np

from ..body.skeleton import JOINT_NAMES, PARENTS
from ..frames import evenly
from ..keypoints.layouts import Layout
from ..keypoints.track import Decision
from ..medians import in_parts
from ..points import swing
from ..rotation import exp_map, from_quaternion, log_map, to_quaternion

COMPARED_FRAMES = 200
"""Of a take, evenly spread, in which readings are compared."""
FEWEST_FRAMES = 10
SWINGING = np.radians(5.0)
"""Angle by which the bone that swings most does so at least: else nothing is told."""
FITS, FAILS = 0.1, 0.25
"""What of all bones' swing, squared, may be left in their own axes by another reading, and is left
by the file's own at least where another is taken."""
_HALF_TURNS = {
    "": np.eye(3),
    "x": np.diag([1.0, -1.0, -1.0]),
    "y": np.diag([-1.0, 1.0, -1.0]),
    "z": np.diag([-1.0, -1.0, 1.0]),
}


@dataclass(frozen=True)
class Reading:
    """w_last: quaternions were taken for w x y z, and are x y z w; about: the axis of half a turn
    from the turns' axes to the places', "" for none; bones: where turns stand at their ends, the
    keypoints at which each begins and ends."""

    w_last: bool = False
    about: str = ""
    bones: tuple[tuple[int, int], ...] = ()

    def of(self, turns: np.ndarray) -> np.ndarray:
        """Turns (T,K,3), axis-angles, as they are to be read."""
        if self == Reading():
            return turns
        read = np.full(turns.shape, np.nan, dtype=np.float32)
        for some, found in in_parts(turns, read):
            found[...] = log_map(self._rotations(some))
        if not self.bones:
            return read
        at_beginnings = np.full_like(read, np.nan)
        for begin, end in self.bones:
            at_beginnings[:, begin] = read[:, end]
        return at_beginnings

    def _rotations(self, turns: np.ndarray) -> np.ndarray:
        rotations = exp_map(turns.astype(np.float64))
        if self.w_last:
            rotations = from_quaternion(np.roll(to_quaternion(rotations), 1, axis=-1))
        return _HALF_TURNS[self.about] @ rotations

    @property
    def said(self) -> str:
        words = (
            "quaternions with w last" if self.w_last else "",
            f"half a turn about {self.about} from the places' axes" if self.about else "",
            "turns of the bones that end at the joints" if self.bones else "",
        )
        return ", ".join(filter(None, words))


def find_reading(
    turns: np.ndarray,
    positions: np.ndarray,
    layout: Layout,
    in_file: Callable[[np.ndarray], np.ndarray],
) -> tuple[Reading, Decision | None]:
    """How turns (T,K,3) of a layout's keypoints are to be read, and what is said of that; as they
    stand where no other way is clearly the right one.

    turns: axis-angles in the file's axes, NaN where it has none; positions (T,K,3), NaN where a
    keypoint is missing, which `in_file` brings to the same axes, in any unit.
    """
    bones = _bones(layout)
    some = evenly(len(turns), COMPARED_FRAMES)
    turns, positions = turns[some], in_file(positions[some])

    own = Reading()
    if not _left(own.of(turns), positions, bones) > FAILS:  # NaN where nothing is told
        return own, None
    others = [
        Reading(w_last, about, ends)
        for w_last, about, ends in product((False, True), _HALF_TURNS, ((), bones))
    ]
    left = np.nan_to_num([_left(one.of(turns), positions, bones) for one in others], nan=1.0)
    if not left.min() < FITS:
        return own, None
    best = others[int(left.argmin())]
    reason = "so bones point to where they end, which by the numbers as they stand they do not"
    return best, Decision("turns", best.said, "detected", reason)


def _bones(layout: Layout) -> tuple[tuple[int, int], ...]:
    """The keypoints of joints at which the body's bones begin and end, over joints that the layout
    has not; of a joint with several the first."""
    row = {site: k for k, site in reversed(list(enumerate(layout.sites))) if site in JOINT_NAMES}
    bones: dict[int, int] = {}
    for joint, name in enumerate(JOINT_NAMES):
        begin = PARENTS[joint]
        while begin >= 0 and JOINT_NAMES[begin] not in row:
            begin = PARENTS[begin]
        if name in row and begin >= 0:
            bones.setdefault(row[JOINT_NAMES[begin]], row[name])
    return tuple(bones.items())


def _left(turns: np.ndarray, positions: np.ndarray, bones: tuple[tuple[int, int], ...]) -> float:
    """Of how far bones swing in the world, squared, the share by which they do in their own axes;
    NaN where they hardly swing, or too little is seen."""
    rotations = exp_map(turns.astype(np.float64))
    swings, left = [], []
    for begin, end in bones:
        along = positions[:, end] - positions[:, begin]
        here = np.isfinite(along).all(axis=1) & np.isfinite(turns[:, begin]).all(axis=1)
        if here.sum() >= FEWEST_FRAMES:
            swings.append(swing(along[here]))
            left.append(swing(np.einsum("tba,tb->ta", rotations[here, begin], along[here])))
    if max(swings, default=0.0) < SWINGING:
        return np.nan
    return float(np.square(left).sum() / np.square(swings).sum())
