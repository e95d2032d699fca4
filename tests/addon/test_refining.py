"""Refine: frames solved anew, blended, compared, accepted or rejected; pins and edits that later solves keep."""

import json
from dataclasses import replace

import bpy
import numpy as np
import pytest
from mathutils import Quaternion

FRAME = 20


@pytest.fixture(scope="session")
def stood(core, body):
    """A stroll on the spot with a spoilt solution: (track, motion as it was, motion with three frames bent wrong)."""
    t = np.linspace(0.0, 6.0, 40)
    poses = np.zeros((40, 24, 3))
    poses[:, 0] = (np.pi / 2, 0.0, 0.0)
    names = list(body.joint_names)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        poses[:, names.index(f"{side}_shoulder"), 2] = -sign * (0.9 + 0.2 * np.sin(t))
        poses[:, names.index(f"{side}_elbow"), 1] = -sign * (0.6 + 0.3 * np.sin(t))
        poses[:, names.index(f"{side}_hip"), 0] = -0.3 - sign * 0.2 * np.sin(t)
        poses[:, names.index(f"{side}_knee"), 0] = 0.5
    # Hips that stand still would be those of a take without a room.
    sway = np.stack([0.03 * np.sin(t), np.zeros(40), np.full(40, 1.2)], axis=1)
    truth = core.Motion(poses, sway, fps=30.0, body=body.key)
    track = body.keypoints(truth, "body_25")
    solved = core.solve(track, body, betas=truth.betas)
    spoilt = solved.poses.copy()
    spoilt[FRAME - 1 : FRAME + 2, names.index("left_elbow")] += (0.0, 0.0, 1.5)
    return track, solved, replace(solved, poses=spoilt)


@pytest.fixture
def take(addon, body, stood):
    """The stroll, solved wrong in three frames, baked, and at the middle one."""
    track, _, spoilt = stood
    scene = bpy.context.scene
    take = addon("importing.adding").add_take(scene, track, "Walk")
    addon("importing.adding").match_scene(scene, [take])
    addon("solving.solve").keep(take, scene, spoilt, body)
    bpy.context.view_layer.objects.active = take
    scene.frame_set(FRAME)
    return take


def poses(addon, take):
    return addon("takes.layers").load(take).poses


def keyed(take, frames=range(40)) -> np.ndarray:
    """(N,24,4) of the rig in some frames, as it plays."""
    scene, rotations = bpy.context.scene, []
    now = scene.frame_current
    for frame in frames:
        scene.frame_set(frame)
        rotations.append([bone.rotation_quaternion[:] for bone in take.lsmpl.armature.pose.bones])
    scene.frame_set(now)
    return np.array(rotations)


def stored(take, addon) -> dict:
    """All that refining may change, for comparisons."""
    residual = addon("takes.mesh_data").read(take.data, "residual", "FLOAT")
    return {
        "keys": keyed(take),
        "poses": poses(addon, take),
        "residual": residual,
        "pins": addon("takes.pinned_joints").load(take),
    }


def assert_same(a: dict, b: dict):
    for name in ("keys", "poses", "residual"):
        np.testing.assert_allclose(a[name], b[name], atol=1e-6)
    assert a["pins"] == b["pins"]


def to_range(first, last, blend=3):
    settings = bpy.context.scene.lsmpl_refine
    settings.frames, settings.first, settings.last, settings.blend = "RANGE", first, last, blend
    return settings


def pose_mode(take, *bones):
    """The character active in Pose Mode, with some bones selected."""
    armature = take.lsmpl.armature
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="POSE")
    for bone in armature.pose.bones:
        owner = bone if "select" in bone.bl_rna.properties else bone.bone
        owner.select = bone.name in bones
    return armature


def test_a_wrong_stretch_is_mended_in_motion_and_action(addon, take, stood):
    wrong = poses(addon, take)
    to_range(FRAME - 1, FRAME + 1).begin = "NEIGHBOURS"
    assert bpy.ops.lsmpl.refine() == {"FINISHED"}
    mended = poses(addon, take)
    elbow = 18
    assert np.abs(mended[FRAME, elbow] - stood[1].poses[FRAME, elbow]).max() < 0.1
    assert np.abs(wrong[FRAME, elbow] - stood[1].poses[FRAME, elbow]).max() > 1.0
    np.testing.assert_allclose(mended[: FRAME - 4], wrong[: FRAME - 4], atol=1e-6)
    np.testing.assert_allclose(mended[FRAME + 5 :], wrong[FRAME + 5 :], atol=1e-6)
    after = keyed(take)
    addon("characters.baking").bake(take, bpy.context.scene)
    np.testing.assert_allclose(np.abs((keyed(take) * after).sum(axis=-1)), 1.0, atol=1e-5)
    assert addon("takes.layers").describe(take, "refined")["refined"] == [[FRAME - 4, FRAME + 4]]
    np.testing.assert_allclose(addon("takes.layers").load(take, "solved").poses, wrong, atol=1e-6)


def test_before_and_after_then_reject_is_as_if_nothing_had_been(addon, take):
    before, names = stored(take, addon), {mesh.name for mesh in bpy.data.meshes}
    to_range(FRAME - 1, FRAME + 1).begin = "NEIGHBOURS"
    bpy.ops.lsmpl.refine()
    after = stored(take, addon)
    assert np.abs(after["poses"] - before["poses"]).max() > 0.5
    bpy.ops.lsmpl.show_before(before=True)
    assert_same(stored(take, addon), before)
    bpy.ops.lsmpl.show_before(before=False)
    assert_same(stored(take, addon), after)
    assert bpy.ops.lsmpl.reject() == {"FINISHED"}
    assert_same(stored(take, addon), before)
    assert addon("takes.layers").describe(take, "refined") is None
    assert {mesh.name for mesh in bpy.data.meshes} == names
    assert len(bpy.data.actions) == 1


def test_accept_keeps_the_change_and_nothing_else(addon, take):
    bpy.ops.lsmpl.refine()
    after = stored(take, addon)
    bpy.ops.lsmpl.show_before(before=True)
    assert bpy.ops.lsmpl.accept() == {"FINISHED"}
    assert_same(stored(take, addon), after)
    assert len(bpy.data.actions) == 1
    with pytest.raises(RuntimeError, match="poll"):
        bpy.ops.lsmpl.reject()


def test_a_cleaned_motion_goes_along_and_back(addon, take):
    bpy.context.scene.lsmpl.floor = "ZERO"
    bpy.ops.lsmpl.clean_up()
    before, solved = stored(take, addon), addon("takes.layers").load(take, "solved")
    cleaned = addon("takes.layers").load(take, "cleaned")
    to_range(FRAME - 1, FRAME + 1).begin = "NEIGHBOURS"
    bpy.ops.lsmpl.refine()
    refined, changed = addon("takes.layers").load(take, "refined"), addon("takes.layers").load(take, "cleaned")
    np.testing.assert_allclose(changed.poses[FRAME], refined.poses[FRAME], atol=1e-5)
    up = cleaned.trans[:, 2].mean() - solved.trans[:, 2].mean()
    assert abs(up) > 0.01
    assert changed.trans[FRAME, 2] - refined.trans[FRAME, 2] == pytest.approx(up, abs=0.02)
    np.testing.assert_allclose(changed.poses[:10], cleaned.poses[:10], atol=1e-6)
    assert addon("takes.layers").describe(take, "cleaned")["clean_up"]
    bpy.ops.lsmpl.reject()
    assert_same(stored(take, addon), before)


def test_the_blend_has_the_width_that_is_set(addon, take):
    wrong = poses(addon, take)
    to_range(FRAME - 1, FRAME + 1, blend=0).begin = "NEIGHBOURS"
    bpy.ops.lsmpl.refine()
    changed = np.abs(poses(addon, take) - wrong).max(axis=(1, 2)) > 1e-6
    assert np.flatnonzero(changed).tolist() == [FRAME - 1, FRAME, FRAME + 1]


def test_hand_edits_of_the_action_stay_and_it_still_counts_as_edited(addon, take):
    action = take.lsmpl.armature.animation_data.action
    path = 'pose.bones["head"].rotation_quaternion'
    curve = next(c for c in addon("characters.actions").fcurves(action) if c.data_path == path and c.array_index == 1)
    curve.keyframe_points[5].co[1] = 0.4
    curve.keyframe_points[FRAME - 3].co[1] += 0.3
    near = curve.keyframe_points[FRAME - 3].co[1]
    curve.update()
    bpy.ops.lsmpl.refine()
    assert curve.evaluate(5) == pytest.approx(0.4, abs=1e-6)
    assert curve.evaluate(FRAME - 3) == pytest.approx(near, abs=0.1), "an edited neighbour is blended, not overwritten"
    bpy.ops.lsmpl.reject()
    assert curve.evaluate(FRAME - 3) == pytest.approx(near, abs=1e-5)
    kept = addon("characters.baking").bake(take, bpy.context.scene).previous
    assert kept == action


def test_an_action_that_nobody_edited_is_no_edited_one_after_refining(addon, take):
    bpy.ops.lsmpl.refine()
    bpy.ops.lsmpl.accept()
    assert addon("characters.baking").bake(take, bpy.context.scene).previous is None


def test_keys_that_an_animator_added_or_removed_are_no_hindrance(addon, take):
    action = take.lsmpl.armature.animation_data.action
    curves = {(c.data_path, c.array_index): c for c in addon("characters.actions").fcurves(action)}
    curve = curves['pose.bones["left_elbow"].rotation_quaternion', 2]
    curve.keyframe_points.remove(curve.keyframe_points[FRAME])
    curve.keyframe_points.insert(FRAME + 0.5, 0.9)
    to_range(FRAME - 1, FRAME + 1).begin = "NEIGHBOURS"
    bpy.ops.lsmpl.refine()
    at = [key.co[0] for key in curve.keyframe_points]
    assert at == list(range(40))
    bpy.ops.lsmpl.reject()
    at = [key.co[0] for key in curve.keyframe_points]
    assert FRAME not in at and FRAME + 0.5 in at


def test_a_posed_bone_is_read_though_it_is_not_keyed_and_pinned_for_later_solves(addon, take, stood, body):
    armature = pose_mode(take, "left_wrist")
    bone = armature.pose.bones["left_wrist"]
    bone.rotation_mode = "XYZ"
    bone.rotation_euler = (0.5, 0.1, 0.2)
    settings = bpy.context.scene.lsmpl_refine
    settings.begin, settings.pin = "POSE", True
    bpy.context.view_layer.update()
    wanted = addon("characters.posed").Bones(armature, body, stood[1].betas).now().rotations[0, 20]
    assert bpy.ops.lsmpl.refine() == {"FINISHED"}
    (pin,) = addon("takes.pinned_joints").load(take)
    assert (pin.frame, pin.joint) == (FRAME, "left_wrist")
    rotation = rotations(addon, take)[FRAME, 20]
    np.testing.assert_allclose(rotation, wanted, atol=1e-4)
    bpy.ops.lsmpl.accept()
    addon("solving.solve").solve(take, bpy.context.scene, "numpy")
    np.testing.assert_allclose(rotations(addon, take)[FRAME, 20], wanted, atol=1e-4)
    assert addon("takes.layers").describe(take, "refined") is None
    bpy.ops.lsmpl.remove_pins()
    assert addon("takes.pinned_joints").load(take) == []


def rotations(addon, take):
    import importlib

    core = addon("takes.take").__name__.replace("addon.takes.take", "lsmpl_core.rotation")
    return importlib.import_module(core).exp_map(poses(addon, take))


def test_bones_as_poses_are_the_motion_that_was_baked(addon, take, stood, body):
    bones = addon("characters.posed").Bones(take.lsmpl.armature, body, stood[2].betas)
    action = addon("refining.pending_edit").action_of(take)
    read = bones.in_action(action, np.arange(40.0))
    np.testing.assert_allclose(read.rotations, rotations(addon, take), atol=1e-5)
    np.testing.assert_allclose(read.trans, stood[2].trans, atol=1e-5)
    now = bones.now()
    np.testing.assert_allclose(now.rotations[0], read.rotations[FRAME], atol=1e-5)
    np.testing.assert_allclose(now.trans[0], read.trans[FRAME], atol=1e-5)


def test_a_character_that_was_given_another_shape_has_the_same_poses(addon, take, stood, body):
    shape, armature = addon("characters.shape"), take.lsmpl.armature
    shape.reshape(armature, np.array([2.0, -1.0, 1.0, 0, 0, 0, 0, 0, 0, 0]))
    read = (
        addon("characters.posed")
        .Bones(armature, body, stood[2].betas)
        .in_action(addon("refining.pending_edit").action_of(take), [3.0, FRAME])
    )
    np.testing.assert_allclose(read.rotations, rotations(addon, take)[[3, FRAME]], atol=1e-5)
    np.testing.assert_allclose(read.trans, stood[2].trans[[3, FRAME]], atol=1e-5)


def test_a_take_that_plays_from_an_nla_strip_is_refined_there(addon, take):
    take.lsmpl_bake.as_strip = True
    addon("characters.baking").bake(take, bpy.context.scene)
    assert take.lsmpl.armature.animation_data.action is None
    before = stored(take, addon)
    to_range(FRAME - 1, FRAME + 1).begin = "NEIGHBOURS"
    bpy.ops.lsmpl.refine()
    assert np.abs(keyed(take) - before["keys"])[FRAME].max() > 0.2
    bpy.ops.lsmpl.reject()
    assert_same(stored(take, addon), before)


def test_a_change_is_rejected_also_where_its_body_is_not_there_any_more(addon, take):
    """As in a .blend of an earlier version, whose open body was another."""
    layers, pending = addon("takes.layers"), addon("refining.pending_edit")
    bpy.context.scene.lsmpl_refine.frames = "CURRENT"
    assert bpy.ops.lsmpl.refine() == {"FINISHED"}
    for layer in layers.Layer:
        if getattr(take.lsmpl, layer):
            layers.note(take, layer, body="another-00000000")
    assert pending.is_open(take)
    assert bpy.ops.lsmpl.reject() == {"FINISHED"}
    assert not pending.is_open(take) and take.lsmpl.refined is None


def test_rejecting_takes_the_pins_back_that_came_with_the_change(addon, take):
    pose_mode(take, "head")
    bpy.ops.lsmpl.pin_bones()
    assert [pin.joint for pin in addon("takes.pinned_joints").load(take)] == ["head"]
    pose_mode(take, "left_wrist", "right_wrist")
    settings = bpy.context.scene.lsmpl_refine
    settings.begin, settings.pin = "POSE", True
    bpy.ops.lsmpl.refine()
    assert len(addon("takes.pinned_joints").load(take)) == 3
    bpy.ops.lsmpl.reject()
    assert [pin.joint for pin in addon("takes.pinned_joints").load(take)] == ["head"]


def test_a_blend_stops_at_a_pinned_frame(addon, take):
    wrong = poses(addon, take)
    addon("takes.pinned_joints").store(
        take, [addon("takes.pinned_joints").PinnedJoint(FRAME + 3, "head", (0.1, 0.0, 0.0))]
    )
    to_range(FRAME - 1, FRAME + 1, blend=10).begin = "NEIGHBOURS"
    bpy.ops.lsmpl.refine()
    changed = np.flatnonzero(np.abs(poses(addon, take) - wrong).max(axis=(1, 2)) > 1e-6)
    assert changed.max() == FRAME + 2
    assert changed.min() < FRAME - 5


def test_an_ignored_keypoint_says_nothing_in_its_frames_and_can_be_used_again(addon, take):
    takes, scene = addon("takes.take"), bpy.context.scene
    to_range(10, 12)
    bpy.ops.lsmpl.ignore_keypoint(keypoint="left_wrist")
    k = takes.describe(take)["layout"]["keypoints"].index("left_wrist")
    seen = takes.load_track(take).visible[:, k]
    assert np.flatnonzero(~seen).tolist() == [10, 11, 12]
    scene.frame_set(11)
    assert addon("refining.refine").describe_frame(take, scene).ignored == ["left_wrist"]
    bpy.ops.lsmpl.refine()
    residual = addon("takes.mesh_data").read(take.data, "residual", "FLOAT").reshape(40, -1)
    assert (residual[10:13, k] == -1).all() and (residual[20:, k] >= 0).all()
    bpy.ops.lsmpl.ignore_keypoint(keypoint="left_wrist", use_again=True)
    assert takes.load_track(take).visible[:, k].all()


def test_the_shown_frame_is_described(addon, take):
    state = addon("refining.refine").describe_frame(take, bpy.context.scene)
    assert state.number == FRAME
    assert state.residual < 0.01, "measured by the solve, which was right"
    bpy.ops.lsmpl.refine()
    again = addon("refining.refine").describe_frame(take, bpy.context.scene)
    assert again.worst in addon("takes.take").describe(take)["layout"]["keypoints"]
    assert again.worst_residual >= again.residual


def test_a_proposal_survives_saving_and_loading(addon, take, tmp_path):
    before = stored(take, addon)
    bpy.ops.lsmpl.refine()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "walk.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "walk.blend"))
    take = bpy.data.objects["Walk"]
    bpy.context.view_layer.objects.active = take
    assert addon("refining.pending_edit").is_open(take)
    bpy.ops.lsmpl.reject()
    assert_same(stored(take, addon), before)


@pytest.mark.parametrize("otherwise", ["clean_up", "bake", "solve"])
def test_a_motion_that_was_made_anew_closes_the_proposal(addon, take, stood, body, otherwise):
    bpy.ops.lsmpl.refine()
    if otherwise == "solve":
        addon("solving.solve").keep(take, bpy.context.scene, stood[1], body)
    else:
        getattr(bpy.ops.lsmpl, otherwise)()
    assert not addon("refining.pending_edit").is_open(take)
    bpy.context.scene.lsmpl_refine.begin = "CURRENT"
    assert bpy.ops.lsmpl.refine() == {"FINISHED"}
    assert addon("refining.pending_edit").is_open(take)


def test_refining_again_accepts_what_was_shown(addon, take):
    wrong = poses(addon, take)
    to_range(FRAME - 1, FRAME + 1, blend=0).begin = "NEIGHBOURS"
    bpy.ops.lsmpl.refine()
    to_range(5, 6, blend=0).begin = "CURRENT"
    bpy.ops.lsmpl.refine()
    bpy.ops.lsmpl.reject()
    changed = np.flatnonzero(np.abs(poses(addon, take) - wrong).max(axis=(1, 2)) > 1e-6)
    assert set(changed) == {FRAME - 1, FRAME, FRAME + 1}


def test_a_failure_changes_nothing(addon, take, monkeypatch):
    before, meshes = stored(take, addon), {mesh.name for mesh in bpy.data.meshes}

    def fail(*_):
        raise RuntimeError("as if Blender had failed")

    monkeypatch.setattr(addon("characters.keys"), "_moved", fail)
    with pytest.raises(RuntimeError, match="as if"):
        addon("refining.refine").refine_frames(take, bpy.context.scene)
    assert_same(stored(take, addon), before)
    assert {mesh.name for mesh in bpy.data.meshes} == meshes
    assert len(bpy.data.actions) == 1


def test_what_cannot_be_is_said(addon, core, take):
    refining, scene = addon("refining.refine"), bpy.context.scene
    to_range(100, 200)
    with pytest.raises(core.LsmplError, match="from 0 to 39"):
        refining.refine_frames(take, scene)
    settings = to_range(1, 3)
    settings.begin = "POSE"
    with pytest.raises(core.LsmplError, match="not in the range"):
        refining.refine_frames(take, scene)
    settings.frames, settings.pin = "CURRENT", True
    pose_mode(take)
    with pytest.raises(core.LsmplError, match="no bone is selected"):
        refining.refine_frames(take, scene)
    with pytest.raises(core.LsmplError, match="has no keypoint 'tail'"):
        refining.ignore(take, scene, "tail", False)
    take.data["lsmpl_pins"] = json.dumps({"format": 1, "pins": [{"frame": 99, "joint": "head", "rotation": [0, 0, 0]}]})
    with pytest.raises(core.LsmplError, match="no pinned joints of this take"):
        addon("takes.pinned_joints").load(take)


def test_a_take_of_an_earlier_version_says_that_it_has_to_be_solved_again(addon, core, take):
    facts = json.loads(take.lsmpl.solved["lsmpl_motion"])
    del facts["calibration"]
    take.lsmpl.solved["lsmpl_motion"] = json.dumps(facts)
    addon("refining.refine").forget()
    with pytest.raises(RuntimeError, match="poll"):
        bpy.ops.lsmpl.refine()
    with pytest.raises(core.LsmplError, match="earlier LSMPL"):
        addon("refining.refine").refine_frames(take, bpy.context.scene)


def test_a_take_that_plays_elsewhere_and_slower_is_refined_where_its_keys_are(addon, take, stood):
    take.lsmpl.start, take.lsmpl.step = 100.0, 2.5
    addon("characters.baking").bake(take, bpy.context.scene)
    bpy.context.scene.frame_set(150)
    action = addon("refining.pending_edit").action_of(take)
    count = [len(c.keyframe_points) for c in addon("characters.actions").fcurves(action)]
    settings = bpy.context.scene.lsmpl_refine
    settings.begin, settings.blend = "NEIGHBOURS", 2
    bpy.ops.lsmpl.refine()
    assert [len(c.keyframe_points) for c in addon("characters.actions").fcurves(action)] == count
    bpy.context.scene.frame_set(151)
    bpy.context.scene.frame_set(150)
    state = addon("refining.refine").describe_frame(take, bpy.context.scene)
    assert state.number == FRAME and state.residual < 0.02


@pytest.mark.parametrize("state", ["MOVED", "LOCKED"])
def test_a_later_solve_gives_what_was_seen_when_a_keypoint_was_placed_and_a_bone_pinned(addon, core, take, body, state):
    bpy.ops.lsmpl.solve()
    takes, names = addon("takes.take"), list(body.joint_names)
    ankle, shoulder = takes.layout_of(take).index("right_ankle"), names.index("left_shoulder")
    free, place = (
        addon("takes.layers").load(take),
        takes.keypoints_at(take, FRAME).positions[ankle] + (0.06, 0.05, 0.06),
    )
    takes.write_edits(take, [FRAME], [ankle], getattr(takes, state), np.array([[[0.06, 0.05, 0.06]]]))
    armature = pose_mode(take, "left_shoulder")
    bone = armature.pose.bones["left_shoulder"]
    bone.rotation_quaternion = bone.rotation_quaternion @ Quaternion((0.0, 0.0, 1.0), 0.7)
    settings = bpy.context.scene.lsmpl_refine
    settings.begin, settings.pin = "POSE", True
    bpy.ops.lsmpl.refine()
    bpy.ops.object.mode_set(mode="OBJECT")
    seen = addon("takes.layers").load(take)
    bpy.ops.lsmpl.solve()
    solved = addon("takes.layers").load(take)
    poser = addon("refining.refine").subject_of(take).poser
    off = np.linalg.norm(body.joints(solved) - body.joints(seen), axis=-1)
    lifted = np.linalg.norm(body.joints(seen) - body.joints(free), axis=-1)[FRAME, names.index("left_elbow")]
    assert lifted > 0.1 and off[FRAME, names.index("left_elbow")] < 0.03
    assert off[FRAME, [names.index(name) for name in ("spine3", "neck", "head", "left_knee")]].max() < 0.03
    for motion in (seen, solved):
        at = poser.sites(core.poses_of(motion, np.array([FRAME])))[0, ankle]
        assert np.linalg.norm(at - place) < 0.01
    change = np.linalg.norm(body.joints(solved) - body.joints(free), axis=-1)[:, : names.index("left_hand")]
    assert change[np.abs(np.arange(40) - FRAME) > 5].max() < 0.003
    assert np.abs(solved.poses[FRAME, shoulder] - seen.poses[FRAME, shoulder]).max() < 1e-3


def test_every_button_is_one_undo_step(addon):
    for cls in addon("refining.operators")._CLASSES:
        assert "UNDO" in cls.bl_options, cls.bl_idname


def test_every_property_says_what_it_is(addon):
    for owner in (
        bpy.types.Scene.bl_rna.properties["lsmpl_refine"],
        bpy.types.Object.bl_rna.properties["lsmpl_proposal"],
    ):
        for prop in owner.fixed_type.properties:
            assert prop.identifier in ("rna_type", "name") or prop.description, prop.identifier


@pytest.mark.parametrize("few", [0, 1000])
def test_keys_taken_one_by_one_and_all_at_once_are_the_same(addon, take, monkeypatch, few):
    """Of a curve with every kind of interpolation and handle that an animator may choose."""
    actions, action = addon("characters.actions"), take.lsmpl.armature.animation_data.action
    keyframes = addon("characters.keys")
    monkeypatch.setattr(keyframes, "_FEW_KEYS", few)
    curve = next(iter(actions.fcurves(action)))
    kinds = ["CONSTANT", "LINEAR", "BEZIER", "ELASTIC", "BOUNCE"]
    for number, key in enumerate(curve.keyframe_points):
        key.interpolation, key.handle_left_type = kinds[number % 5], ["FREE", "ALIGNED", "VECTOR"][number % 3]
        key.easing, key.back, key.amplitude, key.period = ["EASE_IN", "AUTO"][number % 2], 1.0, 0.5, 2.0
    curve.update()

    def told():
        attributes = [name for name in keyframes._KEY_ATTRIBUTES if name not in ("handle_left", "handle_right")]
        return [
            [
                v[:] if hasattr(v, "__len__") and not isinstance(v, str) else v
                for v in (getattr(k, a) for a in attributes)
            ]
            for k in curve.keyframe_points
        ]

    before, count = told(), len(curve.keyframe_points)
    keys = keyframes.keys_between(action, 10.0, 20.0, "Keys")
    assert [len(c.keyframe_points) for c in actions.fcurves(keys)] == [11] * len(list(actions.fcurves(action)))
    frames = np.arange(12.0, 15.0)
    keyframes.rewrite(action, frames, [actions.Curve(curve.data_path, curve.array_index, np.full(3, 9.0), "")])
    assert [curve.evaluate(frame) for frame in frames] == [9.0] * 3
    after = told()
    for number, (was, now) in enumerate(zip(before, after)):
        assert was[1:] == now[1:], "how keys go over into the next ones stays"
        assert number in (12, 13, 14) or was == now
    keyframes.swap_keys(action, keys, 10.0, 20.0)
    assert told() == before and len(curve.keyframe_points) == count
    keyframes.swap_keys(action, keys, 10.0, 20.0)
    assert told() == after


@pytest.fixture
def measured_take(addon, body, stood, take):
    """The same take, whose residual says how far it is off in the three frames."""
    track, _, spoilt = stood
    off = np.linalg.norm(body.keypoints(spoilt, track.layout).positions - track.positions, axis=-1)
    names = [track.layout.keypoints.index(name) for name in spoilt.keypoint_names]
    addon("solving.solve").keep(take, bpy.context.scene, replace(spoilt, residual=off[:, names]), body)
    bpy.context.scene.frame_set(FRAME)
    return take


def residual_keys(addon, take) -> np.ndarray:
    """(N,2) frames of the take and millimetres, as the curve has them."""
    curves = addon("characters.actions").fcurves(take.lsmpl_bake.action)
    keys = addon("characters.actions").keys_of(next(c for c in curves if "Residual" in c.data_path))
    return keys - (take.lsmpl.start, 0.0)


def residuals(addon, take) -> np.ndarray:
    """The same, as the keypoints are coloured."""
    values = 1000.0 * addon("refining.residuals").frame_residual(take, 0, 39)
    return np.stack([np.arange(40.0), values], axis=1)[np.isfinite(values)]


def test_hollow_keypoints_go_with_the_body(addon, core, take):
    """Those that were not seen are shown where the body has them: before, after, and rejected."""
    subject = addon("refining.refine").subject_of(take)
    layers, elbow = addon("takes.layers"), subject.poser.layout.index("left_wrist")

    def shown():
        sites = addon("takes.mesh_data").read(take.data, "site", "FLOAT_VECTOR")
        return sites.reshape(40, -1, 3)[FRAME, elbow]

    def of_body():
        poses = core.poses_of(layers.load(take), slice(FRAME, FRAME + 1))
        return subject.poser.sites(poses)[0, elbow]

    before = shown()
    np.testing.assert_allclose(before, of_body(), atol=1e-3)
    to_range(FRAME - 1, FRAME + 1).begin = "NEIGHBOURS"
    bpy.ops.lsmpl.refine()
    assert np.linalg.norm(shown() - before) > 0.05
    np.testing.assert_allclose(shown(), of_body(), atol=1e-3)
    bpy.ops.lsmpl.show_before(before=True)
    np.testing.assert_allclose(shown(), before, atol=1e-6)
    bpy.ops.lsmpl.show_before(before=False)
    bpy.ops.lsmpl.reject()
    np.testing.assert_allclose(shown(), before, atol=1e-6)
    assert "lsmpl_residual_not_shown" not in take.data and "lsmpl_site_not_shown" not in take.data


def test_the_residual_curve_and_the_doubtful_frames_are_of_what_is_seen(addon, measured_take):
    take, quality = measured_take, addon("solving.quality")
    before, doubted = residual_keys(addon, take), quality.stretches(take)
    assert [FRAME - 1 <= stretch.worst <= FRAME + 1 for stretch in doubted] == [True]
    assert before[FRAME, 1] > 10.0
    bpy.ops.lsmpl.mark_doubtful()
    to_range(FRAME - 1, FRAME + 1).begin = "NEIGHBOURS"
    bpy.ops.lsmpl.refine()
    after = residual_keys(addon, take)
    np.testing.assert_allclose(after, residuals(addon, take), atol=1e-3)
    assert after[FRAME, 1] < 3.0
    np.testing.assert_allclose(after[: FRAME - 4], before[: FRAME - 4], atol=1e-3)
    assert quality.stretches(take) == []
    assert quality.mean_residual(take) < 0.5 * addon("takes.layers").describe(take)["residual_mean"]
    assert not bpy.context.scene.timeline_markers
    bpy.ops.lsmpl.show_before(before=True)
    np.testing.assert_allclose(residual_keys(addon, take), before, atol=1e-3)
    assert quality.stretches(take) == doubted
    bpy.ops.lsmpl.show_before(before=False)
    np.testing.assert_allclose(residual_keys(addon, take), after, atol=1e-3)
    bpy.ops.lsmpl.reject()
    np.testing.assert_allclose(residual_keys(addon, take), before, atol=1e-3)
    assert quality.stretches(take) == doubted
    assert not addon("characters.actions").is_edited(take.lsmpl_bake.action)


def test_what_is_refined_for_the_worse_is_doubtful(addon, take):
    """From bones that were posed against the keypoints, with the arm's weight at nothing."""
    assert addon("solving.quality").stretches(take) == [] or addon("solving.quality").stretches(take)[0].worst != 30
    bpy.context.scene.frame_set(30)
    armature = pose_mode(take, "right_shoulder")
    armature.pose.bones["right_shoulder"].rotation_quaternion @= Quaternion((0.0, 1.0, 0.0), 1.2)
    bpy.context.view_layer.update()
    settings = bpy.context.scene.lsmpl_refine
    settings.frames, settings.begin, settings.right_arm, settings.blend = "CURRENT", "POSE", 0.0, 0
    bpy.ops.lsmpl.refine()
    found = next(stretch for stretch in addon("solving.quality").stretches(take) if stretch.worst == 30)
    assert "a sudden jump" in found.why


def test_keypoints_that_were_placed_or_ignored_are_no_longer_in_question(addon, core, body, stood, take):
    takes, quality = addon("takes.take"), addon("solving.quality")
    motion = replace(stood[2], condition=np.full(stood[2].residual.shape, int(core.Condition.SEEN), dtype=np.uint8))
    motion.condition[FRAME, :17] = core.Condition.REJECTED
    addon("solving.solve").keep(take, bpy.context.scene, motion, body)
    rejected = quality.facts(take, FRAME).conditions[core.Condition.REJECTED]
    assert rejected == 17
    assert any("rejected" in why for stretch in quality.stretches(take) for why in stretch.why)
    names = takes.describe(take)["layout"]["keypoints"]
    those = [names.index(name) for name in motion.keypoint_names[:17]]
    takes.write_edits(take, [FRAME], those[:15], takes.MOVED, 0.001)
    takes.write_edits(take, [FRAME], those[15:], takes.IGNORED)
    told = quality.facts(take, FRAME)
    assert told.conditions[core.Condition.REJECTED] == 0
    assert (told.edited, told.ignored) == (15, 2)
    to_range(FRAME, FRAME).begin = "NEIGHBOURS"
    bpy.ops.lsmpl.refine()
    assert not any("rejected" in why for stretch in quality.stretches(take) for why in stretch.why)
