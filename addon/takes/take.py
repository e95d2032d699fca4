"""Where a take lives in the .blend: the track as read, and the animator's edits over it.

A take is a mesh object. Its mesh holds the track, one vertex a keypoint and frame, frame-major, and
what is no array as JSON (docs/blend_storage.md). Its motions are in `layers.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import NamedTuple

import bpy
import numpy as np

from ...lsmpl_core import Condition, Decision, KeypointTrack, Layout, LsmplError
from ...lsmpl_core.keypoints.edges import nearest_edges
from ..naming import block_name
from ..stored_facts import (
    Fields,
    array_of,
    is_count,
    is_number,
    is_positive,
    is_text,
    is_whole,
    list_of,
    nullable,
    object_of,
    optional,
)
from . import hands, turns
from .mesh_data import (
    change,
    has_attribute,
    load_json,
    read,
    read_rows,
    store_json,
    write,
)

TRACK_KEY = "lsmpl_track"
TRAVEL = "travel"
"""Attribute of a take's mesh: metres by which the last solve moved the whole frame. Only takes have
it whose keypoints have no place in the room; their body finds its way from the feet that stand."""
AS_READ, MOVED, IGNORED, LOCKED, TRUSTED = range(5)
"""Values of `edit_state`: what the animator did to a keypoint in a frame."""

_FACTS = Fields(
    frames=is_count,
    keypoints=is_count,
    fps=is_positive,
    first_frame=is_whole,
    source=is_text,
    missing=is_number,
    reading=optional(is_whole),
    layout=object_of(
        name=is_text,
        label=is_text,
        keypoints=list_of(is_text),
        sites=list_of(is_text),
        edges=list_of(list_of(is_text, 2)),
    ),
    decisions=list_of(
        object_of(
            what=is_text,
            value=is_text,
            basis=is_text,
            reason=is_text,
            confidence=optional(nullable(is_number)),
        )
    ),
    world=optional(nullable(array_of(4, 4))),
)


def is_take(obj: bpy.types.Object | None) -> bool:
    return obj is not None and obj.type == "MESH" and TRACK_KEY in obj.data


def takes_in(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    return [obj for obj in scene.objects if is_take(obj)]


def describe(take: bpy.types.Object) -> dict:
    """What is known of a take's track without reading its arrays.

    Keys: frames, keypoints, fps, first_frame, source, decisions, missing (share of keypoints),
    layout, reading (how often it was read again from the scene, or its rate
    set anew), world (what brings the file's
    numbers to the take's space; takes of an earlier version have none).
    """
    facts = load_json(take.data, TRACK_KEY, _FACTS)
    if len(facts["layout"]["keypoints"]) != facts["keypoints"]:
        raise LsmplError(f"{take.name}: its layout has not as many keypoints as the take")
    return facts


def shape_of(take: bpy.types.Object) -> tuple[int, int]:
    """Frames and keypoints of a take whose arrays can be read now. Raises `LsmplError` where they
    cannot."""
    facts = describe(take)
    frames, keypoints = facts["frames"], facts["keypoints"]
    need_object_mode(take)
    if len(take.data.vertices) != frames * keypoints:
        raise LsmplError(
            f"{take.name}: its mesh has {len(take.data.vertices)} vertices, but {frames} "
            f"frames of {keypoints} "
            "keypoints were stored; the mesh was edited, so import the take again"
        )
    return frames, keypoints


def store_track(track: KeypointTrack, name: str | None = None) -> bpy.types.Object:
    """A new take, linked to no collection yet."""
    name = block_name(name or (Path(track.source).stem if track.source else ""))
    return bpy.data.objects.new(name, track_mesh(track, name))


def track_mesh(track: KeypointTrack, name: str, reading: int = 0) -> bpy.types.Mesh:
    """A take's mesh, of the track as it was read for the first time, or again for the
    `reading`th."""
    frames, keypoints = track.confidence.shape
    if not frames * keypoints:
        raise LsmplError(f"{track.source or 'the track'}: has no frames; nothing can be imported")
    mesh = bpy.data.meshes.new(name)
    mesh.vertices.add(frames * keypoints)
    write(mesh, "position", "FLOAT_VECTOR", np.nan_to_num(track.positions, nan=0.0))
    write(mesh, "confidence", "FLOAT", track.confidence)
    if track.believed is not None:
        write(mesh, "edit_state", "INT", np.where(track.believed, TRUSTED, AS_READ))

    # Edges among the first frame's vertices alone: the display applies them to the shown one.
    edges = np.array(track.layout.edge_indices() or nearest_edges(track), dtype=np.int32).reshape(
        -1, 2
    )
    mesh.edges.add(len(edges))
    mesh.edges.foreach_set("vertices", edges.ravel())
    hands.store(mesh, track.hands, name)
    turns.store(mesh, track.turns)
    store_json(
        mesh,
        TRACK_KEY,
        {
            "frames": frames,
            "keypoints": keypoints,
            "fps": track.fps,
            "first_frame": track.first_frame,
            "source": str(track.source),
            "missing": track.missing_fraction,
            "reading": reading,
            "layout": {f.name: getattr(track.layout, f.name) for f in fields(Layout) if f.init},
            "decisions": [
                {f.name: getattr(d, f.name) for f in fields(Decision)} for d in track.decisions
            ],
            "world": None if track.world is None else track.world.tolist(),
        },
    )
    mesh.update()
    return mesh


def load_track(take: bpy.types.Object, edits: bool = True, travelled: bool = True) -> KeypointTrack:
    """The track with the animator's edits applied, where the last solve moved it to; without either
    it is as it was read.

    A moved or locked keypoint counts as seen with confidence 1 and is trusted, an ignored one as
    missing, and one that the animator trusts is not doubted.
    """
    mesh, facts, shape = take.data, describe(take), shape_of(take)

    positions = read(mesh, "position", "FLOAT_VECTOR").reshape(*shape, 3).astype(np.float64)
    confidence = read(mesh, "confidence", "FLOAT").reshape(shape).astype(np.float64)
    moved = travelled and has_attribute(mesh, TRAVEL, "FLOAT_VECTOR")
    if moved:
        positions += read(mesh, TRAVEL, "FLOAT_VECTOR").reshape(*shape, 3)

    # A position that the user gave is certain, and the solver need not doubt it.
    trusted = believed = None
    if edits and has_attribute(mesh, "edit_state", "INT"):
        state = read(mesh, "edit_state", "INT").reshape(shape)
        edited = (state == MOVED) | (state == LOCKED)
        if has_attribute(mesh, "edit_offset", "FLOAT_VECTOR"):
            offset = read(mesh, "edit_offset", "FLOAT_VECTOR").reshape(*shape, 3)
            positions[edited] += offset[edited]
        confidence[edited] = 1.0
        confidence[state == IGNORED] = 0.0
        trusted = edited if edited.any() else None
        believed = state == TRUSTED if (state == TRUSTED).any() else None

    by = read(mesh, TRAVEL, "FLOAT_VECTOR").reshape(*shape, 3)[:, 0] if moved else None
    return KeypointTrack(
        positions,
        confidence,
        layout=_layout_from(facts["layout"]),
        fps=facts["fps"],
        first_frame=facts["first_frame"],
        source=facts["source"],
        decisions=[Decision(**decision) for decision in facts["decisions"]],
        trusted=trusted,
        believed=believed,
        hands=hands.load(mesh, shape[0], by, edits),
        world=np.array(facts["world"]) if facts.get("world") else None,
        turns=turns.load(mesh, shape),
    )


def set_rate(take: bpy.types.Object, fps: float) -> None:
    """Let a take have been recorded at so many frames a second; what was solved of it is of a
    reading before this one."""
    facts = describe(take)
    kept = [decision for decision in facts["decisions"] if decision["what"] != "fps"]
    given = Decision("fps", f"{fps:g}", "given")
    reading = facts.get("reading", 0) + 1
    decisions = [*kept, {f.name: getattr(given, f.name) for f in fields(Decision)}]
    facts.update(fps=fps, reading=reading, decisions=decisions)
    store_json(take.data, TRACK_KEY, facts)


def set_travel(take: bpy.types.Object, travel: np.ndarray | None) -> None:
    """Let all keypoints of a frame be seen by travel (T,3) metres from where they were read, or
    there (None)."""
    if travel is not None:
        whole = np.broadcast_to(np.asarray(travel)[:, None], (*shape_of(take), 3))
        write(take.data, TRAVEL, "FLOAT_VECTOR", whole)
    elif TRAVEL in take.data.attributes:
        take.data.attributes.remove(take.data.attributes[TRAVEL])


def travel_at(take: bpy.types.Object, frame: int) -> np.ndarray:
    """(3,) metres by which the last solve moved a frame, 0 for the take's first.

    Raises `LsmplError` in Edit Mode.
    """
    need_object_mode(take)
    if not has_attribute(take.data, TRAVEL, "FLOAT_VECTOR"):
        return np.zeros(3)
    first = frame * describe(take)["keypoints"]
    return read_rows(take.data, TRAVEL, "FLOAT_VECTOR", slice(first, first + 1))[0]


class Keypoints(NamedTuple):
    """What a take knows of one frame's K keypoints."""

    read: np.ndarray
    """(K,3) metres as read, and moved along with the body; meaningless where the keypoint is
    missing."""
    confidence: np.ndarray
    """(K,) as read, 0 where the keypoint is missing."""
    state: np.ndarray
    """(K,) AS_READ, MOVED, IGNORED, LOCKED or TRUSTED."""
    offset: np.ndarray
    """(K,3) metres, meant where the user edited the position."""
    condition: np.ndarray
    """(K,) what the last solve made of it, as `lsmpl_core.Condition`; -1 where it was not
    solved."""

    @property
    def edited(self) -> np.ndarray:
        """(K,) where the user said where the keypoint is: moved or locked it."""
        return (self.state == MOVED) | (self.state == LOCKED)

    @property
    def seen(self) -> np.ndarray:
        """(K,) where, with the edits, there is a position."""
        return self.edited | ((self.confidence > 0) & (self.state != IGNORED))

    @property
    def believed(self) -> np.ndarray:
        """(K,) where that position is the body's: not one that the solve rejected, or gave to the
        other side."""
        return (
            self.edited
            | (self.state == TRUSTED) & self.seen
            | (self.seen & ~np.isin(self.condition, (Condition.REJECTED, Condition.SWAPPED)))
        )

    @property
    def positions(self) -> np.ndarray:
        """(K,3) metres with the edits, NaN where the keypoint is not seen."""
        return np.where(self.seen[:, None], self.read + self.offset * self.edited[:, None], np.nan)


def layout_of(take: bpy.types.Object) -> Layout:
    return _layout_from(describe(take)["layout"])


def keypoints_at(take: bpy.types.Object, frame: int) -> Keypoints:
    """One frame (0 for the take's first) with its edits; takes no longer where the take is long."""
    mesh, (_, count) = take.data, shape_of(take)
    rows = slice(frame * count, (frame + 1) * count)

    position = read_rows(mesh, "position", "FLOAT_VECTOR", rows).astype(np.float64)
    return Keypoints(
        position + read_rows(mesh, TRAVEL, "FLOAT_VECTOR", rows, 0.0),
        read_rows(mesh, "confidence", "FLOAT", rows).astype(np.float64),
        read_rows(mesh, "edit_state", "INT", rows, 0),
        read_rows(mesh, "edit_offset", "FLOAT_VECTOR", rows, 0.0).astype(np.float64),
        read_rows(mesh, "condition", "INT", rows, -1),
    )


def write_edits(
    take: bpy.types.Object,
    frames: Sequence[int],
    keypoints: Sequence[int],
    state: np.ndarray | int,
    offset: np.ndarray | float = 0.0,
) -> None:
    """Say what became of some keypoints (N,) in some frames (M,), 0 for the take's first.

    state: AS_READ, MOVED, IGNORED or LOCKED, one for all or (M,N). offset: metres that are added
    where the state is MOVED or LOCKED, broadcast to (M,N,3).
    """
    need_local_object_mode(take)
    mesh, (_, count) = take.data, shape_of(take)
    rows = (
        np.asarray(frames, dtype=np.int64)[:, None] * count + np.asarray(keypoints, dtype=np.int64)
    ).ravel()
    shape = len(frames), len(keypoints)
    states = np.broadcast_to(state, shape).ravel()
    offsets = np.broadcast_to(offset, (*shape, 3)).reshape(-1, 3)
    change(mesh, "edit_state", "INT", rows, states)
    change(mesh, "edit_offset", "FLOAT_VECTOR", rows, offsets)
    mesh.update_tag()


def believed(take: bpy.types.Object) -> np.ndarray:
    """(T,K) bool: where a keypoint, with the edits, says where the body is; see
    `Keypoints.believed`."""
    mesh, (_, count) = take.data, shape_of(take)
    doubted = (Condition.REJECTED, Condition.SWAPPED)
    credible = np.ones(len(mesh.vertices), dtype=bool)
    if has_attribute(mesh, "condition", "INT"):
        credible = ~np.isin(read(mesh, "condition", "INT"), doubted)
    if has_attribute(mesh, "edit_state", "INT"):
        credible |= np.isin(read(mesh, "edit_state", "INT"), (MOVED, LOCKED))
    return credible.reshape(-1, count)


def edited_frames(take: bpy.types.Object) -> list[int]:
    """The frames, 0 for the take's first, in which the user moved or locked keypoints."""
    return np.flatnonzero(np.isin(edit_states(take), (MOVED, LOCKED)).any(axis=1)).tolist()


def edit_states(take: bpy.types.Object) -> np.ndarray:
    """(T,K) AS_READ, MOVED, IGNORED, LOCKED or TRUSTED."""
    shape = shape_of(take)
    if not has_attribute(take.data, "edit_state", "INT"):
        return np.zeros(shape, dtype=np.int32)
    return read(take.data, "edit_state", "INT").reshape(shape)


def ever_seen(take: bpy.types.Object) -> np.ndarray:
    """(K,) bool: which keypoints are seen in some frame of the track as it was read."""
    return (read(take.data, "confidence", "FLOAT").reshape(shape_of(take)) > 0).any(axis=0)


def need_local_object_mode(take: bpy.types.Object) -> None:
    need_object_mode(take)
    if take.library or take.data.library:
        raise LsmplError(
            f"{take.name}: is linked from another file; append it, or make it local, to solve it"
        )


def need_object_mode(take: bpy.types.Object) -> None:
    """In Edit Mode a mesh's attributes are out of reach."""
    if take.data.is_editmode:
        raise LsmplError(f"{take.name}: is in Edit Mode; go back to Object Mode first")


def _layout_from(stored: Mapping) -> Layout:
    """A layout as it was, whether or not this version knows it by name."""

    def tuples(value):
        return tuple(map(tuples, value)) if isinstance(value, list) else value

    names = {f.name for f in fields(Layout) if f.init}
    return Layout(**{key: tuples(value) for key, value in stored.items() if key in names})
