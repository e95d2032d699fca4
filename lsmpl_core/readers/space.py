"""What the numbers of a take are coordinates of: a space of three dimensions, near its origin or
far from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..bounds import SMALLEST, TALLEST
from ..errors import KeypointFileError
from ..keypoints.layouts import Layout
from ..keypoints.plausibility import some_frames
from ..keypoints.track import Decision
from ..medians import middle_of_points, within
from .image_depths import PIXELS_WITH_DEPTH, are_pixels_with_depth
from .raw import RawTrack
from .units import UNITS

FLAT = 0.02
"""Share of a take's longest extent below which it has no depth: standing people are 0.1 deep at
least."""
FLAT_ANY_WAY = 0.03
"""The same of the spreads about a plane of any direction: of recorded motion 0.12 at least, of its
limbs alone 0.083, of strangers' markers 0.10."""
_FEWEST_POINTS = 12
"""Points of which that is said: those of few bones may well be in a plane."""
PIXELS = 20.0
"""Extent of the other two coordinates from which they are pixels, where the third is a score."""
STRAY = 20_000.0
"""Metres from the middle of a take beyond which nobody goes in one."""
OUTSIDE = 0.5
"""Shares of an image by which landmarks may lie outside of it."""
CENTRED = 0.01
"""Share of the body's extent up to which the middle of the hips is at depth 0."""
FAR = 500.0
"""Extents of the body from the origin beyond which a take is moved to it: single precision then
loses a millimetre."""


def check_dimension(raw: RawTrack, path: Path) -> RawTrack:
    """The take, told where it has no depth.

    Raises `KeypointFileError` where the third number of each keypoint is a score and the first two
    are of an image.
    """
    extents = _extents(raw.positions)
    thinnest = int(np.argmin(extents))
    if not extents.max() > 0:
        return raw
    if extents[thinnest] > FLAT * extents.max():
        return (
            _told(raw, "some plane, though not along an axis") if _are_flat(raw.positions) else raw
        )
    third = raw.positions[..., 2][np.isfinite(raw.positions).all(axis=2)]
    scores = third.min() >= 0 and (third.max() <= 1 or np.isin(third, (0, 1, 2)).all())
    if thinnest == 2 and scores and np.sort(extents)[1] > PIXELS:
        raise KeypointFileError(
            f"{path}: its keypoints are 2D: x and y in pixels (over {extents[0]:.0f} x "
            f"{extents[1]:.0f}) and a score ({third.min():.2g} to {third.max():.2g}) where z would "
            "be. 3D keypoints are needed: triangulated from several cameras, or lifted by a pose "
            "estimator"
        )
    return _told(raw, f"one plane: {'xyz'[thinnest]} hardly changes")


def _told(raw: RawTrack, plane: str) -> RawTrack:
    reason = f"all points are in {plane}. Is it 2D, with a third number added?"
    return replace(raw, decisions=[*raw.decisions, Decision("depth", "none", "assumed", reason)])


def _are_flat(positions: np.ndarray) -> bool:
    """Whether points (T,K,3) of a body are in a plane of any direction in half of the frames."""
    chosen = some_frames(positions)
    seen = np.isfinite(chosen).all(axis=2)
    shares = []
    for points in (frame[there] for frame, there in zip(chosen, seen)):
        if len(points) >= _FEWEST_POINTS:
            points = points / max(np.abs(points).max(), 1e-300)  # whose squares may be too large
            spreads = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
            shares.append(spreads[2] / max(spreads[0], 1e-12))
    return bool(shares) and float(np.median(shares)) < FLAT_ANY_WAY


def check_space(raw: RawTrack, columns: Sequence[int | None], layout: Layout, path: Path) -> None:
    """Raises `KeypointFileError` where x and y are shares of an image or pixels, not metres, or
    places are those of bones within their parents."""
    taken = [column for column in columns if column is not None]
    positions = in_order(raw.positions, taken)
    if layout.edges and are_within_parents(positions):
        raise KeypointFileError(f"{path}: {WITHIN_PARENTS}")
    if are_pixels_with_depth(in_order(raw.positions, columns), layout):
        raise KeypointFileError(f"{path}: {PIXELS_WITH_DEPTH}")
    if not are_image_shares(positions, raw.positions[:, hips_of(layout, columns)]):
        return
    advice = f", or say --layout {layout.name} if the image was square"
    raise KeypointFileError(f"{path}: {SHARES_OF_AN_IMAGE}{advice}")


WITHIN_PARENTS = (
    "most of its points never move, though others do: places of bones relative to their parents "
    "(local coordinates), of which a pose is none without the rotations. Export positions in the "
    "world (global), or BVH"
)


def are_within_parents(positions: np.ndarray) -> bool:
    """Whether most of some points (T,K,3) stay where they are while others move, as offsets of
    bones from their parents do, and no points of people."""
    seen = np.isfinite(positions).all(axis=(0, 2))
    if len(positions) < _FEWEST_FRAMES or not seen.any():
        return False
    moved = np.ptp(positions[:, seen], axis=0).max(axis=1)
    size = _extents(positions).max()
    return bool((moved <= _STILL * size).mean() > _MOSTLY_STILL and moved.max() > _MOVING * size)


_FEWEST_FRAMES, _MOSTLY_STILL = 10, 0.5
_STILL, _MOVING = 1e-5, 0.02
"""Shares of the points' extent up to which one stays where it is, and from which on one moves."""


def hips_of(layout: Layout, columns: Sequence[int | None]) -> list[int]:
    """The columns of a layout's hips, those that there are."""
    column_of = dict(zip(layout.keypoints, columns))
    hips = (column_of.get(name) for name in ("left_hip", "right_hip"))
    return [column for column in hips if column is not None]


SHARES_OF_AN_IMAGE = (
    "its x and y are shares of an image (MediaPipe's pose_landmarks), which are no places in "
    "space. Export pose_world_landmarks, which are in metres"
)


def are_image_shares(positions: np.ndarray, hips: np.ndarray) -> bool:
    """Whether MediaPipe's landmarks (T,K,3), with hips (T,2,3) among them, are those of the image.

    Of those x and y are divided by the image's width and height, and the hips' depth is 0; of its
    world landmarks the hips are at the origin in all three.
    """
    if hips.shape[1] != 2:
        return False
    middle = np.abs(hips.mean(axis=1))
    if not np.isfinite(middle).any():
        return False
    across, down, deep = np.nanmedian(middle, axis=0)
    at_depth_0 = deep <= CENTRED * max(_extents(positions).max(), 1e-12)
    if not at_depth_0 or max(across, down) < 2 * OUTSIDE / 5:
        return False
    flat = positions[..., :2]  # of which a copy may be more than there is memory for
    lowest, highest = np.fmin.reduce(flat, axis=None), np.fmax.reduce(flat, axis=None)
    return bool(lowest >= -OUTSIDE and highest <= 1 + OUTSIDE)


def in_order(positions: np.ndarray, columns: Sequence[int | None]) -> np.ndarray:
    """Positions (T,N,3) in the order of `columns` (K,): (T,K,3), NaN where a column is None; the
    same array where they are in that order."""
    if list(columns) == list(range(positions.shape[1])):
        return positions
    ordered = np.full((len(positions), len(columns), 3), np.nan)
    for k, column in enumerate(columns):
        if column is not None:
            ordered[:, k] = positions[:, column]
    return ordered


def found_origin(positions: np.ndarray) -> tuple[np.ndarray, Decision | None]:
    """What to take off (3,) positions (T,K,3) that are kilometres from the origin, as survey
    coordinates are; or 0."""
    middle = middle_of_points(positions, np.isfinite(positions).all(axis=2))
    far = np.abs(middle) > FAR * max(_extents(positions).max(), 1e-12)
    if not far.any():
        return np.zeros(3), None
    moved = np.where(far, np.round(middle), 0.0)
    listed = " ".join(f"{value:.10g}" for value in moved)
    return moved, Decision(
        "origin", "moved", "detected", f"coordinates are far from it; {listed} was taken off them"
    )


def without_strays(positions: np.ndarray) -> tuple[np.ndarray, Decision | None]:
    """Positions (T,K,3) in metres (the same array), NaN where they are kilometres from the others,
    as no keypoint of a body can be."""
    seen = np.isfinite(positions).all(axis=2)
    stray = seen & ~within(positions, middle_of_points(positions, seen), STRAY)
    if not stray.any():
        return positions, None
    positions[stray] = np.nan
    return positions, Decision(
        "missing", f"{stray.sum()} points", "detected", f"more than {STRAY:,.0f} m away"
    )


def checked_stature(stature: float, source: str, unit: Decision) -> None:
    """Raises `KeypointFileError` where so many metres are no person's stature; NaN, where it is not
    known, passes."""
    if SMALLEST <= stature <= TALLEST or not stature > 0:
        return
    fitting = [
        name
        for name, metres in UNITS.items()
        if SMALLEST <= stature / _metres(unit) * metres <= TALLEST
    ]
    advice = (
        f"in {' or '.join(fitting)} it would be a person"
        if fitting
        else "no unit makes a person of it"
    )
    raise KeypointFileError(
        f"{source}: with unit {unit.value} the person would be {stature:.3g} m tall; people are "
        f"{SMALLEST} to "
        f"{TALLEST:g} m. {advice[0].upper()}{advice[1:]}; unit 'body' makes it an adult of any size"
    )


def _metres(unit: Decision) -> float:
    return UNITS[unit.value] if unit.value in UNITS else float(unit.value.split()[0])


def _extents(positions: np.ndarray) -> np.ndarray:
    """(3,): over which length the points of a frame are spread along each axis, the median over
    frames."""
    chosen = some_frames(positions)
    chosen = chosen[np.isfinite(chosen).all(axis=2).sum(axis=1) >= 4]
    if not len(chosen):
        return np.zeros(3)
    return np.median(np.nanmax(chosen, axis=1) - np.nanmin(chosen, axis=1), axis=0)
