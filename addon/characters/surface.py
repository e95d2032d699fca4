"""What a body's surface looks like: plain, in plain clothes, or as a mannequin's."""

from __future__ import annotations

from collections.abc import Sequence

import bpy
import numpy as np
from bpy.props import EnumProperty

from ...lsmpl_core import LsmplError
from ...lsmpl_core.body.body import Body
from ...lsmpl_core.body.garments import clothes
from ..registration import registration
from ..takes.display_nodes import material
from . import bodies, shape

PLAIN, CLOTHED, MANNEQUIN = "PLAIN", "CLOTHED", "MANNEQUIN"
_LOOK_KEY = "lsmpl_look"
"""Custom property of a body's mesh."""
_Look = tuple[tuple[str, tuple[float, float, float], float], ...]
_LOOKS: dict[str, _Look] = {
    PLAIN: (("LSMPL Body", (0.55, 0.57, 0.6), 0.65),),
    CLOTHED: (
        ("LSMPL Skin", (0.62, 0.58, 0.55), 0.6),
        ("LSMPL Shirt", (0.36, 0.46, 0.56), 0.85),
        ("LSMPL Trousers", (0.17, 0.19, 0.23), 0.9),
        ("LSMPL Shoes", (0.09, 0.09, 0.1), 0.7),
    ),
    MANNEQUIN: (("LSMPL Mannequin", (0.8, 0.77, 0.73), 0.45),),
}
"""Of each look its materials, in the order of `garments`' numbers: names, colours, roughness."""
_OURS = {name for look in _LOOKS.values() for name, _, _ in look}


def dress(mesh: bpy.types.Mesh, body: Body, look: str) -> None:
    """Give a body's mesh the materials of a look, in the places of those of another. Raises
    `LsmplError` where its faces are no longer the body's."""
    faces = body.faces if body.quads is None else body.quads
    if len(mesh.polygons) != len(faces):
        raise LsmplError(f"{mesh.name}: its faces were edited, so nobody knows where clothes end")
    worn = clothes(body, faces) if look == CLOTHED else np.zeros(len(faces), dtype=np.int32)
    slots = [material(*one) for one in _LOOKS[look]]
    mesh.materials.clear()
    for slot in slots:
        mesh.materials.append(slot)
    mesh.polygons.foreach_set("material_index", worn.astype(np.int32))
    mesh[_LOOK_KEY] = look
    mesh.update()


def look_of(mesh: bpy.types.Mesh) -> str:
    """The look that a body's mesh was given; those of an earlier version are plain."""
    return mesh.get(_LOOK_KEY, PLAIN)


def why_kept(meshes: Sequence[bpy.types.Object]) -> str:
    """Why a character's look cannot be changed; "" where it can. Materials of the user's are
    never taken away."""
    for mesh in meshes:
        if mesh.library or mesh.data.library or mesh.override_library:
            return "is linked from another file"
        if mesh.mode != "OBJECT":
            return f"has its mesh {mesh.name} in {mesh.mode.replace('_', ' ').title()} Mode"
        names = {slot.name.split(".")[0] for slot in mesh.data.materials if slot}
        if names - _OURS:
            return f"has materials of your own on {mesh.name}"
    return "" if meshes else "has no body mesh of LSMPL's"


def _get_look(settings: Surface) -> int:
    meshes = shape.meshes_of(settings.id_data)
    return list(_LOOKS).index(look_of(meshes[0].data)) if meshes else 0


def _set_look(settings: Surface, number: int) -> None:
    armature = settings.id_data
    meshes = shape.meshes_of(armature)
    if why_kept(meshes):  # the panel says why
        return
    try:
        body = bodies.of_character(armature)
        for mesh in meshes:
            dress(mesh.data, body, list(_LOOKS)[number])
    except LsmplError as error:
        print(f"LSMPL: {error}")


class Surface(bpy.types.PropertyGroup):
    """`Object.lsmpl_surface` of a character."""

    look: EnumProperty(
        name="Look",
        description="What the body's surface looks like",
        items=(
            (PLAIN, "Plain", "One grey surface"),
            (CLOTHED, "Clothed", "Plain shirt, trousers and shoes, as materials"),
            (MANNEQUIN, "Mannequin", "One pale surface, as a shop-window's mannequin"),
        ),
        get=_get_look,
        set=_set_look,
    )


register, unregister = registration((Surface,), (bpy.types.Object, "lsmpl_surface", Surface))
