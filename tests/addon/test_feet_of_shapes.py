"""Locked feet on a character that was given another shape: they stand where they stood."""

import bpy
import numpy as np
import pytest
from test_baking import bone_heads

OTHER = [-1.5, 1.0, 0.5, 0, 0, 0, 0, 0, 0, 0]
COUNT = 60


@pytest.fixture
def take(addon, core, body, baked_take):
    """Somebody crouches and sways; solved from keypoints, cleaned with locked feet."""
    t = np.linspace(0.0, 3.0 * np.pi, COUNT)
    bend = 0.3 * (1.0 - np.cos(t))
    poses = np.zeros((COUNT, 24, 3))
    poses[:, 0, 0] = np.pi / 2
    for side in ("left", "right"):
        for part, by in (("hip", -1.0), ("knee", 2.0), ("ankle", -1.0)):
            poses[:, body.joint_names.index(f"{side}_{part}"), 0] = by * bend
    leg = np.linalg.norm(np.diff(body.rest_joints()[[1, 4, 7]], axis=0), axis=1).sum()
    trans = np.stack([0.01 * np.sin(t), 0 * t, 1.1 - leg * (1.0 - np.cos(bend))], axis=1)
    motion = core.Motion(poses, trans, fps=30.0, body=body.key)
    take, _ = baked_take(core.solve(body.keypoints(motion, "body_25"), body, betas=motion.betas))
    bpy.context.view_layer.objects.active = take
    bpy.context.scene.lsmpl.smooth = 0.0
    bpy.ops.lsmpl.clean_up()
    return take


def feet(take) -> np.ndarray:
    """(T,2,3): where the middle of each foot is, from ankle to ball, as Blender evaluates it."""
    found = []
    for frame in range(COUNT):
        bpy.context.scene.frame_set(round(take.lsmpl.start) + frame)
        heads = bone_heads(take.lsmpl.armature, ["left_ankle", "left_foot", "right_ankle", "right_foot"])
        found.append(heads.reshape(2, 2, 3).mean(axis=1))
    return np.array(found)


def sliding(places: np.ndarray) -> float:
    """Centimetres a second over the floor, on average."""
    return 100 * 30 * np.linalg.norm(np.diff(places[..., :2], axis=0), axis=-1).mean()


def keys(addon, take) -> dict[tuple[str, int], np.ndarray]:
    found = addon("characters.actions").fcurves(take.lsmpl_bake.action)
    return {(c.data_path, c.array_index): addon("characters.actions").keys_of(c)[:, 1] for c in found}


def test_the_panel_says_so_and_one_button_holds_them(addon, take):
    locking = addon("characters.locking")
    before = feet(take)
    assert not locking.is_wanted(take)
    assert not bpy.ops.lsmpl.lock_feet_again.poll()
    take.lsmpl.armature.lsmpl_shape.betas = OTHER
    assert locking.is_wanted(take)
    loose = feet(take)
    assert bpy.ops.lsmpl.lock_feet_again() == {"FINISHED"}
    held = feet(take)
    print(
        f"sliding {sliding(before):.2f}, with another shape {sliding(loose):.2f}, locked again {sliding(held):.2f}; "
        f"moved up to {1000 * np.abs(loose - before).max():.0f}, {1000 * np.abs(held - before)[..., :2].max():.0f} mm"
    )
    assert not locking.is_wanted(take)
    assert np.abs(held - before)[..., :2].max() < 0.003
    assert np.abs(loose - before).max() > 0.01
    assert sliding(held) < sliding(before) + 0.1 < sliding(loose)
    assert np.ptp(held[..., 2], axis=0).max() < np.ptp(before[..., 2], axis=0).max() + 0.005
    assert not addon("characters.actions").is_edited(take.lsmpl_bake.action)


def test_the_takes_own_shape_brings_its_keys_back(addon, take):
    before = keys(addon, take)
    take.lsmpl.armature.lsmpl_shape.betas = OTHER
    bpy.ops.lsmpl.lock_feet_again()
    assert any(np.abs(now - before[channel]).max() > 0.01 for channel, now in keys(addon, take).items())
    bpy.ops.lsmpl.shape_of_take()
    for channel, now in keys(addon, take).items():
        np.testing.assert_allclose(now, before[channel], atol=1e-5)
    assert not addon("characters.locking").is_wanted(take)


def test_what_an_animator_changed_stays(addon, take):
    action = take.lsmpl_bake.action
    path = 'pose.bones["head"].rotation_quaternion'
    curve = next(c for c in addon("characters.actions").fcurves(action) if (c.data_path, c.array_index) == (path, 1))
    curve.keyframe_points[10].co.y += 0.2
    before = keys(addon, take)
    take.lsmpl.armature.lsmpl_shape.betas = OTHER
    bpy.ops.lsmpl.lock_feet_again()
    after = keys(addon, take)
    assert take.lsmpl_bake.action == action
    legs = ("hip", "knee", "ankle")
    for channel, now in after.items():
        if not any(part in channel[0] for part in legs) and not channel[0].endswith("location"):
            np.testing.assert_array_equal(now, before[channel])
    assert addon("characters.actions").is_edited(action)
    assert sliding(feet(take)) < 0.7


def test_cleaning_again_locks_for_the_shape_that_is_there(addon, take):
    before = feet(take)
    take.lsmpl.armature.lsmpl_shape.betas = OTHER
    bpy.ops.lsmpl.clean_up()
    assert not addon("characters.locking").is_wanted(take)
    held = feet(take)
    assert sliding(held) < sliding(before) + 0.5
    bpy.ops.lsmpl.bake()
    np.testing.assert_allclose(feet(take), held, atol=1e-4)


def test_a_frame_that_is_posed_live_keeps_its_feet(addon, take):
    armature = take.lsmpl.armature
    armature.lsmpl_shape.betas = OTHER
    bpy.ops.lsmpl.lock_feet_again()
    before = feet(take)
    bpy.context.scene.frame_set(round(take.lsmpl.start) + 20)
    bpy.ops.lsmpl.live()
    bpy.data.objects["right_wrist"].location.z += 0.1
    bpy.context.view_layer.update()
    shown = bone_heads(armature, ["left_ankle", "left_foot"]).mean(axis=0)
    assert np.linalg.norm(shown - before[20, 0]) < 0.01, "while it is dragged"
    addon("live.live").settle(bpy.context.scene)
    bpy.ops.lsmpl.live()
    assert np.linalg.norm(feet(take) - before, axis=-1).max() < 0.01


def test_feet_that_were_not_locked_are_nobodys_business(addon, take):
    bpy.context.scene.lsmpl.lock_feet = False
    bpy.ops.lsmpl.clean_up()
    before = keys(addon, take)
    take.lsmpl.armature.lsmpl_shape.betas = OTHER
    assert not addon("characters.locking").is_wanted(take)
    bpy.ops.lsmpl.bake()
    for channel, now in keys(addon, take).items():
        np.testing.assert_allclose(now, before[channel], atol=1e-5)


def test_one_undo_takes_it_back(addon, take):
    take.lsmpl.armature.lsmpl_shape.betas = OTHER
    bpy.ops.ed.undo_push(message="Shape")
    before = keys(addon, take)
    bpy.ops.lsmpl.lock_feet_again()
    bpy.ops.ed.undo_push(message="Lock Feet Again")
    bpy.ops.ed.undo()
    take = next(obj for obj in bpy.data.objects if addon("takes.take").is_take(obj))
    for channel, now in keys(addon, take).items():
        np.testing.assert_array_equal(now, before[channel])
    assert addon("characters.locking").is_wanted(take)


def refine(first: int, last: int) -> None:
    """Solve some frames of the scene from scratch, blended over five, with half of a body's weight."""
    settings = bpy.context.scene.lsmpl_refine
    bpy.context.scene.frame_set(first)
    settings.frames, settings.begin = "RANGE", "COLD"
    settings.first, settings.last, settings.right_leg = first, last, 0.3
    assert bpy.ops.lsmpl.refine() == {"FINISHED"}


def assert_keys_are_baked(addon, take, atol: float = 1e-5) -> None:
    """What is seen is what a bake of the take's motion would show."""
    found = keys(addon, take)
    assert not addon("characters.actions").is_edited(take.lsmpl_bake.action)
    bpy.ops.lsmpl.bake()
    for channel, baked in keys(addon, take).items():
        np.testing.assert_allclose(found[channel], baked, atol=atol, err_msg=str(channel))


@pytest.mark.parametrize("betas", [None, OTHER], ids=["own shape", "another shape"])
@pytest.mark.parametrize("rate", [30, 24])
def test_refined_frames_are_seen_as_a_bake_would_show_them(addon, take, betas, rate):
    bpy.context.scene.render.fps = rate
    bpy.ops.lsmpl.retime()
    if betas:
        take.lsmpl.armature.lsmpl_shape.betas = betas
        bpy.ops.lsmpl.lock_feet_again()
    refine(22, 25)
    assert_keys_are_baked(addon, take, 2e-3 if betas else 1e-5)


@pytest.mark.parametrize("shown", ["reject", "accept"])
def test_what_a_change_hides_follows_the_shape(addon, take, shown):
    refine(22, 25)
    if shown == "accept":
        bpy.ops.lsmpl.show_before(before=True)
    take.lsmpl.armature.lsmpl_shape.betas = OTHER
    bpy.ops.lsmpl.lock_feet_again()
    assert getattr(bpy.ops.lsmpl, shown)() == {"FINISHED"}
    assert_keys_are_baked(addon, take, 2e-3)


def test_what_a_change_hides_follows_times_and_shape_of_edited_keys(addon, take):
    action = take.lsmpl_bake.action
    path = 'pose.bones["head"].rotation_quaternion'
    curve = next(c for c in addon("characters.actions").fcurves(action) if (c.data_path, c.array_index) == (path, 1))
    curve.keyframe_points[5].co.y += 0.2
    before, of_curve = feet(take), addon("characters.actions").keys_of
    refine(22, 25)
    take.lsmpl.start += 7
    bpy.context.scene.render.fps = 24
    bpy.ops.lsmpl.retime()
    take.lsmpl.armature.lsmpl_shape.betas = OTHER
    bpy.ops.lsmpl.lock_feet_again()
    assert take.lsmpl_bake.action == action
    bpy.ops.lsmpl.reject()
    for fcurve in addon("characters.actions").fcurves(action):
        assert len(of_curve(fcurve)) in (COUNT, 1)
        assert (np.diff(of_curve(fcurve)[:, 0]) > 0.5).all()
    at = np.round(take.lsmpl.start + np.arange(COUNT) * take.lsmpl.step, 4)
    found = []
    for frame in at[18:30]:
        bpy.context.scene.frame_set(int(frame), subframe=float(frame % 1))
        heads = bone_heads(take.lsmpl.armature, ["left_ankle", "left_foot", "right_ankle", "right_foot"])
        found.append(heads.reshape(2, 2, 3).mean(axis=1))
    assert np.abs(np.array(found) - before[18:30]).max() < 0.01


def test_hands_that_follow_controls_are_where_the_motion_has_them(addon, take):
    bpy.context.view_layer.objects.active = take.lsmpl.armature
    bpy.ops.lsmpl.add_controls()
    bpy.context.view_layer.objects.active = take
    take.lsmpl.armature.lsmpl_shape.betas = OTHER
    bpy.ops.lsmpl.lock_feet_again()
    assert_keys_are_baked(addon, take)
