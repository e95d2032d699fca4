"""Keypoints in what programs of the field save: Python objects, SAM 3D Body's outputs, BVH and .skeleton files."""

import pickle

import numpy as np
import pytest
from stick_figure import walking

from lsmpl_core.errors import KeypointFileError
from lsmpl_core.keypoints.layouts import LAYOUTS, ORDERS
from lsmpl_core.readers import objects, read_keypoints, read_people
from lsmpl_core.rotation import exp_map

SMPL, KINECT = LAYOUTS["smpl_22"], LAYOUTS["kinect_25"]
MHR = next(order for order in ORDERS if order.name == "mhr_70")


def as_object(content) -> np.ndarray:
    array = np.empty((), object)
    array[()] = content
    return array


def sam_output(t: int, place=(0.0, 0.0, 4.0)) -> dict:
    """One person of one image: metres, y down, relative to the body."""
    points = np.full((70, 3), 9.0)
    person = walking(MHR.layout)[t][:, [1, 2, 0]] * [1, -1, -1] - [0, -0.9, 0]
    for k, column in enumerate(MHR.columns):
        if column is not None:
            points[column] = person[k]
    return {"pred_keypoints_3d": points.astype(np.float32), "pred_cam_t": np.array(place, np.float32),
            "pred_vertices": np.zeros((80, 3), np.float32), "pred_global_rots": np.zeros((127, 3, 3), np.float32),
            "bbox": np.zeros(4, np.float32)}  # fmt: skip


# Objects


def test_motion_diffusions_results_are_samples_of_joints(tmp_path):
    person = walking(SMPL)
    motion = np.stack([np.moveaxis(person, 0, 2), np.moveaxis(person + [0, 5, 0], 0, 2)])
    results = {"motion": motion, "text": ["walks", "walks"], "lengths": np.array([40, 40]), "num_samples": 2}
    np.save(tmp_path / "results.npy", as_object(results))
    track = read_keypoints(tmp_path / "results.npy", up="z", person="2")
    assert track.layout is SMPL and np.allclose(track.positions, person + [0, 5, 0])


@pytest.mark.parametrize(("rows", "rate"), [(22, 20.0), (24, 30.0)])
def test_samples_of_humanml3ds_joints_have_its_rate_which_is_assumed(tmp_path, rows, rate):
    layout = LAYOUTS[f"smpl_{rows}"]
    np.save(tmp_path / "results.npy", as_object({"motion": np.moveaxis(walking(layout), 0, 2)[None]}))
    track = read_keypoints(tmp_path / "results.npy", up="z")
    said = next(one for one in track.decisions if one.what == "fps")
    assert track.fps == rate and said.basis == "assumed"
    assert read_keypoints(tmp_path / "results.npy", up="z", fps=25).fps == 25


@pytest.mark.filterwarnings("error")
def test_signalling_nan_in_objects_is_missing(tmp_path):
    motion = np.moveaxis(walking(SMPL), 0, 2)[None].astype(np.float32)
    motion.view(np.uint32)[0, 3, 0, 5] = 0x7F800001
    np.save(tmp_path / "results.npy", as_object({"motion": motion}))
    track = read_keypoints(tmp_path / "results.npy", up="z")
    assert not track.visible[5, 3] and track.visible.sum() == track.visible.size - 1


@pytest.mark.parametrize("kind", ["folder of npz", "folder of npy", "pickled list", "npy of a list"])
def test_sam_3d_bodys_outputs_become_takes_of_people_followed_by_where_they_are(tmp_path, kind):
    frames = [[sam_output(t), sam_output(t, (2.0, 0.0, 4.0))][:: 1 if t % 2 else -1] for t in range(20)]
    path = tmp_path / "out"
    if kind == "folder of npz":
        path.mkdir()
        for t, people in enumerate(frames):
            for i, one in enumerate(people):
                np.savez(path / f"img{t:04}_subj{i:02}.npz", **one)
    elif kind == "folder of npy":
        path.mkdir()
        for t, people in enumerate(frames):
            np.save(path / f"img{t:04}.npy", as_object(people))
    elif kind == "pickled list":
        path = path.with_suffix(".pkl")
        path.write_bytes(pickle.dumps(frames))
    else:
        path = path.with_suffix(".npy")
        np.save(path, as_object(frames))
    people = read_people(path)
    assert [(track.layout.name, len(track)) for track in people] == [("mhr_70", 20)] * 2
    body = [k for k, name in enumerate(people[0].layout.keypoints) if "knuckle" not in name]  # its hands are none
    apart = (people[0].positions - people[1].positions)[:, body]
    assert np.allclose(np.abs(apart[..., 1 if abs(apart[0, 0, 1]) > 1 else 0]), 2.0, atol=1e-3)
    steps = np.linalg.norm(np.diff(people[0].positions[:, body], axis=0), axis=2)
    assert steps.max() < 0.3


def test_a_folder_of_outputs_is_one_take_of_the_command_and_a_folder_of_takes_is_not(tmp_path):
    from lsmpl_core.readers.objects import is_one_object_a_frame

    for name, content in (("frames", sam_output(0)), ("takes", {"keypoints3d": walking(SMPL)})):
        (tmp_path / name).mkdir()
        for t in range(3):
            np.savez(tmp_path / name / f"a{t}.npz", **content)
    assert is_one_object_a_frame(tmp_path / "frames") and not is_one_object_a_frame(tmp_path / "takes")


@pytest.mark.parametrize("of_objects", [False, True])
def test_of_an_archive_of_a_frame_an_array_every_frame_is_read_or_none(tmp_path, monkeypatch, of_objects):
    points = np.tile(walking(SMPL), (1100 // len(walking(SMPL)) + 1, 1, 1))[:1100]
    names = SMPL.keypoints
    frames = [as_object(dict(zip(names, one.tolist(), strict=True))) for one in points] if of_objects else points
    np.savez(tmp_path / "take.npz", *frames)
    track = read_keypoints(tmp_path / "take.npz", layout="smpl_22", up="z")
    assert len(track) == 1100
    monkeypatch.setattr(objects, "MOST_PARTS", 1000)
    with pytest.raises(KeypointFileError, match=r"take\.npz has 1,100 arrays that belong together; at most 1,000"):
        read_keypoints(tmp_path / "take.npz", layout="smpl_22", up="z")


def test_one_output_of_sam_3d_body_is_one_frame(tmp_path):
    np.savez(tmp_path / "img_subj00.npz", **sam_output(3))
    track = read_keypoints(tmp_path / "img_subj00.npz")
    assert (track.layout.name, len(track)) == ("mhr_70", 1)


def test_objects_without_keypoints_say_what_they_are(tmp_path):
    np.save(tmp_path / "odd.npy", as_object({"weights": np.zeros(3), "epoch": 4}))
    with pytest.raises(
        KeypointFileError,
        match=r"holds an object with weights \(an array \(3,\)\), epoch \(a number\); expected keypoints",
    ):
        read_keypoints(tmp_path / "odd.npy")


# Text


def bvh(order=("Z", "X", "Y"), angles=None) -> tuple[str, np.ndarray]:
    """A pelvis with two straight legs, arms and a head, and the positions of its joints by products of rotations."""
    tree = {"Hips": (None, (0, 90, 0)), "Spine": ("Hips", (0, 20, 0)), "Neck": ("Spine", (0, 30, 0)),
            "Head": ("Neck", (0, 10, 0))}  # fmt: skip
    for side, x in (("Left", 1), ("Right", -1)):
        tree[f"{side}UpLeg"], tree[f"{side}Arm"] = ("Hips", (10 * x, 0, 0)), ("Spine", (18 * x, 25, 0))
        tree[f"{side}Leg"], tree[f"{side}Foot"] = (f"{side}UpLeg", (0, -40, 0)), (f"{side}Leg", (0, -40, 0))
        tree[f"{side}ForeArm"], tree[f"{side}Hand"] = (f"{side}Arm", (26 * x, 0, 0)), (f"{side}ForeArm", (25 * x, 0, 0))
    names = list(tree)

    def written(name: str, indent: str) -> list[str]:
        word = "ROOT" if tree[name][0] is None else "JOINT"
        channels = "6 Xposition Yposition Zposition " if word == "ROOT" else "3 "
        lines = [f"{indent}{word} {name}", indent + "{", f"{indent}  OFFSET {' '.join(map(str, tree[name][1]))}"]
        lines.append(f"{indent}  CHANNELS {channels}{' '.join(f'{axis}rotation' for axis in order)}")
        inner = [line for child in names if tree[child][0] == name for line in written(child, indent + "  ")]
        end = [f"{indent}  End Site", indent + "  {", f"{indent}    OFFSET 0 5 0", indent + "  }"]
        in_file.append(name)
        return [*lines, *(inner or end), indent + "}"]

    in_file: list[str] = []
    text = written("Hips", "")
    depth_first = [line.split()[1] for line in text if line.split()[0] in ("ROOT", "JOINT")]
    rng = np.random.default_rng(0)
    frames = 12
    turns = {name: rng.uniform(-25, 25, (frames, 3)) for name in names}
    roots = rng.normal(scale=20, size=(frames, 3)) + [0, 90, 0]
    positions, rotations = {}, {}
    for name in depth_first:
        parent, offset = tree[name]
        axes = {"X": 0, "Y": 1, "Z": 2}
        turn = np.broadcast_to(np.eye(3), (frames, 3, 3))
        for i, axis in enumerate(order):
            turn = turn @ exp_map(np.radians(turns[name][:, i : i + 1]) * np.eye(3)[axes[axis]])
        above = rotations[parent] if parent else np.broadcast_to(np.eye(3), (frames, 3, 3))
        rotations[name] = above @ turn
        positions[name] = positions[parent] + above @ np.array(offset, float) if parent else roots
    rows = [
        " ".join([*(f"{v:.6f}" for v in roots[t]), *(f"{v:.6f}" for name in depth_first for v in turns[name][t])])
        for t in range(frames)
    ]
    motion = ["MOTION", f"Frames: {frames}", "Frame Time: 0.02", *rows]
    return "\n".join(["HIERARCHY", *text, *motion]) + "\n", np.stack([positions[name] for name in depth_first], axis=1)


@pytest.mark.parametrize("order", [("Z", "X", "Y"), ("X", "Y", "Z"), ("Y", "Z", "X")])
def test_bvh_is_read_as_where_its_joints_are(tmp_path, order):
    from lsmpl_core.readers.bvh import read_bvh

    text, expected = bvh(order)
    (tmp_path / "take.bvh").write_text(text)
    raw = read_bvh(tmp_path / "take.bvh")
    assert raw.fps == pytest.approx(50) and raw.names[0] == "Hips"
    assert np.allclose(raw.positions, expected, atol=1e-4)
    track = read_keypoints(tmp_path / "take.bvh")
    assert track.layout.name == "bones" and track.fps == 50


def test_a_bvh_with_too_few_numbers_names_the_line(tmp_path):
    lines = bvh()[0].splitlines()
    lines[-3] = lines[-3].rsplit(" ", 2)[0]
    (tmp_path / "take.bvh").write_text("\n".join(lines))
    with pytest.raises(KeypointFileError, match=rf"line {len(lines) - 2} has fewer than the"):
        read_keypoints(tmp_path / "take.bvh")


def test_ntus_skeletons(tmp_path):
    ann, bob = walking(KINECT), walking(KINECT) + [0, 2, 0]
    lines = ["40"]
    for t in range(40):
        lines.append("2")
        for identity, who in (("72057594037931101", ann), ("72057594037931102", bob)):
            lines += [f"{identity} 0 1 1 1 1 0 0.1 0.2 2", "25"]
            lines += [" ".join(f"{v:.6f}" for v in point) + " 250 200 960 540 0 0 0 1 2" for point in who[t]]
    (tmp_path / "S001.skeleton").write_text("\n".join(lines))
    track = read_keypoints(tmp_path / "S001.skeleton", up="z", person="72057594037931102")
    assert track.layout is KINECT and np.allclose(track.positions, bob, atol=1e-5)
    assert track.fps == 30 and len(read_people(tmp_path / "S001.skeleton")) == 2
    (tmp_path / "cut.skeleton").write_text("\n".join(lines[:10]))
    with pytest.raises(KeypointFileError, match="line"):
        read_keypoints(tmp_path / "cut.skeleton")
