"""What a file does not say, read from its numbers: the layout, the unit, the up axis, and whether it is mirrored.

Everything here looks at the sites that all layouts share (shoulders, elbows, wrists, hips, knees, ankles) and is
robust to missing keypoints: medians over the frames that are seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from .errors import LayoutError
from .keypoint_names import match_names, split_subject
from .keypoints import Basis, Decision
from .layouts import LAYOUTS, Layout
from .whole_body import WHOLE_BODY_SETS

UNITS = {"m": 1.0, "cm": 0.01, "mm": 0.001, "in": 0.0254, "ft": 0.3048}
"""Metres per unit."""

_UNIT_WORDS = {
    **dict.fromkeys(("meter", "meters", "metre", "metres"), "m"),
    **dict.fromkeys(("centimeter", "centimeters", "centimetre", "centimetres"), "cm"),
    **dict.fromkeys(("millimeter", "millimeters", "millimetre", "millimetres"), "mm"),
    **dict.fromkeys(("inch", "inches"), "in"),
    **dict.fromkeys(("foot", "feet"), "ft"),
}

AXES = {
    f"{sign}{axis}": (-1.0 if sign else 1.0) * np.eye(3)[i]
    for sign in ("", "-")
    for i, axis in enumerate(("x", "y", "z"))
}
"""The up axes a file can have, as unit vectors."""

ADULT_STATURE = 1.69
_ADULT_SEGMENTS = {
    ("hip", "knee"): 0.378,
    ("knee", "ankle"): 0.400,
    ("shoulder", "elbow"): 0.262,
    ("elbow", "wrist"): 0.250,
    ("shoulder", "hip"): 0.552,
}
"""Segment lengths in metres of SMPL's neutral mean body, whose stature is `ADULT_STATURE`."""

_BODY_JOINTS = [
    f"{side}_{j}" for side in ("left", "right") for j in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
]
_NEEDED_JOINTS = ("left_shoulder", "right_shoulder", "left_hip", "right_hip")
_LEAST_BODY_JOINTS = 6

_TO_Z_UP = {
    "x": [[0, 0, -1], [0, 1, 0], [1, 0, 0]],
    "y": [[1, 0, 0], [0, 0, -1], [0, 1, 0]],
    "z": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "-x": [[0, 0, 1], [0, 1, 0], [-1, 0, 0]],
    "-y": [[1, 0, 0], [0, 0, 1], [0, -1, 0]],
    "-z": [[1, 0, 0], [0, -1, 0], [0, 0, -1]],
}
"""Rotations that bring each up axis to Z; y: (x, y, z) -> (x, -z, y)."""


@dataclass(frozen=True)
class Match:
    """A layout, the file's column for each of its keypoints (None where the file has none), and how it was found."""

    layout: Layout
    columns: tuple[int | None, ...]
    decision: Decision

    @classmethod
    def of(cls, layout: Layout, columns: Sequence[int | None], basis: Basis, reason: str) -> Match:
        return cls(layout, tuple(columns), Decision("layout", layout.name, basis, reason))


# Layout

NAMES_ADVICE = (
    "Give a JSON mapping as the layout (--layout mapping.json) that names the site of each keypoint on the body: "
    '{"keypoints": {"R.Knee": "right_knee", "R.Ankle": "right_ankle", ...}}'
)
LIST_ADVICE = (
    "Give the layout by name, or as a JSON mapping (--layout mapping.json) that lists the keypoints in file order: "
    '{"keypoints": ["left_shoulder", null, ...]}'
)


def match_by_name(names: Sequence[str], source: str, layouts: Iterable[Layout] | None = None) -> Match:
    """The layout that has most of a file's names. `LayoutError` where too few are body keypoints to pose a body."""
    best, columns = max(
        ((layout, match_names(names, layout)) for layout in layouts or LAYOUTS.values()),
        key=lambda match: (_count(match[1]), -len(match[0])),
    )
    found = {site for site, column in zip(best.sites, columns) if column is not None}
    if len(found.intersection(_BODY_JOINTS)) < _LEAST_BODY_JOINTS or not found.issuperset(_NEEDED_JOINTS):
        raise LayoutError(
            f"{source}: its {len(names)} keypoints match no known layout: {_abbreviated(names)}. Of the shoulders, "
            f"elbows, wrists, hips, knees and ankles {len(found.intersection(_BODY_JOINTS))} were recognised (at least "
            f"{_LEAST_BODY_JOINTS} are needed, with both shoulders and both hips); marker sets such as Plug-in Gait "
            f"are not known yet. {NAMES_ADVICE}"
        )
    return Match.of(best, columns, "file", _names_reason(names, best, columns))


def _names_reason(names: Sequence[str], layout: Layout, columns: Sequence[int | None]) -> str:
    aside = [split_subject(names[i])[1] for i in range(len(names)) if i not in set(columns)]
    absent = [keypoint for keypoint, column in zip(layout.keypoints, columns) if column is None]
    reason = f"{_count(columns)} of its {len(layout)} keypoints found by name"
    if absent:
        reason += f"; not in the file: {_abbreviated(absent, 8)}"
    if aside:
        reason += f"; set aside: {len(aside)} ({_abbreviated(aside, 6)})"
    return reason


def match_by_count(positions: np.ndarray, source: str) -> Match:
    """The layout of unnamed keypoints (T,K,3): by count and, where layouts share one, by which makes a body."""
    count = positions.shape[1]
    if count in WHOLE_BODY_SETS:
        label, names = WHOLE_BODY_SETS[count]
        match = match_by_name(names, source)
        aside = names.count("")
        reason = f"{count} keypoints: {label}" + (f"; {aside} of hands and face set aside" if aside else "")
        return Match.of(match.layout, match.columns, "detected", reason)
    candidates = [layout for layout in LAYOUTS.values() if len(layout) == count]
    if not candidates:
        known = ", ".join(f"{len(layout)} ({layout.name})" for layout in LAYOUTS.values())
        whole = ", ".join(str(n) for n in WHOLE_BODY_SETS)
        raise LayoutError(
            f"{source}: no layout has {count} keypoints without names; known counts are {known}, and the whole-body "
            f"sets of {whole}. {LIST_ADVICE}"
        )
    scores = sorted((implausibility(positions, layout), i) for i, layout in enumerate(candidates))
    error, index = scores[0]
    layout = candidates[index]
    if error > _IMPLAUSIBLE:
        raise LayoutError(
            f"{source}: {count} keypoints could be {layout.name}, but in its order they make no body: segment lengths "
            f"are {_off(error)}. {LIST_ADVICE}"
        )
    reason = f"{count} keypoints"
    if len(scores) > 1:
        second = candidates[scores[1][1]]
        reason += f"; segment lengths are {_off(error)} as {layout.name}, {_off(scores[1][0])} as {second.name}"
    return Match.of(layout, range(count), "detected", reason)


def _off(error: float) -> str:
    return f"off by {100 * error:.0f} %" if np.isfinite(error) else "not seen"


_IMPLAUSIBLE = 0.45


def implausibility(positions: np.ndarray, layout: Layout) -> float:
    """How far keypoints (T,K,3) are from a body in this layout's order: 0 is perfect, 1 is nonsense.

    The mean of: left against right segment lengths, how much lengths change over time, and proportions against an
    adult's. Infinite where no segment is seen.
    """
    sites = _Sites(positions, layout)
    lengths = {}
    for a, b in _ADULT_SEGMENTS:
        for side in ("left", "right"):
            lengths[side, a, b] = np.linalg.norm(sites[f"{side}_{a}"] - sites[f"{side}_{b}"], axis=1)
    medians = {key: finite_median(length) for key, length in lengths.items()}
    scale = finite_median(
        [medians[side, a, b] / adult for (a, b), adult in _ADULT_SEGMENTS.items() for side in ("left", "right")]
    )
    if not scale > 0:
        return np.inf
    errors = []
    for (a, b), adult in _ADULT_SEGMENTS.items():
        left, right = medians["left", a, b], medians["right", a, b]
        errors.append(abs(left - right) / (adult * scale))
        for side in ("left", "right"):
            median = medians[side, a, b]
            errors.append(abs(median / (adult * scale) - 1))
            errors.append(finite_median(np.abs(lengths[side, a, b] - median)) / (adult * scale))
    errors = [error for error in errors if np.isfinite(error)]
    return float(np.mean(np.minimum(errors, 2.0)))


# Unit


def body_scale(positions: np.ndarray, layout: Layout) -> float:
    """File units per metre, were the person the average adult: median over segments; NaN where none is seen."""
    sites = _Sites(positions, layout)
    scale = finite_median(
        finite_median(np.linalg.norm(sites[f"{side}_{a}"] - sites[f"{side}_{b}"], axis=1)) / adult
        for (a, b), adult in _ADULT_SEGMENTS.items()
        for side in ("left", "right")
    )
    return scale if 1e-9 < scale < 1e9 else np.nan


def decide_unit(
    positions: np.ndarray, layout: Layout, given: str | float | None, stated: str | None
) -> tuple[float, Decision]:
    """Metres per file unit. `given` by the user wins; else what the file `stated` unless that makes no human."""
    stated = (stated or "").strip().lower()
    stated = _UNIT_WORDS.get(stated, stated)
    scale = body_scale(positions, layout)
    stature = scale * ADULT_STATURE  # in file units

    def person(metres: float) -> str:
        return f"the segments are those of a person {stature * metres:.2f} m tall"

    if isinstance(given, str) and given != "body":
        return UNITS[given], Decision("unit", given, "given", person(UNITS[given]) if stature > 0 else "")
    if isinstance(given, (int, float)):
        return float(given), Decision("unit", f"{given:g} m", "given", person(given) if stature > 0 else "")
    if not stature > 0:
        if given == "body":
            raise LayoutError("unit 'body' needs arms, legs or a torso to measure, and this take shows none")
        basis: Basis = "file" if stated in UNITS else "assumed"
        unit = stated if stated in UNITS else "m"
        return UNITS[unit], Decision("unit", unit, basis, "too little of the body is seen to measure it")
    if given == "body":
        return 1 / scale, _body_unit(scale, "given", "")

    detected = _unit_of(stature)
    if stated in UNITS and (detected is None or 0.5 < stature * UNITS[stated] < 3.0):
        return UNITS[stated], Decision("unit", stated, "file", person(UNITS[stated]))
    if detected is None:
        sizes = ", ".join(f"{stature * metres:.2g} m in {unit}" for unit, metres in UNITS.items())
        return 1 / scale, _body_unit(scale, "detected", f"no unit gives a person's size ({sizes}); ")
    contradiction = ""
    if stated in UNITS:
        contradiction = f", though the file says {stated}, which would be {stature * UNITS[stated]:.3g} m"
    return UNITS[detected], Decision("unit", detected, "detected", person(UNITS[detected]) + contradiction)


def _body_unit(scale: float, basis: Basis, reason: str) -> Decision:
    return Decision(
        "unit", "body", basis, f"{reason}scaled by {1 / scale:.4g} m, which makes the person {ADULT_STATURE} m tall"
    )


def _unit_of(stature: float) -> str | None:
    """The unit that makes a stature a person's: an adult in metric units, one in inches or feet, a child or a giant."""
    for units, least, most in (
        (("m", "cm", "mm"), 1.3, 2.2),
        (("in", "ft"), 1.45, 2.05),
        (("m", "cm", "mm"), 0.75, 2.7),
    ):
        for unit in units:
            if least <= stature * UNITS[unit] <= most:
                return unit
    return None


# Up axis

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
    sites = _Sites(positions, layout)
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
    sites = _Sites(positions, layout)
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


class _Sites:
    """Site positions (T,3) of a track by name; NaN where the layout has none."""

    def __init__(self, positions: np.ndarray, layout: Layout):
        self._positions = positions
        self._row = {site: i for i, site in reversed(list(enumerate(layout.sites)))}

    def __getitem__(self, site: str) -> np.ndarray:
        if site in self._row:
            return self._positions[:, self._row[site]]
        return np.full((len(self._positions), 3), np.nan)

    def middle(self, part: str, *instead: str) -> np.ndarray:
        """Between the left and the right part, or one of the sites `instead` where those are not seen."""
        middle = (self[f"left_{part}"] + self[f"right_{part}"]) / 2
        for site in instead:
            middle = np.where(np.isfinite(middle), middle, self[site])
        return middle


def finite_median(values: Iterable[float] | np.ndarray) -> float:
    """Median of what is finite, NaN where nothing is."""
    values = np.asarray(list(values) if not isinstance(values, np.ndarray) else values, dtype=float)
    values = values[np.isfinite(values)]
    return float(np.median(values)) if len(values) else np.nan


def _mean(values: np.ndarray, axis: int) -> np.ndarray:
    """Mean of what is finite, NaN where nothing is."""
    finite = np.isfinite(values)
    count = finite.sum(axis=axis)
    return np.where(finite, values, 0.0).sum(axis=axis) / np.where(count > 0, count, np.nan)


def _unit(vectors: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(length > 0, length, np.nan)


def _count(columns: Iterable[int | None]) -> int:
    return sum(column is not None for column in columns)


def _abbreviated(names: Sequence[str], most: int = 20) -> str:
    more = f", ... {len(names) - most} more" if len(names) > most else ""
    return ", ".join(str(name)[:40] for name in names[:most]) + more
