"""How long live posing takes an update, inside Blender: handles read, the frame solved, the character posed.

    python benchmarks/live.py [dist/lsmpl-0.1.0.zip]                    # Python with the bpy module
    blender -b --factory-startup -P benchmarks/live.py -- dist/lsmpl-0.1.0.zip

A hand is dragged by up to 60 cm in 200 updates, with the feet locked and without. What Blender itself does afterwards
(evaluating the scene, drawing) is not counted. CPU is the thread's own time, which other work on the machine changes
less than the clock's.
"""

import argparse
import importlib
import sys
import time
from pathlib import Path

import bpy
import numpy as np

UPDATES = 200


def extension(zip_path: Path):
    bpy.ops.extensions.package_install_files(filepath=str(zip_path), repo="user_default", enable_on_install=True)
    return lambda name: importlib.import_module(f"bl_ext.user_default.lsmpl.{name}")


def add_take(lsmpl, layout: str, frames: int):
    """Somebody who waves and turns, solved."""
    core, body = lsmpl("lsmpl_core"), lsmpl("lsmpl_core").load_body()
    t = np.arange(frames) / 30.0
    poses = np.zeros((frames, 24, 3))
    poses[:, 0] = (np.pi / 2, 0, 0)
    poses[:, 16, 2], poses[:, 17, 2] = -1.0 + 0.2 * np.sin(t), 1.0 + 0.2 * np.sin(t)
    motion = core.Motion(poses, np.tile([0.0, 0.0, 1.1], (frames, 1)), np.zeros(10), fps=30.0, body=body.key)
    track = body.keypoints(motion, layout)
    take = lsmpl("addon.importing.adding").add_take(bpy.context.scene, track, f"{layout} {frames}")
    few = core.solve(track.frames(slice(0, 60)), body, betas=motion.betas)
    motion.calibration = few.calibration
    motion.keypoint_names = track.layout.keypoints
    lsmpl("addon.solving.solve").keep(take, bpy.context.scene, motion, body)
    return take


def measure(lsmpl, take, locked: bool) -> tuple[np.ndarray, np.ndarray, float, float]:
    """Milliseconds of each update, on the CPU and by the clock, of keeping the pose, and of a change of frame."""
    live, watch, scene = lsmpl("addon.live.live"), lsmpl("addon.live.watch"), bpy.context.scene
    session, takes = lsmpl("addon.live.session"), lsmpl("addon.takes.take")
    bpy.context.view_layer.objects.active = take
    scene.frame_set(20)
    live.start(take, scene)
    if locked:
        live.set_state(scene, lsmpl("addon.live.operators").feet(take), takes.LOCKED)
    handle = session.handles_of(scene).objects[takes.layout_of(take).index("right_wrist")]
    at, taken = np.array(handle.location), []
    for share in np.linspace(0, 1, UPDATES):
        handle.location = at + share * np.array([0.3, -0.2, 0.5])
        began = time.thread_time(), time.perf_counter()
        watch._on_update(scene)
        taken.append((time.thread_time() - began[0], time.perf_counter() - began[1]))
        bpy.context.view_layer.update()
    began = time.perf_counter()
    live.settle(scene)
    kept = time.perf_counter() - began
    scene.frame_set(25)
    began = time.perf_counter()
    live.settle(scene)
    changed = time.perf_counter() - began
    live.stop(scene)
    cpu, clock = 1000 * np.array(taken[1:]).T
    return cpu, clock, 1000 * kept, 1000 * changed


def main(zip_path: Path) -> None:
    lsmpl = extension(zip_path)
    print(f"Blender {bpy.app.version_string}, NumPy {np.__version__}; milliseconds")
    print(f"{'take':22}{'feet':8}{'CPU':>8}{'95 %':>8}{'clock':>8}{'95 %':>8}{'keep':>8}{'frame':>8}")
    for layout, frames in (("body_25", 300), ("mediapipe_33", 300), ("body_25", 10000), ("mediapipe_33", 10000)):
        take = add_take(lsmpl, layout, frames)
        for locked in (False, True):
            cpu, clock, kept, changed = measure(lsmpl, take, locked)
            numbers = (*np.percentile(cpu, (50, 95)), *np.percentile(clock, (50, 95)), kept, changed)
            shown = "".join(f"{number:8.1f}" for number in numbers)
            print(f"{take.name:22}{'locked' if locked else 'free':8}{shown}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("zip", nargs="?", default="dist/lsmpl-0.1.0.zip", type=Path)
    words = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else None  # Blender's stand before
    main(parser.parse_args(words).zip.resolve())
