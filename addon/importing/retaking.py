"""Another track in the place of a take's: the animator's edits stay where they were put, and so
does what was solved, where frames and keypoints are the same.
"""

from __future__ import annotations

import bpy
import numpy as np

from ...lsmpl_core import KeypointTrack
from ..errors import all_or_nothing
from ..refining import pending_edit
from ..takes import layers, pinned_joints
from ..takes import take as takes
from ..takes.layers import Layer
from ..takes.mesh_data import has_attribute, read, write

_OF_THE_SOLVE = (
    ("residual", "FLOAT"),
    ("condition", "INT"),
    ("site", "FLOAT_VECTOR"),
    (takes.TRAVEL, "FLOAT_VECTOR"),
)


def common_frames(
    first: int, count: int, other_first: int, other_count: int
) -> tuple[slice, slice]:
    """Of two ranges of frames, by the number of the first and how many they are, the slices in
    which they meet."""
    start, end = max(first, other_first), min(first + count, other_first + other_count)
    end = max(end, start)
    return slice(start - first, end - first), slice(start - other_first, end - other_first)


def replace_track(take: bpy.types.Object, track: KeypointTrack) -> str:
    """Put a track in the place of a take's. Returns what became of edits and of what was solved,
    for the user.

    An edit is found again by the number of its frame and the name of its keypoint, a pinned joint
    by its frame. An edit that moved a keypoint leaves it at that position, wherever the track now
    has it. Those without such a frame and keypoint, and motions that do not fit the new frames or
    keypoints, go. A change that is open is accepted.
    """
    facts, old = takes.describe(take), take.data
    same = (
        track.confidence.shape == (facts["frames"], facts["keypoints"])
        and track.first_frame == facts["first_frame"]
        and list(track.layout.keypoints) == list(facts["layout"]["keypoints"])
    )

    # The new mesh is complete before the old one goes. What was solved fits it where frames and
    # keypoints are the same; display and residuals read it from there.
    fixed = pinned_joints.load(take)
    pending_edit.close(take)
    with all_or_nothing():
        mesh = takes.track_mesh(track, old.name, reading=facts.get("reading", 0) + 1)
        kept_edits, lost_edits = _carry_edits(take, track, mesh)
        if same:
            for name, kind in _OF_THE_SOLVE:
                if has_attribute(old, name, kind):
                    write(mesh, name, kind, read(old, name, kind))
        for material in old.materials:
            mesh.materials.append(material)

    take.data = mesh
    moved = [
        pin._replace(frame=pin.frame + facts["first_frame"] - track.first_frame) for pin in fixed
    ]
    pinned_joints.store(take, [pin for pin in moved if 0 <= pin.frame < len(track)])
    name = old.name
    if old.users == 0:
        bpy.data.meshes.remove(old)
        mesh.name = name

    solved = layers.is_solved(take)
    if solved and not same:
        layers.remove(take, Layer.SOLVED)
    message = f"; {kept_edits} edits kept" if kept_edits else ""
    message += f", {lost_edits} dropped, whose frames or keypoints are gone" if lost_edits else ""
    if solved:
        message += ". Solve again: " + (
            "the motion is still that of the track before" if same else "the frames are others now"
        )
    return message


def _carry_edits(
    take: bpy.types.Object, track: KeypointTrack, mesh: bpy.types.Mesh
) -> tuple[int, int]:
    """Write a take's edits to a mesh of the track. Returns how many there are, and how many found
    no place."""
    old = take.data
    if not has_attribute(old, "edit_state", "INT"):
        return 0, 0
    before = takes.load_track(take, edits=False, travelled=False)
    shape = before.confidence.shape

    # Where edits put keypoints, (T,K,3), for the frames and keypoints of the old track.
    state = read(old, "edit_state", "INT").reshape(shape)
    offset = np.zeros((*shape, 3))
    if has_attribute(old, "edit_offset", "FLOAT_VECTOR"):
        offset = read(old, "edit_offset", "FLOAT_VECTOR").reshape(*shape, 3).astype(np.float64)
    edited_positions = np.nan_to_num(before.positions) + offset

    now, then = common_frames(track.first_frame, len(track), before.first_frame, len(before))
    names = before.layout.keypoints
    rows = [
        (k, names.index(name)) for k, name in enumerate(track.layout.keypoints) if name in names
    ]
    new_state = np.zeros(track.confidence.shape, dtype=np.int32)
    new_offset = np.zeros((*track.confidence.shape, 3))
    for k, row in rows:
        new_state[now, k] = state[then, row]
        new_offset[now, k] = edited_positions[then, row] - np.nan_to_num(track.positions[now, k])

    new_offset[~np.isin(new_state, (takes.MOVED, takes.LOCKED))] = 0.0
    edited = int((state != takes.AS_READ).sum())
    carried = int((new_state != takes.AS_READ).sum())
    if carried:
        write(mesh, "edit_state", "INT", new_state)
        write(mesh, "edit_offset", "FLOAT_VECTOR", new_offset)
    return carried, edited - carried


def is_outdated(take: bpy.types.Object) -> bool:
    """Whether a take's track was read again since it was solved."""
    solved = layers.describe(take)
    return solved is not None and solved.get("reading", 0) != takes.describe(take).get("reading", 0)
