"""Whether two zips of LSMPL solve alike in a Blender, such as one with the compiled kernels and one without:

    python3 build.py build --kernels here --output with
    python3 build.py build --kernels none --output without
    BLENDERS_PYTHON benchmarks/zips_alike.py with/lsmpl-*.zip without/lsmpl-*.zip FILE...

BLENDERS_PYTHON is one that has Blender's `bpy` module. Each zip is installed into a profile of its own by a process of
its own, which solves and cleans the FILEs; printed are what *Check* says of the kernels, seconds of CPU, and how far
joints are apart at most.
"""

from __future__ import annotations

import argparse
import importlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

EXTENSION = "bl_ext.user_default.lsmpl"


def solve(zip_path: Path, out: Path, files: list[str]) -> None:
    """Joints of each file's motion into `out`, in the process of a Blender."""
    import bpy

    bpy.ops.extensions.package_install_files(filepath=str(zip_path), repo="user_default", enable_on_install=True)
    lsmpl = importlib.import_module(f"{EXTENSION}.lsmpl_core")
    library = importlib.import_module(f"{EXTENSION}.lsmpl_core.backends.kernel_library")
    devices = importlib.import_module(f"{EXTENSION}.lsmpl_core.backends.devices")
    print(f"\nBlender {bpy.app.version_string}, NumPy {np.__version__}, {zip_path.name}: {library.find_kernels().fact}")
    print("Check:", next(device.fact for device in devices.find_devices() if device.name == "numpy"))
    body, joints = lsmpl.load_body(), {}
    for file in files:
        began = time.process_time()
        motion = lsmpl.clean_up(lsmpl.solve(lsmpl.read_keypoints(file), body), body)
        joints[file] = body.joints(motion)
        print(f"{Path(file).name}, {len(motion)} frames: {time.process_time() - began:.2f} s of CPU", flush=True)
    np.savez(out, **joints)


def main() -> None:
    if sys.argv[1:2] == ["--solve"]:
        solve(Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4:])
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("zips", nargs=2, metavar="ZIP")
    parser.add_argument("files", nargs="+", metavar="FILE")
    options = parser.parse_args()
    zips, files, found = options.zips, options.files, []
    with tempfile.TemporaryDirectory() as folder:
        for number, zip_path in enumerate(zips):
            out, profile = Path(folder, f"{number}.npz"), Path(folder, f"profile{number}")
            profile.mkdir()
            environment = {**os.environ, "BLENDER_USER_RESOURCES": str(profile)}
            command = [sys.executable, __file__, "--solve", str(Path(zip_path).resolve()), str(out), *files]
            subprocess.run(command, check=True, env=environment)
            found.append(np.load(out, allow_pickle=False))
        print()
        for file in files:
            apart = np.linalg.norm(found[0][file] - found[1][file], axis=-1)
            print(f"{Path(file).name}: joints are {1000.0 * apart.max():.4f} mm apart at most")


if __name__ == "__main__":
    main()
