"""Refine: frames solved anew with what the animator knows: a pose, pinned joints, weights of parts,
bad keypoints."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import NamedTuple

import bpy
import numpy as np

from ...lsmpl_core import LsmplError, Progress
from ...lsmpl_core.body.body import Body
from ...lsmpl_core.body.skeleton import BONE_NAMES
from ...lsmpl_core.by_hand.posing import Poser, poses_of
from ...lsmpl_core.progress import run_to_end
from ...lsmpl_core.refine_range import Init
from ...lsmpl_core.refine_range import refine_frames_steps as core_steps
from ...lsmpl_core.rotation import log_map
from ...lsmpl_core.solver.poses import Poses
from .. import jobs
from ..characters import baking, feet
from ..characters.posed import Bones, selected_bones
from ..held import Held
from ..retargeting import following
from ..solving import quality
from ..takes import layers, pinned_joints, playing
from ..takes import take as takes
from ..takes.layers import Layer
from ..takes.mesh_data import read_rows
from . import baked_keys, pending_edit
from .settings import FROM_POSE, plain


class Subject(NamedTuple):
    """What refining a solved take needs, made once for its solved motion."""

    solved: int
    body: Body
    poser: Poser


_subject: Subject | None = None


def subject_of(take: bpy.types.Object) -> Subject:
    """Raises `LsmplError` where the take's motion does not say where its keypoints are."""
    global _subject
    if not layers.is_solved(take):
        raise LsmplError(f"{take.name}: is not solved yet; press Solve first")
    if _subject is None or _subject.solved != take.lsmpl.solved.session_uid:
        motion = layers.load(take, Layer.SOLVED)
        if motion.calibration is None:
            raise LsmplError(
                f"{take.name}: its motion is imported, or of an earlier LSMPL; press Solve to "
                "refine it"
            )
        body = baking.body_of(take, motion)
        _subject = Subject(
            take.lsmpl.solved.session_uid,
            body,
            Poser(takes.layout_of(take), body, motion.calibration),
        )
    return _subject


def chosen_frames(take: bpy.types.Object, scene: bpy.types.Scene) -> tuple[int, int]:
    """First and last frame of the take, from 0, that the settings mean. Raises `LsmplError` where
    there are none."""
    settings = scene.lsmpl_refine
    if settings.frames == "CURRENT":
        return (playing.frame_shown(take, scene),) * 2
    chosen = playing.frames_within(take, settings.first, settings.last)
    if not chosen:
        plays = playing.in_words(take, 0, takes.describe(take)["frames"] - 1)
        raise LsmplError(
            f"{take.name}: has no frame from {settings.first} to {settings.last}; it is in "
            f"the scene from {plays}"
        )
    return chosen[0], chosen[-1]


def refine_frames(
    take: bpy.types.Object,
    scene: bpy.types.Scene,
    progress: Callable[[Progress], None] | None = None,
) -> jobs.Messages:
    """Solve the chosen frames anew with the scene's settings, and show the change. Returns what to
    tell the user.

    Raises `LsmplError`; then nothing has changed.
    """
    return run_to_end(refine_frames_steps(take, scene), progress)


def refine_frames_steps(
    take: bpy.types.Object, scene: bpy.types.Scene
) -> jobs.Steps[jobs.Messages]:
    """`refine_frames` in steps: yields `Progress` and returns what to tell the user. Nothing
    changes before the last one."""
    settings, subject = scene.lsmpl_refine, subject_of(take)
    takes.need_local_object_mode(take)
    first, last = chosen_frames(take, scene)
    pinned, added = pinned_joints.load(take), {}
    motion = layers.load(take, layers.latest(take, before=Layer.CLEANED))
    if settings.begin == FROM_POSE:
        begin, added = _posed(take, scene, subject, motion, first, last)
    else:
        begin = Init(settings.begin.lower())
    now = playing.frame_shown(take, scene)
    wanted = pinned_joints.with_more(pinned, now, added)

    # Solved among the frames around it, which stay: they say where the body comes from and goes to.
    steps = core_steps(
        takes.load_track(take),
        subject.body,
        motion,
        first,
        last,
        init=begin,
        part_weights=settings.weights,
        pins=pinned_joints.as_core(wanted),
        poser=subject.poser,
    )
    fixed = sorted({pin.frame for pin in wanted if not first <= pin.frame <= last})
    width, what = settings.blend, playing.frames_in_words(take, first, last)

    held, made_from = Held(take, scene, doing="refined"), _versions(take)
    poses = yield from steps
    take, scene = held.again()
    if _versions(take) != made_from:
        raise LsmplError(
            f"{take.name}: was solved anew while it was being refined; nothing was kept"
        )

    # All that is seen of it happens here, in one undo step.
    pending_edit.apply(take, subject.body, subject.poser, first, poses, width, fixed, what)
    if added:
        pinned_joints.store(take, wanted)
    following.follow(take)
    quality.mark_anew(take, scene)
    playing.show_anew(scene)
    also = f", {len(added)} bones pinned" if added else ""
    return [("INFO", f"Refined {what}{also}: accept it or reject it"), *following.warnings(take)]


def _versions(take: bpy.types.Object) -> list[str]:
    """Which motions are refined."""
    return [layers.version(take, layer) for layer in Layer]


def _posed(take, scene, subject: Subject, motion, first: int, last: int):
    """The poses that the bones have in some frames, and axis-angles (3,) of those to be pinned in
    the shown one."""
    armature = take.lsmpl.armature
    if armature is None or armature.name not in scene.objects:
        raise LsmplError(f"{take.name}: has no character to pose; press Bake first")
    now = playing.frame_shown(take, scene)
    if not first <= now <= last:
        raise LsmplError(
            "the frame that you posed is not in the range; go to one that is, or choose "
            "another range"
        )

    # Of the shown frame what the bones are now, keyed or not; of the others what is keyed.
    action = pending_edit.action_of(take)
    baked_betas = feet.shape_of(action, motion.betas)
    bones = Bones(armature, subject.body, baked_betas)
    shown = feet.fitted_poses(bones.now(), subject.body, baked_betas, motion.betas)
    if action:
        poses = bones.in_action(action, baked_keys.played_at(take, action, first, last))
        poses = feet.fitted_poses(poses, subject.body, baked_betas, motion.betas)
    else:
        poses = poses_of(motion, slice(first, last + 1))
    posed = Poses.joined([poses[: now - first], shown, poses[now - first + 1 :]])

    # A clean-up has raised the character to its floor; the keypoints stay where they are.
    posed = replace(posed, trans=posed.trans - np.array([0.0, 0.0, layers.raised(take)]))

    # What is to be kept as it was posed.
    pinned = selected_bones(armature, subject.body) if scene.lsmpl_refine.pin else []
    if scene.lsmpl_refine.pin and not pinned:
        raise LsmplError(
            "no bone is selected to be pinned; select bones in Pose Mode, or turn Pin "
            "Selected Bones off"
        )
    return posed, _turns_of(shown, pinned)


def pin_selected(take: bpy.types.Object, scene: bpy.types.Scene) -> str:
    """Pin the selected bones in the shown frame as they are now posed. Returns what to tell the
    user."""
    subject, armature = subject_of(take), take.lsmpl.armature
    names = selected_bones(armature, subject.body) if armature else []
    if not names:
        raise LsmplError("no bone is selected; select bones of the take's character in Pose Mode")
    posed = Bones(armature, subject.body, np.array(layers.facts_of(take)["betas"])).now()
    frame = playing.frame_shown(take, scene)
    more = _turns_of(posed, names)
    pinned_joints.store(take, pinned_joints.with_more(pinned_joints.load(take), frame, more))
    shown = ", ".join(map(plain, names[:4])) + (", ..." if len(names) > 4 else "")
    return f"Pinned {shown} in frame {playing.in_words(take, frame)}"


def _turns_of(posed: Poses, names: Iterable[str]) -> dict[str, np.ndarray]:
    """Of bones, by name, how they are turned in a pose (1): axis-angles (3,) as a pinned joint has
    them."""
    turns = log_map(posed.rotations[0])
    if posed.fingers is not None:
        turns = np.concatenate([turns, posed.fingers[0]])
    return {name: turns[BONE_NAMES.index(name)] for name in names}


def ignore(take: bpy.types.Object, scene: bpy.types.Scene, keypoint: str, use_again: bool) -> str:
    """Leave a keypoint out in the chosen frames, or use it again. Returns what to tell the user."""
    names = takes.describe(take)["layout"]["keypoints"]
    if keypoint not in names:
        raise LsmplError(f"{take.name}: has no keypoint {keypoint!r}; it has: {', '.join(names)}")
    first, last = chosen_frames(take, scene)
    state = takes.AS_READ if use_again else takes.IGNORED
    takes.write_edits(take, range(first, last + 1), [names.index(keypoint)], state)
    done = "Used again" if use_again else "Ignored"
    where = playing.frames_in_words(take, first, last)
    return f"{done}: {plain(keypoint)} in {where}. Refine, or solve, to see what it does"


# What the panel says


class FrameState(NamedTuple):
    """Of the shown frame: mean residual in metres and the worst keypoint with its own, None where
    nothing is measured; pinned joints; keypoints that are ignored, and that were moved or locked by
    hand."""

    number: int
    residual: float | None
    worst: str
    worst_residual: float
    pinned: list[str]
    ignored: list[str]
    edited: list[str]


def describe_frame(take: bpy.types.Object, scene: bpy.types.Scene) -> FrameState:
    """Quick enough to be asked for at every drawing: it reads no more than that frame."""
    frame, facts = playing.frame_shown(take, scene), takes.describe(take)
    names, count = facts["layout"]["keypoints"], facts["keypoints"]
    keypoints = takes.keypoints_at(take, frame)
    rows = slice(frame * count, (frame + 1) * count)
    residual = read_rows(take.data, "residual", "FLOAT", rows, -1.0).astype(np.float64)
    used = (residual >= 0.0) & keypoints.seen
    worst = int(np.argmax(np.where(used, residual, -1.0))) if used.any() else None
    return FrameState(
        frame,
        float(residual[used].mean()) if used.any() else None,
        names[worst] if worst is not None else "",
        float(residual[worst]) if worst is not None else 0.0,
        [pin.joint for pin in pinned_joints.load(take) if pin.frame == frame],
        [names[k] for k in np.flatnonzero(keypoints.state == takes.IGNORED)],
        [names[k] for k in np.flatnonzero(keypoints.edited)],
    )


def forget() -> None:
    """Drop what Python holds; it is made again where it is needed."""
    global _subject
    _subject = None


def register() -> None:
    pass


def unregister() -> None:
    forget()
