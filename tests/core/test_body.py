"""Our body against the `smplx` package, and what a body offers."""

import warnings
from dataclasses import replace

import numpy as np
import pytest

import lsmpl_core as lsmpl
from lsmpl_core.body.load_body import OPEN_BODY
from lsmpl_core.body.sites import BLENDS, SITE_NAMES, SURFACE_SITES
from lsmpl_core.rotation import exp_map, log_map


def random_motion(body, rng, frames=4):
    poses = rng.normal(size=(frames, 24, 3)) * 0.5
    return lsmpl.Motion(poses, rng.normal(size=(frames, 3)), rng.normal(size=10), body=body.key)


def as_smplx(body):
    smplx = pytest.importorskip("smplx", reason="the smplx package, our reference for skinning, is not installed")
    import torch

    return smplx.SMPL("", data_struct=smplx.utils.Struct(**body.as_smpl()), dtype=torch.float64), torch


def test_skinning_is_smplxs(body, rng):
    model, torch = as_smplx(body)
    motion = random_motion(body, rng)
    with torch.no_grad():
        theirs = model(
            betas=torch.tensor(np.tile(motion.betas, (len(motion), 1))),
            global_orient=torch.tensor(motion.poses[:, 0]),
            body_pose=torch.tensor(motion.poses[:, 1:].reshape(len(motion), -1)),
            transl=torch.tensor(motion.trans),
        )
    assert np.abs(body.vertices(motion) - theirs.vertices.numpy()).max() < 1e-5
    assert np.abs(body.joints(motion) - theirs.joints.numpy()[:, :24]).max() < 1e-5


def test_pose_correctives_are_smplxs_too(body, rng):
    corrected = replace(body, pose_directions=1e-3 * rng.normal(size=(len(body.v_template), 3, 207)))
    model, torch = as_smplx(corrected)
    motion = random_motion(corrected, rng, frames=2)
    motion.body = ""
    with torch.no_grad():
        theirs = model(
            betas=torch.tensor(np.tile(motion.betas, (2, 1))),
            global_orient=torch.tensor(motion.poses[:, 0]),
            body_pose=torch.tensor(motion.poses[:, 1:].reshape(2, -1)),
            transl=torch.tensor(motion.trans),
        )
    assert np.abs(corrected.vertices(motion) - theirs.vertices.numpy()).max() < 1e-5


def test_keypoints_lie_on_the_skinned_mesh(body, rng):
    motion = random_motion(body, rng)
    layout = lsmpl.Layout("surface", SURFACE_SITES)
    vertices = body.vertices(motion)
    track = body.keypoints(motion, layout)
    for k, name in enumerate(SURFACE_SITES):
        index, shares = body.surface_sites[name]
        expected = np.einsum("v,tvc->tc", shares, vertices[:, index])
        np.testing.assert_allclose(track.positions[:, k], expected, atol=2e-6)


def test_joint_sites_are_the_joints_and_blends_lie_between(body, rng):
    motion = random_motion(body, rng)
    joints = body.joints(motion)
    np.testing.assert_allclose(body.keypoints(motion, "smpl_24").positions, joints, atol=1e-9)
    halves = [name for name, shares in BLENDS.items() if set(shares) <= set(body.joint_names)]
    track = body.keypoints(motion, lsmpl.Layout("blends", tuple(halves)))
    for k, name in enumerate(halves):
        middle = joints[:, [body.joint_names.index(n) for n in BLENDS[name]]].mean(axis=1)
        np.testing.assert_allclose(track.positions[:, k], middle, atol=1e-9)


def test_every_layout_has_its_sites_on_the_body(body, rng):
    motion = random_motion(body, rng, frames=1)
    for layout in lsmpl.LAYOUTS.values():
        assert set(layout.sites) <= set(SITE_NAMES)
        assert np.isfinite(body.keypoints(motion, layout).positions).all()


def test_pelvis_is_translation_plus_rest_pelvis(body, rng):
    motion = random_motion(body, rng)
    np.testing.assert_allclose(body.joints(motion)[:, 0], motion.trans + body.rest_joints(motion.betas)[0], atol=1e-12)


def test_betas_of_another_body_are_not_used_and_the_user_is_told(body, rng):
    motion = random_motion(body, rng)
    motion.body = "SMPL_NEUTRAL-12345678"
    with pytest.warns(UserWarning, match="SMPL_NEUTRAL-12345678"):
        joints = body.joints(motion)
    mean = lsmpl.Motion(motion.poses, motion.trans, body=body.key)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_allclose(joints, body.joints(mean))


def test_a_body_file_without_sites_gets_them_where_the_open_body_has_them(body, tmp_path):
    with np.load(OPEN_BODY) as file:
        arrays = {key: file[key] for key in file.files if not key.startswith("site")}
    arrays["v_template"] = arrays["v_template"] * np.float32(1.05)
    path = tmp_path / "taller.npz"
    np.savez(path, **arrays)
    taller = lsmpl.load_body(path)
    rest = lsmpl.Motion(np.zeros((1, 24, 3)), np.zeros((1, 3)))
    layout = lsmpl.Layout("surface", SURFACE_SITES)
    gap = np.linalg.norm(
        taller.keypoints(rest, layout).positions - 1.05 * body.keypoints(rest, layout).positions, axis=-1
    )
    assert gap.max() < 0.03
    assert taller.key != body.key


def test_global_orientation_turns_about_the_pelvis(body, rng):
    motion = random_motion(body, rng, frames=1)
    turn = exp_map(np.array([0.0, 0.0, 1.0]))
    poses = motion.poses.copy()
    poses[:, 0] = log_map(turn @ exp_map(poses[:, 0]))
    turned = lsmpl.Motion(poses, motion.trans, motion.betas, body=body.key)
    a, b = body.joints(motion)[0], body.joints(turned)[0]
    np.testing.assert_allclose(b - b[0], (a - a[0]) @ turn.T, atol=1e-9)
