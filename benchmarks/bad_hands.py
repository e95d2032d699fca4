"""What bad hands do to a body: `python benchmarks/bad_hands.py FINGERS.npz MOTION ...`.

Of each motion some frames, with the fingers of another one, such as a signer's, become a file of BODY_25 and both hands
(8 and 4 mm of noise), the hands spoilt as detectors spoil them. Printed are means: how far off wrists are turned and
placed, and all joints placed.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

import lsmpl_core as lsmpl
from lsmpl_core.body.fingers import HAND_JOINTS, WRISTS
from lsmpl_core.metrics import MILLIMETRES
from lsmpl_core.rotation import angle_between

FRAMES, BODY_M, HANDS_M = 90, 0.008, 0.004


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("fingers", type=Path, help="a motion whose fingers the bodies get")
    parser.add_argument("motions", type=Path, nargs="+")
    options = parser.parse_args()
    body, fingers = lsmpl.load_body(), lsmpl.Motion.load(options.fingers).fingers
    found: dict[str, list] = {}
    with tempfile.TemporaryDirectory() as folder:
        for seed, path in enumerate(options.motions):
            for name, errors in errors_of(body, path, fingers, Path(folder) / "take.npy", seed):
                found.setdefault(name, []).append(errors)
    print("| the hands | wrists, degrees | wrists, mm | all joints, mm |\n| --- | --- | --- | --- |")
    for name, errors in found.items():
        print(f"| {name} | " + " | ".join(f"{value:.1f}" for value in np.mean(errors, axis=0)) + " |")


def errors_of(body: lsmpl.Body, path: Path, fingers: np.ndarray, file: Path, seed: int) -> Iterator:
    rng = np.random.default_rng(seed)
    motion = lsmpl.Motion.load(path)
    first = min(len(motion) // 3, max(len(motion) - FRAMES, 0))
    motion = motion.frames(slice(first, first + FRAMES))
    poses = motion.poses.copy()
    poses[:, HAND_JOINTS] = 0.0
    some = np.resize(np.arange(len(fingers)), len(motion))
    motion = replace(motion, poses=poses, betas=0.5 * motion.betas, body=body.key, fingers=fingers[some])
    track = body.keypoints(motion, "body_25")
    points = track.positions + BODY_M * rng.normal(size=track.positions.shape)
    hands = track.hands.positions + HANDS_M * rng.normal(size=track.hands.positions.shape)
    turned, joints = body.world(motion)
    for name, bad in spoilt(hands):
        np.save(file, np.concatenate([points, bad[:, 0], bad[:, 1]], axis=1))
        solved = lsmpl.solve(lsmpl.read_keypoints(file, fps=motion.fps, unit="m", up="z"), body)
        world, found = body.world(solved)
        off = np.linalg.norm(found - joints, axis=-1) * MILLIMETRES
        angle = np.degrees(angle_between(world[:, WRISTS], turned[:, WRISTS]))
        yield name, (angle.mean(), off[:, WRISTS].mean(), off[:, :22].mean())


def spoilt(hands: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Names, and hands (T,2,21,3) as detectors have them."""
    exchanged = hands[:, ::-1]
    elsewhere = exchanged - exchanged[:, :, :1] + hands[:, :, :1]
    both_left, nan, one = hands.copy(), hands.copy(), np.full_like(hands, np.nan)
    both_left[:, 1], nan[:, 0], one[len(one) // 2] = hands[:, 0], np.nan, hands[len(one) // 2]
    yield "none", np.full_like(hands, np.nan)
    yield "good ones", hands
    for how, bad in (("exchanged", exchanged), ("each at the other's wrist", elsewhere)):
        for when, frames in (
            ("throughout", slice(None)),
            ("in every other frame", slice(0, None, 2)),
            ("in two", [30, 60]),
        ):
            some = hands.copy()
            some[frames] = bad[frames]
            yield f"{how} {when}", some
    yield "both the left one", both_left
    yield "none but in one frame", one
    yield "left ones NaN", nan


if __name__ == "__main__":
    main()
