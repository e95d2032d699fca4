"""Bake: the motion of a take, the latest it has, becomes an action on its character."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from typing import NamedTuple

import bpy
import numpy as np

from ...lsmpl_core import LsmplError, Motion, Progress
from ...lsmpl_core.body.body import Body
from ...lsmpl_core.progress import run_to_end
from .. import jobs
from ..errors import all_or_nothing
from ..held import Held
from ..rigging import limbs
from ..rigging.two_bone import Rig
from ..takes import layers
from . import (
    actions,
    assigning,
    bodies,
    character,
    control_curves,
    feet,
    finger_bones,
    key_times,
    keys,
    of_take,
    shape,
)
from .posed import rig_of

_TIMING_KEY = "lsmpl_timing"
_SAME_LIE = 1e-4
"""Of an element of a bone's rotation at rest: what its armature's single precision leaves."""
RESIDUAL = "Residual (mm)"
"""The custom property of an armature whose curve shows, in the Graph Editor, how far each frame is
off."""


class Baked(NamedTuple):
    armature: bpy.types.Object
    body_mesh: bpy.types.Object | None
    action: bpy.types.Action
    previous: bpy.types.Action | None
    """The action that was there before, where an animator had edited it."""


def bake(
    take: bpy.types.Object,
    scene: bpy.types.Scene,
    body: Body | None = None,
    motion: Motion | None = None,
) -> Baked:
    """Put a take's motion on its character, which is built where the take has none in the scene.

    The motion that is stored with the take, the cleaned one where there is one, and that motion's
    body are taken where none are given. Raises `LsmplError` where that cannot be; if anything goes
    wrong, nothing has changed.
    """
    return run_to_end(bake_steps(take, scene, body, motion))


def bake_steps(
    take: bpy.types.Object,
    scene: bpy.types.Scene,
    body: Body | None = None,
    motion: Motion | None = None,
    body_path: str | None = None,
    prepare: Callable[[bpy.types.Object, np.ndarray], Callable[[], None]] | None = None,
    feet_locked: bool = False,
) -> jobs.Steps[Baked]:
    """`bake` in steps: yields `Progress` and returns `Baked`. Nothing is seen of it before its last
    step.

    prepare(take, joints) is called in the last step, to make what goes with the bake; what it
    returns puts that in place. joints (T,24,3) are those of the motion. feet_locked says it of a
    motion that is given: on a character that keeps a shape of its own, such feet stand where they
    stood.
    """
    feet_locked = feet_locked if motion else feet.are_locked(take)
    made_of = "" if motion else layers.version(take)
    motion = motion or layers.load(take)
    body = body or body_of(take, motion)

    # The shape that the feet are put down for: a character that keeps its own stands on it, too.
    armature, _ = of_take.find(take, scene, body)
    if armature is not None:
        assigning.check(armature)
    rest = (
        character.rest_rotations(body)
        if armature is None
        else character.bone_rotations(armature, body)
    )
    residual = _residual_of(take, motion)
    name, timing = take.name, (take.lsmpl.start, take.lsmpl.step)
    times, every = key_times.wanted(take, len(motion)), key_times.every_of(take)
    keeps_shape = feet_locked and armature is not None and of_take.keeps_its_own(take, armature)
    shown_on = shape.betas_of(armature) if keeps_shape else motion.betas

    # All that is read of the scene is read before the first yield.
    rig = None if armature is None else rig_of(armature, body)
    if rig is not None:
        worn = shape.betas_of(armature) if of_take.keeps_its_own(take, armature) else motion.betas
        rig = replace(rig, heads=shape.rest_joints(body, worn))
    has_fingers = armature is not None and finger_bones.has_fingers(armature)
    fingers = finger_bones.lying(armature) if has_fingers else None
    still = [] if armature is None else control_curves.still_curls(armature, len(times.at))
    held = Held(take, scene, doing="baked")

    # Computed on another thread, then written a few curves at a time.
    yield Progress("bake", 0, 1)
    computed = jobs.one_step(
        "bake", lambda: _computed(rest, body, motion, times.at, shown_on, rig, fingers)
    )
    curves, joints = yield from jobs.in_thread(computed)
    curves += still
    curves += [] if residual is None else [residual_curve(key_times.sampled(residual, times.at))]
    frames, curves = key_times.thinned(times, curves, every)
    made = yield from actions.write_steps(name, name, frames, curves)
    try:
        yield Progress("bake", len(curves), len(curves))
        (take, scene), (action,) = held.again(), made.again()
        if made_of and layers.version(take) != made_of:
            raise LsmplError(
                f"{take.name}: its motion changed while it was being baked; nothing was kept"
            )
        note_timing(action, timing)
        key_times.note(action, every)
        if feet_locked:
            feet.note(action, shown_on)
        with all_or_nothing(), ExitStack() as on_error:
            put_in_place = prepare(take, joints) if prepare else lambda: None
            armature, mesh = of_take.ready(take, scene, body, motion, body_path, on_error)
            assigning.check(armature)
            _check_bones(armature, body, rest, rig)
            if motion.fingers is not None:
                finger_bones.ensure(armature, body)
            _ready_property(armature, residual)
            on_error.pop_all()
    except BaseException:
        actions.discard(made)
        raise

    # From here on nothing can fail: the new action and the character take their places.
    put_in_place()
    settings = take.lsmpl_bake
    old, settings.action = settings.action, action
    assign = assigning.assign_strip if settings.as_strip else assigning.assign
    previous = assign(armature, action, old if take.lsmpl.armature == armature else None)
    action.name = name  # free now, where an older bake made way
    take.lsmpl.armature, take.lsmpl.body_mesh = armature, mesh
    return Baked(armature, mesh, action, previous)


def _check_bones(armature: bpy.types.Object, body: Body, rest: np.ndarray, rig: Rig | None) -> None:
    """Raises `LsmplError` where a character's bones lie otherwise (24,3,3), or have other controls,
    than those that the keys were computed for: somebody edited them since."""
    lie = character.bone_rotations(armature, body)
    same_controls = limbs.are_on(armature) == (rig is not None)
    if not (same_controls and np.allclose(lie, rest, rtol=0.0, atol=_SAME_LIE)):
        raise LsmplError(
            f"{armature.name}: its bones changed while it was being baked; nothing was kept"
        )


def note_timing(action: bpy.types.Action, timing: tuple[float, float]) -> None:
    """Keep with an action that is made of a take when that played then: the scene frame of its
    first frame, and the step from one to the next."""
    action[_TIMING_KEY] = timing


def timing_of(action: bpy.types.Action) -> tuple[float, float] | None:
    """Scene frame of a take's first frame, and the step from one to the next, when the action was
    baked."""
    timing = action.get(_TIMING_KEY)
    try:
        start, step = map(float, timing)
    except (TypeError, ValueError):  # there is none, or something else is there
        return None
    return start, step


def _residual_of(take: bpy.types.Object, motion: Motion) -> np.ndarray | None:
    """(T,) metres that each frame is off, of the solved motion where this one was made from it; NaN
    where nothing was measured, and None where nothing was in any frame."""
    solved = layers.describe(take)
    if motion.residual is None and solved and solved.get("has_residual"):
        motion = layers.load(take, layers.Layer.SOLVED)
    return motion.frame_residual if np.isfinite(motion.frame_residual).any() else None


def residual_curve(residual: np.ndarray) -> actions.Curve:
    """Of metres (T,) that frames are off."""
    return actions.Curve(f'["{RESIDUAL}"]', 0, 1000.0 * residual, RESIDUAL)


def _ready_property(armature: bpy.types.Object, residual: np.ndarray | None) -> None:
    if residual is not None and RESIDUAL not in armature:
        armature[RESIDUAL] = 0.0
        description = (
            "How far the keypoints are from the solved body in this frame, on "
            "average, in millimetres"
        )
        armature.id_properties_ui(RESIDUAL).update(description=description, min=0.0)


def is_out_of_time(take: bpy.types.Object) -> bool:
    """Whether a take now plays at other scene frames than when it was baked."""
    return plays_otherwise(take, take.lsmpl_bake.action)


def plays_otherwise(take: bpy.types.Object, action: bpy.types.Action | None) -> bool:
    """Whether a take now plays at other scene frames than when an action was made of it."""
    timing = timing_of(action) if action else None
    return timing is not None and timing != (take.lsmpl.start, take.lsmpl.step)


def follow_timing(take: bpy.types.Object, scene: bpy.types.Scene) -> None:
    """Let the action of a take, baked earlier, play when the take now does: baked again, or where
    somebody changed it, its keys moved. Raises `LsmplError`."""
    action = take.lsmpl_bake.action
    timing = timing_of(action) if action else None
    if action is None or timing is None or not is_out_of_time(take):
        return
    armature = take.lsmpl.armature
    if armature is None or action.library is not None or armature.name not in scene.objects:
        return
    if not actions.is_edited(action):
        bake(take, scene)
        return
    scale, before = take.lsmpl.step / timing[1], tuple(action.frame_range)
    keys.stretch(action, scale, take.lsmpl.start - scale * timing[0])
    assigning.refit_strips(armature, action, before)
    note_timing(action, (take.lsmpl.start, take.lsmpl.step))
    key_times.note_moved(action)


def body_of(take: bpy.types.Object, motion: Motion) -> Body:
    """The body that a take's stored motion is for. Raises `LsmplError` where it is not there any
    more."""
    path = layers.facts_of(take)["body_path"]
    body = bodies.load(path)
    if motion.body not in ("", body.key):
        raise LsmplError(
            f"{take.name}: was solved for the body {motion.body}, "
            f"but {path or 'the open body'} is {body.key}; solve again"
        )
    return body


def _computed(
    rest: np.ndarray,
    body: Body,
    motion: Motion,
    at: np.ndarray,
    betas: np.ndarray,
    rig: Rig | None,
    fingers: np.ndarray | None,
) -> tuple[list[actions.Curve], np.ndarray]:
    """The curves, at times (K,) in frames of the motion, on a character of the shape betas (10,),
    those of its controls among them where it has some; and the joints (T,24,3). fingers (30,3,3):
    how its finger bones lie, None where it has none yet."""
    joints, motion = body.joints(motion), key_times.sampled_motion(motion, at)
    quaternions, location = character.pose_curves(rest, body, feet.fitted(motion, body, betas))
    names = body.joint_names
    curves = control_curves.location_curves(names[0], location)
    curves += control_curves.joint_curves(names, quaternions)
    if rig is not None:
        curves += control_curves.curves_of(rig, quaternions, location)
    return curves + finger_bones.curves(body, motion, fingers), joints


def describe(baked: Baked) -> str:
    """For a message to the user."""
    also = (
        f"; the action you had edited is kept as {baked.previous.name!r}" if baked.previous else ""
    )
    return f"Baked on {baked.armature.name!r}{also}"
