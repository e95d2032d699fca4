"""Limbs whose bones have not the lengths of bones: the same in all frames, and on both sides.

A body meets a wrist that is 20 cm off by bending the arm, to a few millimetres; but the bone
between two keypoints tells. A whole leg that is aside leaves its bones as they are, but not the
pelvis between the hips.
"""

from __future__ import annotations

import numpy as np

from ..points import complete
from .layouts import Layout

BONES = {
    "thigh": ("hip", "knee"),
    "shank": ("knee", "ankle"),
    "upper arm": ("shoulder", "elbow"),
    "forearm": ("elbow", "wrist"),
}
CHANGING, MOST_CHANGING = 0.15, 0.5
"""By how much of a usual bone's length one may change between a tenth and nine tenths of the
frames, where the others change less, and at all: with 30 mm of noise 0.24 in all bones alike, of a
dance that was lifted from video 0.38."""
TIMES_OTHERS = 3.0
"""How many times the other bones' usual change that is, in many frames, and up to thrice that in
few: of recorded motion with noise at most 1.3, of the keypoints of four cameras 1.95, in five
frames 2.4; where a wrist is 20 cm off in half of the frames 5.8 at least."""
UNEVEN = 0.15
"""By how much of it a left and a right bone may differ in many frames, and up to three times that
in few: of recorded motion with 30 mm of noise 0.04, of recordings 0.07, in a single frame 0.28."""
LEAST_CHANGE = 0.03
"""Of the others' change: less is as good as none."""
MIDDLES = ("mid_hip", "pelvis", "neck")
"""Sites from which both hips are as far, whichever there are."""
OFF_CENTRE = {"mid_hip": 0.13, "pelvis": 0.13, "neck": 0.2}
"""By how much of a usual bone's length one hip may be farther from them than the other, in many
frames, and up to three times that in few: with 30 mm of noise 0.04 and, for spines bend, 0.06;
where a leg with its hip is 20 cm aside 0.2 from the middle at least."""


def doubtful_limbs(positions: np.ndarray, layout: Layout) -> list[str]:
    """What is wrong with the limbs of keypoints (T,K,3) that are believed, NaN where they are not:
    "left forearm ..."; [] where nothing is. Layouts without the sites of limbs have no limbs."""
    lengths = {
        f"{side} {bone}": np.linalg.norm(ways, axis=1)
        for (side, bone), ways in bone_ways(positions, layout).items()
        if len(ways)
    }
    if len(lengths) < len(BONES):
        return []
    return _changing(lengths) + _uneven(lengths) + _off_centre(positions, layout, _usual(lengths))


def bone_ways(positions: np.ndarray, layout: Layout) -> dict[tuple[str, str], np.ndarray]:
    """By side and bone, of those whose ends the layout has, from start to end (N,3) in the frames
    of keypoints (T,K,3) that show both."""
    row = {site: k for k, site in enumerate(layout.sites)}
    found = {}
    for side in ("left", "right"):
        for bone, parts in BONES.items():
            start, end = (row.get(f"{side}_{part}") for part in parts)
            if start is not None and end is not None:
                ways = positions[:, end] - positions[:, start]
                found[side, bone] = ways[complete(ways)]
    return found


def _changing(lengths: dict[str, np.ndarray]) -> list[str]:
    usual = _usual(lengths)
    change = {
        bone: float(np.subtract(*np.percentile(length, [90, 10]))) / usual
        for bone, length in lengths.items()
    }
    others = max(float(np.median(list(change.values()))), LEAST_CHANGE)
    return [
        f"the {bone}'s length changes by {100 * usual * change[bone]:.0f} cm over the take"
        for bone, length in lengths.items()
        if change[bone] > MOST_CHANGING
        or (change[bone] > CHANGING and change[bone] > _in_few(TIMES_OTHERS, length) * others)
    ]


def _uneven(lengths: dict[str, np.ndarray]) -> list[str]:
    usual, found = _usual(lengths), []
    for bone in BONES:
        one, other = lengths.get(f"left {bone}"), lengths.get(f"right {bone}")
        if one is None or other is None:
            continue
        left, right = float(np.median(one)), float(np.median(other))
        if abs(left - right) > _in_few(UNEVEN, min(one, other, key=len)) * usual:
            found.append(
                f"the left {bone} is {100 * left:.0f} cm long, the right {100 * right:.0f}"
            )
    return found


def _off_centre(positions: np.ndarray, layout: Layout, usual: float) -> list[str]:
    """A leg that is aside with its hip has bones of the right lengths; the pelvis has not."""
    row = {site: k for k, site in enumerate(layout.sites)}
    if "left_hip" not in row or "right_hip" not in row:
        return []
    for middle in (site for site in MIDDLES if site in row):
        hips = positions[:, [row["left_hip"], row["right_hip"]]]
        away = np.linalg.norm(hips - positions[:, None, row[middle]], axis=2)
        if not len(away := away[np.isfinite(away).all(axis=1)]):
            continue
        left, right = (float(one) for one in np.median(away, axis=0))
        if abs(left - right) > _in_few(OFF_CENTRE[middle], away) * usual:
            where = "neck" if middle == "neck" else "middle of the hips"
            return [
                f"the left hip is {100 * left:.0f} cm from the {where}, the right {100 * right:.0f}"
            ]
    return []


def _usual(lengths: dict[str, np.ndarray]) -> float:
    return max(float(np.median([np.median(length) for length in lengths.values()])), 1e-9)


def _in_few(limit: float, frames: np.ndarray) -> float:
    """A limit for as many frames, of which few do not even out their noise."""
    return limit * (1.0 + 2.0 / np.sqrt(len(frames)))
