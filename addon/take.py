"""Where a take lives in the .blend: the track as read, the edits over it, the solved motion and the cleaned one.

A take is a mesh object. Its mesh holds the track, one vertex a keypoint and frame, frame-major. A second mesh, which
the take points to, holds the motion as solved, and a third one, where it was cleaned, the cleaned motion. All carry
what is no array as JSON (docs/blend_storage.md).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from pathlib import Path

import bpy
import numpy as np

from ..lsmpl_core import Decision, KeypointTrack, Layout, LsmplError, Motion

TRACK_KEY = "lsmpl_track"
MOTION_KEY = "lsmpl_motion"
AS_READ, MOVED, IGNORED, PINNED = range(4)
"""Values of `edit_state`: what the animator did to a keypoint in a frame."""

_FORMAT = 1
_ROWS = 25
"""Vertices a frame of a motion's mesh: SMPL's 24 joints, and one that holds `trans`."""
_FIELDS = {"FLOAT": ("value", np.float32), "FLOAT_VECTOR": ("vector", np.float32), "INT": ("value", np.int32)}


def is_take(obj: bpy.types.Object | None) -> bool:
    return obj is not None and obj.type == "MESH" and TRACK_KEY in obj.data


def takes_in(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    return [obj for obj in scene.objects if is_take(obj)]


def describe(take: bpy.types.Object) -> dict:
    """What is known of a take's track without reading its arrays.

    Keys: frames, keypoints, fps, first_frame, source, decisions, missing (share of keypoints), layout.
    """
    return _load_json(take.data, TRACK_KEY)


def describe_motion(take: bpy.types.Object) -> dict | None:
    """What is known of the solved motion without reading its arrays, or None where the take is not solved.

    Keys: frames, fps, first_frame, body, body_path, betas, gender, keypoint_names, device, solver, residual_mean and
    residual_worst (metres, of frames; None where nothing was measured), worst_frame (0 for the take's first), and what
    the solver decided, where it did: decisions.
    """
    mesh = take.lsmpl.motion
    return _load_json(mesh, MOTION_KEY) if mesh else None


def describe_cleaned(take: bpy.types.Object) -> dict | None:
    """What is known of the cleaned motion, or None where the take has none.

    Keys: those of `describe_motion` that belong to a motion, and clean_up: how it was made, and what that did.
    """
    mesh = take.lsmpl.cleaned
    return _load_json(mesh, MOTION_KEY) if mesh else None


def store_track(track: KeypointTrack, name: str | None = None) -> bpy.types.Object:
    """A new take, linked to no collection yet."""
    frames, keypoints = track.confidence.shape
    if not frames * keypoints:
        raise LsmplError(f"{track.source or 'the track'}: has no frames; nothing can be imported")
    name = name or (Path(track.source).stem if track.source else "") or "Take"
    mesh = bpy.data.meshes.new(name)
    mesh.vertices.add(frames * keypoints)
    _write(mesh, "position", "FLOAT_VECTOR", np.nan_to_num(track.positions, nan=0.0))
    _write(mesh, "confidence", "FLOAT", track.confidence)
    edges = np.array(track.layout.edge_indices(), dtype=np.int32).reshape(-1, 2)
    mesh.edges.add(len(edges))
    mesh.edges.foreach_set("vertices", edges.ravel())
    mesh[TRACK_KEY] = json.dumps(
        {
            "format": _FORMAT,
            "frames": frames,
            "keypoints": keypoints,
            "fps": track.fps,
            "first_frame": track.first_frame,
            "source": str(track.source),
            "missing": track.missing_fraction,
            "layout": {f.name: getattr(track.layout, f.name) for f in fields(Layout) if f.init},
            "decisions": [{f.name: getattr(d, f.name) for f in fields(Decision)} for d in track.decisions],
        }
    )
    mesh.update()
    return bpy.data.objects.new(name, mesh)


def load_track(take: bpy.types.Object, edits: bool = True) -> KeypointTrack:
    """The track with the animator's edits applied, or as it was read.

    A moved or pinned keypoint counts as seen with confidence 1, an ignored one as missing.
    """
    _need_object_mode(take)
    mesh, facts = take.data, describe(take)
    shape = facts["frames"], facts["keypoints"]
    if len(mesh.vertices) != shape[0] * shape[1]:
        raise LsmplError(
            f"{take.name}: its mesh has {len(mesh.vertices)} vertices, but {shape[0]} frames of {shape[1]} keypoints "
            "were stored; the mesh was edited, so import the take again"
        )
    positions = _read(mesh, "position", "FLOAT_VECTOR").reshape(*shape, 3).astype(np.float64)
    confidence = _read(mesh, "confidence", "FLOAT").reshape(shape).astype(np.float64)
    if edits and "edit_state" in mesh.attributes:
        state = _read(mesh, "edit_state", "INT").reshape(shape)
        placed = (state == MOVED) | (state == PINNED)
        if "edit_offset" in mesh.attributes:
            offset = _read(mesh, "edit_offset", "FLOAT_VECTOR").reshape(*shape, 3)
            positions[placed] += offset[placed]
        confidence[placed] = 1.0
        confidence[state == IGNORED] = 0.0
    return KeypointTrack(
        positions,
        confidence,
        layout=_layout_from(facts["layout"]),
        fps=facts["fps"],
        first_frame=facts["first_frame"],
        source=facts["source"],
        decisions=[Decision(**decision) for decision in facts["decisions"]],
    )


def store_motion(
    take: bpy.types.Object,
    motion: Motion,
    joints: np.ndarray | None = None,
    body_path: str = "",
    report: Mapping | None = None,
) -> None:
    """Keep a solved motion with its take, in place of an earlier one.

    Arguments and errors as for `prepare_motion`.
    """
    prepare_motion(take, motion, joints, body_path, report)()


def prepare_motion(
    take: bpy.types.Object,
    motion: Motion,
    joints: np.ndarray | None = None,
    body_path: str = "",
    report: Mapping | None = None,
) -> Callable[[], None]:
    """Do all of storing a motion that can fail; calling what this returns puts it in place of the take's earlier one.

    joints (T,24,3) are `body.joints(motion)`, stored for display; body_path finds a user's own body again;
    report holds further facts as JSON values (device, ...).
    """
    _need_local_object_mode(take)
    facts = describe(take)
    if len(motion) != facts["frames"]:
        raise LsmplError(f"{take.name}: the motion has {len(motion)} frames but the take has {facts['frames']}")
    measured = _residual_by_vertex(take, motion)
    residual = motion.frame_residual
    seen = np.isfinite(residual)
    known = {
        **(report or {}),
        "body_path": body_path,
        "keypoint_names": motion.keypoint_names,
        "has_residual": motion.residual is not None,
        "residual_mean": float(np.nanmean(motion.residual)) if seen.any() else None,
        "residual_worst": float(residual[seen].max()) if seen.any() else None,
        "worst_frame": int(np.nanargmax(residual)) if seen.any() else None,
    }
    mesh = _motion_mesh(f"{take.name} Motion", motion, joints, known)

    def put_in_place() -> None:
        _write(take.data, "residual", "FLOAT", measured)
        take.data.update()
        old, take.lsmpl.motion = take.lsmpl.motion, mesh
        _remove_unused(old)
        remove_cleaned(take)

    return put_in_place


def prepare_cleaned(
    take: bpy.types.Object, motion: Motion, joints: np.ndarray, clean_up: Mapping
) -> Callable[[], None]:
    """Do all of storing a cleaned motion that can fail; calling what this returns puts it in place.

    The motion as solved stays what it was.
    joints (T,24,3) are `body.joints(motion)`; clean_up says, as JSON values, how it was made and what that did.
    """
    _need_local_object_mode(take)
    mesh = _motion_mesh(f"{take.name} Cleaned", motion, joints, {"clean_up": dict(clean_up)})

    def put_in_place() -> None:
        old, take.lsmpl.cleaned = take.lsmpl.cleaned, mesh
        _remove_unused(old)

    return put_in_place


def remove_cleaned(take: bpy.types.Object) -> None:
    """Leave the take with its motion as solved."""
    old, take.lsmpl.cleaned = take.lsmpl.cleaned, None
    _remove_unused(old)


def _motion_mesh(name: str, motion: Motion, joints: np.ndarray | None, known: Mapping) -> bpy.types.Mesh:
    rows = np.zeros((len(motion), _ROWS, 3), dtype=np.float32)
    rows[:, :24] = motion.trans[:, None] if joints is None else joints
    rows[:, 24] = motion.trans
    poses = np.zeros_like(rows)
    poses[:, :24] = motion.poses
    mesh = bpy.data.meshes.new(name)
    mesh.vertices.add(rows.size // 3)
    _write(mesh, "position", "FLOAT_VECTOR", rows)
    _write(mesh, "pose", "FLOAT_VECTOR", poses)
    mesh[MOTION_KEY] = json.dumps(
        {
            **known,
            "format": _FORMAT,
            "frames": len(motion),
            "fps": motion.fps,
            "first_frame": motion.first_frame,
            "body": motion.body,
            "gender": motion.gender,
            "betas": motion.betas.tolist(),
        }
    )
    return mesh


def _remove_unused(mesh: bpy.types.Mesh | None) -> None:
    if mesh and mesh.users == 0:
        bpy.data.meshes.remove(mesh)


def load_motion(take: bpy.types.Object) -> Motion:
    """The motion as solved; what was baked from it may have been edited since."""
    facts = describe_motion(take)
    if facts is None:
        raise LsmplError(f"{take.name}: is not solved yet; press Solve first")
    residual = None
    if facts["has_residual"]:
        residual = _read(take.data, "residual", "FLOAT").reshape(facts["frames"], -1).astype(np.float64)
        residual = residual[:, _columns(take, facts["keypoint_names"])]
        residual[residual < 0] = np.nan
    motion = _motion_from(take.lsmpl.motion, facts)
    return replace(motion, residual=residual, keypoint_names=tuple(facts["keypoint_names"]))


def load_cleaned(take: bpy.types.Object) -> Motion:
    """What is to be baked: the cleaned motion, or, where there is none, the motion as solved."""
    facts = describe_cleaned(take)
    return load_motion(take) if facts is None else _motion_from(take.lsmpl.cleaned, facts)


def _motion_from(mesh: bpy.types.Mesh, facts: Mapping) -> Motion:
    rows = _read(mesh, "position", "FLOAT_VECTOR").reshape(-1, _ROWS, 3)
    return Motion(
        poses=_read(mesh, "pose", "FLOAT_VECTOR").reshape(-1, _ROWS, 3)[:, :24],
        trans=rows[:, 24],
        betas=facts["betas"],
        fps=facts["fps"],
        body=facts["body"],
        gender=facts["gender"],
        first_frame=facts["first_frame"],
    )


def _residual_by_vertex(take: bpy.types.Object, motion: Motion) -> np.ndarray:
    """(T,K) metres for the track's vertices, where the display reads it; -1 says that nothing was measured."""
    facts = describe(take)
    values = np.full((facts["frames"], facts["keypoints"]), -1.0, dtype=np.float32)
    if motion.residual is not None:
        names = motion.keypoint_names or facts["layout"]["keypoints"]
        values[:, _columns(take, names)] = np.where(np.isfinite(motion.residual), motion.residual, -1.0)
    return values


def _columns(take: bpy.types.Object, names) -> list[int]:
    keypoints = describe(take)["layout"]["keypoints"]
    unknown = [name for name in names if name not in keypoints]
    if unknown:
        raise LsmplError(f"{take.name}: the motion measures {', '.join(unknown)}, which the take does not have")
    return [keypoints.index(name) for name in names] or list(range(len(keypoints)))


def _write(mesh: bpy.types.Mesh, name: str, kind: str, values: np.ndarray) -> None:
    field, dtype = _FIELDS[kind]
    attribute = mesh.attributes.get(name) or mesh.attributes.new(name, kind, "POINT")
    attribute.data.foreach_set(field, np.ascontiguousarray(values, dtype=dtype).ravel())


def _read(mesh: bpy.types.Mesh, name: str, kind: str) -> np.ndarray:
    field, dtype = _FIELDS[kind]
    attribute = mesh.attributes.get(name)
    if attribute is None:
        raise LsmplError(f"{mesh.name}: has lost its attribute {name!r}; import the take again")
    values = np.empty(len(attribute.data) * (3 if kind == "FLOAT_VECTOR" else 1), dtype=dtype)
    attribute.data.foreach_get(field, values)
    return values


def _need_local_object_mode(take: bpy.types.Object) -> None:
    _need_object_mode(take)
    if take.library or take.data.library:
        raise LsmplError(f"{take.name}: is linked from another file; append it, or make it local, to solve it")


def _need_object_mode(take: bpy.types.Object) -> None:
    """In Edit Mode a mesh's attributes are out of reach."""
    if take.data.is_editmode:
        raise LsmplError(f"{take.name}: is in Edit Mode; go back to Object Mode first")


def _load_json(mesh: bpy.types.Mesh, key: str) -> dict:
    try:
        facts = json.loads(mesh[key])
        if facts["format"] > _FORMAT:
            raise LsmplError(f"{mesh.name}: was stored by a newer LSMPL; update the extension to read it")
    except (KeyError, TypeError, ValueError) as error:
        raise LsmplError(f"{mesh.name}: its custom property {key!r} is no longer what was stored ({error})") from error
    return facts


def _layout_from(stored: Mapping) -> Layout:
    """A layout as it was, whether or not this version knows it by name."""

    def tuples(value):
        return tuple(map(tuples, value)) if isinstance(value, list) else value

    known = {f.name for f in fields(Layout) if f.init}
    return Layout(**{key: tuples(value) for key, value in stored.items() if key in known})
