"""Takes made of objects and bones that are already in the scene, and read again after these were
edited.

A take remembers which object or bone each of its keypoints is (`Object.lsmpl_sources`), which can
be changed. What was read stays with the take when they are deleted.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

import bpy
import numpy as np
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)
from mathutils import Matrix

from ...lsmpl_core import KeypointTrack, LsmplError
from ...lsmpl_core.errors import LayoutError
from ...lsmpl_core.readers import matched, settled
from ...lsmpl_core.readers.raw import RawTrack
from .. import jobs
from ..errors import all_or_nothing
from ..held import Held
from ..registration import registration
from ..takes import take as takes
from ..takes import timing
from . import adding, retaking
from .sampling import HeldPoints, Point, key_range, positions_of

_NUMBERED = re.compile(r"(.+)\.\d{3,}")
_POINT_TYPES = {
    "EMPTY",
    "MESH",
    "CURVE",
    "META",
    "SURFACE",
    "POINTCLOUD",
    "VOLUME",
    "FONT",
    "CURVES",
}
"""Types of objects that stand for points; cameras, lights and the like do not."""
SOURCE = "objects in the scene"


class KeypointSource(bpy.types.PropertyGroup):
    """Which object or bone a keypoint of a take is read from."""

    keypoint: StringProperty(
        name="Keypoint", description="The keypoint that is read from this object"
    )
    object: PointerProperty(
        type=bpy.types.Object,
        name="Object",
        description="The object, or the armature of the bone, that is this keypoint",
    )
    bone: StringProperty(
        name="Bone", description="The bone of the armature whose head is this keypoint"
    )

    def point(self) -> Point | None:
        """None where the source is not chosen, or not there any more."""
        if self.object is None or not self.object.users_scene:
            return None
        point = Point(self.object, self.bone if self.object.type == "ARMATURE" else "")
        return point if point.is_there else None


class TrackSources(bpy.types.PropertyGroup):
    """`Object.lsmpl_sources` of a take that was made of objects in the scene."""

    keypoints: CollectionProperty(type=KeypointSource)
    index: IntProperty(name="Keypoint", description="The keypoint that is selected in the list")
    gaps: BoolProperty(
        name="Gaps in Keys Are Missing",
        description="Where recorded objects have no keys for a while, count the keypoint as not "
        "seen, instead of taking the straight line between the keys",
        default=True,
    )
    unit: FloatProperty(name="Metres", description="Metres to one unit of the scene", default=0.0)


def is_from_scene(take: bpy.types.Object) -> bool:
    return len(take.lsmpl_sources.keypoints) > 0


def gone(take: bpy.types.Object) -> list[str]:
    """The keypoints whose objects are not there any more, or were not chosen."""
    return [source.keypoint for source in take.lsmpl_sources.keypoints if source.point() is None]


def candidates(
    scene: bpy.types.Scene, selected: Iterable[bpy.types.Object], children: bool = True
) -> tuple[list[Point], list[Point]]:
    """The objects that may be keypoints among the selected ones (and those below them), and the
    bones of armatures.

    Takes and their characters are left out. In the natural order of their names: Point.2 before
    Point.10.
    """
    ours = set(takes.takes_in(scene))
    ours |= {part for take in ours for part in (take.lsmpl.armature, take.lsmpl.body_mesh) if part}
    found = list(dict.fromkeys(selected))
    if children:
        found = list(dict.fromkeys(obj for top in found for obj in (top, *top.children_recursive)))
    found = [obj for obj in found if obj not in ours and obj.name in scene.objects]
    objects = [Point(obj) for obj in found if obj.type in _POINT_TYPES]
    bones = [
        Point(obj, bone.name) for obj in found if obj.type == "ARMATURE" for bone in obj.pose.bones
    ]
    return sorted(objects, key=_natural), sorted(bones, key=_natural)


def names_of(points: Sequence[Point]) -> list[str]:
    """What the points are called for matching: without the numbers that Blender puts behind a name
    that is taken. Where two are called the same, as those of two people are, with what they are
    below in front: `Ann:left_hip`."""
    bare = [_NUMBERED.sub(r"\1", point.name) for point in points]
    if len(set(bare)) == len(bare):
        return bare
    return [f"{_group(point)}:{name}" for point, name in zip(points, bare)]


def take_steps(
    scene: bpy.types.Scene,
    points: tuple[Sequence[Point], Sequence[Point]],
    layout: str | None = None,
    unit: str | float | None = None,
    person: str | None = None,
    markers: str | None = None,
    gaps: bool = True,
    collection: bpy.types.Collection | None = None,
) -> jobs.Steps[bpy.types.Object]:
    """Yields `Progress` and returns a new take of the points: objects or, where their names tell no
    body, bones.

    layout, unit, person and markers are those of `read_keypoints`. Raises `LsmplError`; then
    nothing has changed.
    """
    chosen, names = _chosen(points, layout, markers)
    frames, fps, held_points = _frames(scene, chosen), timing.scene_rate(scene), HeldPoints(chosen)
    held, held_home = Held(scene, doing="read"), Held(collection)
    positions = yield from positions_of(scene, chosen, frames, gaps)
    # a copy: what reads a track writes metres into it
    raw = RawTrack(positions.copy(), names, fps=fps, first_frame=int(frames[0]))
    raw, match = matched(raw, SOURCE, layout, person, markers)
    track = settled(raw, match, SOURCE, unit, "z")
    origin = range(len(names)) if raw.origin is None else raw.origin
    columns = [None if column is None else origin[column] for column in match.columns]
    metres = _metres(track, positions, columns)
    (scene,), (home,), left = held.again(), held_home.left(), held_points.left()
    of_keypoint = [None if column is None else left[column] for column in columns]
    with all_or_nothing():
        name = _name([point for point in of_keypoint if point])
        take = adding.add_take(scene, track, name, home)
        take.matrix_world = Matrix.Scale(1.0 / metres, 4)
        take.lsmpl_markers.table = markers or ""
        _remember(take, track, of_keypoint, gaps, metres)
    return take


def read_again_steps(take: bpy.types.Object, scene: bpy.types.Scene) -> jobs.Steps[str]:
    """Yields `Progress` and reads a take's objects again, as they are now, over the scene's present
    range.

    Keypoints whose objects are gone stay as they were read. Edits stay where they were put. What
    was solved stays with the take if its frames and keypoints are the same. Returns what to tell
    the user. Raises `LsmplError`; then nothing has changed.
    """
    takes.need_local_object_mode(take)
    sources, name, held = take.lsmpl_sources, take.name, Held(take, doing="read")
    present = {source.keypoint: point for source in sources.keypoints if (point := source.point())}
    if not present:
        raise LsmplError(
            f"{name}: none of the objects that it was made of is in the scene any more"
        )
    chosen, names, metres = list(present.values()), list(present), sources.unit or 1.0
    frames, fps = _frames(scene, chosen), timing.scene_rate(scene)
    sampled = yield from positions_of(scene, chosen, frames, sources.gaps)
    (take,) = held.again()

    # Keypoints whose objects are gone keep what was read, where the frames still are.
    before = takes.load_track(take, edits=False, travelled=False)
    positions = np.full((len(frames), len(before.layout), 3), np.nan)
    rows = [before.layout.index(keypoint) for keypoint in names]
    positions[:, rows] = sampled * metres
    unread = [k for k in range(len(before.layout)) if k not in rows]
    now, then = retaking.common_frames(int(frames[0]), len(frames), before.first_frame, len(before))
    positions[now, unread] = before.positions[then, unread]

    if not np.isfinite(positions).all(axis=2).any():
        raise LsmplError(f"{name}: not one of its objects is to be seen in the scene's frame range")

    sure = np.ones(positions.shape[:2])
    again = replace(
        before, positions=positions, confidence=sure, fps=fps, first_frame=int(frames[0])
    )
    of_edits = retaking.replace_track(take, again)
    take.lsmpl.start, take.lsmpl.step = again.first_frame, 1.0
    also = f"; those without an object stay as they were ({len(unread)})" if unread else ""
    return f"Read {len(rows)} objects over {len(again)} frames{also}{of_edits}"


# Which points, over which frames


def _chosen(points, layout: str | None, markers: str | None) -> tuple[Sequence[Point], list[str]]:
    """Objects if their names are those of a body, else bones if theirs are; and what they are
    called."""
    several = [some for some in points if some]
    if not several:
        raise LsmplError(
            "Nothing is selected that could be keypoints; select empties or other objects, or "
            "an armature"
        )
    if len(several) == 1:
        return several[0], names_of(several[0])
    for some in several:
        names = names_of(some)
        try:
            matched(RawTrack(np.ones((1, len(some), 3)), names), SOURCE, layout, None, markers)
        except LayoutError:
            continue
        return some, names
    return several[0], names_of(several[0])


def _frames(scene: bpy.types.Scene, points: Sequence[Point]) -> np.ndarray:
    """Every frame of the scene's range, cut to where the points are keyed if keys alone move them
    all."""
    first, last = scene.frame_start, scene.frame_end
    keyed = key_range(points)
    if keyed is not None:
        if keyed[0] > last or keyed[1] < first:
            raise LsmplError(
                f"The objects are animated from frame {keyed[0]:g} to {keyed[1]:g}, and the scene "
                f"plays {first} to {last}; set its range to them"
            )
        first, last = max(first, math.floor(keyed[0])), min(last, math.ceil(keyed[1]))
    return np.arange(first, last + 1, dtype=np.float64)


def _group(point: Point) -> str:
    """What tells a person's keypoints from another's: the armature, the object they are below, or
    the collection."""
    if point.bone:
        return point.object.name
    if point.object.parent:
        return point.object.parent.name
    return next((collection.name for collection in point.object.users_collection), "")


def _natural(point: Point) -> list:
    words = re.split(r"(\d+)", f"{point.object.name if point.bone else ''}\n{point.name}".lower())
    return [(0, int(word)) if word.isdigit() else (1, word) for word in words]


def _name(points: Sequence[Point]) -> str:
    """What a take is called: like what all its points are below, if there is one."""
    groups = {_group(point) for point in points}
    return f"{groups.pop()} Take" if len(groups) == 1 and "" not in groups else "Scene Take"


# What is remembered


def _metres(track: KeypointTrack, positions: np.ndarray, columns: Sequence[int | None]) -> float:
    """Metres to one unit of the scene, as the track was scaled."""
    for k, column in enumerate(columns):
        if column is None:
            continue
        size = np.linalg.norm(positions[:, column], axis=1)
        seen = np.isfinite(size) & (size > 1e-9) & track.visible[:, k]
        if seen.any():
            return float(np.median(np.linalg.norm(track.positions[seen, k], axis=1) / size[seen]))
    return 1.0


def _remember(take, track: KeypointTrack, of_keypoint, gaps: bool, metres: float) -> None:
    sources = take.lsmpl_sources
    sources.gaps, sources.unit = gaps, metres
    for keypoint, point in zip(track.layout.keypoints, of_keypoint):
        item = sources.keypoints.add()
        item.name = item.keypoint = keypoint
        if point is not None:
            item.object, item.bone = point.object, point.bone


_CLASSES = (KeypointSource, TrackSources)


register, unregister = registration(_CLASSES, (bpy.types.Object, "lsmpl_sources", TrackSources))
