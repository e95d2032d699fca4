"""The Animation Rig's hands: finger bones as FK controls, curls over them, baked and taken away without a change."""

from dataclasses import replace

import bpy
import numpy as np
import pytest
from test_hands import FRAMES

INDEX = ["left_index1", "left_index2", "left_index3"]
CURL, HAND_CURL = "left_index_curl", "left_hand_curl"


@pytest.fixture
def waving(body, random_motion):
    motion = random_motion(FRAMES)
    bends = np.random.default_rng(3).uniform(0.0, 1.0, (FRAMES, 2, 15))
    poses = motion.poses.copy()
    poses[:, 22:] = 0.0
    fingers = (bends[..., None] * body.fingers.frames[..., 0]).reshape(FRAMES, 30, 3)
    return replace(motion, poses=poses, fingers=fingers)


@pytest.fixture
def rigged(addon, baked_take, waving):
    take, baked = baked_take(waving)
    before = shown(baked.armature)
    addon("characters.controls").add(baked.armature)
    return take, baked.armature, before


def shown(rig):
    """(T,54,4,4): all bones of body and fingers, as they are seen."""
    names = [bone.name for bone in rig.data.bones if bone.use_deform]
    found = []
    for frame in range(FRAMES):
        bpy.context.scene.frame_set(frame)
        found.append([np.array(rig.pose.bones[name].matrix) for name in names])
    return np.array(found)


def curl(rig, name, degrees):
    """Curl and key it, in all frames."""
    bone = rig.pose.bones[name]
    bone.rotation_euler = (np.radians(degrees), 0.0, 0.0)
    bone.keyframe_insert("rotation_euler", frame=0)
    bpy.context.view_layer.update()


def bend(rig, name):
    """Degrees between a finger's bone and the one before it."""
    bone = rig.pose.bones[name]
    return np.degrees(np.arccos(np.clip(bone.y_axis.dot(bone.parent.y_axis), -1.0, 1.0)))


def test_controls_of_fingers_change_nothing_that_is_seen(rigged):
    _, rig, before = rigged
    assert np.abs(shown(rig) - before).max() < 1e-4
    collections = rig.data.collections_all
    assert {bone.name for bone in collections["Fingers"].bones} >= set(INDEX)
    assert {CURL, HAND_CURL} <= {bone.name for bone in collections["Curls"].bones}
    assert not {bone.name for bone in collections["FK"].bones} & set(INDEX)
    assert rig.pose.bones["left_index2"].custom_shape is not None


def test_fingers_go_with_an_ik_hand(rigged):
    _, rig, _ = rigged
    hand, tip = rig.pose.bones["left_hand_ik"], rig.pose.bones["left_index3"]
    bpy.context.scene.frame_set(0)
    before = np.array(tip.head - rig.pose.bones["left_wrist"].head)
    hand.location.x += 0.05
    bpy.context.view_layer.update()
    after = np.array(tip.head - rig.pose.bones["left_wrist"].head)
    assert np.abs(after - before).max() < 1e-4


def test_a_curl_bends_its_finger_and_a_hands_all_of_its_fingers(addon, baked_take, body, core):
    still = core.Motion(
        np.zeros((FRAMES, 24, 3)), np.zeros((FRAMES, 3)), body=body.key, fingers=np.zeros((FRAMES, 30, 3))
    )
    _, baked = baked_take(still)
    rig = baked.armature
    addon("characters.controls").add(rig)
    bpy.context.scene.frame_set(0)
    flat = {name: bend(rig, name) for name in ("left_index2", "left_index3", "left_ring2", "right_ring2")}
    curl(rig, CURL, 50.0)
    assert abs(bend(rig, "left_index2") - flat["left_index2"] - 50.0) < 3.0
    assert abs(bend(rig, "left_index3") - flat["left_index3"] - 35.0) < 3.0
    assert abs(bend(rig, "left_ring2") - flat["left_ring2"]) < 0.01
    curl(rig, HAND_CURL, 30.0)
    assert abs(bend(rig, "left_index2") - flat["left_index2"] - 80.0) < 3.0
    assert abs(bend(rig, "left_ring2") - flat["left_ring2"] - 30.0) < 3.0
    assert abs(bend(rig, "right_ring2") - flat["right_ring2"]) < 0.01
    palm = rig.pose.bones["left_wrist"].head
    assert (rig.pose.bones["left_index3"].tail - palm).length < 0.14, "towards the palm"


def test_controls_with_curls_are_taken_away_and_nothing_that_is_seen_changes(addon, rigged):
    _, rig, _ = rigged
    curl(rig, CURL, 40.0)
    curl(rig, "right_hand_curl", 25.0)
    seen = shown(rig)
    addon("characters.controls").remove(rig)
    assert np.abs(shown(rig) - seen).max() < 1e-4
    assert not any("curl" in bone.name for bone in rig.data.bones)
    assert not any(bone.constraints for bone in rig.pose.bones)
    assert "Fingers" not in rig.data.collections_all and "Curls" not in rig.data.collections_all


def test_a_curl_without_keys_that_goes_into_the_keys_is_an_edit(addon, rigged):
    take, rig, _ = rigged
    rig.pose.bones[CURL].rotation_euler.x = 0.5
    addon("characters.controls").remove(rig)
    assert addon("characters.actions").is_edited(take.lsmpl_bake.action), "another bake keeps it"


def test_controls_that_did_nothing_go_without_an_edit(addon, rigged):
    take, rig, _ = rigged
    addon("characters.controls").remove(rig)
    assert not addon("characters.actions").is_edited(take.lsmpl_bake.action)


def test_a_motion_that_is_baked_anew_is_not_curled(addon, rigged):
    take, rig, before = rigged
    curl(rig, CURL, 40.0)
    addon("characters.baking").bake(take, bpy.context.scene)
    assert np.abs(shown(rig) - before).max() < 1e-4


def test_curled_fingers_are_exported_as_they_are_seen(addon, run_to_end, body, rigged, waving):
    _, rig, _ = rigged
    curl(rig, CURL, 40.0)
    steps = addon("staging.reading").read_pose(rig, bpy.context.scene, np.arange(FRAMES, dtype=float), 30.0)
    posed = addon("characters.posed").Bones(rig, body, waving.betas)
    action = rig.animation_data.action
    found = posed.in_action(action, np.arange(FRAMES))
    motion = run_to_end(steps)
    assert np.abs(motion.fingers - waving.fingers)[:, :3].max() > 0.3
    assert np.abs(motion.fingers - waving.fingers)[:, 3:].max() < 1e-3
    assert np.abs(found.fingers - motion.fingers).max() < 1e-3, "as what is read from the action"
    bpy.context.scene.frame_set(4)
    assert np.abs(posed.now().fingers[0] - motion.fingers[4]).max() < 1e-3


def test_what_is_posed_under_a_curl_is_seen_as_it_was_posed(addon, body, rigged, waving):
    _, rig, _ = rigged
    curl(rig, CURL, 40.0)
    bpy.context.scene.frame_set(3)
    bones = addon("characters.posed").Bones(rig, body, waving.betas)
    wanted = replace(bones.now(), fingers=waving.fingers[7:8])
    bones.show(wanted)
    bpy.context.view_layer.update()
    assert np.abs(bones.now().fingers - wanted.fingers).max() < 1e-3
    curves = bones.curves(wanted, None, bones.curls_in(rig.animation_data.action, [3.0]))
    quaternion = np.array(
        [c.values[0] for c in curves if c.data_path == 'pose.bones["left_index1"].rotation_quaternion']
    )
    assert np.abs(quaternion - np.array(rig.pose.bones["left_index1"].rotation_quaternion)).max() < 1e-3


def test_a_rig_whose_motion_gets_fingers_later_gets_their_controls(addon, baked_take, waving):
    take, baked = baked_take(replace(waving, fingers=None))
    controls = addon("characters.controls")
    controls.add(baked.armature)
    addon("characters.baking").bake(take, bpy.context.scene, motion=waving)
    assert CURL in baked.armature.pose.bones
    assert baked.armature.pose.bones["left_index1"].constraints
    controls.remove(baked.armature)
    assert CURL not in baked.armature.pose.bones
