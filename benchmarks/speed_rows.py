"""What a user waits for, in CPU seconds on one thread: takes as they are captured, with and without a BLAS and kernels.

    python benchmarks/speed_rows.py KEYPOINTS [--old CHECKOUT] [--rounds 3] [--only ROW ...] [--smplify]

KEYPOINTS holds captured takes (`opencap/walking2.trc` and so on); rows whose file is not there are left out. A row is
timed in a process of its own, contenders in turn, and the least of the rounds counts: the work's, whatever else the
machine does. NumPy without a BLAS is that of `tools/environments.py` (BLAS_FREE), or the Python that --blas-free names.
--old: another checkout to compare with, such as `git worktree add ../old c1de7c2`, which is 0.1.0. Kernels are those of
`tools/kernels.py`. SMPLify needs torch and smplx where this script runs.
"""

from __future__ import annotations

import argparse
import importlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
SINGLE_FRAMES = 200
NOISE = 0.01


def rows(folder: Path) -> dict[str, Callable[[], float]]:
    """Of each row's name, what times it, in seconds; to be called in the process that is timed."""
    speed = importlib.import_module("speed")
    lsmpl = speed.lsmpl
    body = lsmpl.load_body()

    def timed(work: Callable[[], object]) -> float:
        began = time.process_time()
        work()
        return time.process_time() - began

    def made_up(frames: int, noise: float = 0.0, **given) -> Callable[[], float]:
        def solve() -> float:
            motion = speed.made_up_motion(body, frames)
            track = body.keypoints(motion)
            off = np.random.default_rng(0).normal(0.0, noise or 1e-12, track.positions.shape)
            betas = {"betas": motion.betas} if given.get("known") else {}
            return timed(lambda: lsmpl.solve(replace(track, positions=track.positions + off), body, **betas))

        return solve

    def captured(name: str) -> Callable[[], float]:
        return lambda: timed(lambda: lsmpl.clean_up(lsmpl.solve(lsmpl.read_keypoints(folder / name), body), body))

    def alone() -> float:
        motion = speed.made_up_motion(body, SINGLE_FRAMES + 50)
        track = body.keypoints(motion)
        frames = lambda: speed.single_frame(body, motion, track, "auto")  # noqa: E731
        return min(timed(frames) for _ in range(3)) / (speed.SINGLE + 19)

    def refined() -> float:
        motion = speed.made_up_motion(body, speed.REFINED)
        track = body.keypoints(motion)
        return timed(lambda: speed.refined_take(body, motion, track, "auto"))

    def file(name: str) -> dict[str, Callable[[], float]]:
        return {name: captured(name)} if (folder / name).is_file() else {}

    return {
        "one frame alone": alone,
        **file("pose2sim/Pose2Sim_markers.trc"),
        **file("opencap/walking2.trc"),
        **file("video/h36m17_dance.npy"),
        "600 frames, 10 mm noise, unknown betas": made_up(600, NOISE),
        "10,000 exact frames": made_up(10_000, known=True),
        "10,000 frames, 10 mm noise": made_up(10_000, NOISE, known=True),
        "2,000 frames refined": refined,
    }


@dataclass(frozen=True)
class Contender:
    name: str
    python: str
    checkout: Path
    kernels: bool

    def seconds(self, row: str, folder: Path) -> float | None:
        """Of a row, None where it fails, such as for want of what an older checkout did not have yet."""
        one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        environment = {
            **os.environ,
            **one,
            "LSMPL_KERNELS": str(int(self.kernels)),
            "LSMPL_CHECKOUT": str(self.checkout),
        }
        environment["PYTHONPATH"] = os.pathsep.join([str(self.checkout), str(ROOT / ".venvs" / "kernels-here")])
        command = [self.python, __file__, str(folder), "--row", row]
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        return float(done.stdout.split()[-1]) if done.returncode == 0 else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("keypoints", type=Path)
    parser.add_argument("--old", type=Path)
    parser.add_argument("--blas-free", default="", metavar="PYTHON")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--smplify", action="store_true")
    parser.add_argument("--row", help=argparse.SUPPRESS)
    options = parser.parse_args()
    sys.path[:0] = [os.environ.get("LSMPL_CHECKOUT", str(ROOT)), str(Path(__file__).parent)]
    if options.row:
        print(rows(options.keypoints)[options.row]())
        return

    sys.path.insert(0, str(ROOT))
    from tools.environments import BLAS_FREE

    free = options.blas_free or str(BLAS_FREE.prepare())
    contenders = [
        *([Contender("before, no BLAS", free, options.old, False)] if options.old else []),
        Contender("NumPy, no BLAS", free, ROOT, False),
        Contender("NumPy, BLAS", sys.executable, ROOT, False),
        Contender("kernels, no BLAS", free, ROOT, True),
        Contender("kernels, BLAS", sys.executable, ROOT, True),
    ]
    names = " | ".join(contender.name for contender in contenders)
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; least CPU seconds of {options.rounds} rounds\n")
    print(f"| | {names} | first / kernels, no BLAS |\n|{' --- |' * (len(contenders) + 2)}")
    for row in rows(options.keypoints):
        if options.only and not any(word in row for word in options.only):
            continue
        found: list[list[float]] = [[] for _ in contenders]
        for _ in range(options.rounds):
            for seconds, contender in zip(found, contenders):
                value = contender.seconds(row, options.keypoints)
                seconds += [] if value is None else [value]
        least = [min(seconds) if seconds else float("nan") for seconds in found]
        cells = " | ".join(f"{1000 * s:.2f} ms" if s < 0.05 else f"{s:.2f} s" for s in least)
        print(f"| {row} | {cells} | {least[0] / least[-2]:.1f} |", flush=True)
    if options.smplify:
        speed = importlib.import_module("speed")
        motion = speed.made_up_motion(speed.lsmpl.load_body(), speed.SMPLIFY_FRAMES)
        body = speed.lsmpl.load_body()
        milliseconds, _ = speed.smplify_frame(body, motion, body.keypoints(motion), speed.SMPLIFY_FRAMES)
        print(f"\nSMPLify: {milliseconds:.0f} ms a frame, by the clock")


if __name__ == "__main__":
    main()
