"""Other estimators' files become motions: the right person, in the right frames, and nothing in a file is run."""

import base64
import io
import json
import pickle
import sys
import zipfile
import zlib
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

import lsmpl_core as lsmpl
from lsmpl_core.body.skeleton import SMPLX
from lsmpl_core.cli.main import main
from lsmpl_core.errors import MotionFileError
from lsmpl_core.estimates import smpl_parameters
from lsmpl_core.files import safe_pickle
from lsmpl_core.files.pickle_arrays import to_array
from lsmpl_core.files.pickle_budget import Placeholder
from lsmpl_core.metrics import MILLIMETRES, mpjpe
from lsmpl_core.rotation import exp_map, log_map

FORMATS = ["wham.pkl", "phalp.pkl", "gvhmr.pt", "gvhmr.pkl", "smplerx", "parameters.npz"]
SMPL_X = FORMATS[2:]

# Written by joblib 1.6 (NumPy 2.4) in WHAM's form: subject 4 with 2 frames, numbered 1 and 2; pose_world = -pose.
WHAM_BY_JOBLIB = zlib.decompress(
    base64.b64decode(
        "eNq1lg9olGUcx7fdNufm3xkajVT8g1o5swy1vb+3cv0xJ9NK+gPWvNudvbfudvPulo0QFZlTdjJkN82GSQ0TQ0RkjOHe34vJCpMpFgsZ"
        "MkTGECkxsVFiY33uNmeySRD0wu3e973f8zyf7/P7PLBt6Q1lqSnJK5ZTGgoEfKVRf6g8Eo/leH0b3ZWBqNdfGo3Xx2NZnkp/IOpP/JQ+"
        "9K46/mY8NrW8MlhRlV9SGgr78oMM8LvDYXdVPJYZKXUH3OHE2IxkDd/eaFWFL/Emzb8svntXDRPML3LFUo14cXHxqgGu5J+ilGjcU5iV"
        "PgiWEt9J3Zb4/Fh6RSjii8emlIU8Ab8nPzlrSYW/9KMAbycXJx5fSiz+TthdUeFLLL1ge3JgVqTSUxpwRyJxKyc2ptw7iJggi1huiIrS"
        "ilbu5CkU9jIsllo4zGqNj6VtXHKf1Zo8kjSW7Q4EQptLgkF3RXxXLG+QK7lGiTvg/7A86CuPlniqor5IvGhSpSd7YPhKxAvl7ng+lOsq"
        "+Lrx5QLuC7IvNXHfXrBiQy/PLsOOTjGyL8023l2+xKDG+L1/nbFig8+oO1NpUG/sK6ylpt7oOdxIXZOxOOsYtc3G1jKb+nbjfEcHYzqN"
        "vEXdjOs1rL03GNtntNzuZ7xL0p4cI/sKc2TB+onCWrJ2zzTpOZwnm50Zwrryxc15sjjrKflu5tMCg/z6xjLZWmZI7o4XBR5Z3rxSznes"
        "lg29awU2qZn6nuQtel+Ov+YWOOXnT/xi7Q3KX0c3Ccwy+3KVtNzeInMztwv80jq9GoYaWb10Nxy1cmXNHljqJGLthadeMrc3wLRfPj9w"
        "AK5GWXjyIGyH5NtzX8LXJOt6DsN4RK7dPQrnMfn0keOwnpAJC0/C2yxfvdICc6s898EpuG354WMH9tOyvu4M/O3y25HvyXBWdpw+R44O"
        "mdZ1gSwX5ZtbP5GnU1iETF3y46zL5OoWb8EVsl2VP9/qIV+v1AaukfG6zKj+hZw35OTBm2S9Ja+23CZvn3Rd+IPMdyR47S65+4WWm3Mz"
        "U81V49JM9t+sfzTdbJ2eYXbPyTTphTlvcZa5eulYc5Nkm/TFPPX6OPPKmvFm+tsTTHpkFnsmmRFrsvlZea7ZsHDojMQyomE3h9N6bFB5"
        "63FrhjUTr10749Ysa7Y1x5pnLdhlPZEQcOwD/o12NTxzb97sxJkr2RwKB7wjJ185yuTjBgYe8HsbPT5FzjZcaeO+jZ5x397G3vHssnHO"
        "xjMbt2xqbByy8cbGFZt6GyeoqbfpPXVNNj2mttmml9S32/SMMZ02vWFcr00PGNtns9eMdyl7quyjsnfKWorfit+K38q6it+K34rfCoPi"
        "t+K34rfCo/it+K34rbApfit+K34rnIrfit+K3wqz4rfit+K3wq/4DUON4jcctYrfsNQpfsNTr/gN037Fb7gaFb9hO6T4DV+T4jeMRxS/"
        "4Tym+A3rCcVveJsVv2FuVfyG21b8hv204jf87YrfZDir+E2ODsVvslxU/CZPp+I3mboUv8nVrfhNtquK3+TrVfwm43XFb3LeUPwm6y3F"
        "b/L2KX6T+Y7iN7n7lZ47+O3gt8P+O/jt4LeD3w69cPDbwW8Hvx364uC3g98Ofjv0yMFvB78d/HYanr3nYU7S74eJOJrlrqR/214Y7fOP"
        "c+PxRd2jnJvsUWZMfeh8//XTsGiY42NfODoKR0aRq2YkyZh/Ob//93Wfe+zGsDvoK/F7R7JX3+OeNMw9ceDBa+h/j5S0oe/KSP7fHXxy"
        "0g=="
    )
)
# And in PHALP's: person 7 in 2 frames, turned a quarter about Z.
PHALP_BY_JOBLIB = zlib.decompress(
    base64.b64decode(
        "eNrtVd1O1EAU3qUtPysgBANGo1GjEaIsICZyQYIEL4wNG6IX6gVpTrvdPYW20/QnuiQmeIFgMnfO3vsmvoKP4husM9N2WXZX2MTbPUnb"
        "r9MzPT+T833HavNpsSDtC1uk045XX1mVVj4I6kysqbHj2UwvUDVCEgtQqoXg2UYAMbKeLVSJnSrbZ/oYUNU0yWeO6dwBMV3HLPuJFzSM"
        "wLEOXZvR2Yp43Q5DaLwPIQjskP1gS19l1PEoMS0XoohRTe5idMyvgvDlTlSLEAKelXrCMQmrfCst7nBcjRt8HWdzxH1Hahvs+9kpe8sW"
        "dYUWN1mlUnnT4iZveiFmJi2B65JPhudBwM7o7TRPGc0A16n7nu3HhtmI7YjpM4k53sosbd2frX89m0cpKgCdjEOwDu2qIfvJG8TX1MgL"
        "XI5FxVN1l5jgGiR0eDCGU2kncAbn8IZe1BVdOWU4jwt4E2/xop6fF4V3e0vCe2d4X+Q62eqwNJnjX9kzy7PTjrea6xmkEyap8uMikd2d"
        "zsKFdJbbwa63LlpvjH7vQ5+hz9CnZw6f5HOomXYMUfcMlk4Gmb/BrLmagQToqMXZPQROS10BlT4Bp/vFE7X83G4+K+bcp1rErwkhmJfM"
        "WjYsEtplL3FjJ6V0OhpZ4IIQAFzeUWu12hb7xskNaEmqgOGDJE18KbjP2bic+3bG87qyn6iRcyS277PF3d8juwXNBnoNfJ/EEDvEj+Qn"
        "7uZBdCixKHr33Jv3hCR+zMVI2dtbYwlA0iF8a7lWoqIXUdULqPV8xTEpiTjR01W13dU77a4Ori8bub7gAykp+DBN/vGl+nHV+V2uD0sZ"
        "xJUBVWFiqAdDn6HP/+rBo3zu1gdQAq1j3q6+2jOdAL4YiPi1Xr4321y0KZn6ApHjK7n2upubBc120DLuSSrGd31YGD/gR0G9Sfkva0iP"
        "wg=="
    )
)


def take(frames: int, seed: int) -> dict[str, np.ndarray]:
    """Poses (N,24,3) with at most a third of a turn in each joint, trans (N,3) and betas (N,10), as float32."""
    rng = np.random.default_rng(seed)
    values = {"poses": rng.uniform(-1.2, 1.2, (frames, 24, 3)), "trans": rng.normal(size=(frames, 3))}
    values["betas"] = rng.normal(size=10) + np.linspace(-0.1, 0.1, frames)[:, None]
    return {name: value.astype(np.float32) for name, value in values.items()}


def smplx(some: dict) -> dict:
    """`smpl_params_*` of GVHMR."""
    poses = some["poses"].reshape(-1, 72)
    fields = {"global_orient": poses[:, :3], "body_pose": poses[:, 3:66], "betas": some["betas"]}
    return {**fields, "transl": some["trans"]}


def write_wham(path: Path, people: dict, frames: dict, camera_only: bool = False) -> Path:
    results = defaultdict(dict)
    for name, some in people.items():
        count = len(some["poses"])
        world = {"pose_world": some["poses"].reshape(count, 72), "trans_world": some["trans"]}
        camera = {"pose": np.full((count, 72), 0.5, np.float32), "trans": np.full((count, 3), 9, np.float32)}
        if camera_only:
            world, camera = {}, {"pose": world["pose_world"], "trans": world["trans_world"]}
        verts = np.zeros((count, 6, 3), np.float32)
        results[np.int64(name)].update(
            **camera, **world, betas=some["betas"], verts=verts, frame_ids=np.array(frames[name])
        )
    path.write_bytes(pickle.dumps(results))
    return path


def write_phalp(path: Path, people: dict, frames: dict, total: int, ghosts: dict | None = None) -> Path:
    """`ghosts` {person: {frame: tracked_time}}: frames where a person has a pose that is not what was seen there."""
    video = {}
    for t in range(total):
        entry = {"time": t, "shot": 0, "tid": [], "tracked_time": [], "smpl": [], "camera": [], "conf": []}
        for name, some in people.items():
            ages = dict.fromkeys(frames[name], 0) | (ghosts or {}).get(name, {})
            if t not in ages:
                continue
            i = frames[name].index(t) if t in frames[name] else 0
            matrices = exp_map(some["poses"][i].astype(np.float64)).astype(np.float32)
            pose = {"global_orient": matrices[:1], "body_pose": matrices[1:], "betas": some["betas"][i]}
            entry["tid"].append(name)
            entry["tracked_time"].append(ages[t])
            entry["smpl"].append(pose)
            entry["camera"].append(some["trans"][i])
            entry["conf"].append(np.float32(0.9))
        video[f"_DEMO/walk/img/{t + 1:06d}.jpg"] = entry
    path.write_bytes(zlib.compress(pickle.dumps(video)))
    return path


def write_gvhmr(path: Path, some: dict, camera_only: bool = False) -> Path:
    world, camera = smplx(some), smplx(take(len(some["poses"]), seed=99))
    results = (
        {"smpl_params_incam": world} if camera_only else {"smpl_params_global": world, "smpl_params_incam": camera}
    )
    if path.suffix == ".pkl":
        path.write_bytes(pickle.dumps(results))
        return path
    torch = pytest.importorskip("torch")
    tensors = {
        key: {name: torch.from_numpy(np.array(v)) for name, v in fields.items()} for key, fields in results.items()
    }
    torch.save({**tensors, "K_fullimg": torch.eye(3), "net_outputs": {"pred_x": torch.zeros(1, 4), "none": None}}, path)
    return path


def write_smplerx(folder: Path, people: dict, frames: dict) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, some in people.items():
        for i, frame in enumerate(frames[name]):
            fields = {key: value[i].reshape(-1, 3 if key != "betas" else 10) for key, value in smplx(some).items()}
            np.savez(
                folder / f"{frame:05}_{name}.npz", **fields, left_hand_pose=np.ones((15, 3)), expression=np.ones(10)
            )
    return folder


def write(tmp_path: Path, name: str, some: dict) -> Path:
    """The take of one person, seen in each frame, in the form of `FORMATS`."""
    path, frames = tmp_path / name, list(range(len(some["poses"])))
    if name == "wham.pkl":
        return write_wham(path, {0: some}, {0: frames})
    if name == "phalp.pkl":
        return write_phalp(path, {1: some}, {1: frames}, len(frames))
    if name.startswith("gvhmr"):
        return write_gvhmr(path, some)
    if name == "smplerx":
        return write_smplerx(path, {0: some}, {0: [frame + 1 for frame in frames]})
    np.savez(path, **smplx(some))
    return path


def same_pose(a, b) -> bool:
    return np.abs(exp_map(np.asarray(a, np.float64)) - exp_map(np.asarray(b, np.float64))).max() < 1e-5


def decided(motion: lsmpl.Motion) -> dict[str, lsmpl.Decision]:
    return {decision.what: decision for decision in motion.decisions}


# What is read


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_back_its_poses(tmp_path, name):
    some = take(5, seed=1)
    motion = lsmpl.read_motion(write(tmp_path, name, some))
    joints = 22 if name in SMPL_X else 24
    assert same_pose(motion.poses[:, :joints], some["poses"][:, :joints])
    assert not motion.poses[:, joints:].any()
    np.testing.assert_allclose(motion.trans, some["trans"], atol=1e-6)
    np.testing.assert_allclose(motion.betas, some["betas"].mean(axis=0), atol=1e-6)
    assert motion.body == (SMPLX.name if name in SMPL_X else "")


def test_reads_what_joblib_itself_wrote_for_wham(tmp_path):
    (tmp_path / "wham_output.pkl").write_bytes(WHAM_BY_JOBLIB)
    motion = lsmpl.read_motion(tmp_path / "wham_output.pkl")
    pose = -(np.arange(144).reshape(2, 24, 3) / 1000)
    np.testing.assert_allclose(motion.poses, pose[[0, 0, 1]], atol=1e-6)
    np.testing.assert_array_equal(motion.trans, np.ones((3, 3)))
    assert decided(motion)["person"].value == "4"


@pytest.mark.parametrize("compress", [bytes, zlib.compress])
def test_reads_what_joblib_itself_wrote_for_4dhumans(tmp_path, compress):
    (tmp_path / "demo_walk.pkl").write_bytes(compress(PHALP_BY_JOBLIB))
    motion = lsmpl.read_motion(tmp_path / "demo_walk.pkl")
    np.testing.assert_allclose(motion.poses[:, 0], [[0, 0, np.pi / 2]] * 2, atol=1e-6)
    assert not motion.poses[:, 1:].any()
    np.testing.assert_array_equal(motion.betas, np.full(10, 0.5))
    np.testing.assert_array_equal(motion.trans[1], [0, 1, 20])


def test_our_own_files_are_read_as_ever(tmp_path, stroll):
    stroll.save(tmp_path / "walk.npz")
    motion, loaded = lsmpl.read_motion(tmp_path / "walk.npz"), lsmpl.Motion.load(tmp_path / "walk.npz")
    np.testing.assert_array_equal(motion.poses, loaded.poses)
    assert (motion.body, motion.fps, motion.first_frame) == (loaded.body, loaded.fps, loaded.first_frame)
    with pytest.raises(MotionFileError, match=r"walk\.npz: holds one motion .* no person to choose"):
        lsmpl.read_motion(tmp_path / "walk.npz", person=0)


def test_the_content_decides_not_the_name(tmp_path):
    some = take(3, seed=2)
    for name, misnamed in [("wham.pkl", "a.npz"), ("parameters.npz", "a.pkl"), ("gvhmr.pt", "a.pkl")]:
        path = write(tmp_path, name, some).rename(tmp_path / misnamed)
        assert same_pose(lsmpl.read_motion(path).poses[:, :22], some["poses"][:, :22])


def test_the_world_is_preferred_to_the_camera_which_will_do(tmp_path):
    some = take(3, seed=3)
    for path in (
        write_wham(tmp_path / "camera.pkl", {0: some}, {0: [0, 1, 2]}, camera_only=True),
        write_gvhmr(tmp_path / "camera.pt", some, camera_only=True),
    ):
        motion = lsmpl.read_motion(path)
        assert same_pose(motion.poses[:, :22], some["poses"][:, :22])
        np.testing.assert_allclose(motion.trans, some["trans"], atol=1e-6)


def test_tensors_in_a_pickle_are_read_where_they_are_needed_and_not_otherwise(tmp_path):
    """As the embeddings and action labels that some versions of PHALP keep; TRAM's poses are tensors themselves."""
    torch = pytest.importorskip("torch")
    some = take(2, seed=4)
    path = write_phalp(tmp_path / "a.pkl", {1: some}, {1: [0, 1]}, total=2)
    content = pickle.loads(zlib.decompress(path.read_bytes()))
    for entry in content.values():
        entry["ava_action"] = {1: torch.zeros(80)}
    path.write_bytes(pickle.dumps(content))
    assert same_pose(lsmpl.read_motion(path).poses, some["poses"])
    for tensor in (
        torch.arange(24.0).reshape(2, 3, 4),
        torch.arange(6)[2:].double(),
        torch.eye(3).half().T,
        torch.zeros(0, 3),
    ):
        read = to_array(safe_pickle.loads(pickle.dumps(tensor), name="x"))
        assert np.array_equal(read, tensor.numpy())


# Whose motion, in which frames


def two_people(tmp_path: Path, name: str) -> tuple[Path, dict, dict]:
    """Person 2 in three frames, person 5 in four, of six."""
    people, frames = {2: take(3, seed=5), 5: take(4, seed=6)}, {2: [0, 1, 2], 5: [1, 2, 4, 5]}
    if name == "wham.pkl":
        return write_wham(tmp_path / name, people, frames), people, frames
    if name == "phalp.pkl":
        return write_phalp(tmp_path / name, people, frames, total=6), people, frames
    numbers = {person: [frame + 1 for frame in some] for person, some in frames.items()}
    return write_smplerx(tmp_path / name, people, numbers), people, frames


SEVERAL = ["wham.pkl", "phalp.pkl", "smplerx"]


@pytest.mark.parametrize("name", SEVERAL)
def test_the_one_in_most_frames_is_taken_unless_another_is_named(tmp_path, name):
    path, people, _ = two_people(tmp_path, name)
    default = lsmpl.read_motion(path)
    assert same_pose(default.poses[[1, 2, 4, 5], :22], people[5]["poses"][:, :22])
    assert "person: 5 (assumed, estimated in most frames of: 5 (4 frames), 2 (3 frames))" in map(str, default.decisions)
    for person in (2, "2"):
        chosen = lsmpl.read_motion(path, person)
        assert same_pose(chosen.poses[:3, :22], people[2]["poses"][:, :22])
        assert decided(chosen)["person"].basis == "given"
        np.testing.assert_allclose(chosen.betas, people[2]["betas"].mean(axis=0), atol=1e-6)


@pytest.mark.parametrize("name", SEVERAL)
def test_a_wrong_person_is_answered_with_who_is_there(tmp_path, name):
    path, _, _ = two_people(tmp_path, name)
    with pytest.raises(MotionFileError, match=rf"{name}: has no person 3; there are: 5 \(4 frames\), 2 \(3 frames\)"):
        lsmpl.read_motion(path, 3)


@pytest.mark.parametrize("name", SEVERAL)
def test_frames_without_an_estimate_hold_the_nearest(tmp_path, name):
    path, people, _ = two_people(tmp_path, name)
    motion = lsmpl.read_motion(path)
    assert same_pose(motion.poses[:, :22], people[5]["poses"][[0, 0, 1, 1, 2, 3], :22])
    assert "held: the nearest pose in 2 of 6 frames (assumed" in " ".join(map(str, motion.decisions))
    first = lsmpl.read_motion(path, 2)
    assert same_pose(first.poses[:, :22], people[2]["poses"][[0, 1, 2, 2, 2, 2], :22])


def test_nothing_is_said_of_held_frames_where_there_are_none(tmp_path):
    motion = lsmpl.read_motion(write(tmp_path, "wham.pkl", take(4, seed=7)))
    assert {decision.what: decision.basis for decision in motion.decisions} == {
        "estimator": "detected",
        "person": "file",
        "fps": "assumed",
        "parameters": "detected",
    }


@pytest.mark.parametrize(("name", "first"), [("wham.pkl", 0), ("smplerx", 1)])
def test_the_number_of_frames_extends_results_that_do_not_tell_it(tmp_path, name, first):
    path, people, _ = two_people(tmp_path, name)
    motion = lsmpl.read_motion(path, frames=8)
    assert (len(motion), motion.first_frame) == (8, first)
    assert same_pose(motion.poses[5:, :22], people[5]["poses"][[3, 3, 3], :22])
    with pytest.raises(MotionFileError, match="which are no frames of a take of 4"):
        lsmpl.read_motion(path, frames=4)


def test_results_of_a_clip_start_with_its_first_frame(tmp_path):
    some = take(3, seed=8)
    folder = write_smplerx(tmp_path / "clip", {0: some}, {0: [101, 103, 104]})
    motion = lsmpl.read_motion(folder, frames=4)
    assert (len(motion), motion.first_frame) == (4, 101)
    assert same_pose(motion.poses[:, :22], some["poses"][[0, 0, 1, 2], :22])
    assert decided(motion)["first frame"].value == "101"


def test_results_that_tell_their_number_of_frames_keep_it(tmp_path):
    some = take(3, seed=9)
    for name in ("gvhmr.pt", "phalp.pkl"):
        assert len(lsmpl.read_motion(write(tmp_path, name, some), frames=7)) == 3


def test_a_pose_that_phalp_only_kept_is_no_estimate_but_a_filled_one_is(tmp_path):
    some = take(2, seed=10)
    path = write_phalp(tmp_path / "a.pkl", {3: some}, {3: [1, 3]}, total=5, ghosts={3: {2: 1, 4: 2}})
    assert same_pose(lsmpl.read_motion(path).poses, some["poses"][[0, 0, 0, 1, 1]])
    path = write_phalp(tmp_path / "b.pkl", {3: some}, {3: [1, 3]}, total=5, ghosts={3: {4: -1}})
    assert same_pose(lsmpl.read_motion(path).poses[4], some["poses"][0])


def test_smplerx_folders_count_from_one_or_nought_and_may_be_the_output_folder(tmp_path):
    some = take(2, seed=11)
    for place, numbers, first in (("from1", [2, 3], 1), ("from0", [0, 2], 0)):
        folder = write_smplerx(tmp_path / place / "smplx", {0: some}, {0: numbers})
        (folder / "notes.npz").write_bytes(b"")
        motion = lsmpl.read_motion(folder.parent)
        assert (len(motion), motion.first_frame) == (3, first)


def test_numbers_that_are_no_identities_are_said_to_be_none(tmp_path):
    path, _, _ = two_people(tmp_path, "smplerx")
    assert decided(lsmpl.read_motion(path, 5))["identity"].basis == "assumed"
    path, _, _ = two_people(tmp_path, "wham.pkl")
    assert "identity" not in decided(lsmpl.read_motion(path, 5))


# What is refused


def changed(fields: dict, change: dict) -> dict:
    return {name: value for name, value in {**fields, **change}.items() if value is not None}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"body_pose": None}, "holds global_orient, betas, transl; expected a motion"),
        ({"transl": np.zeros((2, 3))}, r"transl has shape \(2, 3\)"),
        ({"transl": np.full((3, 3), np.nan)}, "trans hold 9 values that are not finite"),
        ({"body_pose": np.zeros((3, 66))}, r"body_pose has shape \(3, 66\); expected"),
        ({"body_pose": np.zeros((2, 63))}, "global_orient has 3 frames, body_pose 2"),
        ({"body_pose": [object]}, "body_pose is a Global, not an array"),
        ({"global_orient": np.zeros((3, 4))}, "global_orient holds quaternions of length 0"),
        ({"global_orient": np.ones((3, 1, 3, 3))}, "no rotations"),
        ({"global_orient": np.tile(-np.eye(3), (3, 1, 1))}, "no rotations"),
        ({"global_orient": np.full((3, 3, 3), np.nan)}, "not finite"),
        ({"global_orient": np.zeros((0, 3))}, "global_orient has 0 frames, body_pose 3"),
        ({"global_orient": {}}, "holds global_orient, body_pose, betas, transl; expected a motion"),
    ],
)
def test_names_the_field_that_is_wrong(tmp_path, change, message):
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.dumps(changed(smplx(take(3, seed=12)), change)))
    with pytest.raises(MotionFileError, match=rf"a\.pkl: .*{message}"):
        lsmpl.read_motion(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"frame_ids": np.array([0, 1])}, "frame_ids has 2 numbers, pose_world 3 frames"),
        ({"frame_ids": np.array([-1, 0, 1])}, "numbers its frames -1 to 1"),
        ({"frame_ids": np.array([0, 1, 10**12])}, "expected at most 250000"),
        ({"frame_ids": np.array([0, 1, 2**64 - 1], np.uint64)}, "expected at most 250000"),
        ({"pose": None, "pose_world": None}, "holds 0; expected a motion"),
    ],
)
def test_names_what_is_wrong_with_whams_results(tmp_path, change, message):
    path = write_wham(tmp_path / "a.pkl", {0: take(3, seed=13)}, {0: [0, 1, 2]})
    content = pickle.loads(path.read_bytes())
    path.write_bytes(pickle.dumps({0: changed(content[0], change)}))
    with pytest.raises(MotionFileError, match=rf"a\.pkl: .*{message}"):
        lsmpl.read_motion(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tid": [1, 2]}, "no lists of one length"),
        ({"tid": [[1]]}, "name is a list"),
        ({"tid": 5}, "no lists of one length"),
        ({"smpl": [None]}, "smpl holds a NoneType"),
        ({"smpl": [{}]}, "has no global_orient; it holds transl"),
        (
            {"smpl": [{"global_orient": np.zeros((1, 3)), "body_pose": np.zeros((23, 3)), "betas": np.zeros(10)}]},
            "global_orient has other shapes in some frames",
        ),
        ({"smpl": [{"global_orient": np.zeros(600)}]}, "global_orient is 600 values .* expected at most 512"),
        ({"time": "noon"}, "a time is a str"),
        ({"time": 10**15}, "a time is"),
        ({"time": 10**6}, "expected at most 250000"),
        ({"tracked_time": ["now"]}, "a tracked_time is a str"),
    ],
)
def test_names_what_is_wrong_with_4dhumans_results(tmp_path, change, message):
    path = write_phalp(tmp_path / "a.pkl", {1: take(2, seed=14)}, {1: [0, 1]}, total=2)
    content = pickle.loads(zlib.decompress(path.read_bytes()))
    content["_DEMO/walk/img/000002.jpg"].update(change)
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(MotionFileError, match=rf"a\.pkl: .*{message}"):
        lsmpl.read_motion(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"#!/bin/sh\n", "neither an npz nor a PyTorch file nor a pickle"),
        (b"PK\x03\x04 and no more", "damaged npz or PyTorch file"),
        (pickle.dumps([1, 2]), "holds a list; expected"),
        (pickle.dumps({}), "holds nothing; expected a motion in the AMASS layout or SMPL parameters"),
        (pickle.dumps({"a": 1, 2: 3}), "holds a, 2; expected"),
        (pickle.dumps({"img.jpg": {"time": 0, "tid": [], "smpl": []}}), "no estimate of anybody"),
    ],
)
def test_says_what_it_found_in_other_files(tmp_path, content, message):
    (tmp_path / "odd").write_bytes(content)
    with pytest.raises(MotionFileError, match=rf"odd.*{message}"):
        lsmpl.read_motion(tmp_path / "odd")


def test_missing_files_and_empty_folders_are_named(tmp_path):
    with pytest.raises(MotionFileError, match=r"none\.pkl: cannot be read: No such file"):
        lsmpl.read_motion(tmp_path / "none.pkl")
    with pytest.raises(MotionFileError, match=r"without files such as 00001_0\.npz"):
        lsmpl.read_motion(tmp_path)
    np.savez(tmp_path / "other.npz", joints=np.zeros(3))
    with pytest.raises(MotionFileError, match=r"other\.npz: has no poses and no trans; it holds: joints"):
        lsmpl.read_motion(tmp_path / "other.npz")


def test_a_damaged_file_in_a_folder_is_named(tmp_path):
    folder = write_smplerx(tmp_path / "smplx", {0: take(2, seed=15)}, {0: [1, 2]})
    (folder / "00002_0.npz").write_bytes(b"PK\x03\x04")
    with pytest.raises(MotionFileError, match=r"smplx: 00002_0\.npz: is a damaged npz"):
        lsmpl.read_motion(folder)
    np.savez(folder / "00002_0.npz", global_orient=np.zeros((1, 3)))
    with pytest.raises(MotionFileError, match=r"smplx: has no body_pose; it holds global_orient"):
        lsmpl.read_motion(folder)


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "smplerx"])
def test_damage_anywhere_is_reported_as_such_or_harmless(tmp_path, name):
    data = write(tmp_path, name, take(3, seed=16)).read_bytes()
    rng, path, refused = np.random.default_rng(17), tmp_path / "damaged", 0
    for number in range(60):
        broken = bytearray(data)
        if number % 3:
            broken[rng.integers(len(data))] = rng.integers(256)
        else:
            del broken[rng.integers(len(data)) :]
        path.write_bytes(broken)
        try:
            assert np.isfinite(lsmpl.read_motion(path).poses).all()
        except MotionFileError as error:
            assert str(path) in str(error)
            refused += 1
    assert refused >= 20, "every file that was cut short"


def test_damaged_compressed_arrays_are_reported(tmp_path):
    np.savez_compressed(tmp_path / "walk.npz", poses=np.random.default_rng(0).random((9, 72)), trans=np.zeros((9, 3)))
    data = bytearray((tmp_path / "walk.npz").read_bytes())
    data[300:340] = b"\xff" * 40
    (tmp_path / "walk.npz").write_bytes(data)
    for read in (lsmpl.read_motion, lsmpl.Motion.load):
        with pytest.raises(MotionFileError, match=r"walk\.npz: poses is damaged"):
            read(tmp_path / "walk.npz")


class Touch:
    """Makes a file when an ordinary unpickler reads it."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_hostile_files_are_refused_and_run_nothing(tmp_path):
    torch = pytest.importorskip("torch")
    sentinel = tmp_path / "ran"
    fields = {**smplx(take(2, seed=18)), "extra": Touch(sentinel)}
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(fields))
    torch.save({"smpl_params_global": fields}, tmp_path / "a.pt")
    for name, message in (("a.pkl", "nothing in it was run"), ("a.pt", "nothing in it was run")):
        with pytest.raises(MotionFileError, match=rf"{name}.*{message}") as caught:
            lsmpl.read_motion(tmp_path / name)
        assert "weights_only" not in str(caught.value), "no advice to switch the protection off"
        assert not sentinel.exists()
    pickle.loads((tmp_path / "a.pkl").read_bytes())
    assert sentinel.exists(), "an ordinary unpickler runs it"


def test_a_pickle_within_a_tensor_of_a_pickle_is_not_opened(tmp_path):
    sentinel = tmp_path / "ran"
    inner = pickle.dumps(Touch(sentinel))
    outer = b"\x80\x02ctorch.storage\n_load_from_bytes\nB" + len(inner).to_bytes(4, "little") + inner + b"\x85R."
    value = safe_pickle.loads(outer, name="a.pkl")
    assert type(value) is Placeholder and not sentinel.exists()
    for other in (
        b"torch\nload",
        b"torch.hub\nload",
        b"torch._utils\n_rebuild_tensor_v2.__call__",
        b"torch.storage\nio.open",
    ):
        with pytest.raises(lsmpl.LsmplError, match="asks for"):
            safe_pickle.loads(b"\x80\x02c" + other + b"\nX\x01\x00\x00\x00x\x85R.", name="a.pkl")


def test_tensors_without_plain_numbers_are_refused(tmp_path):
    torch = pytest.importorskip("torch")
    fields = {name: torch.from_numpy(np.array(value)) for name, value in smplx(take(3, seed=19)).items()}
    for wrong in (fields["body_pose"].to_sparse(), torch.zeros(1).expand(smpl_parameters.MAX_NUMBERS + 1)):
        torch.save({**fields, "body_pose": wrong}, tmp_path / "a.pt")
        with pytest.raises(MotionFileError, match=r"a\.pt: body_pose is no plain tensor"):
            lsmpl.read_motion(tmp_path / "a.pt")
    torch.save(fields["betas"], tmp_path / "a.pt")
    with pytest.raises(MotionFileError, match=r"a\.pt: holds a Tensor; expected"):
        lsmpl.read_motion(tmp_path / "a.pt")


def test_archives_that_unpack_to_too_much_are_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(safe_pickle, "MAX_BYTES", 1 << 20)
    some = smplx(take(2, seed=20))
    np.savez_compressed(tmp_path / "a.npz", **some, bomb=np.zeros(1 << 18))
    assert (tmp_path / "a.npz").stat().st_size < 1 << 14
    with pytest.raises(MotionFileError, match=r"a\.npz: holds more than 1 MB"):
        lsmpl.read_motion(tmp_path / "a.npz")
    (tmp_path / "smplx").mkdir()
    (tmp_path / "a.npz").rename(tmp_path / "smplx" / "00001_0.npz")
    with pytest.raises(MotionFileError, match=r"00001_0\.npz: holds more than 1 MB"):
        lsmpl.read_motion(tmp_path / "smplx")


def test_arrays_that_claim_more_than_their_bytes_are_refused(tmp_path):
    member = io.BytesIO()
    np.lib.format.write_array_header_1_0(member, {"descr": "<f8", "fortran_order": False, "shape": (10**13, 3)})
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        for name in ("global_orient", "body_pose"):
            archive.writestr(f"{name}.npy", member.getvalue())
    with pytest.raises(MotionFileError, match=r"a\.npz: global_orient claims shape"):
        lsmpl.read_motion(tmp_path / "a.npz")


def test_without_torch_a_pytorch_file_says_what_is_missing(tmp_path, monkeypatch):
    path = tmp_path / "gvhmr.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({}))
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MotionFileError, match=r"gvhmr\.pt: is a PyTorch file, and PyTorch.*is not installed"):
        lsmpl.read_motion(path)


# Refined


def in_a_camera(motion: lsmpl.Motion) -> dict:
    """The motion as 4DHumans sees it: Y down, 40 m away, shape and hands included."""
    turn, poses = exp_map(np.array([np.pi / 2, 0.2, 0.0])), motion.poses.copy()
    poses[:, 0] = log_map(turn @ exp_map(poses[:, 0]))
    rng = np.random.default_rng(22)
    poses = log_map(exp_map(poses) @ exp_map(0.1 * rng.normal(size=poses.shape)))
    return {
        "poses": poses,
        "trans": motion.trans @ turn.T + [0, 0, 40],
        "betas": np.tile(motion.betas, (len(motion), 1)),
    }


def test_the_command_refines_4dhumans_results(tmp_path, capsys, body, stroll):
    some, truth = in_a_camera(stroll.frames(slice(0, 12))), stroll.frames(slice(0, 12))
    estimated = {key: value[:10] for key, value in some.items()}
    other = {key: value[:4] for key, value in take(4, seed=23).items()}
    motion = write_phalp(
        tmp_path / "demo.pkl", {4: estimated, 9: other}, {4: list(range(10)), 9: [8, 9, 10, 11]}, total=12
    )
    np.savez(tmp_path / "points.npz", keypoints=body.keypoints(truth).positions)
    words = ["refine-motion", str(motion), str(tmp_path / "points.npz"), "-o", str(tmp_path / "out.npz")]
    report = tmp_path / "report.json"
    words += ["--layout", "body_25", "--unit", "m", "--up", "z", "--report", str(report)]
    assert main(words) == 0
    said = capsys.readouterr().err
    assert f"{motion}: person: 4 (assumed, estimated in most frames of: 4 (10 frames), 9 (4 frames))" in said
    assert "held: the nearest pose in 2 of 12 frames" in said
    decisions = json.loads(report.read_text())["files"][0]["motion"]["decisions"]
    assert {"what": "person", "value": "4"}.items() <= decisions[1].items()
    refined = lsmpl.Motion.load(tmp_path / "out.npz")
    assert mpjpe(body.joints(truth)[:10, :22], body.joints(refined)[:10, :22]) < 25.0
    assert np.nanmean(refined.residual) * MILLIMETRES < 10.0
    assert main([*words, "--person", "9", "--polish", "0"]) == 0
    assert "estimated in most frames" not in capsys.readouterr().err
    assert main([*words, "--person", "5"]) == 1
    assert "has no person 5; there are: 4 (10 frames), 9 (4 frames)" in capsys.readouterr().err


def test_betas_of_smplx_give_way_to_the_tracks(tmp_path, body, stroll):
    some = in_a_camera(stroll.frames(slice(0, 12)))
    some["betas"] = np.full((12, 10), 4.0)
    motion = lsmpl.read_motion(write_gvhmr(tmp_path / "a.pt", some))
    refined = lsmpl.refine_motion(body.keypoints(stroll.frames(slice(0, 12))), body, motion)
    assert np.abs(refined.betas).max() < 3.0
    assert np.nanmean(refined.residual) * MILLIMETRES < 20.0
