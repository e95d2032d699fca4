"""How fast the solver is: `python benchmarks/speed.py`, or inside a Blender that has the extension:

    blender -b -P benchmarks/speed.py

Times one frame alone and a long take, network and polish as `solve` uses them, on every device that is there; outside
Blender also SMPLify on the same machine, frame by frame. One take of made-up motion, BODY_25, exact keypoints. The BLAS
threads are whatever the environment says (OMP_NUM_THREADS).
"""

from __future__ import annotations

import importlib
import os
import sys
import time
from pathlib import Path

import numpy as np

FRAMES = 2000
SINGLE = 200
SMPLIFY_FRAMES = 20


def core():
    """The checkout's core, or, where that or what it needs is not there (inside Blender), the extension's."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    try:
        return importlib.import_module("lsmpl_core")
    except ImportError:
        return importlib.import_module("bl_ext.user_default.lsmpl.lsmpl_core")


lsmpl = core()


def module(name: str):
    return importlib.import_module(f"{lsmpl.__name__}.{name}")


def made_up_motion(body, frames: int):
    """Every body joint swinging on its own about the pose prior's mean."""
    mean, covariance = module("prior").pose_statistics()
    rng = np.random.default_rng(0)
    t = np.arange(frames)[:, None] / 30.0
    swing = np.sqrt(np.diag(covariance)) * np.sin(2.0 * np.pi * (rng.random(69) + rng.uniform(0.2, 1.0, 69) * t))
    root = module("rotation").log_map(module("rotation").exp_map(np.array([np.pi / 2, 0.0, 0.0])))
    poses = np.concatenate([np.tile(root, (frames, 1)), mean + swing], axis=1).reshape(frames, 24, 3)
    return lsmpl.Motion(poses, np.zeros((frames, 3)), body=body.key)


def devices() -> list[str]:
    found = ["numpy"]
    for name in ("cpu", "cuda", "mps"):
        try:
            module("arrays").choose_backend(name)
            found.append(name)
        except module("errors").DeviceError:
            pass
    return found


def single_frame(body, motion, track, device: str) -> float:
    """Milliseconds from one pose to the next."""
    take_module = module("take")
    options = lsmpl.SolveOptions(noise=0.0)
    parts = module("sites").site_parts(body, track.layout.sites)
    backend = module("arrays").choose_backend(device)
    take = take_module.Take(track, body, parts, motion.betas, backend, options)
    rotations = backend.array(module("rotation").exp_map(motion.poses[:1]))
    trans = backend.array(motion.trans[:1])
    began = time.perf_counter()
    for frame in range(SINGLE):
        if frame == 20:
            began = time.perf_counter()
        state = take._step(rotations, trans, [frame])
        rotations, trans = state.rotations, state.trans
    backend.numpy(trans)
    return 1000.0 * (time.perf_counter() - began) / (SINGLE - 20)


def long_take(body, motion, track, device: str) -> float:
    """Frames a second of `solve` with the betas given: cold start, noise and all frames."""
    began = time.perf_counter()
    lsmpl.solve(track, body, betas=motion.betas, device=device)
    return len(track) / (time.perf_counter() - began)


def smplify_frame(body, motion, track) -> float:
    """Milliseconds a frame of the SMPLify baseline."""
    from smplify import smplify

    short = track.frames(slice(0, SMPLIFY_FRAMES))
    began = time.perf_counter()
    smplify(short, body, motion.betas, motion.poses[0])
    return 1000.0 * (time.perf_counter() - began) / SMPLIFY_FRAMES


def main() -> None:
    body = lsmpl.load_body()
    motion = made_up_motion(body, FRAMES)
    track = body.keypoints(motion)
    baseline = None
    if lsmpl.__name__ == "lsmpl_core":
        try:
            baseline = smplify_frame(body, motion, track)
        except ImportError as error:
            print(f"no SMPLify here: {error}")
    threads = os.environ.get("OMP_NUM_THREADS", "as many as the library likes")
    print(f"Python {sys.version.split()[0]}, NumPy {np.__version__}, BLAS threads: {threads}")
    if baseline:
        print(f"SMPLify: {baseline:.0f} ms a frame over {SMPLIFY_FRAMES} frames")
    print("\n| device | one frame alone, ms | a take of 2,000, frames/s | against SMPLify: one frame | take |")
    print("| --- | --- | --- | --- | --- |")
    for device in devices():
        one, many = single_frame(body, motion, track, device), long_take(body, motion, track, device)
        ratios = f"{baseline / one:.0f}x | {baseline * many / 1000:.0f}x" if baseline else "| "
        print(f"| {device} | {one:.2f} | {many:.0f} | {ratios} |", flush=True)


main()
