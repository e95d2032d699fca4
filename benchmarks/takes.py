"""How takes with the faults of real captures come out: `python benchmarks/takes.py MOCAP_FOLDER [KEYPOINT_FOLDER]`.

Validation subjects on random bodies (`validation.py`) with made-up faults (`faults.py`), solved with and without what
is there against them, cleaned up afterwards or not, and beside two baselines: a Butterworth filter on the keypoints
(second order, both ways, 6 Hz, gaps filled by monotone cubics, which do not overshoot) before a solve that takes each
frame as it comes; and SMPLify, on one kind of faults and shorter clips, for it takes about a second a frame. The first
pose is never given. Then every file below KEYPOINT_FOLDER: how far the body is from its keypoints, and what was decided
about them.

PVE in mm, weighted by area, pelvis on pelvis; acceleration error of 22 joints against the true motion, in mm/s²; feet:
mean speed in mm/s of the ankle and foot joints while the true ones are slower than 50 mm/s. But for the faults, the
keypoints are those of the body that is fitted: compare rows of one table only.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from faults import Faults, with_faults
from validation import HALVES, Clip, clips

import lsmpl_core as lsmpl
from lsmpl_core import metrics
from lsmpl_core.body.skeleton import JOINT_NAMES
from lsmpl_core.errors import LsmplError

Solver = Callable[[lsmpl.KeypointTrack, lsmpl.Body, np.ndarray | None], lsmpl.Motion]

CASES = {
    "exact": Faults(),
    "10 mm noise": Faults(noise=0.01),
    "10 mm noise, 20 % missing in bursts of 5 to 40 frames": Faults(noise=0.01, missing=0.2),
    "the same, whole limbs at once": Faults(noise=0.01, missing=0.2, limbs=True),
    "swapped sides in 10 % of the frames": Faults(swapped=0.1),
    "1 % spikes, 2 % frozen": Faults(spikes=0.01, frozen=0.02),
    "all at once": Faults(
        noise=0.005,
        wander=0.008,
        missing=0.1,
        limbs=True,
        swapped=0.05,
        spikes=0.005,
        frozen=0.01,
        scale=1.03,
        hips=0.03,
    ),
}
PLANTED = 0.05
"""Metres a second below which a foot is on the floor."""
FEET = [i for i, name in enumerate(JOINT_NAMES) if name.endswith(("ankle", "foot"))]
CUT_OFF = 6.0


def ours(**options) -> Solver:
    chosen = lsmpl.SolveOptions(**options)
    return lambda track, body, betas: lsmpl.solve(track, body, betas=betas, options=chosen)


def butterworth(track: lsmpl.KeypointTrack, body, betas) -> lsmpl.Motion:
    """Gaps filled by monotone cubics, each coordinate filtered forwards and backwards, then solved frame by frame."""
    from scipy.interpolate import PchipInterpolator
    from scipy.signal import butter, filtfilt

    b, a = butter(2, min(2.0 * CUT_OFF / track.fps, 0.99))
    positions, frames = track.positions.copy(), np.arange(len(track))
    for k in np.flatnonzero(track.visible.sum(axis=0) > 3):
        seen = track.visible[:, k]
        inside = slice(*(np.flatnonzero(seen)[[0, -1]] + [0, 1]))
        positions[inside, k] = PchipInterpolator(frames[seen], positions[seen, k])(frames[inside])
        if inside.stop - inside.start > 12:
            positions[inside, k] = filtfilt(b, a, positions[inside, k], axis=0)
    smooth = replace(track, positions=positions, confidence=np.isfinite(positions).all(axis=-1).astype(float))
    return ours(repair=False, optimise_sequence=False)(smooth, body, betas)


def smplify_solver(track, body, betas) -> lsmpl.Motion:
    from smplify import smplify

    return smplify(track, body, betas)[0]


SOLVERS: dict[str, Solver] = {
    "each frame as it comes": ours(repair=False, optimise_sequence=False),
    "Butterworth on the keypoints": butterworth,
    "mended": ours(optimise_sequence=False),
    "mended and coupled": ours(),
}


CLEANED = ("mended", "mended and coupled")
"""Of these, what clean-up with its defaults makes of them is a row, too."""


def errors(body: lsmpl.Body, truth: lsmpl.Motion, solved: lsmpl.Motion) -> list[float]:
    a, b = body.joints(truth), body.joints(solved)
    every = slice(None, None, max(1, len(truth) // 40))
    true_speed, speed = (np.linalg.norm(np.diff(j[:, FEET], axis=0), axis=-1) * truth.fps for j in (a, b))
    planted = true_speed < PLANTED
    return [
        metrics.pve(body, truth.frames(every), solved.frames(every)),
        metrics.pve(body, truth.frames(every), solved.frames(every), hands=False),
        metrics.acceleration_error(a[:, :22], b[:, :22], truth.fps),
        1000.0 * float(speed[planted].mean()) if planted.any() else float("nan"),
    ]


def table(
    body,
    folder: Path,
    solvers: dict[str, Solver],
    count: int,
    frames: int,
    cases: dict[str, Faults],
    half: str,
    betas: str,
):
    chosen = clips(folder, body, count, frames, half=half)
    names = ", ".join(clip.name for clip in chosen)
    print(f"\n## {len(chosen)} clips of {frames} frames ({half} of the validation subjects): {names}")
    for title, faults in cases.items():
        print(f"\n### {title}\n\n{faults}\n")
        print("| | betas | PVE | without hands | acceleration | feet | s |\n|" + " --- |" * 7)
        for name, solver in solvers.items():
            for known in {"both": (True, False), "known": (True,), "unknown": (False,)}[betas]:
                solved, began = [], time.perf_counter()
                for number, clip in enumerate(chosen):
                    track = with_faults(body.keypoints(clip.motion), faults, number).track
                    solved.append(solver(track, body, clip.motion.betas if known else None))
                line(name, known, body, chosen, solved, began)
                if name in CLEANED:
                    clean = [lsmpl.clean_up(motion, body) for motion in solved]
                    line(f"{name}, cleaned up", known, body, chosen, clean, began)


def line(name: str, known: bool, body: lsmpl.Body, chosen: list[Clip], solved: list[lsmpl.Motion], began: float):
    seconds = time.perf_counter() - began
    rows = [errors(body, clip.motion, motion) for clip, motion in zip(chosen, solved)]
    cells = " | ".join(f"{value:.1f}" for value in np.nanmean(rows, axis=0))
    print(f"| {name} | {'known' if known else 'unknown'} | {cells} | {seconds:.0f} |", flush=True)


def real_files(body: lsmpl.Body, folder: Path, mapping: Path) -> None:
    """A row for every file: what became of its keypoints in % of those that are ever seen, and residuals in mm."""
    columns = ("frames", "noise or error", "mean mm", "median", "95 %", "missing", "filled", "swapped", "rejected", "s")
    print(f"\n## Real files\n\n| file | {' | '.join(columns)} |\n|{' --- |' * (len(columns) + 1)}")
    for path in sorted(p for p in folder.rglob("*") if p.suffix in (".trc", ".c3d", ".npy", ".dat", ".csv", ".json")):
        given = {"layout": str(mapping)} if path.suffix == ".dat" else {}
        began = time.perf_counter()
        try:
            track = lsmpl.read_keypoints(path, **given)
            motion = lsmpl.solve(track, body)
        except LsmplError as error:
            print(f"| {path.relative_to(folder)} | | {str(error).split(': ', 1)[-1][:90]} |" + " |" * 8, flush=True)
            continue
        used = motion.residual[np.isfinite(motion.residual)] * 1000.0
        ever = track.visible.any(axis=0)
        share = [100.0 * (motion.condition[:, ever] == c).mean() for c in lsmpl.Condition if c != lsmpl.Condition.SEEN]
        cells = [used.mean(), np.median(used), np.percentile(used, 95), *share, time.perf_counter() - began]
        values = " | ".join(f"{value:.1f}" for value in cells)
        print(f"| {path.relative_to(folder)} | {len(track)} | {track.fps:g} Hz | {values} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="motion in the AMASS layout (.npz)")
    parser.add_argument("keypoints", type=Path, nargs="?", help="real keypoint files")
    parser.add_argument("--clips", type=int, default=8)
    parser.add_argument("--frames", type=int, default=120)
    parser.add_argument("--smplify", default="2x60", metavar="CLIPSxFRAMES", help="0 leaves SMPLify out")
    parser.add_argument("--half", choices=HALVES, default="report", help="of the validation subjects")
    parser.add_argument("--betas", choices=("known", "unknown", "both"), default="both")
    numbered = ", ".join(f"{number}: {title}" for number, title in enumerate(CASES))
    parser.add_argument(
        "--cases", type=int, nargs="+", choices=range(len(CASES)), help=f"default: all. {numbered}".replace("%", "%%")
    )
    arguments = parser.parse_args()
    cases = {
        title: CASES[title] for number, title in enumerate(CASES) if number in (arguments.cases or range(len(CASES)))
    }
    body = lsmpl.load_body()
    if arguments.clips:
        table(
            body, arguments.folder, SOLVERS, arguments.clips, arguments.frames, cases, arguments.half, arguments.betas
        )
    if arguments.smplify != "0":
        count, frames = map(int, arguments.smplify.split("x"))
        wanted = {name: CASES[name] for name in list(CASES)[2:3]}
        table(
            body,
            arguments.folder,
            SOLVERS | {"SMPLify": smplify_solver},
            count,
            frames,
            wanted,
            arguments.half,
            arguments.betas,
        )
    if arguments.keypoints:
        mapping = Path(__file__).resolve().parents[1] / "examples" / "twelve_joints_mapping.json"
        real_files(body, arguments.keypoints, mapping)


if __name__ == "__main__":
    main()
