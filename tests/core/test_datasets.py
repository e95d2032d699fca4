"""Evaluation data sets, in files of the form in which their owners distribute them, made here."""

import io
import json
import os
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from python2_pickle import Python2Pickler

import lsmpl_core as lsmpl
from lsmpl_core.body.skeleton import SMPLX
from lsmpl_core.datasets import EvaluationTake, LeftOut, detect_kind, read_dataset
from lsmpl_core.errors import DatasetError
from lsmpl_core.rotation import exp_map, log_map
from training.split import is_validation, validation_subjects

Y_UP = exp_map(np.array([-np.pi / 2, 0.0, 0.0]))
"""From Z up to Y up."""


@pytest.fixture(scope="module")
def users_body(body) -> lsmpl.Body:
    """A body that motions may be for without saying so, as SMPL's."""
    return replace(body, name="SMPL_NEUTRAL")


@pytest.fixture
def short(stroll) -> lsmpl.Motion:
    return stroll.frames(slice(0, 12))


def read(kind: str, folder: Path, body: lsmpl.Body | None = None) -> tuple[dict[str, EvaluationTake], list[LeftOut]]:
    """The takes by name, and what was left out."""
    results = list(read_dataset(kind, folder, body))
    takes = [result for result in results if isinstance(result, EvaluationTake)]
    assert len({take.name for take in takes}) == len(takes)
    return {take.name: take for take in takes}, [result for result in results if isinstance(result, LeftOut)]


def in_world(motion: lsmpl.Motion, turn: np.ndarray, pelvis: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """poses (T,72) and trans (T,3) in a world that is turned; pelvis: J0 of the body that they are for."""
    poses = motion.poses.copy()
    poses[:, 0] = log_map(turn @ exp_map(poses[:, 0]))
    return poses.reshape(len(poses), 72), (motion.trans + pelvis) @ turn.T - pelvis


def drift(a: np.ndarray, b: np.ndarray) -> float:
    """By how much the distance between two motions' joints (T,24,3) changes over joints and frames, in metres."""
    return float(np.abs((a - b) - (a - b)[:1, :1]).max())


# AMASS


def write_amass(folder: Path, motion: lsmpl.Motion) -> None:
    """SMPL+H clips of one subject, an SMPL-X clip of another, and the files beside them that hold no motion."""
    body = motion.poses.reshape(len(motion), 72)[:, :66]
    smplh = {
        "poses": np.concatenate([body, np.full((len(body), 90), 0.2)], axis=1), "trans": motion.trans,
        "gender": np.array("male"), "mocap_framerate": np.array(120.0), "betas": np.linspace(-1.0, 1.0, 16),
        "dmpls": np.zeros((len(body), 8)), "marker_labels": np.array([b"LFHD"]),
    }  # fmt: skip
    smplx = {
        "gender": np.array("female"), "surface_model_type": np.array("smplx"), "mocap_frame_rate": np.array(60.0),
        "mocap_time_length": np.array(0.2), "markers_latent": np.zeros((2, 3)),
        "latent_labels": np.array(["LFHD", "RFHD"]),
        "markers_latent_vids": np.array({"LFHD": 1}, dtype=object), "trans": motion.trans,
        "poses": np.concatenate([body, np.full((len(body), 99), 0.2)], axis=1), "betas": np.ones(16),
        "num_betas": np.array(16), "root_orient": body[:, :3], "pose_body": body[:, 3:],
        "pose_hand": np.zeros((len(body), 90)), "pose_jaw": np.zeros((len(body), 3)),
        "pose_eye": np.zeros((len(body), 6)),
    }  # fmt: skip
    for place in ("CMU/01", "CMU/02", "ACCAD/Female1Gestures_c3d"):
        (folder / place).mkdir(parents=True)
    np.savez(folder / "CMU/01/01_01_poses.npz", **smplh)
    np.savez(folder / "CMU/02/02_01_poses.npz", **smplh)
    np.savez(folder / "CMU/01/shape.npz", gender=smplh["gender"], betas=smplh["betas"])
    np.savez(folder / "ACCAD/Female1Gestures_c3d/D1_-_Urban_1_stageii.npz", **smplx)
    stagei = {name: smplx[name] for name in ("gender", "betas", "markers_latent", "markers_latent_vids")}
    np.savez(folder / "ACCAD/Female1Gestures_c3d/neutral_stagei.npz", **stagei)


def test_amass_gives_the_body_joints_of_each_clip_and_its_folder_as_subject(tmp_path, short):
    write_amass(tmp_path, short)
    takes, left_out = read("amass", tmp_path)
    names = {"CMU/01/01_01_poses": "CMU/01", "CMU/02/02_01_poses": "CMU/02"}
    names["ACCAD/Female1Gestures_c3d/D1_-_Urban_1_stageii"] = "ACCAD/Female1Gestures_c3d"
    assert {name: take.subject for name, take in takes.items()} == names
    for take in takes.values():
        np.testing.assert_allclose(take.truth.poses[:, :22], short.poses[:, :22], atol=1e-12)
        assert not take.truth.poses[:, 22:].any()
        assert take.valid.all()
    smplh = takes["CMU/01/01_01_poses"]
    assert (smplh.truth.fps, smplh.gender, smplh.truth.body) == (120.0, "male", "")
    np.testing.assert_allclose(smplh.truth.betas, np.linspace(-1.0, 1.0, 16)[:10])
    np.testing.assert_array_equal(smplh.truth.trans, short.trans)
    assert sorted(out.path.name for out in left_out) == ["neutral_stagei.npz", "shape.npz"]
    assert not any(out.broken for out in left_out)


def test_amass_smplx_pelves_stay_where_they_are(tmp_path, short, users_body):
    write_amass(tmp_path, short)
    take = read("amass", tmp_path, users_body)[0]["ACCAD/Female1Gestures_c3d/D1_-_Urban_1_stageii"]
    assert (take.truth.fps, take.gender, take.truth.body) == (60.0, "female", SMPLX.name)
    pelvis = short.trans + [0.0031, -0.3514, 0.0120]
    on_body = replace(take.truth, betas=np.zeros(10), body=users_body.key)
    np.testing.assert_allclose(users_body.joints(on_body)[:, 0], pelvis, atol=1e-9)


def test_a_flat_folder_is_split_by_the_names_of_its_clips(tmp_path, short):
    for name in ("07_01.npz", "07_02.npz", "salsa_1.npz"):
        short.save(tmp_path / name)
    assert [take.subject for take in read("auto", tmp_path)[0].values()] == ["07", "07", "salsa"]


def test_subjects_of_the_recorded_motion_are_those_of_the_split(mocap):
    takes = list(read_dataset("auto", mocap))
    assert {take.subject in validation_subjects() for take in takes} == {True, False}
    for take in takes:
        assert is_validation(mocap / f"{take.name}.npz") == (take.subject in validation_subjects())


# 3DPW


def write_3dpw(path: Path, motions: list[lsmpl.Motion], pelves: list[np.ndarray], valid: np.ndarray, **changes) -> None:
    """A sequence with all the fields that 3DPW's have; pelves: J0 of each person's body."""
    people = [in_world(motion, Y_UP, pelvis) for motion, pelvis in zip(motions, pelves)]
    frames, count = len(motions[0]), len(motions)
    content = {
        "sequence": path.stem,
        "poses": [poses for poses, _ in people],
        "trans": [trans for _, trans in people],
        "poses_60Hz": [np.repeat(poses, 2, axis=0) for poses, _ in people],
        "trans_60Hz": [np.repeat(trans, 2, axis=0) for _, trans in people],
        "betas": [motion.betas for motion in motions],
        "betas_clothed": [motion.betas for motion in motions],
        "v_template_clothed": [np.zeros((6890, 3)) for _ in motions],
        "genders": ["m", "f"][:count],
        "texture_maps": [np.zeros((4, 4, 3), np.uint8) for _ in motions],
        "poses2d": [np.zeros((frames, 3, 18)) for _ in motions],
        "jointPositions": [np.zeros((frames, 72)) for _ in motions],
        "img_frame_ids": np.arange(0, 2 * frames, 2),
        "cam_poses": np.tile(np.eye(4), (frames, 1, 1)),
        "cam_intrinsics": np.eye(3),
        "campose_valid": [valid for _ in motions],
    }
    stream = io.BytesIO()
    Python2Pickler(stream, 2).dump(content | changes)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(stream.getvalue())


def test_3dpw_gives_a_take_for_each_person_turned_to_z_up(tmp_path, short, users_body):
    two = [replace(short, body=""), replace(short, body="", trans=short.trans + [1.0, 0.5, 0.0], betas=np.zeros(10))]
    valid = np.arange(len(short)) != 3
    pelves = [users_body.rest_joints(motion.betas)[0] for motion in two]
    write_3dpw(tmp_path / "sequenceFiles/test/downtown_bar_00.pkl", two, pelves, valid.astype(np.int64))
    takes, left_out = read("3dpw", tmp_path, users_body)
    assert not left_out
    assert list(takes) == ["test/downtown_bar_00_0", "test/downtown_bar_00_1"]
    assert [take.gender for take in takes.values()] == ["male", "female"]
    for take, motion in zip(takes.values(), two):
        np.testing.assert_allclose(users_body.joints(take.truth), users_body.joints(motion), atol=1e-9)
        np.testing.assert_array_equal(take.valid, valid)
        assert take.truth.fps == 30.0
        assert any(d.what == "up" and d.value == "y" for d in take.decisions)


def test_3dpw_without_its_body_is_off_by_a_constant_at_most(tmp_path, short, users_body):
    pelvis = users_body.rest_joints(short.betas)[0]
    write_3dpw(tmp_path / "sequenceFiles/train/a_00.pkl", [short], [pelvis], np.ones(len(short)))
    (take,) = read("3dpw", tmp_path)[0].values()
    own = replace(short, body="")
    found, true = users_body.joints(take.truth), users_body.joints(own)
    assert drift(found, true) < 1e-9
    assert np.linalg.norm((found - true)[0, 0]) < 0.2


def test_one_broken_sequence_or_person_stops_no_other(tmp_path, short):
    places = [tmp_path / f"sequenceFiles/test/{name}_00.pkl" for name in "abcde"]
    for place in places:
        write_3dpw(place, [short, short], [np.zeros(3)] * 2, np.ones(len(short)))
    places[0].write_bytes(places[0].read_bytes()[:-500])
    places[1].write_bytes(pickle.dumps([1, 2]))
    bad = short.poses.reshape(-1, 72).copy()
    bad[4] = np.nan
    write_3dpw(places[2], [short] * 2, [np.zeros(3)] * 2, np.ones(12), poses=[bad, bad * 0.0])
    write_3dpw(places[3], [short] * 2, [np.zeros(3)] * 2, np.ones(12), campose_valid=[np.ones(3), np.ones(12)])
    takes, left_out = read("3dpw", tmp_path / "sequenceFiles")
    assert list(takes) == ["test/d_00_1", "test/e_00_0", "test/e_00_1"]
    assert [out.path.name[0] for out in left_out] == ["a", "b", "c", "c", "d"]
    assert all(out.broken and str(out).startswith(str(out.path)) for out in left_out)
    assert "expected a 3DPW sequence" in str(left_out[1])
    assert "campose_valid has 3 frames; expected 12" in str(left_out[4])


def test_nothing_in_a_sequence_is_run(tmp_path):
    class Harm:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "harm"),)

    place = tmp_path / "sequenceFiles/test/a_00.pkl"
    place.parent.mkdir(parents=True)
    place.write_bytes(pickle.dumps({"poses": [Harm()], "trans": []}))
    takes, left_out = read("auto", tmp_path)
    assert not takes
    assert "nothing in it was run" in str(left_out[0])
    assert not (tmp_path / "harm").exists()


def test_a_cut_off_sequence_is_always_reported(tmp_path, short):
    place = tmp_path / "sequenceFiles/test/a_00.pkl"
    write_3dpw(place, [short], [np.zeros(3)], np.ones(len(short)), v_template_clothed=[])
    whole = place.read_bytes()
    for size in np.linspace(0, len(whole) - 1, 40).astype(int):
        place.write_bytes(whole[:size])
        takes, left_out = read("3dpw", tmp_path)
        assert (len(takes), len(left_out)) == (0, 1)


# RICH


def write_rich(place: Path, motion: lsmpl.Motion, subject: str, frames: list[int], turn: np.ndarray) -> None:
    poses, trans = in_world(motion, turn, np.array([0.0031, -0.3514, 0.0120]))
    for i, frame in enumerate(frames):
        content = {
            "transl": trans[i, None], "global_orient": poses[i, None, :3], "body_pose": poses[i, None, 3:66],
            "betas": np.full((1, 10), 0.3), "left_hand_pose": np.zeros((1, 12)), "right_hand_pose": np.zeros((1, 12)),
            "jaw_pose": np.zeros((1, 3)), "leye_pose": np.zeros((1, 3)), "reye_pose": np.zeros((1, 3)),
            "expression": np.zeros((1, 10)),
        }  # fmt: skip
        path = place / f"{frame:05d}" / f"{subject}.pkl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pickle.dumps({name: value.astype(np.float32) for name, value in content.items()}))
        path.with_suffix(".ply").write_bytes(b"ply\n")


Y_DOWN = exp_map(np.array([np.pi / 2, 0.0, 0.0]))


def test_rich_gathers_frames_into_a_motion_for_each_subject(tmp_path, short, body):
    place = tmp_path / "train_body/LectureHall_009_021_reparingprojector1"
    frames = [*range(30, 36), *range(38, 44)]
    write_rich(place, short, "009", frames, Y_DOWN)
    write_rich(place, short, "021", frames, Y_DOWN)
    write_rich(tmp_path / "train_body/BBQ_001_guitar", short, "001", list(range(12)), Y_DOWN)
    takes, left_out = read("auto", tmp_path)
    assert not left_out
    assert [name.split("/", 1)[1] for name in takes] == [
        "BBQ_001_guitar/001",
        "LectureHall_009_021_reparingprojector1/009",
        "LectureHall_009_021_reparingprojector1/021",
    ]
    assert [take.gender for take in takes.values()] == ["male", "female", "female"]
    take = takes["train_body/LectureHall_009_021_reparingprojector1/021"]
    assert (take.subject, take.truth.first_frame, take.truth.body, len(take)) == ("021", 30, SMPLX.name, 14)
    np.testing.assert_array_equal(np.flatnonzero(~take.valid), [6, 7])
    np.testing.assert_array_equal(take.truth.poses[6:8], take.truth.poses[[5, 8]])
    assert any(decision.what == "held" and "2 of 14" in decision.value for decision in take.decisions)
    np.testing.assert_allclose(take.truth.poses[take.valid][:, 1:22], short.poses[:, 1:22], atol=1e-6)
    mean = replace(short, betas=np.zeros(10))
    found = replace(take.truth.frames(take.valid), betas=np.zeros(10), body=body.key)
    assert drift(body.joints(found)[:, :22], body.joints(mean)[:, :22]) < 1e-5


def test_rich_is_levelled_by_its_scene_where_that_is_there(tmp_path, short, users_body):
    tilted = exp_map(np.array([0.2, 0.1, 0.0])) @ Y_DOWN
    write_rich(tmp_path / "bodies/test/Gym_010_dips1", short, "010", list(range(12)), tilted)
    (tmp_path / "multicam2world").mkdir()
    scene = {"R": tilted.tolist(), "t": [1.1, 0.0, 2.2], "c": 1.1}  # row vectors: x' = c x R + t
    (tmp_path / "multicam2world/Gym_multicam2world.json").write_text(json.dumps(scene))
    (take,) = read("rich", tmp_path / "bodies", users_body)[0].values()
    np.testing.assert_allclose(exp_map(take.truth.poses[:, 0]), exp_map(short.poses[:, 0]), atol=1e-6)
    pelvis = users_body.joints(replace(take.truth, betas=np.zeros(10), body=users_body.key))[:, 0]
    np.testing.assert_allclose(pelvis, short.trans + [0.0031, -0.3514, 0.0120] + [1.0, 0.0, 2.0], atol=1e-5)
    assert take.decisions[0].basis == "file"
    (tmp_path / "multicam2world/Gym_multicam2world.json").write_text('{"R": [[2, 0, 0], [0, 1, 0], [0, 0, 1]]}')
    takes, left_out = read("rich", tmp_path / "bodies")
    assert not takes
    assert "expected R (3,3), t (3,) and c" in str(left_out[0])


def test_a_broken_frame_of_rich_is_a_gap(tmp_path, short):
    place = tmp_path / "Gym_002_lunge1"
    write_rich(place, short, "002", list(range(12)), Y_DOWN)
    (place / "00004/002.pkl").write_bytes(b"\x80\x04nonsense")
    (place / "00007/002.pkl").write_bytes(pickle.dumps({"transl": np.zeros((1, 3))}))
    takes, left_out = read("rich", tmp_path)
    np.testing.assert_array_equal(np.flatnonzero(~takes["Gym_002_lunge1/002"].valid), [4, 7])
    assert [out.path.parent.name for out in left_out] == ["00004", "00007"]
    for path in place.rglob("*.pkl"):
        path.write_bytes(b"")
    takes, left_out = read("rich", tmp_path)
    assert not takes
    assert len(left_out) == 13


# Estimates and keypoints


def write_paired(folder: Path, body: lsmpl.Body, motion: lsmpl.Motion, names: list[str], truth: bool = True) -> None:
    track = body.keypoints(motion)
    for name in names:
        for side in ("estimates", "keypoints", "truth"):
            (folder / side / name).parent.mkdir(parents=True, exist_ok=True)
        estimate = replace(motion, poses=motion.poses + 0.05, fps=25.0)
        estimate.save(folder / "estimates" / f"{name}.npz")
        np.save(folder / "keypoints" / f"{name}.npy", track.positions)
        if truth:
            motion.save(folder / "truth" / f"{name}.npz")


def test_estimates_keypoints_and_truth_are_paired_by_name(tmp_path, body, stroll):
    write_paired(tmp_path, body, stroll, ["S1/vault", "S2/beam"])
    (tmp_path / "truth/S2/beam.npz").unlink()
    takes, left_out = read("auto", tmp_path)
    assert not left_out
    assert {name: take.subject for name, take in takes.items()} == {"S1/vault": "S1", "S2/beam": "S2"}
    take = takes["S1/vault"]
    np.testing.assert_allclose(take.truth.poses, stroll.poses, atol=1e-6)
    np.testing.assert_allclose(take.estimate.poses, stroll.poses + 0.05, atol=1e-6)
    assert len(take.track) == len(take.estimate) == len(take) == 60
    assert take.estimate.fps == take.truth.fps == take.track.fps
    assert takes["S2/beam"].truth is None


def test_a_folder_with_a_file_for_each_frame_is_one_take(tmp_path, body, stroll):
    write_paired(tmp_path, body, stroll, ["vault_1"], truth=False)
    motion = lsmpl.Motion.load(tmp_path / "estimates/vault_1.npz")
    (tmp_path / "estimates/vault_1.npz").unlink()
    (tmp_path / "estimates/vault_1").mkdir()
    for t in range(len(motion)):
        parameters = {"global_orient": motion.poses[t, :1], "body_pose": motion.poses[t, 1:22]}
        parameters |= {"betas": motion.betas[None], "transl": motion.trans[t, None]}
        np.savez(tmp_path / f"estimates/vault_1/{t + 1:05d}_0.npz", **parameters)
    takes, left_out = read("paired", tmp_path)
    assert not left_out
    assert takes["vault_1"].subject == "vault"
    np.testing.assert_allclose(takes["vault_1"].estimate.poses[:, :22], motion.poses[:, :22], atol=1e-6)


def test_what_has_no_partner_or_other_frames_is_reported(tmp_path, body, stroll):
    write_paired(tmp_path, body, stroll, ["a", "b", "c", "d"])
    (tmp_path / "estimates/a.npz").unlink()
    (tmp_path / "keypoints/b.npy").unlink()
    stroll.frames(slice(0, 50)).save(tmp_path / "truth/c.npz")
    takes, left_out = read("paired", tmp_path)
    assert list(takes) == ["d"]
    assert [(out.path.name, out.broken) for out in left_out] == [("a.npy", False), ("b.npz", False), ("c.npy", True)]
    assert "truth/c.npz: has 50 frames, but its keypoints" in str(left_out[2]).replace(os.sep, "/")


# Kinds


def test_the_kind_is_told_from_the_files(tmp_path, body, stroll, short):
    write_amass(tmp_path / "amass", short)
    write_3dpw(tmp_path / "3dpw/sequenceFiles/test/a_00.pkl", [short], [np.zeros(3)], np.ones(12))
    write_rich(tmp_path / "rich/bodies/train/Gym_002_lunge1", short, "002", [0, 1], Y_DOWN)
    write_paired(tmp_path / "paired", body, stroll, ["a"])
    for kind in ("amass", "3dpw", "rich", "paired"):
        assert detect_kind(tmp_path / kind) == kind
    assert detect_kind(tmp_path / "3dpw/sequenceFiles/test") == "3dpw"


def test_other_folders_and_kinds_are_refused(tmp_path):
    with pytest.raises(DatasetError, match="is no folder"):
        read_dataset("auto", tmp_path / "nowhere")
    with pytest.raises(DatasetError, match="holds no known data set; expected 3DPW"):
        read_dataset("auto", tmp_path)
    with pytest.raises(DatasetError, match="no data set is called 'h36m'; choose one of: auto, 3dpw, rich"):
        read_dataset("h36m", tmp_path)
    with pytest.raises(DatasetError, match="has no folder estimates and no folder keypoints"):
        read_dataset("paired", tmp_path)


def test_takes_come_as_they_are_read(tmp_path, short):
    write_amass(tmp_path, short)
    results = read_dataset("amass", tmp_path)
    assert isinstance(next(results), EvaluationTake)
    for path in tmp_path.rglob("*.npz"):
        path.unlink()
    assert all(isinstance(result, LeftOut) for result in results)
