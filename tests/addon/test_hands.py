"""Fingers on characters: bones, skin, and what of them is kept in a .blend."""

from dataclasses import replace

import bpy
import numpy as np
import pytest
from exchange import brought_back, frame_range
from test_baking import mesh_vertices

FRAMES = 12


@pytest.fixture
def waving(body, random_motion):
    """A motion whose fingers bend, each joint of a finger alike."""
    motion = random_motion(FRAMES)
    bends = np.random.default_rng(3).uniform(0.0, 1.0, (FRAMES, 2, 15))
    axes = body.fingers.frames[..., 0]
    poses = motion.poses.copy()
    poses[:, 22:] = 0.0
    fingers = (bends[..., None] * axes).reshape(FRAMES, 30, 3)
    return replace(motion, poses=poses, fingers=fingers)


def test_the_skin_of_a_baked_character_follows_its_fingers(body, baked_take, waving):
    _, baked = baked_take(waving)
    expected, worst = replace(body, pose_directions=None).vertices(waving), 0.0
    for frame in range(FRAMES):
        bpy.context.scene.frame_set(frame)
        worst = max(worst, np.abs(mesh_vertices(baked.body_mesh) - expected[frame]).max())
    assert worst < 1e-4


def test_finger_bones_are_where_the_joints_are(addon, body, baked_take, waving):
    _, baked = baked_take(waving)
    bpy.context.scene.frame_set(0)
    joints = body.finger_positions(waving)[0][0].reshape(30, 3)
    names = addon("characters.finger_bones").FINGER_JOINT_NAMES
    heads = [baked.armature.matrix_world @ baked.armature.pose.bones[name].head for name in names]
    assert np.abs(np.array(heads) - joints).max() < 1e-4


@pytest.mark.parametrize("format", ["fbx", "glb", "bvh", "usdc"])
def test_fingers_come_back_from_files(addon, body, baked_take, waving, tmp_path, format):
    names = addon("characters.finger_bones").FINGER_JOINT_NAMES
    take, _ = baked_take(waving)
    bpy.context.view_layer.objects.active = take
    out = tmp_path / f"waving.{format}"
    assert bpy.ops.lsmpl.export(filepath=str(out)) == {"FINISHED"}
    armature, _ = brought_back(out, fps=round(waving.fps))
    first, joints = round(frame_range(armature)[0]), body.finger_positions(waving)[0].reshape(FRAMES, 30, 3)
    for frame in (0, FRAMES // 2, FRAMES - 1):
        bpy.context.scene.frame_set(first + frame)
        heads = [armature.matrix_world @ armature.pose.bones[name].head for name in names]
        assert np.abs(np.array(heads) - joints[frame]).max() < 1e-3


def test_a_character_without_fingers_in_its_motion_has_24_bones(baked_take, random_motion):
    _, baked = baked_take(random_motion(FRAMES))
    assert len(baked.armature.data.bones) == 24


def test_hands_that_a_later_solve_says_nothing_of_are_relaxed(addon, core, body, baked_take, waving):
    """As those of a character that never had finger bones, whose shape keys relax them."""
    still = core.Motion(np.zeros((2, 24, 3)), np.zeros((2, 3)), body=body.key)
    hands = np.concatenate(body.fingers.vertices)
    _, plain = baked_take(still)
    rest = mesh_vertices(plain.body_mesh)[hands]
    for name in addon("characters.hand_poses").SLIDERS:
        plain.armature[name] = addon("characters.hand_poses").RELAXED
    plain.armature.update_tag()
    bpy.context.scene.frame_set(1)
    relaxed = mesh_vertices(plain.body_mesh)[hands]

    with_fingers = replace(still, fingers=waving.fingers[:2])
    take, _ = baked_take(with_fingers)
    again = addon("characters.baking").bake(take, bpy.context.scene, body, still)
    bpy.context.scene.frame_set(0)
    bpy.context.scene.frame_set(1)
    found = mesh_vertices(again.body_mesh)[hands]
    assert np.linalg.norm(found - rest, axis=1).max() > 0.01
    assert np.linalg.norm(found - relaxed, axis=1).max() < 1e-3


def test_fingers_follow_the_shape(addon, body, baked_take, waving):
    shape = addon("characters.shape")
    _, baked = baked_take(waving)
    betas = np.linspace(-1.5, 1.5, 10)
    shape.reshape(baked.armature, betas)
    bone = baked.armature.data.bones["left_index2"]
    expected = body.fingers.rest_joints(betas)[0, 1] + shape.grounding(body) @ betas
    assert np.abs(np.array(bone.head_local) - expected @ shape.TO_BLENDER.T).max() < 1e-5


def test_hands_of_a_take_and_fingers_of_its_motion_are_kept_in_the_file(tmp_path, addon, body, baked_take, waving):
    take, _ = baked_take(waving, layout="mediapipe_33")
    path, name = tmp_path / "hands.blend", take.name
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.open_mainfile(filepath=str(path))
    take = bpy.data.objects[name]
    hands = addon("takes.take").load_track(take).hands
    assert np.abs(hands.positions - body.hand_points(waving).positions).max() < 1e-5
    fingers = addon("takes.layers").load(take).fingers
    assert np.abs(fingers - waving.fingers).max() < 1e-5


def test_a_take_with_hands_is_solved_and_cleaned_up_with_fingers(addon, body, waving):
    scene = bpy.context.scene
    track = body.keypoints(waving, "mediapipe_33")
    take = addon("importing.adding").add_take(scene, track, "Hands")
    bpy.context.view_layer.objects.active = take
    take.select_set(True)
    assert bpy.ops.lsmpl.solve() == {"FINISHED"}
    layers = addon("takes.layers")
    assert layers.load(take).fingers.shape == (FRAMES, 30, 3)
    assert "left_thumb3" in take.lsmpl.armature.data.bones
    assert bpy.ops.lsmpl.clean_up() == {"FINISHED"}
    assert layers.load(take).fingers is not None


def test_fingers_are_read_back_from_the_bones_that_an_animator_posed(addon, run_to_end, body, baked_take, waving):
    _, baked = baked_take(waving)
    steps = addon("staging.reading").read_pose(baked.armature, bpy.context.scene, np.arange(FRAMES, dtype=float), 30.0)
    motion = run_to_end(steps)
    rotations = body.fingers.local_rotations
    assert np.abs(rotations(motion.fingers) - rotations(waving.fingers)).max() < 1e-4


def test_hands_of_another_size_are_baked_shown_and_read_back(addon, run_to_end, body, baked_take, waving):
    off = np.full((FRAMES, 2), np.nan)
    off[3] = 0.004
    small = replace(waving, hand_size=0.85, hand_residual=off)
    take, baked = baked_take(small)
    expected = replace(body, pose_directions=None).vertices(small)
    joints = body.finger_positions(small)[0].reshape(FRAMES, 30, 3)
    names = addon("characters.finger_bones").FINGER_JOINT_NAMES
    for frame in (0, FRAMES - 1):
        bpy.context.scene.frame_set(frame)
        assert np.abs(mesh_vertices(baked.body_mesh) - expected[frame]).max() < 1e-4
        bones = baked.armature.pose.bones
        heads = [baked.armature.matrix_world @ bones[name].head for name in names]
        assert np.abs(np.array(heads) - joints[frame]).max() < 1e-4
    kept = addon("takes.layers").load(take)
    assert kept.hand_size == 0.85 and np.allclose(kept.hand_residual, off, equal_nan=True)
    steps = addon("staging.reading").read_pose(baked.armature, bpy.context.scene, np.arange(FRAMES, dtype=float), 30.0)
    assert run_to_end(steps).hand_size == 0.85


def test_hands_are_made_larger_by_a_slider_and_go_back_to_the_takes(addon, body, baked_take, waving):
    shape = addon("characters.shape")
    _, baked = baked_take(replace(waving, betas=np.zeros(10), hand_size=0.9))
    assert not shape.is_own(baked.armature)
    baked.armature.lsmpl_shape.hand_size = 1.2
    assert shape.is_own(baked.armature) and baked.body_mesh.data.shape_keys.key_blocks["Hand Size"].value > 0.19
    wrist, tip = (np.array(baked.armature.data.bones[name].head_local) for name in ("left_wrist", "left_index3"))
    expected = body.with_hands(1.2).fingers.joint_template[0, 2] - body.joint_template[20]
    assert np.abs((tip - wrist) - expected @ shape.TO_BLENDER.T).max() < 1e-5
    bpy.context.view_layer.objects.active = baked.armature
    assert bpy.ops.lsmpl.shape_of_take() == {"FINISHED"}
    assert np.isclose(shape.hand_size_of(baked.armature), 0.9)


def test_points_of_hands_are_drawn_where_the_take_shows_its_keypoints(addon, body, waving):
    drawn = addon("takes.drawn_hands")
    scene, track = bpy.context.scene, body.keypoints(waving, "mediapipe_33")
    track.hands.confidence[5, 0, 8] = 0.0
    take = addon("importing.adding").add_take(scene, track, "Hands")
    addon("importing.adding").match_scene(scene, [take])
    take.location = (1.0, 2.0, 3.0)
    scene.frame_set(5)
    bpy.context.view_layer.update()
    places, confidence = drawn.shown(take, scene)
    seen = confidence > 0
    assert seen.sum() == 41
    expected = track.hands.positions[5].reshape(42, 3) + (1.0, 2.0, 3.0)
    assert np.abs(places[seen] - expected[seen]).max() < 1e-5
    assert len(drawn.bones(confidence)) == 39, "all but the last of a finger"

    # What cannot be told is not drawn, and Blender's console stays empty.
    addon("takes.take").set_travel(take, np.zeros((len(track), 3)))
    take.select_set(True)
    bpy.context.view_layer.objects.active = take
    bpy.ops.object.mode_set(mode="EDIT")
    drawn._draw_one(take, scene, np.array((0.0, 0.0, 1.0)))
    bpy.ops.object.mode_set(mode="OBJECT")
    bare = addon("importing.adding").add_take(scene, body.keypoints(replace(waving, fingers=None)), "Bare")
    assert not len(drawn.shown(bare, scene)[0])
