"""How accurate each solver is on SMPL poses that others solved: `python benchmarks/real_poses.py [SMPL_MOTION_FOLDER]`.

The motion of `accuracy.py` was converted from skeletons whose elbows and knees are hinges and whose collars are welded,
and so was what the network learned from. These poses were fitted to videos and markers by other people's programs, so
they twist, and share turns among joints, as SMPL poses of people do. Exact BODY_25 keypoints of the open body:

* warm: the true betas and first pose are given; cold: neither is.
* refined: `refine_motion` of the truth itself, and of the truth with all joints turned at random, by the same turn
  throughout ("constant") or by one of which half of the variance changes within half a second ("changing").

Angles are of each joint's rotation against its parent's, in degrees, the mean over frames and both sides; PVE and
PA-PVE in mm. Rows are medians over takes. Half of the takes (`tuning_real_poses.txt`) are there to choose constants by.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from accuracy import perturbed
from validation import ROOT

import lsmpl_core as lsmpl
from lsmpl_core import metrics
from lsmpl_core.body.skeleton import JOINT_NAMES
from lsmpl_core.rotation import angle_between, exp_map, log_map
from lsmpl_core.solver import network
from training.split import listed

FOLDER = ROOT.parent / "shared" / "smpl_motion"
HALVES = ("held-out", "tuning", "all")
GROUPS = {
    "collars": "collar", "spine": "spine", "shoulders": "shoulder", "elbows": "elbow", "hips": "hip", "knees": "knee",
    "neck, head": "neck head", "ankles": "ankle", "wrists": "wrist", "pelvis": "pelvis",
}  # fmt: skip
"""Columns, and parts of the names of their joints."""
COLUMNS = ("PVE", "PA-PVE", *GROUPS, "four", "met")
"""`four`: the mean of shoulders, elbows, hips and knees. `met`: what is left between keypoints and sites, mean, mm."""
FOUR = [COLUMNS.index(name) for name in ("shoulders", "elbows", "hips", "knees")]
SURFACES = 10
"""Frames of a take of which surfaces are compared."""
DEGREES = 10.0


@dataclass(frozen=True)
class Take:
    """A published motion on the open body, and its keypoints."""

    name: str
    truth: lsmpl.Motion
    track: lsmpl.KeypointTrack

    @property
    def source(self) -> str:
        """Who solved it: what its name begins with."""
        return self.name.split("_")[0]


Method = Callable[[Take, lsmpl.Body], lsmpl.Motion]


def takes(folder: Path, body: lsmpl.Body, half: str, count: int, frames: int) -> list[Take]:
    """Up to `count` takes, of all sources in turn, each up to so many frames from its middle; 0 for all."""
    tuning = listed(Path(__file__).with_name("tuning_real_poses.txt"))
    by_source: dict[str, list[Path]] = {}
    for path in sorted(folder.glob("*.npz")):
        if half == "all" or (path.stem in tuning) == (half == "tuning"):
            by_source.setdefault(path.stem.split("_")[0], []).append(path)
    longest = max(map(len, by_source.values()), default=0)
    paths = [of_one[i] for i in range(longest) for of_one in by_source.values() if i < len(of_one)]
    found = []
    for path in paths[: count or None]:
        motion = replace(lsmpl.Motion.load(path), body=body.key)
        middle = max(0, (len(motion) - frames) // 2) if frames else 0
        motion = motion.frames(slice(middle, middle + frames if frames else len(motion)))
        found.append(Take(path.stem, motion, body.keypoints(motion, "body_25")))
    return found


def turned(motion: lsmpl.Motion, size: float, seed: int) -> lsmpl.Motion:
    """The motion with each joint turned by a rotation of its own, throughout; size: root mean square in radians."""
    turns = exp_map(size / np.sqrt(3.0) * np.random.default_rng(seed).normal(size=(24, 3)))
    return replace(motion, poses=log_map(exp_map(motion.poses) @ turns))


def solving(cold: bool = False, **options) -> Method:
    chosen = lsmpl.SolveOptions(**options)

    def method(take: Take, body: lsmpl.Body) -> lsmpl.Motion:
        given = {} if cold else {"betas": take.truth.betas, "start_pose": take.truth.poses[0]}
        return lsmpl.solve(take.track, body, **given, options=chosen)

    return method


def refining(estimate: Callable[[Take], lsmpl.Motion], **options) -> Method:
    chosen = lsmpl.SolveOptions(**options)
    return lambda take, body: lsmpl.refine_motion(take.track, body, estimate(take), options=chosen)


def smplify_solver(take: Take, body: lsmpl.Body, cold: bool) -> lsmpl.Motion:
    from smplify import smplify

    given = {} if cold else {"betas": take.truth.betas, "start_pose": take.truth.poses[0]}
    return smplify(take.track, body, **given)[0]


def seed_of(take: Take) -> int:
    """The same for a take whichever others are measured."""
    return sum(map(ord, take.name))


def methods(smplify: bool) -> dict[str, dict[str, Method]]:
    """By the title of a table, its rows."""
    constant = lambda take: turned(take.truth, np.radians(DEGREES), seed_of(take))  # noqa: E731
    changing = lambda take: perturbed(take.truth, np.radians(DEGREES), seed_of(take))  # noqa: E731
    tables: dict[str, dict[str, Method]] = {}
    for title, cold in (("warm: betas and first pose given", False), ("cold: neither given", True)):
        tables[title] = {
            "SMPLify": lambda take, body, cold=cold: smplify_solver(take, body, cold),
            "polish alone": solving(cold, solver="polish"),
            "network and polish": solving(cold),
        }
        if not smplify:
            del tables[title]["SMPLify"]
    for title, estimate in (
        ("refined, from the truth", lambda take: take.truth),
        (f"refined, {DEGREES:.0f} degrees off, constant", constant),
        (f"refined, {DEGREES:.0f} degrees off, half of it changing", changing),
    ):
        tables[title] = {
            "the estimate": lambda take, body, estimate=estimate: estimate(take),
            "polish alone": refining(estimate, solver="polish"),
            "network and polish": refining(estimate),
        }
    return tables


def errors(body: lsmpl.Body, take: Take, solved: lsmpl.Motion) -> np.ndarray:
    """(COLUMNS,)"""
    some = slice(None, None, max(1, len(take.truth) // SURFACES))
    a, b = take.truth.frames(some), solved.frames(some)
    angle = np.degrees(angle_between(exp_map(take.truth.poses), exp_map(solved.poses))).mean(axis=0)
    groups = [
        np.mean([angle[i] for i, name in enumerate(JOINT_NAMES) if any(part in name for part in parts.split())])
        for parts in GROUPS.values()
    ]
    miss = np.linalg.norm(body.keypoints(solved, take.track.layout).positions - take.track.positions, axis=-1)
    row = np.array([metrics.pve(body, a, b), metrics.pa_pve(body, a, b), *groups, 0.0, 1000.0 * miss.mean()])
    row[COLUMNS.index("four")] = row[FOUR].mean()
    return row


def print_tables(body: lsmpl.Body, chosen: list[Take], tables: dict[str, dict[str, Method]], each: bool) -> None:
    sources = sorted({take.source for take in chosen})
    for title, rows in tables.items():
        print(f"\n### {title}\n\n| | {' | '.join((*COLUMNS, 's'))} |\n|{' --- |' * (len(COLUMNS) + 2)}")
        for name, method in rows.items():
            began = time.perf_counter()
            found = np.array([errors(body, take, method(take, body)) for take in chosen])
            print(_line(name, np.median(found, axis=0)) + f" {time.perf_counter() - began:.0f} |", flush=True)
            if name == list(rows)[-1] and len(sources) > 1:
                for source in sources:
                    own = found[[take.source == source for take in chosen]]
                    print(_line(f"  {source} ({len(own)})", np.median(own, axis=0)) + " |")
            if each:
                for take, row in zip(chosen, found):
                    print(_line(f"  {take.name}", row) + " |", flush=True)


def _line(name: str, row: np.ndarray) -> str:
    return f"| {name} | {' | '.join(f'{value:.1f}' for value in row[:-1])} | {row[-1]:.2f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER, help="SMPL motion in the AMASS layout (.npz)")
    parser.add_argument("--half", choices=HALVES, default="held-out", help="of the takes (tuning_real_poses.txt)")
    parser.add_argument("--takes", type=int, default=0, help="how many; 0 for all")
    parser.add_argument("--frames", type=int, default=0, help="of each take, from its middle; 0 for all")
    parser.add_argument("--network", type=Path, help="a network file instead of the one that comes with LSMPL")
    parser.add_argument("--smplify", default="4x40", metavar="TAKESxFRAMES", help="0 leaves SMPLify out")
    parser.add_argument("--tables", nargs="+", default=[], metavar="WORD", help="only those whose titles have one")
    parser.add_argument("--each", action="store_true", help="print every take, too")
    arguments = parser.parse_args()
    if not any(arguments.folder.glob("*.npz")):
        print(f"{arguments.folder}: holds no SMPL motion (.npz), so there is nothing to measure on")
        sys.exit(2)
    if arguments.network:
        network.NETWORK_FILE = arguments.network
    body = lsmpl.load_body()

    def wanted(smplify: bool) -> dict[str, dict[str, Method]]:
        words = arguments.tables or [""]
        return {title: rows for title, rows in methods(smplify).items() if any(word in title for word in words)}

    chosen = takes(arguments.folder, body, arguments.half, arguments.takes, arguments.frames)
    print(f"{len(chosen)} takes ({arguments.half}), {sum(len(take.truth) for take in chosen)} frames. Exact BODY_25")
    print_tables(body, chosen, wanted(smplify=False), arguments.each)
    if arguments.smplify != "0":
        count, frames = map(int, arguments.smplify.split("x"))
        chosen = takes(arguments.folder, body, arguments.half, count, frames)
        print(f"\n## Beside SMPLify, on {len(chosen)} takes of {frames} frames at most")
        print_tables(body, chosen, {t: r for t, r in wanted(smplify=True).items() if "SMPLify" in r}, arguments.each)


if __name__ == "__main__":
    main()
