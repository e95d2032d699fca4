"""The rotation that brings a file's axes to Z up: as the user says, else by what the file states
and by its numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import LayoutError
from ..keypoints.layouts import Layout
from ..keypoints.proportions import Sites, finite_mean, normalised
from ..keypoints.track import Decision
from ..rotation import between
from . import cloud
from .axis_cues import AXES, axis_probabilities, cues, floor_spread
from .units import measure_stature

TO_Z_UP = {
    "x": [[0, 0, -1], [0, 1, 0], [1, 0, 0]],
    "y": [[1, 0, 0], [0, 0, -1], [0, 1, 0]],
    "z": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "-x": [[0, 0, 1], [0, 1, 0], [-1, 0, 0]],
    "-y": [[1, 0, 0], [0, 0, 1], [0, -1, 0]],
    "-z": [[1, 0, 0], [0, -1, 0], [0, 0, -1]],
}
"""Rotations that bring each up axis to Z; y: (x, y, z) -> (x, -z, y)."""


_TILT_DEGREES, _TILT_GAIN, _TILT_STATED, _LEAN_STEADY = 15.0, 1.0, 8.0, 0.5
_FLOOR_AT_ZERO, _FLOOR_STILL = 0.5, 0.03
"""How near to the origin the lowest points are, 1 being at it, and the share of a stature by which
their height varies at most, on a floor that is known."""
# Tuned on 336 recorded clips, each in all six axes and tilted by 0 to 30 degrees: clips that are
# not tilted are straightened in 0.3 % of cases, those tilted by 20 degrees in 88 %, by 30 degrees
# in 99 %, to within 2 degrees in the median and 9 at the 95th percentile.

_SURE_AGAINST_FORMAT = 0.7
"""How sure an axis is at most that files of a format hardly ever have up: somebody who lies looks
like somebody who stands in other axes."""


def decide_up(
    positions: np.ndarray,
    layout: Layout | None,
    given: str | None,
    stated: str | None,
    names: Sequence[str] = (),
    usual: str | None = None,
) -> tuple[np.ndarray, Decision]:
    """The rotation (3,3) that brings a file's axes to Z up (p' = R p), for keypoints (T,K,3) in any
    unit.

    layout None: markers at places unknown, whose `names` (K,) may tell which are high up and which
    are low. `given` by the user (an axis or "body") wins. Else the likeliest by `axis_cues`, in
    which what the file `stated` counts, and a little the axis that files of its format `usual`ly
    have up; where floor and body clearly show a tilt against every axis, as in camera coordinates,
    "body". Files of a format with a usual axis are of a world: who leans in one, leans.
    """
    if given in AXES:
        return np.array(TO_Z_UP[given], float), Decision("up", given, "given")
    lean = _lean(positions, layout) if layout is not None else cloud.lean(positions, names)
    if layout is not None and not np.linalg.norm(lean) > 0:
        # Of a marker set the stand-ins may lack the trunk or the ankles where names and extent
        # still tell.
        lean = cloud.lean(positions, names)
        layout = None if np.linalg.norm(lean) > 0 else layout
    size = measure_stature(positions, layout)
    known = np.linalg.norm(lean) > 0
    if not known and given == "body":
        raise LayoutError(
            "up 'body' needs hips and shoulders or ankles to measure, and this take shows none"
        )
    if not size > 0 or (layout is not None and not known):
        axis = stated if stated in AXES else usual or "z"
        reason = "too little of the body is seen to measure it"
        if axis == usual != stated:
            reason += ", and files of this format mostly have it so"
        return np.array(TO_Z_UP[axis], float), Decision(
            "up", axis, "file" if stated in AXES else "assumed", reason
        )

    likely = axis_probabilities(positions, size, lean, stated, usual)
    axis = max(likely, key=likely.__getitem__)
    reason, degrees, leans = "by the extent, the floor and the travel of the markers", 0.0, False
    if known:
        upright, gain = _upright(positions, size, lean, AXES[axis])
        degrees = float(np.degrees(np.arccos(np.clip(upright @ AXES[axis], -1, 1))))
        reason = f"the body points along it by {lean @ AXES[axis]:.2f} of 1 on average"
        steady = np.linalg.norm(lean) > _LEAN_STEADY
        tilted = steady and layout is not None and degrees > _TILT_DEGREES and gain > _TILT_GAIN
        leans = bool(tilted and stated != axis and not _fits(positions, size, lean, AXES[axis]))
        if given == "body" or (leans and not usual):
            rotation = np.array(TO_Z_UP[axis]) @ between(upright, AXES[axis])
            reason = (
                f"the body's own up direction, {degrees:.0f} degrees from {axis}, is made vertical"
            )
            if given:
                return rotation, Decision("up", "body", "given", reason)
            return rotation, Decision("up", "body", "detected", reason, likely[axis])
    if stated in AXES and stated != axis:
        reason += f", though the file says {stated}"
    if known and steady and degrees > _TILT_STATED:
        reason += (
            f"; its own up is {degrees:.0f} degrees off: if the take looks tilted, up 'body' "
            "straightens it"
        )
    sure = likely[axis]
    if leans:
        sure = min(sure, _SURE_AGAINST_FORMAT)
    if usual and axis not in (stated, "y", "z"):
        sure = min(sure, _SURE_AGAINST_FORMAT)
        reason += "; hardly any file of this format has that up: does the body lie, or hang?"
    decision = Decision("up", axis, "file" if stated == axis else "detected", reason, sure)
    return np.array(TO_Z_UP[axis], float), decision


def _lean(positions: np.ndarray, layout: Layout) -> np.ndarray:
    """Mean direction (3,) from feet to shoulders over the take, of length 1 where it never changes,
    0 where unseen."""
    sites = Sites(positions, layout)
    hips, shoulders = sites.middle("hip", "mid_hip", "pelvis"), sites.middle("shoulder", "neck")
    ankles = sites.middle("ankle", "foot")
    directions = np.stack(
        [normalised(shoulders - hips), normalised(hips - ankles), normalised(shoulders - ankles)]
    )
    return np.nan_to_num(finite_mean(normalised(finite_mean(directions, axis=0)), axis=0))


def _fits(positions: np.ndarray, size: float, lean: np.ndarray, axis: np.ndarray) -> bool:
    """Whether an axis is up for all that the body shows: it stands along it, if on stairs, or its
    feet are on a floor at zero, if it sits, crouches or sprints."""
    upright = float(normalised(lean) @ axis) > np.cos(np.radians(_TILT_DEGREES))
    at_zero = float(cues(positions, size, lean, axis[None])[0, 4])
    still = float(floor_spread(positions, size, axis[None])[0])
    return upright or (at_zero > _FLOOR_AT_ZERO and still < _FLOOR_STILL)


def _upright(
    positions: np.ndarray, size: float, lean: np.ndarray, axis: np.ndarray
) -> tuple[np.ndarray, float]:
    """The vertical (3,) that suits body and floor best, within 35 degrees of the lean, and its gain
    over `axis`."""

    def cost(axes: np.ndarray) -> np.ndarray:
        angle = np.degrees(np.arccos(np.clip(axes @ normalised(lean), -1, 1)))
        return (angle / 20) ** 2 + 10 * floor_spread(positions, size, axes)

    best = normalised(lean)
    for widest in (35, 6):
        cone = _cone(best, widest)
        best = cone[np.argmin(cost(cone))]
    before, after = cost(np.stack([axis, best]))
    return best, float(before - after)


def _cone(axis: np.ndarray, widest: float, rings: int = 7, spokes: int = 12) -> np.ndarray:
    """Unit directions (1 + rings * spokes, 3) around an axis, at up to `widest` degrees from it."""
    side = normalised(np.cross(axis, np.eye(3)[np.argmin(np.abs(axis))]))
    tilt = np.radians(widest) * np.repeat(np.arange(1, rings + 1), spokes)[:, None] / rings
    turn = np.tile(np.arange(spokes), rings)[:, None] * (2 * np.pi / spokes) + 0.3 * tilt
    around = np.cos(turn) * side + np.sin(turn) * np.cross(axis, side)
    return np.concatenate([axis[None], np.cos(tilt) * axis + np.sin(tilt) * around])
