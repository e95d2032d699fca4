"""Learnable SMPLify as published, as a solver: its keypoints, its translation, its safeguard, gaps, and its errors."""

from dataclasses import replace

import numpy as np
import pytest
from test_published import weights

import lsmpl_core as lsmpl
from lsmpl_core.backends.arrays import choose_backend
from lsmpl_core.body.sites import site_parts, site_regressor
from lsmpl_core.body.skeleton import JOINT_NAMES
from lsmpl_core.cli.main import main
from lsmpl_core.errors import NetworkFileError, SolveError
from lsmpl_core.rotation import angle_between, exp_map

torch = pytest.importorskip("torch", reason="the published network needs PyTorch")

from lsmpl_core.published.body import PublishedBody  # noqa: E402
from lsmpl_core.published.network import PREDICTED, PublishedNetwork  # noqa: E402
from lsmpl_core.solver.published_predictor import PublishedPredictor  # noqa: E402

SITES = lsmpl.LAYOUTS["body_25"].sites
ELBOW = JOINT_NAMES.index("left_elbow")


def given(motion: lsmpl.Motion) -> dict:
    """The true shape and first pose, for a solve."""
    return {"betas": motion.betas, "start_pose": motion.poses[0]}


def network(turns: np.ndarray | None = None) -> PublishedNetwork:
    """One whose residual rotations are always `turns` (22,3), or none."""
    made = PublishedNetwork()
    last = made.regressor["layers"][1]
    rotations = exp_map(np.zeros((PREDICTED, 3)) if turns is None else turns)
    with torch.no_grad():
        last.weight.zero_()
        last.bias.copy_(torch.as_tensor(rotations[:, :, :2].reshape(PREDICTED, 6)))
    return made


def seeing_network() -> PublishedNetwork:
    """One whose residual rotations depend on all that it sees."""
    made = PublishedNetwork()
    made.load_state_dict(weights(0))
    made.openpose_regressor.zero_()
    return made


@pytest.fixture
def checkpoint(tmp_path):
    """`checkpoint(network)`: the path of its file."""

    def save(made: PublishedNetwork) -> str:
        path = tmp_path / "best_ckpt.pth.tar"
        torch.save({"model": made.state_dict(), "optimizer": {}, "epochs": 1}, path)
        return str(path)

    return save


def options(path: str, **others) -> lsmpl.SolveOptions:
    return lsmpl.SolveOptions(solver="published", checkpoint=path, noise=0.0, **others)


def tensors(motion: lsmpl.Motion):
    arrays = exp_map(motion.poses), motion.trans, np.tile(motion.betas, (len(motion), 1))
    return [torch.as_tensor(a, dtype=torch.float32) for a in arrays]


def test_its_keypoints_are_the_bodys_sites(body, stroll):
    keypoints = PublishedBody(body).keypoints(*tensors(stroll))
    np.testing.assert_allclose(keypoints, body.keypoints(stroll).positions, atol=1e-5)


def test_its_keypoints_are_regressed_from_the_skinned_mesh_where_the_checkpoint_says_how(body, stroll, rng):
    regressor = np.zeros((25, len(body.v_template)))
    for row in regressor:
        row[rng.integers(0, len(row), 40)] = rng.random(40)
    keypoints = PublishedBody(body, torch.as_tensor(regressor)).keypoints(*tensors(stroll))
    np.testing.assert_allclose(keypoints, regressor @ body.vertices(stroll), atol=1e-3)


def test_a_bodys_sites_are_regressed_from_its_vertices_at_rest(body, stroll):
    at_rest = site_regressor(body, SITES) @ body.rest_vertices(stroll.betas)
    np.testing.assert_allclose(at_rest, site_parts(body, SITES).rest_positions(stroll.betas), atol=1e-6)


def test_a_checkpoint_for_smpl_on_another_body_is_an_error_that_says_what_to_choose(body, stroll, checkpoint):
    made = network()
    made.openpose_regressor[:, 0] = 1.0
    with pytest.raises(NetworkFileError, match="choose an SMPL body"):
        lsmpl.solve(
            body.keypoints(stroll),
            body,
            betas=stroll.betas,
            start_pose=stroll.poses[0],
            options=options(checkpoint(made)),
        )


def test_the_pose_is_the_networks_and_the_translation_where_its_keypoints_lie(body, stroll, checkpoint):
    still = replace(stroll, poses=np.repeat(stroll.poses[:1], 60, axis=0))
    solved = lsmpl.solve(
        body.keypoints(still),
        body,
        betas=still.betas,
        start_pose=still.poses[0],
        options=options(checkpoint(network())),
    )
    np.testing.assert_allclose(exp_map(solved.poses), exp_map(still.poses), atol=1e-5)
    np.testing.assert_allclose(solved.trans, still.trans, atol=1e-5)


def test_past_the_safeguard_a_prediction_from_the_first_pose_or_a_copy_ends_the_drift(body, stroll, checkpoint):
    """A network that turns an elbow by half a degree more in every frame."""
    still = lsmpl.Motion(
        np.repeat(stroll.poses[:1], 70, axis=0), np.repeat(stroll.trans[:1], 70, axis=0), stroll.betas, body=body.key
    )
    turns = np.zeros((PREDICTED, 3))
    turns[ELBOW, 1] = np.radians(0.5)
    solved = lsmpl.solve(
        body.keypoints(still),
        body,
        betas=still.betas,
        start_pose=still.poses[0],
        options=options(checkpoint(network(turns))),
    )
    off = np.degrees(angle_between(exp_map(still.poses[:, ELBOW]), exp_map(solved.poses[:, ELBOW])))
    np.testing.assert_allclose(off[:61], 0.5 * np.arange(61), atol=0.02)
    np.testing.assert_allclose(off[61:], 0.5, atol=0.02)


def test_a_keypoint_that_is_missing_counts_as_one_that_did_not_move(body, stroll, checkpoint):
    path, backend = checkpoint(seeing_network()), choose_backend("cpu")
    truth, path_options = {"betas": stroll.betas, "start_pose": stroll.poses[10]}, options(path)
    wrist = lsmpl.LAYOUTS["body_25"].index("left_wrist")
    there = body.keypoints(stroll).frames(slice(10, 12))
    missing = there.confidence.copy()
    missing[1, wrist] = 0.0
    solved = lsmpl.solve(replace(there, confidence=missing), body, **truth, options=path_options)
    seen = lsmpl.solve(there, body, **truth, options=path_options)
    assert np.abs(solved.poses[1] - seen.poses[1]).max() > 1e-3  # It does see the wrist.
    predictor = PublishedPredictor.load(path, body, stroll.betas, SITES, None, backend, None)
    first, second = (torch.as_tensor(there.positions[i : i + 1], dtype=torch.float32) for i in (0, 1))
    second[:, wrist] = first[:, wrist]
    expected = predictor.network.predict(first, second, stroll.poses[10].reshape(1, 72), stroll.betas[None])
    np.testing.assert_allclose(exp_map(solved.poses[1]), exp_map(expected.numpy().reshape(24, 3)), atol=1e-4)


def test_layouts_that_hold_body_25_give_the_same_pose_and_poorer_ones_a_finite_motion(body, stroll, checkpoint):
    path, few = checkpoint(seeing_network()), stroll.frames(slice(0, 5))
    solved = {
        name: lsmpl.solve(body.keypoints(few, name), body, **given(few), options=options(path))
        for name in ("body_25", "halpe_26", "coco_17")
    }
    np.testing.assert_allclose(solved["halpe_26"].poses[1], solved["body_25"].poses[1], atol=1e-4)
    assert np.isfinite(solved["coco_17"].poses).all()


def test_every_frame_of_another_estimate_is_refined_in_one_pass(body, stroll, checkpoint):
    turns = np.zeros((PREDICTED, 3))
    turns[ELBOW, 1] = 0.1
    elsewhere = replace(stroll, trans=stroll.trans + [3.0, 0.0, 0.5])
    refined = lsmpl.refine_motion(body.keypoints(stroll), body, elsewhere, options=options(checkpoint(network(turns))))
    expected = exp_map(stroll.poses)
    expected[:, ELBOW] = expected[:, ELBOW] @ exp_map(turns[ELBOW])
    np.testing.assert_allclose(exp_map(refined.poses), expected, atol=1e-4)
    assert np.linalg.norm(refined.trans - stroll.trans, axis=1).max() < 0.02


def test_a_polish_may_follow(body, stroll, checkpoint):
    few, path = stroll.frames(slice(0, 10)), checkpoint(network())
    track = body.keypoints(few)
    alone, polished = (
        lsmpl.solve(track, body, **given(few), options=options(path, polish=steps)) for steps in (None, 2)
    )
    assert np.nanmean(polished.residual) < 0.2 * np.nanmean(alone.residual)


def test_it_solves_cold(body, stroll, checkpoint):
    """The shape and the first pose come from our own solver; a network that changes nothing keeps that pose."""
    solved = lsmpl.solve(body.keypoints(stroll.frames(slice(0, 6))), body, options=options(checkpoint(network())))
    np.testing.assert_allclose(exp_map(solved.poses), exp_map(solved.poses[[0] * 6]), atol=1e-5)
    assert np.nanmin(solved.frame_residual) < 0.01


def test_without_a_checkpoint_it_says_so(body, stroll, tmp_path, capsys):
    with pytest.raises(SolveError, match=r"best_ckpt\.pth\.tar"):
        lsmpl.solve(body.keypoints(stroll), body, options=lsmpl.SolveOptions(solver="published"))
    path = tmp_path / "walk.npz"
    np.savez(path, positions=body.keypoints(stroll).positions)
    assert main(["convert", str(path), "-o", str(tmp_path / "out.npz"), "--solver", "published"]) == 2
    assert "best_ckpt.pth.tar" in capsys.readouterr().err


def test_the_command_takes_a_checkpoint(body, stroll, checkpoint, tmp_path):
    np.save(tmp_path / "walk.npy", body.keypoints(stroll.frames(slice(0, 6))).positions)
    words = ["--layout", "body_25", "--unit", "m", "--up", "z", "--solver", "published"]
    words += ["--checkpoint", checkpoint(network())]
    assert main(["convert", str(tmp_path / "walk.npy"), "-o", str(tmp_path / "out.npz"), *words]) == 0
    assert len(lsmpl.Motion.load(tmp_path / "out.npz")) == 6
