"""Cameras: what their files say, and that keypoints lie on the pictures that they took."""

import contextlib
import json
import pickle

import numpy as np
import pytest

import lsmpl_core as lsmpl
from lsmpl_core.cameras import plain_yaml
from lsmpl_core.cameras.camera import Camera
from lsmpl_core.cameras.camera_files import read_cameras
from lsmpl_core.cameras.find_view import find_view
from lsmpl_core.cameras.views import lens_shift, plain_path, told_of_the_lens
from lsmpl_core.errors import CameraError
from lsmpl_core.rotation import exp_map, log_map

WIDTH, HEIGHT = 1280, 720


def looking(place, at=(0.0, 0.0, 1.0), focal=900.0, name="", distortion=()) -> Camera:
    """A camera of a world with Z up, standing at one place and looking at another, the picture upright."""
    forward = np.subtract(at, place) / np.linalg.norm(np.subtract(at, place))
    right = np.cross(forward, [0, 0, 1])
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(forward, right), forward])
    matrix = np.array([[focal, 0, 655.0], [0, focal, 340.0], [0, 0, 1]])
    return Camera(
        name, matrix, rotation, -rotation @ np.array(place, float), np.array(distortion, float), (WIDTH, HEIGHT)
    )


@pytest.fixture
def cameras():
    return [looking((3, -4, 1.5), name="cam01"), looking((-3, -3, 2), name="cam02"), looking((0, 5, 1.2), name="cam03")]


@pytest.fixture(scope="module")
def walk(body):
    """Upright, moving, and turned off all axes, in a world with Z up."""
    rng = np.random.default_rng(3)
    poses = np.zeros((6, 24, 3))
    poses[:, 1:] = rng.normal(scale=0.2, size=(23, 3))
    poses[:, 0] = log_map(exp_map(np.array([0, 0, 0.7])) @ exp_map(np.array([np.pi / 2, 0, 0])))
    trans = np.linspace((0.1, 0.2, 1.0), (0.4, -0.1, 1.05), 6)
    return lsmpl.Motion(poses, trans, body=body.key)


def toml(cameras) -> str:
    """As Pose2Sim has its Calib.toml."""
    parts = []
    for camera in cameras:
        parts += [
            f"[{camera.name}]", f'name = "{camera.name}"', f"size = [{WIDTH}.0, {HEIGHT}.0]",
            f"matrix = {camera.matrix.tolist()}",
            f"distortions = {[*camera.distortion.tolist(), 0.0, 0.0, 0.0, 0.0][:4]}",
            f"rotation = {log_map(camera.rotation).tolist()}", f"translation = {camera.translation.tolist()}",
            "fisheye = false", "",
        ]  # fmt: skip
    return "\n".join([*parts, "[metadata]", "adjusted = false", "error = 0.0"])


def yml(values: dict) -> str:
    """As OpenCV's FileStorage writes matrices."""
    text = "%YAML:1.0\n---\n"
    for name, value in values.items():
        array = np.atleast_2d(value)
        data = ", ".join(
            f"{x:.16e}" if i % 2 else f"{x:.17g}." if x == int(x) else f"{x:.17g}" for i, x in enumerate(array.ravel())
        )
        rows, cols = array.shape
        text += f"{name}: !!opencv-matrix\n   rows: {rows}\n   cols: {cols}\n   dt: d\n   data: [ {data} ]\n"
    return text


def easymocap(folder, cameras):
    names = "names:\n" + "".join(f'  - "{camera.name}"\n' for camera in cameras)
    intri = {f"K_{c.name}": c.matrix for c in cameras} | {f"dist_{c.name}": np.zeros((1, 5)) for c in cameras}
    extri = {f"R_{c.name}": log_map(c.rotation)[:, None] for c in cameras}
    extri |= {f"Rot_{c.name}": c.rotation for c in cameras} | {f"T_{c.name}": c.translation[:, None] for c in cameras}
    (folder / "intri.yml").write_text(yml(intri) + names)
    (folder / "extri.yml").write_text(yml(extri) + names)
    return folder / "extri.yml"


def as_file(kind: str, folder, cameras):
    """The same cameras in one of the forms that are read."""
    path = folder / f"calibration.{kind.split('/')[0]}"
    if kind == "toml":
        path.write_text(toml(cameras))
    elif kind == "yml/easymocap":
        return easymocap(folder, cameras)
    elif kind == "json/panoptic":
        listed = [
            {"name": c.name, "type": "vga", "resolution": [WIDTH, HEIGHT], "K": c.matrix.tolist(),
             "distCoef": [0.0] * 5, "R": c.rotation.tolist(), "t": c.translation[:, None].tolist()} for c in cameras
        ]  # fmt: skip
        path.write_text(json.dumps({"calibDataSource": "", "cameras": listed}))
    elif kind == "json/nested":
        nested = {
            c.name: {
                "intrinsics": {"camera_matrix": c.matrix.tolist(), "image_size": [WIDTH, HEIGHT]},
                "extrinsics": {"rvec": log_map(c.rotation).tolist(), "tvec": c.translation.tolist()},
            } for c in cameras
        }  # fmt: skip
        path.write_text(json.dumps(nested))
    elif kind == "json/matrices":
        rows = {
            c.name: {"K": c.matrix.ravel().tolist(), "RT": np.c_[c.rotation, c.translation].tolist(), "width": WIDTH,
                     "height": HEIGHT} for c in cameras
        }  # fmt: skip
        path.write_text(json.dumps(rows))
    return path


@pytest.mark.parametrize("kind", ["toml", "yml/easymocap", "json/panoptic", "json/nested", "json/matrices"])
def test_calibrations_of_all_forms_are_the_same_cameras(tmp_path, cameras, kind):
    read = read_cameras(as_file(kind, tmp_path, cameras))
    points = np.random.default_rng(0).normal(scale=0.4, size=(50, 3)) + (0, 0, 1)
    assert [camera.name for camera in read] == ["cam01", "cam02", "cam03"]
    for ours, theirs in zip(read, cameras):
        np.testing.assert_allclose(ours.project(points), theirs.project(points), atol=1e-6)
        assert kind == "yml/easymocap" or ours.size == (WIDTH, HEIGHT)


def test_a_lens_bends_as_opencv_says():
    """x' = x (1 + k1 r2 + k2 r4 + k3 r6) + 2 p1 x y + p2 (r2 + 2 x2), worked out by hand for x = 0.5, y = -0.25."""
    camera = Camera("", np.eye(3), np.eye(3), np.zeros(3), np.array([0.1, -0.05, 0.01, 0.02, 0.3]))
    bent = camera.project(np.array([1.0, -0.5, 2.0]), distorted=True)
    square = 0.3125
    radial = 1 + 0.1 * square - 0.05 * square**2 + 0.3 * square**3
    across = 0.5 * radial + 2 * 0.01 * 0.5 * -0.25 + 0.02 * (square + 2 * 0.25)
    down = -0.25 * radial + 0.01 * (square + 2 * 0.0625) + 2 * 0.02 * 0.5 * -0.25
    np.testing.assert_allclose(bent, [across, down], atol=1e-12)


FILE_AXES = {
    "as they are": np.eye(3), "Pose2Sim": np.eye(3)[[1, 2, 0]], "Y up": np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
}  # fmt: skip


@pytest.mark.parametrize("unit, scale", [("m", 1.0), ("mm", 1000.0)])
@pytest.mark.parametrize("axes", FILE_AXES)
def test_keypoints_lie_on_the_picture_of_a_calibrated_camera(tmp_path, body, walk, cameras, axes, unit, scale):
    """Whatever axes and unit the keypoints' file has beside its calibration's."""
    world = body.keypoints(walk, "body_25").positions
    in_file = world @ FILE_AXES[axes].T * scale
    if axes == "Pose2Sim":
        path = write_trc(tmp_path / "take.trc", in_file, unit)
    else:
        path = tmp_path / "take.npy"
        np.save(path, in_file)
    (tmp_path / "Calib.toml").write_text(toml(cameras))
    track = lsmpl.read_keypoints(path, layout="body_25")
    view = find_view(tmp_path / "Calib.toml", track, body, "videos/cam02.mp4")
    assert view.name == "cam02"
    np.testing.assert_allclose(
        view.project(track.positions, WIDTH, HEIGHT),
        cameras[1].project(world),
        atol=0.2 if axes == "Pose2Sim" else 0.01,
    )
    half = view.project(track.positions, WIDTH / 2, HEIGHT / 2)
    np.testing.assert_allclose(half, cameras[1].project(world) / 2, atol=0.2)


def write_trc(path, positions, unit):
    names = lsmpl.get_layout("body_25").keypoints
    columns = "\t\t\t".join(names)
    axes = "\t".join(f"X{k}\tY{k}\tZ{k}" for k in range(1, len(names) + 1))
    rows = [
        f"{t + 1}\t{t / 30:.6f}\t" + "\t".join(f"{x:.6f}" for x in frame.ravel()) for t, frame in enumerate(positions)
    ]
    head = f"30\t30\t{len(rows)}\t{len(names)}\t{unit}\t30\t1\t{len(rows)}"
    heads = "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames"
    lines = [
        f"PathFileType\t4\t(X/Y/Z)\t{path.name}",
        heads,
        head,
        f"Frame#\tTime\t{columns}",
        f"\t\t{axes}",
        "",
        *rows,
    ]
    path.write_text("\n".join(lines))
    return path


def test_one_of_several_cameras_has_to_be_named(tmp_path, body, walk, cameras):
    np.save(tmp_path / "take.npy", body.keypoints(walk, "body_25").positions)
    track = lsmpl.read_keypoints(tmp_path / "take.npy", layout="body_25")
    (tmp_path / "Calib.toml").write_text(toml(cameras))
    with pytest.raises(CameraError, match="say which one: cam01, cam02, cam03"):
        find_view(tmp_path / "Calib.toml", track, body, "movie.mp4")


def test_another_takes_calibration_is_refused(tmp_path, body, walk):
    np.save(tmp_path / "take.npy", body.keypoints(walk, "body_25").positions)
    track = lsmpl.read_keypoints(tmp_path / "take.npy", layout="body_25")
    away = [looking((30, 0, 2), at=(60, 0, 2), name="a")]
    (tmp_path / "Calib.toml").write_text(toml(away))
    with pytest.raises(CameraError, match="0% of the keypoints"):
        find_view(tmp_path / "Calib.toml", track, body)


def test_what_the_lens_bends_is_told(tmp_path, body, walk):
    np.save(tmp_path / "take.npy", body.keypoints(walk, "body_25").positions)
    track = lsmpl.read_keypoints(tmp_path / "take.npy", layout="body_25")
    (tmp_path / "Calib.toml").write_text(toml([looking((3, -4, 1.5), name="a", distortion=(-0.2, 0.05))]))
    view = told_of_the_lens(find_view(tmp_path / "Calib.toml", track, body), track, WIDTH, HEIGHT)
    assert any(d.what == "lens distortion" and d.doubtful and "pixels beside" in d.reason for d in view.decisions)

    # Radially: r (1 + k1 r^2 + k2 r^4), of a corner at r from the optical centre.
    focal, centre = view.lens(WIDTH, HEIGHT)
    r = max(np.hypot(x - centre[0], y - centre[1]) for x in (0, WIDTH) for y in (0, HEIGHT)) / focal
    assert lens_shift(view, WIDTH, HEIGHT) == pytest.approx(focal * abs(r**3 * -0.2 + r**5 * 0.05), rel=1e-6)


# SAM 3D Body: keypoints in a camera's space


def sam_dict(body, walk, t, focal=1500.0, camera=None):
    """One frame as SAM 3D Body has it: y down, the points about the body, pred_cam_t where it is."""
    camera = camera or looking((1.0, -6.0, 1.6))
    seen = body.keypoints(walk, "coco_17").positions[t] @ camera.rotation.T + camera.translation
    middle = seen.mean(axis=0)
    pixels = focal * seen[:, :2] / seen[:, 2:] + (640, 360)
    return {
        "pred_keypoints_3d": (seen - middle).astype(np.float32), "pred_cam_t": middle.astype(np.float32),
        "pred_keypoints_2d": pixels.astype(np.float32),
    }  # fmt: skip


@pytest.mark.parametrize("focal_is_stated", [True, False])
def test_keypoints_lie_on_the_picture_of_sam_3d_body(tmp_path, body, walk, focal_is_stated):
    frames = [sam_dict(body, walk, t) for t in range(6)]
    pixels = np.array([frame["pred_keypoints_2d"] for frame in frames])
    for frame in frames:
        if focal_is_stated:
            frame["focal_length"] = np.float32(1500.0)
    (tmp_path / "result.pkl").write_bytes(pickle.dumps(frames))
    track = lsmpl.read_keypoints(tmp_path / "result.pkl", layout="coco_17")
    view = find_view(tmp_path / "result.pkl", track, body)
    assert abs(view.focal - 1500) < 1 and len(view.position) == 1
    np.testing.assert_allclose(view.project(track.positions, 1280, 720), pixels, atol=0.1)


def test_a_mirrored_take_was_seen_by_no_camera(tmp_path, body, walk):
    (tmp_path / "result.pkl").write_bytes(pickle.dumps([sam_dict(body, walk, t) for t in range(6)]))
    track = lsmpl.read_keypoints(tmp_path / "result.pkl", layout="coco_17", mirror=True)
    with pytest.raises(CameraError, match="mirrored"):
        find_view(tmp_path / "result.pkl", track, body)


# GVHMR and WHAM: a motion in the camera's space and in the world


def in_camera(body, walk, moving: bool):
    """The motion as a camera sees it that walks along, (T,3,3) and (T,3) being from the world to it."""
    places = np.linspace((1.0, -6.0, 1.6), (1.5, -5.0, 1.7), 6) if moving else np.tile((1.0, -6.0, 1.6), (6, 1))
    cameras = [looking(place) for place in places]
    poses = walk.poses.copy()
    poses[:, 0] = [log_map(c.rotation @ exp_map(root)) for c, root in zip(cameras, walk.poses[:, 0])]
    root = body.rest_joints(np.zeros(10))[0]
    trans = np.array([c.rotation @ (t + root) + c.translation - root for c, t in zip(cameras, walk.trans)])
    seen = lsmpl.Motion(poses, trans, body=body.key)
    return seen, cameras


@pytest.mark.parametrize("moving", [False, True])
@pytest.mark.parametrize("estimator", ["WHAM", "GVHMR"])
def test_a_body_lies_on_the_picture_of_an_estimators_camera(tmp_path, body, walk, estimator, moving):
    from lsmpl_core.estimates.adopt import adopt

    seen, _ = in_camera(body, walk, moving)
    if estimator == "WHAM":
        fields = {
            "pose": seen.poses.reshape(6, 72), "trans": seen.trans, "pose_world": walk.poses.reshape(6, 72),
            "trans_world": walk.trans, "betas": np.zeros((6, 10)), "frame_ids": np.arange(6), "verts": np.zeros(1),
        }  # fmt: skip
        content, focal = {0: fields}, np.hypot(WIDTH, HEIGHT)
    else:
        content, focal = {"K_fullimg": np.tile([[1000.0, 0, 640], [0, 1000, 360], [0, 0, 1]], (6, 1, 1))}, 1000.0
        for name, motion in (("smpl_params_global", walk), ("smpl_params_incam", seen)):
            poses = motion.poses.reshape(6, 72)
            content[name] = {
                "global_orient": poses[:, :3], "body_pose": poses[:, 3:66],
                "betas": np.zeros((6, 10)), "transl": motion.trans,
            }  # fmt: skip
    path = tmp_path / "result.pkl"
    path.write_bytes(pickle.dumps(content))
    motion = adopt(lsmpl.read_motion(path), body)
    track = body.keypoints(motion, "smpl_24")
    view = find_view(path, track, body)
    assert len(view.position) == (6 if moving else 1)
    in_sight = body.joints(seen)[:, :22]  # GVHMR has no hands
    expected = focal * in_sight[..., :2] / in_sight[..., 2:] + (640, 360)
    np.testing.assert_allclose(view.project(track.positions[:, :22], WIDTH, HEIGHT), expected, atol=0.5)


def test_what_says_nothing_of_a_camera_is_refused(tmp_path, body, walk):
    walk.save(tmp_path / "amass.npz")
    track = body.keypoints(walk, "smpl_24")
    with pytest.raises(CameraError, match="says nothing of a camera"):
        find_view(tmp_path / "amass.npz", track, body)


# Files of strangers

CAMERA = "[c]\nmatrix = [[9,0,5],[0,9,5],[0,0,1]]\n"


@pytest.mark.parametrize(
    "name, text, told",
    [
        ("a.toml", "[cam]\nmatrix = [[1, 2]", "not TOML"),
        ("a.toml", "[cam]\nname = 'x'", "has no camera"),
        ("a.toml", CAMERA + "rotation = [1,2]\ntranslation = [0,0,1]", "expected 3, or 3 x 3"),
        ("a.toml", CAMERA + "rotation = [0,0,0]\ntranslation = [0,nan,1]", "no camera's"),
        ("a.toml", CAMERA.replace("[9", "[-9") + "rotation = [0,0,0]\ntranslation = [0,0,1]", "above 0"),
        ("a.toml", CAMERA + "rotation = [[1,0,0],[1,0,0],[0,0,1]]\ntranslation = [0,0,1]", "right angles"),
        ("a.yml", "K: [1, 2", "never closed"),
        ("a.yml", "K_1: !!opencv-matrix\n  rows: 3\n  cols: 3\n  data: [1, 2]", "rows, cols"),
        ("a.yml", "a: 1\n  b: 2", "indented as nothing"),
        ("a.yml", "- " * 400 + "a", "nested deeper"),
        ("a.json", '{"cameras": [', "not a JSON calibration"),
        ("a.xml", "<opencv_storage/>", "end in .toml"),
        ("a.toml", "\x00", "not TOML"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_calibration_says_why(tmp_path, name, text, told):
    (tmp_path / name).write_text(text)
    with pytest.raises(CameraError, match=told) as caught:
        read_cameras(tmp_path / name)
    assert name in str(caught.value)


def test_cut_and_changed_calibrations_fail_in_words_alone(tmp_path, cameras):
    rng = np.random.default_rng(1)
    for kind in ("toml", "yml/easymocap", "json/panoptic"):
        path = as_file(kind, tmp_path, cameras[:1])
        whole = path.read_bytes()
        for _ in range(60):
            damaged = bytearray(whole[: rng.integers(1, len(whole))] if rng.random() < 0.5 else whole)
            for at in rng.integers(0, len(damaged), 3):
                damaged[at] = rng.integers(32, 127)
            path.write_bytes(damaged)
            with contextlib.suppress(CameraError):
                read_cameras(path)
        path.write_bytes(whole)


def test_plain_yaml_of_other_hands():
    text = "image_width: 640  # pixels\ncamera_matrix:\n  rows: 1\n  cols: 2\n  data: [1., 2.5,\n    -3e-1]\n"
    text += 'names:\n- "a"\n- b\n'
    assert plain_yaml.parse(text) == {
        "image_width": 640, "camera_matrix": {"rows": 1, "cols": 2, "data": [1.0, 2.5, -0.3]}, "names": ["a", "b"]
    }  # fmt: skip


def test_a_cameras_name_is_looked_for_near_the_end_of_a_path():
    assert plain_path("/home/cam01/takes/videos/cam02/a.mp4") == "videos/cam02/a.mp4"


@pytest.mark.parametrize(
    "line", ["[" + "a." * 5_000 + "a]", "a" + ".a" * 9 + " = 1", "k = {b = 1, 'a'" + ' . "a"' * 9 + " = 1}"]
)
def test_names_of_many_parts_are_refused_before_they_are_tables(tmp_path, line):
    (tmp_path / "cameras.toml").write_text(f"name = 'a.b.c.d.e.f.g.h.i.j.k.l'\n{line}\n")
    with pytest.raises(CameraError, match=r"cameras\.toml: .*line 2 has a name of more than 8 parts"):
        read_cameras(tmp_path / "cameras.toml")
