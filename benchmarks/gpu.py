"""What a CUDA card does for LSMPL, in one command that ends by itself: for a machine that is lent for minutes.

    python benchmarks/gpu.py [--minutes 8] [--mocap FOLDER] [--device cuda] [--out FOLDER]

In this order, each part printed as soon as it is known and left out once the time is short: the device tests; a step of
the tracker eager and recorded as a CUDA graph, with how far the two are apart; many takes as one batch; short and long
takes beside NumPy's; and with --mocap, what is left goes into training on from the network that LSMPL has. Whatever
hangs, the command ends when its minutes are over.
`--device cpu` rehearses all of it but the graph, with less of everything, and `--device pretend` on the GPU that is
pretended in the tests, which refuses what a card would.
"""

from __future__ import annotations

import argparse
import faulthandler
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent), str(ROOT / "tests" / "core")]

import speed  # noqa: E402

import lsmpl_core as lsmpl  # noqa: E402
from lsmpl_core.backends.arrays import Backend, choose_backend  # noqa: E402
from lsmpl_core.body.kinematics import State  # noqa: E402
from lsmpl_core.body.sites import site_parts  # noqa: E402
from lsmpl_core.rotation import exp_map  # noqa: E402
from lsmpl_core.solver.polish import polish  # noqa: E402
from lsmpl_core.solver.poses import Poses  # noqa: E402
from lsmpl_core.solver.problem import Problem  # noqa: E402
from lsmpl_core.solver.tracking import Tracker  # noqa: E402

NETWORK = ROOT / "lsmpl_core" / "data" / "network.npz"
LEAST_SECONDS = 20.0
"""Time without which nothing more is begun."""
TEST_SECONDS = 120.0
LOADING_MINUTES = 0.8
TRAINING = (
    "--learning-rate 7e-4 --least-learning-rate 7e-6 --warm-up 100 --batch 96 --unroll 12 --slow 0.6 --versions 12"
)


@dataclass(frozen=True)
class Sizes:
    """How much is done: frames of the long take, batches of steps, takes at once and frames of each; frames of a short
    take, frames refined, and frames solved one by one."""

    frames: int
    batches: tuple[int, ...]
    takes: tuple[int, ...]
    take_frames: int
    short: int
    refined: int
    single: int


CARD = Sizes(10_000, (1, 64, 512), (64, 512, 4096), 100, 300, 2000, 200)
CPU = Sizes(2_100, (1, 16), (8,), 100, 300, 2000, 200)
PRETENDED = Sizes(24, (1, 4), (3,), 4, 6, 6, 2)
Device = str | Backend


def is_card(device: Device) -> bool:
    return isinstance(device, str) and device.startswith("cuda")


def tracker_of(track, motion, body, device: Device) -> Tracker:
    backend, options = choose_backend(device), lsmpl.SolveOptions(noise=1e-4)
    parts = site_parts(body, track.layout.sites)
    return Tracker.of(Problem.of(track, body, parts, motion.betas, backend, options))


def synchronised(device: Device) -> None:
    if is_card(device):
        torch.cuda.synchronize()


def timed(work: Callable[[], object], device: Device, times: int) -> float:
    """Milliseconds of one of so many calls, after a few that do not count."""
    for _ in range(3):
        work()
    synchronised(device)
    began = time.perf_counter()
    for _ in range(times):
        work()
    synchronised(device)
    return 1000.0 * (time.perf_counter() - began) / times


def device_tests(device: str) -> None:
    """Those that solve and refine on this device and on NumPy; what is said is from where they had come to."""
    words = f"every_device and {device.partition(':')[0]}"
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-vv",
        "-p",
        "no:cacheprovider",
        "tests/core/test_devices.py",
        "-k",
        words,
    ]
    with tempfile.TemporaryFile("w+") as said:
        try:
            subprocess.run(command, cwd=ROOT, stdout=said, stderr=said, timeout=TEST_SECONDS)
            within = ""
        except subprocess.TimeoutExpired:
            within = f", not done within {TEST_SECONDS:.0f} s"
        said.seek(0)
        outcomes = Counter(re.findall(r"(PASSED|FAILED|SKIPPED|ERROR)\s+\[", said.read()))
    counts = ", ".join(f"{count} {outcome.lower()}" for outcome, count in outcomes.items())
    print(f"device tests: {counts or 'none'}{within}", flush=True)


def recorded_step(motion, body, device: Device, batch: int, times: int) -> None:
    """A step of a batch of frames, one kernel after the other, and recorded as one graph.

    Predicted and polished once: whether another step of the polish pays is asked of the card, which no graph can hold.
    """
    tracker, frames = tracker_of(body.keypoints(motion), motion, body, device), np.arange(1, batch + 1)
    state = tracker.state(Poses(exp_map(motion.poses[:batch]), motion.trans[:batch]))
    targets = tracker._targets(frames)

    def step() -> State:
        predicted, anchor = tracker.predictor.predict(tracker.model, state, targets)
        done = polish(tracker.model, predicted, targets, anchor, tracker.prior, steps=1, damping=tracker.damping)
        return done.state

    print(f"{batch} frames, a step: {timed(step, device, times):.2f} ms", end="", flush=True)
    if not is_card(device):
        print("; a graph needs CUDA")
        return
    eager, stream = step(), torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        reached = step()
    took = timed(graph.replay, device, 50)
    apart = 1000.0 * float((reached.keypoints - eager.keypoints).abs().max())
    print(f"; as a graph {took:.2f} ms, keypoints {apart:.4f} mm apart")


def many_takes(body, device: Device, takes: int, frames: int) -> None:
    """So many takes of one subject, each a row of one batch, frame by frame from their known first poses."""
    motions = [speed.made_up_motion(body, frames, seed) for seed in range(takes)]
    joined = lsmpl.Motion(
        np.concatenate([m.poses for m in motions]), np.concatenate([m.trans for m in motions]), body=body.key
    )
    tracker = tracker_of(body.keypoints(joined), joined, body, device)
    first = frames * np.arange(takes)
    path = first + np.arange(1, frames)[:, None]
    begun = tracker.state(Poses(exp_map(joined.poses[first]), joined.trans[first]))
    began, worst = time.perf_counter(), 0.0
    for _, _, residual in tracker.follow(begun, first, path):
        worst = max(worst, float(np.nanmax(residual)))
    rate = takes * (frames - 1) / (time.perf_counter() - began)
    print(f"{takes} takes of {frames} frames as one batch: {rate:,.0f} frames/s, worst {1000 * worst:.2f} mm")


def table(body, motion, device: Device, sizes: Sizes) -> None:
    speed.SINGLE, speed.REFINED = sizes.single, sizes.refined
    counts = f"{sizes.short} frames/s | {sizes.refined} refined, frames/s | {sizes.frames} frames/s"
    print(f"| device | one frame alone, ms | {counts} |\n|" + 5 * " --- |")
    track = body.keypoints(motion)
    for name in dict.fromkeys(("auto", "numpy", device)):
        one = speed.single_frame(body, motion, track, name)
        few = speed.whole_take(body, motion, track.frames(slice(0, sizes.short)), name)
        refined, many = (work(body, motion, track, name) for work in (speed.refined_take, speed.whole_take))
        called = name if isinstance(name, str) else name.device
        print(f"| {called} | {one:.2f} | {few:.0f} | {refined:.0f} | {many:.0f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=8.0)
    parser.add_argument("--mocap", type=Path)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "gpu")
    options = parser.parse_args()
    until = time.monotonic() + 60.0 * options.minutes
    faulthandler.dump_traceback_later(60.0 * options.minutes, exit=True)
    if options.device == "pretend":
        from pretend_device import PretendGpu

        with PretendGpu() as gpu:
            print("a rehearsal on a GPU that is pretended, torch", torch.__version__, flush=True)
            run(gpu.backend, PRETENDED, until)
        return
    card = is_card(options.device)
    print(torch.cuda.get_device_name() if card else "a rehearsal on the CPU", "torch", torch.__version__, flush=True)
    run(options.device, CARD if card else CPU, until)
    train(options, until)


def run(device: Device, sizes: Sizes, until: float) -> None:
    """All that is measured, each part as long as there is time until then."""
    body = lsmpl.load_body()
    motion = speed.made_up_motion(body, sizes.frames)
    parts: list[Callable[[], None]] = [
        *([lambda: device_tests(device)] if isinstance(device, str) else []),
        *(
            lambda batch=batch: recorded_step(motion, body, device, batch, min(20, sizes.single))
            for batch in sizes.batches
        ),
        *(lambda count=count: many_takes(body, device, count, sizes.take_frames) for count in sizes.takes),
        lambda: table(body, motion, device, sizes),
    ]
    for part in parts:
        if time.monotonic() > until - LEAST_SECONDS:
            break
        try:
            part()
        except Exception as error:  # the next part may say something, and the time is not to be had again
            print(f"failed: {type(error).__name__}: {error}", flush=True)


def train(options: argparse.Namespace, until: float) -> None:
    """From the network that there is, with what is left of the time but what it takes to read the motion."""
    left = (until - time.monotonic()) / 60.0
    if options.mocap and left > 2.0 * LOADING_MINUTES:
        words = [
            "--begin",
            str(NETWORK),
            *TRAINING.split(),
            "--minutes",
            f"{left - LOADING_MINUTES:.2f}",
            "--out",
            str(options.out),
        ]
        command = [sys.executable, "-m", "training.train", str(options.mocap), *words, "--device", options.device]
        with tempfile.TemporaryFile("w+") as said:
            try:
                subprocess.run(command, cwd=ROOT, stdout=said, stderr=said, timeout=60.0 * left - 5.0)
            except subprocess.TimeoutExpired:
                print("training: not done in time; it had said", flush=True)
            said.seek(0)
            print("training:", said.read().strip().splitlines()[-1:], flush=True)


if __name__ == "__main__":
    main()
