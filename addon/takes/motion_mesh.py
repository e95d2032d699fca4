"""A motion as a mesh: attributes on vertices of each frame, and what is known of it as JSON
(docs/blend_storage.md)."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import uuid4

import bpy
import numpy as np

from ...lsmpl_core import Calibration, LsmplError, Motion
from ...lsmpl_core.body.fingers import NUM_FINGER_JOINTS
from ..stored_facts import (
    Fields,
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
from .mesh_data import change, has_attribute, load_json, read, read_rows, store_json, write

MOTION_KEY = "lsmpl_motion"
_VERTICES_A_FRAME = 25
"""Vertices a frame: SMPL's 24 joints, and one that holds `trans`."""
_HANDS = "left_fingers", "right_fingers"
"""Attributes of motions with fingers: axis-angles of fifteen joints on the first vertices of each
frame."""
_HANDS_OFF = "hand_residual"
"""The same of `Motion.hand_residual`, -1 where nothing was measured."""

_FACTS = Fields(
    version=optional(is_text),
    frames=is_count,
    fps=is_positive,
    first_frame=is_whole,
    body=is_text,
    gender=is_text,
    betas=list_of(is_number),
    hand_size=optional(is_positive),
    residual_mean=optional(nullable(is_number)),
    residual_worst=optional(nullable(is_number)),
    worst_frame=optional(nullable(is_whole)),
    doubtful=optional(
        list_of(
            object_of(
                first=is_whole,
                last=is_whole,
                worst=is_whole,
                frames=is_whole,
                severity=is_number,
                why=list_of(is_text),
            )
        )
    ),
    refined=optional(list_of(list_of(is_whole, 2))),
    by_hand=optional(list_of(is_whole)),
    device_instead_of=optional(is_text),
)


def new_mesh(
    name: str, motion: Motion, joints: np.ndarray | None, facts: Mapping
) -> bpy.types.Mesh:
    """A motion's mesh. joints (T,24,3) are `body.joints(motion)`, stored for display; facts are
    further ones as JSON values."""
    rows, poses = _rows(motion, joints), _poses(motion)
    mesh = bpy.data.meshes.new(name)
    mesh.vertices.add(rows.size // 3)
    write(mesh, "position", "FLOAT_VECTOR", rows)
    write(mesh, "pose", "FLOAT_VECTOR", poses)
    if motion.fingers is not None:
        for side, fingers in zip(_HANDS, np.split(motion.fingers, 2, axis=1)):
            write(mesh, side, "FLOAT_VECTOR", _padded(fingers))
    if motion.hand_residual is not None:
        off = np.nan_to_num(motion.hand_residual, nan=-1.0)
        write(mesh, _HANDS_OFF, "FLOAT", _padded(off[..., None])[..., 0])
    store_json(
        mesh,
        MOTION_KEY,
        {
            **facts,
            "version": uuid4().hex,
            "frames": len(motion),
            "fps": motion.fps,
            "first_frame": motion.first_frame,
            "body": motion.body,
            "gender": motion.gender,
            "betas": motion.betas.tolist(),
            "hand_size": motion.hand_size,
            "calibration": motion.calibration.as_dict() if motion.calibration else None,
        },
    )
    return mesh


def with_frames(
    source: bpy.types.Mesh,
    name: str,
    first: int,
    motion: Motion,
    joints: np.ndarray,
    facts: Mapping,
) -> bpy.types.Mesh:
    """A copy of a motion's mesh with the frames from `first` on as in `motion`, whose
    `body.joints(motion)` are joints (T,24,3); facts are all that is known of it, but for its
    version."""
    mesh = source.copy()
    mesh.name = name
    store_json(mesh, MOTION_KEY, {**facts, "version": uuid4().hex})
    rows = np.arange(first * _VERTICES_A_FRAME, (first + len(motion)) * _VERTICES_A_FRAME)
    change(mesh, "position", "FLOAT_VECTOR", rows, _rows(motion, joints).reshape(-1, 3))
    change(mesh, "pose", "FLOAT_VECTOR", rows, _poses(motion).reshape(-1, 3))
    if motion.fingers is not None:
        for side, fingers in zip(_HANDS, np.split(motion.fingers, 2, axis=1)):
            change(mesh, side, "FLOAT_VECTOR", rows, _padded(fingers).reshape(-1, 3))
    return mesh


def facts_in(mesh: bpy.types.Mesh) -> dict:
    """What is known of a motion without reading its arrays. Raises `LsmplError` where that is
    damaged."""
    return load_json(mesh, MOTION_KEY, _FACTS)


def note(mesh: bpy.types.Mesh, **facts) -> None:
    """Add facts, as JSON values, to a motion that was just made."""
    store_json(mesh, MOTION_KEY, {**facts_in(mesh), **facts})


def motion_in(mesh: bpy.types.Mesh, facts: Mapping) -> Motion:
    """The motion of a mesh, of which these facts are known; its residuals of keypoints, which are
    the track's, not. Raises `LsmplError` where something of it is damaged."""
    if len(mesh.vertices) != facts["frames"] * _VERTICES_A_FRAME:
        raise _edited(mesh)
    rows = read(mesh, "position", "FLOAT_VECTOR").reshape(-1, _VERTICES_A_FRAME, 3)
    poses = read(mesh, "pose", "FLOAT_VECTOR").reshape(-1, _VERTICES_A_FRAME, 3)
    return Motion(
        poses=poses[:, :24],
        trans=rows[:, 24],
        betas=facts["betas"],
        fps=facts["fps"],
        body=facts["body"],
        gender=facts["gender"],
        first_frame=facts["first_frame"],
        calibration=_calibration(mesh, facts),
        fingers=_fingers(mesh),
        hand_size=facts.get("hand_size", 1.0),
        hand_residual=_hand_residual(mesh),
    )


def frame_in(mesh: bpy.types.Mesh, frame: int) -> Motion:
    """One frame of a motion, its pose, place and fingers alone; takes no longer where the motion is
    long."""
    rows = slice(frame * _VERTICES_A_FRAME, (frame + 1) * _VERTICES_A_FRAME)
    if len(mesh.vertices) < rows.stop:
        raise _edited(mesh)

    def values(name: str) -> np.ndarray:
        return read_rows(mesh, name, "FLOAT_VECTOR", rows)

    fingers = None
    if has_fingers(mesh):
        fingers = np.concatenate([values(side)[:NUM_FINGER_JOINTS] for side in _HANDS])[None]
    return Motion(
        poses=values("pose")[None, :24], trans=values("position")[None, 24], fingers=fingers
    )


def _edited(mesh: bpy.types.Mesh) -> LsmplError:
    return LsmplError(
        f"{mesh.name}: has {len(mesh.vertices)} vertices, which are not {_VERTICES_A_FRAME} for "
        "each frame; the mesh was edited, so solve again"
    )


def has_fingers(mesh: bpy.types.Mesh) -> bool:
    return all(has_attribute(mesh, side, "FLOAT_VECTOR") for side in _HANDS)


def _rows(motion: Motion, joints: np.ndarray | None) -> np.ndarray:
    """(T,25,3): the joints, and the translation."""
    rows = np.zeros((len(motion), _VERTICES_A_FRAME, 3), dtype=np.float32)
    rows[:, :24] = motion.trans[:, None] if joints is None else joints
    rows[:, 24] = motion.trans
    return rows


def _poses(motion: Motion) -> np.ndarray:
    """(T,25,3): the axis-angles of the joints, and nothing."""
    poses = np.zeros((len(motion), _VERTICES_A_FRAME, 3), dtype=np.float32)
    poses[:, :24] = motion.poses
    return poses


def _padded(values: np.ndarray) -> np.ndarray:
    """(T,N,3) as (T,25,3), zeros after the N."""
    return np.pad(values, ((0, 0), (0, _VERTICES_A_FRAME - values.shape[1]), (0, 0)))


def _hand_residual(mesh: bpy.types.Mesh) -> np.ndarray | None:
    """(T,2) metres, None where the motion has none."""
    if not has_attribute(mesh, _HANDS_OFF, "FLOAT"):
        return None
    values = read(mesh, _HANDS_OFF, "FLOAT").reshape(-1, _VERTICES_A_FRAME)[:, : len(_HANDS)]
    return np.where(values < 0, np.nan, values)


def _fingers(mesh: bpy.types.Mesh) -> np.ndarray | None:
    """(T,30,3) axis-angles, None where the motion has no fingers."""
    if not has_fingers(mesh):
        return None
    hands = [
        read(mesh, side, "FLOAT_VECTOR").reshape(-1, _VERTICES_A_FRAME, 3)[:, :NUM_FINGER_JOINTS]
        for side in _HANDS
    ]
    return np.concatenate(hands, axis=1)


def _calibration(mesh: bpy.types.Mesh, facts: Mapping) -> Calibration | None:
    stored = facts.get("calibration")  # motions of earlier versions have none
    try:
        return Calibration.from_dict(stored) if stored else None
    except LsmplError as error:
        raise LsmplError(
            f"{mesh.name}: its stored calibration is damaged: {error}; solve again"
        ) from error
