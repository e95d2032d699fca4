"""How often the unit and the up axis of a take are found, and how sure the finder is of it: keypoints and markers.

Recorded motion of the validation subjects, on random bodies, in each of the six axes and five units: as BODY_25 by
names, and as markers on the skin whose names say nothing. Run by hand: python -m benchmarks.units_and_axes MOCAP
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from benchmarks.validation import clips
from lsmpl_core import load_body
from lsmpl_core.keypoints.layouts import get_layout
from lsmpl_core.keypoints.track import DOUBTFUL
from lsmpl_core.readers.axes import TO_Z_UP, decide_up
from lsmpl_core.readers.units import UNITS, decide_unit

MARKERS = 45
LAYOUT = get_layout("body_25")
Change = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def as_recorded(points, rng):
    """On a floor at zero."""
    return points + rng.normal(size=3) * (1, 1, 0)


def any_height(points, rng):
    return points + rng.normal(size=3)


def one_frame(points, rng):
    return as_recorded(points, rng)[:1]


def noisy(points, rng):
    """10 mm of noise, a fifth missing."""
    points = as_recorded(points, rng) + 0.01 * rng.normal(size=points.shape)
    points[rng.random(points.shape[:2]) < 0.2] = np.nan
    return points


def treadmill(points, rng):
    return points - points.mean(axis=1, keepdims=True) * (1, 1, 0)


def lower_half(points, rng):
    """Only what is below the middle of the body: both legs, or half of the layout."""
    heights = np.median(points[..., 2], axis=0)
    return np.where((heights < np.median(heights))[:, None], as_recorded(points, rng), np.nan)


def lying(points, rng):
    """Turned onto the back or the face, on a floor at zero."""
    sign = rng.choice((-1, 1))
    points = treadmill(points, rng) @ np.array([[0, 0, sign], [0, 1, 0], [-sign, 0, 0]]).T
    return points - (0, 0, np.percentile(points[..., 2].min(axis=1), 20)) + rng.normal(size=3) * (1, 1, 0)


CHANGES: tuple[Change, ...] = (as_recorded, any_height, one_frame, noisy, treadmill, lower_half, lying)


def takes(folder: Path, count: int, frames: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Keypoints (T,25,3) and markers (T,45,3) of each clip, in metres, Z up."""
    body = load_body()
    hands = (body.skinning_weights[:, [22, 23]].sum(axis=1) > 0.5).nonzero()[0]
    skin = np.setdiff1d(np.arange(len(body.v_template)), hands)
    for number, clip in enumerate(clips(folder, body, count, frames)):
        rng = np.random.default_rng(number)
        vertices = body.vertices(clip.motion, correctives=False)
        markers = vertices[:, rng.choice(skin, MARKERS, replace=False)].astype(float)
        yield body.keypoints(clip.motion, LAYOUT).positions, markers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mocap", type=Path)
    parser.add_argument("--clips", type=int, default=60)
    parser.add_argument("--frames", type=int, default=150)
    options = parser.parse_args()
    everyone = list(takes(options.mocap, options.clips, options.frames))
    print(f"{len(everyone)} clips of {options.frames} frames, each in 6 axes; of wrong answers, how many were doubtful")
    print(f"{'':14} {'keypoints':>30}   {'markers':>30}")
    print(f"{'':14}" + f" {'up':>6} {'sure':>5} {'doubted':>8} {'unit':>7}   " * 2)
    for change in CHANGES:
        rng = np.random.default_rng(1)
        cells = []
        for which, layout in ((0, LAYOUT), (1, None)):
            found, right_unit = [], []
            for take in everyone:
                points = change(take[which], rng)
                for axis, to_z in TO_Z_UP.items():
                    unit = list(UNITS)[rng.integers(len(UNITS))]
                    angle = 2 * np.pi * rng.random()
                    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
                    filed = points @ turn.T @ np.array(to_z, float) / UNITS[unit]
                    up = decide_up(filed, layout, None, None)[1]
                    found.append((up.value == axis, up.confidence or np.nan))
                    right_unit.append(decide_unit(filed, layout, None, None)[1].value == unit)
            right, sure = np.array(found, float).T
            doubted = f"{(sure[right == 0] < DOUBTFUL).mean():8.0%}" if (right == 0).any() else f"{'-':>8}"
            cells.append(f" {right.mean():6.1%} {np.nanmean(sure):5.2f} {doubted} {np.mean(right_unit):7.1%}   ")
        print(f"{change.__name__:14}" + "".join(cells))


if __name__ == "__main__":
    main()
