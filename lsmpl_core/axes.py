"""Which axis of a file points up, and whether its axes or its sides are mirrored: as it says, else by its numbers."""

from __future__ import annotations

import numpy as np

from .errors import LayoutError
from .keypoints import Decision
from .layouts import Layout
from .proportions import ADULT_STATURE, Sites, body_scale, finite_median

AXES = {
    f"{sign}{axis}": (-1.0 if sign else 1.0) * np.eye(3)[i]
    for sign in ("", "-")
    for i, axis in enumerate(("x", "y", "z"))
}
"""The up axes a file can have, as unit vectors."""

_TO_Z_UP = {
    "x": [[0, 0, -1], [0, 1, 0], [1, 0, 0]],
    "y": [[1, 0, 0], [0, 0, -1], [0, 1, 0]],
    "z": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "-x": [[0, 0, 1], [0, 1, 0], [-1, 0, 0]],
    "-y": [[1, 0, 0], [0, 0, 1], [0, -1, 0]],
    "-z": [[1, 0, 0], [0, -1, 0], [0, 0, -1]],
}
"""Rotations that bring each up axis to Z; y: (x, y, z) -> (x, -z, y)."""


_FLOOR_WEIGHT, _STATED_BONUS = 0.5, 0.4
_AXIS_PRIOR = {"y": 0.0, "z": 0.0, "-y": -0.05, "-z": -0.1, "x": -0.2, "-x": -0.2}
_TILT_DEGREES, _TILT_GAIN, _TILT_STATED = 15.0, 1.0, 8.0
# Tuned on the 336 clips of mocap/, each in all six axes and tilted by 0 to 30 degrees: the axis is always found; clips
# that are not tilted are straightened in 0.3 % of cases, those tilted by 20 degrees in 88 %, by 30 degrees in 99 %, to
# within 2 degrees in the median and 9 at the 95th percentile.


def decide_up(
    positions: np.ndarray, layout: Layout, given: str | None, stated: str | None
) -> tuple[np.ndarray, Decision]:
    """The rotation (3,3) that brings a file's axes to Z up (p' = R p), for keypoints (T,K,3) in any unit.

    `given` by the user (an axis or "body") wins. Else the best of `axis_scores`, in which what the file `stated`
    counts; where floor and body clearly show a tilt against every axis, as in camera coordinates, "body".
    """
    if given in AXES:
        return np.array(_TO_Z_UP[given], float), Decision("up", given, "given")
    lean = _lean(positions, layout)
    if not np.linalg.norm(lean) > 0:
        if given == "body":
            raise LayoutError("up 'body' needs hips and shoulders or ankles to measure, and this take shows none")
        axis = stated if stated in AXES else "z"
        reason = "too little of the body is seen to measure it"
        return np.array(_TO_Z_UP[axis], float), Decision("up", axis, "file" if stated in AXES else "assumed", reason)

    scores = axis_scores(positions, layout, lean, stated)
    axis = max(scores, key=scores.__getitem__)
    upright, gain = _upright(positions, layout, lean, AXES[axis])
    degrees = float(np.degrees(np.arccos(np.clip(upright @ AXES[axis], -1, 1))))
    share = f"the body points along it by {lean @ AXES[axis]:.2f} of 1 on average"
    if given == "body" or (stated != axis and degrees > _TILT_DEGREES and gain > _TILT_GAIN):
        rotation = np.array(_TO_Z_UP[axis]) @ _rotation_between(upright, AXES[axis])
        reason = f"the body's own up direction, {degrees:.0f} degrees from {axis}, is made vertical"
        return rotation, Decision("up", "body", "given" if given else "detected", reason)
    if stated in AXES and stated != axis:
        share += f", though the file says {stated}"
    if degrees > _TILT_STATED:
        share += f"; its own up is {degrees:.0f} degrees off: if the take looks tilted, up 'body' straightens it"
    return np.array(_TO_Z_UP[axis], float), Decision("up", axis, "file" if stated == axis else "detected", share)


def axis_scores(
    positions: np.ndarray, layout: Layout, lean: np.ndarray | None = None, stated: str | None = None
) -> dict[str, float]:
    """How likely each of `AXES` is up.

    Three cues: people are upright most of the time; the lowest point of a body on a floor keeps its height, and the
    highest does not; and files have Y or Z up, hardly ever X.
    """
    lean = _lean(positions, layout) if lean is None else lean
    spread = _floor_spread(positions, layout, np.array(list(AXES.values())))
    steady = _FLOOR_WEIGHT * np.exp(-spread / 0.05)
    return {
        name: float(lean @ axis + steady[i] + _AXIS_PRIOR[name] + (_STATED_BONUS if name == stated else 0.0))
        for i, (name, axis) in enumerate(AXES.items())
    }


def _lean(positions: np.ndarray, layout: Layout) -> np.ndarray:
    """Mean direction (3,) from feet to shoulders over the take, of length 1 where it never changes, 0 where unseen."""
    sites = Sites(positions, layout)
    hips, shoulders = sites.middle("hip", "mid_hip", "pelvis"), sites.middle("shoulder", "neck")
    ankles = sites.middle("ankle", "foot")
    directions = np.stack([_unit(shoulders - hips), _unit(hips - ankles), _unit(shoulders - ankles)])
    return np.nan_to_num(_mean(_unit(_mean(directions, axis=0)), axis=0))


def _floor_spread(positions: np.ndarray, layout: Layout, axes: np.ndarray) -> np.ndarray:
    """For each of the axes (N,3): how much the height of the lowest point varies over the take, in statures.

    Large (1) where it cannot be told: a few frames, or no segment that gives the size.
    """
    size = body_scale(positions, layout) * ADULT_STATURE
    seen = positions[np.isfinite(positions).all(axis=2).any(axis=1)]
    if len(seen) < 10 or not size > 0:
        return np.ones(len(axes))
    seen = seen[:: max(1, len(seen) // 300)]
    lowest = np.nan_to_num(np.einsum("tkc,nc->tkn", seen, axes), nan=np.inf).min(axis=1)
    low, high = np.percentile(lowest, (10, 90), axis=0)
    return np.minimum((high - low) / size, 1.0)


def _upright(positions: np.ndarray, layout: Layout, lean: np.ndarray, axis: np.ndarray) -> tuple[np.ndarray, float]:
    """The vertical (3,) that suits body and floor best, within 35 degrees of the lean, and its gain over `axis`."""

    def cost(axes: np.ndarray) -> np.ndarray:
        angle = np.degrees(np.arccos(np.clip(axes @ _unit(lean), -1, 1)))
        return (angle / 20) ** 2 + 10 * _floor_spread(positions, layout, axes)

    best = _unit(lean)
    for widest in (35, 6):
        cone = _cone(best, widest)
        best = cone[np.argmin(cost(cone))]
    before, after = cost(np.stack([axis, best]))
    return best, float(before - after)


def _cone(axis: np.ndarray, widest: float, rings: int = 7, spokes: int = 12) -> np.ndarray:
    """Unit directions (1 + rings * spokes, 3) around an axis, at up to `widest` degrees from it."""
    side = _unit(np.cross(axis, np.eye(3)[np.argmin(np.abs(axis))]))
    tilt = np.radians(widest) * np.repeat(np.arange(1, rings + 1), spokes)[:, None] / rings
    turn = np.tile(np.arange(spokes), rings)[:, None] * (2 * np.pi / spokes) + 0.3 * tilt
    around = np.cos(turn) * side + np.sin(turn) * np.cross(axis, side)
    return np.concatenate([axis[None], np.cos(tilt) * axis + np.sin(tilt) * around])


def _rotation_between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The smallest rotation (3,3) that takes unit vector `a` to `b`, less than half a turn away."""
    v = np.cross(a, b)
    k = np.array([[0, -v[2], v[1]], [v[2], 0, -v[0]], [-v[1], v[0], 0]])
    return np.eye(3) + k + k @ k / (1 + a @ b)


# Handedness


def mirror_warning(positions: np.ndarray, layout: Layout) -> Decision | None:
    """A decision that warns where knees, feet and face point backward: sides are swapped, or axes mirrored.

    positions (T,K,3), up any axis. In right-handed data forward = left x up of the person.
    """
    sites = Sites(positions, layout)
    hips, shoulders = sites.middle("hip", "mid_hip", "pelvis"), sites.middle("shoulder", "neck")
    left = _mean(
        np.stack([sites["left_hip"] - sites["right_hip"], sites["left_shoulder"] - sites["right_shoulder"]]), 0
    )
    forward = _unit(np.cross(left, shoulders - hips))

    cues = {}
    for name, pairs in _FORWARD_CUES.items():
        ahead = [np.sum((sites[a] - (sites[b] + sites[c]) / 2) * forward, axis=1) for a, b, c in pairs]
        cues[name] = finite_median(np.concatenate(ahead)) * (-1 if name == "the elbows" else 1)
    size = body_scale(positions, layout)
    clear = {name: value for name, value in cues.items() if abs(value) > 0.01 * size}
    back = [name for name, value in clear.items() if value < 0]
    if len(back) < 2 or len(back) < len(clear):
        return None
    reason = f"{', '.join(back)} point backward: left and right are swapped in the file, or its axes are left-handed"
    return Decision("mirrored", "yes", "detected", reason + "; nothing was changed, a JSON mapping can swap the sides")


_FORWARD_CUES = {
    "the knees": [(f"{s}_knee", f"{s}_hip", f"{s}_ankle") for s in ("left", "right")],
    "the feet": [
        *((f"{s}_{toe}", f"{s}_ankle", f"{s}_ankle") for s in ("left", "right") for toe in ("foot", "toe", "big_toe")),
        *((f"{s}_ankle", f"{s}_heel", f"{s}_heel") for s in ("left", "right")),
    ],
    "the elbows": [(f"{s}_elbow", f"{s}_shoulder", f"{s}_wrist") for s in ("left", "right")],
    "the face": [
        ("nose", "left_ear", "right_ear"),
        ("jaw", "head_top", "neck"),
        ("left_eye", "left_ear", "left_ear"),
        ("right_eye", "right_ear", "right_ear"),
    ],
}
"""Points that are in front of the middle of two others (elbows: behind)."""


def _mean(values: np.ndarray, axis: int) -> np.ndarray:
    """Mean of what is finite, NaN where nothing is."""
    finite = np.isfinite(values)
    count = finite.sum(axis=axis)
    return np.where(finite, values, 0.0).sum(axis=axis) / np.where(count > 0, count, np.nan)


def _unit(vectors: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(length > 0, length, np.nan)
