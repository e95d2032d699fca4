"""Shape sliders by what tailors measure, average bodies, and what the body's surface looks like."""

import bpy
import numpy as np
import pytest
from test_baking import mesh_vertices


@pytest.fixture
def character(baked_take, core, body):
    motion = core.Motion(np.zeros((3, 24, 3)), np.zeros((3, 3)), body=body.key)
    motion.poses[:, 0, 0] = np.pi / 2
    take, baked = baked_take(motion)
    bpy.context.view_layer.objects.active = baked.armature
    return take, baked.armature, baked.body_mesh


def test_a_taller_body_is_taller_in_the_viewport(character):
    _, armature, mesh = character
    measures = armature.lsmpl_measures
    before, height = np.ptp(mesh_vertices(mesh)[:, 2]), measures.height
    assert height == pytest.approx(before, abs=0.005)
    measures.height = height + 0.1
    bpy.context.view_layer.update()
    assert np.ptp(mesh_vertices(mesh)[:, 2]) - before == pytest.approx(0.1, abs=0.005)
    weight = measures.weight
    measures.weight = weight + 10
    assert measures.weight == pytest.approx(weight + 10, abs=0.01)
    assert measures.height == pytest.approx(height + 0.1, abs=1e-4)


def test_no_slider_leads_beyond_people(character):
    _, armature, _ = character
    armature.lsmpl_measures.weight = 600
    assert np.abs(armature.lsmpl_shape.betas).max() <= 5.0


def test_average_bodies_are_as_tall_as_the_character(character):
    _, armature, _ = character
    measures, found = armature.lsmpl_measures, {}
    measures.height = 1.8
    for which in ("MAN", "WOMAN", "NEUTRAL"):
        assert bpy.ops.lsmpl.average_body(which=which) == {"FINISHED"}
        assert measures.height == pytest.approx(1.8, abs=1e-3)
        found[which] = measures.shoulder_width, measures.hip_girth / measures.waist_girth
    assert found["MAN"][0] > found["NEUTRAL"][0] > found["WOMAN"][0]
    assert found["MAN"][1] < found["NEUTRAL"][1] < found["WOMAN"][1]


def test_a_users_body_has_its_own_measures_and_no_averages(addon, core, body, tmp_path):
    """One that is a tenth larger all over says so; without its file the ten sliders remain."""
    arrays = body.as_smpl()
    for name in ("v_template", "shapedirs"):
        arrays[name] = 1.1 * np.asarray(arrays[name], dtype=float)
    np.savez(tmp_path / "large.npz", **arrays)
    large = core.load_body(tmp_path / "large.npz")
    motion = core.Motion(np.zeros((3, 24, 3)), np.zeros((3, 3)), body=large.key)
    scene = bpy.context.scene
    take = addon("importing.adding").add_take(scene, large.keypoints(motion, "body_25"), "Large")
    baked = addon("solving.solve").keep(take, scene, motion, large, str(tmp_path / "large.npz"))
    bpy.context.view_layer.objects.active = baked.armature
    mean = addon("characters.tailoring").measured(body).mean[0]
    assert baked.armature.lsmpl_measures.height == pytest.approx(1.1 * mean, abs=1e-3)
    with pytest.raises(RuntimeError, match="open body"):
        bpy.ops.lsmpl.average_body(which="MAN")
    (tmp_path / "large.npz").unlink()
    assert "large.npz" in addon("characters.tailoring").why_unknown(baked.armature)
    baked.armature.lsmpl_measures.height = 2.0  # says nothing, changes nothing
    assert baked.armature.lsmpl_measures.height == 0.0 and not any(baked.armature.lsmpl_shape.betas)


def materials(mesh) -> list[str]:
    return [slot.name for slot in mesh.data.materials]


def test_a_new_body_is_clothed_and_may_look_otherwise(character):
    _, armature, mesh = character
    assert armature.lsmpl_surface.look == "CLOTHED"
    assert materials(mesh) == ["LSMPL Skin", "LSMPL Shirt", "LSMPL Trousers", "LSMPL Shoes"]
    worn = np.array([polygon.material_index for polygon in mesh.data.polygons])
    assert (np.bincount(worn) > 100).all()
    armature.lsmpl_surface.look = "MANNEQUIN"
    assert materials(mesh) == ["LSMPL Mannequin"]
    assert not any(polygon.material_index for polygon in mesh.data.polygons)
    armature.lsmpl_surface.look = "PLAIN"
    assert materials(mesh) == ["LSMPL Body"]


def test_a_users_own_materials_stay(addon, character):
    _, armature, mesh = character
    mesh.data.materials[0] = bpy.data.materials.new("Gold")
    armature.lsmpl_surface.look = "PLAIN"
    assert materials(mesh)[0] == "Gold" and armature.lsmpl_surface.look == "CLOTHED"
    assert "materials of your own" in addon("characters.surface").why_kept([mesh])


def test_the_panel_has_measures_before_the_ten(character, drawn):
    said = drawn()["LSMPL_PT_shape"]
    order = [said.index(word) for word in ("Woman", "Height", "Weight", "Waist", "Shape 1", "Shape 10")]
    assert order == sorted(order)
    assert "Look" in drawn()["LSMPL_PT_surface"]
