"""Bodies of SMPL-H and SMPL-X, in files of their form that are made of the open body's hands and trunk."""

import pickle
from dataclasses import replace

import numpy as np
import pytest

import lsmpl_core as lsmpl
from lsmpl_core.body.fingers import WRISTS
from lsmpl_core.body.sites import SMPL_VERTICES, site_parts
from lsmpl_core.body.skeleton import FINGER_JOINT_NAMES, SKELETONS, SMPL, SMPLH, SMPLX
from lsmpl_core.errors import BodyFileError
from lsmpl_core.rotation import angle_between, exp_map

VERTICES = {SMPLH: 6890, SMPLX: 10475}
HANDS_MEAN = {f"hands_mean{side}": np.full(45, 0.1) for side in "lr"}
"""What makes poses of a hand that is given by principal components; axis-angles have no use for it."""


def family_file(body, skeleton, vertices, rng):
    """The fields of a body with hands: some of the open body's vertices, finger joints in the middle of skin."""
    hands = np.unique(np.concatenate(body.fingers.vertices))
    others = np.setdiff1d(np.arange(len(body.v_template)), hands)
    kept = np.sort(np.concatenate([hands, rng.choice(others, vertices - len(hands), replace=False)]))
    weights, regressor = np.zeros((vertices, len(skeleton))), np.zeros((len(skeleton), vertices))
    template = body.v_template[kept]
    weights[:, :22] = body.skinning_weights[kept, :22]
    joints = np.concatenate([body.joint_template[:22], np.zeros((len(skeleton) - 22, 3))])
    for number, name in enumerate(FINGER_JOINT_NAMES):
        row = skeleton.joint_names.index(name)
        hand, joint = divmod(number, 15)
        joints[row] = body.fingers.joint_template[hand, joint]
        at = np.searchsorted(kept, body.fingers.vertices[hand])
        weights[at, row] = body.fingers.weights[hand][:, joint]
    for row in range(22, len(skeleton) - 30):  # of the face
        joints[row] = body.joint_template[15] + 0.01 * rng.normal(size=3)
        share = 0.2 * weights[:, 15]
        weights[:, row], weights[:, 15] = share, weights[:, 15] - share
    for row, joint in enumerate(joints):
        nearest = np.argsort(np.linalg.norm(template - joint, axis=1))[:12]
        regressor[row, nearest] = rng.dirichlet(np.ones(12))
    posed = np.zeros((vertices, 3, 9 * (len(skeleton) - 1)), dtype=np.float32)
    posed[:, :, rng.choice(posed.shape[2], 40, replace=False)] = 2e-3 * rng.normal(size=(vertices, 3, 40))
    return {
        "v_template": template,
        "shapedirs": np.concatenate([body.shape_directions[kept], 0.01 * rng.normal(size=(vertices, 3, 10))], axis=2),
        "posedirs": posed,
        "weights": weights / weights.sum(axis=1, keepdims=True),
        "J_regressor": regressor,
        "kintree_table": np.array([[2**32 - 1, *skeleton.parents[1:]], range(len(skeleton))]),
        "f": rng.integers(vertices, size=(100, 3)),
        **HANDS_MEAN,
        **{f"hands_components{side}": np.eye(45) for side in "lr"},
        "lmk_faces_idx": np.zeros(51, dtype=int),
        "lmk_bary_coords": np.full((51, 3), 1 / 3),
    }


def written(fields, path):
    if path.suffix == ".npz":
        np.savez(path, **fields)
    else:
        path.write_bytes(pickle.dumps(fields, protocol=2))
    return path


@pytest.mark.parametrize(("skeleton", "ending"), [(SMPLH, ".pkl"), (SMPLX, ".npz")], ids=["SMPL-H", "SMPL-X"])
def test_skinning_with_fingers_is_smplxs(tmp_path, body, rng, skeleton, ending):
    smplx = pytest.importorskip("smplx", reason="the smplx package, our reference for skinning, is not installed")
    import torch

    path = written(family_file(body, skeleton, VERTICES[skeleton], rng), tmp_path / f"body{ending}")
    kind = smplx.SMPLH if skeleton is SMPLH else smplx.SMPLX
    model = kind(str(path), ext=ending[1:], use_pca=False, flat_hand_mean=True, dtype=torch.float64, batch_size=2)
    ours = lsmpl.load_body(path)
    poses, fingers = 0.4 * rng.normal(size=(2, 24, 3)), 0.4 * rng.normal(size=(2, 30, 3))
    poses[:, 22:] = 0.0
    motion = lsmpl.Motion(poses, rng.normal(size=(2, 3)), rng.normal(size=10), body=ours.key, fingers=fingers)
    with torch.no_grad():
        theirs = model(
            betas=torch.tensor(np.tile(motion.betas, (2, 1))),
            global_orient=torch.tensor(poses[:, 0]),
            body_pose=torch.tensor(poses[:, 1:22].reshape(2, -1)),
            left_hand_pose=torch.tensor(fingers[:, :15].reshape(2, -1)),
            right_hand_pose=torch.tensor(fingers[:, 15:].reshape(2, -1)),
            transl=torch.tensor(motion.trans),
        )
    assert np.abs(ours.vertices(motion) - theirs.vertices.numpy()).max() < 1e-5
    rows = [skeleton.joint_names.index(name) for name in FINGER_JOINT_NAMES]
    joints = ours.finger_positions(motion)[0].reshape(2, 30, 3)
    assert np.abs(joints - theirs.joints.numpy()[:, rows]).max() < 1e-5


@pytest.mark.parametrize("skeleton", [SMPLH, SMPLX], ids=["SMPL-H", "SMPL-X"])
def test_a_take_is_solved_on_them_and_comes_out_as_their_poses(tmp_path, body, stroll, rng, skeleton):
    ours = lsmpl.load_body(written(family_file(body, skeleton, 5000, rng), tmp_path / "body.npz"))
    bends = np.radians(rng.uniform(5.0, 50.0, (1, 2, 15, 1))) * ours.fingers.frames[..., 0]
    poses = stroll.poses[:20].copy()
    poses[:, 22:] = 0.0
    fingers = np.tile(ours.fingers.angles_of(exp_map(bends)), (20, 1, 1))
    truth = lsmpl.Motion(poses, stroll.trans[:20], rng.normal(size=10), body=ours.key, fingers=fingers)
    motion = lsmpl.solve(ours.keypoints(truth, "mediapipe_33"), ours, betas=truth.betas)
    off = angle_between(exp_map(motion.fingers), exp_map(truth.fingers))
    assert np.degrees(off).mean() < 8.0
    assert np.degrees(angle_between(ours.world(motion)[0], ours.world(truth)[0])[:, WRISTS]).mean() < 2.0
    assert not motion.poses[:, 22:].any()
    motion.save(tmp_path / "motion.npz")
    with np.load(tmp_path / "motion.npz") as file:
        assert file["poses"].shape == (20, 156 if skeleton is SMPLH else 165)
        assert ("surface_model_type" in file) == (skeleton is SMPLX)
        assert np.allclose(file["poses"][:, -90:], motion.fingers.reshape(20, 90), atol=1e-6)
    again = lsmpl.Motion.load(tmp_path / "motion.npz")
    assert again.body == ours.key and np.abs(again.fingers - motion.fingers).max() < 1e-6


def test_betas_of_smplx_fit_bodies_of_smplx_alone(tmp_path, body, rng):
    ours = lsmpl.load_body(written(family_file(body, SMPLX, 5000, rng), tmp_path / "body.npz"))
    named = lsmpl.Motion(np.zeros((1, 24, 3)), np.zeros((1, 3)), np.ones(10), body="SMPL-X")
    assert np.array_equal(ours.betas_of(named), np.ones(10))
    with pytest.warns(UserWarning, match="mean shape"):
        assert not body.betas_of(named).any()
    assert not lsmpl.body.body.betas_match(replace(named, body=""), ours)


def test_trees_of_the_family_hang_together():
    for joints, skeleton in SKELETONS.items():
        assert joints == len(skeleton) == len(skeleton.joint_names)
        assert all(parent < joint for joint, parent in enumerate(skeleton.parents))
        assert skeleton.parents[:22] == SMPL.parents[:22]
        mirror = np.array(skeleton.mirror)
        assert (mirror[mirror] == np.arange(joints)).all()
        assert all(mirror[p] == skeleton.parents[mirror[j]] for j, p in enumerate(skeleton.parents) if p >= 0)
        assert (skeleton.ancestors[:, 0]).all() and skeleton.ancestors.trace() == joints


def test_a_family_file_with_another_tree_is_refused(tmp_path, body, rng):
    fields = family_file(body, SMPLH, 5000, rng)
    fields["kintree_table"][0, 40] = 5
    with pytest.raises(BodyFileError, match="joint 40 the parent 5, so its joints are not SMPL-H's"):
        lsmpl.load_body(written(fields, tmp_path / "body.pkl"))


@pytest.mark.parametrize("skeleton", [SMPLH, SMPLX])
def test_a_mesh_of_as_many_vertices_in_another_order_is_not_taken_for_theirs(tmp_path, body, rng, skeleton):
    ours = lsmpl.load_body(written(family_file(body, skeleton, VERTICES[skeleton], rng), tmp_path / "body.npz"))
    names = ("nose", "left_heel", "right_big_toe", "left_index_tip")
    found = ours.site_positions(lsmpl.Motion(np.zeros((1, 24, 3)), np.zeros((1, 3))), site_parts(ours, names))[0]
    there = body.site_positions(lsmpl.Motion(np.zeros((1, 24, 3)), np.zeros((1, 3))), site_parts(body, names))[0]
    assert np.linalg.norm(found - there, axis=1).max() < 0.04


def test_vertices_of_theirs_are_sites(tmp_path, body, rng):
    fields = family_file(body, SMPLH, VERTICES[SMPLH], rng)
    for name, vertex in SMPL_VERTICES.items():
        fields["v_template"][vertex] = site_parts(body, [name]).rest_positions(np.zeros(10))[0]
    ours = lsmpl.load_body(written(fields, tmp_path / "body.npz"))
    assert all(ours.surface_sites[name][0].tolist() == [vertex] for name, vertex in SMPL_VERTICES.items())
