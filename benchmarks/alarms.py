"""Which takes that were read or captured wrongly are told, and which right ones are alarmed about.

    python benchmarks/alarms.py ../shared/smpl_motion ../shared/mocap [--takes N] [--offset N] [--layout NAME ...]

Keypoints of recorded motion, named as a file names them, are damaged in the ways of real files, read and solved. An
outcome is *refused* (an error that says why), *not trusted* (exit code 3), *doubted* (a decision that is shown as
doubtful, or doubtful frames in half of those that are wrong), *right* (every main joint within 5 cm of the truth on
average, whatever was mended) or **silent**: wrong, and nothing says so. What reading and solving decided of left and
right, gaps, order and the like is counted behind it, and so are doubtful frames of what is right.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import lsmpl_core as lsmpl
from lsmpl_core.doubtful import doubtful_stretches
from lsmpl_core.errors import LsmplError
from lsmpl_core.judgement import FEW, not_trusted
from lsmpl_core.readers.raw import RawTrack
from lsmpl_core.solver.start import rigid_alignment

USUAL = ("layout", "unit", "up", "fps", "person", "bones", FEW)
"""What is decided of every take, or is a doubt of its own."""
WRONG_M = 0.05
"""Metres by which a main joint is off on average, after the take as a whole was laid on the truth, from which on a
result is wrong; 0.1 in a single frame."""
WRONG_FRAME_M = 0.10
MAIN = (1, 2, 4, 5, 7, 8, 16, 17, 18, 19, 20, 21)
"""SMPL's hips, knees, ankles, shoulders, elbows and wrists."""
OTHER_SIDE = (1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10)
"""The same on the other side, by their places in `MAIN`."""
Damage = Callable[[np.ndarray, list[str], np.random.Generator, np.ndarray], RawTrack]


def exchanged(names: list[str], *pairs: tuple[str, str]) -> list[str]:
    other = {a: b for pair in pairs for a, b in (pair, pair[::-1])}
    return [other.get(name, name) for name in names]


def sides(names: list[str], *parts: str) -> list[str]:
    """Names with left and right exchanged, of all or of some parts."""
    wanted = lambda name: not parts or any(part in name for part in parts)  # noqa: E731
    flip = {"left": "right", "right": "left"}
    return [
        f"{flip[name.split('_')[0]]}_{name.split('_', 1)[1]}" if name.split("_")[0] in flip and wanted(name) else name
        for name in names
    ]


LEG = ("hip", "knee", "ankle", "toe", "heel", "foot")
ARM = ("shoulder", "elbow", "wrist", "hand", "knuckle")


def damages() -> dict[str, Damage]:
    def named(points, names, **more):
        return RawTrack(np.array(points), list(names), unit="m", **more)

    def bare(points, order=None, **more):
        return RawTrack(np.array(points if order is None else points[:, order]), None, **more)

    def frozen(points, name, names, first):
        points = points.copy()
        points[first:, names.index(name)] = points[first, names.index(name)]
        return points

    def shifted(points, names, parts, first, by=(0.0, 0.0, 0.2)):
        points = points.copy()
        points[first:, [k for k, name in enumerate(names) if name in parts]] += by
        return points

    def flips(points, names, rng, share):
        points = points.copy()
        rows = rng.random(len(points)) < share
        other = [names.index(name) for name in sides(names)]
        points[rows] = points[rows][:, other]
        return points

    def exchanged_in(points, names, first, last, *parts):
        points = points.copy()
        other = [names.index(name) for name in sides(names, *parts)]
        points[first:last] = points[first:last][:, other]
        return points

    def late(points, names, parts, frames):
        points, limb = points.copy(), left(names, parts)
        points[:, limb] = points[np.maximum(np.arange(len(points)) - frames, 0)][:, limb]
        return points

    def aside(points, names, parts, rng, by=0.2):
        points, way = points.copy(), rng.normal(size=3)
        points[:, left(names, parts)] += by * way / np.linalg.norm(way)
        return points

    def left(names, parts):
        return [k for k, name in enumerate(names) if name.startswith("left") and any(part in name for part in parts)]

    def larger(points):
        points, half = points.copy(), len(points) // 2
        points[half:] = 1.2 * points[half:] - 0.2 * points[half:].mean(axis=0)
        return points

    def other_in_second_half(points, other):
        points = points.copy()
        half = len(points) // 2
        points[half:] = other[half:] + (1.5, 0.5, 0.0)
        return points

    arm = ("left_elbow", "left_wrist")
    return {
        "as it is": lambda p, n, r, o: named(p, n),
        "as it is, no names": lambda p, n, r, o: bare(p),
        "one axis negated": lambda p, n, r, o: named(p * (-1, 1, 1), n),
        "one axis negated, no names": lambda p, n, r, o: bare(p * (-1, 1, 1)),
        "all sides exchanged": lambda p, n, r, o: named(p, sides(n)),
        "legs exchanged": lambda p, n, r, o: named(p, sides(n, *LEG)),
        "arms exchanged": lambda p, n, r, o: named(p, sides(n, *ARM)),
        "feet exchanged": lambda p, n, r, o: named(p, sides(n, "ankle", "toe", "heel")),
        "wrists exchanged": lambda p, n, r, o: named(p, sides(n, "wrist")),
        "wrists and ankles exchanged": lambda p, n, r, o: named(
            p, exchanged(n, ("left_wrist", "left_ankle"), ("right_wrist", "right_ankle"))
        ),
        "left wrist and elbow exchanged": lambda p, n, r, o: named(p, exchanged(n, ("left_wrist", "left_elbow"))),
        "left knee and ankle exchanged": lambda p, n, r, o: named(p, exchanged(n, ("left_knee", "left_ankle"))),
        "names shuffled": lambda p, n, r, o: named(p, list(r.permutation(n))),
        "rows shuffled, no names": lambda p, n, r, o: bare(p, r.permutation(len(n))),
        "read as Kinect's 25": lambda p, n, r, o: bare(p),
        "planar": lambda p, n, r, o: named(p * (1, 0, 1), n),
        "planar, 1 cm of depth": lambda p, n, r, o: named(
            p * (1, 0, 1) + r.normal(0, 0.01, (len(p), 1, 1)) * (0, 1, 0), n
        ),
        "depth halved": lambda p, n, r, o: named(p * (1, 0.5, 1), n),
        "lying, up not stated": lambda p, n, r, o: RawTrack(
            p @ np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]), list(n)
        ),
        "upside down": lambda p, n, r, o: named(p * (1, -1, -1), n),
        "stated m are cm": lambda p, n, r, o: named(100 * p, n),
        "another person from the middle on": lambda p, n, r, o: named(other_in_second_half(p, o), n),
        "every third frame flipped": lambda p, n, r, o: named(flips(p, n, r, 0.33), n),
        "left wrist frozen from the middle on": lambda p, n, r, o: named(frozen(p, "left_wrist", n, len(p) // 2), n),
        "left ankle frozen throughout": lambda p, n, r, o: named(frozen(p, "left_ankle", n, 0), n),
        "left forearm 20 cm up": lambda p, n, r, o: named(shifted(p, n, arm, 0), n),
        "left wrist 20 cm up": lambda p, n, r, o: named(shifted(p, n, arm[1:], 0), n),
        "left wrist 20 cm up in the second half": lambda p, n, r, o: named(shifted(p, n, arm[1:], len(p) // 2), n),
        "left leg 20 cm aside": lambda p, n, r, o: named(aside(p, n, LEG, r), n),
        "left arm 20 cm aside": lambda p, n, r, o: named(aside(p, n, ARM, r), n),
        "left leg 10 frames late": lambda p, n, r, o: named(late(p, n, LEG, 10), n),
        "left arm 10 frames late": lambda p, n, r, o: named(late(p, n, ARM, 10), n),
        "legs exchanged in 40 % at a time": lambda p, n, r, o: named(
            exchanged_in(p, n, len(p) // 3, len(p) // 3 + 2 * len(p) // 5, *LEG), n
        ),
        "all exchanged in 40 % at a time": lambda p, n, r, o: named(
            exchanged_in(p, n, len(p) // 3, len(p) // 3 + 2 * len(p) // 5), n
        ),
        "frames shuffled": lambda p, n, r, o: named(r.permutation(p), n),
        "a fifth larger from the middle on": lambda p, n, r, o: named(larger(p), n),
        "two arms alone": lambda p, n, r, o: named(
            p[:, [k for k, name in enumerate(n) if any(part in name for part in ARM)]],
            [name for name in n if any(part in name for part in ARM)],
        ),
        "left knee 20 cm aside": lambda p, n, r, o: named(shifted(p, n, ["left_knee"], 0, (0.2, 0, 0)), n),
    }


def apart(joints: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """(T,J) metres between joints and the truth's (T,J,3), the take as a whole laid on it."""
    joints, truth = joints - joints.mean((0, 1)), truth - truth.mean((0, 1))
    turn = rigid_alignment(joints.reshape(-1, 3), truth.reshape(-1, 3), np.ones(joints[..., 0].size))
    return np.linalg.norm(joints @ (np.eye(3) if turn is None else turn).T - truth, axis=2)


def written(raw: RawTrack) -> Path:
    """A table with names, or an array without, in the folder for such files."""
    folder = Path(tempfile.gettempdir())
    if raw.names is None:
        np.save(folder / "alarms.npy", raw.positions)
        return folder / "alarms.npy"
    header = ",".join(f"{name}_{axis}" for name in raw.names for axis in "xyz")
    np.savetxt(
        folder / "alarms.csv", raw.positions.reshape(len(raw.positions), -1), "%.6f", ",", header=header, comments=""
    )
    return folder / "alarms.csv"


def outcome(
    raw: RawTrack, layout: lsmpl.Layout | None, body: lsmpl.Body, truth: np.ndarray, jumps: bool = False
) -> tuple[str, str, list[str]]:
    """What came of a damaged take, why, and what was decided of it.

    jumps: what is wrong is that it goes on as another's, which one doubtful frame tells.
    """
    try:
        track = lsmpl.read_keypoints(written(raw), layout=layout, unit=raw.unit)
        motion = lsmpl.solve(track, body)
    except LsmplError as error:
        return "refused", str(error), []
    decisions = [one for one in (*track.decisions, *motion.decisions) if one.what not in USUAL]
    told = [f"{one.what}: {one.value}" if one.what == "mirrored" else one.what for one in decisions]
    solved = body.joints(motion)[:, MAIN]
    off = apart(solved, truth)
    if any((one.what, one.value) == ("mirrored", "mended") for one in track.decisions):
        # Whether names or axes were wrong no file tells: its mirror image is as right, in which left is right.
        image = truth[:, OTHER_SIDE] * (-1.0, 1.0, 1.0)
        off = min(off, apart(solved, image), key=lambda one: one.mean(axis=0).max())
    wrong = (off > WRONG_FRAME_M).any(axis=1)
    right = off.mean(axis=0).max() <= WRONG_M and wrong.mean() < 0.05
    worst, residual = 1000 * off.mean(axis=0).max(), 1000 * np.nanmedian(motion.frame_residual)
    how = f"worst joint {worst:.0f} mm, residual {residual:.0f} mm, {wrong.mean():.0%} wrong"
    marked = np.zeros(len(motion), dtype=bool)
    for stretch in doubtful_stretches(motion):
        marked[stretch.first : stretch.last + 1] = True
    if marked.any():
        told.append("doubtful frames")
    if why := not_trusted(motion):
        return "not trusted", f"{how}: {why}", told
    if right:
        return "right", how, told
    doubts = [one for one in decisions if one.doubtful]
    if doubts:
        return "doubted", f"{how}: {doubts[0]}", told
    if wrong.any() and (marked[wrong].mean() >= 0.5 or (jumps and marked.any())):
        return "doubted", f"{how}: doubtful frames", told
    return "silent", how, told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--takes", type=int, default=6, help="of each folder, evenly spread (default: 6)")
    parser.add_argument("--offset", type=int, default=0, help="which take of each folder is the first (default: 0)")
    parser.add_argument("--layout", nargs="+", default=["body_25"], help="taken in turn (default: body_25)")
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--noise", type=float, default=5.0, help="mm (default: 5)")
    parser.add_argument("--only", default="", help="a pattern in a damage's name")
    parser.add_argument("--verbose", action="store_true", help="why, take by take")
    arguments = parser.parse_args()
    body = lsmpl.load_body()
    takes = []
    for folder in arguments.folders:
        paths = sorted(folder.glob("*.npz"))
        some = np.linspace(0, len(paths) - 1, min(arguments.takes, len(paths))).astype(int) + arguments.offset
        for path in [paths[i % len(paths)] for i in some]:
            motion = replace(lsmpl.Motion.load(path), body=body.key)
            first = max(0, (len(motion) - arguments.frames) // 2)
            motion = motion.frames(slice(first, first + arguments.frames))
            rng = np.random.default_rng(len(takes))
            layout = lsmpl.get_layout(arguments.layout[len(takes) % len(arguments.layout)])
            points = body.keypoints(motion, layout).positions
            points = points + rng.normal(0.0, arguments.noise / 1000 / np.sqrt(3), points.shape)
            takes.append((path.stem, layout, motion, points, body.joints(motion)[:, MAIN]))

    for name, damage in damages().items():
        if not re.search(arguments.only, name):
            continue
        counts: Counter[str] = Counter()
        decided: Counter[str] = Counter()
        for i, (stem, layout, _, points, truth) in enumerate(takes):
            other = body.keypoints(takes[i - 1][2], layout).positions[np.arange(len(points)) % len(takes[i - 1][2])]
            try:
                raw = damage(points, list(layout.keypoints), np.random.default_rng(i), other)
            except ValueError:  # a layout without such keypoints
                continue
            result, why, told = outcome(
                raw, lsmpl.get_layout("kinect_25") if "Kinect" in name else None, body, truth, "another person" in name
            )
            counts[result] += 1
            decided.update(told)
            if arguments.verbose:
                print(f"    {name}, {stem}: {result}, {why[:200]}")
        found, said = (", ".join(f"{n} {what}" for what, n in c.most_common()) for c in (counts, decided))
        print(f"{name}: {found}{f' (told: {said})' if said else ''}", flush=True)


if __name__ == "__main__":
    main()
