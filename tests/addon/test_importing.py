"""File > Import > Keypoint Tracks."""

import importlib
import json
import os
import pickle
import shutil
from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
import pytest
from conftest import MOCAP, ROOT


def import_files(folder, *names, **options) -> set[str]:
    files = [{"name": name} for name in names]
    return bpy.ops.lsmpl.import_keypoints(directory=str(folder), files=files, **options)


@pytest.fixture
def folder(tmp_path, body, random_motion):
    """A folder with two good takes of BODY_25 at 30 and 12 frames, in metres, and one that is broken."""
    for name, frames in (("walk", 30), ("run", 12)):
        np.save(tmp_path / f"{name}.npy", body.keypoints(random_motion(frames), "body_25").positions)
    (tmp_path / "broken.trc").write_text("PathFileType\n")
    return tmp_path


def test_each_file_becomes_a_take(folder, addon):
    assert import_files(folder, "walk.npy", "run.npy", unit="m", up="z") == {"FINISHED"}
    facts = {take.name: addon("takes.take").describe(take) for take in addon("takes.take").takes_in(bpy.context.scene)}
    assert {name: fact["frames"] for name, fact in facts.items()} == {"walk": 30, "run": 12}
    assert facts["walk"]["layout"]["name"] == "body_25"
    assert {"layout", "unit", "up", "fps"} <= {decision["what"] for decision in facts["walk"]["decisions"]}
    assert bpy.context.view_layer.objects.active.name == "walk"
    assert (bpy.context.scene.frame_start, bpy.context.scene.frame_end) == (0, 29)


def test_paths_may_begin_at_the_blend_file(folder, addon):
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "scene.blend"))
    assert bpy.ops.lsmpl.import_keypoints(filepath="//walk.npy", unit="m", up="z") == {"FINISHED"}
    names = [{"name": "run.npy"}]
    assert bpy.ops.lsmpl.import_keypoints(directory="//", files=names, unit="m", up="z") == {"FINISHED"}
    assert [take.name for take in addon("takes.take").takes_in(bpy.context.scene)] == ["walk", "run"]


def test_one_bad_file_does_not_stop_the_others(folder, addon):
    scene = bpy.context.scene
    paths = [folder / name for name in ("walk.npy", "broken.trc", "missing.trc", "run.npy")]
    done = addon("importing.reading").Import(paths, {})
    for _ in done.steps(scene):
        pass
    assert [take.name for take in done.imported()] == ["walk", "run"]
    assert [path.name for path, _ in done.refused] == ["broken.trc", "missing.trc"]
    assert all(str(error).count(path.name) == 1 for path, error in done.refused)
    assert any("fps" in line for line in done.assumptions)


def test_several_files_at_once_leave_no_doubt_what_came_in(tmp_path, addon, body, random_motion):
    """Keypoints, motions and pickles of either, in one drop; who was refused is listed with the dialog's words."""
    motion = random_motion(6)
    positions = body.keypoints(motion, "coco_17").positions
    np.save(tmp_path / "good.npy", positions)
    np.savez(tmp_path / "smpl.npz", poses=motion.poses, trans=motion.trans, betas=np.zeros(10), mocap_framerate=30.0)
    parameters = {"global_orient": motion.poses[:, 0], "body_pose": motion.poses[:, 1:], "transl": motion.trans}
    (tmp_path / "estimate.pkl").write_bytes(pickle.dumps(parameters))
    (tmp_path / "keypoints.pkl").write_bytes(pickle.dumps([{"keypoints3d": frame} for frame in positions]))
    (tmp_path / "take.jsonl").write_text("\n".join(json.dumps({"joints": frame.tolist()}) for frame in positions))
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "odd.pkl").write_bytes(pickle.dumps({"epoch": 3}))
    rng = np.random.default_rng(0)
    np.save(tmp_path / "shuffled.npy", positions[:, rng.permutation(17)])
    np.save(tmp_path / "huge.npy", positions * 90)
    pixels = np.concatenate([positions[..., [0, 2]] * 300 + 900, np.full((6, 17, 1), 0.9)], axis=2)
    np.save(tmp_path / "pixels.npy", pixels)

    names = sorted(path.name for path in tmp_path.iterdir())
    done = addon("importing.reading").Import([tmp_path / name for name in names], {"unit": "m", "up": "z"})
    for _ in done.steps(bpy.context.scene):
        pass
    imported = [take.name for take in done.imported()]
    assert sorted(imported) == ["estimate", "good", "keypoints", "smpl", "take"]
    reasons = [(path, str(error)) for path, error in done.refused]
    outcomes = addon("importing.outcomes")
    title, lines = outcomes.lines(reasons, [outcomes.TakenFor.of(take) for take in done.imported()])
    assert title == "5 Takes Imported, 5 Files Refused"
    came_in = {text.split(":")[0]: (icon, text) for icon, text in lines if icon in ("QUESTION", "CHECKMARK")}
    assert came_in.keys() == set(imported)
    assert came_in["good"] == ("QUESTION", "good: 6 frames, COCO-17")
    doubt = lines[lines.index(came_in["good"]) + 1]
    assert doubt == ("BLANK1", "In doubt: fps 30, the file states no frame rate; Frame Rate sets it")
    assert came_in["smpl"] == ("CHECKMARK", "smpl: 6 frames, SMPL-24")
    assert [text for icon, text in lines if icon == "ERROR"] == [
        "empty.csv", "huge.npy", "odd.pkl", "pixels.npy", "shuffled.npy",
    ]  # fmt: skip
    told = " ".join(text for _, text in lines)
    for words in ("the file is empty", "people are 0.3 to 3 m", "holds epoch", "2D", "coco_17 or human36m_17"):
        assert words in told
    assert "--" not in told and str(tmp_path) not in told
    assert max(len(text) for _, text in lines) <= 110


def test_files_of_several_folders_are_not_taken_for_others_of_the_first(folder):
    """Blender 4.3 names them by the first one's folder."""
    with pytest.raises(RuntimeError, match=r"walk\.npy: two files of this name were dropped; .* folders"):
        import_files(folder, "walk.npy", "walk.npy")
    assert not bpy.data.objects
    import_files(folder, "walk.npy", "elsewhere.npy")
    assert [obj.name for obj in bpy.data.objects] == ["walk"]


def test_an_error_is_broken_into_lines_that_fit_on_a_screen(addon):
    """Blender's box would end with the window, and what is said with it."""
    errors = addon("errors")
    words = "/a/path-with-hyphens/" + "n" * 150 + ".trc: " + "has words enough for several lines " * 10
    lines = errors.in_a_box(words + "\n\nsecond").split("\n")
    assert max(map(len, lines)) <= errors.BOX_LETTERS and lines[-2:] == ["", "second"]
    assert "".join(lines).replace(" ", "") == (words + "second").replace(" ", "")
    many = errors.in_a_box("\n".join(map(str, range(500)))).split("\n")
    assert len(many) == errors.BOX_LINES and (many[0], many[-1]) == ("0", "...")
    assert errors.in_a_box("Short: as it is") == "Short: as it is"


@pytest.mark.parametrize(("bad", "good"), [(1, 0), (6, 6), (10, 9), (60, 0), (0, 60), (60, 60)])
def test_the_box_of_what_was_imported_fits_on_a_screen(addon, bad, good):
    """Its button stands below its lines, however many files were dropped and whatever is said of them."""
    outcomes = addon("importing.outcomes")
    refused = [(Path(f"/tmp/{n}.trc"), f"/tmp/{n}.trc: " + "words and words " * 80) for n in range(bad)]
    taken = [outcomes.TakenFor(f"take {n}", ["doubts and doubts " * 40]) for n in range(good)]
    _, lines = outcomes.lines(refused, taken)
    assert len(lines) <= outcomes.MOST_ROWS
    if bad:
        assert lines[0] == ("ERROR", "0.trc") and lines[1][1].startswith("words and words")
    if good:
        assert ("QUESTION", "take 0") in lines
    if max(bad, good) > 12:
        assert any(text.startswith("and ") and text.endswith(" more") for _, text in lines)


def test_a_bad_file_alone_is_an_error_that_names_it(folder):
    with pytest.raises(RuntimeError, match=r"broken\.trc"):
        import_files(folder, "broken.trc")
    assert not bpy.data.objects
    assert not bpy.data.meshes


def test_importing_while_something_is_edited(folder):
    cube = bpy.data.objects.new("Cube", bpy.data.meshes.new("Cube"))
    bpy.context.scene.collection.objects.link(cube)
    bpy.context.view_layer.objects.active = cube
    bpy.ops.object.mode_set(mode="EDIT")
    import_files(folder, "walk.npy")
    assert bpy.context.mode == "OBJECT"
    assert [obj.name for obj in bpy.context.selected_objects] == ["walk"]


def test_a_folder_of_frames_is_one_take(tmp_path, addon, body, random_motion):
    positions = body.keypoints(random_motion(8), "body_25").positions
    frames = tmp_path / "take7"
    frames.mkdir()
    for number, points in enumerate(positions):
        keypoints = np.c_[points, np.ones(25)].tolist()
        (frames / f"{number:06d}.json").write_text(json.dumps([{"id": 0, "keypoints3d": keypoints}]))
    for options in ({"filepath": str(frames)}, {"directory": str(frames), "folder_is_take": True}):
        bpy.ops.lsmpl.import_keypoints(**options, unit="m", up="z")
        take = bpy.context.view_layer.objects.active
        assert take.name.startswith("take7")
        np.testing.assert_allclose(addon("takes.take").load_track(take).positions, positions, atol=1e-5)


def test_options_reach_the_reader(folder, addon):
    (folder / "mine.json").write_text(json.dumps({"keypoints": ["nose", "left_hip"]}))
    import_files(folder, "walk.npy", unit="custom", scale=1.5, up="z", override_fps=True, fps=59.94)
    take = bpy.data.objects["walk"]
    original = np.load(folder / "walk.npy")
    np.testing.assert_allclose(addon("takes.take").load_track(take).positions, 1.5 * original, rtol=1e-5, atol=1e-5)
    assert addon("takes.take").describe(take)["fps"] == pytest.approx(59.94)
    assert (bpy.context.scene.render.fps, bpy.context.scene.render.fps_base) == (60, pytest.approx(1.001))
    assert take.lsmpl.step == 1.0


def test_a_mapping_has_to_be_chosen(folder):
    with pytest.raises(RuntimeError, match="Mapping"):
        import_files(folder, "walk.npy", layout_name="mapping")


def test_a_scene_is_left_alone_if_the_user_says_so(folder):
    scene = bpy.context.scene
    scene.render.fps = 25
    import_files(folder, "walk.npy", match_scene=False)
    assert (scene.render.fps, scene.frame_end) == (25, 250)
    assert bpy.data.objects["walk"].lsmpl.step == pytest.approx(25 / 30)


def test_a_rate_that_somebody_chose_stays(folder):
    scene = bpy.context.scene
    scene.render.fps = 25
    import_files(folder, "walk.npy", override_fps=True, fps=50)
    take = bpy.data.objects["walk"]
    assert (scene.render.fps, take.lsmpl.step) == (25, pytest.approx(0.5))
    assert scene.frame_end < 250  # nothing else plays in it


def test_a_rate_that_an_earlier_take_gave_is_nobodys_choice(folder):
    import_files(folder, "run.npy", override_fps=True, fps=50)
    bpy.data.objects.remove(bpy.data.objects["run"])
    import_files(folder, "walk.npy", override_fps=True, fps=60)
    assert bpy.context.scene.render.fps == 60


@pytest.mark.parametrize("animated", ["object", "camera data", "strip", "NLA"])
def test_an_animated_scene_keeps_its_rate_and_its_range(folder, animated):
    scene = bpy.context.scene
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(camera)
    if animated == "object":
        camera.keyframe_insert("location", frame=1)
    elif animated == "camera data":
        camera.data.keyframe_insert("lens", frame=1)
    elif animated == "NLA":
        camera.animation_data_create().nla_tracks.new()
    else:
        editor = scene.sequence_editor_create()
        strips = editor.strips if hasattr(editor, "strips") else editor.sequences
        strips.new_effect("Title", "COLOR", 1, 1, **_length_of_strip(20))
    import_files(folder, "walk.npy", override_fps=True, fps=60)
    assert (scene.render.fps, scene.frame_start, scene.frame_end) == (24, 1, 250)
    assert bpy.data.objects["walk"].lsmpl.step == pytest.approx(0.4)


def _length_of_strip(frames):
    """As Blender of this version wants it."""
    return {"length": frames} if bpy.app.version >= (5, 0, 0) else {"frame_end": 1 + frames}


def test_a_change_of_the_scenes_rate_is_told_and_mended(folder, drawn):
    scene = bpy.context.scene
    import_files(folder, "walk.npy", override_fps=True, fps=30)
    take = bpy.data.objects["walk"]
    bpy.context.view_layer.objects.active = take
    assert "Retime Takes" not in drawn()["LSMPL_PT_keypoints"]
    scene.render.fps = 24
    said = drawn()["LSMPL_PT_keypoints"]
    assert "Plays at 80 % of its speed" in said and "Retime Takes" in said
    bpy.ops.lsmpl.retime()
    assert take.lsmpl.step == pytest.approx(0.8)
    assert "Retime Takes" not in drawn()["LSMPL_PT_keypoints"]


def test_a_second_import_does_not_change_the_rate_that_the_first_was_timed_for(folder):
    scene = bpy.context.scene
    import_files(folder, "run.npy", override_fps=True, fps=50)
    import_files(folder, "walk.npy", override_fps=True, fps=25)
    assert scene.render.fps == 50
    assert bpy.data.objects["run"].lsmpl.step == 1.0
    assert bpy.data.objects["walk"].lsmpl.step == pytest.approx(2.0)
    assert scene.frame_end == 58


@pytest.mark.parametrize(
    ("fps", "stored"),
    [(30, (30, 1)), (29.97, (30, 1.001)), (30000 / 1001, (30, 1.001)), (59.94, (60, 1.001)), (119.88, (120, 1.001)),
     (23.976, (24, 1.001)), (12.5, (12, 0.96)), (0.5, (1, 2)), (99.5, (100, 100 / 99.5)), (240, (240, 1))],
)  # fmt: skip
def test_rates_as_blender_stores_them(addon, fps, stored):
    timing, scene = addon("takes.timing"), bpy.context.scene
    assert timing.blender_rate(fps) == pytest.approx(stored)
    timing.set_scene_rate(scene, fps)
    assert timing.scene_rate(scene) == pytest.approx(fps, rel=2e-5)
    assert timing.frame_step(scene, fps) == 1.0


def test_the_file_browser_offers_what_can_be_read(addon, core):
    from importlib import import_module

    readers = import_module(f"{core.__name__}.readers")
    assert set(addon("importing.keypoint_files").EXTENSIONS) > set(readers.READERS)


def test_layout_frames_and_unit_of_a_file_are_those_of_the_take_and_the_scene(tmp_path, addon, core, body):
    clip = core.Motion.load(MOCAP / "26_01.npz")
    positions = body.keypoints(replace(clip, body=body.key), "human36m_17").positions
    np.save(tmp_path / "lifted.npy", 1000 * positions)
    shutil.copy(ROOT / "examples" / "walk_and_wave.trc", tmp_path)
    for name, layout, frames, first in (
        ("lifted.npy", "human36m_17", 120, 0),
        ("walk_and_wave.trc", "body_25", 180, 1),
    ):
        import_files(tmp_path, name)
        take = bpy.data.objects[Path(name).stem]
        facts = addon("takes.take").describe(take)
        assert (facts["layout"]["name"], facts["frames"], facts["first_frame"]) == (layout, frames, first)
        assert (bpy.context.scene.frame_start, bpy.context.scene.frame_end) == (first, first + frames - 1)
        height = np.nanmax(addon("takes.take").load_track(take).positions[..., 2], axis=1).max()
        assert 1.4 < height < 2.2
        bpy.data.objects.remove(take)


def test_of_several_people_the_named_one_is_imported(tmp_path, addon, body, random_motion):
    one, two = (body.keypoints(random_motion(12, seed=seed), "body_25").positions for seed in (1, 2))
    np.save(tmp_path / "both.npy", np.stack([one, two], axis=1))
    for person, expected in (("", one), ("2", two)):
        import_files(tmp_path, "both.npy", unit="m", up="z", person=person)
        take = bpy.context.view_layer.objects.active
        np.testing.assert_allclose(addon("takes.take").load_track(take).positions, expected, atol=1e-5)
        decisions = {decision["what"]: decision for decision in addon("takes.take").describe(take)["decisions"]}
        assert decisions["person"]["basis"] == ("given" if person else "assumed")
    with pytest.raises(RuntimeError, match=r"both\.npy: has no person '3'; there are: 1 \(12 frames\)"):
        import_files(tmp_path, "both.npy", person="3")


def test_all_people_of_a_file_become_takes_where_they_stood(tmp_path, body, random_motion, addon):
    one, two = (body.keypoints(random_motion(12, seed=seed), "body_25").positions for seed in (1, 2))
    np.save(tmp_path / "both.npy", np.stack([one, two + (2.0, 0.0, 0.0)], axis=1))
    import_files(tmp_path, "both.npy", unit="m", up="z", everybody=True)
    takes = addon("takes.take")
    imported = {take.name: takes.load_track(take).positions for take in takes.takes_in(bpy.context.scene)}
    assert set(imported) == {"both 1", "both 2"}
    np.testing.assert_allclose(imported["both 1"], one, atol=1e-5)
    np.testing.assert_allclose(imported["both 2"], two + (2.0, 0.0, 0.0), atol=1e-5)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_names_of_strangers_move_no_cursor_and_keep_their_ends(tmp_path, addon, body, random_motion, core):
    """Escape sequences, turned lines, marks of direction and hundreds of letters: in names of objects and messages."""
    names = ["one\x1b[2J\u202e\ntwo", "long_" * 30 + "left", "long_" * 30 + "right", "長い名前" * 15 + "終"]
    for name in names:
        np.save(tmp_path / f"{name}.npy", body.keypoints(random_motion(4), "body_25").positions)
    assert import_files(tmp_path, *(f"{name}.npy" for name in names), unit="m", up="z") == {"FINISHED"}
    made = [take.name for take in addon("takes.take").takes_in(bpy.context.scene)]
    assert made[0] == r"one\x1b[2J\u202e\ntwo"
    assert made[1].startswith("long_") and made[1].endswith("left") and made[2].endswith("right")
    assert made[3].endswith("終") and len(set(made)) == 4
    assert all(len(name.encode()) <= 55 for name in made)
    (tmp_path / "bad\x1b[2J\n.trc").write_text("PathFileType\n")
    with pytest.raises(RuntimeError) as caught:
        import_files(tmp_path, "bad\x1b[2J\n.trc")
    assert r"bad\x1b[2J\n.trc" in str(caught.value) and "\x1b" not in str(caught.value)


@pytest.mark.parametrize("other", ["ann", "Ann ", "Ann."])
def test_people_whose_names_differ_by_little_are_two_takes_and_two_files(
    tmp_path, addon, core, body, random_motion, other
):
    stand = body.keypoints(random_motion(1), "body_25").positions[0].tolist()
    people = [{"people": [{"id": who, "keypoints3d": stand} for who in ("Ann", other)]}] * 3
    (tmp_path / "two.json").write_text(json.dumps(people))
    assert import_files(tmp_path, "two.json", unit="m", up="z", everybody=True) == {"FINISHED"}
    made = [take.name for take in addon("takes.take").takes_in(bpy.context.scene)]
    file_names = importlib.import_module(f"{core.__name__}.files.names").file_names
    assert len({name.casefold().rstrip(" .") for name in file_names(made)}) == 2, made
