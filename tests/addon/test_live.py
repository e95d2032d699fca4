"""Live posing: handles move, the character follows, and what was moved is kept; without a screen."""

import bpy
import numpy as np
import pytest
from mathutils import Euler, Vector

FRAME = 12


@pytest.fixture
def session(addon):
    return addon("live.session")


@pytest.fixture
def watch(addon):
    return addon("live.watch")


@pytest.fixture
def take(addon, core, body, baked_take):
    """A walking take, solved from its own keypoints."""
    motion = walk(core, body)
    take, _ = baked_take(solved(core, body, motion, "body_25"))
    bpy.context.view_layer.objects.active = take
    bpy.context.scene.frame_set(FRAME)
    return take


def walk(core, body, frames=40):
    """Arms and legs swing; somebody stands, about upright."""
    t = np.linspace(0, 4, frames)
    poses = np.zeros((frames, 24, 3))
    poses[:, 0] = (np.pi / 2, 0, 0)
    for joint, size in ((1, 0.4), (2, -0.4), (16, 0.3), (17, -0.3)):
        poses[:, joint, 0] = size * np.sin(t)
    poses[:, 16, 2], poses[:, 17, 2] = -1.0, 1.0
    poses[:, 18, 1], poses[:, 19, 1] = -0.5, 0.5
    trans = np.tile([0.1, 0.2, 1.1], (frames, 1))
    trans[:, 0] += 0.03 * np.sin(t)  # hips that stand still would be those of a take without a room
    return core.Motion(poses, trans, np.zeros(10), fps=30.0, body=body.key)


def solved(core, body, motion, layout):
    return core.solve(body.keypoints(motion, layout), body, betas=motion.betas)


def press(state, which="SELECTED"):
    return bpy.ops.lsmpl.set_keypoints(state=state, which=which)


def update():
    """What Blender does after each mouse move."""
    bpy.context.view_layer.update()


def drag(live, name, by):
    handle = bpy.data.objects[name]
    handle.location = np.array(handle.location) + by
    update()
    return handle


def site(live, name):
    """Where the character's bone is now, in metres."""
    bone = bpy.data.objects["Test Rig"].pose.bones[name]
    return np.array(bone.matrix.translation)


def test_each_keypoint_gets_a_handle_where_it_is(session, addon, live, take):
    track = addon("takes.take").load_track(take)
    before = set(bpy.data.objects)
    assert bpy.ops.lsmpl.live() == {"FINISHED"}
    assert session.is_live(bpy.context.scene, take)
    handles = [obj for obj in bpy.data.objects if obj not in before]
    assert [handle.name for handle in handles] == sorted(track.layout.keypoints)
    for handle in handles:
        where = track.positions[FRAME, track.layout.index(handle.name)]
        np.testing.assert_allclose(handle.matrix_world.translation, where, atol=1e-5)
    assert addon("selection").active_take(bpy.context) == take
    bpy.context.view_layer.objects.active = handles[0]
    assert addon("selection").active_take(bpy.context) == take


def test_a_take_that_was_put_elsewhere_is_posed_there(addon, live, take):
    take.location, take.rotation_euler, take.scale = (1, 2, 0), (0, 0, 0.7), (2, 2, 2)
    take.lsmpl.armature.location = take.location
    update()
    bpy.ops.lsmpl.live()
    handle, known = bpy.data.objects["right_wrist"], addon("takes.take").keypoints_at(take, FRAME)
    wrist = addon("takes.take").layout_of(take).index("right_wrist")
    expected = take.matrix_world @ Vector(known.positions[wrist])
    np.testing.assert_allclose(handle.location, expected, atol=1e-5)
    drag(live, "right_wrist", (0, 0, 0.2))
    live.settle(bpy.context.scene)
    after = addon("takes.take").keypoints_at(take, FRAME).positions[wrist]
    np.testing.assert_allclose(after - known.positions[wrist], (0, 0, 0.1), atol=1e-5)


def test_handles_go_with_a_take_that_is_moved(live, take):
    bpy.ops.lsmpl.live()
    before = np.array(bpy.data.objects["nose"].location)
    take.location = (1, 2, 3)
    update()
    live.settle(bpy.context.scene)
    np.testing.assert_allclose(bpy.data.objects["nose"].location, before + (1, 2, 3), atol=1e-5)
    assert take.lsmpl.refined is None


def test_ending_leaves_nothing_behind(session, live, take):
    before = {kind: set(getattr(bpy.data, kind).keys()) for kind in ("objects", "meshes", "collections")}
    bpy.ops.lsmpl.live()
    assert take.hide_select
    bpy.ops.lsmpl.live()
    assert not session.is_live(bpy.context.scene)
    assert not take.hide_select
    assert before == {kind: set(getattr(bpy.data, kind).keys()) for kind in before}


def test_the_hand_goes_where_its_handle_goes_and_the_feet_stay(live, take):
    bpy.ops.lsmpl.live()
    feet = [site(live, f"{side}_ankle") for side in ("left", "right")]
    handle = drag(live, "right_wrist", (0, 0, 0.15))
    np.testing.assert_allclose(site(live, "right_wrist"), handle.location, atol=0.005)
    elbow = bpy.data.objects["right_elbow"]
    np.testing.assert_allclose(site(live, "right_elbow"), elbow.location, atol=0.005)
    for side, foot in zip(("left", "right"), feet):
        np.testing.assert_allclose(site(live, f"{side}_ankle"), foot, atol=0.02)


def test_nothing_is_written_while_handles_move(addon, live, take):
    bpy.ops.lsmpl.live()
    action = take.lsmpl.armature.animation_data.action
    before = [[tuple(key.co) for key in curve.keyframe_points] for curve in addon("characters.actions").fcurves(action)]
    drag(live, "right_wrist", (0, 0, 0.15))
    assert "edit_state" not in take.data.attributes
    assert take.lsmpl.refined is None
    assert take.lsmpl.armature.animation_data.action == action
    assert before == [
        [tuple(key.co) for key in curve.keyframe_points] for curve in addon("characters.actions").fcurves(action)
    ]


def test_what_is_moved_back_is_as_it_was(live, take):
    bpy.ops.lsmpl.live()
    before = [tuple(bone.rotation_quaternion) for bone in take.lsmpl.armature.pose.bones]
    places = {obj.name: tuple(obj.location) for obj in bpy.context.scene.lsmpl_live.handles.objects}
    handle = bpy.data.objects["right_wrist"]
    drag(live, "right_wrist", (0, 0.1, 0.25))
    assert [tuple(bone.rotation_quaternion) for bone in take.lsmpl.armature.pose.bones] != before
    handle.location = places["right_wrist"]  # Esc
    update()
    assert [tuple(bone.rotation_quaternion) for bone in take.lsmpl.armature.pose.bones] == before
    assert {obj.name: tuple(obj.location) for obj in bpy.context.scene.lsmpl_live.handles.objects} == places
    live.settle(bpy.context.scene)
    assert take.lsmpl.refined is None


@pytest.mark.parametrize("timer_is_first", [False, True])
def test_a_second_drag_that_is_taken_back_leaves_the_first(live, take, timer_is_first):
    bpy.ops.lsmpl.live()
    drag(live, "left_wrist", (0.1, 0, 0.25))
    live.settle(bpy.context.scene)
    update()
    before = [tuple(bone.head) for bone in take.lsmpl.armature.pose.bones]
    handle = bpy.data.objects["right_wrist"]
    at = tuple(handle.location)
    drag(live, "right_wrist", (-0.1, 0.1, 0.15))
    handle.location = at
    if timer_is_first:
        live.settle(bpy.context.scene)
    update()
    update()
    np.testing.assert_allclose([bone.head for bone in take.lsmpl.armature.pose.bones], before, atol=1e-5)


def test_when_the_tool_ends_the_edits_and_the_pose_are_kept(addon, live, take):
    bpy.ops.lsmpl.live()
    takes, before = addon("takes.take"), addon("takes.layers").load(take)
    handle = drag(live, "right_wrist", (0, 0, 0.15))
    target = np.array(handle.location)
    live.settle(bpy.context.scene)
    known = takes.keypoints_at(take, FRAME)
    layout = takes.layout_of(take)
    assert known.state[layout.index("right_wrist")] == takes.MOVED
    assert known.state[layout.index("right_elbow")] == takes.MOVED  # it followed
    assert known.state[layout.index("left_ankle")] == takes.AS_READ
    np.testing.assert_allclose(known.positions[layout.index("right_wrist")], target, atol=1e-5)
    assert not np.any(takes.keypoints_at(take, FRAME - 1).state)
    after = addon("takes.layers").load(take)
    assert addon("takes.layers").latest(take) == "refined"
    assert np.abs(after.poses[FRAME] - before.poses[FRAME]).max() > 0.1
    np.testing.assert_allclose(after.poses[0], before.poses[0], atol=1e-6)
    bpy.context.scene.frame_set(FRAME + 20)
    bpy.context.scene.frame_set(FRAME)
    np.testing.assert_allclose(site(live, "right_wrist"), target, atol=0.005)


def test_the_change_is_blended_into_its_neighbours(addon, live, take):
    before = addon("takes.layers").load(take).poses
    bpy.context.scene.lsmpl_refine.blend = 3
    bpy.ops.lsmpl.live()
    drag(live, "right_wrist", (0, 0, 0.15))
    live.settle(bpy.context.scene)
    changed = np.abs(addon("takes.layers").load(take).poses - before).max(axis=(1, 2))
    assert set(np.flatnonzero(changed > 1e-4)) == set(range(FRAME - 3, FRAME + 4))
    assert not addon("refining.pending_edit").is_open(take)


def test_a_drag_begins_with_what_the_animator_sees(live, take):
    bpy.ops.lsmpl.live()
    update()
    bone = take.lsmpl.armature.pose.bones["left_elbow"]
    bone.rotation_quaternion = Euler((0.5, 0.6, 0.7)).to_quaternion()
    update()
    posed = site(live, "left_wrist")
    drag(live, "right_wrist", (0, 0, 0.1))
    np.testing.assert_allclose(site(live, "left_wrist"), posed, atol=0.01)


def test_a_pinned_bone_keeps_its_rotation(addon, live, take):
    pinned_joints = addon("takes.pinned_joints")
    rotation = (0.3, -0.4, 0.2)
    pinned_joints.store(take, [pinned_joints.PinnedJoint(FRAME, "right_elbow", rotation)])
    bpy.ops.lsmpl.live()
    drag(live, "right_wrist", (0, 0, 0.1))
    live.settle(bpy.context.scene)
    elbow = addon("takes.layers").load(take).poses[FRAME, 19]
    np.testing.assert_allclose(elbow, rotation, atol=1e-4)


def test_a_cleaned_take_stays_clean_and_on_its_floor(addon, live, take):
    bpy.context.scene.lsmpl.floor = "ZERO"
    addon("solving.clean_up").clean_up(take, bpy.context.scene)
    bpy.context.scene.frame_set(FRAME)
    raised = addon("takes.layers").describe(take, "cleaned")["clean_up"]["raised_m"]
    assert abs(raised) > 0.01
    bpy.ops.lsmpl.live()
    before = site(live, "right_wrist")
    handle = bpy.data.objects["right_wrist"]
    np.testing.assert_allclose(handle.location, before, atol=0.02)
    drag(live, "right_wrist", (0, 0, 0.15))
    np.testing.assert_allclose(site(live, "right_wrist"), handle.location, atol=0.005)
    live.settle(bpy.context.scene)
    update()
    np.testing.assert_allclose(site(live, "right_wrist"), handle.location, atol=0.005)
    assert addon("takes.layers").latest(take) == "cleaned"
    wrist = addon("takes.take").layout_of(take).index("right_wrist")
    read = addon("takes.take").keypoints_at(take, FRAME).positions[wrist]
    np.testing.assert_allclose(read + (0, 0, raised), handle.location, atol=1e-5)


def test_a_drag_that_cannot_be_kept_changes_nothing(addon, core, live, take, monkeypatch):
    bpy.ops.lsmpl.live()
    before = addon("takes.take").keypoints_at(take, FRAME).positions
    drag(live, "right_wrist", (0, 0, 0.15))

    def fail(*_, **__):
        raise core.LsmplError("as if there were no room")

    monkeypatch.setattr(addon("refining.pending_edit"), "apply", fail)
    with pytest.raises(core.LsmplError, match="no room"):
        live.settle(bpy.context.scene)
    np.testing.assert_array_equal(addon("takes.take").keypoints_at(take, FRAME).positions, before)
    assert not live.is_pending(bpy.context.scene)
    update()
    np.testing.assert_allclose(site(live, "right_wrist"), bpy.data.objects["right_wrist"].location, atol=0.005)


def test_a_renamed_bone_is_an_error_that_says_so(core, live, take):
    bpy.ops.lsmpl.live()
    take.lsmpl.armature.data.bones["head"].name = "skull"
    drag(live, "right_wrist", (0, 0, 0.15))
    with pytest.raises(core.LsmplError, match="has no bone head"):
        live.settle(bpy.context.scene)


def test_locked_feet_stay_when_the_hips_go_down(addon, live, take):
    bpy.ops.lsmpl.live()
    assert press("LOCK", "FEET") == {"FINISHED"}
    feet = [site(live, f"{side}_ankle") for side in ("left", "right")]
    drag(live, "mid_hip", (0, 0, -0.12))
    for side, foot in zip(("left", "right"), feet):
        np.testing.assert_allclose(site(live, f"{side}_ankle"), foot, atol=0.004)
    live.settle(bpy.context.scene)
    takes, layout = addon("takes.take"), addon("takes.take").layout_of(take)
    known = takes.keypoints_at(take, FRAME)
    assert (known.state == takes.LOCKED).sum() == 8
    assert known.state[layout.index("mid_hip")] == takes.MOVED
    shown = dict(zip(layout.keypoints, addon("live.looks").looks(bpy.context.scene)))
    assert (shown["left_ankle"], shown["mid_hip"]) == ("Locked", "Moved")


def test_the_body_follows_a_hand_pulled_out_of_reach(live, take):
    bpy.ops.lsmpl.live()
    press("LOCK", "FEET")
    feet, pelvis = site(live, "left_ankle"), site(live, "pelvis")
    drag(live, "right_wrist", (-2, 0, 0.5))
    np.testing.assert_allclose(site(live, "left_ankle"), feet, atol=0.02)
    assert np.linalg.norm(site(live, "pelvis") - pelvis) > 0.03
    live.settle(bpy.context.scene)
    handle = bpy.data.objects["right_wrist"]  # what is not reached goes to the body
    np.testing.assert_allclose(site(live, "right_wrist"), handle.location, atol=0.005)


def test_a_missing_keypoint_can_be_placed_and_ignored(session, addon, core, body, live, baked_take):
    takes, motion = addon("takes.take"), walk(core, body)
    track = body.keypoints(motion, "body_25")
    wrist = track.layout.index("right_wrist")
    track.positions[FRAME, wrist], track.confidence[FRAME, wrist] = np.nan, 0
    take = addon("importing.adding").add_take(bpy.context.scene, track, "Test")
    addon("importing.adding").match_scene(bpy.context.scene, [take])
    addon("solving.solve").keep(take, bpy.context.scene, solved(core, body, motion, "body_25"), body)
    bpy.context.view_layer.objects.active = take
    bpy.context.scene.frame_set(FRAME)
    bpy.ops.lsmpl.live()
    handle = bpy.data.objects["right_wrist"]
    looks = addon("live.looks").looks
    np.testing.assert_allclose(handle.location, site(live, "right_wrist"), atol=0.002)
    assert looks(bpy.context.scene)[wrist] == "Unseen"
    target = np.array(drag(live, "right_wrist", (0, 0, 0.1)).location)
    live.settle(bpy.context.scene)
    assert looks(bpy.context.scene)[wrist] == "Moved"
    np.testing.assert_allclose(takes.load_track(take).positions[FRAME, wrist], target, atol=1e-5)
    session.handles_of(bpy.context.scene).select([wrist])
    press("RESET")
    assert takes.load_track(take).confidence[FRAME, wrist] == 0
    assert looks(bpy.context.scene)[wrist] == "Unseen"


def test_a_rejected_keypoint_has_its_handle_on_the_body(addon, core, live, take):
    """Where the solve did not believe a keypoint the body is not there, and dragging it begins where the body is."""
    layout = addon("takes.take").layout_of(take)
    count, index = len(layout.keypoints), layout.index("left_wrist")
    row = FRAME * count + index
    mesh = take.data
    body_has = np.array(mesh.attributes["position"].data[row].vector)
    mesh.attributes["position"].data[row].vector = body_has + (0.5, 0.0, 0.3)
    bpy.ops.lsmpl.live()
    where = np.array(bpy.data.objects["left_wrist"].location)
    np.testing.assert_allclose(where, body_has + (0.5, 0.0, 0.3), atol=1e-5)
    bpy.ops.lsmpl.live()
    for condition in (core.Condition.REJECTED, core.Condition.SWAPPED):
        mesh.attributes["condition"].data[row].value = condition
        bpy.ops.lsmpl.live()
        where = np.array(bpy.data.objects["left_wrist"].location)
        np.testing.assert_allclose(where, site(live, "left_wrist"), atol=0.01)
        bpy.ops.lsmpl.live()
    bpy.ops.lsmpl.live()
    before = site(live, "left_wrist")
    drag(live, "left_wrist", (0.0, 0.0, 0.1))
    assert np.linalg.norm(site(live, "left_wrist") - before - (0, 0, 0.1)) < 0.02
    bpy.ops.lsmpl.live()
    known = addon("takes.take").keypoints_at(take, FRAME)
    assert known.state[index] == addon("takes.take").MOVED
    assert known.believed[index]


def test_in_frames_that_blend_into_a_posed_one_handles_are_on_the_body(addon, live, take):
    """What was read there is where the hand is not wanted."""
    bpy.ops.lsmpl.live()
    drag(live, "right_wrist", (0, 0, 0.3))
    live.settle(bpy.context.scene)
    posed = np.array(bpy.data.objects["right_wrist"].location)
    bpy.context.scene.frame_set(FRAME + 1)
    hand = np.array(bpy.data.objects["right_wrist"].location)
    np.testing.assert_allclose(hand, site(live, "right_wrist"), atol=0.01)
    assert np.linalg.norm(hand - posed) < 0.1
    track, wrist = addon("takes.take").load_track(take), addon("takes.take").layout_of(take).index("right_wrist")
    assert np.linalg.norm(hand - track.positions[FRAME + 1, wrist]) > 0.1
    assert not live.is_pending(bpy.context.scene)
    bpy.context.scene.frame_set(FRAME + 10)
    np.testing.assert_allclose(bpy.data.objects["right_wrist"].location, track.positions[FRAME + 10, wrist], atol=1e-5)


def test_resetting_all_brings_the_frame_back_as_solved(addon, live, take):
    before = addon("takes.layers").load(take)
    bpy.ops.lsmpl.live()
    drag(live, "right_wrist", (0, 0, 0.15))
    live.settle(bpy.context.scene)
    assert press("RESET", "ALL") == {"FINISHED"}
    assert not addon("takes.take").keypoints_at(take, FRAME).state.any()
    np.testing.assert_allclose(addon("takes.layers").load(take).poses[FRAME], before.poses[FRAME], atol=1e-5)


def test_an_ignored_keypoint_no_longer_counts(session, addon, live, take):
    bpy.ops.lsmpl.live()
    layout = addon("takes.take").layout_of(take)
    session.handles_of(bpy.context.scene).select([layout.index("right_elbow")])
    assert press("IGNORE") == {"FINISHED"}
    assert not addon("takes.take").load_track(take).visible[FRAME, layout.index("right_elbow")]


def test_undo_and_redo_bring_back_what_was_kept(addon, live, watch, take):
    takes = addon("takes.take")
    bpy.ops.lsmpl.live()
    bpy.ops.ed.undo_push(message="Live")
    handle = drag(live, "right_wrist", (0, 0, 0.15))
    target = np.array(handle.location)
    bpy.ops.ed.undo_push(message="Move")  # Blender does, when the tool ends
    watch._settle_all()
    kept = addon("takes.layers").load(take).poses[FRAME].copy()
    bpy.ops.ed.undo()
    watch._go_on(bpy.ops.ed.undo)
    take = bpy.data.objects["Test"]
    assert take.lsmpl.refined is None
    assert not takes.keypoints_at(take, FRAME).state.any()
    assert not live.is_pending(bpy.context.scene)
    bpy.ops.ed.redo()
    assert live.is_pending(bpy.context.scene)
    watch._go_on(bpy.ops.ed.redo)
    assert not live.is_pending(bpy.context.scene)
    take = bpy.data.objects["Test"]
    np.testing.assert_allclose(addon("takes.layers").load(take).poses[FRAME], kept, atol=1e-6)
    wrist = takes.layout_of(take).index("right_wrist")
    np.testing.assert_allclose(takes.keypoints_at(take, FRAME).positions[wrist], target, atol=1e-5)


def test_what_a_redo_finds_half_done_is_kept_as_the_first_time(addon, live, take):
    takes = addon("takes.take")
    bpy.ops.lsmpl.live()
    bpy.ops.ed.undo_push(message="Live")
    drag(live, "right_wrist", (0, 0, 0.15))
    bpy.ops.ed.undo_push(message="Move")
    live.settle(bpy.context.scene)
    kept, edits = addon("takes.layers").load(take).poses[FRAME], takes.keypoints_at(take, FRAME)
    bpy.ops.ed.undo()
    bpy.ops.ed.redo()
    take = bpy.data.objects["Test"]
    assert take.lsmpl.refined is None
    live.settle(bpy.context.scene)
    again = takes.keypoints_at(take, FRAME)
    np.testing.assert_array_equal(again.state, edits.state)
    np.testing.assert_allclose(again.offset, edits.offset, atol=1e-4)
    np.testing.assert_allclose(addon("takes.layers").load(take).poses[FRAME], kept, atol=1e-3)


def test_undo_past_several_drags_is_sound(addon, live, watch, take):
    bpy.ops.lsmpl.live()
    bpy.ops.ed.undo_push(message="Live")
    for name in ("right_wrist", "left_wrist", "nose"):
        drag(live, name, (0.05, 0, 0.1))
        bpy.ops.ed.undo_push(message="Move")
        watch._settle_all()
    for left in (2, 1, 0):
        bpy.ops.ed.undo()
        watch._go_on(bpy.ops.ed.undo)
        take = bpy.data.objects["Test"]
        assert (take.lsmpl.refined is not None) == (left > 0)
        assert not live.is_pending(bpy.context.scene)
    bpy.ops.ed.redo()
    watch._go_on(bpy.ops.ed.redo)
    assert len(addon("takes.layers").load(bpy.data.objects["Test"])) == 40


@pytest.mark.parametrize("settled", [False, True])
def test_undo_leaves_no_pose_of_a_drag_behind(live, watch, take, settled):
    """A quick drag ends before the character was posed: its step has the pose from before, as the one before it, and
    undo leaves alone what two steps say alike."""
    bpy.ops.lsmpl.live()
    update()
    bpy.ops.ed.undo_push(message="Live")
    bpy.ops.ed.undo_push(message="Select")
    before = [tuple(bone.rotation_quaternion) for bone in take.lsmpl.armature.pose.bones]
    bpy.app.handlers.depsgraph_update_post.remove(watch._on_update)
    bpy.data.objects["right_wrist"].location.z += 0.2
    bpy.ops.ed.undo_push(message="Move")
    bpy.app.handlers.depsgraph_update_post.append(watch._on_update)
    bpy.data.objects["right_wrist"].location.z += 0.0
    update()
    bones = take.lsmpl.armature.pose.bones
    assert not np.allclose([tuple(bone.rotation_quaternion) for bone in bones], before, atol=1e-2)
    if settled:
        watch._settle_all()
        update()
        bpy.ops.ed.undo()
    bpy.ops.ed.undo()
    watch._go_on(bpy.ops.ed.undo)
    bones = bpy.data.objects["Test Rig"].pose.bones
    np.testing.assert_allclose([tuple(bone.rotation_quaternion) for bone in bones], before, atol=1e-5)


def pointers() -> dict:
    """Which datablocks there are, and which others each is used by."""
    users = bpy.data.user_map()
    return {block.session_uid: {user.session_uid for user in users[block]} for block in users}


def next_frame(live, watch, scene):
    scene.frame_set(scene.frame_current + 1)


def while_a_handle_moves(live, watch, scene):
    drag(live, "right_wrist", (0, 0, 0.15))


def next_frame_while_a_handle_moves(live, watch, scene):
    drag(live, "right_wrist", (0, 0, 0.15))
    scene.frame_set(scene.frame_current + 1)
    update()


def after_an_undo(live, watch, scene):
    scene.frame_current += 1
    watch._on_undo()


EVENTS = next_frame, while_a_handle_moves, next_frame_while_a_handle_moves, after_an_undo


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)
def test_no_handler_makes_datablocks_or_points_them_elsewhere(live, watch, take, event):
    """What handlers change is in no undo step, and undo crashes Blender where that is a pointer."""
    bpy.ops.lsmpl.live()
    drag(live, "left_wrist", (0.1, 0, 0.1))
    press("LOCK", "FEET")  # so that this frame's handles do not look like those of others
    watch._settle_all()
    before = pointers()
    event(live, watch, bpy.context.scene)
    assert pointers() == before
    if event in (next_frame, after_an_undo):
        assert bpy.context.scene.lsmpl_live.frame == FRAME + 1


def test_what_is_kept_is_in_an_undo_step_at_once(live, watch, take, monkeypatch):
    pushed = []
    monkeypatch.setattr(watch, "_push", lambda: pushed.append(pointers()))
    bpy.ops.lsmpl.live()
    drag(live, "left_wrist", (0.1, 0, 0.1))
    before = pointers()
    watch._settle_all()
    assert pushed == [pointers()] != [before]


def test_the_handles_go_with_the_frame(addon, live, take):
    bpy.ops.lsmpl.live()
    track = addon("takes.take").load_track(take)
    for frame in (0, 39, 100, -5):
        bpy.context.scene.frame_set(frame)
        where = track.positions[min(max(frame, 0), 39), track.layout.index("nose")]
        np.testing.assert_allclose(bpy.data.objects["nose"].location, where, atol=1e-5)


def test_a_frame_that_changes_keeps_what_was_moved_before(addon, live, take):
    bpy.ops.lsmpl.live()
    drag(live, "right_wrist", (0, 0, 0.15))
    bpy.context.scene.frame_set(FRAME + 5)
    live.settle(bpy.context.scene)
    takes = addon("takes.take")
    assert takes.keypoints_at(take, FRAME).state.any()
    assert not takes.keypoints_at(take, FRAME + 5).state.any()


def test_deleted_handles_come_back_and_copies_go(live, take):
    bpy.ops.lsmpl.live()
    bpy.data.objects.remove(bpy.data.objects["nose"])
    copy = bpy.data.objects["neck"].copy()
    bpy.context.scene.lsmpl_live.handles.objects.link(copy)
    update()
    live.settle(bpy.context.scene)
    assert "nose" in bpy.data.objects
    assert len(bpy.context.scene.lsmpl_live.handles.objects) == 25


def test_a_handle_that_was_put_elsewhere_is_made_anew(live, take):
    bpy.ops.lsmpl.live()
    collection, scene = bpy.context.scene.lsmpl_live.handles, bpy.context.scene
    scene.collection.objects.link(bpy.data.objects["neck"])
    collection.objects.unlink(bpy.data.objects["neck"])
    collection.objects.unlink(bpy.data.objects["nose"])  # from all collections
    update()
    live.settle(scene)
    assert len([obj for obj in bpy.data.objects if "lsmpl_keypoint" in obj]) == 25
    assert len(collection.objects) == 25


def test_copies_of_handles_leave_no_meshes(live, take):
    bpy.ops.lsmpl.live()
    copy = bpy.data.objects["neck"].copy()
    copy.data = copy.data.copy()  # as Shift+D does
    bpy.context.scene.lsmpl_live.handles.objects.link(copy)
    update()
    live.settle(bpy.context.scene)
    assert len({handle.data for handle in bpy.context.scene.lsmpl_live.handles.objects}) == 1
    assert [mesh for mesh in bpy.data.meshes if not mesh.users] == []


def test_handles_go_with_a_motion_that_is_made_anew(addon, live, take):
    """A keypoint that is ignored has its handle on the body, and cleaning up moves that, and all up to the floor."""
    bpy.ops.lsmpl.live()
    press("IGNORE", "FEET")
    before = np.array(bpy.data.objects["nose"].location)
    bpy.context.scene.lsmpl.floor = "ZERO"
    addon("solving.clean_up").clean_up(take, bpy.context.scene)
    update()
    raised = addon("takes.layers").describe(take, "cleaned")["clean_up"]["raised_m"]
    np.testing.assert_allclose(np.array(bpy.data.objects["nose"].location) - before, (0, 0, raised), atol=1e-5)
    at, there = addon("live.drag").handle_positions, addon("live.session").handles_of(bpy.context.scene)
    known = addon("takes.take").keypoints_at(take, FRAME)
    np.testing.assert_allclose(there.locations(), at(take, FRAME, known), atol=1e-5)


def test_edit_mode_on_a_handle_does_no_harm(session, addon, live, take):
    bpy.ops.lsmpl.live()
    handle = bpy.data.objects["nose"]
    session.handles_of(bpy.context.scene).select([addon("takes.take").layout_of(take).index("nose")])
    bpy.ops.object.mode_set(mode="EDIT")
    handle.location.z += 0.05
    update()
    live.settle(bpy.context.scene)
    bpy.ops.object.mode_set(mode="OBJECT")
    live.settle(bpy.context.scene)
    assert addon("takes.take").keypoints_at(take, FRAME).state.any()


def test_keys_that_auto_keying_gave_a_handle_go(live, take):
    bpy.ops.lsmpl.live()
    handle = drag(live, "right_wrist", (0, 0, 0.1))
    handle.keyframe_insert("location")
    live.settle(bpy.context.scene)
    assert handle.animation_data is None
    assert len(bpy.data.actions) == 1


@pytest.mark.parametrize("gone", ["take", "handles", "solved"])
def test_live_ends_where_what_it_needs_is_gone(session, live, watch, take, gone):
    bpy.ops.lsmpl.live()
    if gone == "take":
        bpy.data.objects.remove(take)
    elif gone == "handles":
        bpy.data.batch_remove(list(bpy.context.scene.lsmpl_live.handles.objects))
    else:
        take.lsmpl.solved = None
    update()
    live.settle(bpy.context.scene)
    watch.watch()
    assert not session.has_handles(bpy.context.scene)
    assert not [obj for obj in bpy.data.objects if "lsmpl_keypoint" in obj]
    assert watch._on_update not in bpy.app.handlers.depsgraph_update_post


def test_a_saved_file_has_no_handles_but_what_was_moved(session, addon, live, take, tmp_path):
    bpy.ops.lsmpl.live()
    drag(live, "right_wrist", (0, 0, 0.15))
    path = str(tmp_path / "posed.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    assert session.is_live(bpy.context.scene)
    assert take.hide_select
    bpy.ops.wm.open_mainfile(filepath=path)
    assert not bpy.data.objects["Test"].hide_select
    assert not session.is_live(bpy.context.scene)
    assert bpy.context.scene.lsmpl_live.take is None
    assert "nose" not in bpy.data.objects
    assert [c.name for c in bpy.data.collections if "Live" in c.name] == []
    assert addon("takes.take").keypoints_at(bpy.data.objects["Test"], FRAME).state.any()


def test_another_take_takes_over(session, addon, core, body, live, baked_take, take):
    other, _ = baked_take(solved(core, body, walk(core, body), "coco_17"), "coco_17")
    bpy.context.view_layer.objects.active = take
    bpy.ops.lsmpl.live()
    bpy.context.view_layer.objects.active = other
    bpy.ops.lsmpl.live()
    assert session.is_live(bpy.context.scene, other)
    assert len(bpy.context.scene.lsmpl_live.handles.objects) == 17


def test_disabling_the_extension_takes_handles_and_handlers_away(live, watch, take):
    bpy.ops.lsmpl.live()
    names = [f.__name__ for f in bpy.app.handlers.depsgraph_update_post if ".live." in f.__module__]
    assert names == ["_on_update"]
    bpy.ops.preferences.addon_disable(module="bl_ext.user_default.lsmpl")
    try:
        assert "nose" not in bpy.data.objects
        for handlers in ("depsgraph_update_post", "frame_change_post", "undo_post", "load_post", "save_pre"):
            assert not [f for f in getattr(bpy.app.handlers, handlers) if "live" in f.__module__]
    finally:
        bpy.ops.preferences.addon_enable(module="bl_ext.user_default.lsmpl")


def test_handles_do_not_render(live, take):
    bpy.ops.lsmpl.live()
    assert all(handle.hide_render for handle in bpy.context.scene.lsmpl_live.handles.objects)


def test_the_buttons_say_what_is_wrong(take):
    with pytest.raises(RuntimeError, match="Live on"):
        press("LOCK")
    bpy.ops.lsmpl.live()
    bpy.ops.object.select_all(action="DESELECT")
    assert press("LOCK") == {"CANCELLED"}


def wrists(addon, take, body):
    """(T,3) metres, of the motion as refined, and as the bones are animated."""
    motion = addon("takes.layers").load(take)
    shown = []
    for frame in range(len(motion)):
        bpy.context.scene.frame_set(frame)
        shown.append(site(None, "right_wrist"))
    bpy.context.scene.frame_set(FRAME)
    return body.joints(motion)[:, body.joint_names.index("right_wrist")], np.array(shown)


def lift(live, addon, frame, by):
    """Put the wrist higher than the body has it."""
    bpy.context.scene.frame_set(frame)
    drag(live, "right_wrist", site(live, "right_wrist") + (0, 0, by) - bpy.data.objects["right_wrist"].location)
    live.settle(bpy.context.scene)


@pytest.mark.parametrize("later", [1, 2, 3, 5, -1, -2, -4])
def test_a_frame_that_was_posed_stays_when_one_near_it_is(addon, body, live, take, later):
    """And the fade of the second ends there, without a sudden move before it."""
    bpy.ops.lsmpl.live()
    before = wrists(addon, take, body)[0]
    lift(live, addon, FRAME, 0.1)
    first = wrists(addon, take, body)
    lift(live, addon, FRAME + later, 0.05)
    second = wrists(addon, take, body)
    moved = [1000 * np.linalg.norm(b - a, axis=1) for a, b in zip(first, second)]
    assert moved[0][FRAME + later] == pytest.approx(50, abs=10)
    beyond = slice(None, FRAME + 1) if later > 0 else slice(FRAME, None)
    for way in moved:
        assert way[FRAME] < 0.01, "millimetres by which the frame that was posed has moved"
        assert way[beyond].max() < 0.01
    between = moved[0][min(FRAME, FRAME + later) : max(FRAME, FRAME + later) + 1]
    between = between if later > 0 else between[::-1]
    assert (np.diff(between) > 0).all(), "no swinging back and forth"

    def acceleration(way):
        return np.linalg.norm(np.diff(way, 2, axis=0), axis=-1).max() * 30**2

    added = acceleration(second[0]) - acceleration(first[0])
    print(
        f"{later:+d}: {acceleration(before):.1f}, one edit {acceleration(first[0]):.1f}, "
        f"two {acceleration(second[0]):.1f} m/s2"
    )
    assert added < 6.6 / later**2 * 0.05 * 30**2, "what a cubic needs from there to here, and the fade behind it"


def test_a_frame_that_was_reset_no_longer_stands_in_the_way(addon, body, live, take):
    bpy.ops.lsmpl.live()
    lift(live, addon, FRAME, 0.1)
    assert addon("refining.pending_edit").posed_frames(take) == [FRAME]
    press("RESET", "ALL")
    assert addon("refining.pending_edit").posed_frames(take) == []
    before = wrists(addon, take, body)[0]
    lift(live, addon, FRAME + 1, 0.1)
    after = wrists(addon, take, body)[0]
    assert np.linalg.norm(after[FRAME] - before[FRAME]) > 0.05
    assert addon("refining.pending_edit").posed_frames(take) == [FRAME + 1]


def test_frames_that_were_posed_before_a_solve_stay_after_it(addon, body, live, take):
    bpy.ops.lsmpl.live()
    lift(live, addon, FRAME, 0.1)
    bpy.ops.lsmpl.live()
    bpy.context.view_layer.objects.active = take
    bpy.ops.lsmpl.solve()
    before = wrists(addon, take, body)[0]
    bpy.ops.lsmpl.live()
    lift(live, addon, FRAME + 3, 0.05)
    after = wrists(addon, take, body)[0]
    assert np.linalg.norm(after[FRAME] - before[FRAME]) < 1e-5
    assert np.linalg.norm(after[FRAME + 2] - before[FRAME + 2]) > 0.01
