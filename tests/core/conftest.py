"""What the core's tests share: the two array libraries, the bundled body, and motion to try things on."""

import signal
from pathlib import Path

import numpy as np
import pytest

import lsmpl_core as lsmpl
from lsmpl_core.backends.arrays import choose_backend
from lsmpl_core.backends.kernel_library import find_kernels
from lsmpl_core.rotation import exp_map, log_map

RECORDED = Path(__file__).resolve().parents[1] / "data" / "cmu"
"""Short clips of recorded motion, see `tests/data/README.md`."""


@pytest.fixture(scope="session", autouse=True)
def signals_as_usual():
    """Who runs the tests by `nohup` or in the background makes processes, and those that they start, deaf to some."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number and signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if name == "SIGINT" else signal.SIG_DFL)


@pytest.fixture(params=["numpy", "native", "cpu"])
def backend(request):
    """NumPy, NumPy with the compiled kernels, and torch on the CPU."""
    if request.param == "native" and not find_kernels().kernels:
        pytest.skip(find_kernels().fact)
    if request.param == "cpu":
        pytest.importorskip("torch", reason="PyTorch is not installed, so its half of the kernels is not tested")
    return choose_backend(request.param)


@pytest.fixture(scope="session")
def body() -> lsmpl.Body:
    return lsmpl.load_body()


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.fixture(scope="session")
def mocap() -> Path:
    """The folder of recorded clips."""
    return RECORDED


@pytest.fixture(scope="session")
def stroll(body) -> lsmpl.Motion:
    """Sixty frames of a made-up stroll: swinging arms and legs, a slow turn, bent elbows; not the mean shape."""
    t = np.linspace(0.0, 4.0 * np.pi, 60)
    poses = np.zeros((60, 24, 3))
    turn = exp_map(np.stack([np.zeros_like(t), np.zeros_like(t), 0.1 * t], axis=1))
    upright = exp_map(np.array([np.pi / 2, 0.0, 0.0]))
    poses[:, 0] = log_map(turn @ upright)
    swing = 0.5 * np.sin(t)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        joint = {
            name: body.joint_names.index(f"{side}_{name}") for name in ("hip", "knee", "shoulder", "elbow", "ankle")
        }
        poses[:, joint["hip"], 0] = -0.25 - sign * swing
        poses[:, joint["knee"], 0] = 0.5 + 0.4 * np.sin(sign * t + 1.0)
        poses[:, joint["ankle"], 0] = -0.1
        poses[:, joint["shoulder"], 2] = -sign * 1.1
        poses[:, joint["shoulder"], 0] = sign * swing
        poses[:, joint["elbow"], 1] = -sign * (0.5 + 0.2 * np.sin(t))
    poses[:, 3, 0] = 0.1
    trans = np.stack([0.3 * np.sin(0.1 * t), -0.03 * t * 3, 1.15 + 0.02 * np.sin(2 * t)], axis=1)
    betas = np.array([0.8, -0.6, 0.5, 0.3, 0, 0, 0.2, 0, 0, 0])
    return lsmpl.Motion(poses=poses, trans=trans, betas=betas, fps=30.0, body=body.key)
