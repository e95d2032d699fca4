"""Control bones: they are given, baked to, switched and taken away, and nothing that is seen changes."""

from dataclasses import replace

import bpy
import numpy as np
import pytest
from conftest import MOCAP
from exchange import brought_back, frame_range
from test_live import solved, walk
from test_shape import OTHER

SAME_METRES, SAME_DEGREES = 1e-4, 0.1


def world(armature, names, frames) -> np.ndarray:
    """(T,J,4,4): where Blender has the bones."""
    scene, found = bpy.context.scene, []
    for frame in frames:
        whole = int(np.floor(frame))
        scene.frame_set(whole, subframe=frame - whole)
        seen = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
        found.append([np.array(seen.matrix_world @ seen.pose.bones[name].matrix) for name in names])
    return np.array(found)


def assert_same(one, other):
    metres = np.linalg.norm(one[..., :3, 3] - other[..., :3, 3], axis=-1).max()
    one, other = (m[..., :3, :3] / np.linalg.norm(m[..., :3, :3], axis=-2, keepdims=True) for m in (one, other))
    chord = np.linalg.norm(one - other, axis=(-2, -1)).max()
    degrees = np.degrees(2.0 * np.arcsin(chord / np.sqrt(8.0)))
    print(f"{1000 * metres:.4f} mm, {degrees:.4f} degrees")
    assert metres < SAME_METRES
    assert degrees < SAME_DEGREES


@pytest.fixture
def limbs(addon):
    return addon("rigging.limbs")


@pytest.fixture
def controls(addon):
    return addon("characters.controls")


def recorded(core, body, clip="05_02", every=4):
    motion = core.Motion.load(MOCAP / f"{clip}.npz")
    motion = motion.frames(slice(None, None, every))
    return replace(motion, betas=0.4 * OTHER, body=body.key, fps=30.0, first_frame=0)


def frames_of(motion):
    return range(len(motion))


@pytest.mark.parametrize("clip", ["05_02", "127_23"])
def test_recorded_motion_is_the_same_on_the_controls(baked_take, controls, core, body, clip):
    motion = recorded(core, body, clip)
    _, baked = baked_take(motion)
    rig, names = baked.armature, body.joint_names
    before = world(rig, names, frames_of(motion))
    controls.add(rig)
    assert_same(world(rig, names, frames_of(motion)), before)


def test_any_pose_is_the_same_on_the_controls_of_any_shape(baked_take, controls, limbs, body, random_motion):
    motion = random_motion()
    _, baked = baked_take(motion)
    rig, names, frames = baked.armature, body.joint_names, frames_of(motion)
    rig.location, rig.rotation_euler, rig.scale = (1.0, 2.0, 0.5), (0.1, 0.2, 2.0), (1.7, 1.7, 1.7)
    rig.lsmpl_shape.betas = OTHER
    before = world(rig, names, frames)
    controls.add(rig)
    assert_same(world(rig, names, frames), before)
    for limb in limbs.LIMBS:
        assert rig.pose.bones[limb.bones[0]].constraints[0].influence == 1.0, "the limb follows its controls"
        controls.switch(rig, limb, False)
    assert_same(world(rig, names, frames), before)
    controls.remove(rig)
    assert_same(world(rig, names, frames), before)


def test_fingers_are_controls_too(addon, baked_take, controls, body, random_motion):
    bends = 0.5 * body.fingers.frames[..., 0].reshape(30, 3)
    motion = replace(random_motion(4), fingers=np.tile(bends, (4, 1, 1)))
    motion.poses[:, 22:] = 0.0
    _, baked = baked_take(motion)
    rig = baked.armature
    names = rig.data.bones.keys()
    assert len(names) == 54
    before = world(rig, names, range(4))
    controls.add(rig)
    assert_same(world(rig, names, range(4)), before)
    assert (
        rig.pose.bones["left_index2"].custom_shape_scale_xyz.x < 0.02 < rig.pose.bones["head"].custom_shape_scale_xyz.x
    )
    controls.remove(rig)
    assert rig.data.bones.keys() == names
    assert_same(world(rig, names, range(4)), before)


def test_straight_limbs_are_the_same_on_the_controls(baked_take, controls, core, body):
    """Where no angle says where a limb bends."""
    poses = np.zeros((9, 24, 3))
    poses[:, 0, 0] = np.pi / 2
    poses[:, [4, 5, 18, 19], 1] = np.linspace(0.0, 1e-3, 9)[:, None]
    _, baked = baked_take(core.Motion(poses, np.zeros((9, 3)), body=body.key))
    before = world(baked.armature, body.joint_names, range(9))
    controls.add(baked.armature)
    assert_same(world(baked.armature, body.joint_names, range(9)), before)


def test_drivers_need_no_python(baked_take, controls, core, body):
    _, baked = baked_take(recorded(core, body, every=40))
    controls.add(baked.armature)
    keys = baked.body_mesh.data.shape_keys.animation_data.drivers
    drivers = [curve.driver for curve in (*baked.armature.animation_data.drivers, *keys)]
    assert len(drivers) == 16 + 8
    for driver in drivers:
        assert driver.is_valid and (driver.type == "AVERAGE" or driver.is_simple_expression), driver.expression


def test_a_hand_goes_where_its_control_is_put(baked_take, controls, limbs, core, body):
    motion = recorded(core, body)
    _, baked = baked_take(motion)
    rig, limb = baked.armature, limbs.BY_NAME["left_arm"]
    controls.add(rig)
    bpy.context.scene.frame_set(5)
    pose = rig.pose.bones
    begin = pose["left_shoulder"].head.copy()
    pose[limb.ik].location.z += 0.05
    bpy.context.view_layer.update()
    assert (pose["left_wrist"].head - pose[limb.ik].head).length < 2e-3
    pose[limb.ik].location.z += 5.0
    bpy.context.view_layer.update()
    lengths = sum(rig.data.bones[name].length for name in (limb.upper, limb.lower))
    assert (pose["left_wrist"].head - begin).length == pytest.approx(lengths, abs=1e-4), "it reaches no further"


def test_removing_leaves_no_trace(baked_take, controls, core, body, addon):
    motion = recorded(core, body)
    _, baked = baked_take(motion)
    rig = baked.armature

    def state():
        curves = addon("characters.actions").fcurves(baked.action)
        return (
            {(c.data_path, c.array_index, len(c.keyframe_points)) for c in curves},
            {(b.name, b.parent.name if b.parent else "", b.color.palette) for b in rig.data.bones},
            [c.name for b in rig.pose.bones for c in b.constraints],
            [b.name for b in rig.pose.bones if b.custom_shape],
            len(rig.animation_data.drivers),
            list(rig.data.keys()),
            rig.data.collections_all.keys(),
            bpy.data.objects.keys(),
            bpy.data.meshes.keys(),
        )

    before = state()
    controls.add(rig)
    assert state() != before
    controls.remove(rig)
    assert state() == before
    assert not addon("characters.actions").is_edited(baked.action)


def test_what_was_animated_with_the_controls_stays_when_they_go(baked_take, controls, limbs, core, body):
    motion = recorded(core, body)
    _, baked = baked_take(motion)
    rig, limb = baked.armature, limbs.BY_NAME["right_arm"]
    controls.add(rig)
    scene, pose = bpy.context.scene, rig.pose.bones
    scene.frame_set(6)
    pose[limb.ik].location.z += 0.2
    pose[limb.ik].keyframe_insert("location", frame=6)
    pose["root"].location = (1.0, 0.5, 0.2)
    pose["root"].rotation_quaternion = (0.8, 0.0, 0.0, 0.6)
    for channel in ("location", "rotation_quaternion"):
        pose["root"].keyframe_insert(channel, frame=0)
    frames, names = frames_of(motion), body.joint_names
    before = world(rig, names, frames)
    controls.remove(rig)
    assert_same(world(rig, names, frames), before)


def test_a_new_bake_is_on_the_controls_and_keeps_what_was_edited(addon, baked_take, controls, core, body):
    motion = recorded(core, body)
    take, baked = baked_take(motion)
    rig, names, frames = baked.armature, body.joint_names, frames_of(motion)
    controls.add(rig)
    rig.pose.bones["left_hand_ik"].location = (0.3, 0.0, 0.0)
    rig.pose.bones["left_hand_ik"].keyframe_insert("location", frame=2)
    again = addon("characters.baking").bake(take, bpy.context.scene)
    assert again.armature == rig and again.previous is not None, "the edited action is kept"
    seen = world(rig, names, frames)
    assert rig.pose.bones["left_wrist"].constraints[0].influence == 1.0
    np.testing.assert_allclose(seen[:, :, :3, 3], body.joints(motion), atol=1e-4)


def test_a_limb_switches_in_the_middle_of_a_take(baked_take, controls, limbs, core, body):
    motion = recorded(core, body)
    _, baked = baked_take(motion)
    rig, limb, names = baked.armature, limbs.BY_NAME["left_leg"], body.joint_names
    controls.add(rig)
    frames = frames_of(motion)
    before = world(rig, names, frames)
    bpy.context.scene.frame_set(6)
    assert controls.snap(rig, limb, 6) is False
    influences = []
    for frame in frames:
        bpy.context.scene.frame_set(frame)
        seen = rig.evaluated_get(bpy.context.evaluated_depsgraph_get())
        influences.append(seen.pose.bones["left_ankle"].constraints[0].influence)
    assert influences == [1.0] * 6 + [0.0] * (len(motion) - 6)
    shown = rig.data.collections_all
    assert shown["IK Left Leg"].is_visible and shown["FK Left Leg"].is_visible, "each moves it at some time"
    assert_same(world(rig, names, frames), before)


def test_shape_sliders_lay_the_controls_anew(baked_take, controls, limbs, core, body):
    motion = recorded(core, body)
    _, baked = baked_take(motion)
    rig, names = baked.armature, body.joint_names
    controls.add(rig)
    rig.lsmpl_shape.betas = OTHER
    controls_at = {limb.ik: np.array(rig.data.bones[limb.ik].head_local) for limb in limbs.LIMBS}
    for limb in limbs.LIMBS:
        controls.switch(rig, limb, False)
        controls.switch(rig, limb, True)
    seen = world(rig, names, frames_of(motion))
    for limb in limbs.LIMBS:
        controls.switch(rig, limb, False)
    assert_same(world(rig, names, frames_of(motion)), seen)
    rig.lsmpl_shape.betas = -OTHER
    for name, head in controls_at.items():
        np.testing.assert_allclose(rig.data.bones[name].head_local, head, atol=1e-6)


def test_hands_that_do_not_reach_their_controls_are_told_until_a_bake_brings_these(
    baked_take, limbs, core, body, drawn
):
    def said() -> str:
        return drawn()["LSMPL_PT_shape"].replace("\n", " ")

    poses = np.zeros((4, 24, 3))
    poses[:, 0, 0] = np.pi / 2  # stands, its arms hanging
    poses[:, 16, 2], poses[:, 17, 2] = -1.2, 1.2
    _, baked = baked_take(core.Motion(poses, np.zeros((4, 3)), body=body.key))
    rig = baked.armature
    bpy.context.view_layer.objects.active = rig
    bpy.ops.lsmpl.add_controls()
    assert "do not reach it" not in said()
    rig.lsmpl_shape.betas = [2.0, *9 * [0.0]]  # a taller body: its shoulders are higher
    bpy.context.view_layer.update()
    assert limbs.out_of_reach(rig) > 0.02
    assert "do not reach it" in said()
    bpy.ops.lsmpl.bake()
    bpy.context.view_layer.update()
    assert limbs.out_of_reach(rig) < 1e-4
    assert "do not reach it" not in said()


def test_refining_changes_controls_along(addon, baked_take, controls, core, body):
    take, baked = baked_take(solved(core, body, walk(core, body, frames=12), "body_25"))
    rig, scene = baked.armature, bpy.context.scene
    controls.add(rig)
    scene.frame_set(5)
    refine = addon("refining.refine")
    pose = rig.pose.bones["left_hand_ik"]
    pose.location.z += 0.1
    bpy.context.view_layer.update()
    scene.lsmpl_refine.begin, scene.lsmpl_refine.blend = "POSE", 2
    refine.refine_frames(take, scene)
    bones = addon("characters.posed").Bones(rig, body, np.array(addon("takes.layers").describe(take)["betas"]))
    for frame in range(12):
        scene.frame_set(frame)
        bpy.context.view_layer.update()
        now, keyed = bones.now(), bones.in_action(baked.action, [frame])
        np.testing.assert_allclose(now.rotations, keyed.rotations, atol=2e-3)
    motion = addon("takes.layers").load(take)
    keyed = bones.in_action(baked.action, range(12))
    np.testing.assert_allclose(keyed.rotations, addon("characters.posed").poses_of(motion).rotations, atol=2e-3)


def test_live_poses_limbs_that_follow_their_controls(addon, baked_take, controls, core, body):
    _, baked = baked_take(solved(core, body, walk(core, body, frames=12), "body_25"))
    rig, scene, live = baked.armature, bpy.context.scene, addon("live.live")
    controls.add(rig)
    scene.frame_set(5)
    bpy.ops.lsmpl.live()
    before = rig.pose.bones["left_wrist"].head.copy()
    handle = bpy.data.objects["left_wrist"]
    handle.location.z += 0.1
    bpy.context.view_layer.update()  # as after a mouse move
    bpy.context.view_layer.update()
    dragged = rig.pose.bones["left_wrist"].head.copy()
    assert (dragged - before).z > 0.08
    live.settle(scene)
    for frame in (0, 5):
        scene.frame_set(frame)
    assert (rig.pose.bones["left_wrist"].head - dragged).length < 2e-3
    assert (rig.pose.bones["left_wrist"].head - rig.pose.bones["left_hand_ik"].head).length < 1e-4
    assert bpy.ops.lsmpl.live() == {"FINISHED"}


def test_selected_controls_stand_for_the_bones_that_they_move(addon, baked_take, controls, core, body):
    _, baked = baked_take(recorded(core, body, every=40))
    controls.add(baked.armature)
    for name in ("left_hand_ik", "right_knee_twist", "root", "head"):
        pose = baked.armature.pose.bones[name]
        (pose if hasattr(pose, "select") else pose.bone).select = True
    selected = addon("characters.posed").selected_bones(baked.armature, body)
    assert set(selected) == {"left_shoulder", "left_elbow", "left_wrist", "right_knee", "head"}


def test_a_layer_over_the_motion_moves_the_hand(baked_take, controls, core, body):
    motion = recorded(core, body)
    _, baked = baked_take(motion)
    rig, scene = baked.armature, bpy.context.scene
    controls.add(rig)
    scene.frame_set(8)
    before = rig.pose.bones["right_wrist"].head.copy()
    strip = rig.animation_data.nla_tracks.new().strips.new("walk", 0, baked.action)
    if hasattr(baked.action, "slots"):
        strip.action_slot = baked.action.slots[0]
    rig.animation_data.action = None
    control = rig.pose.bones["right_hand_ik"]
    control.location = (0.0, 0.0, 0.05)
    control.keyframe_insert("location", frame=8)
    rig.animation_data.action_blend_type = "ADD"
    scene.frame_set(8)
    moved = rig.pose.bones["right_wrist"].head - before
    assert 0.03 < moved.length < 0.06


def test_a_layer_stays_over_whatever_motion_is_baked_under_it(addon, baked_take, controls, core, body):
    motion = recorded(core, body)
    take, baked = baked_take(motion)
    rig, scene = baked.armature, bpy.context.scene
    bpy.context.view_layer.objects.active = rig
    assert bpy.ops.lsmpl.add_controls() == {"FINISHED"}
    assert (bpy.context.mode, bpy.context.selected_objects) == ("POSE", [rig]), "to be animated at once"
    assert bpy.ops.lsmpl.add_layer() == {"FINISHED"}
    layer = rig.animation_data.action
    assert layer not in (None, baked.action)
    hand = rig.pose.bones["right_hand_ik"]
    scene.frame_set(8)
    before = rig.pose.bones["right_wrist"].head.copy()
    hand.location.z += 0.05
    hand.keyframe_insert("location", frame=8)
    scene.frame_set(8)
    by = rig.pose.bones["right_wrist"].head - before
    assert 0.03 < by.length < 0.06

    moved = replace(motion, trans=motion.trans + (0.0, 0.0, 0.2))
    again = addon("characters.baking").bake(take, scene, body, moved)
    assert rig.animation_data.action == layer and rig.animation_data.action_blend_type == "COMBINE"
    (track,) = rig.animation_data.nla_tracks
    assert [strip.action for strip in track.strips] == [again.action]
    assert len(bpy.data.actions) == 2, "nobody had edited the one before"
    scene.frame_set(8)
    np.testing.assert_allclose(rig.pose.bones["right_wrist"].head - before - by, (0.0, 0.0, 0.2), atol=2e-3)


def test_layers_are_worked_in_when_controls_go(addon, baked_take, controls, core, body):
    motion = recorded(core, body)
    _, baked = baked_take(motion)
    rig, scene, names = baked.armature, bpy.context.scene, body.joint_names
    controls.add(rig)
    layer = addon("characters.assigning").add_layer(rig)
    scene.frame_set(3)
    pose = rig.pose.bones
    pose["right_hand_ik"].location.z += 0.1
    pose["head"].rotation_quaternion = (0.9, 0.3, 0.3, 0.0)
    pose["root"].location, pose["root"].rotation_quaternion = (0.3, 0.1, 0.0), (0.9, 0.0, 0.0, 0.4)
    for name in ("right_hand_ik", "head", "root"):
        for channel in ("location", "rotation_quaternion"):
            pose[name].keyframe_insert(channel, frame=3)
    rig.location.x = 2.0
    rig.keyframe_insert("location", frame=3)
    before = world(rig, names, frames_of(motion))
    controls.remove(rig)
    assert_same(world(rig, names, frames_of(motion)), before)
    assert layer.use_fake_user and len(list(addon("characters.actions").fcurves(layer))) > 3, "it is kept as it was"
    assert rig.location.x == 2.0 and len(rig.data.bones) == 24
    assert addon("characters.actions").is_edited(baked.action), "a later bake keeps it"


def test_what_is_being_tweaked_is_not_baked_over(addon, baked_take, core, body):
    take, baked = baked_take(recorded(core, body, every=40))
    animation = baked.armature.animation_data
    addon("characters.assigning").add_layer(baked.armature)
    animation.action = None
    animation.nla_tracks.active = animation.nla_tracks[0]
    animation.nla_tracks[0].strips[0].select = True
    animation.use_tweak_mode = True
    with pytest.raises(addon("errors").LsmplError, match="tweak mode"):
        addon("characters.baking").bake(take, bpy.context.scene)


def test_controls_are_undone_and_redone_in_one_step(baked_take, core, body):
    motion = recorded(core, body)
    _, baked = baked_take(motion)
    name, names, frames = baked.armature.name, body.joint_names, frames_of(motion)[::8]
    bpy.context.view_layer.objects.active = baked.armature
    before = world(baked.armature, names, frames)
    bpy.ops.object.mode_set(mode="POSE")
    bpy.ops.ed.undo_push(message="Before")
    assert bpy.ops.lsmpl.add_controls() == {"FINISHED"}
    assert baked.armature.mode == "POSE", "as before"
    bpy.ops.ed.undo_push(message="Add Controls")
    for step, has_controls in ((bpy.ops.ed.undo, False), (bpy.ops.ed.redo, True)):
        step()
        rig = bpy.data.objects[name]
        assert ("root" in rig.data.bones) == ("root" in rig.pose.bones) == has_controls
        assert (len(rig.animation_data.drivers) > 0) == has_controls
        assert_same(world(rig, names, frames), before)


def test_an_export_has_the_deform_bones_alone(addon, baked_take, controls, core, body, tmp_path):
    motion = recorded(core, body)
    _, baked = baked_take(motion)
    rig, names, frames = baked.armature, body.joint_names, frames_of(motion)
    controls.add(rig)
    before = world(rig, names, frames)
    export = addon("exporting.files").export_character
    objects = set(bpy.data.objects.keys())
    for ending in ("fbx", "glb", "bvh"):
        export(rig, bpy.context.scene, tmp_path / f"a.{ending}", 0, len(motion) - 1)
    assert set(bpy.data.objects.keys()) == objects and rig.name in bpy.data.objects
    bpy.ops.import_scene.gltf(filepath=str(tmp_path / "a.glb"))
    came = next(obj for obj in bpy.context.selected_objects if obj.type == "ARMATURE")
    assert set(came.data.bones.keys()) == set(names)
    heads = world(came, names, frames)[:, :, :3, 3]
    np.testing.assert_allclose(heads, before[:, :, :3, 3], atol=2e-4)
    came, _ = brought_back(tmp_path / "a.fbx", fps=30)
    assert set(came.data.bones.keys()) == set(names)
    heads = world(came, names, np.array(frames) + frame_range(came)[0])[:, :, :3, 3]
    np.testing.assert_allclose(heads, before[:, :, :3, 3], atol=2e-4)


def test_the_panel_offers_what_can_be_done(baked_take, drawn, core, body):
    assert "Needs a character" in drawn()["LSMPL_PT_rig"]
    baked_take(recorded(core, body))
    assert "Add Controls" in drawn()["LSMPL_PT_rig"] and "Remove" not in drawn()["LSMPL_PT_rig"]
    assert bpy.ops.lsmpl.add_controls() == {"FINISHED"}
    told = drawn()["LSMPL_PT_rig"]
    assert "Left Arm" in told and "Bake to Controls" in told and "Add Controls" not in told
    assert bpy.ops.lsmpl.switch_limb(limb="left_arm") == {"FINISHED"}
    assert bpy.ops.lsmpl.remove_controls() == {"FINISHED"}
