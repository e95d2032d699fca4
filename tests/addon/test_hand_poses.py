"""Hands of the open body: relaxed, and closed by a slider."""

import bpy
import numpy as np
import pytest
from test_baking import mesh_vertices


@pytest.fixture
def character(addon, body):
    """Armature and mesh of a new character, in the scene and in the rest pose."""
    armature, mesh = addon("characters.character").build(body, np.zeros(10), "Test")
    for obj in (armature, mesh):
        bpy.context.scene.collection.objects.link(obj)
    return armature, mesh


def fingers(character, left, right) -> np.ndarray:
    """The mesh with the hands that far closed."""
    armature, mesh = character
    armature["Left Hand"], armature["Right Hand"] = left, right
    armature.update_tag()
    bpy.context.view_layer.update()
    return mesh_vertices(mesh)


def test_hands_are_relaxed_unless_somebody_opens_them(addon, character, body):
    bpy.context.view_layer.update()
    new = mesh_vertices(character[1])
    flat = fingers(character, 0.0, 0.0)
    np.testing.assert_allclose(flat, body.v_template @ addon("characters.shape").TO_BLENDER.T, atol=1e-6)
    moved = np.linalg.norm(new - flat, axis=1)
    assert 0.01 < moved.max() < 0.05, "metres, of a fingertip"
    np.testing.assert_allclose(new, fingers(character, 0.25, 0.25), atol=1e-6)


def test_each_hand_closes_by_itself_around_and_not_through(character):
    flat, fist = fingers(character, 0.0, 0.0), fingers(character, 1.0, 0.0)
    moved = np.linalg.norm(fist - flat, axis=1)
    assert (flat[moved > 1e-5, 0] > 0.6).all(), "the left hand alone"
    tip = np.argmax(moved)
    reach = [np.linalg.norm(fingers(character, t, 0.0)[tip] - flat[tip]) for t in (0.25, 0.5, 0.75, 1.0)]
    assert np.diff(reach[:3]).min() > 0.01, "it goes on and on"
    both = fingers(character, 1.0, 1.0)
    mirrored = both * (-1, 1, 1)
    found = np.linalg.norm(both[tip] - mirrored, axis=1).min()
    assert found < 1e-3, "the right hand does the same"


def test_hands_are_in_an_export(addon, character):
    armature, _ = character
    fingers(character, 1.0, 0.25)
    with addon("staging.stage").staged(armature, bpy.context.scene, 0, 1) as stage:
        keys = stage.meshes[0].data.shape_keys
        exported = np.array([v.co for v in stage.meshes[0].data.vertices])
    assert keys is None
    np.testing.assert_allclose(exported, fingers(character, 1.0, 0.25), atol=1e-5)
