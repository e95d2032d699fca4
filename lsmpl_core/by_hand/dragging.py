"""`Drag`: the pose of one frame while some of its keypoints are dragged, others are locked and the
rest follow.

Every pose is found from the pose in which the drag began, not from the one before, so that it
depends on where the keypoints are now and not on the way they took: what is dragged back gives the
first pose again. Keypoints beyond a dragged one are carried along (the hand with the elbow, all of
the body with the middle of the hips), the others are drawn back, lightly, to where they were. So an
arm is stretched before the body follows.
"""

from __future__ import annotations

import numpy as np

from ..body.skeleton import ANCESTORS, JOINT_NAMES
from ..solver.pinned_joints import PinnedJoints
from ..solver.poses import Poses
from .posing import Poser

DRAG_WEIGHT, LOCK_WEIGHT, FREE_WEIGHT = 300.0, 900.0, 0.5
"""Weights of keypoints; that of one that was merely seen is 1."""
DRAG_STEPS = 6
"""Of the polish: what is dragged is then within 2 mm, and what follows about where more steps would
have it."""
FARTHEST_PULL = 0.1
"""Metres: what is out of reach pulls as if it were no further away than this."""
CARRIERS = {"mid_hip": "pelvis", "neck": "spine3"}
"""Joints with which these sites carry others; a site at a joint does so with that joint, and one on
the skin with the joints beyond its bone."""


class Drag:
    """A drag that begins at a pose; `sites` (K,3) in metres is where that pose has the keypoints,
    NaN where it is not known where on the body they are: those are not posed by."""

    def __init__(self, poser: Poser, base: Poses, pins: PinnedJoints | None = None):
        """base: a single pose; pins: joints that keep their rotations, in frame 0."""
        self.poser, self.base, self.pins = poser, base, pins
        self.sites = poser.sites(base)[0]
        self._carries = _carries(poser)

    def pose(
        self, positions: np.ndarray, dragged: np.ndarray, locked: np.ndarray
    ) -> tuple[Poses, np.ndarray]:
        """The pose, and where it has the keypoints (K,3), in metres.

        positions (K,3) in metres, of the keypoints that the masks dragged (K,) and locked (K,)
        name. One that is both is where it was dragged to, and stays.
        """
        held = dragged | locked
        positions = np.where(held[:, None], positions, self.sites)
        targets = np.where(
            held[:, None], positions, self.sites + self._carried(positions - self.sites, held)
        )
        weights = np.where(locked, LOCK_WEIGHT, np.where(dragged, DRAG_WEIGHT, FREE_WEIGHT))
        posed, sites = self._drawn(targets, weights)
        beyond = np.where(dragged & ~locked, np.linalg.norm(targets - sites, axis=1), 0.0)
        if (beyond > FARTHEST_PULL).any():
            # Otherwise what is far out of reach would tear even locked keypoints away.
            shorter = np.minimum(1.0, FARTHEST_PULL / np.maximum(beyond, FARTHEST_PULL))[:, None]
            posed, sites = self._drawn(
                np.where(shorter < 1.0, sites + shorter * (targets - sites), targets), weights
            )
        return posed, sites

    def _drawn(self, targets: np.ndarray, weights: np.ndarray) -> tuple[Poses, np.ndarray]:
        weights = np.where(np.isfinite(targets).all(axis=1), weights, 0.0)
        posed = self.poser.drag(
            targets[None], self.base, weights[None], self.pins, steps=DRAG_STEPS
        )
        return posed, self.poser.sites(posed)[0]

    def _carried(self, moved: np.ndarray, held: np.ndarray) -> np.ndarray:
        """(K,3) by how much each keypoint is carried: as far as the nearest held one that carries
        it."""
        carriers = self._carries & held[:, None]
        nearest = np.where(carriers.any(axis=0), carriers.argmax(axis=0), -1)
        for k in np.flatnonzero(nearest >= 0):
            among = np.flatnonzero(carriers[:, k])
            # The one nearest along the limb is carried by all the others.
            nearest[k] = among[np.argmax(self._carries[np.ix_(among, among)].sum(axis=0))]
        return np.where((nearest >= 0)[:, None], moved[nearest], 0.0)


def _carries(poser: Poser) -> np.ndarray:
    """(K,K) whether the first keypoint carries the second, which is then further out along the
    body."""
    site_offsets = [poser.calibration.keypoints.get(name) for name in poser.layout.keypoints]
    carries = np.zeros((len(site_offsets), len(site_offsets)), dtype=bool)
    calibrated = {k: site_offset for k, site_offset in enumerate(site_offsets) if site_offset}
    for k, site_offset in calibrated.items():
        parent_joint = site_offset.parent_joint
        joint = CARRIERS.get(site_offset.site, site_offset.site)
        for other, further in calibrated.items():
            carrier = further.parent_joint
            if joint in JOINT_NAMES:
                carries[k, other] = ANCESTORS[carrier, JOINT_NAMES.index(joint)]
            else:
                carries[k, other] = ANCESTORS[carrier, parent_joint] and carrier != parent_joint
    np.fill_diagonal(carries, False)
    return carries
