"""Which parts of a body's skin plain clothes cover.

Said of the rest pose by where the joints are, so it holds for any body of SMPL's skeleton.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .body import Body
from .skeleton import JOINT_NAMES

SKIN, SHIRT, TROUSERS, SHOES = range(4)

_SLEEVE = 0.57
"""Share of the upper arm that the shirt's sleeve covers."""
_WAIST = 0.51
"""Share of the way from pelvis to the lowest joint of the spine, below which trousers begin."""
_SHAFT_METRES = 0.065
"""From the ankle joint up to where shoes and trousers meet."""
_NECKLINE = 0.02, 0.35
"""The shirt ends this many metres below the neck joint, and lower in front by this slope."""


def clothes(body: Body, faces: Sequence[Sequence[int]] | np.ndarray) -> np.ndarray:
    """(F,) SKIN, SHIRT, TROUSERS or SHOES of faces (F,3) or (F,4), by their middles."""
    vertices, joints = body.rest_vertices(), body.rest_joints()
    at = dict(zip(JOINT_NAMES, joints))
    middles = vertices[np.asarray(faces)].mean(axis=1)
    x, y, z = np.abs(middles[:, 0]), middles[:, 1], middles[:, 2]

    worn = np.full(len(middles), SHIRT)
    waist = at["pelvis"][1] + _WAIST * (at["spine1"][1] - at["pelvis"][1])
    worn[y < waist] = TROUSERS

    # Hands lie beside the trousers in no rest pose of SMPL's: arms point sideways.
    shoulder, elbow = at["left_shoulder"][0], at["left_elbow"][0]
    worn[x > shoulder + _SLEEVE * (elbow - shoulder)] = SKIN
    below, slope = _NECKLINE
    neckline = at["neck"][1] - below - slope * (z - at["neck"][2])
    worn[(y > neckline) & (x < 0.55 * shoulder)] = SKIN
    worn[y > at["neck"][1] + 0.02] = SKIN

    ankle = at["left_ankle"][1]
    worn[y < ankle + _SHAFT_METRES] = SHOES
    return worn
