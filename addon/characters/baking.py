"""Bake: the motion of a take, the latest it has, becomes an action on its character."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from typing import NamedTuple

import bpy
import numpy as np
from bpy.props import BoolProperty, EnumProperty, IntProperty, PointerProperty

from ...lsmpl_core import LsmplError, Motion, Progress
from ...lsmpl_core.body.body import Body
from ...lsmpl_core.progress import run_to_end
from .. import jobs
from ..errors import all_or_nothing
from ..held import Held
from ..registration import registration
from ..rigging.two_bone import Rig
from ..takes import layers
from ..takes import take as takes
from . import (
    actions,
    assigning,
    bodies,
    character,
    control_curves,
    correctives,
    feet,
    finger_bones,
    key_times,
    keys,
    shape,
)
from .posed import rig_of

_TIMING_KEY = "lsmpl_timing"
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
    motion = motion or layers.load(take)
    body = body or body_of(take, motion)

    # The shape that the feet are put down for: a character that keeps its own stands on it, too.
    armature, _ = _character_of(take, scene, body)
    if armature is not None:
        assigning.check(armature)
    rest = (
        character.rest_rotations(body)
        if armature is None
        else character.bone_rotations(armature, body)
    )
    residual = _residual_of(take, motion)
    name, times = take.name, key_times.wanted(take, len(motion))
    every = take.lsmpl_bake.every if take.lsmpl_bake.keys == "SCENE" else 1
    keeps_shape = feet_locked and armature is not None and _keeps_its_own(take, armature)
    shown_on = shape.betas_of(armature) if keeps_shape else motion.betas

    # Computed on another thread, then written a few curves at a time.
    held = Held(take, scene, doing="baked")
    yield Progress("bake", 0, 1)
    rig = None if armature is None else rig_of(armature, body)
    if rig is not None:
        worn = shape.betas_of(armature) if _keeps_its_own(take, armature) else motion.betas
        rig = replace(rig, heads=shape.rest_joints(body, worn))
    has_fingers = armature is not None and finger_bones.has_fingers(armature)
    fingers = finger_bones.lying(armature) if has_fingers else None
    still = [] if armature is None else control_curves.still_curls(armature, len(times.at))
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
        note_timing(action, take)
        key_times.note(action, take)
        if feet_locked:
            feet.note(action, shown_on)
        with all_or_nothing(), ExitStack() as on_error:
            put_in_place = prepare(take, joints) if prepare else lambda: None
            armature, mesh = _ready_character(take, scene, body, motion, body_path, on_error)
            assigning.check(armature)
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


def note_timing(action: bpy.types.Action, take: bpy.types.Object) -> None:
    """Keep with an action that is made of a take when that plays."""
    action[_TIMING_KEY] = [take.lsmpl.start, take.lsmpl.step]


def timing_of(action: bpy.types.Action) -> tuple[float, float] | None:
    """Scene frame of a take's first frame, and the step from one to the next, when the action was
    baked."""
    timing = action.get(_TIMING_KEY)
    return tuple(timing) if timing is not None else None


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
    note_timing(action, take)
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


def _ready_character(
    take: bpy.types.Object,
    scene: bpy.types.Scene,
    body: Body,
    motion: Motion,
    body_path: str | None,
    on_error: ExitStack,
) -> tuple[bpy.types.Object, bpy.types.Object | None]:
    """The take's character in the motion's shape, or in the one that it was given by hand."""
    armature, mesh = _character_of(take, scene, body)
    if armature is None:
        path = layers.facts_of(take)["body_path"] if body_path is None else body_path

        left = take.lsmpl.body_mesh if _is_left(take, scene, body) else None
        if left is not None:
            on_error.callback(character.straighten(left))
        armature, mesh = character.build(
            body, motion.betas, take.name, path, left, motion.hand_size
        )

        armature.matrix_world = take.matrix_world
        armature.color = mesh.color = take.color
        for collection in take.users_collection or (scene.collection,):
            collection.objects.link(armature)
            if mesh != left:
                collection.objects.link(mesh)
        wanted = scene.lsmpl.pose_correctives or correctives.are_on(armature)
        if wanted and body.pose_directions is not None:
            correctives.add(armature, body)
        return armature, mesh

    # A character that is there keeps the shape that somebody gave it by hand.
    before = shape.betas_of(armature), shape.hand_size_of(armature)
    taken = shape.taken_of(armature), shape.hand_size_of(armature, taken=True)
    keeps_its_own = _keeps_its_own(take, armature)
    on_error.callback(shape.reshape, armature, *before)
    on_error.callback(shape.set_taken, armature, *taken)
    shape.set_taken(armature, motion.betas, motion.hand_size)
    shape.reshape(armature, *(before if keeps_its_own else (motion.betas, motion.hand_size)))
    correctives.refresh(armature, body)
    return armature, mesh


def _is_left(take: bpy.types.Object, scene: bpy.types.Scene, body: Body) -> bool:
    """Whether only the rig of a take's character was deleted, so that a new one would stand inside
    of the old body."""
    mesh = take.lsmpl.body_mesh
    return character.is_left_of(mesh, body) and mesh.name in scene.objects


def _keeps_its_own(take: bpy.types.Object, armature: bpy.types.Object) -> bool:
    """Whether a character keeps its shape when the take is baked on it."""
    return take.lsmpl_bake.onto == armature or shape.is_own(armature)


def _character_of(
    take: bpy.types.Object, scene: bpy.types.Scene, body: Body
) -> tuple[bpy.types.Object | None, bpy.types.Object | None]:
    """The take's armature and body mesh: those it is to be baked onto, or its own if they are still
    in the scene and fit the body.

    A take that was duplicated points to the same character as the original, whose name comes first.
    """
    onto = take.lsmpl_bake.onto
    if onto is not None:
        if onto.name not in scene.objects:
            raise LsmplError(
                f"{take.name}: is to be baked onto {onto.name}, which is not in this scene"
            )
        if not shape.fits(onto, body):
            raise LsmplError(
                f"{take.name}: is to be baked onto {onto.name}, a character of another body; "
                "choose another"
            )
        return onto, next(iter(shape.meshes_of(onto)), None)
    armature, mesh = take.lsmpl.armature, take.lsmpl.body_mesh
    if armature is None or armature.name not in scene.objects or not shape.fits(armature, body):
        return None, None
    if any(
        other.lsmpl.armature == armature and other.name < take.name
        for other in takes.takes_in(scene)
    ):
        return None, None
    return armature, mesh if mesh is not None and mesh.name in scene.objects else None


def _is_character(settings: BakeSettings, obj: bpy.types.Object) -> bool:
    return shape.is_character(obj)


class BakeSettings(bpy.types.PropertyGroup):
    """`Object.lsmpl_bake` of a take: where its motion goes."""

    onto: PointerProperty(
        type=bpy.types.Object,
        name="Bake Onto",
        description="A character that is there already, which keeps its shape; empty makes "
        "one for the take",
        poll=_is_character,
    )
    as_strip: BoolProperty(
        name="As NLA Strip",
        description="Give the take a track of its own in the Nonlinear Animation editor, so "
        "that a character can have "
        "several takes. Otherwise the motion becomes the character's action",
    )
    keys: EnumProperty(
        name="Keys",
        description="Which frames get keys, where the scene's rate is not the take's",
        items=[
            (
                "SCENE",
                "Whole Scene Frames",
                "Where animators set theirs; between frames of the take the motion is interpolated",
            ),
            ("TAKE", "Every Take Frame", "All that was captured, between frames of the scene, too"),
        ],
    )
    every: IntProperty(
        name="Key Every",
        description="Scene frames from one key to the next; with more than one, smooth curves "
        "follow the frames in between as closely as they can. Frames that you change later get "
        "keys of their own",
        default=1,
        min=1,
        soft_max=30,
    )
    action: PointerProperty(type=bpy.types.Action, name="Action", description="What was last baked")


def describe(baked: Baked) -> str:
    """For a message to the user."""
    also = (
        f"; the action you had edited is kept as {baked.previous.name!r}" if baked.previous else ""
    )
    return f"Baked on {baked.armature.name!r}{also}"


register, unregister = registration((BakeSettings,), (bpy.types.Object, "lsmpl_bake", BakeSettings))
