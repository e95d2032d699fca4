"""How well fingers are found: `python benchmarks/hands.py [--folder SAM_3D_BODY_FOLDER] [--motions MOTION ...]`.

Made-up hands on random bodies, for no recorded motion of free hands is at hand, which flatters: the
points are those of the body that is fitted. Fingers bend as hinges do, each joint by itself, a few
degrees out of their plane; the wrist's rotation that the solver is given is off by 6 degrees. With a
folder, besides, the files of SAM 3D Body in it, solved whole, of which nobody knows the truth; with motions of people,
what their bodies have of hands.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

import lsmpl_core as lsmpl
from lsmpl_core.body.fingers import HAND_JOINTS, WRISTS
from lsmpl_core.hands.solve_hands import HandPoses, solve_hands
from lsmpl_core.keypoints.hand_points import CHAINS, FINGERS, HandPoints
from lsmpl_core.metrics import MILLIMETRES
from lsmpl_core.rotation import angle_between, exp_map

FRAMES, FPS, BODIES = 120, 30.0, 6
ELBOWS, PROFIT_FRAMES = (18, 19), 80
PROFIT = (
    ("BODY_25, 10 mm of noise, hands 4 mm", 0.01, 0.004, "body_25"),
    ("MediaPipe-33, 10 mm of noise, hands 4 mm", 0.01, 0.004, "mediapipe_33"),
    ("BODY_25, exact", 0.0, 0.0, "body_25"),
)
PROFIT_ROWS = ("hands, degrees", "forearms, degrees", "wrists, mm", "elbows, mm", "surface, mm")
CASES = (
    ("exact", 0.0, 0.0),
    ("3 mm of noise", 0.003, 0.0),
    ("3 mm of noise, 20 % missing", 0.003, 0.2),
    ("8 mm of noise, 20 % missing", 0.008, 0.2),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, help="of SAM 3D Body's outputs, to be solved")
    parser.add_argument("--motions", type=Path, nargs="+", default=[], help="poses fitted to people, to be solved")
    options = parser.parse_args()
    folder = options.folder
    body = lsmpl.load_body()
    print("| points | joints' angles, degrees | tips, mm | wrists, degrees | ms a frame |")
    print("| --- | --- | --- | --- | --- |")
    for label, noise, missing in CASES:
        errors = [measured(body, noise, missing, seed) for seed in range(BODIES)]
        angle, tips, wrists, spent = np.mean(errors, axis=0)
        print(f"| {label} | {angle:.1f} | {tips:.1f} | {wrists:.1f} | {spent:.2f} |")
    print(f"\n{trembling(body):.2f} degrees a frame at rest, 3 mm of noise, cleaned up")
    if folder:
        for path in sorted(folder.glob("*.npz")):
            print(f"{path.name}: {missed(body, path):.1f} mm off the points of the fingers")
    for label, noise, of_hands, layout in PROFIT if options.motions else ():
        rows = np.mean([profit(body, path, noise, of_hands, layout) for path in options.motions], axis=0)
        print(f"\n{label}, without hands and with them")
        for what, *values in zip(PROFIT_ROWS, *rows):
            print(f"  {what}: {values[0]:.1f} {values[1]:.1f}")


def made_up(body: lsmpl.Body, seed: int) -> lsmpl.Motion:
    """Arms and fingers that move smoothly, on a random body."""
    rng = np.random.default_rng(seed)
    q = np.zeros((FRAMES, 2, 5, 3, 3))
    curl = smooth(rng, 0.0, 1.0, (2, 5, 1))
    q[..., 0] = np.radians([70.0, 80.0, 50.0]) * curl + smooth(rng, -0.15, 0.15, (2, 5, 3))
    q[..., 0, 1] = smooth(rng, -0.17, 0.17, (2, 5))
    q[:, :, FINGERS.index("thumb"), :, 0] *= 0.5
    q[..., 1:, 1:] += smooth(rng, -0.05, 0.05, (2, 5, 2, 2))
    axes = body.fingers.frames.reshape(2, 5, 3, 3, 3)
    poses = np.zeros((FRAMES, 24, 3))
    poses[:, [16, 17, 18, 19, 20, 21]] = smooth(rng, -0.6, 0.6, (6, 3))
    return lsmpl.Motion(
        poses,
        np.zeros((FRAMES, 3)),
        rng.normal(size=10),
        fps=FPS,
        body=body.key,
        fingers=body.fingers.angles_of(exp_map(np.einsum("hfkij,thfkj->thfki", axes, q))),
    )


def smooth(rng: np.random.Generator, low: float, high: float, shape: tuple) -> np.ndarray:
    """(FRAMES, *shape): from one random value to another within two thirds of a second."""
    keys = rng.uniform(low, high, (FRAMES // 20 + 2, *shape))
    at = np.linspace(0, len(keys) - 1, FRAMES)
    before = np.minimum(at.astype(int), len(keys) - 2)
    share = (at - before).reshape(-1, *[1] * len(shape))
    share = share * share * (3.0 - 2.0 * share)
    return (1.0 - share) * keys[before] + share * keys[before + 1]


def solved(body: lsmpl.Body, motion: lsmpl.Motion, noise: float, missing: float, seed: int) -> HandPoses:
    rng = np.random.default_rng(seed + 1000)
    points = body.hand_points(motion)
    points = HandPoints(
        points.positions + noise * rng.normal(size=points.positions.shape),
        points.confidence * (rng.random(points.confidence.shape) >= missing),
    )
    wrists = body.world(motion)[0][:, WRISTS] @ exp_map(0.06 * rng.normal(size=(2, 3)))
    rest = body.rest_joints(motion.betas)[list(WRISTS)]
    return solve_hands(points, body.fingers, motion.betas, wrists, rest, motion.fps)


def measured(body: lsmpl.Body, noise: float, missing: float, seed: int) -> tuple[float, ...]:
    """Mean error of the finger joints' angles (degrees), of the tips on wrists that are found (mm),
    of the wrists (degrees); and CPU milliseconds a frame, both hands."""
    motion = made_up(body, seed)
    began = time.process_time()
    found = solved(body, motion, noise, missing, seed)
    spent = (time.process_time() - began) / FRAMES
    truth = body.fingers.local_rotations(motion.fingers)
    fingers = body.fingers.local_rotations(found.fingers.reshape(FRAMES, 30, 3))
    world, joints = body.world(motion)
    rest = body.rest_joints(motion.betas)[list(WRISTS)]
    tips = body.fingers.positions(fingers, motion.betas, found.wrists, joints[:, list(WRISTS)], rest)[1]
    off = np.linalg.norm(tips - body.finger_positions(motion)[1], axis=-1)
    return (
        float(np.degrees(angle_between(fingers, truth)).mean()),
        float(off.mean()) * MILLIMETRES,
        float(np.degrees(angle_between(found.wrists, world[:, WRISTS])).mean()),
        1000.0 * spent,
    )


def trembling(body: lsmpl.Body) -> float:
    """Degrees that joints of still fingers turn by from frame to frame, mean."""
    motion = made_up(body, 0)
    still = np.repeat(motion.fingers[40:41], FRAMES, axis=0)
    motion = replace(motion, fingers=still)
    found = solved(body, motion, 0.003, 0.0, 0)
    motion = replace(motion, fingers=found.fingers.reshape(FRAMES, 30, 3))
    clean = exp_map(lsmpl.clean_up(motion, body, lock_feet=False, floor="keep").fingers)
    return float(np.degrees(angle_between(clean[1:], clean[:-1])).mean())


def profit(body: lsmpl.Body, path: Path, noise: float, of_hands: float, layout: str) -> list[list[float]]:
    """Of some frames of a motion, solved without and with made-up hands: what `PROFIT_ROWS` says, each."""
    rng = np.random.default_rng(0)
    motion = lsmpl.Motion.load(path)
    motion = motion.frames(slice(len(motion) // 3, len(motion) // 3 + PROFIT_FRAMES))
    poses = motion.poses.copy()
    poses[:, HAND_JOINTS] = 0.0
    fingers = made_up(body, 3).fingers[: len(motion)]
    motion = replace(motion, poses=poses, betas=0.5 * motion.betas, body=body.key, fingers=fingers)
    track = body.keypoints(motion, layout)
    positions = track.hands.positions + of_hands * rng.normal(size=track.hands.positions.shape)
    hands = HandPoints(positions, np.ones(positions.shape[:3]))
    track = replace(track, positions=track.positions + noise * rng.normal(size=track.positions.shape), hands=hands)
    world, joints = body.world(motion)
    skin = body.vertices(motion) - joints[:, :1]
    rows = []
    for given in ("off", "auto"):
        solved = lsmpl.solve(track, body, options=lsmpl.SolveOptions(hands=given))
        turned, found = body.world(solved)
        off = np.linalg.norm((found - found[:, :1]) - (joints - joints[:, :1]), axis=-1) * MILLIMETRES
        angles = np.degrees(angle_between(turned, world))
        surface = body.vertices(replace(solved, fingers=fingers, hand_size=1.0)) - found[:, :1]
        pve = np.linalg.norm(surface - skin, axis=-1).mean() * MILLIMETRES
        parts = [angles[:, WRISTS], angles[:, ELBOWS], off[:, WRISTS], off[:, ELBOWS]]
        rows.append([*(float(part.mean()) for part in parts), float(pve)])
    return rows


def missed(body: lsmpl.Body, path: Path) -> float:
    """Millimetres, mean over the points of the fingers."""
    track = lsmpl.read_keypoints(path)
    joints, tips, _ = body.finger_positions(lsmpl.solve(track, body))
    chains = np.concatenate([joints.reshape(-1, 2, 5, 3, 3), tips[:, :, :, None]], axis=3)
    return float(np.nanmean(np.linalg.norm(chains - track.hands.positions[:, :, CHAINS], axis=-1))) * MILLIMETRES


if __name__ == "__main__":
    main()
