"""A scene of its own for a character while it is exported or read: nothing of the user's scenes is
touched."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

import bpy
import numpy as np

from ...lsmpl_core import LsmplError
from ..characters import assigning, correctives, shape
from ..characters.editing import editing
from ..rigging import building, limbs
from . import enlarging
from .programs import PROGRAMS, Program

_TILT = 1e-4
"""Radians, by which bones are tilted that bear others: Blender's FBX importer takes what begins
exactly where another bone ends for connected, and drops what moves it away from there."""


class Stage(NamedTuple):
    """The scene, and in it copies of the character's armature and of its meshes."""

    scene: bpy.types.Scene
    armature: bpy.types.Object
    meshes: list[bpy.types.Object]


@contextmanager
def staged(
    armature: bpy.types.Object,
    scene: bpy.types.Scene,
    first: int,
    last: int,
    action: bpy.types.Action | None = None,
    with_meshes: bool = True,
    with_correctives: bool = False,
    program: Program = PROGRAMS["ANY"],
    deform_only: bool = True,
    keep: Collection[str] = (),
) -> Iterator[Stage]:
    """Copies of a character alone in a scene at the user's frame rate, selected, the armature
    active.

    They play what the character plays, or `action` alone, and have the character's names meanwhile.
    The shape of its meshes is worked into them: exchange formats limit the values of shape keys, or
    lose them. Pose correctives stay as driven shape keys `with_correctives`, and are otherwise left
    out. Of an armature with controls the bones that deform are left, and those named in `keep`,
    unless they are all wanted: not `deform_only`; ours never has its controls. The program says in
    which unit and by which names. Raises `LsmplError` where the armature is in Edit Mode.
    """
    if armature.mode == "EDIT":
        raise LsmplError(
            f"{armature.name}: is in Edit Mode; go back to Object Mode or Pose Mode first"
        )
    with ExitStack() as at_end:
        stage = bpy.data.scenes.new(armature.name)
        at_end.callback(bpy.data.scenes.remove, stage)
        stage.render.fps, stage.render.fps_base = scene.render.fps, scene.render.fps_base
        stage.unit_settings.system = scene.unit_settings.system
        stage.unit_settings.scale_length = scene.unit_settings.scale_length
        stage.frame_end, stage.frame_start = last, first

        # Copies, which share their data with the originals until something has to differ.
        rig = _copy(armature, stage, at_end)
        building.retarget(rig, armature)
        if action is not None:
            assigning.play_alone(rig, action)
        wanted = _wanted_bones(armature, deform_only, keep)
        names = program.names if shape.is_character(armature) else {}
        if len(wanted) < len(armature.data.bones) or (names and with_meshes):
            rig = _plain(rig, armature, wanted, stage, at_end)

        meshes = []
        for mesh in meshes_on(armature) if with_meshes else ():
            twin = _copy(mesh, stage, at_end)
            _work_shape_in(twin, with_correctives, at_end)
            if twin.parent == armature:
                twin.parent = rig
            for modifier in twin.modifiers:
                if modifier.type == "ARMATURE" and modifier.object == armature:
                    modifier.object = rig
            correctives.follow(twin, armature, rig)
            meshes.append(twin)

        if program.centimetres:
            stage.unit_settings.scale_length = 0.01
            rig, metres = enlarging.enlarge(rig, meshes, stage, 100.0, at_end), rig
            rig.name, metres.hide_viewport = metres.name, True
        if names and with_meshes:
            _rename(rig, meshes, names, at_end)
        if program.top:
            rig.name = program.top

        # Exporters take what is selected in the scene of the context.
        at_end.enter_context(_on(stage))
        layer = stage.view_layers[0]
        for obj in (rig, *meshes):
            obj.select_set(True, view_layer=layer)
        layer.objects.active = rig
        stage.frame_set(first)
        yield Stage(stage, rig, meshes)


def meshes_on(armature: bpy.types.Object) -> list[bpy.types.Object]:
    """The meshes that an armature deforms or carries."""
    deformed = [
        obj
        for obj in bpy.data.objects
        if obj.type == "MESH"
        and (
            obj.parent == armature
            or any(m.type == "ARMATURE" and m.object == armature for m in obj.modifiers)
        )
    ]
    return sorted(deformed, key=lambda obj: obj.name)


def _copy(obj: bpy.types.Object, stage: bpy.types.Scene, at_end: ExitStack) -> bpy.types.Object:
    """A visible copy in the stage that has the object's name until the end."""
    twin = obj.copy()
    at_end.callback(_remove, twin, obj.data)
    _lend_name(obj, twin, at_end)
    twin.hide_viewport = twin.hide_render = False
    stage.collection.objects.link(twin)
    return twin


def _own_data(obj: bpy.types.Object, at_end: ExitStack) -> None:
    """Data of its own for a copy, under the name of those that it shares with the original: glTF
    and USD have it in the file."""
    shared = obj.data
    obj.data = shared.copy()
    _lend_name(shared, obj.data, at_end)


def _lend_name(original: bpy.types.ID, twin: bpy.types.ID, at_end: ExitStack) -> None:
    """Until the end a copy has the original's name, unless that is of another file."""
    if not original.library and not original.override_library:
        name = original.name
        at_end.callback(setattr, original, "name", name)
        original.name = f"{name} (being exported)"
        twin.name = name
        at_end.callback(setattr, twin, "name", f"{name} (exported)")


def _wanted_bones(
    armature: bpy.types.Object, deform_only: bool, keep: Collection[str]
) -> list[str]:
    """The bones that are exported; all of an armature none of whose deforms."""
    bones = armature.data.bones
    if limbs.are_there(armature):
        return [bone.name for bone in bones if bone.name not in limbs.CONTROL_BONES]
    deform = [bone.name for bone in bones if bone.use_deform or bone.name in keep]
    return deform if deform_only and any(bone.use_deform for bone in bones) else bones.keys()


def _bearer(bone: bpy.types.Bone, wanted: Collection[str]) -> str:
    """What a bone hangs on where only some are left: the nearest above it, or its namesake among
    Rigify's, whose deform bones hang on bones that follow the controls."""
    above = bone.parent
    while above is not None:
        for name in (above.name, above.name.replace("ORG-", "DEF-")):
            if name in wanted and name != bone.name:
                return name
        above = above.parent
    return ""


def _plain(
    rig: bpy.types.Object,
    armature: bpy.types.Object,
    wanted: Collection[str],
    stage: bpy.types.Scene,
    at_end: ExitStack,
) -> bpy.types.Object:
    """A copy with these bones alone, each where that of a copied armature is, which is hidden and
    lends it its name."""
    above = {name: _bearer(armature.data.bones[name], wanted) for name in wanted}

    # A copy of the copy takes its name.
    name, rig.name = rig.name, f"{rig.name} (with controls)"
    plain = rig.copy()
    at_end.callback(_remove, plain, armature.data)
    plain.animation_data_clear()
    for bone in plain.pose.bones:  # whose targets are about to go, which Blender would complain of
        for constraint in list(bone.constraints):
            bone.constraints.remove(constraint)

    # Its own bones: the wanted ones alone, each on the nearest that bears it.
    plain.name = name
    _own_data(plain, at_end)
    stage.collection.objects.link(plain)
    with _on(stage), editing(plain.data):
        edited = plain.data.edit_bones
        for bone in list(edited):
            bone.use_connect = False
        for name, bearer in above.items():
            edited[name].parent = edited[bearer] if bearer else None
        for name in [bone.name for bone in edited if bone.name not in above]:
            edited.remove(edited[name])
        if not shape.is_character(armature):  # ours do not stretch
            for bearer in [edited[name] for name in sorted(set(above.values()) - {""})]:
                bearer.tail += _TILT * bearer.length * bearer.x_axis

    # They follow the bones that they stand for.
    stage.view_layers[0].update()
    bearers = set(above.values())
    for bone in plain.pose.bones:
        _follow(bone, rig, bears=bone.name in bearers)
        bone.custom_shape = None
    rig.hide_viewport = True
    return plain


def _follow(bone: bpy.types.PoseBone, rig: bpy.types.Object, bears: bool) -> None:
    """Let a bone be where its namesake of another armature is.

    One that bears others is scaled along all axes alike: they would be sheared by what stretches
    it, as Rigify's limbs are, and no exchange format can say that. Places come out as they are.
    """
    kinds = ("COPY_LOCATION", "COPY_ROTATION", "COPY_SCALE") if bears else ("COPY_TRANSFORMS",)
    for kind in kinds:
        follows = bone.constraints.new(kind)
        follows.target, follows.subtarget = rig, bone.name
        if kind == "COPY_SCALE":
            follows.use_make_uniform = True


def _rename(
    rig: bpy.types.Object,
    meshes: list[bpy.types.Object],
    names: Mapping[str, str],
    at_end: ExitStack,
) -> None:
    """Call the bones of a copied armature, and what its meshes have for them, otherwise."""
    for mesh in meshes:  # Blender renames their groups along, so that these must be the copies' own
        if mesh.data.users > 1:
            _own_data(mesh, at_end)
    for old, new in names.items():
        if old in rig.data.bones:
            rig.data.bones[old].name = new


def _remove(twin: bpy.types.Object, data: bpy.types.ID) -> None:
    """A copy, and its data if they are its own and not the original's `data`."""
    data_of_twin = twin.data
    bpy.data.objects.remove(twin)
    if data_of_twin != data:
        bpy.data.batch_remove([data_of_twin])


def _work_shape_in(mesh: bpy.types.Object, with_correctives: bool, at_end: ExitStack) -> None:
    """Shape keys of ours become the mesh, which never changes over a take, but for pose correctives
    that are asked for; those of others stay."""
    keys = mesh.data.shape_keys
    if not keys or "Shape 1" not in keys.key_blocks:
        return
    _own_data(mesh, at_end)
    driven = correctives.keys_of(mesh)
    for key in driven:
        key.mute = True
    mix = mesh.shape_key_add(name="Shape", from_mix=True)
    if driven and with_correctives:
        _keep_alone(mesh, driven, mix)
        return
    for key in list(mesh.data.shape_keys.key_blocks)[:-1]:
        mesh.shape_key_remove(key)
    keys = mesh.data.shape_keys.session_uid
    mesh.shape_key_clear()
    left = next((block for block in bpy.data.shape_keys if block.session_uid == keys), None)
    if left:  # Blender 4 counts a user too many
        bpy.data.batch_remove([left])


def _keep_alone(
    mesh: bpy.types.Object, kept: list[bpy.types.ShapeKey], start: bpy.types.ShapeKey
) -> None:
    """Of a mesh's shape keys leave some, which start from where another one is, and so does the
    mesh."""
    blocks, basis = mesh.data.shape_keys.key_blocks, mesh.data.shape_keys.reference_key
    before, after, moved = (np.empty(3 * len(basis.data), dtype=np.float32) for _ in range(3))
    basis.data.foreach_get("co", before)
    start.data.foreach_get("co", after)
    for key in kept:
        key.data.foreach_get("co", moved)
        key.data.foreach_set("co", moved + (after - before))
        key.mute = False
    basis.data.foreach_set("co", after)
    mesh.data.vertices.foreach_set("co", after)
    names = {basis.name, *(key.name for key in kept)}
    for key in [key for key in blocks if key.name not in names]:
        mesh.shape_key_remove(key)


@contextmanager
def _on(stage: bpy.types.Scene) -> Iterator[None]:
    """The stage is the scene of the context: exporters ask the window for its scene."""
    window = bpy.context.window
    if window is None:
        with bpy.context.temp_override(scene=stage, view_layer=stage.view_layers[0]):
            yield
        return
    scene, layer = window.scene, window.view_layer
    with _viewports_as_they_are():
        window.scene = stage
        try:
            yield
        finally:
            window.scene = scene
            window.view_layer = layer


@contextmanager
def _viewports_as_they_are() -> Iterator[None]:
    """Windows whose scene changes let their viewports look through a camera of that, or through
    none; afterwards they look from where they did before."""
    spaces = [
        space
        for window in bpy.context.window_manager.windows
        for area in window.screen.areas
        for space in area.spaces
        if isinstance(space, bpy.types.SpaceView3D)
    ]
    before = [
        (
            {name: getattr(space, name) for name in ("camera", "use_local_camera")},
            space.region_3d.view_perspective if space.region_3d else "",
        )
        for space in spaces
    ]
    yield
    for space, (looks_through, perspective) in zip(spaces, before):
        for name, value in looks_through.items():
            setattr(space, name, value)
        if perspective:
            space.region_3d.view_perspective = perspective
