"""The published network: the numbers of its authors, its symmetries, and damaged, hostile or other checkpoints."""

import pickle
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the published network needs PyTorch")

from lsmpl_core.body.skeleton import JOINT_NAMES  # noqa: E402
from lsmpl_core.errors import NetworkFileError  # noqa: E402
from lsmpl_core.files import torch_files  # noqa: E402
from lsmpl_core.keypoints.layouts import BODY_25  # noqa: E402
from lsmpl_core.published.network import PublishedNetwork, human_centric_frame, read_checkpoint  # noqa: E402
from lsmpl_core.rotation import angle_between, exp_map, log_map  # noqa: E402

FROZEN_JOINTS = ("pelvis", "left_hip", "left_shoulder", "right_wrist")
# What the authors' code at commit bf789ea makes of `weights(0)` and `inputs(2)`: `pred_root_orient` and
# `pred_body_pose` of a run of `NetBody25.forward` (torch 2.13, CPU) whose body model gave these keypoints.
FROZEN = (
    (
        (0.0497452, -2.1060863, 0.2698054),
        (1.1568879, 1.1554992, -2.4152000),
        (0.6060334, -1.5365996, -2.5346138),
        (1.7549378, -1.3124921, -0.2712195),
    ),
    (
        (1.2243897, 1.1530553, 1.7693430),
        (-0.8530420, -1.5668119, 2.3261290),
        (-0.5175999, 1.2976143, 2.7211809),
        (2.4967809, 0.4012682, 1.3233017),
    ),
)

ROUNDING = 1e-4  # Of random weights in single precision: some 6D rotations have almost parallel columns.


def weights(seed: int) -> dict:
    """Tensors of a checkpoint, such that everything in it counts."""
    rng = np.random.default_rng(seed)

    def values(name, shape):
        if name.endswith("num_batches_tracked"):
            return torch.tensor(7)
        if name.endswith(("running_var", "mask", "bn.weight")):
            array = rng.uniform(0.5, 1.5, shape)
        elif name.endswith(("bias", "running_mean")):
            array = 0.1 * rng.normal(size=shape)
        else:
            inputs = shape[-1] if name.startswith("regressor") else np.prod(shape[1:])
            array = rng.normal(size=shape) * (2.0 / inputs) ** 0.5
        return torch.tensor(array, dtype=torch.float32)

    return {name: values(name, shape) for name, shape in sorted(expected_shapes().items())}


def expected_shapes() -> dict[str, tuple[int, ...]]:
    with torch.device("meta"):
        return {name: tuple(tensor.shape) for name, tensor in PublishedNetwork().state_dict().items()}


def inputs(count: int, seed: int = 1) -> list:
    """start_keypoints, target_keypoints, start_poses, betas of some bodies, in float64."""
    rng = np.random.default_rng(seed)
    start = rng.normal(size=(count, 25, 3)) * 0.5 + rng.normal(size=(count, 1, 3))
    target = start + 0.1 * rng.normal(size=start.shape)
    return [start, target, 0.6 * rng.normal(size=(count, 72)), rng.normal(size=(count, 10))]


def rotations(poses) -> np.ndarray:
    return exp_map(np.asarray(poses, dtype=np.float64).reshape(-1, 24, 3))


@pytest.fixture(scope="module")
def network():
    network = PublishedNetwork()
    network.load_state_dict(weights(0))
    return network.eval()


@pytest.fixture
def saved(tmp_path):
    """Saves something as a checkpoint and gives the path."""

    def save(content, **options):
        torch.save(content, tmp_path / "best_ckpt.pth.tar", **options)
        return tmp_path / "best_ckpt.pth.tar"

    return save


def test_gives_the_numbers_of_the_authors_code(saved):
    path = saved({"model": weights(0), "epochs": 99, "optimizer": {"state": {}}, "scheduler": {}})
    poses = PublishedNetwork.load(path).predict(*inputs(2))
    assert poses.shape == (2, 72) and poses.dtype == torch.float32
    found = rotations(poses)[:, [JOINT_NAMES.index(name) for name in FROZEN_JOINTS]]
    np.testing.assert_allclose(found, exp_map(np.array(FROZEN)), atol=1e-5)


def test_has_the_published_tensors():
    shapes = expected_shapes()
    assert len(shapes) == 218
    assert shapes["openpose_regressor"] == (25, 6890)
    assert shapes["backbone.data_bn.running_var"] == (75,)
    assert shapes["backbone.backbone.3.gcn1.conv_list.2.weight"] == (128, 64, 1, 1)
    assert shapes["backbone.backbone.6.down1.conv.weight"] == (256, 128, 1, 1)
    assert shapes["backbone.backbone.8.tcn1.conv.weight"] == (256, 256, 9, 1)
    assert shapes["linear.2.weight"] == (256 * 22, 256)
    assert shapes["regressor.layers.0.0.weight"] == (22, 256, 256)
    assert shapes["regressor.layers.1.bias"] == (22, 6)
    assert sum(p.numel() for p in PublishedNetwork().parameters() if p.requires_grad) == 6_098_200


def test_a_new_network_is_saved_loaded_and_predicts_the_same(saved):
    torch.manual_seed(0)
    network = PublishedNetwork()
    loaded = PublishedNetwork.load(saved({"model": network.state_dict()}))
    assert not loaded.training
    assert torch.equal(network.predict(*inputs(3)), loaded.predict(*inputs(3)))


def test_predicts_each_body_of_a_batch_as_if_it_were_alone(network):
    together = network.predict(*inputs(5))
    alone = [network.predict(*(values[i : i + 1] for values in inputs(5))) for i in range(5)]
    np.testing.assert_allclose(rotations(together), rotations(torch.cat(alone)), atol=ROUNDING)


@pytest.mark.parametrize("moved", [True, False])
def test_turning_the_take_turns_the_global_orientation_alone(network, moved):
    start, target, poses, betas = inputs(4)
    turn, shift = exp_map(np.array([0.7, -1.9, 0.4])), np.array([3.0, -8.0, 1.0]) * moved
    turned = poses.copy()
    turned[:, :3] = log_map(turn @ exp_map(poses[:, :3]))
    here = rotations(network.predict(start, target, poses, betas))
    there = rotations(network.predict(start @ turn.T + shift, target @ turn.T + shift, turned, betas))
    np.testing.assert_allclose(there[:, 0], turn @ here[:, 0], atol=ROUNDING)
    np.testing.assert_allclose(there[:, 1:], here[:, 1:], atol=ROUNDING)


def test_keypoints_target_pose_and_shape_all_count(network):
    before = rotations(network.predict(*inputs(2)))
    for i in range(4):
        changed = [values.copy() for values in inputs(2)]
        changed[i] += 0.2 * np.random.default_rng(9).normal(size=changed[i].shape)
        assert angle_between(before, rotations(network.predict(*changed))).max() > 0.02


def test_hands_are_neither_read_nor_predicted(network):
    start, target, poses, betas = inputs(2)
    predicted = network.predict(start, target, poses, betas)
    poses[:, 66:] = 0.0
    assert torch.equal(network.predict(start, target, poses, betas), predicted)
    assert not predicted[:, 66:].any()


def test_the_human_centric_frame_is_left_handed_about_the_mid_hip():
    keypoints = torch.tensor(inputs(6)[0])
    origin, axes = human_centric_frame(keypoints)
    seen = (keypoints - origin) @ axes
    assert torch.allclose(torch.linalg.det(axes), torch.tensor(-1.0).double(), atol=1e-5)
    assert not seen[:, BODY_25.index("mid_hip")].any()
    hips = seen[:, BODY_25.index("left_hip")] - seen[:, BODY_25.index("right_hip")]
    assert (hips[:, 1] > 0).all() and torch.allclose(hips[:, ::2], hips.new_zeros(6, 2), atol=1e-6)
    neck = seen[:, BODY_25.index("neck")]
    assert (neck[:, 2] > 0).all() and torch.allclose(neck[:, 0], neck.new_zeros(6), atol=1e-6)


def test_keypoints_that_coincide_still_give_a_pose(network):
    _, _, poses, betas = inputs(2)
    assert torch.isfinite(network.predict(np.zeros((2, 25, 3)), np.zeros((2, 25, 3)), poses, betas)).all()


def test_predicts_alike_while_it_is_trained(network):
    expected = network.predict(*inputs(2))
    network.train()
    try:
        assert torch.equal(network.predict(*inputs(2)), expected)
        assert network.training
    finally:
        network.eval()


def test_every_weight_is_trained():
    torch.manual_seed(0)
    network = PublishedNetwork().train()
    before = {name: value.clone() for name, value in network.named_parameters()}
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3)
    predicted = network(*(torch.tensor(values, dtype=torch.float32) for values in inputs(8)))
    assert predicted.shape == (8, 22, 3, 3)
    (predicted - torch.eye(3)).square().sum().backward()
    optimiser.step()
    same = [name for name, value in network.named_parameters() if torch.equal(value, before[name])]
    assert same == ["openpose_regressor"]
    assert all(torch.isfinite(value).all() for value in network.state_dict().values())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_gpu_predicts_what_the_cpu_predicts(saved):
    path = saved({"model": weights(0)})
    on_gpu = PublishedNetwork.load(path, "cuda").predict(*inputs(64))
    assert on_gpu.device.type == "cuda"
    expected = PublishedNetwork.load(path).predict(*inputs(64))
    np.testing.assert_allclose(rotations(on_gpu.cpu()), rotations(expected), atol=ROUNDING)


# Files


def test_names_all_that_is_missing_unexpected_or_wrong(saved):
    model = weights(0)
    del model["linear.0.bias"]
    model["head.weight"] = torch.zeros(3)
    model["linear.0.weight"] = torch.zeros(256, 300)
    model["linear.2.bias"] = [0.0]
    model["backbone.gcn0.mask"] = torch.zeros(3, 25, 25, dtype=torch.int32)
    model["backbone.tcn0.conv.bias"] = torch.full((64,), float("nan"))
    model["backbone.tcn0.bn.weight"] = torch.zeros(64).to_sparse()
    with pytest.raises(NetworkFileError) as caught:
        read_checkpoint(saved({"model": model}))
    message = str(caught.value)
    assert "best_ckpt.pth.tar: missing: linear.0.bias; unexpected: head.weight; wrong: " in message
    assert "linear.0.weight has shape (256, 300) and should have (256, 335)" in message
    assert "linear.2.bias is a list" in message
    assert "backbone.gcn0.mask is of type torch.int32 and should be of torch.float32" in message
    assert "backbone.tcn0.conv.bias holds values that are not finite" in message
    assert "backbone.tcn0.bn.weight is no plain tensor" in message


def test_other_precisions_and_parameters_are_read(saved):
    expected = weights(0)
    model = {name: value.double() if value.is_floating_point() else value for name, value in expected.items()}
    model["linear.0.bias"] = torch.nn.Parameter(expected["linear.0.bias"])
    loaded = PublishedNetwork.load(saved({"model": model})).state_dict()
    assert all(torch.equal(loaded[name], value) for name, value in expected.items())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1, 2], "no tensors under model; it holds a list"),
        ({}, "no tensors under model; it holds nothing"),
        ({"state_dict": {}, "epochs": 3}, "no tensors under model; it holds state_dict, epochs"),
        ({"model": [1]}, "no tensors under model; it holds model"),
        ({"model": {}}, "missing: openpose_regressor, .* and 206 more;"),
        ({"model": {1: torch.zeros(2)}}, "unexpected: 1;"),
        ({"model": torch.zeros(3)}, "no tensors under model"),
    ],
)
def test_says_what_it_found_in_other_pytorch_files(saved, content, message):
    with pytest.raises(NetworkFileError, match=rf"best_ckpt\.pth\.tar: .*{message}.*expected the published checkpoint"):
        PublishedNetwork.load(saved(content))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is no PyTorch file"),
        (b"#!/bin/sh\n", "is no PyTorch file"),
        (pickle.dumps({"model": {}}), "is no PyTorch file"),
        (b"PK\x03\x04 and no more", "is a PyTorch file that is damaged"),
    ],
)
def test_says_that_other_files_are_none(tmp_path, data, message):
    (tmp_path / "odd.tar").write_bytes(data)
    with pytest.raises(NetworkFileError, match=rf"odd\.tar: {message}"):
        PublishedNetwork.load(tmp_path / "odd.tar")


def test_files_that_cannot_be_read_are_named(tmp_path):
    with pytest.raises(NetworkFileError, match=r"none\.tar: cannot be read: No such file"):
        PublishedNetwork.load(tmp_path / "none.tar")
    with pytest.raises(NetworkFileError, match="cannot be read"):
        PublishedNetwork.load(tmp_path)


def test_formats_that_are_not_safe_in_every_pytorch_are_left_unread(saved):
    with pytest.raises(NetworkFileError, match="is no PyTorch file"):
        PublishedNetwork.load(saved({"model": {}}, _use_new_zipfile_serialization=False))


class Touch:
    """Makes a file when an ordinary unpickler reads it."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_hostile_files_are_refused_and_run_nothing(saved, tmp_path):
    path = saved({"model": {}, "optimizer": Touch(tmp_path / "ran")})
    with pytest.raises(NetworkFileError, match="nothing in it was run") as caught:
        PublishedNetwork.load(path)
    assert "weights_only" not in str(caught.value), "no advice to switch the protection off"
    assert not (tmp_path / "ran").exists()
    torch.load(path, weights_only=False)
    assert (tmp_path / "ran").exists(), "an ordinary unpickler runs it"


def test_files_that_unpack_to_too_much_are_not_unpacked(saved, monkeypatch):
    monkeypatch.setattr(torch_files, "MAX_BYTES", 1 << 20)
    with pytest.raises(NetworkFileError, match="unpacks to 2 MB; at most 1 MB are read"):
        PublishedNetwork.load(saved({"model": {"a": torch.zeros(600_000)}}))


def test_damage_anywhere_is_reported(saved):
    path = saved({"model": {"linear.0.bias": torch.zeros(256), "openpose_regressor": torch.zeros(3)}, "epochs": 4})
    data, rng = path.read_bytes(), np.random.default_rng(17)
    for number in range(80):
        broken = bytearray(data)
        if number % 4:
            broken[rng.integers(len(data))] = rng.integers(256)
        else:
            del broken[rng.integers(len(data)) :]
        path.write_bytes(broken)
        with pytest.raises(NetworkFileError, match=r"best_ckpt\.pth\.tar: "):
            PublishedNetwork.load(path)
