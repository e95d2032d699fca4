"""A track becomes a take of a scene, and a scene plays its takes at their own speed."""

from __future__ import annotations

import math
from collections.abc import Sequence

import bpy

from ...lsmpl_core import KeypointTrack
from ...lsmpl_core.marker_calibration.calibrate_markers import needs_calibration
from ..errors import all_or_nothing
from ..takes import display, other_characters, playing, timing
from ..takes import take as takes


def add_take(
    scene: bpy.types.Scene, track: KeypointTrack, name: str = "", collection=None
) -> bpy.types.Object:
    """Store a track as a take, link it, and show it at the scene's present rate."""
    with all_or_nothing():
        take = takes.store_track(track, name)
        display.show(take, len(track.layout), markers=needs_calibration(track.layout))
        take.lsmpl.start = track.first_frame
        take.lsmpl.step = timing.frame_step(scene, track.fps)
        take.color = _COLOURS[len(takes.takes_in(scene)) % len(_COLOURS)]
        (collection or scene.collection).objects.link(take)
    return take


_COLOURS = [
    (0.20, 0.55, 0.90, 1.0), (0.95, 0.55, 0.15, 1.0), (0.30, 0.70, 0.30, 1.0),
    (0.85, 0.30, 0.35, 1.0), (0.60, 0.45, 0.80, 1.0), (0.25, 0.75, 0.75, 1.0),
    (0.90, 0.80, 0.25, 1.0), (0.85, 0.50, 0.70, 1.0),
]  # fmt: skip
"""Of takes in the order in which they come, for viewports that show objects' colours."""


def match_scene(scene: bpy.types.Scene, imported: Sequence[bpy.types.Object]) -> None:
    """Let the scene play these takes from their first to their last frame, at the rate of the first
    of them.

    A scene that had other takes keeps its rate, which those were timed for, and its range only
    grows. A scene that is animated by anything but takes keeps both: takes that do not begin within
    its range begin where it does, by one shift for all, so that those whose files count frames from
    the same one stay together. One whose rate somebody chose keeps that: the takes play at their
    own speed in it anyway.
    """
    others = [take for take in takes.takes_in(scene) if take not in imported]
    match_rate(scene, imported)
    if is_anothers_work(scene):
        _begin_within(scene, imported)
        return
    ends = [end for take in imported for end in span(take)]
    if others:
        ends += [scene.frame_start, scene.frame_end]
    timing.set_scene_range(scene, min(ends), max(ends))


def match_rate(scene: bpy.types.Scene, imported: Sequence[bpy.types.Object]) -> None:
    """Give a scene that has no other takes, no animation and no rate of its own that of the first
    of these; let all of these play at their own speed in it."""
    others = [take for take in takes.takes_in(scene) if take not in imported]
    if not (others or is_anothers_work(scene) or timing.has_rate_of_its_own(scene)):
        timing.set_scene_rate(scene, takes.describe(imported[0])["fps"])
    retime(scene, imported)


def is_anothers_work(scene: bpy.types.Scene) -> bool:
    """Whether a scene is animated by anything but takes, what shows them and what they were put
    on."""
    ours: list[bpy.types.Object | None] = []
    for take in takes.takes_in(scene):
        ours += [take, take.lsmpl.armature, take.lsmpl.body_mesh, take.lsmpl_picture.shown_by]
        ours += [other.target for other in other_characters.all_of(take)]
    return timing.is_animated(scene, but=[obj for obj in ours if obj])


def _begin_within(scene: bpy.types.Scene, imported: Sequence[bpy.types.Object]) -> None:
    first = min(take.lsmpl.start for take in imported)
    if not scene.frame_start <= first <= scene.frame_end:
        for take in imported:
            take.lsmpl.start += scene.frame_start - first


def retime(scene: bpy.types.Scene, retimed: Sequence[bpy.types.Object]) -> None:
    """Let takes play at their own speed at the scene's present rate; what was baked from them stays
    as it is."""
    for take in retimed:
        take.lsmpl.step = timing.frame_step(scene, takes.describe(take)["fps"])


def speed(take: bpy.types.Object, scene: bpy.types.Scene) -> float:
    """How fast a take plays, 1 being its own speed: another where the rate of the scene was changed
    since it was timed."""
    return timing.frame_step(scene, takes.describe(take)["fps"]) / take.lsmpl.step


def plays_at_its_speed(take: bpy.types.Object, scene: bpy.types.Scene) -> bool:
    return math.isclose(speed(take, scene), 1.0, rel_tol=1e-4)


def span(take: bpy.types.Object) -> tuple[float, float]:
    """Scene frames of a take's first and last frame."""
    last = takes.describe(take)["frames"] - 1
    return playing.scene_frame(take, 0), playing.scene_frame(take, last)
