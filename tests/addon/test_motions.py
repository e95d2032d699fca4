"""SMPL motions in: what another program solved becomes a take with a character."""

import pickle

import bpy
import numpy as np
import pytest
from conftest import MOCAP
from test_baking import largest_errors


@pytest.fixture
def motion_file(tmp_path, body, random_motion):
    motion = random_motion(frames=30, fps=60.0)
    motion.save(tmp_path / "dance.npz")
    return tmp_path / "dance.npz", motion


def imported(addon) -> bpy.types.Object:
    (take,) = addon("takes.take").takes_in(bpy.context.scene)
    return take


def test_a_motion_becomes_a_take_with_a_character(addon, body, motion_file):
    path, motion = motion_file
    assert bpy.ops.lsmpl.import_motion(filepath=str(path), directory=str(path.parent)) == {"FINISHED"}
    take = imported(addon)
    facts = addon("takes.take").describe(take)
    assert (facts["layout"]["name"], facts["frames"], facts["fps"]) == ("smpl_24", 30, 60.0)
    np.testing.assert_allclose(addon("takes.take").load_track(take).positions, body.joints(motion), atol=1e-5)
    stored = addon("takes.layers").load(take)
    np.testing.assert_allclose(stored.poses, motion.poses, atol=1e-5)
    baked = addon("characters.baking").Baked(take.lsmpl.armature, take.lsmpl.body_mesh, None, None)
    addon("characters.hand_poses").flatten(baked.armature)
    assert max(largest_errors(baked, body, motion)) < 1e-3
    assert bpy.context.scene.render.fps == 60


def test_a_dropped_npz_is_known_by_its_content(addon, body, motion_file):
    path, motion = motion_file
    np.savez(path.with_name("points.npz"), keypoints3d=body.keypoints(motion, "body_25").positions)
    files = [{"name": "dance.npz"}, {"name": "points.npz"}]
    assert bpy.ops.lsmpl.import_keypoints(directory=str(path.parent), files=files) == {"FINISHED"}
    layouts = {take.name: addon("takes.take").describe(take)["layout"]["name"] for take in bpy.context.selected_objects}
    assert layouts == {"dance": "smpl_24", "points": "body_25"}
    assert addon("takes.layers").is_solved(bpy.data.objects["dance"])
    assert not addon("takes.layers").is_solved(bpy.data.objects["points"])


def test_betas_of_another_body_are_left_and_that_is_said(addon, core, tmp_path, random_motion):
    motion = random_motion(frames=5)
    motion.body = "SMPL_NEUTRAL-12345678"
    motion.save(tmp_path / "amass.npz")
    bpy.ops.lsmpl.import_motion(filepath=str(tmp_path / "amass.npz"))
    take = imported(addon)
    assert not addon("takes.layers").load(take).betas.any()
    decisions = {decision["what"]: decision for decision in addon("takes.layers").describe(take)["decisions"]}
    assert decisions["shape"]["basis"] == "assumed"
    assert "SMPL_NEUTRAL" in decisions["shape"]["reason"]


def test_what_an_estimator_wrote_stands_up(addon, body, tmp_path, random_motion):
    """WHAM's pickle, in a world with Y down: the character comes out upright."""
    poses = np.zeros((20, 24, 3))
    poses[:, 0] = (np.pi, 0, 0)  # SMPL's own rest frame has Y up; this one is upside down
    poses[:, 4, 0], poses[:, 18, 1] = 0.4, -0.3
    subject = {
        "pose_world": poses.reshape(20, 72), "trans_world": np.zeros((20, 3)), "betas": np.zeros((20, 10)),
        "frame_ids": np.arange(20), "pose": poses.reshape(20, 72), "trans": np.zeros((20, 3)), "verts": np.zeros(1),
    }  # fmt: skip
    (tmp_path / "wham_output.pkl").write_bytes(pickle.dumps({0: subject}))
    bpy.ops.lsmpl.import_motion(filepath=str(tmp_path / "wham_output.pkl"), override_fps=True, fps=25.0)
    take = imported(addon)
    joints = addon("takes.take").load_track(take).positions
    names = list(body.joint_names)
    assert (joints[:, names.index("head"), 2] > joints[:, names.index("left_knee"), 2] + 0.5).all()
    assert addon("takes.take").describe(take)["fps"] == 25.0
    told = {decision["what"] for decision in addon("takes.layers").describe(take)["decisions"]}
    assert {"estimator", "up", "fps"} <= told


def test_the_up_axis_can_be_given(addon, body, core, tmp_path):
    poses = np.zeros((5, 24, 3))
    core.Motion(poses, np.zeros((5, 3)), body=body.key).save(tmp_path / "y_up.npz")
    bpy.ops.lsmpl.import_motion(filepath=str(tmp_path / "y_up.npz"), up="y")
    joints = addon("takes.take").load_track(imported(addon)).positions
    np.testing.assert_allclose(joints[0], body.rest_joints() @ addon("characters.shape").TO_BLENDER.T, atol=1e-5)


@pytest.mark.parametrize("content", [b"", b"not a motion", pickle.dumps({"weights": [1]})])
def test_a_file_that_is_no_motion_changes_nothing(content, tmp_path):
    (tmp_path / "bad.pkl").write_bytes(content)
    with pytest.raises(RuntimeError, match=r"bad\.pkl"):
        bpy.ops.lsmpl.import_motion(filepath=str(tmp_path / "bad.pkl"))
    assert not bpy.data.objects
    assert not bpy.data.meshes


def test_an_import_that_is_stopped_midway_leaves_nothing(addon, motion_file):
    path, _ = motion_file
    done = addon("importing.reading").Import([path, path], {}, as_motions=True, match_scene=True)
    scene = bpy.context.scene
    before = addon("takes.timing").timing_of(scene)
    job = done.job(bpy.context)
    while not bpy.data.armatures:
        job._step()
    assert addon("takes.timing").timing_of(scene) != before
    job.close()
    assert addon("takes.timing").timing_of(scene) == before
    kinds = ("objects", "meshes", "armatures", "actions")
    assert {kind: len(getattr(bpy.data, kind)) for kind in kinds} == dict.fromkeys(kinds, 0)


def test_a_take_is_solved_from_another_estimators_motion(addon, core, body, tmp_path, random_motion):
    truth = core.Motion.load(MOCAP / "01_01.npz")
    truth = core.Motion(truth.poses[:60], truth.trans[:60], fps=30.0, body=body.key)
    off = np.random.default_rng(0).normal(scale=0.1, size=truth.poses.shape)
    core.Motion(truth.poses + off, truth.trans, fps=30.0, body=body.key).save(tmp_path / "estimate.npz")
    take = addon("importing.adding").add_take(bpy.context.scene, body.keypoints(truth, "body_25"), "Take")
    bpy.context.view_layer.objects.active = take
    assert bpy.ops.lsmpl.solve_from_motion(filepath=str(tmp_path / "estimate.npz")) == {"FINISHED"}
    solved = addon("takes.layers").load(take)
    assert np.linalg.norm(body.joints(solved) - body.joints(truth), axis=2).mean() < 0.01
    core.Motion(truth.poses[:10], truth.trans[:10], body=body.key).save(tmp_path / "short.npz")
    with pytest.raises(RuntimeError, match="60 frames"):
        bpy.ops.lsmpl.solve_from_motion(filepath=str(tmp_path / "short.npz"))
