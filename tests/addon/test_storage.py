"""Takes in a .blend: what went in comes out, in another file and without the add-on too."""

import json

import bpy
import numpy as np
import pytest


def noisy_track(core, frames=30, layout="coco_17", **facts):
    rng = np.random.default_rng(5)
    keypoints = len(core.get_layout(layout))
    positions = rng.normal(size=(frames, keypoints, 3)).astype(np.float32)
    positions[rng.random((frames, keypoints)) < 0.2] = np.nan
    confidence = rng.uniform(0.1, 1, (frames, keypoints)).astype(np.float32)
    return core.KeypointTrack(positions, confidence, layout=layout, **facts)


def assert_same_track(a, b):
    np.testing.assert_array_equal(a.positions, b.positions)
    np.testing.assert_array_equal(a.confidence, b.confidence)
    assert (a.layout, a.fps, a.first_frame, a.source) == (b.layout, b.fps, b.first_frame, b.source)
    assert list(a.decisions) == list(b.decisions)


def test_a_track_comes_back_exactly(addon, core):
    decisions = [core.Decision("unit", "mm", "detected", "the person would be 1,700 m tall")]
    track = noisy_track(core, fps=59.94005994, first_frame=17, source="/takes/Tänzer.trc", decisions=decisions)
    take = addon("takes.take").store_track(track)
    assert take.name == "Tänzer"
    assert_same_track(addon("takes.take").load_track(take), track)


def test_a_layout_of_the_users_own_survives(addon, core):
    layout = core.Layout("mine", ("tip", "knee"), edges=(("tip", "knee"),), sites=("nose", "left_knee"), label="Mine")
    track = core.KeypointTrack(np.ones((3, 2, 3)), layout=layout)
    assert addon("takes.take").load_track(addon("takes.take").store_track(track)).layout == layout


def test_edits_lie_over_the_track_as_read(addon, core):
    takes, track = addon("takes.take"), noisy_track(core, frames=4)
    track.positions[0, :4], track.confidence[0, :4] = 1.0, 0.5
    track.positions[0, 3], track.confidence[0, 3] = np.nan, 0.0
    take = takes.store_track(track)
    mesh = take.data
    state = mesh.attributes.new("edit_state", "INT", "POINT").data
    offset = mesh.attributes.new("edit_offset", "FLOAT_VECTOR", "POINT").data
    state[0].value, offset[0].vector = takes.MOVED, (0, 0, 2)
    state[1].value = takes.IGNORED
    state[2].value = takes.LOCKED
    state[3].value, offset[3].vector = takes.MOVED, (1, 2, 3)
    edited = takes.load_track(take)
    np.testing.assert_array_equal(edited.positions[0, 0], (1, 1, 3))
    assert np.isnan(edited.positions[0, 1]).all()
    np.testing.assert_array_equal(edited.positions[0, 2], (1, 1, 1))
    np.testing.assert_array_equal(edited.positions[0, 3], (1, 2, 3))
    np.testing.assert_array_equal(edited.confidence[0, :4], (1, 0, 1, 1))
    np.testing.assert_array_equal(edited.trusted[0, :4], (True, False, True, True))
    assert edited.trusted.sum() == 3
    assert_same_track(takes.load_track(take, edits=False), track)
    assert takes.load_track(take, edits=False).trusted is None


def test_a_motion_comes_back_exactly(addon, core, body, random_motion):
    motion = random_motion(fps=59.94, first_frame=4)
    track = body.keypoints(motion, "coco_17")
    motion.keypoint_names = track.layout.keypoints[::-1]
    motion.residual = np.random.default_rng(0).uniform(0, 0.1, (40, 17)).astype(np.float32)
    motion.residual[3, 5] = np.nan
    motion.condition = np.random.default_rng(1).integers(0, 5, (40, 17)).astype(np.uint8)
    take = addon("takes.take").store_track(track)
    addon("takes.layers").prepare_solved(take, motion, report={"device": "numpy"})()
    back = addon("takes.layers").load(take, "solved")
    for name in ("poses", "trans", "residual", "condition"):
        np.testing.assert_array_equal(getattr(back, name), getattr(motion, name).astype(np.float32), err_msg=name)
    np.testing.assert_array_equal(back.betas, motion.betas)
    for name in ("fps", "keypoint_names", "body", "gender", "first_frame"):
        assert getattr(back, name) == getattr(motion, name)
    facts = addon("takes.layers").describe(take)
    assert facts["device"] == "numpy"
    assert facts["residual_mean"] == pytest.approx(np.nanmean(motion.residual))
    assert motion.frame_residual[facts["worst_frame"]] == pytest.approx(facts["residual_worst"])


def test_the_calibration_of_a_solve_is_kept_with_it(addon, core, body, random_motion, tmp_path):
    motion = random_motion(frames=6)
    track = body.keypoints(motion, "coco_17")
    take = addon("importing.adding").add_take(bpy.context.scene, track, "Walk")
    solved = core.solve(track, body)
    addon("solving.solve").keep(take, bpy.context.scene, solved, body)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "walk.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "walk.blend"))
    stored = addon("takes.layers").load(bpy.data.objects["Walk"], "solved").calibration
    assert stored.as_dict() == solved.calibration.as_dict()
    again = core.solve(track, body, calibration=stored)
    np.testing.assert_array_equal(again.betas, solved.betas)


def test_a_damaged_calibration_is_an_error_that_says_so(addon, core, body, random_motion):
    motion = random_motion(frames=4)
    take = addon("importing.adding").add_take(bpy.context.scene, body.keypoints(motion, "coco_17"), "Walk")
    addon("solving.solve").keep(take, bpy.context.scene, motion, body)
    facts = json.loads(take.lsmpl.solved["lsmpl_motion"])
    assert addon("takes.layers").load(take).calibration is None
    take.lsmpl.solved["lsmpl_motion"] = json.dumps({**facts, "calibration": {"format": 1, "body": 3}})
    with pytest.raises(core.LsmplError, match=r"Walk Solved: .*calibration is damaged: body"):
        addon("takes.layers").load(take)


def test_solving_again_leaves_one_motion(addon, body, random_motion):
    motion = random_motion()
    take = addon("takes.take").store_track(body.keypoints(motion, "smpl_24"))
    for _ in range(2):
        addon("takes.layers").prepare_solved(take, motion)()
    assert len(bpy.data.meshes) == 2


def test_everything_survives_saving_and_loading(addon, baked_take, random_motion, tmp_path):
    motion = random_motion(frames=20)
    take, _ = baked_take(motion)
    track = addon("takes.take").load_track(take)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "take.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "take.blend"))
    take = bpy.data.objects["Test"]
    assert_same_track(addon("takes.take").load_track(take), track)
    np.testing.assert_array_equal(addon("takes.layers").load(take, "solved").poses, motion.poses.astype(np.float32))
    assert take.lsmpl.armature.animation_data.action


def test_appending_a_take_brings_all_of_it(addon, baked_take, random_motion, tmp_path):
    motion = random_motion(frames=20)
    take, _ = baked_take(motion)
    track = addon("takes.take").load_track(take)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "take.blend"))
    bpy.ops.wm.read_homefile(use_empty=True)
    bpy.ops.wm.append(directory=str(tmp_path / "take.blend" / "Object"), filename="Test")
    take = bpy.data.objects["Test"]
    assert_same_track(addon("takes.take").load_track(take), track)
    np.testing.assert_array_equal(addon("takes.layers").load(take, "solved").poses, motion.poses.astype(np.float32))
    assert take.modifiers[0].node_group
    scene = bpy.context.scene
    names = {take.lsmpl.armature.name, take.lsmpl.body_mesh.name, "Test"}
    assert names <= set(scene.objects.keys())
    assert addon("characters.baking").bake(take, scene).armature == take.lsmpl.armature


def test_twenty_thousand_frames_are_stored_at_once(addon, core):
    track = noisy_track(core, frames=20_000, layout="mediapipe_33")
    take = addon("importing.adding").add_take(bpy.context.scene, track, "Long")
    assert len(take.data.vertices) == 660_000
    np.testing.assert_array_equal(addon("takes.take").load_track(take).positions, track.positions)


def test_a_take_without_frames_is_refused(addon, core):
    with pytest.raises(core.LsmplError, match="no frames"):
        addon("importing.adding").add_take(
            bpy.context.scene, core.KeypointTrack(np.zeros((0, 17, 3)), layout="coco_17")
        )
    assert not bpy.data.meshes


def test_a_mesh_that_was_edited_is_an_error_that_says_so(addon, core):
    take = addon("takes.take").store_track(noisy_track(core))
    take.data.vertices.add(1)
    with pytest.raises(core.LsmplError, match="import the take again"):
        addon("takes.take").load_track(take)


def test_what_a_newer_version_stored_is_not_guessed_at(addon, core):
    take = addon("takes.take").store_track(noisy_track(core))
    take.data["lsmpl_track"] = json.dumps({**json.loads(take.data["lsmpl_track"]), "format": 99})
    with pytest.raises(core.LsmplError, match="newer LSMPL"):
        addon("takes.take").load_track(take)


# What files of 0.1.0 hold keeps its names, whatever the code calls it

STORED = {
    "Object.lsmpl": "solved refined cleaned armature body_mesh other start step",
    "Object.lsmpl.other": "target bones active known_as feet travel place bake_to use_range first last "
    "every fit follow held_back action baked_on home",
    "Object.lsmpl_bake": "onto as_strip keys every action",
    "Object.lsmpl_markers": "table static_trial",
    "Object.lsmpl_proposal": "refined_before cleaned_before refined_after cleaned_after action keys "
    "first last what pins_before is_open shows_before",
    "Object.lsmpl_sources": "keypoints gaps unit",
    "Scene.lsmpl": "body_source body_path shape betas pose_correctives solver smooth part_hands lock_feet floor "
    "floor_height bake_when_done",
    "Scene.lsmpl_export": "format character pose_correctives range first last motion",
    "Scene.lsmpl_refine": "frames first last begin pin blend head torso left_arm right_arm left_leg right_leg",
}
"""Property groups, and the properties of theirs that are stored by name."""
OPERATORS = """
    accept add_bone as_solved bake bake_to_other cancel clean_up detect_bones export export_all
    ignore_keypoint import_keypoints import_motion jump_to_doubtful live load_bones
    lock_feet_again mark_doubtful match_scene pin_bones pose_correctives preset_add preset_bones
    read_again refine reject remove_bone remove_pins save_bones select_sources set_keypoints
    shape_of_take show_before solve solve_from_motion take_from_objects unmark_doubtful
"""
"""Operators, by which key maps, quick favourites and scripts call them."""


@pytest.fixture
def take(addon, core):
    return addon("importing.adding").add_take(bpy.context.scene, noisy_track(core), "Walk")


def test_properties_that_files_hold_are_read_by_their_names(take):
    for path, names in STORED.items():
        kind, _, way = path.partition(".")
        group = take if kind == "Object" else bpy.context.scene
        for step in way.split("."):
            group = getattr(group, step)
        missing = [name for name in names.split() if name not in group.bl_rna.properties]
        assert not missing, path


def test_operators_are_called_by_their_names():
    assert [name for name in OPERATORS.split() if not hasattr(bpy.types, f"LSMPL_OT_{name}")] == []


def test_edits_and_pinned_joints_of_0_1_are_read(addon, take):
    takes = addon("takes.take")
    count = takes.describe(take)["keypoints"]
    states = take.data.attributes.new("edit_state", "INT", "POINT").data
    for keypoint, state in enumerate((0, 1, 2, 3)):
        states[count + keypoint].value = state
    found = takes.keypoints_at(take, 1)
    assert found.state[:4].tolist() == [takes.AS_READ, takes.MOVED, takes.IGNORED, takes.LOCKED]
    take.data["lsmpl_pins"] = '{"format": 1, "pins": [{"frame": 1, "joint": "head", "rotation": [0.1, 0.0, 0.0]}]}'
    assert addon("takes.pinned_joints").load(take) == [(1, "head", (0.1, 0.0, 0.0))]
