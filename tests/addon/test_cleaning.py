"""Clean Up: the cleaned motion is baked, and the motion as solved is kept."""

from dataclasses import replace

import bpy
import numpy as np
import pytest


@pytest.fixture
def noisy_take(addon, baked_take, core):
    """A body that stands, trembling by a degree, solved and baked."""
    poses = np.random.default_rng(0).normal(scale=np.radians(1.0), size=(60, 24, 3))
    poses[:, 0] = (np.pi / 2, 0, 0)
    take, _ = baked_take(core.Motion(poses, np.tile((0.0, 0.0, 1.5), (60, 1))))
    bpy.context.view_layer.objects.active = take
    return take


def tremble(motion) -> float:
    return float(np.abs(np.diff(motion.poses, 2, axis=0)).mean())


def keys(take) -> np.ndarray:
    armature = take.lsmpl.armature
    return np.array(
        [
            [bone.rotation_quaternion[:] for bone in armature.pose.bones]
            for frame in range(5, 15)
            if bpy.context.scene.frame_set(frame) is None
        ]
    )


def test_clean_up_bakes_a_smoother_motion_and_keeps_the_solved_one(addon, noisy_take):
    layers = addon("takes.layers")
    solved, before = layers.load(noisy_take, "solved"), keys(noisy_take)
    assert bpy.ops.lsmpl.clean_up() == {"FINISHED"}
    cleaned = layers.load(noisy_take)
    np.testing.assert_array_equal(layers.load(noisy_take, "solved").poses, solved.poses)
    assert tremble(cleaned) < 0.2 * tremble(solved)
    assert np.abs(np.diff(keys(noisy_take), 2, axis=0)).mean() < 0.3 * np.abs(np.diff(before, 2, axis=0)).mean()
    facts = layers.describe(noisy_take, "cleaned")["clean_up"]
    assert facts["smooth"] == pytest.approx(0.5)
    assert sum(facts["contacts"].values()) == 4
    assert facts["sliding_after_cm_s"] < 0.1 * facts["sliding_before_cm_s"]


def test_another_strength_begins_from_the_motion_as_solved(addon, noisy_take):
    settings, layers = bpy.context.scene.lsmpl, addon("takes.layers")
    settings.lock_feet = False
    bpy.ops.lsmpl.clean_up()
    once = layers.load(noisy_take).poses
    settings.smooth = 0.9
    bpy.ops.lsmpl.clean_up()
    settings.smooth = 0.5
    bpy.ops.lsmpl.clean_up()
    np.testing.assert_array_equal(layers.load(noisy_take).poses, once)
    assert len([mesh for mesh in bpy.data.meshes if mesh.name.startswith("Test Cleaned")]) == 1


def test_back_to_as_solved_bakes_what_was_there_before(addon, noisy_take):
    before = keys(noisy_take)
    bpy.ops.lsmpl.clean_up()
    assert np.abs(keys(noisy_take) - before).max() > 1e-3
    assert bpy.ops.lsmpl.as_solved() == {"FINISHED"}
    np.testing.assert_allclose(keys(noisy_take), before, atol=1e-5)
    assert addon("takes.layers").describe(noisy_take, "cleaned") is None


def test_bake_takes_the_cleaned_motion(addon, noisy_take):
    bpy.ops.lsmpl.clean_up()
    cleaned = keys(noisy_take)
    bpy.ops.lsmpl.bake()
    np.testing.assert_allclose(keys(noisy_take), cleaned, atol=1e-5)


def test_solving_again_forgets_the_cleaned_motion(addon, noisy_take, body):
    bpy.ops.lsmpl.clean_up()
    addon("solving.solve").keep(noisy_take, bpy.context.scene, addon("takes.layers").load(noisy_take, "solved"), body)
    assert addon("takes.layers").describe(noisy_take, "cleaned") is None


def test_the_floor_goes_to_zero_if_asked_to(addon, noisy_take, body):
    bpy.context.scene.lsmpl.floor = "ZERO"
    bpy.ops.lsmpl.clean_up()
    cleaned = addon("takes.layers").load(noisy_take)
    assert abs(np.median(body.vertices(cleaned)[..., 2].min(axis=1))) < 0.02


def test_clean_up_is_one_undo_step(addon, noisy_take):
    assert "UNDO" in addon("solving.clean_up").LSMPL_OT_clean_up.bl_options


def test_a_clean_up_that_fails_changes_nothing(addon, noisy_take, monkeypatch):
    before, meshes = keys(noisy_take), {mesh.name for mesh in bpy.data.meshes}

    def fail(*_):
        raise RuntimeError("as if Blender had failed")

    monkeypatch.setattr(addon("characters.actions"), "write_steps", fail)
    with pytest.raises(RuntimeError, match="as if"):
        addon("solving.clean_up").clean_up(noisy_take, bpy.context.scene)
    assert {mesh.name for mesh in bpy.data.meshes} == meshes
    np.testing.assert_array_equal(keys(noisy_take), before)


def test_what_is_not_solved_cannot_be_cleaned(addon, body, core):
    motion = core.Motion(np.zeros((5, 24, 3)), np.zeros((5, 3)), body=body.key)
    take = addon("importing.adding").add_take(bpy.context.scene, body.keypoints(replace(motion), "body_25"), "New")
    bpy.context.view_layer.objects.active = take
    with pytest.raises(RuntimeError, match="poll"):
        bpy.ops.lsmpl.clean_up()


def test_hands_that_go_through_each_other_are_parted_while_the_box_is_ticked(addon, baked_take, core, drawn):
    poses = np.zeros((20, 24, 3))
    poses[:, 0] = (np.pi / 2, 0, 0)
    poses[:, 16, 1], poses[:, 17, 1] = -np.radians(107.0), np.radians(107.0)  # arms ahead, hands in each other
    take, _ = baked_take(core.Motion(poses, np.tile((0.0, 0.0, 1.5), (20, 1))))
    bpy.context.view_layer.objects.active = take
    settings, layers = bpy.context.scene.lsmpl, addon("takes.layers")
    settings.smooth, settings.lock_feet, parted = 0.0, False, {}
    for wanted in (False, True):
        settings.part_hands = wanted
        assert bpy.ops.lsmpl.clean_up() == {"FINISHED"}
        facts = layers.describe(take, "cleaned")["clean_up"]
        assert facts["part_hands"] == wanted
        parted[wanted] = facts["parted_frames"]
        said = drawn()["LSMPL_PT_clean_up"]
        assert ("Hands\nparted in 20 frames" if wanted else "Hands\nas solved") in said
    assert parted == {False: 0, True: 20}
