"""Baking: what Blender plays is what the core computed."""

from dataclasses import replace

import bpy
import numpy as np
import pytest
from conftest import MOCAP


def matrix(obj) -> np.ndarray:
    return np.array(obj.matrix_world)


def bone_heads(armature, names) -> np.ndarray:
    heads = np.array([armature.pose.bones[name].head for name in names])
    return heads @ matrix(armature)[:3, :3].T + matrix(armature)[:3, 3]


def mesh_vertices(obj) -> np.ndarray:
    evaluated = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
    vertices = np.empty(3 * len(evaluated.data.vertices), dtype=np.float32)
    evaluated.data.vertices.foreach_get("co", vertices)
    return vertices.reshape(-1, 3) @ matrix(obj)[:3, :3].T + matrix(obj)[:3, 3]


def largest_errors(baked, body, motion, frames=None) -> tuple[float, float]:
    """Metres, over all frames: of bone heads against joints, and of the evaluated mesh against the skinned vertices.

    Pose correctives are left aside: Blender's armature has none.
    """
    scene = bpy.context.scene
    joints, vertices = body.joints(motion), replace(body, pose_directions=None).vertices(motion)
    worst_joint = worst_vertex = 0.0
    for t in range(len(motion)):
        frame = motion.first_frame + t if frames is None else frames[t]
        scene.frame_set(int(frame), subframe=frame % 1)
        heads = bone_heads(baked.armature, body.joint_names)
        worst_joint = max(worst_joint, np.linalg.norm(heads - joints[t], axis=1).max())
        worst_vertex = max(worst_vertex, np.linalg.norm(mesh_vertices(baked.body_mesh) - vertices[t], axis=1).max())
    print(f"joints {1000 * worst_joint:.4f} mm, vertices {1000 * worst_vertex:.4f} mm")
    return worst_joint, worst_vertex


def test_bones_and_mesh_follow_a_random_motion_on_every_frame(baked_take, body, random_motion):
    motion = random_motion(first_frame=7)
    _, baked = baked_take(motion)
    assert max(largest_errors(baked, body, motion)) < 1e-3


@pytest.mark.parametrize("clip", ["05_02", "127_23"])
def test_bones_and_mesh_follow_captured_motion_on_every_frame(baked_take, core, body, clip):
    motion = core.Motion.load(MOCAP / f"{clip}.npz")
    motion = replace(motion, betas=np.zeros(10), body=body.key)
    _, baked = baked_take(motion)
    assert max(largest_errors(baked, body, motion)) < 1e-3


def test_a_take_at_another_rate_than_the_scene_keeps_its_time(addon, baked_take, body, random_motion):
    scene = bpy.context.scene
    scene.render.fps = 24
    motion = random_motion(frames=50, fps=59.94, first_frame=3)
    take, baked = baked_take(motion, match=False)
    assert take.lsmpl.step == pytest.approx(24 / 59.94)
    take.lsmpl_bake.keys = "TAKE"
    baked = addon("characters.baking").bake(take, scene)
    addon("characters.hand_poses").flatten(baked.armature)
    frames = 3 + np.arange(50) * take.lsmpl.step
    assert max(largest_errors(baked, body, motion, frames)) < 1e-3


def test_the_mesh_shows_the_shape_of_the_betas(baked_take, addon, body, random_motion):
    motion = random_motion(frames=2)
    motion.betas[:] = np.linspace(-7, 7, 10)
    _, baked = baked_take(motion)
    baked.body_mesh.modifiers.clear()
    expected = (body.rest_vertices(motion.betas) + addon("characters.shape").grounding(body) @ motion.betas) @ addon(
        "characters.shape"
    ).TO_BLENDER.T
    baked.body_mesh.parent = None
    np.testing.assert_allclose(mesh_vertices(baked.body_mesh), expected, atol=1e-5)
    assert [key.name for key in baked.body_mesh.data.shape_keys.key_blocks][::10] == ["Basis", "Shape 10"]


def test_the_character_faces_the_viewer_and_mirrors(baked_take, random_motion):
    _, baked = baked_take(random_motion(frames=2))
    bones = baked.armature.data.bones
    assert bones["left_hand"].head_local.x > 0.5  # its left is on the viewer's right
    assert bones["left_foot"].head_local.y < bones["left_ankle"].head_local.y  # feet point to -Y
    assert bones["head"].head_local.z > bones["pelvis"].head_local.z
    for bone in bones:
        partner = bones[bpy.utils.flip_name(bone.name)]
        assert (partner != bone) == bone.name.startswith(("left_", "right_"))
        assert partner.head_local.x * bone.head_local.x <= 1e-4


def test_baking_again_reuses_the_character_and_takes_the_new_shape(baked_take, addon, body, random_motion):
    take, first = baked_take(random_motion(seed=1))
    objects = set(bpy.data.objects)
    motion = random_motion(seed=2)
    again = addon("solving.solve").keep(take, bpy.context.scene, motion, body)
    assert again.armature == first.armature
    assert set(bpy.data.objects) == objects
    assert len(bpy.data.actions) == 1
    assert max(largest_errors(again, body, motion)) < 1e-3


def test_an_action_that_was_edited_is_kept(baked_take, addon, random_motion):
    take, first = baked_take(random_motion())
    curve = next(iter(addon("characters.actions").fcurves(first.action)))
    curve.keyframe_points[3].co.y += 0.5
    second = addon("characters.baking").bake(take, bpy.context.scene)
    assert second.previous == first.action
    assert first.action.use_fake_user
    assert second.armature.animation_data.action == second.action != first.action


def test_a_character_that_was_deleted_is_built_anew(baked_take, addon, random_motion):
    take, first = baked_take(random_motion())
    bpy.data.objects.remove(first.armature)
    bpy.data.objects.remove(first.body_mesh)
    assert addon("characters.baking").bake(take, bpy.context.scene).armature.name in bpy.context.scene.objects


@pytest.mark.parametrize("with_correctives", [False, True])
def test_the_body_of_a_rig_that_was_deleted_gets_the_new_rig(baked_take, addon, body, random_motion, with_correctives):
    scene, motion = bpy.context.scene, random_motion()
    scene.lsmpl.pose_correctives = with_correctives
    take, first = baked_take(motion)
    first.body_mesh.location = (3.0, 0.0, 0.0)
    red = bpy.data.materials.new("Red")
    first.body_mesh.data.materials[0] = red
    bpy.data.objects.remove(first.armature)
    scene.lsmpl.pose_correctives = False
    again = addon("solving.solve").keep(take, scene, motion, body)
    assert again.body_mesh == first.body_mesh and again.body_mesh.active_material == red
    assert [obj for obj in scene.objects if obj.type == "MESH"] == [take, again.body_mesh]
    addon("characters.hand_poses").flatten(again.armature)
    of_joints, of_vertices = largest_errors(again, body, motion)
    assert of_joints < 1e-3 and (with_correctives or of_vertices < 1e-3)
    assert addon("characters.correctives").are_on(again.armature) == with_correctives


def test_a_body_without_rig_is_left_as_it_was_where_a_bake_fails(baked_take, addon, core, random_motion, monkeypatch):
    take, first = baked_take(random_motion())
    bpy.data.objects.remove(first.armature)
    first.body_mesh.location = (3.0, 0.0, 0.0)

    def fail(*_):
        raise core.LsmplError("no property")

    monkeypatch.setattr(addon("characters.baking"), "_ready_property", fail)
    with pytest.raises(core.LsmplError, match="no property"):
        addon("characters.baking").bake(take, bpy.context.scene)
    assert take.lsmpl.body_mesh == first.body_mesh
    assert first.body_mesh.parent is None and tuple(first.body_mesh.location) == (3.0, 0.0, 0.0)
    assert not [obj for obj in bpy.data.objects if obj.type == "ARMATURE"]


def test_a_duplicated_take_gets_a_character_of_its_own(baked_take, addon, random_motion):
    take, first = baked_take(random_motion())
    twin = take.copy()
    twin.data = take.data.copy()
    bpy.context.scene.collection.objects.link(twin)
    second = addon("characters.baking").bake(twin, bpy.context.scene)
    assert second.armature != first.armature
    assert addon("characters.baking").bake(take, bpy.context.scene).armature == first.armature
    assert addon("characters.baking").bake(twin, bpy.context.scene).armature == second.armature


def test_baking_leaves_mode_and_selection_alone(baked_take, addon, body, random_motion):
    take, baked = baked_take(random_motion(seed=1))
    layer = bpy.context.view_layer
    baked.body_mesh.select_set(True)
    layer.objects.active = baked.armature
    bpy.ops.object.mode_set(mode="POSE")
    baked.armature.hide_viewport = False
    addon("solving.solve").keep(take, bpy.context.scene, random_motion(seed=2), body)
    assert layer.objects.active == baked.armature
    assert baked.armature.mode == "POSE"
    assert baked.body_mesh.select_get()
    bpy.ops.object.mode_set(mode="OBJECT")


def test_quaternions_do_not_flip(baked_take, addon, body, core):
    turning = np.zeros((200, 24, 3))
    turning[:, 0] = np.linspace(0, 9 * np.pi, 200)[:, None] * (0, 0, 1)
    turning[:, 18] = np.linspace(0, 5 * np.pi, 200)[:, None] * (0, 1, 0)
    motion = core.Motion(turning, np.zeros((200, 3)), body=body.key)
    _, baked = baked_take(motion)
    for curve in addon("characters.actions").fcurves(baked.action):
        values = np.empty(2 * len(curve.keyframe_points), dtype=np.float32)
        curve.keyframe_points.foreach_get("co", values)
        assert np.abs(np.diff(values[1::2])).max() < 0.1, curve.data_path
        assert {key.interpolation for key in curve.keyframe_points} == {"LINEAR"}


def test_a_renamed_bone_is_an_error_that_changes_nothing(baked_take, addon, core, body, random_motion):
    take, baked = baked_take(random_motion(seed=1))
    baked.armature.data.bones["left_knee"].name = "Knie"
    before = len(bpy.data.actions), len(bpy.data.meshes), baked.armature.animation_data.action
    with pytest.raises(core.LsmplError, match="left_knee"):
        addon("characters.baking").bake(take, bpy.context.scene)
    assert (len(bpy.data.actions), len(bpy.data.meshes), baked.armature.animation_data.action) == before


def test_frames_are_baked_in_bulk(addon, body, random_motion, count_calls):
    """Ten times as many frames are hardly more calls: nothing is done frame by frame."""

    def calls(frames: int) -> int:
        motion, scene = random_motion(frames=frames), bpy.context.scene
        take = addon("importing.adding").add_take(scene, body.keypoints(motion, "body_25"), "Long")
        addon("takes.layers").prepare_solved(take, motion)()
        return count_calls(lambda: addon("characters.baking").bake(take, scene, body))

    calls(20)  # what is imported and cached by the first
    assert calls(2000) < 1.3 * calls(200)
