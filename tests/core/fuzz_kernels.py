"""Wild arrays thrown at the compiled kernels, in a process whose library watches every access (not a test by itself).

    python tests/core/fuzz_kernels.py kernels.so [seconds of processor time] [seed]

`test_kernels.py` runs a little of it on the library at hand. With sanitizers, in `kernels/`:

    gcc -std=c11 -O1 -g -fsanitize=address,undefined -shared -fPIC -o ../kernels.so *.c -lm

and this with LD_PRELOAD=$(gcc -print-file-name=libasan.so) and ASAN_OPTIONS=detect_leaks=0.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import contextlib

from lsmpl_core.backends import finger_kernels, linear_kernels
from lsmpl_core.backends.kernels import Kernels, Walked, Walkers
from lsmpl_core.solver.network import CANONICAL, INPUTS, OUTPUTS, PARENT_JOINTS

WILD = (0.0, -0.0, 1.0, -1.0, 1e-320, 1e-12, 1e9, 1e308, -1e308, np.inf, -np.inf, np.nan)


def some(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Numbers as they are, and in a third of the arrays a few that nobody expects."""
    values = rng.normal(size=shape) * 10.0 ** rng.integers(-3, 3)
    if rng.random() < 0.33 and values.size:
        count = rng.integers(1, 1 + min(values.size, 9))
        values.flat[rng.integers(0, values.size, count)] = rng.choice(WILD, count)
    return values


class Planes:
    def __init__(self, rng: np.random.Generator):
        for name in ("upper", "lower", "bent", "across"):
            setattr(self, name, some(rng, 4, 3))
        for name in ("side", "straight", "offset", "share", "precision"):
            setattr(self, name, some(rng, 4))


def once(kernels: Kernels, rng: np.random.Generator) -> None:
    """Each of the functions, once; what it refuses, it refuses by a ValueError."""
    B, K, P = (int(rng.choice([0, 1, 2, 7, 50], p=[0.05, 0.3, 0.3, 0.3, 0.05])) for _ in range(3))
    shapes = int(rng.choice([1, B, 3]))
    owner = rng.integers(0, max(K, 1), P)
    gather = (np.arange(K)[:, None] == owner) if K else np.zeros((1, P))
    K = len(gather)
    joint = rng.integers(-1 if rng.random() < 0.1 else 0, 25 if rng.random() < 0.1 else 24, P)
    model = kernels.model(some(rng, shapes, 24, 3), some(rng, shapes, P, 3), some(rng, P), joint, gather)
    pose = some(rng, B, 24, 3, 3), some(rng, B, 3)
    targets, anchor = (some(rng, B, K, 3), some(rng, B, K)), (some(rng, B, 24, 3, 3), some(rng, B, 24))
    rows = () if rng.random() < 0.5 else (int(rng.choice([B, 2])),)
    prior = kernels.prior(some(rng, *rows, 69), some(rng, 69, 69), None if rng.random() < 0.3 else Planes(rng))
    steps = {"steps": int(rng.integers(-1, 4)), "more": int(rng.integers(-1, 4)), "enough": 0.0}
    network = _network(kernels, rng, K)
    T, n, m = int(rng.integers(0, 5)), 3 * int(rng.integers(0, 9)), int(rng.integers(0, 20))
    for call in (
        lambda: kernels.state(model, *pose),
        lambda: kernels.jacobian(model, pose),
        lambda: kernels.polish(model, pose, targets, anchor, prior, **steps, damping=1e-4, tolerance=1e-9),
        lambda: kernels.polish(model, pose, targets, anchor, None, **steps, damping=np.nan, tolerance=1e-9),
        lambda: kernels.normal_equations(
            model, pose, targets, anchor, prior, some(rng, B, K), np.empty((B, 75, 75)), np.empty((B, 75))
        ),
        lambda: kernels.add_accelerations(
            pose,
            some(rng, 25),
            some(rng, max(B - 2, 0), 25),
            float(some(rng, 1)[0]),
            some(rng, B, 75, 75),
            some(rng, B, 75),
        ),
        lambda: kernels.turned(pose[0], some(rng, B, 24, 3)),
        lambda: _shape_equations(kernels, rng, model, pose, targets, prior),
        lambda: kernels.predict(model, network, pose, targets, some(rng, B)),
        lambda: _follow(kernels, rng, model, network, prior, K, pose),
        lambda: finger_kernels.terms(kernels, _fingers(rng, B), some(rng, B, 9)),
        lambda: finger_kernels.polished(
            kernels,
            _fingers(rng, B),
            some(rng, B, 9),
            steps=int(rng.integers(-1, 5)),
            settled=0.02,
            damping=0.1,
            least_damping=1e-4,
        ),
        lambda: kernels.forward(some(rng, B, 24, 3), some(rng, 24, 3), some(rng, B, 3)),
        lambda: linear_kernels.solve(kernels, some(rng, B, n, n), some(rng, B, n, m)),
        lambda: linear_kernels.half_solve(kernels, some(rng, B, n, n), some(rng, B, n, m)),
        lambda: linear_kernels.solve_diagonals(kernels, some(rng, 4, T), some(rng, T, m)),
        lambda: linear_kernels.multiply(kernels, some(rng, B, n, K), some(rng, B, K, P)),
        lambda: linear_kernels.solve_banded(
            kernels,
            some(rng, T, n, n),
            some(rng, max(T - 1, 0), n // 3, 3, 3),
            some(rng, max(T - 2, 0), n // 3, 3, 3),
            some(rng, T, n),
        ),
    ):
        with contextlib.suppress(ValueError):
            call()


def _fingers(rng: np.random.Generator, count: int):
    arrays = {name: some(rng, count, *size) for name, size in finger_kernels.FINGER_ARRAYS.items()}
    names = ("precision", "nearness", "limit", "end_weight", "end_share")
    return finger_kernels.compiled_fingers(arrays, **dict(zip(names, some(rng, 5))))


def _shape_equations(kernels: Kernels, rng: np.random.Generator, model, pose, targets, prior) -> None:
    K, P, D = targets[1].shape[1], model.structure.parts, int(rng.choice([0, 1, 10, 70]))
    wild = rng.random() < 0.1
    parents = rng.integers(-1 if wild else 0, 25 if wild else 24, K)
    sites = rng.integers(-1 if wild else 0, K + wild if K else 1, int(rng.integers(0, K + 2)))
    directions = some(rng, D, 24, 3), some(rng, D, P, 3)
    kernels.shape_equations(model, pose, targets, prior, directions, parents, sites, float(some(rng, 1)[0]))


def _follow(kernels: Kernels, rng: np.random.Generator, model, network, prior, keypoints: int, pose) -> None:
    S, T, B = int(rng.integers(0, 4)), int(rng.integers(0, 5)), len(pose[1])
    path = rng.integers(-1 if rng.random() < 0.1 else 0, T + (rng.random() < 0.1) if T else 1, (S, B))
    walkers = Walkers(*(a.copy() for a in pose), rng.integers(0, 5, B), np.abs(some(rng, B)))
    targets, seen = (some(rng, T, keypoints, 3), some(rng, T, keypoints)), some(rng, T, keypoints)
    numbers = dict(zip(("noise", "trust", "limit", "enough", "damping", "tolerance"), some(rng, 6)))
    steps = {"steps": int(rng.integers(-1, 3)), "more": int(rng.integers(-1, 3))}
    kernels.follow(model, network, prior, targets, seen, path, walkers, Walked.of(S, B), **numbers, **steps)


def _network(kernels: Kernels, rng: np.random.Generator, keypoints: int):
    width = int(rng.choice([1, 31, 32, 40]))
    sizes = [(INPUTS, width), (width, width), (width, width), (width, OUTPUTS)]
    layers = [(some(rng, *size), some(rng, size[1])) for size in sizes]
    canonical = np.arange(len(CANONICAL))[:, None] == rng.integers(0, 60, keypoints)
    return kernels.network(layers, PARENT_JOINTS, canonical)


def main() -> None:
    path, seconds, seed = (
        Path(sys.argv[1]),
        float(sys.argv[2]) if len(sys.argv) > 2 else 60.0,
        int((sys.argv + [0] * 4)[3]),
    )
    kernels, rng, began, count = Kernels(path), np.random.default_rng(seed), time.process_time(), 0
    with np.errstate(all="ignore"):
        while time.process_time() - began < seconds:
            once(kernels, rng)
            count += 1
    print(f"{count} rounds of eighteen calls")


if __name__ == "__main__":
    main()
