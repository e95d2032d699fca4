"""Body shape: sliders that move bones and mesh, under an animation that stays."""

import json

import bpy
import numpy as np
import pytest
from test_baking import bone_heads, largest_errors, mesh_vertices

OTHER = np.array([1.5, -1.0, 0.8, 0.5, -0.4, 0.3, 0.0, 0.2, -0.1, 0.1])


def keys(addon, action) -> np.ndarray:
    curves = list(addon("characters.actions").fcurves(action))
    values = np.empty((len(curves), 2 * len(curves[0].keyframe_points)), dtype=np.float32)
    for row, curve in zip(values, curves):
        curve.keyframe_points.foreach_get("co", row)
    return values


def standing(core, body, frames=5):
    poses = np.zeros((frames, 24, 3))
    poses[:, 0, 0] = np.pi / 2
    return core.Motion(poses, np.zeros((frames, 3)), body=body.key)


def test_sliders_move_bones_and_mesh_together(addon, baked_take, core, body):
    _, baked = baked_take(standing(core, body))
    baked.armature.lsmpl_shape.betas = OTHER
    shape = addon("characters.shape")
    expected = shape.rest_joints(body, OTHER)
    rest = np.array([baked.armature.data.bones[name].head_local for name in body.joint_names])
    np.testing.assert_allclose(rest, expected, atol=1e-5)
    np.testing.assert_allclose(baked.armature.lsmpl_shape.betas, OTHER, atol=1e-6)
    baked.armature.data.pose_position = "REST"
    grounded = body.rest_vertices(OTHER) + shape.grounding(body) @ OTHER
    bpy.context.view_layer.update()
    np.testing.assert_allclose(mesh_vertices(baked.body_mesh), grounded @ shape.TO_BLENDER.T, atol=1e-5)


def test_keys_stay_what_they_are_and_bones_lie_as_they_did(addon, baked_take, body, random_motion):
    _, baked = baked_take(random_motion())
    before = keys(addon, baked.action)
    lies = addon("characters.character").bone_rotations(baked.armature, body)
    baked.armature.lsmpl_shape.betas = OTHER
    np.testing.assert_array_equal(keys(addon, baked.action), before)
    np.testing.assert_allclose(addon("characters.character").bone_rotations(baked.armature, body), lies, atol=1e-5)
    np.testing.assert_allclose(lies, addon("characters.character").rest_rotations(body), atol=1e-5)


def test_a_standing_body_of_another_shape_stands_on_the_same_floor(baked_take, core, body):
    _, baked = baked_take(standing(core, body))

    def soles() -> np.ndarray:
        bpy.context.view_layer.update()
        return mesh_vertices(baked.body_mesh)[:, 2].min()

    floor, head = soles(), bone_heads(baked.armature, ["head"])[0, 2]
    for beta in (-2.0, 2.0):
        baked.armature.lsmpl_shape.betas = [beta] + [0.0] * 9
        assert abs(soles() - floor) < 0.005
        assert abs(bone_heads(baked.armature, ["head"])[0, 2] - head) > 0.05


def test_the_bones_of_a_posed_body_are_those_of_its_shape(addon, baked_take, body, random_motion):
    """Every segment has the length that SMPL gives it for the betas, in every pose."""
    motion = random_motion(frames=5)
    _, baked = baked_take(motion)
    baked.armature.lsmpl_shape.betas = OTHER
    bpy.context.scene.frame_set(3)
    heads = bone_heads(baked.armature, body.joint_names)
    rest = body.rest_joints(OTHER)
    for joint, parent in enumerate(body.parents):
        if parent >= 0:
            length = np.linalg.norm(rest[joint] - rest[parent])
            assert np.linalg.norm(heads[joint] - heads[parent]) == pytest.approx(length, abs=1e-5)


def test_back_to_the_takes_shape(addon, baked_take, body, random_motion):
    motion = random_motion(frames=6)
    _, baked = baked_take(motion)
    bpy.context.view_layer.objects.active = baked.armature
    with pytest.raises(RuntimeError, match="poll"):
        bpy.ops.lsmpl.shape_of_take()
    baked.armature.lsmpl_shape.betas = OTHER
    assert bpy.ops.lsmpl.shape_of_take() == {"FINISHED"}
    assert max(largest_errors(baked, body, motion)) < 1e-3


def test_a_shape_given_by_hand_survives_baking_and_solving_again(addon, baked_take, body, random_motion):
    take, baked = baked_take(random_motion(seed=1))
    baked.armature.lsmpl_shape.betas = OTHER
    again = addon("solving.solve").keep(take, bpy.context.scene, random_motion(seed=2), body)
    np.testing.assert_allclose(again.armature.lsmpl_shape.betas, OTHER, atol=1e-6)
    bpy.context.view_layer.objects.active = take
    bpy.ops.lsmpl.shape_of_take()
    assert max(largest_errors(again, body, random_motion(seed=2))) < 1e-3


def test_shaping_leaves_mode_and_selection_alone(baked_take, random_motion):
    _, baked = baked_take(random_motion(frames=3))
    layer = bpy.context.view_layer
    layer.objects.active = baked.armature
    bpy.ops.object.mode_set(mode="POSE")
    baked.armature.lsmpl_shape.betas = OTHER
    assert (layer.objects.active, baked.armature.mode) == (baked.armature, "POSE")
    bpy.ops.object.mode_set(mode="OBJECT")
    assert "LSMPL stand-in" not in bpy.data.objects


def test_shape_survives_saving_and_undo(addon, baked_take, random_motion, tmp_path):
    _, baked = baked_take(random_motion(frames=3))
    name = baked.armature.name
    baked.armature.lsmpl_shape.betas = OTHER
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shape.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "shape.blend"))
    armature = bpy.data.objects[name]
    np.testing.assert_allclose(armature.lsmpl_shape.betas, OTHER, atol=1e-6)
    armature.lsmpl_shape.betas = [0.0] * 10
    np.testing.assert_allclose(armature.lsmpl_shape.betas, np.zeros(10), atol=1e-6)


def test_bones_that_are_shared_or_renamed_say_why_they_stay(addon, baked_take, random_motion):
    _, baked = baked_take(random_motion(frames=3))
    shape, armature = addon("characters.shape"), baked.armature
    twin = bpy.data.objects.new("Twin", armature.data)
    before = shape.betas_of(armature).copy()
    assert "shares its bones" in shape.why_fixed(armature)
    armature.lsmpl_shape.betas = OTHER
    np.testing.assert_array_equal(shape.betas_of(armature), before)
    bpy.data.objects.remove(twin)
    armature.data.bones["head"].name = "Kopf"
    assert "head" in shape.why_fixed(armature)


def test_what_is_no_character_has_no_shape(addon):
    empty = bpy.data.objects.new("Empty", None)
    assert list(empty.lsmpl_shape.betas) == [0.0] * 10
    empty.lsmpl_shape.betas = OTHER
    assert list(empty.lsmpl_shape.betas) == [0.0] * 10
    empty["lsmpl_character"] = "not JSON"
    assert addon("characters.shape").facts(empty) == {}


def test_a_slider_moves_bones_and_keys_without_touching_the_skin(baked_take, random_motion, count_calls, monkeypatch):
    """A drag asks for it at every step of the mouse: no vertex is computed anew, and each step does the same."""
    _, baked = baked_take(random_motion(frames=3))
    betas, mesh = baked.armature.lsmpl_shape, baked.body_mesh.data
    basis = np.array([v.co for v in mesh.vertices])

    def slide(beta: float) -> int:
        return count_calls(lambda: setattr(betas, "betas", [beta] + [0.0] * 9))

    counts = [slide(beta) for beta in (-2.0, 0.5, 1.0, 2.0)]
    assert max(counts) < 1.2 * min(counts)
    assert max(counts) < len(mesh.vertices), "nothing is done vertex by vertex"
    np.testing.assert_array_equal([v.co for v in mesh.vertices], basis)


def test_facts_are_plain_json(addon, baked_take, random_motion):
    _, baked = baked_take(random_motion(frames=3))
    assert set(json.loads(baked.armature["lsmpl_character"])) == {
        "body", "body_path", "betas", "taken", "hand_size", "taken_hands",
    }  # fmt: skip
