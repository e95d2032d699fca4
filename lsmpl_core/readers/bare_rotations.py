"""Bare arrays that are no keypoints but rotations of SMPL's joints, which models write without a
word: (T,72), (T,156), (T,165) axis-angles have the widths of 24, 52 and 55 keypoints.

Told by what rotations of a body are: small in the trunk, knees that bend one way and about one
axis; and by what places are not.
"""

from __future__ import annotations

import numpy as np

from ..keypoints.plausibility import implausibility, some_frames
from .orders import NO_BODY, orders_of
from .space import in_order

COUNTS = (22, 24, 52, 53, 54, 55)
"""Joints of a pose: SMPL's 22 and 24, SMPL-H's 52, SMPL-X's 55 with or without jaw or eyes."""
_TRUNK = (3, 6, 9, 12, 13, 14, 15)
"""SMPL's spine, neck, collars and head."""
_HINGES = {4: (0, 1, 0.5), 5: (0, 1, 0.5), 18: (1, -1, 0.25), 19: (1, 1, 0.25)}
"""Knees and elbows, with the axis and the sense in which they bend, and the share of their turn
that is about it, typically: of those takes 0.62 and 0.31 at least."""
STRAIGHT = 1.0
"""Radians that those of the trunk turn at most in the typical frame: of fifty recorded and
estimated takes 0.88 at most."""
BENT = 0.35
"""Radians from which on a hinge counts as bent."""
ADVICE = (
    "They look like rotations of SMPL's joints (axis-angles). Take them for a motion: File > "
    "Import > SMPL Motion, or to refine keypoints with, lsmpl refine-motion KEYPOINTS FILE"
)


def are_axis_angles(rows: np.ndarray) -> bool:
    """Whether rows (T,J,3) are rotations of SMPL's joints, and no places in any order."""
    count = rows.shape[1]
    if rows.ndim != 3 or count not in COUNTS or not len(rows) or not np.isfinite(rows).all():
        return False
    turns = np.linalg.norm(rows, axis=2)
    if turns.max() > 2 * np.pi or np.median(turns[:, _TRUNK], axis=0).max() > STRAIGHT:
        return False

    hinged = []
    for joint, (axis, sense, least) in _HINGES.items():
        bent = turns[:, joint] > BENT
        if bent.any():
            hinged.append(np.median(sense * rows[bent, joint, axis] / turns[bent, joint]) > least)
    if not hinged or not all(hinged):
        return False
    orders = orders_of(count)
    return not any(
        implausibility(in_order(some_frames(rows), order.seen.columns), order.seen.layout)
        <= NO_BODY
        for order in orders
    )
