"""What the strip says of a take: how far every frame is off, and which stretches are doubtful."""

from __future__ import annotations

from typing import NamedTuple

import bpy
import numpy as np

from ...lsmpl_core import LsmplError
from ...lsmpl_core.doubtful import Stretch
from ..refining import residuals
from ..solving import quality
from ..takes import display, display_nodes, layers, playing
from ..takes import take as takes
from ..takes.mesh_data import has_attribute

UNMEASURED = -1.0
"""Level of a frame in which nothing was measured."""
_NEAR_PIXELS = 4
"""From how near a click means the worst frame of a short stretch."""


class Strip(NamedTuple):
    """Of a take's T frames: how far off they are (T,), 0 for what is not worth a look, 1 where the
    keypoints turn orange and 2 where they turn red, `UNMEASURED` where nobody knows; and its
    doubtful stretches."""

    levels: np.ndarray
    stretches: list[Stretch]


_strips: dict[int, Strip] = {}
"""By the take's session_uid; forgotten whenever a mesh changes."""


def forget() -> None:
    _strips.clear()


def of_take(take: bpy.types.Object) -> Strip | None:
    """The strip of a solved take; None where there is nothing to say, or its data are out of
    reach."""
    if take.session_uid not in _strips:
        try:
            if not layers.is_solved(take):
                return None
            frames, _ = takes.shape_of(take)
            _strips[take.session_uid] = Strip(_levels(take, frames), quality.stretches(take))
        except LsmplError:
            return None
    return _strips[take.session_uid]


def _levels(take: bpy.types.Object, frames: int) -> np.ndarray:
    """By the distances from which the take's keypoints are orange and red."""
    if not has_attribute(take.data, "residual", "FLOAT"):
        return np.full(frames, UNMEASURED)
    metres = residuals.frame_residual(take, 0, frames - 1)
    fair = display.get(take, "Fair", display_nodes.FAIR_METRES)
    poor = display.get(take, "Poor", display_nodes.POOR_METRES)
    levels = np.interp(
        metres, [0.0, 0.5 * fair, fair, max(poor, fair + 1e-6)], [0.0, 0.0, 1.0, 2.0]
    )
    return np.where(np.isfinite(metres), levels, UNMEASURED)


def spans(take: bpy.types.Object, strip: Strip) -> list[tuple[float, float, float]]:
    """Of each doubtful stretch: the scene frames where it begins and ends, half a frame about it,
    and the scene frame of its worst."""
    half = take.lsmpl.step / 2
    return [
        (
            playing.scene_frame(take, stretch.first) - half,
            playing.scene_frame(take, stretch.last) + half,
            playing.scene_frame(take, stretch.worst),
        )
        for stretch in strip.stretches
    ]


def meant(
    take: bpy.types.Object, strip: Strip, frame: float, frames_a_pixel: float
) -> tuple[int, Stretch | None]:
    """What a click at a scene frame means: a frame of the take, and the stretch in which it lies,
    whose worst frame it then is where several of its frames are not four pixels apart."""
    near = _NEAR_PIXELS * frames_a_pixel
    for stretch, (first, last, _) in zip(strip.stretches, spans(take, strip)):
        if first - near <= frame <= last + near:
            if (last - first) < 4 * near:
                return stretch.worst, stretch
            break
    else:
        stretch = None
    t = round((frame - take.lsmpl.start) / take.lsmpl.step)
    return min(max(t, 0), len(strip.levels) - 1), stretch
