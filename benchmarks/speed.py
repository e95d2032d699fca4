"""How fast the solver is: `python benchmarks/speed.py`, or inside a Blender that has the extension:

    blender -b -P benchmarks/speed.py

Times one frame alone, a short take, a long one and one that is refined, as `solve` and `refine` do it, on every device
that is there; outside Blender also as many takes at once as there are cores, each in a process of its own, and SMPLify
on the same machine, frame by frame and many frames as one batch. Made-up motion, BODY_25, exact keypoints. The BLAS
threads are whatever the environment says (OMP_NUM_THREADS). `--published CHECKPOINT` times Learnable SMPLify, too, on
torch's CPU.
"""

from __future__ import annotations

import argparse
import importlib
import multiprocessing
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np

FRAMES = 10_000
SHORT, REFINED = 300, 2000
SINGLE, WARM_UP = 200, 20
SMPLIFY_FRAMES = 20
SMPLIFY_BATCH = 64
SMPLIFY_ITERATIONS = 3000
"""For a batch, whose frames share one step size, to converge as far as single frames do in 200."""


def core():
    """The checkout's core, or LSMPL_CHECKOUT's; where that or what it needs is not there (inside Blender), the
    extension's."""
    sys.path.insert(0, os.environ.get("LSMPL_CHECKOUT") or str(Path(__file__).resolve().parents[1]))
    try:
        return importlib.import_module("lsmpl_core")
    except ImportError:
        return importlib.import_module("bl_ext.user_default.lsmpl.lsmpl_core")


lsmpl = core()


def module(name: str):
    return importlib.import_module(f"{lsmpl.__name__}.{name}")


def made_up_motion(body, frames: int, seed: int = 0):
    """Every body joint swinging on its own about the pose prior's mean."""
    mean, covariance = module("solver.prior").pose_statistics()
    rng = np.random.default_rng(seed)
    t = np.arange(frames)[:, None] / 30.0
    swing = np.sqrt(np.diag(covariance)) * np.sin(2.0 * np.pi * (rng.random(69) + rng.uniform(0.2, 1.0, 69) * t))
    root = module("rotation").log_map(module("rotation").exp_map(np.array([np.pi / 2, 0.0, 0.0])))
    poses = np.concatenate([np.tile(root, (frames, 1)), mean + swing], axis=1).reshape(frames, 24, 3)
    return lsmpl.Motion(poses, np.zeros((frames, 3)), body=body.key)


def devices() -> list[str]:
    found = ["numpy"]
    for name in ("cpu", "cuda", "mps"):
        try:
            module("backends.arrays").choose_backend(name)
            found.append(name)
        except module("errors").DeviceError:
            pass
    return found


def single_frame(body, motion, track, device: str, **options) -> float:
    """Milliseconds from one pose to the next."""
    options = lsmpl.SolveOptions(noise=0.0, **options)
    parts = module("body.sites").site_parts(body, track.layout.sites)
    backend = module("backends.arrays").choose_backend(device)
    problem = module("solver.problem").Problem.of(track, body, parts, motion.betas, backend, options)
    tracker = module("solver.tracking").Tracker.of(problem)
    begun = module("solver.poses").Poses(module("rotation").exp_map(motion.poses[:1]), motion.trans[:1])
    frames, state = [[frame] for frame in range(1, SINGLE + 1)], tracker.state(begun)
    for path in (frames[:WARM_UP], frames):  # kernels take many steps in one call
        began = time.perf_counter()
        for _ in tracker.follow(state, [0], path):
            pass
    return 1000.0 * (time.perf_counter() - began) / len(frames)


def whole_take(body, motion, track, device: str) -> float:
    """Frames a second of `solve` with the betas given: cold start, noise and all frames."""
    began = time.perf_counter()
    lsmpl.solve(track, body, betas=motion.betas, device=device)
    return len(track) / (time.perf_counter() - began)


def refined_take(body, motion, track, device: str) -> float:
    """Frames a second of `refine` from poses whose joints are each off by 4 degrees in the mean, with betas given."""
    some = motion.frames(slice(0, REFINED))
    rough = replace(some, poses=some.poses + 0.05 * np.random.default_rng(0).normal(size=some.poses.shape))
    began = time.perf_counter()
    lsmpl.refine_motion(track.frames(slice(0, REFINED)), body, rough, device=device)
    return REFINED / (time.perf_counter() - began)


def one_of_many(seed: int) -> None:
    body = lsmpl.load_body()
    motion = made_up_motion(body, FRAMES, seed)
    lsmpl.solve(body.keypoints(motion), body, betas=motion.betas)


def many_takes() -> tuple[int, float]:
    """How many takes at once, on NumPy, and their frames a second in all."""
    count = os.cpu_count() or 1
    with ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn")) as pool:
        list(pool.map(time.sleep, [0.5] * count))
        began = time.perf_counter()
        list(pool.map(one_of_many, range(count)))
    return count, count * FRAMES / (time.perf_counter() - began)


def smplify_frame(body, motion, track, frames: int, **options) -> tuple[float, float]:
    """Milliseconds a frame of the SMPLify baseline, and its keypoint error in mm."""
    from smplify import smplify

    short = track.frames(slice(0, frames))
    began = time.perf_counter()
    fitted = smplify(short, body, motion.betas, motion.poses[0], **options)[0]
    seconds = time.perf_counter() - began
    miss = body.keypoints(fitted, track.layout).positions - short.positions
    return 1000.0 * seconds / frames, 1000.0 * float(np.linalg.norm(miss, axis=-1).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--published", metavar="CHECKPOINT", help="best_ckpt.pth.tar of Learnable SMPLify")
    outside = lsmpl.__name__ == "lsmpl_core"
    published = parser.parse_args(None if outside else []).published  # Blender's own words are none of ours
    body = lsmpl.load_body()
    motion = made_up_motion(body, FRAMES)
    track = body.keypoints(motion)
    threads = os.environ.get("OMP_NUM_THREADS", "as many as the library likes")
    print(f"Python {sys.version.split()[0]}, NumPy {np.__version__}, BLAS threads: {threads}")
    single = batch = None
    if outside:
        single, miss = smplify_frame(body, motion, track, SMPLIFY_FRAMES)
        print(f"SMPLify: {single:.0f} ms a frame over {SMPLIFY_FRAMES} frames, keypoints met to {miss:.2f} mm")
        options = {"batch": SMPLIFY_BATCH, "max_iterations": SMPLIFY_ITERATIONS}
        batch, miss = smplify_frame(body, motion, track, SMPLIFY_BATCH, **options)
        print(f"SMPLify, {SMPLIFY_BATCH} frames as one batch: {batch:.0f} ms a frame, keypoints met to {miss:.2f} mm")
        count, rate = many_takes()
        print(f"{count} takes of {FRAMES:,} frames at once, a process each: {rate:.0f} frames/s in all")
    print(
        f"\n| device | one frame alone, ms | a take of {SHORT}, frames/s | {REFINED:,} refined, frames/s |"
        f" a take of {FRAMES:,}, frames/s | against SMPLify: frame by frame |",
        end="",
    )
    print(" take, SMPLify frame by frame | take, SMPLify in a batch |\n|" + 8 * " --- |")
    for device in devices():
        one, many = single_frame(body, motion, track, device), whole_take(body, motion, track, device)
        ratios = [single / one, single * many / 1000, batch * many / 1000] if outside else []
        cells = " | ".join(f"{ratio:,.0f}x" for ratio in ratios) or "| |"
        few = whole_take(body, motion, track.frames(slice(0, SHORT)), device)
        refined = refined_take(body, motion, track, device)
        print(f"| {device} | {one:.2f} | {few:.0f} | {refined:.0f} | {many:.0f} | {cells} |", flush=True)
    if outside and published:
        one = single_frame(body, motion, track, "cpu", solver="published", checkpoint=published)
        print(f"\nLearnable SMPLify as published, torch on the CPU: {one:.2f} ms a frame, one after the other")


if __name__ == "__main__":
    main()
