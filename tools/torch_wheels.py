"""torch and what it needs, as unmodified wheels for one platform and one Python, pinned by their checksums.

Which wheels are meant stands in a lock file: `name==version --hash=sha256:...`, one line each, as pip reads it. Where
there is none yet, pip settles them once and the file is written.
"""

from __future__ import annotations

import json
import os
import platform
import re
import sys
import tempfile
from pathlib import Path

from .environments import SetupError, run_pip, say
from .zips import sha256

TORCH = "2.13.0"

BLENDERS = {"3.11": ("4.2.0", "5.1.0"), "3.13": ("5.1.0", None)}
"""Blender's versions by their Python: the first that has it, and the first that has another (None: not out yet)."""

PLATFORMS = {
    "linux-x64": [*(f"manylinux_2_{minor}_x86_64" for minor in range(28, 4, -1)), "manylinux2014_x86_64"]
    + ["manylinux2010_x86_64", "manylinux1_x86_64", "linux_x86_64"],
    "windows-x64": ["win_amd64"],
    "macos-arm64": ["macosx_14_0_arm64"],
}
"""Blender's names of platforms, and the tags of the wheels that they can use."""

_LINE = re.compile(r"([A-Za-z0-9._-]+)==(\S+) --hash=sha256:([0-9a-f]{64})")


def this_platform() -> str:
    machine = {"amd64": "x64", "x86_64": "x64", "arm64": "arm64", "aarch64": "arm64"}.get(platform.machine().lower())
    system = {"linux": "linux", "win32": "windows", "darwin": "macos"}.get(sys.platform)
    return f"{system}-{machine}"


def fetch_torch(source: str, target_platform: str, python: str, lock: Path, folder: Path) -> list[Path]:
    """The wheels that `lock` names, downloaded into `folder` and checked; `lock` is written where it is not there.

    source: a folder of wheels, the address of a package index, or "" for pip's own settings. Raises `SetupError`.
    """
    if target_platform not in PLATFORMS or python not in BLENDERS:
        raise SetupError(f"torch zips are for {', '.join(PLATFORMS)} and Python {' or '.join(BLENDERS)}")
    if not lock.exists():
        if target_platform != this_platform():
            raise SetupError(
                f"{lock} is not there, and what torch needs on {target_platform} can only be settled on such a machine"
            )
        say(f"settling which wheels torch {TORCH} needs: {lock}")
        _write_lock(lock, _settle(source, target_platform, python))
    pinned = read_lock(lock)
    folder.mkdir(parents=True, exist_ok=True)
    missing = [line for line, hash in pinned.items() if hash not in {sha256(path) for path in folder.glob("*.whl")}]
    if missing:
        with tempfile.TemporaryDirectory() as scratch:
            wanted = Path(scratch) / "wanted.txt"
            wanted.write_text(
                "".join(f"{line.replace('==', '===')} --hash=sha256:{pinned[line]}\n" for line in missing)
            )
            words = ("download", "--require-hashes", "--no-deps", "--dest", str(folder), "-r", str(wanted))
            run_pip(sys.executable, *words, *_where(source), *_for(target_platform, python), **_only(source))
    found = {sha256(path): path for path in sorted(folder.glob("*.whl"))}
    if absent := [line for line, hash in pinned.items() if hash not in found]:
        raise SetupError(f"{lock} names wheels that were not found: {', '.join(absent)}")
    return [found[hash] for hash in pinned.values()]


def read_lock(lock: Path) -> dict[str, str]:
    """SHA-256 by `name==version`. Raises `SetupError`."""
    pinned = {}
    for number, line in enumerate(lock.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if not (words := _LINE.fullmatch(line.strip())):
            raise SetupError(f"{lock}, line {number}: expected name==version --hash=sha256:..., found {line[:80]}")
        pinned[f"{words[1]}=={words[2]}"] = words[3]
    if not any(line.startswith("torch==") for line in pinned):
        raise SetupError(f"{lock}: names no torch")
    return pinned


def _settle(source: str, target_platform: str, python: str) -> dict[str, str]:
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.json"
        words = ("install", "--dry-run", "--ignore-installed", "--report", str(report), "--target", scratch)
        words += (*_where(source), *_for(target_platform, python), f"torch=={TORCH}")
        run_pip(sys.executable, *words, **_only(source))
        installs = json.loads(report.read_text(encoding="utf-8"))["install"]
    pinned = {}
    for install in installs:
        facts = install["metadata"]
        if facts["name"].lower() == "numpy":  # Blender's own is meant; another one would break other add-ons
            continue
        pinned[f"{facts['name'].lower()}=={facts['version']}"] = install["download_info"]["archive_info"]["hashes"][
            "sha256"
        ]
    return pinned


def _write_lock(lock: Path, pinned: dict[str, str]) -> None:
    lock.parent.mkdir(parents=True, exist_ok=True)
    lines = sorted(f"{line} --hash=sha256:{hash}\n" for line, hash in pinned.items())
    lock.write_text("# Written by `build.py build --torch`; delete it to settle the versions anew.\n" + "".join(lines))


def _where(source: str) -> tuple[str, ...]:
    if not source:
        return ()
    if os.path.isdir(source):
        return ("--no-index", "--find-links", source)
    if re.match(r"(https|file)://", source):
        return ("--index-url", source)
    raise SetupError(f"--torch {source}: neither a folder of wheels nor the address of a package index (https://...)")


def _only(source: str) -> dict[str, str]:
    """Variables that keep pip from other places than the one that was given."""
    if not source:
        return {}
    elsewhere = {"PIP_FIND_LINKS": "", "PIP_EXTRA_INDEX_URL": ""}
    return elsewhere | {"PIP_CONFIG_FILE": os.devnull} if os.path.isdir(source) else elsewhere


def _for(target_platform: str, python: str) -> tuple[str, ...]:
    tags = (word for tag in PLATFORMS[target_platform] for word in ("--platform", tag))
    return ("--only-binary=:all:", "--python-version", python, "--implementation", "cp", *tags)
