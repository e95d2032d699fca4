"""Rotations beside keypoints, of whatever form: read for the bones that they are of, in the axes of their places."""

import json
import pickle
from dataclasses import replace

import numpy as np
import pytest
from conftest import RECORDED
from test_readers_c3d import THEIA, segments_bytes

import lsmpl_core as lsmpl
from lsmpl_core.body.skeleton import JOINT_NAMES, PARENTS
from lsmpl_core.readers.rotations import turns_of
from lsmpl_core.readers.turn_readings import Reading
from lsmpl_core.rotation import exp_map, to_quaternion

BONES = {
    "Hips": "pelvis", "LeftUpLeg": "left_hip", "LeftLeg": "left_knee", "LeftFoot": "left_ankle",
    "RightUpLeg": "right_hip", "RightLeg": "right_knee", "RightFoot": "right_ankle", "Neck": "neck", "Head": "head",
    "LeftArm": "left_shoulder", "LeftForeArm": "left_elbow", "LeftHand": "left_wrist", "RightArm": "right_shoulder",
    "RightForeArm": "right_elbow", "RightHand": "right_wrist",
}  # fmt: skip
JOINTS = [JOINT_NAMES.index(joint) for joint in BONES.values()]
LIMBS = [(begin, end) for end, begin in enumerate(PARENTS) if begin >= 0 and {begin, end} <= set(JOINTS)]
Y_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])


@pytest.fixture(scope="module")
def moving(body):
    """Joints (T,24,3) of recorded motion, in metres, Y up, and how their bones are turned (T,24,3,3), each from a rest
    of its own."""
    recorded = replace(lsmpl.Motion.load(RECORDED / "05_02.npz").frames(slice(0, 120, 2)), body=body.key)
    world, joints = body.world(recorded)
    own = exp_map(np.random.default_rng(3).normal(size=(24, 3)))
    return joints @ Y_UP.T, Y_UP @ world @ own


def carried(track):
    """Degrees by which bones leave their mean direction in their own axes, the worst of all limbs."""
    row = {site: k for k, site in enumerate(track.layout.sites)}
    worst = 0.0
    for begin, end in LIMBS:
        begin, end = (row.get(JOINT_NAMES[joint]) for joint in (begin, end))
        if begin is None or end is None:
            continue
        along = track.positions[:, end] - track.positions[:, begin]
        inside = np.einsum("tba,tb->ta", exp_map(track.turns[:, begin].astype(float)), along)
        inside /= np.linalg.norm(inside, axis=1, keepdims=True)
        worst = max(worst, np.degrees(np.arccos(np.clip(inside @ inside.mean(axis=0), -1, 1))).max())
    return worst


def w_last(rotations):
    return np.roll(to_quaternion(rotations), -1, axis=-1)


def table(path, moving, quaternion="rotation", mirror=1.0):
    """A suit's CSV: `Hips_position_x`, `Hips_rotation_w`."""
    joints, turns = moving
    names = [f"{bone}_position_{axis}" for bone in BONES for axis in "xyz"]
    names += [f"{bone}_{quaternion}_{axis}" for bone in BONES for axis in "xyzw"]
    numbers = [(joints[:, JOINTS] * [mirror, 1, 1]), w_last(turns[:, JOINTS]) * [1, mirror, mirror, 1]]
    rows = np.concatenate([one.reshape(len(joints), -1) for one in numbers], axis=1)
    path.write_text("\n".join([",".join(names), *(",".join(f"{v:.6f}" for v in row) for row in rows)]))
    return lsmpl.read_keypoints(path, fps=60)


def test_a_tables_quaternions(tmp_path, moving):
    track = table(tmp_path / "suit.csv", moving)
    assert carried(track) < 0.1
    assert not [d for d in track.decisions if d.what in ("turns", "columns")]


def test_quaternions_of_a_left_handed_table(tmp_path, moving):
    track = table(tmp_path / "unity.csv", moving, mirror=-1.0)
    assert "mirrored" in [d.what for d in track.decisions]
    assert carried(lsmpl.read_keypoints(tmp_path / "unity.csv", fps=60, mirror=True)) < 0.1


def test_angles_are_no_quaternions(tmp_path, moving):
    joints, _ = moving
    names = [f"{bone}_{kind}_{axis}" for kind in ("position", "rotation") for bone in BONES for axis in "xyz"]
    rows = np.concatenate(
        [joints[:, JOINTS].reshape(len(joints), -1), np.random.default_rng(0).normal(size=(60, 45))], axis=1
    )
    path = tmp_path / "euler.csv"
    path.write_text("\n".join([",".join(names), *(",".join(f"{v:.5f}" for v in row) for row in rows)]))
    track = lsmpl.read_keypoints(path, fps=60)
    assert track.turns is None
    assert "Hips_rotation_x" in next(d for d in track.decisions if d.what == "columns").reason


@pytest.mark.parametrize("subject", ["", "Ann:"])
def test_motives_quaternions(tmp_path, moving, subject):
    joints, turns = moving
    header = [["", "Type"], ["", "Name"], ["", "ID"], ["", ""], ["Frame", "Time (Seconds)"]]
    columns = []
    for number, (bone, joint) in enumerate(zip(BONES, JOINTS)):
        for kind, axes, values in (
            ("Rotation", "XYZW", w_last(turns[:, joint])),
            ("Position", "XYZ", joints[:, joint]),
        ):
            for axis, column in zip(axes, values.T):
                for row, cell in zip(header, ("Bone", f"{subject}{bone}", str(number), kind, axis)):
                    row.append(cell)
                columns.append(column)
    rows = [[str(t), f"{t / 60:.4f}", *(f"{column[t]:.6f}" for column in columns)] for t in range(len(joints))]
    path = tmp_path / "motive.csv"
    path.write_text("Format Version,1.23,Export Frame Rate,60,Rotation Type,Quaternion,Length Units,Meters\n\n"
                    + "\n".join(",".join(row) for row in [*header, *rows]))  # fmt: skip
    assert carried(lsmpl.read_keypoints(path)) < 0.1


@pytest.mark.parametrize("form", ["w first", "w last", "objects", "at the end", "of two people"])
def test_a_sensors_orientations(tmp_path, moving, form):
    joints, turns = moving
    if form == "at the end":  # as Kinect 2: of the bone that ends at the joint, by the tree of what there is
        ends = {end: begin for begin, end in LIMBS}
        ends |= {JOINT_NAMES.index(f"{side}_shoulder"): 12 for side in ("left", "right")} | {12: 0}
        turns = turns.copy()
        turns[:, list(ends)] = turns[:, list(ends.values())]
    quaternions = w_last(turns) if form == "w last" else to_quaternion(turns)
    frames = []
    for t in range(len(joints)):
        body = {"id": 4, "joint_positions": joints[t, JOINTS].tolist(),
                "joint_orientations": quaternions[t, JOINTS].tolist()}  # fmt: skip
        if form == "objects":
            body["joint_orientations"] = [dict(zip("wxyz", q)) for q in quaternions[t, JOINTS].tolist()]
        other = [dict(body, id=9)] if form == "of two people" and t % 2 else []
        frames.append({"timestamp": t / 30, "bodies": [*other, body]})
    path = tmp_path / "sensor.json"
    path.write_text(json.dumps({"joint_names": list(BONES), "frames": frames}))
    track = lsmpl.read_keypoints(path)
    assert carried(track) < 0.1
    told = [d.value for d in track.decisions if d.what == "turns"]
    assert told == {
        "w last": ["quaternions with w last"],
        "at the end": ["turns of the bones that end at the joints"],
    }.get(form, [])


def test_joints_that_have_orientations_of_their_own(tmp_path, moving):
    joints, turns = moving
    frames = [
        [{"name": bone, "position": dict(zip("xyz", joints[t, j].tolist())),
          "orientation": dict(zip("wxyz", to_quaternion(turns[t, j]).tolist()))} for bone, j in zip(BONES, JOINTS)]
        for t in range(len(joints))
    ]  # fmt: skip
    (tmp_path / "joints.json").write_text(json.dumps({"frames": [{"joints": joints} for joints in frames]}))
    assert carried(lsmpl.read_keypoints(tmp_path / "joints.json", fps=30)) < 0.1


def test_segments_of_a_c3d(tmp_path, moving):
    joints, turns = moving
    order = [JOINT_NAMES.index(joint) for joint in THEIA.values()]
    (tmp_path / "theia.c3d").write_bytes(segments_bytes(1000 * joints[:, order], turns[:, order]))
    assert carried(lsmpl.read_keypoints(tmp_path / "theia.c3d", up="y")) < 0.1


def test_rotations_of_joints_that_are_not_the_keypoints(tmp_path, moving):
    """As of SAM 3D Body: of more joints than there are points, in axes half a turn away from theirs."""
    joints, turns = moving
    half_turn = np.diag([1.0, -1.0, -1.0])
    order = np.random.default_rng(0).permutation(24)
    names = list(BONES)
    for t in range(len(joints)):
        person = {
            "pred_keypoints_3d": joints[t, JOINTS].astype(np.float32), "pred_cam_t": np.array([0.1, 0.2, 3 + 0.01 * t]),
            "pred_joint_coords": joints[t, order], "pred_global_rots": half_turn @ turns[t, order],
        }  # fmt: skip
        np.savez(tmp_path / f"frame_{t:03d}.npz", **person)
    mapping = tmp_path / "mapping.json"
    mapping.write_text(json.dumps({"keypoints": [BONES[name] for name in names], "up": "y", "unit": "m"}))
    folder = tmp_path / "frames"
    folder.mkdir()
    for file in tmp_path.glob("*.npz"):
        file.rename(folder / file.name)
    track = lsmpl.read_keypoints(folder, layout=mapping, fps=30)
    assert carried(track) < 0.1
    assert "half a turn about x" in next(d for d in track.decisions if d.what == "turns").value


def test_frames_that_are_skipped_or_doubled_keep_their_turns(tmp_path, moving):
    joints, turns = moving
    kept = [t for t in range(60) for _ in range(2 if t == 7 else 1) if t not in (20, 21)]
    names = ["frame", *(f"{bone}_position_{axis}" for bone in BONES for axis in "xyz"),
             *(f"{bone}_rotation_{axis}" for bone in BONES for axis in "xyzw")]  # fmt: skip
    rows = np.concatenate([joints[:, JOINTS].reshape(60, -1), w_last(turns[:, JOINTS]).reshape(60, -1)], axis=1)[kept]
    lines = [f"{t}," + ",".join(f"{v:.6f}" for v in row) for t, row in zip(kept, rows)]
    (tmp_path / "gaps.csv").write_text("\n".join([",".join(names), *lines]))
    track = lsmpl.read_keypoints(tmp_path / "gaps.csv", fps=60)
    assert len(track) == 60 and np.isnan(track.turns[20:22]).all()
    assert carried(track.frames(slice(0, 20))) < 0.1 and carried(track.frames(slice(22, 60))) < 0.1


@pytest.mark.parametrize("beside", [False, True])
def test_points_numbered_out_of_order_take_rotations_and_scores_along(tmp_path, moving, beside):
    joints, turns = moving
    quaternions = to_quaternion(turns)

    def read(order):
        frames = []
        for t in range(60):
            points = [{"id": j, "position": joints[t, j].tolist()} for j in order]
            body = {"joints": points, "scores": [1 - 0.01 * j for j in order]}
            if beside:
                body["joint_orientations"] = quaternions[t, order].tolist()
            else:
                for point, j in zip(points, order):
                    point["orientation"] = quaternions[t, j].tolist()
            frames.append({"frame": t, **body})
        (tmp_path / "take.json").write_text(json.dumps({"fps": 30, "frames": frames}))
        return lsmpl.read_keypoints(tmp_path / "take.json")

    in_turn, shuffled = read(list(range(24))), read(np.random.default_rng(1).permutation(24).tolist())
    assert shuffled.turns is not None
    np.testing.assert_array_equal(shuffled.turns, in_turn.turns)
    np.testing.assert_array_equal(shuffled.confidence, in_turn.confidence)
    assert len(np.unique(shuffled.confidence[0])) == 24


def test_turns_that_never_change_are_none(tmp_path, moving):
    joints, turns = moving
    assert table(tmp_path / "still.csv", (joints, np.broadcast_to(turns[0], turns.shape))).turns is None


@pytest.mark.parametrize("value", [0.0, 7.0, np.nan, np.inf, 1e300])
def test_numbers_that_are_no_rotations_are_missing(value):
    quaternions = np.tile([1.0, 0.0, 0.0, 0.0], (4, 1))
    quaternions[1] = value
    assert np.isnan(turns_of(quaternions)).all(axis=1).tolist() == [False, True, False, False]
    matrices = np.tile(np.eye(3), (4, 1, 1))
    matrices[1], matrices[2] = value, np.diag([1.0, 1.0, -1.0])
    assert np.isnan(turns_of(matrices)).all(axis=1).tolist() == [False, True, True, False]
    assert turns_of(np.full((3, 4), value)) is None and turns_of(np.ones((3, 5))) is None


def test_broken_cells_of_rotations_do_not_spoil_a_table(tmp_path, moving):
    table(tmp_path / "suit.csv", moving)
    lines = (tmp_path / "suit.csv").read_text().splitlines()
    lines[5] = lines[5].rpartition(",")[0] + ",oops"
    (tmp_path / "suit.csv").write_text("\n".join(lines))
    track = lsmpl.read_keypoints(tmp_path / "suit.csv", fps=60)
    assert np.isfinite(track.positions).all() and np.isnan(track.turns[4]).any()


def test_readings_turn_as_they_say():
    turns = np.random.default_rng(0).normal(size=(5, 2, 3))
    rotations = exp_map(turns)
    about_z = exp_map(Reading(about="z").of(turns).astype(float))
    assert np.allclose(about_z, np.diag([-1, -1, 1]) @ rotations, atol=1e-5)
    expected = turns_of(np.roll(to_quaternion(rotations), 1, axis=-1))
    read = Reading(w_last=True).of(turns)
    assert np.allclose(exp_map(read.astype(float)), exp_map(expected.astype(float)), atol=1e-5)


def test_rotations_of_points_that_are_no_joints_are_none(tmp_path, moving):
    """As of rigid bodies of markers."""
    joints, turns = moving
    names = ["nose", "left_ear", "right_ear", "left_heel", "right_heel", *(BONES[bone] for bone in BONES)]
    places = np.concatenate([joints[:, [15] * 5] + np.arange(15).reshape(5, 3) / 50, joints[:, JOINTS]], axis=1)
    quaternions = np.full((len(joints), len(names), 4), 9.0)
    quaternions[:, :5] = to_quaternion(turns[:, [15] * 5])
    frames = [{"keypoints3d": one.tolist(), "orientations": q.tolist()} for one, q in zip(places, quaternions)]
    (tmp_path / "rigid.json").write_text(json.dumps({"names": names, "frames": frames}))
    layout = {name: name for name in names}
    (tmp_path / "mapping.json").write_text(json.dumps({"keypoints": layout, "up": "y", "unit": "m"}))
    assert lsmpl.read_keypoints(tmp_path / "rigid.json", layout=tmp_path / "mapping.json", fps=30).turns is None


@pytest.mark.parametrize("form", ["npz", "pkl", "joints of their own"])
def test_arrays_of_a_whole_take(tmp_path, moving, form):
    joints, turns = moving
    order = [*reversed(range(24))]
    fields = {"joints3d": joints[:, JOINTS], "names": list(BONES), "body_rotations": to_quaternion(turns[:, JOINTS])}
    if form == "joints of their own":
        fields |= {"pred_joint_coords": joints[:, order], "pred_cam_t": np.linspace(0, 1, 60)[:, None] * np.ones(3)}
        fields["body_rotations"] = turns[:, order]
    mapping = tmp_path / "mapping.json"
    mapping.write_text(json.dumps({"keypoints": list(BONES.values()), "up": "y", "unit": "m", "fps": 30}))
    if form == "pkl":
        (tmp_path / "take.pkl").write_bytes(pickle.dumps({k: v for k, v in fields.items() if k != "names"}))
        track = lsmpl.read_keypoints(tmp_path / "take.pkl", layout=mapping)
    else:
        np.savez(tmp_path / "take.npz", **fields)
        track = lsmpl.read_keypoints(tmp_path / "take.npz", fps=30)
    assert carried(track) < 0.1
