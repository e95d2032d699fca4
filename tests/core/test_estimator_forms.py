"""Motions as more estimators and data sets write them (forms of their public sources), by name and shape."""

import json
import pickle
import re

import numpy as np
import pytest
from field_inputs import Take

import lsmpl_core as lsmpl
from lsmpl_core.estimates.reading import holds_motion
from lsmpl_core.rotation import exp_map, to_quaternion

FRAMES = 26


class Someone:
    """A recorded clip's parameters in every form of rotations."""

    def __init__(self, body, clip: str, begin: int):
        motion = Take(body, clip, slice(begin, begin + FRAMES)).motion
        self.poses = motion.poses.astype(np.float32)
        self.poses[:, 22:] = 0  # which not every form has
        self.flat = self.poses.reshape(FRAMES, 72)
        self.root, self.body = self.flat[:, :3], self.flat[:, 3:66]
        self.trans = motion.trans.astype(np.float32)
        self.betas = np.tile(np.linspace(-1, 1, 10), (FRAMES, 1)).astype(np.float32)
        self.matrices = exp_map(self.poses.astype(float)).astype(np.float32)
        self.rows_6d = self.matrices[..., :2, :].reshape(FRAMES, 24, 6)
        self.quaternions = to_quaternion(exp_map(self.poses.astype(float)))

    def wide(self, values: int) -> np.ndarray:
        return np.concatenate([self.flat[:, :66], np.zeros((FRAMES, values - 66), np.float32)], axis=1)


def as_object(content) -> np.ndarray:
    array = np.empty((), object)
    array[()] = content
    return array


def zeros(*shape) -> np.ndarray:
    return np.zeros((FRAMES, *shape), np.float32)


PICKLES = {
    "NLF's fits": lambda a, b: {
        "pose_rotvecs": a.flat, "shape_betas": a.betas, "trans": a.trans, "joints": zeros(24, 3),
    },
    "HybrIK": lambda a, b: {
        "pred_uvd": zeros(29, 3), "pred_xyz_17": zeros(17, 3), "pred_betas": a.betas, "pred_phi": zeros(23, 2),
        "pred_theta": a.quaternions.reshape(FRAMES, 96), "pred_theta_mat": a.matrices.reshape(FRAMES, 216),
        "transl": a.trans, "bbox": zeros(4), "height": [1] * FRAMES,
    },
    "HybrIK in lists": lambda a, b: {
        "pred_thetas": list(a.matrices.reshape(FRAMES, 216)), "pred_betas": list(a.betas), "transl": list(a.trans),
    },
    "GVHMR": lambda a, b: {
        "smpl_params_global": {"body_pose": a.body, "betas": a.betas, "global_orient": a.root, "transl": a.trans},
        "smpl_params_incam": {"body_pose": b.body, "betas": b.betas, "global_orient": b.root, "transl": b.trans},
        "K_fullimg": zeros(3, 3), "net_outputs": {},
    },
    "EMDB": lambda a, b: {
        "gender": "male", "n_frames": FRAMES, "camera": {"extrinsics": zeros(4, 4)},
        "smpl": {"poses_root": a.root, "poses_body": a.flat[:, 3:], "trans": a.trans, "betas": a.betas[0]},
    },
    "CLIFF": lambda a, b: {
        "imgname": ["1.jpg"] * FRAMES, "pose": a.flat, "shape": a.betas, "global_t": a.trans,
        "pred_joints": zeros(24, 3), "focal_l": zeros(), "detection_all": zeros(9),
    },
    "camel case": lambda a, b: {"globalOrient": a.root, "bodyPose": a.body, "transl": a.trans, "betas": a.betas},
    "6D by rows": lambda a, b: {"pose_6d": a.rows_6d.reshape(FRAMES, 144), "trans": a.trans, "betas": a.betas},
    "6D by rows, root and body": lambda a, b: {
        "global_orient": a.rows_6d[:, 0], "body_pose": a.rows_6d[:, 1:22].reshape(FRAMES, 126), "transl": a.trans,
    },
    "beside hands and a camera": lambda a, b: {
        "smplx": {"global_orient": a.root, "body_pose": a.body, "left_hand_pose": zeros(45), "jaw_pose": zeros(3),
                  "transl": a.trans, "betas": a.betas[:1], "expression": zeros(10)},
        "cam": zeros(3),
    },
    "TokenHMR, the translation beside": lambda a, b: {
        "pred_smpl_params": {"global_orient": a.matrices[:, :1], "body_pose": a.matrices[:, 1:], "betas": a.betas},
        "pred_cam_t_full": a.trans,
    },
    "MoYo": lambda a, b: {
        "fullpose": a.wide(165), "trans": a.trans, "betas": np.zeros(300), "markers_obs": zeros(60, 3),
        "labels_obs": [["a"] * 60] * FRAMES,
    },
    "OMOMO": lambda a, b: {
        0: {"seq_name": "sub1_box", "root_orient": a.root, "pose_body": a.body, "trans": a.trans,
            "betas": a.betas[:1], "obj_rot": zeros(3, 3), "obj_trans": zeros(3, 1)},
    },
}  # fmt: skip
TWO = {
    "NLF's detections, lists of a frame's people": lambda a, b: {
        "pose": [np.stack([a.flat[t], b.flat[t]]) for t in range(FRAMES)],
        "betas": [np.stack([a.betas[t], b.betas[t]]) for t in range(FRAMES)],
        "trans": [np.stack([a.trans[t], b.trans[t]]) for t in range(FRAMES)], "boxes": [np.zeros((2, 5))] * FRAMES,
    },
    "PHC": lambda a, b: {
        name: {"pose_quat_global": one.quaternions, "pose_quat": one.quaternions, "trans_orig": one.trans,
               "root_trans_offset": one.trans, "beta": np.zeros(10), "pose_aa": one.flat, "fps": 30}
        for name, one in (("0-walk", a), ("0-run", b))
    },
    "frames of people whose translation stands beside": lambda a, b: [
        {"frame": t, "people": [
            {"track_id": who, "transl": one.trans[t],
             "smpl": {"global_orient": one.matrices[t, :1], "body_pose": one.matrices[t, 1:], "betas": one.betas[t]}}
            for who, one in ((5, a), (8, b))]}
        for t in range(FRAMES)
    ],
    "InterHuman": lambda a, b: {
        "mocap_framerate": 59.94,
        **{name: {"trans": one.trans, "root_orient": one.root, "pose_body": one.body, "betas": one.betas[0]}
           for name, one in (("person1", a), ("person2", b))},
    },
    "people with frames of their own": lambda a, b: {
        "fps": 30, "people": [
            {"id": name, "frames": [
                {"frame": t, "global_orient": one.root[t], "body_pose": one.body[t], "transl": one.trans[t],
                 "betas": one.betas[t]} for t in range(FRAMES)]}
            for name, one in (("ann", a), ("bob", b))],
    },
}  # fmt: skip


def stageii(a, path):
    np.savez(path, surface_model_type="smplx", mocap_frame_rate=120.0, trans=a.trans, poses=a.wide(165),
             betas=np.zeros(16), root_orient=a.root, pose_body=a.body, pose_hand=zeros(90))  # fmt: skip


def meshcapade(a, path):
    with path.open("wb") as stream:
        np.savez(stream, codecVersion=np.int16(2), shapeParameters=a.betas[0], frameCount=np.int32(FRAMES),
                 frameRate=np.float32(60), bodyTranslation=a.trans, bodyPose=a.poses[:, :22], headPose=zeros(3, 3),
                 leftHandPose=zeros(15, 3), rightHandPose=zeros(15, 3))  # fmt: skip


def diffused(a, path):
    """Joints x 6 x frames."""
    np.save(path, as_object({"motion": np.zeros((25, 6, FRAMES)), "thetas": a.rows_6d.transpose(1, 2, 0),
                             "root_translation": a.trans.T, "text": "walks", "length": FRAMES}))  # fmt: skip


def motion_x(a, path):
    np.save(path, np.concatenate([a.wide(309), a.trans, a.betas], axis=1).astype(np.float32))


def osx(a, path):
    np.savez(path, smplx_root_pose=a.root, smplx_body_pose=a.body, smplx_lhand_pose=zeros(45), smplx_shape=a.betas,
             cam_trans=a.trans, smplx_expr=zeros(10))  # fmt: skip


def grab(a, path):
    body = {"params": {"transl": a.trans, "global_orient": a.root, "body_pose": a.body, "jaw_pose": zeros(3)}}
    thing = {"params": {"transl": a.trans + 9, "global_orient": a.root}}
    np.savez(path, body=as_object(body), object=as_object(thing), n_frames=FRAMES, framerate=120.0)


def romp(a, path):
    frames = {
        f"{t:08}.jpg": {"smpl_thetas": a.flat[t : t + 1], "smpl_betas": a.betas[t : t + 1],
                        "cam_trans": a.trans[t : t + 1], "joints": np.zeros((1, 71, 3))}
        for t in range(FRAMES)
    }  # fmt: skip
    np.savez(path, results=as_object(frames))


def lhm(a, path):
    path.mkdir()
    for t in range(FRAMES):
        one = {"betas": a.betas[t], "root_pose": a.root[t], "body_pose": a.body[t].reshape(21, 3), "trans": a.trans[t]}
        one = {key: value.tolist() for key, value in one.items()} | {"jaw_pose": [0, 0, 0], "focal": [1.0, 1.0]}
        (path / f"{t + 1:05d}.json").write_text(json.dumps(one))


def folders_of_frames(a, path):
    """EgoBody, RICH, PROX: a folder a frame, a pickle a person in it."""
    for t in range(FRAMES):
        (path / f"frame_{t:05d}").mkdir(parents=True)
        one = {"transl": a.trans, "global_orient": a.root, "body_pose": a.body, "betas": a.betas}
        one = {key: value[t : t + 1] for key, value in one.items()} | {"pose_embedding": np.zeros((1, 32))}
        (path / f"frame_{t:05d}" / "000.pkl").write_bytes(pickle.dumps(one))


def numbered(a, path):
    """Objects whose id is their frame's number."""
    frames = [{"id": t, "pose": a.flat[t].tolist(), "trans": a.trans[t].tolist()} for t in range(FRAMES)]
    path.write_text(json.dumps({"fps": 25, "frames": frames}))


def champ(a, path):
    path.mkdir()
    for t in range(FRAMES):
        smpls = {
            "global_orient": a.matrices[t, :1][None],
            "body_pose": a.matrices[t, 1:][None],
            "betas": a.betas[t][None],
        }
        np.save(path / f"{t:04d}.npy", as_object({"smpls": smpls, "cam_t": a.trans[t], "scaled_focal_length": 5000.0}))


FILES = {
    "walk_stageii.npz": (stageii, 120), "walk.smpl": (meshcapade, 60), "sample00_rep00_smpl_params.npy": (diffused, 30),
    "motion_x.npy": (motion_x, 30), "osx.npz": (osx, 30), "grab.npz": (grab, 120), "video_results.npz": (romp, 30),
    "frames.json": (numbered, 25), "smplx_params": (lhm, 30), "smpl_results": (champ, 30),
    "results": (folders_of_frames, 30),
}  # fmt: skip


@pytest.fixture(scope="module")
def people(body) -> tuple[Someone, Someone]:
    return Someone(body, "07_01", 10), Someone(body, "08_01", 5)


def assert_is(motion, one, translated=True):
    off = np.abs(exp_map(motion.poses[:, :22].astype(float)) - exp_map(one.poses[:, :22].astype(float)))
    assert motion.poses.shape[0] == FRAMES and off.max() < 1e-3
    assert not translated or np.allclose(motion.trans, one.trans, atol=1e-4)


@pytest.mark.parametrize("form", PICKLES)
def test_pickled_forms(tmp_path, people, form):
    (tmp_path / "res.pk").write_bytes(pickle.dumps(PICKLES[form](*people)))
    assert holds_motion(tmp_path / "res.pk")
    assert_is(lsmpl.read_motion(tmp_path / "res.pk"), people[0])


@pytest.mark.parametrize("form", TWO)
def test_forms_of_two_people(tmp_path, people, form):
    path = tmp_path / "results.pkl"
    path.write_bytes(pickle.dumps(TWO[form](*people)))
    person = next(one for one in lsmpl.read_motion(path).decisions if one.what == "person")
    names = re.findall(r"(\S+) \(\d+ frames\)", person.reason)
    assert len(names) == 2
    for name, one in zip(names, people):
        assert_is(lsmpl.read_motion(path, person=name), one)


def test_lists_of_two_people_in_json_are_two_people(tmp_path, people):
    """CHI3D: arrays of people and frames, which JSON has as lists."""
    stacked = {
        "transl": [one.trans for one in people], "global_orient": [one.matrices[:, :1] for one in people],
        "body_pose": [one.matrices[:, 1:22] for one in people], "betas": [one.betas for one in people],
    }  # fmt: skip
    text = json.dumps({key: np.stack(value).tolist() for key, value in stacked.items()})
    (tmp_path / "grab.json").write_text(text)
    for name, one in zip("01", people):
        assert_is(lsmpl.read_motion(tmp_path / "grab.json", person=name), one)


@pytest.mark.parametrize("name", FILES)
def test_files_and_folders_of_their_own_kind(tmp_path, people, name):
    write, fps = FILES[name]
    write(people[0], tmp_path / name)
    assert holds_motion(tmp_path / name) or (tmp_path / name).is_dir() or name == "frames.json"
    motion = lsmpl.read_motion(tmp_path / name)
    assert_is(motion, people[0])
    assert name == "grab.npz" or motion.fps == fps
