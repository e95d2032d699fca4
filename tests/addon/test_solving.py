"""Solve: the take gets a motion and a character, or nothing changes."""

import importlib.util
from dataclasses import replace

import bpy
import numpy as np
import pytest
from test_display import balls
from test_live import walk as walk_on_the_spot


def datablocks() -> set:
    return {(type(block).__name__, block.name) for kind in ("objects", "meshes", "armatures", "actions", "materials")
            for block in getattr(bpy.data, kind)}  # fmt: skip


@pytest.fixture
def walk(core, body):
    """A motion that a solver finds again: small turns of a body that stands."""
    frames = 16
    poses = np.zeros((frames, 24, 3))
    poses[:, 0, 0] = np.pi / 2
    swing = np.sin(np.linspace(0, np.pi, frames))
    poses[:, 1, 0], poses[:, 4, 0], poses[:, 16, 2], poses[:, 17, 2] = -0.6 * swing, 0.8 * swing, -1.0, 1.0
    trans = np.tile((0, 0, 1.0), (frames, 1))
    trans[:, 0] = 0.03 * swing  # hips that stand still would be those of a take without a room
    return core.Motion(poses, trans, body=body.key)


@pytest.fixture
def take(addon, body, walk):
    take = addon("importing.adding").add_take(bpy.context.scene, body.keypoints(walk, "body_25"), "Walk")
    addon("importing.adding").match_scene(bpy.context.scene, [take])
    bpy.context.view_layer.objects.active = take
    return take


def test_solving_keeps_the_motion_and_bakes_it(addon, take, body, walk):
    assert bpy.ops.lsmpl.solve() == {"FINISHED"}
    motion = addon("takes.layers").load(take, "solved")
    assert np.linalg.norm(body.joints(motion) - body.joints(walk), axis=2).mean() < 0.05
    facts = addon("takes.layers").describe(take)
    assert facts["device"] == "numpy"
    assert facts["residual_mean"] < 0.01
    assert take.lsmpl.armature.animation_data.action.name == "Walk"
    assert motion.body == body.key


def test_what_keypoints_do_not_determine_is_told(addon, core, body, walk):
    """Three of them are met to a millimetre, by any number of bodies."""
    three = core.Layout("three", ("left_shoulder", "left_hip", "right_hip"))
    take = addon("importing.adding").add_take(bpy.context.scene, body.keypoints(walk, three), "Three")
    told = addon("solving.solve").solve(take, bpy.context.scene, "numpy")
    warned = " ".join(text for level, text in told if level == "WARNING")
    assert "do not determine the head, the left arm, the right arm, the left leg, the right leg" in warned
    known = [decision["what"] for decision in addon("takes.layers").describe(take)["decisions"]]
    assert "few keypoints" in known


def test_keypoints_without_a_place_in_the_room_go_along_with_their_body(addon, core, body):
    """As MediaPipe's world landmarks: the hips stand still, and the feet say where the body goes."""
    scene, takes = bpy.context.scene, addon("takes.take")
    motion = walk_on_the_spot(core, body)
    track = body.keypoints(replace(motion, trans=np.tile(motion.trans[:1], (40, 1))), "body_25")
    take = addon("importing.adding").add_take(scene, track, "Walk")
    bpy.context.view_layer.objects.active = take
    for _ in range(2):  # and once more from the keypoints as they were read
        assert bpy.ops.lsmpl.solve() == {"FINISHED"}
        solved = addon("takes.layers").load(take, "solved")
        assert np.ptp(solved.trans, axis=0).max() > 0.02
        sites = body.keypoints(solved, "body_25").positions
        for frame in (0, 13, 39):
            addon("takes.playing").go_to(take, scene, frame)
            assert np.abs(balls(take) - sites[frame]).max() < 0.05
            assert np.abs(takes.keypoints_at(take, frame).positions - sites[frame]).max() < 0.05
        assert np.abs(takes.load_track(take).positions - sites).max() < 0.05
        np.testing.assert_allclose(
            takes.load_track(take, edits=False, travelled=False).positions, track.positions, atol=1e-6
        )


def test_baking_can_wait(addon, take):
    bpy.context.scene.lsmpl.bake_when_done = False
    bpy.ops.lsmpl.solve()
    assert take.lsmpl.armature is None
    assert bpy.ops.lsmpl.bake() == {"FINISHED"}
    assert take.lsmpl.armature is not None


def test_a_fixed_shape_is_taken_as_given(addon, take):
    settings = bpy.context.scene.lsmpl
    settings.shape, settings.betas = "FIXED", [1.0] + [0.0] * 9
    bpy.ops.lsmpl.solve()
    assert addon("takes.layers").load(take, "solved").betas.tolist() == [1.0] + [0.0] * 9


def test_a_body_that_cannot_be_read_changes_nothing(take, tmp_path):
    settings = bpy.context.scene.lsmpl
    settings.body_source, settings.body_path = "FILE", str(tmp_path / "SMPL_NEUTRAL.pkl")
    before = datablocks()
    with pytest.raises(RuntimeError, match=r"SMPL_NEUTRAL\.pkl"):
        bpy.ops.lsmpl.solve()
    assert datablocks() == before


def test_no_body_file_chosen_is_an_error(take):
    bpy.context.scene.lsmpl.body_source = "FILE"
    with pytest.raises(RuntimeError, match="choose"):
        bpy.ops.lsmpl.solve()


def test_the_solver_can_be_chosen(addon, take):
    bpy.context.scene.lsmpl.solver = "polish"
    assert bpy.ops.lsmpl.solve() == {"FINISHED"}
    assert addon("takes.layers").describe(take)["solver"] == "polish"


def test_the_published_solver_says_what_it_lacks(addon, take, tmp_path):
    bpy.context.scene.lsmpl.solver = "published"
    before = datablocks()
    with pytest.raises(RuntimeError, match="preferences"):
        bpy.ops.lsmpl.solve()
    addon("package").preferences().checkpoint = str(tmp_path / "best_ckpt.pth.tar")
    lacks = r"best_ckpt\.pth\.tar" if importlib.util.find_spec("torch") else "PyTorch"
    with pytest.raises(RuntimeError, match=lacks):
        bpy.ops.lsmpl.solve()
    assert datablocks() == before


def test_the_users_own_body_is_found_again_to_bake(addon, take, body, tmp_path):
    np.savez(tmp_path / "mine.npz", **body.as_smpl())
    settings = bpy.context.scene.lsmpl
    settings.body_source, settings.body_path = "FILE", str(tmp_path / "mine.npz")
    bpy.ops.lsmpl.solve()
    assert addon("takes.layers").describe(take)["body_path"] == str(tmp_path / "mine.npz")
    settings.body_source = "OPEN"
    assert bpy.ops.lsmpl.bake() == {"FINISHED"}
    (tmp_path / "mine.npz").unlink()
    with pytest.raises(RuntimeError, match=r"mine\.npz"):
        bpy.ops.lsmpl.bake()


def test_a_take_that_shows_nothing_changes_nothing(addon, core):
    positions = np.full((5, 25, 3), np.nan)
    positions[:, 0] = 1.0
    take = addon("importing.adding").add_take(
        bpy.context.scene, core.KeypointTrack(positions, layout="body_25"), "Nose"
    )
    bpy.context.view_layer.objects.active = take
    before = datablocks()
    with pytest.raises(RuntimeError, match="keypoints"):
        bpy.ops.lsmpl.solve()
    assert datablocks() == before
    assert addon("takes.layers").describe(take) is None


def test_a_bake_that_fails_takes_the_solve_back(addon, take, body, walk, monkeypatch):
    addon("solving.solve").keep(take, bpy.context.scene, walk, body)
    before, motion = datablocks(), addon("takes.layers").load(take, "solved")

    def fail(*_):
        raise RuntimeError("as if Blender had failed")

    monkeypatch.setattr(addon("characters.actions"), "write_steps", fail)
    other = replace(walk, trans=walk.trans + 1, betas=np.ones(10))
    rest = np.array(take.lsmpl.armature.data.bones["head"].head_local)
    with pytest.raises(RuntimeError, match="as if"):
        addon("solving.solve").keep(take, bpy.context.scene, other, body)
    assert datablocks() == before
    np.testing.assert_array_equal(addon("takes.layers").load(take, "solved").trans, motion.trans)
    np.testing.assert_allclose(take.lsmpl.armature.data.bones["head"].head_local, rest, atol=1e-6)


def test_a_single_frame_is_solved_and_baked(addon, body, walk):
    track = body.keypoints(walk, "body_25").frames(slice(5, 6))
    take = addon("importing.adding").add_take(bpy.context.scene, track, "Still")
    bpy.context.view_layer.objects.active = take
    assert bpy.ops.lsmpl.solve() == {"FINISHED"}
    curves = list(addon("characters.actions").fcurves(take.lsmpl.armature.animation_data.action))
    assert len(curves) == 100  # with the residual
    assert {len(curve.keyframe_points) for curve in curves} == {1}


def test_a_take_linked_from_another_file_is_an_error_that_says_so(addon, core, take, body, walk, tmp_path):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "library.blend"))
    bpy.ops.wm.read_homefile(use_empty=True)
    bpy.ops.wm.link(directory=str(tmp_path / "library.blend" / "Object"), filename="Walk")
    linked = bpy.data.objects["Walk"]
    assert len(addon("takes.take").load_track(linked)) == len(walk)
    with pytest.raises(core.LsmplError, match="append"):
        addon("solving.solve").keep(linked, bpy.context.scene, walk, body)


def solve_job(addon, take):
    return addon("jobs").Job(
        "lsmpl.solve", "Solve", take.name, addon("solving.solve").solve_steps(take, bpy.context.scene)
    )


def test_stopping_midway_changes_nothing(addon, take):
    before = datablocks()
    job = solve_job(addon, take)
    job.advance(0.001)
    job.close()
    assert datablocks() == before


def test_a_take_deleted_while_it_is_solved_is_an_error(addon, core, take):
    job = solve_job(addon, take)
    bpy.data.objects.remove(take)
    with pytest.raises(core.LsmplError, match="deleted"):
        job.run()


def test_nothing_to_solve_is_said(addon):
    with pytest.raises(RuntimeError, match="poll"):
        bpy.ops.lsmpl.solve()


def test_the_take_is_found_from_its_character(addon, take, body, walk):
    armature = addon("solving.solve").keep(take, bpy.context.scene, walk, body).armature
    other = addon("importing.adding").add_take(bpy.context.scene, body.keypoints(walk, "smpl_24"), "Other")
    active_take, layer = addon("selection").active_take, bpy.context.view_layer
    for active, expected in ((armature, take), (take.lsmpl.body_mesh, take), (other, other), (None, None)):
        layer.objects.active = active
        assert active_take(bpy.context) == expected


def test_a_take_renamed_while_it_is_solved_is_found(addon, take):
    job = solve_job(addon, take)
    take.name = "Stroll"
    job.run()
    assert take.lsmpl.armature.name == "Stroll Rig"


def test_edit_mode_is_an_error_that_says_so(addon, take):
    bpy.ops.object.mode_set(mode="EDIT")
    with pytest.raises(RuntimeError, match="Object Mode"):
        bpy.ops.lsmpl.solve()
    bpy.ops.object.mode_set(mode="OBJECT")
    assert addon("takes.layers").describe(take) is None


@pytest.fixture
def crowd(addon, core, body, walk):
    """Three selected takes, the second of which cannot be solved."""
    scene, unseen = bpy.context.scene, np.full((5, 25, 3), np.nan)
    unseen[:, 0] = 1.0
    tracks = [body.keypoints(walk, "body_25"), core.KeypointTrack(unseen, layout="body_25")] * 2
    crowd = [addon("importing.adding").add_take(scene, track, f"Take {i}") for i, track in enumerate(tracks[:3], 1)]
    addon("selection").select(bpy.context, crowd)
    return crowd


def test_all_selected_takes_are_solved_and_one_that_fails_stops_no_other(addon, crowd):
    with pytest.raises(RuntimeError, match="Take 2: "):  # what Python makes of a report of an error
        bpy.ops.lsmpl.solve()
    assert [addon("takes.layers").is_solved(take) for take in crowd] == [True, False, True]
    assert crowd[0].lsmpl.armature != crowd[2].lsmpl.armature
    bpy.ops.lsmpl.clean_up()
    assert [take.lsmpl.cleaned is not None for take in crowd] == [True, False, True]


def test_only_the_active_take_is_solved_where_it_is_not_selected(addon, crowd):
    crowd[2].select_set(False)
    bpy.context.view_layer.objects.active = crowd[2]
    bpy.ops.lsmpl.solve()
    assert [addon("takes.layers").is_solved(take) for take in crowd] == [False, False, True]


def test_several_takes_that_are_stopped_keep_what_is_done(addon, crowd):
    job = addon("solving.solve").LSMPL_OT_solve.begin(None, bpy.context)
    assert job.parts.done_so_far == "" and job.describe().startswith("Take 1 (1/3): ")
    while not job.describe().startswith("Take 3"):
        job.advance(0.01)
    assert job.parts.done_so_far == "1 of 3 takes are done"
    job.close()
    assert [addon("takes.layers").is_solved(take) for take in crowd] == [True, False, False]
