"""A take's picture: in step with it, seen from the camera that filmed it, shared and kept."""

import importlib
import pickle
from pathlib import Path

import bpy
import numpy as np
import pytest
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Vector

WIDTH, HEIGHT = 64, 36
FOCAL = 70.0


def write_images(folder: Path, first: int, count: int) -> Path:
    """A sequence of small images; the path of its first one."""
    for number in range(first, first + count):
        image = bpy.data.images.new("new", WIDTH, HEIGHT)
        image.filepath_raw, image.file_format = str(folder / f"frame_{number:04d}.png"), "PNG"
        image.save()
        bpy.data.images.remove(image)
    return folder / f"frame_{first:04d}.png"


def sam_take(folder: Path, body, core, frames=6, people=1):
    """A file of SAM 3D Body's of upright people before a camera, and their pixels (T,P,K,2)."""
    poses = np.zeros((frames, 24, 3))
    poses[:, 0] = (np.pi / 2, 0, 0)
    poses[:, 16, 2], poses[:, 18, 1] = np.linspace(0, -0.9, frames), -0.7
    tilt = np.radians(12.0)
    to_camera = np.array([[1, 0, 0], [0, -np.sin(tilt), -np.cos(tilt)], [0, np.cos(tilt), -np.sin(tilt)]])
    listed, pixels = [], []
    for t in range(frames):
        listed.append([])
        for person in range(people):
            motion = core.Motion(poses, np.linspace((person, 4, 0.2), (person + 0.2, 4.5, 0.2), frames), body=body.key)
            seen = body.keypoints(motion, "coco_17").positions[t] @ to_camera.T
            middle = seen.mean(axis=0)
            pixels.append(FOCAL * seen[:, :2] / seen[:, 2:] + (WIDTH / 2, HEIGHT / 2))
            listed[-1].append({
                "pred_keypoints_3d": (seen - middle).astype(np.float32), "pred_cam_t": middle.astype(np.float32),
                "focal_length": np.float32(FOCAL), "person_id": person,
            })  # fmt: skip
    path = folder / "people.pkl"
    path.write_bytes(pickle.dumps(listed))
    return path, np.array(pixels).reshape(frames, people, 17, 2)


@pytest.fixture
def filmed(addon, body, core, tmp_path):
    """A take of SAM 3D Body's with its images, and its pixels (T,K,2)."""
    path, pixels = sam_take(tmp_path, body, core)
    bpy.ops.lsmpl.import_keypoints(filepath=str(path), layout_name="coco_17", override_fps=True, fps=30)
    (take,) = addon("takes.take").takes_in(bpy.context.scene)
    images = write_images(tmp_path, 5, 6)
    assert bpy.ops.lsmpl.add_picture(filepath=str(images)) == {"FINISHED"}
    return take, pixels[:, 0]


def shown_frame(picture) -> int:
    """The number of the image that a picture's object shows now."""
    user = picture.data.background_images[0].image_user if picture.type == "CAMERA" else picture.image_user
    return bpy.context.scene.frame_current + 100_001 + user.frame_offset


def seen_pixels(camera, points: np.ndarray) -> np.ndarray:
    """Pixels (K,2) of the picture in which points (K,3) lie, whatever the scene's resolution is."""
    render = bpy.context.scene.render
    frame_height = WIDTH * render.resolution_y / render.resolution_x
    views = [world_to_camera_view(bpy.context.scene, camera, Vector(point)) for point in points]
    return np.array([(v.x * WIDTH, HEIGHT / 2 - (v.y - 0.5) * frame_height) for v in views])


@pytest.mark.parametrize("resolution", [(1920, 1080), (1000, 1000), (600, 1400), (2400, 800)])
def test_keypoints_lie_on_the_picture(addon, filmed, resolution):
    take, pixels = filmed
    scene, camera = bpy.context.scene, take.lsmpl_picture.shown_by
    scene.render.resolution_x, scene.render.resolution_y = resolution
    assert camera.type == "CAMERA"
    positions = addon("takes.take").load_track(take).positions
    for t in (0, 5):
        scene.frame_set(round(addon("takes.playing").scene_frame(take, t)))
        np.testing.assert_allclose(seen_pixels(camera, positions[t]), pixels[t], atol=0.02)

    # Blender fits the picture into the frame; it has to be as wide as that.
    bpy.context.view_layer.update()
    aspect, own = resolution[0] / resolution[1], WIDTH / HEIGHT
    fitted = min(1.0, own / aspect)
    assert fitted * camera.data.background_images[0].scale == pytest.approx(1.0, abs=1e-5)


def test_it_plays_in_step_with_the_take(addon, filmed):
    take, _ = filmed
    scene, picture = bpy.context.scene, take.lsmpl_picture.shown_by
    start = round(take.lsmpl.start)

    def shown(frame):
        scene.frame_set(frame)
        return shown_frame(picture)

    assert [shown(start + t) for t in (-9, 0, 1, 5, 40)] == [5, 5, 6, 10, 10]
    take.lsmpl.start = start + 20
    assert [shown(start + 20 + t) for t in (0, 3)] == [5, 8]
    scene.render.fps = 60
    bpy.ops.lsmpl.retime()
    assert [shown(start + 20 + t) for t in (0, 2, 6)] == [5, 6, 8]
    picture.lsmpl_picture.offset = 2
    assert [shown(start + 20 + t) for t in (0, 2)] == [7, 8]
    assert picture.lsmpl_picture.seconds == pytest.approx(2 / 30)
    picture.lsmpl_picture.seconds = 1 / 30
    assert shown(start + 20) == 6
    picture.lsmpl_picture.fps = 60  # filmed at twice the take's rate
    assert [shown(start + 20 + t) for t in (0, 1, 2)] == [6, 7, 8]  # a frame of it to one of the scene


def test_it_survives_saving_and_needs_no_add_on(addon, filmed, tmp_path):
    take, _ = filmed
    take.lsmpl_picture.shown_by.lsmpl_picture.offset = 1
    name = take.name
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "take.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "take.blend"))
    take = bpy.data.objects[name]
    picture, start = take.lsmpl_picture.shown_by, round(take.lsmpl.start)
    bpy.ops.preferences.addon_disable(module="bl_ext.user_default.lsmpl")
    try:
        bpy.context.scene.frame_set(start + 3)
        assert shown_frame(picture) == 9
    finally:
        bpy.ops.preferences.addon_enable(module="bl_ext.user_default.lsmpl")


def test_without_the_take_it_still_plays(filmed):
    take, _ = filmed
    picture, start = take.lsmpl_picture.shown_by, round(take.lsmpl.start)
    bpy.data.objects.remove(take)
    bpy.context.scene.frame_set(start + 2)
    assert shown_frame(picture) == 7


def test_people_of_one_video_share_its_picture(addon, body, core, tmp_path):
    path, pixels = sam_take(tmp_path, body, core, people=2)
    bpy.ops.lsmpl.import_keypoints(filepath=str(path), layout_name="coco_17", everybody=True)
    first, second = addon("takes.take").takes_in(bpy.context.scene)
    images = write_images(tmp_path, 1, 6)
    addon("selection").select(bpy.context, [first])
    bpy.ops.lsmpl.add_picture(filepath=str(images))
    camera = first.lsmpl_picture.shown_by
    assert camera == second.lsmpl_picture.shown_by and camera.type == "CAMERA"
    for take in (first, second):
        seen = seen_pixels(camera, addon("takes.take").load_track(take).positions[2])
        assert min(np.abs(seen - pixels[2, person]).max() for person in (0, 1)) < 0.02

    bpy.ops.lsmpl.remove_picture()
    assert first.lsmpl_picture.shown_by is None and second.lsmpl_picture.shown_by == camera
    addon("selection").select(bpy.context, [second])
    bpy.ops.lsmpl.remove_picture()
    assert not [obj for obj in bpy.data.objects if obj.type == "CAMERA"] and not bpy.data.images


def test_a_picture_stands_beside_until_a_calibration_is_chosen(addon, body, core, tmp_path):
    poses = np.zeros((6, 24, 3))
    poses[:, 0], poses[:, 16, 2] = (np.pi / 2, 0, 0), -0.8
    motion = core.Motion(poses, np.linspace((0.2, 0.1, 1), (0.4, 0.1, 1), 6), body=body.key)
    world = body.keypoints(motion, "body_25").positions
    np.save(tmp_path / "take.npy", world)
    bpy.ops.lsmpl.import_keypoints(filepath=str(tmp_path / "take.npy"), layout_name="body_25")
    (take,) = addon("takes.take").takes_in(bpy.context.scene)
    bpy.ops.lsmpl.add_picture(filepath=str(write_images(tmp_path, 1, 6)))
    plane = take.lsmpl_picture.shown_by
    bpy.context.view_layer.update()
    keypoints = addon("takes.take").load_track(take).positions
    assert plane.type == "EMPTY" and plane.matrix_world.translation.x > keypoints[0, :, 0].max() + 0.5
    plane.lsmpl_picture.offset = 2
    bpy.context.scene.frame_set(round(take.lsmpl.start) + 1)
    assert shown_frame(plane) == 4

    (tmp_path / "Calib.toml").write_text(
        f"[cam]\nsize = [{WIDTH}, {HEIGHT}]\nmatrix = [[{FOCAL}, 0, 30], [0, {FOCAL}, 20], [0, 0, 1]]\n"
        "rotation = [[1, 0, 0], [0, 0, -1], [0, 1, 0]]\ntranslation = [0, 1, 4]\n"
    )
    assert bpy.ops.lsmpl.picture_camera(filepath=str(tmp_path / "Calib.toml")) == {"FINISHED"}
    camera = take.lsmpl_picture.shown_by
    assert camera.type == "CAMERA" and camera.lsmpl_picture.offset == 2
    assert not [obj for obj in bpy.data.objects if obj.type == "EMPTY"]
    seen = world[3] @ np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]]).T + (0, 1, 4)
    bpy.context.view_layer.update()
    expected = FOCAL * seen[:, :2] / seen[:, 2:] + (30, 20)
    np.testing.assert_allclose(seen_pixels(camera, keypoints[3]), expected, atol=0.02)


def test_a_camera_that_walks_along_is_animated_and_retimed(addon, body, core, tmp_path):
    from test_motions import imported

    frames, poses = 6, np.zeros((6, 24, 3))
    poses[:, 0] = (np.pi / 2, 0, 0)
    poses[:, 4, 0], poses[:, 18, 1] = 0.4, -0.3
    trans = np.linspace((0.0, 0.0, 0.9), (0.3, 0.1, 0.9), frames)
    root = body.rest_joints(np.zeros(10))[0]
    to_camera = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    places = np.linspace((0.0, -5.0, 1.0), (1.0, -4.5, 1.2), frames)
    rotation = importlib.import_module(f"{core.__name__}.rotation")
    seen = poses.copy()
    seen[:, 0] = rotation.log_map(to_camera @ rotation.exp_map(poses[:, 0]))
    in_camera = (trans + root - places) @ to_camera.T - root
    person = {
        "pose": seen.reshape(frames, 72), "trans": in_camera,
        "pose_world": poses.reshape(frames, 72), "trans_world": trans,
        "betas": np.zeros((frames, 10)), "frame_ids": np.arange(frames), "verts": np.zeros(1),
    }  # fmt: skip
    (tmp_path / "wham_output.pkl").write_bytes(pickle.dumps({0: person}))
    bpy.ops.lsmpl.import_motion(filepath=str(tmp_path / "wham_output.pkl"), override_fps=True, fps=25.0)
    take = imported(addon)
    bpy.ops.lsmpl.add_picture(filepath=str(write_images(tmp_path, 1, frames)))
    camera, scene = take.lsmpl_picture.shown_by, bpy.context.scene
    joints = body.joints(core.Motion(seen, in_camera, body=body.key))
    expected = np.hypot(WIDTH, HEIGHT) * joints[..., :2] / joints[..., 2:] + (WIDTH / 2, HEIGHT / 2)
    positions = addon("takes.take").load_track(take).positions

    def missed(t):
        addon("takes.playing").go_to(take, scene, t)
        return np.abs(seen_pixels(camera, positions[t]) - expected[t]).max()

    assert max(missed(t) for t in range(frames)) < 0.05
    take.lsmpl.start, scene.render.fps = 40, 50
    bpy.ops.lsmpl.retime()
    assert max(missed(t) for t in range(frames)) < 0.05


def test_undo_takes_a_picture_away_and_redo_brings_it(addon, filmed, tmp_path):
    """As the operators are undone: what is left in the file is whole either way."""
    take, _ = filmed
    name = take.name
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.lsmpl.remove_picture()
    bpy.ops.ed.undo_push(message="removed")
    bpy.ops.ed.undo()
    take = bpy.data.objects[name]
    picture = take.lsmpl_picture.shown_by
    bpy.context.scene.frame_set(round(take.lsmpl.start) + 1)
    assert shown_frame(picture) == 6
    bpy.ops.ed.redo()
    assert bpy.data.objects[name].lsmpl_picture.shown_by is None


def test_what_is_no_picture_is_refused(filmed, tmp_path):
    (tmp_path / "broken.mp4").write_bytes(b"no movie at all")
    images = len(bpy.data.images)
    for path in ("broken.mp4", "nothing.png"):
        with pytest.raises(RuntimeError, match=r"picture|no such file"):
            bpy.ops.lsmpl.add_picture(filepath=str(tmp_path / path))
    assert len(bpy.data.images) == images


def test_the_panel_says_what_is_shown(filmed, drawn):
    said = drawn()["LSMPL_PT_picture"]
    assert "frame_0005.png" in said and "64 x 36, 6 frames" in said and "70 px" in said
    bpy.ops.lsmpl.match_render()
    assert (bpy.context.scene.render.resolution_x, bpy.context.scene.render.resolution_y) == (WIDTH, HEIGHT)
    assert "another shape" not in drawn()["LSMPL_PT_picture"]


def write_movie(path: Path, frames: int, fps: int) -> Path:
    """A small movie, rendered from a strip of one colour."""
    scene = bpy.data.scenes.new("movie")
    render = scene.render
    render.resolution_x, render.resolution_y, render.fps = WIDTH, HEIGHT, fps
    scene.frame_start, scene.frame_end = 1, frames
    editor = scene.sequence_editor_create()
    strips = editor.strips if hasattr(editor, "strips") else editor.sequences
    length = {"length": frames} if bpy.app.version >= (5, 0) else {"frame_end": frames + 1}
    strips.new_effect(name="colour", type="COLOR", channel=1, frame_start=1, **length)
    if hasattr(render.image_settings, "media_type"):
        render.image_settings.media_type = "VIDEO"
    render.image_settings.file_format = "FFMPEG"
    render.ffmpeg.format = render.ffmpeg.codec = "MPEG4"
    render.filepath, render.use_file_extension = str(path), False
    bpy.ops.render.render(animation=True, scene=scene.name)
    bpy.data.scenes.remove(scene)
    return path


def test_a_movie_plays_at_its_own_rate(addon, body, core, tmp_path):
    path, _ = sam_take(tmp_path, body, core, frames=9)
    bpy.ops.lsmpl.import_keypoints(filepath=str(path), layout_name="coco_17", override_fps=True, fps=30)
    (take,) = addon("takes.take").takes_in(bpy.context.scene)
    bpy.ops.lsmpl.add_picture(filepath=str(write_movie(tmp_path / "film.mp4", frames=4, fps=15)))
    picture, start = take.lsmpl_picture.shown_by, round(take.lsmpl.start)
    shown = []
    for t in range(9):
        bpy.context.scene.frame_set(start + t)
        shown.append(shown_frame(picture))
    assert picture.lsmpl_picture.fps == 15 and shown == [1, 2, 2, 3, 3, 4, 4, 4, 4]


def plane_of(addon, core, body, tmp_path):
    """A take with a picture beside it, as its file knows no camera."""
    motion = core.Motion(np.zeros((6, 24, 3)), np.zeros((6, 3)) + (0, 0, 1), fps=30.0, body=body.key)
    bpy.context.scene.render.fps = 30
    take = addon("importing.adding").add_take(bpy.context.scene, body.keypoints(motion, "coco_17"), "Walk")
    bpy.context.view_layer.objects.active = take
    assert bpy.ops.lsmpl.add_picture(filepath=str(write_images(tmp_path, 5, 6))) == {"FINISHED"}
    return take.lsmpl_picture.shown_by


def evaluated_number(plane) -> int:
    return plane.evaluated_get(bpy.context.evaluated_depsgraph_get()).image_user.frame_current


def test_a_plane_that_is_changed_or_undone_shows_its_frame_still(addon, core, body, tmp_path):
    plane, scene = plane_of(addon, core, body, tmp_path), bpy.context.scene
    first = round(plane.lsmpl_picture.start)
    scene.frame_set(first + 3)
    assert evaluated_number(plane) == 8
    plane.location.x += 1.0
    assert evaluated_number(plane) == 8
    bpy.ops.ed.undo_push(message="Moved")
    plane.lsmpl_picture.offset = 1
    bpy.ops.ed.undo_push(message="Shifted")
    assert evaluated_number(plane) == 9
    for step, number in ((bpy.ops.ed.undo, 8), (bpy.ops.ed.redo, 9)):
        step()
        (plane,) = (obj for obj in bpy.data.objects if obj.lsmpl_picture.is_picture)
        assert evaluated_number(plane) == number


def test_every_frame_is_the_one_that_blender_counts(addon, core, body, tmp_path):
    plane, scene, playing = plane_of(addon, core, body, tmp_path), bpy.context.scene, addon("reference.playing")
    plane.lsmpl_picture.fps, plane.lsmpl_picture.offset = 24.0, 2
    for frame in range(round(plane.lsmpl_picture.start) - 2, round(plane.lsmpl_picture.start) + 9):
        scene.frame_set(frame)
        assert plane.image_user.frame_current == evaluated_number(plane)
        assert plane.image_user.frame_current == playing.number_shown(plane, frame) == shown_frame(plane)


def viewports():
    areas = bpy.context.window_manager.windows[0].screen.areas
    return [area.spaces.active for area in areas if area.type == "VIEW_3D"]


def test_undo_lets_viewports_look_as_before_and_redo_through_the_camera(addon, body, core, tmp_path):
    path, _ = sam_take(tmp_path, body, core)
    bpy.ops.lsmpl.import_keypoints(filepath=str(path), layout_name="coco_17", override_fps=True, fps=30)
    images = write_images(tmp_path, 5, 6)
    bpy.context.preferences.edit.use_global_undo = True
    bpy.ops.ed.undo_push(message="before")
    before = [(space.region_3d.view_perspective, space.region_3d.view_distance) for space in viewports()]
    assert before and all(perspective != "CAMERA" for perspective, _ in before)
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
        assert bpy.ops.lsmpl.add_picture("EXEC_DEFAULT", True, filepath=str(images)) == {"FINISHED"}

        def looks_through():
            return {space.camera.name for space in viewports() if space.region_3d.view_perspective == "CAMERA"}

        (camera,) = looks_through()
        bpy.ops.ed.undo()
        assert [(s.region_3d.view_perspective, s.region_3d.view_distance) for s in viewports()] == before
        bpy.ops.ed.redo()
        assert looks_through() == {camera}
        assert bpy.ops.lsmpl.look_through() == {"FINISHED"}
        assert [(s.region_3d.view_perspective, s.region_3d.view_distance) for s in viewports()] == before
        bpy.ops.lsmpl.look_through()
        assert bpy.ops.lsmpl.remove_picture() == {"FINISHED"}
        assert [(s.region_3d.view_perspective, s.region_3d.view_distance) for s in viewports()] == before


def test_a_movies_rate_takes_the_place_of_one_that_was_assumed(addon, core, body, drawn, tmp_path):
    motion = core.Motion(np.zeros((12, 24, 3)), np.zeros((12, 3)))
    np.save(tmp_path / "walk.npy", body.keypoints(motion, "coco_17").positions)
    bpy.ops.lsmpl.import_keypoints(filepath=str(tmp_path / "walk.npy"), layout_name="coco_17", unit="m", up="z")
    (take,) = addon("takes.take").takes_in(bpy.context.scene)
    assert bpy.ops.lsmpl.add_picture(filepath=str(write_movie(tmp_path / "film.mp4", frames=12, fps=48))) == {
        "FINISHED"
    }
    assert "Use the Movie's 48" in drawn()["LSMPL_PT_picture"]
    assert bpy.ops.lsmpl.set_rate(fps=48) == {"FINISHED"}
    assert "Use the Movie's" not in drawn()["LSMPL_PT_picture"]
    bpy.context.scene.frame_set(int(take.lsmpl.start) + 7)
    assert shown_frame(take.lsmpl_picture.shown_by) == 8, "a frame of the movie for each of the take"


def test_images_are_one_for_each_frame_of_a_take_whose_rate_is_set_anew(filmed):
    take, _ = filmed
    assert bpy.ops.lsmpl.set_rate(fps=60) == {"FINISHED"}
    assert take.lsmpl_picture.shown_by.lsmpl_picture.fps == 60
