"""Bake: the motion of a take, cleaned or as solved, becomes an action on its character."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import bpy

from ..lsmpl_core import LsmplError, Motion
from . import actions, character, stages
from . import take as takes
from .errors import all_or_nothing, reports_errors
from .selection import active_take, is_solved
from .timing import scene_frames

if TYPE_CHECKING:
    from ..lsmpl_core.body import Body

_TIMING = "lsmpl_timing"


class Baked(NamedTuple):
    armature: bpy.types.Object
    body_mesh: bpy.types.Object | None
    action: bpy.types.Action
    kept: bpy.types.Action | None
    """The action that was there before, where an animator had edited it."""


def bake(
    take: bpy.types.Object, scene: bpy.types.Scene, body: Body | None = None, motion: Motion | None = None
) -> Baked:
    """Put a take's motion on its character, which is built where the take has none in the scene.

    The motion that is stored with the take, the cleaned one where there is one, and that motion's body are taken where
    none are given. Raises `LsmplError` where that cannot be; if anything goes wrong, nothing has changed.
    """
    motion = motion or stages.load(take)
    body = body or body_of(take, motion)
    armature, mesh = _own_character(take, scene, body)
    with all_or_nothing(), ExitStack() as on_error:
        if armature is None:
            armature, mesh = character.build(body, motion.betas, take.name)
            armature.matrix_world = take.matrix_world
            for collection in take.users_collection or (scene.collection,):
                collection.objects.link(armature)
                collection.objects.link(mesh)
        else:
            on_error.callback(character.reshape, armature, mesh, body, character.betas_of(armature))
            character.reshape(armature, mesh, body, motion.betas)
        quaternions, location = character.pose_curves(armature, body, motion)
        frames = scene_frames(len(motion), take.lsmpl.start, take.lsmpl.step)
        curves = [
            actions.Curve('pose.bones["pelvis"].location', axis, location[:, axis], "pelvis") for axis in range(3)
        ]
        for joint, name in enumerate(body.joint_names):
            path = f'pose.bones["{name}"].rotation_quaternion'
            curves += [actions.Curve(path, i, quaternions[:, joint, i], name) for i in range(4)]
        action = actions.write_action(armature, take.name, frames, curves)
        action[_TIMING] = [take.lsmpl.start, take.lsmpl.step]
        on_error.pop_all()
    kept = actions.assign(armature, action)
    take.lsmpl.armature, take.lsmpl.body_mesh = armature, mesh
    return Baked(armature, mesh, action, kept)


def is_out_of_time(take: bpy.types.Object) -> bool:
    """Whether a take now plays at other scene frames than when it was baked."""
    animation = take.lsmpl.armature.animation_data if take.lsmpl.armature else None
    timing = animation.action.get(_TIMING) if animation and animation.action else None
    return timing is not None and list(timing) != [take.lsmpl.start, take.lsmpl.step]


def body_of(take: bpy.types.Object, motion: Motion) -> Body:
    """The body that a take's stored motion is for. Raises `LsmplError` where it is not there any more."""
    from .bodies import load

    path = stages.describe(take)["body_path"]
    body = load(path)
    if motion.body not in ("", body.key):
        raise LsmplError(
            f"{take.name}: was solved for the body {motion.body}, "
            f"but {path or 'the open body'} is {body.key}; solve again"
        )
    return body


def _own_character(
    take: bpy.types.Object, scene: bpy.types.Scene, body: Body
) -> tuple[bpy.types.Object | None, bpy.types.Object | None]:
    """The take's armature and body mesh if they are still in the scene, its own, and fit the body.

    A take that was duplicated points to the same character as the original, whose name comes first.
    """
    armature, mesh = take.lsmpl.armature, take.lsmpl.body_mesh
    if armature is None or armature.name not in scene.objects or not character.fits(armature, body):
        return None, None
    if any(other.lsmpl.armature == armature and other.name < take.name for other in takes.takes_in(scene)):
        return None, None
    return armature, mesh if mesh is not None and mesh.name in scene.objects else None


class LSMPL_OT_bake(bpy.types.Operator):
    bl_idname = "lsmpl.bake"
    bl_label = "Bake to Character"
    bl_description = "Put the motion on the take's character as an action; it is made if there is none"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return is_solved(cls, context)

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        baked = bake(active_take(context), context.scene)
        self.report({"INFO"}, describe(baked))
        return {"FINISHED"}


def describe(baked: Baked) -> str:
    """For a message to the user."""
    kept = f"; the action you had edited is kept as {baked.kept.name!r}" if baked.kept else ""
    return f"Baked on {baked.armature.name!r}{kept}"


def register() -> None:
    bpy.utils.register_class(LSMPL_OT_bake)


def unregister() -> None:
    bpy.utils.unregister_class(LSMPL_OT_bake)
