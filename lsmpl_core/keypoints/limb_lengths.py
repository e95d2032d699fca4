"""Limbs whose bones have not the lengths of bones: the same in all frames, and on both sides.

A body meets a wrist that is 20 cm off by bending the arm, to a few millimetres; but the bone
between two keypoints tells. A whole leg or arm that is aside, or that lags behind, leaves its bones
as they are, but not the trunk between the hips and the shoulders.
"""

from __future__ import annotations

import numpy as np

from ..points import complete
from .layouts import Layout
from .proportions import Sites

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
WIDTHS = {"hips": ("hip", CHANGING), "shoulders": ("shoulder", 0.4)}
"""Which pairs of the trunk are apart, and by how much of a usual bone's length that may change:
pelvises are bones, shoulders move on ribs, in a recorded dance by 0.27."""
MIDDLES = {
    "hip": {"mid_hip": 0.13, "pelvis": 0.13, "neck": 0.2, "between the shoulders": 0.3},
    "shoulder": {"neck": 0.2, "spine3": 0.2, "between the hips": 0.3},
}
"""From where both hips and both shoulders are as far, and by how much of a usual bone's length one
may be farther than the other, in many frames, and up to three times that in few. Of recorded motion
with 30 mm of noise hips are by 0.04, as spines bend by 0.06, from between the shoulders by 0.2;
shoulders from the neck by 0.08, from between the hips by 0.19. Where a leg with its hip is 20 cm
aside they are by 0.2 from their middle at least."""


GROWING, PARTS_OF_TAKE, FEWEST_OF_A_PART = 0.12, 8, 5
"""By what share all bones may be longer in one part of a take than in another, into how many parts
it is divided, and of how many frames each is at least: recorded motion with 30 mm of noise
less, where another scale of 1.2 goes on more."""


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
    usual, sites = _usual(lengths), Sites(positions, layout)
    return (
        _changing(lengths, _widths(sites))
        + _uneven(lengths)
        + _off_centre(sites, usual)
        + _growing(sites)
    )


def _widths(sites: Sites) -> dict[str, np.ndarray]:
    """How far the pairs of the trunk are apart (N,) where they are seen."""
    found = {}
    for name, (part, _) in WIDTHS.items():
        apart = sites.distance(f"left_{part}", f"right_{part}")
        if np.isfinite(apart).any():
            found[name] = apart[np.isfinite(apart)]
    return found


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


def _changing(lengths: dict[str, np.ndarray], widths: dict[str, np.ndarray]) -> list[str]:
    usual = _usual(lengths)
    change = {
        name: float(np.subtract(*np.percentile(length, [90, 10]))) / usual
        for name, length in (lengths | widths).items()
    }
    others = max(float(np.median([change[bone] for bone in lengths])), LEAST_CHANGE)

    def too_much(name: str, length: np.ndarray, least: float) -> bool:
        more = change[name] > _in_few(TIMES_OTHERS, length) * others
        return change[name] > MOST_CHANGING or (change[name] > least and more)

    return [
        f"the {bone}'s length changes by {100 * usual * change[bone]:.0f} cm over the take"
        for bone, length in lengths.items()
        if too_much(bone, length, CHANGING)
    ] + [
        f"how far the {pair} are apart changes by {100 * usual * change[pair]:.0f} cm"
        for pair, width in widths.items()
        if too_much(pair, width, WIDTHS[pair][1])
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


def _off_centre(sites: Sites, usual: float) -> list[str]:
    """A limb that is aside with its hip or shoulder has bones of the right lengths; the trunk has
    not."""
    between = {f"between the {part}s": sites.middle(part) for part in MIDDLES}
    found = []
    for part, middles in MIDDLES.items():
        pair = np.stack([sites[f"{side}_{part}"] for side in ("left", "right")], axis=1)
        for name, limit in middles.items():
            middle = between[name] if name in between else sites[name]
            away = np.linalg.norm(pair - middle[:, None], axis=2)
            if not len(away := away[np.isfinite(away).all(axis=1)]):
                continue
            left, right = (float(one) for one in np.median(away, axis=0))
            if abs(left - right) > _in_few(limit, away) * usual:
                found.append(
                    f"the left {part} is {100 * left:.0f} cm from {_named(name)}, the right "
                    f"{100 * right:.0f}"
                )
                break
    return found


def _growing(sites: Sites) -> list[str]:
    """Bones that are all longer for a while are another person's, or of another scale."""
    bones = []
    for side in ("left", "right"):
        for start, end in BONES.values():
            length = sites.distance(f"{side}_{end}", f"{side}_{start}")
            if np.isfinite(length).any() and (usual := np.nanmedian(length)) > 0:
                bones.append(length / usual)
    if not bones:
        return []
    seen = np.stack(bones, axis=1)
    seen = seen[np.isfinite(seen).all(axis=1)]
    parts = min(len(seen) // FEWEST_OF_A_PART, PARTS_OF_TAKE)
    if parts < 2:
        return []
    parts_of = [np.median(part, axis=1) for part in np.array_split(seen, parts)]
    size = [float(np.median(part)) for part in parts_of]
    growth = max(size) / max(min(size), 1e-9) - 1.0
    # What changes as much from frame to frame is no part of the take.
    within = float(np.median([np.subtract(*np.percentile(part, [90, 10])) for part in parts_of]))
    if growth <= max(GROWING, within):
        return []
    return [f"all bones are longer by {100 * growth:.0f} % in one part of the take than in another"]


def _named(middle: str) -> str:
    named = {"mid_hip": "between the hips", "pelvis": "between the hips", "neck": "the neck"}
    return named.get(middle, middle)


def _usual(lengths: dict[str, np.ndarray]) -> float:
    return max(float(np.median([np.median(length) for length in lengths.values()])), 1e-9)


def _in_few(limit: float, frames: np.ndarray) -> float:
    """A limit for as many frames, of which few do not even out their noise."""
    return limit * (1.0 + 2.0 / np.sqrt(len(frames)))
