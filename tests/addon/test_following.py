"""A character of the user's follows its take: after every finished change it does what baking it again would give."""

import importlib
from dataclasses import replace

import anny_rigs
import bpy
import numpy as np
import pytest
from test_retargeting import choose, curves_of, smpl_character

FRAME = 20


@pytest.fixture(scope="module")
def strolled(core, body):
    """Forty frames of a stroll on the spot: (track, its motion as solved)."""
    t = np.linspace(0.0, 6.0, 40)
    poses = np.zeros((40, 24, 3))
    poses[:, 0] = (np.pi / 2, 0.0, 0.0)
    names = list(body.joint_names)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        poses[:, names.index(f"{side}_shoulder"), 2] = -sign * (0.9 + 0.2 * np.sin(t))
        poses[:, names.index(f"{side}_hip"), 0] = -0.3 - sign * 0.2 * np.sin(t)
        poses[:, names.index(f"{side}_knee"), 0] = 0.5
    trans = np.stack([0 * t, 0.05 * t, 0 * t + 1.1], axis=1)
    truth = core.Motion(poses, trans, fps=30.0, body=body.key)
    track = body.keypoints(truth, "body_25")
    return track, core.solve(track, body, betas=truth.betas)


@pytest.fixture
def following(addon):
    return addon("retargeting.following")


@pytest.fixture
def take(addon, body, strolled):
    """Solved, on its own character and on an SMPL rig of another file; its frame 20 is shown."""
    scene, (track, motion) = bpy.context.scene, strolled
    take = addon("importing.adding").add_take(scene, track, "Walk")
    addon("importing.adding").match_scene(scene, [take])
    addon("solving.solve").keep(take, scene, motion, body)
    choose(take, smpl_character(body)[0])
    addon("retargeting.bake_to_other").bake(take)
    bpy.context.view_layer.objects.active = take
    scene.frame_set(FRAME)
    return take


def keys(addon, take) -> np.ndarray:
    """(C,T) of the action on the other character."""
    found = curves_of(addon, take.lsmpl.other.action)
    return np.array([found[channel][:, 1] for channel in sorted(found)])


def baked_anew(addon, take) -> np.ndarray:
    """What a fresh bake of the take's motion would give, on the same character; nothing is left of it."""
    plan = addon("retargeting.plan").Plan.of(take.lsmpl.other, addon("takes.layers").describe(take)["frames"])
    motion = addon("takes.layers").load(take)
    _, curves = plan.compute(motion, addon("characters.baking").body_of(take, motion))
    found = {(curve.data_path, curve.index): curve.values for curve in curves}
    return np.array([found[channel] for channel in sorted(found)])


def assert_follows(addon, take, before):
    now = keys(addon, take)
    assert np.abs(now - before).max() > 1e-5, "nothing changed"
    np.testing.assert_allclose(now, baked_anew(addon, take), rtol=1e-6, atol=1e-5)
    assert not addon("retargeting.following").is_outdated(take)
    assert addon("retargeting.following").describe(take) == "SMPL is up to date"


def spoil(addon, body, take, frame=FRAME, width=5):
    """Another pose for a frame, as a button would leave it."""
    layers, posing = (
        addon("takes.layers"),
        importlib.import_module(body.__module__.replace("body.body", "by_hand.posing")),
    )
    poses = posing.poses_of(layers.load_frame(take, frame))
    turned = poses.rotations.copy()
    turned[0, 16] = turned[0, 16] @ np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    subject = addon("refining.refine").subject_of(take)
    addon("refining.pending_edit").apply(take, body, subject.poser, frame, type(poses)(turned, poses.trans), width)


def test_it_follows_solve_clean_up_and_back(addon, body, following, strolled, take):
    before, action = keys(addon, take), take.lsmpl.other.action
    bpy.context.scene.lsmpl.smooth = 0.9
    assert bpy.ops.lsmpl.clean_up() == {"FINISHED"}
    assert_follows(addon, take, before)
    cleaned = keys(addon, take)
    assert bpy.ops.lsmpl.as_solved() == {"FINISHED"}
    np.testing.assert_allclose(keys(addon, take), before, rtol=1e-6, atol=1e-5)
    other = replace(strolled[1], poses=strolled[1].poses * 0.9)
    addon("solving.solve").keep(take, bpy.context.scene, other, body)
    assert_follows(addon, take, cleaned)
    assert take.lsmpl.other.action == action
    assert not addon("characters.actions").is_edited(action)


def test_it_follows_refining_comparing_accepting_and_rejecting(addon, body, take):
    before = keys(addon, take)
    bpy.context.scene.lsmpl_refine.frames = "CURRENT"
    bpy.context.scene.lsmpl_refine.left_arm = 0.0
    bpy.context.scene.lsmpl_refine.begin = "COLD"
    assert bpy.ops.lsmpl.refine() == {"FINISHED"}
    assert_follows(addon, take, before)
    after = keys(addon, take)
    bpy.ops.lsmpl.show_before(before=True)
    np.testing.assert_allclose(keys(addon, take), before, rtol=1e-6, atol=1e-5)
    bpy.ops.lsmpl.show_before(before=False)
    np.testing.assert_allclose(keys(addon, take), after, rtol=1e-6, atol=1e-5)
    bpy.ops.lsmpl.reject()
    np.testing.assert_allclose(keys(addon, take), before, rtol=1e-6, atol=1e-5)


def test_it_is_right_once_a_handle_is_let_go(addon, take):
    bpy.ops.lsmpl.live()
    before, scene = keys(addon, take), bpy.context.scene
    handle = bpy.data.objects["right_wrist"]
    handle.location.z += 0.2
    bpy.context.view_layer.update()
    np.testing.assert_array_equal(keys(addon, take), before)  # while it is held, it need not move
    addon("live.live").settle(scene)
    assert_follows(addon, take, before)
    dragged = keys(addon, take)
    bpy.ops.lsmpl.set_keypoints(state="RESET", which="ALL")
    assert_follows(addon, take, dragged)
    bpy.context.view_layer.update()
    bones = take.lsmpl.other.target.pose.bones
    shown = np.array(bones["m_avg_R_Shoulder"].rotation_quaternion)
    found = curves_of(addon, take.lsmpl.other.action)
    path = 'pose.bones["m_avg_R_Shoulder"].rotation_quaternion'
    np.testing.assert_allclose(shown, [found[path, i][FRAME, 1] for i in range(4)], atol=1e-5)


def test_an_action_that_was_edited_is_left_alone_and_the_panel_says_so(addon, body, following, take):
    curve = next(iter(addon("characters.actions").fcurves(take.lsmpl.other.action)))
    curve.keyframe_points[3].co.y += 0.25
    before = keys(addon, take)
    spoil(addon, body, take)
    following.follow(take)
    bpy.ops.lsmpl.clean_up()
    np.testing.assert_array_equal(keys(addon, take), before)
    assert following.is_outdated(take)
    assert following.describe(take) == ("Out of date: you changed keys of its action, which is left alone. Bake again")
    assert following.warnings(take)[0][0] == "WARNING"
    edited = take.lsmpl.other.action
    bpy.ops.lsmpl.bake_to_other()
    assert edited.use_fake_user and edited.name in bpy.data.actions
    assert following.describe(take) == "SMPL is up to date"


def test_it_stays_when_it_is_not_to_follow_and_comes_along_when_it_is_again(addon, following, take):
    before = keys(addon, take)
    take.lsmpl.other.follow = False
    bpy.context.scene.lsmpl.smooth = 0.9
    bpy.ops.lsmpl.clean_up()
    np.testing.assert_array_equal(keys(addon, take), before)
    assert "the motion, or what is animated over it, has changed since" in following.describe(take)
    assert following.warnings(take) == []
    take.lsmpl.other.follow = True
    assert_follows(addon, take, before)


def test_a_strip_stays_as_it_was_arranged(addon, body, following, take):
    take.lsmpl.other.bake_to = "STRIP"
    addon("retargeting.bake_to_other").bake(take)
    target, action = take.lsmpl.other.target, take.lsmpl.other.action
    strip = target.animation_data.nla_tracks[0].strips[0]
    strip.influence, strip.frame_start_ui = 0.5, 101.0
    before = keys(addon, take)
    spoil(addon, body, take)
    following.follow(take)
    assert_follows(addon, take, before)
    strip = target.animation_data.nla_tracks[0].strips[0]
    assert (strip.action, strip.influence, strip.frame_start) == (action, 0.5, 101.0)


def test_a_character_that_was_moved_aside_stays_there(addon, body, following, take):
    target = take.lsmpl.other.target
    before = keys(addon, take)
    target.location.x += 2.0
    bpy.context.view_layer.update()
    spoil(addon, body, take)
    following.follow(take)
    assert target.location.x == pytest.approx(2.0)
    changed = np.abs(keys(addon, take) - before).max(axis=0) > 1e-4
    assert changed[FRAME] and not changed[:10].any() and not changed[-10:].any()


@pytest.mark.parametrize("travel", ["OBJECT", "ROOT", "NONE"])
def test_other_options_and_rotation_modes_are_kept(addon, body, following, take, travel):
    other = take.lsmpl.other
    other.every, other.travel = 3, travel
    other.target.pose.bones["m_avg_L_Shoulder"].rotation_mode = "YZX"
    addon("retargeting.bake_to_other").bake(take)
    before = keys(addon, take)
    spoil(addon, body, take, FRAME + 1)
    following.follow(take)
    assert_follows(addon, take, before)


def test_a_bone_map_that_was_changed_is_baked_as_it_is_now(addon, body, following, take):
    other = take.lsmpl.other
    before = other.action.name
    other.bones.remove(next(i for i, item in enumerate(other.bones) if item.joint == "head"))
    spoil(addon, body, take)
    following.follow(take)
    assert not following.is_outdated(take)
    assert other.target.animation_data.action == other.action
    assert [action.name for action in bpy.data.actions if action.name.startswith("Walk on")] == [before]
    paths = {path for path, _ in curves_of(addon, other.action)}
    assert 'pose.bones["m_avg_Head"].rotation_quaternion' not in paths


def test_another_rig_that_was_chosen_since_is_not_touched(addon, body, following, take):
    target = smpl_character(body, "f_avg_")[0]
    bpy.context.view_layer.objects.active = take
    first = take.lsmpl.other.action
    take.lsmpl.other.target = target
    spoil(addon, body, take)
    following.follow(take)
    assert target.animation_data is None or target.animation_data.action is None
    assert following.describe(take) == ""
    assert take.lsmpl.other.action is None and take.lsmpl.also_on[0].action == first


def test_of_takes_that_share_an_action_only_the_first_moves_it(addon, body, following, take):
    copy = take.copy()
    copy.name = "Walk, another"
    bpy.context.scene.collection.objects.link(copy)
    before = keys(addon, take)
    spoil(addon, body, copy)
    following.follow(copy)
    np.testing.assert_array_equal(keys(addon, take), before)
    spoil(addon, body, take)
    following.follow(take)
    assert np.abs(keys(addon, take) - before).max() > 1e-3


def test_what_holds_it_back_does_not_stop_the_change(addon, following, take):
    target = take.lsmpl.other.target
    bpy.context.view_layer.objects.active = target
    bpy.ops.object.mode_set(mode="EDIT")
    before = keys(addon, take)
    assert bpy.ops.lsmpl.clean_up() == {"FINISHED"}
    assert take.lsmpl.cleaned is not None
    np.testing.assert_array_equal(keys(addon, take), before)
    assert "Edit Mode" in following.describe(take)


def test_a_long_take_follows_solves_but_not_drags(addon, body, following, take, monkeypatch):
    monkeypatch.setattr(following, "FOLLOW_AT_ONCE_FRAMES", 30)
    before = keys(addon, take)
    spoil(addon, body, take)
    following.follow(take)
    np.testing.assert_array_equal(keys(addon, take), before)
    assert "too long to follow at once" in following.describe(take)
    bpy.ops.lsmpl.clean_up()
    assert_follows(addon, take, before)


def test_a_rig_that_was_hidden_or_reshaped_is_followed_too(addon, body, following, take):
    target = take.lsmpl.other.target
    target.hide_set(True)
    before = keys(addon, take)
    spoil(addon, body, take)
    following.follow(take)
    assert_follows(addon, take, before)
    target.data.transform(importlib.import_module("mathutils").Matrix.Scale(1.2, 4))
    before = keys(addon, take)
    spoil(addon, body, take, 10)
    following.follow(take)
    assert_follows(addon, take, before)


def test_it_survives_saving_and_loading(addon, body, following, take, tmp_path):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "walk.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "walk.blend"))
    take = bpy.data.objects["Walk"]
    before = keys(addon, take)
    spoil(addon, body, take)
    following.follow(take)
    assert_follows(addon, take, before)


def test_one_undo_takes_both_back(addon, take):
    bpy.ops.ed.undo_push(message="Baked")
    before = keys(addon, take)
    bpy.context.scene.lsmpl.smooth = 0.9
    bpy.ops.lsmpl.clean_up()
    bpy.ops.ed.undo_push(message="Clean Up")
    after = keys(addon, take)
    assert np.abs(after - before).max() > 1e-3
    bpy.ops.ed.undo()
    take = bpy.data.objects["Walk"]
    assert take.lsmpl.cleaned is None
    np.testing.assert_array_equal(keys(addon, take), before)
    assert not addon("retargeting.following").is_outdated(take)
    bpy.ops.ed.redo()
    take = bpy.data.objects["Walk"]
    np.testing.assert_array_equal(keys(addon, take), after)
    assert not addon("retargeting.following").is_outdated(take)


@pytest.mark.parametrize("kind", ["mixamo", "rigify"])
def test_a_drag_is_followed_without_going_through_the_frames(
    addon, core, body, following, random_motion, kind, count_calls
):
    """In bulk, so that it is done in a moment: no change of frame, and hardly more calls for more frames."""
    scene, target = bpy.context.scene, anny_rigs.rigify(True) if kind == "rigify" else anny_rigs.build(kind)[0]

    def calls(frames: int) -> int:
        motion = random_motion(frames=frames)
        take = addon("importing.adding").add_take(scene, body.keypoints(motion, "body_25"), "Walk")
        addon("solving.solve").keep(take, scene, motion, body, bake=False)
        choose(take, target)
        addon("retargeting.bake_to_other").bake(take)
        addon("solving.solve").keep(take, scene, replace(motion, poses=0.99 * motion.poses), body, bake=False)
        take.lsmpl.other.action["lsmpl_version"] = "another"
        counted = count_calls(lambda: following.follow(take))
        assert not following.is_outdated(take)
        return counted

    changes = []
    bpy.app.handlers.frame_change_pre.append(note := lambda *_: changes.append(1))
    try:
        calls(20)  # what is imported and cached by the first
        few, many = calls(100), calls(1000)
    finally:
        bpy.app.handlers.frame_change_pre.remove(note)
    assert not changes
    assert many < 3.0 * few


def test_the_header_has_a_button_where_it_is_out_of_date(addon, following, take):
    from test_panels import Recorder

    def header() -> list[str]:
        panel = type("Panel", (), {"draw_header_preset": addon("panels.retarget").LSMPL_PT_other.draw_header_preset})()
        texts = []
        panel.layout = Recorder(texts)
        panel.draw_header_preset(bpy.context)
        return texts

    assert header() == []
    take.lsmpl.other.follow = False
    bpy.ops.lsmpl.clean_up()
    assert header() == ["Bake Again"]


def test_what_an_earlier_version_baked_follows_once_it_plays(addon, body, following, take):
    take.lsmpl.other.baked_on = None
    del take.lsmpl.other.action["lsmpl_skeleton"]
    before = keys(addon, take)
    spoil(addon, body, take)
    following.follow(take)
    assert_follows(addon, take, before)


def test_what_is_animated_over_the_motion_goes_on_the_other_character(addon, following, take):
    scene, other = bpy.context.scene, take.lsmpl.other
    own = take.lsmpl.armature
    before = keys(addon, take)
    assert not following.is_outdated(take)
    addon("characters.assigning").add_layer(own)
    elbow = own.pose.bones["right_elbow"]
    elbow.rotation_quaternion = (0.8, 0.0, 0.0, 0.6)
    elbow.keyframe_insert("rotation_quaternion", frame=FRAME)
    assert following.is_outdated(take)
    bpy.ops.lsmpl.bake_to_other()
    assert not following.is_outdated(take)

    # The elbow alone is another one, by what the layer adds, in all frames.
    rig, mapped = other.target, {item.joint: item.bone for item in other.bones}
    after = keys(addon, take)
    assert np.abs(after - before).max() > 0.1
    scene.frame_set(FRAME)
    bpy.context.view_layer.update()
    for joint, end in (("right_elbow", "right_wrist"), ("left_elbow", "left_wrist"), ("right_hip", "right_knee")):
        limbs = [
            r.matrix_world @ r.pose.bones[tip].head - r.matrix_world @ r.pose.bones[base].head
            for r, base, tip in ((own, joint, end), (rig, mapped[joint], mapped[end]))
        ]
        assert np.degrees(limbs[0].angle(limbs[1])) < 3.0, joint

    # As computed it goes without.
    other.motion = "LATEST"
    bpy.ops.lsmpl.bake_to_other()
    np.testing.assert_allclose(keys(addon, take), before, atol=1e-4)
