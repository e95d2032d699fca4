"""The character of a take: the one that its motion is baked onto, or its own, made where it has
none."""

from __future__ import annotations

from contextlib import ExitStack

import bpy

from ...lsmpl_core import LsmplError, Motion
from ...lsmpl_core.body.body import Body
from ..takes import layers
from ..takes import take as takes
from . import character, correctives, shape


def find(
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


def keeps_its_own(take: bpy.types.Object, armature: bpy.types.Object) -> bool:
    """Whether a character keeps its shape when the take is baked on it."""
    return take.lsmpl_bake.onto == armature or shape.is_own(armature)


def ready(
    take: bpy.types.Object,
    scene: bpy.types.Scene,
    body: Body,
    motion: Motion,
    body_path: str | None,
    on_error: ExitStack,
) -> tuple[bpy.types.Object, bpy.types.Object | None]:
    """The take's character in the motion's shape, or in the one that it was given by hand."""
    armature, mesh = find(take, scene, body)
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
    keeps = keeps_its_own(take, armature)
    on_error.callback(shape.reshape, armature, *before)
    on_error.callback(shape.set_taken, armature, *taken)
    shape.set_taken(armature, motion.betas, motion.hand_size)
    shape.reshape(armature, *(before if keeps else (motion.betas, motion.hand_size)))
    correctives.refresh(armature, body)
    return armature, mesh


def _is_left(take: bpy.types.Object, scene: bpy.types.Scene, body: Body) -> bool:
    """Whether only the rig of a take's character was deleted, so that a new one would stand inside
    of the old body."""
    mesh = take.lsmpl.body_mesh
    return character.is_left_of(mesh, body) and mesh.name in scene.objects
