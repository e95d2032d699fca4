"""Keys on whole frames of a scene whose rate is not the take's, and what changes with a changed frame."""

from dataclasses import replace

import bpy
import numpy as np
import pytest
from test_live import solved, walk

FPS = 120.0


@pytest.fixture(scope="session")
def walked(core, body):
    return solved(core, body, replace(walk(core, body, frames=60), fps=FPS), "body_25")


@pytest.fixture
def baked(addon, body, walked):
    """`baked(scene_fps, **settings)`: a walk at 120 frames a second in a scene of another rate: (take, motion)."""

    def make(scene_fps, **settings):
        scene, motion = bpy.context.scene, replace(walked, first_frame=0)
        scene.render.fps = scene_fps
        take = addon("importing.adding").add_take(scene, body.keypoints(motion, "body_25"), "Walk")
        for name, value in settings.items():
            setattr(take.lsmpl_bake, name, value)
        addon("solving.solve").keep(take, scene, motion, body)
        return take, motion

    return make


def curves(addon, take):
    found = addon("characters.actions").fcurves(take.lsmpl_bake.action)
    return {(c.data_path, c.array_index): addon("characters.actions").keys_of(c) for c in found}


def heads(take, names, frames):
    found = []
    for frame in frames:
        bpy.context.scene.frame_set(int(np.floor(frame)), subframe=float(frame % 1))
        rig = take.lsmpl.armature
        found.append([list(rig.matrix_world @ rig.pose.bones[name].head) for name in names])
    return np.array(found)


def test_keys_are_on_whole_frames_and_say_what_the_take_does_there(addon, baked, body):
    take, motion = baked(30)
    for keys in curves(addon, take).values():
        np.testing.assert_array_equal(keys[:, 0], np.arange(15))
    joints = body.joints(motion)[:: round(FPS / 30)]
    np.testing.assert_allclose(heads(take, body.joint_names, range(15)), joints, atol=2e-4)


def test_between_two_frames_of_the_take_a_key_is_of_both(addon, baked, body):
    take, motion = baked(50)
    joints = body.joints(motion)
    for keys in curves(addon, take).values():
        np.testing.assert_array_equal(keys[:, 0], np.arange(25))
    at = np.arange(25) * FPS / 50
    before, share = np.floor(at).astype(int), at % 1
    expected = (1 - share)[:, None, None] * joints[before] + share[:, None, None] * joints[before + 1]
    np.testing.assert_allclose(heads(take, body.joint_names, range(25)), expected, atol=1e-3)


def test_every_take_frame_has_keys_where_that_is_wanted(addon, baked, body):
    take, motion = baked(30, keys="TAKE")
    for keys in curves(addon, take).values():
        np.testing.assert_allclose(keys[:, 0], np.arange(60) / 4, atol=1e-4)
    found = heads(take, body.joint_names, np.arange(60) / 4)
    np.testing.assert_allclose(found, body.joints(motion), atol=1e-3)


def test_few_keys_follow_the_frames_in_between(addon, baked, body):
    take, motion = baked(60, every=5)
    some = next(iter(curves(addon, take).values()))
    np.testing.assert_array_equal(some[:, 0], [0, 5, 10, 15, 20, 25, 29])
    joints = body.joints(motion)[::2]
    assert np.abs(heads(take, body.joint_names, range(30)) - joints).max() < 0.02


@pytest.mark.parametrize("every", [1, 5])
def test_a_changed_frame_changes_the_keys_around_it_alone(addon, baked, body, every):
    take, motion = baked(60, every=every)
    edit = addon("refining.pending_edit")
    subject = addon("refining.refine").subject_of(take)
    before = heads(take, body.joint_names, range(30))
    poses = edit.poses_of(motion, slice(24, 25))
    rotations = poses.rotations.copy()
    rotations[0, body.joint_names.index("left_shoulder")] = np.eye(3)
    edit.apply(take, subject.body, subject.poser, 24, replace(poses, rotations=rotations))
    after = heads(take, body.joint_names, range(30))
    moved = np.abs(after - before).max(axis=(1, 2))
    assert np.flatnonzero(moved > 2e-3).tolist() == [12]
    expected = body.joints(replace(motion.frames([24]), poses=edit.log_map(rotations)))
    np.testing.assert_allclose(after[12], expected[0], atol=1e-3)

    edit.show(take, before=True)
    np.testing.assert_allclose(heads(take, body.joint_names, range(30)), before, atol=1e-4)
    edit.accept(take)
    np.testing.assert_allclose(heads(take, body.joint_names, range(30)), after, atol=1e-4)


def test_a_frame_that_the_scene_skips_changes_no_key(addon, baked, body):
    take, motion = baked(30)
    edit, subject = addon("refining.pending_edit"), addon("refining.refine").subject_of(take)
    before = curves(addon, take)
    poses = edit.poses_of(motion, slice(22, 23))
    edit.apply(take, subject.body, subject.poser, 22, replace(poses, trans=poses.trans + 0.1))
    after = curves(addon, take)
    assert all(np.array_equal(after[channel], keys) for channel, keys in before.items())
    assert addon("takes.layers").load(take).trans[22] == pytest.approx(motion.trans[22] + 0.1, abs=1e-4)
    edit.show(take, before=True)
    edit.reject(take)


@pytest.mark.parametrize("is_edited", [False, True])
def test_retimed_takes_take_their_characters_along(addon, baked, body, is_edited):
    take, motion = baked(30)
    scene, rig = bpy.context.scene, take.lsmpl.armature
    if is_edited:
        rig.pose.bones["head"].rotation_quaternion = (0.8, 0.6, 0.0, 0.0)
        rig.pose.bones["head"].keyframe_insert("rotation_quaternion", frame=6)
    action = take.lsmpl_bake.action
    scene.render.fps = 60
    assert bpy.ops.lsmpl.retime() == {"FINISHED"}
    assert (take.lsmpl_bake.action == action) == is_edited, "what somebody changed is moved, not made anew"
    joints = body.joints(motion)[::2]
    if is_edited:
        found, joints = heads(take, body.joint_names, range(0, 29, 2)), joints[:29:2]
    else:
        found = heads(take, body.joint_names, range(30))
    below = [body.joint_names.index(name) for name in ("left_wrist", "right_ankle", "neck")]
    np.testing.assert_allclose(found[:, below], joints[:, below], atol=1e-3)
    if is_edited:
        scene.frame_set(12)
        np.testing.assert_allclose(rig.pose.bones["head"].rotation_quaternion, (0.8, 0.6, 0, 0), atol=1e-5)
