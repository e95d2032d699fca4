"""Fingers in Live, Refine and pins: dragged by their tips, kept, blended, given back; without a screen."""

from dataclasses import replace

import bpy
import numpy as np
import pytest
from test_live import drag, press, update, walk

FRAME, FRAMES = 12, 30
TIP = "left_index_tip"
BONES = ["left_index1", "left_index2", "left_index3"]


@pytest.fixture
def layers(addon):
    return addon("takes.layers")


@pytest.fixture
def pins(addon):
    return addon("takes.pinned_joints")


@pytest.fixture
def take(addon, core, body):
    """A walking take whose fingers bend and straighten, solved and baked."""
    motion = walk(core, body, FRAMES)
    bends = 0.4 + 0.3 * np.sin(np.linspace(0, 4, FRAMES))[:, None, None]
    axes = body.fingers.frames[..., 0]
    fingers = (np.broadcast_to(bends, (FRAMES, 2, 15))[..., None] * axes).reshape(FRAMES, 30, 3)
    track = body.keypoints(replace(motion, fingers=fingers), "body_25")
    scene = bpy.context.scene
    take = addon("importing.adding").add_take(scene, track, "Hands")
    bpy.context.view_layer.objects.active = take
    take.select_set(True)
    assert bpy.ops.lsmpl.solve() == {"FINISHED"}
    scene.frame_set(FRAME)
    return take


def frame_of(addon, take):
    return addon("takes.playing").frame_shown(take, bpy.context.scene)


def tip_of(take, name=TIP):
    """Metres: where the character's finger ends."""
    bone = take.lsmpl.armature.pose.bones[name.replace("_tip", "3")]
    return np.array(bone.matrix.to_3x3() @ bone.bone.vector + bone.head)


def turns(take, names):
    bones = take.lsmpl.armature.pose.bones
    return np.array([bones[name].rotation_quaternion for name in names])


def others(take):
    return [bone.name for bone in take.lsmpl.armature.pose.bones if bone.name not in BONES]


def test_finger_tips_have_small_handles_that_a_toggle_hides(live, take):
    bpy.ops.lsmpl.live()
    handle, wrist = bpy.data.objects[TIP], bpy.data.objects["left_wrist"]
    assert handle.scale.x < 0.5 * wrist.scale.x
    assert np.linalg.norm(np.array(handle.location) - tip_of(take)) < 0.005
    settings = bpy.context.scene.lsmpl_live
    settings.fingers = False
    assert handle.hide_viewport and not wrist.hide_viewport
    settings.fingers = True
    assert not handle.hide_viewport
    tips = [obj for obj in settings.handles.objects if obj.name.endswith("_tip")]
    assert len(tips) == 10


def test_a_dragged_tip_bends_its_finger_alone_and_goes_along_in_the_frames_around(addon, layers, live, take):
    frame = frame_of(addon, take)
    before = layers.load(take)
    bpy.ops.lsmpl.live()
    rest = turns(take, others(take))
    palm = np.array(take.lsmpl.armature.pose.bones["left_wrist"].head)
    towards = 0.02 * (palm - tip_of(take)) / np.linalg.norm(palm - tip_of(take))
    handle = drag(live, TIP, towards)
    assert np.linalg.norm(tip_of(take) - np.array(handle.location)) < 0.004
    assert np.abs(turns(take, others(take)) - rest).max() < 1e-6
    assert take.lsmpl.refined is None, "nothing is written while it moves"

    assert live.settle(bpy.context.scene)
    after = layers.load(take)
    moved = np.abs(after.fingers - before.fingers).max(axis=2)
    assert moved[frame, :3].max() > 0.1
    assert moved[:, 3:].max() < 1e-5
    around = moved[:, :3].max(axis=1)
    blend = bpy.context.scene.lsmpl_refine.blend
    assert 0.0 < around[frame - 1] < around[frame] and 0.0 < around[frame + 1] < around[frame]
    assert around[frame - blend - 1] < 1e-5 and around[frame + blend + 1] < 1e-5
    assert np.abs(after.poses - before.poses).max() < 1e-5, "the body stays"

    # The character's keys say the same.
    bpy.context.scene.frame_set(bpy.context.scene.frame_current + 1)
    bpy.context.scene.frame_set(bpy.context.scene.frame_current - 1)
    assert np.linalg.norm(tip_of(take) - np.array(bpy.data.objects[TIP].location)) < 0.004


def test_a_finger_that_was_posed_is_pinned_and_a_later_solve_keeps_it(addon, layers, pins, live, take):
    frame = frame_of(addon, take)
    bpy.ops.lsmpl.live()
    drag(live, TIP, (0.0, 0.0, -0.02))
    live.settle(bpy.context.scene)
    posed = layers.load(take).fingers[frame, :3]
    assert [pin.joint for pin in pins.load(take)] == BONES
    looks = addon("live.looks").looks(bpy.context.scene)
    assert looks[-10] == "Moved" and looks[-9] == "As Read"
    bpy.ops.lsmpl.live()
    bpy.context.view_layer.objects.active = take
    assert bpy.ops.lsmpl.solve() == {"FINISHED"}
    again = layers.load(take).fingers[frame, :3]
    assert np.abs(again - posed).max() < 1e-4


def test_a_hand_that_is_dragged_takes_its_posed_fingers_along(layers, live, take, addon):
    frame = frame_of(addon, take)
    bpy.ops.lsmpl.live()
    drag(live, TIP, (0.0, 0.0, -0.02))
    live.settle(bpy.context.scene)
    posed, tip = layers.load(take).fingers[frame], np.array(bpy.data.objects[TIP].location)
    drag(live, "left_wrist", (0.0, 0.0, 0.1))
    assert np.linalg.norm(np.array(bpy.data.objects[TIP].location) - tip) > 0.05
    live.settle(bpy.context.scene)
    assert np.abs(layers.load(take).fingers[frame] - posed).max() < 1e-5
    assert np.linalg.norm(tip_of(take) - np.array(bpy.data.objects[TIP].location)) < 0.004


def test_a_tip_that_is_moved_back_leaves_everything_as_it_was(live, take):
    bpy.ops.lsmpl.live()
    before = turns(take, BONES)
    drag(live, TIP, (0.0, 0.0, -0.02))
    assert np.abs(turns(take, BONES) - before).max() > 0.01
    drag(live, TIP, (0.0, 0.0, 0.02))
    bpy.data.objects[TIP].location = tuple(bpy.data.objects[TIP]["lsmpl_put"])
    update()
    assert np.abs(turns(take, BONES) - before).max() < 1e-5
    assert not live.settle(bpy.context.scene)


def test_reset_gives_a_finger_back_as_it_was_solved(addon, layers, pins, live, take):
    frame, before = frame_of(addon, take), layers.load(take).fingers
    bpy.ops.lsmpl.live()
    drag(live, TIP, (0.0, 0.0, -0.02))
    live.settle(bpy.context.scene)
    handles = addon("live.session").handles_of(bpy.context.scene)
    handles.select([handles.first_tip])
    assert press("RESET") == {"FINISHED"}
    assert not pins.load(take)
    assert np.abs(layers.load(take).fingers[frame] - before[frame]).max() < 1e-4
    assert press("LOCK") == {"FINISHED"}
    assert [pin.joint for pin in pins.load(take)] == BONES
    assert press("UNLOCK") == {"FINISHED"}
    assert not pins.load(take)


def test_a_finger_that_is_ignored_bends_as_its_neighbours_until_it_is_reset(addon, layers, live, take):
    hands = addon("takes.hands")
    frame, before = frame_of(addon, take), layers.load(take)
    bpy.ops.lsmpl.live()
    handles = addon("live.session").handles_of(bpy.context.scene)
    handles.select([handles.first_tip])
    assert press("IGNORE") == {"FINISHED"}
    assert hands.ignored_at(take.data, frame).tolist() == [True] + [False] * 9
    assert not addon("takes.take").load_track(take).hands.visible[frame, 0, 6:9].any()
    assert addon("takes.take").load_track(take, edits=False).hands.visible[frame].all()
    assert addon("live.looks").looks(bpy.context.scene)[-10] == "Unseen"
    after = layers.load(take)
    assert np.abs(after.fingers[frame, :3] - before.fingers[frame, :3]).max() < 0.35, "as the others bend"
    assert np.abs(after.fingers[frame, 3:] - before.fingers[frame, 3:]).max() < 1e-4
    assert np.abs(after.poses - before.poses).max() < 1e-4
    assert press("RESET") == {"FINISHED"}
    assert not hands.ignored_at(take.data, frame).any()
    assert np.abs(layers.load(take).fingers[frame] - before.fingers[frame]).max() < 1e-4


def test_reset_all_takes_fingers_and_body_back(addon, layers, pins, live, take):
    frame, before = frame_of(addon, take), layers.load(take)
    bpy.ops.lsmpl.live()
    drag(live, TIP, (0.0, 0.0, -0.02))
    drag(live, "right_wrist", (0.0, 0.0, 0.1))
    live.settle(bpy.context.scene)
    assert press("RESET", "ALL") == {"FINISHED"}
    after = layers.load(take)
    assert not pins.load(take)
    assert np.abs(after.fingers[frame] - before.fingers[frame]).max() < 1e-4
    assert np.abs(after.poses[frame] - before.poses[frame]).max() < 1e-4


def test_a_take_without_hands_has_no_such_handles(addon, core, body, live, baked_take):
    take, _ = baked_take(walk(core, body))
    solved = core.solve(addon("takes.take").load_track(take), body, betas=np.zeros(10))
    take, _ = baked_take(solved)
    bpy.context.view_layer.objects.active = take
    bpy.ops.lsmpl.live()
    assert addon("live.session").handles_of(bpy.context.scene).tips == 0


def test_deleted_handles_of_fingers_come_back(live, take):
    bpy.ops.lsmpl.live()
    bpy.data.objects.remove(bpy.data.objects[TIP])
    update()
    live.settle(bpy.context.scene)
    assert np.linalg.norm(np.array(bpy.data.objects[TIP].location) - tip_of(take)) < 0.004


def pose(take, names):
    rig = take.lsmpl.armature
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="POSE")
    for bone in rig.pose.bones:
        owner = bone if "select" in bpy.types.PoseBone.bl_rna.properties else bone.bone
        owner.select = bone.name in names
    for name in names:
        rig.pose.bones[name].rotation_quaternion = (0.8, 0.6, 0.0, 0.0)
    update()


@pytest.mark.parametrize("pinned", [True, False])
def test_refine_keeps_finger_bones_as_they_were_posed(addon, layers, pins, take, pinned):
    frame, settings = frame_of(addon, take), bpy.context.scene.lsmpl_refine
    before = layers.load(take).fingers
    pose(take, BONES)
    settings.frames, settings.begin, settings.pin = "CURRENT", "POSE", pinned
    assert bpy.ops.lsmpl.refine() == {"FINISHED"}
    expected = turns(take, BONES)
    assert np.abs(np.abs(expected[:, 0]) - 0.8).max() < 1e-4
    after = layers.load(take).fingers
    assert np.abs(after[frame, :3] - before[frame, :3]).max() > 0.1
    assert np.abs(after[frame, 3:] - before[frame, 3:]).max() < 1e-4
    assert [pin.joint for pin in pins.load(take)] == (BONES if pinned else [])
    assert bpy.ops.lsmpl.reject() == {"FINISHED"}
    assert np.abs(layers.load(take).fingers - before).max() < 1e-5
    assert not pins.load(take)


def test_pinned_finger_bones_are_kept_by_refine(addon, layers, pins, take):
    frame, settings = frame_of(addon, take), bpy.context.scene.lsmpl_refine
    pose(take, BONES)
    assert bpy.ops.lsmpl.pin_bones() == {"FINISHED"}
    wanted = np.array([pin.rotation for pin in pins.load(take)])
    settings.frames, settings.begin = "CURRENT", "CURRENT"
    assert bpy.ops.lsmpl.refine() == {"FINISHED"}
    assert np.abs(layers.load(take).fingers[frame, :3] - wanted).max() < 1e-4
    assert np.abs(np.abs(turns(take, BONES)[:, 0]) - 0.8).max() < 1e-3
