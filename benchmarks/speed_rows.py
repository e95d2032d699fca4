"""What a user waits for, on one thread: takes as they are captured, with and without a BLAS and kernels.

    python benchmarks/speed_rows.py KEYPOINTS [--old CHECKOUT] [--rounds 1] [--only ROW ...]

KEYPOINTS holds captured takes (`opencap/walking2.trc` and so on); rows whose file is not there are left out. A row is
timed in a process of its own, contenders in turn, and the least of the rounds counts, in seconds of CPU (the work's,
whatever else the machine does); the row of two threads alone is by the clock, and wants a quiet machine. NumPy without
a BLAS is that of `tools/environments.py` (BLAS_FREE), or the Python that --blas-free names. --old: another checkout to
compare with, such as `git worktree add ../old c1de7c2`, which is 0.1.0. Kernels are those of `tools/kernels.py`. Python
has its bytecode at hand, as where a package was installed, or a Blender was started before. Ten
thousand frames are for kernels and BLAS alone, unless --long. All rows take seven minutes of a quiet machine.

SMPLify, which is timed here where torch and smplx are, gives the last column: how many times as long it would take for
the same frames, one after the other.
"""

from __future__ import annotations

import argparse
import importlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
SINGLE_FRAMES = 200
NOISE = 0.01
LONG = 10_000
FILES = {"pose2sim/Pose2Sim_markers.trc": 100, "opencap/walking2.trc": 136, "video/h36m17_dance.npy": 900}
"""Captured takes, from the file to cleaned motion, and their frames."""


@dataclass(frozen=True)
class Row:
    """Frames that it is of, and what times them, in seconds; to be called in the process that is timed."""

    frames: int
    seconds: Callable[[], float]


def rows(folder: Path) -> dict[str, Row]:
    """Each row by its name."""
    speed = importlib.import_module("speed")
    lsmpl = speed.lsmpl
    body = lsmpl.load_body()

    def timed(work: Callable[[], object]) -> float:
        began = time.process_time()
        work()
        return time.process_time() - began

    def made_up(frames: int, noise: float = 0.0, clock=time.process_time, **given) -> Row:
        def solve() -> float:
            motion = speed.made_up_motion(body, frames)
            track = body.keypoints(motion)
            off = np.random.default_rng(0).normal(0.0, noise or 1e-12, track.positions.shape)
            betas = {"betas": motion.betas} if given.get("known") else {}
            began = clock()
            lsmpl.solve(replace(track, positions=track.positions + off), body, **betas)
            return clock() - began

        return Row(frames, solve)

    def captured(name: str) -> float:
        return timed(lambda: lsmpl.clean_up(lsmpl.solve(lsmpl.read_keypoints(folder / name), body), body))

    def command(name: str) -> float:
        used = [0.0]
        with tempfile.TemporaryDirectory() as out:
            words = ["-m", "lsmpl_core", "convert", str(folder / name), "-o", str(Path(out, "out.npz"))]
            for _ in range(2):
                subprocess.run([sys.executable, *words], check=True, capture_output=True)
                times = os.times()
                used.append(times.children_user + times.children_system)
        return used[2] - used[1]

    def alone() -> float:
        motion = speed.made_up_motion(body, SINGLE_FRAMES + 50)
        track = body.keypoints(motion)
        frames = lambda: speed.single_frame(body, motion, track, "auto")  # noqa: E731
        return min(timed(frames) for _ in range(3)) / (speed.SINGLE + speed.WARM_UP)

    def refined() -> float:
        motion = speed.made_up_motion(body, speed.REFINED)
        track = body.keypoints(motion)
        return timed(lambda: speed.refined_take(body, motion, track, "auto"))

    first, *_ = FILES
    found = {name: frames for name, frames in FILES.items() if (folder / name).is_file()}
    return {
        "one frame alone": Row(1, alone),
        **{name: Row(frames, partial(captured, name)) for name, frames in found.items()},
        "600 frames, 10 mm noise, unknown betas": made_up(600, NOISE),
        "10,000 exact frames": made_up(LONG, known=True),
        TWO_THREADS: made_up(LONG, clock=time.perf_counter, known=True),
        "10,000 frames, 10 mm noise": made_up(LONG, NOISE, known=True),
        "2,000 frames refined": Row(2000, refined),
        **({f"lsmpl convert {Path(first).name}, process and all": Row(100, partial(command, first))} if found else {}),
    }


TWO_THREADS = "10,000 exact frames, two threads, by the clock"


@dataclass(frozen=True)
class Contender:
    name: str
    python: str
    checkout: Path
    kernels: bool

    @property
    def environment(self) -> dict[str, str]:
        one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        given = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        return {
            **given,
            **one,
            "LSMPL_KERNELS": str(int(self.kernels)),
            "LSMPL_CHECKOUT": str(self.checkout),
            "LSMPL_THREADS": "1",
            "PYTHONPATH": os.pathsep.join([str(self.checkout), str(ROOT / ".venvs" / "kernels-here")]),
            "PYTHONPYCACHEPREFIX": str(Path(tempfile.gettempdir(), "lsmpl-speed-bytecode")),
        }

    def prepare(self) -> None:
        """Has the bytecode made of what is timed."""
        command = [self.python, "-m", "compileall", "-q", str(self.checkout / "lsmpl_core")]
        subprocess.run(command, capture_output=True, env=self.environment)

    def seconds(self, row: str, folder: Path) -> float | None:
        """Of a row, None where it fails, such as for want of what an older checkout did not have yet."""
        environment = self.environment | ({"LSMPL_THREADS": "2"} if row == TWO_THREADS else {})
        command = [self.python, __file__, str(folder), "--row", row]
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        return float(done.stdout.split()[-1]) if done.returncode == 0 else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("keypoints", type=Path)
    parser.add_argument("--old", type=Path)
    parser.add_argument("--blas-free", default="", metavar="PYTHON")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--contender", action="append", default=[], metavar="WORD", help="of these columns only")
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--no-smplify", action="store_true")
    parser.add_argument("--row", help=argparse.SUPPRESS)
    options = parser.parse_args()
    sys.path[:0] = [os.environ.get("LSMPL_CHECKOUT", str(ROOT)), str(Path(__file__).parent)]
    if options.row:
        print(rows(options.keypoints)[options.row].seconds())
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
    contenders = [c for c in contenders if not options.contender or any(word in c.name for word in options.contender)]
    for contender in contenders:
        contender.prepare()
    smplify = None if options.no_smplify else seconds_of_smplify()
    names = " | ".join(contender.name for contender in contenders)
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; least CPU seconds of {options.rounds} rounds\n")
    best = next((i for i, c in enumerate(contenders) if c.name == "kernels, no BLAS"), -1)
    columns = " | ".join(f"{name} / {contenders[best].name}" for name in (contenders[0].name, "SMPLify"))
    print(f"| | {names} | {columns} |\n|{' --- |' * (len(contenders) + 3)}")
    for name, row in rows(options.keypoints).items():
        if options.only and not any(word in name for word in options.only):
            continue
        found: list[list[float]] = [[] for _ in contenders]
        for _ in range(options.rounds):
            for seconds, contender in zip(found, contenders):
                quick = row.frames < LONG or options.long or contender.kernels or "no BLAS" not in contender.name
                value = contender.seconds(name, options.keypoints) if quick else None
                seconds += [] if value is None else [value]
        least = [min(seconds) if seconds else float("nan") for seconds in found]
        ratios = least[0] / least[best], row.frames * (smplify or float("nan")) / least[best]
        cells = " | ".join([*map(shown, least), *("" if ratio != ratio else f"{ratio:,.1f}" for ratio in ratios)])
        print(f"| {name} | {cells} |", flush=True)


def shown(seconds: float) -> str:
    if seconds != seconds:
        return ""
    return f"{1000 * seconds:.2f} ms" if seconds < 0.05 else f"{seconds:.2f} s"


def seconds_of_smplify() -> float | None:
    """Of CPU that a frame takes SMPLify, None where it cannot run."""
    speed = importlib.import_module("speed")
    body = speed.lsmpl.load_body()
    motion = speed.made_up_motion(body, speed.SMPLIFY_FRAMES)
    try:
        importlib.import_module("torch").set_num_threads(1)
        began = time.process_time()
        speed.smplify_frame(body, motion, body.keypoints(motion), speed.SMPLIFY_FRAMES)
    except ImportError as error:
        print(f"no SMPLify: {error}")
        return None
    return (time.process_time() - began) / speed.SMPLIFY_FRAMES


if __name__ == "__main__":
    main()
