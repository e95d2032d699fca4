"""The network of Learnable SMPLify as its authors published it: it reads their checkpoint and gives
their numbers.

Yang et al., *Learnable SMPLify: A Neural Solution for Optimization-Free Human Pose Inverse
Kinematics*, 2025 (arXiv 2508.13562), public code Charrrrrlie/Learnable-SMPLify at commit bf789ea:
`src/module/net_body25.py` and what it imports. Our own is `network.py`. This module needs torch, so
import it where it is used.

From a pose, the BODY_25 keypoints of the body in that pose, and those of the pose that is sought,
the network predicts residual rotations ΔR of the root and the 21 body joints:

    R_pred = R_start ΔR

* Both sets of keypoints are seen in the human-centric frame of the start keypoints
  (`human_centric_frame`), so turning and moving them together changes no ΔR. Besides them the
  network sees the start body pose and betas, not the start global orientation.
* The root's ΔR is, like any other joint's, a turn in its own axes: the predicted global orientation
  is `R_start[0] ΔR[0]`, in the world in which the start pose is given. That frame's left-handedness
  does not enter.
* Translation is not predicted: whoever calls has to find it. Hands are zero, in the start pose as
  in the prediction.
* There is no mask: all 25 keypoints have to be there, and one that is NaN makes the whole pose NaN.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import torch
from torch import nn

from ..backends.precision import full_precision
from ..body.skeleton import NUM_BETAS, NUM_JOINTS
from ..errors import NetworkFileError
from ..files.torch_files import read_torch_file
from ..keypoints.layouts import BODY_25
from ..rotation import exp_map, from_columns, log_map

PREDICTED = 22
"""The root and the 21 body joints come first among SMPL's 24; the two hands are left."""

NUM_KEYPOINTS = len(BODY_25)
MID_HIP, NECK, LEFT_HIP, RIGHT_HIP = map(
    BODY_25.index, ("mid_hip", "neck", "left_hip", "right_hip")
)
NUM_VERTICES = 6890

EDGES = (
    (1, 2), (2, 21), (3, 21), (4, 3), (5, 21), (6, 5), (7, 6), (8, 7), (9, 21), (10, 9), (11, 10),
    (12, 11), (13, 1), (14, 13), (15, 14), (16, 15), (17, 1), (18, 17), (19, 18), (20, 19), (22,
    23), (23, 8), (24, 25), (25, 12),
)  # fmt: skip
"""Of the 25 joints of NTU RGB+D, from 1, each towards the middle of the body. The keypoints are
BODY_25, whose edges are others; the published weights were trained on these all the same."""

BLOCKS = (
    (64, 64, 1), (64, 64, 1), (64, 64, 1), (64, 128, 2), (128, 128, 1), (128, 128, 1), (128, 256,
    2), (256, 256, 1), (256, 256, 1),
)  # fmt: skip
"""Channels in, channels out and stride along time."""

WIDTH = 256
DROPOUT = 0.5
FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


class PublishedNetwork(nn.Module):
    """The published network, initialised as its authors do, with their names in `state_dict`."""

    def __init__(self):
        super().__init__()
        regressor = torch.zeros(NUM_KEYPOINTS, NUM_VERTICES)
        self.openpose_regressor = nn.Parameter(regressor, requires_grad=False)
        """(25,6890) from SMPL's vertices to BODY_25. The network does not use it, but start
        keypoints should be those that the weights were trained with; zero in a new network."""
        self.backbone = Backbone()
        features = BLOCKS[-1][1] + 3 * (NUM_JOINTS - 1) + NUM_BETAS
        self.linear = nn.Sequential(
            nn.Linear(features, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH * PREDICTED)
        )
        first = nn.Sequential(JointLinear(WIDTH, WIDTH), nn.ReLU())
        self.regressor = nn.ModuleDict({"layers": nn.Sequential(first, JointLinear(WIDTH, 6))})

    @classmethod
    def load(cls, path: str | os.PathLike, device: torch.device | str = "cpu") -> PublishedNetwork:
        """The network of a checkpoint (`best_ckpt.pth.tar`) on a device, in evaluation mode.

        Raises `NetworkFileError`, see `read_checkpoint`.
        """
        network = cls()
        network.load_state_dict(read_checkpoint(path))
        return network.to(device).eval()

    def forward(self, start_keypoints, target_keypoints, start_poses, betas) -> torch.Tensor:
        """R_pred (B,22,3,3) of the root and the body joints; differentiable. What it takes is said
        at `predict`."""
        origin, axes = human_centric_frame(start_keypoints)
        frames = torch.stack(
            [(start_keypoints - origin) @ axes, (target_keypoints - origin) @ axes], dim=1
        )
        seen = self.backbone(frames.permute(0, 3, 1, 2))  # (B,2,25,3) -> (B,3,2,25)
        pose = start_poses[:, : 3 * PREDICTED]
        hands = pose.new_zeros(len(pose), 3 * (NUM_JOINTS - PREDICTED))
        features = self.linear(torch.cat([seen, pose[:, 3:], hands, betas], dim=1))
        six = self.regressor["layers"](features.reshape(-1, PREDICTED, WIDTH)).reshape(
            -1, PREDICTED, 3, 2
        )
        return exp_map(pose.reshape(-1, PREDICTED, 3)) @ from_columns(six[..., 0], six[..., 1])

    def predict(self, start_keypoints, target_keypoints, start_poses, betas) -> torch.Tensor:
        """The poses (B,72) sought, as axis-angles in radians of SMPL's 24 joints, on the network's
        device.

        Arrays or tensors: start_keypoints (B,25,3), BODY_25 in metres, as the weights were trained:
        regressed from the mesh in the start pose at its translation; target_keypoints (B,25,3), the
        same of the pose sought, in the same world; start_poses (B,72) axis-angles; betas (B,10).

        In evaluation mode whichever mode the network is in, without gradients, and in full single
        precision also where the GPU would rather round the inputs of convolutions to TF32.
        """
        like, training = self.openpose_regressor, self.training
        given = (start_keypoints, target_keypoints, start_poses, betas)
        inputs = [torch.as_tensor(values, dtype=like.dtype, device=like.device) for values in given]
        self.eval()
        try:
            with torch.no_grad(), full_precision():
                rotations = self(*inputs)
        finally:
            self.train(training)
        poses = rotations.new_zeros(len(rotations), 3 * NUM_JOINTS)
        poses[:, : 3 * PREDICTED] = log_map(rotations).reshape(-1, 3 * PREDICTED)
        return poses


def human_centric_frame(keypoints: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Origin (B,1,3) and axes (B,3,3), in columns, of keypoints (B,25,3); `(k - origin) @ axes` are
    coordinates in it.

    The mid-hip; y from the right hip to the left, z towards the neck and square to y, and x = z × y
    (the code's `src/common/keypoint_geo.py`). That makes it left-handed; the published weights were
    trained in it.
    """
    origin = keypoints[:, MID_HIP, None]
    centred = keypoints - origin
    y = _unit(centred[:, LEFT_HIP] - centred[:, RIGHT_HIP])
    up = _unit(centred[:, NECK])
    z = _unit(up - (up * y).sum(dim=-1, keepdim=True) * y)
    x = _unit(torch.linalg.cross(z, y))
    return origin, torch.stack([x, y, z], dim=-1)


def _unit(v):
    """Finite also where keypoints coincide."""
    return v / (torch.linalg.vector_norm(v, dim=-1, keepdim=True) + 1e-8)


# Layers


def _partitions() -> torch.Tensor:
    """(3,25,25): a joint itself, its neighbours inwards, its neighbours outwards (Yan et al.,
    *Spatial temporal graph convolutional networks for skeleton-based action recognition*, 2018,
    section 3.3, spatial configuration); each column sums to 1, or 0 where there is no such
    neighbour."""
    inwards = torch.zeros(NUM_KEYPOINTS, NUM_KEYPOINTS)
    for i, j in EDGES:
        inwards[j - 1, i - 1] = 1.0
    parts = torch.stack([torch.eye(NUM_KEYPOINTS), inwards, inwards.T])
    return parts / parts.sum(dim=1, keepdim=True).clamp(min=1.0)


PARTITIONS = _partitions()


class GraphUnit(nn.Module):
    """Convolution over the graph, with a matrix for each partition; batch norm; ReLU. (B,C,T,25) ->
    (B,C',T,25)"""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.register_buffer("partitions", PARTITIONS.clone(), persistent=False)
        self.mask = nn.Parameter(torch.ones(PARTITIONS.shape))
        self.conv_list = nn.ModuleList(_convolution(inputs, outputs) for _ in PARTITIONS)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x):
        mixed = sum(
            conv(x @ part) for conv, part in zip(self.conv_list, self.partitions * self.mask)
        )
        return self.bn(mixed).relu()


class TimeUnit(nn.Module):
    """Dropout, convolution along time, batch norm, ReLU. (B,C,T,25) -> (B,C',T/stride,25)"""

    def __init__(
        self, inputs: int, outputs: int, frames: int, stride: int = 1, dropout: float = 0.0
    ):
        super().__init__()
        self.conv = _convolution(inputs, outputs, frames, stride)
        self.bn = nn.BatchNorm2d(outputs)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        # Of nine taps only those that reach from one frame to another meet anything but padding;
        # leaving the others out changes nothing and takes a third of the time.
        middle = self.conv.kernel_size[0] // 2
        reach = min(middle, x.shape[2] - 1)
        taps = self.conv.weight[:, :, middle - reach : middle + reach + 1]
        x = nn.functional.conv2d(
            self.dropout(x), taps, self.conv.bias, self.conv.stride, (reach, 0)
        )
        return self.bn(x).relu()


def _convolution(inputs: int, outputs: int, frames: int = 1, stride: int = 1) -> nn.Conv2d:
    conv = nn.Conv2d(inputs, outputs, (frames, 1), (stride, 1), (frames // 2, 0))
    nn.init.normal_(conv.weight, std=(2.0 / (outputs * frames)) ** 0.5)
    return conv


class Block(nn.Module):
    """A graph unit and a time unit with a residual connection, after whose sum there is no ReLU."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.gcn1 = GraphUnit(inputs, outputs)
        self.tcn1 = TimeUnit(outputs, outputs, frames=9, stride=stride, dropout=DROPOUT)
        same = inputs == outputs and stride == 1
        self.down1 = None if same else TimeUnit(inputs, outputs, frames=1, stride=stride)

    def forward(self, x):
        return self.tcn1(self.gcn1(x)) + (x if self.down1 is None else self.down1(x))


class Backbone(nn.Module):
    """Two frames of keypoints (B,3,2,25) to features (B,256), the mean over keypoints."""

    def __init__(self):
        super().__init__()
        self.data_bn = nn.BatchNorm1d(3 * NUM_KEYPOINTS)
        self.backbone = nn.ModuleList(Block(*sizes) for sizes in BLOCKS)
        self.gcn0 = GraphUnit(3, BLOCKS[0][0])
        self.tcn0 = TimeUnit(BLOCKS[0][0], BLOCKS[0][0], frames=9)

    def forward(self, x):
        flat = x.permute(0, 3, 1, 2).flatten(1, 2)  # (B,75,2): nose x, nose y, nose z, neck x, ...
        # Contiguous, as in the authors' code: other strides make the convolutions round otherwise
        # than theirs.
        x = (
            self.data_bn(flat.contiguous())
            .unflatten(1, (NUM_KEYPOINTS, 3))
            .permute(0, 2, 3, 1)
            .contiguous()
        )
        x = self.tcn0(self.gcn0(x))
        for block in self.backbone:
            x = block(x)
        # The strides leave one frame of the two.
        return nn.functional.avg_pool2d(x, (1, NUM_KEYPOINTS)).flatten(1)


class JointLinear(nn.Module):
    """A linear layer for each predicted joint. (B,22,inputs) -> (B,22,outputs)"""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        # The authors' bound: torch's rule for linear layers takes the joints' axis for the
        # outputs', and so divides by inputs times outputs.
        bound = (inputs * outputs) ** -0.5
        self.weight = nn.Parameter(torch.empty(PREDICTED, outputs, inputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(PREDICTED, outputs).uniform_(-bound, bound))

    def forward(self, x):
        return torch.einsum("joi,bji->bjo", self.weight, x) + self.bias


# Checkpoints


@cache
def _expected() -> dict[str, torch.Tensor]:
    """The 218 tensors in `model` of a checkpoint, without values. Those named
    `...num_batches_tracked` are 64-bit integers, the others floats."""
    with torch.device("meta"):
        return PublishedNetwork().state_dict()


def read_checkpoint(path: str | os.PathLike) -> dict[str, torch.Tensor]:
    """The tensors in `model` of a checkpoint, on the CPU, checked; its other keys (`optimizer`,
    `epochs`) are ignored.

    Nothing in the file is run. Raises `NetworkFileError` naming the file and every tensor that is
    missing, unexpected or wrong.
    """
    path = Path(path)
    try:
        content = read_torch_file(path)
        model = content["model"] if isinstance(content, dict) and "model" in content else None
        if not isinstance(model, dict):
            raise ValueError(f"has no tensors under model; it holds {_listed(content)}")
        return _checked(model)
    except OSError as error:
        raise NetworkFileError(f"{path}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise NetworkFileError(
            f"{path}: {error}; expected the published checkpoint, best_ckpt.pth.tar"
        ) from error


def _checked(model: dict) -> dict[str, torch.Tensor]:
    expected = _expected()
    faults = {name: _fault(model[name], like) for name, like in expected.items() if name in model}
    lists = {
        "missing": [name for name in expected if name not in model],
        "unexpected": [str(name)[:80] for name in model if name not in expected],
        "wrong": [f"{name} {fault}" for name, fault in faults.items() if fault],
    }
    if any(lists.values()):
        raise ValueError(
            "; ".join(f"{what}: {_shortened(names)}" for what, names in lists.items() if names)
        )
    return {name: model[name] for name in expected}


def _fault(value: object, like: torch.Tensor) -> str:
    """What is wrong with a tensor of a file; "" if nothing is."""
    if not isinstance(value, torch.Tensor):
        return f"is a {type(value).__name__}"
    if value.layout is not torch.strided or value.is_nested or value.device.type != "cpu":
        return "is no plain tensor"
    if value.shape != like.shape:
        return f"has shape {tuple(value.shape)} and should have {tuple(like.shape)}"
    if value.dtype not in (FLOATS if like.dtype.is_floating_point else (torch.int64,)):
        return f"is of type {value.dtype} and should be of {like.dtype}"
    if not bool(torch.isfinite(value).all()):
        return "holds values that are not finite"
    return ""


def _listed(content: object) -> str:
    if not isinstance(content, dict):
        return f"a {type(content).__name__}"
    return _shortened([str(name)[:80] for name in content]) or "nothing"


def _shortened(names: list[str], most: int = 12) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
