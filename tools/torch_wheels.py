"""torch and what it needs, as unmodified wheels for one platform and one Python, pinned by their
checksums.

Which wheels are meant stands in a lock file: `name==version --hash=sha256:...`, one line each, as
pip reads it. Where there is none yet, pip settles them once, on whichever machine, and the file is
written.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from .environments import SetupError, run_quietly, say
from .wheel_checks import NOT_SHIPPED, Wheel, check_complete, needs_of, read_wheel
from .wheel_targets import Target
from .zips import sha256

TORCH = {"linux-x64": "2.13.0", "windows-x64": "2.14.1", "macos-arm64": "2.13.0"}
"""The version that is settled on. 2.13.0 has licences in folders so deep that Blender cannot unpack
it on Windows."""

_LINE = re.compile(r"([A-Za-z0-9._-]+)==([A-Za-z0-9._+!-]+) --hash=sha256:([0-9a-f]{64})")
_FOR = "# For "
_MOST_ROUNDS = 30


def fetch_torch(source: str, target: Target, lock: Path, folder: Path) -> list[Path]:
    """The wheels that `lock` names, downloaded into `folder` and checked; `lock` is written where
    it is not there.

    source: a folder of wheels, the address of a package index, or "" for pip's own settings. Raises
    `SetupError`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not lock.exists():
        say(f"settling which wheels torch {TORCH[target.platform]} needs on {target}: {lock}")
        wheels = _settle(source, target, folder, f"=={TORCH[target.platform]}")
        check_complete(wheels, target)
        _write_lock(lock, target, wheels)
    pinned = read_lock(lock, target)
    found = {sha256(path): path for path in sorted(folder.glob("*.whl"))}
    if missing := [line for line, hash in pinned.items() if hash not in found]:
        say(f"downloading {len(missing)} wheels")
        with tempfile.TemporaryDirectory() as scratch:
            wanted = Path(scratch) / "wanted.txt"
            # three = leave nothing to interpretation: 2.13.0 would be 2.13.0+cpu, too
            lines = (
                f"{line.replace('==', '===')} --hash=sha256:{pinned[line]}\n" for line in missing
            )
            wanted.write_text("".join(lines), encoding="utf-8")
            new = _download(source, target, folder, "--require-hashes", "-r", str(wanted))
        found |= {sha256(path): path for path in new}
    if absent := [line for line, hash in pinned.items() if hash not in found]:
        raise SetupError(f"{lock} names wheels that were not found: {', '.join(absent)}")
    wheels = [read_wheel(found[hash], target) for hash in pinned.values()]
    for line, wheel in zip(pinned, wheels, strict=True):
        if line != _line(wheel):
            raise SetupError(f"{lock} has the checksum of {wheel.path.name} as that of {line}")
    check_complete(wheels, target)
    return [wheel.path for wheel in wheels]


def _settle(source: str, target: Target, folder: Path, version: str) -> list[Wheel]:
    """torch and what it needs, as pip finds each; what they need is read from them, until nothing
    is left to ask for.

    A project is asked for anew where others turn out to need another version of it.
    """
    wanted: dict[str, str] = {"torch": version}
    found: dict[str, tuple[str, Wheel]] = {}
    for _ in range(_MOST_ROUNDS):
        missing = [
            name for name in wanted if found.get(name, ("no version", None))[0] != wanted[name]
        ]
        if not missing:
            return [found[name][1] for name in wanted]
        for path in _download(source, target, folder, *(name + wanted[name] for name in missing)):
            wheel = read_wheel(path, target)
            found[wheel.name] = wanted[wheel.name], wheel
        wheels = {name: wheel for name, (_, wheel) in found.items()}
        versions = {"torch": SpecifierSet(version)}
        for _, need in needs_of(wheels, target, "torch"):
            name = canonicalize_name(need.name)
            versions[name] = versions.get(name, SpecifierSet()) & need.specifier
        wanted = {name: str(specifiers) for name, specifiers in versions.items()}
    raise SetupError(
        f"the versions that torch{version} needs on {target} cannot be settled: {wanted}"
    )


def read_lock(lock: Path, target: Target | None = None) -> dict[str, str]:
    """SHA-256 by `name==version`, names normalised. Raises `SetupError`, also where it is for
    another target."""
    pinned: dict[str, str] = {}
    for number, line in enumerate(lock.read_text(encoding="utf-8").splitlines(), 1):
        line = line.strip()
        if target and line.startswith(_FOR) and line != _heading(target):
            raise SetupError(
                f"{lock} is for {line.removeprefix(_FOR).rstrip('.')}, not for {target}"
            )
        if not line or line.startswith("#"):
            continue
        if not (words := _LINE.fullmatch(line)):
            raise SetupError(
                f"{lock}, line {number}: expected name==version --hash=sha256:..., "
                f"found {line[:80]}"
            )
        name = canonicalize_name(words[1])
        if name in NOT_SHIPPED or any(other.startswith(f"{name}==") for other in pinned):
            why = "is Blender's own" if name in NOT_SHIPPED else "is there already"
            raise SetupError(f"{lock}, line {number}: {name} {why}; delete the line")
        pinned[f"{name}=={words[2]}"] = words[3]
    if not any(line.startswith("torch==") for line in pinned):
        raise SetupError(f"{lock}: names no torch")
    return pinned


def _write_lock(lock: Path, target: Target, wheels: Iterable[Wheel]) -> None:
    lock.parent.mkdir(parents=True, exist_ok=True)
    lines = sorted(f"{_line(wheel)} --hash=sha256:{sha256(wheel.path)}\n" for wheel in wheels)
    heading = (
        f"{_heading(target)}\n"
        "# Written by `build.py build --torch`; delete it to settle the versions anew.\n"
    )
    scratch = lock.with_name(f".{lock.name}.part")
    scratch.write_text(heading + "".join(lines), encoding="utf-8", newline="\n")
    os.replace(scratch, lock)


def _heading(target: Target) -> str:
    return f"{_FOR}{target}."


def _line(wheel: Wheel) -> str:
    return f"{wheel.name}=={wheel.version}"


def _download(source: str, target: Target, folder: Path, *words: str) -> list[Path]:
    """What pip brings for these words, in `folder`."""
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        got, work = Path(scratch, "got"), Path(scratch, "work")
        work.mkdir()
        # some systems' own folder for temporary files lies in memory, which gigabytes would fill
        variables = _only(source) | {name: str(work) for name in ("TMPDIR", "TEMP", "TMP")}
        command = target.pip(
            "-qq", "--disable-pip-version-check", "--no-input", "download", "--dest", str(got)
        )
        shown = f"pip download {' '.join(words)}, for {target}"
        run_quietly([sys.executable, *command, *_where(source), *words], shown, **variables)
        paths = [folder / path.name for path in sorted(got.iterdir())]
        for path in paths:
            os.replace(got / path.name, path)
    return paths


def _where(source: str) -> tuple[str, ...]:
    if not source:
        return ()
    if os.path.isdir(source):
        return ("--no-index", "--find-links", source)
    if re.match(r"(https|file)://", source):
        return ("--index-url", source)
    raise SetupError(
        f"--torch {source}: neither a folder of wheels nor the address of a package index (https://...)"
    )


def _only(source: str) -> dict[str, str]:
    """Variables that keep pip from other places than the one that was given, whatever its
    configuration says.

    Empty ones would not do: pip passes over them, and takes the configuration's.
    """
    if not source:
        return {}
    if os.path.isdir(source):
        return {"PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": source}
    return {"PIP_EXTRA_INDEX_URL": source, "PIP_FIND_LINKS": os.devnull}
