"""SMPL parameters of any estimator are found by their names and shapes; the forms are those of public repositories."""

import json
import pickle

import numpy as np
import pytest

import lsmpl_core as lsmpl
from lsmpl_core.errors import MotionFileError
from lsmpl_core.estimates.rotation_forms import rotations
from lsmpl_core.metrics import MILLIMETRES, mpjpe
from lsmpl_core.rotation import exp_map, to_quaternion

FRAMES = 6


@pytest.fixture(scope="module")
def some():
    """poses (T,24,3), trans (T,3), betas (T,10) of somebody, and of another."""
    rng = np.random.default_rng(0)
    people = []
    for _ in range(2):
        poses = rng.uniform(-0.9, 0.9, (FRAMES, 24, 3)).astype(np.float32)
        poses[:, 22:] = 0  # which not every form has
        betas = np.tile(rng.normal(size=10), (FRAMES, 1)).astype(np.float32)
        people.append({"poses": poses, "trans": rng.normal(size=(FRAMES, 3)).astype(np.float32), "betas": betas})
    return people


def flat(one) -> np.ndarray:
    return one["poses"].reshape(FRAMES, 72)


def wide(one, values: int) -> np.ndarray:
    """The pose with zeros for the joints of hands and face."""
    return np.concatenate([flat(one)[:, :66], np.zeros((FRAMES, values - 66), np.float32)], axis=1)


def matrices(one) -> np.ndarray:
    return exp_map(one["poses"].astype(float)).astype(np.float32)


def six(one) -> np.ndarray:
    return matrices(one)[..., :2].reshape(FRAMES, 24, 6)


def as_objects(content) -> np.ndarray:
    array = np.empty((), object)
    array[()] = content
    return array


def romp_frame(people, t):
    return {
        "smpl_thetas": np.stack([flat(one)[t] for one in people]),
        "smpl_betas": np.stack([one["betas"][t] for one in people]),
        "cam_trans": np.stack([one["trans"][t] for one in people]),
        "joints": np.zeros((len(people), 71, 3), np.float32),
    }


SINGLE = {
    "EDGE": lambda a, b: {"smpl_poses": flat(a), "smpl_trans": a["trans"], "full_pose": np.zeros((FRAMES, 24, 3))},
    "AIST++": lambda a, b: {
        "smpl_loss": 0.1, "smpl_poses": flat(a), "smpl_scaling": np.array([90.0]), "smpl_trans": 90 * a["trans"],
    },
    "SLAHMR, HuMoR": lambda a, b: {
        "root_orient": flat(a)[None, :, :3], "pose_body": flat(a)[None, :, 3:66], "trans": a["trans"][None],
        "betas": a["betas"][:1], "cam_R": np.zeros((1, FRAMES, 3, 3)),
    },
    "TRAM": lambda a, b: {
        "pred_rotmat": matrices(a), "pred_shape": a["betas"], "pred_trans": a["trans"][:, None],
        "frame": np.arange(FRAMES), "pred_cam": np.zeros((FRAMES, 3)), "pred_pose": six(a).reshape(FRAMES, 144),
    },
    "6D": lambda a, b: {"pred_pose": six(a).reshape(FRAMES, 144), "pred_transl": a["trans"], "pred_betas": a["betas"]},
    "PromptHMR": lambda a, b: {
        "camera": {"img_focal": 1200.0},
        "people": {1: {"track_id": 1, "frames": np.arange(FRAMES),
                       "smplx_cam": {"pose": np.ones((FRAMES, 165)), "shape": a["betas"], "trans": a["trans"]},
                       "smplx_world": {"pose": wide(a, 165), "shape": a["betas"], "trans": a["trans"]}}},
    },
    "VIBE, PARE": lambda a, b: {
        1: {"pred_cam": np.zeros((FRAMES, 3)), "pose": flat(a), "betas": a["betas"], "joints2d": None,
            "frame_ids": np.arange(FRAMES)},
    },
    "HybrIK": lambda a, b: {
        "pred_theta_mats": matrices(a).reshape(FRAMES, 216), "pred_betas": a["betas"], "transl": a["trans"],
    },
    "Motion-X, SMPL-X in one": lambda a, b: {"pose": wide(a, 165), "trans": a["trans"], "betas": a["betas"]},
    "quaternions, w last": lambda a, b: {
        "rotations": None, "body_pose": np.roll(to_quaternion(exp_map(a["poses"].astype(float))), -1, -1)[:, 1:],
        "global_orient": np.roll(to_quaternion(exp_map(a["poses"].astype(float))), -1, -1)[:, :1],
        "transl": a["trans"], "betas": a["betas"],
    },
    "Meshcapade": lambda a, b: {"fullpose": flat(a), "trans": a["trans"], "betas": a["betas"][0]},
}  # fmt: skip
TWO = {
    "3DPW": lambda a, b: {
        "poses": [flat(a), flat(b)], "trans": [a["trans"], b["trans"]], "betas": [a["betas"][0], b["betas"][0]],
    },
    "SLAHMR": lambda a, b: {
        "root_orient": np.stack([flat(a), flat(b)])[..., :3], "pose_body": np.stack([flat(a), flat(b)])[..., 3:66],
        "trans": np.stack([a["trans"], b["trans"]]), "betas": np.stack([a["betas"][0], b["betas"][0]]),
    },
    "CoMotion": lambda a, b: {
        "id": np.repeat([4, 9], FRAMES), "frame_idx": np.tile(np.arange(FRAMES), 2),
        "pose": np.concatenate([flat(a), flat(b)]), "trans": np.concatenate([a["trans"], b["trans"]]),
        "betas": np.concatenate([a["betas"], b["betas"]]),
    },
    "VIBE": lambda a, b: {
        name: {"pose": flat(one), "betas": one["betas"], "frame_ids": np.arange(FRAMES)}
        for name, one in ((1, a), (2, b))
    },
    "Multi-HMR": lambda a, b: [
        [
            {"rotvec": wide(one, 159)[t].reshape(53, 3), "transl": one["trans"][t], "shape": one["betas"][t]}
            for one in (a, b)
        ]
        for t in range(FRAMES)
    ],
    "ROMP": lambda a, b: {f"{t:05}.jpg": romp_frame((a, b), t) for t in range(FRAMES)},
}  # fmt: skip


def assert_is(motion, one, translated=True):
    assert motion.poses.shape[0] == FRAMES
    assert (
        mpjpe(*(exp_map(poses[:, :22].astype(float)).reshape(FRAMES, -1, 3) for poses in (motion.poses, one["poses"])))
        < 1e-3 * MILLIMETRES
    )
    assert not translated or np.allclose(motion.trans, one["trans"], atol=1e-5)


@pytest.mark.parametrize("form", SINGLE)
def test_reads_every_form_of_one_person(tmp_path, some, form):
    (tmp_path / "results.pkl").write_bytes(pickle.dumps(SINGLE[form](*some)))
    motion = lsmpl.read_motion(tmp_path / "results.pkl")
    assert_is(motion, some[0], translated=form != "VIBE, PARE")
    said = {decision.what: decision for decision in motion.decisions}
    assert "parameters" in said
    assert ("translation" in said) == (form == "VIBE, PARE")
    assert form != "PromptHMR" or (said["space"].value == "world" and said["person"].value == "1")


HANDS = {
    "SMPL-H, (T,156)": lambda a, hands: {"pose": np.concatenate([wide(a, 66), hands.reshape(FRAMES, 90)], axis=1)},
    "SMPL-X, (T,165)": lambda a, hands: {"fullpose": np.concatenate([wide(a, 75), hands.reshape(FRAMES, 90)], axis=1)},
    "SMPL-X, in parts": lambda a, hands: {
        "global_orient": flat(a)[:, :3], "body_pose": flat(a)[:, 3:66],
        "left_hand_pose": hands[:, :15].reshape(FRAMES, 45), "right_hand_pose": hands[:, 15:].reshape(FRAMES, 45),
    },
    "OSX": lambda a, hands: {
        "smplx_root_pose": flat(a)[:, :3], "smplx_body_pose": flat(a)[:, 3:66],
        "smplx_lhand_pose": exp_map(hands[:, :15]), "smplx_rhand_pose": exp_map(hands[:, 15:]),
    },
}  # fmt: skip


@pytest.mark.parametrize("form", HANDS)
def test_hands_of_estimators_are_read(tmp_path, some, form):
    hands = np.random.default_rng(1).uniform(-0.8, 0.8, (FRAMES, 30, 3))
    fields = HANDS[form](some[0], hands) | {"trans": some[0]["trans"]}
    (tmp_path / "results.pkl").write_bytes(pickle.dumps(fields))
    motion = lsmpl.read_motion(tmp_path / "results.pkl")
    assert_is(motion, some[0])
    assert np.abs(exp_map(motion.fingers) - exp_map(hands)).max() < 1e-5


@pytest.mark.parametrize("hand", [np.zeros((FRAMES, 45)), np.zeros((FRAMES, 12)), np.full((FRAMES, 45), np.nan)])
def test_hands_that_never_bend_or_are_no_rotations_leave_the_body(tmp_path, some, hand):
    fields = {"global_orient": flat(some[0])[:, :3], "body_pose": flat(some[0])[:, 3:66], "left_hand_pose": hand}
    (tmp_path / "results.pkl").write_bytes(pickle.dumps(fields | {"trans": some[0]["trans"]}))
    motion = lsmpl.read_motion(tmp_path / "results.pkl")
    assert_is(motion, some[0])
    assert motion.fingers is None


def test_refine_keeps_the_hands_of_an_estimator(tmp_path, body, stroll):
    clip = stroll.frames(slice(0, 8))
    hands = np.full((8, 30, 3), 0.1)
    fields = {"poses": np.concatenate([clip.poses.reshape(8, 72)[:, :66], hands.reshape(8, 90)], axis=1)}
    (tmp_path / "results.pkl").write_bytes(pickle.dumps(fields | {"trans": clip.trans}))
    motion = lsmpl.read_motion(tmp_path / "results.pkl", frames=8)
    refined = lsmpl.refine_motion(body.keypoints(clip, lsmpl.get_layout("body_25")), body, motion)
    assert np.abs(refined.fingers - hands).max() < 1e-9


@pytest.mark.parametrize("size", [3, 4, 6, 9])
def test_rotations_of_no_frames_are_none(size):
    """What is told by what most joints do was told by nothing, with a warning."""
    assert rotations(np.zeros((0, 24, size)), "poses", "full").shape == (0, 24, 3)


@pytest.mark.parametrize("form", TWO)
def test_reads_both_of_two_people(tmp_path, some, form):
    (tmp_path / "results.pkl").write_bytes(pickle.dumps(TWO[form](*some)))
    names = {"CoMotion": ("4", "9"), "VIBE": ("1", "2")}.get(form, ("0", "1"))
    for name, one in zip(names, some):
        assert_is(lsmpl.read_motion(tmp_path / "results.pkl", person=name), one, translated=form != "VIBE")


@pytest.mark.parametrize("container", ["npz", "npy", "npz of objects", "json"])
def test_reads_them_from_every_container(tmp_path, some, container):
    fields = SINGLE["SLAHMR, HuMoR"](*some)
    path = tmp_path / f"results.{container.split()[0]}"
    if container == "npz":
        np.savez(path, **fields)
    elif container == "npz of objects":
        np.savez(path, results=as_objects(fields))
    elif container == "npy":
        np.save(path, as_objects(fields))
    else:
        path.write_text(json.dumps({key: value.tolist() for key, value in fields.items()}))
    assert_is(lsmpl.read_motion(path), some[0])


def test_reads_pytorchs_tensors_in_a_pickled_array_without_pytorch(tmp_path, some):
    torch = pytest.importorskip("torch")
    fields = {key: torch.from_numpy(np.array(value)) for key, value in SINGLE["TRAM"](*some).items()}
    np.save(tmp_path / "hps_track_0.npy", as_objects(fields))
    assert_is(lsmpl.read_motion(tmp_path / "hps_track_0.npy"), some[0])


@pytest.mark.parametrize("nested", [False, True])
def test_reads_folders_of_one_file_a_frame(tmp_path, some, nested):
    """EasyMocap's JSON, whose root stands beside the pose, and smplify-x's folders of a pickle each."""
    for t in range(FRAMES):
        one = some[0]
        if nested:
            (tmp_path / "out" / f"img_{t:04}").mkdir(parents=True)
            fields = {"global_orient": flat(one)[t : t + 1, :3], "body_pose": flat(one)[t : t + 1, 3:66],
                      "transl": one["trans"][t : t + 1], "betas": one["betas"][t : t + 1]}  # fmt: skip
            (tmp_path / "out" / f"img_{t:04}" / "000.pkl").write_bytes(pickle.dumps(fields))
        else:
            (tmp_path / "out").mkdir(exist_ok=True)
            poses = flat(one)[t].copy()
            poses[:3] = 0
            person = {"id": 0, "Rh": [flat(one)[t, :3].tolist()], "Th": [one["trans"][t].tolist()],
                      "poses": [poses.tolist()], "shapes": [one["betas"][t].tolist()]}  # fmt: skip
            (tmp_path / "out" / f"{t:06}.json").write_text(json.dumps([person]))
    assert_is(lsmpl.read_motion(tmp_path / "out"), some[0])


def test_without_a_translation_refine_finds_it_from_the_keypoints(tmp_path, body, stroll):
    clip = stroll.frames(slice(0, 8))
    fields = {1: {"pose": clip.poses.reshape(8, 72), "betas": np.zeros((8, 10)), "frame_ids": np.arange(8)}}
    (tmp_path / "vibe_output.pkl").write_bytes(pickle.dumps(fields))
    motion = lsmpl.read_motion(tmp_path / "vibe_output.pkl", frames=8)
    refined = lsmpl.refine_motion(body.keypoints(clip, lsmpl.get_layout("body_25")), body, motion)
    assert mpjpe(body.joints(refined), body.joints(clip)) < 10 * MILLIMETRES


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pose_body": np.zeros((6, 32))}, r"pose_body has shape \(6, 32\).*21, 23 joints"),
        ({"root_orient": np.full((6, 3), np.nan)}, "root_orient holds values that are not finite"),
        ({"trans": np.zeros((5, 3))}, r"trans has shape \(5, 3\); expected 3 numbers for each of 6 frames"),
        ({"pose_body": np.zeros((4, 63))}, "root_orient has 6 frames, pose_body 4"),
    ],
)
def test_names_the_field_that_is_wrong(tmp_path, some, change, message):
    fields = {"root_orient": flat(some[0])[:, :3], "pose_body": flat(some[0])[:, 3:66], "trans": some[0]["trans"]}
    (tmp_path / "results.pkl").write_bytes(pickle.dumps(fields | change))
    with pytest.raises(MotionFileError, match=message):
        lsmpl.read_motion(tmp_path / "results.pkl")
