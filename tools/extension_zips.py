"""What is done with built zips: the official validator, a list of what they hold, and a repository
to update from."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import sys
import zipfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from . import environments, kernels
from .environments import SetupError
from .zips import licence_of_wheel, sha256

MOST_UNIVERSAL = 20_000_000
"""Bytes of a zip for every platform."""
_NVIDIA = re.compile(
    r"(^|/)(lib)?(cublas|cudart|cudnn|cufft|cufile|cupti|curand|cusolver|cusparse|nccl|nvjitlink|nvrtc|nvshmem)[^/.]*\.(so|dll)(\.|$)",
    re.IGNORECASE,
)
"""CUDA's libraries, which wheels for Windows have in them without naming NVIDIA's licence."""


def check(archives: Sequence[Path]) -> bool:
    """Print what each zip holds and whether Blender's validator, and we, accept it."""
    tool, good = find_blender_ext(), True
    for archive in archives:
        found = list_contents(archive)
        print(f"{archive}: {found['bytes'] / 1e6:.2f} MB, SHA-256 {found['sha256']}")
        for name, size in found["parts"].items():
            print(f"  {size / 1e6:9.3f} MB  {name}")
        for name, (size, licence) in found["wheels"].items():
            print(f"  {size / 1e6:9.3f} MB  {name}: {licence}")
        done = environments.run_captured([sys.executable, str(tool), "validate", str(archive)])
        faults = found["faults"] + (
            [] if done.returncode == 0 else (done.stdout + done.stderr).strip().splitlines()
        )
        for note in found["notes"]:
            print(f"  note: {note}")
        for fault in faults:
            print(f"  FAULT: {fault}")
        print("  refused" if faults else "  accepted by Blender's validator")
        good &= not faults
    return good


def list_contents(archive: Path) -> dict:
    """Sizes in bytes by folder, wheels with their licences, faults that forbid the zip, and notes
    on its use."""
    import tomllib

    faults, notes, wheels, nvidia = [], [], {}, []
    parts: Counter[str] = Counter()
    with zipfile.ZipFile(archive) as opened:
        manifest = tomllib.loads(opened.read("blender_manifest.toml").decode("utf-8"))
        for info in opened.infolist():
            folder, _, name = info.filename.rpartition("/")
            if folder != "wheels":
                parts[folder.split("/")[0] + "/" if folder else info.filename] += info.file_size
                continue
            with opened.open(info) as stream, zipfile.ZipFile(stream) as wheel:
                wheels[name] = info.file_size, licence_of_wheel(wheel)
                if "nvidia" in wheels[name][1].lower() or any(
                    map(_NVIDIA.search, wheel.namelist())
                ):
                    nvidia.append(name.partition("-")[0])
            pure = name.endswith("-none-any.whl")
            if (
                not pure
                and not manifest.get("platforms")
                and not name.startswith(f"{kernels.PACKAGE}-")
            ):
                faults.append(f"{name} is for one platform, but the manifest names none")
        if {f"./wheels/{name}" for name in wheels} != set(manifest.get("wheels", [])):
            faults.append("the wheels in the zip and in its manifest differ")
        if "LICENSE" not in parts:
            faults.append("the licence is missing")

    if nvidia:
        notes.append(
            "under NVIDIA's licence, for your own machines, "
            f"not to be passed on: {', '.join(nvidia)}"
        )

    size = archive.stat().st_size
    if not manifest.get("platforms") and size > MOST_UNIVERSAL:
        faults.append(
            f"{size / 1e6:.1f} MB are too much for "
            f"a zip for every platform ({MOST_UNIVERSAL / 1e6:.0f} MB)"
        )
    return {
        "bytes": size,
        "sha256": sha256(archive),
        "parts": dict(parts),
        "wheels": wheels,
        "faults": faults,
        "notes": notes,
    }


def make_repository(archives: Sequence[Path], folder: Path) -> Path:
    """A static extension repository: `folder` may be put on any web server, or be a folder that
    machines share.

    Returns the listing, whose address is what Blender is given. Zips that are there already stay in
    it.
    """
    tool = find_blender_ext()
    folder.mkdir(parents=True, exist_ok=True)
    for archive in archives:
        if archive.resolve().parent != folder.resolve():
            shutil.copyfile(archive, folder / archive.name)
    done = environments.run_captured(
        [sys.executable, str(tool), "server-generate", "--repo-dir", str(folder)]
    )
    listing = folder / "index.json"
    said = (done.stdout + done.stderr).strip()
    if done.returncode or not listing.is_file():
        raise SetupError(f"Blender's server-generate failed: {said}")
    entries = json.loads(listing.read_text(encoding="utf-8"))["data"]
    listed = {entry["archive_url"].removeprefix("./") for entry in entries}
    if missing := {path.name for path in folder.glob("*.zip")} - listed:
        raise SetupError(f"Blender's server-generate left out {', '.join(sorted(missing))}: {said}")
    return listing


def find_blender_ext() -> Path:
    """Blender's own command for extensions, which bpy carries, installed if need be. Raises
    `SetupError`."""
    for env in reversed(environments.BLENDERS):
        if (found := installed_blender_ext()) is None and env.find_python():
            env.prepare()
        if found := found or installed_blender_ext():
            return found
    raise SetupError(
        "needs the bpy module, which carries Blender's validator; no Python for it was found"
    )


def installed_blender_ext() -> Path | None:
    """The same where a bpy is installed already, in this Python or in the environments of the
    tests, or None."""
    spec = importlib.util.find_spec("bpy")
    folders = [Path(spec.origin).parent] if spec and spec.origin else []
    for env in reversed(environments.BLENDERS):
        folders += env.folder.glob("[Ll]ib/**/site-packages/bpy")
    tools = (
        tool
        for folder in folders
        for tool in sorted(folder.glob("*/scripts/addons_core/bl_pkg/cli/blender_ext.py"))
    )
    return next(tools, None)
