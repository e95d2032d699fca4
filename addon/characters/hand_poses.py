"""Hands of the open body that open and close, by two sliders of the character.

Shape keys of the body mesh, `Left Hand 1` to the fist, take turns along the slider, each fading
into the next: fingers that bend go around, which one key could not say. Their drivers are of the
kind that Blender calls simple, so they play without LSMPL.
"""

from __future__ import annotations

import bpy
import numpy as np

from ...lsmpl_core.body.body import Body
from ...lsmpl_core.body.closed_hands import RELAXED, closed_hands
from . import shape
from .shape import TO_BLENDER

SLIDERS = ("Left Hand", "Right Hand")
"""Custom properties of an armature: 0 flat, 1 a fist."""
_CLOSED = (RELAXED, 0.5, 0.75, 1.0)
"""Of the shape keys, evenly."""


def have_sliders(armature: bpy.types.Object) -> bool:
    return all(name in armature for name in SLIDERS)


def add_keys(mesh: bpy.types.Object, body: Body) -> None:
    """Give a new body mesh, which has a Basis, the shape keys of its hands, if it is of a body with
    fingers."""
    if body.fingers is None:
        return
    basis = np.ascontiguousarray(body.v_template @ TO_BLENDER.T, dtype=np.float32)
    poses = [closed_hands(body, closed) for closed in _CLOSED]
    for hand, name in enumerate(SLIDERS):
        for number, (vertices, offsets) in enumerate(poses, start=1):
            moved = basis.copy()
            moved[vertices[hand]] += offsets[hand] @ TO_BLENDER.T
            key = mesh.shape_key_add(name=f"{name} {number}", from_mix=False)
            key.data.foreach_set("co", moved.ravel())


def flatten(armature: bpy.types.Object) -> None:
    """Leave the fingers to bones of their own, which move them from the rest pose."""
    for name in SLIDERS:
        if name in armature:
            armature[name] = 0.0
            for mesh in shape.meshes_of(armature):
                _close(armature, name, _keys_of(mesh, name))
    armature.update_tag()


def drive(armature: bpy.types.Object, mesh: bpy.types.Object) -> None:
    """Let a character's sliders, relaxed where they are new, move the hands of its body mesh, where
    this has keys for them."""
    keys = {name: _keys_of(mesh, name) for name in SLIDERS}
    if not all(keys.values()):
        return
    for name, of_hand in keys.items():
        _add_slider(armature, name)
        for number, key in enumerate(of_hand, start=1):
            key.driver_remove("value")
            driver = key.driver_add("value").driver
            driver.type = "SCRIPTED"
            driver.expression = f"max(0,1-abs({len(of_hand)}*hand-{number}))"
            variable = driver.variables.new()
            variable.name = "hand"
            variable.targets[0].id, variable.targets[0].data_path = armature, f'["{name}"]'
        _close(armature, name, of_hand)


def _add_slider(armature: bpy.types.Object, name: str) -> None:
    if name in armature:
        return
    armature[name] = RELAXED
    description = f"How far the fingers are closed: 0 flat, {RELAXED:g} relaxed, 1 a fist"
    armature.id_properties_ui(name).update(
        min=0.0, max=1.0, soft_min=0.0, soft_max=1.0, default=RELAXED, description=description
    )
    armature.property_overridable_library_set(f'["{name}"]', True)


def _close(armature: bpy.types.Object, name: str, of_hand: list[bpy.types.ShapeKey]) -> None:
    """Do at once what the drivers do when Blender next evaluates them: exports may be first."""
    for number, key in enumerate(of_hand, start=1):
        key.value = max(0.0, 1.0 - abs(len(of_hand) * armature[name] - number))


def _keys_of(mesh: bpy.types.Object, name: str) -> list[bpy.types.ShapeKey]:
    keys = mesh.data.shape_keys
    blocks = keys.key_blocks if keys else ()
    return [key for key in blocks if key.name.rpartition(" ")[0] == name]
