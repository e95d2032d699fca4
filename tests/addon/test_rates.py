"""At which rate takes were recorded, and where they play in scenes that are somebody's work."""

import bpy
import numpy as np
import pytest
from test_importing import import_files


@pytest.fixture
def folder(tmp_path, body, random_motion):
    """Two takes of BODY_25 whose files say no rate, of 30 and 12 frames."""
    for name, frames in (("walk", 30), ("run", 12)):
        np.save(tmp_path / f"{name}.npy", body.keypoints(random_motion(frames), "body_25").positions)
    return tmp_path


@pytest.fixture
def shot():
    """The scene, as a production has it: 25 frames a second, from 1001 on, with something animated."""
    scene = bpy.context.scene
    scene.render.fps, scene.frame_end, scene.frame_start = 25, 1100, 1001
    prop = bpy.data.objects.new("Prop", None)
    scene.collection.objects.link(prop)
    prop.keyframe_insert("location", frame=1001)
    return scene


def test_takes_begin_where_somebodys_scene_does_and_stay_together(shot, folder):
    import_files(folder, "walk.npy", "run.npy", override_fps=True, fps=50)
    assert {bpy.data.objects[name].lsmpl.start for name in ("walk", "run")} == {1001}
    assert (shot.render.fps, shot.frame_start, shot.frame_end) == (25, 1001, 1100)


def test_a_second_import_leaves_the_range_of_somebodys_scene(shot, folder):
    import_files(folder, "walk.npy")
    assert bpy.ops.lsmpl.solve() == {"FINISHED"}
    import_files(folder, "run.npy")
    assert (shot.frame_start, shot.frame_end) == (1001, 1100)
    assert bpy.data.objects["run"].lsmpl.start == bpy.data.objects["walk"].lsmpl.start == 1001


def test_a_take_that_begins_within_the_scene_stays_where_its_file_has_it(shot, folder):
    shot.frame_start = 0
    import_files(folder, "walk.npy")
    assert bpy.data.objects["walk"].lsmpl.start == 0


def test_what_takes_brought_is_nobodys_animation(folder):
    scene = bpy.context.scene
    import_files(folder, "run.npy", override_fps=True, fps=30)
    assert bpy.ops.lsmpl.solve() == {"FINISHED"}
    import_files(folder, "walk.npy", override_fps=True, fps=30)
    assert scene.frame_end == 29, "the range grows"


def test_a_rate_that_was_assumed_is_set_afterwards(addon, folder, drawn):
    scene, layers = bpy.context.scene, addon("takes.layers")
    import_files(folder, "walk.npy")
    take = bpy.data.objects["walk"]
    assert bpy.ops.lsmpl.solve() == {"FINISHED"}
    assert bpy.ops.lsmpl.set_rate(fps=60) == {"FINISHED"}
    assert (scene.render.fps, take.lsmpl.step, scene.frame_end) == (60, 1.0, 29)
    assert addon("takes.take").load_track(take).fps == layers.load(take).fps == 60
    assert "assumed" not in str([d for d in addon("takes.take").describe(take)["decisions"] if d["what"] == "fps"])
    assert "again" in drawn()["LSMPL_PT_solve"].lower(), "the solver counts in seconds"


def test_a_rate_set_afterwards_leaves_the_keys_where_the_take_plays(addon, folder):
    scene = bpy.context.scene
    scene.render.fps = 25  # somebody's choice
    import_files(folder, "walk.npy")
    take = bpy.data.objects["walk"]
    assert bpy.ops.lsmpl.solve() == {"FINISHED"}
    assert bpy.ops.lsmpl.set_rate(fps=50) == {"FINISHED"}
    assert (scene.render.fps, take.lsmpl.step) == (25, 0.5)
    assert take.lsmpl_bake.action.frame_range[1] == pytest.approx(29 * 0.5, abs=0.6)


def test_a_take_of_objects_has_the_scenes_rate(addon, folder):
    import_files(folder, "walk.npy")
    take = bpy.data.objects["walk"]
    take.lsmpl_sources.keypoints.add().keypoint = "nose"
    assert addon("importing.scene_tracks").is_from_scene(take)
    assert not bpy.ops.lsmpl.set_rate.poll()


def test_what_is_brought_into_view_fits_between_the_tools_and_the_sidebar(addon):
    """Each corner of a box lies within the bounds, seen from where the answer says, and one touches them."""
    low, high = np.array([-0.5, -0.3]), np.array([0.2, 0.35])
    points = np.array([(x, y, z) for x in (-1, 3) for y in (0, 2) for z in (-4, 1)], dtype=float)
    centre, distance = addon("framing").fitted(points, low, high)
    seen = points - centre - (0, 0, distance)
    at = seen[:, :2] / -seen[:, 2:]
    assert (seen[:, 2] < 0).all()
    assert (at > low - 1e-9).all() and (at < high + 1e-9).all()
    assert min(np.abs(at - low).min(), np.abs(at - high).min()) < 1e-9


def test_keys_that_cannot_follow_a_rate_are_told_and_all_else_follows(addon, folder):
    """Of a take that was solved for a body that is not there any more, say: nothing is left half way."""
    scene, solved = bpy.context.scene, addon("takes.layers")
    import_files(folder, "run.npy", override_fps=True, fps=30)
    import_files(folder, "walk.npy", override_fps=True, fps=30)
    for name in ("run", "walk"):
        bpy.context.view_layer.objects.active = bpy.data.objects[name]
        assert bpy.ops.lsmpl.solve() == {"FINISHED"}
    addon("takes.layers").note(bpy.data.objects["run"], solved.Layer.SOLVED, body="another-00000000")
    scene.render.fps = 60
    assert bpy.ops.lsmpl.retime() == {"FINISHED"}
    baking = addon("characters.baking")
    for name, behind in (("run", True), ("walk", False)):
        take = bpy.data.objects[name]
        assert take.lsmpl.step == 2.0 and baking.is_out_of_time(take) == behind
