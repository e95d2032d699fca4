"""What a drag, or a button, leaves in the take: edits of keypoints, and the frame's new pose."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import bpy
import numpy as np

from ...lsmpl_core.by_hand.posing import poses_of
from ...lsmpl_core.refine_range import refine_frames
from ...lsmpl_core.solver.poses import Poses
from ..refining import pending_edit
from ..refining import refine as refining
from ..takes import hands, layers, pinned_joints, playing
from ..takes import take as takes
from ..takes.layers import Layer


def write(
    scene: bpy.types.Scene,
    keypoints: Sequence[int],
    state: np.ndarray | int,
    offset: np.ndarray,
    pose: Callable[[], Poses | None],
    pins: Sequence[pinned_joints.PinnedJoint],
) -> None:
    """Edits of keypoints (N,) in the handles' frame, their states (N,) and offsets (N,3), all of
    the take's pinned joints, and the pose that `pose()` gives when they are written, or None. If
    that fails, edits and pins are as they were."""
    live = scene.lsmpl_live
    take, frame = live.take, live.frame
    before = takes.keypoints_at(take, frame)
    pinned_before = pinned_joints.load(take)
    takes.write_edits(take, [frame], keypoints, state, np.asarray(offset)[None])
    pinned_joints.store(take, pins)
    try:
        posed = pose()
        if posed is None:
            return
        subject = refining.subject_of(take)
        fixed = sorted({pin.frame for pin in pinned_joints.load(take)} - {frame})
        what = playing.frames_in_words(take, frame, frame)
        edited = (
            takes.keypoints_at(take, frame).state.any() or hands.ignored_at(take.data, frame).any()
        )
        width, by_hand = scene.lsmpl_refine.blend, bool(edited)
        pending_edit.apply(
            take, subject.body, subject.poser, frame, posed, width, fixed, what, by_hand
        )
    except BaseException:
        takes.write_edits(
            take, [frame], range(len(before.state)), before.state, before.offset[None]
        )
        pinned_joints.store(take, pinned_before)
        raise
    pending_edit.close(take)  # to reject it would leave the edits behind; undo does not
    take.lsmpl.armature.update_tag(refresh={"OBJECT", "DATA", "TIME"})


def solved_anew(take: bpy.types.Object, frame: int) -> Poses:
    """A frame's pose by its keypoints, edits, pins and all; as it was solved where there are
    none."""
    if (
        not takes.keypoints_at(take, frame).state.any()
        and not hands.ignored_at(take.data, frame).any()
        and all(pin.frame != frame for pin in pinned_joints.load(take))
    ):
        return poses_of(layers.load_frame(take, frame, Layer.SOLVED))
    subject = refining.subject_of(take)
    motion = layers.load(take, layers.latest(take, before=Layer.CLEANED))
    fixed = pinned_joints.as_core(pinned_joints.load(take))
    return refine_frames(
        takes.load_track(take), subject.body, motion, frame, frame, pins=fixed, poser=subject.poser
    )
